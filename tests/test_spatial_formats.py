"""The raw formats of spatial video: read as published, bad rows named, scored as published."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from films import film
from raw_rows import png, write_jsonl

from vlrl.check import check_task
from vlrl.contracts import BadRow, Sample, Source
from vlrl.data.formats import vsi
from vlrl.data.spatial_video import SpatialVideo
from vlrl.media import Sampling, load_clip, load_image
from vlrl.scoring import score

TASK = SpatialVideo()
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"

EXPECTED: dict[str, list[tuple[str, Any]]] = {  # folder -> kind and target of its rows
    "vsi_bench": [
        ("number", 2),
        ("number", 0.5),
        ("number", 144),
        ("number", 23.1),
        ("choice", "B"),
        ("choice", "A"),
        ("choice", "B"),
        ("choice", "B"),
        ("choice", "A"),
        ("choice", "B"),
        ("number", 3),
        ("number", 2.3),
        ("number", 204),
        ("number", 18.6),
        ("choice", "D"),
        ("choice", "A"),
        ("choice", "C"),
        ("choice", "D"),
        ("choice", "B"),
        ("choice", "B"),
    ],
    "vsi_100k": [
        ("number", 3),
        ("number", 2.3),
        ("number", 204),
        ("number", 18.6),
        ("label", "chair"),
        ("label", "left"),
        ("label", "right"),
        ("label", "front-left"),
    ],
    "vsi_scenes": [
        ("number", 2),
        ("number", 2.3),
        ("number", 163),
        ("number", 18.6),
        ("choice", "D"),
        ("choice", "B"),
        ("choice", "C"),
        ("choice", "C"),
        ("choice", "A"),
    ],
    "sat": [("choice", "B"), ("choice", "A")],
    "sat_messages": [("label", "right")],
    "cv_bench": [("choice", "C"), ("choice", "B"), ("choice", "B"), ("choice", "A")],
    "vsr": [("label", "true"), ("label", "false")],
}


def read(path: Path | str, role: str = "test") -> list[Sample | BadRow]:
    return list(TASK.load(Source(spec=str(path), role=role)))  # type: ignore[arg-type]


def good(path: Path | str, role: str = "test") -> list[Sample]:
    found = read(path, role)
    assert all(isinstance(each, Sample) for each in found), found
    return found  # type: ignore[return-value]


def accuracy(sample: Sample, answer: str) -> float | None:
    return score(TASK, sample, f"<think>So.</think><answer>{answer}</answer>").parts["accuracy"]


# The sample folders


def test_every_format_has_a_sample_folder() -> None:
    assert {each.name for each in TASK.formats} == set(EXPECTED)


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_sample_rows_are_read(folder: str) -> None:
    found = good(SAMPLES / folder)
    assert [(sample.kind, sample.target) for sample in found] == EXPECTED[folder]
    for sample in found:
        assert sample.meta["subtask"] and sample.media
        for medium in sample.media:
            if medium.kind == "video":
                clip = load_clip(medium, Sampling())
                assert len(clip.frames) == 4 and sample.duration == 4
            else:
                assert load_image(medium).size == sample.image_size == (168, 168)


@pytest.mark.slow
@pytest.mark.parametrize("folder", EXPECTED)
def test_the_check_passes_on_the_sample_rows(folder: str) -> None:
    report = check_task(TASK, Source(spec=str(SAMPLES / folder), role="test"))
    assert report.passed, report.findings


@pytest.mark.slow
def test_the_sample_rows_are_those_that_the_script_writes(tmp_path: Path) -> None:
    file = ROOT / "scripts/samples/spatial_video.py"
    spec = importlib.util.spec_from_file_location("make_spatial_video", file)
    assert spec is not None and spec.loader is not None
    script = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.make(tmp_path)
    files = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file())
    assert {file.parts[0] for file in files} == set(EXPECTED)
    for file in files:
        if file.suffix in (".json", ".jsonl"):
            assert (SAMPLES / file).read_bytes() == (tmp_path / file).read_bytes()
        assert (SAMPLES / file).is_file()


# VSI-Bench


def vsi_rows(tmp_path: Path, *rows: dict) -> Path:
    (tmp_path / "scannet").mkdir()
    (tmp_path / "scannet" / "scene0000_00.mp4").write_bytes(film([0, 500, 1000, 1500]))
    base = {"id": 7, "dataset": "scannet", "scene_name": "scene0000_00", "question": "?"}
    return write_jsonl(tmp_path / "test.jsonl", *({**base, **row} for row in rows))


def test_all_ten_types_of_vsi_bench_are_there() -> None:
    found = good(SAMPLES / "vsi_bench")
    assert {sample.meta["subtask"] for sample in found} == {*vsi.UNITS, *vsi.CHOICES}
    for sample in found:
        assert (sample.kind == "choice") == (sample.meta["subtask"] in vsi.CHOICES)
        assert sample.meta.get("unit") == vsi.UNITS.get(sample.meta["subtask"], "")
        assert not any(option.startswith(("A.", "B.")) for option in sample.options or ())
    videos = {str(sample.media[0]).rsplit("vsi_bench/")[1] for sample in found}
    assert videos == {"arkitscenes/41000001.mp4", "scannet/scene9000_00.mp4"}


@pytest.mark.parametrize(
    ("gold", "answer", "expected"),
    [
        *(("3", "3", 1.0), ("3", "2.9", 1.0), ("3", "2", 0.4), ("3", "4", 0.4)),
        *(("3", "1.5", 0.1), ("3", "6", 0.0)),
    ],
)
def test_numbers_are_scored_as_published(
    tmp_path: Path, gold: str, answer: str, expected: float
) -> None:
    """The values that the code of thinking-in-space gives."""
    row = {"question_type": "object_abs_distance", "options": None, "ground_truth": gold}
    (sample,) = good(vsi_rows(tmp_path, row))
    assert accuracy(sample, answer) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"question_type": "colour", "options": None, "ground_truth": "3"}, "is none of VSI-Bench"),
        (
            {"question_type": "object_counting", "options": None, "ground_truth": "many"},
            "is no number above 0",
        ),
        (
            {"question_type": "object_counting", "options": None, "ground_truth": "0"},
            "is no number above 0",
        ),
        (
            {"question_type": "route_planning", "options": ["A. left"], "ground_truth": "B"},
            "is none of",
        ),
        (
            {"question_type": "route_planning", "options": None, "ground_truth": "B"},
            "is none of",
        ),
    ],
)
def test_a_broken_row_of_vsi_bench_says_why(tmp_path: Path, row: dict, reason: str) -> None:
    (bad,) = read(vsi_rows(tmp_path, row))
    assert isinstance(bad, BadRow) and reason in bad.reason


def test_described_scenes_are_asked_about(tmp_path: Path) -> None:
    found = good(SAMPLES / "vsi_scenes")
    assert len({sample.meta["subtask"] for sample in found}) == len(found) == 9  # no times in it
    assert all(sample.reasoning and sample.media == found[0].media for sample in found)
    file = SAMPLES / "vsi_scenes" / "scannet_meta_info_val.json"
    assert [sample.id for sample in good(file)] == [sample.id for sample in found]
    other = TASK.load(Source(spec=str(file), seed=1))
    assert [sample for sample in other if isinstance(sample, Sample)] != found
    (described,) = json.loads(file.read_text()).values()
    del described["room_size"]
    (tmp_path / "a.json").write_text(json.dumps({"scene1": described}))
    (bad,) = read(tmp_path / "a.json")
    assert isinstance(bad, BadRow)
    assert bad.reason == "scene1 is no description of a scene (KeyError('room_size'))"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ('{"scene": {"object_bbox": ', "no valid JSON ("),
        ('["object_bbox"]', "no JSON object but list"),
        ('{"scene": "object_bbox"}', "scene is no description of a scene (TypeError("),
        (
            '{"scene": {"object_bbox": [], "object_counts": {}, "room_size": 1}}',
            "scene is no description of a scene (AttributeError(",
        ),
    ],
)
def test_a_broken_file_of_scenes_is_a_bad_row_and_the_others_are_asked_about(
    tmp_path: Path, broken: str, reason: str
) -> None:
    shutil.copytree(SAMPLES / "vsi_scenes", tmp_path, dirs_exist_ok=True)
    (tmp_path / "a.json").write_text(broken)
    (tmp_path / "b.json").mkdir()  # no file
    bad, *found = read(tmp_path)
    assert isinstance(bad, BadRow) and bad.reason.startswith(reason)
    assert (bad.file, bad.row) == (str(tmp_path / "a.json"), 1)
    assert found == good(tmp_path / "scannet_meta_info_val.json")


def test_a_missing_video_is_a_bad_row(tmp_path: Path) -> None:
    row = {"question_type": "object_counting", "options": None, "ground_truth": "3"}
    path = vsi_rows(tmp_path, {**row, "scene_name": "scene0001_00"})
    (bad,) = read(path)
    assert isinstance(bad, BadRow) and "no file scannet/scene0001_00.mp4" in bad.reason


def test_the_columns_of_vsi_100k_may_be_called_otherwise(tmp_path: Path) -> None:
    path = vsi_rows(tmp_path, {"question_type": "object_counting"})
    row = {"scene": "scene0000_00", "type": "object_rel_distance", "problem": "?", "answer": "sink"}
    write_jsonl(path, row)
    names = {
        **{"scene_name": "scene", "question_type": "type"},
        **{"question": "problem", "ground_truth": "answer"},
    }
    (sample,) = TASK.load(Source(spec=str(path), columns=names))
    assert isinstance(sample, Sample)
    assert (sample.kind, sample.target) == ("label", "sink")
    assert accuracy(sample, "Sink") == 1 and accuracy(sample, "kitchen sink") == 0


# The others


def test_the_order_of_the_answers_of_sat_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(png(9))
    rows = (
        {
            "image_bytes": ["x.png"],
            "question": f"Where is object {i}?",
            "answers": ["left", "right"],
            "correct_answer": "left",
        }
        for i in range(200)
    )
    found = good(write_jsonl(tmp_path / "rows.jsonl", *rows))
    letters = [sample.target for sample in found]
    assert 70 < letters.count("A") < 130 and set(letters) == {"A", "B"}
    assert letters == [sample.target for sample in good(tmp_path / "rows.jsonl")]
    assert all(accuracy(sample, "left") == 1 for sample in found[:5])


def test_sat_has_one_picture_or_two() -> None:
    found = good(SAMPLES / "sat")
    assert [len(sample.media) for sample in found] == [1, 2]
    assert good(SAMPLES / "sat_messages")[0].question.startswith("<image> Answer in natural")


def test_rows_without_a_sound_answer_are_bad(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(png(9))
    answers = {"image_bytes": ["x.png"], "question": "?", "answers": ["a", "b"]}
    cases = (
        ({**answers, "correct_answer": "c"}, "the answer 'c' is not one of"),
        (
            {"messages": [{"role": "user", "content": "?"}], "images": ["x.png"]},
            "nobody answers in the messages",
        ),
        (
            {
                **{"type": "2D", "task": "Count", "question": "?", "image": "x.png"},
                **{"choices": ["1", "2"], "answer": "(C)"},
            },
            "the answer '(C)' is none of",
        ),
        (
            {"image": "x.png", "caption": "The cat is on the mat.", "label": 2, "relation": "on"},
            "the label 2 is neither 0 nor 1",
        ),
    )
    for index, (row, reason) in enumerate(cases):
        (bad,) = read(write_jsonl(tmp_path / f"{index}.jsonl", row))
        assert isinstance(bad, BadRow) and bad.reason.startswith(reason)


def test_pictures_of_vsr_lie_beside_its_splits() -> None:
    true, false = good(SAMPLES / "vsr" / "splits" / "zeroshot" / "test.jsonl")
    assert true.question.startswith("True or false? The ")
    assert true.media == false.media and true.meta["classes"] == ["false", "true"]
    assert accuracy(true, "True") == accuracy(false, "false") == 1
    assert accuracy(true, "yes") == accuracy(true, "true or false") == 0


def test_cv_bench_reads_pictures_in_cells_and_in_files(tmp_path: Path) -> None:
    found = good(SAMPLES / "cv_bench")
    assert [sample.meta["subtask"] for sample in found] == [
        *("Count", "Relation", "Depth", "Distance")
    ]
    (tmp_path / "x.png").write_bytes(png(9))
    row = json.loads((SAMPLES / "cv_bench" / "test.jsonl").read_text().splitlines()[0])
    (sample,) = good(write_jsonl(tmp_path / "a.jsonl", {**row, "image": "x.png"}))
    assert sample.image_size == (3, 2)
