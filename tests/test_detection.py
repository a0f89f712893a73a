"""Detection: the case tables, brute force and COCO as references, and what junk earns."""

import itertools
from collections.abc import Callable

import grounding
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlrl.contracts import UnusableTarget
from vlrl.rewards import box, detection

REWARDS = [
    detection.matched_iou,
    detection.precision,
    detection.recall,
    detection.f1,
    detection.weighted,
    detection.staged,
    detection.average_precision,
    detection.ap_length,
    detection.calibration,
]
BOXES = st.builds(
    lambda x, y, width, height: [x, y, x + width, y + height],
    *([st.integers(0, 12)] * 2),
    *([st.integers(5, 30)] * 2),
)
OBJECTS = st.fixed_dictionaries(
    {"bbox_2d": BOXES, "label": st.sampled_from(["cat", "dog"])},
    optional={"confidence": st.sampled_from([0, 0.2, 0.5, 0.9, 1])},
)
SETS = st.lists(OBJECTS, max_size=4)


@pytest.mark.parametrize("case", grounding.cases("detection"), ids=lambda case: case["id"])
def test_case(case: dict) -> None:
    grounding.check(detection, case)


@pytest.mark.slow
@given(value=SETS, target=SETS)
@grounding.EXAMPLES
def test_rewards_are_shares_of_sets(value: list, target: list) -> None:
    stated = [{key: each[key] for key in ("bbox_2d", "label")} for each in target]
    for reward in REWARDS:
        score, (low, high) = reward(value, target), reward.reward_range
        assert low <= score <= high + 1e-9
        assert reward(value[::-1], target[1:] + target[:1]) == pytest.approx(score)
        assert reward(stated, target) == pytest.approx(1)
        assert reward(None, target) == low


@given(value=SETS, target=SETS)
@grounding.EXAMPLES
def test_matching_is_the_best_of_all_permutations(value: list, target: list) -> None:
    if not value or not target:
        return
    gains = _gains(value, target)
    found = detection.matched_iou(value, target) * max(len(value), len(target))
    assert found == pytest.approx(_best(gains))
    hits = _best((gains >= 0.5).astype(float))
    assert detection.f1(value, target) == pytest.approx(2 * hits / (len(value) + len(target)))
    assert detection.precision(value, target) == pytest.approx(hits / len(value))
    assert detection.recall(value, target) == pytest.approx(hits / len(target))


def _gains(value: list, target: list) -> np.ndarray:
    return np.array(
        [
            [box.iou(v["bbox_2d"], t["bbox_2d"]) * (v["label"] == t["label"]) for t in target]
            for v in value
        ]
    )


def _best(gains: np.ndarray) -> float:
    rows, columns = sorted(gains.shape)
    gains = gains if gains.shape == (rows, columns) else gains.T
    orders = itertools.permutations(range(columns), rows)
    return max(gains[range(rows), order].sum() for order in orders)


@pytest.mark.slow
@given(value=SETS.filter(bool), target=SETS, junk=OBJECTS)
@grounding.EXAMPLES
def test_a_prediction_that_matches_nothing_never_pays(value: list, target: list, junk) -> None:
    far_off = {**junk, "bbox_2d": [x + 1000 for x in junk["bbox_2d"]]}
    nothing = {"bbox_2d": None, "label": "cat"}
    for reward in REWARDS:
        for added in (far_off, nothing):
            assert reward([*value, added], target) <= reward(value, target) + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_is_pycocotools(seed: int) -> None:
    pytest.importorskip("pycocotools")
    random = np.random.default_rng(seed)
    corners = random.integers(0, 40, (6, 2)).tolist()
    target = [{"bbox_2d": [x, y, x + 30, y + 30], "label": "cat"} for x, y in corners]
    value = [
        {
            "bbox_2d": (np.array(target[row % 6]["bbox_2d"]) + random.integers(-3, 4, 4)).tolist(),
            "label": "cat",
            "confidence": float(confidence),
        }
        for row, confidence in enumerate(random.permutation(np.linspace(0.1, 1, 9)))
    ]
    assert detection.average_precision(value, target) == pytest.approx(_coco_ap(value, target))


def _coco_ap(value: list, target: list) -> float:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def rows(objects: list) -> list[dict]:
        return [
            {
                "id": number,
                "image_id": 1,
                "category_id": 1,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": 0,
                "score": each.get("confidence", 1),
            }
            for number, each in enumerate(objects, start=1)
            for x1, y1, x2, y2 in [each["bbox_2d"]]
        ]

    coco = COCO()
    coco.dataset = {"images": [{"id": 1}], "categories": [{"id": 1}], "annotations": rows(target)}
    coco.createIndex()
    found = COCO()
    found.dataset = {**coco.dataset, "annotations": rows(value)}
    found.createIndex()
    evaluation = COCOeval(coco, found, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats[0]


@given(hits=st.lists(st.booleans(), min_size=1, max_size=4), confidence=st.floats(0, 1))
@grounding.EXAMPLES
def test_the_best_confidence_is_the_chance_of_a_match(hits: list, confidence: float) -> None:
    def expected(stated: float) -> float:
        return sum(
            detection.calibration([_at(1 if hit else 5, stated)], [_at(0), _at(1)]) for hit in hits
        )

    assert expected(sum(hits) / len(hits)) >= expected(confidence) - 1e-9


def _at(place: int, confidence: float = 1.0) -> dict:
    corner = 100 * place
    return {"bbox_2d": [corner, 0, corner + 50, 50], "label": "cat", "confidence": confidence}


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize(
    "target", ["None", 0, {}, [None], [{"label": "cat"}], [{"bbox_2d": [0, 0, 1, float("nan")]}]]
)
def test_a_target_that_is_no_set_of_objects_is_unusable(reward: Callable, target: object) -> None:
    for value in (None, [], [_at(0)]):
        with pytest.raises(UnusableTarget):
            reward(value, target)


@given(text=grounding.TEXTS)
@grounding.EXAMPLES
def test_any_text_is_a_set_of_objects_or_none(text: str) -> None:
    found = detection.parse(text)
    if found is not None:
        for reward in REWARDS:
            assert reward(found, [_at(0)]) <= 0


@pytest.mark.slow
def test_hostile_texts_are_read_and_scored_in_time() -> None:
    target = [_at(place) for place in range(30)]
    detection.f1(target, target)
    for reward in (detection.matched_iou, detection.average_precision):
        grounding.assert_fast(lambda text, reward=reward: reward(detection.parse(text), target))


def test_no_fixed_strategy_beats_the_best_constant_answer() -> None:
    targets = [[_at(0)], [_at(0), _at(1)], [_at(1)], [_at(0)], [_at(2)], [_at(0), _at(2)], []]
    constants = ["[]", str([_at(0)]), str([_at(0), _at(1)]), str([_at(0), _at(1), _at(2)])]
    whole = {"bbox_2d": [0, 0, 300, 50], "label": "cat"}
    grid = [
        {"bbox_2d": [x, y, x + 50, y + 50], "label": label, "confidence": 0.01}
        for x in range(0, 300, 25)
        for y in (0, 25)
        for label in ("cat", "dog")
    ]
    junk = ["", "cat", "No Objects", str([whole]), str(grid), str([_at(0)] * 50), "[NaN]", "[[]]"]
    junk += ['[{"bbox_2d": [300, 50, 0, 0], "label": "cat"}]', str([{**_at(0), "confidence": 0}])]
    for reward in REWARDS:
        if reward in (detection.precision, detection.recall):  # each is half of a pair
            continue
        best = max(_mean(reward, text, targets) for text in constants)
        for text in junk:
            assert _mean(reward, text, targets) <= best, (reward.__name__, text[:60])


def _mean(reward: Callable, text: str, targets: list) -> float:
    return float(np.mean([reward(detection.parse(text), target) for target in targets]))
