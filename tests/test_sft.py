"""Warm start: what is learnt from, the loss, and runs that stop and go on."""

import dataclasses
import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from lengths_runs import LENGTHS, assert_equal, interrupted_at, metrics, weights
from transformers import TrainingArguments

from vlrl import models, prompts, tasks
from vlrl.config import Data, Recipe
from vlrl.contracts import Sample, Source, UserError
from vlrl.media import ImageFile
from vlrl.models import Loaded
from vlrl.training import sft

pytestmark = pytest.mark.slow

OPTIONS = {
    "per_device_train_batch_size": 2, "gradient_accumulation_steps": 2, "learning_rate": 2e-3,
    "logging_steps": 1, "max_steps": 6, "save_steps": 2, "weight_decay": 0.1,
}  # fmt: skip


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return models.load("tiny")


def recipe(output: Path, **changes: Any) -> Recipe:
    plain = Recipe(
        task=LENGTHS, data=Data(train="pictures:24"), sft=OPTIONS, output=str(output), seed=3
    )
    return dataclasses.replace(plain, **changes)


def samples(task: str, spec: str, count: int) -> list[Sample]:
    source = Source(spec=spec, take=f"first:{count}")
    return list(tasks.samples(tasks.find(task), source))


def collator(loaded: Loaded, task: str = LENGTHS, **changes: Any) -> sft.Collator:
    return sft.Collator(loaded, tasks.find(task), recipe(Path(), task=task, **changes))


def test_labels_are_the_completion_and_its_end_token(loaded: Loaded) -> None:
    rows = samples(LENGTHS, "mixed:3", 3)
    inputs = collator(loaded)(rows)
    for row, labels, ids, mask in zip(
        rows, inputs["labels"], inputs["input_ids"], inputs["attention_mask"], strict=True
    ):
        learnt = labels[labels != sft.IGNORED]
        answer = "abc" if row.target else "ab"
        expected = f"<think>{row.reasoning}</think><answer>{answer}</answer><|im_end|>"
        assert loaded.tokenizer.decode(learnt) == expected
        whole = ids[mask.bool()]
        assert torch.equal(whole[-len(learnt) :], learnt)
        assert loaded.tokenizer.decode(whole[: -len(learnt)]).endswith("<|im_start|>assistant\n")
        assert (labels == sft.IGNORED).sum() == len(labels) - len(learnt)


def test_a_picture_that_cannot_be_read_names_its_sample(loaded: Loaded, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    rows = samples(LENGTHS, "pictures:3", 3)
    rows[1] = rows[1].with_(media=(ImageFile(tmp_path / "cut.png"),))
    with pytest.raises(UserError, match=r"sample pictures/1: .*cut\.png.*run the same command"):
        collator(loaded)(rows)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("direct", "<answer>ab</answer>"),
        ("vanilla", "ab"),
        ("observe", "<observe>{reasoning}</observe><answer>ab</answer>"),
        ("answer_first", "<answer>ab</answer><reason>{reasoning}</reason>"),
        ("caption", " {reasoning}</think><answer>ab</answer>"),  # the prefix is in the prompt
    ],
)
def test_the_worked_solution_stands_where_the_mode_has_a_place_for_it(
    mode: str, expected: str, loaded: Loaded
) -> None:
    [row] = samples(LENGTHS, "pictures:1", 1)
    prompt, completion = collator(loaded, mode=mode).example(row)
    assert completion == expected.format(reasoning=row.reasoning)
    assert prompt.text.endswith("<|im_start|>assistant\n" + prompts.MODES[mode].prefix)


def test_the_loss_is_the_mean_cross_entropy_of_the_completions_tokens(
    loaded: Loaded, tmp_path: Path
) -> None:
    inputs = collator(loaded)(samples(LENGTHS, "pictures:3", 3))
    total, count = cross_entropy(loaded, inputs)
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True, report_to="none")
    loss = sft.SftTrainer(model=loaded.model, args=arguments).compute_loss(loaded.model, inputs)
    assert loss.item() == pytest.approx(total / count, abs=1e-5)


@torch.no_grad()
def cross_entropy(loaded: Loaded, inputs: dict[str, torch.Tensor]) -> tuple[float, int]:
    """The sum of -log p over the labelled tokens, token by token, and their number."""
    labels_BL = inputs["labels"]
    logits_BLV = loaded.model(
        **{key: value for key, value in inputs.items() if key != "labels"}
    ).logits
    total, count = 0.0, 0
    for row, place in (labels_BL != sft.IGNORED).nonzero().tolist():
        logits_V = logits_BLV[row, place - 1].double()
        total += float(logits_V.exp().sum().log() - logits_V[labels_BL[row, place]])
        count += 1
    return total, count


@pytest.mark.slow
def test_the_logged_loss_is_the_mean_over_all_tokens_of_a_step(
    loaded: Loaded, tmp_path: Path
) -> None:
    once = recipe(tmp_path, data=Data(train="pictures:4"), sft={**OPTIONS, "max_steps": 1})
    sft.run(once)
    total, count = cross_entropy(loaded, collator(loaded)(samples(LENGTHS, "pictures:4", 4)))
    [record] = metrics(tmp_path)
    assert record["loss"] == pytest.approx(total / count, abs=1e-4)
    assert (record["step"], record["phase"]) == (1, "sft")


@pytest.mark.parametrize(
    "shares", [{"guess": 0.6, "colours": 0.25, "places": 0.15}, {"a": 3.0, "b": 0.0, "c": 1.0}]
)
def test_habits_are_drawn_in_the_stated_shares(shares: dict[str, float]) -> None:
    num_drawn = 2000
    drawn = Counter(sft.draw(shares, Random(f"{index}")) for index in range(num_drawn))
    expected = {name: num_drawn * share / sum(shares.values()) for name, share in shares.items()}
    assert all(drawn[name] == 0 for name, number in expected.items() if not number)
    chi_square = sum((drawn[name] - each) ** 2 / each for name, each in expected.items() if each)
    assert chi_square < 13.8  # exceeded once in 1,000 with two degrees of freedom


def test_examples_are_written_in_habits_of_the_stated_shares(loaded: Loaded) -> None:
    task = tasks.find("counting")
    maker = collator(loaded, "counting", sft={"habits": {"guess": 3.0, "places": 1.0}})
    rows = samples("counting", "world:counting", 200)
    texts = [maker.example(row)[1] for row in rows]
    shown = Counter(habit.name for text in texts for habit in task.habits if habit.shows(text[7:]))
    assert shown.total() == 200
    assert 130 <= shown["guess"] <= 170
    assert texts == [maker.example(row)[1] for row in rows]  # in every epoch the same


def test_modes_are_mixed_in_the_stated_shares(loaded: Loaded) -> None:
    maker = collator(loaded, sft={"modes": {"think": 1.0, "direct": 1.0}})
    texts = [maker.example(row)[1] for row in samples(LENGTHS, "text:200", 200)]
    assert 70 <= sum(text.startswith("<answer>") for text in texts) <= 130


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sft": {"habits": {"dance": 1}}}, "sft.habits.dance: task lengths has the habits none"),
        ({"sft": {"learning_rat": 1}}, "did you mean 'learning_rate'"),
        ({"task": "counting", "data": Data(train="world:counting")}, "world:counting is endless"),
        (
            {"task": "counting", "data": Data(train="world:counting", take="random:5")},
            "world:counting is endless",
        ),
        (
            {"task": "counting", "data": Data(train="world:counting", take="first:5")},
            "sample counting/train/3/0 has no worked solution to learn from; .*sft: {habits:",
        ),
        (
            {
                "task": "counting",
                "data": Data(train="world:counting@digits", take="first:5"),
                "sft": {"habits": {"guess": 1, "places": 1}},
            },
            "sft.habits.places: sample counting@digits/train/3/0 cannot be answered in it",
        ),
        ({"sft": {"warmup_steps": -1}}, "^sft: "),
        ({"mode": "thinking"}, "there is no mode 'thinking'"),
    ],
)
def test_mistakes_are_named_before_a_model_loads(
    changes: dict[str, Any], message: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sft.setup, "load_model", lambda *_: pytest.fail("a model was loaded"))
    with pytest.raises(UserError, match=message):
        sft.run(recipe(tmp_path, **{"sft": {}, **changes}))


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run of six steps."""
    output = tmp_path_factory.mktemp("sft")
    sft.run(recipe(output))
    return output


def test_a_run_learns_and_leaves_a_model_that_loads(whole_run: Path) -> None:
    records = metrics(whole_run)
    assert [record["step"] for record in records] == [1, 2, 3, 4, 5, 6]
    assert records[-1]["loss"] < records[0]["loss"] - 0.5
    assert {"phase", "time_s", "loss", "learning_rate", "grad_norm"} <= records[0].keys()
    trained = models.load(str(whole_run / "warm_start"))
    saved = weights(whole_run / "checkpoints" / "warm_start" / "checkpoint-6")
    assert_equal(weights(whole_run / "warm_start"), saved)
    assert trained.model.dtype == torch.float32
    assert not (whole_run / "warm_start" / "training_args.bin").exists()


def test_a_finished_run_is_not_done_again(whole_run: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(sft.setup, "load_model", lambda *_: pytest.fail("a model was loaded"))
    assert sft.run(recipe(whole_run)) == whole_run / "warm_start"


@pytest.mark.slow
def test_an_interrupted_run_ends_as_an_uninterrupted_one(whole_run: Path, tmp_path: Path) -> None:
    with interrupted_at(5):
        sft.run(recipe(tmp_path))
    assert [record["step"] for record in metrics(tmp_path)] == [1, 2, 3, 4, 5]
    assert not (tmp_path / "warm_start").exists()
    half = tmp_path / "checkpoints" / "warm_start" / "checkpoint-5"  # killed while it was written
    half.mkdir()
    sft.run(recipe(tmp_path))
    assert_equal(weights(tmp_path / "warm_start"), weights(whole_run / "warm_start"))
    assert logged(tmp_path) == logged(whole_run)


def logged(run: Path) -> list[list[float]]:
    keys = ("step", "loss", "learning_rate", "grad_norm")
    return [[record[key] for key in keys] for record in metrics(run)]


def test_checkpoints_load_as_they_were_saved(loaded: Loaded, whole_run: Path) -> None:
    folder = whole_run / "checkpoints" / "warm_start" / "checkpoint-4"
    model = models.load("tiny").model
    arguments = TrainingArguments(output_dir=str(whole_run), use_cpu=True, report_to="none")
    trainer = sft.SftTrainer(model=model, args=arguments)
    expected = models.load(str(folder)).model.state_dict()
    trainer._load_from_checkpoint(str(folder))
    assert_equal(model.state_dict(), expected)
    model.load_state_dict(loaded.model.state_dict())
    trainer.state.best_model_checkpoint = str(folder)
    trainer._load_best_model()
    assert_equal(model.state_dict(), expected)


def test_the_run_says_what_it_was_made_of(whole_run: Path) -> None:
    text = (whole_run / "recipe.yaml").read_text()
    assert "pictures:24" in text
    assert "learning_rate: 0.002" in text
    state = whole_run / "checkpoints" / "warm_start" / "checkpoint-6" / "trainer_state.json"
    assert json.loads(state.read_text())["global_step"] == 6
    kept = sorted(path.name for path in state.parent.parent.glob("checkpoint-*"))
    assert kept == ["checkpoint-4", "checkpoint-6"]


def test_a_reporter_that_does_not_exist_stops_before_a_model_loads(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no 'tensorbord'"):
        sft.run(recipe(tmp_path / "run", report_to=("tensorbord",)))
    assert not (tmp_path / "run" / "recipe.yaml").exists()
