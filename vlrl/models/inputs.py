"""The one way from samples to model inputs.

Warm start, rollouts, evaluation and questions all pass through here.  The frames of a video come
from `vlrl.media` at their final size, with their times; the processor neither resizes them nor
chooses among them.  (qwen-vl-utils 0.0.14 would resize a list of frames twice, first to multiples
of 56 pixels, so it has no part in this.)

Legend of shapes: B rows, L tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from packaging.version import Version
from transformers import __version__ as transformers_version

from vlrl import prompts
from vlrl.contracts import Frame, Media, Sample, Task, UserError
from vlrl.media import Clip, ClipPlan, image_size, load_clip, load_image, plan_clip, smart_resize
from vlrl.models import Loaded

VIDEO_FROM = Version("5.18")
GRIDS = {"image": "image_grid_thw", "video": "video_grid_thw"}  # kind of medium -> its grids
VISION_KEYS = (
    "pixel_values", "image_grid_thw", "pixel_values_videos", "video_grid_thw", "second_per_grid_ts",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A sample as the model is asked about it."""

    task: Task
    sample: Sample
    mode: str
    frame: Frame | None
    text: str
    """Through the chat template, with the mode's prefix and one placeholder for each medium."""


def make_prompt(loaded: Loaded, task: Task, sample: Sample, mode: str) -> Prompt:
    frame = frame_of(loaded, sample)
    if mode == "transcript":
        text = _with_placeholders(prompts.transcript(task, sample, frame))
    else:
        messages = prompts.messages(task, sample, mode, frame)
        text = loaded.processor.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
    return Prompt(
        task=task, sample=sample, mode=mode, frame=frame, text=text + prompts.MODES[mode].prefix
    )


def prompt_lengths(loaded: Loaded, task: Task, samples: Sequence[Sample], mode: str) -> list[int]:
    """Tokens of each prompt, media included; of a picture nothing is decoded, of a video a frame.

    Raises UserError as `grid_of` and `check_media`, UnreadableMedia as `vlrl.media.plan_clip`.
    """
    check_media(samples)
    texts = [make_prompt(loaded, task, sample, mode).text for sample in samples]
    ids = loaded.tokenizer(texts)["input_ids"] if texts else []
    return [
        len(tokens) + sum(_num_tokens(loaded, sample, medium) - 1 for medium in sample.media)
        for sample, tokens in zip(samples, ids, strict=True)
    ]


def _num_tokens(loaded: Loaded, sample: Sample, medium: Media) -> int:
    """How many tokens the placeholder of the medium becomes."""
    merged = loaded.processor.image_processor.merge_size**2
    if medium.kind == "image":
        size = sample.image_size if len(sample.media) == 1 else None
        return math.prod(grid_of(loaded, size or image_size(medium))) // merged
    plan = plan_clip(medium, loaded.sampling, loaded.factor)
    marks = loaded.family.frame_marks(plan.times_s)
    written = loaded.tokenizer(marks)["input_ids"] if marks else []
    return math.prod(video_grid_of(loaded, plan)) // merged + sum(map(len, written))


def grid_of(loaded: Loaded, size: tuple[int, int]) -> tuple[int, int, int]:
    """(t, h, w) in patches of a picture of `size` (width, height), as the processor will cut it.

    Raises UserError for a picture more than 200 times as long as it is wide, or the reverse.
    """
    processor = loaded.processor.image_processor
    try:
        height, width = smart_resize(
            size[1], size[0], factor=loaded.factor,
            min_pixels=processor.size["shortest_edge"], max_pixels=processor.size["longest_edge"],
        )  # fmt: skip
    except ValueError as error:
        raise UserError(
            f"a picture of {size[0]} x {size[1]} pixels: {error}; crop it or remove its row"
        ) from error
    return 1, height // processor.patch_size, width // processor.patch_size


def video_grid_of(loaded: Loaded, plan: ClipPlan) -> tuple[int, int, int]:
    """(t, h, w) in patches of a clip: two frames are one patch."""
    processor = loaded.processor.video_processor
    width, height = plan.size
    return (
        len(plan.times_s) // processor.temporal_patch_size,
        height // processor.patch_size,
        width // processor.patch_size,
    )


def frame_of(loaded: Loaded, sample: Sample) -> Frame | None:
    """The frame of the sample's picture in this model; None where there is no picture."""
    if sample.image_size is None:
        return None
    return loaded.frame(grid_of(loaded, sample.image_size))


def check_media(samples: Sequence[Sample]) -> None:
    """Raises UserError for the first sample with media other than images and videos."""
    for sample in samples:
        for medium in sample.media:
            if medium.kind not in GRIDS:
                raise UserError(
                    f"sample {sample.id}: only images and videos can be taken, not {medium.kind}; "
                    "leave its row out"
                )


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Prompts as token ids, unpadded, and the vision inputs of all rows one after another."""

    ids: list[list[int]]
    vision: dict[str, torch.Tensor]
    """Those of VISION_KEYS that there are."""


def encode(loaded: Loaded, texts: Sequence[str], samples: Sequence[Sample]) -> Encoded:
    """Token ids of prompts, media expanded to their tokens, and their patches in order of rows.

    Rows may have no media, or any number of images and videos.  Raises UserError for other media,
    and where a prompt has other places for them than they need; UnreadableMedia for those that
    cannot be decoded.
    """
    check_media(samples)
    for text, sample in zip(texts, samples, strict=True):
        _check_places(loaded, text, sample)
    media = [medium for sample in samples for medium in sample.media]
    images = [load_image(medium) for medium in media if medium.kind == "image"]
    videos = [medium for medium in media if medium.kind == "video"]
    if videos and Version(transformers_version) < VIDEO_FROM:
        raise UserError(
            f"videos need transformers {VIDEO_FROM} or newer ({transformers_version} rounds their "
            "times to whole seconds); pip install -U transformers"
        )
    clips = [load_clip(medium, loaded.sampling, loaded.factor) for medium in videos]
    features = loaded.processor(
        text=list(texts),
        images=images or None,
        videos=[np.stack([np.asarray(frame) for frame in clip.frames]) for clip in clips] or None,
        videos_kwargs={
            "do_resize": False,
            "do_sample_frames": False,
            "video_metadata": [_in_seconds(clip) for clip in clips],
        },
        padding=False,
    )
    encoded = Encoded(
        ids=[list(ids) for ids in features["input_ids"]],
        vision={key: torch.as_tensor(features[key]) for key in VISION_KEYS if key in features},
    )
    _check_features(loaded, encoded, samples)
    return encoded


def _check_places(loaded: Loaded, text: str, sample: Sample) -> None:
    """Raises UserError unless the text has one placeholder for each medium."""
    for kind, token_id in _pad_ids(loaded).items():
        pad = loaded.tokenizer.convert_ids_to_tokens(token_id)
        num_media = sum(medium.kind == kind for medium in sample.media)
        if text.count(pad) != num_media:
            raise UserError(
                f"sample {sample.id}: its prompt has {text.count(pad)} {pad} for {num_media} "
                f"{kind}s; the chat template of {loaded.name} must write one for each: choose a "
                "model with such a template"
            )


def _check_features(loaded: Loaded, encoded: Encoded, samples: Sequence[Sample]) -> None:
    """Raises UserError unless each prompt has as many pads as the tower gives features for it."""
    merged = loaded.processor.image_processor.merge_size**2
    for kind, token_id in _pad_ids(loaded).items():
        grids = encoded.vision.get(GRIDS[kind], torch.empty(0, 3, dtype=torch.long))
        sizes = iter((grids.prod(-1) // merged).tolist())
        for sample, ids in zip(samples, encoded.ids, strict=True):
            num_media = sum(medium.kind == kind for medium in sample.media)
            num_features = sum(islice(sizes, num_media))
            if (num_pads := ids.count(token_id)) != num_features:
                raise UserError(
                    f"sample {sample.id}: its prompt has {num_pads} {kind} tokens for "
                    f"{num_features} features of the vision tower; the processor of {loaded.name} "
                    "does not fit its model: take both from one place, and let transformers be as "
                    "new as they are"
                )


def _pad_ids(loaded: Loaded) -> dict[str, int]:
    return {"image": loaded.config.image_token_id, "video": loaded.config.video_token_id}


def _in_seconds(clip: Clip) -> dict[str, Any]:
    """What the processor is to know of the frames: their numbers are their times, at 1 a second.

    So Qwen3-VL writes the true times, and Qwen2.5-VL gets `second_per_grid_ts = 2 / sample_fps`.
    """
    return {
        "fps": 1.0,
        "frames_indices": list(clip.times_s),
        "total_num_frames": len(clip.frames) / clip.sample_fps,
    }


def batch(loaded: Loaded, ids: Sequence[Sequence[int]], vision: dict[str, Any], side: str) -> dict:
    """Model inputs (B, L), padded on the given side, with attention mask and token types.

    Token types are 1 for an image and 2 for a video.
    """
    width = max(map(len, ids))
    config, pad = loaded.config, loaded.tokenizer.pad_token_id
    ids_BL = torch.full((len(ids), width), pad)
    mask_BL = torch.zeros((len(ids), width), dtype=torch.long)
    for row, tokens in enumerate(ids):
        place = slice(width - len(tokens), width) if side == "left" else slice(0, len(tokens))
        ids_BL[row, place] = torch.tensor(tokens)
        mask_BL[row, place] = 1
    types_BL = (ids_BL == config.image_token_id).long() + 2 * (
        ids_BL == config.video_token_id
    ).long()
    return {"input_ids": ids_BL, "attention_mask": mask_BL, "mm_token_type_ids": types_BL, **vision}


def _with_placeholders(text: str) -> str:
    brackets = "<|vision_start|><|{}_pad|><|vision_end|>"
    for kind in ("image", "video"):
        text = text.replace(f"<{kind}>", brackets.format(kind))
    return text
