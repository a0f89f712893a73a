"""The quickstart from end to end, as small as it goes: every stage, every file, and resuming."""

import json
from pathlib import Path

import pytest

from vlrl import quickstart

pytestmark = pytest.mark.slow

SMALL = [
    "model=tiny",
    "sft.max_steps=2",
    "sft.logging_steps=1",
    "sft.per_device_train_batch_size=4",
    "train.max_steps=2",
    "train.num_generations=4",
    "train.per_device_train_batch_size=8",
    "train.max_completion_length=8",
    "eval_every=0",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "quickstart"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quickstart, "SETS", {key: (name, 6) for key, (name, _) in SETS.items()})
        quickstart.run(seed=3, out=folder, overrides=SMALL)
    return folder


SETS = quickstart.SETS


@pytest.mark.slow
def test_summary_holds_what_machines_read(finished: Path) -> None:
    summary = json.loads((finished / "summary.json").read_text("utf-8"))
    for key in ("in_domain", "out_of_domain", "more_objects"):
        for label in ("before", "after", "sft_only"):
            assert summary[key][label].keys() == {"accuracy", "low", "high", "n", "parse_failures"}
            assert summary[key][label]["n"] == 6
    seconds = summary["seconds"]
    assert seconds.keys() >= {"warm_up", "train", "evaluate", "total"}
    parts = sum(spent for name, spent in seconds.items() if name != "total")
    assert seconds["total"] == pytest.approx(parts, abs=0.3)
    assert summary["seed"] == 3 and summary["versions"]["torch"]


@pytest.mark.slow
def test_every_stage_left_its_files(finished: Path) -> None:
    phases = [json.loads(line)["phase"] for line in (finished / "metrics.jsonl").open()]
    assert set(phases) == {"sft", "train", "sft_only"}
    assert len(list((finished / "rollouts.jsonl").open())) == 2 * 8
    assert len(list((finished / "eval").glob("*.json"))) == 12
    assert "quickstart" in (finished / "report.html").read_text("utf-8")


@pytest.mark.slow
def test_a_second_run_does_nothing_twice_and_another_seed_puts_it_aside(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quickstart, "SETS", {key: (name, 6) for key, (name, _) in SETS.items()})
    before = {key: (finished / key).read_bytes() for key in ("rollouts.jsonl", "metrics.jsonl")}
    quickstart.run(seed=3, out=finished, overrides=SMALL)
    assert {key: (finished / key).read_bytes() for key in before} == before
    quickstart.run(seed=4, out=finished, overrides=SMALL)
    aside = finished.with_name("quickstart-1")
    assert (aside / "rollouts.jsonl").read_bytes() == before["rollouts.jsonl"]
    assert json.loads((finished / "summary.json").read_text("utf-8"))["seed"] == 4
