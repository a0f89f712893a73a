"""What a benchmark publishes: means of groups, rewards beside accuracy, and their intervals."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from answering import answer_with, ideal

from vlrl import tasks
from vlrl.contracts import Benchmark, Sample, Source, Task, UserError
from vlrl.data.grounding import Grounding
from vlrl.data.spatial_video import SpatialVideo
from vlrl.evaluation import evaluate
from vlrl.evaluation.measure import Measurement, commonest_score, summary
from vlrl.evaluation.metrics import (
    bootstrap_interval,
    find_metric,
    grouped,
    mean_of_means,
    shares,
)
from vlrl.models.inputs import Prompt
from vlrl.training.records import Lines

pytestmark = pytest.mark.slow

LENGTHS = tasks.find(str(Path(__file__).with_name("lengths_task.py")))
SAMPLES = Path(__file__).resolve().parent.parent / "data" / "samples"
VSI = find_metric(SpatialVideo(), "mean:group/subtask")
CV_BENCH = find_metric(SpatialVideo(), "mean:type/source")


def rows(**metas: tuple[str, ...]) -> list[Sample]:
    """Samples called by the keywords, with these values for the keys a, b ..."""
    return [
        Sample(
            id=name, task="lengths", question="?", target=0, meta=dict(zip("ab", at, strict=False))
        )
        for name, at in metas.items()
    ]


def records(part: str, **values: float | None) -> list[dict[str, Any]]:
    return [
        {
            "sample": name, "parts": {"accuracy": 1.0, part: value}, "parsed": 1, "habit": None,
            "problem": "none", "truncated": False, "num_tokens": 1,
        }
        for name, value in values.items()
    ]  # fmt: skip


def published(folder: str) -> list[Sample]:
    source = Source(spec=str(SAMPLES / folder), role="test")
    return list(tasks.samples(SpatialVideo(), source))


def test_vsi_bench_is_the_mean_of_eight_of_which_one_is_of_three() -> None:
    found = shares({VSI.group(sample) for sample in published("vsi_bench")})
    names = [f"object_rel_direction_{level}" for level in ("easy", "medium", "hard")]
    levels = [found.pop(("object_rel_direction", name)) for name in names]
    assert levels == pytest.approx([1 / 24] * 3)
    assert list(found.values()) == pytest.approx([1 / 8] * 7)


def test_cv_bench_is_the_mean_of_2d_and_3d_and_2d_of_its_sources() -> None:
    metas = {"x": ("2D", "ADE20K"), "y": ("2D", "COCO"), "z": ("3D", "Omni3D")}
    metric = find_metric(LENGTHS, "mean:a/b")
    samples = rows(x=metas["x"], more=metas["x"], y=metas["y"], z=metas["z"])
    values = grouped(metric, samples, {"x": 1.0, "more": 0.0, "y": 0.0, "z": 1.0})
    assert mean_of_means(values) == ((1 / 2 + 0) / 2 + 1) / 2
    stored = {CV_BENCH.group(sample) for sample in published("cv_bench")}
    assert {("2D", "ADE20K"), ("2D", "COCO")} < stored and len(stored) == 3


def test_groups_count_alike_however_large() -> None:
    samples = rows(one=("x",), two=("x",), three=("x",), four=("y",), unusable=("z",))
    values = records("accuracy", one=1.0, two=1.0, three=1.0, four=0.0, unusable=None)
    metric = find_metric(LENGTHS, "mean:a")
    found = summary(LENGTHS, samples, values, mode="think", benchmark="b", metric=metric)
    assert (found.metric, found.score, found.accuracy) == ("mean:a", 0.5, 0.75)
    assert (found.n, found.unusable) == (4, 1)
    assert (found.low, found.high) == (0.5, 0.5)  # no group varies, and none is drawn more often


def test_intervals_of_a_mean_of_means_are_those_of_independent_groups() -> None:
    rng = np.random.default_rng(0)
    values = {(name,): rng.random(size).tolist() for name, size in (("a", 400), ("b", 100))}
    low, high = bootstrap_interval(values)
    error = np.sqrt(sum(np.var(each) / len(each) for each in values.values())) / 2
    assert (high + low) / 2 == pytest.approx(mean_of_means(values), abs=0.2 * error)
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("boxhit", "no reward 'boxhit'"),
        ("length.relative", "compares the completions of a prompt"),
    ],
)
def test_what_is_no_metric_is_refused(name: str, message: str, monkeypatch: Any) -> None:
    benchmark = Benchmark(name="b", source="world:grounding", metric=name)
    monkeypatch.setattr(tasks, "benchmark", lambda _: (Grounding(), benchmark))
    monkeypatch.setattr(evaluate, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    with pytest.raises(UserError, match=f"metric of benchmark b: .*{message}"):
        evaluate.measure_all("tiny", ["b"])


def test_rows_that_belong_to_no_group_are_named(monkeypatch: Any) -> None:
    benchmark = Benchmark(name="b", source="world:grounding", metric="mean:relation/level")
    monkeypatch.setattr(tasks, "benchmark", lambda _: (Grounding(), benchmark))
    monkeypatch.setattr(evaluate, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    with pytest.raises(UserError, match=r"benchmark b: sample .* has no 'level'.*has relation"):
        evaluate.measure_all("tiny", ["b"], limit=1)


def half_box(prompt: Prompt) -> str:
    """The ideal answer, and for every other sample the left 2/5 of its box: an IoU of about 0.4."""
    if int(prompt.sample.id.rsplit("/")[-1]) % 2 == 0:
        return ideal(prompt)
    x1, y1, x2, y2 = prompt.sample.target
    cut = prompt.sample.with_(target=[x1, y1, x1 + (x2 - x1) * 2 / 5, y2])
    return Grounding().ideal(cut, prompt.frame)


def measure_grounding(
    out: Path, metric: str, monkeypatch: Any
) -> tuple[Measurement, list[dict[str, Any]]]:
    benchmark = Benchmark(name="boxes", source="world:grounding", metric=metric)
    monkeypatch.setattr(tasks, "benchmark", lambda _: (Grounding(), benchmark))
    [found] = evaluate.measure_all("tiny", ["boxes"], out=out, limit=4)
    return found, list(Lines(out / "eval" / "boxes-think.jsonl"))


def test_a_reward_of_the_library_is_the_score_and_accuracy_stands_beside(
    tmp_path: Path, monkeypatch: Any
) -> None:
    answer_with(monkeypatch, half_box)
    found, written = measure_grounding(tmp_path, "box.hit", monkeypatch)
    parts = [record["parts"] for record in written]
    assert [part["box.hit"] for part in parts] == [1, 0, 1, 0]
    assert (found.metric, found.score) == ("box.hit", 0.5)
    assert found.accuracy == pytest.approx(np.mean([part["accuracy"] for part in parts]))
    assert 0.6 < found.accuracy < 0.8
    for record in written:
        assert record["total"] == record["parts"]["accuracy"] + record["parts"]["format"]


@pytest.mark.slow
def test_predictions_serve_every_metric_whose_reward_they_hold(
    tmp_path: Path, monkeypatch: Any
) -> None:
    asked = answer_with(monkeypatch)
    for metric, num_asked in [
        ("accuracy", 4), ("mean:relation", 4), ("box.hit", 8), ("accuracy", 8)
    ]:  # fmt: skip
        found, _ = measure_grounding(tmp_path, metric, monkeypatch)
        assert (found.metric, len(asked)) == (metric, num_asked)


def test_the_commonest_answer_is_measured_by_the_metric() -> None:
    [row] = tasks.samples(Grounding(), Source(spec="world:grounding", take="first:1"))
    targets = [[0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 10, 6], [0, 0, 10, 4]]
    kinds = "xxxy"
    samples = [
        row.with_(id=f"{index}", target=target, meta={"kind": kind})
        for index, (target, kind) in enumerate(zip(targets, kinds, strict=True))
    ]
    scores = {  # of the first box, the third and the fourth
        "accuracy": (1 + 1 + 3 / 5 + 2 / 5) / 4,
        "box.hit": 1.0,
        "mean:kind": ((2 / 5 + 2 / 5 + 2 / 3) / 3 + 1) / 2,
    }
    for name, score in scores.items():
        metric = find_metric(Grounding(), name)
        assert commonest_score(Grounding(), samples, metric) == pytest.approx(score)
    own = [each.with_(rewards={"accuracy": {"use": "box.near"}}) for each in samples]
    assert commonest_score(Grounding(), own, find_metric(Grounding(), "box.hit")) == 1


def test_a_metric_of_more_than_the_answer_has_no_commonest_score(
    capsys: pytest.CaptureFixture[str],
) -> None:
    samples = rows(one=("x",), two=("y",))
    values = records("letters", one=0.25, two=0.75)
    found = summary(
        LENGTHS,
        samples,
        values,
        mode="think",
        benchmark="b",
        metric=find_metric(LENGTHS, "letters"),
    )
    assert (found.score, found.commonest, found.accuracy) == (0.5, None, 1.0)
    evaluate.show([found, replace(found, metric="accuracy", benchmark="plain", accuracy=None)])
    shown = capsys.readouterr().out
    assert "letters" in shown and "b (think): accuracy 1.000" in shown
    assert "plain (think)" not in shown
    assert all(" - " in line for line in shown.splitlines() if "0.500" in line)


class Endless(Task):
    """Numbers; reading more rows than are asked for fails."""

    name = "endless"
    kind = "number"

    def __init__(self, num_rows: int) -> None:
        self.num_rows = num_rows
        self.take: str | None = None

    def load(self, source: Source) -> Iterator[Sample]:
        self.take = source.take
        yield from rows(**{f"row{index}": ("x",) for index in range(self.num_rows)})
        if self.num_rows == 3:
            pytest.fail("read on")


@pytest.mark.parametrize(("limit", "warned"), [(3, False), (5, True)])
def test_a_limit_reads_no_more_rows_than_that(
    limit: int, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    task = Endless(3 if limit == 3 else 4)
    with caplog.at_level(logging.WARNING, logger="vlrl"):
        found = evaluate._samples(task, Benchmark(name="b", source="there"), limit)
    assert len(found) == task.num_rows
    assert task.take == f"first:{limit}"  # by which a data set of the hub is streamed
    assert ("benchmark b: it has 4 rows, not 5" in caplog.text) is warned


def test_all_rows_are_read_without_a_limit() -> None:
    task = Endless(4)
    assert len(evaluate._samples(task, Benchmark(name="b", source="there"), None)) == 4
    assert task.take is None


def test_a_limit_of_no_rows_is_refused() -> None:
    with pytest.raises(UserError, match="limit 0"):
        evaluate.measure_all("tiny", ["counting_world"], limit=0)
