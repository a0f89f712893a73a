"""The one way from samples to model inputs.

Warm start, rollouts, evaluation and questions all pass through here.

Legend of shapes: B rows, L tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

from vlrl import prompts
from vlrl.contracts import Frame, Sample, Task, UserError
from vlrl.media import image_size, load_image
from vlrl.models import Loaded


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A sample as the model is asked about it."""

    task: Task
    sample: Sample
    mode: str
    frame: Frame | None
    text: str
    """Through the chat template, with the mode's prefix and one placeholder for each picture."""


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
    """Tokens of each prompt, pictures included; nothing is decoded."""
    texts = [make_prompt(loaded, task, sample, mode).text for sample in samples]
    ids = loaded.tokenizer(texts)["input_ids"] if texts else []
    merged = loaded.processor.image_processor.merge_size**2
    lengths = []
    for sample, tokens in zip(samples, ids, strict=True):
        sizes = [sample.image_size] if len(sample.media) == 1 and sample.image_size else None
        sizes = sizes or [image_size(medium) for medium in sample.media]
        patches = [math.prod(grid_of(loaded, size)) for size in sizes]
        lengths.append(len(tokens) + sum(each // merged - 1 for each in patches))
    return lengths


def grid_of(loaded: Loaded, size: tuple[int, int]) -> tuple[int, int, int]:
    """(t, h, w) in patches of a picture of `size` (width, height), as the processor will cut it.

    Raises UserError for a picture more than 200 times as long as it is wide, or the reverse.
    """
    processor = loaded.processor.image_processor
    try:
        height, width = smart_resize(
            size[1], size[0], factor=processor.patch_size * processor.merge_size,
            min_pixels=processor.size["shortest_edge"], max_pixels=processor.size["longest_edge"],
        )  # fmt: skip
    except ValueError as error:
        raise UserError(
            f"a picture of {size[0]} x {size[1]} pixels: {error}; crop it or remove its row"
        ) from error
    return 1, height // processor.patch_size, width // processor.patch_size


def frame_of(loaded: Loaded, sample: Sample) -> Frame | None:
    """The frame of the sample's picture in this model; None where there is no picture."""
    if sample.image_size is None:
        return None
    return loaded.frame(grid_of(loaded, sample.image_size))


def check_images(samples: Sequence[Sample]) -> None:
    """Raises UserError where a sample has media other than images."""
    for sample in samples:
        if any(medium.kind != "image" for medium in sample.media):
            raise UserError(f"sample {sample.id}: only images are supported so far")


def encode(loaded: Loaded, texts: Sequence[str], samples: Sequence[Sample]) -> Encoded:
    """Token ids of prompts, pictures expanded to their tokens, and their patches in order of rows.

    Raises UserError for media other than images.
    """
    check_images(samples)
    images = [[load_image(medium) for medium in sample.media] for sample in samples]
    flat = [image for row in images for image in row]
    features = loaded.processor(text=list(texts), images=flat or None, padding=False)
    vision = {key: features[key] for key in ("pixel_values", "image_grid_thw") if key in features}
    return Encoded(
        ids=[list(ids) for ids in features["input_ids"]],
        vision={key: torch.as_tensor(value) for key, value in vision.items()},
    )


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Prompts as token ids, unpadded, and the vision inputs of all rows one after another."""

    ids: list[list[int]]
    vision: dict[str, torch.Tensor]


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
