"""Rows that Griffon's Vision-R1 trains on: detection, and phrases of which there may be several.

    image, problem, width, height, num_instances
    solution         '[["person", [x1, y1, x2, y2]], ...]', in pixels of width x height
    target_id_maps   '{"background": 0, "person": 1, ...}', all classes that are asked for

The problem is written anew: it is in one of three wordings, which there are rewritten, too.  Rows
with nothing to find, or with more than thirty objects, are left out there and read here.

Read in Griffon (github.com/jefferyZhan/Griffon, commit 9866875):
Vision-R1/vision_r1/visionr1_qwen.py.
"""

from __future__ import annotations

import json

from vlrl.data.formats import coco
from vlrl.data.formats.rows import Fields, Format, Row


def _read(row: Row) -> Fields:
    numbers = json.loads(row["target_id_maps"])
    objects = json.loads(row["solution"])
    return {
        "image": row["image"],
        "question": coco.question([name for name, number in numbers.items() if int(number)]),
        "target": [{"bbox_2d": bbox, "label": label} for label, bbox in objects],
        "meta": {"labels": True, "stated_size": (int(row["width"]), int(row["height"]))},
    }


FORMAT = Format(
    name="griffon",
    columns=("image", "solution", "width", "height", "num_instances", "target_id_maps"),
    read=_read,
    origin="jefferyZhan/Griffon, Vision-R1/vision_r1/visionr1_qwen.py, 9866875",
)
