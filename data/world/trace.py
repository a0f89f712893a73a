"""Casts the rays of an image at objects and keeps the nearest per pixel: owner, depth and normal.

Every object is tried only inside a rectangle around its projection.  All is float64 from + - * /
and sqrt, so every machine finds the same owner for each pixel.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from vlrl.data.world.camera import Camera, Vec
from vlrl.data.world.parts import SceneObject
from vlrl.data.world.shapes import MISS, SHAPES, Triple

GROUND = -1

Tile = tuple[slice, slice]  # rows, columns


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Buffers over an n x n image."""

    owner: np.ndarray  # int16 (n, n): index of the object seen, or GROUND
    depth: np.ndarray  # float64 (n, n): along the viewing axis, world units; MISS without an object
    normal: np.ndarray  # float32 (n, n, 3): unit normal in the world; zeros unless asked for
    alone: tuple[int, ...]  # pixels that each object would cover if it were alone

    def visible(self) -> tuple[int, ...]:
        """Pixels that each object owns."""
        counts = np.bincount(self.owner.ravel() + 1, minlength=len(self.alone) + 1)
        return tuple(int(count) for count in counts[1:])


def trace(
    objects: Sequence[SceneObject], camera: Camera, num_px: int, *, normals: bool = False
) -> Trace:
    """Cast one ray through the centre of every pixel of a num_px x num_px image."""
    owner = np.full((num_px, num_px), GROUND, np.int16)
    depth = np.full((num_px, num_px), MISS)
    normal = np.zeros((num_px, num_px, 3) if normals else (0, 0, 3), np.float32)
    alone = []
    for index, thing in enumerate(objects):
        tile = enclosing_tile(camera, thing.corners(), num_px)
        origin = to_local(thing, camera.position)
        t, normal_at = SHAPES[thing.shape].hit(origin, _local_rays(thing, camera, tile, num_px))
        alone.append(int(np.count_nonzero((t > 0) & (t < MISS))))
        nearer = (t > 0) & (t < depth[tile])
        owner[tile][nearer] = index
        depth[tile][nearer] = t[nearer]
        if normals:
            normal[tile][nearer] = _world_normals(thing, normal_at(t), nearer)
    return Trace(owner=owner, depth=depth, normal=normal, alone=tuple(alone))


def pixel_grid(camera: Camera, num_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Slopes of the rays: to the right per column and upward per row, each (num_px,)."""
    across = (2 * (np.arange(num_px) + 0.5) / num_px - 1) / camera.zoom
    return across, -across


def rays(camera: Camera, num_px: int) -> Triple:
    """Ray directions in the world, three (num_px, num_px) arrays; a step of 1 is a depth of 1."""
    return _rays(camera.axes, *pixel_grid(camera, num_px))


def enclosing_tile(camera: Camera, points: Iterable[Vec], num_px: int) -> Tile:
    """The pixels of a rectangle that holds the projections of all points.

    The whole image where a point lies behind the camera.
    """
    xs, ys, depths = zip(*(camera.project(point, num_px) for point in points), strict=True)
    if min(depths) <= 0:
        return slice(0, num_px), slice(0, num_px)
    return _span(ys, num_px), _span(xs, num_px)


def turn_to_local(thing: SceneObject, vector: Triple) -> Triple:
    """A direction of the world (scalars or arrays) in the object's own axes and scale."""
    cos, sin = thing.heading
    x, y, z = vector
    scale = thing.scale
    return (cos * x + sin * y) / scale, (cos * y - sin * x) / scale, z / scale


def to_local(thing: SceneObject, point: Triple) -> Triple:
    """A point of the world (scalars or arrays) in the object's own axes and scale."""
    x, y, z = thing.position
    return turn_to_local(thing, (point[0] - x, point[1] - y, point[2] - z))


def _span(values: Sequence[float], num_px: int) -> slice:
    low = min(max(math.floor(min(values)) - 1, 0), num_px)
    high = min(max(math.ceil(max(values)) + 1, 0), num_px)
    return slice(low, high)


def _local_rays(thing: SceneObject, camera: Camera, tile: Tile, num_px: int) -> Triple:
    across, upward = pixel_grid(camera, num_px)
    right, up, forward = (turn_to_local(thing, axis) for axis in camera.axes)
    return _rays((right, up, forward), across[tile[1]], upward[tile[0]])


def _rays(axes: tuple[Triple, Triple, Triple], across: np.ndarray, upward: np.ndarray) -> Triple:
    """forward + across * right + upward * up, for every row and column."""
    right, up, forward = axes
    x, y, z = (
        (forward[k] + across * right[k])[None, :] + (upward * up[k])[:, None] for k in range(3)
    )
    return x, y, z


def _world_normals(thing: SceneObject, local: Triple, chosen: np.ndarray) -> np.ndarray:
    """Unit normals in the world of the chosen pixels of a tile, float32 (number chosen, 3)."""
    cos, sin = thing.heading
    x, y, z = (np.broadcast_to(part, chosen.shape)[chosen] for part in local)
    length = np.sqrt(x * x + y * y + z * z) + 1e-12
    turned = (cos * x - sin * y, sin * x + cos * y, z)
    return np.stack([part / length for part in turned], axis=-1).astype(np.float32)
