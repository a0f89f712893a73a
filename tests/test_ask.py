"""`vlrl ask` draws the boxes and points of an answer, and nothing else, where they belong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vlrl.contracts import Frame, Sample, UserError
from vlrl.evaluation import ask, evaluate
from vlrl.evaluation.generate import Completion
from vlrl.models.inputs import frame_of
from vlrl.preview import draw

pytestmark = pytest.mark.slow

SIZE = (400, 200)
FRAME = Frame(width=1000, height=1000)  # x 0.4, y 0.2
SAMPLE = Sample(id="one", task="question", question="Where?", target=None, image_size=SIZE)


def extent(image: Image.Image, colour: tuple[int, int, int]) -> list[int]:
    """[x1, y1, x2, y2] around the pixels of that colour, ends exclusive."""
    rows, columns = np.nonzero((np.asarray(image) == colour).all(axis=2))
    return [int(at) for at in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"bbox_2d": [100, 100, 500, 500]}', [([40, 20, 200, 100], None, "")]),
        (
            '```json\n[{"bbox_2d": [100, 100, 500, 500], "label": "dog"},'
            ' {"point_2d": [10, 50]}]\n```',
            [([40, 20, 200, 100], None, "dog"), (None, [4, 10], "")],
        ),
        ("{'bbox': [0, 0, 500, 500], 'points_1': [250, 250]}", [([0, 0, 200, 100], [100, 50], "")]),
        ("[100, 100, 500, 500]", [([40, 20, 200, 100], None, "")]),
        ("(100, 100), (500, 500)", [([40, 20, 200, 100], None, "")]),
        ('{"bbox_2d": [900, 900, 1100, 1000]}', [([360, 180, 400, 200], None, "")]),  # clipped
    ],
)
def test_boxes_and_points_leave_the_frame(answer: str, expected: list) -> None:
    found = ask.marks(answer, SAMPLE, FRAME)
    assert [(each.box, each.point, each.label) for each in found] == expected


@pytest.mark.parametrize(
    "answer",
    [
        "3",
        "3, 4, 5, 6",
        "[3, 4]",  # two numbers are more often a list than a point
        "[3, 4, 5]",
        "[6, 5, 4, 3]",
        "[3, 4, 5, 6, 7, 8]",
        "[100, 100, 500, 1500]",  # beyond the frame
        "[-1, 0, 5, 5]",
        "[]",
        "None",
        "the box [100, 100, 500, 500]",
        '{"count": 4}',
        '{"label": "dog"}',
        '{"bbox_2d": [500, 500, 100, 100]}',
        '{"bbox_2d": "left", "label": "dog"}',
    ],
)
def test_other_answers_are_no_boxes(answer: str) -> None:
    assert ask.marks(answer, SAMPLE, FRAME) == []


def test_without_a_picture_there_is_no_place() -> None:
    video = SAMPLE.with_(image_size=None)
    assert ask.marks('{"bbox_2d": [100, 100, 500, 500]}', video, None) == []


@pytest.mark.parametrize(
    ("size", "times", "pen"), [(SIZE, 1, 1), ((100, 50), 4, 1), ((1800, 900), 1, 2)]
)
def test_the_picture_keeps_its_size_or_a_multiple(
    size: tuple[int, int], times: int, pen: int
) -> None:
    image = Image.new("RGB", size)
    corners = [size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2]
    drawn = draw.on_original(image, draw.marks(corners))
    assert drawn.size == (size[0] * times, size[1] * times)
    assert extent(drawn, draw.COLOURS[0]) == [at * times for at in corners]
    middle = drawn.height * 3 // 8
    row = np.asarray(drawn)[middle, corners[0] * times :]
    width = int((row == draw.COLOURS[0]).all(axis=1).argmin())
    assert width == draw.LINE_PX * pen
    assert np.asarray(image).max() == 0  # the picture itself is not drawn on


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture, with another folder as the current one."""
    path = tmp_path / "photos" / "dogs.jpg"
    path.parent.mkdir()
    Image.new("RGB", SIZE).save(path)
    monkeypatch.chdir(tmp_path)
    return path


def answering(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    def write(loaded: Any, prompts: Any, **_: Any) -> Iterator[list[Completion]]:
        text = f"<think>there</think>\n<answer>{answer}</answer>"
        yield [Completion(text=text, num_tokens=9, truncated=False)]

    monkeypatch.setattr(ask, "generate", write)


def test_the_drawn_answer_is_written_and_named(
    photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = frame_of(evaluate.load_to_ask("tiny"), SAMPLE)
    assert frame
    corners = [frame.width / 4, frame.height / 4, frame.width / 2, frame.height / 2]
    answering(monkeypatch, json.dumps({"bbox_2d": corners}))
    ask.run("tiny", str(photo), "Where?")
    assert capsys.readouterr().out.splitlines()[-1] == "drawn:    dogs-answer.png"
    with Image.open("dogs-answer.png") as drawn:
        assert drawn.size == SIZE
        assert extent(drawn, draw.COLOURS[0]) == [100, 50, 200, 100]


def test_out_says_where_it_goes(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, '{"point_2d": [9, 9]}')
    ask.run("tiny", str(photo), "Where?", out=Path("answers/where.jpg"))
    with Image.open("answers/where.jpg") as drawn:
        assert (drawn.format, drawn.size) == ("JPEG", SIZE)
    assert not Path("dogs-answer.png").exists()


def test_without_boxes_nothing_is_written(
    photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, "3, 4, 5, 6")
    ask.run("tiny", str(photo), "Which numbers?", out=Path("where.png"))
    assert capsys.readouterr().out.splitlines()[-1] == "answer:   3, 4, 5, 6"
    assert [each.name for each in photo.parent.parent.iterdir()] == ["photos"]


@pytest.mark.parametrize("name", ["where", "where.txt"])
def test_a_name_of_no_picture_is_refused_before_a_model_loads(
    name: str, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    with pytest.raises(UserError, match=rf"--out {name}: .*\.png"):
        ask.run("tiny", str(photo), "Where?", out=Path(name))
