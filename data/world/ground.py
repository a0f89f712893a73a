"""How the ground looks: its texture and the shadows that objects cast on it and on each other.

All is float32 and decides pixels only, never ground truth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from vlrl.data.world.camera import Camera, Vec, cross, direction, unit
from vlrl.data.world.parts import Ground, SceneObject
from vlrl.data.world.shapes import MISS, SHAPES, Triple
from vlrl.data.world.trace import enclosing_tile, to_local, turn_to_local

F = np.float32
NOISE_PX = 512
LAMP_RADIUS = 0.09  # as seen from the scene, radians
GOLDEN_ANGLE = 2.399963
CONTACT_DEPTH = 0.55  # share of the ambient light that an object keeps from the ground right at it


def _noise_table() -> np.ndarray:
    """Roughly normal noise of mean 0 and deviation 1 from an integer hash, float32 (512, 512)."""
    row, column = np.mgrid[0:NOISE_PX, 0:NOISE_PX].astype(np.uint32)
    total = np.zeros((NOISE_PX, NOISE_PX))
    for layer in range(3):
        value = row * np.uint32(374761393) + column * np.uint32(668265263)
        value += np.uint32(2246822519 * (layer + 1) % 2**32)
        value = (value ^ (value >> np.uint32(13))) * np.uint32(1274126177)
        value = (value ^ (value >> np.uint32(15))) * np.uint32(2246822519)
        total += (value >> np.uint32(8)) / 2**24 - 0.5
    return (total * 2).astype(F)


NOISE = _noise_table()


def texture(ground: Ground, x: np.ndarray, y: np.ndarray, side_px: int) -> np.ndarray:
    """Brightness factor near 1 at the points (x, y) of the plane, same shape."""
    cos, sin = F(math.cos(ground.angle) * ground.scale), F(math.sin(ground.angle) * ground.scale)
    shift_u, shift_v = (F(8 * part) for part in ground.offset)
    u = cos * x + sin * y + shift_u
    v = cos * y - sin * x + shift_v
    sharpness = F(side_px / 16)
    match ground.texture:
        case "plain":
            return np.ones_like(u)
        case "gradient":
            return 1 + F(0.30) * np.tanh(F(0.45) * (u - shift_u))
        case "checker":
            return 1 + F(0.10) * np.clip(_wave(u) * _wave(v) * sharpness, -1, 1)
        case "stripes":
            return 1 + F(0.09) * np.clip(_wave(u) * sharpness, -1, 1)
        case "noise":
            fine = _smooth_noise(u * 5, v * 5)
            return 1 + F(0.06) * (_smooth_noise(u * 2, v * 2) + F(0.6) * fine)
        case "tiles":
            edge = np.maximum(np.abs(np.cos(F(math.pi) * u)), np.abs(np.cos(F(math.pi) * v)))
            return 1 - F(0.22) * np.clip((edge - F(0.985)) * sharpness * 4, 0, 1)
        case "rings":
            return 1 + F(0.10) * _wave(np.sqrt((u - 4) * (u - 4) + (v - 4) * (v - 4)) * 2)
        case "dots":
            return 1 + F(0.14) * np.clip((_wave(u * 2) * _wave(v * 2) - F(0.35)) * sharpness, 0, 1)
        case "waves":
            return 1 + F(0.10) * _wave(u * 2 + F(0.35) * _wave(v))
    raise ValueError(f"unknown ground texture {ground.texture!r}")


def _wave(u: np.ndarray) -> np.ndarray:
    return np.sin(F(math.pi) * u)


def _smooth_noise(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The noise table read between its points, repeating beyond its edges."""
    left, top = np.floor(u), np.floor(v)
    across, down = _ease(u - left), _ease(v - top)
    column, row = left.astype(np.int32) % NOISE_PX, top.astype(np.int32) % NOISE_PX
    next_column, next_row = (column + 1) % NOISE_PX, (row + 1) % NOISE_PX
    above = NOISE[row, column] * (1 - across) + NOISE[row, next_column] * across
    below = NOISE[next_row, column] * (1 - across) + NOISE[next_row, next_column] * across
    return above * (1 - down) + below * down


def _ease(fraction: np.ndarray) -> np.ndarray:
    return fraction * fraction * (3 - 2 * fraction)


def lamp_points(towards: Vec, num: int) -> list[Vec]:
    """Directions to `num` points spread over the lamp; a single one is its middle."""
    if num == 1:
        return [towards]
    side = unit(cross(towards, (0.0, 0.0, 1.0)))
    other = cross(side, towards)
    points = []
    for k in range(num):
        radius = LAMP_RADIUS * math.sqrt((k + 0.5) / num)
        cos, sin, _ = direction(GOLDEN_ANGLE * k, 0.0)
        a, b = radius * cos, radius * sin
        x, y, z = (t + a * s + b * o for t, s, o in zip(towards, side, other, strict=True))
        points.append((x, y, z))
    return points


def cast_shadows(
    objects: Sequence[SceneObject], camera: Camera, x: np.ndarray, y: np.ndarray, lamps: list[Vec]
) -> np.ndarray:
    """Share 0..1 of the lamp hidden from the ground point (x, y) in each pixel, same shape."""
    import cv2

    hidden = np.zeros_like(x)
    for thing in objects:
        tile = enclosing_tile(camera, _shadow_corners(thing, lamps), len(x))
        if x[tile].size:
            share = hidden_share(thing, (x[tile], y[tile], F(0)), lamps)
            hidden[tile] = np.maximum(hidden[tile], share)
    softness_px = len(x) / 112 * (0.8 if len(lamps) == 1 else 0.5)
    return cv2.GaussianBlur(hidden, (0, 0), softness_px)


def hidden_share(
    thing: SceneObject, points: Triple, lamps: list[Vec], *, ahead: bool = False
) -> np.ndarray:
    """Share of the lamp that the object hides from the points, float32 0..1.

    All objects lie above the ground, so the whole line through a ground point counts.  For points
    above the ground set `ahead`: only what lies between point and lamp counts.
    """
    x, y, z = (np.asarray(part, F) for part in to_local(thing, points))
    blocked = np.zeros(np.shape(x), F)
    for lamp in lamps:
        dx, dy, dz = (F(part) for part in turn_to_local(thing, lamp))
        t, _ = SHAPES[thing.shape].hit((x, y, z), (dx, dy, dz))
        blocked += (t < MISS) & (t > 0) if ahead else t < MISS
    return blocked / F(len(lamps))


def may_shade(thing: SceneObject, other: SceneObject, lamp: Vec) -> bool:
    """Whether the shadow of `thing` may touch `other`: true for every pair where it does."""
    length = (thing.position[2] + thing.half_height) / lamp[2]
    flat = math.sqrt(lamp[0] * lamp[0] + lamp[1] * lamp[1])
    dx, dy = thing.position[0] - other.position[0], thing.position[1] - other.position[1]
    along = (dx * lamp[0] + dy * lamp[1]) / flat
    beside = abs(dx * lamp[1] - dy * lamp[0]) / flat
    room = 1.1 * (thing.reach + other.reach)
    return 0 < along < length * flat + room and beside < room


def contact_shade(
    objects: Sequence[SceneObject], camera: Camera, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Share 0..1 of the ambient light that near objects leave to the ground point in each pixel."""
    shade = np.ones_like(x)
    for thing in objects:
        px, py, _ = thing.position
        width = 1.9 * thing.reach
        square = [(px + i * width, py + j * width, 0.0) for i in (-1, 1) for j in (-1, 1)]
        tile = enclosing_tile(camera, square, len(x))
        dx, dy = x[tile] - F(px), y[tile] - F(py)
        near = (dx * dx + dy * dy) * F(1 / (thing.reach * thing.reach))
        shade[tile] *= 1 - F(CONTACT_DEPTH) * np.exp(-F(1.25) * near)
    return shade


def _shadow_corners(thing: SceneObject, lamps: list[Vec]) -> list[Vec]:
    """Corners of rectangles on the ground that together hold the object's shadow."""
    x, y, z = thing.position
    top = z + thing.half_height
    shifts = [(0.0, 0.0), *((-lamp[0] / lamp[2] * top, -lamp[1] / lamp[2] * top) for lamp in lamps)]
    return [
        (x + i * thing.reach + dx, y + j * thing.reach + dy, 0.0)
        for i in (-1, 1)
        for j in (-1, 1)
        for dx, dy in shifts
    ]
