"""App screens: what is on them, where it is, and how it is painted.

A screen has a bar with a title, and below it a list of entries (things, switches or text fields) or
a grid of cells with an icon over a word.  `box` is where a tap on an entry or a cell counts, in
pixels.  Shapes are drawn larger and reduced; text at its size, in the font that Pillow brings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

from vlrl.data.world.icons import BACK, ICONS, Rgb, draw_icon
from vlrl.data.world.visual_math_paper import font

Box = tuple[int, int, int, int]  # left, top, right, bottom
EntryKind = Literal["thing", "switch", "field"]

SCALE = 3  # of the drawing before it is reduced
BAR_PX = 28
FONT_PX = 13
MARGIN_PX = 10
SWITCH_PX = (26, 14)  # width and height
FIELD_PX = 88  # width of the text box of a field
GAP_PX = 3  # between an entry's ground and the next


@dataclass(frozen=True, kw_only=True)
class Theme:
    paper: Rgb
    ground: Rgb  # of entries and cells
    ink: Rgb
    faint: Rgb
    accent: Rgb  # the bar, switches that are on, the field with the cursor
    on_accent: Rgb


@dataclass(frozen=True, kw_only=True)
class Entry:
    kind: EntryKind
    name: str
    is_on: bool = False  # the switch is on, the field has the cursor
    text: str = ""  # in the field


@dataclass(frozen=True, kw_only=True)
class Cell:
    icon: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Screen:
    size: tuple[int, int]  # width and height, pixels
    theme: Theme
    title: str
    entries: tuple[Entry, ...] = ()
    cells: tuple[Cell, ...] = ()
    num_columns: int = 3  # of the cells

    def box(self, index: int) -> Box:
        """Where the entry or the cell with this number is."""
        if self.entries:
            return _tile(self.size, index, len(self.entries), 1)
        return _tile(self.size, index, -(-len(self.cells) // self.num_columns), self.num_columns)


def _tile(size: tuple[int, int], index: int, num_rows: int, num_columns: int) -> Box:
    row, column = divmod(index, num_columns)
    width, height = size[0] // num_columns, (size[1] - BAR_PX) // num_rows
    left, top = column * width, BAR_PX + row * height
    return left + GAP_PX, top + GAP_PX, left + width - GAP_PX, top + height - GAP_PX


def paint(screen: Screen) -> np.ndarray:
    """The screen as uint8 RGB (height, width, 3)."""
    size = (screen.size[0] * SCALE, screen.size[1] * SCALE)
    large = Image.new("RGB", size, screen.theme.paper)
    shapes = ImageDraw.Draw(large)
    shapes.rectangle((0, 0, size[0], BAR_PX * SCALE - 1), fill=screen.theme.accent)
    _icon(shapes, BACK, (14, BAR_PX // 2), 6, screen.theme.on_accent)
    for index, entry in enumerate(screen.entries):
        _draw_entry(shapes, entry, screen.box(index), screen.theme)
    for index, cell in enumerate(screen.cells):
        _draw_cell(shapes, cell, screen.box(index), screen.theme)
    image = large.reduce(SCALE)
    _write(ImageDraw.Draw(image), screen)
    return np.asarray(image)


def _draw_entry(draw: ImageDraw.ImageDraw, entry: Entry, box: Box, theme: Theme) -> None:
    _plate(draw, box, theme.ground)
    right, middle = box[2] - MARGIN_PX, (box[1] + box[3]) // 2
    if entry.kind == "switch":
        left, half = right - SWITCH_PX[0], SWITCH_PX[1] // 2
        colour = theme.accent if entry.is_on else theme.faint
        _plate(draw, (left, middle - half, right, middle + half), colour, half)
        knob = right - half if entry.is_on else left + half
        _disc(draw, (knob, middle), half - 2, theme.ground)
    elif entry.kind == "field":
        colour = theme.accent if entry.is_on else theme.faint
        outer = (right - FIELD_PX, box[1] + 4, right, box[3] - 4)
        _plate(draw, outer, colour, 3)
        line = 2 if entry.is_on else 1
        left, top, _, bottom = outer
        inner = (left + line, top + line, right - line, bottom - line)
        _plate(draw, inner, theme.paper, 2)
        if entry.is_on:
            cursor = left + 5, middle - 7, left + 7, middle + 7
            _plate(draw, cursor, theme.accent, 0)
    else:
        _disc(draw, (box[0] + 14, middle), 5, theme.faint)


def _draw_cell(draw: ImageDraw.ImageDraw, cell: Cell, box: Box, theme: Theme) -> None:
    _plate(draw, box, theme.ground)
    centre = (box[0] + box[2]) // 2, box[1] + (box[3] - box[1]) * 2 // 5
    _icon(draw, ICONS[cell.icon], centre, 10, theme.ink)


def _write(draw: ImageDraw.ImageDraw, screen: Screen) -> None:
    theme, face = screen.theme, font(FONT_PX)
    draw.text((28, BAR_PX // 2), screen.title, theme.on_accent, face, anchor="lm")
    for index, entry in enumerate(screen.entries):
        left, top, right, bottom = screen.box(index)
        start = left + (26 if entry.kind == "thing" else MARGIN_PX - 3)
        middle = (top + bottom) // 2
        draw.text((start, middle), entry.name, theme.ink, face, anchor="lm")
        if entry.text:
            place = right - MARGIN_PX - FIELD_PX + 10, middle
            draw.text(place, entry.text, theme.ink, face, anchor="lm")
    for index, cell in enumerate(screen.cells):
        left, _, right, bottom = screen.box(index)
        place = (left + right) // 2, bottom - 5
        draw.text(place, cell.name, theme.ink, font(FONT_PX - 2), anchor="ms")


def _plate(draw: ImageDraw.ImageDraw, box: Box, colour: Rgb, radius_px: int = 4) -> None:
    """The last pixel of the box belongs to it no more."""
    left, top, right, bottom = (at * SCALE for at in box)
    draw.rounded_rectangle((left, top, right - 1, bottom - 1), radius_px * SCALE, fill=colour)


def _disc(draw: ImageDraw.ImageDraw, centre: tuple[int, int], radius_px: int, colour: Rgb) -> None:
    draw.circle((centre[0] * SCALE, centre[1] * SCALE), radius_px * SCALE, fill=colour)


def _icon(
    draw: ImageDraw.ImageDraw, parts: tuple, centre: tuple[int, int], half_px: int, colour: Rgb
) -> None:
    draw_icon(draw, parts, (centre[0] * SCALE, centre[1] * SCALE), half_px * SCALE, colour)
