"""A pinhole camera above the ground plane z = 0, with z up; float64 and explicit formulas.

Pixel coordinates run right and down from the top left corner of a square image of `side_px` pixels;
the centre of the pixel in column i, row j is (i + 0.5, j + 0.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

Vec = tuple[float, float, float]


def dot(a: Vec, b: Vec) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vec, b: Vec) -> Vec:
    return (
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    )


def subtract(a: Vec, b: Vec) -> Vec:
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def unit(a: Vec) -> Vec:
    length = math.sqrt(dot(a, a))
    return (a[0] / length, a[1] / length, a[2] / length)


def direction(azimuth: float, elevation: float) -> Vec:
    """Unit vector at these angles (radians), to 12 decimals: the same on every machine."""
    flat = math.cos(elevation)
    vector = (flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation))
    x, y, z = (round(part, 12) for part in vector)
    return (x, y, z)


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Stands at `position`, looks at `target` (world units); `zoom` = 1 / tan(half view angle)."""

    position: Vec
    target: Vec
    zoom: float

    @cached_property
    def axes(self) -> tuple[Vec, Vec, Vec]:
        """Unit vectors (right, up, forward) of the image in the world."""
        forward = unit(subtract(self.target, self.position))
        right = unit(cross(forward, (0.0, 0.0, 1.0)))
        return right, cross(right, forward), forward

    def project(self, point: Vec, side_px: int) -> tuple[float, float, float]:
        """Pixel x, pixel y and depth along the viewing axis (world units) of a point.

        A point with depth 0 or less lies behind the camera; its x and y mean nothing.
        """
        right, up, forward = self.axes
        offset = subtract(point, self.position)
        depth = dot(offset, forward)
        scale = self.zoom / depth if depth > 0 else 0.0
        half = side_px / 2
        return (
            half * (1 + scale * dot(offset, right)),
            half * (1 - scale * dot(offset, up)),
            depth,
        )


def orbit(*, azimuth: float, elevation: float, distance: float, target: Vec, zoom: float) -> Camera:
    """A camera `distance` world units away from its target, in the direction of these angles."""
    x, y, z = direction(azimuth, elevation)
    position = (target[0] + distance * x, target[1] + distance * y, target[2] + distance * z)
    return Camera(position=position, target=target, zoom=zoom)
