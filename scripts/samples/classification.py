"""Sample rows of the formats of classification: published layouts, pictures of our own."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

from vlrl.data.world import Scene, make_scene, render

SIDE_PX = 64
CLASSES = ("sphere", "cube", "cylinder")
ASKED = "What type of object is in the photo?\n Please choose one from list [ {}]."
NAMED = (
    "This is an image containing a solid. Please identify the species of the solid based on the "
    "image.\nOutput the thinking process in <think> </think> and final answer in <answer> "
    "</answer> tags."
)
FINDINGS = ("Effusion|Mass", "No Finding", "Pleural_Thickening", "Hernia")


def make(folder: Path) -> None:
    """Write one folder for each format."""
    for write in (cls_rl, cls_rl_prompts, visual_rft_classes, class_folders, chest_xray):
        write(folder / write.__name__)


def cls_rl(folder: Path) -> None:
    """One parquet file, as `Dataset.push_to_hub` leaves it in a repository."""
    rows = [
        {
            "image": {"bytes": picture(number), "path": None},
            "problem": ASKED.format(", ".join(CLASSES)),
            "solution": f"<answer>{shape(number)}</answer>",
        }
        for number in range(3)
    ]
    path = folder / "train-00000-of-00001.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    _table(rows).to_parquet(path)


def cls_rl_prompts(folder: Path) -> None:
    """A file of tests among the pictures; its split is a column."""
    rows = []
    for number in (3, 4):
        name = f"image_{number:05d}.jpg"
        _write(folder / name, picture(number))
        row = {"image": name, "label": shape(number), "split": "test"}
        rows.append({**row, "problem": ASKED.format(", ".join(reversed(CLASSES)))})
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    _write(folder / "OxfordFlowers_fewshot_test.jsonl", lines.encode())


def visual_rft_classes(folder: Path) -> None:
    """A `DatasetDict` as its notebook saves it, without names to choose from."""
    from datasets import DatasetDict

    rows = [
        {
            "image": {"bytes": picture(number), "path": None},
            "problem": NAMED,
            "solution": f"<answer>{shape(number)}</answer>",
        }
        for number in (0, 1)
    ]
    DatasetDict({"train": _table(rows)}).save_to_disk(folder)


def class_folders(folder: Path) -> None:
    """Two splits of folders by class."""
    for number in range(6):
        part = "train" if number < 4 else "test"
        name = f"{_scene(number).objects[0].size}_{shape(number)}"
        _write(folder / part / name / f"{number}.jpg", picture(number))


def chest_xray(folder: Path) -> None:
    """Four rows, of which the last is of the test part."""
    names = [f"{number + 1:08d}_000.png" for number in range(len(FINDINGS))]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("Image Index", "Finding Labels", "Follow-up #", "Patient ID", "View Position"))
    for number, (name, found) in enumerate(zip(names, FINDINGS, strict=True)):
        table.writerow((name, found, 0, number + 1, "PA"))
        place = folder / "images_001" / "images" / name
        _write(place, picture(number, mode="L", kind="PNG"))
    _write(folder / "Data_Entry_2017.csv", text.getvalue().encode())
    _write(folder / "train_val_list.txt", "\n".join(names[:-1]).encode())
    _write(folder / "test_list.txt", names[-1].encode())


def shape(number: int) -> str:
    return _scene(number).objects[0].shape


def picture(number: int, mode: str = "RGB", kind: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    image = Image.fromarray(render(_scene(number))).convert(mode)
    image.save(stream, kind, quality=70, optimize=True)
    return stream.getvalue()


def _scene(number: int) -> Scene:
    return make_scene(f"sample/classification/{number}", num_objects=1, side_px=SIDE_PX)


def _table(rows: list[dict[str, Any]]) -> Any:
    from datasets import Dataset, Features, Value
    from datasets import Image as ImageColumn

    columns = {"image": ImageColumn(), "problem": Value("string"), "solution": Value("string")}
    return Dataset.from_list(rows, features=Features(columns))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
