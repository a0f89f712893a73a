"""Numbers: a strict grammar for answers, and rewards that compare two numbers.

An answer is a number when the whole of it is one number; a number is never searched for in a
sentence.  So `13` is not read as `3`, and a list of guesses is nothing (both paid off in published
rewards).  A reward reads a value or target that is text in the same way; a value that is no number
gets the minimum, a target that is none is unusable.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from fractions import Fraction

from vlrl.contracts import UnusableTarget, Value, reward
from vlrl.rewards.markup import bare

MAX_CHARACTERS = 100
MAX_SIZE = 10**30

Number = int | float

_NUMBER = re.compile(
    r"""[+-]?\s?(?:
        (?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,3})?
        |\d+\s?/\s?[1-9]\d*
    )""",
    re.ASCII | re.VERBOSE,
)

_SMALL = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_BELOW_HUNDRED = {word: value for value, word in enumerate(_SMALL.split(), start=1)}
_BELOW_HUNDRED |= {word: 10 * value for value, word in enumerate(_TENS.split(), start=2)}
_BELOW_HUNDRED |= {
    f"{ten}{gap}{one}": _BELOW_HUNDRED[ten] + _BELOW_HUNDRED[one]
    for ten in _TENS.split()
    for one in _SMALL.split()[:9]
    for gap in "- "
}


def parse(text: str, units: Sequence[str] = ()) -> Number | None:
    """The number that the text states, or None: an int where it is whole, else the nearest float.

    Read: signs (also U+2212), thousands separators `1,234`, decimals, `3/4`, `1.5e3`, the words
    `zero` to `nine hundred ninety-nine thousand nine hundred ninety-nine`; around the number
    space, final full stops and markup (bold, code, quotation marks, `$...$`, `\\(...\\)`,
    `\\boxed{}`, `\\text{}`; see `markup.bare`); and one of `units`, before or after.
    `50%` is 0.5, or 50 where `units` contain `%`. Refused: any other text, digits that are not
    ASCII, infinities, more than MAX_CHARACTERS, numbers of MAX_SIZE and more.
    """
    text = text.strip()
    if len(text) > MAX_CHARACTERS:
        return None
    if text.isascii() and text.isdecimal():  # most answers, and sixty times as fast
        return _narrow(int(text))
    text = _bare(text.replace("\N{MINUS SIGN}", "-").replace(r"\%", "%"), units)
    amount = bare(text.removesuffix("%"))
    if _NUMBER.fullmatch(amount) is None:
        return _words(text.lower())
    value = Fraction("".join(amount.replace(",", "").split()))
    return _narrow(value / 100 if text.endswith("%") else value)


@reward("answer")
def exact(value: Value, target: object) -> float:
    """`1[v = t]`, in {0, 1}.

    3, 3.0 and "3" are equal; in R1-V, which compares strings, they are not.
    """
    return float(_number(target) == _stated(value))


@reward("answer")
def tolerance(
    value: Value, target: object, *, absolute: float = 0.0, relative: float = 0.0
) -> float:
    """`1[|v - t| <= max(absolute, relative |t|)]`, in {0, 1}; exact in the decimals as written."""
    number = _number(target)
    bound = max(_fraction(absolute), _fraction(relative) * abs(_fraction(number)))
    return float(_distance(value, number) <= bound)


@reward("answer")
def threshold(value: Value, target: object, *, within: float = 0.35) -> float:
    """`1[|v - t| < within]`, in {0, 1}, exact in the decimals as written.

    Q-Insight's reward for ratings.
    """
    number = _number(target)
    return float(_distance(value, number) < _fraction(within))


@reward("answer")
def mean_relative_accuracy(value: Value, target: object) -> float:
    """`1/10 sum over k = 0..9 of 1[|v - t| / |t| <= 1 - theta_k]` with `theta_k = .5 + .05 k`.

    In [0, 1]; `1[v = 0]` at t = 0.

    VSI-Bench, in the float arithmetic of its published evaluation: an error of exactly 20 % or
    45 % fails its own threshold there, and so it does here.  (Its paper writes `<`; its code,
    which made its numbers, `<=`.)
    """
    error = _relative_error(value, _number(target))
    step = (0.95 - 0.5) / 9
    return sum(error <= 1 - (0.5 + k * step) for k in range(10)) / 10


@reward("answer")
def cosine(value: Value, target: object, *, low: float = 0.05, high: float = 0.2) -> float:
    """Full score within `low`, none from `high` relative error on, a cosine between them.

    With `e = |v - t| / |t|`: 1 for `e <= low`, 0 for `e >= high`, else
    `(1 + cos(pi (e - low) / (high - low))) / 2`.

    In [0, 1]; Reason-RFT's tolerance for geometry.  At t = 0 it is `1[v = 0]` (there, 0 for
    everything).
    """
    error = _relative_error(value, _number(target))
    part = min(max((error - low) / (high - low), 0), 1)
    return (1 + math.cos(math.pi * part)) / 2


@reward("answer")
def linear(value: Value, target: object) -> float:
    """`max(0, 1 - |v - t| / |t|)`, in [0, 1]; `1[v = 0]` at t = 0.

    In place of vsGRPO's printed `|v - t| / min(v, t)`, which grows with the error and has no bound.
    """
    return max(0.0, 1 - _relative_error(value, _number(target)))


def _number(target: object) -> Number:
    """The target as a number; UnusableTarget where it is none."""
    if isinstance(target, str) and "%" in target:
        raise UnusableTarget(f"{target!r} is not a number; write percentages as a number")
    number = _stated(target)
    if number is None:
        raise UnusableTarget(f"{target!r} is not a number; give a finite number as the target")
    return number


def _stated(value: object) -> Number | None:
    """The number that the value is, or states as text; None where it is none."""
    if isinstance(value, str):
        return parse(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return float(value) if isinstance(value, float) and math.isfinite(value) else None


def _relative_error(value: object, target: Number) -> float:
    """`|v - t| / |t|`; at t = 0 it is 0 for v = 0; else, and where v is no number, infinite."""
    number = _stated(value)
    if number is None or target == 0:
        return 0.0 if number == 0 else math.inf
    return abs(number - target) / abs(target)


def _distance(value: object, target: Number) -> Fraction | float:
    """`|v - t|`, exact; infinite where v is no number."""
    number = _stated(value)
    return math.inf if number is None else abs(_fraction(number) - _fraction(target))


def _fraction(number: Number) -> Fraction:
    """The decimal that a float was written as: 0.1 is one tenth."""
    return Fraction(repr(number))


def _bare(text: str, units: Sequence[str]) -> str:
    """Without markup, full stop and unit."""
    text = bare(text)
    for unit in sorted(units, key=len, reverse=True):
        if text.endswith(unit):
            return bare(text.removesuffix(unit))
        if text.startswith(unit):
            return bare(text.removeprefix(unit))
    return text


def _narrow(value: Fraction | int) -> Number | None:
    if abs(value) >= MAX_SIZE:
        return None
    return value.numerator if value.denominator == 1 else float(value)


def _words(text: str) -> int | None:
    if text == "zero":
        return 0
    head, thousand, tail = text.partition(" thousand")
    if not thousand:
        return _below_thousand(text)
    return _sum(_below_thousand(head), 1000, tail, _below_thousand)


def _below_thousand(text: str) -> int | None:
    head, hundred, tail = text.partition(" hundred")
    if not hundred:
        return _BELOW_HUNDRED.get(text)
    return _sum(_BELOW_HUNDRED.get(head), 100, tail, _BELOW_HUNDRED.get)


def _sum(count: int | None, size: int, tail: str, read: Callable[[str], int | None]) -> int | None:
    if count is None or not tail:
        return count and count * size
    tail = tail.removeprefix(" and")
    rest = read(tail[1:]) if tail.startswith(" ") else None
    return rest and count * size + rest
