"""Programs: lists of calls.

| kind | target | answer | accuracy, in [0, 1] |
|---|---|---|---|
| `PROGRAM` | `[(function, object, value), ...]` | `change_size(0, small), ...` | partial credit |

The order of the calls does not count.  `meta["values"]` maps the functions that there are to the
values that they take.
"""

from __future__ import annotations

import reprlib

from vlrl.contracts import Frame, Sample, Value
from vlrl.data.kinds import Kind
from vlrl.rewards import program


def _hint(sample: Sample, frame: Frame | None) -> str:
    functions = sample.meta.get("values", {}).items()
    listed = "".join(f"{name}: {', '.join(values)}\n" for name, values in functions)
    shown = f"The functions and their values:\n{listed}" if listed else ""
    return f"{shown}Write the calls as function(object, value), with commas between them."


def _parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return program.parse(answer)


def _ideal(sample: Sample, frame: Frame | None) -> str:
    return ", ".join(f"{name}({thing}, {value})" for name, thing, value in sample.target)


def _target(sample: Sample) -> Value:
    found = program.parse(str(sample.target))
    if found is None:
        raise ValueError(f"the target {reprlib.repr(sample.target)} cannot be read as calls")
    return list(found)


PROGRAM = Kind(accuracy=program.partial, hint=_hint, parse=_parse, ideal=_ideal, target=_target)
