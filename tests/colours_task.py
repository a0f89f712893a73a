"""A task that only a model that sees can do: which letter stands for the colour of the picture?

Sources: `seen:N` has pictures of one plain colour, the colours in turn; `blank:N` has the same
questions and targets with grey pictures; `swapped:N` shows the next colour and keeps the target.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vlrl.contracts import BadRow, Frame, Sample, Source, Task
from vlrl.media import ImageOnDemand
from vlrl.rewards import choice

COLOURS = {"A": (220, 30, 30), "B": (30, 220, 30), "C": (30, 30, 220)}
GREY = (128, 128, 128)
SIDE_PX = 56


class Colours(Task):
    name = "colours"
    about = "the letter of the picture's colour"
    kind = "choice"
    rewards = {"accuracy": choice.exact}

    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        kind, _, count = source.spec.partition(":")
        for index in range(int(count)):
            yield sample(kind, index)

    def hint(self, sample: Sample, frame: Frame | None) -> str:
        return ""

    def parse(self, answer: str, sample: Sample, frame: Frame | None) -> str | None:
        return choice.parse(answer, sample.options)

    def ideal(self, sample: Sample, frame: Frame | None) -> str:
        return sample.target


def sample(kind: str, index: int) -> Sample:
    letters = list(COLOURS)
    target = letters[index % len(letters)]
    shown = letters[(index + 1) % len(letters)] if kind == "swapped" else target
    colour = GREY if kind == "blank" else COLOURS[shown]
    return Sample(
        id=f"{kind}/{index}",
        task="colours",
        question="Which colour?",
        target=target,
        options=("red", "green", "blue"),
        media=(ImageOnDemand(f"plain {colour}", lambda: plain(colour)),),
        image_size=(SIDE_PX, SIDE_PX),
    )


def plain(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((SIDE_PX, SIDE_PX, 3), colour, dtype=np.uint8)
