"""`vlrl check`: the ideal answer scores 1, junk does not pay.  Needs no model.

Every sample is scored with its ideal answer and with attacks: completions that know nothing,
or that name everything.  What a task cannot tell apart, training will find and exploit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import fmean
from typing import Literal

from vlrl import attacks, tasks
from vlrl.contracts import BadRow, Frame, Sample, Scored, Source, Task, UserError
from vlrl.media import content_key
from vlrl.prompts import messages, write_completion
from vlrl.scoring import find_reward, mean_accuracy, score_group

Outcome = Literal["pass", "fail", "note"]
STYLES = {"pass": "green", "fail": "bold red", "note": "yellow"}

NUM_CANDIDATES = 20  # the commonest ideal answers: tried as constants, listed in floods
NUM_SHOWN = 3  # examples in a finding
NUM_ANSWERS = 8  # of the distribution of answers
MAX_ROWS = 5_000  # of a source that has an end

GRADED_KINDS = frozenset(
    {"text", "labels", "boxes", "boxes_points", "mask", "program", "layout", "order"}
)
"""Kinds with partial credit by what an answer contains; there it may contain several things."""

_FLOOD_CURE = (
    "rewards that pay a list no more than one guess: labels.jaccard, text.jaccard, text.similarity"
)
_SLACK = 1e-9


@dataclass(frozen=True, kw_only=True)
class Finding:
    check: str
    outcome: Outcome  # a note never fails a check
    detail: str


@dataclass(frozen=True, kw_only=True)
class Report:
    title: str
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        return all(finding.outcome != "fail" for finding in self.findings)

    def print(self) -> None:
        """Show the findings as a table."""
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(title=self.title, title_justify="left")
        for heading in ("", "check", "finding"):
            table.add_column(heading)
        for finding in self.findings:
            outcome = Text(finding.outcome, style=STYLES[finding.outcome])
            table.add_row(outcome, Text(finding.check), Text(finding.detail))
        Console().print(table)


def check_task(
    task: Task,
    source: Source,
    *,
    tests: Sequence[Source] = (),
    mode: str = "think",
    frame: Frame | None = None,
    limit: int = 200,
) -> Report:
    """Check a task on `limit` samples spread over a source, and whether those of `tests` are new.

    Of a source with an end up to MAX_ROWS samples are read: for the answers there are, duplicates
    and overlap.  In a model's `frame` an ideal answer may lose to rounding; its score, the ceiling,
    is a note.  Raises UserError where no row can be read.
    """
    bad: list[BadRow] = []
    samples = _read(task, source, limit, bad)
    tried = samples[:: -(-len(samples) // limit)]
    trial = _Trial(task=task, mode=mode, frame=frame)
    findings = [_rows(samples, bad, len(tried))]
    usable, finding = _targets(trial, tried)
    findings.append(finding)
    if usable:
        findings += [
            _ideals(trial, usable),
            *_attacks(trial, usable),
            _answers(trial, samples),
            *_constants(trial, usable),
            _duplicates(trial, samples),
        ]
    findings += [_overlap(task, samples, test, limit) for test in tests]
    return Report(title=f"{task.name} on {source.spec}, mode {mode}", findings=tuple(findings))


def _read(task: Task, source: Source, limit: int, bad: list[BadRow]) -> list[Sample]:
    num = limit if tasks.is_endless(source) else MAX_ROWS
    return list(islice(tasks.samples(task, source, bad.append), num))


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """How the samples of one check are scored."""

    task: Task
    mode: str
    frame: Frame | None

    def scores(self, sample: Sample, completions: Sequence[str]) -> list[Scored]:
        plain = sample.with_(rewards=None)  # a row's own rewards may replace accuracy
        same = [plain] * len(completions)
        return score_group(self.task, same, completions, mode=self.mode, frame=self.frame)

    def score(self, sample: Sample, completion: str) -> Scored:
        return self.scores(sample, [completion])[0]

    def answer(self, sample: Sample, answer: str) -> Scored:
        return self.score(sample, self.written(answer))

    def written(self, answer: str) -> str:
        return write_completion(self.mode, attacks.THINKING, answer)

    def mean(self, samples: Sequence[Sample], completion: str) -> float:
        return mean_accuracy(self.task, samples, completion, mode=self.mode, frame=self.frame)

    def prompt(self, sample: Sample) -> str:
        content = messages(self.task, sample, self.mode, self.frame)[0]["content"]
        return "".join(block["text"] for block in content if block["type"] == "text")

    def ideal(self, sample: Sample) -> str:
        return self.task.ideal(sample, self.frame)

    def is_graded(self, sample: Sample) -> bool:
        return (sample.kind or self.task.of(sample).kind) in GRADED_KINDS

    def most(self, sample: Sample) -> float:
        """What an attack may score at most: the minimum, or below 1 where credit is partial."""
        if self.is_graded(sample):
            return 1 - 1e-6
        accuracy = find_reward(self.task.of(sample), "accuracy", sample.kind)
        return getattr(accuracy, "reward_range", (0.0, 1.0))[0]


def _rows(samples: Sequence[Sample], bad: Sequence[BadRow], num_tried: int) -> Finding:
    read = f"{len(samples)} read"
    if len(samples) == MAX_ROWS:
        read += ", there may be more"
    if num_tried < len(samples):
        read += f"; {num_tried} of them, spread over all, are tried"
    if not bad:
        return Finding(check="rows", outcome="pass", detail=read)
    detail = f"{read}; {len(bad)} cannot be read:\n{_some(bad)}"
    return Finding(check="rows", outcome="note", detail=detail)


def _targets(trial: _Trial, samples: Sequence[Sample]) -> tuple[list[Sample], Finding]:
    """The samples whose target can be scored against, and what is wrong with the others."""
    scoreds = [(sample, trial.score(sample, "")) for sample in samples]
    usable = [sample for sample, scored in scoreds if scored.problem != "target_unusable"]
    unusable = [
        f"{sample.id}: {scored.detail}"
        for sample, scored in scoreds
        if scored.problem == "target_unusable"
    ]
    if not unusable:
        return usable, Finding(check="targets", outcome="pass", detail="all usable")
    detail = f"{len(unusable)} unusable, they give no signal:\n{_some(unusable)}"
    return usable, Finding(check="targets", outcome="note" if usable else "fail", detail=detail)


def _ideals(trial: _Trial, samples: Sequence[Sample]) -> Finding:
    answers = [trial.ideal(sample) for sample in samples]
    scoreds = [
        trial.answer(sample, answer) for sample, answer in zip(samples, answers, strict=True)
    ]
    if trial.frame is not None:
        ceiling = fmean(_accuracy(scored) for scored in scoreds)
        return Finding(check="ideal", outcome="note", detail=f"reaches {ceiling:.4f} in the frame")
    failed = [
        f"{sample.id}: {_clip(answer)} {_verdict(scored)}"
        for sample, answer, scored in zip(samples, answers, scoreds, strict=True)
        if _accuracy(scored) < 1 - _SLACK or scored.parts["format"] != 1
    ]
    if failed:
        detail = f"{len(failed)} of {len(samples)} do not score 1:\n{_some(failed)}"
        return Finding(check="ideal", outcome="fail", detail=detail)
    return Finding(check="ideal", outcome="pass", detail=f"scores 1 on all {len(samples)}")


def _attacks(trial: _Trial, samples: Sequence[Sample]) -> list[Finding]:
    candidates = [answer for answer, _ in _commonest(trial, samples)]
    paid: dict[str, list[str]] = {}
    num_tried = 0
    for sample in samples:
        ideal = trial.ideal(sample)
        others = [answer for answer in candidates if answer != ideal]
        found = attacks.aimed(trial.prompt(sample), ideal, others, trial.mode)
        num_tried = max(num_tried, len(found))
        scoreds = trial.scores(sample, list(found.values()))
        for name, scored in zip(found, scoreds, strict=True):
            if scored.problem == "reward_error" or _accuracy(scored) > trial.most(sample) + _SLACK:
                paid.setdefault(name, []).append(f"{sample.id}: {_verdict(scored)}")
    if not paid:
        return [Finding(check="attacks", outcome="pass", detail=f"none of {num_tried} pays")]
    return [
        Finding(
            check=name, outcome="fail", detail=f"pays on {len(complaints)}:\n{_some(complaints)}"
        )
        for name, complaints in paid.items()
    ]


def _answers(trial: _Trial, samples: Sequence[Sample]) -> Finding:
    counts = Counter(trial.ideal(sample) for sample in samples)
    shares = ", ".join(
        f"{_clip(answer)} {count / len(samples):.0%}"
        for answer, count in counts.most_common(NUM_ANSWERS)
    )
    return Finding(check="answers", outcome="note", detail=f"{len(counts)} different: {shares}")


def _constants(trial: _Trial, samples: Sequence[Sample]) -> list[Finding]:
    """What one answer for everything earns, and whether a trick earns more."""
    common = _commonest(trial, samples)
    means = {answer: trial.mean(samples, trial.written(answer)) for answer, _ in common}
    best = max(means, key=means.__getitem__)
    first = common[0][0]
    constant = f"{_clip(first)} to everything scores {means[first]:.3f}"
    if means[best] > means[first]:
        constant += f", {_clip(best)} {means[best]:.3f}"
    return [
        Finding(check="commonest answer", outcome="note", detail=constant),
        *_strategies(trial, samples, list(means), means[best]),
    ]


def _strategies(
    trial: _Trial, samples: Sequence[Sample], answers: Sequence[str], best: float
) -> list[Finding]:
    """No fixed text that is not one answer may earn more than the best constant answer.

    Where credit is partial, a text that names several answers may: that is told, with its cure.
    """
    graded = any(map(trial.is_graded, samples))
    floods = attacks.floods(answers) if len(answers) > 1 else {}
    strict = attacks.JUNK if graded else {**attacks.JUNK, **floods}
    completions = _written(trial, strict) | attacks.completions(answers, trial.mode)
    beating = _beating(trial, samples, completions, best)
    detail = f"beat the best constant answer ({best:.3f}):\n{_some(beating)}"
    if not beating:
        detail = f"none beats the best constant answer ({best:.3f})"
    outcome: Outcome = "fail" if beating else "pass"
    found = [Finding(check="fixed strategies", outcome=outcome, detail=detail)]
    paid = _beating(trial, samples, _written(trial, floods), best) if graded else []
    if paid:
        detail = f"beat the best constant answer ({best:.3f}):\n{_some(paid)}\n{_FLOOD_CURE}"
        found.append(Finding(check="several answers at once", outcome="note", detail=detail))
    return found


def _written(trial: _Trial, texts: Mapping[str, str]) -> dict[str, str]:
    return {name: trial.written(text) for name, text in texts.items()}


def _beating(
    trial: _Trial, samples: Sequence[Sample], completions: Mapping[str, str], best: float
) -> list[str]:
    earned = {name: trial.mean(samples, text) for name, text in completions.items()}
    return [f"{name} scores {mean:.3f}" for name, mean in earned.items() if mean > best + _SLACK]


def _duplicates(trial: _Trial, samples: Sequence[Sample]) -> Finding:
    answers: dict[tuple, list[str]] = {}
    for sample in samples:
        answers.setdefault(_key(sample), []).append(trial.ideal(sample))
    num_repeats = sum(len(found) - 1 for found in answers.values())
    num_torn = sum(len(set(found)) > 1 for found in answers.values())
    if not num_repeats:
        return Finding(check="duplicates", outcome="pass", detail="none")
    detail = (
        f"samples that repeat another's question and media: {num_repeats}; "
        f"questions with answers that differ: {num_torn}"
    )
    return Finding(check="duplicates", outcome="note", detail=detail)


def _overlap(task: Task, train: Sequence[Sample], test: Source, limit: int) -> Finding:
    try:
        tested = _read(task, test, limit, [])
    except UserError as error:
        return Finding(check="overlap", outcome="note", detail=f"not looked at: {error}")
    seen = {_key(sample) for sample in train}
    seen_media = {key for sample in train for key in _media(sample)}
    num_same = sum(_key(sample) in seen for sample in tested)
    num_media = sum(any(key in seen_media for key in _media(sample)) for sample in tested)
    detail = (
        f"of {len(tested)} samples of {test.spec} {num_same} are in the training set, "
        f"{num_media} share media with it"
    )
    clean = not num_same and not num_media
    return Finding(check="overlap", outcome="pass" if clean else "note", detail=detail)


def _commonest(trial: _Trial, samples: Sequence[Sample]) -> list[tuple[str, int]]:
    return Counter(trial.ideal(sample) for sample in samples).most_common(NUM_CANDIDATES)


def _media(sample: Sample) -> tuple[str, ...]:
    return tuple(content_key(medium) for medium in sample.media)


def _key(sample: Sample) -> tuple:
    return sample.question, sample.options, _media(sample)


def _accuracy(scored: Scored) -> float:
    """0 where there is none: a reward that crashes is reported by its own finding."""
    return scored.parts["accuracy"] or 0.0


def _verdict(scored: Scored) -> str:
    text = f"is read as {_clip(str(scored.parsed))} and scores {_accuracy(scored):g}"
    text += "" if scored.parts["format"] else ", not well formed"
    return (
        text if scored.problem == "none" else f"{text}; {scored.problem} {scored.detail}".rstrip()
    )


def _some(lines: Sequence[object]) -> str:
    shown = [str(line) for line in lines[:NUM_SHOWN]]
    rest = [f"and {len(lines) - NUM_SHOWN} more"] if len(lines) > NUM_SHOWN else []
    return "\n".join(shown + rest)


def _clip(text: str, length: int = 60) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= length else f"{line[:length]}…")
