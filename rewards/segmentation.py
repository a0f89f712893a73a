"""Segmentation prompts: boxes with points for a frozen segmenter, as Seg-Zero and VisionReasoner.

An object is `{"bbox_2d": [x1, y1, x2, y2], "point_2d": [x, y]}`; the segmenter that turns it into a
mask runs at evaluation only, so the reward compares boxes and points.  `[]` and `None` say that no
such object is in the image.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from vlrl.contracts import Frame, Sample, UnusableTarget, reward
from vlrl.rewards import box, point
from vlrl.rewards.detection import best_pairs
from vlrl.rewards.literals import parse_items
from vlrl.rewards.reader import read

Object = dict[str, Any]  # bbox_2d and point_2d: None where the prediction has none

_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\n")


def parse(
    text: str, frame: Frame | None = None, image_size: box.Size | None = None
) -> list[Object] | None:
    """The objects that the text states, or None; in original pixels where `image_size` is known.

    Read: a list of objects, one object alone, `[]`, `None` and `null`.  An item without a box or a
    point keeps the other one and counts as a prediction.  A list without any box is refused.
    """
    items = parse_items(text)
    if items is None:
        return None
    found = [_object(item, frame, image_size) for item in items]
    return found if not found or any(each["bbox_2d"] for each in found) else None


@reward("answer")
def accuracy(
    value: list[Object] | None,
    target: object,
    *,
    overlap: float = 0.5,
    box_within_px: float = 10.0,
    point_within_px: float = 30.0,
    image_size: box.Size = (box.SQUARE_PX, box.SQUARE_PX),
) -> float:
    """`max over matchings of sum (b + l + p) / 3 / max(n_target, n_predicted)`, in [0, 1].

    `b = 1[IoU > overlap]`; `l = 1[mean |d coordinate| < box_within_px]`; `p = 1[distance of the
    points < point_within_px and the point lies in its own box]`; distances after squashing the
    image of `image_size` to 840 x 840 pixels.  Nothing found where nothing is to be found scores
    1, where only one side is empty 0.

    VisionReasoner, divided by 3, without its extra pixel on widths and heights; there no
    answer can earn more than its worst where there is nothing to find, and one item without a
    point costs the whole set.
    """
    targets = _targets(target)
    if value is None or not value or not targets:
        return float(value is not None and not value and not targets)
    tests_PT = _tests(value, targets, overlap, box_within_px, point_within_px, image_size)
    return float(tests_PT[best_pairs(tests_PT)].sum()) / 3 / max(tests_PT.shape)


@reward("completion", low=-1.0, high=0.0)
def repetition(completion: str, sample: Sample, *, allowed: int = 1) -> float:
    """`-1[more than `allowed` sentences of the thinking repeat an earlier one]`, in {-1, 0}.

    VisionReasoner's non-repeat reward as a penalty, which no answer can earn a point with; it
    reads only the thinking, and a decimal point does not end a sentence.
    """
    thinking = read(completion, ()).thinking or ""
    sentences = [" ".join(each.split()) for each in _SENTENCE_END.split(thinking)]
    written = [sentence for sentence in sentences if sentence]
    return -1.0 if len(written) - len(set(written)) > allowed else 0.0


def _object(item: Any, frame: Frame | None, image_size: box.Size | None) -> Object:
    stated = item if isinstance(item, dict) else {}
    return {
        "bbox_2d": box.in_image(box.checked(stated.get("bbox_2d")), frame, image_size),
        "point_2d": point.in_image(point.checked(stated.get("point_2d")), frame, image_size),
    }


def _targets(target: object) -> list[Object]:
    """The target's objects; UnusableTarget where they are none."""
    if target is None:
        return []
    if not isinstance(target, list | tuple):
        raise UnusableTarget(f"{target!r} is not a list of objects; give [] for nothing to find")
    for each in target:
        if not isinstance(each, dict):
            raise UnusableTarget(f"{each!r} is not an object; give a bbox_2d and a point_2d")
        box.target_box(each.get("bbox_2d"))
        point.target_point(each.get("point_2d"))
    return list(target)


def _tests(
    predicted: list[Object],
    targets: list[Object],
    overlap: float,
    box_within_px: float,
    point_within_px: float,
    image_size: box.Size,
) -> np.ndarray:
    """How many of the three tests every prediction passes against every target, (P, T)."""
    tests_PT = np.zeros((len(predicted), len(targets)))
    boxes_T = [each["bbox_2d"] for each in targets]
    rows = [row for row, each in enumerate(predicted) if each["bbox_2d"] is not None]
    boxes_V = [predicted[row]["bbox_2d"] for row in rows]  # V: predictions with a valid box
    tests_PT[rows] += box.pairwise_iou(boxes_V, boxes_T) > overlap
    tests_PT[rows] += box.l1(boxes_V, boxes_T, image_size) < box_within_px
    for row in rows:
        found = predicted[row]["point_2d"]
        if found is None or not point.in_box(found, predicted[row]["bbox_2d"]):
            continue
        for column, each in enumerate(targets):
            distance_px = point.squashed_distance(found, each["point_2d"], image_size)
            tests_PT[row, column] += distance_px < point_within_px
    return tests_PT
