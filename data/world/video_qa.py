"""Films in which objects come, go and move, as samples of `video_qa`.

| subtask | question | answer |
|---|---|---|
| `order` | which of three objects comes first, or last | a letter of three |
| `direction` | which way does an object move, while another moves otherwise | a letter of four |
| `speed` | which of three moving objects is the fastest, or the slowest | a letter of three |
| `count` | how many objects come and go, never more than two at once | 1 to 5 |

A film has 8 pictures of 112 x 112 px, one a second; one sample asks about it.  Every answer of a
subtask is equally likely.  `@ood` has other shapes, colours, grounds and light.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import count
from random import Random
from string import ascii_uppercase

import numpy as np

from vlrl.contracts import Sample, Source
from vlrl.data.world.camera import Camera, Vec, direction, unit
from vlrl.data.world.films import Part, Place, clip, is_clear, moves_from, shown_from, stays
from vlrl.data.world.parts import SceneObject
from vlrl.data.world.presets import preset_of
from vlrl.data.world.scene import Scene, make_scene
from vlrl.media import ClipOnDemand

PRESETS = ("", "ood")
NUM_PICTURES = 8
LAST = NUM_PICTURES - 1
FPS = 1.0
SIDE_PX = 112
NUM_OBJECTS = 6
ATTEMPTS = 2000

WAYS = ("to the left", "to the right", "towards the camera", "away from the camera")
WAY = (1.2, 2.4)  # that an object moves, world units
SPEEDS = (0.4, 1.0, 2.5)  # of three objects: the way each goes in a film, world units
TURN = 6.2832


@dataclass(frozen=True, kw_only=True)
class Film:
    """What is seen, and what is asked about it."""

    parts: tuple[Part, ...]
    question: str
    reasoning: str
    target: str | int
    options: tuple[str, ...] | None = None


def samples(source: Source) -> Iterator[Sample]:
    """An endless stream; role (train, validation, test) and seed decide which films it holds.

    Raises UserError for another task or an unknown preset.
    """
    preset = preset_of(source, "video_qa", PRESETS)
    for index in count():
        yield sample(f"{source.role}/{source.seed}/{index}", preset, tuple(DRAW)[index % len(DRAW)])


def sample(name: str, preset: str, subtask: str) -> Sample:
    _, shot = film(name, preset, subtask)
    shape = (NUM_PICTURES, SIDE_PX, SIDE_PX)
    key = f"world/video_qa/{preset}/{subtask}/{name}"
    return Sample(
        id=f"video_qa{'@' + preset if preset else ''}/{name}",
        task="video_qa",
        question=shot.question,
        target=shot.target,
        kind="choice" if shot.options else "number",
        options=shot.options,
        media=(ClipOnDemand(key, partial(_clip, name, preset, subtask), FPS, shape),),
        duration=NUM_PICTURES / FPS,
        reasoning=shot.reasoning,
        meta={"subtask": subtask},
    )


@lru_cache(maxsize=64)
def film(name: str, preset: str, subtask: str) -> tuple[Scene, Film]:
    """The first film with the answer of this name in which all objects are told apart and seen."""
    num_answers = NUM_ANSWERS[subtask]
    answer = int(Random(f"video_qa/answer/{preset}/{name}").random() * num_answers)
    for attempt in range(ATTEMPTS):
        seed = f"video_qa/{preset}/{name}/{attempt}"
        domain = "ood" if preset == "ood" else "train"
        scene = make_scene(seed, num_objects=NUM_OBJECTS, domain=domain, side_px=SIDE_PX)
        found = DRAW[subtask](Random(seed), scene, answer)
        if is_clear(scene, found.parts):
            return scene, found
    raise RuntimeError(f"no film in {ATTEMPTS} attempts")


def _clip(name: str, preset: str, subtask: str) -> np.ndarray:
    scene, shot = film(name, preset, subtask)
    return clip(scene, shot.parts)


def order(rng: Random, scene: Scene, answer: int) -> Film:
    """Three objects come and stay; a fourth is there all the time."""
    *coming, still = scene.objects[:4]
    times = sorted(_shuffled(rng, range(1, LAST))[:3])
    parts = [
        shown_from(thing, NUM_PICTURES, start, NUM_PICTURES)
        for thing, start in zip(coming, times, strict=True)
    ]
    end = "first" if rng.random() < 0.5 else "last"
    right, others = _parted([part.name for part in parts], 0 if end == "first" else 2)
    told = _told(parts, times)
    return Film(
        parts=(*parts, stays(still, NUM_PICTURES)),
        question=f"Which of these objects comes into the picture {end}?",
        reasoning=f"The order is {told}. The {end} is the {right}.",
        **_chosen(rng, right, others, answer),
    )


def move(rng: Random, scene: Scene, answer: int) -> Film:
    """Two objects move, each another way; a third stays where it is."""
    asked, other, still = scene.objects[:3]
    other_way = (answer + 1 + int(rng.random() * 3)) % 4
    parts = [
        moves_from(thing, NUM_PICTURES, 0, LAST, _goal(rng, scene.camera, thing, way))
        for thing, way in ((asked, answer), (other, other_way))
    ]
    (x1, y1), (x2, y2) = (_seen_at(scene, parts[0], index) for index in (0, LAST))
    return Film(
        parts=(*parts, stays(still, NUM_PICTURES)),
        question=f"Which way does the {parts[0].name} move?",
        reasoning=f"In the picture it goes from ({x1}, {y1}) to ({x2}, {y2}): {WAYS[answer]}.",
        target=ascii_uppercase[answer],
        options=WAYS,
    )


def speed(rng: Random, scene: Scene, answer: int) -> Film:
    """Three objects move for as long as the film lasts."""
    parts = [
        moves_from(
            thing, NUM_PICTURES, 0, LAST, _off(thing, direction(rng.random() * TURN, 0.0), way)
        )
        for thing, way in zip(scene.objects[:3], SPEEDS, strict=True)
    ]
    end = "fastest" if rng.random() < 0.5 else "slowest"
    names = [part.name for part in parts]
    right, others = _parted(names, 2 if end == "fastest" else 0)
    return Film(
        parts=tuple(parts),
        question=f"Which of these objects moves {end}?",
        reasoning=f"From slow to fast: {', '.join(names)}. The {end} is the {right}.",
        **_chosen(rng, right, others, answer),
    )


def come_and_go(rng: Random, scene: Scene, answer: int) -> Film:
    """Objects come one after the other, each for one or two pictures; another one stays."""
    *coming, still = scene.objects[: answer + 2]
    times = sorted(_shuffled(rng, range(1, LAST - 1))[: len(coming)])
    parts = [
        shown_from(thing, NUM_PICTURES, start, start + 1 + int(rng.random() * 2))
        for thing, start in zip(coming, times, strict=True)
    ]
    told = _told(parts, times)
    return Film(
        parts=(*parts, stays(still, NUM_PICTURES)),
        question="How many objects come into the picture and go again?",
        reasoning=f"There come the {told}: {len(coming)}.",
        target=len(coming),
    )


DRAW: Mapping[str, Callable[[Random, Scene, int], Film]] = {
    "order": order,
    "direction": move,
    "speed": speed,
    "count": come_and_go,
}
NUM_ANSWERS = {"order": 3, "direction": len(WAYS), "speed": len(SPEEDS), "count": 5}


def _told(parts: Sequence[Part], times_s: Sequence[int]) -> str:
    return ", ".join(f"{part.name} at {s} s" for part, s in zip(parts, times_s, strict=True))


def _parted(names: Sequence[str], place: int) -> tuple[str, list[str]]:
    """The name in that place, and the others."""
    return names[place], [name for name in names if name != names[place]]


def _chosen(rng: Random, right: str, others: Sequence[str], answer: int) -> dict:
    """Options with the right one in place `answer`, and its letter."""
    options = _shuffled(rng, others)
    options.insert(answer, right)
    return {"options": tuple(options), "target": ascii_uppercase[answer]}


def _shuffled(rng: Random, items: Sequence) -> list:
    return sorted(items, key=lambda _: rng.random())


def _goal(rng: Random, camera: Camera, thing: SceneObject, way: int) -> Place:
    """Where the object gets to that goes one of WAYS."""
    right, _, ahead = camera.axes
    x, y, _ = right if way < 2 else ahead
    axis = unit((x, y, 0.0))
    length = WAY[0] + (WAY[1] - WAY[0]) * rng.random()
    return _off(thing, axis, length if way % 2 else -length)


def _off(thing: SceneObject, axis: Vec, length: float) -> Place:
    x, y, _ = thing.position
    return round(x + length * axis[0], 4), round(y + length * axis[1], 4)


def _seen_at(scene: Scene, part: Part, index: int) -> tuple[int, int]:
    x, y, _ = scene.camera.project(part.at(index).position, SIDE_PX)
    return round(x), round(y)
