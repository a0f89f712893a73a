"""ReasonSeg: a folder of `name.jpg` and `name.json` pairs with polygons, and Seg-Zero's copy of it.

    {"shapes": [{"label": "target", "points": [[x, y], ...]}, ...], "text": ["...", ...],
     "is_sentence": true}

The polygons are painted from the largest to the smallest, edges included: "flag" is left out, a
label with "ignore" in it paints pixels that do not count, any other the target.  Coordinates lose
what is behind the point; of equally large polygons the first is painted last (in LISA it depends on
the machine).  Every polygon of the target of which something shows is an object.
Training reads all texts, evaluation the first, as LISA does.  `ReasonSeg/train`, `val` and `test`
are splits; the files are UTF-8 or cp1252.

Seg-Zero's `Ricky06662/ReasonSeg_val` and `_test` are tables `image, mask, text, image_id, ann_id,
img_height, img_width` with the mask as rows of booleans.  What is to be ignored is foreground in
them, so results on the two differ; parts that do not touch each other are objects.

Read in LISA (github.com/dvlab-research/LISA, commit 3cb2d43): utils/data_processing.py, which
paints our sample as we do, utils/dataset.py; in Seg-Zero (github.com/dvlab-research/Seg-Zero,
commit 42a3345): evaluation_scripts/create_reasonseg_hf.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vlrl.contracts import Source
from vlrl.data.formats import lisa, masks
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import Stored
from vlrl.media import ImageFile, image_size
from vlrl.rewards import mask

PHRASE = 'Which part of the picture is meant by "{}"?'
SENTENCE = 'Which part of the picture is the answer to this: "{}"?'


def rows(path: Path, source: Source) -> Iterator[Stored] | None:
    found = lisa.rows(path, source)
    if found is None:
        return None
    asked = found if source.role == "train" else (row for row in found if row.number == 1)
    return map(_placed, asked)


def _placed(row: Stored) -> Stored:
    """With the path of its picture, whose size is needed to paint."""
    if row.problem:
        return row
    return replace(row, cells={**row.cells, "image": str(row.folder / row.cells["image"])})


def paint(shapes: Sequence[Any], height: int, width: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """uint8 (height, width): 1 target, `mask.IGNORED`, 0; and the visible pixels of each target."""
    alone = [
        (_polygon(shape["points"], height, width), "ignore" in shape["label"].lower())
        for shape in reversed(shapes)
        if shape["label"].lower() != "flag"
    ]
    alone.sort(key=lambda pair: -int(pair[0].sum()))
    owner = np.full((height, width), -1)
    for index, (pixels, _) in enumerate(alone):
        owner[pixels] = index
    bitmap = np.zeros((height, width), np.uint8)
    targets = []
    for index, (_, is_ignored) in enumerate(alone):
        bitmap[owner == index] = mask.IGNORED if is_ignored else 1
        if not is_ignored and (owner == index).any():
            targets.append(owner == index)
    return bitmap, targets


def _polygon(points: Sequence[Sequence[float]], height: int, width: int) -> np.ndarray:
    import cv2

    bitmap = np.zeros((height, width), np.uint8)
    cv2.fillPoly(bitmap, [np.array(points, dtype=np.int32)], color=1)  # with its edges
    return bitmap > 0


def _read(row: Row) -> Fields:
    width, height = image_size(ImageFile(Path(row["image"])))
    bitmap, targets = paint(row["shapes"], height, width)
    if not targets:
        raise ValueError("no polygon of the target shows")
    question = SENTENCE if row["is_sentence"] else PHRASE
    return {
        "image": row["image"],
        "question": question.format(row["text"]),
        "target": [masks.prompt(each) for each in targets],
        "meta": {
            "mask": {"mask": mask.encode(bitmap == 1), "ignore": mask.encode(bitmap > 1)},
            "is_sentence": row["is_sentence"],
        },
    }


def _read_copy(row: Row) -> Fields:
    bitmap = np.array(row["mask"], bool)
    return {
        "image": row["image"],
        "question": PHRASE.format(row["text"]),
        "target": [masks.prompt(each) for each in masks.parts(bitmap)],
        "id": row["ann_id"],
        "meta": {"mask": mask.encode(bitmap)},
    }


FORMAT = Format(
    name="reasonseg",
    columns=("image", "shapes", "text", "is_sentence"),
    read=_read,
    rows=rows,
    proof="loader-run",
    origin="dvlab-research/LISA, utils/data_processing.py, 3cb2d43",
)
COPY = Format(
    name="seg_zero_reasonseg",
    columns=("image", "mask", "text", "ann_id"),
    read=_read_copy,
    origin="dvlab-research/Seg-Zero, evaluation_scripts/create_reasonseg_hf.py, 42a3345",
)
