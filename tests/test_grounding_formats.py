"""The raw formats of grounding: what is read from them, and the traps they hold."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from grounding_rows import SAMPLES, TASK, read, reasons, samples
from PIL import Image

from vlrl import tasks
from vlrl.check import check_task
from vlrl.contracts import BadRow, Sample, Source
from vlrl.prompts import write_completion
from vlrl.scoring import score

FOLDERS = ("refcoco", "vlm_r1", "vlm_r1_jsonl", "qwen_grounding", "lisa_grounding")


def picture(path: Path, size: tuple[int, int] = (100, 50)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 150)).save(path)


def write(path: Path, rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(lines if path.suffix == ".jsonl" else json.dumps(rows), "utf-8")
    return path


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_ideal_pays_and_junk_does_not(folder: str) -> None:
    report = check_task(TASK, Source(spec=str(SAMPLES / folder)))
    assert report.passed, [f for f in report.findings if f.outcome == "fail"]
    assert report.findings[0].outcome == "pass"  # no bad row


@pytest.mark.parametrize("name", [each.name for each in TASK.benchmarks])
def test_every_benchmark_can_be_read_where_its_rows_are(name: str, tmp_path: Path) -> None:
    benchmark = next(each for each in TASK.benchmarks if each.name == name)
    if benchmark.source.endswith(".jsonl"):
        shutil.copytree(SAMPLES / "qwen_grounding", tmp_path / "root")
        folder = tmp_path / "root" / "data" / "refcoco"
        (folder / "refcoco_testA.jsonl").rename(folder / benchmark.source)
        source = str(folder / benchmark.source)
    elif benchmark.source.endswith(".json"):
        source = str(SAMPLES / "vlm_r1" / "rec_jsons_processed" / benchmark.source)
    else:
        source = benchmark.source
    found = tasks.samples(TASK, Source(spec=source, role="test", take="first:3"))
    assert len(list(found)) == 3


# VLM-R1


def rec(folder: Path, **cells: Any) -> Path:
    picture(folder / "train2014" / "x.jpg")
    row = {"image": "train2014/x.jpg", "problem": "Where is it?", "solution": [1.5, 2, 30, 40]}
    return write(folder / "rec_jsons_processed" / "refcoco_train.json", [{**row, **cells}])


def test_the_solution_of_rec_is_corners_in_pixels_and_not_thousandths(tmp_path: Path) -> None:
    path = rec(tmp_path, normalized_solution=[15, 40, 300, 800], width=100, height=50)
    (sample,) = samples(path)
    assert sample.target == [1.5, 2, 30, 40] and sample.question == "Where is it?"
    assert sample.image_size == (100, 50)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"width": 200, "height": 100}, "its boxes are for a picture of (200, 100)"),
        ({"solution": [150, 40, 300, 50]}, "the box [150, 40, 300, 50] reaches out"),
        ({"solution": [30, 2, 1, 40]}, "the target [30, 2, 1, 40] cannot be read"),
        ({"solution": "<answer>(1,2),(3,4)</answer>"}, "the target '<answer>(1,2),(3,4)</answer>'"),
        (
            {"solution": []},
            "the target [] cannot be read",
        ),  # else the hint would tell what is not there
        (
            {"solution": [{"bbox_2d": [1, 2, 3, 4]}]},
            "the target [{'bbox_2d': [1, 2, 3, 4]}] cannot be read",
        ),
        ({"image": "train2014/y.jpg"}, "there is no file train2014/y.jpg in"),
    ],
)
def test_a_broken_row_of_rec_says_why(tmp_path: Path, cells: dict[str, Any], reason: str) -> None:
    (found,) = reasons(rec(tmp_path, **cells))
    assert found.startswith(reason)


def test_a_box_may_be_a_text_as_in_a_csv(tmp_path: Path) -> None:
    (sample,) = samples(rec(tmp_path, solution="[1, 2, 30, 40]"))
    assert sample.target == [1, 2, 30, 40]


def talk(folder: Path, answer: Any, image: Any = "x.jpg", **cells: Any) -> Path:
    for name in ("x.jpg", "y.jpg"):
        picture(folder / name, (100, 50) if name == "x.jpg" else (20, 20))
    turns = [{"from": "human", "value": "<image>Where?"}, {"from": "gpt", "value": answer}]
    row = {"id": 7, "image": image, "conversations": turns, **cells}
    return write(folder / "data.jsonl", [{k: v for k, v in row.items() if v is not None}])


@pytest.mark.parametrize(
    "answer",
    [
        "[10, 20, 90, 40]",
        "<answer> [10, 20, 90, 40] </answer>",
        '```json\n[{"bbox_2d": [10, 20, 90, 40], "label": "it"}]\n```',
        '{"bbox_2d": [10, 20, 90, 40]}',
        [10, 20, 90, 40],
    ],
)
def test_the_answer_of_a_conversation_is_a_box(tmp_path: Path, answer: Any) -> None:
    (sample,) = samples(talk(tmp_path, answer))
    assert sample.target == [10, 20, 90, 40]
    assert sample.kind is None and sample.rewards is None and sample.meta["id"] == 7


def test_of_several_pictures_the_box_belongs_to_the_first(tmp_path: Path) -> None:
    (sample,) = samples(talk(tmp_path, "[10, 20, 90, 40]", ["x.jpg", "y.jpg"]))
    assert len(sample.media) == 2 and sample.image_size == (100, 50)
    assert "in the first image" in TASK.hint(sample, None)
    (reason,) = reasons(talk(tmp_path, "[10, 20, 90, 40]", ["y.jpg", "x.jpg"]))
    assert reason.startswith("the box [10, 20, 90, 40] reaches out of the picture of (20, 20)")


@pytest.mark.parametrize(
    ("method", "reward"),
    [
        ("map", "detection.average_precision"),
        ("od_ap", "detection.average_precision"),
        ("od_ap50", "detection.f1"),
        ("odLength", "detection.ap_length"),
        ("weighted_sum", "detection.weighted"),
    ],
)
def test_a_row_brings_its_own_reward(tmp_path: Path, method: str, reward: str) -> None:
    objects = [{"bbox_2d": [10, 20, 90, 40], "label": "a"}, {"bbox_2d": [1, 2, 3, 4], "label": "b"}]
    for answer, target in ((json.dumps(objects), objects), ("None", [])):
        (sample,) = samples(talk(tmp_path, answer, accu_reward_method=method))
        assert sample.target == target and sample.kind == "boxes"
        assert sample.rewards == {"accuracy": {"use": reward}, "format": 1.0}
        assert '"label": "its name"' in TASK.hint(sample, None)
        completion = write_completion("think", "So.", TASK.ideal(sample, None))
        assert score(TASK, sample, completion).total == pytest.approx(2)
        wrong = write_completion("think", "So.", '[{"bbox_2d": [90, 0, 99, 9], "label": "a"}]')
        assert score(TASK, sample, wrong).total == pytest.approx(1)


@pytest.mark.parametrize(
    ("answer", "cells"),
    [
        ("3", {}),
        (3.5, {}),
        ("No Defect", {"accu_reward_method": "all_match"}),
        ("B", {"accu_reward_method": "mcq"}),
        ("[10, 20, 90, 40]", {"image": None}),
    ],
)
def test_rows_that_ask_something_else_are_left_out(
    tmp_path: Path, answer: Any, cells: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="vlrl"):
        assert read(talk(tmp_path, answer, **cells)) == []
    assert "1 rows ask something else than grounding" in caplog.text


@pytest.mark.parametrize(
    ("answer", "cells", "reason"),
    [
        ("[10, 20, 90", {}, "its answer '[10, 20, 90' is no box"),
        ("[[1, 2, 3, 4], [5, 6, 7, 8]]", {}, "its answer '[[1, 2, 3, 4], [5, 6, 7, 8]]' is no box"),
        ("[90, 20, 10, 40]", {}, "its answer '[90, 20, 10, 40]' is no box"),
        ("a cat", {"accu_reward_method": "od_ap"}, "its answer 'a cat' is no list of boxes"),
        (
            '[{"bbox_2d": [1, 2, 3, 4]}, {"bbox_2d": [3, 2, 1, 4]}]',
            {"accu_reward_method": "od_ap"},
            "the target None cannot be read",
        ),
        ("[10, 20, 90, 40]", {"conversations": [{"value": "Where?"}]}, "not enough values"),
    ],
)
def test_a_broken_conversation_says_why(
    tmp_path: Path, answer: str, cells: dict[str, Any], reason: str
) -> None:
    (found,) = reasons(talk(tmp_path, answer, **cells))
    assert found.startswith(reason)


# Qwen-VL's and InternVL's files


def test_the_paths_start_in_the_folder_that_holds_data() -> None:
    first, *_ = samples(SAMPLES / "qwen_grounding" / "data" / "refcoco" / "refcoco_testA.jsonl")
    assert first.target == [111, 21, 124, 33]  # corners, where RefCOCO's own has width and height
    assert first.question == (
        'Which region does this phrase describe: "small yellow rubber sphere"?'
    )


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"bbox": [60, 20, 30, 10]}, "the target [60, 20, 30, 10] cannot be read"),  # x, y, w, h
        ({"height": 100, "width": 50}, "its boxes are for a picture of (50, 100)"),
        ({"bbox": None}, "the target None cannot be read"),
    ],
)
def test_a_broken_row_of_qwen_says_why(tmp_path: Path, cells: dict[str, Any], reason: str) -> None:
    picture(tmp_path / "data" / "x.jpg")
    row = {"image": "data/x.jpg", "sent": "it", "bbox": [1, 2, 3, 4], "height": 50, "width": 100}
    path = write(tmp_path / "data" / "refcoco" / "x.jsonl", [{**row, **cells}])
    (found,) = reasons(path)
    assert found.startswith(reason)


# ReasonSeg


def pair(folder: Path, shapes: Any, text: Any = ("it",)) -> None:
    picture(folder / "x.jpg")
    write(folder / "x.json", {"shapes": shapes, "text": list(text), "is_sentence": True})


def test_the_box_is_that_of_the_first_shape_and_every_text_is_a_row(tmp_path: Path) -> None:
    first = {"label": "target", "points": [[10.5, 40], [30, 5.25], [20, 45]]}
    pair(tmp_path, [first, {"label": "target", "points": [[60, 1], [70, 2], [65, 9]]}], ("a", "b"))
    found = samples(tmp_path)
    assert [sample.target for sample in found] == [[10.5, 5.25, 30, 45]] * 2
    assert ['"a"' in found[0].question, '"b"' in found[1].question] == [True, True]


def test_a_split_is_a_folder(tmp_path: Path) -> None:
    for name in ("train", "val", "test"):
        pair(tmp_path / name, [{"label": "target", "points": [[1, 2], [3, 4], [5, 1]]}], (name,))
    for spec, role, name in (
        (tmp_path, "train", "train"),
        (tmp_path, "validation", "val"),
        (f"{tmp_path}@test", "train", "test"),
        (tmp_path / "val", "train", "val"),
    ):
        (sample,) = samples(spec, role)
        assert f'"{name}"' in sample.question


def test_a_file_in_cp1252_is_read() -> None:
    assert "the café chair" in samples(SAMPLES / "lisa_grounding")[0].question


@pytest.mark.parametrize("shapes", [[], [{"label": "target", "points": []}], [{"label": "x"}]])
def test_a_pair_without_points_is_a_bad_row(tmp_path: Path, shapes: list[Any]) -> None:
    pair(tmp_path, shapes)
    (found,) = read(tmp_path)
    assert isinstance(found, BadRow)


def test_a_file_without_its_partner_is_no_row(tmp_path: Path) -> None:
    pair(tmp_path, [{"label": "target", "points": [[1, 2], [3, 4], [5, 1]]}])
    picture(tmp_path / "y.jpg")
    write(tmp_path / "z.json", {"shapes": [], "text": ["it"]})
    assert len(samples(tmp_path)) == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "no valid JSON ("),
        (b"", "no valid JSON ("),
        (b"[" * 100_000, "no valid JSON ("),
        (b"[]", "no JSON object but list"),
        (b"3", "no JSON object but int"),
        (b"\x81\xff", "it cannot be read ('charmap' codec"),
        (None, "it cannot be read ("),  # a folder of that name
        (b'{"shapes": []}', "it holds no list of texts"),
        (b'{"text": 3}', "it holds no list of texts"),
        (b'{"text": "abc"}', "it holds no list of texts"),
        (b'{"text": []}', "it holds no list of texts"),
    ],
)
def test_a_broken_pair_is_a_bad_row_and_the_others_are_read(
    tmp_path: Path, data: bytes | None, reason: str
) -> None:
    pair(tmp_path, [{"label": "target", "points": [[1, 2], [3, 4], [5, 1]]}])
    picture(tmp_path / "a.jpg")
    broken = tmp_path / "a.json"
    broken.mkdir() if data is None else broken.write_bytes(data)
    bad, sound = read(tmp_path)
    assert isinstance(bad, BadRow) and isinstance(sound, Sample)
    assert bad.reason.startswith(reason)
    assert (bad.file, bad.row) == (str(broken), 1)
