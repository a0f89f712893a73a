"""TRANCE: a scene before and after one to four changes, as published and as Reason-RFT's rows.

    data.jsonl, image/                 one object a line; the parts are PARTS of the lines
        {"idx": 0, "states": [{"objects": [{"color", "material", "shape", "size", "position"}, ...],
                               "images": {"Camera_Center": "x.png"}}, ...],
         "transformations": [{"obj_idx": 2, "attr": "color", "val": "cyan", "options": ["cyan"]},
                             {"obj_idx": 2, "attr": "position", "val": ["behind", 2], ...}]}
    data.h5                            {train,val,test}/{data/IDX, image/NAME}: the same rows as
                                       JSON texts, pictures as arrays, written by preprocess.py
    train_jsons/*.json                 [{"id": "trance...", "image": ["a.png", "b.png"],
                                         "problem", "answer": "change_color(2, 'cyan'), ..."}, ...]

The first state is seen by `Camera_Center`; the last one by it, and outside of the training part by
`Camera_Left` and `Camera_Right` too, as in TRANCE's problem `view`: a sample each, with
`meta["view"]`.  As in Reason-RFT's program a move is its direction without the number of steps.
An object that leaves the picture may leave it in several ways (`options`): such rows are left out,
as are rows of Reason-RFT's other tasks.  Objects that no camera sees are listed with the others.

Loader-run: scripts/preprocess.py, which writes the second from the first, and src/dataset/trance.py
of TVR (github.com/hughplay/TVR, commit d6b94b3), with NumPy's old name for bool and stand-ins for
jsonlines and pytorch_lightning.  Loader-read: train/stage_rl/grpo.py and prompt.py of Reason-RFT
(github.com/tanhuajie/Reason-RFT, commit d0a8070).
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from vlrl.contracts import Source
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import Stored, choose_split, path_and_split, stored_rows
from vlrl.rewards import program

PARTS = {
    "train": range(500_000),
    "val": range(500_000, 510_000),
    "test": range(510_000, 530_000),
}
VIEWS = ("Camera_Center", "Camera_Left", "Camera_Right")
VALUES = {
    "change_size": ("small", "medium", "large"),
    "change_color": ("yellow", "gray", "cyan", "blue", "brown", "green", "red", "purple"),
    "change_material": ("glass", "metal", "rubber"),
    "change_shape": ("cube", "sphere", "cylinder"),
    "change_position": (
        *("front", "behind", "left", "right"),
        *("front_left", "front_right", "behind_left", "behind_right"),
    ),
}
QUESTION = (
    "Which changes lead from the first picture to the second? The objects in the first, as "
    "(number, shape, size, color, material): {}."
)


def _read(row: Row) -> Fields | None:
    changes = row["transformations"]
    if any(len({_value(each) for each in change["options"]}) > 1 for change in changes):
        return None
    shown = ("shape", "size", "color", "material")
    objects = enumerate(row["states"][0]["objects"])
    listed = (f"({index}, {', '.join(map(each.get, shown))})" for index, each in objects)
    return {
        "images": row["images"],
        "question": QUESTION.format(", ".join(listed)),
        "target": [
            [f"change_{each['attr']}", each["obj_idx"], _value(each["val"])] for each in changes
        ],
        "meta": {"values": VALUES, "view": row["view"], "id": row["idx"]},
    }


def _value(stated: Any) -> str:
    """`cyan`, and `front_left` of `["front-left", 2]`."""
    direction = stated if isinstance(stated, str) else stated[0]
    return direction.replace("-", "_")


def _h5_rows(path: Path, source: Source) -> Iterator[Stored] | None:
    file = path / "data.h5" if path.is_dir() else path
    return _in_h5(file, source) if file.suffix == ".h5" and file.is_file() else None


def _in_h5(file: Path, source: Source) -> Iterator[Stored]:
    import h5py

    with h5py.File(file) as parts:
        split = choose_split(list(parts), path_and_split(source.spec)[1], source)
        part: Any = parts[split]
        keys = sorted(part["data"], key=int)
    for number, key in enumerate(keys, start=1):
        for view in _views(split):
            cells = partial(_h5_cells, file, split, key, view)
            name = f"{file.name}:{split}/{key}/{view}"
            yield Stored.of(_attempt(cells), file=str(file), number=number, name=name, again=cells)


def _h5_cells(file: Path, split: str, key: str, view: str) -> Row:
    import h5py

    with h5py.File(file) as parts:
        part: Any = parts[split]
        row = json.loads(part["data"][key][()])
        pictures = [part["image"][name][..., :3] for name in _names(row, view)]
    return {**row, "view": view, "images": list(map(_bmp, pictures))}


def _bmp(pixels: Any) -> bytes:
    """The quickest to write, as every reading of the row does."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "BMP")
    return stream.getvalue()


def _jsonl_rows(path: Path, source: Source) -> Iterator[Stored] | None:
    file = path / "data.jsonl" if path.is_dir() else path
    if file.name != "data.jsonl" or not file.is_file():
        return None
    with file.open("rb") as lines:
        return _in_jsonl(file, source) if b'"transformations"' in lines.readline() else None


def _in_jsonl(file: Path, source: Source) -> Iterator[Stored]:
    split = choose_split(PARTS, path_and_split(source.spec)[1], source)
    for row in stored_rows(replace(source, spec=str(file))):
        if row.number - 1 not in PARTS[split]:
            continue
        for view in _views(split):
            cells = row.problem or _attempt(partial(_with_names, row.cells, view))
            yield Stored.of(
                cells,
                file=row.file,
                number=row.number,
                name=f"{row.name}/{view}",
                folder=row.folder,
            )


def _with_names(row: Row, view: str) -> Row:
    return {**row, "view": view, "images": _names(row, view)}


def _views(split: str) -> tuple[str, ...]:
    return VIEWS[:1] if split == "train" else VIEWS


def _names(row: Row, view: str) -> list[str]:
    first, last = row["states"][0], row["states"][-1]
    return [first["images"][VIEWS[0]], last["images"][view]]


def _attempt(read: Callable[[], Row]) -> Row | str:
    """The cells, or why they cannot be read."""
    try:
        return read()
    except (LookupError, OSError, TypeError, ValueError) as error:
        return f"it cannot be read ({type(error).__name__}: {error})"


def _read_reason_rft(row: Row) -> Fields | None:
    if program.parse(str(row["answer"])) is None and "trance" not in str(row["id"]):
        return None
    return {
        "images": row["image"],
        "question": row["problem"],
        "target": row["answer"],
        "reasoning": row.get("cot") or None,
        "meta": {"values": VALUES},
    }


H5 = Format(
    name="trance_h5",
    columns=("states", "transformations"),
    read=_read,
    rows=_h5_rows,
    proof="loader-run",
    origin="hughplay/TVR, src/dataset/trance.py, d6b94b3",
)
JSONL = Format(
    name="trance",
    columns=("states", "transformations"),
    read=_read,
    image_folders=("image", "."),
    rows=_jsonl_rows,
    proof="loader-run",
    origin="hughplay/TVR, scripts/preprocess.py, d6b94b3",
)
REASON_RFT = Format(
    name="reason_rft_transformation",
    columns=("id", "image", "problem", "answer"),
    read=_read_reason_rft,
    image_folders=(".", "..", "../images", "../train_images", "../test_images"),
    origin="tanhuajie/Reason-RFT, train/stage_rl/grpo.py, d0a8070",
)
