"""Rows that Seg-Zero and VisionReasoner train on: `id, problem, solution, image` and two sizes.

    save_to_disk: a DatasetDict with `train`; also on the hub as Ricky06662/refCOCOg_9k_840 and
    VisionReasoner_multi_object_7k_840

    solution   VisionReasoner: '[{"bbox_2d": [x1, y1, x2, y2], "point_2d": [x, y]}, ...]'
               Seg-Zero: '<box>(x1,y1),(x2,y2)</box><points>(x,y),(x,y)</points>'
    image      squashed to 840 x 840 pixels, in which the coordinates are, too
    img_height, img_width   of the picture before

Boxes end at their last pixel.  Of Seg-Zero's two points the first counts, the centre of the largest
circle in the object.

Read in Seg-Zero (github.com/dvlab-research/Seg-Zero, commit 42a3345):
prepare_dataset/gen_training_dataset.py, whose output is read; verl/utils/rl_dataset.py;
verl/utils/reward_score/vision_reasoner.py and seg_restrict.py, which score our answers in full.
"""

from __future__ import annotations

import json
import re
from typing import Any

from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.rewards.box import SQUARE_PX

QUESTION = 'Find "{}" in the picture.'
_PAIR = r"\((\d+),(\d+)\)"
_SEG_ZERO = re.compile(rf"<box>{_PAIR},{_PAIR}</box><points>{_PAIR},{_PAIR}</points>")


def _read(row: Row) -> Fields:
    return {
        "image": row["image"],
        "question": QUESTION.format(row["problem"].strip().strip(".")),
        "target": _objects(row["solution"].strip()),
        "meta": {"frame": (SQUARE_PX, SQUARE_PX)},
    }


def _objects(solution: str) -> Any:
    match = _SEG_ZERO.fullmatch(solution)
    if match is None:
        return json.loads(solution)
    numbers = [int(each) for each in match.groups()]
    return [{"bbox_2d": numbers[:4], "point_2d": numbers[4:6]}]


FORMAT = Format(
    name="seg_zero",
    columns=("problem", "solution", "image", "img_height", "img_width"),
    read=_read,
    proof="loader-run",
    origin="dvlab-research/Seg-Zero, prepare_dataset/gen_training_dataset.py, 42a3345",
)
