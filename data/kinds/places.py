"""Boxes, in pixels of the first picture.

| kind | target | answer | accuracy, in [0, 1] |
|---|---|---|---|
| `BOX` | `[x1, y1, x2, y2]` | `{"bbox_2d": [...]}` | IoU |
| `BOXES` | `[{"bbox_2d": [...], "label"?}]`, `[]` for nothing | the same | matched IoU |

`BOXES` is for questions about something that may not be there: an empty list is right only where
there is nothing.  With `meta["labels"]` each box is named.  A target that is inverted or reaches
more than a pixel out of its picture cannot be read, and neither can one whose picture has another
size than its row states (`meta["stated_size"]`).  Within that pixel the reward clips it.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Sequence
from typing import Any

from vlrl.contracts import Frame, Sample, Value
from vlrl.data.kinds import Kind
from vlrl.rewards import box, detection

SLACK_PX = 1.0  # that a target may reach out of its picture


def limits(sample: Sample, frame: Frame | None) -> str:
    """The frame in words."""
    size = (frame.width, frame.height) if frame else sample.image_size
    return f"x runs from 0 to {size[0]:g}, y from 0 to {size[1]:g}." if size else "in pixels."


def written(
    numbers: Sequence[float], sample: Sample, frame: Frame | None, num_digits: int | None = None
) -> list[float]:
    """`x, y, x, y, ...` in the frame, in whole steps or, in one of 1 x 1, thousandths."""
    if frame is None or sample.image_size is None:
        return list(numbers)
    scales = box.scale(frame, sample.image_size)
    digits = 3 if frame.width <= 1 else num_digits
    return [round(at / scales[index % 2], digits) for index, at in enumerate(numbers)]


def written_box(target: box.Box, sample: Sample, frame: Frame | None) -> list[float]:
    """Not in whole steps where the box would have no area."""
    whole = written(target, sample, frame)
    return whole if box.checked(whole) else written(target, sample, frame, 3)


def checked_box(target: Any, sample: Sample) -> box.Box:
    """The box; ValueError where it cannot be one of the sample's picture."""
    found = box.checked(target)
    if found is None:
        stated = reprlib.repr(target)
        raise ValueError(f"the target {stated} cannot be read; give [x1, y1, x2, y2] in pixels")
    if sample.image_size is None:
        return found
    width, height = sample.image_size
    stated = sample.meta.get("stated_size", (width, height))
    if stated != (width, height):
        raise ValueError(
            f"its boxes are for a picture of {stated}, the picture has {sample.image_size}"
        )
    x1, y1, x2, y2 = found
    if min(x1, y1, width - x2, height - y2) < -SLACK_PX:
        raise ValueError(f"the box {target} reaches out of the picture of {sample.image_size}")
    return target


def _hint(sample: Sample, frame: Frame | None) -> str:
    where = " in the first image" if len(sample.media) > 1 else ""
    return f"Write the box{where} as JSON, {_shape(sample)}; {limits(sample, frame)}"


def _shape(sample: Sample) -> str:
    label = ', "label": "its name"' if sample.meta.get("labels") else ""
    return f'{{"bbox_2d": [x1, y1, x2, y2]{label}}}'


def _parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return box.parse(answer, frame, sample.image_size)


def _ideal(sample: Sample, frame: Frame | None) -> str:
    return json.dumps({"bbox_2d": written_box(sample.target, sample, frame)})


def _target(sample: Sample) -> Value:
    stated = sample.target
    found = box.parse(stated) if isinstance(stated, str) else stated
    return checked_box(stated if found is None else found, sample)


BOX = Kind(accuracy=box.iou, hint=_hint, parse=_parse, ideal=_ideal, target=_target)


def _list_hint(sample: Sample, frame: Frame | None) -> str:
    where = " in the first image" if len(sample.media) > 1 else ""
    shape = f"[{_shape(sample)}], with [] for nothing"
    return f"Write the box{where} as JSON, {shape}; {limits(sample, frame)}"


def _list_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return detection.parse(answer, frame, sample.image_size)


def _list_ideal(sample: Sample, frame: Frame | None) -> str:
    return json.dumps(
        [{**each, "bbox_2d": written_box(each["bbox_2d"], sample, frame)} for each in sample.target]
    )


def _list_target(sample: Sample) -> Value:
    things = sample.target
    if not isinstance(things, list) or not all(isinstance(each, dict) for each in things):
        raise ValueError(f"the target {reprlib.repr(things)} cannot be read; list bbox_2d")
    for each in things:
        checked_box(each.get("bbox_2d"), sample)
    return things


BOXES = Kind(
    accuracy=detection.matched_iou,
    hint=_list_hint,
    parse=_list_parse,
    ideal=_list_ideal,
    target=_list_target,
)
