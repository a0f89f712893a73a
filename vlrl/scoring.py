"""Scores completions: read, parse, reward, compose.

Training, evaluation and `vlrl score` all come here.
No torch.  A bad rollout is data: whatever a completion, a parser or a reward does, the outcome is
a Scored.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import vlrl.rewards
from vlrl import tasks
from vlrl.contracts import (
    PROBLEMS,
    Frame,
    Reading,
    Sample,
    Scored,
    Task,
    UnusableTarget,
    UserError,
    Value,
)
from vlrl.nearest import did_you_mean
from vlrl.prompts import Mode, find_mode
from vlrl.rewards.compose import Parts, all_of, weight_at, weighted_sum
from vlrl.rewards.format import format as format_reward
from vlrl.rewards.reader import read

DEFAULT_REWARDS: Mapping[str, Any] = {"accuracy": 1.0, "format": 1.0}  # R1-V
COMBINE = {"sum": weighted_sum, "and": all_of}
_Total = Callable[[Parts], float | None]
Rewards = Mapping[str, Any] | None
_SLACK = 1e-6  # a reward may leave its declared range by rounding


@dataclass(frozen=True, kw_only=True)
class Part:
    """One reward of a recipe, found and checked."""

    name: str
    weight: float
    function: Callable | None  # None: the task has no such reward, the part stays None
    options: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return getattr(self.function, "reward_kind", "answer")

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
    step: int = 0,
    progress: float = 0.0,
) -> list[Scored]:
    """The scores of the completions of one prompt, in order; `samples` holds its sample for each.

    A completion is what the model wrote after the mode's prefix; one that repeats the prefix is
    read as it is.  `rewards` maps a name to a weight or to `{use, weight, **options}` (default:
    accuracy and format, 1 each); a sample's own rewards come first.  `combine` is `sum` or `and`.
    `step` and `progress` (0 to 1) place the score in a run, for weights with a schedule and for
    rewards that have a parameter of that name.  Raises UserError for a mode, reward, option or
    `combine` that does not exist; nothing else.
    """
    if not samples:
        return []
    found_mode = find_mode(mode)
    parts = resolve(task, samples[0].rewards or rewards, step=step, progress=progress)
    cuts = [False] * len(samples) if truncated is None else truncated
    drafts = []
    for sample, completion, cut in zip(samples, completions, cuts, strict=True):
        draft = _Draft.of(sample, completion, found_mode, cut)
        draft.parse(task, frame)
        for part in parts:
            draft.fill(part)
        drafts.append(draft)
    for part in parts:
        if part.kind == "group":
            _fill_group(part, drafts, _totaller(parts, combine, without="group"))
    total = _totaller(parts, combine)
    return [draft.scored(total) for draft in drafts]


def resolve(
    task: Task,
    rewards: Mapping[str, Any] | None = None,
    *,
    step: int = 0,
    progress: float = 0.0,
) -> tuple[Part, ...]:
    """The recipe's rewards as parts, `accuracy` and `format` first; UserError for a wrong one."""
    rewards = rewards or DEFAULT_REWARDS
    parts = []
    for name in dict.fromkeys(("accuracy", "format", *rewards)):
        if name == "accuracy" and name not in rewards and name not in task.rewards:
            parts.append(Part(name=name, weight=0.0, function=None, options={}))
        else:
            parts.append(_part(task, name, rewards.get(name, 0.0), step, progress))
    return tuple(parts)


def _part(task: Task, name: str, spec: Any, step: int, progress: float) -> Part:
    options = dict(spec) if isinstance(spec, Mapping) else {"weight": spec}
    function = _find(task, options.pop("use", name))
    weight = _weight(name, options.pop("weight", 1.0), progress)
    known = _options(function)
    for option in options:
        if option not in known:
            raise UserError(
                f"rewards.{name}: there is no option {option!r}; {did_you_mean(option, known)}"
            )
    run = {"step": step, "progress": progress}
    options |= {key: value for key, value in run.items() if key in known}
    return Part(name=name, weight=weight, function=function, options=options)


def _weight(name: str, weight: Any, progress: float) -> float:
    try:
        return weight_at(weight, progress)
    except (TypeError, ValueError):
        raise UserError(
            f"rewards.{name}: {weight!r} is no weight; "
            "give a number, or [[from, weight], ...] with progress from 0 to 1"
        ) from None


def _find(task: Task, name: str) -> Callable:
    if name in task.rewards:
        return task.rewards[name]
    if name == "format":
        return format_reward
    function = _library_reward(name)
    if function is None:
        known = [*task.rewards, "format", *_library()]
        raise UserError(f"rewards: there is no reward {name!r}; {did_you_mean(name, known)}")
    return function


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
def _parameters(function: Callable) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


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
        except Exception as error:
            self.note("reward_error", f"parse: {error!r}")
            return
        if self.parsed is None:
            self.note("unparsable")

    def fill(self, part: Part) -> None:
        if part.kind == "group" or part.function is None:
            self.parts[part.name] = None
            return
        try:
            self.parts[part.name] = self._value(part, part.function)
        except UnusableTarget as error:
            self.parts[part.name] = None
            self.note("target_unusable", str(error))
        except Exception as error:
            self.parts[part.name] = None
            self.note("reward_error", f"{part.name}: {error!r}")

    def _value(self, part: Part, function: Callable) -> float | None:
        if function is format_reward:
            return format_reward(self.reading)
        if part.kind == "completion":
            return _in_range(part, function(self.text, self.sample, **part.options))
        if self.parsed is not None:
            return _in_range(part, function(self.parsed, self.sample.target, **part.options))
        if self.problem == "reward_error":
            return None
        _look_at_target(part, function, self.sample.target)
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


def _look_at_target(part: Part, function: Callable, target: Value) -> None:
    """Raise UnusableTarget as the reward would; without an answer it may fail in any other way."""
    try:
        function(None, target, **part.options)
    except UnusableTarget:
        raise
    except Exception:
        return


def _in_range(part: Part, value: Any) -> float | None:
    if value is None:
        return None
    low, high = part.range
    if not low - _SLACK <= value <= high + _SLACK:
        raise ValueError(f"{value!r} is outside the declared range [{low}, {high}]")
    return float(value)


def _fill_group(part: Part, drafts: Sequence[_Draft], total: _Total) -> None:
    assert part.function is not None  # only accuracy may lack one, and it is no group reward
    scoreds = [draft.scored(total) for draft in drafts]
    samples = [draft.sample for draft in drafts]
    texts = [draft.text for draft in drafts]
    values: Sequence[float | None] = [None] * len(drafts)
    try:
        found = part.function(scoreds, samples, texts, **part.options)
        values = [_in_range(part, value) for _, value in zip(drafts, found, strict=True)]
    except Exception as error:
        for draft in drafts:
            draft.note("reward_error", f"{part.name}: {error!r}")
    for draft, value in zip(drafts, values, strict=True):
        draft.parts = {**draft.parts, part.name: value}


def _totaller(parts: Sequence[Part], combine: str, without: str = "") -> _Total:
    if combine not in COMBINE:
        raise UserError(f"combine: there is no {combine!r}; {did_you_mean(combine, COMBINE)}")
    weights = {part.name: part.weight for part in parts if part.kind != without}
    return lambda values: COMBINE[combine](values, weights)


def habit_of(task: Task, completion: str, mode: str) -> str | None:
    """The habit of answering that a completion's thinking shows, of those the task knows."""
    if not task.habits:
        return None
    thinking = read(completion, find_mode(mode).shape).thinking
    return next((habit.name for habit in task.habits if thinking and habit.shows(thinking)), None)


def main_score(path: str | Path) -> int:
    """`vlrl score FILE.jsonl`: a JSON line for every line; exit status 1 if one is broken."""
    if not Path(path).is_file():
        raise UserError(f"{path}: there is no such file; give a JSON lines file")
    broken = False
    with open(path, encoding="utf-8") as lines:
        for row in score_rows(lines, complain=lambda text: print(text, file=sys.stderr)):
            broken = broken or row.get("problem") == "bad_line"
            print(json.dumps(row, default=_plain))
    return int(broken)


_BAD_LINE = (UserError, ValueError, TypeError, LookupError, AttributeError, RecursionError)


def score_rows(
    lines: Iterable[str], complain: Callable[[str], None] = lambda text: None
) -> Iterator[dict[str, Any]]:
    """`{"id", "total", "parts", "parsed", "problem"}` for every line that is not blank, in order.

    A line is a JSON object: `completion`, `target`, and `task` (a name) or `reward`
    (`module.function` of `vlrl.rewards`, answers read by that module's `parse`); optional are
    `id`, `mode`, `rewards`, `combine`, `truncated` and `sample` (fields of Sample and `frame` `[w,
    h]`; unknown keys go to `meta`).  A line that is not like that gives `{"line", "problem":
    "bad_line"}`, with lines counted from 1, and `complain` gets the reason.
    """
    find = cache(tasks.find)
    library = cache(_library_task)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _score_row(json.loads(line), find, library)
        except _BAD_LINE as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            complain(f"line {number}: {reason}")
            yield {"line": number, "problem": "bad_line"}


def _score_row(
    row: Any, find: Callable[[str], Task], library: Callable[[str], tuple[Task, Rewards]]
) -> dict[str, Any]:
    if not isinstance(row, dict) or not isinstance(row["completion"], str):
        raise UserError("write a JSON object whose `completion` is a text")
    given = dict(row.get("sample") or {})
    frame = given.pop("frame", None)
    task, rewards = (find(row["task"]), None) if "task" in row else library(row["reward"])
    scored = score(
        task,
        _sample(row, given, task.name),
        row["completion"],
        mode=row.get("mode", "think"),
        frame=Frame(width=frame[0], height=frame[1]) if frame else None,
        rewards=row.get("rewards") or rewards,
        combine=row.get("combine", "sum"),
        truncated=row.get("truncated", False),
    )
    return {
        "id": row.get("id"),
        "total": scored.total,
        "parts": scored.parts,
        "parsed": scored.parsed,
        "problem": scored.problem,
    }


_SAMPLE_FIELDS = {each.name for each in fields(Sample)} - {"id", "task", "target", "media", "meta"}


def _sample(row: Mapping[str, Any], given: Mapping[str, Any], task_name: str) -> Sample:
    known = {key: value for key, value in given.items() if key in _SAMPLE_FIELDS}
    for key in ("options", "image_size"):
        if known.get(key) is not None:
            known[key] = tuple(known[key])
    unknown = {key: value for key, value in given.items() if key not in _SAMPLE_FIELDS}
    meta = {**unknown.pop("meta", {}), **unknown}
    identity = {"id": str(row.get("id")), "task": task_name, "target": row["target"], "meta": meta}
    return Sample(**{"question": "", **known, **identity})


def _library_task(reward_name: str) -> tuple[Task, Rewards]:
    """A task around one reward of the library, and the rewards to score it with."""
    function = _find(Task(), reward_name)
    is_answer = getattr(function, "reward_kind", None) == "answer"
    module_parse = getattr(importlib.import_module(function.__module__), "parse", None)

    class LibraryTask(Task):
        name = "reward"
        rewards: ClassVar = {"accuracy": function} if is_answer else {}

        def parse(self, answer: str, sample: Sample, frame: Frame | None) -> Value | None:
            return _parse_with(module_parse, answer, sample, frame) if module_parse else answer

    return LibraryTask(), None if is_answer else {reward_name: 1.0}


def _parse_with(
    module_parse: Callable, answer: str, sample: Sample, frame: Frame | None
) -> Value | None:
    """Call the `parse` of a library module with the facts that it has parameters for."""
    known = {
        **sample.meta,
        "sample": sample,
        "frame": frame,
        "options": sample.options,
        "image_size": sample.image_size,
        "duration": sample.duration,
    }
    wanted = [key for key in _parameters(module_parse)[1:] if known.get(key) is not None]
    return module_parse(answer, **{key: known[key] for key in wanted})


def _plain(value: Any) -> Any:
    """What JSON lacks: arrays as lists, anything else as its text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
