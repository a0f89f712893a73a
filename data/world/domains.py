"""The two families of scenes: `train`, and `ood`, which shares no shape, colour, texture or light.

Colours are display RGB in 0..255; angles are radians.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

Rgb = tuple[float, float, float]
Range = tuple[float, float]

SIZES: Mapping[str, float] = {"small": 0.38, "large": 0.58}  # world units per shape unit
MATERIALS = ("rubber", "metal")


@dataclass(frozen=True, kw_only=True)
class Domain:
    """What the scenes of one family are drawn from."""

    shapes: tuple[str, ...]
    palette: Mapping[str, Rgb]
    textures: tuple[str, ...]
    ground_hues: tuple[Range, ...]  # in 0..1
    ground_saturation: Range
    ground_value: Range
    light_azimuth: Range  # of the way to the light
    light_elevation: Range
    light_strength: tuple[Range, ...]
    light_tints: tuple[Rgb, ...]  # factors near 1


DOMAINS: Mapping[str, Domain] = {
    "train": Domain(
        shapes=("sphere", "cube", "cylinder"),
        palette={
            "gray": (98, 98, 98),
            "red": (190, 40, 40),
            "blue": (44, 80, 220),
            "green": (32, 118, 26),
            "brown": (130, 76, 30),
            "purple": (132, 42, 192),
            "cyan": (42, 208, 208),
            "yellow": (250, 230, 50),
        },
        textures=("plain", "gradient", "checker", "noise", "stripes"),
        ground_hues=((0.02, 0.13), (0.30, 0.42), (0.58, 0.72)),
        ground_saturation=(0.0, 0.30),
        ground_value=(0.30, 0.86),
        light_azimuth=(-2.9, -1.5),
        light_elevation=(0.72, 0.95),
        light_strength=((0.84, 1.06),),
        light_tints=((1.0, 0.98, 0.94), (1.0, 1.0, 1.0)),
    ),
    "ood": Domain(
        shapes=("cone", "capsule", "torus", "pyramid", "dome"),
        palette={
            "orange": (240, 130, 20),
            "pink": (245, 140, 180),
            "lime": (150, 230, 40),
            "navy": (22, 30, 98),
            "white": (238, 238, 238),
            "maroon": (98, 14, 36),
            "teal": (12, 104, 108),
            "olive": (108, 106, 24),
        },
        textures=("tiles", "rings", "dots", "waves"),
        ground_hues=((0.16, 0.26), (0.46, 0.55), (0.78, 0.95)),
        ground_saturation=(0.22, 0.46),
        ground_value=(0.32, 0.78),
        light_azimuth=(-1.1, -0.1),
        light_elevation=(0.58, 0.76),
        light_strength=((0.66, 0.78), (1.12, 1.24)),
        light_tints=((1.0, 0.90, 0.78), (0.86, 0.95, 1.0)),
    ),
}

MIN_CONTRAST = 78.0  # between an object and the ground, in units of `contrast`


def contrast(first: Rgb, second: Rgb) -> float:
    """How far apart two colours look, 0 (equal) to 255: sqrt((2 dr^2 + 4 dg^2 + 3 db^2) / 9)."""
    dr, dg, db = (a - b for a, b in zip(first, second, strict=True))
    return math.sqrt((2 * dr * dr + 4 * dg * dg + 3 * db * db) / 9)


def usable_colours(domain: Domain, ground: Rgb) -> tuple[str, ...]:
    """The colours of the palette that stand out from this ground."""
    return tuple(
        name for name, colour in domain.palette.items() if contrast(colour, ground) >= MIN_CONTRAST
    )


def from_hsv(hue: float, saturation: float, value: float) -> Rgb:
    """Display RGB in 0..255, rounded to whole numbers, from hue, saturation and value in 0..1."""

    def channel(offset: float) -> float:
        position = (offset + 6 * hue) % 6
        return value - value * saturation * max(0.0, min(position, 4 - position, 1.0))

    red, green, blue = (float(round(255 * channel(offset))) for offset in (5, 3, 1))
    return red, green, blue
