"""GRPO from a recipe: checks it, reads the rows, loads the model and trains.

Run with: vlrl train RECIPE
"""

from __future__ import annotations

import dataclasses
import logging
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from trl import GRPOConfig  # type: ignore[attr-defined]  # TRL's lazy module

from vlrl import config, scoring, tasks
from vlrl.config import Recipe
from vlrl.contracts import Sample, Task, UserError
from vlrl.models.inputs import check_media
from vlrl.training import setup, vllm_rollouts
from vlrl.training.sft import WARM_START
from vlrl.training.trainer import Trainer

log = logging.getLogger("vlrl")

MODEL = "model"  # the folder of the result, inside the run's
NUM_VALIDATION = 200  # samples of an endless validation source
ONLY_AT_THE_END = 10**9  # steps between two validations: the trainer adds one after the last step


def run(recipe: Recipe) -> Path:
    """Train and return the folder of the best model, `<output>/model`.

    Resumes where it was interrupted; does nothing where the result is there already.
    """
    output = Path(recipe.output or "runs/train")
    setup.check_folder(recipe, output)
    if (output / MODEL).is_dir():
        log.info("train: %s is there already; delete it to train again", output / MODEL)
        return output / MODEL
    task = tasks.together(config.task_names(recipe))
    for each in tasks.apart(task):
        scoring.resolve(each, recipe.rewards)
    options = arguments(recipe, output / "checkpoints" / "train")
    per_step = (options.generation_batch_size or 0) // (options.num_generations or 1)
    rows = setup.rows(task, recipe, "train", per_step=per_step, steps=options.max_steps)
    _check_rows(task, recipe, rows)
    if options.use_vllm:
        vllm_rollouts.check_images(rows)
    held_out = _held_out(task, recipe)
    check_media([*rows, *held_out])
    loaded = setup.load_model(recipe, _start(recipe, output))
    rows = setup.fitting(loaded, task, rows, recipe.mode, options.max_completion_length or 0)
    _check_enough(rows, per_step)
    setup.write_recipe(recipe, output)
    trainer = Trainer(loaded, task, recipe, options, rows, held_out, output)
    setup.print_trainable(trainer.model)
    setup.train(trainer, output, phase="train")
    setup.save_model(trainer, loaded, output / MODEL)
    return output / MODEL


def _start(recipe: Recipe, output: Path) -> str | None:
    """The model to start from where it is not the recipe's: the result of its warm start."""
    if not recipe.sft:
        return None
    if not (output / WARM_START).is_dir():
        raise UserError(
            f"this recipe begins with a warm start, and {output / WARM_START} is not there; "
            "run `vlrl sft` with the same recipe first"
        )
    return str(output / WARM_START)


def _check_rows(task: Task, recipe: Recipe, rows: Sequence[Sample]) -> None:
    """Raises UserError for what would otherwise fail in the middle of a run."""
    scoring.score(
        task, rows[0], "", mode=recipe.mode, rewards=recipe.rewards, combine=recipe.combine
    )


def _check_enough(rows: Sequence[Sample], per_step: int) -> None:
    if len(rows) < per_step:
        raise UserError(
            f"there are {len(rows)} samples, fewer than the {per_step} that are asked at a time; "
            "add samples, or lower train.gradient_accumulation_steps or per_device_train_batch_size"
        )


def _check_groups(options: Mapping[str, Any]) -> None:
    """The completions that are drawn at a time must make whole groups."""
    defaults = {field.name: field.default for field in dataclasses.fields(GRPOConfig)}
    stated = {**defaults, **options}
    total, how = _drawn_at_a_time(stated)
    if total % (size := stated["num_generations"]):
        raise UserError(
            f"train: a generation makes {total} completions ({how}), which are no whole groups of "
            f"num_generations {size}; change one of them"
        )


def _drawn_at_a_time(stated: Mapping[str, Any]) -> tuple[int, str]:
    """How many completions, and from which options the number follows."""
    if (total := stated["generation_batch_size"]) is not None:
        return total, "generation_batch_size"
    steps = "steps_per_generation"
    if stated[steps] is None:
        steps = "gradient_accumulation_steps"
    factors = {name: stated[name] for name in ("per_device_train_batch_size", steps)}
    factors["processes"] = int(os.environ.get("WORLD_SIZE", 1))
    return math.prod(factors.values()), " x ".join(f"{n} {value}" for n, value in factors.items())


def _held_out(task: Task, recipe: Recipe) -> list[Sample]:
    if recipe.data.validation is None:
        return []
    return setup.rows(task, recipe, "validation", per_step=1, steps=NUM_VALIDATION)


def arguments(recipe: Recipe, folder: Path) -> GRPOConfig:
    """TRL's configuration for the recipe; UserError where it refuses an option."""
    options: dict[str, Any] = {
        "logging_steps": 1,
        **config.check_train_options(recipe),
        **setup.owned_options(recipe, folder),
    }
    if options.get("use_vllm"):
        vllm_rollouts.check_installed()
    if not torch.cuda.is_available() and "gradient_checkpointing" not in recipe.train:
        options |= setup.without_recomputing(GRPOConfig)
    if recipe.data.validation is not None:
        options |= {
            "eval_strategy": "steps",
            "eval_steps": recipe.eval_every or ONLY_AT_THE_END,
            "per_device_eval_batch_size": options.get("num_generations", 8),
        }
    if recipe.eval_every and recipe.data.validation is None:
        raise UserError("eval_every: there is nothing to measure on; state data: {validation: ...}")
    if recipe.eval_every:
        if recipe.train.get("save_steps", recipe.eval_every) != recipe.eval_every:
            raise UserError(
                "train.save_steps: a checkpoint is saved at every measurement; state `eval_every`, "
                "and leave save_steps out"
            )
        options |= {
            "save_steps": recipe.eval_every,
            "load_best_model_at_end": True,
            "metric_for_best_model": "eval_accuracy",
            "greater_is_better": True,
        }
    _check_groups(options)
    made = setup.make_arguments(GRPOConfig, options, "train")
    if made.n_gpu > 1:
        raise UserError(
            f"{made.n_gpu} GPUs are visible to one process; start one for each, with "
            "`accelerate launch --num_processes N scripts/train.py RECIPE`, or choose one by "
            "CUDA_VISIBLE_DEVICES"
        )
    return made
