"""Label: the case table, and what holds for any names and any text."""

import pytest
from answer_cases import HOSTILE, TEXT, check, check_time, load, name_of
from hypothesis import example, given, settings

from vlrl.rewards import label

FEW = settings(max_examples=60, deadline=None)
CLASSES = ["cat", "dog", "fire hydrant", "Dress_Shirt", "person"]


@pytest.mark.parametrize("case", load("label"), ids=name_of)
def test_case(case: dict) -> None:
    check(label, case)


@FEW
@given(text=TEXT)
@example(text="." * 20)
@example(text="\\BOXED{İ}")
@example(text="_**cats**_")
def test_any_text_has_one_normal_form(text: str) -> None:
    name = label.normalise(text)
    assert label.normalise(name) == name
    assert label.parse(text, CLASSES) in (*CLASSES, None)
    if name and len(text) <= label.MAX_CHARACTERS:
        assert label.parse(text) == name
        assert label.exact(name, text) == 1


@FEW
@given(first=TEXT.filter(label.normalise), second=TEXT.filter(label.normalise))
def test_exact_is_symmetric(first: str, second: str) -> None:
    assert label.exact(first, second) == label.exact(second, first)
    assert label.exact(first, second) == (label.normalise(first) == label.normalise(second))


@pytest.mark.parametrize("name", CLASSES)
def test_every_way_of_writing_a_class_is_read(name: str) -> None:
    for text in (name, name.upper(), name.replace(" ", "_"), f"**{name}**.", f'"{name}"'):
        assert label.parse(text, CLASSES) == name
        assert label.exact(label.parse(text, CLASSES), name) == 1


def test_no_singular_is_a_plural() -> None:
    assert not set(label.PLURALS) & set(label.PLURALS.values())
    assert label.PLURALS["boxes"] == "box"
    assert label.PLURALS["benches"] == "bench"


def test_no_text_names_two_classes() -> None:
    for text in ("cat dog", "cat, dog", "cat\ndog", "c", "", "cat dog fire hydrant"):
        assert sum(label.exact(label.parse(text), name) for name in CLASSES) == 0


def test_an_answer_that_is_too_long_is_refused() -> None:
    assert label.parse("x" * label.MAX_CHARACTERS) is not None
    assert label.parse("x" * (label.MAX_CHARACTERS + 1)) is None


@pytest.mark.parametrize("part", HOSTILE)
def test_a_megabyte_is_read_in_linear_time(part: str) -> None:
    check_time(label, part)
