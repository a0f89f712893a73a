"""Turns the parts of a score into one number.

`parts` are raw values by name, `weights` the numbers that they count with.  A part without a
weight, or with weight 0, is only shown.  A weighted part that is missing (None) makes the total
None: no signal, which is neither 0 nor 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Weight = float | Sequence[Sequence[float]]
Parts = Mapping[str, float | None]


def weighted_sum(parts: Parts, weights: Mapping[str, float]) -> float | None:
    """`sum_i w_i p_i`; None where a weighted part is None."""
    values = _weighted(parts, weights)
    if None in values.values():
        return None
    return sum(weights[name] * value for name, value in values.items() if value is not None)


def all_of(parts: Parts, weights: Mapping[str, float]) -> float | None:
    """`min_i p_i` over the parts with a weight: a gate, the logical AND of parts in {0, 1}.

    Vision-R1's hard formatting reward; a continuous accuracy keeps its value behind a 0/1 format.
    The size of a weight does not matter.  None where a weighted part is None.
    """
    values = _weighted(parts, weights).values()
    if None in values:
        return None
    return min((value for value in values if value is not None), default=0.0)


def weight_at(weight: Weight, progress: float) -> float:
    """The weight at a progress in [0, 1] through the run.

    A number is constant; `[[0, .1], [.5, .05]]` is .1 from the start and .05 from the middle on;
    before the first of its starts a scheduled weight is 0.
    """
    if isinstance(weight, int | float):
        return float(weight)
    return float(max(((s, w) for s, w in weight if s <= progress), default=(0.0, 0.0))[1])


def _weighted(parts: Parts, weights: Mapping[str, float]) -> dict[str, float | None]:
    return {name: parts[name] for name, weight in weights.items() if weight}
