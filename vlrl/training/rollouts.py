"""Rollouts: G completions of each prompt, from one prefill per prompt.

TRL's generator repeats every prompt and picture G times before the prefill.  Here each prompt is
read once, its keys and values are copied to its completions, and completions that ended leave the
batch.  Drawn from the same distribution; greedy, the same tokens.

Legend of shapes: N prompts, B completions, P tokens of the longest prompt, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessorList,
    MinPLogitsWarper,
    SuppressTokensLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from vlrl.training.shared_prefix import Prompts

SUPPORTED = {
    *("max_new_tokens", "do_sample", "temperature", "top_k", "top_p", "min_p", "suppress_tokens"),
    *("eos_token_id", "pad_token_id", "bos_token_id", "use_cache", "disable_compile"),
    *("transformers_version", "_from_model_config"),
}
COMPACT_AT = 0.75  # the ended leave the batch when the others are fewer than this share of it


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How a token is drawn from the model's distribution."""

    max_new_tokens: int
    end_ids: Collection[int]
    processors: LogitsProcessorList
    greedy: bool = False


def sampling(config: GenerationConfig, end_ids: Collection[int]) -> Sampling:
    """The sampling of a generation config, in the order of `generate`.

    Known are temperature, top_k, top_p, min_p and suppressed tokens; `unsupported` names others.
    """
    processors = LogitsProcessorList()
    if config.suppress_tokens is not None:
        processors.append(SuppressTokensLogitsProcessor(config.suppress_tokens))
    if config.do_sample:
        if config.temperature not in (None, 1.0):
            processors.append(TemperatureLogitsWarper(config.temperature))
        if config.top_k:
            processors.append(TopKLogitsWarper(top_k=config.top_k))
        if config.top_p is not None and config.top_p < 1:
            processors.append(TopPLogitsWarper(top_p=config.top_p))
        if config.min_p is not None:
            processors.append(MinPLogitsWarper(min_p=config.min_p))
    return Sampling(
        max_new_tokens=config.max_new_tokens or 0,
        end_ids=end_ids,
        processors=processors,
        greedy=not config.do_sample,
    )


def unsupported(config: GenerationConfig) -> list[str]:
    """Options of a generation config that `sampling` does not know, as texts."""
    neutral = {"repetition_penalty": 1.0, "num_beams": 1, "num_return_sequences": 1}
    stated = config.to_diff_dict()
    return [
        f"{name}={value!r}"
        for name, value in stated.items()
        if name not in SUPPORTED and value is not None and neutral.get(name) != value
    ]


@torch.no_grad()
def generate(
    model: Any, prompts: Prompts, counts: Sequence[int], options: Sampling
) -> list[list[int]]:
    """So many completions of each prompt, in the order of the prompts; the end token counts.

    `model` is a conditional-generation model of the Qwen-VL families, unwrapped.
    """
    backbone, device = model.model, prompts.ids_NP.device
    prefill = backbone(
        input_ids=prompts.ids_NP,
        attention_mask=prompts.mask_NP,
        position_ids=prompts.positions_3NP,
        use_cache=True,
        **prompts.vision,
    )
    owner_B = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts)).to(device)
    cache = prefill.past_key_values
    cache.batch_select_indices(owner_B)
    logits_BV = model.lm_head(prefill.last_hidden_state[:, -1])[owner_B]
    mask_BL, position_3B1 = prompts.mask_NP[owner_B], prompts.positions_3NP[:, owner_B, -1:]
    end_ids = torch.tensor(sorted(options.end_ids), device=device)
    padded = not bool(prompts.mask_NP.all())

    written: list[list[int]] = [[] for _ in owner_B]
    live_B = torch.arange(len(owner_B), device=device)  # the completions in the batch, by number
    ended_B = torch.zeros_like(live_B, dtype=torch.bool)
    for step in range(options.max_new_tokens):
        token_B = _draw(logits_BV, options)
        _write(written, live_B, ended_B, token_B)
        ended_B |= torch.isin(token_B, end_ids)
        num_live = len(ended_B) - int(ended_B.sum())
        if not num_live or step + 1 == options.max_new_tokens:
            break
        mask_BL = torch.nn.functional.pad(mask_BL, (0, 1), value=1)
        position_3B1 = position_3B1 + 1
        if num_live < COMPACT_AT * len(ended_B):
            kept = torch.nonzero(~ended_B).flatten()
            cache.batch_select_indices(kept)
            live_B, token_B, mask_BL = live_B[kept], token_B[kept], mask_BL[kept]
            position_3B1, ended_B = position_3B1[:, kept], ended_B[kept]
        hidden_B1H = backbone.language_model(
            inputs_embeds=backbone.get_input_embeddings()(token_B[:, None]),
            attention_mask=mask_BL if padded else None,
            position_ids=position_3B1,
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        logits_BV = model.lm_head(hidden_B1H[:, -1])
    return written


def _draw(logits_BV: torch.Tensor, options: Sampling) -> torch.Tensor:
    nothing: Any = torch.empty((len(logits_BV), 0), dtype=torch.long, device=logits_BV.device)
    scores_BV = options.processors(nothing, logits_BV.float())  # type: ignore[arg-type]
    if options.greedy:
        return scores_BV.argmax(-1)
    return torch.multinomial(scores_BV.softmax(-1), 1)[:, 0]


def _write(
    written: Sequence[list[int]],
    live_B: torch.Tensor,
    ended_B: torch.Tensor,
    token_B: torch.Tensor,
) -> None:
    rows = zip(live_B.tolist(), ended_B.tolist(), token_B.tolist(), strict=True)
    for index, ended, token in rows:
        if not ended:
            written[index].append(token)
