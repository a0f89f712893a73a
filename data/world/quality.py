"""Pictures of scenes that are spoilt in a known way, as samples of `quality`.

| preset | look | asks |
|---|---|---|
| none | trained | all three in turn |
| `@score` | trained | for a rating: 5 less 4 times the strength of the distortion |
| `@degradation` | trained | which distortion, and which of the five severities, or none |
| `@compare` | trained | which of two versions is better, or both alike |
| `@ood` | other shapes, colours, grounds and light; noise is grey, blur along a line | all three |

Strengths run from 0 to 1; the severities are 1/5, 2/5 ... 1.  All ratings, all pairs of distortion
and severity, and the three results are equally common.  Two versions share the distortion; their
strengths differ by CLOSE at most, or by a fifth at least.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations, count
from random import Random
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from vlrl.contracts import Sample, Source
from vlrl.data.formats.q_insight import (
    COMPARISON_QUESTION,
    DEGRADATION_QUESTION,
    RATING_QUESTION,
)
from vlrl.data.kinds.ratings import DISTORTIONS, NOTHING, SEVERITIES
from vlrl.data.world.ground import NOISE, NOISE_PX
from vlrl.data.world.presets import preset_of
from vlrl.data.world.render import render
from vlrl.data.world.scene import make_scene
from vlrl.media import ImageOnDemand

T = TypeVar("T")

SIDE_PX = 168
NUM_OBJECTS = (3, 6)
CLOSE = 0.04
STRENGTHS = {name: (index + 1) / len(SEVERITIES) for index, name in enumerate(SEVERITIES)}
NOISE_LEVELS = 50  # deviation of noise of strength 1, grey levels
BLUR_PX = 6  # deviation of blur of strength 1
LINE_PX = 30  # length of blur along a line of strength 1
BEST_JPEG, WORST_JPEG = 50, 3  # qualities of compression of strengths 0 and 1
DARKEST = 0.12  # share of the brightness that darkening of strength 1 leaves
RESULTS = {"A": "B has more of it", "B": "A has more of it", "similar": "both have as much"}

Look = tuple[str, float]  # distortion and strength


def samples(source: Source) -> Iterator[Sample]:
    """An endless stream; role (train, validation, test) and seed decide which scenes it holds.

    Raises UserError for another task or an unknown preset.
    """
    preset = preset_of(source, "quality", PRESETS)
    asking = PRESETS[preset]
    for index in count():
        name = f"{source.role}/{source.seed}/{index}"
        rng = Random(f"quality/{preset}/{name}")
        yield _sample(name, preset, **asking[index % len(asking)](rng))


def rate(rng: Random) -> dict[str, Any]:
    rating = round(5 - 4 * rng.random(), 2)
    strength, distortion = round((5 - rating) / 4, 4), _choice(rng, DISTORTIONS)
    return {
        "kind": "rating",
        "question": RATING_QUESTION,
        "target": rating,
        "looks": [(distortion, strength)],
        "reasoning": f"The distortion is {distortion}, of strength {strength}: 5 - 4 x {strength}.",
    }


def name_degradation(rng: Random) -> dict[str, Any]:
    pairs = [(distortion, severity) for distortion in DISTORTIONS for severity in SEVERITIES]
    distortion, severity = _choice(rng, [(NOTHING, NOTHING), *pairs])
    is_clean = distortion == NOTHING
    return {
        "kind": "labels",
        "question": DEGRADATION_QUESTION,
        "target": [distortion, severity],
        "looks": [(distortion, 0.0 if is_clean else STRENGTHS[severity])],
        "reasoning": "There is no distortion."
        if is_clean
        else f"It is {distortion}, and {severity}.",
    }


def compare(rng: Random) -> dict[str, Any]:
    result, distortion = _choice(rng, tuple(RESULTS)), _choice(rng, DISTORTIONS)
    weak, strong = _choice(rng, list(combinations(STRENGTHS.values(), 2)))
    if result == "similar":
        strong = round(weak + CLOSE * rng.random(), 4)
    a_is_better = result == "A" or (result == "similar" and rng.random() < 0.5)
    a, b = (weak, strong) if a_is_better else (strong, weak)
    return {
        "kind": "comparison",
        "question": COMPARISON_QUESTION,
        "target": result,
        "looks": [(NOTHING, 0.0), (distortion, a), (distortion, b)],
        "reasoning": f"The distortion is {distortion}: {RESULTS[result]}.",
    }


PRESETS = {
    "": (rate, name_degradation, compare),
    "score": (rate,),
    "degradation": (name_degradation,),
    "compare": (compare,),
    "ood": (rate, name_degradation, compare),
}


def _sample(name: str, preset: str, *, looks: Sequence[Look], **fields: Any) -> Sample:
    key = f"world/quality/{preset}/{name}"
    pictures = (
        ImageOnDemand(f"{key}/{place}", partial(picture, name, preset, place, look))
        for place, look in enumerate(looks)
    )
    return Sample(
        id=f"quality{'@' + preset if preset else ''}/{name}",
        task="quality",
        media=tuple(pictures),
        image_size=(SIDE_PX, SIDE_PX),
        meta={"looks": tuple(looks)},
        **fields,
    )


def picture(name: str, preset: str, place: int, look: Look) -> np.ndarray:
    """The scene of this name, spoilt; uint8 RGB (SIDE_PX, SIDE_PX, 3)."""
    seed = f"quality/{preset}/{name}"
    low, high = NUM_OBJECTS
    num_objects = low + int(Random(f"{seed}/number").random() * (high - low + 1))
    domain = "ood" if preset == "ood" else "train"
    scene = make_scene(seed, num_objects=num_objects, domain=domain, side_px=SIDE_PX)
    return spoil(render(scene), look, seed=f"{seed}/{place}", is_ood=preset == "ood")


def spoil(image: np.ndarray, look: Look, *, seed: str, is_ood: bool) -> np.ndarray:
    """The picture, uint8 RGB, with a distortion of a strength from 0 to 1."""
    import cv2

    distortion, strength = look
    match distortion:
        case "noise":
            noise = NOISE_LEVELS * strength * _noise(image.shape, Random(seed), is_ood)
            return np.clip(image + noise + 0.5, 0, 255).astype(np.uint8)
        case "blur" if is_ood:
            return cv2.blur(image, (1 + round(LINE_PX * strength), 1))
        case "blur":
            return cv2.GaussianBlur(image, (0, 0), max(BLUR_PX * strength, 0.01))
        case "compression":
            quality = round(BEST_JPEG * (WORST_JPEG / BEST_JPEG) ** strength)
            stream = io.BytesIO()
            Image.fromarray(image).save(stream, "JPEG", quality=quality)
            return np.asarray(Image.open(stream))
        case "darken":
            return (image * DARKEST**strength).astype(np.uint8)
    return image


def _noise(shape: tuple[int, ...], rng: Random, is_grey: bool) -> np.ndarray:
    """Of mean 0 and deviation 1, float32; the same in all colours where it is grey."""
    height, width, num_colours = shape
    layers = []
    for _ in range(1 if is_grey else num_colours):
        row, column = (int(rng.random() * NOISE_PX) for _ in range(2))
        layers.append(np.roll(NOISE, (row, column), (0, 1))[:height, :width])
    return np.stack(layers, axis=-1)


def _choice(rng: Random, options: Sequence[T]) -> T:
    return options[int(rng.random() * len(options))]
