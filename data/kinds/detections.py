"""All objects of some classes, as boxes in pixels of the first picture.

| kind | target | answer | accuracy, in [0, 1] |
|---|---|---|---|
| `DETECTIONS` | `[{"bbox_2d": [...], "label"?}]`, `[]` for nothing | the same | matched IoU |

With `meta["labels"]` each box is named by its class; with `meta["confidence"]` it states the chance
that it is right (see `detection.calibration`).  Rows whose numbers are in another frame state it as
`meta["frame"]`, `[width, height]`.  Which targets cannot be read is said in `places.py`.
"""

from __future__ import annotations

import json
from typing import Any

from vlrl.contracts import Frame, Sample, Value
from vlrl.data.kinds import Kind
from vlrl.data.kinds.places import BOXES, limits, written_box
from vlrl.rewards import box

_FIELDS = {"labels": '"label": "its class"', "confidence": '"confidence": 0 to 1'}


def _hint(sample: Sample, frame: Frame | None) -> str:
    more = [words for name, words in _FIELDS.items() if sample.meta.get(name)]
    fields = ", ".join(['"bbox_2d": [x1, y1, x2, y2]', *more])
    shape = f"[{{{fields}}}, ...], or [] for nothing"
    return f"Write a JSON list with a box for each object, {shape}; {limits(sample, frame)}"


def _ideal(sample: Sample, frame: Frame | None) -> str:
    sure: dict[str, Any] = {"confidence": 1.0} if sample.meta.get("confidence") else {}
    return json.dumps(
        [
            {**each, "bbox_2d": written_box(each["bbox_2d"], sample, frame), **sure}
            for each in sample.target
        ]
    )


def _target(sample: Sample) -> Value:
    if "frame" not in sample.meta or sample.image_size is None:
        return BOXES.target(sample)
    width, height = sample.meta["frame"]
    frame = Frame(width=width, height=height)
    stated = BOXES.target(sample.with_(image_size=None))
    return [
        {**each, "bbox_2d": box.to_original(each["bbox_2d"], frame, sample.image_size)}
        for each in stated
    ]


DETECTIONS = Kind(
    accuracy=BOXES.accuracy, hint=_hint, parse=BOXES.parse, ideal=_ideal, target=_target
)
