"""Labels: the case table, and what holds for any sets and any text."""

import json
from collections.abc import Callable

import pytest
from answer_cases import HOSTILE, TEXT, check, check_time, load, name_of
from hypothesis import given, settings
from hypothesis import strategies as st

from vlrl.rewards import labels

FEW = settings(max_examples=60, deadline=None)
NAMES = st.lists(st.sampled_from("abcdefg"), max_size=6, unique=True)
SETS = [labels.f1, labels.jaccard]


@pytest.mark.parametrize("case", load("labels"), ids=name_of)
def test_case(case: dict) -> None:
    check(labels, case)


@FEW
@given(text=TEXT)
def test_any_text_is_a_list_of_names_or_none(text: str) -> None:
    for keys in (None, ["rating"]):
        names = labels.parse(text, keys=keys)
        if names is not None:
            assert all(isinstance(name, str) for name in names)
            assert labels.f1(names, ["cat", "dog"]) <= 1


@FEW
@given(names=NAMES)
def test_parse_of_what_is_written_is_the_list(names: list[str]) -> None:
    assert labels.parse(json.dumps(names)) == names
    assert labels.parse(str(names)) == names
    assert labels.parse(", ".join(names) or "none") == names


@pytest.mark.slow
@pytest.mark.parametrize("reward", SETS)
@FEW
@given(value=NAMES, target=NAMES, data=st.data())
def test_set_rewards(
    reward: Callable, value: list[str], target: list[str], data: st.DataObject
) -> None:
    score = reward(value, target)
    assert 0 <= score <= 1
    assert (score == 1) == (set(value) == set(target))
    assert score == reward(target, value)
    assert score == reward(data.draw(st.permutations(value)), data.draw(st.permutations(target)))
    assert reward([*value, "junk"], target) < score or score == 0


@FEW
@given(value=NAMES, target=NAMES.filter(bool))
def test_f1_and_jaccard_agree(value: list[str], target: list[str]) -> None:
    overlap = labels.jaccard(value, target)
    assert labels.f1(value, target) == pytest.approx(2 * overlap / (1 + overlap))


@FEW
@given(value=NAMES, target=st.lists(st.sampled_from("abc"), min_size=1, max_size=4))
def test_ordered_grows_with_the_right_beginning(value: list[str], target: list[str]) -> None:
    weights = [1.0] * len(target)
    assert 0 <= labels.ordered(value, target, weights=weights) <= 1
    for right in range(len(target) + 1):
        begun = target[:right] + ["x"] * (len(target) - right)
        assert labels.ordered(begun, target, weights=weights) == right / len(target)


@pytest.mark.parametrize("num_guesses", [1, 2, 5])
def test_what_a_list_of_guesses_earns(num_guesses: int) -> None:
    guesses = list("abcdefg")[:num_guesses]
    assert labels.f1(guesses, ["a"]) == pytest.approx(2 / (num_guesses + 1))
    assert sum(labels.jaccard(guesses, [each]) for each in "abcdefg") == pytest.approx(1)


def test_limits() -> None:
    most = ["x"] * labels.MAX_ITEMS
    longest = "x" * labels.MAX_CHARACTERS
    for text in ("x," * labels.MAX_ITEMS, json.dumps(most)):
        assert labels.parse(text) == most
    for text in ("x," * (labels.MAX_ITEMS + 1), json.dumps([*most, "x"])):
        assert labels.parse(text) is None
    for read in (labels.parse, labels.split):
        assert read(f"{' ' * 10**6}{longest}\n") == [longest]
        assert read(f"{longest}x") is None
    for length in (labels.MAX_CHARACTERS, labels.MAX_CHARACTERS + 1):
        text = '{"a": "' + "x" * (length - 9) + '"}'
        assert (labels.parse(text, keys=["a"]) is None) == (length > labels.MAX_CHARACTERS)


@pytest.mark.parametrize("part", HOSTILE)
def test_a_megabyte_is_read_in_linear_time(part: str) -> None:
    check_time(labels, part)
