"""What a batch of scores says in numbers: means of the parts, shares of problems and habits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from vlrl.contracts import PROBLEMS, Scored

MAIN = ("accuracy", "format")  # parts that every task has


def score_metrics(
    scores: Sequence[Scored],
    tasks: Sequence[str],
    habits: Sequence[str | None],
    known_habits: Iterable[str],
    several: bool = False,
) -> dict[str, float]:
    """`tasks` and `habits` name those of each score.

    In a run with several tasks each has its own `accuracy/TASK` and `reward/TASK` too.
    """
    found: dict[str, float] = {}
    for name in dict.fromkeys(name for score in scores for name in score.parts):
        key = name if name in MAIN else f"parts/{name}"
        found[key] = _mean(score.parts.get(name) for score in scores)
    if several:
        found |= by_task("accuracy", tasks, [score.parts["accuracy"] for score in scores])
        found |= by_task("reward", tasks, [score.total for score in scores])
    problems = Counter(score.problem for score in scores)
    found |= {f"problems/{problem}": problems[problem] / len(scores) for problem in PROBLEMS}
    shown = Counter(habits)
    return found | {f"habits/{habit}": shown[habit] / len(scores) for habit in known_habits}


def accuracy_by_task(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """`accuracy/TASK` of records in the schema of `rollouts.jsonl`."""
    accuracies = [record["parts"]["accuracy"] for record in records]
    return by_task("accuracy", [record["task"] for record in records], accuracies)


def by_task(name: str, tasks: Sequence[str], values: Sequence[float | None]) -> dict[str, float]:
    """`name/TASK` -> the mean of its values."""
    own: dict[str, list[float | None]] = {}
    for task, value in zip(tasks, values, strict=True):
        own.setdefault(task, []).append(value)
    return {f"{name}/{task}": _mean(own[task]) for task in sorted(own)}


def _mean(values: Iterable[float | None]) -> float:
    """Of those there are; NaN for none."""
    there = [value for value in values if value is not None]
    return fmean(there) if there else math.nan
