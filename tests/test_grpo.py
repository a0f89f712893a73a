"""GRPO: what a run writes, that it learns what plain TRL learns, and what it refuses."""

import logging
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lengths_runs import (
    GROUP,
    LORA,
    SAVED,
    TASK,
    TRAIN,
    check_advantages,
    groups,
    make_trainer,
    metrics,
    recipe,
    rollouts,
    samples,
    weights,
)
from stock import stock_trainer
from trl.data_utils import prepare_multimodal_messages
from trl.trainer.utils import nanstd

from vlrl import config, models, prompts, scoring
from vlrl.config import Data
from vlrl.contracts import PROBLEMS, UserError
from vlrl.media import load_image
from vlrl.models.inputs import frame_of
from vlrl.training import grpo, trainer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
FIELDS = {
    "step", "sample", "task", "group", "index", "mode", "prompt", "media", "target", "kind",
    "image_size", "completion", "num_tokens", "truncated", "parsed", "parts", "total",
    "advantage", "problem", "habit",
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four steps, validated every second."""
    output = tmp_path_factory.mktemp("grpo")
    data = Data(train="pictures:12", validation="pictures:3")
    grpo.run(recipe(output, {"max_steps": 4, **SAVED}, data=data, eval_every=2))
    return output


def test_every_completion_is_recorded_once(finished: Path) -> None:
    rows = rollouts(finished)
    places = [(row["step"], row["group"], row["index"]) for row in rows]
    assert places == [(s, g, i) for s in (1, 2, 3, 4) for g in (0, 1) for i in range(GROUP)]
    assert all(row.keys() == FIELDS for row in rows)
    assert {row["task"] for row in rows} == {"lengths"}
    assert {row["mode"] for row in rows} == {"vanilla"}
    assert {row["habit"] for row in rows} == {None}
    assert all(1 <= row["num_tokens"] <= 8 for row in rows)
    assert all((finished / name).is_file() for row in rows for name in row["media"])


def test_a_group_is_about_one_sample_and_its_prompt(finished: Path) -> None:
    known = {sample.id: sample for sample in samples("pictures:12")}
    seen = [group[0]["sample"] for group in groups(finished)]
    assert len(set(seen)) == 8  # within an epoch no sample comes twice
    for group in groups(finished):
        sample = known[group[0]["sample"]]
        assert {row["sample"] for row in group} == {sample.id}
        assert {row["target"] for row in group} == {sample.target}
        [prompt] = {row["prompt"] for row in group}
        assert sample.question in prompt
        assert prompt.endswith("Give only the answer.<|im_end|>\n<|im_start|>assistant\n")
        assert [len(row["media"]) for row in group] == [1] * GROUP


def test_scores_are_those_of_the_recorded_completions(finished: Path) -> None:
    known = {sample.id: sample for sample in samples("pictures:12")}
    for row in rollouts(finished):
        scored = scoring.score(
            TASK, known[row["sample"]], row["completion"], mode="vanilla",
            rewards={"accuracy": 1.0, "letters": 0.5}, truncated=row["truncated"],
        )  # fmt: skip
        assert (row["total"], row["parsed"]) == (scored.total, scored.parsed)
        assert (row["parts"], row["problem"]) == (dict(scored.parts), scored.problem)
        assert row["total"] == row["parts"]["accuracy"] + 0.5 * row["parts"]["letters"]


def test_advantages_are_the_normalised_totals_of_a_group(finished: Path) -> None:
    check_advantages(finished)


def test_metrics_are_the_means_of_the_rollouts(finished: Path) -> None:
    records = metrics(finished)
    assert [record["step"] for record in records] == [1, 2, 3, 4]
    for record in records:
        rows = [row for row in rollouts(finished) if row["step"] == record["step"]]
        assert len(rows) == 2 * GROUP

        def mean(value: Callable[[dict[str, Any]], float], rows: list = rows) -> Any:
            return pytest.approx(statistics.fmean(map(value, rows)), abs=1e-6)

        assert record["reward"] == mean(lambda row: row["total"])
        assert record["accuracy"] == mean(lambda row: row["parts"]["accuracy"])
        assert record["format"] == mean(lambda row: row["parts"]["format"])
        assert record["parts"] == {"letters": mean(lambda row: row["parts"]["letters"])}
        assert record["num_tokens"] == mean(lambda row: row["num_tokens"])
        assert record["truncated"] == mean(lambda row: row["truncated"])
        assert record["problems"].keys() == set(PROBLEMS)
        for problem, share in record["problems"].items():
            assert share == mean(lambda row, problem=problem: row["problem"] == problem)
        totals = [row["total"] for row in rows]
        assert record["reward_std"] == pytest.approx(statistics.stdev(totals), abs=1e-5)
        assert record["phase"] == "train"
        assert record["grad_norm"] > 0
        assert {"time_s", "loss", "learning_rate"} <= record.keys()


def test_held_out_samples_are_measured_every_so_many_steps(finished: Path) -> None:
    records = metrics(finished)
    assert ["validation" in record for record in records] == [False, True, False, True]
    checkpoint = finished / "checkpoints" / "train" / "checkpoint-4"
    loaded = models.load(str(checkpoint))
    loaded.model.eval()
    again = trainer.measure(
        loaded, TASK, samples("pictures:3"), mode="vanilla", benchmark="v", max_new_tokens=8,
        quiet=True,
    )  # fmt: skip
    expected = {"accuracy": again.score, "low": again.low, "high": again.high, "n": 3}
    assert records[-1]["validation"] == expected


def test_the_result_loads_and_is_not_made_again(finished: Path, monkeypatch: Any) -> None:
    loaded = models.load(str(finished / "model"))
    assert loaded.tokenizer.padding_side == "left"
    assert config.load(str(finished / "recipe.yaml")).seed == 5
    monkeypatch.setattr(grpo.setup, "load_model", lambda *_: pytest.fail("a model was loaded"))
    again = config.load(str(finished / "recipe.yaml"))
    assert grpo.run(again) == finished / "model"


def test_a_folder_holds_the_run_of_one_recipe(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(grpo.setup, "load_model", lambda *_: pytest.fail("a model was loaded"))
    config.save(recipe(tmp_path, lora=LORA), tmp_path / "recipe.yaml")
    changed = recipe(tmp_path, {"learning_rate": 0.5}, lora=LORA, save_total_limit=7, seed=6)
    with pytest.raises(UserError, match=r"another recipe \(other: train, seed\); state another"):
        grpo.run(changed)


@pytest.mark.parametrize("spec", ["pictures:4", "text:4"])
def test_prompts_are_those_of_the_chat_template(spec: str, tmp_path: Path) -> None:
    trained = make_trainer(tmp_path, spec)
    trained._rows = [2, 0, 0]
    ids, images, fields = trained._tokenize_prompts(["", "", ""])
    assert (images, fields) == (None, {})
    for found, index in zip(ids, trained._rows, strict=True):
        sample = trained.samples[index]
        asked = prompts.messages(TASK, sample, "vanilla", frame_of(trained.loaded, sample))
        pictures = [load_image(medium) for medium in sample.media]
        expected = trained.loaded.processor.apply_chat_template(
            prepare_multimodal_messages(asked, images=pictures),
            add_generation_prompt=True, tokenize=True, return_dict=True,
        )  # fmt: skip
        assert found == list(expected["input_ids"][0])


def test_rollouts_never_hold_vision_tokens(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, "pictures:4")
    suppressed = trainer.generation_config.suppress_tokens
    names = trainer.loaded.tokenizer.convert_ids_to_tokens(suppressed)
    expected = ["<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"]
    assert sorted(names) == sorted(expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("beta", "options"),
    [
        (0.0, {"optim": "sgd", "learning_rate": 0.1}),
        (0.2, {"optim": "sgd", "learning_rate": 0.1}),
        # with a smaller epsilon it divides rounding errors by their own size
        (0.2, {"optim": "adamw_torch", "learning_rate": 1e-2, "adam_epsilon": 1e-3}),
    ],
)
def test_two_steps_are_those_of_plain_trl(
    beta: float, options: dict[str, Any], tmp_path: Path, monkeypatch: Any
) -> None:
    options = {"beta": beta, **options}
    ours: dict[str, Any] = {}

    def keep(trained: trainer.Trainer, *_: Any) -> None:
        ours["history"] = trained.state.log_history
        ours["weights"] = trained.model.state_dict()

    monkeypatch.setattr(grpo.setup, "save_model", keep)
    monkeypatch.setattr(trainer.rollouts, "COMPACT_AT", 0)  # TRL draws for the ended as well
    grpo.run(recipe(tmp_path / "ours", options))
    plain = stock_trainer(recipe(tmp_path / "plain", options), samples("pictures:12"))
    plain.train()
    keys = ("loss", "reward", "reward_std", "grad_norm", "completions/mean_length", "entropy")
    for step in range(2):
        theirs = plain.state.log_history[step]
        assert theirs["loss"] == pytest.approx(ours["history"][step]["loss"], abs=1e-6)
        assert [theirs[key] for key in keys] == pytest.approx(
            [ours["history"][step][key] for key in keys], abs=1e-6, rel=1e-5
        )
    if beta:
        kl = [record["kl"] for record in metrics(tmp_path / "ours")]
        assert kl[0] == pytest.approx(0, abs=1e-6)
        assert kl[1] > 1e-4
    for name, tensor in plain.model.state_dict().items():
        torch.testing.assert_close(tensor, ours["weights"][name], atol=1e-6, rtol=0)
    moved = weights(models.tiny.build("tiny"))["model.embed_tokens.weight"]
    assert (moved - ours["weights"]["model.language_model.embed_tokens.weight"]).abs().max() > 1e-3


@pytest.mark.slow
def test_groups_of_equal_totals_have_no_advantage_at_all(tmp_path: Path) -> None:
    assert nanstd(torch.full((1, 8), 1.2), dim=1) > 0  # TRL's advantages would be 0.001
    options = {"max_steps": 1, "num_generations": 8}
    grpo.run(recipe(tmp_path, options, rewards={"always": 1.2, "letters": 0.0}))
    assert [row["total"] for row in rollouts(tmp_path)] == [1.2] * 8
    assert [row["advantage"] for row in rollouts(tmp_path)] == [0.0] * 8
    [record] = metrics(tmp_path)
    assert (record["no_signal"], record["grad_norm"], record["loss"]) == (1.0, 0.0, 0.0)


@pytest.mark.slow
def test_a_completion_without_a_score_has_no_advantage_and_shifts_no_other(tmp_path: Path) -> None:
    rewards = {"letters": 1.0, "fussy": {"weight": 0.2, "every": 4}}
    grpo.run(recipe(tmp_path, {"max_steps": 3}, rewards=rewards))
    broken = [row for row in rollouts(tmp_path) if row["problem"] == "reward_error"]
    assert 0 < len(broken) < 12
    assert all(row["parts"]["fussy"] is None for row in broken)
    for group in groups(tmp_path):
        totals = [row["total"] for row in group if row["total"] is not None]
        deviation = statistics.stdev(totals) if len(totals) > 1 else 0.0
        for row in group:
            assert (row["total"] is None) == (row["problem"] == "reward_error")
            shift = 0.0 if row["total"] is None else row["total"] - statistics.fmean(totals)
            assert row["advantage"] == pytest.approx(shift / (deviation + 1e-4), abs=1e-3)
    for record in metrics(tmp_path):
        totals = [
            row["total"]
            for row in rollouts(tmp_path)
            if row["step"] == record["step"] and row["total"] is not None
        ]
        assert record["reward"] == pytest.approx(statistics.fmean(totals), abs=1e-6)
        assert record["problems"]["reward_error"] == 1 - len(totals) / 8


@pytest.mark.slow
def test_an_unusable_target_gives_no_signal(tmp_path: Path) -> None:
    data = Data(train="unusable:2")
    grpo.run(recipe(tmp_path, {"max_steps": 1}, data=data, rewards={"accuracy": 1.0}))
    rows = [row for row in rollouts(tmp_path) if row["sample"] == "unusable/0"]
    assert {row["problem"] for row in rows} == {"target_unusable"}
    assert [(row["total"], row["parts"]["accuracy"]) for row in rows] == [(None, None)] * GROUP
    assert [row["advantage"] for row in rows] == [0.0] * GROUP
    others = [row["total"] for row in rollouts(tmp_path) if row["sample"] != "unusable/0"]
    assert metrics(tmp_path)[0]["reward"] == pytest.approx(statistics.fmean(others))


@pytest.mark.slow
def test_the_rewards_of_a_sample_itself_come_first(tmp_path: Path) -> None:
    grpo.run(recipe(tmp_path, {"max_steps": 1}, data=Data(train="own:2")))
    [record] = metrics(tmp_path)
    own = [row for row in rollouts(tmp_path) if row["sample"] == "own/1"]
    others = [row for row in rollouts(tmp_path) if row["sample"] == "own/0"]
    assert [(row["total"], row["parts"]["always"]) for row in own] == [(0.5, 1.0)] * GROUP
    letters = statistics.fmean(row["parts"]["letters"] for row in others)
    assert record["parts"] == {"always": 1.0, "letters": pytest.approx(letters)}
    assert record["no_signal"] == 0.5


def test_a_broken_reward_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"8 of 8 scores of step 1 .*this reward is broken.*resume"):
        grpo.run(recipe(tmp_path, rewards={"fussy": 1.0}))


@pytest.mark.slow
def test_a_run_without_pictures_trains(tmp_path: Path) -> None:
    grpo.run(recipe(tmp_path, {"max_steps": 1}, data=Data(train="text:4")))
    assert {tuple(row["media"]) for row in rollouts(tmp_path)} == {()}
    assert metrics(tmp_path)[0]["grad_norm"] > 0


@pytest.mark.slow
def test_a_step_without_a_finite_gradient_is_left_out(
    tmp_path: Path, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    made = make_trainer(tmp_path, "pictures:12", train={**TRAIN, "max_steps": 5})
    scores = trainer.scores
    broken = {2, 4}

    def sometimes_nan(*given: Any) -> Any:
        logps, entropies = scores(*given)
        is_broken = made.state.global_step + 1 in broken
        return logps * (float("nan") if is_broken else 1.0), entropies

    monkeypatch.setattr(trainer, "scores", sometimes_nan)
    with caplog.at_level(logging.WARNING, logger="vlrl"):
        made.train()
    said = [text for text in caplog.messages if "not finite" in text]
    assert [text.split(":")[0] for text in said] == ["step 2", "step 4"]
    assert all("pictures/" in text and "left out" in text for text in said)
    assert all(weight.isfinite().all() for weight in made.model.parameters())
    broken.update(range(10))
    again = make_trainer(tmp_path / "again", "pictures:12", train={**TRAIN, "max_steps": 5})
    made = again
    with pytest.raises(UserError, match=r"3 steps in a row; lower train\.learning_rate"):
        again.train()


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "spec"), [("caption", "pictures:4"), ("think", "mixed:4")])
def test_modes_with_a_prefix_and_mixed_batches_train(mode: str, spec: str, tmp_path: Path) -> None:
    grpo.run(recipe(tmp_path, {"max_steps": 2}, data=Data(train=spec), mode=mode))
    rows = rollouts(tmp_path)
    assert len({row["sample"] for row in rows}) == 4
    assert all(row["prompt"].endswith(prompts.find_mode(mode).prefix) for row in rows)
    assert all(record["grad_norm"] > 0 for record in metrics(tmp_path))


@pytest.mark.slow
def test_validation_is_measured_at_the_end_where_no_interval_is_stated(tmp_path: Path) -> None:
    data = Data(train="pictures:12", validation="pictures:2")
    grpo.run(recipe(tmp_path, data=data))
    assert ["validation" in record for record in metrics(tmp_path)] == [False, True]


@pytest.mark.slow
def test_metrics_of_several_steps_are_their_mean(tmp_path: Path) -> None:
    data = Data(train="pictures:12", validation="pictures:2")
    options = {"max_steps": 4, "logging_steps": 4, **SAVED}
    grpo.run(recipe(tmp_path, options, data=data, eval_every=2))
    records = metrics(tmp_path)
    assert [record["step"] for record in records] == [2, 4]
    assert records[0].keys() == {"step", "phase", "time_s", "validation"}
    rows = rollouts(tmp_path)
    assert records[1]["reward"] == pytest.approx(statistics.fmean(row["total"] for row in rows))
    for problem, share in records[1]["problems"].items():
        assert share == statistics.fmean(row["problem"] == problem for row in rows)


@pytest.mark.slow
def test_the_vision_tower_stays_as_it_is_where_it_is_frozen(tmp_path: Path) -> None:
    grpo.run(recipe(tmp_path, {"learning_rate": 1e-2}, freeze_vision=True))
    before, after = weights(models.tiny.build("tiny")), weights(tmp_path / "model")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    vision = {name for name in before if name.startswith("visual.")}
    assert len(vision) > 30
    assert changed == before.keys() - vision


@pytest.mark.parametrize(
    ("train", "changes", "message"),
    [
        ({}, {"mode": "thinking"}, "there is no mode 'thinking'"),
        ({"num_generations": 1}, {}, "a group needs at least 2 completions"),
        (
            {"num_generations": 3}, {},
            "makes 8 completions .* no whole groups of num_generations 3",
        ),
        ({"steps_per_generation": 1, "num_generations": 8}, {}, "^train: .*4.*8"),
        ({"generation_batch_size": 6}, {}, "^train: .*6.*4"),
        ({}, {"combine": "product"}, "there is no 'product'"),
        ({}, {"rewards": {"speling": 1.0}}, "there is no reward 'speling'"),
        ({}, {"data": Data()}, "names no train rows"),
        (
            {"max_steps": -1},
            {"task": "counting", "data": Data(train="world:counting"), "rewards": {"accuracy": 1}},
            "world:counting is endless; .*train.max_steps",
        ),
        ({}, {"sft": {"max_steps": 1}}, "begins with a warm start.*run `vlrl sft`"),
    ],
)  # fmt: skip
def test_mistakes_are_named_before_a_model_loads(
    train: dict[str, Any], changes: dict[str, Any], message: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(grpo.setup, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    with pytest.raises(UserError, match=message):
        grpo.run(recipe(tmp_path, train, **changes))
    assert not (tmp_path / "recipe.yaml").exists()


@pytest.mark.slow
def test_prompts_that_are_too_long_are_named_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="vlrl"):
        grpo.run(recipe(tmp_path, {"max_steps": 1}, data=Data(train="long:4")))
    assert {row["sample"] for row in rollouts(tmp_path)} == {"long/0", "long/2"}
    assert "sample long/1: its prompt has" in caplog.text
    assert "2 of 4 prompts do not fit" in caplog.text


@pytest.mark.parametrize(
    ("train", "spec", "message"),
    [
        ({"max_completion_length": 4090}, "pictures:4", "no prompt fits into 6 tokens"),
        ({}, "pictures:1", "there are 1 samples, fewer than the 2"),
        ({}, "long:2", "there are 1 samples, fewer than the 2"),
    ],
)
def test_too_few_samples_are_refused(
    train: dict[str, Any], spec: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        grpo.run(recipe(tmp_path, train, data=Data(train=spec)))
