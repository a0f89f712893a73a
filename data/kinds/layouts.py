"""Layouts: where the objects of a room stand, in metres.

| kind | target | answer | accuracy, in [0, 1] |
|---|---|---|---|
| `LAYOUT` | `{"room", "objects", "positions"?}` | `[{"new_object_id", "x", "y", "z"}]` | physics |

`rewards/layout.py` says what a room and its objects are.  `positions` `{id: (x, y, z)}` earn 1:
those of the row where they do, else ones that `arranging.py` finds; a row for which it finds none
cannot be read.
"""

from __future__ import annotations

import json

from vlrl.contracts import Frame, Sample, Value
from vlrl.data.kinds import Kind
from vlrl.data.kinds.arranging import DIGITS, arrange
from vlrl.rewards import layout

HINT = (
    "Write the centre of every object in metres as JSON, "
    '[{"new_object_id": "...", "x": 0.0, "y": 0.0, "z": 0.0}]; x is the distance from the west '
    "wall, y from the south wall, z from the floor."
)


def _hint(sample: Sample, frame: Frame | None) -> str:
    return HINT


def _parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return layout.parse(answer)


def _ideal(sample: Sample, frame: Frame | None) -> str:
    places = sample.target["positions"].items()
    return json.dumps(
        [{"new_object_id": name, "x": x, "y": y, "z": z} for name, (x, y, z) in places]
    )


def _target(sample: Sample) -> Value:
    target = sample.target
    stated = target.get("positions")
    if stated is not None:
        stated = {name: tuple(round(at, DIGITS) for at in xyz) for name, xyz in stated.items()}
    if layout.physics(stated, target) < 1:  # or raises what makes the target unusable
        stated = arrange(target)
    if stated is None:
        raise ValueError("no places were found at which all of its relations hold")
    return {**target, "positions": stated}


LAYOUT = Kind(accuracy=layout.physics, hint=_hint, parse=_parse, ideal=_ideal, target=_target)
