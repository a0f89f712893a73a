"""The raw formats of gui: read as published, frames and corners right, bad rows named."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from raw_rows import png, write_jsonl

from vlrl import tasks
from vlrl.check import check_task
from vlrl.contracts import BadRow, Sample, Source
from vlrl.data.formats.vlm_r1_gui import CLASSES
from vlrl.data.gui import Gui
from vlrl.media import load_image
from vlrl.scoring import score

TASK = Gui()
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"
SIZE = (168, 280)

EXPECTED: dict[str, list[tuple[str | None, Any]]] = {  # folder -> kind and target of its rows
    "screenspot": [
        ("point", [59, 31, 109, 88]),
        ("point", [3, 94, 53, 151]),
        ("point", [115, 31, 165, 88]),
    ],
    "screenspot_pro": [("point", [59, 220, 109, 277]), ("point", [3, 31, 53, 88])],
    "ui_r1": [
        (None, {"action": "click", "box": [3, 241, 165, 277]}),
        (None, {"action": "scroll"}),
        (None, {"action": "navigate_back"}),
    ],
    "android_control": [
        (None, {"action": "click", "point": [84, 259]}),
        (None, {"action": "scroll", "text": "up"}),
        (None, {"action": "input_text", "text": "hazel"}),
        (None, {"action": "navigate_back"}),
    ],
    "gui_r1": [
        (None, {"action": "click", "box": [3, 31, 53, 88]}),
        (None, {"action": "click", "point": [84, 259]}),
        (None, {"action": "scroll", "text": "UP"}),
        (None, {"action": "type", "text": "hazel"}),
        (None, {"action": "complete"}),
    ],
    "vlm_r1_gui": [
        ("label", "Operation No Response"),
        ("label", "Unexpected Task Result"),
        ("label", "No Defect"),
    ],
}


def source(path: Path | str, role: str = "") -> Source:
    role = role or ("train" if Path(path).name == "gui_r1" else "test")
    return Source(spec=str(path), role=role)  # type: ignore[arg-type]


def read(path: Path | str, role: str = "") -> list[Sample | BadRow]:
    return list(TASK.load(source(path, role)))


def good(path: Path | str) -> list[Sample]:
    found = read(path)
    assert all(isinstance(each, Sample) for each in found), found
    return found  # type: ignore[return-value]


def reason(path: Path) -> str:
    (bad,) = read(path)
    assert isinstance(bad, BadRow)
    return bad.reason


def accuracy(sample: Sample, answer: str, **rewards: Any) -> float | None:
    chosen = {"accuracy": {"use": "accuracy", **rewards}} if rewards else None
    completion = f"<think>So.</think><answer>{answer}</answer>"
    return score(TASK, sample, completion, rewards=chosen).parts["accuracy"]


# The sample folders


def test_every_format_has_a_sample_folder() -> None:
    assert {each.name for each in TASK.formats} == set(EXPECTED)


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_sample_rows_are_read(folder: str) -> None:
    found = good(SAMPLES / folder)
    targets = [(sample.kind, _rounded(sample.target)) for sample in found]
    assert targets == EXPECTED[folder]
    for sample in found:
        assert len(sample.media) == (2 if folder == "vlm_r1_gui" else 1)
        assert all(load_image(medium).size == sample.image_size == SIZE for medium in sample.media)


def _rounded(target: Any) -> Any:
    """Shares of the picture do not always come to whole pixels."""
    places = {"box", "point"} & set(target) if isinstance(target, dict) else ()
    return (
        {**target, **{p: [round(at, 6) for at in target[p]] for p in places}} if places else target
    )


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_check_passes_on_the_sample_rows_and_no_other_task_reads_them(folder: str) -> None:
    report = check_task(TASK, source(SAMPLES / folder))
    assert report.passed, report.findings
    assert tasks.reading(source(SAMPLES / folder)).name == "gui"


@pytest.mark.slow
def test_the_sample_rows_are_those_that_the_script_writes(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "scripts/samples/gui.py"))["make"](tmp_path)
    files = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file())
    assert {file.parts[0] for file in files} == set(EXPECTED)
    for file in files:
        assert (SAMPLES / file).is_file()
        if file.suffix in (".json", ".jsonl"):
            assert (SAMPLES / file).read_bytes() == (tmp_path / file).read_bytes()
    made = [each.target for each in good(tmp_path / "gui_r1") if isinstance(each, Sample)]
    assert made == [each.target for each in good(SAMPLES / "gui_r1")]


# Rows by hand, about a picture of 4 x 2 pixels


def rows(tmp_path: Path, *cells: dict[str, Any]) -> Path:
    (tmp_path / "x.png").write_bytes(png(9, width=4))
    return write_jsonl(tmp_path / "rows.jsonl", *cells)


SPOT = {
    "img_filename": "x.png",
    "instruction": "close",
    "bbox": [1, 0, 2, 1],
    "data_type": "icon",
    "data_source": "ios",
}
PRO = {
    "img_filename": "x.png",
    "instruction": "close",
    "bbox": [1, 0, 2, 1],
    "img_size": [4, 2],
    "application": "tables",
    "ui_type": "icon",
    "id": "tables_1",
}
UI = {"img_filename": "x.png", "instruction": "close"}
AC = {"image": "x.png", "task": "go", "gt": {"action_type": "navigate_back"}}
R1 = {
    "image": "x.png",
    "instruction": "go",
    "history": None,
    "task_type": "high",
    "gt_action": "CLICK",
    "gt_bbox": [0.25, 0, 0.5, 0.5],
    "gt_input_text": "no input text",
}


@pytest.mark.parametrize(
    ("row", "target"),
    [
        (SPOT, [1, 0, 3, 1]),  # a corner and a size
        (PRO, [1, 0, 2, 1]),  # two corners
        ({**UI, "bbox": [1, 0, 2, 1]}, {"action": "click", "box": [1, 0, 2, 1]}),
        (
            {**UI, "bbox": [1, 0, 2, 1], "action": "scroll"},
            {"action": "click", "box": [1, 0, 2, 1]},
        ),
        ({**UI, "bbox": None, "action": "scroll"}, {"action": "scroll"}),
        (AC, {"action": "navigate_back"}),
        (
            {**AC, "gt": {"action_type": "click", "x": 0, "y": 1}},
            {"action": "click", "point": [0, 1]},
        ),
        (
            {**AC, "gt": {"action_type": "open_app", "app_name": "Maps"}},
            {"action": "open_app", "text": "Maps"},
        ),
        (R1, {"action": "click", "box": [1, 0, 2, 1]}),
        ({**R1, "gt_bbox": [0.5, 0.5]}, {"action": "click", "point": [2, 1]}),
        ({**R1, "gt_action": "press_back", "gt_bbox": [-100, -100]}, {"action": "press_back"}),
        (
            {**R1, "gt_action": "select", "gt_input_text": "red"},
            {"action": "select", "text": "red"},
        ),
    ],
)
def test_a_row_is_read_as_published(tmp_path: Path, row: dict[str, Any], target: Any) -> None:
    (sample,) = good(rows(tmp_path, row))
    assert sample.target == target
    assert accuracy(sample, TASK.ideal(sample, None)) == 1


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({**SPOT, "bbox": [1, 0, 5, 1]}, "reaches out of the picture"),
        ({**SPOT, "bbox": [1, 0, 0, 1]}, "cannot be read"),
        ({**SPOT, "img_filename": "no.png"}, "there is no file no.png"),
        ({**PRO, "img_size": [8, 4]}, "the picture has (4, 2)"),
        (UI, "it has neither a bbox nor an action"),
        ({**UI, "action": "click"}, "clicks nowhere"),
        ({**AC, "gt": {"action_type": "click"}}, "clicks nowhere"),
        ({**AC, "gt": {"action_type": "input_text", "text": ""}}, "wants an empty text"),
        ({**AC, "gt": {"x": 1, "y": 1}}, "KeyError: 'action_type'"),
        ({**R1, "gt_bbox": [0.5, 0.5, 0.25, 0.75]}, "cannot be read"),
        ({**R1, "gt_bbox": []}, "cannot be read"),
    ],
)
def test_a_broken_row_says_why(tmp_path: Path, row: dict[str, Any], why: str) -> None:
    assert why in reason(rows(tmp_path, row))


def test_the_task_type_of_gui_r1_says_which_actions_there_are(tmp_path: Path) -> None:
    low, high = good(rows(tmp_path, {**R1, "task_type": "low", "history": "tap a"}, R1))
    assert "from: click (point). X" in TASK.hint(low, None)
    assert "press_home; click (point); press_back" in TASK.hint(high, None)
    assert low.question.endswith('"go". Steps so far: tap a.')
    assert high.question.endswith('"go". Steps so far: None.')


def test_texts_may_be_compared_by_their_words(tmp_path: Path) -> None:
    row = {**R1, "gt_action": "type", "gt_input_text": "new york weather"}
    (sample,) = good(rows(tmp_path, row))
    answer = '{"action": "type", "text": "weather new york"}'
    assert accuracy(sample, answer) == 0
    assert accuracy(sample, answer, least_f1=0.5) == 1
    assert accuracy(sample, '{"action": "type", "text": "a b york"}', least_f1=0.5) == 0


def conversation(answer: Any, images: Any = ("x.png", "x.png")) -> dict[str, Any]:
    talk = [{"from": "human", "value": "Which defect?"}, {"from": "gpt", "value": answer}]
    return {"id": 1, "image": images, "conversations": talk}


def test_conversations_about_anything_else_are_left_out(tmp_path: Path) -> None:
    path = rows(
        tmp_path,
        conversation("<answer> No Defect </answer>"),
        conversation("navigation logic error"),
        conversation("No Defect", "x.png"),
        conversation("[1, 2, 3, 4]"),
        conversation(3),
    )
    found = good(path)
    assert [sample.target for sample in found] == ["No Defect", "Navigation Logic Error"]
    assert found[0].meta["classes"] == CLASSES
    assert accuracy(found[0], "no defect") == 1 and accuracy(found[0], "No Response") == 0


def test_a_row_names_its_file_and_number(tmp_path: Path) -> None:
    path = tmp_path / "ac_test.json"
    (tmp_path / "x.png").write_bytes(png(9))
    path.write_text(json.dumps([AC, {**AC, "gt": {"action_type": "click"}}]), "utf-8")
    _, bad = read(path)
    assert isinstance(bad, BadRow) and (bad.file, bad.row) == (str(path), 2)
