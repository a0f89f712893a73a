"""Sample rows of the formats of transformation: published layouts, pictures of our own.

The last row of TRANCE moves an object out of the picture, which several moves do.
"""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from PIL import Image

from vlrl.data.world import Scene, render
from vlrl.data.world import transformation as world

SIZE = (64, 48)  # of the pictures in px; TRANCE's are 320 x 240
NUM_COLOURS = 24  # of a picture, for small files
UNIT = 10 / world.STEP  # a step of TRANCE is 10 long
SCENES = (0, 11)  # with one change, and with two, one of them a move
ELEVATION = 0.67  # of the camera, radians
CAMERAS = {"Camera_Center": "front", "Camera_Left": "left", "Camera_Right": "right"}
OUT = {"obj_idx": 0, "attr": "position", "val": ["left", 2], "type": "out"}
OUT["options"] = [["left", 2], ["front-left", 2], ["behind-left", 2]]


def make(folder: Path) -> None:
    """Write one folder for each format."""
    for write in (trance, trance_h5, reason_rft_transformation):
        write(folder / write.__name__)


def trance(folder: Path) -> None:
    """Three rows, all of the training part."""
    for index in (0, 1):
        for name, png in pictures(index).items():
            _write(folder / "image" / name, png)
    rows = [_row(0), _row(1), {**_row(0), "idx": 2, "transformations": [OUT]}]
    _write(folder / "data.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())


def trance_h5(folder: Path) -> None:
    """A row of the training and one of the test part, as scripts/preprocess.py writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "data.h5", "w", libver="latest") as file:
        for index, split in enumerate(("train", "test")):
            part = file.create_group(split)
            part.create_group("data").create_dataset(str(index), data=json.dumps(_row(index)))
            images = part.create_group("image")
            for name, png in pictures(index).items():
                pixels = np.asarray(Image.open(io.BytesIO(png)))
                images.create_dataset(name, data=pixels, compression="gzip")
            keys = [str(index)]
            is_basic = len(_row(index)["transformations"]) == 1
            part.create_dataset("keys", data=str(keys))
            part.create_dataset("basic_keys", data=str(keys if is_basic else []))


def reason_rft_transformation(folder: Path) -> None:
    rows = []
    for index in (0, 1):
        names = [_name(index, 0, "Camera_Center"), _name(index, 1, "Camera_Center")]
        for name in names:
            _write(folder / "train_images" / name, pictures(index)[name])
        objects = enumerate(_row(index)["states"][0]["objects"])
        shown = ("shape", "size", "color", "material")
        listed = [(str(number), *map(each.get, shown)) for number, each in objects]
        answer = ", ".join(f"{name}({number}, '{value}')" for name, number, value in _calls(index))
        rows.append(
            {
                "id": f"trance-{index}",
                "image": names,
                "problem": f"The attributes of the initial objects: {listed}",
                "answer": answer,
                "cot": world.sample(f"sample/{SCENES[index]}", "").reasoning,
            }
        )
    file = folder / "train_jsons" / "A1-Spatial-Transformation-train-60k-cot.json"
    _write(file, (json.dumps(rows, indent=1) + "\n").encode())


@cache
def _change(index: int) -> world.Change:
    return world.change(f"sample/{SCENES[index]}", "")


def _calls(index: int) -> list[tuple[str, int, str]]:
    return [(name, int(number), value) for name, number, value in _change(index).calls]


def _row(index: int) -> dict[str, Any]:
    found = _change(index)
    first, last = (
        {
            "objects": [_described(each) for each in scene.objects],
            "images": {camera: _name(index, state, camera) for camera in cameras},
        }
        for state, (scene, cameras) in enumerate(
            ((found.first, ["Camera_Center"]), (found.last, list(CAMERAS)))
        )
    )
    return {
        "idx": index,
        "states": [first, last],
        "transformations": [_transformation(*call) for call in _calls(index)],
    }


def _transformation(name: str, number: int, value: str) -> dict[str, Any]:
    attribute = name.removeprefix("change_")
    stated = [value.replace("_", "-"), 1] if attribute == "position" else value
    kind = {"type": "inner"} if attribute == "position" else {}
    return {"obj_idx": number, "attr": attribute, "val": stated, "options": [stated], **kind}


def _described(thing: Any) -> dict[str, Any]:
    x, y, _ = thing.position
    return {
        "color": thing.colour,
        "material": thing.material,
        "shape": thing.shape,
        "size": thing.size,
        "position": [round(UNIT * y), round(UNIT * x)],
    }


def _name(index: int, state: int, camera: str) -> str:
    return f"TRANCE_{index:06d}-{('init', 'fin')[state]}.{camera[7]}.png"


@cache
def pictures(index: int) -> dict[str, bytes]:
    """The names of the pictures of a row, and what is in the files."""
    found = _change(index)
    shown: dict[str, Scene] = {_name(index, 0, "Camera_Center"): found.first}
    for camera, view in CAMERAS.items():
        seen = replace(found.last, camera=world.seen_from(view, ELEVATION))
        shown[_name(index, 1, camera)] = found.last if view == "front" else seen
    return {name: _png(scene) for name, scene in shown.items()}


def _png(scene: Scene) -> bytes:
    image = Image.fromarray(render(scene)).resize(SIZE).quantize(NUM_COLOURS).convert("RGB")
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
