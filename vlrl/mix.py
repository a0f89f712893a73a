"""Several sources as one, in their shares or one after the other, and several tasks as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from vlrl.contracts import BadRow, Frame, Sample, Source, Task, UserError, Value

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Mix(Source):
    """A source made of others; `take` counts the samples of the mix, each part may have its own."""

    parts: tuple[Source, ...]
    shares: tuple[float, ...] = ()  # of the samples, one for each part; (): one after the other


class MixedTask(Task):
    """Every sample is asked, read and scored by its own task."""

    name = "mix"

    def __init__(self, tasks: Mapping[str, Task]) -> None:
        """`tasks`: by what sources call theirs; the first is of sources that name none."""
        self.tasks = tasks
        self.by_name = {task.name: task for task in tasks.values()}
        if len(self.by_name) < len(tasks):
            raise UserError(f"the tasks {', '.join(tasks)} have one name; give each its own")
        self.habits = tuple(habit for task in tasks.values() for habit in task.habits)  # type: ignore[misc]

    def of(self, sample: Sample) -> Task:
        return self.by_name[sample.task]

    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        return self.tasks[source.task or next(iter(self.tasks))].load(source)

    def hint(self, sample: Sample, frame: Frame | None) -> str:
        return self.of(sample).hint(sample, frame)

    def parse(self, answer: str, sample: Sample, frame: Frame | None) -> Value | None:
        return self.of(sample).parse(answer, sample, frame)

    def ideal(self, sample: Sample, frame: Frame | None) -> str:
        return self.of(sample).ideal(sample, frame)


def of_task(source: Source, task: str) -> Source | None:
    """The part of a source that holds the rows of a task, in its own order; None for none."""
    if not isinstance(source, Mix):
        return source if source.task == task else None
    chosen = [number for number, part in enumerate(source.parts) if part.task == task]
    parts = tuple(source.parts[number] for number in chosen)
    shares = tuple(source.shares[number] for number in chosen if source.shares)
    spec = " + ".join(part.spec for part in parts)
    return replace(source, parts=parts, shares=shares, spec=spec) if parts else None


def interleave(streams: Sequence[Iterator[T]], shares: Sequence[float]) -> Iterator[T]:
    """The streams in their shares, always the one that lacks most, until that one runs out.

    After n items stream i lacks `(n + 1) share_i / sum(shares) - taken_i`; of equals the first.
    """
    taken = [0] * len(streams)
    while True:
        position = (sum(taken) + 1) / sum(shares)
        lacking = [position * share - has for share, has in zip(shares, taken, strict=True)]
        chosen = lacking.index(max(lacking))
        try:
            yield next(streams[chosen])
        except StopIteration:
            return
        taken[chosen] += 1
