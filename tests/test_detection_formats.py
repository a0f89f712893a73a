"""The raw formats of detection: what is read from them, and the traps they hold."""

import contextlib
import io
import json
import runpy
from pathlib import Path
from typing import Any

import datasets
import pytest
from PIL import Image

from vlrl.check import check_task
from vlrl.contracts import BadRow, Sample, Source
from vlrl.data.detection import Detection
from vlrl.prompts import messages

TASK = Detection()
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"
TABLES = (
    "coco/annotations/instances_val2017.json",
    "lvis/lvis_v1_val.json",
    "d3/d3_json/d3_full_annotations.json",
    "ovdeval/annotations/color.json",
)
FOLDERS = (*TABLES, "odinw", "griffon", "visual_rft")


def read(spec: Path | str, role: str = "train", seed: int = 0) -> list[Sample | BadRow]:
    return list(TASK.load(Source(spec=str(spec), role=role, seed=seed)))  # type: ignore[arg-type]


def samples(spec: Path | str, role: str = "train", seed: int = 0) -> list[Sample]:
    found = read(spec, role, seed)
    assert all(isinstance(each, Sample) for each in found), found
    return found  # type: ignore[return-value]


def reasons(spec: Path | str) -> list[str]:
    return [each.reason for each in read(spec) if isinstance(each, BadRow)]


def asked(sample: Sample) -> list[str]:
    return sample.question.split(": ", 1)[1].removesuffix(".").split("; ")


def labels(sample: Sample) -> list[str]:
    return [each["label"] for each in sample.target]


def stored(folder: str) -> tuple[str, str]:
    """The source of sample rows, and the role that finds them."""
    return str(SAMPLES / folder), "test" if folder == "odinw" else "train"


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_sample_rows_are_read_and_their_ideals_pay(folder: str) -> None:
    spec, role = stored(folder)
    report = check_task(TASK, Source(spec=spec, role=role))  # type: ignore[arg-type]
    assert report.passed, [each for each in report.findings if each.outcome == "fail"]
    assert report.findings[0].outcome == "pass"  # no bad row
    for sample in samples(spec, role):
        assert [each["type"] for each in messages(TASK, sample, "think")[0]["content"]] == [
            "image",
            "text",
        ]


def test_every_format_has_sample_rows() -> None:
    assert {each.name for each in TASK.formats} <= {folder.split("/")[0] for folder in FOLDERS}


@pytest.mark.slow
def test_the_sample_rows_are_those_that_the_script_writes(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "scripts/samples/detection.py"))["make"](tmp_path)
    for folder in FOLDERS:
        spec, role = stored(folder)
        for old, new in zip(samples(spec, role), samples(tmp_path / folder, role), strict=True):
            assert (old.question, old.target) == (new.question, new.target)


@pytest.mark.parametrize("table", TABLES)
def test_the_loader_of_coco_finds_the_objects_that_we_read(table: str) -> None:
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(SAMPLES / table))
    for number, sample in zip(coco.getImgIds(), samples(SAMPLES / table), strict=True):
        names = {each["id"]: each["name"] for each in coco.loadCats(coco.getCatIds())}
        theirs = [
            (*each["bbox"], names[each["category_id"]])
            for each in coco.loadAnns(coco.getAnnIds(imgIds=[number]))
            if names[each["category_id"]] in asked(sample)
        ]
        ours = [
            (x1, y1, x2 - x1, y2 - y1, each["label"])
            for each in sample.target
            for x1, y1, x2, y2 in [each["bbox_2d"]]
        ]
        assert ours == theirs


# COCO and its relatives


def table(folder: Path, **more: Any) -> Path:
    """A picture of 100 x 50 with two cats and a dog, in a file of COCO."""
    (folder / "val2017").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (100, 50), (90, 120, 150)).save(folder / "val2017" / "1.jpg")
    image = {"id": 1, "file_name": "1.jpg", "width": 100, "height": 50}
    annotations = [
        {"image_id": 1, "category_id": 1, "bbox": [10, 5, 20, 30], "iscrowd": 0},
        {"image_id": 1, "category_id": 1, "bbox": [50.5, 0, 20, 30], "iscrowd": 0},
        {"image_id": 1, "category_id": 2, "bbox": [0, 0, 5, 5], "iscrowd": 0},
    ]
    names = ("cat", "dog", "bird", "cow", "horse")
    categories = [{"id": number, "name": name} for number, name in enumerate(names, start=1)]
    found = {"images": [image], "annotations": annotations, "categories": categories}
    for key, changes in more.items():
        found[key] = [{**each, **changes} for each in found[key]]
    path = folder / "annotations" / "instances_val2017.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found), "utf-8")
    return path


def test_a_box_of_coco_is_a_corner_and_a_size(tmp_path: Path) -> None:
    (sample,) = samples(table(tmp_path))
    assert sample.target == [
        {"bbox_2d": [10, 5, 30, 35], "label": "cat"},
        {"bbox_2d": [50.5, 0, 70.5, 30], "label": "cat"},
        {"bbox_2d": [0, 0, 5, 5], "label": "dog"},
    ]
    assert sample.image_size == (100, 50) and sample.meta["id"] == 1


def test_as_many_classes_that_are_not_there_are_asked_for_by_the_seed(tmp_path: Path) -> None:
    path = table(tmp_path)
    absent = set()
    for seed in range(12):
        (sample,) = samples(path, seed=seed)
        assert asked(sample) == sorted(asked(sample)) and len(asked(sample)) == 4
        assert {"cat", "dog"} <= {*asked(sample)}
        absent |= {*asked(sample)} - {"cat", "dog"}
    assert absent == {"bird", "cow", "horse"}
    assert asked(samples(path, seed=3)[0]) == asked(samples(path, seed=3)[0])


def test_a_picture_without_objects_asks_for_one_class_that_is_not_there(tmp_path: Path) -> None:
    (sample,) = samples(table(tmp_path, annotations={"image_id": 2}))
    assert len(asked(sample)) == 1 and sample.target == []


def test_a_class_with_a_crowd_is_not_asked_for(tmp_path: Path) -> None:
    path = table(tmp_path)
    found = json.loads(path.read_text("utf-8"))
    found["annotations"][0]["iscrowd"] = 1
    path.write_text(json.dumps(found), "utf-8")
    for seed in range(8):
        (sample,) = samples(path, seed=seed)
        assert "cat" not in asked(sample) and labels(sample) == ["dog"]


def test_lvis_asks_only_for_what_is_known(tmp_path: Path) -> None:
    facts = {
        "file_name": None,
        "coco_url": "http://images.cocodataset.org/val2017/1.jpg",
        "neg_category_ids": [4],
        "not_exhaustive_category_ids": [1],
    }
    (sample,) = samples(table(tmp_path, images=facts))
    assert asked(sample) == ["cow", "dog"] and labels(sample) == ["dog"]
    vague = {**facts, "neg_category_ids": [], "not_exhaustive_category_ids": [1, 2]}
    assert read(table(tmp_path, images=vague)) == []  # nothing is known


def test_ovdeval_names_what_to_ask_for(tmp_path: Path) -> None:
    facts = {"text": ["cat"], "neg_text": ["bird"]}
    path = table(tmp_path, images=facts)
    folder = tmp_path / "images" / "instances_val2017"
    folder.mkdir(parents=True)
    (tmp_path / "val2017" / "1.jpg").rename(folder / "1.jpg")
    (sample,) = samples(path)
    assert asked(sample) == ["bird", "cat"] and labels(sample) == ["cat", "cat"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"images": {"width": 50, "height": 100}}, "its boxes are for a picture of (50, 100)"),
        ({"images": {"file_name": "2.jpg"}}, "there is no file 2.jpg in"),
        ({"annotations": {"bbox": [10, 5, 0, 0]}}, "the target [10, 5, 10, 5] cannot be read"),
        ({"annotations": {"bbox": [90, 5, 20, 10]}}, "the box [90, 5, 110, 15] reaches out"),
        ({"annotations": {"bbox": [1, 2, 3]}}, "not enough values to unpack (expected 4"),
        ({"annotations": {"category_id": 77}}, "KeyError: 77"),
    ],
)
def test_a_broken_picture_says_why(tmp_path: Path, more: dict[str, Any], reason: str) -> None:
    (found,) = reasons(table(tmp_path, **more))
    assert found.startswith(reason)


@pytest.mark.parametrize(
    "found", [[], {"images": [], "questions": []}, {"info": {}, "annotations": [], "a": 1}]
)
def test_another_file_is_none_of_coco(tmp_path: Path, found: Any) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(found), "utf-8")
    rows = TASK.formats[0].rows
    assert rows is not None and rows(path, Source(spec=str(path))) is None


def test_a_cut_off_file_is_a_bad_row(tmp_path: Path) -> None:
    path = table(tmp_path)
    path.write_text(path.read_text("utf-8")[:-3], "utf-8")
    (reason,) = reasons(path)
    assert reason.startswith("no valid JSON")


# Tables


def rows(folder: Path, *cells: dict[str, Any]) -> Path:
    """Rows of a JSONL file beside a picture of 200 x 100."""
    Image.new("RGB", (200, 100), (90, 120, 150)).save(folder / "x.jpg")
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps({"image": "x.jpg", **row}) + "\n" for row in cells), "utf-8")
    return path


GRIFFON = {
    "problem": "Can you point out cat in the image and provide the coordinates of its location?",
    "solution": '[["Cat", [10, 20, 30, 40.5]]]',
    "width": 200,
    "height": 100,
    "num_instances": 1,
    "target_id_maps": '{"background": 0, "cat": 1, "dog": 2}',
}


def test_griffon_asks_for_all_classes_of_its_map(tmp_path: Path) -> None:
    nothing = {"solution": "[]", "num_instances": 0}
    found, empty = samples(rows(tmp_path, GRIFFON, {**GRIFFON, **nothing}))
    assert asked(found) == ["cat", "dog"]
    assert found.target == [{"bbox_2d": [10, 20, 30, 40.5], "label": "Cat"}]
    assert empty.target == [] and asked(empty) == ["cat", "dog"]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"width": 100, "height": 200}, "its boxes are for a picture of (100, 200)"),
        ({"solution": '[["cat", [30, 20, 10, 40]]]'}, "the target [30, 20, 10, 40] cannot be"),
        ({"solution": "[["}, "Expecting value"),
        ({"target_id_maps": None}, "TypeError"),
    ],
)
def test_a_broken_row_of_griffon_says_why(
    tmp_path: Path, cells: dict[str, Any], reason: str
) -> None:
    (found,) = reasons(rows(tmp_path, {**GRIFFON, **cells}))
    assert found.startswith(reason)


PROBLEM = (
    "Detect all objects belonging to the category 'hot dog' in the image, and provide the bounding "
    "boxes (between 0 and 1000, integer) and confidence.\nIf no object ..."
)


@pytest.mark.parametrize(
    ("solution", "target"),
    [
        (
            "<answer>[{'Position': [100, 200, 300, 400], 'Confidence': 1}]</answer>",
            [{"bbox_2d": [20, 20, 60, 40]}],
        ),
        ("[{'Position': [0, 0, 1000, 1000]}]", [{"bbox_2d": [0, 0, 200, 100]}]),
        ("<answer>No Objects</answer>", []),
    ],
)
def test_boxes_of_visual_rft_are_thousandths(
    tmp_path: Path, solution: str, target: list[Any]
) -> None:
    (sample,) = samples(rows(tmp_path, {"problem": PROBLEM, "solution": solution}))
    assert sample.target == target and asked(sample) == ["hot dog"]
    assert '"confidence": 0 to 1' in TASK.hint(sample, None)
    assert "label" not in TASK.hint(sample, None)


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        ("<answer>Yes</answer>", "its solution '<answer>Yes</answer>' is no list of boxes"),
        ("[{'Position': [300, 200, 100, 400]}]", "its solution"),
        ("[{'Position': [1, 2, 3, 4]}, {'Position': [3, 2]}]", "the target None cannot be read"),
    ],
)
def test_a_broken_row_of_visual_rft_says_why(tmp_path: Path, solution: str, reason: str) -> None:
    (found,) = reasons(rows(tmp_path, {"problem": PROBLEM, "solution": solution}))
    assert found.startswith(reason)


def test_rows_of_other_tasks_of_visual_rft_are_left_out(tmp_path: Path) -> None:
    row = {"problem": "Please identify the species.", "solution": "<answer>rose</answer>"}
    assert read(rows(tmp_path, row)) == []


def test_odinw_asks_for_all_classes_of_the_set(tmp_path: Path) -> None:
    row = {"labels": ["cat"], "categories": ["cat", "dog"], "dataset_name": "Pets"}
    (sample,) = samples(rows(tmp_path, {"bboxes": [[1, 2, 30, 40]], **row}))
    assert asked(sample) == ["cat", "dog"] and sample.meta["dataset"] == "Pets"
    assert sample.target == [{"bbox_2d": [1, 2, 30, 40], "label": "cat"}]
    (reason,) = reasons(rows(tmp_path, {"bboxes": [], **row}))
    assert reason.startswith("zip() argument 2 is longer")


def test_the_rows_of_visual_rft_are_stored_as_its_notebook_stores_them() -> None:
    saved = datasets.DatasetDict.load_from_disk(str(SAMPLES / "visual_rft"))["train"]
    assert saved.column_names == ["image", "problem", "solution"]
    assert saved[1]["solution"] == "<answer>No Objects</answer>"
