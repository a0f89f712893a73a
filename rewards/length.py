"""Length: rewards for completions of a wanted length, counted in the tokens that the model wrote.

Every one of them asks first whether the answer is right, `a >= right` for its accuracy `a`:
published rewards that do not are paid for being short, or long, with any answer.  Give them a small
weight beside accuracy.  They are group rewards, of the completions of one prompt; a row without
an accuracy, or a group without token counts, has no value (None).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from vlrl.contracts import Sample, Scored, reward

Values = list[float | None]


@reward("group", low=-0.5, high=1.0)
def cosine(
    scoreds: Sequence[Scored],
    samples: Sequence[Sample],
    completions: Sequence[str],
    *,
    num_tokens: Sequence[int] | None = None,
    max_tokens: int = 1024,
    right: float = 0.7,
) -> Values:
    """Right answers earn more the shorter they are, wrong ones lose less the longer they are.

    With `c = (1 + cos(pi min(n / max_tokens, 1))) / 2` for n tokens, 1 for none and 0 from
    `max_tokens` on: `(1 + c) / 2` if right, in [0.5, 1]; `-c / 2` if wrong, in [-0.5, 0].

    VLM-R1, where every answer counts as right and the cosine climbs again beyond `max_tokens`.
    """

    def value(row: _Row) -> float:
        short = (1 + math.cos(math.pi * min(row.num_tokens / max_tokens, 1.0))) / 2
        return (1 + short) / 2 if row.right else -short / 2

    return _values(_rows(scoreds, num_tokens, right), value)


@reward("group", low=-0.5, high=0.5)
def relative(
    scoreds: Sequence[Scored],
    samples: Sequence[Sample],
    completions: Sequence[str],
    *,
    num_tokens: Sequence[int] | None = None,
    right: float = 0.7,
) -> Values:
    """Short and long in comparison with the other completions of the group.

    With `l = 0.5 - (n - n_min) / (n_max - n_min)`: l if right, `min(0, l)` if wrong, in
    [-0.5, 0.5]; 0 where all lengths are equal.

    Kimi k1.5, and Reason-RFT with weight 0.05 from the middle of a run on; there the lengths are
    characters and the extremes those of the whole batch.
    """
    rows = _rows(scoreds, num_tokens, right)
    lengths = [row.num_tokens for row in rows if row]
    shortest, longest = min(lengths, default=0), max(lengths, default=0)

    def value(row: _Row) -> float:
        if shortest == longest:
            return 0.0
        short = 0.5 - (row.num_tokens - shortest) / (longest - shortest)
        return short if row.right else min(0.0, short)

    return _values(rows, value)


@reward("group", low=-1.0, high=1.0)
def dast(
    scoreds: Sequence[Scored],
    samples: Sequence[Sample],
    completions: Sequence[str],
    *,
    num_tokens: Sequence[int] | None = None,
    right: float = 0.7,
) -> Values:
    """Short where the question is easy, long where it is hard: a budget from the group itself.

    With p the share of right completions, the budget is `b = p mean(n of the right) + (1 - p)
    n_max` and `l = (n - b) / b`: `max(0.5 - 0.5 l, 0.1)` if right, in [0.1, 1];
    `min(0.9 l - 0.1, -0.1)` if wrong, in [-1, -0.1].

    DAST, as UI-R1-E trains it; there the lengths are padded, so that all are equal.
    """
    rows = _rows(scoreds, num_tokens, right)
    lengths = [row.num_tokens for row in rows if row]
    of_right = [row.num_tokens for row in rows if row and row.right]
    share = len(of_right) / max(len(lengths), 1)
    budget = share * fmean(of_right or [0]) + (1 - share) * max(lengths, default=0)

    def value(row: _Row) -> float:
        excess = (row.num_tokens - budget) / budget if budget else 0.0
        return max(0.5 - 0.5 * excess, 0.1) if row.right else min(0.9 * excess - 0.1, -0.1)

    return _values(rows, value)


@reward("group")
def window(
    scoreds: Sequence[Scored],
    samples: Sequence[Sample],
    completions: Sequence[str],
    *,
    num_tokens: Sequence[int] | None = None,
    shortest: int = 320,
    longest: int = 512,
    right: float = 0.1,
) -> Values:
    """`1[right and shortest <= n <= longest]` if two or more of the group are right, else 0.

    In {0, 1}; Video-R1, with weight 0.2.
    """
    rows = _rows(scoreds, num_tokens, right)
    enough = sum(row.right for row in rows if row) > 1

    def value(row: _Row) -> float:
        return float(enough and row.right and shortest <= row.num_tokens <= longest)

    return _values(rows, value)


@dataclass(frozen=True, kw_only=True)
class _Row:
    num_tokens: int
    right: bool


def _rows(
    scoreds: Sequence[Scored], num_tokens: Sequence[int] | None, right: float
) -> list[_Row | None]:
    if num_tokens is None:
        return [None] * len(scoreds)
    accuracies = [scored.parts["accuracy"] for scored in scoreds]
    return [
        None if accuracy is None else _Row(num_tokens=length, right=accuracy >= right)
        for accuracy, length in zip(accuracies, num_tokens, strict=True)
    ]


def _values(rows: Sequence[_Row | None], value: Callable[[_Row], float]) -> Values:
    return [None if row is None else value(row) for row in rows]
