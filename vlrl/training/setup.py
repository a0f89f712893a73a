"""What the warm start and GRPO share: rows, model, recipe on disk, resuming, saving."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import PrinterCallback, Trainer, TrainingArguments, set_seed

from vlrl import config, tasks
from vlrl.config import Recipe
from vlrl.contracts import Sample, Task, UserError
from vlrl.models import Loaded, load
from vlrl.models.inputs import prompt_lengths
from vlrl.training.checkpoints import last_complete
from vlrl.training.records import Lines

log = logging.getLogger("vlrl")

SHOWN = 5  # examples named in a message


def rows(
    task: Task, recipe: Recipe, role: Literal["train", "validation"], *, per_step: int, steps: int
) -> list[Sample]:
    """The samples to train on; of an endless source as many as `steps` need."""
    source = config.source(recipe, role)
    if source.spec.startswith("world") and source.take is None and steps <= 0:
        raise UserError(
            f"{source.spec} is endless; state how long to train (max_steps) or data: {{take: 'first:1000'}}"
        )
    limit = per_step * steps if steps > 0 else None
    found = list(
        islice(tasks.samples(task, source, on_bad_row=lambda row: log.warning("%s", row)), limit)
    )
    if not found:
        raise UserError(f"{source.spec}: no row that can be read; see the messages above")
    return found


def rows_per_step(arguments: TrainingArguments) -> int:
    """Examples of one optimizer step, over all processes."""
    return arguments.train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size


def load_model(recipe: Recipe, model: str | None = None) -> Loaded:
    """The model to train, its vision tower frozen and adapters put in as the recipe says; prints what will train."""
    set_seed(recipe.seed)
    on_cpu = not torch.cuda.is_available()
    loaded = load(
        model or recipe.model,
        dtype=torch.float32 if on_cpu else torch.bfloat16,
        min_pixels=recipe.min_pixels,
        max_pixels=recipe.max_pixels,
    )
    if recipe.freeze_vision:
        loaded.model.get_submodule(loaded.family.vision_tower).requires_grad_(False)
    return loaded


def peft_config(recipe: Recipe, loaded: Loaded) -> Any:
    """The adapters of the recipe as peft's configuration; None for training all weights."""
    if recipe.lora is None:
        return None
    from peft import LoraConfig

    targets = recipe.lora.targets
    return LoraConfig(
        r=recipe.lora.r,
        lora_alpha=recipe.lora.alpha,
        lora_dropout=recipe.lora.dropout,
        target_modules=loaded.family.lora_targets if targets == "language" else targets,
        task_type="CAUSAL_LM",
    )


def print_trainable(model: Any) -> None:
    trainable = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    total = sum(weight.numel() for weight in model.parameters())
    log.info(
        "training %s of %s parameters (%.1f %%)",
        f"{trainable:,}",
        f"{total:,}",
        100 * trainable / total,
    )


def fitting(
    loaded: Loaded, task: Task, samples: Sequence[Sample], mode: str, max_new_tokens: int
) -> list[Sample]:
    """The samples whose prompt leaves room for `max_new_tokens`; the others are named and left out, never cut."""
    limit = loaded.model.config.get_text_config().max_position_embeddings - max_new_tokens
    lengths = prompt_lengths(loaded, task, samples, mode)
    long = [(each, n) for each, n in zip(samples, lengths, strict=True) if n > limit]
    for sample, length in long[:SHOWN]:
        log.warning(
            "sample %s: its prompt has %d tokens, more than %d; left out", sample.id, length, limit
        )
    if long:
        log.warning(
            "%d of %d prompts do not fit and are left out; lower max_pixels or max_completion_length to keep them",
            len(long), len(samples),
        )  # fmt: skip
    if len(long) == len(samples):
        raise UserError(
            f"no prompt fits into {limit} tokens; lower max_pixels or max_completion_length"
        )
    return [each for each, n in zip(samples, lengths, strict=True) if n <= limit]


def owned_options(recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Trainer options that follow from the rest of the recipe."""
    return {
        "output_dir": str(folder),
        "seed": recipe.seed,
        "report_to": list(recipe.report_to) or "none",
        "save_total_limit": recipe.save_total_limit,
        "remove_unused_columns": False,
        "disable_tqdm": True,  # our own bar shows reward and accuracy
        "use_cpu": not torch.cuda.is_available(),
        "bf16": torch.cuda.is_available(),
    }


def without_recomputing(arguments: type[TrainingArguments]) -> dict[str, bool]:
    """The option that turns gradient checkpointing off, by the name that this version of transformers has for it."""
    names = {field.name for field in dataclasses.fields(arguments)}
    new = "activation_checkpointing"
    return {new if new in names else "gradient_checkpointing": False}


def write_recipe(recipe: Recipe, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    config.save(recipe, output / "recipe.yaml")


def train(trainer: Trainer, output: Path, phase: str) -> None:
    """Train from the last checkpoint where there is one; the run's files are cut back to its step first."""
    trainer.remove_callback(PrinterCallback)  # our bar and `metrics.jsonl` take its place
    checkpoint, step = last_complete(Path(str(trainer.args.output_dir)))
    if trainer.is_world_process_zero():
        Lines(output / "metrics.jsonl").rewind(phase, step)
        if phase == "train":
            Lines(output / "rollouts.jsonl").rewind(None, step)
    if checkpoint:
        log.info("%s: resuming at step %d from %s", phase, step, checkpoint)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


def save_model(model: Any, loaded: Loaded, folder: Path) -> None:
    """Weights (or adapters) and processor, as `vlrl.models.load` reads them; complete or not there at all."""
    unfinished = folder.with_name(folder.name + ".unfinished")
    model.save_pretrained(unfinished)
    loaded.processor.save_pretrained(unfinished)
    unfinished.rename(folder)
