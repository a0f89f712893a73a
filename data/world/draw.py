"""Draws the parts of a scene at random: camera, light, ground and objects that do not crowd.

Only `Random.random()` is used, and every number is rounded, so every machine draws the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

from vlrl.data.world.camera import Camera, direction, orbit
from vlrl.data.world.domains import MATERIALS, SIZES, Domain, Range, from_hsv, usable_colours
from vlrl.data.world.parts import Ground, Light, SceneObject
from vlrl.data.world.shapes import SHAPES

T = TypeVar("T")

MIN_GAP = 0.15  # between the footprints of two objects, world units
MIN_SEPARATION = 0.8  # between two centres in the image, in sums of their radii there
EDGE_MARGIN = 0.01  # between an object and the edge of the image, in image sides
EXTENT = (2.5, 2.9)  # half width and half depth of the area where objects stand, world units
MIN_USABLE_COLOURS = 5
TRIES_PER_OBJECT = 40


def draw_camera(rng: Random) -> Camera:
    return orbit(
        azimuth=-math.pi / 2 + _uniform(rng, (-0.3, 0.3)),
        elevation=_uniform(rng, (0.60, 0.74)),
        distance=_uniform(rng, (10.4, 11.4)),
        target=(0.0, 0.0, 0.2),
        zoom=3.7,
    )


def draw_light(rng: Random, domain: Domain) -> Light:
    azimuth = _uniform(rng, domain.light_azimuth)
    elevation = _uniform(rng, domain.light_elevation)
    return Light(
        towards=direction(azimuth, elevation),
        strength=_uniform(rng, _choice(rng, domain.light_strength)),
        tint=_choice(rng, domain.light_tints),
    )


def draw_ground(rng: Random, domain: Domain) -> Ground:
    """A ground from which at least MIN_USABLE_COLOURS colours of the palette stand out."""
    while True:
        colour = from_hsv(
            _uniform(rng, _choice(rng, domain.ground_hues)),
            _uniform(rng, domain.ground_saturation),
            _uniform(rng, domain.ground_value),
        )
        if len(usable_colours(domain, colour)) >= MIN_USABLE_COLOURS:
            break
    return Ground(
        colour=colour,
        texture=_choice(rng, domain.textures),
        scale=_uniform(rng, (0.7, 1.3)),
        angle=_uniform(rng, (0.0, math.pi)),
        offset=(_uniform(rng, (0.0, 1.0)), _uniform(rng, (0.0, 1.0))),
    )


def draw_objects(
    rng: Random, domain: Domain, camera: Camera, ground: Ground, num_objects: int
) -> tuple[SceneObject, ...] | None:
    """Objects apart from each other on the ground and in the image; None if they found no room."""
    colours = usable_colours(domain, ground.colour)
    placed: list[SceneObject] = []
    for _ in range(TRIES_PER_OBJECT * num_objects):
        if len(placed) == num_objects:
            break
        thing = _draw_object(rng, domain, colours)
        if _inside(thing, camera) and all(_apart(thing, other, camera) for other in placed):
            placed.append(thing)
    return tuple(placed) if len(placed) == num_objects else None


def _uniform(rng: Random, bounds: Range) -> float:
    low, high = bounds
    return round(low + (high - low) * rng.random(), 4)


def _choice(rng: Random, options: Sequence[T]) -> T:
    return options[int(rng.random() * len(options))]


def _draw_object(rng: Random, domain: Domain, colours: Sequence[str]) -> SceneObject:
    shape, size = _choice(rng, domain.shapes), _choice(rng, tuple(SIZES))
    x, y = (_uniform(rng, (-extent, extent)) for extent in EXTENT)
    return SceneObject(
        shape=shape,
        colour=_choice(rng, colours),
        size=size,
        material=_choice(rng, MATERIALS),
        position=(x, y, round(SIZES[size] * SHAPES[shape].half_height, 6)),
        scale=SIZES[size],
        yaw=_uniform(rng, (0.0, 2 * math.pi)),
    )


def _inside(thing: SceneObject, camera: Camera) -> bool:
    """Whether an upright box around the object lies in the image, clear of its edges."""
    points = (camera.project(corner, 1)[:2] for corner in thing.corners())
    return all(EDGE_MARGIN < part < 1 - EDGE_MARGIN for point in points for part in point)


def _apart(thing: SceneObject, other: SceneObject, camera: Camera) -> bool:
    dx, dy = thing.position[0] - other.position[0], thing.position[1] - other.position[1]
    gap = thing.reach + other.reach + MIN_GAP
    if dx * dx + dy * dy < gap * gap:
        return False
    x, y, radius = _image_circle(thing, camera)
    other_x, other_y, other_radius = _image_circle(other, camera)
    dx, dy = x - other_x, y - other_y
    separation = MIN_SEPARATION * (radius + other_radius)
    return dx * dx + dy * dy >= separation * separation


def _image_circle(thing: SceneObject, camera: Camera) -> tuple[float, float, float]:
    """Centre and rough radius of the object in an image of side 1."""
    x, y, depth = camera.project(thing.position, 1)
    return x, y, thing.scale * camera.zoom / (2 * depth)
