"""Several tasks in one run: every sample is asked, read, scored and counted as its own."""

from itertools import islice
from pathlib import Path

import pytest

from vlrl import config, scoring, tasks
from vlrl.cli import main
from vlrl.contracts import Sample, Scored, Source, UserError
from vlrl.mix import Mix, MixedTask, of_task
from vlrl.prompts import messages, write_completion
from vlrl.training.score_metrics import score_metrics

SPECS = {
    "counting": "world:counting",
    "grounding": "world:grounding",
    "segmentation": "world:segmentation@masks",
    "visual_math": "world:visual_math",
    "spatial_video": "world:spatial_video",
}
TASK = tasks.together(SPECS)
SHARES = (3.0, 1.0, 1.0, 1.0, 1.0)


def mix(**changes: object) -> Mix:
    parts = tuple(Source(spec=spec, task=name) for name, spec in SPECS.items())
    return Mix(spec="all", parts=parts, shares=SHARES, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return list(islice(tasks.samples(TASK, mix()), 14))


def test_samples_come_in_the_shares_of_their_tasks(samples: list[Sample]) -> None:
    named = [sample.task for sample in samples]
    assert [named.count(name) for name in SPECS] == [6, 2, 2, 2, 2]
    assert len({sample.id for sample in samples}) == len(samples)


def test_every_sample_is_asked_and_scored_as_its_own_task_does(samples: list[Sample]) -> None:
    for sample in samples:
        own = tasks.find(sample.task)
        assert messages(TASK, sample, "think", None) == messages(own, sample, "think", None)
        ideal = write_completion("think", "So.", TASK.ideal(sample, None))
        scored = scoring.score(TASK, sample, ideal)
        assert scored == scoring.score(own, sample, ideal)
        assert scored.parts == {"accuracy": 1, "format": 1}


def test_a_mean_is_over_samples_of_all_tasks(samples: list[Sample]) -> None:
    count = next(sample for sample in samples if sample.task == "counting").with_(target=3)
    places = [sample for sample in samples if sample.task in ("grounding", "segmentation")]
    text = write_completion("think", "So.", "3")
    assert scoring.mean_accuracy(TASK, [count, *places[:3]], text) == 0.25


def test_one_task_is_no_mix_and_two_of_one_name_are_refused(tmp_path: Path) -> None:
    assert tasks.together(["counting", "counting"]).name == "counting"
    assert [task.name for task in tasks.apart(TASK)] == list(SPECS)
    assert [task.name for task in tasks.apart(tasks.find("counting"))] == ["counting"]
    with pytest.raises(UserError, match="have one name; give each its own"):
        MixedTask({"a": tasks.find("counting"), "b": tasks.find("counting")})


def test_rewards_of_a_source_are_those_of_its_rows() -> None:
    own = {"box.hit": 1.0}
    source = Source(spec="world:grounding", task="grounding", rewards=own, take="first:2")
    assert [sample.rewards for sample in tasks.samples(TASK, source)] == [own, own]


def test_the_part_of_a_mix_that_is_of_one_task() -> None:
    twice = Mix(
        spec="a + b + c",
        parts=(
            Source(spec="a", task="counting"),
            Source(spec="b", task="grounding"),
            Source(spec="c", task="counting"),
        ),
        shares=(1, 2, 3),
    )
    found = of_task(twice, "counting")
    assert isinstance(found, Mix)
    assert (found.spec, found.shares) == ("a + c", (1, 3))
    assert of_task(twice, "segmentation") is None
    assert of_task(Source(spec="a", task="counting"), "counting") is not None
    assert of_task(Source(spec="a", task="counting"), "grounding") is None


def test_metrics_are_told_by_task() -> None:
    scores = [
        Scored(total=2.0, parts={"accuracy": 1.0, "format": 1.0}, parsed=3),
        Scored(total=1.0, parts={"accuracy": 0.0, "format": 1.0}, parsed=2),
        Scored(total=None, parts={"accuracy": None, "format": 1.0}, parsed=2),
    ]
    found = score_metrics(scores, ["a", "b", "b"], [None] * 3, [], several=True)
    assert (found["accuracy"], found["accuracy/a"], found["accuracy/b"]) == (0.5, 1.0, 0.0)
    assert (found["reward/a"], found["reward/b"]) == (2.0, 1.0)
    alone = score_metrics(scores, ["a"] * 3, ["counts", None, None], ["counts"])
    assert "accuracy/a" not in alone
    assert alone["habits/counts"] == pytest.approx(1 / 3)


@pytest.mark.slow
def test_a_recipe_of_several_tasks_is_checked_by_task(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "mix.yaml"
    path.write_text(
        "task: counting\n"
        "data:\n"
        "  train:\n"
        "    - {source: 'world:counting', share: 1}\n"
        "    - {source: 'world:grounding', task: grounding, share: 1}\n"
    )
    assert config.task_names(config.load(str(path))) == ["counting", "grounding"]
    assert main(["check", str(path), "--limit", "20"]) == 0
    said = capsys.readouterr().out
    assert "counting on world:counting" in said
    assert "grounding on world:grounding" in said
    assert "picture tokens" in said
