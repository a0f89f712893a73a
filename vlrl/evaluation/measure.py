"""Measures a model on samples: a metric with its interval, and the rates that explain it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any

from vlrl import scoring
from vlrl.contracts import DEFAULT_REWARDS, Sample, Task, Value
from vlrl.evaluation.generate import Completion, generate
from vlrl.evaluation.metrics import (
    ACCURACY,
    Metric,
    Overlap,
    bootstrap_interval,
    grouped,
    mask_metrics,
    mean_of_means,
    target_mask,
)
from vlrl.models import Loaded
from vlrl.models.inputs import Prompt, make_prompt
from vlrl.prompts import write_completion

if TYPE_CHECKING:
    from vlrl.evaluation.segmenter import Segmenter

MAX_NEW_TOKENS = 512


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One line of a table; rates are shares of completions in [0, 1]."""

    benchmark: str
    mode: str
    metric: str
    n: int  # samples with a usable target
    score: float  # the metric over samples (and the mean over the completions of each)
    low: float
    high: float  # 95 % bootstrap interval of the score
    parse_failures: float  # no answer, or one that states no value
    truncated: float
    mean_tokens: float
    commonest: float | None  # the score of the best single answer to every question, if it has one
    accuracy: float | None = None  # its mean, where the metric is another
    metrics: Mapping[str, float] = field(default_factory=dict)  # of masks: giou, ciou
    unusable: int = 0  # samples whose target cannot be scored against
    habits: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure(
    loaded: Loaded,
    task: Task,
    samples: Sequence[Sample],
    *,
    mode: str,
    benchmark: str,
    metric: Metric = ACCURACY,
    segmenter: Segmenter | None = None,
    num_samples: int = 1,
    max_new_tokens: int = MAX_NEW_TOKENS,
    batch_size: int = 16,
    done: Mapping[str, list[dict[str, Any]]] | None = None,
    keep: Callable[[list[dict[str, Any]]], None] = lambda records: None,
    quiet: bool = False,
) -> Measurement:
    """Ask, score and sum up.

    `done` holds the records of samples answered before, `keep` gets each sample's new ones.  With a
    segmenter, those of samples with a mask say how far the answer's mask overlaps it.
    """
    done = done or {}
    todo = [make_prompt(loaded, task, each, mode) for each in samples if each.id not in done]
    answers = generate(
        loaded, todo, max_new_tokens=max_new_tokens, num_samples=num_samples, batch_size=batch_size
    )
    records = [record for each in samples for record in done.get(each.id, [])]
    for group, (prompt, completions) in enumerate(
        _with_bar(zip(todo, answers, strict=True), len(todo), f"{benchmark} ({mode})", quiet),
        start=len(done),
    ):
        fresh = _records(task, prompt, completions, group, metric, segmenter)
        keep(fresh)
        records += fresh
    return summary(task, samples, records, mode=mode, benchmark=benchmark, metric=metric)


def summary(
    task: Task,
    samples: Sequence[Sample],
    records: Sequence[Mapping[str, Any]],
    *,
    mode: str,
    benchmark: str,
    metric: Metric = ACCURACY,
) -> Measurement:
    """The measurement that the records of all samples amount to."""
    means = _means(records, metric.part)
    values = grouped(metric, samples, means)
    low, high = bootstrap_interval(values)
    accuracies = _means(records, "accuracy").values()
    overlaps = [Overlap(**record["overlap"]) for record in records if "overlap" in record]
    habits = Counter(record["habit"] for record in records if record["habit"])
    return Measurement(
        benchmark=benchmark,
        mode=mode,
        metric=metric.name,
        n=len(means),
        score=mean_of_means(values),
        low=low,
        high=high,
        parse_failures=fmean(record["parsed"] is None for record in records),
        truncated=fmean(record["truncated"] for record in records),
        mean_tokens=fmean(record["num_tokens"] for record in records),
        commonest=commonest_score(task, [each for each in samples if each.id in means], metric),
        accuracy=fmean(accuracies) if metric != ACCURACY and accuracies else None,
        metrics=mask_metrics(overlaps),
        unusable=len(samples) - len(means),
        habits={name: count / len(records) for name, count in habits.items()},
    )


def _means(records: Sequence[Mapping[str, Any]], part: str) -> dict[str, float]:
    """Sample -> the mean of a part of its scores; without samples whose target is unusable."""
    found: dict[str, list[float]] = {}
    for record in records:
        if (value := record["parts"][part]) is not None:
            found.setdefault(record["sample"], []).append(value)
    return {sample: fmean(values) for sample, values in found.items()}


def commonest_score(
    task: Task, samples: Sequence[Sample], metric: Metric = ACCURACY, num_candidates: int = 10
) -> float | None:
    """The score of the best of the commonest ideal answers, given to every question.

    The targets must be usable; 0 without samples, None for a metric that looks at more than the
    answer.
    """
    if not metric.of_answer:
        return None
    counts = Counter(task.ideal(sample, None) for sample in samples)
    answers = [answer for answer, _ in counts.most_common(num_candidates)]
    scores = (_score_of_constant(task, samples, answer, metric) for answer in answers)
    return max(scores, default=0.0)


def _score_of_constant(task: Task, samples: Sequence[Sample], answer: str, metric: Metric) -> float:
    """The score of the answer to every question; a sample's own rewards do not count."""
    by_kind: dict[str | None, list[Sample]] = {}
    for sample in samples:
        plain = _with_part(sample.with_(rewards=None), metric)
        by_kind.setdefault(sample.kind, []).append(plain)
    completion = write_completion("think", "", answer)
    parts = {
        sample.id: scored.parts[metric.part] or 0.0
        for same in by_kind.values()
        for sample, scored in zip(
            same, scoring.score_group(task, same, [completion] * len(same)), strict=True
        )
    }
    return mean_of_means(grouped(metric, samples, parts))


def _records(
    task: Task,
    prompt: Prompt,
    completions: Sequence[Completion],
    group: int,
    metric: Metric,
    segmenter: Segmenter | None,
) -> list[dict[str, Any]]:
    """Lines in the schema of `rollouts.jsonl`, with `overlap` where there is one."""
    scores = scoring.score_group(
        task,
        [_with_part(prompt.sample, metric)] * len(completions),
        [each.text for each in completions],
        mode=prompt.mode,
        frame=prompt.frame,
        truncated=[each.truncated for each in completions],
        num_tokens=[each.num_tokens for each in completions],
    )
    return [
        {
            "step": 0, "sample": prompt.sample.id, "task": prompt.sample.task, "group": group,
            "index": index, "mode": prompt.mode, "prompt": prompt.text, "media": [],
            "target": prompt.sample.target,
            "kind": prompt.sample.kind or task.of(prompt.sample).kind,
            "image_size": prompt.sample.image_size, "completion": each.text,
            "num_tokens": each.num_tokens, "truncated": each.truncated,
            "parsed": scored.parsed, "parts": dict(scored.parts), "total": scored.total,
            "advantage": None, "problem": scored.problem,
            "habit": scoring.habit_of(task, prompt.sample, each.text, prompt.mode),
            **_overlap(segmenter, prompt.sample, scored.parsed),
        }
        for index, (each, scored) in enumerate(zip(completions, scores, strict=True))
    ]  # fmt: skip


def _with_part(sample: Sample, metric: Metric) -> Sample:
    """The sample, scored as before and by the metric beside it."""
    if metric.part == "accuracy":
        return sample
    return sample.with_(rewards={metric.part: 0.0, **(sample.rewards or DEFAULT_REWARDS)})


def _overlap(segmenter: Segmenter | None, sample: Sample, value: Value | None) -> dict[str, Any]:
    if segmenter is None or target_mask(sample) is None:
        return {}
    return {"overlap": asdict(segmenter.overlap(sample, value))}


def _with_bar(items: Iterator[Any], total: int, title: str, quiet: bool) -> Iterator[Any]:
    from tqdm import tqdm

    return iter(tqdm(items, total=total, desc=title, unit="sample", disable=quiet, mininterval=0.5))
