"""The vocabulary that every room shares: types only, no work.

A *source* names where rows come from; a *task* turns its rows into *samples*; a *mode* and a task
make a *prompt*; a model writes a *completion*; the reader finds the *answer* in it; the task parses
the answer to a value; *rewards* compare the value with the *target*; a *score* is the result.
Coordinates are written in a *frame*; a *benchmark* is a source with a metric; a *recipe* chooses
all of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol, get_args

Value = Any  # a parsed answer or a target: number, text, box ... (the kind tells which)
Role = Literal["train", "validation", "test"]
DEFAULT_REWARDS: Mapping[str, Any] = {"accuracy": 1.0, "format": 1.0}  # R1-V: both alike

Shape = tuple[tuple[str, ...], ...]  # legal alternatives, each the names of the tags in order

PLAIN: Shape = ((),)
"""The shape of text without tags, which is all answer."""

PROBLEMS = ("reward_error", "target_unusable", "truncated", "no_answer", "unparsable", "none")
"""What can be wrong with a completion, in order of precedence."""


class UserError(Exception):
    """A mistake in the set-up: says what, where and what to do; shown as one line."""


class UnusableTarget(ValueError):
    """Raised by a reward whose target cannot be scored against.

    Such a row gives no signal: never 0, never 1.
    """


class UnparsableAnswer(ValueError):
    """Raised by a reward that finds no meaning in its value.

    The score is the minimum, the problem `unparsable`.
    """


class Media(Protocol):
    """A lazy reference to one image, video or sound; `vlrl.media` decodes it when asked."""

    @property
    def key(self) -> str: ...  # identifies the content; equal keys mean equal pixels

    @property
    def kind(self) -> Literal["image", "video", "audio"]: ...

    def open(self) -> Any: ...  # the content as its library gives it; `vlrl.media` makes it uniform


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where rows come from.

    An existing path, a hub id `id[:config][@split]` or `world[:task][@preset]`.
    """

    spec: str
    role: Role = "train"
    columns: Mapping[str, str] = field(default_factory=dict)  # our name -> the user's column name
    take: str | None = None  # "first:500" or "random:10%" (seeded)
    seed: int = 0
    task: str | None = None  # of its rows, where a run has several tasks
    rewards: Mapping[str, Any] | None = None  # of its rows, where they state none


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One question with its media and target, in original pixels and seconds."""

    id: str
    task: str
    question: str
    target: Value
    media: tuple[Media, ...] = ()
    kind: str | None = None  # the target's kind where it differs from the task's
    reasoning: str | None = None  # a worked solution, for warm starts
    options: tuple[str, ...] | None = None  # texts of options A, B, C ...
    image_size: tuple[int, int] | None = None  # (width, height) of the original, in pixels
    duration: float | None = None  # of the video, in seconds
    rewards: Mapping[str, Any] | None = None  # this row's own rewards
    meta: Mapping[str, Any] = field(default_factory=dict)

    def with_(self, **changes: Any) -> Sample:
        return replace(self, **changes)


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """A row that cannot be read: reported with place and cure, never replaced by another."""

    file: str
    row: int | str
    reason: str
    cure: str

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}: {self.reason}; {self.cure}"


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The size in which the coordinates of one image are written.

    `x_original = x * original_width / width`
    """

    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the reader found in a completion."""

    thinking: str | None
    answer: str | None  # None: no complete answer block
    well_formed: bool  # the legal shape of the mode, nothing else


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The score of one completion.

    `parts` are raw and unweighted and always hold `accuracy` and `format`.
    """

    total: float | None  # None: the target is unusable, no signal
    parts: Mapping[str, float | None]
    parsed: Value | None
    problem: str = "none"  # one of PROBLEMS
    detail: str = ""  # what was raised, for reward_error and target_unusable


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A named test set with the metric that its publisher states."""

    name: str
    source: str
    split: str | None = None  # of the source; None: the one for testing
    metric: str = "accuracy"  # or another that `vlrl.evaluation.metrics` knows
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Habit:
    """A way of answering that a warm start teaches and a rollout can be recognised by."""

    name: str
    write: Callable[[Sample], tuple[str, str]]  # -> (thinking, answer), deterministic in the sample
    shows: Callable[[str], bool]  # is this thinking written in that habit?


RewardKind = Literal["answer", "completion", "group"]


def reward(
    kind: RewardKind = "answer", low: float = 0.0, high: float = 1.0, isolated: bool = False
) -> Callable[[Callable], Callable]:
    """Declare what a reward function takes and the range it returns; it stays a plain function.

    answer: `(value, target, **options)`, looking at the target first, so that one that is unusable
    shows even without an answer; completion: `(completion, sample, **options)`; group: `(scoreds,
    samples, completions, **options) -> list`.  A parameter called `step` or `progress` is given the
    place in the run.
    `isolated` answer rewards run in a process pool with time and memory limits.  Raises ValueError
    for an unknown kind, and for an isolated reward of another kind.
    """
    if kind not in get_args(RewardKind):
        raise ValueError(f"{kind!r} is no kind of reward; write one of {get_args(RewardKind)}")
    if isolated and kind != "answer":
        raise ValueError(f"a {kind} reward cannot be isolated; only answer rewards run in the pool")

    def mark(function: Callable) -> Callable:
        function.reward_kind = kind  # type: ignore[attr-defined]
        function.reward_range = (low, high)  # type: ignore[attr-defined]
        function.isolated = isolated  # type: ignore[attr-defined]
        return function

    return mark


class Task:
    """One task is one subclass in one file, which fills in the attributes and methods below."""

    name: ClassVar[str]
    about: ClassVar[str]  # one line for `vlrl tasks`
    kind: ClassVar[str] = ""  # default kind of its targets (number, choice, box ...)
    sources: ClassVar[Mapping[str, str]] = {}  # what it reads: source -> size, licence
    formats: ClassVar[tuple[Any, ...]] = ()  # the `data.formats.rows.Format`s that `load` reads
    rewards: ClassVar[Mapping[str, Callable | Mapping[str, Callable]]] = {}
    """`accuracy` is the main answer reward; what depends on the sample maps kinds to rewards."""
    benchmarks: ClassVar[tuple[Benchmark, ...]] = ()
    habits: ClassVar[tuple[Habit, ...]] = ()

    def of(self, sample: Sample) -> Task:
        """The task that asks, reads and scores this sample; a mix of tasks has several."""
        return self

    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        """Yield samples, and a BadRow in place of every row that cannot be read."""
        raise NotImplementedError

    def hint(self, sample: Sample, frame: Frame | None) -> str:
        """How to write the answer: one sentence of the prompt; the mode's words are not its."""
        raise NotImplementedError

    def parse(self, answer: str, sample: Sample, frame: Frame | None) -> Value | None:
        """The value that the answer states, or None; coordinates leave the frame here."""
        raise NotImplementedError

    def ideal(self, sample: Sample, frame: Frame | None) -> str:
        """An answer that scores 1."""
        raise NotImplementedError
