"""Numbers: the case table of the grammar, hand-computed rewards, and what holds for any number."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vlrl.contracts import UnusableTarget
from vlrl.rewards import number

CASES = yaml.safe_load((Path(__file__).parent / "cases/number.yaml").read_text("utf-8"))
REWARDS = [
    number.exact,
    number.tolerance,
    number.threshold,
    number.mean_relative_accuracy,
    number.cosine,
    number.linear,
]
NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6).map(lambda value: round(value, 4))
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_case(case: dict) -> None:
    value = number.parse(case["input"], case.get("units", ()))
    assert value == case["expected"]
    assert type(value) is type(case["expected"])


@given(text=st.one_of(st.text(), st.text("0123456789.,+-/%eE $*{}\\", max_size=40)))
def test_any_text_is_a_finite_number_or_none(text: str) -> None:
    value = number.parse(text, ("%", "cm"))
    if value is not None:
        assert math.isfinite(value)
        assert number.parse(repr(value)) == value


@given(value=NUMBERS)
def test_parse_of_the_text_of_a_number_is_the_number(value: float) -> None:
    assert number.parse(str(value)) == value
    assert number.parse(f"{value:,}") == value


def test_an_answer_that_is_too_long_is_refused() -> None:
    assert number.parse(" " * 10**6 + "3") == 3
    assert number.parse("(" * number.MAX_CHARACTERS + "3") is None
    assert number.parse("1" * number.MAX_DIGITS) is not None
    assert number.parse("1" * (number.MAX_DIGITS + 1)) is None


@pytest.mark.parametrize(
    ("value", "target", "expected"),
    [
        (3, 3, 1),
        (3, 3.0, 1),
        (3, "3.0", 1),
        (0.1, 0.1, 1),
        (0.75, "3/4", 1),
        (13, 3, 0),
        (-3, 3, 0),
    ],
)
def test_exact(value: float, target: object, expected: float) -> None:
    assert number.exact(value, target) == expected


@pytest.mark.parametrize(
    ("value", "target", "bounds", "expected"),
    [
        (0.8, 0.7, {"absolute": 0.1}, 1),  # 0.8 - 0.7 > 0.1 in floats
        (0.81, 0.7, {"absolute": 0.1}, 0),
        (105, 100, {"relative": 0.05}, 1),
        (106, 100, {"relative": 0.05}, 0),
        (-105, -100, {"relative": 0.05}, 1),
        (106, 100, {"relative": 0.05, "absolute": 6}, 1),
        (0, 0, {"relative": 0.05}, 1),
        (0.01, 0, {"relative": 0.05}, 0),
        (3, 3, {}, 1),
    ],
)
def test_tolerance(value: float, target: float, bounds: dict, expected: float) -> None:
    assert number.tolerance(value, target, **bounds) == expected


@pytest.mark.parametrize(
    ("value", "target", "expected"),
    [(3.34, 3, 1), (3.35, 3, 0), (4.35, 4, 0), (2.66, 3, 1), (2.65, 3, 0)],
)
def test_threshold_is_strict(value: float, target: float, expected: float) -> None:
    assert number.threshold(value, target) == expected


@pytest.mark.parametrize(
    ("value", "target", "expected"),
    [
        (3, 3, 1.0),
        (2.9, 3, 1.0),
        (2, 3, 0.4),
        (4, 3, 0.4),
        (1.5, 3, 0.1),
        (6, 3, 0.0),
        (8, 10, 0.6),  # 20 %: 1 - 0.8 is 0.19999... in VSI-Bench's floats
        (9, 10, 0.9),
        (15, 20, 0.6),
        (19, 20, 1.0),
        (0, 0, 1.0),
        (1, 0, 0.0),
        (-3, -3, 1.0),
    ],
)
def test_mean_relative_accuracy(value: float, target: float, expected: float) -> None:
    assert number.mean_relative_accuracy(value, target) == expected


def test_mean_relative_accuracy_is_vsi_benchs() -> None:
    np = pytest.importorskip("numpy")
    thresholds = np.linspace(0.5, 0.95, int((0.95 - 0.5) / 0.05 + 2))  # its published code
    for value in range(1, 60):
        for target in range(1, 30):
            published = (abs(value - target) / target <= 1 - thresholds).mean()
            assert number.mean_relative_accuracy(value, target) == pytest.approx(published)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (100, 1),
        (105, 1),
        (110, 0.75),
        (112.5, 0.5),
        (115, 0.25),
        (119, 0.0109),
        (120, 0),
        (90, 0.75),
    ],
)
def test_cosine(value: float, expected: float) -> None:
    assert number.cosine(value, 100) == pytest.approx(expected, abs=1e-4)
    assert number.cosine(-value, -100) == pytest.approx(expected, abs=1e-4)


def test_a_numpy_target_is_a_number() -> None:
    np = pytest.importorskip("numpy")
    for reward in REWARDS:
        assert reward(3.5, np.float64(3.5)) == 1


@pytest.mark.parametrize("reward", REWARDS)
def test_a_target_in_percent_is_unusable(reward: Callable) -> None:
    with pytest.raises(UnusableTarget, match="write percentages as a number"):
        reward(50, "50%")


def test_rewards_at_a_target_of_zero() -> None:
    for reward in REWARDS:
        assert reward(0, 0) == 1
        assert reward(1, 0) == 0


@pytest.mark.parametrize(("value", "expected"), [(3, 1), (2, 2 / 3), (4, 2 / 3), (6, 0), (-3, 0)])
def test_linear(value: float, expected: float) -> None:
    assert number.linear(value, 3) == pytest.approx(expected)


@pytest.mark.parametrize("reward", REWARDS)
@given(value=NUMBERS, target=NUMBERS)
def test_rewards_stay_in_range(reward: Callable, value: float, target: float) -> None:
    low, high = reward.reward_range
    assert low <= reward(value, target) <= high
    assert reward(target, target) == 1


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("target", [None, math.nan, math.inf, True, "three-ish", "", [3], {}])
def test_a_target_that_is_no_number_is_unusable(reward: Callable, target: object) -> None:
    with pytest.raises(UnusableTarget, match="not a number"):
        reward(3, target)
    with pytest.raises(UnusableTarget):
        reward(None, target)
