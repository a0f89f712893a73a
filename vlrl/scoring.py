"""Scores completions: read, parse, reward, compose.

Training, evaluation and `vlrl score` all come here.
No torch.  A bad rollout is data: whatever a completion, a parser or a reward does, the outcome is
a Scored.  Only a UserError, which is about the set-up and true of every rollout, passes through.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import groupby
from statistics import fmean
from typing import Any

import vlrl.rewards
from vlrl import isolation
from vlrl.contracts import (
    DEFAULT_REWARDS,
    PROBLEMS,
    Frame,
    Reading,
    Sample,
    Scored,
    Task,
    UnparsableAnswer,
    UnusableTarget,
    UserError,
    Value,
)
from vlrl.nearest import did_you_mean
from vlrl.prompts import Mode, find_mode
from vlrl.rewards.compose import Parts, all_of, stage_at, staged, weight_at, weighted_sum
from vlrl.rewards.format import format as format_reward
from vlrl.rewards.reader import read

COMBINE = {"sum": weighted_sum, "and": all_of}
_Total = Callable[[Parts], float | None]
Rewards = Mapping[str, Any] | None
_FACTS = ("step", "progress", "num_tokens", "shuffled")  # told by the run, not by a recipe
_SAMPLE_FACTS = ("image_size", "duration", "options")  # told by the sample, where a recipe does not
_SLACK = 1e-6  # a reward may leave its declared range by rounding
_KNOWN_WITHOUT_ANSWER = (UnusableTarget, UserError)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One reward of a recipe, found and checked."""

    name: str
    weight: float
    function: Callable | None  # None: the task has no such reward, the part stays None
    options: Mapping[str, Any]
    kind: str = "answer"
    isolated: bool = False
    stage: tuple[float, float] | None = None  # thresholds (low, high) for the total
    sample_facts: tuple[str, ...] = ()  # fields of the sample that the function has parameters for

    def options_for(self, sample: Sample) -> Mapping[str, Any]:
        facts = {name: getattr(sample, name) for name in self.sample_facts}
        return {**self.options, **{name: fact for name, fact in facts.items() if fact is not None}}

    @property
    def range(self) -> tuple[float, float]:
        return getattr(self.function, "reward_range", (0.0, 1.0))


def score(
    task: Task,
    sample: Sample,
    completion: str,
    *,
    mode: str = "think",
    frame: Frame | None = None,
    rewards: Mapping[str, Any] | None = None,
    combine: str = "sum",
    truncated: bool = False,
    step: int = 0,
    progress: float = 0.0,
) -> Scored:
    """The score of one completion; see `score_group`."""
    return score_group(
        task,
        [sample],
        [completion],
        mode=mode,
        frame=frame,
        rewards=rewards,
        combine=combine,
        truncated=[truncated],
        step=step,
        progress=progress,
    )[0]


def score_group(
    task: Task,
    samples: Sequence[Sample],
    completions: Sequence[str],
    *,
    mode: str = "think",
    frame: Frame | None = None,
    rewards: Mapping[str, Any] | None = None,
    combine: str = "sum",
    truncated: Sequence[bool] | None = None,
    num_tokens: Sequence[int] | None = None,
    shuffled: Sequence[Scored] | None = None,
    step: int = 0,
    progress: float = 0.0,
) -> list[Scored]:
    """The scores of the completions of one prompt, in order; `samples` holds its sample for each.

    A completion is what the model wrote after the mode's prefix; one that repeats the prefix is
    read as it is.  `rewards` maps a name to a weight or to `{use, weight, **options}` (default:
    accuracy and format, 1 each); a sample's own rewards come first.  `combine` is `sum` or `and`.
    `step` and `progress` (0 to 1) place the score in a run, for weights and stages with a schedule.
    `num_tokens` are the lengths of the completions, `shuffled` the scores of others that saw the
    frames of the video in another order.  A reward with a parameter of such a name gets it.  Raises
    UserError for a mode, reward, option or `combine` that does not exist, where isolated rewards
    cannot run, and where a reward raises it (for the value of an option); nothing else.
    """
    if not samples:
        return []
    found_mode = find_mode(mode)
    task = task.of(samples[0])
    own, kind = samples[0].rewards, samples[0].kind
    parts = resolve(task, own or rewards, kind=kind, step=step, progress=progress)
    cuts = [False] * len(samples) if truncated is None else truncated
    drafts = []
    for sample, completion, cut in zip(samples, completions, cuts, strict=True):
        draft = _Draft.of(sample, completion, found_mode, cut)
        draft.parse(task, frame)
        for part in parts:
            draft.fill(part)
        drafts.append(draft)
    for part in parts:
        if part.isolated:
            _fill_isolated(part, drafts)
    facts = {"num_tokens": num_tokens, "shuffled": shuffled}
    for part in parts:
        if part.kind == "group":
            _fill_group(part, drafts, _totaller(parts, combine, without="group"), facts)
    total = _totaller(parts, combine)
    return [draft.scored(total) for draft in drafts]


def mean_accuracy(
    task: Task,
    samples: Sequence[Sample],
    completion: str,
    *,
    mode: str = "think",
    frame: Frame | None = None,
) -> float:
    """The mean of the task's own accuracy of one completion for all samples; 0 where it has none.

    A sample's own rewards, which may replace accuracy, do not count.
    """
    alike: dict[tuple[str, str | None], list[Sample]] = {}
    for sample in samples:
        alike.setdefault((sample.task, sample.kind), []).append(sample.with_(rewards=None))
    return fmean(
        scored.parts["accuracy"] or 0.0
        for plain in alike.values()
        for scored in score_group(task, plain, [completion] * len(plain), mode=mode, frame=frame)
    )


def resolve(
    task: Task,
    rewards: Mapping[str, Any] | None = None,
    *,
    kind: str | None = None,
    step: int = 0,
    progress: float = 0.0,
) -> tuple[Part, ...]:
    """The recipe's rewards as parts, `accuracy` and `format` first; UserError for a wrong one.

    They are for samples of one kind (default: the task's).
    """
    if rewards:
        parts = tuple(_parts(task, rewards, kind, step, progress))
    else:
        parts = _default_parts(task, kind, step, progress)
    if any(part.isolated for part in parts):
        isolation.start()
    return parts


def wants(task: Task, rewards: Rewards, fact: str) -> bool:
    """Whether one of the rewards has a parameter for something that only a run can tell."""
    parts = resolve(task, rewards)
    return any(part.function and fact in _options(part.function) for part in parts)


@lru_cache(maxsize=64)
def _default_parts(task: Task, kind: str | None, step: int, progress: float) -> tuple[Part, ...]:
    return tuple(_parts(task, DEFAULT_REWARDS, kind, step, progress))


def _parts(
    task: Task, rewards: Mapping[str, Any], kind: str | None, step: int, progress: float
) -> Iterator[Part]:
    for name in dict.fromkeys(("accuracy", "format", *rewards)):
        if name == "accuracy" and name not in rewards and name not in task.rewards:
            yield Part(name=name, weight=0.0, function=None, options={})
        else:
            yield _part(task, name, rewards.get(name, 0.0), kind, step, progress)


def _part(task: Task, name: str, spec: Any, kind: str | None, step: int, progress: float) -> Part:
    options = dict(spec) if isinstance(spec, Mapping) else {"weight": spec}
    use = options.pop("use", name)
    if not isinstance(use, str):
        raise UserError(f"rewards.{name}.use: {use!r} is no name of a reward")
    function = find_reward(task, use, kind)
    weight = _weight(name, options.pop("weight", 1.0), progress)
    stage = _stage(name, options.pop("stages", None), progress)
    known = _options(function)
    for option in options:
        if option not in known or option in _FACTS:
            raise UserError(
                f"rewards.{name}: there is no option {option!r}; {did_you_mean(option, known)}"
            )
    run = {"step": step, "progress": progress}
    options |= {key: value for key, value in run.items() if key in known}
    return Part(
        name=name,
        weight=weight,
        function=function,
        options=options,
        kind=getattr(function, "reward_kind", "answer"),
        isolated=getattr(function, "isolated", False),
        stage=stage,
        sample_facts=tuple(fact for fact in _SAMPLE_FACTS if fact in known and fact not in options),
    )


def _stage(name: str, stages: Any, progress: float) -> tuple[float, float] | None:
    try:
        return None if stages is None else stage_at(stages, progress)
    except (TypeError, ValueError, LookupError):
        raise UserError(
            f"rewards.{name}.stages: {stages!r} are no stages; "
            "give [[from, low, high], ...] with progress from 0 to 1"
        ) from None


def _weight(name: str, weight: Any, progress: float) -> float:
    try:
        return weight_at(weight, progress)
    except (TypeError, ValueError, LookupError):
        raise UserError(
            f"rewards.{name}: {weight!r} is no weight; "
            "give a number, or [[from, weight], ...] with progress from 0 to 1"
        ) from None


def find_reward(task: Task, name: str, kind: str | None = None) -> Callable:
    """The task's reward for samples of this kind (default: the task's), or the library's."""
    if name in task.rewards:
        found = task.rewards[name]
        return _of_kind(task, name, found, kind) if isinstance(found, Mapping) else found
    if name == "format":
        return format_reward
    function = _library_reward(name)
    if function is None:
        known = [*task.rewards, "format", *_library()]
        raise UserError(f"rewards: there is no reward {name!r}; {did_you_mean(name, known)}")
    return function


def _of_kind(task: Task, name: str, found: Mapping[str, Callable], kind: str | None) -> Callable:
    kind = kind or task.kind
    if kind not in found:
        known = ", ".join(found)
        raise UserError(f"{task.name} has no {name} for targets of kind {kind!r}; it has {known}")
    return found[kind]


@cache
def _library_reward(name: str) -> Callable | None:
    """The function `module.function` of `vlrl.rewards`, where it is a reward."""
    module_name, _, function_name = name.partition(".")
    if not function_name or module_name not in _library_modules():
        return None
    module = importlib.import_module(f"vlrl.rewards.{module_name}")
    function = getattr(module, function_name, None)
    return function if hasattr(function, "reward_kind") else None


def _library_modules() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(vlrl.rewards.__path__)]


def _library() -> Iterator[str]:
    """The names of all rewards of the library, as `module.function`."""
    for module_name in _library_modules():
        module = importlib.import_module(f"vlrl.rewards.{module_name}")
        for name, value in vars(module).items():
            if hasattr(value, "reward_kind") and value.__module__ == module.__name__:
                yield f"{module_name}.{name}"


@cache
def _options(function: Callable) -> tuple[str, ...]:
    """The parameters that a recipe may set: keyword-only ones and those with a default."""
    parameters = inspect.signature(function).parameters.values()
    return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY or p.default is not p.empty)


@dataclass(kw_only=True)
class _Draft:
    """The score of one completion while it is made."""

    sample: Sample
    text: str
    reading: Reading
    parsed: Value | None = None
    problem: str = "none"
    detail: str = ""
    parts: dict[str, float | None] = field(default_factory=dict)

    @classmethod
    def of(cls, sample: Sample, completion: str, mode: Mode, truncated: bool) -> _Draft:
        repeats = completion.startswith(mode.prefix)
        text = completion if repeats else mode.prefix + completion
        return cls(
            sample=sample,
            text=text,
            reading=read(text, mode.shape),
            problem="truncated" if truncated else "none",
        )

    def note(self, problem: str, detail: str = "") -> None:
        """Keep the problem that comes first in PROBLEMS."""
        if PROBLEMS.index(problem) < PROBLEMS.index(self.problem):
            self.problem, self.detail = problem, detail

    def parse(self, task: Task, frame: Frame | None) -> None:
        if self.reading.answer is None:
            self.note("no_answer")
            return
        try:
            self.parsed = task.parse(self.reading.answer, self.sample, frame)
        except UserError:
            raise
        except Exception as error:
            self.note("reward_error", f"parse: {error!r}")
            return
        if self.parsed is None:
            self.note("unparsable")

    def fill(self, part: Part) -> None:
        self.parts[part.name] = None
        if part.kind == "group" or part.isolated or part.function is None:
            return
        try:
            self.parts[part.name] = self._value(part, part.function)
        except Exception as error:
            self.fail(part, error)

    def fail(self, part: Part, error: Exception) -> None:
        """Note what a reward raised.  Raises a UserError again."""
        if isinstance(error, UserError):
            raise error
        if isinstance(error, UnusableTarget):
            self.note("target_unusable", str(error))
        elif isinstance(error, UnparsableAnswer):
            self.note("unparsable")
            self.parsed, self.parts[part.name] = None, part.range[0]
        else:
            self.note("reward_error", f"{part.name}: {error!r}")

    def settle(self, part: Part, outcome: isolation.Outcome) -> None:
        """Fill a part with what the pool reports."""
        if self.parsed is None and not isinstance(outcome.error, _KNOWN_WITHOUT_ANSWER):
            self.parts[part.name] = None if self.problem == "reward_error" else part.range[0]
            return
        try:
            self.parts[part.name] = _in_range(part, outcome.result())
        except Exception as error:
            self.fail(part, error)

    def _value(self, part: Part, function: Callable) -> float | None:
        if function is format_reward:
            return format_reward(self.reading, **part.options)
        if part.kind == "completion":
            return _in_range(part, function(self.text, self.sample, **part.options))
        options = part.options_for(self.sample) if part.sample_facts else part.options
        if self.parsed is not None:
            return _in_range(part, function(self.parsed, self.sample.target, **options))
        if self.problem == "reward_error":
            return None
        _look_at_target(function, self.sample.target, options)
        return part.range[0]

    def scored(self, total: _Total) -> Scored:
        broken = self.problem in ("reward_error", "target_unusable")
        return Scored(
            total=None if broken else total(self.parts),
            parts=self.parts,
            parsed=self.parsed,
            problem=self.problem,
            detail=self.detail,
        )


def _look_at_target(function: Callable, target: Value, options: Mapping[str, Any]) -> None:
    """Raise what is wrong with the target or the set-up; without an answer all else may fail."""
    try:
        function(None, target, **options)
    except _KNOWN_WITHOUT_ANSWER:
        raise
    except Exception:
        return


def _fill_isolated(part: Part, drafts: Sequence[_Draft]) -> None:
    """Fill a part of all completions at once, in the pool."""
    assert part.function is not None
    for options, group in groupby(drafts, key=lambda draft: part.options_for(draft.sample)):
        same = list(group)
        pairs = [(draft.parsed, draft.sample.target) for draft in same]
        outcomes = isolation.run_answers(part.function, pairs, options)
        for draft, outcome in zip(same, outcomes, strict=True):
            draft.settle(part, outcome)


def _in_range(part: Part, value: Any) -> float | None:
    if value is None:
        return None
    low, high = part.range
    if not low - _SLACK <= value <= high + _SLACK:
        raise ValueError(f"{value!r} is outside the declared range [{low}, {high}]")
    return float(value)


def _fill_group(
    part: Part, drafts: Sequence[_Draft], total: _Total, facts: Mapping[str, Any]
) -> None:
    assert part.function is not None  # only accuracy may lack one, and it is no group reward
    scoreds = [draft.scored(total) for draft in drafts]
    samples = [draft.sample for draft in drafts]
    texts = [draft.text for draft in drafts]
    values: Sequence[float | None] = [None] * len(drafts)
    try:
        given = {key: value for key, value in facts.items() if key in _options(part.function)}
        found = part.function(scoreds, samples, texts, **part.options, **given)
        values = [_in_range(part, value) for _, value in zip(drafts, found, strict=True)]
    except UserError:
        raise
    except Exception as error:
        for draft in drafts:
            draft.note("reward_error", f"{part.name}: {error!r}")
    for draft, value in zip(drafts, values, strict=True):
        draft.parts = {**draft.parts, part.name: value}


def _totaller(parts: Sequence[Part], combine: str, without: str = "") -> _Total:
    if combine not in COMBINE:
        raise UserError(f"combine: there is no {combine!r}; {did_you_mean(combine, COMBINE)}")
    for part in parts:
        if combine == "and" and part.weight and part.weight * part.range[1] <= 0:
            raise UserError(
                f"combine: and: {part.name} can only take away, so that no total would be above 0; "
                "give it the weight 0, or use combine: sum"
            )
    weights = {part.name: part.weight for part in parts if part.kind != without}
    stages = {part.name: part.stage for part in parts if part.stage}
    if not stages:
        return lambda values: COMBINE[combine](values, weights)

    def total(values: Parts) -> float | None:
        held = {name: staged(values[name], *bounds) for name, bounds in stages.items()}
        return COMBINE[combine]({**values, **held}, weights)

    return total


def habit_of(task: Task, sample: Sample, completion: str, mode: str) -> str | None:
    """The habit of answering that a completion's thinking shows, of those the task knows."""
    habits = task.of(sample).habits
    if not habits:
        return None
    thinking = read(completion, find_mode(mode).shape).thinking
    return next((habit.name for habit in habits if thinking and habit.shows(thinking)), None)
