"""Which pixels: boxes with points that prompt a segmenter, or masks.

| kind | target | answer | accuracy, in [0, 1] |
|---|---|---|---|
| `BOXES_POINTS` | `[{"bbox_2d": [...], "point_2d": [...]}]` | the same | box and point tests |
| `MASK` | run lengths or polygons, pixels to ignore | polygons or run lengths | IoU of the masks |

In pixels of the picture as it is stored, with `[]` for nothing there; rows whose numbers are in
another frame state it as `meta["frame"]`, `[width, height]`.  `meta["mask"]` is the mask that a
segmenter's is compared with at evaluation (`vlrl/evaluation/segmenter.py`).
"""

from __future__ import annotations

import json
import reprlib
from typing import Any

from vlrl.contracts import Frame, Sample, UnusableTarget, Value
from vlrl.data.formats import masks
from vlrl.data.kinds import Kind
from vlrl.data.kinds.places import limits, written, written_box
from vlrl.rewards import box, mask, point, segmentation
from vlrl.rewards.literals import parse_literal


def _hint(shape: str, sample: Sample, frame: Frame | None) -> str:
    return f"{shape}, or [] for nothing; {limits(sample, frame)}"


def _objects_hint(sample: Sample, frame: Frame | None) -> str:
    shape = '[{"bbox_2d": [x1, y1, x2, y2], "point_2d": [x, y]}, ...]'
    words = "Write a JSON list with a box and a point inside for each object"
    return _hint(f"{words}, {shape}", sample, frame)


def _objects_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return segmentation.parse(answer, frame, sample.image_size)


def _objects_ideal(sample: Sample, frame: Frame | None) -> str:
    return json.dumps(
        [
            {
                "bbox_2d": written_box(each["bbox_2d"], sample, frame),
                "point_2d": written(each["point_2d"], sample, frame),
            }
            for each in sample.target
        ]
    )


def _objects_target(sample: Sample) -> Value:
    stated = _literal(sample.target)
    if not isinstance(stated, list) or not all(map(_is_whole, stated)):
        cure = "list objects with a bbox_2d and a point_2d"
        raise ValueError(f"the target {reprlib.repr(sample.target)} cannot be read; {cure}")
    if "mask" in sample.meta:
        _check_mask(sample.meta["mask"], sample)
    if "frame" not in sample.meta or sample.image_size is None:
        return stated
    width, height = sample.meta["frame"]
    frame = Frame(width=width, height=height)
    return [
        {
            "bbox_2d": box.to_original(each["bbox_2d"], frame, sample.image_size),
            "point_2d": point.to_original(each["point_2d"], frame, sample.image_size),
        }
        for each in stated
    ]


def _literal(stated: Any) -> Any:
    found = parse_literal(stated) if isinstance(stated, str) else None
    return stated if found is None else found


def _is_whole(thing: Any) -> bool:
    if not isinstance(thing, dict):
        return False
    return None not in (box.checked(thing.get("bbox_2d")), point.checked(thing.get("point_2d")))


def _check_mask(found: Any, sample: Sample) -> None:
    try:
        mask.target_in_image(found, sample.image_size)
    except UnusableTarget as error:
        raise ValueError(f"{error}; give the mask of this picture") from error


BOXES_POINTS = Kind(
    accuracy=segmentation.accuracy,
    hint=_objects_hint,
    parse=_objects_parse,
    ideal=_objects_ideal,
    target=_objects_target,
)


def _mask_hint(sample: Sample, frame: Frame | None) -> str:
    shape = "Write the outlines as a JSON list of polygons, [[x1, y1, x2, y2, ...], ...]"
    return _hint(shape, sample, frame)


def _mask_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return mask.parse(answer, sample.image_size, frame) if sample.image_size else None


def _mask_ideal(sample: Sample, frame: Frame | None) -> str:
    """In a frame the outlines, to a pixel; without one the run lengths."""
    bitmap = mask.target_in_image(sample.target, sample.image_size).inside
    if frame is None:
        return json.dumps(mask.encode(bitmap))
    return json.dumps([written(each, sample, frame) for each in masks.outlines(bitmap)])


def _mask_target(sample: Sample) -> Value:
    stated = _literal(sample.target)
    _check_mask(stated, sample)
    return stated


MASK = Kind(
    accuracy=mask.iou, hint=_mask_hint, parse=_mask_parse, ideal=_mask_ideal, target=_mask_target
)
