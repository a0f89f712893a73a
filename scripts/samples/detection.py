"""Sample rows of the formats of detection: published layouts, pictures and words of our own."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from vlrl.data.world import Scene, make_scene, render

SIDE_PX, LEFT_PX = 112, 28  # of the scene, and of the margin that makes pictures wider than high
SIZE = (SIDE_PX + LEFT_PX, SIDE_PX)
SHAPES = ("sphere", "cube", "cylinder", "cone")  # the last is in no picture
IDS = {shape: number for number, shape in enumerate(SHAPES, start=1)}
PROMPT = (
    "Detect all objects belonging to the category '{0}' in the image, and provide the bounding "
    "boxes (between 0 and 1000, integer) and confidence (between 0 and 1, with two decimal places)."
    "\nIf no object belonging to the category '{0}' in the image, return 'No Objects'.\nOutput the "
    "thinking process in <think> </think> and final answer in <answer> </answer> tags."
)


def make(folder: Path) -> None:
    """Write one folder for each set; four of them share a format."""
    for write in (coco, lvis, d3, ovdeval, odinw, griffon, visual_rft):
        write(folder / write.__name__)


def coco(folder: Path) -> None:
    """A picture with a crowd among its classes, and one of which nothing is stated."""
    images = [_stored(folder / "val2017", number) for number in (0, 1, 2)]
    annotations = [each for number in (0, 1) for each in _annotations(number)]
    crowd = _annotations(1)[0]["category_id"]
    for each in annotations:
        each["iscrowd"] = int((each["image_id"], each["category_id"]) == (1, crowd))
    info = {"info": {"description": "our own"}, "licenses": []}
    table = {**info, "images": images, "annotations": annotations, "categories": _categories()}
    _json(folder / "annotations" / "instances_val2017.json", table)


def lvis(folder: Path) -> None:
    """Pictures by their address; one class that is not boxed completely."""
    images = []
    for number in (0, 1):
        image = _stored(folder / "val2017", number)
        image["coco_url"] = f"http://images.cocodataset.org/val2017/{image.pop('file_name')}"
        vague = _annotations(number)[0]["category_id"] if number else None
        lists = {"neg_category_ids": [4], "not_exhaustive_category_ids": [vague] if vague else []}
        images.append({**image, **lists})
    annotations = [each for number in (0, 1) for each in _annotations(number)]
    table = {"annotations": annotations, "images": images, "categories": _categories()}
    _json(folder / "lvis_v1_val.json", {"info": {"description": "our own"}, **table})


def d3(folder: Path) -> None:
    """The classes are descriptions; an object may fit several, and has an annotation of each."""
    words = {each: f"a {each} that is not a cone" for each in SHAPES[:3]}
    categories = [{"id": IDS[each], "name": text} for each, text in words.items()]
    categories.append({"id": 4, "name": "a solid"})
    annotations = [
        {**each, "id": 10 * each["id"] + more, "category_id": category}
        for each in _annotations(0)
        for more, category in enumerate((each["category_id"], 4))
    ]
    images = [_stored(folder / "d3_images", 0)]
    table = {"images": images, "annotations": annotations, "categories": categories}
    _json(folder / "d3_json" / "d3_full_annotations.json", table)


def ovdeval(folder: Path) -> None:
    """Right names and hard negatives, in a file for each part."""
    colours = sorted({thing.colour for thing in _scene(0).objects})
    names = [f"{colour} object" for colour in (*colours, "pink")]
    ids = {name: number for number, name in enumerate(names)}
    image = _stored(folder / "images" / "color", 0)
    texts = {"text": names[:-1], "neg_text": names[-1:]}
    annotations = [
        {**each, "category_id": ids[f"{thing.colour} object"]}
        for each, thing in zip(_annotations(0), _scene(0).objects, strict=True)
    ]
    categories = [{"supercategory": "object", "id": ids[name], "name": name} for name in names]
    table = {"categories": categories, "annotations": annotations, "images": [{**image, **texts}]}
    _json(folder / "annotations" / "color.json", table)


def odinw(folder: Path) -> None:
    from datasets import Dataset, Features, Value
    from datasets import Image as ImageColumn
    from datasets import Sequence as ListColumn

    rows = [
        {
            "image": {"bytes": picture(number), "path": None},
            "bboxes": [_corners(box) for box in boxes(number)],
            "labels": [thing.shape for thing in _scene(number).objects],
            "categories": list(SHAPES),
            "dataset_name": name,
        }
        for number, name in enumerate(("pothole", "Raccoon"))
    ]
    texts = ListColumn(Value("string"))
    columns = {"image": ImageColumn(), "bboxes": ListColumn(ListColumn(Value("float64")))}
    names = {"labels": texts, "categories": texts, "dataset_name": Value("string")}
    path = folder / "test-00000-of-00001.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    Dataset.from_list(rows, features=Features({**columns, **names})).to_parquet(path)


def griffon(folder: Path) -> None:
    """One row for each of the three wordings; the last finds nothing."""
    maps = {"background": 0, **IDS}
    asked = "Examine the image for any objects from the category set. Report the coordinates of "
    cases: tuple[tuple[str, dict[str, int], list[Any]], ...] = (
        (f"{asked}each detected object.", maps, _pairs(0)),
        (
            "Can you point out sphere in the image and provide the coordinates of its location?",
            {"background": 0, "sphere": 1},
            [pair for pair in _pairs(0) if pair[0] == "sphere"],
        ),
        (
            "Locate the exact position of cone in the picture, if you can.",
            {"background": 0, "cone": 1},
            [],
        ),
    )
    rows = [
        {
            "image": {"bytes": picture(0), "path": None},
            "problem": problem,
            "solution": json.dumps(objects),
            "width": SIZE[0],
            "height": SIZE[1],
            "num_instances": len(objects),
            "target_id_maps": json.dumps(numbers),
        }
        for problem, numbers, objects in cases
    ]
    path = folder / "train-00000-of-00001.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    _table(rows).to_parquet(path)


def visual_rft(folder: Path) -> None:
    """A `DatasetDict` as its notebook saves it; classes with objects, and one without."""
    from datasets import DatasetDict

    rows = []
    for shape in (_scene(0).objects[0].shape, "cone"):
        found = [_thousandths(box) for name, box in _pairs(0) if name == shape]
        listed = [{"Position": box, "Confidence": 1} for box in found]
        solution = f"<answer>{listed or 'No Objects'}</answer>"
        image = {"bytes": picture(0), "path": None}
        rows.append({"image": image, "problem": PROMPT.format(shape), "solution": solution})
    DatasetDict({"train": _table(rows)}).save_to_disk(folder)


@cache
def _scene(number: int) -> Scene:
    return make_scene(f"sample/detection/{number}", num_objects=4, side_px=SIDE_PX)


def picture(number: int) -> bytes:
    """A scene with a grey margin at its left."""
    image = Image.new("RGB", SIZE, (128, 128, 128))
    image.paste(Image.fromarray(render(_scene(number))), (LEFT_PX, 0))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=70, optimize=True)
    return stream.getvalue()


def boxes(number: int) -> list[list[float]]:
    """`[x, y, width, height]` of every object."""
    corners = (thing.box for thing in _scene(number).objects)
    return [[float(x1 + LEFT_PX), float(y1), x2 - x1, y2 - y1] for x1, y1, x2, y2 in corners]


def _corners(box: list[float]) -> list[float]:
    x, y, width, height = box
    return [x, y, x + width, y + height]


def _pairs(number: int) -> list[Any]:
    shapes = (thing.shape for thing in _scene(number).objects)
    return [[shape, _corners(box)] for shape, box in zip(shapes, boxes(number), strict=True)]


def _thousandths(box: list[float]) -> list[int]:
    return [int(1000 * at / side) for at, side in zip(box, SIZE * 2, strict=True)]


def _annotations(number: int) -> list[dict[str, Any]]:
    return [
        {
            "id": 10 * number + place,
            "image_id": number,
            "category_id": IDS[thing.shape],
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": 0,
            "segmentation": [],
        }
        for place, (thing, box) in enumerate(
            zip(_scene(number).objects, boxes(number), strict=True), start=1
        )
    ]


def _categories() -> list[dict[str, Any]]:
    return [{"id": number, "name": shape} for shape, number in IDS.items()]


def _stored(folder: Path, number: int) -> dict[str, Any]:
    """Write the picture; what a file says of it."""
    name = f"{number:012d}.jpg"
    _write(folder / name, picture(number))
    return {"id": number, "file_name": name, "width": SIZE[0], "height": SIZE[1]}


def _table(rows: list[dict[str, Any]]) -> Any:
    from datasets import Dataset, Features, Value
    from datasets import Image as ImageColumn

    kinds = {str: Value("string"), int: Value("int64"), dict: ImageColumn()}
    columns = {name: kinds[type(cell)] for name, cell in rows[0].items()}
    return Dataset.from_list(rows, features=Features(columns))


def _json(path: Path, table: object) -> None:
    _write(path, (json.dumps(table) + "\n").encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
