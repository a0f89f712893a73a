"""How targets of each kind are asked for, read, written and compared.

Its modules (`words.py`, `maths.py`, `places.py`, `masks.py`, `spans.py` ...) hold one `Kind`
per kind of target.  A `KindTask` says which of them its samples are of, and where its rows are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from vlrl.contracts import BadRow, Frame, Sample, Source, Task, UserError, Value
from vlrl.data.formats import rows


def as_it_is(sample: Sample) -> Value:
    return sample.target


def plainly(sample: Sample, frame: Frame | None) -> str:
    return str(sample.target)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of target; coordinates enter and leave the frame here, and nowhere else."""

    accuracy: Callable[..., float]  # the answer reward, marked by `vlrl.contracts.reward`
    hint: Callable[[Sample, Frame | None], str]
    parse: Callable[[str, Sample, Frame | None], Value | None]
    ideal: Callable[[Sample, Frame | None], str] = plainly
    target: Callable[[Sample], Value] = as_it_is
    """The target of a row that was read, typed; raises ValueError with what is wrong with it."""


class KindTask(Task):
    """A task of standard kinds: it states facts, and the methods follow the kind of the sample."""

    kinds: ClassVar[Mapping[str, Kind]]  # `kind` names the one of samples that name none
    world: ClassVar[Any] = None  # the module of `data.world` whose `samples(source)` are its twin

    def __init_subclass__(cls) -> None:
        """Its accuracy is that of the sample's kind."""
        accuracy = {name: kind.accuracy for name, kind in cls.kinds.items()}
        cls.rewards = {"accuracy": accuracy, **cls.rewards}

    def kind_of(self, sample: Sample) -> Kind:
        name = sample.kind or self.kind
        if name not in self.kinds:
            known = ", ".join(self.kinds)
            raise UserError(f"sample {sample.id}: {self.name} has no kind {name!r}; use {known}")
        return self.kinds[name]

    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        if not rows.is_world(source):
            if not self.formats:
                raise UserError(f"{source.spec}: {self.name} reads no rows; use world:{self.name}")
            return rows.read(source, self.formats, task=self.name, check=self._checked)
        if self.world is None:
            raise UserError(f"{source.spec}: {self.name} has no procedural world; name its rows")
        return self.world.samples(source)

    def _checked(self, sample: Sample) -> Sample:
        return sample.with_(target=self.kind_of(sample).target(sample))

    def hint(self, sample: Sample, frame: Frame | None) -> str:
        return self.kind_of(sample).hint(sample, frame)

    def parse(self, answer: str, sample: Sample, frame: Frame | None) -> Value | None:
        return self.kind_of(sample).parse(answer, sample, frame)

    def ideal(self, sample: Sample, frame: Frame | None) -> str:
        return self.kind_of(sample).ideal(sample, frame)
