"""Clips: the frames of a video that a model sees.

`plan_clip` chooses their times and size, `load_clip` decodes what was chosen.  The limits are those
of qwen-vl-utils 0.0.14 (vision_process.py: `smart_nframes`, `fetch_video`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any, Literal, TypeVar

import numpy as np
from PIL import Image

from vlrl.contracts import Media
from vlrl.media.images import Cache, UnreadableMedia, num_bytes, readable
from vlrl.media.resize import smart_resize
from vlrl.media.video import part_of, shown, timeline

T = TypeVar("T")

CACHE_BYTES = 2**30  # of decoded frames
FRAME_FACTOR = 2  # so many frames become one patch
FRAME_MIN_TOKENS, FRAME_MAX_TOKENS = 128, 768
CONTEXT_TOKENS, CONTEXT_SHARE = 128_000, 0.9  # of which all frames together take at most this share
ROOM = 1.05  # a frame may always be this much larger than the least
EDGE_S = 1e-6  # times are equal within this


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Which frames of a video a model sees, and how large.  Defaults: qwen-vl-utils 0.0.14."""

    fps: float = 2.0
    num_frames: int | None = None
    """So many, or as many as the video has, in the place of `fps` and its limits."""
    min_frames: int = 4
    max_frames: int = 768
    min_pixels: int | None = None
    """Of one frame; 128 tokens where None.  A token is `factor` x `factor` pixels."""
    max_pixels: int | None = None
    """Of one frame; 768 tokens where None."""
    total_pixels: int | None = None
    """Of all frames, where two count once; 0.9 x 128,000 tokens where None."""


@dataclass(frozen=True, kw_only=True)
class ClipPlan:
    """What `load_clip` will give."""

    times_s: tuple[float, ...]
    """Of its frames, from the start of the clip; an even number of them."""
    size: tuple[int, int]
    """(width, height) of its frames in pixels: as the model sees them."""
    sample_fps: float
    """Frames in a second: `(n - 1) / (t_last - t_first)`."""
    duration_s: float
    """Of the clip itself, from its start to its end."""


@dataclass(frozen=True, kw_only=True)
class Clip(ClipPlan):
    """The frames of a clip; cached, so do not draw on them."""

    frames: tuple[Image.Image, ...]


@dataclass(frozen=True)
class Shuffled:
    """A video whose clip has its frames in an order drawn by `seed`, at the times as they were."""

    video: Media
    seed: str
    kind: Literal["video"] = "video"

    @property
    def key(self) -> str:
        return f"{self.video.key}#shuffled by {self.seed}"

    def open(self) -> Any:
        return self.video.open()

    def __str__(self) -> str:
        return str(self.video)


def film_strip(media: Media, sampling: Sampling) -> Image.Image:
    """The frames of a clip side by side, from left to right.  Raises UnreadableMedia."""
    frames = load_clip(media, sampling).frames
    width, height = frames[0].size
    strip = Image.new("RGB", (width * len(frames), height))
    for place, frame in enumerate(frames):
        strip.paste(frame, (place * width, 0))
    return strip


def plan_clip(media: Media, sampling: Sampling, factor: int = 28) -> ClipPlan:
    """What `load_clip` will give, of a file with one picture decoded.

    Raises UnreadableMedia.
    """
    if isinstance(media, Shuffled):
        return plan_clip(media.video, sampling, factor)
    with readable(media):
        whole = timeline(media)
    start_s, end_s = part_of(media)
    end_s = whole.duration_s if end_s is None else end_s
    shown_s = [each for each in whole.times_s if start_s - EDGE_S <= each <= end_s + EDGE_S]
    if not shown_s:
        raise UnreadableMedia(
            f"{str(media)[:200]} lasts {whole.duration_s:.2f} s and has no picture "
            f"from {start_s:g} to {end_s:g} s",
            "correct the start and the end, in seconds",
        )
    duration_s = min(end_s, whole.duration_s) - start_s
    num_frames = _num_frames(sampling, duration_s, len(shown_s))
    wanted_s = np.linspace(shown_s[0], shown_s[-1], num_frames).tolist()
    times_s = _nearest(((each, partial(float, each)) for each in shown_s), wanted_s)
    span_s = times_s[-1] - times_s[0]
    with readable(media):
        size = _frame_size(whole.size, num_frames, sampling, factor)
    return ClipPlan(
        times_s=tuple(each - start_s for each in times_s),
        size=size,
        sample_fps=(num_frames - 1) / span_s if span_s else sampling.fps,
        duration_s=duration_s,
    )


def load_clip(media: Media, sampling: Sampling, factor: int = 28) -> Clip:
    """The frames nearest to evenly spaced times, from the first to the last, RGB and upright.

    They have the size at which the model sees them: the sides are multiples of `factor` pixels,
    which is 28 for Qwen2-VL and Qwen2.5-VL and 32 for Qwen3-VL.  The video is decoded once, in
    order.  Cached: do not draw on them.  Raises UnreadableMedia.
    """
    return _cache.get((media.key, sampling, factor), lambda: _load(media, sampling, factor))


def _load(media: Media, sampling: Sampling, factor: int) -> Clip:
    if isinstance(media, Shuffled):
        clip = load_clip(media.video, sampling, factor)
        frames = list(clip.frames)
        Random(media.seed).shuffle(frames)
        return replace(clip, frames=tuple(frames))
    plan = plan_clip(media, sampling, factor)
    start_s, _ = part_of(media)
    wanted_s = [each + start_s for each in plan.times_s]
    with readable(media):
        frames = _nearest(shown(media, plan.size), wanted_s)
    return Clip(**vars(plan), frames=tuple(frames))


def _nearest(
    pictures: Iterable[tuple[float, Callable[[], T]]], wanted_s: Sequence[float]
) -> list[T]:
    """Of pictures with their times, ascending, the one nearest to each of the ascending times.

    Of two equally near the earlier; pictures that are not chosen are never made.
    """
    chosen: list[T] = []
    before: tuple[float, Callable[[], T]] | None = None
    for time_s, make in pictures:
        while len(chosen) < len(wanted_s) and wanted_s[len(chosen)] <= time_s:
            target_s = wanted_s[len(chosen)]
            earlier = before is not None and target_s - before[0] <= time_s - target_s
            chosen.append(before[1]() if before and earlier else make())
        if len(chosen) == len(wanted_s):
            return chosen
        before = time_s, make
    if before is None:
        raise ValueError("none of its pictures can be decoded")
    return chosen + [before[1]()] * (len(wanted_s) - len(chosen))


def _num_frames(sampling: Sampling, duration_s: float, num_shown: int) -> int:
    """An even number of at least 2 and, but for that, at most as many as there are."""
    if sampling.num_frames is not None:
        wanted = round(sampling.num_frames / FRAME_FACTOR) * FRAME_FACTOR
    else:
        least = math.ceil(sampling.min_frames / FRAME_FACTOR) * FRAME_FACTOR
        most = sampling.max_frames // FRAME_FACTOR * FRAME_FACTOR
        wanted = min(max(int(duration_s * sampling.fps + EDGE_S), least), most)
    return max(FRAME_FACTOR, min(wanted, num_shown) // FRAME_FACTOR * FRAME_FACTOR)


def _frame_size(
    size: tuple[int, int], num_frames: int, sampling: Sampling, factor: int
) -> tuple[int, int]:
    """(width, height) of each of the frames, so that all of them stay within the limits.

    `most = min(max_pixels, max(2 total_pixels / n, 1.05 min_pixels))`
    """
    token_px = factor**2
    least = sampling.min_pixels or FRAME_MIN_TOKENS * token_px
    most = sampling.max_pixels or max(FRAME_MAX_TOKENS * token_px, int(least * ROOM))
    total = sampling.total_pixels or CONTEXT_TOKENS * CONTEXT_SHARE * token_px
    share = max(total / num_frames * FRAME_FACTOR, int(least * ROOM))
    height, width = smart_resize(
        size[1], size[0], factor=factor, min_pixels=min(least, most), max_pixels=min(most, share)
    )
    return width, height


def num_clip_bytes(clip: Clip) -> int:
    return sum(map(num_bytes, clip.frames))


_cache = Cache(CACHE_BYTES, num_clip_bytes)
