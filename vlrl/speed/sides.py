"""The two trainers of a comparison: ours, and plain TRL's as its documentation has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from datasets import Dataset
from transformers import PrinterCallback
from trl import GRPOTrainer  # type: ignore[attr-defined]  # TRL's lazy module
from trl.trainer import grpo_trainer

from vlrl import prompts, scoring
from vlrl.config import Recipe
from vlrl.contracts import Sample
from vlrl.models import Loaded
from vlrl.speed.work import MODE, TASK
from vlrl.training import grpo
from vlrl.training.trainer import Trainer

NewModel = Callable[[], Loaded]
Make = Callable[[NewModel, Recipe, Sequence[Sample]], GRPOTrainer]


def make_ours(new_model: NewModel, made: Recipe, rows: Sequence[Sample]) -> GRPOTrainer:
    output = Path(made.output or "")
    with _reference_from(new_model):
        loaded = _policy(new_model, made)
        trainer = Trainer(loaded, TASK, made, grpo.arguments(made, output), rows, [], output)
    return _endless(trainer, loaded)


def make_plain(new_model: NewModel, made: Recipe, rows: Sequence[Sample]) -> GRPOTrainer:
    """TRL's own trainer; each row is decoded when it is fetched, as an Image column would be."""

    def totals(completions: list, index: list, **_: Any) -> list[float | None]:
        texts = [completion[0]["content"] for completion in completions]
        asked = [rows[number] for number in index]
        scored = scoring.score_group(TASK, asked, texts, mode=MODE, rewards=made.rewards)
        return [each.total for each in scored]

    def asked(batch: Mapping[str, list[int]]) -> dict[str, list[Any]]:
        chosen = [rows[number] for number in batch["index"]]
        return {
            "index": batch["index"],
            "prompt": [prompts.messages(TASK, each, MODE, None) for each in chosen],
            "images": [[medium.open() for medium in each.media] for each in chosen],
        }

    with _reference_from(new_model):
        loaded = _policy(new_model, made)
        trainer = GRPOTrainer(
            model=loaded.model,
            reward_funcs=totals,
            args=grpo.arguments(made, Path(made.output or "")),
            train_dataset=Dataset.from_dict({"index": range(len(rows))}).with_transform(asked),
            processing_class=loaded.processor,
        )
    return _endless(trainer, loaded)


SIDES: Mapping[str, Make] = {"ours": make_ours, "trl": make_plain}


def _policy(new_model: NewModel, made: Recipe) -> Loaded:
    torch.manual_seed(made.seed)
    loaded = new_model()
    if made.freeze_vision:
        loaded.model.get_submodule(loaded.family.vision_tower).requires_grad_(False)
    return loaded


@contextmanager
def _reference_from(new_model: NewModel) -> Iterator[None]:
    """TRL reads the reference model from the policy's folder; random weights have none."""
    with patch.object(grpo_trainer, "create_model_from_path", lambda *_, **__: new_model().model):
        yield


def _endless(trainer: GRPOTrainer, loaded: Loaded) -> GRPOTrainer:
    """Completions go on to their limit: of the same length for both, whatever is drawn."""
    forbidden = sorted({*loaded.vision_token_ids, *loaded.end_token_ids})
    trainer.generation_config.suppress_tokens = forbidden
    trainer.remove_callback(PrinterCallback)
    return trainer
