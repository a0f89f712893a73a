"""The raw formats of temporal grounding: read as published, bad rows named."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

from vlrl import tasks
from vlrl.check import check_task
from vlrl.contracts import BadRow, Sample, Source, UserError
from vlrl.data.temporal_grounding import TemporalGrounding
from vlrl.media import Sampling, load_clip

TASK = TemporalGrounding()
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"

SEGMENTS = [(7, 11), (9, 12), (7, 9), (5, 8), (4, 9), (1, 3)]  # of both films, repaired
FIRST = [(7, 11), (5, 8)]
EXPECTED = {
    "charades_sta": SEGMENTS,
    "video_segments": SEGMENTS,
    "time_r1": FIRST,
    "tvgbench": FIRST,
    "temporal_r1": FIRST,
}


def read(path: Path, role: str = "test") -> list[Sample | BadRow]:
    return list(TASK.load(Source(spec=str(path), role=role)))  # type: ignore[arg-type]


def test_every_format_has_a_sample_folder() -> None:
    assert {each.name for each in TASK.formats} == set(EXPECTED)


@pytest.mark.slow
@pytest.mark.parametrize("folder", EXPECTED)
def test_the_sample_rows_are_read(folder: str) -> None:
    found = read(SAMPLES / folder)
    assert all(isinstance(each, Sample) for each in found), found
    assert [each.target for each in found if isinstance(each, Sample)] == EXPECTED[folder]
    for each in found:
        assert isinstance(each, Sample) and each.duration == 12 and each.meta["segment"]
        assert len(load_clip(each.media[0], Sampling()).frames) == 12


@pytest.mark.slow
@pytest.mark.parametrize("folder", EXPECTED)
def test_the_check_passes_on_the_sample_rows_and_finds_the_task(folder: str) -> None:
    source = Source(spec=str(SAMPLES / folder), role="test")
    assert tasks.reading(source).name == TASK.name
    report = check_task(TASK, source)
    assert report.passed, report.findings


@pytest.mark.slow
def test_the_sample_rows_are_those_that_the_script_writes(tmp_path: Path) -> None:
    file = ROOT / "scripts/samples/temporal_grounding.py"
    spec = importlib.util.spec_from_file_location("make_temporal_grounding", file)
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.make(tmp_path)
    files = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file())
    assert {file.parts[0] for file in files} == set(EXPECTED)
    for file in files:
        assert (SAMPLES / file).is_file()
        if file.suffix in (".json", ".txt"):
            assert (SAMPLES / file).read_bytes() == (tmp_path / file).read_bytes()


# Charades-STA and ActivityNet Captions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Videos beside nothing yet."""
    shutil.copytree(SAMPLES / "charades_sta" / "videos", tmp_path / "videos")
    return tmp_path


def bad_reasons(path: Path, role: str = "test") -> list[str]:
    return [each.reason for each in read(path, role) if isinstance(each, BadRow)]


def test_lines_that_are_no_segment_are_bad_rows(folder: Path) -> None:
    lines = ["AA001 1.0 2.0##he runs.", "", "AA001 1.0##he runs.", "AA001 x 2.0##he runs."]
    lines += ["AA009 1.0 2.0##he runs.", "AA001 1.0 2.0##"]
    (folder / "rows.txt").write_text("\n".join(lines))
    found = read(folder / "rows.txt")
    assert [each.row for each in found if isinstance(each, BadRow)] == [3, 4, 5, 6]
    no_line, no_time, no_video, no_text = bad_reasons(folder / "rows.txt")
    assert no_line == "'AA001 1.0##he runs.' is no VIDEO START END##SENTENCE"
    assert no_time == "the segment ['x', '2.0'] is no [start, end]"
    assert no_video.startswith("there is no file AA009.mp4")
    assert no_text == "there is no sentence"


def test_a_video_may_be_matroska(folder: Path) -> None:
    shutil.move(folder / "videos" / "AA001.mp4", folder / "videos" / "AA001.mkv")
    (folder / "rows.txt").write_text("AA001 1.0 2.0##he runs.\n")
    (found,) = read(folder / "rows.txt")
    assert isinstance(found, Sample) and str(found.media[0]).endswith("AA001.mkv")


def test_a_video_without_a_sentence_for_each_segment_is_a_bad_row(folder: Path) -> None:
    good = {"duration": 12.0, "timestamps": [[1, 2]], "sentences": ["He runs."]}
    rows = {"AA001": good, "AA002": {**good, "sentences": []}, "v_3": {"duration": 3}}
    (folder / "rows.json").write_text(json.dumps(rows))
    reasons = bad_reasons(folder / "rows.json")
    assert len(read(folder / "rows.json")) == 3
    assert reasons[0].startswith("AA002 has no sentence for each of its timestamps (ValueError(")
    assert reasons[1].startswith("v_3 has no sentence for each of its timestamps (KeyError(")
    (folder / "rows.json").write_text(json.dumps(rows)[:-1])
    assert "no valid JSON" in bad_reasons(folder / "rows.json")[0]


def test_files_of_a_folder_are_its_splits(folder: Path) -> None:
    (folder / "charades_sta_train.txt").write_text("AA001 1.0 2.0##he runs.\n")
    (folder / "charades_sta_test.txt").write_text("AA001 1.0 3.0##he runs.\n")
    (folder / "readme.txt").write_text("Charades-STA\n")
    for role, target in (("train", (1, 2)), ("test", (1, 3))):
        (found,) = read(folder, role)
        assert isinstance(found, Sample) and found.target == target
    with pytest.raises(UserError, match="there is no split 'validation' but test, train"):
        read(folder, "validation")


# Time-R1 and Temporal-R1


def test_rows_of_time_r1_keep_how_hard_they_are() -> None:
    first, second = read(SAMPLES / "time_r1")
    assert isinstance(first, Sample) and isinstance(second, Sample)
    assert first.meta["difficulty"] == 25
    assert first.meta["id"].startswith("my|own|AA001|")
    (bench, _) = read(SAMPLES / "tvgbench")
    assert isinstance(bench, Sample) and bench.meta["subtask"] == "Object Existence (Simple)"


def test_shares_of_a_video_become_seconds(tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "temporal_r1", tmp_path, dirs_exist_ok=True)
    row = {"dataset": "charades_train", "video": "AA001.mp4", "problem": "When?"}
    rows = [{**row, "solution": [0.25, 0.5]}, {**row, "solution": [0.5, 1.5]}]
    other = {**row, "dataset": "youcook_rerank_train", "solution": [1, 0, 2]}
    (tmp_path / "charades_train.json").write_text(json.dumps([*rows, other]))
    found = read(tmp_path / "charades_train.json")
    assert [each.target for each in found if isinstance(each, Sample)] == [(3, 6), (6, 12)]
    assert len(found) == 2
