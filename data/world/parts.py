"""What a scene is made of: its objects, the light and the ground.

The world: x and y span the ground z = 0, z points up; lengths are world units, angles radians.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from vlrl.data.world.camera import Vec
from vlrl.data.world.domains import Rgb
from vlrl.data.world.shapes import SHAPES


@dataclass(frozen=True, kw_only=True)
class SceneObject:
    """One solid.  The fields from `box` on are ground truth as the scene's camera sees it."""

    shape: str
    colour: str
    size: str  # "small" or "large"
    material: str  # "rubber" or "metal"
    position: Vec  # of the middle of the solid
    scale: float  # world units per unit of the shape: the radius of a sphere
    yaw: float  # about z
    box: tuple[int, int, int, int] = (0, 0, 0, 0)  # x1, y1, x2, y2 in px around the visible pixels
    centre: tuple[float, float] = (0.0, 0.0)  # where `position` lies in the image, px
    visible: float = 0.0  # fraction of the pixels that it would cover alone, on the reference grid
    distance: float = 0.0  # from the camera to `position`
    depth: float = 0.0  # of `position` along the viewing axis

    @cached_property
    def heading(self) -> tuple[float, float]:
        """(cos, sin) of the yaw."""
        return round(math.cos(self.yaw), 12), round(math.sin(self.yaw), 12)

    @property
    def half_height(self) -> float:
        return self.scale * SHAPES[self.shape].half_height

    @property
    def reach(self) -> float:
        """Radius of the footprint: the largest distance from the vertical axis."""
        return self.scale * SHAPES[self.shape].reach

    def corners(self) -> list[Vec]:
        """The corners of an upright box around the object, whatever its yaw."""
        x, y, z = self.position
        reach, half = self.reach, self.half_height
        return [
            (x + i * reach, y + j * reach, z + k * half)
            for i in (-1, 1)
            for j in (-1, 1)
            for k in (-1, 1)
        ]


@dataclass(frozen=True, kw_only=True)
class Light:
    """A far lamp: `towards` is the unit vector from the scene to it, `tint` a factor per colour."""

    towards: Vec
    strength: float
    tint: Rgb


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Colour (display RGB in 0..255) and texture of the plane z = 0."""

    colour: Rgb
    texture: str
    scale: float  # repeats per world unit, roughly
    angle: float
    offset: tuple[float, float]  # in 0..1; also chooses the sensor's noise
