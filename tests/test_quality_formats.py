"""The raw formats of quality: read as published, bad rows named."""

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

from vlrl import tasks
from vlrl.check import check_task
from vlrl.contracts import BadRow, Sample, Source
from vlrl.data.quality import Quality
from vlrl.media import load_image

TASK = Quality()
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"
FILES = {
    "q_insight_score": "KONIQ/metas/train_koniq_7k.json",
    "q_insight_degradation": "refA_sd_brief/metas/train_dist.json",
    "q_insight_comparison": "ValidationImage/train_comparison.json",
}
EXPECTED = {
    "q_insight_score": [4.0, 3.0],
    "q_insight_degradation": [["blur", "obvious"], ["noise", "slight"], ["null", "null"]],
    "q_insight_comparison": ["A", "B", "similar"],
}


def read(path: Path, role: str = "train") -> list[Sample | BadRow]:
    return list(TASK.load(Source(spec=str(path), role=role)))  # type: ignore[arg-type]


def samples(path: Path, role: str = "train") -> list[Sample]:
    found = read(path, role)
    assert all(isinstance(each, Sample) for each in found), found
    return [each for each in found if isinstance(each, Sample)]


def changed(tmp_path: Path, folder: str, **cells: Any) -> Path:
    """The sample folder with only its first row, in which these cells are others."""
    shutil.copytree(SAMPLES / folder, tmp_path, dirs_exist_ok=True)
    path = tmp_path / FILES[folder]
    row = json.loads(path.read_text())[0] | cells
    path.write_text(json.dumps([row]))
    return path


def test_every_format_has_a_sample_folder() -> None:
    assert {each.name for each in TASK.formats} == set(EXPECTED) == set(FILES)


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_sample_rows_are_read_from_the_folder_and_from_the_file(folder: str) -> None:
    for path in (SAMPLES / folder, SAMPLES / folder / FILES[folder]):
        found = samples(path)
        assert [each.target for each in found] == EXPECTED[folder]
        for each in found:
            assert [load_image(medium).size for medium in each.media] == [(84, 84)] * len(
                each.media
            )
            assert len(each.media) == (3 if each.kind == "comparison" else 1)


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_check_passes_on_the_sample_rows_and_finds_the_task(folder: str) -> None:
    source = Source(spec=str(SAMPLES / folder))
    assert tasks.reading(source).name == TASK.name
    report = check_task(TASK, source)
    assert report.passed, report.findings


def test_the_sample_rows_are_those_that_the_script_writes(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "scripts/samples/quality.py"))["make"](tmp_path)
    files = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file())
    assert {file.parts[0] for file in files} == set(EXPECTED)
    for file in files:
        assert (SAMPLES / file).is_file(), file
        if file.suffix == ".json":
            assert (SAMPLES / file).read_bytes() == (tmp_path / file).read_bytes()


def test_the_test_rows_are_a_file_of_their_own() -> None:
    assert [each.target for each in samples(SAMPLES / "q_insight_score", "test")] == [1.4]


def test_the_rating_is_the_normalised_one(tmp_path: Path) -> None:
    path = changed(tmp_path, "q_insight_score", gt_score=80.0, gt_score_norm="2.718")
    assert samples(path)[0].target == 2.718


def test_the_pictures_of_a_comparison_come_in_the_order_of_the_question() -> None:
    sample = samples(SAMPLES / "q_insight_comparison")[0]
    assert [Path(str(each)).parent.name for each in sample.media] == ["Original", "01", "02"]


@pytest.mark.parametrize("nothing", [None, "null"])
def test_no_distortion_is_null_as_a_word_or_none(tmp_path: Path, nothing: str | None) -> None:
    cells = {"distortion_class": nothing, "severity": nothing}
    path = changed(tmp_path, "q_insight_degradation", **cells)
    assert samples(path)[0].target == ["null", "null"]


@pytest.mark.parametrize(
    ("folder", "cells", "reason"),
    [
        ("q_insight_score", {"gt_score_norm": 78.2}, "the rating 78.2 is no number from 1 to 5"),
        ("q_insight_score", {"gt_score_norm": 0.9}, "the rating 0.9 is no number from 1 to 5"),
        ("q_insight_score", {"gt_score_norm": None}, "the target None cannot be read"),
        ("q_insight_score", {"image": "KONIQ/images/9.jpg"}, "there is no file"),
        (
            "q_insight_degradation",
            {"distortion_class": "pixelate"},
            "['pixelate', 'obvious'] is no distortion with a severity, nor twice 'null'",
        ),
        (
            "q_insight_degradation",
            {"severity": None},
            "['blur', 'null'] is no distortion with a severity",
        ),
        ("q_insight_comparison", {"result": "yes"}, "the result 'yes' is not A, B or similar"),
        ("q_insight_comparison", {"result": 3}, "the result 3 is not A, B or similar"),
        ("q_insight_comparison", {"ImageB": "02/9.jpg"}, "there is no file 02/9.jpg"),
    ],
)
def test_a_broken_row_says_why(
    tmp_path: Path, folder: str, cells: dict[str, Any], reason: str
) -> None:
    (found,) = read(changed(tmp_path, folder, **cells))
    assert isinstance(found, BadRow)
    assert found.reason.startswith(reason)
