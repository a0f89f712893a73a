"""Classification in the procedural world: what is it, of these names?

| preset | picture | names to choose from | target |
|---|---|---|---|
| none | one object | 3 colours times 2 shapes | one name |
| `@ood` | one object in another look | 2 materials times 3 shapes | one name |
| `@labels` | 3 to 6 objects | 3 colours times 2 shapes | those that are there, none to all |
| `@digits` | one scanned handwritten digit | the ten digits | one name |

The other look is that of the domain `ood`.  The names are all combinations of some words, which any
object of the scene could have, so that none stands out among them.  The scans of digits are those
of `digits.py`; training and the other roles share none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count, product
from random import Random

import cv2
import numpy as np

from vlrl.contracts import Sample, Source
from vlrl.data.world import DOMAINS, Scene, SceneObject, make_scene, render
from vlrl.data.world.digits import scans_by_digit
from vlrl.data.world.domains import MATERIALS, usable_colours
from vlrl.data.world.presets import preset_of
from vlrl.media import ImageOnDemand

SIDE_PX = 112
DIGIT_PX = 84
NUM_OBJECTS = (3, 6)  # of `@labels`
DIGITS = tuple("0123456789")


@dataclass(frozen=True, kw_only=True)
class Preset:
    domain: str
    words: tuple[tuple[str, int], ...]  # an attribute, and how many of its words are offered
    has_several: bool = False


PRESETS = {
    "": Preset(domain="train", words=(("colour", 3), ("shape", 2))),
    "ood": Preset(domain="ood", words=(("material", 2), ("shape", 3))),
    "labels": Preset(domain="train", words=(("colour", 3), ("shape", 2)), has_several=True),
}


def samples(source: Source) -> Iterator[Sample]:
    """An endless stream; role (train, validation, test) and seed decide which scenes it holds.

    Raises UserError for another task or an unknown preset, and for digits without scikit-learn.
    """
    preset = preset_of(source, "classification", (*PRESETS, "digits"))
    for index in count():
        name = f"{source.role}/{source.seed}/{index}"
        yield digit_sample(name) if preset == "digits" else sample(name, preset)


def sample(name: str, preset: str) -> Sample:
    world = PRESETS[preset]
    rng = Random(f"classification/{preset}/{name}")
    low, high = NUM_OBJECTS if world.has_several else (1, 1)
    num_objects = low + int(rng.random() * (high - low + 1))
    seed = f"classification/{preset}/{name}"
    scene = make_scene(seed, num_objects=num_objects, domain=world.domain, side_px=SIDE_PX)
    things = sorted(scene.objects, key=lambda thing: thing.centre)
    classes = _classes(world, scene, rng)
    there = [_name(thing, world) for thing in things]
    found = [each for each in classes if each in there]
    return Sample(
        id=f"classification{'@' + preset if preset else ''}/{name}",
        task="classification",
        question=f"What {'are the objects' if world.has_several else 'is the object'}?",
        target=found if world.has_several else found[0],
        kind="labels" if world.has_several else None,
        media=(ImageOnDemand(f"world/classification/{preset}/{name}", partial(render, scene)),),
        image_size=(SIDE_PX, SIDE_PX),
        reasoning=f"I see, from the left: {', '.join(there)}.",
        meta={"classes": classes},
    )


def digit_sample(name: str) -> Sample:
    """A digit, all ten equally common; `name` begins with the role."""
    rng = Random(f"classification/digits/{name}")
    digit = int(rng.random() * len(DIGITS))
    scans = scans_by_digit()[digit]
    fifth = len(scans) // 5  # kept from training, as in `digits.py`
    pool = scans[fifth:] if name.startswith("train/") else scans[:fifth]
    scan = pool[int(rng.random() * len(pool))]
    return Sample(
        id=f"classification@digits/{name}",
        task="classification",
        question="Which digit is it?",
        target=DIGITS[digit],
        media=(ImageOnDemand(f"world/classification/digits/{name}", partial(_digit, name, scan)),),
        image_size=(SIDE_PX, SIDE_PX),
        meta={"classes": DIGITS},
    )


def _classes(world: Preset, scene: Scene, rng: Random) -> tuple[str, ...]:
    """All combinations of some words; those of a single object are among them."""
    domain = DOMAINS[world.domain]
    known = {
        "colour": usable_colours(domain, scene.ground.colour),
        "shape": domain.shapes,
        "material": MATERIALS,
    }
    drawn = []
    for attribute, number in world.words:
        own = [] if world.has_several else [getattr(scene.objects[0], attribute)]
        others = sorted({*known[attribute]} - {*own})
        mixed = sorted(others, key=lambda _: rng.random())
        drawn.append(sorted([*own, *mixed][:number]))
    return tuple(" ".join(words) for words in product(*drawn))


def _name(thing: SceneObject, world: Preset) -> str:
    return " ".join(getattr(thing, attribute) for attribute, _ in world.words)


def _digit(name: str, scan: np.ndarray) -> np.ndarray:
    """The scan in dark or light ink on an empty scene, (SIDE_PX, SIDE_PX, 3)."""
    picture = render(make_scene(name, num_objects=0, side_px=SIDE_PX))
    size, corner = (DIGIT_PX, DIGIT_PX), (SIDE_PX - DIGIT_PX) // 2
    ink = cv2.resize(scan / 16.0, size, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    patch = picture[corner : corner + DIGIT_PX, corner : corner + DIGIT_PX]
    tone = 20.0 if patch.mean() > 110 else 235.0
    patch[:] = np.uint8(patch + (tone - patch) * ink[..., None])
    return picture
