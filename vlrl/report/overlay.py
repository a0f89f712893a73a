"""What a target or an answer places, as SVG paths in pixels of the original picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vlrl.contracts import UnusableTarget, Value
from vlrl.data.formats.masks import outlines
from vlrl.preview.draw import PLACED, marks
from vlrl.rewards.box import Box
from vlrl.rewards.mask import MAX_PIXELS, target_in_image
from vlrl.rewards.point import Point

TRACED_PX = 1024  # masks with a longer side are traced in every second pixel, every third ...

Size = tuple[int, int]


def picture_size(value: Any) -> Size | None:
    """(width, height) in pixels where a row records one that masks can have."""
    match value:
        case [int(width), int(height)] if 0 < width * height <= MAX_PIXELS and width > 0:
            return width, height
    return None


def paths(kind: Any, value: Value, size: Size | None) -> dict[str, str] | None:
    """`{"lines": outlines of boxes and masks, "dots": points}`; None where nothing is placed.

    `kind` is that of the target, `size` the (width, height) of the original picture, None where
    that is unknown: then nothing is known of the scale either.
    """
    if value is None or size is None:
        return None
    lines, dots = [], []
    if kind == "mask":
        lines = _mask_outlines(value, size)
    elif kind in PLACED:
        found = marks(value)
        lines = [_rectangle(each.box) for each in found if each.box]
        dots = [_dot(each.point) for each in found if each.point]
    return {"lines": "".join(lines), "dots": "".join(dots)} if lines or dots else None


def labels(kind: Any, value: Value, size: Size | None) -> list[tuple[float, float, str]]:
    """(x, y, text) of what has a label: the corner of its box, or its point."""
    if size is None or kind not in PLACED:
        return []
    corners = [(each.box or each.point, each.label) for each in marks(value)]
    return [(round(at[0], 1), round(at[1], 1), text) for at, text in corners if at and text]


def _mask_outlines(value: Value, size: Size) -> list[str]:
    step = -(-max(size) // TRACED_PX)
    try:
        inside = target_in_image(value, size).inside[::step, ::step]
    except UnusableTarget:
        return []
    return [_polygon([at * step for at in each]) for each in outlines(inside)]


def _rectangle(box: Box) -> str:
    x1, y1, x2, y2 = map(_number, box)
    return f"M{x1} {y1}H{x2}V{y2}H{x1}Z"


def _dot(point: Point) -> str:
    """A line without length, which round ends make a dot of any width."""
    x, y = map(_number, point)
    return f"M{x} {y}h0"


def _polygon(corners: Sequence[float]) -> str:
    numbers = list(map(_number, corners))
    points = zip(numbers[::2], numbers[1::2], strict=True)
    return f"M{'L'.join(f'{x} {y}' for x, y in points)}Z"


def _number(coordinate: float) -> str:
    return f"{round(coordinate, 1):g}"
