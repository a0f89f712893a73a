"""The raw formats of segmentation: polygons painted as published, prompts, frames, bad rows."""

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vlrl.check import check_task
from vlrl.contracts import BadRow, Sample, Source, UserError
from vlrl.data.formats import reasonseg, refcoco_masks
from vlrl.data.segmentation import Segmentation
from vlrl.rewards import mask
from vlrl.scoring import score

TASK = Segmentation()
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"
NUM_OBJECTS = {  # source -> number of objects of its rows
    "reasonseg@train": [2, 2],
    "reasonseg@val": [1],
    "seg_zero_reasonseg": [1, 2],
    "seg_zero": [1, 1],
    "vision_reasoner": [3, 0],
    "refcoco@train": [1, 1, 1],
    "refcoco@testA": [1],
}


def read(spec: Path | str, role: str = "train") -> list[Sample | BadRow]:
    return list(TASK.load(Source(spec=str(spec), role=role)))  # type: ignore[arg-type]


def good(spec: Path | str, role: str = "train") -> list[Sample]:
    found = read(spec, role)
    assert all(isinstance(each, Sample) for each in found), found
    return found  # type: ignore[return-value]


# The sample folders


@pytest.mark.parametrize("source", NUM_OBJECTS)
def test_sample_rows_are_read_and_their_ideals_score_1(source: str) -> None:
    role = "test" if "seg_zero_reasonseg" in source else "train"
    found = good(SAMPLES / source, role)
    assert [len(sample.target) for sample in found] == NUM_OBJECTS[source]
    for sample in found:
        completion = f"<think>So.</think><answer>{TASK.ideal(sample, None)}</answer>"
        assert score(TASK, sample, completion).total == 2
    if len({TASK.ideal(sample, None) for sample in found}) > 1:
        report = check_task(TASK, Source(spec=str(SAMPLES / source), role=role))  # type: ignore[arg-type]
        assert report.passed, report


def test_the_sample_rows_are_those_that_the_script_writes(tmp_path: Path) -> None:
    path = ROOT / "scripts/samples/segmentation.py"
    spec = importlib.util.spec_from_file_location("make", path)
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.make(tmp_path)
    for name in ("reasonseg@train", "seg_zero_reasonseg", "seg_zero", "vision_reasoner"):
        role = "test" if name == "seg_zero_reasonseg" else "train"
        old, new = good(SAMPLES / name, role), good(tmp_path / name, role)
        assert [(each.question, each.target) for each in old] == [
            (each.question, each.target) for each in new
        ]


# ReasonSeg


def paint(*shapes: tuple[str, list], size: int = 12) -> np.ndarray:
    rows = [{"label": label, "points": points} for label, points in shapes]
    return reasonseg.paint(rows, size, size)[0]


def square(low: float, high: float) -> list[list[float]]:
    return [[low, low], [high, low], [high, high], [low, high]]


def test_a_square_from_2_to_5_is_16_pixels() -> None:
    found = paint(("target", square(2, 5)))
    assert found.sum() == 16
    assert found[2:6, 2:6].all()


def test_coordinates_lose_what_is_behind_the_point() -> None:
    assert (paint(("target", square(2.9, 5.9))) == paint(("target", square(2, 5)))).all()


def test_smaller_polygons_are_painted_over_larger_ones_whatever_their_order() -> None:
    shapes = ("target", square(1, 9)), ("ignore", square(3, 6)), ("target", square(4, 5))
    found = paint(*shapes)
    assert (found == paint(*shapes[::-1])).all()
    assert [int((found == value).sum()) for value in (1, 255)] == [81 - 16 + 4, 16 - 4]
    assert found[4, 4] == 1 and found[3, 3] == mask.IGNORED


def test_of_equal_polygons_the_first_shows() -> None:
    assert (paint(("target", square(2, 5)), ("ignore", square(2, 5))) <= 1).all()
    assert (paint(("ignore", square(2, 5)), ("target", square(2, 5))) != 1).all()


def test_labels_with_ignore_in_them_and_flags() -> None:
    found = paint(("Ignore_small", square(0, 2)), ("FLAG", square(4, 6)), ("thing", square(8, 9)))
    assert sorted(np.unique(found)) == [0, 1, mask.IGNORED]
    assert not found[4:7, 4:7].any() and found[8, 8] == 1


def test_objects_are_the_target_polygons_of_which_something_shows() -> None:
    rows = [
        {"label": "target", "points": square(0, 9)},
        {"label": "target", "points": square(2, 5)},
        {"label": "ignore", "points": square(2, 5)},
        {"label": "target", "points": square(20, 30)},
    ]
    targets = reasonseg.paint(rows[:3], 12, 12)[1]
    assert [int(each.sum()) for each in targets] == [100 - 16, 16]
    assert [int(each.sum()) for each in reasonseg.paint([rows[2], *rows[:2]], 12, 12)[1]] == [84]
    assert reasonseg.paint([rows[3]], 12, 12)[1] == []


def reason_seg(folder: Path, shapes: list, texts: list[str], *, is_sentence: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (30, 20)).save(folder / "a.jpg")
    row = {"shapes": shapes, "text": texts, "is_sentence": is_sentence}
    (folder / "a.json").write_text(json.dumps(row, ensure_ascii=False), "cp1252")
    return folder


TARGET = {"label": "target", "points": square(2, 5)}
IGNORE = {"label": "ignore", "points": square(10, 12)}


def test_training_reads_all_texts_and_evaluation_the_first(tmp_path: Path) -> None:
    folder = reason_seg(tmp_path / "train", [TARGET, IGNORE], ["the café", "a place"])
    assert [each.question for each in good(folder)] == [
        'Which part of the picture is meant by "the café"?',
        'Which part of the picture is meant by "a place"?',
    ]
    (first,) = good(folder, "test")
    assert "café" in first.question
    assert first.target == [{"bbox_2d": [2, 2, 6, 6], "point_2d": [3, 3]}]
    target = first.meta["mask"]
    assert [int(mask.decode(target[part]).sum()) for part in ("mask", "ignore")] == [16, 9]
    assert mask.decode(target["mask"]).shape == (20, 30)


def test_a_sentence_is_asked_as_it_is(tmp_path: Path) -> None:
    folder = reason_seg(tmp_path, [TARGET], ["What do cats like?"], is_sentence=True)
    (found,) = good(folder)
    assert found.question.endswith('answer to this: "What do cats like?"?')


def test_splits_are_folders(tmp_path: Path) -> None:
    for split in ("train", "val"):
        reason_seg(tmp_path / split, [TARGET], [split])
    assert "val" in good(tmp_path, "validation")[0].question
    assert "train" in good(f"{tmp_path}@train", "test")[0].question
    with pytest.raises(UserError, match="no split 'odd'"):
        read(f"{tmp_path}@odd")


def test_a_picture_without_a_target_and_a_broken_one_are_bad_rows(tmp_path: Path) -> None:
    (bad,) = read(reason_seg(tmp_path, [IGNORE], ["it"]))
    assert isinstance(bad, BadRow) and "no polygon of the target shows" in str(bad)
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    (bad,) = read(tmp_path)
    assert isinstance(bad, BadRow) and "is no readable image" in str(bad)


@pytest.mark.parametrize("role", ["train", "test"])
def test_a_broken_pair_is_a_bad_row_and_the_others_are_read(tmp_path: Path, role: str) -> None:
    reason_seg(tmp_path, [TARGET], ["it"])
    for name in ("A", "b"):
        shutil.copy(tmp_path / "a.jpg", tmp_path / f"{name}.jpg")
        (tmp_path / f"{name}.json").write_text("{")
    before, found, after = read(tmp_path, role)
    assert isinstance(before, BadRow) and isinstance(after, BadRow) and isinstance(found, Sample)
    assert (before.file, before.row) == (str(tmp_path / "A.json"), 1)


def write_rows(folder: Path, *rows: dict[str, Any], size: tuple[int, int] = (4, 2)) -> Path:
    Image.new("RGB", size).save(folder / "a.png")
    path = folder / "a.jsonl"
    path.write_text("".join(json.dumps({"image": "a.png", **row}) + "\n" for row in rows), "utf-8")
    return path


def test_the_copy_of_seg_zero_is_split_into_its_parts(tmp_path: Path) -> None:
    bitmap = [[True, False, False, True], [True, False, False, False]]
    row = {"mask": bitmap, "text": "it", "ann_id": "7", "img_height": 2, "img_width": 4}
    (found,) = good(write_rows(tmp_path, row))
    assert found.target == [
        {"bbox_2d": [0, 0, 1, 2], "point_2d": [0, 0]},
        {"bbox_2d": [3, 0, 4, 1], "point_2d": [3, 0]},
    ]
    assert (mask.decode(found.meta["mask"]) == bitmap).all()
    (bad,) = read(write_rows(tmp_path, row, size=(4, 3)))
    assert isinstance(bad, BadRow) and "4 x 2 pixels, its image 4 x 3" in bad.reason


# Rows of one's own


def test_rows_of_ones_own_are_in_pixels(tmp_path: Path) -> None:
    thing = {"bbox_2d": [0, 0, 2, 2], "point_2d": [1, 1]}
    solutions = ([thing], json.dumps([thing]), [])
    rows = [{"problem": "the cat", "solution": each} for each in solutions]
    assert [each.target for each in good(write_rows(tmp_path, *rows))] == [[thing], [thing], []]


def test_masks_of_ones_own_are_answered_with_masks(tmp_path: Path) -> None:
    bitmap = np.array([[1, 1, 0, 0], [0, 0, 0, 0]], bool)
    runs, polygons = mask.encode(bitmap), [[0, 0, 2, 0, 2, 1, 0, 1]]
    cases = (runs, polygons, json.dumps(polygons), {"mask": runs, "ignore": mask.encode(~bitmap)})
    rows = [{"problem": "the cat", "mask": each} for each in (*cases, [])]
    *found, none = good(write_rows(tmp_path, *rows))
    for sample in found:
        assert sample.kind == "mask"
        for answer in (json.dumps(polygons), TASK.ideal(sample, None)):
            completion = f"<think>So.</think><answer>{answer}</answer>"
            assert score(TASK, sample, completion).parts["accuracy"] == 1
    assert TASK.parse(TASK.ideal(none, None), none, None) == mask.encode(bitmap & False)


@pytest.mark.parametrize("stated", [7, "a cat", [[0, 0, 1]], {"size": [2, 4], "counts": "!"}])
def test_a_mask_that_is_none_is_a_bad_row(tmp_path: Path, stated: object) -> None:
    (bad,) = read(write_rows(tmp_path, {"problem": "the cat", "mask": stated}))
    assert isinstance(bad, BadRow) and "the target is not a mask" in bad.reason


def test_polygons_outside_the_picture_are_a_bad_row(tmp_path: Path) -> None:
    row = {"problem": "the cat", "mask": [[20, 20, 30, 20, 30, 30]]}
    (bad,) = read(write_rows(tmp_path, row))
    assert isinstance(bad, BadRow) and "cover no pixel" in bad.reason


# Seg-Zero and VisionReasoner


def seg_zero(folder: Path, *solutions: str, side: int = 840) -> Path:
    Image.new("RGB", (side, side)).save(folder / "a.png")
    rows = [
        {
            "id": str(number),
            "problem": "the cat.",
            "solution": solution,
            "image": "a.png",
            "img_height": 480,
            "img_width": 640,
        }
        for number, solution in enumerate(solutions)
    ]
    path = folder / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


OLD = "<box>(84,168),(252,420)</box><points>(100,200),(210,330)</points>"
NEW = '[{"bbox_2d": [84, 168, 252, 420], "point_2d": [100, 200]}]'
READ = [{"bbox_2d": [84, 168, 252, 420], "point_2d": [100, 200]}]


def test_both_solutions_are_read_and_the_first_point_counts(tmp_path: Path) -> None:
    old, new, none = good(seg_zero(tmp_path, OLD, NEW, "[]"))
    assert old.target == new.target == READ
    assert none.target == []
    assert old.question == 'Find "the cat" in the picture.'
    assert old.image_size == (840, 840)


def test_coordinates_follow_the_picture_that_is_there(tmp_path: Path) -> None:
    (found,) = good(seg_zero(tmp_path, NEW, side=420))
    assert found.target == [{"bbox_2d": [42, 84, 126, 210], "point_2d": [50, 100]}]


@pytest.mark.parametrize(
    "solution",
    [
        "a cat",
        "7",
        '[{"bbox_2d": [84, 168, 252, 420]}]',
        '[{"bbox_2d": [252, 168, 84, 420], "point_2d": [100, 200]}]',
        '[{"bbox_2d": [84, 168, 252, 420], "point_2d": [100]}]',
        "<box>(84,168),(252,420)</box>",
        "",
    ],
)
def test_a_broken_solution_is_a_bad_row(tmp_path: Path, solution: str) -> None:
    (bad,) = read(seg_zero(tmp_path, solution))
    assert isinstance(bad, BadRow) and bad.row == 1


# RefCOCO


def test_polygons_that_overlap_count_once_as_pycocotools_fills_them() -> None:
    polygons = [[2, 2, 6, 2, 6, 6, 2, 6], [4, 4, 8, 4, 8, 8, 4, 8]]
    found = refcoco_masks.bitmap(polygons, 10, 12)
    assert found.dtype == bool and found.shape == (10, 12)
    assert found.sum() == 16 + 16 - 4


def test_run_lengths_alone_and_in_a_list() -> None:
    one, other = np.zeros((4, 5), bool), np.zeros((4, 5), bool)
    one[0], other[:, 0] = True, True
    assert (refcoco_masks.bitmap(mask.encode(one), 4, 5) == one).all()
    both = [mask.encode(one), mask.encode(other)]
    assert (refcoco_masks.bitmap(both, 4, 5) == one | other).all()


def test_the_mask_of_a_ref_lies_in_its_box() -> None:
    rows = json.loads((SAMPLES / "refcoco" / "instances.json").read_text("utf-8"))
    boxes = [row["bbox"] for row in rows["annotations"]]
    for sample in good(SAMPLES / "refcoco@train"):
        x1, y1, x2, y2 = sample.target[0]["bbox_2d"]
        assert any(
            abs(x1 - x) <= 1 and abs(y1 - y) <= 1 and abs(x2 - x - w) <= 1 and abs(y2 - y - h) <= 1
            for x, y, w, h in boxes
        )
        assert mask.decode(sample.meta["mask"]).any()
