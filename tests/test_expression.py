"""Expressions: what answers earn, what holds for any of them, and a parser that proves itself."""

import subprocess
import sys
from pathlib import Path

import answer_cases
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_latex import MATH

from vlrl.contracts import UnparsableAnswer, UnusableTarget, UserError
from vlrl.rewards import expression

ROOT = Path(__file__).resolve().parent.parent
CASES = answer_cases.load("expression")
FRACTIONS = st.fractions(-1000, 1000, max_denominator=1000)


def outcome(case: dict) -> object:
    value = expression.parse(case["text"], **case.get("reading", {}))
    try:
        score = expression.equal(value, case["target"], **case.get("options", {}))
    except UnparsableAnswer:
        return "unparsable"
    except UnusableTarget:
        return "unusable"
    return "unparsable" if value is None else score


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=answer_cases.name_of)
def test_case(case: dict) -> None:
    assert outcome(case) == case["expected"]
    if case["expected"] == "unusable":
        with pytest.raises(UnusableTarget):
            expression.equal(None, case["target"])


@pytest.mark.slow
@given(text=MATH)
@settings(max_examples=50, deadline=None)
def test_any_expression_equals_itself_or_has_no_meaning(text: str) -> None:
    value = expression.parse(text)
    if value is None or "^" in value:  # powers may take any time: that is what the pool is for
        return
    try:
        assert expression.equal(value, value) == 1
    except UnusableTarget:
        with pytest.raises(UnparsableAnswer):
            expression.equal(value, "1")


@pytest.mark.slow
@given(text=MATH, target=st.sampled_from(["3", "x+1", "(1,2)", "x=2, x=3", "x>3", "y=x^2", "AB"]))
@settings(max_examples=50, deadline=None)
def test_any_expression_is_right_wrong_or_without_meaning(text: str, target: str) -> None:
    value = expression.parse(text)
    if value is None or "^" in value:
        return
    try:
        assert expression.equal(value, target) in (0, 1)
    except UnparsableAnswer:
        assert expression.equal(None, target) == 0


@given(left=FRACTIONS, right=FRACTIONS)
@settings(max_examples=15, deadline=None)
def test_fractions_are_equal_as_numbers_are(left, right) -> None:
    value = expression.parse(str(left))
    assert value is not None
    assert expression.equal(value, rf"\frac{{{left.numerator}}}{{{left.denominator}}}") == 1
    assert expression.equal(value, str(right)) == (left == right)
    assert expression.equal(value, f"{right}, {left}") == (left == right)


@given(items=st.lists(st.integers(0, 20), min_size=2, unique=True, max_size=5), data=st.data())
@settings(max_examples=10, deadline=None)
def test_the_order_of_a_list_does_not_matter(items: list[int], data) -> None:
    shuffled = data.draw(st.permutations(items))
    value = expression.parse(" or ".join(map(str, shuffled)))
    assert value is not None
    assert expression.equal(value, ", ".join(map(str, items))) == 1
    assert expression.equal(value, ", ".join(map(str, items[1:]))) == 0


@pytest.mark.parametrize("flood", [", ".join(map(str, range(100))), "1 or 2 or 3", r"\{1,2,3\}"])
def test_a_flood_of_answers_is_none_of_them(flood: str) -> None:
    value = expression.parse(flood)
    assert value is not None
    assert [expression.equal(value, target) for target in (1, 2, 3)] == [0, 0, 0]


def test_no_answer_earns_nothing() -> None:
    assert expression.equal(None, "3") == 0


def test_equality_is_left_to_the_pool() -> None:
    assert expression.equal.isolated  # type: ignore[attr-defined]


def test_the_parser_proves_itself() -> None:
    expression.prove()


def test_a_broken_parser_is_an_error_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    sympy, _, verify = expression._library()

    def reads_nothing(*args: object, **options: object) -> None:
        raise Exception("Could not deserialize ATN with version 3")

    monkeypatch.setattr(expression, "_library", lambda: (sympy, reads_nothing, verify))
    expression._meaning.cache_clear()
    with pytest.raises(UserError, match=r"frac.*pip install 'math-verify\[antlr4_13_2\]'"):
        expression.prove()


def test_the_module_loads_without_sympy() -> None:
    code = "import sys; from vlrl.rewards import expression; print('sympy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
