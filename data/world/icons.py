"""Icons of app screens, drawn with Pillow from lines, areas and rings in a square from -1 to 1."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import ImageDraw

Point = tuple[float, float]
Rgb = tuple[int, int, int]

PEN = 0.26  # width of a line


@dataclass(frozen=True, kw_only=True)
class Part:
    """A line through the points, an area within them, or a ring or disc around the first."""

    kind: Literal["line", "area", "ring", "disc"]
    points: tuple[Point, ...]
    radius: float = 0.0


def _line(*points: Point) -> Part:
    return Part(kind="line", points=points)


def _area(*points: Point) -> Part:
    return Part(kind="area", points=points)


def _ring(x: float, y: float, radius: float) -> Part:
    return Part(kind="ring", points=((x, y),), radius=radius)


def _disc(x: float, y: float, radius: float) -> Part:
    return Part(kind="disc", points=((x, y),), radius=radius)


def _star() -> Part:
    corners = []
    for index in range(10):
        radius, angle = (1.0, 0.42)[index % 2], math.pi * (index / 5 - 0.5)
        corners.append((round(radius * math.cos(angle), 4), round(radius * math.sin(angle), 4)))
    return _area(*corners)


TRAINED: Mapping[str, tuple[Part, ...]] = {
    "plus": (_line((-0.9, 0), (0.9, 0)), _line((0, -0.9), (0, 0.9))),
    "cross": (_line((-0.7, -0.7), (0.7, 0.7)), _line((-0.7, 0.7), (0.7, -0.7))),
    "star": (_star(),),
    "heart": (
        _disc(-0.42, -0.3, 0.48),
        _disc(0.42, -0.3, 0.48),
        _area((-0.86, -0.08), (0.86, -0.08), (0, 0.9)),
    ),
    "magnifier": (_ring(-0.2, -0.2, 0.6), _line((0.25, 0.25), (0.9, 0.9))),
    "house": (
        _area((-1, 0), (0, -0.95), (1, 0)),
        _area((-0.65, 0), (0.65, 0), (0.65, 0.85), (-0.65, 0.85)),
    ),
    "three lines": tuple(_line((-0.9, y), (0.9, y)) for y in (-0.6, 0.0, 0.6)),
    "three dots": tuple(_disc(0, y, 0.2) for y in (-0.7, 0.0, 0.7)),
    "check mark": (_line((-0.85, 0.05), (-0.25, 0.65), (0.9, -0.6)),),
    "play button": (_area((-0.6, -0.85), (0.9, 0), (-0.6, 0.85)),),
    "bin": (
        _line((-0.85, -0.65), (0.85, -0.65)),
        _line((-0.3, -0.9), (0.3, -0.9)),
        _area((-0.62, -0.42), (0.62, -0.42), (0.45, 0.9), (-0.45, 0.9)),
    ),
    "envelope": (
        _line((-0.9, -0.6), (0.9, -0.6), (0.9, 0.6), (-0.9, 0.6), (-0.9, -0.6)),
        _line((-0.9, -0.6), (0, 0.15), (0.9, -0.6)),
    ),
    "person": (_disc(0, -0.45, 0.42), _area((-0.8, 0.9), (-0.5, 0.15), (0.5, 0.15), (0.8, 0.9))),
    "clock": (_ring(0, 0, 0.85), _line((0, -0.5), (0, 0), (0.4, 0.2))),
}
HELD_OUT: Mapping[str, tuple[Part, ...]] = {
    "lock": (
        _ring(0, -0.25, 0.5),
        _area((-0.75, -0.1), (0.75, -0.1), (0.75, 0.9), (-0.75, 0.9)),
    ),
    "flag": (_line((-0.6, -0.9), (-0.6, 0.95)), _area((-0.6, -0.9), (0.85, -0.4), (-0.6, 0.1))),
    "pin": (_ring(0, -0.35, 0.45), _area((-0.5, -0.05), (0.5, -0.05), (0, 0.95))),
    "sun": (
        _disc(0, 0, 0.42),
        *(
            _line((0.65 * x, 0.65 * y), (0.98 * x, 0.98 * y))
            for x, y in (
                *((1, 0), (-1, 0), (0, 1), (0, -1)),
                *((0.7, 0.7), (-0.7, 0.7), (0.7, -0.7), (-0.7, -0.7)),
            )
        ),
    ),
    "cloud": (_disc(-0.45, 0.2, 0.42), _disc(0.1, -0.1, 0.52), _disc(0.55, 0.25, 0.37)),
    "pause button": (_line((-0.4, -0.8), (-0.4, 0.8)), _line((0.4, -0.8), (0.4, 0.8))),
    "camera": (
        _line((-0.9, -0.5), (0.9, -0.5), (0.9, 0.7), (-0.9, 0.7), (-0.9, -0.5)),
        _ring(0, 0.1, 0.3),
        _area((-0.3, -0.8), (0.3, -0.8), (0.3, -0.5), (-0.3, -0.5)),
    ),
    "download arrow": (
        _line((0, -0.9), (0, 0.2)),
        _area((-0.55, -0.1), (0.55, -0.1), (0, 0.5)),
        _line((-0.85, 0.85), (0.85, 0.85)),
    ),
    "bolt": (
        _area((0.3, -1), (-0.65, 0.15), (-0.05, 0.15), (-0.3, 1), (0.65, -0.2), (0.05, -0.2)),
    ),
    "bars": tuple(_line((x, 0.85), (x, top)) for x, top in ((-0.7, 0.2), (0.0, -0.3), (0.7, -0.8))),
    "note": (_disc(-0.35, 0.6, 0.35), _line((-0.05, 0.6), (-0.05, -0.85), (0.6, -0.55))),
    "bookmark": (_area((-0.55, -0.9), (0.55, -0.9), (0.55, 0.95), (0, 0.45), (-0.55, 0.95)),),
}
BACK = (_line((0.4, -0.8), (-0.4, 0.0), (0.4, 0.8)),)
ICONS = {**TRAINED, **HELD_OUT}


def draw_icon(
    draw: ImageDraw.ImageDraw, parts: Sequence[Part], centre: Point, half_px: float, colour: Rgb
) -> None:
    """Draw an icon of 2 `half_px` pixels around the centre."""
    for part in parts:
        points = [(_at(centre[0], x, half_px), _at(centre[1], y, half_px)) for x, y in part.points]
        pen = max(1, round(PEN * half_px))
        if part.kind == "line":
            draw.line(points, colour, pen, joint="curve")
        elif part.kind == "area":
            draw.polygon(points, fill=colour)
        elif part.kind == "ring":
            draw.circle(points[0], part.radius * half_px, outline=colour, width=pen)
        else:
            draw.circle(points[0], part.radius * half_px, fill=colour)


def _at(centre: float, offset: float, half_px: float) -> float:
    return round(centre + offset * half_px, 1)
