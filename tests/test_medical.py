"""Medical questions: letters as answers, and the raw formats as published."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from raw_rows import png

from vlrl import tasks
from vlrl.check import check_task
from vlrl.contracts import BadRow, Sample, Source, UserError
from vlrl.data.formats.med_r1 import options_in
from vlrl.data.medical import SPLITS, Medical
from vlrl.scoring import score

TASK = Medical()
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"

EXPECTED = {  # folder -> targets of its rows
    "omnimedvqa": ["C", "D", "B", "A", "B"],
    "medvlm_r1": ["C", "D", "B"],
    "med_r1": ["C", "D", "B", "A", "B"],
}


def read(path: Path, role: str = "test") -> list[Sample | BadRow]:
    return list(TASK.load(Source(spec=str(path), role=role)))  # type: ignore[arg-type]


def good(path: Path) -> list[Sample]:
    found = read(path)
    assert all(isinstance(each, Sample) for each in found), found
    return found  # type: ignore[return-value]


def accuracy(sample: Sample, answer: str) -> float | None:
    return score(TASK, sample, f"<think>So.</think><answer>{answer}</answer>").parts["accuracy"]


# The published layouts


def test_every_format_has_a_sample_folder() -> None:
    assert {each.name for each in TASK.formats} == set(EXPECTED)


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_sample_rows_are_read_and_checked(folder: str) -> None:
    found = good(SAMPLES / folder)
    assert [each.target for each in found] == EXPECTED[folder]
    assert {each.image_size for each in found} == {(84, 84)}
    source = Source(spec=str(SAMPLES / folder), role="test")
    assert tasks.reading(source).name == TASK.name
    report = check_task(TASK, source)
    assert report.passed, report.findings


def test_three_layouts_ask_the_same() -> None:
    prompts = {
        name: [(each.options, each.target) for each in good(SAMPLES / name)[:3]]
        for name in ("omnimedvqa", "medvlm_r1", "med_r1")
    }
    assert prompts["omnimedvqa"] == prompts["medvlm_r1"] == prompts["med_r1"]


def test_rows_say_of_which_modality_they_are() -> None:
    (first, *_) = good(SAMPLES / "medvlm_r1")
    assert first.meta["modality"] == "MR (Mag-netic Resonance Imaging)"
    (first, *_) = good(SAMPLES / "omnimedvqa")
    about = {"modality": "Drawing", "subtask": "Other Biological Attributes"}
    assert about.items() <= first.meta.items() and first.meta["id"] == "drawn_discs_0000"


def test_options_are_listed_once() -> None:
    """Those of Med-R1 stand in the question, the others do not."""
    for name in ("omnimedvqa", "med_r1"):
        sample = good(SAMPLES / name)[0]
        asked = sample.question + TASK.hint(sample, None)
        assert [asked.count(option) for option in sample.options or ()] == [1, 1, 1, 1], name


@pytest.mark.slow
def test_the_sample_rows_are_those_that_the_script_writes(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "scripts/samples/medical.py"))["make"](tmp_path)
    files = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file())
    assert {file.parts[0] for file in files} == set(EXPECTED)
    for file in files:
        assert (SAMPLES / file).is_file()
        if file.suffix == ".json":
            assert (SAMPLES / file).read_bytes() == (tmp_path / file).read_bytes()


# Details of the layouts


@pytest.mark.parametrize(
    ("problem", "options"),
    [
        ("Which? A)CT, B)MRI, C)X-ray, D)PET", ("CT", "MRI", "X-ray", "PET")),
        ("Which? A)Left, B)Right", ("Left", "Right")),
        (
            "Stage? A)Left lobe, T2 N0, Ib, B)Hilum, T1, C)None.",
            ("Left lobe, T2 N0, Ib", "Hilum, T1", "None."),
        ),
        ("Is it? A)Hepatitis A., B)Measles., C)Cholera.", ("Hepatitis A.", "Measles.", "Cholera.")),
        ("Which (B) is it? A)one (C)., B)two", ("one (C).", "two")),
        ("Find x.", ()),
        ("Find x: (A) 3 (B) 4", ()),
        ("Which? A)CT", ()),
        ("Which? A)CT, B)", ()),
    ],
)
def test_options_in_a_line_are_divided(problem: str, options: tuple[str, ...]) -> None:
    assert options_in(problem) == options


def write(folder: Path, *rows: dict[str, Any]) -> Path:
    (folder / "x.png").write_bytes(png(9))
    (folder / "rows.json").write_text(json.dumps(rows), "utf-8")
    return folder / "rows.json"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"gt_answer": "Kidney"}, "the answer 'Kidney' is not the text of just one of"),
        ({"gt_answer": "B"}, "the answer 'B' is not the text of just one of"),
        ({"option_B": "lung"}, "the answer 'Lung' is not the text of just one of"),
        ({"image_path": "y.png"}, "there is no file y.png"),
        ({"question": " "}, "no question in it but ' '"),
    ],
)
def test_a_broken_row_of_omnimedvqa_is_named(
    tmp_path: Path, cells: dict[str, Any], reason: str
) -> None:
    row = {"image_path": "x.png", "question": "Which?", "gt_answer": "Lung"}
    row |= {"option_A": "Lung", "option_B": "Liver"}
    first, second = read(write(tmp_path, row, {**row, **cells}))
    assert isinstance(first, Sample) and first.options == ("Lung", "Liver")
    assert isinstance(second, BadRow) and second.reason.startswith(reason)


def test_an_option_may_be_null(tmp_path: Path) -> None:
    row = {"image_path": "x.png", "question": "Which?", "gt_answer": "Liver"}
    row |= {"option_A": "Lung", "option_B": "Liver", "option_C": None, "option_D": None}
    (found,) = read(write(tmp_path, row))
    assert isinstance(found, Sample) and (found.target, found.options) == ("B", ("Lung", "Liver"))


def test_open_questions_of_the_evaluation_data_are_left_out(tmp_path: Path) -> None:
    row = {"image": ["x.png"], "question": "Which?", "options": ["Lung", "Liver"]}
    row |= {"answer": "Liver", "dataset": "SLAKE", "subset": None}
    (found,) = read(write(tmp_path, row, {**row, "options": [], "answer": "spleen"}))
    assert isinstance(found, Sample)
    assert (found.target, found.meta["modality"]) == ("B", "")


def test_rows_of_other_tasks_in_the_same_columns_are_left_out(tmp_path: Path) -> None:
    row = {"image": "x.png", "problem": "Which? A)CT, B)MRI", "solution": "<answer> B </answer>"}
    count = {**row, "problem": "How many?", "solution": "<answer> 3 </answer>"}
    wrong = {**row, "solution": "<answer> C </answer>"}
    found, bad = read(write(tmp_path, row, count, wrong))
    assert isinstance(found, Sample) and found.target == "B"
    assert isinstance(bad, BadRow) and bad.row == 3
    assert bad.reason == "the solution 'C' is none of its 2 letters"


# Answers


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        *(("B", 1), ("b", 1), ("(B)", 1), ("B) Two spots.", 1), ("two spots", 1)),
        *(("A", 0), ("A or B", 0), ("B, C", 0), ("A) Two spots.", 0), ("", 0), ("E", 0)),
    ],
)
def test_a_letter_or_the_text_of_its_option_counts(answer: str, right: int) -> None:
    sample = good(SAMPLES / "omnimedvqa")[4]
    assert sample.target == "B" and accuracy(sample, answer) == right


@pytest.mark.parametrize(("answer", "paid"), [("B", 1.0), ("B) Two spots.", 0.5), ("A", 0.0)])
def test_medvlm_r1_pays_half_for_text_around_the_letter(answer: str, paid: float) -> None:
    sample = good(SAMPLES / "omnimedvqa")[4]
    rewards = {"accuracy": {"use": "choice.purity"}}
    completion = f"<think>So.</think><answer>{answer}</answer>"
    assert score(TASK, sample, completion, rewards=rewards).total == paid


# Without a world


def test_a_world_is_refused_in_plain_words() -> None:
    with pytest.raises(UserError, match="medical has no procedural world; name its rows"):
        read(Path("world:medical"))


def test_every_file_of_med_r1_is_a_benchmark() -> None:
    sources = {each.name: each.source for each in TASK.benchmarks}
    assert len(SPLITS) == 13
    assert sources["med_r1_oct"] == (
        "Splits/modality/test/OCT (Optical Coherence Tomography_test.json"
    )
