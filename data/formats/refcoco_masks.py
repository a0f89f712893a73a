"""The masks of RefCOCO, RefCOCO+ and RefCOCOg: the rows of `refcoco.py` with their polygons.

The polygons of an annotation are joined as pycocotools fills them; refer itself adds them up, so
that where they overlap a pixel is 2.  An annotation is one object, and so is a crowd with its run
lengths.

Read in LISA (github.com/dvlab-research/LISA, commit 3cb2d43): utils/refer.py, which fills the masks
of our sample as we do, and utils/dataset.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from vlrl.data.formats import masks, refcoco
from vlrl.data.formats.rows import Fields, Row
from vlrl.rewards import mask

QUESTION = 'Which part of the picture is meant by "{}"?'


def bitmap(segmentation: Any, height: int, width: int) -> np.ndarray:
    """Bool (height, width) of polygons `[[x1, y1, ...], ...]`, run lengths or a list of them."""
    from pycocotools import mask as coco

    if isinstance(segmentation, dict):
        return mask.decode(segmentation)
    if isinstance(segmentation[0], dict):
        return np.logical_or.reduce([mask.decode(each) for each in segmentation])
    runs = coco.frPyObjects(segmentation, height, width)
    return coco.decode(coco.merge(runs)) > 0


def _read(row: Row) -> Fields:
    found = bitmap(row["segmentation"], row["height"], row["width"])
    return {
        "image": row["file_name"],
        "question": QUESTION.format(row["sent"]),
        "target": [masks.prompt(found)],
        "id": row["sent_id"],
        "meta": {"mask": mask.encode(found)},
    }


FORMAT = replace(
    refcoco.FORMAT,
    name="refcoco_masks",
    columns=("file_name", "width", "height", "segmentation", "sent", "sent_id"),
    read=_read,
    origin="dvlab-research/LISA, utils/refer.py, 3cb2d43",
)
