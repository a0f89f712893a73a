r"""LaTeX and plain mathematics in one spelling: text in, LaTeX out, in linear time.

`read` cuts the text into tokens, gives each its one spelling (`\dfrac`, `√`, `≤`, `**`) and writes
them with every argument in braces (`\frac12`, `√2`, `x^10`).  Text that is not made of such tokens
from end to end is refused; nothing is searched for in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MAX_CHARACTERS = 400
MAX_DIGITS = 30  # of one number
MAX_DEPTH = 20  # of nested brackets
MAX_LETTERS = 3  # a longer run of letters is a word, and an expression has none

_FUNCTIONS = {
    *("sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh"),
    *("tanh", "log", "ln", "lg", "exp", "min", "max", "gcd", "lcm", "pi", "alpha", "beta", "theta"),
}
_TRIGONOMETRIC = re.compile(r"sin|cos|tan|cot|sec|csc")
_SPELLINGS = {
    **dict.fromkeys((r"\dfrac", r"\tfrac", r"\cfrac"), r"\frac"),
    **dict.fromkeys(("inf", "infinity", "oo", "∞"), r"\infty"),
    **dict.fromkeys((r"\ne", "≠", "!="), r"\neq"),
    **dict.fromkeys((r"\geqslant", "≥", ">="), r"\geq"),
    **dict.fromkeys((r"\leqslant", "≤", "<="), r"\leq"),
    **dict.fromkeys(("*", "×", "·", "⋅", "∗"), r"\times"),
    **dict.fromkeys((r"\varnothing", "∅", "Ø"), r"\emptyset"),
    **dict.fromkeys(("−", "–"), "-"),
    **dict.fromkeys(("and", "or", ",", "，", "、"), ", "),
    **{"√": r"\sqrt", "sqrt": r"\sqrt", "**": "^", "²": "^{2}", "³": "^{3}", "π": r"\pi"},
    **{"÷": "/", "±": r"\pm", "∪": r"\cup", "∩": r"\cap", "∈": r"\in", "≈": r"\approx"},
    **{r"\lt": "<", r"\gt": ">", "（": "(", "）": ")", "；": ";", "：": ":", "％": "%"},
    **{r"\lbrace": r"\{", r"\rbrace": r"\}"},
}
_NAMES = _FUNCTIONS | {"and", "or", "sqrt", "inf", "infinity", "oo"}
_SILENT = frozenset(("$", r"\(", r"\)", r"\[", r"\]", "~", r"\,", r"\;", r"\:", r"\!", "\\ ")) | {
    *(r"\left", r"\right", r"\big", r"\Big", r"\bigl", r"\bigr"),
    *(r"\displaystyle", r"\quad", r"\qquad"),
}
_PAIRS = {"(": ")", "[": "]", "{": "}", r"\{": r"\}"}
_CLOSING = frozenset(_PAIRS.values())
_NUM_ARGUMENTS = {r"\frac": 2, r"\binom": 2, r"\sqrt": 1, "^": 1, "_": 1}

_THOUSANDS = re.compile(r"(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d,])", re.ASCII)
_MIXED = re.compile(r"(-?\d+)\s+(\d+)\s*/\s*(\d+)", re.ASCII)
_WRAPPERS = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("**", "**"))
_TOKEN = re.compile(
    r"""
    (?P<space>   \s+ )
  | (?P<number>  (?: [0-9]+ (?:\.[0-9]+)? | \.[0-9]+ ) (?: [eE][+-]?[0-9]{1,3} (?![0-9]) )? )
  | (?P<degree>  \^ \s* (?: \\circ | \{\s*\\circ\s*\} | [°∘º] ) | [°º˚] | \\degree )
  | (?P<power>   \^ \s* [-−] \s* [0-9]+ )
  | (?P<words>   \\ (?: text(?:rm|bf|it|normal)? | math(?:rm|bf|it) | mbox ) \s* \{ [^{}\\]* \} )
  | (?P<matrix>  \\ (?: begin | end ) \{ [a-zA-Z]?matrix \} | \\\\ | & )
  | (?P<command> \\ (?: [A-Za-z]+ | . ) | √ )
  | (?P<letters> [A-Za-z]+ )
  | (?P<sign>    \*\* | <= | >= | != | [-+*/^_=<>!|()\[\]{},;:%~$]
                 | [−–×·⋅∗÷±∪∩∈≈≤≥≠∞∅Ø²³，、（）；：％α-ωΑ-Ω] )
    """,
    re.VERBOSE | re.DOTALL,
)


def read(text: str, units: Sequence[str] = ()) -> str | None:
    """The text as LaTeX in one spelling, or None; see `vlrl.rewards.expression.parse`."""
    text = text.strip()
    if len(text) > MAX_CHARACTERS:
        return None
    bare = _unboxed(_unwrapped(text))
    if bare is None:
        return None
    text = _without_units(bare, units)
    text = _MIXED.sub(r"\1\\frac{\2}{\3}", text) if _MIXED.fullmatch(text) else _joined(text)
    tokens = list(_tokens(text, "%" in units))
    if None in tokens or tokens.count(":") > 1:  # of a ratio of three nothing could be computed
        return None
    return _Writer(tokens).write()


def _unwrapped(text: str) -> str:
    """Without the pairs of marks around the whole text, and the full stop."""
    while True:
        inner = text if text.endswith("..") else text.removesuffix(".").rstrip()
        for opening, closing in _WRAPPERS:
            if len(inner) > len(opening) and inner.startswith(opening) and inner.endswith(closing):
                inner = inner[len(opening) : -len(closing)].strip()
        if inner == text:
            return text
        text = inner


def _unboxed(text: str) -> str | None:
    r"""Without the `\boxed{}` around the text or around the last side of an equation."""
    while match := re.search(r"\\f?box(?:ed)?\s*\{", text):
        before, inside = text[: match.start()].rstrip(), text[match.end() : -1]
        alone = text.endswith("}") and _closes_at_the_end(inside)
        if not alone or (before and not before.endswith("=")):
            return None
        text = before + _unwrapped(inside.strip())
    return text


def _closes_at_the_end(inside: str) -> bool:
    depth = 0
    for character in inside:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0


def _without_units(text: str, units: Sequence[str]) -> str:
    if not units:
        return text
    names = "|".join(re.escape(unit) for unit in sorted(units, key=len, reverse=True))
    unit = rf"(?:\\(?:text|mathrm|mbox)\s*\{{\s*(?:{names})\s*\}}|(?:{names}))"
    after = r"(?=\s*(?:$|[,;)\]，、]|\\text|or\b|and\b))"
    return re.sub(rf"(?<![A-Za-z\\=^_(\s])\s*(?<![A-Za-z\\]){unit}{after}", "", text)


def _joined(text: str) -> str:
    """With `1,234` as 1234, unless commas could separate elements."""
    text = text.replace("{,}", ",")
    joined = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
    return text if any(mark in joined for mark in ("(", "[", r"\{", ",", ";")) else joined


def _tokens(text: str, percent_is_unit: bool) -> Iterator[str | None]:
    """The tokens of the text in one spelling; None for what does not belong to an expression."""
    degrees = bool(_TRIGONOMETRIC.search(text))
    end, before, num_letters = 0, "", 0  # the letters before, and how many stand in a row
    for match in _TOKEN.finditer(text):
        if match.start() != end:
            yield None
        end = match.end()
        kind, token = match.lastgroup, match[0]
        if kind == "space" or token in _SILENT:
            continue
        if kind == "letters" and before and len(before + token) > 2:
            yield None  # two words
        before = token if kind == "letters" and token not in _NAMES else ""
        num_letters = num_letters + len(before) if before else 0
        if num_letters > MAX_LETTERS:
            yield None
        if kind == "number":
            yield from _number(token)
        elif kind == "degree":
            yield from [r"^{\circ}"] if degrees else []
        elif kind == "power":
            yield f"^{{-{token.strip('^-− ')}}}"
        elif kind == "words":
            yield _words(token)
        elif kind == "letters":
            yield _letters(token)
        elif token in ("%", r"\%", "％"):
            yield from [] if percent_is_unit else [r"\times\frac{1}{100}"]
        else:
            yield _SPELLINGS.get(token, token)
    if end != len(text):
        yield None


def _number(token: str) -> Iterator[str | None]:
    mantissa, _, exponent = token.lower().partition("e")
    too_long = sum(character.isdigit() for character in mantissa) > MAX_DIGITS
    if too_long:
        yield None
        return
    mantissa = f"0{mantissa}" if mantissa.startswith(".") else mantissa
    if exponent:
        yield from ("(", mantissa, rf"\times 10^{{{int(exponent)}}}", ")")
    else:
        yield mantissa


def _words(token: str) -> str | None:
    inside = token[token.index("{") + 1 : -1].strip()
    if inside in ("", ",", "and", "or"):
        return ", " if inside else ""
    return rf"\text{{{inside}}}" if re.fullmatch(r"[A-Za-z][A-Za-z0-9 ]*", inside) else None


def _letters(token: str) -> str | None:
    if token in _SPELLINGS:
        return _SPELLINGS[token]
    if token in _FUNCTIONS:
        return f"\\{token}"
    return token if len(token) <= MAX_LETTERS else None


class _Frame(NamedTuple):
    """An open bracket, and what awaits arguments once it is closed."""

    closing: str
    written: str
    command: str
    awaited: int


class _Writer:
    """Writes tokens as LaTeX, with the argument of every command in braces."""

    def __init__(self, tokens: Sequence[str | None]) -> None:
        self.todo = [token for token in reversed(tokens) if token]
        self.parts: list[str] = []
        self.frames: list[_Frame] = []
        self.command, self.awaited = "", 0  # the last command, and the arguments it still needs
        self.last = ""

    def write(self) -> str | None:
        """None for unbalanced or too deep brackets, and for two numbers side by side."""
        while self.todo:
            token = self.todo.pop()
            if not self._write(token):
                return None
            self.last = token
        return None if self.frames or self.awaited else "".join(self.parts).strip() or None

    def _write(self, token: str) -> bool:
        if token in _PAIRS:
            return self._open(token)
        if token in _CLOSING:
            return self._close(token)
        if self.awaited:
            return self._bare_argument(token)
        if token[0].isdigit() and self.last[:1].isdigit() and self.command != "_":
            return False
        self.command, self.awaited = token, _NUM_ARGUMENTS.get(token, 0)
        self._add(token)
        return True

    def _open(self, token: str) -> bool:
        opening, closing, after = token, _PAIRS[token], 0
        if token == "[" and self.awaited and self.command == r"\sqrt":
            after = self.awaited  # the degree of the root; its argument comes next
        elif self.awaited:
            if token != "{" and (token != "(" or self.command not in (r"\sqrt", "^")):
                return False
            opening, after = "{", self.awaited - 1
        elif token == "{" and self.last[:1] != "\\":
            opening = r"\{"  # a set, as models write it
        self.frames.append(_Frame(closing, _PAIRS[opening], self.command, after))
        self.awaited = 0
        self._add(opening)
        return len(self.frames) <= MAX_DEPTH

    def _close(self, token: str) -> bool:
        if not self.frames or self.awaited:
            return False
        frame = self.frames.pop()
        half_open = {frame.closing, token} == {")", "]"} and frame.written == frame.closing
        if token != frame.closing and not half_open:
            return False
        self.command, self.awaited = frame.command, frame.awaited
        self._add(token if half_open else frame.written)
        return True

    def _bare_argument(self, token: str) -> bool:
        r"""`\frac12` takes one digit, `√12` and `x^12` the whole number, all of them one letter."""
        size = 1
        whole_number = token[0].isdigit() and self.command != r"\frac"
        if whole_number or (token[0] == "\\" and token not in _NUM_ARGUMENTS):
            size = len(token)
        elif not token[0].isalnum():
            return False
        self.awaited -= 1
        self._add(f"{{{token[:size]}}}")
        if token[size:]:
            self.todo.append(token[size:])
        return True

    def _add(self, token: str) -> None:
        glued = self.parts and self.parts[-1][0] == "\\" and self.parts[-1][-1].isalpha()
        self.parts.append(f" {token}" if glued and token[0].isalnum() else token)
