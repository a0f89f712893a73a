"""Tiny plates on the objects of large scenes: what stands on the plate of this object?

| preset | picture | plates | look |
|---|---|---|---|
| none | 1344 x 1344 | a digit or one of eight signs | trained |
| `@ood` | 1344 x 1344 | a number of two digits or one of eight letters | `DOMAINS["ood"]` |
| `@crop` | 56 x 56 pixels around the plate, enlarged to 168 x 168 | as without | trained |

A glyph is 8 x 8 pixels.  Averaged to 168 x 168, an eighth of its sides, the picture is the same to
the last bit whatever stands on its plates (`glyphs.py`), while objects and plates are still to be
seen: the answer is in a crop, and the reduced picture says where to take it.  (A bicubic filter,
which looks beyond a cell, leaves at most 13 of 255 grey levels in a pixel, 4 in the median.)
Every object has a plate of its own.  The kinds of questions (number, choice, label) and the answers
of each are equally common.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import count
from random import Random
from typing import Any

import cv2
import numpy as np

from vlrl.contracts import Sample, Source
from vlrl.data.world import Scene, SceneObject, glyphs, make_scene, masks, render
from vlrl.data.world.glyphs import CELL_PX, LEVEL
from vlrl.data.world.presets import preset_of
from vlrl.data.world.visual_math_problem import Dice
from vlrl.media import ImageOnDemand

SMALL_PX = 168  # of the scene before it is enlarged
SIDE_PX = SMALL_PX * CELL_PX
CUT_PX, TIMES = 56, 3  # of the pixels around a plate, and how many times as large they are shown
NUM_OBJECTS = (4, 7)
KINDS = ("number", "choice", "label")
LETTERS = "ABCD"


@dataclass(frozen=True, kw_only=True)
class Preset:
    domain: str
    noun: str  # of what stands on the plates where it is no number
    signs: Mapping[str, np.ndarray]
    numbers: tuple[int, int]  # the smallest and the largest
    is_cut: bool = False  # to the pixels around the plate


PRESETS = {
    "": Preset(domain="train", noun="sign", signs=glyphs.SIGNS, numbers=(0, 9)),
    "ood": Preset(domain="ood", noun="letter", signs=glyphs.LETTERS, numbers=(10, 99)),
    "crop": Preset(domain="train", noun="sign", signs=glyphs.SIGNS, numbers=(0, 9), is_cut=True),
}


@dataclass(frozen=True, kw_only=True)
class Plate:
    """Cells in a row with a margin of one cell; `x` and `y` are its corner in cells."""

    x: int
    y: int
    names: tuple[str, ...]  # of its glyphs

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Pixels of the large picture."""
        left, top = self.x * CELL_PX, self.y * CELL_PX
        return left, top, left + (len(self.names) + 2) * CELL_PX, top + 3 * CELL_PX


def samples(source: Source) -> Iterator[Sample]:
    """An endless stream; role (train, validation, test) and seed decide which scenes it holds.

    Raises UserError for another task or an unknown preset.
    """
    preset = preset_of(source, "zoom", PRESETS)
    for index in count():
        yield sample(f"{source.role}/{source.seed}/{index}", preset)


def sample(name: str, preset: str) -> Sample:
    world, dice = PRESETS[preset], Dice(rng=Random(f"zoom/{preset}/{name}"))
    kind = dice.pick(KINDS)
    scene, asked, places = scene_and_places(f"zoom/{preset}/{name}", world)
    plates = tuple(Plate(x=x, y=y, names=_names(dice, world, kind)) for x, y in places)
    thing, plate = scene.objects[asked], plates[asked]
    make = partial(cut, scene, plates, plate) if world.is_cut else partial(picture, scene, plates)
    side_px = CUT_PX * TIMES if world.is_cut else SIDE_PX
    noun, words = "number" if kind == "number" else world.noun, f"{thing.colour} {thing.shape}"
    return Sample(
        id=f"zoom{'@' + preset if preset else ''}/{name}",
        task="zoom",
        question=f"Every object carries a tiny plate. Which {noun} is on that of the {words}?",
        media=(ImageOnDemand(f"world/zoom/{preset}/{name}", make),),
        image_size=(side_px, side_px),
        reasoning=None if world.is_cut else _solution(plate, words),
        **_answer(dice, world, kind, plate),
    )


def scene_and_places(seed: str, world: Preset) -> tuple[Scene, int, list[tuple[int, int]]]:
    """A scene, the number of an object that words tell apart, and the corners of its plates.

    Corners are in cells, which are the pixels of the small picture.
    """
    for attempt in count():
        dice = Dice(rng=Random(f"{seed}/{attempt}"))
        num_objects = dice.whole(*NUM_OBJECTS)
        scene = make_scene(
            f"{seed}/{attempt}", num_objects=num_objects, domain=world.domain, side_px=SMALL_PX
        )
        num_cells = len(str(world.numbers[1]))
        places = [_place(dice, mask, num_cells) for mask in masks(scene)]
        known = [i for i, thing in enumerate(scene.objects) if _is_told_apart(thing, scene)]
        found = [place for place in places if place]
        if known and len(found) == len(places):
            return scene, dice.pick(known), found
    raise AssertionError("count() has no end")


def _is_told_apart(thing: SceneObject, scene: Scene) -> bool:
    words = [(each.colour, each.shape) for each in scene.objects]
    return words.count((thing.colour, thing.shape)) == 1


def _place(dice: Dice, mask: np.ndarray, num_cells: int) -> tuple[int, int] | None:
    """Where a plate lies wholly on the object, None where it has no room."""
    size = np.ones((3, num_cells + 2), np.uint8)
    fits = cv2.erode(mask.astype(np.uint8), size, anchor=(0, 0), borderValue=0)
    rows, columns = np.nonzero(fits)
    if not len(rows):
        return None
    index = dice.whole(0, len(rows) - 1)
    return int(columns[index]), int(rows[index])


def _names(dice: Dice, world: Preset, kind: str) -> tuple[str, ...]:
    if kind == "number":
        return tuple(str(dice.whole(*world.numbers)))
    return (dice.pick(tuple(world.signs)),)


def _answer(dice: Dice, world: Preset, kind: str, plate: Plate) -> dict[str, Any]:
    """The fields of the sample that say what is right."""
    stated, meta = "".join(plate.names), {"plate": plate.box}
    if kind == "number":
        return {"kind": kind, "target": int(stated), "meta": meta}
    if kind == "label":
        return {"kind": kind, "target": stated, "meta": {**meta, "classes": tuple(world.signs)}}
    others = dice.sample([each for each in world.signs if each != stated], len(LETTERS) - 1)
    place = dice.whole(0, len(others))
    options = (*others[:place], stated, *others[place:])
    return {"kind": kind, "target": LETTERS[place], "options": options, "meta": meta}


def _solution(plate: Plate, words: str) -> str:
    where = ", ".join(map(str, plate.box))
    return f"The plate of the {words} is at [{where}]. Close by, it reads {''.join(plate.names)}."


def picture(scene: Scene, plates: tuple[Plate, ...]) -> np.ndarray:
    """The whole, uint8 RGB (SIDE_PX, SIDE_PX, 3)."""
    large = cv2.resize(_small(scene), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
    for plate in plates:
        left, top, right, bottom = plate.box
        large[top:bottom, left:right] = LEVEL
        row = np.hstack([glyphs.cell(name) for name in plate.names])
        large[top + CELL_PX : bottom - CELL_PX, left + CELL_PX : right - CELL_PX] = row[..., None]
    return large


def cut(scene: Scene, plates: tuple[Plate, ...], plate: Plate) -> np.ndarray:
    """What lies around a plate, TIMES as large, uint8 RGB (CUT_PX TIMES, CUT_PX TIMES, 3)."""
    left, top, right, bottom = plate.box
    x, y = (left + right - CUT_PX) // 2, (top + bottom - CUT_PX) // 2
    x, y = (min(max(at, 0), SIDE_PX - CUT_PX) for at in (x, y))
    part = picture(scene, plates)[y : y + CUT_PX, x : x + CUT_PX]
    return part.repeat(TIMES, axis=0).repeat(TIMES, axis=1)


@lru_cache(maxsize=4)
def _small(scene: Scene) -> np.ndarray:
    return render(scene)
