"""What the warm start and GRPO share: rows, model, recipe on disk, resuming, saving."""

from __future__ import annotations

import dataclasses
import json
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from accelerate import PartialState
from transformers import PrinterCallback, Trainer, TrainingArguments, set_seed

from vlrl import config, tasks
from vlrl.config import Recipe
from vlrl.contracts import Sample, Task, UserError
from vlrl.media import UnreadableMedia
from vlrl.models import Loaded, load
from vlrl.models.inputs import prompt_lengths
from vlrl.nearest import did_you_mean
from vlrl.training.checkpoints import last_complete
from vlrl.training.progress import ProgressBar
from vlrl.training.records import Lines

log = logging.getLogger("vlrl")
Arguments = TypeVar("Arguments", bound=TrainingArguments)
Made = TypeVar("Made")

REPORTERS = ("wandb", "tensorboard", "trackio")
SHOWN = 5  # examples named in a message
FREE_TO_CHANGE = ("evaluate", "save_total_limit", "report_to", "output")  # when a run goes on


def rows(
    task: Task, recipe: Recipe, role: Literal["train", "validation"], *, per_step: int, steps: int
) -> list[Sample]:
    """The samples to train on; of an endless source as many as `steps` need."""
    source = config.source(recipe, role)
    endless = tasks.is_endless(source)
    if endless and steps <= 0:
        raise UserError(
            f"{source.spec} is endless; state how much of it to train on: "
            "train.max_steps, or data: {take: 'first:1000'}"
        )
    limit = per_step * steps if endless else None
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
    """The model to train, its vision tower frozen where the recipe says so."""
    set_seed(recipe.seed)
    start = model or recipe.model
    if (Path(start) / "adapter_config.json").is_file():
        raise UserError(
            f"model {start}: these are adapters; merge them into their model, save it, and start "
            "from that"
        )
    loaded = load(
        start,
        dtype=_weights_dtype(recipe),
        min_pixels=recipe.min_pixels,
        max_pixels=recipe.max_pixels,
        sampling=recipe.video,
    )
    if recipe.freeze_vision:
        loaded.model.get_submodule(loaded.family.vision_tower).requires_grad_(False)
    return loaded


def peft_config(recipe: Recipe, loaded: Loaded) -> Any:
    """The adapters of the recipe as peft's configuration; None for training all weights."""
    if recipe.lora is None:
        return None
    from peft import LoraConfig

    named = recipe.lora.targets
    targets = [named] if isinstance(named, str) else list(named)
    return LoraConfig(
        r=recipe.lora.r,
        lora_alpha=recipe.lora.alpha,
        lora_dropout=recipe.lora.dropout,
        target_modules=loaded.family.lora_targets if named == "language" else targets,
        task_type="CAUSAL_LM",
    )


def check_alike(samples: Sequence[Sample]) -> None:
    """Raises UserError for samples that a model in pieces over several processes cannot take.

    Its processes must call the same pieces, so all samples need the same sorts of media.
    """
    found: dict[frozenset[str], str] = {}
    for sample in samples:
        found.setdefault(frozenset(medium.kind for medium in sample.media), sample.id)
    if len(found) > 1:
        named = ", ".join(
            f"{name} has {' and '.join(sorted(kinds)) or 'none'}" for kinds, name in found.items()
        )
        raise UserError(
            f"FSDP and DeepSpeed need samples with the same sorts of media: {named}; "
            "train them in separate runs, or without sharding"
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


def prompt_limit(loaded: Loaded, max_new_tokens: int) -> int:
    """Tokens that a prompt may have beside `max_new_tokens` of answer.

    Raises UserError where none are left.
    """
    context = loaded.config.get_text_config().max_position_embeddings
    if max_new_tokens >= context:
        raise UserError(
            f"train.max_completion_length: {max_new_tokens} tokens of answer leave no room for a "
            f"prompt in the {context} that {loaded.name} reads; lower it"
        )
    return context - max_new_tokens


def by_name(make: Callable[[Sequence[Sample]], Made], samples: Sequence[Sample]) -> Made:
    """What `make` makes of the samples; UserError names the one whose media cannot be read."""
    try:
        return make(samples)
    except UnreadableMedia as error:
        if len(samples) == 1:
            raise UserError(
                f"sample {samples[0].id}: {error}; then run the same command again"
            ) from error
        for sample in samples:
            by_name(make, [sample])
        raise


def fitting(
    loaded: Loaded, task: Task, samples: Sequence[Sample], mode: str, max_new_tokens: int
) -> list[Sample]:
    """The samples whose prompt leaves room for `max_new_tokens`.

    The others are named and left out, never cut.  Raises UserError where none is left, and for
    media that cannot be read.
    """
    limit = prompt_limit(loaded, max_new_tokens)
    lengths = by_name(lambda rows: prompt_lengths(loaded, task, rows, mode), samples)
    long = [(each, n) for each, n in zip(samples, lengths, strict=True) if n > limit]
    for sample, length in long[:SHOWN]:
        log.warning(
            "sample %s: its prompt has %d tokens, more than %d; left out", sample.id, length, limit
        )
    if long:
        log.warning(
            "%d of %d prompts do not fit and are left out; "
            "lower max_pixels or max_completion_length to keep them",
            len(long), len(samples),
        )  # fmt: skip
    if len(long) == len(samples):
        raise UserError(
            f"no prompt fits into {limit} tokens; lower max_pixels or max_completion_length"
        )
    return [each for each, n in zip(samples, lengths, strict=True) if n <= limit]


def _weights_dtype(recipe: Recipe) -> torch.dtype:
    """Weights that train are kept in float32: a step of 1e-6 is lost in bfloat16.

    Adapters train beside a bfloat16 model, and DeepSpeed keeps float32 copies of its own.
    """
    if torch.cuda.is_available() and (recipe.lora is not None or "deepspeed" in recipe.train):
        return torch.bfloat16
    return torch.float32


def make_arguments(kind: type[Arguments], options: Mapping[str, Any], where: str) -> Arguments:
    """The trainer's configuration; raises UserError where it refuses the options."""
    try:
        return kind(**options)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from error


def owned_options(recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Trainer options that follow from the rest of the recipe."""
    for name in recipe.report_to:
        if name not in REPORTERS:
            raise UserError(f"report_to: there is no {name!r}; {did_you_mean(name, REPORTERS)}")
        if find_spec(name) is None:
            raise UserError(f"report_to: {name} is not installed; pip install {name}")
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
    """The option that turns gradient checkpointing off, by its name in this transformers."""
    names = {field.name for field in dataclasses.fields(arguments)}
    new = "activation_checkpointing"
    return {new if new in names else "gradient_checkpointing": False}


def check_folder(recipe: Recipe, output: Path) -> None:
    """Raises UserError where the folder holds a run of another recipe."""
    path = output / "recipe.yaml"
    if not path.is_file():
        return
    before, now = dataclasses.asdict(config.load(str(path))), dataclasses.asdict(recipe)
    changed = [key for key in now if before[key] != now[key] and key not in FREE_TO_CHANGE]
    if changed:
        raise UserError(
            f"{output} holds a run of another recipe (other: {', '.join(changed)}); "
            "state another output=FOLDER, or delete that folder"
        )


def write_recipe(recipe: Recipe, output: Path) -> None:
    """Write the complete recipe, by one of the processes."""
    if not PartialState().is_main_process:
        return
    output.mkdir(parents=True, exist_ok=True)
    config.save(recipe, output / "recipe.yaml")


def train(trainer: Trainer, output: Path, phase: str) -> None:
    """Train from the last checkpoint where there is one.

    The run's files are cut back to its step first.
    """
    trainer.remove_callback(PrinterCallback)  # our bar and `metrics.jsonl` take its place
    bar = ProgressBar(phase)
    trainer.add_callback(bar)
    checkpoint, step = last_complete(Path(str(trainer.args.output_dir)))
    if trainer.is_world_process_zero():
        Lines(output / "metrics.jsonl").rewind(phase, step)
        if phase == "train":
            Lines(output / "rollouts.jsonl").rewind(None, step)
    if checkpoint:
        log.info("%s: resuming at step %d from %s", phase, step, checkpoint)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # between the libraries
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        finally:
            bar.close()


def save_model(trainer: Trainer, loaded: Loaded, folder: Path) -> None:
    """Weights (or adapters) and processor, as `vlrl.models.load` reads them.

    The folder is complete or not there at all.
    """
    unfinished = folder.with_name(folder.name + ".unfinished")
    trainer.save_model(str(unfinished))
    if not trainer.is_world_process_zero():
        return
    (unfinished / "training_args.bin").unlink(missing_ok=True)  # a pickle with paths of this place
    loaded.processor.save_pretrained(unfinished)
    _name_base_model(unfinished / "adapter_config.json", loaded.name)
    unfinished.rename(folder)


def _name_base_model(adapter_config: Path, name: str) -> None:
    """Let adapters belong to the model that the recipe names, not to its folder on this machine."""
    if adapter_config.is_file():
        described = json.loads(adapter_config.read_text("utf-8"))
        described["base_model_name_or_path"] = name
        adapter_config.write_text(json.dumps(described, indent=2), "utf-8")
