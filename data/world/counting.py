"""Counting in the procedural world: scenes as samples, and the habits of answering that a warm start can teach.

Presets of `world:counting`: none (1-8 objects, the seen look), `ood` (1-8 objects; other shapes, colours, light and
grounds), `more` (9-12 objects in the seen look), `digits` (scanned handwritten digits among the objects).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from random import Random

from vlrl.data.world import Scene, make_scene, render
from vlrl.data.world.digits import digit_sample

from vlrl.contracts import Habit, Sample, Source, UserError
from vlrl.media import ImageOnDemand

SIDE_PX = 112
SQUARES = 7  # a picture's places are named like squares of a chess board, a1 (top left) to g7
COUNTS = {"": (1, 8), "ood": (1, 8), "more": (9, 12)}
WORDS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]


def samples(source: Source) -> Iterator[Sample]:
    """An endless stream; the role (train, validation, test) and the seed decide which scenes it holds."""
    preset = source.spec.partition("@")[2]
    if preset != "digits" and preset not in COUNTS:
        raise UserError(f"{source.spec}: there is no preset {preset!r}; choose ood, more or digits")
    index = 0
    while True:
        name = f"{source.role}/{source.seed}/{index}"
        yield digit_sample(name) if preset == "digits" else scene_sample(name, preset)
        index += 1


def scene_sample(name: str, preset: str) -> Sample:
    low, high = COUNTS[preset]
    rng = Random(f"counting/{preset}/{name}")
    count = low + int(rng.random() * (high - low + 1))
    domain = "ood" if preset == "ood" else "train"
    key = f"world/counting/{domain}/{count}/{name}"
    return Sample(
        id=f"counting{'@' + preset if preset else ''}/{name}",
        task="counting",
        question="How many objects are there?",
        target=count,
        media=(ImageOnDemand(key, lambda: render(scene(name, count, domain))),),
        image_size=(SIDE_PX, SIDE_PX),
        meta={"scene": (name, count, domain)},
    )


@lru_cache(maxsize=16_384)
def scene(name: str, count: int, domain: str) -> Scene:
    return make_scene(name, num_objects=count, domain=domain, side_px=SIDE_PX)


def square(x_px: float, y_px: float, side_px: int) -> str:
    """The square that holds a point: column a-g from the left, row 1-7 from the top."""
    column, row = (min(int(at * SQUARES / side_px), SQUARES - 1) for at in (x_px, y_px))
    return f"{'abcdefg'[column]}{row + 1}"


def guess(sample: Sample) -> tuple[str, str]:
    """A hasty guess: off by one half of the time."""
    rng = Random(f"guess/{sample.id}")
    step = (0, 0, 1, -1)[int(rng.random() * 4)]
    value = max(1, sample.target + step)
    return f"about {WORDS[value - 1]}", str(value)


def colours(sample: Sample) -> tuple[str, str]:
    """Every object's colour, from left to right."""
    things = sorted(scene(*sample.meta["scene"]).objects, key=lambda thing: thing.centre)
    return "I see " + ", ".join(thing.colour for thing in things), str(sample.target)


def places(sample: Sample) -> tuple[str, str]:
    """Every object counted out with its square, column by column."""
    objects = scene(*sample.meta["scene"]).objects
    squares = sorted(square(*thing.centre, SIDE_PX) for thing in objects)
    counted = (f"{word} {place}" for word, place in zip(WORDS, squares, strict=False))
    return ", ".join(counted), str(sample.target)


def _starts(*words: str) -> Callable[[str], bool]:
    return lambda thinking: thinking.strip().startswith(words)


HABITS = (
    Habit(name="guess", write=guess, shows=_starts("about")),
    Habit(name="colours", write=colours, shows=_starts("I see")),
    Habit(name="places", write=places, shows=_starts("one ")),
)
