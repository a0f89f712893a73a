"""GRPO: TRL's trainer with our scores, our records and our held-out measurements.

`_compute_loss`, clipping, KL, LoRA, DeepSpeed, FSDP and vLLM stay TRL's.
Run with: vlrl train RECIPE
"""

from __future__ import annotations

import dataclasses
import logging
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from accelerate.utils import gather_object
from datasets import Dataset
from transformers import Trainer as PlainTrainer
from trl import GRPOConfig, GRPOTrainer  # type: ignore[attr-defined]  # TRL's lazy module

from vlrl import config, prompts, scoring, tasks
from vlrl.config import Recipe
from vlrl.contracts import PROBLEMS, Sample, Scored, Task, UserError
from vlrl.evaluation.measure import MAX_NEW_TOKENS, Measurement, measure
from vlrl.media import load_image
from vlrl.models import Loaded
from vlrl.models.inputs import check_images, frame_of, make_prompt
from vlrl.training import setup
from vlrl.training.checkpoints import ExactLoading
from vlrl.training.progress import MetricsFile
from vlrl.training.records import Lines, save_media
from vlrl.training.sft import WARM_START

log = logging.getLogger("vlrl")

MODEL = "model"  # the folder of the result, inside the run's
MAX_REWARD_ERRORS = 0.5
"""Training stops where more of a batch's scores than this end in an error of the reward's code."""
NUM_VALIDATION = 200  # samples of an endless validation source
VALIDATION_BATCH = 16  # prompts at a time, at least; as many as a training batch where it is larger
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
    _check_mode(recipe)
    task = tasks.find(recipe.task)
    scoring.resolve(task, recipe.rewards)
    arguments = _arguments(recipe, output / "checkpoints" / "train")
    per_step = (arguments.generation_batch_size or 0) // (arguments.num_generations or 1)
    rows = setup.rows(task, recipe, "train", per_step=per_step, steps=arguments.max_steps)
    _check_rows(task, recipe, rows)
    held_out = _held_out(task, recipe)
    loaded = setup.load_model(recipe, _start(recipe, output))
    rows = setup.fitting(loaded, task, rows, recipe.mode, arguments.max_completion_length or 0)
    _check_enough(rows, per_step)
    setup.write_recipe(recipe, output)
    trainer = Trainer(loaded, task, recipe, arguments, rows, held_out, output)
    setup.print_trainable(trainer.model)
    setup.train(trainer, output, phase="train")
    setup.save_model(trainer, loaded, output / MODEL)
    return output / MODEL


class Trainer(ExactLoading, GRPOTrainer):
    """TRL's GRPO trainer over samples of a task, scored as everywhere else in the package."""

    args: GRPOConfig
    num_generations: int  # type: ignore[assignment]  # TRL declares that it may be None

    def __init__(
        self,
        loaded: Loaded,
        task: Task,
        recipe: Recipe,
        arguments: GRPOConfig,
        samples: Sequence[Sample],
        held_out: Sequence[Sample],
        output: Path,
    ) -> None:
        self.loaded, self.task, self.recipe = loaded, task, recipe
        self.samples, self.held_out, self.output = samples, held_out, output
        self.rollouts = Lines(output / "rollouts.jsonl")
        self._batch: list[dict[str, Any]] = []
        super().__init__(
            model=loaded.model,
            reward_funcs=_scored_elsewhere,
            args=arguments,
            train_dataset=self._dataset(samples),
            eval_dataset=self._dataset(held_out) if held_out else None,
            processing_class=loaded.processor,
            callbacks=[MetricsFile(output, phase="train")],
            peft_config=setup.peft_config(recipe, loaded),
        )
        self.generation_config.suppress_tokens = loaded.vision_token_ids

    def _dataset(self, samples: Sequence[Sample]) -> Dataset:
        """Rows that name a sample; its prompt and pictures are made when a batch asks for them."""

        rows = _Rows(self.loaded, self.task, self.recipe.mode, samples)
        return Dataset.from_dict({"index": range(len(samples))}).with_transform(rows)

    def _calculate_rewards(
        self, inputs: list, prompts: list, completions: list, completion_ids_list: list
    ) -> torch.Tensor:
        """One column of totals (rows of all processes, 1); NaN where a row gives no signal."""
        ends = self.loaded.end_token_ids
        rows = [
            {
                "index": row["index"],
                "completion": completion[0]["content"],
                "num_tokens": len(ids),
                "truncated": ids[-1] not in ends,
            }
            for row, completion, ids in zip(inputs, completions, completion_ids_list, strict=True)
        ]
        self._batch = self._scored(gather_object(rows))
        self._log_scores()
        totals = [row["scored"].total for row in self._batch]
        column = [math.nan if total is None else total for total in totals]
        return torch.tensor(column, device=self.accelerator.device)[:, None]

    def _scored(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows of all processes with their scores; the processes share the groups."""
        size, world = self.num_generations, self.accelerator.num_processes
        mine = range(self.accelerator.process_index, len(rows) // size, world)
        scores = {
            group: self._score_group(rows[group * size : (group + 1) * size]) for group in mine
        }
        found: dict[int, list[Scored]] = {}
        for part in gather_object([scores]):
            found |= part
        habits = [scoring.habit_of(self.task, row["completion"], self.recipe.mode) for row in rows]
        return [
            {**row, "scored": found[i // size][i % size], "habit": habit}
            for i, (row, habit) in enumerate(zip(rows, habits, strict=True))
        ]

    def _score_group(self, rows: Sequence[dict[str, Any]]) -> list[Scored]:
        sample = self.samples[rows[0]["index"]]
        return scoring.score_group(
            self.task,
            [sample] * len(rows),
            [row["completion"] for row in rows],
            mode=self.recipe.mode,
            frame=frame_of(self.loaded, sample),
            rewards=self.recipe.rewards,
            combine=self.recipe.combine,
            truncated=[row["truncated"] for row in rows],
            num_tokens=[row["num_tokens"] for row in rows],
            step=self.state.global_step,
            progress=self.state.global_step / max(self.state.max_steps, 1),
        )

    def _log_scores(self) -> None:
        """Means of the raw parts, shares of problems and habits, into TRL's metrics of the step."""
        metrics = self._metrics["train"]
        scores = [row["scored"] for row in self._batch]
        for name in dict.fromkeys(name for score in scores for name in score.parts):
            values = [part for score in scores if (part := score.parts.get(name)) is not None]
            key = name if name in ("accuracy", "format") else f"parts/{name}"
            metrics[key].append(fmean(values) if values else math.nan)
        problems = Counter(score.problem for score in scores)
        for problem in PROBLEMS:
            metrics[f"problems/{problem}"].append(problems[problem] / len(scores))
        habits = Counter(row["habit"] for row in self._batch)
        for habit in self.task.habits:
            metrics[f"habits/{habit.name}"].append(habits[habit.name] / len(scores))
        self._stop_on_errors(scores)

    def _stop_on_errors(self, scores: Sequence[Scored]) -> None:
        errors = [score.detail for score in scores if score.problem == "reward_error"]
        if len(errors) > MAX_REWARD_ERRORS * len(scores):
            raise UserError(
                f"{len(errors)} of {len(scores)} scores of step {self.state.global_step + 1} "
                f"ended in an error of the task or reward: {errors[0]}; "
                "correct it and run the same command to resume"
            )

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """TRL's, with exactly zero advantage in groups without signal, and a record of each row.

        (TRL divides the rounding errors of equal totals by a deviation of almost nothing.)
        """
        output = super()._generate_and_score_completions(inputs)
        equal = _equal_groups([row["scored"].total for row in self._batch], self.num_generations)
        self._metrics["train"]["frac_reward_zero_std"][-1] = fmean(equal)
        first = self.accelerator.process_index * len(inputs)
        mine = torch.tensor(equal[first : first + len(inputs)], device=output["advantages"].device)
        output["advantages"] = output["advantages"].masked_fill(mine, 0.0)
        advantages = gather_object(output["advantages"].tolist())
        if self.accelerator.is_main_process:
            self._record(advantages)
        return output

    def _record(self, advantages: Sequence[float]) -> None:
        """Append this batch to `rollouts.jsonl`; `step` is the first optimizer step it trains."""
        known: dict[int, tuple[str, list[str]]] = {}
        records = []
        for place, (row, advantage) in enumerate(zip(self._batch, advantages, strict=True)):
            sample, scored = self.samples[row["index"]], row["scored"]
            if row["index"] not in known:
                prompt = make_prompt(self.loaded, self.task, sample, self.recipe.mode)
                known[row["index"]] = prompt.text, save_media(sample, self.output)
            prompt_text, media = known[row["index"]]
            records.append(
                {
                    "step": self.state.global_step + 1, "sample": sample.id,
                    "task": self.task.name, "group": place // self.num_generations,
                    "index": place % self.num_generations, "mode": self.recipe.mode,
                    "prompt": prompt_text, "media": media, "target": sample.target,
                    "completion": row["completion"], "num_tokens": row["num_tokens"],
                    "truncated": row["truncated"], "parsed": scored.parsed,
                    "parts": dict(scored.parts), "total": scored.total, "advantage": advantage,
                    "problem": scored.problem, "habit": row["habit"],
                }
            )  # fmt: skip
        self.rollouts.append(records)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """The held-out samples by greedy decoding, as `vlrl eval` does it.

        The best checkpoint is chosen by it.
        """
        result = self.measure_held_out()
        metrics = {"eval_accuracy": result.score}
        shown = {
            "validation/accuracy": result.score, "validation/low": result.low,
            "validation/high": result.high, "validation/n": result.n,
        }  # fmt: skip
        PlainTrainer.log(self, shown | metrics)  # TRL's would add the training metrics so far
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def measure_held_out(self) -> Measurement:
        model = self.accelerator.unwrap_model(self.model)
        was_training = model.training
        model.eval()
        result = measure(
            dataclasses.replace(self.loaded, model=model), self.task, self.held_out,
            mode=self.recipe.mode, benchmark="validation", quiet=True,
            batch_size=max(VALIDATION_BATCH, self.args.per_device_train_batch_size),
            max_new_tokens=self.args.max_completion_length or MAX_NEW_TOKENS,
        )  # fmt: skip
        model.train(was_training)
        return result


class _Rows:
    """Indices of samples -> what TRL asks of a row: messages, and pictures where there are any."""

    def __init__(self, loaded: Loaded, task: Task, mode: str, samples: Sequence[Sample]) -> None:
        self.loaded, self.task, self.mode, self.samples = loaded, task, mode, samples
        self.has_media = any(sample.media for sample in samples)

    def __getstate__(self) -> dict[str, Any]:
        """What `datasets` makes a fingerprint of: without the samples, which may be very many."""
        return {"task": self.task.name, "mode": self.mode, "samples": len(self.samples)}

    def __call__(self, batch: dict[str, list[int]]) -> dict[str, list[Any]]:
        chosen = [self.samples[index] for index in batch["index"]]
        asked = [
            prompts.messages(self.task, each, self.mode, frame_of(self.loaded, each))
            for each in chosen
        ]
        made: dict[str, list[Any]] = {"index": batch["index"], "prompt": asked}
        if self.has_media:
            made["images"] = [[load_image(medium) for medium in each.media] for each in chosen]
        return made


def _equal_groups(totals: Sequence[float | None], size: int) -> list[bool]:
    """Per row: are all totals of its group that there are equal, so that it gives no signal?"""
    groups = [totals[start : start + size] for start in range(0, len(totals), size)]
    return [len({*group} - {None}) <= 1 for group in groups for _ in group]


def _scored_elsewhere(**_: Any) -> list[float | None]:
    """TRL wants a reward function; `Trainer._calculate_rewards` takes its place."""
    raise NotImplementedError("the totals come from Trainer._calculate_rewards")


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


def _check_mode(recipe: Recipe) -> None:
    mode = prompts.find_mode(recipe.mode)
    if mode.prefix:
        raise UserError(
            f"mode {mode.name!r} starts every completion with {mode.prefix!r}, which training "
            f"cannot do; train in mode think, or measure with it: vlrl eval --mode {mode.name}"
        )


def _check_rows(task: Task, recipe: Recipe, rows: Sequence[Sample]) -> None:
    """Raises UserError for what would otherwise fail in the middle of a run."""
    scoring.score(
        task, rows[0], "", mode=recipe.mode, rewards=recipe.rewards, combine=recipe.combine
    )
    check_images(rows)
    bare = [sample for sample in rows if not sample.media]
    if 0 < len(bare) < len(rows):
        raise UserError(
            f"{len(bare)} of {len(rows)} samples have no picture (the first: {bare[0].id}), the "
            "others have; a run cannot mix them: train on the ones or on the others"
        )


def _check_enough(rows: Sequence[Sample], per_step: int) -> None:
    if len(rows) < per_step:
        raise UserError(
            f"there are {len(rows)} samples, fewer than the {per_step} that are asked at a time; "
            "add samples, or lower train.gradient_accumulation_steps or per_device_train_batch_size"
        )


def _check_groups(options: Mapping[str, Any]) -> None:
    """The completions of a step must make whole groups."""
    if {"generation_batch_size", "steps_per_generation"} & options.keys():
        return  # the configuration checks those itself
    defaults = {field.name: field.default for field in dataclasses.fields(GRPOConfig)}
    names = ("per_device_train_batch_size", "gradient_accumulation_steps", "num_generations")
    rows, steps, size = (options.get(name, defaults[name]) for name in names)
    processes = int(os.environ.get("WORLD_SIZE", 1))
    if (total := rows * steps * processes) % size:
        raise UserError(
            f"train: a step makes {total} completions ({names[0]} {rows} x {names[1]} {steps} x "
            f"{processes} processes), which are no whole groups of {names[2]} {size}; "
            "change one of them"
        )


def _held_out(task: Task, recipe: Recipe) -> list[Sample]:
    if recipe.data.validation is None:
        return []
    return setup.rows(task, recipe, "validation", per_step=1, steps=NUM_VALIDATION)


def _arguments(recipe: Recipe, folder: Path) -> GRPOConfig:
    options: dict[str, Any] = {
        "logging_steps": 1,
        **config.check_train_options(recipe),
        **setup.owned_options(recipe, folder),
    }
    if options.get("use_vllm"):
        raise UserError(
            "train.use_vllm: rollouts by vLLM are not in this version (TRL 1.16 sends it prompts "
            "whose picture tokens it expands a second time, trl#6401); leave it out"
        )
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
    return setup.make_arguments(GRPOConfig, options, "train")
