"""Text: the case table, what holds for any two texts, and the definitions done the slow way."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise

import pytest
from answer_cases import HOSTILE, TEXT, check, check_time, load, name_of
from hypothesis import given, settings
from hypothesis import strategies as st

from vlrl.rewards import text as texts

FEW = settings(max_examples=60, deadline=None)
SHORT = st.lists(st.sampled_from("abc"), max_size=6).map(" ".join)
TARGET = SHORT.filter(bool)
REWARDS = [
    texts.exact,
    texts.one_minus_wer,
    texts.one_minus_cer,
    texts.similarity,
    texts.rouge,
    texts.token_f1,
]


@pytest.mark.parametrize("case", load("text"), ids=name_of)
def test_case(case: dict) -> None:
    check(texts, case)


@pytest.mark.parametrize("reward", REWARDS)
@settings(max_examples=30, deadline=None)
@given(value=TEXT, target=TEXT)
def test_rewards_stay_in_range(reward: Callable, value: str, target: str) -> None:
    try:
        assert reward(None, target) == 0
    except texts.UnusableTarget:
        return
    assert 0 <= reward(value, target) <= 1
    assert reward(target, target) == 1


@pytest.mark.parametrize("reward", [texts.exact, texts.similarity, texts.token_f1])
@FEW
@given(value=TARGET, target=TARGET)
def test_symmetric_rewards(reward: Callable, value: str, target: str) -> None:
    assert reward(value, target) == pytest.approx(reward(target, value))


@FEW
@given(value=SHORT, target=TARGET)
def test_error_rates_and_rouge_are_their_definitions(value: str, target: str) -> None:
    v, t = value.split(), target.split()
    assert texts.one_minus_wer(value, target) == pytest.approx(max(0, 1 - edits(v, t) / len(t)))
    error_rate = edits(value, target) / len(target)
    assert texts.one_minus_cer(value, target) == pytest.approx(max(0, 1 - error_rate))
    measures = [2 * matches(v, t) / (len(v) + len(t)), 2 * common(v, t) / (len(v) + len(t))]
    if len(t) > 1:
        grams = [list(pairwise(words)) for words in (v, t)]
        measures.append(2 * matches(*grams) / (len(grams[0]) + len(grams[1])))
    assert texts.rouge(value, target) == pytest.approx(sum(measures) / len(measures))


@pytest.mark.parametrize("reward", REWARDS[1:])
@FEW
@given(target=TARGET, number=st.integers(1, 5))
def test_words_that_are_not_there_cost(reward: Callable, target: str, number: int) -> None:
    scores = [reward(target + " xyzzy" * count, target) for count in range(number + 1)]
    assert scores == sorted(scores, reverse=True)
    assert scores[1] < 1


@pytest.mark.parametrize("reward", REWARDS)
def test_a_flood_of_words_earns_little(reward: Callable) -> None:
    flood = ["cat", "dog", "red", "blue", "left", "right", "up", "down", *map(str, range(12))]
    assert reward(" ".join(flood), "red dog") < 0.25
    assert reward("cat " * 2000, "the cat sat") < 0.01


@pytest.mark.parametrize("reward", REWARDS[:4])
def test_a_list_of_guesses_earns_no_more_than_one(reward: Callable) -> None:
    answers = ["red cube", "green ball", "blue cone", "grey disc"]
    for separator in (", ", " ", " or ", "\n"):
        for number in (2, 3, 4):
            flood = separator.join(answers[:number])
            assert sum(reward(flood, answer) for answer in answers) <= 1


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("target", [None, "", "  ", 3, True, ["a"], {"a": 1}, float("nan")])
def test_a_target_that_is_no_text_is_unusable(reward: Callable, target: object) -> None:
    for value in ("a", None):
        with pytest.raises(texts.UnusableTarget, match="not a text"):
            reward(value, target)


def test_an_answer_that_is_too_long_is_refused() -> None:
    assert texts.parse("x" * texts.MAX_CHARACTERS) is not None
    assert texts.parse("x" * (texts.MAX_CHARACTERS + 1)) is None


@pytest.mark.parametrize("part", HOSTILE)
def test_a_megabyte_is_read_in_linear_time(part: str) -> None:
    check_time(texts, part)


def edits(v: Sequence[str], t: Sequence[str]) -> int:
    """The Levenshtein distance by its recursion."""

    @cache
    def cost(i: int, j: int) -> int:
        if i == 0 or j == 0:
            return i + j
        replaced = cost(i - 1, j - 1) + (v[i - 1] != t[j - 1])
        return min(replaced, cost(i - 1, j) + 1, cost(i, j - 1) + 1)

    return cost(len(v), len(t))


def common(v: Sequence[str], t: Sequence[str]) -> int:
    """The length of the longest common subsequence by its recursion."""

    @cache
    def length(i: int, j: int) -> int:
        if i == 0 or j == 0:
            return 0
        if v[i - 1] == t[j - 1]:
            return length(i - 1, j - 1) + 1
        return max(length(i - 1, j), length(i, j - 1))

    return length(len(v), len(t))


def matches(v: Sequence, t: Sequence) -> int:
    return sum(min(list(v).count(item), list(t).count(item)) for item in set(v))
