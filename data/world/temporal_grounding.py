"""Films in which objects come, go and move, as samples of `temporal_grounding`.

| preset | films |
|---|---|
| none | 12 pictures of 112 x 112 px, one a second, of 4 objects |
| `@ood` | 16 pictures; other shapes, colours, grounds and light |

Three objects of a film do something once: they are there for a while, are gone for a while, or
move.  Which and when is drawn for each alone; one sample asks about each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import count
from random import Random

import numpy as np

from vlrl.contracts import Sample, Source
from vlrl.data.formats.charades import question
from vlrl.data.world.draw import EXTENT
from vlrl.data.world.films import (
    Part,
    clip,
    gone_from,
    is_clear,
    moves_from,
    shown_from,
    stays,
)
from vlrl.data.world.parts import SceneObject
from vlrl.data.world.presets import preset_of
from vlrl.data.world.scene import Scene, make_scene
from vlrl.media import ClipOnDemand

PRESETS = ("", "ood")
NUM_PICTURES = {"": 12, "ood": 16}
FPS = 1.0
SIDE_PX = 112
NUM_OBJECTS = 4
PER_FILM = 3  # samples: one for each object that does something
WAY = 1.2  # that an object moves at least, world units
ATTEMPTS = 2000

SENTENCES = {
    "there": "the {} is in the picture",
    "gone": "the {} is gone",
    "moves": "the {} moves",
}
SOLUTIONS = {
    "there": "The {} comes at {} s and is gone from {} s on.",
    "gone": "The {} is gone from {} s on and back at {} s.",
    "moves": "The {} starts to move at {} s and stands still again at {} s.",
}


@dataclass(frozen=True, kw_only=True)
class Event:
    what: str  # a key of SENTENCES
    start: int  # s
    end: int


@dataclass(frozen=True, kw_only=True)
class Film:
    scene: Scene
    parts: tuple[Part, ...]
    events: tuple[Event, ...]  # of the first parts


def samples(source: Source) -> Iterator[Sample]:
    """An endless stream; role (train, validation, test) and seed decide which films it holds.

    Raises UserError for another task or an unknown preset.
    """
    preset = preset_of(source, "temporal_grounding", PRESETS)
    for index in count():
        yield sample(f"{source.role}/{source.seed}", index, preset)


def sample(stream: str, index: int, preset: str) -> Sample:
    number, place = divmod(index, PER_FILM)
    name = f"{stream}/{number}"
    shot = film(name, preset)
    event, thing = shot.events[place], shot.parts[place].name
    num_pictures = NUM_PICTURES[preset]
    shape = (num_pictures, SIDE_PX, SIDE_PX)
    key = f"world/temporal_grounding/{preset}/{name}"
    return Sample(
        id=f"temporal_grounding{'@' + preset if preset else ''}/{name}/{place}",
        task="temporal_grounding",
        question=question(SENTENCES[event.what].format(thing)),
        target=(float(event.start), float(event.end)),
        media=(ClipOnDemand(key, partial(_clip, name, preset), FPS, shape),),
        duration=num_pictures / FPS,
        reasoning=SOLUTIONS[event.what].format(thing, event.start, event.end),
        meta={"subtask": event.what},
    )


@lru_cache(maxsize=64)
def film(name: str, preset: str) -> Film:
    """The events of this name in the first scene in which all objects are told apart and seen."""
    num_pictures = NUM_PICTURES[preset]
    rng = Random(f"temporal_grounding/events/{preset}/{name}")
    events = tuple(draw_event(rng, num_pictures) for _ in range(PER_FILM))
    for attempt in range(ATTEMPTS):
        seed = f"temporal_grounding/{preset}/{name}/{attempt}"
        domain = "ood" if preset == "ood" else "train"
        scene = make_scene(seed, num_objects=NUM_OBJECTS, domain=domain, side_px=SIDE_PX)
        parts = _draw_parts(Random(seed), scene, events, num_pictures)
        if is_clear(scene, parts):
            return Film(scene=scene, parts=parts, events=events)
    raise RuntimeError(f"no film in {ATTEMPTS} attempts")


def _clip(name: str, preset: str) -> np.ndarray:
    found = film(name, preset)
    return clip(found.scene, found.parts)


def draw_event(rng: Random, num_pictures: int) -> Event:
    """Lasts 2 s to half of the film, and neither starts nor ends with it."""
    length = 2 + int(rng.random() * (num_pictures // 2 - 1))
    start = 1 + int(rng.random() * (num_pictures - 1 - length))
    what = tuple(SENTENCES)[int(rng.random() * len(SENTENCES))]
    return Event(what=what, start=start, end=start + length)


def _draw_parts(
    rng: Random, scene: Scene, events: Sequence[Event], num_pictures: int
) -> tuple[Part, ...]:
    acting, still = scene.objects[: len(events)], scene.objects[len(events) :]
    parts = [_part(rng, *each, num_pictures) for each in zip(acting, events, strict=True)]
    return (*parts, *(stays(thing, num_pictures) for thing in still))


def _part(rng: Random, thing: SceneObject, event: Event, num_pictures: int) -> Part:
    if event.what == "there":
        return shown_from(thing, num_pictures, event.start, event.end)
    if event.what == "gone":
        return gone_from(thing, num_pictures, event.start, event.end)
    return moves_from(thing, num_pictures, event.start, event.end, _far_place(rng, thing))


def _far_place(rng: Random, thing: SceneObject) -> tuple[float, float]:
    """A place at least WAY from where the object stands."""
    while True:
        x, y = (round(extent * (2 * rng.random() - 1), 4) for extent in EXTENT)
        dx, dy = x - thing.position[0], y - thing.position[1]
        if dx * dx + dy * dy >= WAY * WAY:
            return x, y
