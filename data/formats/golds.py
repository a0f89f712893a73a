r"""What a published gold of visual math states, as the fields of a sample.

| gold | kind | target |
|---|---|---|
| a letter or the text of an option, with options | `choice` | the letter |
| a number or an expression, a unit after it | `math` | LaTeX without the unit, which goes to meta |
| a decimal with a tolerance | `number` | `{"value": number, "within": number}` |
| a few words, where the format allows them | `text` | the words |

Everything else (proofs, several blanks in one line, sentences) states no value that can be compared
by rule: a ValueError with the reason.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Any

from vlrl.rewards import choice, expression, number

MAX_WORDS = 6
_SPELLINGS = {
    "mm": ("mm", "millimeters", "millimetres"),
    "cm": ("cm", "centimeters", "centimetres", "centimeter", "centimetre", "厘米"),
    "m": ("m", "meters", "metres", "meter", "metre", "米"),
    "in": ("inches",),
    "ft": ("feet",),
    "nmi": ("海里",),
    "km": ("km", "kilometers", "kilometres", "kilometer", "kilometre", "千米"),
    "g": ("g", "grams", "gram", "克"),
    "kg": ("kg", "kilograms", "千克"),
    "s": ("s", "seconds", "second", "秒"),
    "min": ("min", "minutes", "minute", "分钟"),
    "h": ("h", "hours", "hour", "小时"),
    "years": ("years", "year"),
    "litres": ("litres", "liters", "Litres"),
    "units": ("units", "unit"),
    "N": ("N",),
    "J": ("J",),
    "V": ("V",),
    "Hz": ("Hz",),
}
_UNITS = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}
_NAMES = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_UNIT = re.compile(
    rf"""(?<![A-Za-z\\])
    (?: \\(?:text|mathrm|mbox|rm) \s* \{{ [\s~]* )?
    (?P<square>square\s|cubic\s|平方|立方)? (?P<name>{_NAMES}) [\s~}}]*
    \$? \s* (?: \^ \s* \{{? \s* (?P<power>[23]) \s* \}}? | (?P<small>[²³]) )? [\s$.]* $""",
    re.VERBOSE,
)
_POWERS = {"²": "2", "³": "3", "square": "2", "cubic": "3", "平方": "2", "立方": "3"}
_LEFT_SIDE = re.compile(r"^[\s$]*(?:[A-Z]?[a-z][A-Za-z. ]{2,}|(?:[A-Za-z]\.){2})\s*[$\s]*=")
_DEGREE = re.compile(r"(?:\$?\{\s*\}\s*)\^\s*\{?\s*\\circ\s*\}?")
_OPTION = re.compile(r"(?:^|\s)\(?([A-H])[):.]\s*")
_TIMES = re.compile(r"\s*\\(?:times|cdot)\s*10\s*\^\s*\{?\s*([-+]?\d+)\s*\}?")


def fields(
    gold: object,
    *,
    options: Sequence[str] | None = None,
    tolerance: float | None = None,
    unit: str = "",
    words: bool = False,
) -> dict[str, Any]:
    """`target`, `kind` and where there are such `options` and `meta`; see the table above.

    `unit`: the one that the question asks for, where the gold comes without it.
    """
    text = str(gold).strip()
    if options:
        letter = choice.parse(text, options)
        if letter is None:
            raise ValueError(f"the answer {text!r} is not one of {reprlib.repr(list(options))}")
        return {"target": letter, "kind": "choice", "options": tuple(options)}
    bare, found = split_unit(tidy(text))
    meta = {"unit": found or unit} if found or unit else {}
    if tolerance is not None and (value := decimal(bare)) is not None:
        target = {"value": value, "within": tolerance}
        return {"target": target, "kind": "number", "meta": meta}
    if words and re.fullmatch(r"[A-Za-z][A-Za-z' -]+\.?", text) and len(text.split()) <= MAX_WORDS:
        return {"target": text, "kind": "text"}
    value = expression.parse(bare)
    if value is None or repeats(value):
        why = "is no number or expression" if value is None else "names one value twice"
        raise ValueError(f"the answer {reprlib.repr(text)} {why}")
    return {"target": value, "kind": "math", "meta": meta}


def lettered(question: str, gold: object) -> tuple[str, ...] | None:
    """The options that the question lists as `(A) ... (B) ...` or `A: ...`, for a lettered gold.

    Where it lists none, the letters themselves; None where the gold is not a letter.
    """
    letter = str(gold).strip().strip("().")
    if len(letter) != 1 or letter not in ascii_uppercase[:8]:
        return None
    marks = list(_OPTION.finditer(question))
    for start in range(len(marks)):
        run = marks[start:]
        if [mark[1] for mark in run] == list(ascii_uppercase[: len(run)]) and len(run) > 1:
            ends = [mark.start() for mark in run[1:]] + [len(question)]
            texts = [
                question[m.end() : end].strip(" \n,;") for m, end in zip(run, ends, strict=True)
            ]
            return tuple(texts) if all(texts) and letter in ascii_uppercase[: len(run)] else None
    return tuple(ascii_uppercase[: max(4, ascii_uppercase.index(letter) + 1)])


def tidy(text: str) -> str:
    """Without what the value is called (`Area =`), and with a plain degree sign."""
    return _DEGREE.sub("°", _LEFT_SIDE.sub("", text.strip()))


def repeats(value: str) -> bool:
    """Whether a plain list names an element twice, which the sets of SymPy forget."""
    items = value.split(", ")
    return len(set(items)) < len(items) and not set("([") & set(value)


def split_unit(text: str) -> tuple[str, str]:
    r"""The text before the unit, and the unit (`cm^2`), "" for none.

    Read: `3 cm`, `3cm²`, `3 \mathrm{~cm}^{2}`, `3 \text{ square meters}`.
    """
    match = _UNIT.search(text)
    before = text[: match.start()].strip() if match else ""
    if match is None or not re.search(r"[\d.})\]π√°iI]\s*[\\~,;$]*\s*$", before):
        return text, ""
    power = match["power"] or _POWERS.get(match["small"] or "", "")
    power = power or _POWERS.get((match["square"] or "").strip(), "")
    return before.rstrip("\\,; "), _UNITS[match["name"]] + (f"^{power}" if power else "")


def decimal(text: str) -> float | int | None:
    r"""The number that a decimal states, also as `1.6 \times 10^{-19}`."""
    return number.parse(_TIMES.sub(r"e\1", text.strip(" $")))
