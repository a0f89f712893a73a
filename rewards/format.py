"""The format reward: is the completion written in the legal shape of its mode?"""

from __future__ import annotations

from vlrl.contracts import Reading


def format(reading: Reading) -> float:
    """`1[well formed]`, in {0, 1}: the reader's own verdict, so it cannot disagree with the answer.

    Published format rewards are a second regular expression, which pays for nested and repeated
    tags and empty thinking.
    """
    return float(reading.well_formed)
