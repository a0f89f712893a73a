"""Box-and-point sets: the case tables, brute force as a reference, and what junk earns."""

import itertools

import grounding
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlrl.rewards import box, point, segmentation

OBJECTS = st.builds(
    lambda x, y, side, dx, dy: {
        "bbox_2d": [x, y, x + side, y + side],
        "point_2d": [x + dx, y + dy],
    },
    *([st.integers(0, 60)] * 2),
    st.integers(20, 60),
    *([st.integers(0, 20)] * 2),
)
SETS = st.lists(OBJECTS, max_size=4)


@pytest.mark.parametrize("case", grounding.cases("segmentation"), ids=lambda case: case["id"])
def test_case(case: dict) -> None:
    grounding.check(segmentation, case)


@pytest.mark.parametrize("copies", [1, 2, 120, 200])
def test_duplicates_cost(copies: int) -> None:
    target = [{"bbox_2d": [0, 0, 100, 100], "point_2d": [50, 50]}]
    assert segmentation.accuracy(target * copies, target) == pytest.approx(1 / copies)


@pytest.mark.slow
@given(value=SETS, target=SETS)
@grounding.EXAMPLES
def test_accuracy_is_the_best_of_all_permutations(value: list, target: list) -> None:
    score = segmentation.accuracy(value, target)
    assert score == pytest.approx(_accuracy(value, target))
    assert segmentation.accuracy(value[::-1], target[::-1]) == pytest.approx(score)
    assert segmentation.accuracy(target, target) == 1
    assert segmentation.accuracy(None, target) == 0


def _accuracy(value: list, target: list) -> float:
    if not value or not target:
        return float(not value and not target)
    tests = np.array([[_tests(found, wanted) for wanted in target] for found in value])
    tests = tests if len(value) <= len(target) else tests.T
    orders = itertools.permutations(range(tests.shape[1]), len(tests))
    return max(tests[range(len(tests)), order].sum() for order in orders) / 3 / tests.shape[1]


def _tests(found: dict, wanted: dict) -> int:
    overlaps = box.iou(found["bbox_2d"], wanted["bbox_2d"]) > 0.5
    near_box = box.near(found["bbox_2d"], wanted["bbox_2d"])
    near_point = point.near(found["point_2d"], wanted["point_2d"])
    return int(overlaps + near_box + near_point * point.in_box(found["point_2d"], found["bbox_2d"]))


@given(text=grounding.TEXTS)
@grounding.EXAMPLES
def test_any_text_is_a_set_of_objects_or_none(text: str) -> None:
    found = segmentation.parse(text)
    assert segmentation.accuracy(found, [{"bbox_2d": [0, 0, 9, 9], "point_2d": [5, 5]}]) == 0


def test_hostile_texts_are_read_and_scored_in_time() -> None:
    target = [{"bbox_2d": [i, 0, i + 50, 50], "point_2d": [i, 9]} for i in range(30)]
    segmentation.accuracy(target, target)
    grounding.assert_fast(lambda text: segmentation.accuracy(segmentation.parse(text), target))


def test_no_fixed_strategy_beats_the_best_constant_answer() -> None:
    targets = [[_at(place)] for place in (0, 0, 1, 2, 3)] + [[], [_at(0), _at(4)]]
    constants = ["[]", str([_at(0)]), str([_at(0), _at(1)])]
    whole = {"bbox_2d": [0, 0, 840, 840], "point_2d": [420, 420]}
    grid = [_at(place) for place in range(8)]
    junk = [
        "",
        "the dog",
        str([whole]),
        str(grid),
        str([_at(0)] * 50),
        str([{**_at(0), "bbox_2d": 1}]),
    ]
    junk += [
        str([{**_at(0), "bbox_2d": [60, 60, 0, 0]}]),
        '{"bbox_2d": [0, 0, 1, 1]}',
        str(targets),
    ]
    best = max(_mean(text, targets) for text in constants)
    for text in junk:
        assert _mean(text, targets) <= best, text[:60]


def _at(place: int) -> dict:
    corner = 100 * place
    return {"bbox_2d": [corner, 0, corner + 60, 60], "point_2d": [corner + 30, 30]}


def _mean(text: str, targets: list) -> float:
    value = segmentation.parse(text)
    return float(np.mean([segmentation.accuracy(value, target) for target in targets]))
