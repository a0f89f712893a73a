"""Answers of a model to prompts, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import torch

from vlrl.models import Loaded
from vlrl.models.inputs import Prompt, batch, encode


@dataclass(frozen=True, kw_only=True)
class Completion:
    """What a model wrote after the prompt."""

    text: str
    num_tokens: int
    truncated: bool  # stopped by the limit, not by the model


@torch.no_grad()
def generate(
    loaded: Loaded,
    prompts: Sequence[Prompt],
    *,
    max_new_tokens: int,
    num_samples: int = 1,
    temperature: float = 1.0,
    batch_size: int = 16,
) -> Iterator[list[Completion]]:
    """`num_samples` completions of each prompt, in order: one is greedy, several are drawn.

    They are drawn at `temperature` from the whole distribution; the same batch draws the same ones.
    The model's own defaults (penalties, top_p ...) do not count, as in training.  Greedy
    completions depend on `batch_size` only by rounding.  Picture tokens are never written.
    """
    options: dict[str, Any] = {
        "max_new_tokens": max_new_tokens, "do_sample": num_samples > 1, "repetition_penalty": 1.0,
    }  # fmt: skip
    if num_samples > 1:
        options |= {
            "num_return_sequences": num_samples, "temperature": temperature,
            "top_k": 0, "top_p": 1.0,
        }  # fmt: skip
    for start in range(0, len(prompts), batch_size):
        chosen = prompts[start : start + batch_size]
        with torch.random.fork_rng():
            torch.manual_seed(crc32(chosen[0].sample.id.encode()))
            ids_BL = _generated(loaded, chosen, options)
        completions = [_completion(loaded, ids.tolist()) for ids in ids_BL]
        for first in range(0, len(completions), num_samples):
            yield completions[first : first + num_samples]


def _generated(loaded: Loaded, prompts: Sequence[Prompt], options: dict[str, Any]) -> torch.Tensor:
    encoded = encode(loaded, [each.text for each in prompts], [each.sample for each in prompts])
    inputs = batch(loaded, encoded.ids, encoded.vision, side="left")
    device = loaded.model.device
    out_BL = loaded.model.generate(
        **{key: value.to(device) for key, value in inputs.items()},
        **options,
        suppress_tokens=loaded.vision_token_ids,
        pad_token_id=loaded.tokenizer.pad_token_id,
    )
    return out_BL[:, inputs["input_ids"].shape[1] :].cpu()


def _completion(loaded: Loaded, ids: list[int]) -> Completion:
    """Cut behind the first end token, which counts as written."""
    ends = loaded.end_token_ids
    length = next((place + 1 for place, token in enumerate(ids) if token in ends), None)
    kept = ids[:length]
    text = loaded.tokenizer.decode(kept, skip_special_tokens=True)
    return Completion(text=text, num_tokens=len(kept), truncated=length is None)
