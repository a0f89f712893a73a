"""Samples as they look to the model: prompt, media, target and ideal answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from PIL import Image

from vlrl import tasks
from vlrl.contracts import BadRow, Frame, Media, Sample, Source, Task, UnusableTarget
from vlrl.media import (
    Sampling,
    UnreadableMedia,
    image_size,
    load_clip,
    load_image,
    plan_clip,
    video_info,
)
from vlrl.preview import draw, subject
from vlrl.prompts import find_mode, messages

if TYPE_CHECKING:
    from vlrl.models import Loaded
    from vlrl.preview.subject import Subject

MAX_FRAMES = 24  # of a clip that are shown
MAX_CHARACTERS = 2000  # of a target or an ideal answer; a mask can be long


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One medium: as the model sees it, with the target on it, and what is said below."""

    caption: str
    picture: Image.Image | None = None  # None: it cannot be shown, the caption says why


@dataclass(frozen=True, kw_only=True)
class Look:
    """One sample."""

    sample: Sample
    kind: str
    prompt: str
    target: str
    ideal: str
    frame: Frame | None
    num_tokens: int | None  # of the prompt with its media; None without a model
    num_media_tokens: int | None
    media: tuple[Shown, ...]

    @property
    def has_film(self) -> bool:
        """Whether it needs the whole width of a page."""
        return any(medium.kind == "video" for medium in self.sample.media)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The first samples of a source, and the rows among them that cannot be read."""

    task: Task
    source: Source
    mode: str
    model: str | None
    note: str
    looks: tuple[Look, ...]
    bad: tuple[BadRow, ...]


def preview(
    target: str,
    overrides: Sequence[str] = (),
    *,
    num_samples: int = 8,
    source: str | None = None,
    model: str | None = None,
    mode: str | None = None,
) -> Preview:
    """The first `num_samples` samples of a recipe, a task or data as the model will see them.

    `overrides` (`key=value`), `source`, `model` and `mode` change a recipe.  Without one
    the source is the first of the task, the task the one that reads the data, the mode `think`, and
    without a model the words are shown alone.  Raises UserError where `target` is none of the three
    or no row can be read.
    """
    found = subject.find(target, overrides, source=source, model=model, mode=mode)
    bad: list[BadRow] = []
    samples = islice(tasks.samples(found.task, found.source, bad.append), num_samples)
    return Preview(
        looks=tuple(look(found, sample) for sample in samples),
        bad=tuple(bad),
        task=found.task,
        source=found.source,
        mode=found.mode,
        model=found.loaded.name if found.loaded else None,
        note=found.note,
    )


def look(found: Subject, sample: Sample) -> Look:
    """The sample as the subject's model sees it."""
    frame, prompt = _prompt(found, sample)
    num_tokens, num_media_tokens = _counts(found, sample, prompt)
    kind = sample.kind or found.task.of(sample).kind
    return Look(
        sample=sample,
        kind=kind,
        prompt=prompt,
        target=_short(_written(sample.target)),
        ideal=_short(found.task.ideal(sample, frame)),
        frame=frame,
        num_tokens=num_tokens,
        num_media_tokens=num_media_tokens,
        media=tuple(_media(found.loaded, sample, kind)),
    )


def _prompt(found: Subject, sample: Sample) -> tuple[Frame | None, str]:
    """The frame, and the exact prompt with one placeholder for each medium."""
    if found.loaded is not None:
        from vlrl.models.inputs import make_prompt

        prompt = make_prompt(found.loaded, found.task, sample, found.mode)
        return prompt.frame, prompt.text
    content = messages(found.task, sample, found.mode)[0]["content"]
    texts = (
        block["text"] if block["type"] == "text" else f"<{block['type']}>" for block in content
    )
    return None, "".join(texts) + find_mode(found.mode).prefix


def _counts(found: Subject, sample: Sample, prompt: str) -> tuple[int | None, int | None]:
    """Tokens of the prompt, and of its media; None where no model says or a clip is broken."""
    if found.loaded is None:
        return None, None
    from vlrl.models.inputs import prompt_lengths

    try:
        [length] = prompt_lengths(found.loaded, found.task, [sample], found.mode)
    except UnreadableMedia:
        return None, None
    num_words = len(found.loaded.tokenizer(prompt)["input_ids"]) - len(sample.media)
    return length, length - num_words


def _media(loaded: Loaded | None, sample: Sample, kind: str) -> Iterator[Shown]:
    """Boxes, points and masks are on the first picture, a span is on every clip."""
    target: Any = sample.target
    for medium in sample.media:
        try:
            if medium.kind == "image":
                yield _picture(loaded, medium, kind, target)
                target = None
            elif medium.kind == "video":
                yield _clip(loaded, medium, sample.target if kind == "span" else None)
            else:
                yield Shown(caption=f"{medium.kind}: cannot be shown")
        except UnreadableMedia as error:
            yield Shown(caption=str(error))


def _picture(loaded: Loaded | None, medium: Media, kind: str, target: Any) -> Shown:
    size = image_size(medium)
    seen = _seen(loaded, size)
    caption = f"image, {_sides(size)}" + (f" → {_sides(seen)}" if loaded else "")
    image = load_image(medium)
    if target is None:
        return Shown(caption=caption, picture=draw.on_picture(image, seen))
    try:
        return Shown(caption=caption, picture=draw.on_picture(image, seen, kind, target))
    except UnusableTarget as error:
        return Shown(caption=f"{caption}; {error}", picture=draw.on_picture(image, seen))


def _seen(loaded: Loaded | None, size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) to which the model's processor brings a picture."""
    if loaded is None:
        return size
    from vlrl.models.inputs import grid_of

    patch_px = loaded.processor.image_processor.patch_size
    _, rows, columns = grid_of(loaded, size)
    return columns * patch_px, rows * patch_px


def _clip(loaded: Loaded | None, medium: Media, span: Any) -> Shown:
    sampling, factor = (loaded.sampling, loaded.factor) if loaded else (Sampling(), 28)
    info, plan = video_info(medium), plan_clip(medium, sampling, factor)
    num_frames = len(plan.times_s)
    stored = f"video, {info.width} × {info.height}, {plan.duration_s:.1f} s at {info.fps:.4g} fps"
    caption = f"{stored} → {num_frames} frames of {_sides(plan.size)}"
    if num_frames > MAX_FRAMES:
        sampling = replace(sampling, num_frames=MAX_FRAMES)
        caption += f"; {MAX_FRAMES} are shown"
    clip = load_clip(medium, sampling, factor)
    return Shown(caption=caption, picture=draw.on_clip(clip, span))


def _sides(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"


def _written(target: Any) -> str:
    return (
        target if isinstance(target, str) else json.dumps(target, ensure_ascii=False, default=str)
    )


def _short(text: str) -> str:
    left_out = len(text) - MAX_CHARACTERS
    return text if left_out <= 0 else f"{text[:MAX_CHARACTERS]} … {left_out:,} characters more"
