"""Sample rows of the formats of gui: published layouts, screens and commands of our own."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from vlrl.contracts import Sample
from vlrl.data.world.gui import defect_sample, point_sample, step_sample
from vlrl.media import load_image

ASKED = (
    "You are given two screenshots, before and after this action: [click on the switch {}]. Name "
    "the defect: Operation No Response, Virtual Keyboard Related Issue, Navigation Logic Error, "
    "Unexpected Task Result, or No Defect."
)
NO_TEXT = "no input text"
FIELDS = {"scroll": "direction", "input_text": "text"}  # of AndroidControl


def make(folder: Path) -> None:
    """Write one folder for each format."""
    for write in (screenspot, screenspot_pro, ui_r1, android_control, gui_r1, vlm_r1_gui):
        write(folder / write.__name__)


def screenspot(folder: Path) -> None:
    """Two commands for a phone and one for the web; boxes are a corner and a size."""
    for name, sources in (("mobile", ("ios", "android")), ("web", ("shop",))):
        rows = []
        for index, source in enumerate(sources):
            found = _points()[index + (name == "web") * 2]
            x1, y1, x2, y2 = found.target
            file = f"{name}_{index}.png"
            _write(folder / "screenspot_imgs" / file, _png(found))
            rows.append(
                {
                    "img_filename": file,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "instruction": _command(found),
                    "data_type": found.meta["subtask"],
                    "data_source": source,
                }
            )
        _json(folder / f"screenspot_{name}.json", rows)


def screenspot_pro(folder: Path) -> None:
    """One file for an application; boxes are two corners."""
    rows = []
    for index, found in enumerate(_points()[3:5]):
        file = f"tables_linux/screenshot_{index}.png"
        _write(folder / "images" / file, _png(found))
        rows.append(
            {
                "id": f"tables_linux_{index}",
                "img_filename": file,
                "bbox": found.target,
                "img_size": list(found.image_size or ()),
                "instruction": _command(found),
                "instruction_cn": "",
                "application": "tables",
                "platform": "linux",
                "group": "Office",
                "ui_type": found.meta["subtask"],
            }
        )
    _json(folder / "annotations" / "tables_linux.json", rows)


def ui_r1(folder: Path) -> None:
    """A click with its box, and actions of which only the type is said."""
    rows = []
    for index, action in enumerate(("click", "scroll", "navigate_back")):
        found = _step(action)
        _write(folder / "train_imgs" / f"{index}.png", _png(found))
        row = {"img_filename": f"{index}.png", "instruction": _command(found)}
        stated = {"bbox": found.target["box"]} if action == "click" else {"action": action}
        rows.append({**row, **stated})
    _json(folder / "train.json", rows)


def android_control(folder: Path) -> None:
    """Actions with what they need: `x, y`, `direction`, `text` or nothing."""
    rows = []
    for index, action in enumerate(("click", "scroll", "input_text", "navigate_back")):
        found = _step(action)
        file = f"episode_1-screenshot_{index}.png"
        _write(folder / "screenshots" / file, _png(found))
        stated: dict[str, Any] = {"action_type": action}
        if action == "click":
            x1, y1, x2, y2 = found.target["box"]
            stated |= {"x": (x1 + x2) // 2, "y": (y1 + y2) // 2}
        elif action in FIELDS:
            stated[FIELDS[action]] = found.target["text"]
        rows.append({"image": file, "gt": stated, "task": _command(found)})
    _json(folder / "ac_test.json", rows)


def gui_r1(folder: Path) -> None:
    """Shares of the picture: a box, a point, and places of actions that have none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    low = _points()[5]
    width, height = low.image_size or (1, 1)
    x1, y1, x2, y2 = low.target
    corners = [x1 / width, y1 / height, x2 / width, y2 / height]
    steps = [_step(action) for action in ("click", "scroll", "input_text", "complete")]
    left, top, right, bottom = steps[0].target["box"]
    middle = [(left + right) / 2 / width, (top + bottom) / 2 / height]
    cells: list[tuple[Sample, str, str, str, list[float], str]] = [
        (low, "None", "low", "click", corners, NO_TEXT),
        (steps[0], "Opened the app.", "high", "click", middle, NO_TEXT),
        (steps[1], "None", "high", "scroll", [0.5, 0.5], steps[1].target["text"].upper()),
        (steps[2], "None", "high", "type", [-100.0, -100.0], steps[2].target["text"]),
        (steps[3], "None", "high", "complete", [-100.0, -100.0], NO_TEXT),
    ]
    rows = [
        {
            "image": {"bytes": _png(found), "path": None},
            "instruction": _command(found),
            "history": history,
            "task_type": task_type,
            "gt_action": action,
            "gt_bbox": place,
            "gt_input_text": text,
            "group": "android",
            "ui_type": "text",
        }
        for found, history, task_type, action, place, text in cells
    ]
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "train.parquet")


def vlm_r1_gui(folder: Path) -> None:
    """Two screens each, before and after a tap."""
    rows = []
    for number, found in enumerate(_defects(), start=1):
        names = [f"step_{number}_{place}.png" for place in (0, 1)]
        for name, medium in zip(names, found.media, strict=True):
            _write(folder / name, _png(found.with_(media=(medium,))))
        switch = found.question.partition("the switch ")[2].partition(".")[0]
        asked = {"from": "human", "value": ASKED.format(switch)}
        talk = [asked, {"from": "gpt", "value": found.target}]
        rows.append({"id": number, "image": names, "conversations": talk})
    text = "".join(json.dumps(row) + "\n" for row in rows)
    _write(folder / "gui_multi-image.jsonl", text.encode())


@cache
def _points() -> list[Sample]:
    return [point_sample(f"samples/{index}", "points") for index in range(6)]


@cache
def _step(action: str) -> Sample:
    """The first step of the world that takes this action."""
    drawn = (step_sample(f"samples/{index}", "") for index in range(200))
    return next(found for found in drawn if found.target["action"] == action)


@cache
def _defects() -> list[Sample]:
    """One sample of each of the two classes that the published rows have, and one without."""
    wanted = ("Operation No Response", "Unexpected Task Result", "No Defect")
    drawn = [defect_sample(f"samples/{index}", "defects") for index in range(40)]
    return [next(found for found in drawn if found.target == each) for each in wanted]


def _command(found: Sample) -> str:
    return found.question.replace("Where is", "click").rstrip("?")


def _png(found: Sample) -> bytes:
    stream = io.BytesIO()
    picture = load_image(found.media[0]).quantize(16, method=Image.Quantize.FASTOCTREE)
    picture.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _json(path: Path, rows: object) -> None:
    _write(path, (json.dumps(rows) + "\n").encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
