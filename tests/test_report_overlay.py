"""What a report draws over a picture: boxes, points and masks in pixels of the original."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_run import make_placed_run, write_lines

from vlrl.report.overlay import labels, paths, picture_size
from vlrl.report.rollouts import collect
from vlrl.report.runs import read_all
from vlrl.rewards import mask

BLOCK = mask.encode(np.pad(np.ones((20, 30), bool), ((10, 370), (40, 730))))  # of 800 x 400


def group_of(folder: Path) -> dict[str, Any]:
    return collect(read_all([folder]), budget_bytes=10**6).sets[0]["groups"][0]


@pytest.mark.parametrize(
    ("kind", "value", "lines", "dots"),
    [
        ("box", [10, 20, 30.25, 40], "M10 20H30.2V40H10Z", ""),
        ("point", [3, 4], "", "M3 4h0"),
        (
            "boxes",
            [
                {"bbox_2d": [1, 2, 3, 4], "label": "dog"},
                {"bbox_2d": None},
                {"bbox_2d": [0, 0, 9, 9]},
            ],
            "M1 2H3V4H1ZM0 0H9V9H0Z",
            "",
        ),
        ("boxes_points", [{"bbox_2d": [1, 2, 3, 4], "point_2d": [2, 3]}], "M1 2H3V4H1Z", "M2 3h0"),
        ("action", {"action": "click", "point": [700, 300]}, "", "M700 300h0"),
        ("action", {"action": "click", "box": [1, 2, 3, 4]}, "M1 2H3V4H1Z", ""),
    ],
)
def test_boxes_and_points_become_paths(kind: str, value: object, lines: str, dots: str) -> None:
    assert paths(kind, value, (800, 400)) == {"lines": lines, "dots": dots}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (
            "boxes",
            [{"bbox_2d": [1.04, 2, 3, 4], "label": "dog"}, {"bbox_2d": [0, 0, 9, 9]}],
            [(1.0, 2, "dog")],
        ),
        ("boxes", [{"bbox_2d": None, "label": "dog"}], []),
        ("action", {"action": "click", "point": [700, 300]}, [(700, 300, "click")]),
        ("box", [10, 20, 30, 40], []),
        ("label", "dog", []),
        ("boxes", None, []),
    ],
)
def test_labels_stand_at_the_corner_of_their_box(
    kind: str, value: object, expected: list[tuple[float, float, str]]
) -> None:
    assert labels(kind, value, (800, 400)) == expected
    assert labels(kind, value, None) == []


@pytest.mark.parametrize("value", [BLOCK, [[40, 10, 70, 10, 70, 30, 40, 30]]])
def test_a_mask_becomes_its_outline(value: object) -> None:
    drawn = paths("mask", value, (800, 400))
    assert drawn and drawn["lines"].startswith("M") and drawn["lines"].endswith("Z")
    corners = [each.split() for each in drawn["lines"].strip("MZ").split("L")]
    columns, rows = np.array(corners, float).T
    assert (columns.min(), rows.min()) == pytest.approx((40, 10), abs=1)
    assert (columns.max(), rows.max()) == pytest.approx((70, 30), abs=1)


def test_a_mask_of_a_large_picture_is_traced_in_fewer_pixels() -> None:
    whole = [[0, 0, 3000, 0, 3000, 1500, 0, 1500]]
    drawn = paths("mask", whole, (4000, 3000))
    assert drawn
    corners = [each.split() for each in drawn["lines"].strip("MZ").split("L")]
    assert np.array(corners, float).max(axis=0) == pytest.approx((3000, 1500), abs=4)


@pytest.mark.parametrize(
    ("kind", "value", "size"),
    [
        ("box", None, (800, 400)),
        ("box", [10, 20, 30, 40], None),
        ("box", [30, 20, 10, 40], (800, 400)),
        ("boxes", [], (800, 400)),
        ("boxes", "a dog", (800, 400)),
        ("boxes", 7, (800, 400)),
        ("order", [0, 1, 2, 3], (800, 400)),
        ("span", [1.0, 2.0], (800, 400)),
        ("number", 3, (800, 400)),
        (None, [10, 20, 30, 40], (800, 400)),
        ("mask", {"size": [4, 4], "counts": [16]}, (800, 400)),
        ("mask", "a dog", (800, 400)),
        ("mask", [], (800, 400)),
    ],
)
def test_what_places_nothing_is_not_drawn(kind: Any, value: object, size: Any) -> None:
    assert paths(kind, value, size) is None


@pytest.mark.parametrize(
    ("recorded", "size"),
    [
        ([800, 400], (800, 400)),
        (None, None),
        ([800], None),
        ("8x", None),
        ([0, 400], None),
        ([-8, -4], None),
        ([10**5, 10**5], None),
    ],
)
def test_a_size_is_two_sides(recorded: object, size: object) -> None:
    assert picture_size(recorded) == size


def test_a_group_carries_target_and_answers(tmp_path: Path) -> None:
    answers: list[object] = [[0, 0, 400, 200], None]
    group = group_of(make_placed_run(tmp_path / "run", ("box", [200, 100, 600, 300], answers)))
    assert group["size"] == (800, 400)  # not that of the picture as it is kept
    assert group["paths"] == {"lines": "M200 100H600V300H200Z", "dots": ""}
    assert [card["paths"] for card in group["cards"]] == [
        {"lines": "M0 0H400V200H0Z", "dots": ""},
        None,
    ]


@pytest.mark.parametrize(
    "change", [{"media": ["media/none.png"]}, {"media": []}, {"kind": "order"}]
)
def test_without_its_picture_or_kind_nothing_is_drawn(change: dict, tmp_path: Path) -> None:
    run = make_placed_run(tmp_path / "run", ("box", [200, 100, 600, 300], [[0, 0, 400, 200]]))
    row = json.loads((run / "rollouts.jsonl").read_text())
    write_lines(run / "rollouts.jsonl", [row | change])
    group = group_of(run)
    assert group["paths"] is None and group["cards"][0]["paths"] is None
