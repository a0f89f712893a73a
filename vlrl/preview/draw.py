"""Targets and answers drawn on what they are about: a picture, or a film strip of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from vlrl.contracts import Value
from vlrl.media import Clip
from vlrl.rewards import box, point
from vlrl.rewards.mask import target_mask

PLACED = ("box", "boxes", "boxes_points", "point", "action")
"""Kinds of targets that are boxes and points; they are drawn on the first picture."""
COLOURS = ((240, 0, 150), (24, 128, 240), (18, 160, 92), (240, 150, 20), (160, 70, 210))
IGNORED = (128, 128, 128)
STRENGTH = 0.5  # of the colour within the outline of a mask
SMALL_PX, LARGE_PX = 336, 896  # the longer side of a picture is brought between these
LINE_PX, DOT_PX, TEXT_PX = 3, 5, 13

CELL_PX, ROW, GAP_PX, BAR_PX, TIME_PX = 128, 8, 4, 6, 18  # of a film strip; ROW is in frames
LINE_ROOM_PX = 36
PAPER, INK, UNUSED = (252, 251, 248), (31, 34, 38), (213, 209, 199)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A box `[x1, y1, x2, y2]`, a point `[x, y]` or both, in original pixels."""

    box: box.Box | None
    point: point.Point | None
    label: str


def marks(target: Value) -> list[Mark]:
    """What a target or an answer of one of the kinds PLACED places; nothing for anything else."""
    if box.checked(target):
        target = {"bbox_2d": target}
    elif point.checked(target):
        target = {"point_2d": target}
    items = target if isinstance(target, list) else [target]
    return [_mark(item) for item in items if isinstance(item, dict)]


def _mark(item: dict[str, Any]) -> Mark:
    label = item.get("label") or item.get("action") or ""
    return Mark(
        box=box.checked(item.get("bbox_2d", item.get("box"))),
        point=point.checked(item.get("point_2d", item.get("point"))),
        label=str(label),
    )


def on_picture(
    image: Image.Image, seen: tuple[int, int], kind: str = "", target: Value = None
) -> Image.Image:
    """The picture at the size (width, height) at which it is seen, brought to one for the page.

    Coordinates of the target are pixels of `image`.  Raises UnusableTarget for a mask that is none.
    """
    canvas = _for_the_page(image.resize(seen, Image.Resampling.BICUBIC))
    if kind == "mask" or (isinstance(target, dict) and "counts" in target):
        return _masked(canvas, target, image.size)
    if kind in PLACED:
        _draw_marks(canvas, marks(target), image.size)
    return canvas


def on_original(image: Image.Image, found: Sequence[Mark]) -> Image.Image:
    """The picture with the marks at its own size, or a multiple of that where it is small."""
    canvas = _enlarged(image)
    _draw_marks(canvas, found, image.size)
    return canvas


def _for_the_page(image: Image.Image) -> Image.Image:
    canvas = _enlarged(image)
    canvas.thumbnail((LARGE_PX, LARGE_PX))
    return canvas


def _enlarged(image: Image.Image) -> Image.Image:
    """A copy, of a small picture a whole number of times as large: pixels stay pixels."""
    times = max(1, -(-SMALL_PX // max(image.size)))
    size = image.width * times, image.height * times
    return image.resize(size, Image.Resampling.NEAREST)


def _masked(canvas: Image.Image, target: Value, size: tuple[int, int]) -> Image.Image:
    wanted = target_mask(target, (size[1], size[0]))
    pixels = np.asarray(canvas).astype(float)
    for part, colour in ((wanted.inside, COLOURS[0]), (wanted.ignored, IGNORED)):
        shown = Image.fromarray(np.uint8(part)).resize(canvas.size, Image.Resampling.NEAREST)
        core = shown.filter(ImageFilter.MinFilter(2 * LINE_PX - 1))
        strength = np.asarray(shown) - (1 - STRENGTH) * np.asarray(core)  # 1 on its outline
        pixels += strength[..., None] * (np.array(colour) - pixels)
    return Image.fromarray(np.uint8(np.rint(pixels)))


def _draw_marks(canvas: Image.Image, found: Sequence[Mark], size: tuple[int, int]) -> None:
    """Marks in pixels of a picture of `size` (width, height); the pen grows with the canvas."""
    draw = ImageDraw.Draw(canvas)
    scale = canvas.width / size[0], canvas.height / size[1]
    pen = max(1, round(max(canvas.size) / LARGE_PX))
    for number, mark in enumerate(found):
        _draw_mark(draw, mark, scale, pen, COLOURS[number % len(COLOURS)])


def _draw_mark(
    draw: ImageDraw.ImageDraw,
    mark: Mark,
    scale: tuple[float, float],
    pen: int,
    colour: tuple[int, int, int],
) -> None:
    """The line of a box lies inside of it, on its outermost pixels."""
    corner = (0, 0)
    if mark.box:
        left, top, right, bottom = (
            round(at * by) for at, by in zip(mark.box, scale * 2, strict=True)
        )
        ends = max(left, right - 1), max(top, bottom - 1)
        draw.rectangle((left, top, *ends), outline="white", width=LINE_PX * pen + 1)
        draw.rectangle((left, top, *ends), outline=colour, width=LINE_PX * pen)
        corner = left, top
    if mark.point:
        x, y = (at * by for at, by in zip(mark.point, scale, strict=True))
        draw.circle((x, y), DOT_PX * pen, fill=colour, outline="white", width=2 * pen)
        corner = corner if mark.box else (round(x) + DOT_PX * pen, round(y))
    if mark.label:
        _draw_label(draw, mark.label, corner, TEXT_PX * pen, colour)


def _draw_label(
    draw: ImageDraw.ImageDraw,
    label: str,
    corner: tuple[int, int],
    text_px: int,
    colour: tuple[int, int, int],
) -> None:
    """Above the corner, or below it where there is no room."""
    x, y = corner
    place = x, y - text_px - 4 if y > text_px + 4 else y
    font = ImageFont.load_default(text_px)
    x1, y1, x2, y2 = draw.textbbox(place, label, font=font)
    draw.rectangle((x1 - 2, y1 - 2, x2 + 2, y2 + 2), fill=colour)
    draw.text(place, label, font=font, fill="white")


def on_clip(clip: Clip, span: Sequence[float] | None = None) -> Image.Image:
    """The frames in rows, each over its time; those within the span are underlined.

    `span` is (start, end) in seconds from the start of the clip; below the frames it is shown on
    the line of the whole clip.
    """
    width, height = clip.frames[0].size
    cell = max(1, round(width * CELL_PX / height)) + GAP_PX, CELL_PX + BAR_PX + TIME_PX
    columns = min(ROW, len(clip.frames))
    rows = -(-len(clip.frames) // ROW)
    below = 0 if span is None else LINE_ROOM_PX
    inside = [] if span is None else _within(clip.times_s, span)
    strip = Image.new("RGB", (columns * cell[0], rows * cell[1] + below), PAPER)
    for number, (frame, time_s) in enumerate(zip(clip.frames, clip.times_s, strict=True)):
        row, column = divmod(number, ROW)
        corner = column * cell[0], row * cell[1]
        _draw_cell(strip, frame, time_s, corner, cell[0], time_s in inside)
    if span is not None:
        _draw_line(strip, span, clip.duration_s)
    return strip


def _within(times_s: Sequence[float], span: Sequence[float]) -> list[float]:
    """The times from the start of the span to before its end, or that of its end if all it has."""
    start, end = span
    return [each for each in times_s if start <= each < end] or [
        each for each in times_s if each == end
    ]


def _draw_cell(
    strip: Image.Image,
    frame: Image.Image,
    time_s: float,
    corner: tuple[int, int],
    width: int,
    inside: bool,
) -> None:
    x, y = corner
    strip.paste(frame.resize((width - GAP_PX, CELL_PX), Image.Resampling.BICUBIC), corner)
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(TEXT_PX)
    if inside:
        bar = x, y + CELL_PX, x + width - GAP_PX - 1, y + CELL_PX + BAR_PX - 1
        draw.rectangle(bar, fill=COLOURS[0])
    draw.text((x, y + CELL_PX + BAR_PX), f"{time_s:.1f} s", font=font, fill=INK)


def _draw_line(strip: Image.Image, span: Sequence[float], duration_s: float) -> None:
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(TEXT_PX)
    top, last = strip.height - BAR_PX, strip.width - 1
    start, end = (round(min(max(each / duration_s, 0.0), 1.0) * last) for each in span)
    draw.rectangle((0, top, last, strip.height), fill=UNUSED)
    draw.rectangle((start, top, max(start, end), strip.height), fill=COLOURS[0])
    words = f"{span[0]:g} to {span[1]:g} of {duration_s:.1f} s"
    draw.text((0, top - TIME_PX), words, font=font, fill=INK)
