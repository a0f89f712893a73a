"""COCO's instances and all that share their layout: LVIS, D3, OVDEval, ODinW as first published.

    annotations/instances_val2017.json, lvis_v1_val.json, d3_json/d3_full_annotations.json ...
        images       [{id, file_name, width, height, ...}, ...]
        annotations  [{image_id, category_id, bbox: [x, y, width, height], iscrowd, ...}, ...]
        categories   [{id, name}, ...]

| set | what its pictures state | where they lie |
|---|---|---|
| COCO | `file_name` | `../val2017/` ... |
| LVIS | `coco_url`, `neg_category_ids`, `not_exhaustive_category_ids` | `../val2017/` ... |
| D3 | `file_name` | `../d3_images/` |
| OVDEval | `file_name, text, neg_text` | `../images/color/` for `color.json` |
| ODinW | `file_name` | beside the file |

Every picture is one question: which objects are of these classes?  Asked for are the classes that
are there and, by the seed, as many that are not, at least one; in OVDEval `text` and `neg_text`.
What is not known is not asked: classes with a crowd in the picture, and in LVIS those that are not
boxed completely, or of which it is not known that they are absent.  D3's own protocol asks only for
the classes of the picture's group, which these files do not name.

Our samples are indexed by PythonAPI/pycocotools/coco.py (github.com/cocodataset/cocoapi, commit
8c9bcc3) and lvis/lvis.py (github.com/lvis-dataset/lvis-api, commit 7d7f07d), and scored by eval.py
(github.com/om-ai-lab/OVDEval, commit 2ba0aa9).  D3's scripts were read (github.com/shikras/d-cube,
commit 0da1221).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from random import Random
from typing import Any

from vlrl.contracts import Source
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import Stored, json_file

ENDS_BYTES = 2**20  # at either end of a file, in which its keys stand
KEYS = (b'"images"', b'"annotations"', b'"categories"')


def question(classes: Sequence[str]) -> str:
    these = "these classes" if len(classes) > 1 else "this class"
    return f"Find all objects of {these}: {'; '.join(classes)}."


def _rows(path: Path, source: Source) -> Iterator[Stored] | None:
    is_json = path.is_file() and path.suffix == ".json"
    return _pictures(path, source) if is_json and _has_keys(path) else None


def _has_keys(path: Path) -> bool:
    """Whether categories and, at an end of the file, pictures or annotations are in it."""
    with path.open("rb") as file:
        ends = file.read(ENDS_BYTES)
        file.seek(max(0, path.stat().st_size - ENDS_BYTES))
        ends += file.read()
    return sum(key in ends for key in KEYS) > 1 and KEYS[-1] in ends


def _pictures(path: Path, source: Source) -> Iterator[Stored]:
    found = json_file(path)
    if isinstance(found, str):
        yield Stored.of(found, file=str(path), number=1, name=path.name)
        return
    names = {each["id"]: each["name"] for each in found["categories"]}
    annotations: dict[Any, list[Row]] = defaultdict(list)
    for each in found["annotations"]:
        annotations[each["image_id"]].append(each)
    more = {"names": names, "seed": source.seed, "part": path.stem}
    for number, image in enumerate(found["images"], start=1):
        yield Stored.of(
            {**image, **more, "annotations": annotations[image["id"]]},
            file=str(path),
            number=number,
            name=f"{path.name}:{number}",
            folder=path.parent,
        )


def _read(row: Row) -> Fields | None:
    asked = _asked(row)
    if not asked:
        return None
    labelled = [(each["bbox"], row["names"][each["category_id"]]) for each in row["annotations"]]
    return {
        "image": _image(row),
        "question": question(asked),
        "target": [
            {"bbox_2d": _corners(bbox), "label": label}
            for bbox, label in labelled
            if label in asked
        ],
        "meta": {"labels": True, "stated_size": (row["width"], row["height"])},
    }


def _image(row: Row) -> str:
    if "text" in row:
        return f"{row['part']}/{row['file_name']}"
    return row.get("file_name") or "/".join(PurePosixPath(row["coco_url"]).parts[-2:])


def _corners(bbox: Sequence[float]) -> list[float]:
    x, y, width, height = bbox
    return [x, y, x + width, y + height]


def _asked(row: Row) -> list[str]:
    """The classes to ask for, in the order of the alphabet, which tells nothing."""
    if "text" in row:
        return sorted({*row["text"], *row["neg_text"]})
    there = {each["category_id"] for each in row["annotations"]}
    unknown = {each["category_id"] for each in row["annotations"] if each.get("iscrowd")}
    unknown.update(row.get("not_exhaustive_category_ids", ()))
    absent = {*row.get("neg_category_ids", row["names"])} - there
    rng = Random(f"{row['seed']}/{row['id']}")
    drawn = sorted(sorted(absent), key=lambda _: rng.random())[: max(1, len(there - unknown))]
    return sorted(row["names"][each] for each in {*(there - unknown), *drawn})


FORMAT = Format(
    name="coco",
    columns=("id", "width", "height", "annotations", "names"),
    read=_read,
    image_folders=(
        *(".", "..", "../train2017", "../val2017", "../train2014", "../val2014"),
        *("../images", "../coco", "../d3_images"),
    ),
    rows=_rows,
    proof="loader-run",
    origin="cocodataset/cocoapi, PythonAPI/pycocotools/coco.py, 8c9bcc3",
)
