"""How often a picture is decoded, processed and encoded in GRPO, against TRL's own trainer.

Runs of two generation batches, each learnt from twice, with old and reference log-probabilities.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lengths_runs import GROUP, TASK, recipe, rollouts, samples
from stock import stock_trainer
from transformers import PrinterCallback
from trl import GRPOTrainer

from vlrl.media import ImageOnDemand
from vlrl.models import inputs
from vlrl.training import grpo, setup
from vlrl.training.trainer import Trainer

TRAIN = {"num_iterations": 2, "max_steps": 4, "beta": 0.1}
NUM_GENERATIONS = 2  # batches of completions that those steps learn from

pytestmark = pytest.mark.slow


def patches(trainer: GRPOTrainer) -> dict[bool, int]:
    """Trains; how many patches went through the towers, by whether a gradient was wanted."""
    found = {True: 0, False: 0}

    def note(_: Any, given: Any) -> None:
        found[torch.is_grad_enabled()] += len(given[0])

    models: list[Any] = [trainer.model, trainer.ref_model]
    for model in models:
        model.model.visual.register_forward_pre_hook(note)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return found


def ours(output: Path, **changes: Any) -> Trainer:
    made = recipe(output, TRAIN, **changes)
    arguments = grpo.arguments(made, output / "checkpoints")
    rows = samples("pictures:12")
    return Trainer(setup.load_model(made), TASK, made, arguments, rows, [], output)


def asked_about(output: Path) -> list[str]:
    """The samples of a run, once for each of its batches of completions."""
    steps: dict[int, dict[str, None]] = {}
    for row in rollouts(output):
        steps.setdefault(row["step"], {})[row["sample"]] = None
    return [name for names in steps.values() for name in names]


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, int]:
    made = recipe(tmp_path_factory.mktemp("stock"), TRAIN)
    return patches(stock_trainer(made, samples("pictures:12")))


def test_the_tower_that_trains_sees_one_group_member_in_place_of_all(
    stock: dict[bool, int], tmp_path: Path
) -> None:
    found = patches(ours(tmp_path))
    assert min(found.values()) > 0
    assert {grad: GROUP * num for grad, num in found.items()} == stock


def test_a_frozen_tower_sees_each_sample_once_and_no_policy_pass(
    stock: dict[bool, int], tmp_path: Path
) -> None:
    trainer = ours(tmp_path, freeze_vision=True)
    sizes = {each.id: num_patches(trainer, each) for each in trainer.samples}
    found = patches(trainer)
    once = sum(sizes[name] for name in asked_about(tmp_path))
    assert found == {True: 0, False: once}
    # stock: rollout, old and reference pass about all completions; ours in place of all three
    assert stock[False] == 3 * GROUP * once


def num_patches(trainer: Trainer, sample: Any) -> int:
    assert sample.image_size is not None
    t, h, w = inputs.grid_of(trainer.loaded, sample.image_size)
    return t * h * w


def test_a_sample_is_decoded_and_processed_once_in_a_batch_of_completions(
    tmp_path: Path, monkeypatch: Any
) -> None:
    trainer = ours(tmp_path)
    decoded: list[str] = []
    trainer.samples = [counted(each, tmp_path, decoded) for each in samples("pictures:12")]
    trainer.questions.samples = trainer.samples
    processed: list[int] = []
    processor = type(trainer.loaded.processor)
    call: Callable[..., Any] = processor.__call__

    def spy(self: Any, **given: Any) -> Any:
        processed.append(len(given["images"]))
        return call(self, **given)

    monkeypatch.setattr(processor, "__call__", spy)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    asked = asked_about(tmp_path)
    assert len(asked) == len(set(asked)) == 2 * NUM_GENERATIONS
    assert sorted(decoded) == sorted(asked)
    assert processed == [1] * len(asked)


def counted(sample: Any, folder: Path, decoded: list[str]) -> Any:
    """The sample with a picture that notes when it is decoded, and that no cache knows."""
    [medium] = sample.media

    def make() -> Any:
        decoded.append(sample.id)
        return medium.open()

    return sample.with_(media=(ImageOnDemand(f"{folder}/{sample.id}", make),))
