"""The raw formats of video questions: read as published, bad rows named, scored as published."""

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from films import film
from raw_rows import png, write_jsonl

from vlrl import tasks
from vlrl.check import check_task
from vlrl.contracts import BadRow, Sample, Source
from vlrl.data.formats import options
from vlrl.data.video_qa import VideoQa
from vlrl.scoring import score

TASK = VideoQa()
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"

EXPECTED: dict[str, list[tuple[str, Any]]] = {  # folder -> kind and target of its rows
    "video_r1": [
        *(("choice", "C"), ("number", 5), ("text", "MADE BY HAND")),
        *(("text", "The blue cube stands in front of the others."), ("number", 3.2)),
    ],
    "open_r1_video": [("choice", "C"), ("choice", "B")],
    "seed_bench_r1": [("choice", "C")],
    "mvbench": [("choice", "C"), ("choice", "C"), ("choice", "B")],
    "tempcompass": [("choice", "B"), ("choice", "B"), ("label", "yes")],
    "video_mme": [("choice", "C")],
    "video_mmmu": [("choice", "C"), ("choice", "C"), ("number", 5)],
}


def source(folder: str) -> Source:
    role = "validation" if folder == "seed_bench_r1" else "test"
    return Source(spec=str(SAMPLES / folder), role=role)


def read(path: Path) -> list[Sample | BadRow]:
    return list(TASK.load(Source(spec=str(path))))


def only(path: Path) -> Sample:
    (found,) = read(path)
    assert isinstance(found, Sample), found
    return found


def reason(path: Path) -> str:
    (found,) = read(path)
    assert isinstance(found, BadRow), found
    return found.reason


def test_every_format_has_a_sample_folder() -> None:
    assert {each.name for each in TASK.formats} == set(EXPECTED)


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_sample_rows_are_read(folder: str) -> None:
    found = list(TASK.load(source(folder)))
    assert all(isinstance(each, Sample) for each in found), found
    kinds = [(each.kind, each.target) for each in found if isinstance(each, Sample)]
    assert kinds == EXPECTED[folder]
    assert all(each.media for each in found if isinstance(each, Sample))


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_check_passes_on_the_sample_rows_and_finds_the_task(folder: str) -> None:
    assert tasks.reading(source(folder)).name == TASK.name
    report = check_task(TASK, source(folder))
    assert report.passed, report.findings


@pytest.mark.slow
def test_the_sample_rows_are_those_that_the_script_writes(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_qa", ROOT / "scripts/samples/video_qa.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.make(tmp_path)
    files = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file())
    assert {file.parts[0] for file in files} == set(EXPECTED)
    for file in files:
        assert (SAMPLES / file).is_file()
        if file.suffix in (".json", ".jsonl"):
            assert (SAMPLES / file).read_bytes() == (tmp_path / file).read_bytes()


# Options


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        (["A. a cat", "B. a dog"], ["a cat", "a dog"]),
        (["A) a cat", "(B) a dog"], ["a cat", "a dog"]),
        (["a cat", "a dog"], ["a cat", "a dog"]),
        (["B. Smith", "A. Jones"], ["B. Smith", "A. Jones"]),  # names
        (["A. Smith", "Jones"], ["A. Smith", "Jones"]),
        ([], []),
    ],
)
def test_only_letters_of_their_own_are_taken_from_options(given: list, texts: list) -> None:
    assert options.texts(given) == texts


def test_a_letter_is_no_text_and_a_text_is_no_letter() -> None:
    assert options.by_letter("B", ["B", "A"])["target"] == "B"
    assert options.by_text("B", ["B", "A"])["target"] == "A"
    for wrong in (options.by_letter, options.by_text):
        with pytest.raises(ValueError, match="the answer 'D' is none of"):
            wrong("D", ["a", "b"])


# Video-R1

ROW = {"problem_id": 1, "problem": "What?", "data_type": "image", "path": "./x.png", "process": ""}


def video_r1(tmp_path: Path, kind: str, solution: str, **more: Any) -> Path:
    (tmp_path / "x.png").write_bytes(png(9))
    answer = {"problem_type": kind, "solution": f"<answer>{solution}</answer>", "options": []}
    return write_jsonl(tmp_path / "rows.jsonl", {**ROW, **answer, **more})


def total(sample: Sample, answer: str) -> float | None:
    """With the rewards of the row, where it has some."""
    return score(TASK, sample, f"<think>So.</think><answer>{answer}</answer>").total


@pytest.mark.parametrize(
    ("kind", "solution", "answer", "accuracy"),
    [
        *(("numerical", "3", "3.0", 1.0), ("numerical", "0.333", "0.33", 1.0)),
        *(("numerical", "3", "3.01", 0.0), ("numerical", "1,200", "1200", 1.0)),
        *(("OCR", "MADE BY HAND", "MADE BY HAND", 1.0), ("OCR", "MADE BY HAND", "MADE BY", 2 / 3)),
        *(("free-form", "a red cube", "a red cube", 1.0), ("free-form", "red", "Red.", 1.0)),
        *(("regression", "4", "3", 0.75), ("regression", "4", "9", 0.0)),
    ],
)
def test_every_type_of_answer_has_its_reward(
    tmp_path: Path, kind: str, solution: str, answer: str, accuracy: float
) -> None:
    sample = only(video_r1(tmp_path, kind, solution))
    assert total(sample, answer) == pytest.approx(accuracy + 1)


def test_options_and_the_way_of_thinking_are_read(tmp_path: Path) -> None:
    more = {"options": ["A. a cat", "B. a dog"], "process": "<think>It barks.</think>"}
    sample = only(video_r1(tmp_path, "multiple choice", "B", **more))
    assert (sample.options, sample.target) == (("a cat", "a dog"), "B")
    assert sample.reasoning == "It barks."
    assert TASK.hint(sample, None).startswith("A. a cat\nB. a dog\n")


@pytest.mark.parametrize(
    ("kind", "solution", "more", "why"),
    [
        ("essay", "x", {}, "the problem_type 'essay' is none of multiple choice, numerical"),
        ("OCR", "x", {"data_type": "audio"}, "the data_type 'audio' is neither image nor video"),
        ("OCR", "x", {"path": "./y.png"}, "there is no file ./y.png"),
        ("numerical", "many", {}, "the target 'many' cannot be read as a number"),
        ("multiple choice", "C", {"options": ["A. a"]}, "the answer 'C' is none of ['a']"),
    ],
)
def test_a_broken_row_of_video_r1_says_why(
    tmp_path: Path, kind: str, solution: str, more: dict, why: str
) -> None:
    assert reason(video_r1(tmp_path, kind, solution, **more)).startswith(why)


# Open-R1-Video and SEED-Bench-R1


def test_an_answer_must_be_among_the_options_of_the_problem(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(film([0, 500]))
    row = {"video": "x.mp4", "problem": "Who?\nA. a cat\nB. a dog\n"}
    path = tmp_path / "rows.jsonl"
    sample = only(write_jsonl(path, {**row, "solution": "<answer>B.</answer>"}))
    assert (sample.target, sample.options) == ("B", ("a cat", "a dog"))
    assert TASK.hint(sample, None) == "Write the letter of the right option."
    assert "is none of" in reason(write_jsonl(path, {**row, "solution": "<answer>C.</answer>"}))


def test_wrong_answers_are_drawn_and_say_nothing_by_their_order(tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "seed_bench_r1", tmp_path, dirs_exist_ok=True)
    path = tmp_path / "annotations" / "training_6k.jsonl"
    (row,) = map(json.loads, path.read_text().splitlines())
    wrong = [f"wrong {number}" for number in range(6)]
    rows = [{**row, "sample_id": k, "negative_answers": wrong, "answer": "it"} for k in range(200)]
    found = [each for each in read(write_jsonl(path, *rows)) if isinstance(each, Sample)]
    letters = [each.target for each in found]
    assert len(letters) == 200 and all(30 < letters.count(letter) < 70 for letter in "ABCD")
    assert all(len(each.options or ()) == 4 for each in found)
    assert found == read(path)
    drawn = {text for each in found for text in each.options or ()}
    assert drawn == {*wrong, "it"}


def test_a_video_of_what_was_done_comes_before_the_picture_of_now() -> None:
    with_video = only(SAMPLES / "seed_bench_r1" / "annotations" / "validation_L1.jsonl")
    without = only(SAMPLES / "seed_bench_r1" / "annotations" / "training_6k.jsonl")
    assert [each.kind for each in with_video.media] == ["image", "video"]
    assert with_video.question.startswith("<video><image>")
    assert [each.kind for each in without.media] == ["image"]
    assert without.question.startswith("<image>")


# MVBench, TempCompass and VideoMMMU


def test_mvbench_has_whole_videos_parts_and_pictures() -> None:
    found = [each for each in TASK.load(source("mvbench")) if isinstance(each, Sample)]
    lasts = {each.meta["subtask"]: each.duration for each in found}
    expected = {"action_sequence": 6.5, "episodic_reasoning": 2 / 3, "moving_direction": 8}
    assert lasts == pytest.approx(expected)
    assert only(SAMPLES / "mvbench" / "json" / "moving_direction.json").target == "B"


def test_tempcompass_asks_in_three_ways_and_not_for_captions() -> None:
    found = [each for each in TASK.load(source("tempcompass")) if isinstance(each, Sample)]
    caption, choice, yes = found
    assert "Option" not in caption.question and caption.options is not None
    assert caption.options[1] == "It moves to the right."
    assert choice.options == (
        *("to the left", "to the right", "towards the camera", "away from the camera"),
    )
    assert TASK.hint(yes, None) == "Write yes or no."
    assert not read(SAMPLES / "tempcompass" / "questions" / "captioning.json")


def test_an_open_question_of_video_mmmu_may_be_answered_in_words(tmp_path: Path) -> None:
    (tmp_path / "Art").mkdir()
    (tmp_path / "Art" / "dev_Art_1.mp4").write_bytes(film([0, 500]))
    row = {"id": "dev_Art_1", "question": "Who?", "options": [], "question_type": "open"}
    sample = only(write_jsonl(tmp_path / "test.jsonl", {**row, "answer": "a painter"}))
    assert (sample.kind, sample.target, sample.meta["group"]) == ("text", "a painter", "Art")
