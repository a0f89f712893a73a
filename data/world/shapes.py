"""Where a ray meets a unit shape, and the surface normal there; only + - * / and sqrt.

A unit shape is centred on the origin with z up; its object scales it, turns it about z and moves
it.  A ray is a pair (origin, direction) of triples of scalars or arrays that broadcast together;
directions need not have unit length.  A ray counts as a whole line: the hit is the smallest
parameter t, of any sign, where it meets the shape, or MISS.  Cameras look down, so flat faces that
look down are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MISS = 1e9

Triple = tuple[Any, Any, Any]  # scalars or arrays
Normal = Callable[[Any], Triple]  # ray parameter -> outward normal there, not of unit length
Hit = tuple[np.ndarray, Normal]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A unit shape; `reach` is the largest distance from its vertical axis."""

    half_height: float
    reach: float
    hit: Callable[[Triple, Triple], Hit]


def _at(origin: Triple, direction: Triple, t: Any) -> Triple:
    return tuple(o + t * d for o, d in zip(origin, direction, strict=True))  # type: ignore[return-value]


def _quadratic(a: Any, half_b: Any, c: Any) -> tuple[Any, Any, Any]:
    """Roots t1 <= t2 of a t^2 + 2 half_b t + c = 0 for a > 0, and where they exist."""
    discriminant = half_b * half_b - a * c
    root = np.sqrt(np.maximum(discriminant, 0))
    return (-half_b - root) / a, (-half_b + root) / a, discriminant > 0


def _ball(origin: Triple, direction: Triple, z: float, radius: float) -> np.ndarray:
    """First hit with the ball of this radius whose centre is (0, 0, z)."""
    ox, oy, oz = origin[0], origin[1], origin[2] - z
    dx, dy, dz = direction
    near, _, real = _quadratic(
        dx * dx + dy * dy + dz * dz,
        ox * dx + oy * dy + oz * dz,
        ox * ox + oy * oy + oz * oz - radius * radius,
    )
    return np.where(real, near, MISS)


def sphere(origin: Triple, direction: Triple) -> Hit:
    return _ball(origin, direction, 0.0, 1.0), lambda t: _at(origin, direction, t)


CUBE_HALF_EDGE = 0.80


def cube(origin: Triple, direction: Triple) -> Hit:
    entries, exits = zip(*map(_slab, origin, direction), strict=True)
    near = np.maximum(np.maximum(entries[0], entries[1]), entries[2])
    far = np.minimum(np.minimum(exits[0], exits[1]), exits[2])

    def normal(t: Any) -> Triple:
        faces = [(t == e) * -np.sign(d) for e, d in zip(entries, direction, strict=True)]
        return faces[0], faces[1], faces[2]

    return np.where(near < far, near, MISS), normal


def _slab(origin: Any, direction: Any) -> tuple[Any, Any]:
    """Ray parameters of entering and leaving the slab of the cube along one axis."""
    inverse = 1 / np.where(direction == 0, 1e-12, direction)
    middle, reach = -origin * inverse, np.abs(CUBE_HALF_EDGE * inverse)
    return middle - reach, middle + reach


CYLINDER_RADIUS, CYLINDER_HALF_HEIGHT = 0.9, 0.85


def _tube(origin: Triple, direction: Triple, radius: float) -> tuple[Any, Any]:
    """First hit with the endless upright tube, and where there is one."""
    ox, oy, _ = origin
    dx, dy, _ = direction
    near, _, real = _quadratic(
        dx * dx + dy * dy, ox * dx + oy * dy, ox * ox + oy * oy - radius * radius
    )
    return near, real


def cylinder(origin: Triple, direction: Triple) -> Hit:
    near, real = _tube(origin, direction, CYLINDER_RADIUS)
    height = origin[2] + near * direction[2]
    side = real & (np.abs(height) <= CYLINDER_HALF_HEIGHT)
    lid = (CYLINDER_HALF_HEIGHT - origin[2]) / direction[2]
    x, y, _ = _at(origin, direction, lid)
    on_lid = x * x + y * y <= CYLINDER_RADIUS * CYLINDER_RADIUS
    first = np.where(side, near, MISS)
    first = np.where(on_lid, np.minimum(first, lid), first)

    def normal(t: Any) -> Triple:
        x, y, _ = _at(origin, direction, t)
        top = t == lid
        return np.where(top, 0, x), np.where(top, 0, y), top * 1.0

    return first, normal


CAPSULE_RADIUS, CAPSULE_SPINE = 0.70, 0.50  # the spine runs from -0.5 to 0.5


def capsule(origin: Triple, direction: Triple) -> Hit:
    near, real = _tube(origin, direction, CAPSULE_RADIUS)
    side = real & (np.abs(origin[2] + near * direction[2]) <= CAPSULE_SPINE)
    ends = np.minimum(
        _ball(origin, direction, CAPSULE_SPINE, CAPSULE_RADIUS),
        _ball(origin, direction, -CAPSULE_SPINE, CAPSULE_RADIUS),
    )

    def normal(t: Any) -> Triple:
        x, y, z = _at(origin, direction, t)
        return x, y, z - np.clip(z, -CAPSULE_SPINE, CAPSULE_SPINE)

    return np.minimum(np.where(side, near, MISS), ends), normal


CONE_RADIUS, CONE_HALF_HEIGHT = 1.02, 1.05


def cone(origin: Triple, direction: Triple) -> Hit:
    """Side: x^2 + y^2 = slope2 (tip - z)^2 below the tip; the base is never seen from above."""
    slope2 = (CONE_RADIUS / (2 * CONE_HALF_HEIGHT)) * (CONE_RADIUS / (2 * CONE_HALF_HEIGHT))
    ox, oy, below = origin[0], origin[1], origin[2] - CONE_HALF_HEIGHT
    dx, dy, dz = direction
    a = dx * dx + dy * dy - slope2 * dz * dz
    a = np.where(np.abs(a) < 1e-9, 1e-9, a)
    half_b = ox * dx + oy * dy - slope2 * below * dz
    discriminant = half_b * half_b - a * (ox * ox + oy * oy - slope2 * below * below)
    root = np.sqrt(np.maximum(discriminant, 0))

    def inside(t: Any) -> np.ndarray:
        height = origin[2] + t * dz
        return np.where((discriminant > 0) & (np.abs(height) <= CONE_HALF_HEIGHT), t, MISS)

    def normal(t: Any) -> Triple:
        x, y, z = _at(origin, direction, t)
        return x, y, slope2 * (CONE_HALF_HEIGHT - z)

    return np.minimum(inside((-half_b - root) / a), inside((-half_b + root) / a)), normal


TORUS_RING, TORUS_TUBE = 0.75, 0.36
TORUS_STEPS, TORUS_SKIN = 16, 0.02


def torus(origin: Triple, direction: Triple) -> Hit:
    """Marches along the ray by the distance to the surface, from where it enters ball and slab.

    A ray that comes within TORUS_SKIN of the surface hits it.
    """
    dx, dy, dz = direction
    length = np.sqrt(dx * dx + dy * dy + dz * dz)
    t = _ball(origin, direction, 0.0, TORUS_RING + TORUS_TUBE)
    enters = t < MISS
    t = np.where(enters, np.maximum(t, (-np.sign(dz) * TORUS_TUBE - origin[2]) / dz), 0.0)
    distance = t
    for _ in range(TORUS_STEPS):
        x, y, z = _at(origin, direction, t)
        across = np.sqrt(x * x + y * y) - TORUS_RING
        distance = np.sqrt(across * across + z * z) - TORUS_TUBE
        t = t + distance / length

    def normal(t: Any) -> Triple:
        x, y, z = _at(origin, direction, t)
        inward = 1 - TORUS_RING / (np.sqrt(x * x + y * y) + 1e-9)
        return x * inward, y * inward, z

    return np.where(enters & (distance < TORUS_SKIN), t, MISS), normal


PYRAMID_HALF_EDGE, PYRAMID_HALF_HEIGHT = 0.9, 0.85


def pyramid(origin: Triple, direction: Triple) -> Hit:
    """Square base; the sides are 2 half_height |x or y| + half_edge z = half_edge half_height."""
    slope, rise = 2 * PYRAMID_HALF_HEIGHT, PYRAMID_HALF_EDGE
    sides = ((slope, 0.0), (-slope, 0.0), (0.0, slope), (0.0, -slope))
    planes = [(*side, rise) for side in sides] + [(0.0, 0.0, -rise)]
    near, far = np.asarray(-MISS), np.asarray(MISS)
    crossings = []
    for a, b, c in planes:
        facing = a * direction[0] + b * direction[1] + c * direction[2]
        offset = a * origin[0] + b * origin[1] + c * origin[2]
        t = (rise * PYRAMID_HALF_HEIGHT - offset) / np.where(facing == 0, 1e-12, facing)
        near = np.maximum(near, np.where(facing < 0, t, -MISS))
        far = np.minimum(far, np.where(facing < 0, MISS, t))
        crossings.append(t)

    def normal(t: Any) -> Triple:
        on = [crossing == t for crossing in crossings[:4]]
        return (on[0] * slope - on[1] * slope, on[2] * slope - on[3] * slope, rise + 0.0 * t)

    return np.where(near < far, near, MISS), normal


DOME_RADIUS, DOME_HALF_HEIGHT = 1.05, 0.525


def dome(origin: Triple, direction: Triple) -> Hit:
    """The upper half of a ball; the flat side lies on the ground."""
    ox, oy, oz = origin[0], origin[1], origin[2] + DOME_HALF_HEIGHT
    dx, dy, dz = direction
    near, far, real = _quadratic(
        dx * dx + dy * dy + dz * dz,
        ox * dx + oy * dy + oz * dz,
        ox * ox + oy * oy + oz * oz - DOME_RADIUS * DOME_RADIUS,
    )
    first = np.where(oz + near * dz >= 0, near, np.where(oz + far * dz >= 0, far, MISS))

    def normal(t: Any) -> Triple:
        x, y, z = _at(origin, direction, t)
        return x, y, z + DOME_HALF_HEIGHT

    return np.where(real, first, MISS), normal


def _shape(hit: Callable[[Triple, Triple], Hit], half_height: float, reach: float) -> Shape:
    return Shape(half_height=half_height, reach=reach, hit=hit)


SHAPES: Mapping[str, Shape] = {
    "sphere": _shape(sphere, 1.0, 1.0),
    "cube": _shape(cube, CUBE_HALF_EDGE, 1.1314),
    "cylinder": _shape(cylinder, CYLINDER_HALF_HEIGHT, CYLINDER_RADIUS),
    "cone": _shape(cone, CONE_HALF_HEIGHT, CONE_RADIUS),
    "capsule": _shape(capsule, CAPSULE_SPINE + CAPSULE_RADIUS, CAPSULE_RADIUS),
    "torus": _shape(torus, TORUS_TUBE, TORUS_RING + TORUS_TUBE),
    "pyramid": _shape(pyramid, PYRAMID_HALF_HEIGHT, 1.2728),
    "dome": _shape(dome, DOME_HALF_HEIGHT, DOME_RADIUS),
}
