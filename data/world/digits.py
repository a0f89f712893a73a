"""Scanned handwritten digits in procedural scenes: real pictures for the counting task.

The scans are scikit-learn's copy of the test set of UCI's "Optical Recognition of Handwritten
Digits" (1,797 scans of 8 x 8 pixels, CC BY 4.0), which comes with that library:
`pip install "vlrl[digits]"`.
"""

from __future__ import annotations

from functools import lru_cache, partial
from random import Random
from typing import Any

import cv2
import numpy as np

from vlrl.contracts import Sample, UserError
from vlrl.data.world import make_scene, render
from vlrl.media import ImageOnDemand

SIDE_PX = 112
GRID = 4  # digits stand in the cells of a 4 x 4 grid, one to a cell
DIGIT_PX = 24
MAX_DIGITS = 8


def digit_sample(name: str) -> Sample:
    """ "How many 7s are there?" over an empty scene with 1 to 8 pasted scans.

    The target is 0 to 4: the asked digit is drawn first, so that "none" is as common as any other
    count.  `name` begins with the role; scans never cross from training to the other roles.  Raises
    UserError where scikit-learn is missing.
    """
    scans_by_digit()
    rng = Random(f"digits/{name}")
    asked, count = int(rng.random() * 10), int(rng.random() * 5)
    others = 1 + int(rng.random() * (MAX_DIGITS - count))
    digits = [asked] * count + [_other_than(asked, rng) for _ in range(others)]
    cells = sorted(range(GRID * GRID), key=lambda _: rng.random())[: len(digits)]
    return Sample(
        id=f"counting@digits/{name}",
        task="counting",
        question=f"How many {asked}s are there?",
        target=count,
        media=(ImageOnDemand(f"world/digits/{name}", partial(_picture, name, digits, cells)),),
        image_size=(SIDE_PX, SIDE_PX),
        meta={"digits": tuple(digits)},
    )


def _other_than(digit: int, rng: Random) -> int:
    return (digit + 1 + int(rng.random() * 9)) % 10


def _picture(name: str, digits: list[int], cells: list[int]) -> np.ndarray:
    rng = Random(f"digits/picture/{name}")
    picture = render(make_scene(name, num_objects=0, side_px=SIDE_PX))
    cell_px = SIDE_PX // GRID
    for digit, cell in zip(digits, cells, strict=True):
        x, y = (
            at * cell_px + int(rng.random() * (cell_px - DIGIT_PX))
            for at in (cell % GRID, cell // GRID)
        )
        ink = _ink(_scan(digit, name, rng))
        _paste(picture[y : y + DIGIT_PX, x : x + DIGIT_PX], ink)
    return picture


def _paste(patch: np.ndarray, ink: np.ndarray) -> None:
    """Blend ink into a patch, in place: dark on a light ground, light on a dark one."""
    tone = 20.0 if patch.mean() > 110 else 235.0
    patch[:] = np.uint8(patch + (tone - patch) * ink[..., None])


def _scan(digit: int, name: str, rng: Random) -> np.ndarray:
    """One scan of the digit, from those of the name's role: a fifth is kept from training."""
    scans = scans_by_digit()[digit]
    fifth = len(scans) // 5
    pool = scans[fifth:] if name.startswith("train/") else scans[:fifth]
    return pool[int(rng.random() * len(pool))]


def _ink(scan: np.ndarray) -> np.ndarray:
    """Ink in [0, 1], (DIGIT_PX, DIGIT_PX)."""
    size = (DIGIT_PX, DIGIT_PX)
    return cv2.resize(scan / 16.0, size, interpolation=cv2.INTER_CUBIC).clip(0, 1)


@lru_cache(maxsize=1)
def scans_by_digit() -> dict[int, np.ndarray]:
    """Digit -> float (n, 8, 8) scans with ink from 0 to 16."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise UserError(
            "the handwritten digits need scikit-learn, which brings the scans; "
            'pip install "vlrl[digits]"'
        ) from error
    scans: Any = load_digits()
    return {digit: scans.images[scans.target == digit] for digit in range(10)}
