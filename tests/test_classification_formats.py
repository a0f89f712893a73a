"""The raw formats of classification: what is read from them, and the traps they hold."""

import json
import runpy
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image

from vlrl.check import check_task
from vlrl.contracts import BadRow, Sample, Source, UserError
from vlrl.data.classification import Classification
from vlrl.data.formats.class_folders import choices

TASK = Classification()
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"
TABLE = "chest_xray/Data_Entry_2017.csv"

EXPECTED: dict[tuple[str, str], list[Any]] = {  # (source, role) -> targets
    ("cls_rl", "train"): ["sphere", "cube", "sphere"],
    ("cls_rl_prompts", "test"): ["sphere", "cube"],
    ("visual_rft_classes", "train"): ["sphere", "cube"],
    ("class_folders", "train"): ["large sphere", "large sphere", "small cube", "small sphere"],
    ("class_folders", "test"): ["large cube", "large sphere"],
    (TABLE, "train"): [["Effusion", "Mass"], [], ["Pleural_Thickening"]],
    (TABLE, "validation"): [["Effusion", "Mass"], [], ["Pleural_Thickening"]],
    (TABLE, "test"): [["Hernia"]],
    (f"{TABLE}@test", "train"): [["Hernia"]],
}


def read(spec: Path | str, role: str = "train", seed: int = 0) -> list[Sample | BadRow]:
    return list(TASK.load(Source(spec=str(spec), role=role, seed=seed)))  # type: ignore[arg-type]


def samples(spec: Path | str, role: str = "train", seed: int = 0) -> list[Sample]:
    found = read(spec, role, seed)
    assert all(isinstance(each, Sample) for each in found), found
    return found  # type: ignore[return-value]


def reasons(spec: Path | str) -> list[str]:
    return [each.reason for each in read(spec) if isinstance(each, BadRow)]


@pytest.mark.parametrize(("path", "role"), EXPECTED)
def test_the_sample_rows_are_read(path: str, role: str) -> None:
    found = samples(SAMPLES / path, role)
    assert [sample.target for sample in found] == EXPECTED[path, role]
    assert {sample.image_size for sample in found} == {(64, 64)}


@pytest.mark.parametrize(("path", "role"), EXPECTED)
def test_the_ideal_of_a_sample_row_pays_and_junk_does_not(path: str, role: str) -> None:
    report = check_task(TASK, Source(spec=str(SAMPLES / path), role=role))  # type: ignore[arg-type]
    assert report.passed, [each for each in report.findings if each.outcome == "fail"]


@pytest.mark.slow
def test_the_sample_rows_are_those_that_the_script_writes(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "scripts/samples/classification.py"))["make"](tmp_path)
    for path, role in EXPECTED:
        found = samples(tmp_path / path, role)
        assert [(each.question, each.target, each.meta) for each in found] == [
            (each.question, each.target, each.meta) for each in samples(SAMPLES / path, role)
        ]


def rows(folder: Path, *cells: dict[str, Any], name: str = "rows.jsonl") -> Path:
    Image.new("RGB", (8, 4), (90, 120, 150)).save(folder / "x.jpg")
    path = folder / name
    path.write_text("".join(json.dumps({"image": "x.jpg", **row}) + "\n" for row in cells), "utf-8")
    return path


# Few-shot sets

PROBLEM = "What type of object is in the photo?\n Please choose one from list [ Boeing 707, DC-3 ]."


def test_the_names_are_taken_out_of_the_question(tmp_path: Path) -> None:
    row = {"problem": PROBLEM, "solution": "<answer>DC-3</answer>"}
    (sample,) = samples(rows(tmp_path, row))
    assert sample.question == "What type of object is in the photo?"
    assert sample.meta["classes"] == ["Boeing 707", "DC-3"] and sample.target == "DC-3"


def test_a_prompt_of_a_test_has_its_answer_in_a_column(tmp_path: Path) -> None:
    row = {"problem": PROBLEM, "label": "DC-3", "split": "valid"}
    (sample,) = samples(rows(tmp_path, row, name="FGVCAircraft_fewshot_test.jsonl"), "test")
    assert sample.target == "DC-3" and sample.meta["classes"] == ["Boeing 707", "DC-3"]


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        ("<answer>A380</answer>", "the target 'A380' is no name of ['Boeing 707', 'DC-3']"),
        ("<answer></answer>", "the target '' is no name of"),
        ("", "the target '' is no name of"),
        (None, "TypeError"),
    ],
)
def test_an_answer_that_the_list_lacks_is_a_bad_row(
    tmp_path: Path, solution: str | None, reason: str
) -> None:
    (found,) = reasons(rows(tmp_path, {"problem": PROBLEM, "solution": solution}))
    assert found.startswith(reason)


@pytest.mark.parametrize(
    ("problem", "question"),
    [
        (
            "This is an image containing an aircraft. Please identify the model of the aircraft "
            "based on the image.\nOutput the thinking process in <think> </think> tags.",
            "This is an image containing an aircraft. Please identify the model of the aircraft "
            "based on the image.",
        ),
        (
            "This is an image containing a plant. Please identify the species.",
            "This is an image containing a plant. Please identify the species.",
        ),
    ],
)
def test_without_names_two_sentences_are_the_question(
    tmp_path: Path, problem: str, question: str
) -> None:
    row = {"problem": problem, "solution": "<answer>707-320</answer>"}
    (sample,) = samples(rows(tmp_path, row))
    assert (sample.question, sample.target) == (question, "707-320")
    assert TASK.hint(sample, None) == "Write its name."


@pytest.mark.parametrize(
    "problem",
    ["How many objects are there?", "Detect all objects belonging to the category 'cat' in ..."],
)
def test_rows_in_other_words_are_left_out(tmp_path: Path, problem: str) -> None:
    assert read(rows(tmp_path, {"problem": problem, "solution": "<answer>3</answer>"})) == []


# Folders by class


@pytest.mark.parametrize(
    ("num_classes", "num_choices"),
    [(2, 2), (37, 37), (74, 74), (75, 30), (102, 40), (200, 80), (397, 100), (1000, 100)],
)
def test_some_of_the_classes_are_offered(num_classes: int, num_choices: int) -> None:
    classes = [f"class {number:04d}" for number in range(num_classes)]
    found = choices(classes[-1], classes, Random("a"))
    assert len({*found}) == len(found) == num_choices
    assert classes[-1] in found and found == sorted(found) and {*found} <= {*classes}


def test_every_other_class_is_offered_alike() -> None:
    classes = [f"class {number:03d}" for number in range(100)]
    found = Counter(
        name for seed in range(300) for name in choices(classes[0], classes, Random(f"{seed}"))
    )
    assert found.pop(classes[0]) == 300
    assert len(found) == 99 and all(80 < times < 160 for times in found.values())  # 300 * 39 / 99


def folders(root: Path, *places: str) -> Path:
    for place in places:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 4), (90, 120, 150)).save(root / place)
    return root


def test_the_folders_are_the_classes_and_may_lie_in_splits(tmp_path: Path) -> None:
    root = folders(tmp_path, "train/a_b/1.jpg", "train/c/2.png", "val/c/3.jpg", "val/d/4.jpg")
    train, validation = samples(root), samples(root, "validation")
    assert [each.target for each in train] == ["a b", "c"]
    assert [each.target for each in validation] == ["c", "d"]
    assert train[0].meta["classes"] == ["a b", "c"]


def test_many_classes_are_offered_by_the_seed(tmp_path: Path) -> None:
    root = folders(tmp_path, *(f"class_{number:02d}/1.jpg" for number in range(80)))
    offered = [samples(root, seed=seed)[7].meta["classes"] for seed in (0, 0, 1)]
    assert offered[0] == offered[1] != offered[2]
    assert all(len(each) == 32 and "class 07" in each for each in offered)


@pytest.mark.parametrize("places", [("1.jpg",), ("a/1.jpg", "rows.json"), ("a/1.txt",)])
def test_another_folder_has_no_classes(tmp_path: Path, places: tuple[str, ...]) -> None:
    for place in places:
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text("[]")
    rows_of = TASK.formats[0].rows
    assert rows_of is not None and rows_of(tmp_path, Source(spec=str(tmp_path))) is None


# ChestX-ray14


def table(folder: Path, *cells: str, lists: bool = True) -> Path:
    folders(folder, "images_012/images/1.png", "images/2.png")
    path = folder / "Data_Entry_2017_v2020.csv"
    path.write_text("\n".join(("Image Index,Finding Labels,Patient ID", *cells)), "utf-8")
    if lists:
        (folder / "train_val_list.txt").write_text("1.png\n", "utf-8")
        (folder / "test_list.txt").write_text("2.png\n3.png\n", "utf-8")
    return path


def test_pictures_lie_in_one_folder_or_in_twelve(tmp_path: Path) -> None:
    path = table(tmp_path, "1.png,Mass|Edema,7", "2.png,No Finding,8")
    (train,) = samples(path)
    (test,) = samples(path, "test")
    assert (train.target, test.target) == (["Mass", "Edema"], [])
    assert train.kind == "labels" and len(train.meta["classes"]) == 14
    assert train.meta["patient"] == "7"


def test_a_table_without_its_lists_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train_val_list.txt: there is no such list; put it besi"):
        read(table(tmp_path, "1.png,Mass,7", lists=False))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("3.png,Mass,7", "there is no file 3.png in"),
        ("2.png,Flu,7", "the target ['Flu'] is no list of names out of"),
        ("2.png,,7", "the target [''] is no list of names out of"),
        ("2.png,Mass|No Finding,7", "the target ['Mass', 'No Finding'] is no list of names"),
        ("2.png,Mass,7,8", "more cells than the header has"),
    ],
)
def test_a_broken_row_of_the_table_says_why(tmp_path: Path, row: str, reason: str) -> None:
    (found,) = reasons(f"{table(tmp_path, row)}@test")
    assert found.startswith(reason)
