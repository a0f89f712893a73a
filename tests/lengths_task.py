"""A task in which a model with random weights finds rewards: is its answer of even or odd length?

Sources: `pictures:N`, `text:N`, `mixed:N` (every other sample with a picture) and `unusable:N` (the
first target is no number).  `long:N` has one prompt in two that fits into no context; `own:N` has
one sample in two with rewards of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vlrl.contracts import BadRow, Benchmark, Frame, Sample, Source, Task, reward
from vlrl.media import ImageOnDemand
from vlrl.rewards import number


@reward("completion")
def letters(completion: str, sample: Sample) -> float:
    """The share of ASCII letters in the completion."""
    found = sum(character.isascii() and character.isalpha() for character in completion)
    return found / max(len(completion), 1)


@reward("completion")
def always(completion: str, sample: Sample) -> float:
    return 1.0


@reward("completion")
def fussy(completion: str, sample: Sample, *, every: int = 1) -> float:
    """Breaks on one completion in `every`."""
    if len(completion) % every == 0:
        raise ZeroDivisionError("this reward is broken")
    return 1.0


class Lengths(Task):
    name = "lengths"
    about = "is the answer of even or odd length?"
    kind = "number"
    rewards = {"accuracy": number.exact, "letters": letters, "always": always, "fussy": fussy}
    benchmarks = (
        Benchmark(name="lengths_6", source="pictures:6"),
        Benchmark(name="lengths_lost", source="lost_rows.jsonl"),
    )

    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        kind, _, count = source.spec.partition(":")
        if not count:
            raise FileNotFoundError(source.spec)
        for index in range(int(count)):
            yield sample(kind, index)

    def hint(self, sample: Sample, frame: Frame | None) -> str:
        return "Be brief."

    def parse(self, answer: str, sample: Sample, frame: Frame | None) -> int | None:
        return len(answer) % 2 if answer.strip() else None

    def ideal(self, sample: Sample, frame: Frame | None) -> str:
        return "ab" if sample.target == 0 else "abc"


def sample(kind: str, index: int) -> Sample:
    has_picture = kind != "text" and (kind != "mixed" or index % 2 == 0)
    size = (28 * (2 + index % 3), 28 * (2 + index % 2))
    words = "Please " * 4096 if kind == "long" and index % 2 else "Please " * (index % 4)
    return Sample(
        id=f"{kind}/{index}",
        task="lengths",
        question=f"{words}write something.",
        target="no number" if kind == "unusable" and index == 0 else index % 2,
        media=(ImageOnDemand(f"{kind}/{index}", lambda: picture(index, size)),)
        if has_picture
        else (),
        image_size=size if has_picture else None,
        rewards={"always": 0.5} if kind == "own" and index % 2 else None,
        reasoning=f"I write {'an odd' if index % 2 else 'an even'} number of letters",
    )


def picture(index: int, size: tuple[int, int]) -> np.ndarray:
    """Noise, (height, width, 3)."""
    return np.random.default_rng(index).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
