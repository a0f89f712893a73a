"""Films of drawn faces, as samples of `emotion`.

| preset | films |
|---|---|
| none | 8 pictures of 112 x 112 px, two a second; heads upright, skins of people |
| `@ood` | heads tilted and smaller, with glasses; skins green, blue, violet, on dark paper |

A face shows one emotion in five or six of the pictures and another one in the rest, before or after
it.  The question is which of the seven it shows longer, so one picture does not always tell.  Both
are drawn evenly.

`tone` is a sound for each emotion, for clips that are written to files; these samples are silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import count
from random import Random
from typing import TypeVar

import numpy as np

from vlrl.contracts import Sample, Source
from vlrl.data.formats.emotions import DFEW
from vlrl.data.world.faces import MOODS, Face, blend, page_of
from vlrl.data.world.presets import preset_of
from vlrl.data.world.visual_math_paper import Colour, Point, paint
from vlrl.media import ClipOnDemand

T = TypeVar("T")

PRESETS = ("", "ood")
NUM_PICTURES, FPS = 8, 2.0
SIDE_PX = 112
QUESTION = "Which emotion does the face show for the longest time?"


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the faces of a preset are drawn from."""

    papers: tuple[Colour, ...]
    skins: tuple[Colour, ...]
    hairs: tuple[Colour, ...]
    ink: Colour
    half_px: tuple[float, float]
    turn: tuple[float, float]  # to either side
    glasses: bool


LOOKS: Mapping[str, Look] = {
    "": Look(
        papers=((236, 232, 220), (206, 222, 236), (216, 232, 210), (240, 220, 214)),
        skins=((250, 218, 190), (236, 188, 148), (204, 146, 104), (150, 98, 66), (112, 72, 50)),
        hairs=((40, 30, 26), (104, 64, 34), (206, 166, 86), (140, 140, 140), (150, 60, 30)),
        ink=(24, 20, 22),
        half_px=(34, 39),
        turn=(0.0, 0.08),
        glasses=False,
    ),
    "ood": Look(
        papers=((44, 40, 60), (30, 50, 54), (60, 40, 40)),
        skins=((126, 196, 110), (110, 170, 226), (180, 140, 224)),
        hairs=((230, 80, 60), (240, 220, 90), (90, 220, 210)),
        ink=(16, 12, 40),
        half_px=(27, 32),
        turn=(0.2, 0.45),
        glasses=True,
    ),
}

IRISES: tuple[Colour, ...] = ((60, 40, 24), (40, 84, 130), (50, 104, 60))


@dataclass(frozen=True, kw_only=True)
class Film:
    face: Face
    shown: tuple[str, ...]  # the emotion of every picture
    strengths: tuple[float, ...]  # of it, 0 to 1
    moves: tuple[Point, ...]  # of the head, pixels

    @property
    def emotion(self) -> str:
        return max(self.shown, key=self.shown.count)


def samples(source: Source) -> Iterator[Sample]:
    """An endless stream; role (train, validation, test) and seed decide which films it holds.

    Raises UserError for another task or an unknown preset.
    """
    preset = preset_of(source, "emotion", PRESETS)
    for index in count():
        yield sample(f"{source.role}/{source.seed}/{index}", preset)


def sample(name: str, preset: str) -> Sample:
    found = film(name, preset)
    shape = (NUM_PICTURES, SIDE_PX, SIDE_PX)
    key = f"world/emotion/{preset}/{name}"
    return Sample(
        id=f"emotion{'@' + preset if preset else ''}/{name}",
        task="emotion",
        question=QUESTION,
        target=found.emotion,
        media=(ClipOnDemand(key, partial(pictures, name, preset), FPS, shape),),
        duration=NUM_PICTURES / FPS,
        reasoning=_solution(found),
        meta={"emotion": found.emotion, "classes": list(DFEW)},
    )


@lru_cache(maxsize=4096)
def film(name: str, preset: str) -> Film:
    rng = Random(f"emotion/{preset}/{name}")
    main = _choice(rng, DFEW)
    other = _choice(rng, [each for each in DFEW if each != main])
    num_other = 2 + int(rng.random() * 2)
    parts = [(other, num_other), (main, NUM_PICTURES - num_other)]
    if rng.random() < 0.5:
        parts.reverse()
    return Film(
        face=_face(rng, LOOKS[preset]),
        shown=tuple(emotion for emotion, num in parts for _ in range(num)),
        strengths=tuple(_uniform(rng, 0.75, 1.0) for _ in range(NUM_PICTURES)),
        moves=tuple((_uniform(rng, -2, 2), _uniform(rng, -2, 2)) for _ in range(NUM_PICTURES)),
    )


def pictures(name: str, preset: str) -> np.ndarray:
    """uint8 RGB (NUM_PICTURES, SIDE_PX, SIDE_PX, 3)."""
    found = film(name, preset)
    shown = zip(found.shown, found.strengths, found.moves, strict=True)
    return np.stack([_picture(found.face, *each) for each in shown])


def _picture(face: Face, emotion: str, strength: float, moved: Point) -> np.ndarray:
    return paint(page_of(face, blend(MOODS["neutral"], MOODS[emotion], strength), moved))


def _face(rng: Random, look: Look) -> Face:
    return Face(
        paper=_choice(rng, look.papers),
        skin=_choice(rng, look.skins),
        hair=_choice(rng, look.hairs),
        ink=look.ink,
        iris=_choice(rng, IRISES),
        side_px=SIDE_PX,
        middle=(SIDE_PX / 2 + _uniform(rng, -8, 8), SIDE_PX / 2 + _uniform(rng, -4, 4)),
        half_px=_uniform(rng, *look.half_px),
        height=_uniform(rng, 1.1, 1.25),
        turn=_choice(rng, (-1, 1)) * _uniform(rng, *look.turn),
        long_hair=rng.random() < 0.5,
        glasses=look.glasses,
    )


def _solution(found: Film) -> str:
    """The emotions in their order, with how many pictures each."""
    order = list(dict.fromkeys(found.shown))
    told = [f"{each} in {found.shown.count(each)} pictures" for each in order]
    return f"The face looks {' and then '.join(told)}, so {found.emotion} the longest."


def _choice(rng: Random, options: Sequence[T]) -> T:
    return options[int(rng.random() * len(options))]


def _uniform(rng: Random, low: float, high: float) -> float:
    return round(low + (high - low) * rng.random(), 4)


# Sound

TONES: Mapping[str, tuple[float, float, float]] = {
    "happy": (440.0, 6.0, 0.6),
    "sad": (165.0, 1.0, 0.25),
    "neutral": (220.0, 0.0, 0.4),
    "angry": (185.0, 9.0, 1.0),
    "surprise": (620.0, 3.0, 0.8),
    "disgust": (140.0, 4.0, 0.5),
    "fear": (520.0, 11.0, 0.35),
}
"""Emotion -> pitch in Hz, tremolo in Hz, loudness 0 to 1: how voices tend to be in it."""


def tone(emotion: str, duration_s: float, rate_hz: int) -> np.ndarray:
    """int16 (duration_s * rate_hz,)."""
    pitch_hz, tremolo_hz, loudness = TONES[emotion]
    times_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    swell = 1 - 0.5 * np.sin(np.pi * tremolo_hz * times_s) ** 2
    wave = loudness * swell * np.sin(2 * np.pi * pitch_hz * times_s)
    return np.round(0.8 * 32767 * wave).astype(np.int16)
