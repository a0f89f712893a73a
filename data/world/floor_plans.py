"""Rooms with pieces of furniture along their walls, in corners, side by side and free.

Metres, as in `rewards/layout.py`; every number is a multiple of 5 cm.  Pieces that touch a wall or
another piece keep GAP_M from it, all others at least APART_M.  Only `Random.random()` is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, product
from random import Random
from typing import Any, TypeVar

from vlrl.data.world.domains import Range
from vlrl.rewards.layout import SIDES, WALLS, physics

T = TypeVar("T")
Pair = tuple[float, float]

OUTSIDE = "A"
STEP_M = 0.05
GAP_M = 0.05
APART_M = 0.3
SLACK_M = 0.05  # by which a piece may be misplaced before one of its relations breaks
ROOM_HEIGHT = 2.6
HEIGHTS = {"A": 0.8, "B": 1.6, "C": 0.5, "D": 1.2, "E": 1.0}
SIDE: Range = (0.5, 1.5)  # of a piece
DEEP: Range = (0.4, 0.8)
MOVES: tuple[Pair, ...] = (
    *((0.0, 0.0), (SLACK_M, SLACK_M), (SLACK_M, -SLACK_M)),
    *((-SLACK_M, SLACK_M), (-SLACK_M, -SLACK_M)),
)
WAYS = ("corner", "wall", "beside", "free")
TRIES = 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    names: str  # of the pieces; OUTSIDE is the first
    length: Range  # of the room, from west to east, m
    width: Range
    heights: Mapping[str, float] = field(default_factory=lambda: HEIGHTS)


@dataclass(frozen=True, kw_only=True)
class Piece:
    name: str
    half: Pair  # of its sides along x and y
    height: float
    place: Pair  # of its centre

    def gap(self, other: Piece) -> float:
        """Between the two, along the axis that separates them best."""
        return max(
            abs(self.place[axis] - other.place[axis]) - self.half[axis] - other.half[axis]
            for axis in (0, 1)
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    size: Pair
    corner: tuple[int, int]  # for OUTSIDE: 0 for west or south, 1 for east or north
    pieces: tuple[Piece, ...]  # OUTSIDE where it is to go


def draw_plan(seed: str, limits: Limits) -> Plan:
    """The first plan of this seed in which every piece found a place and stands by something."""
    for attempt in count():
        rng = Random(f"{seed}/{attempt}")
        plan = _draw(rng, limits)
        if plan is not None and all(_relations(plan, piece) for piece in plan.pieces):
            return plan
    raise AssertionError("count() has no end")


def _draw(rng: Random, limits: Limits) -> Plan | None:
    size = (_half_metres(rng, limits.length), _half_metres(rng, limits.width))
    corner = (int(rng.random() * 2), int(rng.random() * 2))
    pieces: list[Piece] = []
    for name in limits.names:
        piece = _draw_piece(rng, name, size, corner, pieces)
        if piece is None:
            return None
        pieces.append(piece)
    return Plan(size=size, corner=corner, pieces=tuple(pieces))


def _draw_piece(
    rng: Random, name: str, size: Pair, corner: tuple[int, int], others: Sequence[Piece]
) -> Piece | None:
    for _ in range(TRIES):
        half = _draw_half(rng)
        way = "corner" if name == OUTSIDE else _choice(rng, WAYS)
        where = corner if name == OUTSIDE else (int(rng.random() * 2), int(rng.random() * 2))
        beside = _choice(rng, others) if way == "beside" else None
        place = _place(rng, way, half, size, where) if beside is None else _side(rng, half, beside)
        piece = Piece(name=name, half=half, height=HEIGHTS[name], place=place)
        if _fits(piece, size, others, beside):
            return piece
    return None


def _draw_half(rng: Random) -> Pair:
    long, deep = (round(_uniform(rng, each) * 10) / 20 for each in (SIDE, DEEP))
    return (long, deep) if rng.random() < 0.5 else (deep, long)


def _place(rng: Random, way: str, half: Pair, size: Pair, where: tuple[int, int]) -> Pair:
    """In the corner `where`, at one of its two walls, or anywhere."""
    at_wall = {"corner": (True, True), "wall": _choice(rng, ((True, False), (False, True)))}
    ends = at_wall.get(way, (False, False))
    x, y = (
        _end(each, side, which) if is_end else _grid(rng, (each + APART_M, side - each - APART_M))
        for is_end, each, side, which in zip(ends, half, size, where, strict=True)
    )
    return x, y


def _end(half: float, side: float, which: int) -> float:
    return round(side - half - GAP_M if which else half + GAP_M, 2)


def _side(rng: Random, half: Pair, other: Piece) -> Pair:
    """Beside another piece, on any of its sides."""
    axis, sign = int(rng.random() * 2), 1 if rng.random() < 0.5 else -1
    beyond = sign * (half[axis] + other.half[axis] + GAP_M)
    across = other.half[1 - axis] / 2
    along = other.place[1 - axis]
    free = _grid(rng, (along - across, along + across))
    at = round(other.place[axis] + beyond, 2)
    return (at, free) if axis == 0 else (free, at)


def _fits(piece: Piece, size: Pair, others: Sequence[Piece], beside: Piece | None) -> bool:
    is_inside = all(
        half + GAP_M - 1e-9 <= at <= side - half - GAP_M + 1e-9
        for at, half, side in zip(piece.place, piece.half, size, strict=True)
    )
    return is_inside and all(
        other is beside or piece.gap(other) >= APART_M - 1e-9 for other in others
    )


def target_of(plan: Plan) -> dict[str, Any]:
    """The target of `rewards/layout.py` with its positions."""
    objects = [{**_thing(piece), "relations": _relations(plan, piece)} for piece in plan.pieces]
    positions = {piece.name: _centre(piece) for piece in plan.pieces}
    return {"room": [*plan.size, ROOM_HEIGHT], "objects": objects, "positions": positions}


def _thing(piece: Piece) -> dict[str, Any]:
    size = [round(2 * piece.half[0], 2), round(2 * piece.half[1], 2), piece.height]
    return {"id": piece.name, "size": size}


def _centre(piece: Piece) -> tuple[float, float, float]:
    return (*piece.place, round(piece.height / 2, 2))


def _relations(plan: Plan, piece: Piece) -> list[dict[str, Any]]:
    """Its corner, else its wall; what it stands beside; if nothing, what is on its sides."""
    walls = _held(plan, piece, ({"relation": "in the corner", "to": wall} for wall in WALLS))
    walls = walls or _held(plan, piece, ({"relation": "on", "to": wall} for wall in WALLS))
    near = walls + _held(plan, piece, _sides(plan, piece, adjacent=True))
    return near or _held(plan, piece, _sides(plan, piece, adjacent=False))


def _sides(plan: Plan, piece: Piece, *, adjacent: bool) -> Iterator[dict[str, Any]]:
    others = (other.name for other in plan.pieces if other is not piece)
    for name, side in product(others, SIDES):
        yield {"relation": side, "to": name, "adjacent": adjacent}


def _held(plan: Plan, piece: Piece, relations: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that hold, also where the piece is moved by SLACK_M."""
    return [each for each in relations if all(_holds(plan, piece, each, by) for by in MOVES)]


def _holds(plan: Plan, piece: Piece, relation: dict[str, Any], by: Pair) -> bool:
    others = [each for each in plan.pieces if each.name == relation["to"]]
    x, y, z = _centre(piece)
    positions = {each.name: _centre(each) for each in others}
    positions[piece.name] = (x + by[0], y + by[1], z)
    objects = [{**_thing(piece), "relations": [relation]}, *map(_thing, others)]
    return physics(positions, {"room": [*plan.size, ROOM_HEIGHT], "objects": objects}) == 1


def _half_metres(rng: Random, bounds: Range) -> float:
    low, high = bounds
    return low + 0.5 * int(rng.random() * (2 * (high - low) + 1))


def _grid(rng: Random, bounds: Range) -> float:
    return round(round(_uniform(rng, bounds) / STEP_M) * STEP_M, 2)


def _uniform(rng: Random, bounds: Range) -> float:
    low, high = bounds
    return low + (high - low) * rng.random()


def _choice(rng: Random, options: Sequence[T]) -> T:
    return options[int(rng.random() * len(options))]
