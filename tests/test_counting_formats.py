"""The raw formats of counting: read as published, and what is no count is left out or named."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from raw_rows import png

from vlrl import tasks
from vlrl.contracts import BadRow, Sample, Source, UserError
from vlrl.data.counting import Counting
from vlrl.data.formats.superclevr import is_count
from vlrl.media import Sampling, load_clip, load_image
from vlrl.prompts import messages
from vlrl.scoring import score

TASK = Counting()
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"
OF_30K = "superclevr_30k/superCLEVR_questions_30k.json"
SCENES = "superclevr_30k/superCLEVR_scenes.json"

EXPECTED: dict[tuple[str, str], list[int]] = {  # (source, role) -> targets
    ("r1v", "train"): [3, 5, 8, 10],
    ("superclevr", "test"): [3, 5, 8, 10],
    (OF_30K, "train"): [3, 1],
    (OF_30K, "validation"): [5, 3],
    (OF_30K, "test"): [8, 6],
    (SCENES, "train"): [3],
    (SCENES, "test"): [8],
    ("clevr_math/clevr-math-train.json", "train"): [2, 5],
    ("clevr_math/clevr-math-val.json", "validation"): [4, 7],
    ("clevr_math/clevr-math-test.json", "test"): [7, 10],
    ("clevr_math_rows", "train"): [1, 3],
    ("reason_rft_counting", "train"): [3, 5],
    ("countbench", "test"): [3, 5],
    ("pixmo", "test"): [3, 5],
    ("dvd/train_dvd.jsonl", "train"): [3],
    ("dvd/test_dvd.jsonl", "test"): [5],
}


def read(path: Path | str, role: str = "train") -> list[Sample | BadRow]:
    return list(TASK.load(Source(spec=str(path), role=role)))  # type: ignore[arg-type]


def good(path: Path | str, role: str = "train") -> list[Sample]:
    found = read(path, role)
    assert all(isinstance(each, Sample) for each in found), found
    return found  # type: ignore[return-value]


def test_every_format_has_sample_rows() -> None:
    folders = {path.partition("/")[0] for path, _ in EXPECTED}
    names = {each.name for each in TASK.formats} - {"superclevr_questions", "superclevr_scenes"}
    assert names <= folders


@pytest.mark.parametrize(("path", "role"), EXPECTED)
def test_the_sample_rows_are_read(path: str, role: str) -> None:
    found = good(SAMPLES / path, role)
    assert [sample.target for sample in found] == EXPECTED[path, role]
    for sample in found:
        content = messages(TASK, sample, "think")[0]["content"]
        assert [block["type"] for block in content] == [sample.media[0].kind, "text"]


@pytest.mark.parametrize(("path", "role"), EXPECTED)
def test_the_ideal_of_a_sample_row_scores_1_and_the_next_number_0(path: str, role: str) -> None:
    for sample in good(SAMPLES / path, role):
        for answer, accuracy in ((TASK.ideal(sample, None), 1), (str(sample.target + 1), 0)):
            completion = f"<think>So.</think><answer>{answer}</answer>"
            assert score(TASK, sample, completion).parts["accuracy"] == accuracy


@pytest.mark.slow
def test_the_sample_rows_are_those_that_the_script_writes(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "scripts/samples/counting.py"))["make"](tmp_path)
    files = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file())
    assert {file.parts[0] for file in files} == {path.partition("/")[0] for path, _ in EXPECTED}
    for file in files:
        assert (SAMPLES / file).is_file(), file
        if file.suffix in (".json", ".jsonl"):
            assert (SAMPLES / file).read_bytes() == (tmp_path / file).read_bytes()


# Details of the layouts


def test_pictures_and_clips_are_found_where_they_are_published() -> None:
    for path, role in EXPECTED:
        for sample in good(SAMPLES / path, role):
            medium = sample.media[0]
            if medium.kind == "image":
                assert load_image(medium).size == sample.image_size == (64, 64)
                continue
            clip = load_clip(medium, Sampling(fps=4))
            assert sample.duration == pytest.approx(2.0) and len(clip.frames) == 8
            assert np.asarray(clip.frames[0]).std() > 5  # a scene, not one colour


def test_clevr_math_tells_its_templates_and_reason_rft_its_solution() -> None:
    found = good(SAMPLES / "clevr_math/clevr-math-train.json")
    assert [sample.meta["template"] for sample in found] == ["subtraction", "addition"]
    (sample, _) = good(SAMPLES / "clevr_math_rows")
    assert sample.question == "Take away all cubes. Take away 1 ball. How many are left?"
    assert good(SAMPLES / "reason_rft_counting")[0].reasoning == "I count them: 3."


def test_the_caption_of_countbench_which_names_the_number_is_not_shown() -> None:
    (sample, _) = good(SAMPLES / "countbench", "test")
    assert "3" not in sample.question and "3" not in str(sample.meta)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(3, True), (0, True), ("3", True), (True, False), (False, False), ("red", False), ("", False)],
)
def test_a_count_is_no_truth_value_and_no_word(answer: Any, expected: bool) -> None:
    assert is_count(answer) == expected


def test_what_asks_for_no_number_is_counted_as_left_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "vlrl")
    good(SAMPLES / OF_30K)
    assert "2 rows ask something else than counting and are left out" in caplog.text


def test_super_clevr_is_split_by_the_number_of_the_picture(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(png(10))
    rows = [
        {"image_filename": "a.png", "image_index": index, "question": "How many?", "answer": 1}
        for index in (0, 19_999, 20_000, 24_999, 25_000, 29_999)
    ]
    path = tmp_path / "superCLEVR_questions_30k_NoRedundant.json"
    path.write_text(json.dumps({"info": {}, "questions": rows}))
    for role, numbers in (("train", "12"), ("validation", "34"), ("test", "56")):
        assert [sample.id[-1] for sample in good(path, role)] == list(numbers)
    assert [sample.id[-1] for sample in good(f"{path}@val")] == ["3", "4"]
    with pytest.raises(UserError, match="there is no split 'tset' but test, train, val"):
        read(f"{path}@tset")


def test_a_row_of_super_clevr_without_the_number_of_its_picture_is_a_bad_row(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.png").write_bytes(png(10))
    row = {"image_filename": "a.png", "image_index": 1, "question": "How many?", "answer": 1}
    path = tmp_path / "superCLEVR_questions_30k.json"
    path.write_text(json.dumps([3, {**row, "image_index": 25_000}, {"question": "?"}, row]))
    no_object, lacking, sound = read(path)
    assert isinstance(no_object, BadRow) and isinstance(lacking, BadRow)
    assert isinstance(sound, Sample) and sound.id.endswith(":4")
    assert [each.row for each in (no_object, lacking)] == [1, 3]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"image": "a.png", "question": "How many?", "number": "many"}, "the target 'many' cannot"),
        ({"image": "a.png", "question": "How many?", "answer": ""}, "the target '' cannot be read"),
        ({"image": "b.png", "question": "How many?", "number": 3}, "there is no file b.png"),
        (
            {"problem": "How many?", "solution": "<answer>3</answer>", "video_filename": "./b.mp4"},
            "there is no file ./b.mp4",
        ),
        (
            {"image_filename": "a.png", "split": ".", "question": "How many?", "answer": None}
            | {"template_filename": "addition.json"},
            "there is no answer",
        ),
        (
            {"template": "addition", "question": ["How", "many?"], "image": "a.png", "label": None},
            "the target 'None' cannot be read",
        ),
    ],
)
def test_a_broken_row_says_what_is_wrong(row: dict, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(10))
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    (bad,) = read(path)
    assert isinstance(bad, BadRow) and reason in bad.reason and bad.row == 1


def test_benchmarks_are_read_from_where_their_files_are() -> None:
    places = {
        "superclevr_questions": f"{SAMPLES / OF_30K}@test",
        "clevr_math": str(SAMPLES / "clevr_math/clevr-math-test.json"),
        "dvd_counting": str(SAMPLES / "dvd/test_dvd.jsonl"),
    }
    for name, spec in places.items():
        task, benchmark = tasks.benchmark(name)
        assert Path(benchmark.source).name == Path(spec).name
        assert len(list(tasks.samples(task, Source(spec=spec, role="test")))) in (1, 2)
