"""Opinions about the quality of pictures.

| kind | target | answer | accuracy |
|---|---|---|---|
| `RATING` | a number from 1 to 5 | the number | 1 less than 0.35 away, else 0 |
| `DEGRADATION` | `[distortion, severity]` | an object with KEYS | 0, 1/4 or 1 |
| `COMPARISON` | `A`, `B` or `similar` | the same | the same, 0 or 1 |

The distortion is one of DISTORTIONS, the severity one of SEVERITIES, both are `null` for none.  The
severity counts, with 3/4, where the distortion is right.
"""

from __future__ import annotations

import json
import reprlib

from vlrl.contracts import Frame, Sample, Value
from vlrl.data.kinds import Kind
from vlrl.rewards import comparison, labels, rating

LOW, HIGH = 1.0, 5.0
DISTORTIONS = ("noise", "compression", "blur", "darken")
SEVERITIES = ("slight", "moderate", "obvious", "serious", "catastrophic")
NOTHING = "null"
KEYS = ("distortion_class", "severity")


def _rating_hint(sample: Sample, frame: Frame | None) -> str:
    return "Write the rating as a number from 1 (very poor) to 5 (excellent), with two decimals."


def _rating_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return rating.parse(answer)


def _rating_target(sample: Sample) -> Value:
    stated = sample.target
    value = rating.parse(str(stated))
    if value is None or not LOW <= value <= HIGH:
        raise ValueError(f"the rating {reprlib.repr(stated)} is no number from 1 to 5")
    return value


RATING = Kind(accuracy=rating.within, hint=_rating_hint, parse=_rating_parse, target=_rating_target)


def _degradation_hint(sample: Sample, frame: Frame | None) -> str:
    return (
        'Write JSON, {"distortion_class": ..., "severity": ...}. The distortion is '
        f"{_either(DISTORTIONS)}, its severity {_either(SEVERITIES)}; both are "
        f'"{NOTHING}" where there is none.'
    )


def _either(names: tuple[str, ...]) -> str:
    *first, last = (f'"{name}"' for name in names)
    return f"{', '.join(first)} or {last}"


def _degradation_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return labels.parse(answer, keys=KEYS)


def _degradation_ideal(sample: Sample, frame: Frame | None) -> str:
    return json.dumps(dict(zip(KEYS, sample.target, strict=True)))


def _degradation_target(sample: Sample) -> Value:
    stated = [NOTHING if each is None else each for each in sample.target]
    distortion, severity = stated
    if stated != [NOTHING, NOTHING] and not (distortion in DISTORTIONS and severity in SEVERITIES):
        raise ValueError(f"{stated} is no distortion with a severity, nor twice {NOTHING!r}")
    return stated


DEGRADATION = Kind(
    accuracy=labels.ordered,
    hint=_degradation_hint,
    parse=_degradation_parse,
    ideal=_degradation_ideal,
    target=_degradation_target,
)


def _comparison_hint(sample: Sample, frame: Frame | None) -> str:
    return "Write A, B or similar."


def _comparison_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return comparison.parse(answer)


def _comparison_target(sample: Sample) -> Value:
    found = comparison.parse(str(sample.target))
    if found not in ("A", "B", "similar"):
        raise ValueError(f"the result {reprlib.repr(sample.target)} is not A, B or similar")
    return found


COMPARISON = Kind(
    accuracy=comparison.exact,
    hint=_comparison_hint,
    parse=_comparison_parse,
    target=_comparison_target,
)
