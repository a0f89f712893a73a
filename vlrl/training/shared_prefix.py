"""Log-probabilities of groups of completions, each group from one pass over its shared prompt.

A group is one prompt with G completions.  The usual batch repeats the prompt and its pictures G
times; here every prompt is read once, and each completion sees the prompt and itself:

* `cached`: the prompt's keys and values are computed once, with their gradient, and every
  completion attends to them: P - 1 + G (C + 1) tokens, no attention spent behind a mask.
  Completions of like length are continued together, each batch padded to its own longest: of 32
  completions of 20 to 250 tokens a fifth of what is read is padding instead of two thirds.
* `packed`: one row `[prompt without its last token | last, c1 | last, c2 | ...]` under a mask that
  hides the completions from each other.  One ordinary call of the model, so that gradient
  checkpointing and the wrappers of distributed training work as ever.  A row has no more tokens
  than the usual batch of its completions, so that the size of the micro-batch bounds it too.

The copy of the prompt's last token in front of a completion predicts its first token.  Both forms
give the numbers of the repeated batch and its gradient, up to the order of summation.

Legend of shapes: N prompts, B completions, P tokens of the longest prompt, C of the longest
completion, L of the longest packed row, 3 the axes of the rotary positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Literal

import torch
from torch.nn.functional import pad
from transformers import DynamicCache

from vlrl.models import Loaded
from vlrl.models.inputs import batch
from vlrl.training.block_attention import packed_mask
from vlrl.training.microbatches import of_like_length

Form = Literal["cached", "packed"]
UNSCORED = -100  # label of a position that is not scored
WORTH_A_CALL_CPU = 256
"""Tokens that the tiny model reads on a CPU in the time that one more call costs; measured."""
WORTH_A_CALL = 2048
"""The same for a model of billions of parameters on a GPU; reckoned, not measured."""

Scores = tuple[torch.Tensor, torch.Tensor | None]
"""Log-probability of every token of the completions, (B, C), and its entropy where the head gives
it; 0 behind the end."""


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """N different prompts as the model takes them, padded on the left."""

    ids_NP: torch.Tensor
    mask_NP: torch.Tensor
    positions_3NP: torch.Tensor
    vision: dict[str, Any]  # what the model is given of the media of all prompts, in order

    def with_features(self, features: dict[str, Any]) -> Prompts:
        """The same prompts, given what the vision tower made of the media in place of patches."""
        return replace(self, vision={"mm_encoder_outputs": features})


@dataclass(frozen=True, kw_only=True)
class Completions:
    """B completions, padded on the right, and the prompt that each of them answers."""

    owner_B: torch.Tensor
    ids_BC: torch.Tensor
    mask_BC: torch.Tensor  # 1 up to the end of the completion

    def trimmed(self) -> Completions:
        """Without the columns that no completion reaches."""
        width = max(1, int(self.mask_BC.sum(-1).max()))
        return replace(self, ids_BC=self.ids_BC[:, :width], mask_BC=self.mask_BC[:, :width])

    def chosen(self, rows: Sequence[int]) -> Completions:
        """Some of the completions, trimmed."""
        index = torch.tensor(rows, device=self.mask_BC.device)
        return Completions(
            owner_B=self.owner_B[index], ids_BC=self.ids_BC[index], mask_BC=self.mask_BC[index]
        ).trimmed()


def make_prompts(loaded: Loaded, ids: Sequence[Sequence[int]], vision: dict[str, Any]) -> Prompts:
    """Prompts from their token ids and the patches and grids of all of them, in order."""
    device = loaded.model.device
    inputs = batch(loaded, ids, {}, side="left")
    inputs = {name: value.to(device) for name, value in inputs.items()}
    names = ("image_grid_thw", "video_grid_thw", "second_per_grid_ts")
    grids = {name: vision[name] for name in names if vision.get(name) is not None}
    positions_3NP, _ = loaded.model.model.get_rope_index(**inputs, **grids)
    return Prompts(
        ids_NP=inputs["input_ids"],
        mask_NP=inputs["attention_mask"],
        positions_3NP=positions_3NP,
        vision=vision,
    )


def scores(
    forward: Callable[..., Any],
    backbone: Callable[..., Any],
    prompts: Prompts,
    completions: Completions,
    form: Form,
) -> Scores:
    """Log-probabilities and entropies of the completions' tokens, with gradient.

    `forward` is the model with TRL's fused head, wrapped as it is trained; `backbone` the model
    below the head, which the form `cached` calls for the prompts.
    """
    width = completions.ids_BC.shape[1]
    completions = completions.trimmed()
    found = (
        _cached(forward, backbone, prompts, completions)
        if form == "cached"
        else _packed(forward, backbone, prompts, completions)
    )
    missing = width - completions.ids_BC.shape[1]
    logps_BC, entropies_BC = found
    if entropies_BC is not None:
        entropies_BC = pad(entropies_BC * completions.mask_BC, (0, missing))
    return pad(logps_BC * completions.mask_BC, (0, missing)), entropies_BC


def _cached(
    forward: Callable[..., Any],
    backbone: Callable[..., Any],
    prompts: Prompts,
    completions: Completions,
) -> Scores:
    cache = backbone(
        input_ids=prompts.ids_NP[:, :-1],
        attention_mask=prompts.mask_NP[:, :-1],
        position_ids=prompts.positions_3NP[..., :-1],
        use_cache=True,
        **prompts.vision,
    ).past_key_values
    width, lengths = completions.ids_BC.shape[1], completions.mask_BC.sum(-1).tolist()
    worth = WORTH_A_CALL_CPU if completions.mask_BC.device.type == "cpu" else WORTH_A_CALL
    batches = of_like_length(lengths, worth)
    found = [
        _continued(forward, cache, prompts, completions.chosen(rows), width) for rows in batches
    ]
    back_B = torch.tensor([*chain.from_iterable(batches)]).argsort().to(completions.mask_BC.device)
    logps, entropies = zip(*found, strict=True)
    return torch.cat(logps)[back_B], None if None in entropies else torch.cat(entropies)[back_B]


def _continued(
    forward: Callable[..., Any],
    cache: Any,
    prompts: Prompts,
    completions: Completions,
    width: int,
) -> Scores:
    """Scores of completions of the prompts in `cache`, padded to `width`; the cache stays as is."""
    owner_B, C = completions.owner_B, completions.ids_BC.shape[1]
    own_cache = DynamicCache()
    for place, layer in enumerate(cache.layers):  # index_select adds gradients in a fixed order
        keys, values = (each.index_select(0, owner_B) for each in (layer.keys, layer.values))
        own_cache.update(keys, values, place)
    steps = torch.arange(C + 1, device=owner_B.device)
    output = forward(
        input_ids=torch.cat([prompts.ids_NP[owner_B, -1:], completions.ids_BC], 1),
        attention_mask=torch.cat([prompts.mask_NP[owner_B], completions.mask_BC], 1),
        position_ids=prompts.positions_3NP[:, owner_B, -1:] + steps,
        past_key_values=own_cache,
        labels=pad(_labels(completions), (1, 0), value=UNSCORED),
        fused_lm_head=True,
    )
    return _picked(output, lambda values: pad(values[:, -C:], (0, width - C)))


def _labels(completions: Completions) -> torch.Tensor:
    return completions.ids_BC.masked_fill(completions.mask_BC == 0, UNSCORED)


def _packed(
    forward: Callable[..., Any], backbone: Any, prompts: Prompts, completions: Completions
) -> Scores:
    packed = pack(prompts, completions)
    output = forward(
        input_ids=packed.ids_NL,
        attention_mask=packed_mask(backbone.get_decoder(), packed.segment_NL),
        position_ids=packed.positions_3NL,
        labels=packed.labels_NL,
        fused_lm_head=True,
        **prompts.vision,
    )
    place_BC = packed.start_B[:, None] + packed.steps_C
    place_BC = place_BC.clamp(max=output.log_probs.shape[1] - 1)
    return _picked(output, lambda values: values[completions.owner_B[:, None], place_BC])


def _picked(output: Any, pick: Callable[[torch.Tensor], torch.Tensor]) -> Scores:
    return pick(output.log_probs), None if output.entropy is None else pick(output.entropy)


@dataclass(frozen=True, kw_only=True)
class Packed:
    """One row per prompt, padded on the right."""

    ids_NL: torch.Tensor
    labels_NL: torch.Tensor
    positions_3NL: torch.Tensor
    segment_NL: torch.Tensor  # 0 for the prompt, a number per completion, -1 for padding
    start_B: torch.Tensor  # where each completion's copy of the prompt's last token stands
    steps_C: torch.Tensor


def pack(prompts: Prompts, completions: Completions) -> Packed:
    """Every prompt with its completions behind it, without padding between them."""
    device = prompts.ids_NP.device
    rows: list[dict[str, list[torch.Tensor]]] = []
    start_B = torch.zeros_like(completions.owner_B)
    lengths_B = completions.mask_BC.sum(-1).tolist()
    for row, mask_P in enumerate(prompts.mask_NP.bool()):
        ids_P, positions_3P = prompts.ids_NP[row, mask_P], prompts.positions_3NP[:, row, mask_P]
        prefix = ids_P[:-1]
        parts = {
            "ids": [prefix],
            "labels": [torch.full_like(prefix, UNSCORED)],
            "positions": [positions_3P[:, :-1]],
            "segment": [torch.zeros_like(prefix)],
        }
        length = len(prefix)
        for index in torch.nonzero(completions.owner_B == row).flatten().tolist():
            tokens = completions.ids_BC[index, : lengths_B[index]]
            steps = torch.arange(len(tokens) + 1, device=device)
            start_B[index] = length
            parts["ids"] += [ids_P[-1:], tokens]
            parts["labels"] += [torch.full_like(ids_P[-1:], UNSCORED), tokens]
            parts["positions"].append(positions_3P[:, -1:] + steps)
            parts["segment"].append(torch.full_like(steps, index + 1))
            length += len(steps)
        rows.append(parts)
    return Packed(
        ids_NL=_rows(rows, "ids", fill=0),
        labels_NL=_rows(rows, "labels", fill=UNSCORED),
        positions_3NL=_rows(rows, "positions", fill=0).transpose(0, 1),
        segment_NL=_rows(rows, "segment", fill=-1),
        start_B=start_B,
        steps_C=torch.arange(completions.ids_BC.shape[1], device=device),
    )


def _rows(rows: Sequence[dict[str, list[torch.Tensor]]], name: str, fill: int) -> torch.Tensor:
    """The joined parts of each row, padded on the right to one length."""
    joined = [torch.cat(row[name], -1) for row in rows]
    width = max(each.shape[-1] for each in joined)
    return torch.stack([pad(each, (0, width - each.shape[-1]), value=fill) for each in joined])
