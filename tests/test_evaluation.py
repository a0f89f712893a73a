"""Evaluation: intervals, rates, answers that do not depend on batches, and measurements resumed."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from vlrl import models, scoring, tasks
from vlrl.contracts import Sample, Source, UserError
from vlrl.evaluation import ask, evaluate, measure
from vlrl.evaluation.generate import Completion, generate
from vlrl.evaluation.measure import Measurement, commonest_score, summary
from vlrl.evaluation.metrics import bootstrap_interval
from vlrl.models import Loaded
from vlrl.models.inputs import Prompt, make_prompt
from vlrl.training.records import Lines

pytestmark = pytest.mark.slow

LENGTHS = str(Path(__file__).with_name("lengths_task.py"))
TASK = tasks.find(LENGTHS)
BENCHMARK = f"{LENGTHS}:lengths_6"


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return evaluate.load_to_ask("tiny")


def samples(spec: str) -> list[Sample]:
    return list(tasks.samples(TASK, Source(spec=spec)))


def prompts(loaded: Loaded, spec: str) -> list[Prompt]:
    return [make_prompt(loaded, TASK, each, "vanilla") for each in samples(spec)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], (0.0, 0.0)),
        ([0.25], (0.25, 0.25)),
        ([1.0] * 7, (1.0, 1.0)),
        ([0.0, 1.0], (0.0, 1.0)),  # the mean is 0, 1/2 or 1 with probabilities 1/4, 1/2, 1/4
    ],
)
def test_intervals_by_hand(values: list[float], expected: tuple[float, float]) -> None:
    assert bootstrap_interval({(): values} if values else {}) == expected


@pytest.mark.parametrize("num_values", [10, 200, 1000])
def test_intervals_are_those_of_scipy(num_values: int) -> None:
    rng = np.random.default_rng(num_values)
    values = (rng.random(num_values) < 0.7).astype(float) * rng.random(num_values) ** 0.2
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=rng, batch=1000
    ).confidence_interval
    tolerance = 0.1 * (theirs.high - theirs.low)  # of 2,000 resamples against 20,000
    assert bootstrap_interval({(): list(values)}) == pytest.approx(tuple(theirs), abs=tolerance)


def test_the_commonest_answer_is_scored_on_every_sample() -> None:
    [row] = samples("text:1")
    targets = [0, 0, 0, 1, 1, "0.0"]
    rows = [row.with_(id=f"{index}", target=target) for index, target in enumerate(targets)]
    assert commonest_score(TASK, rows) == pytest.approx(4 / 6)
    own = [each.with_(rewards={"accuracy": {"use": "always"}}) for each in rows]
    assert commonest_score(TASK, own) == pytest.approx(4 / 6)
    assert commonest_score(TASK, []) == 0


def record(sample: int, accuracy: float | None, **changes: Any) -> dict[str, Any]:
    plain = {
        "sample": f"text/{sample}", "parts": {"accuracy": accuracy}, "parsed": 1, "habit": None,
        "problem": "none", "truncated": False, "num_tokens": 10,
    }  # fmt: skip
    return {**plain, **changes}


def test_a_summary_counts_samples_and_completions() -> None:
    no_value = {"parsed": None, "problem": "unparsable"}
    records = [
        record(3, None, problem="target_unusable", num_tokens=2),
        record(3, None, problem="target_unusable", num_tokens=2),
        record(0, 1.0, habit="guess"),
        record(0, 0.0, **no_value),
        record(1, 0.0, parsed=None, problem="truncated", truncated=True, num_tokens=40),
        record(1, 1.0, problem="truncated", truncated=True, num_tokens=40),
        record(2, 1.0, habit="guess"),
        record(2, 1.0, habit="places", parsed=0),
    ]
    found = summary(TASK, samples("text:4"), records, mode="think", benchmark="b")
    low, high = bootstrap_interval({(): [0.5, 0.5, 1.0]})
    assert found == Measurement(
        benchmark="b", mode="think", metric="accuracy", n=3, score=pytest.approx(2 / 3), low=low,
        high=high, parse_failures=2 / 8, truncated=2 / 8, mean_tokens=pytest.approx(124 / 8),
        commonest=pytest.approx(2 / 3), unusable=1, habits={"guess": 2 / 8, "places": 1 / 8},
    )  # fmt: skip


def test_a_summary_does_not_depend_on_the_order_of_the_records() -> None:
    records = [record(index, index / 7) for index in range(8)]
    one, other = (
        summary(TASK, samples("text:8"), each, mode="think", benchmark="b")
        for each in (records, records[::-1])
    )
    assert one == other


@pytest.mark.slow
def test_greedy_answers_do_not_depend_on_the_batch(loaded: Loaded) -> None:
    asked = prompts(loaded, "mixed:10")
    alone, together = (
        list(generate(loaded, asked, max_new_tokens=12, batch_size=size)) for size in (1, 8)
    )
    assert alone == together
    assert len(alone) == 10
    assert all(len(group) == 1 for group in alone)
    assert len({group[0].text for group in alone}) > 5


def test_several_answers_are_drawn_and_drawn_again_alike(loaded: Loaded) -> None:
    asked = prompts(loaded, "pictures:3")
    before = torch.random.get_rng_state()
    drawn, again = (
        list(generate(loaded, asked, max_new_tokens=12, num_samples=4, batch_size=2))
        for _ in range(2)
    )
    assert drawn == again
    assert [len(group) for group in drawn] == [4, 4, 4]
    assert all(len({each.text for each in group}) > 1 for group in drawn)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_models_own_defaults_of_generation_do_not_count(loaded: Loaded) -> None:
    asked = prompts(loaded, "pictures:3")
    other = models.load("tiny")
    other.model.eval()
    for name, value in {"repetition_penalty": 5.0, "top_p": 0.01, "top_k": 1}.items():
        setattr(other.model.generation_config, name, value)
    for num_samples in (1, 3):
        answers = [
            list(generate(each, asked, max_new_tokens=12, num_samples=num_samples))
            for each in (loaded, other)
        ]
        assert answers[0] == answers[1]


def test_a_completion_ends_with_its_end_token_or_is_truncated(
    loaded: Loaded, monkeypatch: Any
) -> None:
    tokenizer = loaded.tokenizer
    end, pad, a = tokenizer("<|im_end|><|endoftext|>a")["input_ids"]
    written = [[a, end, pad, pad], [a, a, a, a], [a, a, pad, pad]]

    def write(**options: Any) -> torch.Tensor:
        return torch.cat([options["input_ids"], torch.tensor(written)], dim=1)

    monkeypatch.setattr(loaded.model, "generate", write)
    found = [each for [each] in generate(loaded, prompts(loaded, "text:3"), max_new_tokens=4)]
    assert found == [
        Completion(text="a", num_tokens=2, truncated=False),
        Completion(text="aaaa", num_tokens=4, truncated=True),
        Completion(text="aa", num_tokens=3, truncated=False),
    ]


def measure_lengths(out: Path, model: str = "tiny", **options: Any) -> Measurement:
    plain = {"mode": "vanilla", "batch_size": 2, "max_new_tokens": 6, "out": out}
    return evaluate.measure_all(model, [BENCHMARK], **{**plain, **options})[0]


def count_asked(monkeypatch: Any) -> list[str]:
    """The ids of the samples that the model is asked about from now on."""
    asked: list[str] = []

    def counting(loaded: Loaded, prompts: Sequence[Prompt], **options: Any) -> Iterator:
        asked.extend(prompt.sample.id for prompt in prompts)
        return generate(loaded, prompts, **options)

    monkeypatch.setattr(measure, "generate", counting)
    return asked


def test_a_measurement_is_written_with_its_predictions(tmp_path: Path) -> None:
    found = measure_lengths(tmp_path, label="before")
    written = json.loads((tmp_path / "eval" / "lengths_6-vanilla-before.json").read_text())
    assert {key: written[key] for key in found.as_dict()} == found.as_dict()
    assert (written["label"], written["n"], written["metric"]) == ("before", 6, "accuracy")
    assert "torch" in written["versions"]
    rows = list(Lines(tmp_path / "eval" / "lengths_6-vanilla-before.jsonl"))
    assert [row["sample"] for row in rows] == [f"pictures/{index}" for index in range(6)]
    assert found.score == pytest.approx(np.mean([row["parts"]["accuracy"] for row in rows]))
    assert found.mean_tokens == pytest.approx(np.mean([row["num_tokens"] for row in rows]))
    assert found.truncated == np.mean([row["truncated"] for row in rows])
    for row, sample in zip(rows, samples("pictures:6"), strict=True):
        scored = scoring.score(TASK, sample, row["completion"], mode="vanilla")
        assert (row["parsed"], row["parts"]) == (scored.parsed, dict(scored.parts))
        assert row["total"] == scored.total
        assert (tmp_path / row["media"][0]).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("num_samples", [1, 3])
def test_an_interrupted_measurement_ends_as_an_uninterrupted_one(
    num_samples: int, tmp_path: Path, monkeypatch: Any
) -> None:
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    measure_lengths(whole, num_samples=num_samples)
    measure_lengths(halved, num_samples=num_samples)
    predictions = halved / "eval" / "lengths_6-vanilla.jsonl"
    lines = predictions.read_text().splitlines(keepends=True)
    kept = 4 * num_samples  # whole batches, and a part of the next answer
    predictions.write_text("".join(lines[:kept]) + lines[kept][:50])
    (halved / "eval" / "lengths_6-vanilla.json").unlink()
    asked = count_asked(monkeypatch)
    measure_lengths(halved, num_samples=num_samples)
    assert asked == ["pictures/4", "pictures/5"]
    for name in ("lengths_6-vanilla.json", "lengths_6-vanilla.jsonl"):
        assert (halved / "eval" / name).read_text() == (whole / "eval" / name).read_text()


@pytest.mark.slow
def test_a_sample_with_some_of_its_answers_is_asked_again(tmp_path: Path, monkeypatch: Any) -> None:
    whole = measure_lengths(tmp_path, num_samples=2)
    predictions = Lines(tmp_path / "eval" / "lengths_6-vanilla.jsonl")
    predictions.replace(list(predictions)[:-1])
    asked = count_asked(monkeypatch)
    found = measure_lengths(tmp_path, num_samples=2)
    assert asked == ["pictures/5"]
    assert len(list(predictions)) == 12
    assert (found.n, found.commonest) == (whole.n, whole.commonest)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model and a measurement of it."""
    folder = tmp_path_factory.mktemp("measured")
    shutil.copytree(models.resolve("tiny"), folder / "model")
    measure_lengths(folder, str(folder / "model"))
    return folder


@pytest.fixture
def measured(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "elsewhere")


def other_weights(folder: Path) -> None:
    path = folder / "model" / "model.safetensors"
    weights = load_file(path)
    weights["model.embed_tokens.weight"] += 0.5
    save_file(weights, path, metadata={"format": "pt"})


def other_prompts(folder: Path) -> None:
    [predictions] = [Lines(path) for path in folder.glob("eval/*.jsonl")]
    predictions.replace([{**record, "prompt": "of yesterday"} for record in predictions])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "options", "num_asked"),
    [
        (None, {}, 0),
        (None, {"limit": 3}, 0),
        (None, {"batch_size": 5}, 0),
        (None, {"label": "other"}, 6),
        (None, {"mode": "direct"}, 6),
        (None, {"max_new_tokens": 5}, 6),
        (None, {"num_samples": 2}, 6),
        (None, {"max_pixels": 28 * 28 * 4}, 6),
        (None, {"sources": {"lengths_6": "text:6"}}, 6),
        (other_prompts, {}, 6),
        (other_weights, {}, 6),
    ],
)
def test_predictions_are_used_again_only_for_the_same_measurement(
    change: Callable[[Path], None] | None, options: dict[str, Any], num_asked: int, measured: Path,
    monkeypatch: Any,
) -> None:  # fmt: skip
    if change:
        change(measured)
    asked = count_asked(monkeypatch)
    found = measure_lengths(measured, str(measured / "model"), **options)
    assert len(asked) == num_asked
    assert found.n == options.get("limit", 6)


@pytest.mark.slow
def test_a_smaller_measurement_keeps_the_predictions_of_a_larger_one(
    measured: Path, monkeypatch: Any
) -> None:
    model = str(measured / "model")
    measure_lengths(measured, model, limit=2)
    asked = count_asked(monkeypatch)
    assert measure_lengths(measured, model).n == 6
    assert asked == []


@pytest.mark.parametrize(
    ("benchmark", "sources", "message"),
    [
        (
            "superclevr_200", {},
            r"benchmark superclevr_200: superclevr_test200_counting_problems.jsonl.*"
            r"--source superclevr_200=PATH",
        ),
        ("superclevr_200", {"superclevr_200": "/none/at.jsonl"}, r"/none/at.jsonl.*--source"),
        ("superclevr_20", {}, "did you mean 'superclevr_200'"),
        (BENCHMARK, {"superclevr_200": "x"}, "'superclevr_200': not among .*lengths_6"),
    ],
)  # fmt: skip
def test_benchmarks_that_are_not_there_are_named_before_a_model_loads(
    benchmark: str, sources: dict[str, str], message: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(evaluate, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    with pytest.raises(UserError, match=message):
        evaluate.measure_all("tiny", [benchmark], sources=sources)


def test_the_folder_of_a_run_stands_for_its_model(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    assert evaluate.model_place(str(run)) == str(run)
    (run / "recipe.yaml").write_text(f"task: counting\nmode: direct\nevaluate: [{BENCHMARK}]")
    with pytest.raises(UserError, match="no model is finished in this run"):
        evaluate.model_place(str(run))
    for name in ("warm_start", "model"):
        loaded = models.load("tiny")
        loaded.model.save_pretrained(run / name)
        loaded.processor.save_pretrained(run / name)
        assert evaluate.model_place(str(run)) == str(run / name)
    [line] = evaluate.run(str(run), limit=2, max_new_tokens=2)
    assert (line.benchmark, line.mode, line.n) == ("lengths_6", "direct", 2)
    assert (run / "eval" / "lengths_6-direct.json").is_file()


def test_without_a_benchmark_there_is_nothing_to_measure() -> None:
    with pytest.raises(UserError, match="no benchmark named"):
        evaluate.run("tiny")


@pytest.fixture
def picture(tmp_path: Path) -> str:
    path = tmp_path / "picture.png"
    Image.new("RGB", (60, 40), "blue").save(path)
    return str(path)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("<think>blue</think>\n<answer>3</answer>", "thinking: blue\nanswer:   3\n"),
        ("<answer>3</answer>", "thinking: (none)\nanswer:   3\n"),
        ("three", "(no complete answer block)\nthree\n"),
    ],
)
def test_ask_shows_thinking_and_answer(
    written: str, shown: str, picture: str, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    asked: list[Prompt] = []

    def write(loaded: Loaded, prompts: Sequence[Prompt], **_: Any) -> Iterator[list[Completion]]:
        asked.extend(prompts)
        yield [Completion(text=written, num_tokens=9, truncated=False)]

    monkeypatch.setattr(ask, "generate", write)
    assert ask.run("tiny", picture, "How many?") == written
    assert capsys.readouterr().out == shown
    [prompt] = asked
    assert prompt.text.startswith(
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>How many?\nFirst think"
    )


def test_ask_lets_the_model_write(picture: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = ask.run("tiny", picture, "How many?", max_new_tokens=4)
    assert capsys.readouterr().out == f"(no complete answer block)\n{text}\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "picture.png"), (b"no picture", "picture.png"), ("cut", "picture.png")],
)
def test_an_image_that_cannot_be_read_is_named(
    content: bytes | str | None, message: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(evaluate, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    path = tmp_path / "picture.png"
    if content == "cut":
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:4000])
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        ask.run("tiny", str(path), "How many?")
