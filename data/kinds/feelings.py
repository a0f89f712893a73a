"""An emotion by its name: `FEELING`.

The target is one of `meta["classes"]`; other names of it (`anger` for `angry`) count as it.
"""

from __future__ import annotations

from dataclasses import replace

from vlrl.contracts import Frame, Sample, Value
from vlrl.data.formats.emotions import OTHER_NAMES
from vlrl.data.kinds.words import LABEL
from vlrl.rewards import label


def _parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return label.parse(answer, sample.meta.get("classes"), OTHER_NAMES)


FEELING = replace(LABEL, parse=_parse)
