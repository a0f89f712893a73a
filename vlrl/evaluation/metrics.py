"""What a benchmark publishes as its score, how sure that is, and the metrics of masks.

| metric | score |
|---|---|
| `accuracy`, or the name of a reward of the task or library such as `box.hit` | its mean |
| `mean:KEY` | the mean, over groups of samples by `meta[KEY]`, of their mean accuracy |
| `mean:KEY/INNER` | the mean over groups by KEY of the mean over those by INNER within each |

All groups of a level count alike, however many samples they have; those without one do not count.
Masks: as LISA and Seg-Zero, with I and U the pixels of intersection and union,

    gIoU = mean of I / U, 1 where both masks are empty        cIoU = sum of I / sum of U
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from vlrl import scoring
from vlrl.contracts import Sample, Task, UserError

NUM_RESAMPLES = 2000
MEANS = "mean:"

Group = tuple[str, ...]  # what the samples of a group have for each key of the metric
Grouped = Mapping[Group, Sequence[float]]  # the values of the samples of every group


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What is averaged, and over which groups."""

    name: str = "accuracy"
    part: str = "accuracy"  # of a score
    keys: tuple[str, ...] = ()  # of `sample.meta`, the outermost first
    of_answer: bool = True  # the answer alone decides, not how it was found

    def group(self, sample: Sample) -> Group:
        return tuple(str(sample.meta[key]) for key in self.keys)


ACCURACY = Metric()


def find_metric(task: Task, name: str) -> Metric:
    """The metric of that name.

    Raises UserError where it is no reward, or one that compares the completions of a prompt.
    """
    if name == "accuracy":
        return ACCURACY
    if name.startswith(MEANS):
        return Metric(name=name, keys=tuple(name.removeprefix(MEANS).split("/")))
    kind = getattr(scoring.find_reward(task, name), "reward_kind", "answer")
    if kind == "group":
        raise UserError(
            f"{name} compares the completions of a prompt and measures none; use another reward"
        )
    return Metric(name=name, part=name, of_answer=kind == "answer")


def grouped(metric: Metric, samples: Sequence[Sample], values: Mapping[str, float]) -> Grouped:
    """The values, which are by the ids of samples, of every group; in the order of the samples."""
    found: dict[Group, list[float]] = {}
    for sample in samples:
        if sample.id in values:
            found.setdefault(metric.group(sample), []).append(values[sample.id])
    return found


def mean_of_means(values: Grouped) -> float:
    """The score; 0 without values."""
    return sum(share * fmean(values[group]) for group, share in shares(values).items())


def shares(groups: Collection[Group]) -> dict[Group, float]:
    """What every group counts: 1 / (number of groups beside it, and it) at each of its levels."""
    places = {group[:depth] for group in groups for depth in range(1, len(group) + 1)}
    num_inside = Counter(place[:-1] for place in places)
    return {
        group: 1 / math.prod(num_inside[group[:depth]] for depth in range(len(group)))
        for group in groups
    }


def bootstrap_interval(values: Grouped, seed: int = 0) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the score (Efron 1979), by 2,000 resamples.

    Samples are drawn within their groups, so that each stays as large as it is.
    """
    if not values:
        return 0.0, 0.0
    rng = np.random.default_rng(seed)
    scores = sum(share * _means(values[group], rng) for group, share in shares(values).items())
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)


def _means(values: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Of every resample, (NUM_RESAMPLES,)."""
    data = np.asarray(values, dtype=np.float64)
    size = (100, len(data))  # at a time, for memory
    return np.concatenate(
        [data[rng.integers(len(data), size=size)].mean(1) for _ in range(NUM_RESAMPLES // 100)]
    )


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """An answer's mask against its target; pixels to ignore belong to neither."""

    iou: float
    intersection: int
    union: int


def target_mask(sample: Sample) -> Any | None:
    """The mask that the sample's answer is compared with, where it has one."""
    return sample.meta.get("mask", sample.target if sample.kind == "mask" else None)


def mask_metrics(overlaps: Sequence[Overlap]) -> dict[str, float]:
    """`giou` and `ciou` in [0, 1]; cIoU is 1 where all masks are empty, neither without answers."""
    if not overlaps:
        return {}
    union = sum(each.union for each in overlaps)
    intersection = sum(each.intersection for each in overlaps)
    return {
        "giou": fmean(each.iou for each in overlaps),
        "ciou": intersection / union if union else 1.0,
    }
