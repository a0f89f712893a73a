"""Numbers: the case table, and what holds for any text and any number."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from answer_cases import check, load, name_of
from hypothesis import given, settings
from hypothesis import strategies as st

from vlrl.contracts import Sample, UnusableTarget
from vlrl.data.visual_math import VisualMath
from vlrl.rewards import number
from vlrl.scoring import score

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
FEW = settings(max_examples=50, deadline=None)
SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety"


@pytest.mark.parametrize("case", load("number"), ids=name_of)
def test_case(case: dict) -> None:
    check(number, case)
    if case["function"] == "parse":
        value = number.parse(case["text"], **case.get("reading", {}))
        assert type(value) is type(case["expected"])


@pytest.mark.slow
@given(text=st.one_of(st.text(), st.text("0123456789.,+-/%eE $*{}\\", max_size=40)))
def test_any_text_is_a_finite_number_or_none(text: str) -> None:
    value = number.parse(text, ("%", "cm"))
    if value is not None:
        assert math.isfinite(value)
        assert number.parse(repr(value)) == value


@pytest.mark.slow
@FEW
@given(value=NUMBERS)
def test_parse_of_the_text_of_a_number_is_the_number(value: float) -> None:
    assert number.parse(str(value)) == value
    assert number.parse(f"{value:,}") == value


def in_words(value: int) -> str:
    if value < 20:
        return SMALL.split()[value]
    if value < 100:
        ten, one = divmod(value, 10)
        return TENS.split()[ten] + (f"-{in_words(one)}" if one else "")
    size, name = (1000, "thousand") if value >= 1000 else (100, "hundred")
    count, rest = divmod(value, size)
    return f"{in_words(count)} {name}" + (f" {in_words(rest)}" if rest else "")


def test_every_number_word_is_read() -> None:
    for value in (*range(1001), 1999, 20_000, 115_016, 999_999):
        words = in_words(value)
        assert number.parse(words) == value
        assert number.parse(words.replace("-", " ")) == value
        assert number.parse(words.replace("hundred ", "hundred and ")) == value


def test_limits() -> None:
    assert number.parse(" " * 10**6 + "3") == 3
    assert number.parse("0" * (number.MAX_CHARACTERS - 1) + "3") == 3
    assert number.parse("0" * number.MAX_CHARACTERS + "3") is None
    assert number.parse("0." + "3" * (number.MAX_CHARACTERS - 2)) == 1 / 3
    assert number.parse("0." + "3" * (number.MAX_CHARACTERS - 1)) is None
    for largest in (10**30 - 1, 1 - 10**30):
        assert number.parse(str(largest)) == largest
        assert number.parse(f"{largest}.0") == largest
    for text in ("1e30", "-1e30", str(10**30), f"{10**30}.5"):
        assert number.parse(text) is None


def test_mean_relative_accuracy_is_vsi_benchs() -> None:
    thresholds = np.linspace(0.5, 0.95, int((0.95 - 0.5) / 0.05 + 2))  # its published code
    for value in range(1, 60):
        for target in range(1, 30):
            published = (abs(value - target) / target <= 1 - thresholds).mean()
            assert number.mean_relative_accuracy(value, target) == pytest.approx(published)


def test_a_numpy_target_is_a_number() -> None:
    for reward in REWARDS:
        assert reward(3.5, np.float64(3.5)) == 1


@pytest.mark.parametrize("reward", REWARDS)
def test_a_target_in_percent_is_unusable(reward: Callable) -> None:
    with pytest.raises(UnusableTarget, match="write percentages as a number"):
        reward(50, "50%")


@pytest.mark.slow
@pytest.mark.parametrize("reward", REWARDS)
@FEW
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


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        math.nan,
        math.inf,
        "A",
        "",
        "x + 1",
        r"\frac{3}{4}",
        "1 or 3",
        [1],
        {"value": 1},
        b"1",
    ],
)
def test_a_value_that_is_no_number_gets_the_minimum(reward: Callable, value: object) -> None:
    low, _ = reward.reward_range
    assert [reward(value, target) for target in (1, 0, "1")] == [low] * 3


@pytest.mark.parametrize("reward", REWARDS)
def test_a_text_that_states_a_number_is_that_number(reward: Callable) -> None:
    assert reward("1,234.5", 1234.5) == reward(1234.5, "1,234.5") == reward("12", "twelve") == 1
    assert reward("90", "45") == reward(90, 45)


@pytest.mark.parametrize("name", [f"number.{reward.__name__}" for reward in REWARDS])
@pytest.mark.parametrize(
    ("answer", "target", "expected", "problem"),
    [
        ("45", "45", 1, "none"),
        ("x + 1", "45", 0, "none"),
        ("none of them is right", "45", 0, "unparsable"),
        ("45", r"16\pi", None, "target_unusable"),
        ("x + 1", r"16\pi", None, "target_unusable"),
    ],
)
def test_a_recipe_may_use_it_where_values_are_latex(
    name: str, answer: str, target: str, expected: float | None, problem: str
) -> None:
    sample = Sample(id="1", task="visual_math", question="?", target=target, kind="math")
    completion = f"<think>So.</think><answer>{answer}</answer>"
    found = score(VisualMath(), sample, completion, rewards={"accuracy": {"use": name}})
    assert (found.parts["accuracy"], found.problem) == (expected, problem)
