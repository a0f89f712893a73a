"""GRPO runs that stop and go on, adapters, and runs in several processes."""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from lengths_runs import (
    GROUP,
    LORA,
    SAVED,
    assert_equal,
    check_advantages,
    interrupted_at,
    make_trainer,
    metrics,
    recipe,
    rollouts,
    weights,
)

from vlrl import config, models
from vlrl.config import Data, Lora
from vlrl.contracts import Sample
from vlrl.evaluation.measure import Measurement, summary
from vlrl.models import Loaded
from vlrl.training import grpo, trainer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
ADAPTERS = "adapter_model.safetensors"


def scripted(scores: Sequence[float]) -> Callable[..., Measurement]:
    """A measurement that finds one score after the other."""
    left = iter(scores)

    def measure(loaded: Loaded, task: Any, held_out: Sequence[Sample], **_: Any) -> Measurement:
        record = {
            "sample": held_out[0].id, "parts": {"accuracy": next(left)}, "parsed": 1, "habit": None,
            "truncated": False, "num_tokens": 1,
        }  # fmt: skip
        return summary(task, held_out, [record], mode="vanilla", benchmark="validation")

    return measure


@pytest.mark.slow
@pytest.mark.parametrize("lora", [None, LORA])
def test_the_best_checkpoint_is_kept_and_is_the_result(
    lora: Lora | None, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(trainer, "measure", scripted([0.1, 0.9, 0.3, 0.9, 0.2]))
    data = Data(train="pictures:12", validation="pictures:1")
    options = {"max_steps": 5, "learning_rate": 1e-2, **SAVED, "save_steps": 1}
    grpo.run(recipe(tmp_path, options, data=data, eval_every=1, lora=lora))
    checkpoints = tmp_path / "checkpoints" / "train"
    kept = sorted(path.name for path in checkpoints.glob("checkpoint-*"))
    assert kept == ["checkpoint-2", "checkpoint-5"]
    name = ADAPTERS if lora else "model.safetensors"
    best, latest = (weights(checkpoints / each, name) for each in kept)
    assert_equal(weights(tmp_path / "model", name), best)
    assert all(not torch.equal(best[each], latest[each]) for each in best)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lora", "train"),
    [
        (None, {}),
        (LORA, {}),
        # saved while later steps still have to learn from the same rollouts
        (None, {"steps_per_generation": 6, "save_steps": 1}),
        (None, {"num_iterations": 2, "save_steps": 1, "beta": 0.1}),
    ],
)
def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    lora: Lora | None, train: dict[str, Any], tmp_path: Path
) -> None:
    options = {"max_steps": 4, "learning_rate": 1e-2, **SAVED, **train}
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    grpo.run(recipe(whole, options, lora=lora))
    with interrupted_at(3):
        grpo.run(recipe(halved, options, lora=lora))
    assert [record["step"] for record in metrics(halved)] == [1, 2, 3]
    grpo.run(recipe(halved, options, lora=lora))
    name = ADAPTERS if lora else "model.safetensors"
    assert_equal(weights(halved / "model", name), weights(whole / "model", name))
    assert rollouts(halved) == rollouts(whole)
    assert [without_time(record) for record in metrics(halved)] == [
        without_time(record) for record in metrics(whole)
    ]


def without_time(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "time_s"}


@pytest.mark.slow
def test_adapters_are_trained_saved_and_merged_on_loading(tmp_path: Path) -> None:
    data = Data(train="pictures:12", validation="pictures:2")
    options = {"learning_rate": 1e-2, "beta": 0.1, **SAVED, "save_steps": 1}
    grpo.run(recipe(tmp_path, options, lora=LORA, data=data, eval_every=1))
    assert not (tmp_path / "model" / "model.safetensors").exists()
    merged = models.load(str(tmp_path / "model")).model.state_dict()
    base = models.load("tiny").model.state_dict()
    adapter = weights(tmp_path / "model", ADAPTERS)
    grown = {name for name in base if not torch.equal(base[name], merged[name])}
    linear = "model.language_model.layers.{}.{}.weight"
    parts = [f"self_attn.{name}_proj" for name in "qkvo"]
    parts += [f"mlp.{name}_proj" for name in ("gate", "up", "down")]
    assert grown == {linear.format(layer, part) for layer in range(3) for part in parts}
    for name in grown:
        stem = f"base_model.model.{name.removesuffix('.weight')}"
        update = adapter[f"{stem}.lora_B.weight"] @ adapter[f"{stem}.lora_A.weight"]
        torch.testing.assert_close(merged[name], base[name] + LORA.alpha / LORA.r * update)
    assert metrics(tmp_path)[1]["kl"] > 0


def test_adapters_name_the_model_they_belong_to(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, "pictures:4", lora=LORA)
    grpo.setup.save_model(trainer, trainer.loaded, tmp_path / "model")
    text = (tmp_path / "model" / "adapter_config.json").read_text()
    assert '"base_model_name_or_path": "tiny"' in text
    assert models.find_family(str(tmp_path / "model")).model_type == "qwen2_5_vl"


@pytest.mark.slow
def test_a_killed_run_goes_on_by_the_same_command(tmp_path: Path) -> None:
    output, last = tmp_path / "run", 12
    config.save(recipe(output, {"max_steps": last, **SAVED}), tmp_path / "killed.yaml")
    command = [sys.executable, "-m", "vlrl", "train", "killed.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(metrics(output)) < 5:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 5 <= len(metrics(output)) < last
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert "train: resuming at step" in done.stderr
    assert [record["step"] for record in metrics(output)] == list(range(1, last + 1))
    places = [(row["step"], row["group"], row["index"]) for row in rollouts(output)]
    assert places == [(s + 1, g, i) for s in range(last) for g in (0, 1) for i in range(GROUP)]
    models.load(str(output / "model"))


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="two processes need two GPUs, or none")
def test_two_processes_share_the_groups_of_a_step(tmp_path: Path) -> None:
    output = tmp_path / "run"
    data = Data(train="pictures:12", validation="pictures:2")
    options = {"per_device_train_batch_size": 2, **SAVED}
    config.save(recipe(output, options, data=data, eval_every=2), tmp_path / "two.yaml")
    launcher = ["torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    subprocess.run(
        [sys.executable, "-m", *launcher, "-m", "vlrl", "train", "two.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "VLRL_HOME": str(tmp_path / "home")},
        capture_output=True,
        check=True,
    )
    check_advantages(output)
    places = [(row["step"], row["group"], row["index"]) for row in rollouts(output)]
    assert places == [(s, g, i) for s in (1, 2) for g in (0, 1) for i in range(GROUP)]
    assert len({row["sample"] for row in rollouts(output)}) == 4
    for record in metrics(output):
        totals = [row["total"] for row in rollouts(output) if row["step"] == record["step"]]
        assert record["reward"] == pytest.approx(statistics.fmean(totals), abs=1e-6)
    assert metrics(output)[-1]["validation"]["n"] == 2
    models.load(str(output / "model"))
