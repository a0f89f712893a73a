"""What changes with the number of processes, or of steps for one batch of rollouts."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lengths_runs import TASK, recipe
from lengths_task import picture
from lengths_task import sample as lengths_sample
from trl import GRPOConfig

from vlrl import models
from vlrl.contracts import Sample, UserError
from vlrl.media import ImageOnDemand
from vlrl.training import grpo, setup
from vlrl.training.progress import _ours
from vlrl.training.trainer import Trainer

pytestmark = pytest.mark.slow

TEXT = lengths_sample("text", 0).with_(id="words", media=())
PICTURE = TEXT.with_(id="seen", media=(ImageOnDemand("p", lambda: picture(1, (56, 56))),))


def trainer(output: Path, samples: list[Sample], **train: Any) -> Trainer:
    made = recipe(output, train)
    arguments = grpo.arguments(made, output / "checkpoints")
    return Trainer(models.load("tiny"), TASK, made, arguments, samples, [], output)


def test_a_model_in_pieces_needs_samples_alike() -> None:
    setup.check_alike([PICTURE, PICTURE])
    with pytest.raises(UserError, match="words has none, seen has image; train them in separate"):
        setup.check_alike([TEXT, PICTURE, PICTURE])


def test_one_process_with_several_gpus_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GRPOConfig, "n_gpu", property(lambda self: 2))
    with pytest.raises(UserError, match=r"2 GPUs are visible to one process.*accelerate launch"):
        grpo.arguments(recipe(tmp_path), tmp_path)


def test_curves_of_tasks_are_kept_in_the_metrics() -> None:
    logs = {
        "accuracy/counting": 0.5,
        "reward/counting": 1.0,
        "rewards/other/mean": 3,
        "accuracy": 1,
    }
    found = _ours(logs)
    assert (found["accuracy/counting"], found["reward/counting"]) == (0.5, 1.0)
    assert "rewards/other/mean" not in found


@pytest.mark.slow
def test_rows_stay_in_their_step_where_steps_do_not_divide(tmp_path: Path) -> None:
    """Six micro-batches of rollouts, four for a step: a step ends in the middle of a batch."""
    samples = [TEXT.with_(id=str(index)) for index in range(12)]
    found = trainer(
        tmp_path, samples, num_generations=2, per_device_train_batch_size=2,
        gradient_accumulation_steps=4, steps_per_generation=6,
    )  # fmt: skip
    rows = [index for index in range(6) for _ in range(2)]
    made = {
        "completion_mask": torch.ones(12, 3, dtype=torch.long),
        "number": torch.arange(12),
    }

    def drawn(batch: Any) -> dict[str, Any]:
        found._rows = list(rows)
        return dict(made)

    found._generate_and_score_completions = drawn  # type: ignore[method-assign]
    torch.manual_seed(3)
    order = torch.randperm(12).tolist()
    torch.manual_seed(3)
    seen = []
    for step in range(6):
        found._step = step
        seen.append(found._prepare_inputs([])["number"].tolist())
    for first in range(0, 6, 2):  # pairs of micro-batches always belong to one step
        both = seen[first] + seen[first + 1]
        assert sorted(both) == sorted(order[2 * first : 2 * first + 4])


@pytest.mark.slow
def test_rollouts_of_another_number_of_processes_are_refused(tmp_path: Path) -> None:
    found = trainer(tmp_path, [PICTURE] * 4)
    (tmp_path / "rollouts-0-of-2.pt").write_bytes(b"")
    found.optimizer = found.lr_scheduler = SimpleNamespace()  # type: ignore[assignment]
    with pytest.raises(UserError, match=r"another number of processes.*as many as before"):
        found._load_optimizer_and_scheduler(str(tmp_path))
