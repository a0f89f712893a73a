"""Attention of packed rows: FlexAttention where the mask is a BlockMask, SDPA where it is not.

The Qwen-VL models do not offer FlexAttention, so it is registered here under a name of its own, for
their language model alone.  A layer chooses by the mask it is given and by nothing else: rollouts,
the form `cached`, and the layers that gradient checkpointing runs a second time during the backward
pass find their attention without a switch around any call.

The CPU has no backward pass of FlexAttention; the tests hold its forward pass, compiled and not,
and the gradient of its uncompiled form against the dense mask.  The compiled backward pass needs a
CUDA device; its test is marked `gpu` and has not been run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.attention.flex_attention import BlockMask, create_block_mask
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.flex_attention import flex_attention_forward
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "vlrl_blocks"
BLOCKS_FROM = 2048
"""Tokens of a packed row on CUDA from which it is worth compiling FlexAttention.

With so many, attention between all pairs is a tenth of the arithmetic of Qwen2.5-VL-3B, and the
dense mask 4 MB a row; both grow with the square.  Reckoned, not measured.
"""

Sees = Callable[[Any, Any, Any, Any], torch.Tensor]
"""(row, head, token, other) -> does the token see the other?  The indices broadcast."""


def packed_mask(decoder: Any, segment_NL: torch.Tensor) -> torch.Tensor | BlockMask:
    """The attention mask, (N, 1, L, L), of packed rows for the language model `decoder`."""
    if segment_NL.device.type != "cuda" or segment_NL.shape[1] < BLOCKS_FROM:
        return dense_mask(segment_NL)
    attend_by_blocks(decoder)
    return block_mask(segment_NL)


def visible(segment_NL: torch.Tensor) -> Sees:
    """A token sees itself and what stands before it in its own segment and in segment 0."""

    def sees(row: Any, head: Any, token: Any, other: Any) -> torch.Tensor:
        segment = segment_NL[row, other]
        return (token >= other) & ((segment == segment_NL[row, token]) | (segment == 0))

    return sees


def dense_mask(segment_NL: torch.Tensor) -> torch.Tensor:
    """`visible` for every pair: bool, (N, 1, L, L)."""
    num_rows, length = segment_NL.shape
    row_N111 = torch.arange(num_rows, device=segment_NL.device)[:, None, None, None]
    place_L = torch.arange(length, device=segment_NL.device)
    return visible(segment_NL)(row_N111, 0, place_L[:, None], place_L)


def block_mask(segment_NL: torch.Tensor) -> BlockMask:
    """`visible` as the blocks of 128 x 128 pairs in which any pair is visible.

    All pairs are looked at once, a few bytes each, and forgotten before the first layer runs.
    """
    num_rows, length = segment_NL.shape
    sees, device = visible(segment_NL), str(segment_NL.device)
    return create_block_mask(sees, num_rows, None, length, length, device=device)


def attend_by_blocks(decoder: Any) -> None:
    """Let the language model take block masks; with any other mask its attention stays SDPA."""
    if decoder.config._attn_implementation != NAME:
        decoder.set_attn_implementation(NAME)


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | BlockMask | None,
    **options: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    if not isinstance(attention_mask, BlockMask):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    # Under autocast the rotary positions leave query and key in float32; SDPA casts them itself.
    query, key = query.to(value.dtype), key.to(value.dtype)
    return flex_attention_forward(module, query, key, value, attention_mask, **options)


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
