"""The raw formats of transformation: read as published, bad rows named."""

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from raw_rows import write_jsonl

from vlrl import tasks
from vlrl.check import check_task
from vlrl.contracts import BadRow, Sample, Source, UserError
from vlrl.data.transformation import Transformation
from vlrl.media import load_image

TASK = Transformation()
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"
FIRST = [("change_color", "2", "cyan")]
SECOND = [("change_position", "0", "right"), ("change_material", "1", "rubber")]
EXPECTED = {
    "trance": [FIRST, SECOND],  # and one row that several programs are right for
    "trance_h5": [FIRST],
    "reason_rft_transformation": [FIRST, SECOND],
}


def read(path: Path, role: str = "train") -> list[Sample | BadRow]:
    return list(TASK.load(Source(spec=str(path), role=role)))  # type: ignore[arg-type]


def samples(path: Path, role: str = "train") -> list[Sample]:
    found = read(path, role)
    assert all(isinstance(each, Sample) for each in found), found
    return [each for each in found if isinstance(each, Sample)]


def reasons(path: Path) -> list[str]:
    return [each.reason for each in read(path) if isinstance(each, BadRow)]


def test_every_format_has_a_sample_folder() -> None:
    assert {each.name for each in TASK.formats} == set(EXPECTED)


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_sample_rows_are_read(folder: str) -> None:
    found = samples(SAMPLES / folder)
    assert [each.target for each in found] == EXPECTED[folder]
    for each in found:
        assert each.image_size == (64, 48)
        assert [load_image(medium).size for medium in each.media] == [(64, 48)] * 2
        assert "change_size: small, medium, large\n" in TASK.hint(each, None)


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_check_passes_on_the_sample_rows_and_finds_the_task(folder: str) -> None:
    source = Source(spec=str(SAMPLES / folder))
    assert tasks.reading(source).name == TASK.name
    report = check_task(TASK, source)
    assert report.passed, report.findings


def test_the_sample_rows_are_those_that_the_script_writes(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "scripts/samples/transformation.py"))["make"](tmp_path)
    files = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file())
    assert {file.parts[0] for file in files} == set(EXPECTED)
    for file in files:
        assert (SAMPLES / file).is_file(), file
        if file.suffix in (".json", ".jsonl"):
            assert (SAMPLES / file).read_bytes() == (tmp_path / file).read_bytes()
    old, new = (samples(folder / "trance_h5")[0] for folder in (SAMPLES, tmp_path))
    assert (old.question, old.target) == (new.question, new.target)


# TRANCE


def test_the_objects_are_listed_with_their_numbers() -> None:
    question = samples(SAMPLES / "trance")[0].question
    assert question.endswith(
        "as (number, shape, size, color, material): (0, cylinder, small, purple, rubber), "
        "(1, cube, large, cyan, rubber), (2, cube, small, red, metal)."
    )


def test_both_files_of_trance_read_alike() -> None:
    from_lines, from_arrays = (samples(SAMPLES / each)[0] for each in ("trance", "trance_h5"))
    assert from_lines.question == from_arrays.question
    assert from_lines.target == from_arrays.target
    for one, other in zip(from_lines.media, from_arrays.media, strict=True):
        assert np.array_equal(load_image(one), load_image(other))


def test_the_last_picture_is_tested_in_three_views() -> None:
    found = samples(SAMPLES / "trance_h5", "test")
    views = ["Camera_Center", "Camera_Left", "Camera_Right"]
    assert [each.meta["view"] for each in found] == views
    assert [each.target for each in found] == [SECOND] * 3
    first, last = zip(*(each.media for each in found), strict=True)
    assert len({medium.key for medium in first}) == 1
    assert len({load_image(medium).tobytes() for medium in last}) == 3
    assert [each.id for each in found] == [f"data.h5:test/1/{view}" for view in views]


def test_a_split_that_the_file_has_not_is_refused() -> None:
    with pytest.raises(UserError, match="there is no split 'val' but test, train"):
        read(Path(f"{SAMPLES / 'trance_h5'}@val"))


@pytest.fixture
def row() -> dict[str, Any]:
    return json.loads((SAMPLES / "trance" / "data.jsonl").read_text().splitlines()[0])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures, beside no rows yet."""
    shutil.copytree(SAMPLES / "trance" / "image", tmp_path / "image")
    return tmp_path


def move(*options: list[Any]) -> dict[str, Any]:
    return {"obj_idx": 0, "attr": "position", "val": options[0], "options": list(options)}


def test_a_move_is_its_direction_without_the_number_of_steps(
    folder: Path, row: dict[str, Any]
) -> None:
    row["transformations"] = [move(["front-left", 1], ["front-left", 2])]
    write_jsonl(folder / "data.jsonl", row)
    assert samples(folder)[0].target == [("change_position", "0", "front_left")]


def test_a_row_for_which_several_programs_are_right_is_left_out(
    folder: Path, row: dict[str, Any]
) -> None:
    row["transformations"] = [move(["left", 1], ["left", 2], ["front-left", 2])]
    write_jsonl(folder / "data.jsonl", row)
    assert read(folder) == []


def test_the_parts_are_ranges_of_lines(
    folder: Path, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = {"train": range(1), "val": range(1, 2), "test": range(2, 3)}
    monkeypatch.setattr("vlrl.data.formats.trance.PARTS", parts)
    write_jsonl(folder / "data.jsonl", *({**row, "idx": index} for index in range(3)))
    by_role = {role: samples(folder, role) for role in ("train", "validation", "test")}
    assert {role: {each.meta["id"] for each in found} for role, found in by_role.items()} == {
        "train": {0},
        "validation": {1},
        "test": {2},
    }
    assert [len(found) for found in by_role.values()] == [1, 3, 3]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"states": []}, "it cannot be read (IndexError"),
        ({"states": [{"objects": []}]}, "it cannot be read (KeyError: 'images')"),
        ({"transformations": []}, "the target [] cannot be read as calls"),
        ({"transformations": [{"attr": "color"}]}, "KeyError: 'options'"),
    ],
)
def test_a_broken_row_of_trance_says_why(
    folder: Path, row: dict[str, Any], cells: dict[str, Any], reason: str
) -> None:
    write_jsonl(folder / "data.jsonl", row | cells, row)
    found = read(folder)
    assert [type(each) for each in found] == [BadRow, Sample]
    assert found[0].reason.startswith(reason)  # type: ignore[union-attr]


def test_a_picture_that_is_not_in_the_file_is_a_bad_row(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "trance_h5" / "data.h5", tmp_path / "data.h5")
    with h5py.File(tmp_path / "data.h5", "a") as file:
        images = file["train"]["image"]
        del images["TRANCE_000000-fin.C.png"]
    (reason,) = reasons(tmp_path)
    assert reason.startswith("it cannot be read (KeyError")


def test_a_file_that_is_no_h5_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data.h5").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"cannot be read .*replace it by a whole copy"):
        read(tmp_path)


# Reason-RFT


def reason_rft(tmp_path: Path, **cells: Any) -> Path:
    source = SAMPLES / "reason_rft_transformation"
    shutil.copytree(source / "train_images", tmp_path / "train_images")
    file = source / "train_jsons" / "A1-Spatial-Transformation-train-60k-cot.json"
    row = json.loads(file.read_text())[0] | cells
    (tmp_path / "train_jsons").mkdir()
    (tmp_path / "train_jsons" / "rows.json").write_text(json.dumps([row]))
    return tmp_path / "train_jsons" / "rows.json"


@pytest.mark.parametrize("value", ["'cyan'", '"cyan"', "cyan"])
def test_values_are_quoted_in_any_way(tmp_path: Path, value: str) -> None:
    path = reason_rft(tmp_path, answer=f"change_color(2, {value})")
    assert samples(path)[0].target == FIRST


def test_a_worked_solution_is_kept() -> None:
    solution = samples(SAMPLES / "reason_rft_transformation")[0].reasoning
    assert solution == "Object 2, the small red metal cube, becomes cyan."


def test_rows_of_the_other_tasks_are_left_out(tmp_path: Path) -> None:
    assert read(reason_rft(tmp_path, id="geomath-7", answer="B")) == []


def test_a_broken_program_is_a_bad_row(tmp_path: Path) -> None:
    (reason,) = reasons(reason_rft(tmp_path, answer="change_color(2"))
    assert reason == "the target 'change_color(2' cannot be read as calls"
