"""Checks the prompts of a recipe in the tokens of its model: `vlrl check RECIPE`.

The model's processor is needed, its weights are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from vlrl import config, tasks
from vlrl.check import Finding
from vlrl.config import Recipe
from vlrl.contracts import Sample, Task, UserError
from vlrl.evaluation.measure import MAX_NEW_TOKENS
from vlrl.media import UnreadableMedia
from vlrl.models import Loaded, describe
from vlrl.models.inputs import encode, make_prompt, prompt_lengths
from vlrl.training.setup import prompt_limit

ENCODED_AT_ONCE = 16
GRIDS = ("image_grid_thw", "video_grid_thw")


def check_prompts(recipe: Recipe, limit: int = 200) -> list[Finding]:
    """Lengths, and picture tokens against features, of the first `limit` training prompts."""
    task = tasks.together(config.task_names(recipe))
    samples = list(islice(tasks.samples(task, config.source(recipe, "train")), limit))
    try:
        described = describe(
            recipe.model,
            min_pixels=recipe.min_pixels,
            max_pixels=recipe.max_pixels,
            sampling=recipe.video,
        )
    except UserError as error:
        return [Finding(check="prompts", outcome="note", detail=f"not looked at: {error}")]
    return [
        _lengths(described, task, samples, recipe),
        _features(described, task, samples, recipe.mode),
    ]


def _lengths(described: Loaded, task: Task, samples: Sequence[Sample], recipe: Recipe) -> Finding:
    new_tokens = int(recipe.train.get("max_completion_length") or MAX_NEW_TOKENS)
    limit = prompt_limit(described, new_tokens)
    lengths = prompt_lengths(described, task, samples, recipe.mode)
    num_long = sum(length > limit for length in lengths)
    detail = (
        f"{min(lengths)} to {max(lengths)} tokens, pictures included; {limit} fit beside an answer "
        f"of {new_tokens}; {num_long} do not fit and would be left out"
    )
    return Finding(check="prompt lengths", outcome="fail" if num_long else "pass", detail=detail)


def _features(described: Loaded, task: Task, samples: Sequence[Sample], mode: str) -> Finding:
    """As many picture tokens in every prompt as the vision tower gives features for it."""
    merged = described.processor.image_processor.merge_size**2
    tokens = (described.config.image_token_id, described.config.video_token_id)
    num_tokens = num_features = 0
    for start in range(0, len(samples), ENCODED_AT_ONCE):
        chosen = samples[start : start + ENCODED_AT_ONCE]
        texts = [make_prompt(described, task, each, mode).text for each in chosen]
        try:
            encoded = encode(described, texts, chosen)
        except (UnreadableMedia, UserError) as error:
            return Finding(check="picture tokens", outcome="fail", detail=str(error))
        num_tokens += sum(ids.count(token) for ids in encoded.ids for token in tokens)
        grids = [encoded.vision[key] for key in GRIDS if key in encoded.vision]
        num_features += sum(int(grid.prod(-1).sum()) for grid in grids) // merged
    return Finding(
        check="picture tokens",
        outcome="pass" if num_tokens == num_features else "fail",
        detail=f"{num_tokens:,} tokens for {num_features:,} features",
    )
