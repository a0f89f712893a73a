r"""Mathematics: expressions compared as such, decimals within a tolerance.

| kind | target | accuracy, 0 or 1 |
|---|---|---|
| `MATH` | LaTeX; several answers between commas | equal as mathematics, in any order |
| `WITHIN` | `{"value": number, "within": number}` | at most that far away |

Only the answer is read, and as a whole.  The unit of the target (`meta["unit"]`) may stand in it.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlrl.contracts import Frame, Sample, UnusableTarget, Value, reward
from vlrl.data.formats import golds
from vlrl.data.kinds import Kind
from vlrl.data.kinds.words import listed
from vlrl.rewards import expression, number

HINT = "Write a number or an expression in LaTeX, no words; several answers with commas between."


def _without_unit(answer: str, unit: str) -> str:
    """Without the unit of the target; where it has none, without any but those of one letter."""
    bare, found = golds.split_unit(golds.tidy(answer))
    fits = found == unit if unit else len(found) > 1
    return bare if fits else golds.tidy(answer)


def _with_unit(words: str, sample: Sample) -> str:
    unit = sample.meta.get("unit")
    return f"{listed(sample)}{words}{f' The unit is {unit}.' if unit else ''}"


def _math_hint(sample: Sample, frame: Frame | None) -> str:
    return _with_unit(HINT, sample)


def _math_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    bare = _without_unit(answer, sample.meta.get("unit", ""))
    value = expression.parse(bare)
    if value is not None and golds.repeats(value):
        return None
    words = number.parse(answer) if value is None else None
    return value if words is None else str(words)


MATH = Kind(accuracy=expression.equal, hint=_math_hint, parse=_math_parse)


@reward("answer")
def within(value: float | None, target: object) -> float:
    """`1[|v - t| <= within]`, in {0, 1}; the target is `{"value": t, "within": within}`."""
    if not isinstance(target, Mapping) or not {"value", "within"} <= set(target):
        raise UnusableTarget(f"{target!r} is no {{'value': number, 'within': number}}")
    return number.tolerance(value, target["value"], absolute=target["within"])


def _within_hint(sample: Sample, frame: Frame | None) -> str:
    return _with_unit("Write the number as a decimal.", sample)


def _within_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return golds.decimal(_without_unit(answer, sample.meta.get("unit", "")))


def _within_ideal(sample: Sample, frame: Frame | None) -> str:
    return str(sample.target["value"])


WITHIN = Kind(accuracy=within, hint=_within_hint, parse=_within_parse, ideal=_within_ideal)
