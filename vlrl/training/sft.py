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

import torch
from transformers import Trainer, TrainingArguments

from vlrl import config, prompts, tasks
from vlrl.config import Recipe
from vlrl.contracts import Habit, Sample, Task, UserError
from vlrl.models import Loaded
from vlrl.models.inputs import Encoded, Prompt, batch, encode, make_prompt
from vlrl.training import setup
from vlrl.training.checkpoints import ExactLoading
from vlrl.training.progress import MetricsFile

log = logging.getLogger("vlrl")

IGNORED = -100  # label of tokens without loss
WARM_START = "warm_start"  # the folder of the result, inside the run's


def run(recipe: Recipe, model: str | None = None, result: str = WARM_START) -> Path:
    """Train and return the folder of the model, `<output>/<result>`.

    `model` takes the place of the recipe's.  Resumes where it was interrupted; does nothing where
    the result is there already.
    """
    output = Path(recipe.output or "runs/sft")
    if result == WARM_START:
        setup.check_folder(recipe, output)
    if (output / result / "config.json").is_file():
        log.info("warm start: %s is there already; delete it to train again", output / result)
        return output / result
    task = tasks.together(config.task_names(recipe))
    arguments = _arguments(recipe, output / "checkpoints" / result)
    rows = setup.rows(
        task, recipe, "train", per_step=setup.rows_per_step(arguments), steps=arguments.max_steps
    )
    _check_solutions(task, recipe, rows)
    phase = "sft" if result == WARM_START else result
    whole = dataclasses.replace(recipe, lora=None)  # adapters are for GRPO
    loaded = setup.load_model(whole, model)
    if result == WARM_START:
        setup.write_recipe(recipe, output)
    trainer = SftTrainer(
        model=loaded.model,
        args=arguments,
        processing_class=loaded.processor,
        train_dataset=rows,  # type: ignore[arg-type]  # a list of samples is a map-style data set
        data_collator=Collator(loaded, task, recipe),
        callbacks=[MetricsFile(output, phase)],
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
        encoded, completions = setup.by_name(self._encoded, samples)
        end = self.loaded.tokenizer.eos_token
        written = self.loaded.tokenizer([each + end for each in completions])["input_ids"]
        rows = [
            [*prompt, *completion] for prompt, completion in zip(encoded.ids, written, strict=True)
        ]
        inputs = batch(self.loaded, rows, encoded.vision, side="right")
        labels_BL = torch.full_like(inputs["input_ids"], IGNORED)
        for row, (prompt, completion) in enumerate(zip(encoded.ids, written, strict=True)):
            labels_BL[row, len(prompt) : len(prompt) + len(completion)] = torch.tensor(completion)
        return {**inputs, "labels": labels_BL}

    def _encoded(self, samples: Sequence[Sample]) -> tuple[Encoded, list[str]]:
        """The prompts as the model takes them, and the completions to learn."""
        pairs = [self.example(sample) for sample in samples]
        encoded = encode(self.loaded, [prompt.text for prompt, _ in pairs], samples)
        return encoded, [completion for _, completion in pairs]

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
        if not _has_place_for_thinking(prompt.mode):
            return "", ideal
        if self.recipe.habits:
            habit = draw(self.recipe.habits, rng)
            return _find_habit(self.task, habit).write(sample)
        return sample.reasoning or "", ideal


def draw(shares: Mapping[str, float], rng: Random) -> str:
    """One of the names, each as likely as its share of the sum."""
    return rng.choices(list(shares), weights=list(shares.values()))[0]


def _has_place_for_thinking(mode: str) -> bool:
    return any(set(shape) - {"answer"} for shape in prompts.find_mode(mode).shape)


def _find_habit(task: Task, name: str) -> Habit:
    known = {habit.name: habit for habit in task.habits}
    if name not in known:
        raise UserError(
            f"sft.habits.{name}: task {task.name} has the habits {', '.join(known) or 'none'}"
        )
    return known[name]


def _check_solutions(task: Task, recipe: Recipe, rows: Sequence[Sample]) -> None:
    """Raises UserError where there is nothing to learn from, before a model is loaded."""
    for name in recipe.habits:
        try:
            _find_habit(task, name).write(rows[0])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise UserError(
                f"sft.habits.{name}: sample {rows[0].id} cannot be answered in it ({error!r}); "
                "choose other habits or other data"
            ) from error
    modes = recipe.sft.get("modes") or {recipe.mode: 1.0}
    for mode in modes:
        prompts.find_mode(mode)
    if recipe.habits or not any(map(_has_place_for_thinking, modes)):
        return
    bare = next((row for row in rows if row.reasoning is None), None)
    if bare is not None:
        raise UserError(
            f"sample {bare.id} has no worked solution to learn from; choose data with one, "
            "or state ways of writing it: sft: {habits: {NAME: SHARE}}"
        )


def _arguments(recipe: Recipe, folder: Path) -> TrainingArguments:
    options = {
        "logging_steps": 10,
        "save_steps": 200,
        **config.check_sft_options(recipe),
        **setup.owned_options(recipe, folder),
    }
    return setup.make_arguments(TrainingArguments, options, "sft")
