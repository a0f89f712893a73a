"""What a batch of scores says in numbers: means of the parts, shares of problems and habits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean

from vlrl.contracts import PROBLEMS, Scored

MAIN = ("accuracy", "format")  # parts that every task has


def score_metrics(
    scores: Sequence[Scored],
    tasks: Sequence[str],
    habits: Sequence[str | None],
    known_habits: Iterable[str],
) -> dict[str, float]:
    """`tasks` and `habits` name those of each score.

    Of several tasks each has its own `accuracy/TASK` and `reward/TASK` too.
    """
    found: dict[str, float] = {}
    for name in dict.fromkeys(name for score in scores for name in score.parts):
        key = name if name in MAIN else f"parts/{name}"
        found[key] = _mean(score.parts.get(name) for score in scores)
    if len(set(tasks)) > 1:
        for task in sorted(set(tasks)):
            own = [score for score, name in zip(scores, tasks, strict=True) if name == task]
            found[f"accuracy/{task}"] = _mean(score.parts["accuracy"] for score in own)
            found[f"reward/{task}"] = _mean(score.total for score in own)
    problems = Counter(score.problem for score in scores)
    found |= {f"problems/{problem}": problems[problem] / len(scores) for problem in PROBLEMS}
    shown = Counter(habits)
    return found | {f"habits/{habit}": shown[habit] / len(scores) for habit in known_habits}


def _mean(values: Iterable[float | None]) -> float:
    """Of those there are; NaN for none."""
    there = [value for value in values if value is not None]
    return fmean(there) if there else math.nan
