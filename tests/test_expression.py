"""Expressions: the case table, what holds for any text, and a parser that proves itself."""

import subprocess
import sys
import time
from pathlib import Path

import answer_cases
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlrl.contracts import UnparsableAnswer, UnusableTarget, UserError
from vlrl.rewards import expression, latex

ROOT = Path(__file__).resolve().parent.parent
CASES = answer_cases.load("expression")
FRAGMENTS = [
    *(r"\frac", r"\sqrt", r"\pi", r"\boxed{", r"\left(", r"\text{", r"\begin{pmatrix}", r"\\", ","),
    *("{", "}", "(", ")", "[", "]", r"\{", r"\}", "$", "^", "_", "+", "-", "/", "*", "=", "<", "&"),
    *(
        "1",
        "23",
        "4.5",
        ".5",
        "1e9",
        "x",
        "ab",
        "sin",
        "or",
        "°",
        "%",
        "√",
        "π",
        "²",
        " ",
        ".",
        ",",
    ),
]
MATH = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)
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


@pytest.mark.parametrize("case", CASES, ids=answer_cases.name_of)
def test_case(case: dict) -> None:
    if case["function"] == "parse":
        answer_cases.check(expression, case)
        return
    assert outcome(case) == case["expected"]
    if case["expected"] == "unusable":
        with pytest.raises(UnusableTarget):
            expression.equal(None, case["target"])


@given(text=st.one_of(answer_cases.TEXT, MATH))
def test_any_text_has_one_spelling_or_none(text: str) -> None:
    value = expression.parse(text, ("cm", "%"))
    assert value is None or (value and expression.parse(value) == value)


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
@settings(max_examples=50, deadline=None)
def test_fractions_are_equal_as_numbers_are(left, right) -> None:
    value = expression.parse(str(left))
    assert value is not None
    assert expression.equal(value, rf"\frac{{{left.numerator}}}{{{left.denominator}}}") == 1
    assert expression.equal(value, str(right)) == (left == right)
    assert expression.equal(value, f"{right}, {left}") == (left == right)


@given(items=st.lists(st.integers(0, 20), min_size=2, unique=True, max_size=5), data=st.data())
@settings(max_examples=30, deadline=None)
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


@pytest.mark.parametrize(
    ("largest", "larger"),
    [
        ("x" + "+1" * (latex.MAX_CHARACTERS // 2 - 1), "x" + "+1" * (latex.MAX_CHARACTERS // 2)),
        ("1" * latex.MAX_DIGITS, "1" * (latex.MAX_DIGITS + 1)),
        (
            "(" * latex.MAX_DEPTH + "1" + ")" * latex.MAX_DEPTH,
            "(" * (latex.MAX_DEPTH + 1) + "1" + ")" * (latex.MAX_DEPTH + 1),
        ),
        ("x" * latex.MAX_LETTERS, "x" * (latex.MAX_LETTERS + 1)),
    ],
)
def test_what_is_too_large_is_refused(largest: str, larger: str) -> None:
    assert expression.parse(largest) == largest
    assert expression.parse(larger) is None


@pytest.mark.parametrize("part", [*answer_cases.HOSTILE, "\\frac{", "^{", "√", "1 ", "1,000"])
def test_a_megabyte_is_refused_at_once(part: str) -> None:
    answer_cases.check_time(expression, part)


def test_the_longest_text_is_read_in_milliseconds() -> None:
    for part in (r"\frac", "^", "1,000,", "√", "x=", r"\boxed{", "$", "cm ", "(", "**", "1 1/"):
        text = part * (latex.MAX_CHARACTERS // len(part))
        start = time.process_time()
        expression.parse(text, ("cm", "m", "%"))
        assert time.process_time() - start < 0.05


def test_the_parser_proves_itself() -> None:
    expression.prove()


def test_a_broken_parser_is_an_error_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    sympy, _, verify = expression._library()

    def reads_nothing(*args: object, **options: object) -> None:
        raise Exception("Could not deserialize ATN with version 3")

    monkeypatch.setattr(expression, "_library", lambda: (sympy, reads_nothing, verify))
    expression._meaning.cache_clear()
    with pytest.raises(UserError, match=r"pip install 'math-verify\[antlr4_13_2\]'"):
        expression.prove()
    expression._meaning.cache_clear()


def test_the_module_loads_without_sympy() -> None:
    code = "import sys; from vlrl.rewards import expression; print('sympy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
