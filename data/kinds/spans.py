"""Spans of time, in seconds from the start of the video.

| kind | target | answer | accuracy, in [0, 1] |
|---|---|---|---|
| `SPAN` | `(start, end)` | `START to END` | IoU |

Published segments are not always inside their video: one whose ends are the wrong way round is
turned, one that reaches out of the video is cut to it (`repairs` names what was done), and one of
which nothing is left cannot be read.  With `meta["unit"]` `share` they are parts of the video.
"""

from __future__ import annotations

import math
import reprlib

from vlrl.contracts import Frame, Sample, Value
from vlrl.data.kinds import Kind
from vlrl.rewards import span

DIGITS = 3  # milliseconds


def _hint(sample: Sample, frame: Frame | None) -> str:
    lasts = f"; the video lasts {sample.duration:.6g} s" if sample.duration else ""
    return f"Write the start and the end in seconds, as START to END{lasts}."


def _parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return span.parse(answer)


def _ideal(sample: Sample, frame: Frame | None) -> str:
    start, end = (f"{at:.{DIGITS}f}".rstrip("0").rstrip(".") for at in sample.target)
    return f"{start} to {end}"


def _target(sample: Sample) -> Value:
    start, end = sorted(_seconds(sample))
    last = end if sample.duration is None else sample.duration
    start, end = (round(min(max(at, 0.0), last), DIGITS) for at in (start, end))
    if start >= end:
        stated = reprlib.repr(sample.meta.get("segment", sample.target))
        raise ValueError(f"nothing of the segment {stated} lies in the video of {last:g} s")
    return start, end


def repairs(sample: Sample) -> tuple[str, ...]:
    """What was done to the segment that `meta["segment"]` states: `turned round`, `cut to
    the video`, or both."""
    if "segment" not in sample.meta:
        return ()
    stated = _seconds(sample.with_(target=sample.meta["segment"]))
    inside = [round(at, DIGITS) for at in sorted(stated)]
    done = {
        "turned round": stated[0] > stated[1],
        "cut to the video": inside != list(sample.target),
    }
    return tuple(name for name, was_done in done.items() if was_done)


def _seconds(sample: Sample) -> tuple[float, float]:
    """The two ends as stated; ValueError where they are no times."""
    try:
        start, end = map(float, sample.target)
    except (TypeError, ValueError):
        start = end = math.nan
    if not math.isfinite(start + end):
        raise ValueError(f"the segment {reprlib.repr(sample.target)} is no [start, end]")
    scale = (sample.duration or 1.0) if sample.meta.get("unit") == "share" else 1.0
    return start * scale, end * scale


SPAN = Kind(accuracy=span.iou, hint=_hint, parse=_parse, ideal=_ideal, target=_target)
