"""Detection in the procedural world: all objects of some classes.

| preset | look | classes are named by |
|---|---|---|
| none | trained | shape, or colour and shape |
| `@ood` | other shapes, colours, light, grounds | size and shape, or material and shape |

One to three classes are asked for, of which no object can have two.  A class may have any number of
objects, also none; SHARE_NOTHING of the questions find nothing at all.  A box is that of the
visible pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, count, starmap
from random import Random
from typing import TypeVar

from vlrl.contracts import Sample, Source
from vlrl.data.formats import coco
from vlrl.data.world import Scene, make_scene, render
from vlrl.data.world.counting import square
from vlrl.data.world.presets import preset_of
from vlrl.data.world.referring import Phrase
from vlrl.media import ImageOnDemand

T = TypeVar("T")

SIDE_PX = 168
NUM_OBJECTS = (3, 6)
MAX_CLASSES = 3
SHARE_NOTHING = 0.15
SHARE_MIXED = 0.5  # of the classes take a word of another object, so that they may be empty
TRIES = 40  # requests drawn for a scene


@dataclass(frozen=True, kw_only=True)
class Preset:
    domain: str
    named_by: tuple[tuple[str, ...], ...]  # attributes of a class


PRESETS = {
    "": Preset(domain="train", named_by=(("shape",), ("colour", "shape"))),
    "ood": Preset(domain="ood", named_by=(("size", "shape"), ("material", "shape"))),
}


def samples(source: Source) -> Iterator[Sample]:
    """An endless stream; role (train, validation, test) and seed decide which scenes it holds.

    Raises UserError for another task or an unknown preset.
    """
    preset = preset_of(source, "detection", PRESETS)
    for index in count():
        yield sample(f"{source.role}/{source.seed}/{index}", preset)


def sample(name: str, preset: str) -> Sample:
    scene, classes = scene_and_classes(name, preset)
    return Sample(
        id=f"detection{'@' + preset if preset else ''}/{name}",
        task="detection",
        question=coco.question([str(each) for each in classes]),
        target=[
            {"bbox_2d": list(thing.box), "label": str(each)}
            for each in classes
            for thing in scene.objects
            if each.fits(thing)
        ],
        media=(ImageOnDemand(f"world/detection/{preset}/{name}", partial(render, scene)),),
        image_size=(SIDE_PX, SIDE_PX),
        reasoning="\n".join(_line(each, scene) for each in classes),
        meta={"labels": True},
    )


def scene_and_classes(name: str, preset: str) -> tuple[Scene, tuple[Phrase, ...]]:
    """A scene and the classes to look for in it: nothing that is there, or some of its objects."""
    world = PRESETS[preset]
    rng = Random(f"detection/{preset}/{name}")
    finds_nothing = rng.random() < SHARE_NOTHING
    num_classes = 1 + int(rng.random() * MAX_CLASSES)
    for attempt in count():
        low, high = NUM_OBJECTS
        num_objects = low + int(rng.random() * (high - low + 1))
        seed = f"detection/{preset}/{name}/{attempt}"
        scene = make_scene(seed, num_objects=num_objects, domain=world.domain, side_px=SIDE_PX)
        for _ in range(TRIES):
            classes = tuple(_draw_class(scene, rng, world.named_by) for _ in range(num_classes))
            if _is_useful(classes, scene, finds_nothing):
                return scene, classes
    raise AssertionError("count() has no end")


def _draw_class(scene: Scene, rng: Random, named_by: Sequence[tuple[str, ...]]) -> Phrase:
    attributes = _choice(rng, named_by)
    one, other = _choice(rng, scene.objects), _choice(rng, scene.objects)
    words = {name: getattr(one, name) for name in attributes}
    if rng.random() < SHARE_MIXED:
        words[attributes[0]] = getattr(other, attributes[0])
    return Phrase(**words)


def _is_useful(classes: Sequence[Phrase], scene: Scene, finds_nothing: bool) -> bool:
    """The classes exclude each other by their words; something is found or, as asked, nothing."""
    found = any(each.fits(thing) for each in classes for thing in scene.objects)
    return found != finds_nothing and all(starmap(_exclude, combinations(classes, 2)))


def _exclude(one: Phrase, other: Phrase) -> bool:
    """Else the question would tell that no object fits both."""
    return any(other.named.get(name, word) != word for name, word in one.named.items())


def _line(phrase: Phrase, scene: Scene) -> str:
    """Where the objects of a class are: squares of the picture, as in `counting.square`."""
    places = (square(*each.centre, SIDE_PX) for each in scene.objects if phrase.fits(each))
    return f"{phrase}: {', '.join(places) or 'none'}"


def _choice(rng: Random, options: Sequence[T]) -> T:
    return options[int(rng.random() * len(options))]
