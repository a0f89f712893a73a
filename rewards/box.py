"""Boxes: one box as an answer, and rewards that compare two boxes.

A box is `[x1, y1, x2, y2]` with `x1 < x2` and `y1 < y2`, in pixels of the original image wherever
it is scored; its area is `(x2 - x1)(y2 - y1)`, without the extra pixel of integer conventions.  An
inverted or empty box is no box: its corners are not swapped.  Where the size of the image is known,
an answer is clipped to it, and one that lies wholly outside is no box.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vlrl.contracts import Frame, UnusableTarget, reward
from vlrl.rewards.literals import parse_literal

MAX_COORDINATE = 1e6
MIN_SIDE = 1e-6
SQUARE_PX = 840  # the side to which Seg-Zero squashes all images; its distances are in these pixels

Box = list[float]
Size = Sequence[float]  # (width, height)


def parse(text: str, frame: Frame | None = None, image_size: Size | None = None) -> Box | None:
    """The one box that the text states, or None; in original pixels where `image_size` is known.

    Read: `[x1, y1, x2, y2]` and `{"bbox_2d": [x1, y1, x2, y2]}`, alone or as the only item of a
    list, as `literals.parse_literal` takes them.  Two boxes are none.
    """
    value = parse_literal(text)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("bbox_2d")
    return in_image(checked(value), frame, image_size)


def checked(value: object) -> Box | None:
    """The value as a box where it is one: four finite numbers, neither inverted nor empty."""
    if not isinstance(value, list | tuple) or len(value) != 4 or not all(map(is_coordinate, value)):
        return None
    x1, y1, x2, y2 = value
    return [x1, y1, x2, y2] if min(x2 - x1, y2 - y1) >= MIN_SIDE else None


def is_coordinate(value: object) -> bool:
    """Whether the value is a number (not a truth value) of at most MAX_COORDINATE."""
    if not isinstance(value, int | float | np.number) or isinstance(value, bool):
        return False
    return bool(-MAX_COORDINATE <= value <= MAX_COORDINATE)


def in_image(box: Box | None, frame: Frame | None, image_size: Size | None) -> Box | None:
    """`to_original` where there is a box and the size of its image is known, else the box."""
    if box is None or image_size is None:
        return box
    return to_original(box, frame, image_size)


def to_original(box: Box, frame: Frame | None, image_size: Size) -> Box | None:
    """`x W / w`, `y H / h`: a box from its frame to original pixels, clipped to the image.

    None where no part of it lies in the image; no frame means original pixels.
    """
    scale_x, scale_y = _scale(frame, image_size)
    width, height = image_size
    x1, x2 = (min(max(x * scale_x, 0), width) for x in box[::2])
    y1, y2 = (min(max(y * scale_y, 0), height) for y in box[1::2])
    return checked([x1, y1, x2, y2])


def to_frame(box: Box, frame: Frame | None, image_size: Size) -> Box:
    """The reverse of `to_original`, not rounded: how a box in original pixels is written."""
    scale_x, scale_y = _scale(frame, image_size)
    x1, y1, x2, y2 = box
    return [x1 / scale_x, y1 / scale_y, x2 / scale_x, y2 / scale_y]


@reward("answer")
def iou(value: Box | None, target: object, *, image_size: Size | None = None) -> float:
    """`|v ∩ t| / |v ∪ t|`, in [0, 1].

    VLM-R1's reward for referring expressions, where the integer convention makes every box of one
    pixel or in 0-1 coordinates worthless.
    """
    box, wanted = checked(value), target_box(target, image_size)
    return 0.0 if box is None else float(pairwise_iou([box], [wanted])[0, 0])


@reward("answer")
def giou(value: Box | None, target: object, *, image_size: Size | None = None) -> float:
    """`(1 + IoU - |hull minus union| / |hull|) / 2`, in [0, 1]: 0 for boxes infinitely far apart.

    Visual-RFT's LISA reward, where an inverted box earns 26 instead of at most 2.
    """
    box, wanted = checked(value), target_box(target, image_size)
    if box is None:
        return 0.0
    left, top = min(box[0], wanted[0]), min(box[1], wanted[1])
    right, bottom = max(box[2], wanted[2]), max(box[3], wanted[3])
    hull = (right - left) * (bottom - top)
    overlap, union = (float(areas[0, 0]) for areas in _areas([box], [wanted]))
    return (1 + overlap / union - max(0.0, hull - union) / hull) / 2


@reward("answer")
def hit(
    value: Box | None, target: object, *, at: float = 0.5, image_size: Size | None = None
) -> float:
    """`1[IoU >= at]`, in {0, 1}: the metric of RefCOCO, with COCO's rule for a tie."""
    return float(iou(value, target, image_size=image_size) >= at)


@reward("answer")
def near(
    value: Box | None,
    target: object,
    *,
    within_px: float = 10.0,
    image_size: Size | None = None,
) -> float:
    """`1[(|dx1| + |dy1| + |dx2| + |dy2|) / 4 < within_px]`, in {0, 1}.

    Differences are measured after squashing the image of `image_size` to SQUARE_PX x SQUARE_PX, so
    that the threshold is relative to the image: 10 is 1.2 % of its sides.  Without
    `image_size` they are measured as they are.  Seg-Zero's L1 reward.
    """
    box, wanted = checked(value), target_box(target, image_size)
    size = image_size or (SQUARE_PX, SQUARE_PX)
    return 0.0 if box is None else float(l1([box], [wanted], size)[0, 0] < within_px)


def target_box(target: object, image_size: Size | None = None) -> Box:
    """The target as a box; UnusableTarget where it is none or lies wholly outside the image."""
    box = checked(target)
    if box is None:
        raise UnusableTarget(f"{target!r} is not a box; give [x1, y1, x2, y2], x1 < x2 and y1 < y2")
    if in_image(box, None, image_size) is None:
        raise UnusableTarget(f"{target!r} lies outside the image; give the box in its pixels")
    return box


def pairwise_iou(boxes_P: Sequence[Box], boxes_T: Sequence[Box]) -> np.ndarray:
    """The IoU of every box with every target, (P, T)."""
    overlap, union = _areas(boxes_P, boxes_T)
    return overlap / union


def l1(boxes_P: Sequence[Box], boxes_T: Sequence[Box], image_size: Size) -> np.ndarray:
    """Mean distance of the four coordinates in the squashed image, (P, T), in pixels of it."""
    width, height = image_size
    squash = np.array([SQUARE_PX / width, SQUARE_PX / height] * 2)
    p_P14, t_1T4 = _as_pairs(boxes_P, boxes_T)
    return np.abs((p_P14 - t_1T4) * squash).mean(axis=2)


def _areas(boxes_P: Sequence[Box], boxes_T: Sequence[Box]) -> tuple[np.ndarray, np.ndarray]:
    """Area of the intersection and of the union of every pair, (P, T) each."""
    p_P14, t_1T4 = _as_pairs(boxes_P, boxes_T)
    corner = np.maximum(p_P14[..., :2], t_1T4[..., :2])
    sides = np.minimum(p_P14[..., 2:], t_1T4[..., 2:]) - corner
    overlap = np.clip(sides, 0, None).prod(axis=2)
    area_P1, area_1T = ((b[..., 2:] - b[..., :2]).prod(axis=2) for b in (p_P14, t_1T4))
    return overlap, area_P1 + area_1T - overlap


def _as_pairs(boxes_P: Sequence[Box], boxes_T: Sequence[Box]) -> tuple[np.ndarray, np.ndarray]:
    p_P14 = np.asarray(boxes_P, float).reshape(-1, 1, 4)
    return p_P14, np.asarray(boxes_T, float).reshape(1, -1, 4)


def _scale(frame: Frame | None, image_size: Size) -> tuple[float, float]:
    if frame is None:
        return 1.0, 1.0
    return image_size[0] / frame.width, image_size[1] / frame.height
