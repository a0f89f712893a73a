"""Numbers: a strict grammar for answers, and rewards that compare two numbers.

An answer is a number when the whole of it is one number; a number is never searched for in a
sentence.  So `13` is not read as `3`, and a list of guesses is nothing (both paid off in published
rewards).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from fractions import Fraction

from vlrl.contracts import UnusableTarget, reward
from vlrl.rewards.markup import bare

MAX_CHARACTERS = 100
MAX_DIGITS = 30
MAX_EXPONENT = 100

Number = int | float

_UNSIGNED = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+"
_NUMBER = re.compile(rf"([+-]?)\s?({_UNSIGNED})(?:[eE]([+-]?\d{{1,3}}))?", re.ASCII)
_RATIO = re.compile(r"([+-]?\d+)\s?/\s?(\d+)", re.ASCII)

_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_BELOW_HUNDRED = {word: value for value, word in enumerate((*_ONES, *_TEENS), start=1)}
_BELOW_HUNDRED |= {word: value for value, word in zip(range(20, 100, 10), _TENS, strict=True)}
_BELOW_HUNDRED |= {
    f"{ten}{gap}{one}": _BELOW_HUNDRED[ten] + _BELOW_HUNDRED[one]
    for ten in _TENS
    for one in _ONES
    for gap in "- "
}


def parse(text: str, units: Sequence[str] = ()) -> Number | None:
    """The number that the text states, or None: an int where it is whole, else the nearest float.

    Read: signs (also U+2212), thousands separators `1,234`, decimals, `3/4`, `1.5e3`, the words
    `zero` to `nine hundred ninety-nine thousand nine hundred ninety-nine`; around the number
    space, final full stops and markup (bold, code, quotation marks, `$...$`, `\\(...\\)`,
    `\\boxed{}`, `\\text{}`; see `markup.bare`); and one of `units`, before or after.
    `50%` is 0.5, or 50 where `units` contain `%`. Refused: any other text, digits that are not
    ASCII, infinities, more than MAX_CHARACTERS, MAX_DIGITS or an exponent beyond MAX_EXPONENT.
    """
    text = text.strip()
    if len(text) > MAX_CHARACTERS:
        return None
    if text.isdecimal() and text.isascii():
        return int(text) if len(text) <= MAX_DIGITS else None
    text = _bare(text.replace("\N{MINUS SIGN}", "-").replace(r"\%", "%"), units)
    if text.endswith("%"):
        value = _decimal(bare(text[:-1]))
        return None if value is None else _narrow(value / 100)
    value = _decimal(text)
    if value is None:
        value = _ratio(text)
    return _words(text.lower()) if value is None else _narrow(value)


@reward("answer")
def exact(value: Number, target: object) -> float:
    """`1[v = t]`, in {0, 1}.

    3, 3.0 and "3" are equal; in R1-V, which compares strings, they are not.
    """
    return float(_number(target) == value)


@reward("answer")
def tolerance(
    value: Number, target: object, *, absolute: float = 0.0, relative: float = 0.0
) -> float:
    """`1[|v - t| <= max(absolute, relative |t|)]`, in {0, 1}; exact in the decimals as written."""
    number = _number(target)
    bound = max(_fraction(absolute), _fraction(relative) * abs(_fraction(number)))
    return float(_distance(value, number) <= bound)


@reward("answer")
def threshold(value: Number, target: object, *, within: float = 0.35) -> float:
    """`1[|v - t| < within]`, in {0, 1}, exact in the decimals as written.

    Q-Insight's reward for ratings.
    """
    number = _number(target)
    return float(_distance(value, number) < _fraction(within))


@reward("answer")
def mean_relative_accuracy(value: Number, target: object) -> float:
    """`1/10 sum over k = 0..9 of 1[|v - t| / |t| <= 1 - theta_k]` with `theta_k = .5 + .05 k`.

    In [0, 1]; `1[v = 0]` at t = 0.

    VSI-Bench, in the float arithmetic of its published evaluation: an error of exactly 20 % or 45
    % fails its own threshold there, and so it does here.  (Its paper writes `<`; its code, which
    made its numbers, `<=`.)
    """
    number = _number(target)
    if number == 0:
        return float(value == 0)
    error = abs(value - number) / abs(number)
    step = (0.95 - 0.5) / 9
    return sum(error <= 1 - (0.5 + k * step) for k in range(10)) / 10


@reward("answer")
def cosine(value: Number, target: object, *, low: float = 0.05, high: float = 0.2) -> float:
    """Full score within `low`, none from `high` relative error on, a cosine between them.

    With `e = |v - t| / |t|`: 1 for `e <= low`, 0 for `e >= high`, else
    `(1 + cos(pi (e - low) / (high - low))) / 2`.

    In [0, 1]; Reason-RFT's tolerance for geometry.  At t = 0 it is `1[v = 0]` (there, 0 for
    everything).
    """
    number = _number(target)
    error, size = abs(value - number), abs(number)
    if error <= low * size:
        return 1.0
    if error >= high * size:
        return 0.0
    return 0.5 * (1 + math.cos(math.pi * (error - low * size) / ((high - low) * size)))


@reward("answer")
def linear(value: Number, target: object) -> float:
    """`max(0, 1 - |v - t| / |t|)`, in [0, 1]; `1[v = 0]` at t = 0.

    In place of vsGRPO's printed `|v - t| / min(v, t)`, which grows with the error and has no bound.
    """
    number = _number(target)
    if number == 0:
        return float(value == 0)
    return max(0.0, 1 - abs(value - number) / abs(number))


def _number(target: object) -> Number:
    """The target as a number; UnusableTarget where it is none."""
    if isinstance(target, int) and not isinstance(target, bool):
        return target
    if isinstance(target, float) and math.isfinite(target):
        return float(target)
    if isinstance(target, str) and "%" in target:
        raise UnusableTarget(f"{target!r} is not a number; write percentages as a number")
    if isinstance(target, str) and (value := parse(target)) is not None:
        return value
    raise UnusableTarget(f"{target!r} is not a number; give a finite number as the target")


def _fraction(number: Number) -> Fraction:
    """The decimal that a float was written as: 0.1 is one tenth."""
    return Fraction(repr(number))


def _distance(value: Number, target: Number) -> Fraction:
    return abs(_fraction(value) - _fraction(target))


def _bare(text: str, units: Sequence[str]) -> str:
    """Without markup, full stop and unit."""
    text = bare(text)
    for unit in sorted(units, key=len, reverse=True):
        if unit and text.endswith(unit):
            return bare(text.removesuffix(unit))
        if unit and text.startswith(unit):
            return bare(text.removeprefix(unit))
    return text


def _decimal(text: str) -> Fraction | None:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    sign, digits, exponent = match.groups()
    digits = digits.replace(",", "")
    if len(digits) > MAX_DIGITS or abs(int(exponent or 0)) > MAX_EXPONENT:
        return None
    return Fraction(f"{sign}{digits}e{exponent or 0}")


def _ratio(text: str) -> Fraction | None:
    match = _RATIO.fullmatch(text)
    if match is None or max(map(len, match.groups())) > MAX_DIGITS or int(match[2]) == 0:
        return None
    return Fraction(int(match[1]), int(match[2]))


def _narrow(value: Fraction) -> Number:
    """An int where it is whole and short enough to be read again, else the nearest float."""
    whole = value.denominator == 1 and abs(value.numerator) < 10**MAX_DIGITS
    return value.numerator if whole else float(value)


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
    rest = read(tail.removeprefix(" and").removeprefix(" ")) if tail.startswith(" ") else None
    return rest and count * size + rest
