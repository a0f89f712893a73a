"""Which rows of a generation batch go through the model together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch


def by_group(
    order: torch.Tensor, rows: Sequence[int], lengths: torch.Tensor, step_rows: int
) -> list[int]:
    """`order` with the rows of one sample side by side, inside each run of `step_rows` rows.

    Samples whose longest completions are alike follow each other.  The set of rows of every run,
    which is what an optimizer step learns from, stays as it is.
    """
    arranged: list[int] = []
    for start in range(0, len(order), step_rows):
        chosen = order[start : start + step_rows].tolist()
        longest: dict[int, int] = {}
        for place in chosen:
            longest[rows[place]] = max(longest.get(rows[place], 0), int(lengths[place]))
        arranged += sorted(
            chosen,
            key=lambda place: (longest[rows[place]], rows[place], int(lengths[place]), place),
        )
    return arranged


def of_like_length(lengths: Sequence[int], worth: int) -> list[list[int]]:
    """Rows, shortest first, in batches that are each padded to their own longest row.

    A batch is divided where that saves the most padding, as long as it saves `worth` tokens (at
    least 1): what one more call of the model costs.
    """
    return _divided(sorted(range(len(lengths)), key=lengths.__getitem__), lengths, worth)


def _divided(rows: list[int], lengths: Sequence[int], worth: int) -> list[list[int]]:
    longest = lengths[rows[-1]]
    saved = [0] + [i * (longest - lengths[rows[i - 1]]) for i in range(1, len(rows))]
    cut = saved.index(max(saved))
    if saved[cut] < worth:
        return [rows]
    return _divided(rows[:cut], lengths, worth) + _divided(rows[cut:], lengths, worth)


def permuted(batch: Mapping[str, Any], order: Sequence[int]) -> dict[str, Any]:
    """The rows of a batch in another order; what has no rows stays."""
    index = torch.tensor(order)
    return {
        name: value[index.to(value.device)]
        if isinstance(value, torch.Tensor) and value.ndim
        else value
        for name, value in batch.items()
    }
