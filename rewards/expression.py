r"""Mathematical expressions: a strict grammar for answers, and their equality by math-verify.

An answer is an expression when the whole of it is one: LaTeX or plain notation, in `\boxed{}` or
not.  Nothing is searched for in a sentence, and what stands in the thinking does not count (both
paid off in published rewards, which hand the whole completion to math-verify).

`parse` is text work in linear time (`latex.py`).  `equal` builds SymPy expressions, which can take
any amount of time and memory, so it is marked isolated: scoring runs it in processes with limits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from vlrl.contracts import UnparsableAnswer, UnusableTarget, UserError, reward
from vlrl.rewards import latex

SIX_DIGITS = 5e-6  # the largest relative error of a number rounded to six significant digits
_DECIMAL = r"(?:\d+(?:\.\d*)?|\.\d+)"
_POWER = r"10\^(?:\{[+-]?\d+\}|\d)"
_HUNDREDTHS = r"\\times\\frac\{1\}\{100\}"  # how `parse` writes a percent sign
_PLAIN = re.compile(rf"[+-]?{_DECIMAL}", re.ASCII)
_STATED = re.compile(
    rf"[+-]?(?:{_DECIMAL}(?:{_HUNDREDTHS})?|(?:{_DECIMAL}\\(?:times|cdot))?{_POWER})", re.ASCII
)
_ARITHMETIC = re.compile(
    rf"[-+(]*{_DECIMAL}(?:(?:[-+*()]|\\times|\\cdot)+{_DECIMAL})+\)*", re.ASCII
)
_EXACT, _NOTHING = 1e-40, 1e-80  # relative and absolute error where SymPy sees no exact zero


def parse(text: str, units: Sequence[str] = ()) -> str | None:
    r"""The expression that the text states, as LaTeX in one spelling, or None where it states none.

    Read: LaTeX, and plain notation such as `2√3`, `x^2`, `pi/3`, `sqrt(2)`, `1 1/2`, `1e-5`; lists
    (`2, 3`, `2 or 3`), sets, intervals, matrices, equations, inequalities; around it space,
    dollars, `\boxed{}` (nested, or after `x =`), `**bold**`, one full stop.  A degree sign counts
    as nothing, except under a trigonometric function; `50%` is one half.  `units` are taken off
    the end of each element, also inside `\text{}`; none else, so that `2m` is not 2.

    Refused: words, several boxes, two numbers side by side, unknown characters, more than
    MAX_CHARACTERS, MAX_DIGITS or MAX_DEPTH.  Whether LaTeX that looks right has a meaning shows
    only in `equal`.
    """
    return latex.read(text, units)


@reward("answer", isolated=True)
def equal(
    value: str,
    target: object,
    *,
    units: Sequence[str] = (),
    relative: float = SIX_DIGITS,
) -> float:
    r"""`1[v = t]` as mathematics, in {0, 1}; `value` is what `parse` returned.

    Constants: equal exactly, except that a decimal may stand for a number without a finite one:
    `0.333333` is 1/3 and `6.28319` is 2π (`|v - t| <= relative |t|`), `0.33` is neither.  Lists
    and sets: each element once, in any order; tuples and intervals: in order.  `x = 3` equals 3,
    and of an equation with several sides the last counts.  All else as math-verify compares it.
    An integral, sum, product, limit or derivative that is left to do is no answer.  Nor does
    arithmetic that is left to do equal a number: where the target is written as an integer, the
    last side has to be one number too (`17*23=391`, not `17*23`); where it is a decimal, fractions,
    radicals and formulas count, but no sums and products of decimals.

    The reward of R1-V, MM-Eureka, LMM-R1, Ocean-R1 and VLM-R1, of which it keeps math-verify.
    Corrected: only the answer is read, and whole (`3, 4, 5` is not 3); gold comes first; a target
    that does not parse is unusable (in MM-Eureka it pays 1); `9%` is not 9, and `0.0` is not
    1.6e-19 (in math-verify they are equal).  Raises UnparsableAnswer where `value` has no meaning.
    """
    wanted = _target(target, units)
    if value is None:
        if not _compared(wanted, wanted, relative):  # it may take any time too
            raise UnusableTarget(f"{str(target)[:80]!r} cannot be compared, not even with itself")
        return 0.0
    found = _meaning(value)
    same = None if found is None else _compared(found, wanted, relative)
    if same is None:
        raise UnparsableAnswer(f"{value[:80]!r} is not a mathematical expression")
    return float(same and not _is_left_to_do(value, _text(target, units) or ""))


def prove() -> None:
    """Compare two expressions that are equal.  Raises UserError where the parser is broken.

    With a wrong antlr runtime math-verify reads nothing, and every answer silently scores 0.
    """
    cause = "it does not read a fraction"
    try:
        _library()
        if equal(r"\frac{1}{2}", "0.5") == 1:
            return
    except Exception as error:  # antlr raises a bare Exception for tables of another version
        cause = str(error)
    raise UserError(
        f"math-verify does not work here ({cause}); install its grammar: "
        "pip install 'math-verify[antlr4_13_2]'"
    )


def _is_left_to_do(value: str, target: str) -> bool:
    """Whether the last side of the value still has to be computed to state the target."""
    if not _PLAIN.fullmatch(target):
        return False
    side = value.rpartition("=")[2].replace(" ", "")
    if "." in target:
        return _ARITHMETIC.fullmatch(side) is not None
    return _STATED.fullmatch(side.strip("()")) is None


def _text(target: object, units: Sequence[str]) -> str | None:
    return parse(target if isinstance(target, str) else _written(target), units)


def _target(target: object, units: Sequence[str]) -> Any:
    text = _text(target, units)
    meaning = None if text is None else _meaning(text)
    if meaning is None:
        raise UnusableTarget(
            f"{str(target)[:80]!r} is not a mathematical expression; "
            "give LaTeX or a finite number as the target"
        )
    return meaning


def _written(target: object) -> str:
    """A finite number as text; what is none as no text."""
    if isinstance(target, bool) or not isinstance(target, int | float):
        return ""
    return str(target) if math.isfinite(target) else ""


@lru_cache(maxsize=1)
def _library() -> tuple[Any, Any, Any]:
    """SymPy, the LaTeX reader and math-verify's comparison."""
    import logging

    import sympy
    from latex2sympy2_extended.latex2sympy2 import latex2sympy
    from math_verify import verify

    logging.getLogger("math_verify").setLevel(logging.ERROR)  # it warns of having no time limit
    return sympy, latex2sympy, verify


@lru_cache(maxsize=1024)
def _meaning(text: str) -> Any | None:
    """The SymPy object that the LaTeX stands for, or None."""
    from math_verify.grader import should_treat_as_complex

    sympy, latex2sympy, _ = _library()
    try:
        found = latex2sympy(
            text,
            is_real=not should_treat_as_complex(text),
            convert_degrees=r"^{\circ}" in text,
            normalization_config=None,
        )
    except Exception:  # the reader raises a bare Exception for what it cannot read
        return None
    undone = (sympy.Integral, sympy.Sum, sympy.Product, sympy.Limit, sympy.Derivative)
    if not hasattr(found, "has") or found.has(sympy.nan, sympy.zoo, *undone):
        return None
    return found


def _compared(found: Any, wanted: Any, relative: float) -> bool | None:
    """Are they the same?  None where SymPy cannot tell."""
    try:
        return _same(found, wanted, relative)
    except Exception:  # SymPy raises anything at all for expressions that make no sense
        return None


def _same(found: Any, wanted: Any, relative: float) -> bool:
    sympy, _, verify = _library()
    if isinstance(found, sympy.Eq) and isinstance(wanted, sympy.Eq):
        return _same_equation(found, wanted, relative)
    if isinstance(found, sympy.Eq) or isinstance(wanted, sympy.Eq):
        found, wanted = _right_side(found), _right_side(wanted)
        if isinstance(wanted, sympy.Eq):  # math-verify takes the empty set for `x^2 = -1`
            return False
    if _is_constant(found) and _is_constant(wanted):
        return _close(found, wanted, relative)
    if isinstance(found, sympy.FiniteSet) and isinstance(wanted, sympy.FiniteSet):
        return _same_elements(list(found), list(wanted), relative)
    found, wanted = _exact(found), _exact(wanted)
    if _is_formula(found) and _is_formula(wanted):
        return bool(sympy.simplify(found - wanted).is_zero)  # math-verify drops tiny coefficients
    is_range = isinstance(wanted, sympy.Interval | sympy.Union)
    return verify(wanted, found, timeout_seconds=None, allow_set_relation_comp=is_range)


def _right_side(side: Any) -> Any:
    """What an equation for a symbol or a function says that it is."""
    sympy, _, _ = _library()
    if isinstance(side, sympy.Eq) and not _is_constant(side.lhs) and len(side.lhs.args) < 2:
        return side.rhs
    return side


def _same_equation(found: Any, wanted: Any, relative: float) -> bool:
    """Equal right sides of the same left side, or the same equation up to a factor.

    In math-verify all equations without a solution are equal, and `1 = 1` is one of them.
    """
    sympy, _, _ = _library()
    if found.lhs == wanted.lhs:
        return _same(found.rhs, wanted.rhs, relative)
    sides = (found.lhs, found.rhs, wanted.lhs, wanted.rhs)
    if not all(isinstance(side, sympy.Expr) for side in sides):
        return False
    ratio = sympy.simplify((found.lhs - found.rhs) / (wanted.lhs - wanted.rhs))
    return _is_constant(ratio) and bool(ratio.is_finite) and not ratio.is_zero


def _same_elements(found: list[Any], wanted: list[Any], relative: float) -> bool:
    """Is each found element one of the wanted, and each wanted one found once?"""
    for each in found:
        match = next((other for other in wanted if _same(each, other, relative)), None)
        if match is None:
            return False
        wanted.remove(match)
    return not wanted


def _is_constant(side: Any) -> bool:
    sympy, _, _ = _library()
    return isinstance(side, sympy.Expr) and bool(side.is_number) and not side.free_symbols


def _is_formula(side: Any) -> bool:
    sympy, _, _ = _library()
    return isinstance(side, sympy.Expr) and not isinstance(side, sympy.Symbol)


def _close(found: Any, wanted: Any, relative: float) -> bool:
    sympy, _, _ = _library()
    rounded = found.has(sympy.Float) or wanted.has(sympy.Float)
    found, wanted = _exact(found), _exact(wanted)
    if _has_a_finite_decimal(found) and _has_a_finite_decimal(wanted):
        return bool(found == wanted)
    size, difference = abs(wanted.evalf(30)), abs((found - wanted).evalf(30))
    if not (size.is_finite and difference.is_finite):
        return found == wanted and found in (sympy.oo, -sympy.oo)
    return bool(difference <= (relative if rounded else _EXACT) * size + _NOTHING)


def _exact(side: Any) -> Any:
    """With every decimal as the fraction that it was written as."""
    sympy, _, _ = _library()
    if not hasattr(side, "atoms") or not hasattr(side, "xreplace"):
        return side
    return side.xreplace({each: sympy.Rational(str(each)) for each in side.atoms(sympy.Float)})


def _has_a_finite_decimal(number: Any) -> bool:
    sympy, _, _ = _library()
    if not isinstance(number, sympy.Rational):
        return False
    rest = int(number.q)
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    return rest == 1
