"""Sizes and frames: resizing as transformers does it, and coordinates that come back."""

import math
import random

import numpy as np
import pytest
from PIL import Image
from transformers import Qwen2VLImageProcessor
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize as theirs

from vlrl.contracts import Frame
from vlrl.media import smart_resize
from vlrl.models.family import resized_frame, thousand_frame
from vlrl.rewards import box

pytestmark = pytest.mark.slow

PROCESSORS = {
    "Qwen2-VL": (Qwen2VLImageProcessor(), thousand_frame),
    "Qwen2.5-VL": (Qwen2VLImageProcessor(), resized_frame),
    "Qwen3-VL": (Qwen2VLImageProcessor(patch_size=16), thousand_frame),
}
"""With the limits that the classes have; transformers has no other image processor for them."""


def random_case(rng: random.Random) -> tuple[int, int, dict[str, int]]:
    """Sides from 1 to 8192, limits in and out of order of size."""
    factor = rng.choice((28, 32))
    height, width = (round(2 ** rng.uniform(0, 13)) for _ in range(2))
    least = round(2 ** rng.uniform(0, 18))
    most = least + round(2 ** rng.uniform(0, 24))
    return height, width, {"factor": factor, "min_pixels": least, "max_pixels": most}


def test_sizes_are_those_of_transformers() -> None:
    rng = random.Random(0)
    refused = 0
    for _ in range(10_000):
        height, width, limits = random_case(rng)
        try:
            expected = theirs(height, width, **limits)
        except ValueError:
            refused += 1
            with pytest.raises(ValueError, match="200 is the most"):
                smart_resize(height, width, **limits)
            continue
        assert smart_resize(height, width, **limits) == expected, (height, width, limits)
    assert 100 < refused < 5000


@pytest.mark.parametrize(
    ("size", "limits", "expected"),
    [
        ((42, 70), (0, 10**7), (56, 56)),  # ties go to the even multiple
        ((98, 126), (0, 10**7), (112, 112)),
        ((1, 1), (3136, 10**7), (56, 56)),
        ((14, 100), (1, 10**7), (28, 28)),  # a side that rounds to nothing: the shape is lost
        ((30, 5000), (1, 50176), (28, 2884)),  # and one that shrinks to nothing
        ((480, 640), (3136, 12_845_056), (476, 644)),
        ((1080, 1920), (3136, 1_003_520), (728, 1316)),
        ((1080, 1920), (3136, 401_408), (448, 840)),
        ((2160, 3840), (3136, 12_845_056), (2156, 3836)),
        ((200, 1), (3136, 10**7), (812, 28)),
    ],
)
def test_sizes_worked_out_by_hand(
    size: tuple[int, int], limits: tuple[int, int], expected: tuple[int, int]
) -> None:
    least, most = limits
    found = smart_resize(*size, factor=28, min_pixels=least, max_pixels=most)
    swapped = smart_resize(*size[::-1], factor=28, min_pixels=least, max_pixels=most)
    assert found == swapped[::-1] == expected


SIZES = [
    (28, 28), (30, 5000), (56, 56), (100, 75), (224, 224), (333, 500), (427, 640), (480, 640),
    (640, 480), (719, 1281), (1080, 1920), (1999, 3), (2160, 3840), (4032, 3024),
]  # fmt: skip
"""(height, width)"""


def boxes(rng: random.Random, width: int, height: int) -> list[list[float]]:
    """The whole image, one pixel in its last corner, and some others."""
    found = [[0, 0, width, height], [width - 1, height - 1, width, height]]
    for _ in range(20):
        x1, y1 = rng.randrange(width), rng.randrange(height)
        found.append([x1, y1, rng.randrange(x1, width) + 1, rng.randrange(y1, height) + 1])
    return [[float(side) for side in each] for each in found]


def there_and_back(each: list[float], frame: Frame, width: int, height: int) -> list[float]:
    """A box in original pixels, written in the frame and read from it."""
    written = box.to_frame(each, frame, (width, height))
    back = box.to_original(written, frame, (width, height))
    assert back is not None
    return back


@pytest.mark.slow
@pytest.mark.parametrize("family", PROCESSORS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_coordinates_come_back_from_the_frame_of_the_model(
    size: tuple[int, int], family: str
) -> None:
    height, width = size
    processor, frame_of = PROCESSORS[family]
    image = Image.fromarray(np.zeros((height, width, 3), dtype=np.uint8))
    if max(size) > 200 * min(size):
        with pytest.raises(ValueError, match="aspect ratio"):
            processor(image)
        return
    [grid] = processor(image, return_tensors="np")["image_grid_thw"].tolist()
    frame = frame_of(tuple(grid), processor.patch_size)
    for each in boxes(random.Random(0), width, height):
        back = there_and_back(each, frame, width, height)
        assert max(map(abs, np.subtract(each, back))) < 1e-6
        rounded = [round(side) for side in box.to_frame(each, frame, (width, height))]
        step = max(width / frame.width, height / frame.height)  # original pixels
        limits = np.array([width, height, width, height])
        scale = limits / np.array([frame.width, frame.height] * 2)
        assert max(abs(np.array(rounded) * scale - each)) <= step / 2 + 1e-6


@pytest.mark.parametrize("side", [840, 1, 1000])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_coordinates_come_back_from_a_square_frame(size: tuple[int, int], side: int) -> None:
    height, width = size
    frame = Frame(width=side, height=side)
    corner = box.to_frame([0, 0, width, height], frame, (width, height))
    assert corner == pytest.approx([0, 0, side, side])
    for each in boxes(random.Random(1), width, height):
        back = there_and_back(each, frame, width, height)
        assert max(map(abs, np.subtract(each, back))) < 1e-6


def test_the_resized_frame_is_what_the_processor_made() -> None:
    processor, frame_of = PROCESSORS["Qwen2.5-VL"]
    image = Image.fromarray(np.zeros((1080, 1920, 3), dtype=np.uint8))
    features = processor(image, return_tensors="np")
    [grid] = features["image_grid_thw"].tolist()
    frame = frame_of(tuple(grid), processor.patch_size)
    assert (frame.width, frame.height) == (1316, 728)
    assert math.prod(grid) == len(features["pixel_values"])
