"""Finds places for the objects of a room, so that a layout without a published one has an ideal.

Depth first: an object comes after those that it is placed by, the largest first, and takes one
after the other of the places that its relations leave.  `rewards/layout.py` says what is right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from vlrl.rewards.layout import SIDES, THIN_RATIO, Positions, physics

MAX_TRIES = 10_000  # places that are looked at, before the search is given up
STEPS = 16  # of a free coordinate, from one wall to the other
TOUCH_M = 0.005  # boxes may overlap by twice as much
DIGITS = 3  # millimetres

Place = tuple[float, float, float]
Thing = Mapping[str, Any]
"""An object of a target: `id, size, rotation?, on_floor?, relations?`."""


def arrange(scene: Mapping[str, Any]) -> Positions | None:
    """Positions that earn 1; None where none were found within MAX_TRIES places.

    The scene is a target that `physics` can score, with turns by multiples of 90 degrees; other
    turns may find no place.
    """
    search = _Search(scene=scene, order=_ordered(list(scene["objects"])))
    return search.placed if search.place_from(0) else None


def _ordered(things: list[Thing]) -> list[Thing]:
    """Every object after those that it is related to, where that can be."""
    order: list[Thing] = []
    while things:
        left = {thing["id"] for thing in things}
        nearest = min(things, key=lambda thing: (_num_waiting(thing, left), -_floor(thing)))
        things.remove(nearest)
        order.append(nearest)
    return order


def _num_waiting(thing: Thing, left: set[str]) -> int:
    return sum(each["to"] in left for each in thing.get("relations") or ())


def _floor(thing: Thing) -> float:
    return thing["size"][0] * thing["size"][1]


@dataclass(kw_only=True)
class _Search:
    scene: Mapping[str, Any]
    order: list[Thing]
    placed: Positions = field(default_factory=dict)
    num_tries: int = 0

    def place_from(self, index: int) -> bool:
        """Whether all objects from this one on find a place."""
        if index == len(self.order):
            return True
        thing = self.order[index]
        for place in self._places(thing):
            self.placed[thing["id"]] = place
            if self._is_right(index) and self.place_from(index + 1):
                return True
            del self.placed[thing["id"]]
        return False

    def _places(self, thing: Thing) -> Iterator[Place]:
        """Where its relations leave it room, apart from what stands there."""
        pins: tuple[list[float], ...] = ([], [], [])
        for relation in thing.get("relations") or ():
            for axis, at in self._pins(thing, relation):
                pins[axis].append(round(at, DIGITS))
        if thing.get("on_floor", True):
            pins[2][:] = [round(thing["size"][2] / 2, DIGITS)]
        axes = [found or self._free(thing, axis) for axis, found in enumerate(pins)]
        for x, y, z in product(*(dict.fromkeys(each) for each in axes)):
            self.num_tries += 1
            if self.num_tries > MAX_TRIES:
                return
            if self._has_room(thing, (x, y, z)):
                yield x, y, z

    def _pins(self, thing: Thing, relation: Mapping[str, Any]) -> Iterator[tuple[int, float]]:
        """(axis, coordinate) that the relation asks for."""
        reach, room, to = _reach(thing), self.scene["room"], relation["to"]
        walls = {"west_wall": (0, reach[0]), "south_wall": (1, reach[1])}
        walls |= {"east_wall": (0, room[0] - reach[0]), "north_wall": (1, room[1] - reach[1])}
        walls |= {"ceiling": (2, room[2] - reach[2])}
        if to in walls:
            yield walls[to]
        if to not in self.placed:
            return
        other = next(each for each in self.order if each["id"] == to)
        beyond = [a + b for a, b in zip(reach, _reach(other), strict=True)]
        if relation["relation"] in SIDES:
            axis, sign = _direction(other, relation["relation"])
            if relation.get("adjacent", True):
                yield axis, self.placed[to][axis] + sign * beyond[axis]
        elif relation["relation"] in ("on", "above"):
            yield 2, self.placed[to][2] + beyond[2]

    def _free(self, thing: Thing, axis: int) -> list[float]:
        """As what it is related to, then from the middle to the walls."""
        reach, room = _reach(thing)[axis], self.scene["room"][axis]
        related = [each["to"] for each in thing.get("relations") or ()]
        same = [self.placed[name][axis] for name in related if name in self.placed]
        steps = [reach + step / STEPS * (room - 2 * reach) for step in range(STEPS + 1)]
        steps.sort(key=lambda at: abs(at - room / 2))
        return [round(at, DIGITS) for at in same + steps]

    def _has_room(self, thing: Thing, place: Place) -> bool:
        return _is_thin(thing) or not any(
            self._overlap(thing, place, other) for other in self.order if other["id"] in self.placed
        )

    def _overlap(self, thing: Thing, place: Place, other: Thing) -> bool:
        reaches = zip(_reach(thing), _reach(other), strict=True)
        pairs = zip(place, self.placed[other["id"]], reaches, strict=True)
        return not _is_thin(other) and all(
            abs(at - there) < sum(reach) - TOUCH_M for at, there, reach in pairs
        )

    def _is_right(self, index: int) -> bool:
        """Whether the objects up to this one earn 1, as far as they relate to each other."""
        later = {thing["id"] for thing in self.order[index + 1 :]}
        known = [_without(thing, later) for thing in self.order[: index + 1]]
        return physics(self.placed, {"room": self.scene["room"], "objects": known}) == 1


def _without(thing: Thing, names: set[str]) -> Thing:
    kept = [each for each in thing.get("relations") or () if each["to"] not in names]
    return {**thing, "relations": kept}


def _reach(thing: Thing) -> Place:
    """Half of the extent along x, y and z."""
    length, width, height = thing["size"]
    cos, sin = _turn(thing)
    return (
        (length * abs(cos) + width * abs(sin)) / 2,
        (length * abs(sin) + width * abs(cos)) / 2,
        height / 2,
    )


def _turn(thing: Thing) -> tuple[float, float]:
    angle = math.radians(thing.get("rotation", 0))
    return round(math.cos(angle), 9), round(math.sin(angle), 9)


def _direction(other: Thing, side: str) -> tuple[int, int]:
    """The axis of the room, 0 or 1, along which the side of the other lies, and its sign."""
    cos, sin = _turn(other)
    x, y = (cos, -sin) if side in ("right of", "left of") else (sin, cos)
    sign = 1 if side in ("right of", "in front") else -1
    axis = 0 if abs(x) > abs(y) else 1
    return axis, sign if (x, y)[axis] > 0 else -sign


def _is_thin(thing: Thing) -> bool:
    return max(thing["size"]) >= THIN_RATIO * min(thing["size"])
