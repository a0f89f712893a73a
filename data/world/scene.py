"""Scenes with exact ground truth: the same seed gives the same scene on every machine.

`make_scene` draws one; `measured` takes its ground truth anew after `dataclasses.replace` changed
the objects, the camera or `side_px`; `masks` and `depth_map` give the pixels behind it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from vlrl.contracts import UserError
from vlrl.data.world.camera import Camera, dot, subtract
from vlrl.data.world.domains import DOMAINS
from vlrl.data.world.draw import draw_camera, draw_ground, draw_light, draw_objects
from vlrl.data.world.parts import Ground, Light, SceneObject
from vlrl.data.world.shapes import MISS
from vlrl.data.world.trace import Trace, rays, trace

MIN_VISIBLE = 0.7
"""Every object of a fresh scene shows at least this fraction of the pixels it would cover alone."""
MAX_OBJECTS = 12
REFERENCE_PX = 112  # side of the grid that decides visibility, whatever the size of the image
MAX_ATTEMPTS = 400


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Objects with their ground truth and all that `render` needs; images are squares."""

    seed: str
    domain: str
    side_px: int
    objects: tuple[SceneObject, ...]
    camera: Camera
    light: Light
    ground: Ground


def make_scene(seed: str, *, num_objects: int, domain: str = "train", side_px: int = 112) -> Scene:
    """The scene of this seed with `num_objects` (0 to 12) objects, each visible by MIN_VISIBLE.

    Another `side_px` shows the same scene at another size.
    Raises UserError for an unknown domain or an impossible number of objects.
    """
    if domain not in DOMAINS:
        raise UserError(f"unknown domain {domain!r} of the world: use {' or '.join(DOMAINS)}")
    if not 0 <= num_objects <= MAX_OBJECTS:
        raise UserError(f"a scene cannot hold {num_objects} objects: use 0 to {MAX_OBJECTS}")
    for attempt in range(MAX_ATTEMPTS):
        rng = Random(f"world/{domain}/{num_objects}/{seed}/{attempt}")
        scene = _draw_scene(rng, seed, num_objects, domain, side_px)
        if scene and all(thing.visible >= MIN_VISIBLE for thing in scene.objects):
            return scene
    raise RuntimeError(f"no room for {num_objects} objects in the scene of seed {seed!r}")


def measured(scene: Scene) -> Scene:
    """The scene with the ground truth of its objects taken anew from its camera."""
    reference = seen = trace(scene.objects, scene.camera, REFERENCE_PX)
    if scene.side_px != REFERENCE_PX:
        seen = trace(scene.objects, scene.camera, scene.side_px)
    objects = tuple(
        _measured_object(thing, scene, seen.owner == index, visible)
        for index, (thing, visible) in enumerate(
            zip(scene.objects, _visible_fractions(reference), strict=True)
        )
    )
    return replace(scene, objects=objects)


def masks(scene: Scene) -> np.ndarray:
    """Which pixels show each object, bool (number of objects, side_px, side_px).

    A pixel shows the object that the ray through its centre meets first.
    """
    owner = trace(scene.objects, scene.camera, scene.side_px).owner
    return owner[None] == np.arange(len(scene.objects))[:, None, None]


def depth_map(scene: Scene) -> np.ndarray:
    """Depth along the viewing axis in world units, float64 (side_px, side_px), ground included."""
    seen = trace(scene.objects, scene.camera, scene.side_px).depth
    return np.minimum(seen, ground_depth(scene.camera, scene.side_px))


def ground_depth(camera: Camera, num_px: int) -> np.ndarray:
    """Depth of the ground per pixel, float64 (num_px, num_px); MISS from the horizon on upwards."""
    _, _, rise = rays(camera, num_px)
    falls = rise < -1e-9
    return np.where(falls, -camera.position[2] / np.where(falls, rise, -1.0), MISS)


def _draw_scene(
    rng: Random, seed: str, num_objects: int, domain_name: str, side_px: int
) -> Scene | None:
    domain = DOMAINS[domain_name]
    camera, light, ground = draw_camera(rng), draw_light(rng, domain), draw_ground(rng, domain)
    objects = draw_objects(rng, domain, camera, ground, num_objects)
    if objects is None:
        return None
    scene = Scene(
        seed=seed,
        domain=domain_name,
        side_px=side_px,
        objects=objects,
        camera=camera,
        light=light,
        ground=ground,
    )
    return measured(scene)


def _visible_fractions(seen: Trace) -> list[float]:
    pairs = zip(seen.visible(), seen.alone, strict=True)
    return [round(visible / alone, 4) if alone else 0.0 for visible, alone in pairs]


def _measured_object(
    thing: SceneObject, scene: Scene, mask: np.ndarray, visible: float
) -> SceneObject:
    x, y, depth = scene.camera.project(thing.position, scene.side_px)
    offset = subtract(thing.position, scene.camera.position)
    return replace(
        thing,
        box=_box(mask),
        centre=(round(x, 3), round(y, 3)),
        visible=visible,
        distance=round(math.sqrt(dot(offset, offset)), 4),
        depth=round(depth, 4),
    )


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """The smallest box (x1, y1, x2, y2) around the pixels, ends exclusive; zeros without pixels."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return (0, 0, 0, 0)
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
