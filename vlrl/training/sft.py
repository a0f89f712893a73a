"""Warm start: supervised fine-tuning on worked solutions.

GRPO chooses among ways of answering that the model has; here it gets them.  A sample's completion
is its own `reasoning` with the ideal answer, or is written in one of its task's habits, drawn in
the shares that the recipe states (`sft: {habits: {guess: 0.6, places: 0.4}}`).
Run with: vlrl sft RECIPE
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch
from transformers import Trainer, TrainingArguments

from vlrl import config, prompts, tasks
from vlrl.config import Recipe
from vlrl.contracts import Sample, Task, UserError
from vlrl.models import Loaded
from vlrl.models.inputs import Prompt, batch, encode, make_prompt
from vlrl.training import setup
from vlrl.training.checkpoints import ExactLoading
from vlrl.training.progress import MetricsFile, ProgressBar

log = logging.getLogger("vlrl")

IGNORED = -100  # label of tokens without loss
WARM_START = "warm_start"  # the folder of the result, inside the run's


def run(recipe: Recipe, model: str | None = None, result: str = WARM_START) -> Path:
    """Train and return the folder of the model, `<output>/<result>`.

    `model` takes the place of the recipe's.  Resumes where it was interrupted; does nothing where
    the result is there already.
    """
    output = Path(recipe.output or "runs/sft")
    if (output / result / "config.json").is_file():
        log.info("warm start: %s is there already; delete it to train again", output / result)
        return output / result
    task = tasks.find(recipe.task)
    arguments = _arguments(recipe, output / "checkpoints" / result)
    rows = setup.rows(
        task, recipe, "train", per_step=setup.rows_per_step(arguments), steps=arguments.max_steps
    )
    _check_habits(task, recipe)
    phase = "sft" if result == WARM_START else result
    loaded = setup.load_model(recipe, model)
    if result == WARM_START:
        setup.write_recipe(recipe, output)
    trainer = SftTrainer(
        model=loaded.model,
        args=arguments,
        train_dataset=rows,  # type: ignore[arg-type]  # a list of samples is a map-style data set
        data_collator=Collator(loaded, task, recipe),
        callbacks=[MetricsFile(output, phase), ProgressBar(result)],
    )
    setup.train(trainer, output, phase)
    setup.save_model(trainer, loaded, output / result)
    return output / result


class SftTrainer(ExactLoading, Trainer):
    """transformers' trainer; the loss is the mean cross-entropy of the completions' tokens."""


class Collator:
    """Samples -> model inputs with labels on the completion only."""

    def __init__(self, loaded: Loaded, task: Task, recipe: Recipe) -> None:
        self.loaded, self.task, self.recipe = loaded, task, recipe

    def __call__(self, samples: Sequence[Sample]) -> dict[str, torch.Tensor]:
        pairs = [self.example(sample) for sample in samples]
        encoded = encode(self.loaded, [prompt.text for prompt, _ in pairs], samples)
        end = self.loaded.tokenizer.eos_token
        written = self.loaded.tokenizer([completion + end for _, completion in pairs])["input_ids"]
        rows = [
            [*prompt, *completion] for prompt, completion in zip(encoded.ids, written, strict=True)
        ]
        inputs = batch(self.loaded, rows, encoded.vision, side="right")
        labels_BL = torch.full_like(inputs["input_ids"], IGNORED)
        for row, (prompt, completion) in enumerate(zip(encoded.ids, written, strict=True)):
            labels_BL[row, len(prompt) : len(prompt) + len(completion)] = torch.tensor(completion)
        return {**inputs, "labels": labels_BL}

    def example(self, sample: Sample) -> tuple[Prompt, str]:
        """The prompt of a sample and the completion to learn."""
        rng = Random(f"example/{self.recipe.seed}/{sample.id}")
        modes = self.recipe.sft.get("modes") or {self.recipe.mode: 1.0}
        mode = draw(modes, rng)
        prompt = make_prompt(self.loaded, self.task, sample, mode)
        thinking, answer = self._solution(sample, prompt, rng)
        text = prompts.write_completion(mode, thinking, answer)
        return prompt, text.removeprefix(prompts.MODES[mode].prefix)

    def _solution(self, sample: Sample, prompt: Prompt, rng: Random) -> tuple[str, str]:
        ideal = self.task.ideal(sample, prompt.frame)
        if not any(set(shape) - {"answer"} for shape in prompts.MODES[prompt.mode].shape):
            return "", ideal  # the mode has no place for it
        if self.recipe.habits:
            habit = draw(self.recipe.habits, rng)
            return next(each for each in self.task.habits if each.name == habit).write(sample)
        if sample.reasoning is None:
            raise UserError(
                f"sample {sample.id} has no worked solution to learn from; choose data with one, "
                "or state ways of writing it: sft: {habits: {NAME: SHARE}}"
            )
        return sample.reasoning, ideal


def draw(shares: Mapping[str, float], rng: Random) -> str:
    """One of the names, each as likely as its share of the sum."""
    point = rng.random() * sum(shares.values())
    for name, share in shares.items():
        point -= share
        if point < 0:
            return name
    return name


def _check_habits(task: Task, recipe: Recipe) -> None:
    known = [habit.name for habit in task.habits]
    for name in recipe.habits:
        if name not in known:
            raise UserError(
                f"sft.habits.{name}: task {task.name} has the habits {', '.join(known) or 'none'}"
            )


def _arguments(recipe: Recipe, folder: Path) -> TrainingArguments:
    options: dict[str, Any] = {
        "logging_steps": 10,
        "save_steps": 200,
        **config.check_sft_options(recipe),
        **setup.owned_options(recipe, folder),
    }
    names = {field.name for field in dataclasses.fields(TrainingArguments)}
    return TrainingArguments(**{key: value for key, value in options.items() if key in names})
