"""Paints a scene: the traced objects, shaded at several rays per pixel, over the shaded ground.

Light is linear with display = sqrt(light); all is float32.  n is the number of surface points seen.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from vlrl.data.world.camera import Vec
from vlrl.data.world.domains import DOMAINS, Rgb
from vlrl.data.world.ground import (
    NOISE,
    NOISE_PX,
    cast_shadows,
    contact_shade,
    hidden_share,
    lamp_points,
    may_shade,
    texture,
)
from vlrl.data.world.scene import Scene, ground_depth
from vlrl.data.world.trace import GROUND, Trace, pixel_grid, rays, trace

F = np.float32
AMBIENT = 0.432
SHADOW_DEPTH = 0.74  # share of the lamp's light that a shadow takes from the ground
SHADOW_DEPTH_ON_OBJECTS = 0.85
GRAIN = 1.3  # deviation of the sensor's noise, grey levels
LARGE_PX = 200  # from this side on, shadows come from many points of the lamp
NUM_LAMP_POINTS = 10


def render(scene: Scene) -> np.ndarray:
    """The picture of the scene, uint8 RGB (side_px, side_px, 3)."""
    num_lamps = 1 if scene.side_px < LARGE_PX else NUM_LAMP_POINTS
    lamps = lamp_points(scene.light.towards, num_lamps)
    image = _shade_ground(scene, lamps)
    if scene.objects:
        objects = _shade_objects(scene, lamps)
        image = image * (1 - objects[..., 3:]) + objects[..., :3]
    display = np.sqrt(np.clip(image, 0, 1)) * 255 + _grain(scene)[..., None]
    return np.clip(display + 0.5, 0, 255).astype(np.uint8)


def _light_of(colour: Rgb) -> np.ndarray:
    """Linear light, float32 (3,), of a display colour in 0..255."""
    return (np.array(colour, F) / 255) ** 2


def _lamp_colour(scene: Scene) -> np.ndarray:
    return F(scene.light.strength) * np.array(scene.light.tint, F)


def _grain(scene: Scene) -> np.ndarray:
    start_row, start_column = (int(part * NOISE_PX) for part in scene.ground.offset)
    steps = np.arange(scene.side_px)
    rows, columns = (steps + start_row) % NOISE_PX, (steps + start_column) % NOISE_PX
    return F(GRAIN) * NOISE[np.ix_(rows, columns)]


def _shade_ground(scene: Scene, lamps: list[Vec]) -> np.ndarray:
    """Linear light of the ground with the shadows on it, float32 (side_px, side_px, 3)."""
    side, camera = scene.side_px, scene.camera
    dx, dy, _ = rays(camera, side)
    reach = ground_depth(camera, side)
    x = (camera.position[0] + reach * dx).astype(F)
    y = (camera.position[1] + reach * dy).astype(F)
    lit = 1 - F(SHADOW_DEPTH) * cast_shadows(scene.objects, camera, x, y, lamps)
    pool = F(0.72) + F(0.36) * np.exp(-F(0.035) * (x * x + y * y))
    amount = F(AMBIENT) + F(0.80 * scene.light.towards[2]) * lit
    amount *= contact_shade(scene.objects, camera, x, y) * pool
    amount *= texture(scene.ground, x, y, side)
    return amount[..., None] * (_light_of(scene.ground.colour) * _lamp_colour(scene))


@dataclass(frozen=True, kw_only=True)
class _Points:
    """Surface points seen by the camera, float32."""

    position: np.ndarray  # (n, 3)
    colour: np.ndarray  # (n, 3), linear
    diffuse: np.ndarray  # (n,): light that arrives
    mirrored: np.ndarray  # (n, 3): unit direction of the mirrored view
    grazing: np.ndarray  # (n,): 0 where the view is straight, 1 where it grazes the surface
    highlight: np.ndarray  # (n,): 1 where the mirrored view meets the lamp

    def pick(self, rows: np.ndarray) -> _Points:
        return _Points(**{item.name: getattr(self, item.name)[rows] for item in fields(self)})


def _shade_objects(scene: Scene, lamps: list[Vec]) -> np.ndarray:
    """Light times coverage, and coverage, of the objects, float32 (side_px, side_px, 4)."""
    import cv2

    num_px = scene.side_px * (3 if scene.side_px < 100 else 2)
    seen = trace(scene.objects, scene.camera, num_px, normals=True)
    covered = np.flatnonzero(seen.owner != GROUND)
    owner = seen.owner.ravel()[covered]
    points = _points(scene, seen, covered, owner, lamps)
    shaded = _rubber(points)
    metal = np.flatnonzero(np.array([it.material == "metal" for it in scene.objects])[owner])
    shaded[metal] = _metal(points.pick(metal), scene)
    layer = np.zeros((num_px * num_px, 4), F)
    layer[covered, :3] = np.minimum(shaded * _lamp_colour(scene), 1)
    layer[covered, 3] = 1
    layer = layer.reshape(num_px, num_px, 4)
    return cv2.resize(layer, (scene.side_px, scene.side_px), interpolation=cv2.INTER_AREA)


def _points(
    scene: Scene, seen: Trace, covered: np.ndarray, owner: np.ndarray, lamps: list[Vec]
) -> _Points:
    position, view = _places(scene, seen, covered)
    normal = seen.normal.reshape(-1, 3)[covered]
    light = np.array(scene.light.towards, F)
    lit = 1 - F(SHADOW_DEPTH_ON_OBJECTS) * _shadowed(scene, position, owner, lamps)
    along = _dot(normal, view)
    mirrored = view - 2 * along[:, None] * normal
    palette = DOMAINS[scene.domain].palette
    colours = np.stack([_light_of(palette[thing.colour]) for thing in scene.objects])
    return _Points(
        position=position,
        colour=colours[owner],
        diffuse=_diffuse(normal, position[:, 2], light, lit),
        mirrored=mirrored,
        grazing=1 - np.clip(-along, 0, 1),
        highlight=np.maximum(mirrored @ light, 0) * lit,
    )


def _places(scene: Scene, seen: Trace, covered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Position in the world and unit viewing direction of the covered pixels, each (n, 3)."""
    num_px = len(seen.owner)
    rows, columns = np.divmod(covered, num_px)
    across, upward = (part.astype(F) for part in pixel_grid(scene.camera, num_px))
    right, up, forward = (np.array(axis, F) for axis in scene.camera.axes)
    way = across[columns, None] * right + upward[rows, None] * up + forward
    depth = seen.depth.ravel()[covered].astype(F)
    position = np.array(scene.camera.position, F) + depth[:, None] * way
    return position, way / np.sqrt(_dot(way, way))[:, None]


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("nk,nk->n", a, b)


def _shadowed(
    scene: Scene, position: np.ndarray, owner: np.ndarray, lamps: list[Vec]
) -> np.ndarray:
    """Share of the lamp that other objects hide from each point, 0..1."""
    hidden = np.zeros(len(owner), F)
    for index, thing in enumerate(scene.objects):
        for other in scene.objects:
            if other is thing or not may_shade(other, thing, scene.light.towards):
                continue
            mine = np.flatnonzero(owner == index)
            x, y, z = position[mine].T
            hidden[mine] = np.maximum(
                hidden[mine], hidden_share(other, (x, y, z), lamps, ahead=True)
            )
    return hidden


def _diffuse(
    normal: np.ndarray, height: np.ndarray, light: np.ndarray, lit: np.ndarray
) -> np.ndarray:
    """Ambient light from above, less near the ground; the lamp; a weak fill light against it."""
    contact = np.minimum(F(0.55) + height * F(1.1), 1)
    ambient = F(AMBIENT) * (F(0.66) + F(0.34) * normal[:, 2]) * contact
    fill = np.maximum(normal @ (light * np.array([-0.8, -0.8, 0.4], F)), 0)
    return ambient + F(0.82) * np.maximum(normal @ light, 0) * lit + F(0.16) * fill


def _rubber(points: _Points) -> np.ndarray:
    """Matte colour with a broad faint highlight, (n, 3)."""
    return points.colour * points.diffuse[:, None] + (F(0.08) * points.highlight**6)[:, None]


def _metal(points: _Points, scene: Scene) -> np.ndarray:
    """A coloured mirror of ground, bright horizon, darker sky and lamp, (n, 3)."""
    height, up = points.position[:, 2], points.mirrored[:, 2]
    contact = np.minimum(F(0.45) + height * F(1.1), 1)
    sky = F(0.30) + F(0.75) * np.exp(-F(4.5) * np.maximum(up, 0)) + F(1.4) * points.highlight**10
    floor = _mirrored_floor(points, scene) * contact[:, None]
    above = np.clip(up * F(8) + F(0.5), 0, 1)[:, None]
    mirror = floor + (sky[:, None] - floor) * above
    tinted = points.colour * ((F(0.35) * points.diffuse)[:, None] + F(0.78) * mirror)
    sheen = F(0.025) + F(0.25) * points.grazing**4
    return tinted + sheen[:, None] * mirror + (F(1.8) * points.highlight**60)[:, None]


def _mirrored_floor(points: _Points, scene: Scene) -> np.ndarray:
    """Light of the ground that the mirrored views meet, fading with the distance, (n, 3)."""
    fall = np.maximum(-points.mirrored[:, 2], F(0.05))
    reach = np.minimum(points.position[:, 2] / fall, F(8))
    x, y = (points.position[:, axis] + reach * points.mirrored[:, axis] for axis in (0, 1))
    amount = texture(scene.ground, x, y, scene.side_px) / (1 + F(0.10) * reach)
    return amount[:, None] * _light_of(scene.ground.colour)
