"""Films of a scene: its objects come, go and move on the ground while camera and light stay.

Times are numbers of pictures.  An object that moves from picture a to picture b stands at its first
place in a and at its last in b, and goes straight on between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from vlrl.data.world.parts import SceneObject
from vlrl.data.world.render import render
from vlrl.data.world.scene import MIN_VISIBLE, Scene, measured

GAP = 0.1  # that stays between two objects, world units

Place = tuple[float, float]  # x, y on the ground


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one object does in a film."""

    thing: SceneObject
    shown: tuple[bool, ...]  # in which pictures it is
    places: tuple[Place, ...]  # where it stands in each

    @property
    def name(self) -> str:
        return f"{self.thing.colour} {self.thing.shape}"

    def at(self, picture: int) -> SceneObject:
        height = self.thing.position[2]
        return replace(self.thing, position=(*self.places[picture], height))


def stays(thing: SceneObject, num_pictures: int) -> Part:
    return shown_from(thing, num_pictures, 0, num_pictures)


def shown_from(thing: SceneObject, num_pictures: int, first: int, end: int) -> Part:
    """There from picture `first` on, gone from `end` on."""
    x, y, _ = thing.position
    shown = tuple(first <= picture < end for picture in range(num_pictures))
    return Part(thing=thing, shown=shown, places=((x, y),) * num_pictures)


def gone_from(thing: SceneObject, num_pictures: int, first: int, end: int) -> Part:
    """Gone from picture `first` on, there again from `end` on."""
    part = shown_from(thing, num_pictures, first, end)
    return replace(part, shown=tuple(not shown for shown in part.shown))


def moves_from(thing: SceneObject, num_pictures: int, first: int, end: int, to: Place) -> Part:
    """Moves from picture `first` to picture `end`, where it stands at `to`."""
    x, y, _ = thing.position
    shares = [min(max((k - first) / (end - first), 0.0), 1.0) for k in range(num_pictures)]
    places = [(x + share * (to[0] - x), y + share * (to[1] - y)) for share in shares]
    rounded = tuple((round(at_x, 6), round(at_y, 6)) for at_x, at_y in places)
    return Part(thing=thing, shown=(True,) * num_pictures, places=rounded)


def picture(scene: Scene, parts: Sequence[Part], index: int) -> Scene:
    return replace(scene, objects=tuple(part.at(index) for part in parts if part.shown[index]))


def pictures(scene: Scene, parts: Sequence[Part]) -> list[Scene]:
    return [picture(scene, parts, index) for index in range(len(parts[0].shown))]


def is_clear(scene: Scene, parts: Sequence[Part]) -> bool:
    """Whether in every picture all objects stand apart, inside it and by MIN_VISIBLE seen."""
    if len({part.name for part in parts}) < len(parts):
        return False
    return all(map(_is_clear, dict.fromkeys(pictures(scene, parts))))


def _is_clear(scene: Scene) -> bool:
    if not all(_apart(one, other) for one, other in combinations(scene.objects, 2)):
        return False
    side = scene.side_px
    return all(
        thing.visible >= MIN_VISIBLE and min(thing.box[:2]) > 0 and max(thing.box[2:]) < side
        for thing in measured(scene).objects
    )


def _apart(one: SceneObject, other: SceneObject) -> bool:
    dx, dy = one.position[0] - other.position[0], one.position[1] - other.position[1]
    room = one.reach + other.reach + GAP
    return dx * dx + dy * dy >= room * room


def clip(scene: Scene, parts: Sequence[Part]) -> np.ndarray:
    """uint8 RGB (number of pictures, side_px, side_px, 3)."""
    shown = pictures(scene, parts)
    drawn = {each: render(each) for each in dict.fromkeys(shown)}
    return np.stack([drawn[each] for each in shown])
