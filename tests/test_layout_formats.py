"""The raw formats of layouts: read as published, bad rows named."""

import importlib.util
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from raw_rows import write_jsonl

from vlrl import tasks
from vlrl.check import check_task
from vlrl.contracts import BadRow, Sample, Source
from vlrl.data.layout import Layout
from vlrl.rewards.layout import physics

TASK = Layout()
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"
GRAPHS = SAMPLES / "scene_graph"
FOLDERS = ("metaspatial", "scene_graph")
FILE = "scene_graph-backtracked.json"


def read(path: Path) -> list[Sample | BadRow]:
    return list(TASK.load(Source(spec=str(path))))


def test_every_format_has_a_sample_folder() -> None:
    assert {each.name for each in TASK.formats} == set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_sample_rows_are_read(folder: str) -> None:
    study, bedroom = read(SAMPLES / folder)
    assert isinstance(study, Sample) and isinstance(bedroom, Sample)
    assert study.target["room"] == [4, 3, 2.6]
    assert bedroom.target["room"] == [5, 4, 3]
    assert study.image_size == bedroom.image_size == (200, 200)
    ids = [each["id"] for each in study.target["objects"]]
    assert ids == ["desk_1", "chair_1", "lamp_1", "bookshelf_1", "rug_1", "painting_1"]
    for sample in (study, bedroom):
        assert physics(sample.target["positions"], sample.target) == 1


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_check_passes_on_the_sample_rows_and_finds_the_task(folder: str) -> None:
    source = Source(spec=str(SAMPLES / folder))
    assert tasks.reading(source).name == TASK.name
    report = check_task(TASK, source)
    assert report.passed, report.findings


def test_the_sample_rows_are_those_that_the_script_writes(tmp_path: Path) -> None:
    file = ROOT / "scripts/samples/layout.py"
    spec = importlib.util.spec_from_file_location("make_layout", file)
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.make(tmp_path)
    for folder in FOLDERS:
        files = [each for each in (tmp_path / folder).rglob("*") if each.is_file()]
        committed = [each for each in (SAMPLES / folder).rglob("*") if each.is_file()]
        assert len(files) == len(committed)
        for each in files:
            same = (SAMPLES / each.relative_to(tmp_path)).read_bytes()
            assert each.suffix == ".png" or each.read_bytes() == same


# Scene graphs


def test_an_object_is_asked_for_by_size_turn_and_relations() -> None:
    study, _ = read(GRAPHS)
    assert isinstance(study, Sample)
    assert study.target["objects"][1] == {
        "id": "chair_1",
        "size": [0.5, 0.5, 0.9],
        "rotation": 270.0,
        "on_floor": True,
        "relations": [{"relation": "in front", "to": "desk_1", "adjacent": True}],
    }
    assert "4 x 3 x 2.6 m" in study.question
    for each in study.target["objects"]:
        assert json.dumps(each) in study.question
    assert "position" not in study.question


def test_a_wish_is_asked_for_where_the_row_has_one() -> None:
    study, bedroom = read(SAMPLES / "metaspatial")
    assert isinstance(study, Sample) and isinstance(bedroom, Sample)
    assert study.question.startswith("The wish: A small study with a desk by the window")
    assert bedroom.meta["room"] == "room_1"
    assert "Output Format" not in bedroom.question  # the prompt's own words are not kept


def test_a_published_place_that_breaks_a_relation_is_replaced(tmp_path: Path) -> None:
    def move(graph: list[dict[str, Any]]) -> None:
        graph[0]["position"]["x"] = 1.0  # the desk, from its wall

    (study,) = read(changed(tmp_path, move))
    assert isinstance(study, Sample)
    assert study.target["positions"]["desk_1"][0] == 3.65


def test_one_file_is_a_source_too_and_earlier_steps_are_none(tmp_path: Path) -> None:
    assert len(read(GRAPHS / "room_1" / FILE)) == 1
    shutil.copytree(GRAPHS / "room_1", tmp_path / "room")
    (tmp_path / "room" / "scene_graph-clustered.json").write_text("[]", "utf-8")
    assert len(read(tmp_path)) == 1


def test_a_graph_without_a_picture_is_read(tmp_path: Path) -> None:
    shutil.copy(GRAPHS / "room_1" / FILE, tmp_path / FILE)
    (bedroom,) = read(tmp_path)
    assert isinstance(bedroom, Sample) and bedroom.media == ()


def changed(folder: Path, change: Callable[[list[dict[str, Any]]], Any]) -> Path:
    """The first room with a change."""
    graph = json.loads((GRAPHS / "room_0" / FILE).read_text("utf-8"))
    change(graph)
    (folder / FILE).write_text(json.dumps(graph), "utf-8")
    return folder


def relate(graph: list[dict[str, Any]], how: str, to: str) -> None:
    placement = graph[0]["placement"]
    placement["room_layout_elements"] = []
    placement["objects_in_room"] = [{"object_id": to, "preposition": how, "is_adjacent": True}]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda graph: graph.pop(), "there is no ceiling in it"),
        (lambda graph: graph[0].pop("rotation"), "KeyError: 'rotation'"),
        (lambda graph: graph[0]["size_in_meters"].update(length=-1), "desk_1: give its size"),
        (lambda graph: graph[0]["size_in_meters"].update(height=3), "no places were found"),
        (lambda graph: relate(graph, "on", "sofa_9"), "desk_1: there is no 'sofa_9'"),
        (lambda graph: relate(graph, "near", "rug_1"), "'near' is no relation to 'rug_1'"),
        (lambda graph: graph.__setitem__(slice(6), []), "objects: give a list of 1 to 100"),
        (lambda graph: graph.append(3), "the scene graph is no list of objects"),
        (lambda graph: graph[1].update(new_object_id="desk_1"), "two have one id"),
    ],
)
def test_a_graph_that_cannot_be_used_is_a_bad_row(
    tmp_path: Path, change: Callable, reason: str
) -> None:
    (bad,) = read(changed(tmp_path, change))
    assert isinstance(bad, BadRow), bad
    assert reason in bad.reason
    assert bad.file == str(tmp_path / FILE)


@pytest.mark.parametrize("text", ["", "{", "\x00", '{"objects_in_room": []}'])
def test_a_file_that_is_no_list_is_a_bad_row(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, "utf-8")
    (bad,) = read(tmp_path)
    assert isinstance(bad, BadRow)


# MetaSpatial


@pytest.fixture
def row() -> dict[str, Any]:
    line = (SAMPLES / "metaspatial" / "train.jsonl").read_text("utf-8").splitlines()[1]
    return {**json.loads(line), "images": []}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"problem": "Find x."}, "has no '## Input JSON Data:'"),
        ({"problem": "## Input JSON Data: [{"}, "JSONDecodeError|Expecting"),
        ({"problem": "## Input JSON Data: {}"}, "no list of objects"),
        ({"answer": "12"}, "its answer '12' is no object"),
        ({"answer": '{"room_name": "a"}'}, "KeyError: 'size_of_room'"),
        ({"answer": '{"size_of_room": {"x": 5, "y": 4}}'}, "KeyError: 'z'"),
    ],
)
def test_a_row_without_a_room_is_a_bad_row(
    tmp_path: Path, row: dict[str, Any], change: dict[str, str], reason: str
) -> None:
    (bad,) = read(write_jsonl(tmp_path / "rows.jsonl", {**row, **change}))
    assert isinstance(bad, BadRow)
    assert re.search(reason, bad.reason), bad.reason


def test_a_room_that_is_too_low_for_its_things_is_a_bad_row(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    about = {**json.loads(row["answer"]), "size_of_room": {"x": 5, "y": 4, "z": 2}}
    (bad,) = read(write_jsonl(tmp_path / "rows.jsonl", {**row, "answer": json.dumps(about)}))
    assert isinstance(bad, BadRow)
    assert bad.reason == "no places were found at which all of its relations hold"


def test_rows_of_mathematics_in_the_same_columns_are_not_read(tmp_path: Path) -> None:
    rows = [{"images": [], "problem": "Find x.", "answer": "12"}]
    path = write_jsonl(tmp_path / "train.jsonl", *rows)
    assert all(isinstance(each, BadRow) for each in read(path))
    assert tasks.reading(Source(spec=str(path))).name == "visual_math"
