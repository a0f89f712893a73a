"""TRL's GRPO trainer over samples of a task: scored as everywhere else, each prompt read once.

Losses, clipping, KL, LoRA, DeepSpeed, FSDP and checkpoints stay TRL's.  What is replaced: how rows
become micro-batches, how completions are drawn, how their log-probabilities are computed (the same
numbers for a fraction of the work) and how they are scored.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from accelerate.utils import gather_object
from datasets import Dataset
from transformers import Trainer as PlainTrainer
from trl import GRPOConfig, GRPOTrainer  # type: ignore[attr-defined]  # TRL's lazy module
from trl.models.utils import unwrap_model_for_generation
from trl.trainer.utils import split_tensor_dict

from vlrl import scoring, tasks
from vlrl.config import Recipe
from vlrl.contracts import Sample, Scored, Task, UserError
from vlrl.evaluation.measure import MAX_NEW_TOKENS, Measurement, measure
from vlrl.models import Loaded
from vlrl.models.inputs import frame_of, make_prompt
from vlrl.training import contrast, rollouts, setup, vllm_rollouts
from vlrl.training.checkpoints import ExactLoading
from vlrl.training.guard import FiniteSteps
from vlrl.training.microbatches import by_group, permuted
from vlrl.training.progress import MetricsFile
from vlrl.training.questions import Questions
from vlrl.training.records import Lines, save_media
from vlrl.training.score_metrics import accuracy_by_task, score_metrics
from vlrl.training.shared_prefix import Completions, Form, Prompts, scores

log = logging.getLogger("vlrl")

MAX_REWARD_ERRORS = 0.5
"""Training stops where more of a batch's scores than this end in an error of the reward's code."""
VALIDATION_BATCH = 16  # prompts at a time, at least; as many as a training batch where it is larger


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
        self._rows: list[int] = []  # the numbers of the samples that the next forward is about
        self._shuffled: dict[int, list[Scored]] = {}
        """Sample -> scores of completions that saw its frames in another order, where asked for."""
        super().__init__(
            model=loaded.model,
            reward_funcs=_scored_elsewhere,
            args=arguments,
            train_dataset=self._dataset(samples),
            eval_dataset=self._dataset(held_out) if held_out else None,
            processing_class=loaded.processor,
            callbacks=[MetricsFile(output, phase="train"), FiniteSteps(self._sample_names)],
            peft_config=setup.peft_config(recipe, loaded),
        )
        self._tower_is_frozen = not _trains(loaded.model.get_submodule(loaded.family.vision_tower))
        self._is_sharded = self.is_fsdp_enabled or self.is_deepspeed_enabled
        if self._is_sharded:
            setup.check_alike(samples)
        self.questions = Questions(
            loaded, task, recipe.mode, samples,
            frozen=self._tower_is_frozen and not self._is_sharded,
        )  # fmt: skip
        self._unsupported: list[str] = []
        if self.use_vllm:
            self.vllm_generation: Any = vllm_rollouts.Backend(
                self.vllm_generation, banned=loaded.vision_token_ids
            )
        else:
            self._prepare_sampling()
        self._contrasts = contrast.is_asked(
            task, recipe, own_rollouts=not (self.use_vllm or self._unsupported)
        )

    def _prepare_sampling(self) -> None:
        self.generation_config.suppress_tokens = self.loaded.vision_token_ids
        self._unsupported = rollouts.unsupported(self.generation_config)
        if self.is_fsdp_enabled:  # whose pieces of the model cannot be called one by one
            self._unsupported.append("FSDP")
        if self._unsupported:
            log.warning(
                "rollouts: TRL's generator is used, several times slower, because of %s",
                ", ".join(self._unsupported),
            )

    def _sample_names(self) -> list[str]:
        """Of the latest micro-batch."""
        return [self.samples[index].id for index in self._rows]

    def _dataset(self, samples: Sequence[Sample]) -> Dataset:
        """Rows that name a sample, and hold no pixels."""
        return Dataset.from_dict({"index": range(len(samples))}).with_transform(_Rows(samples))

    def _prepare_inputs(self, generation_batch: Any) -> dict[str, Any]:
        """The next micro-batch; as TRL's, but the rows of a group stay together.

        TRL's order is drawn as ever and decides which optimizer step a row belongs to.  Inside a
        step groups are put together, those of like length side by side.
        """
        steps = self.args.steps_per_generation or 1
        if self._step % (steps * self.num_iterations) == 0 or self._buffered_inputs is None:
            made = self._generate_and_score_completions(generation_batch)
            order = torch.randperm(len(self._rows))
            per_step = math.gcd(self.args.gradient_accumulation_steps, steps)
            step_rows = per_step * self.args.per_device_train_batch_size
            order = by_group(order, self._rows, made["completion_mask"].sum(-1).cpu(), step_rows)
            made = {**permuted(made, order), "rows": [self._rows[i] for i in order]}
            self._buffered_inputs = split_tensor_dict(made, steps)
        inputs = self._buffered_inputs[self._step % steps]
        self._rows = inputs["rows"]
        return inputs

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """As ever, and first the rollouts that later steps will still learn from."""
        folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        steps = (self.args.steps_per_generation or 1) * self.num_iterations
        if self._step % steps:
            folder.mkdir(parents=True, exist_ok=True)
            kept = {"step": self._step, "inputs": self._buffered_inputs}
            torch.save(kept, folder / self._rollouts_file)
        super()._save_checkpoint(model, trial)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """As ever, and the rollouts that are still to be learnt from."""
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is None or not any(Path(checkpoint).glob("rollouts-*.pt")):
            return
        path = Path(checkpoint) / self._rollouts_file
        if not path.is_file():
            raise UserError(
                f"{checkpoint} was written by another number of processes, in the middle of their "
                "rollouts; resume with as many as before"
            )
        kept = torch.load(path, map_location=self.accelerator.device, weights_only=True)
        self._step, self._buffered_inputs = kept["step"], kept["inputs"]

    @property
    def _rollouts_file(self) -> str:
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        return f"rollouts-{rank}-of-{world}.pt"

    def _tokenize_prompts(self, prompts: list) -> tuple[list[list[int]], None, dict]:
        """Token ids of the rows' prompts; their pictures stay with `self.questions`."""
        return [self.questions[index].ids for index in self._rows], None, {}

    def _generate_single_turn(
        self, prompt_ids: list, images: Any, multimodal_fields: dict, *rest: Any, **options: Any
    ) -> tuple[list[list[int]], list[list[float]] | None]:
        """Completions of all rows, from one prefill for each run of rows of one sample.

        By vLLM, also the log-probabilities that it drew their tokens with.
        """
        if self.use_vllm:
            asked = vllm_rollouts.requests(self.questions, self._rows)
            return super()._generate_single_turn(asked, None, {}, *rest, **options)
        if self._unsupported:
            fields = self.questions.repeated(self._rows)
            return super()._generate_single_turn(prompt_ids, images, fields, *rest, **options)
        runs = [(index, len(list(rows))) for index, rows in itertools.groupby(self._rows)]
        with self.accelerator.autocast():
            prompts = self.questions.prompts([index for index, _ in runs])
        return self._drawn(prompts, [count for _, count in runs]), None

    def _drawn(self, prompts: Prompts, counts: Sequence[int]) -> list[list[int]]:
        """So many completions of each prompt."""
        with (
            unwrap_model_for_generation(
                self.model_wrapped,
                self.accelerator,
                gather_deepspeed3_params=self.args.ds3_gather_for_generation,
                gradient_checkpointing_kwargs=self.args.gradient_checkpointing_kwargs,  # type: ignore[arg-type]
            ) as model,
            torch.no_grad(),
            self._dist.summon_full_params(self.model_wrapped, recurse=False),
            self.accelerator.autocast(),
        ):
            drawing = rollouts.sampling(self.generation_config, self.eos_token_ids)
            return rollouts.generate(_bare(model), prompts, counts, drawing)

    def _draw_shuffled(self) -> dict[int, list[Scored]]:
        """Scores of the completions that the batch's videos get with their frames shuffled."""
        counts = contrast.counts(self.samples, self._rows)
        seed = f"{self.args.seed}/{self.state.global_step}"
        asked = [contrast.shuffled_frames(self.samples[index], seed) for index in counts]
        drawn = iter(
            self._drawn(self.questions.prompts_of(asked), list(counts.values())) if asked else ()
        )
        mine: dict[int, list[Scored]] = {}
        for (index, count), sample in zip(counts.items(), asked, strict=True):
            ids = list(itertools.islice(drawn, count))
            mine[index] = scoring.score_group(
                self.task,
                [sample] * count,
                self.loaded.processor.batch_decode(ids, skip_special_tokens=True),
                mode=self.recipe.mode,
                frame=frame_of(self.loaded, sample),
                truncated=[each[-1] not in self.loaded.end_token_ids for each in ids],
            )
        found: dict[int, list[Scored]] = {}
        for part in gather_object([mine]):
            for index, theirs in part.items():
                found[index] = [*found.get(index, ()), *theirs]
        return found

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        **_: Any,
    ) -> tuple[torch.Tensor, torch.Tensor | None, None]:
        """Of the completion's tokens, (rows, logits_to_keep); every prompt is read once."""
        size = max(batch_size, self.num_generations) if batch_size else len(self._rows)
        found = []
        for start in range(0, len(self._rows), size):
            chunk = slice(start, start + size)
            rows = self._rows[chunk]
            unique = list(dict.fromkeys(rows))
            owner = [unique.index(index) for index in rows]
            completions = Completions(
                owner_B=torch.tensor(owner, device=input_ids.device),
                ids_BC=input_ids[chunk, -logits_to_keep:],
                mask_BC=attention_mask[chunk, -logits_to_keep:],
            )
            with self.accelerator.autocast():
                prompts = self.questions.prompts(unique)
                backbone = _bare(self.accelerator.unwrap_model(model)).model
                found.append(scores(model, backbone, prompts, completions, self._form(model)))
        logps = torch.cat([each for each, _ in found])
        entropies = torch.cat([each for _, each in found]) if compute_entropy else None
        return logps, entropies, None

    def _form(self, model: Any) -> Form:
        """`cached` wherever the model may be called piece by piece."""
        bare = _bare(self.accelerator.unwrap_model(model))
        name = "is_activation_checkpointing"  # what transformers 5.17 calls gradient checkpointing
        checkpoints = getattr(bare, name if hasattr(bare, name) else "is_gradient_checkpointing")
        wrapped = self._is_sharded or (torch.is_grad_enabled() and self.args.world_size > 1)
        return "packed" if wrapped or (checkpoints and torch.is_grad_enabled()) else "cached"

    def _calculate_rewards(
        self, inputs: list, prompts: list, completions: list, completion_ids_list: list
    ) -> torch.Tensor:
        """One column of totals (rows of all processes, 1); NaN where a row gives no signal."""
        ends = self.loaded.end_token_ids
        rows = [
            {
                "index": row["index"],
                "completion": completion,
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
        habits = [
            scoring.habit_of(
                self.task, self.samples[row["index"]], row["completion"], self.recipe.mode
            )
            for row in rows
        ]
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
            shuffled=self._shuffled.get(rows[0]["index"]),
            step=self.state.global_step,
            progress=self.state.global_step / max(self.state.max_steps, 1),
        )

    def _log_scores(self) -> None:
        """What the scores say, into TRL's metrics of the step."""
        scores = [row["scored"] for row in self._batch]
        found = score_metrics(
            scores,
            tasks=[self.samples[row["index"]].task for row in self._batch],
            habits=[row["habit"] for row in self._batch],
            known_habits=[habit.name for habit in self.task.habits],
            several=len(tasks.apart(self.task)) > 1,
        )
        for name, value in found.items():
            self._metrics["train"][name].append(value)
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
        self._rows = [row["index"] for row in inputs]
        self.questions.keep(self._rows)
        if self._contrasts:
            self._shuffled = self._draw_shuffled()
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
                    "task": sample.task, "group": place // self.num_generations,
                    "index": place % self.num_generations, "mode": self.recipe.mode,
                    "prompt": prompt_text, "media": media, "target": sample.target,
                    "kind": sample.kind or self.task.of(sample).kind,
                    "image_size": sample.image_size,
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
        records: list[dict[str, Any]] = []
        result = self.measure_held_out(records.extend)
        metrics = {"eval_accuracy": result.score}
        shown = {
            "validation/accuracy": result.score, "validation/low": result.low,
            "validation/high": result.high, "validation/n": result.n,
            **self._by_task(records),
        }  # fmt: skip
        PlainTrainer.log(self, shown | metrics)  # TRL's would add the training metrics so far
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def _by_task(self, records: Sequence[dict[str, Any]]) -> dict[str, float]:
        found = accuracy_by_task(records) if len(tasks.apart(self.task)) > 1 else {}
        return {f"validation/{name}": mean for name, mean in found.items()}

    def measure_held_out(
        self, keep: Callable[[list[dict[str, Any]]], None] = lambda records: None
    ) -> Measurement:
        model = self.accelerator.unwrap_model(self.model)
        was_training = model.training
        model.eval()
        result = measure(
            dataclasses.replace(self.loaded, model=model), self.task, self.held_out,
            mode=self.recipe.mode, benchmark="validation", quiet=True, keep=keep,
            batch_size=max(VALIDATION_BATCH, self.args.per_device_train_batch_size),
            max_new_tokens=self.args.max_completion_length or MAX_NEW_TOKENS,
        )  # fmt: skip
        model.train(was_training)
        return result


class _Rows:
    """Numbers of samples -> what TRL asks of a row; token ids and pictures are made later, once."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples

    def __getstate__(self) -> dict[str, Any]:
        """What `datasets` makes a fingerprint of: without the samples, which may be very many."""
        return {"samples": len(self.samples)}

    def __call__(self, batch: dict[str, list[int]]) -> dict[str, list[Any]]:
        asked = [self.samples[index].question for index in batch["index"]]
        return {"index": batch["index"], "prompt": asked}


def _equal_groups(totals: Sequence[float | None], size: int) -> list[bool]:
    """Per row: are all totals of its group that there are equal, so that it gives no signal?"""
    groups = [totals[start : start + size] for start in range(0, len(totals), size)]
    return [len({*group} - {None}) <= 1 for group in groups for _ in group]


def _bare(model: Any) -> Any:
    """The model below its adapters."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _trains(module: torch.nn.Module) -> bool:
    return any(weight.requires_grad for weight in module.parameters())


def _scored_elsewhere(**_: Any) -> list[float | None]:
    """TRL wants a reward function; `Trainer._calculate_rewards` takes its place."""
    raise NotImplementedError("the totals come from Trainer._calculate_rewards")
