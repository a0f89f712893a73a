"""Rows with options: their texts, and the letter of the right one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

from vlrl.data.formats.rows import Fields
from vlrl.rewards import choice

_MARK = re.compile(r"\A\(?([A-Z])[.):]\s*")


def texts(options: Sequence[str]) -> list[str]:
    """The options without their letters, where each begins with its own."""
    marks = [_MARK.match(option) for option in options]
    letters = "".join(mark[1] for mark in marks if mark)
    if letters != ascii_uppercase[: len(options)]:
        return list(options)
    return [option[mark.end() :] for option, mark in zip(options, marks, strict=True) if mark]


def by_letter(gold: object, options: Sequence[str]) -> Fields:
    """Of a gold that is a letter, `A`, `(A)` or `A. text`; ValueError where no option has it."""
    return _fields(choice.parse(str(gold), options), gold, options)


def by_text(gold: object, options: Sequence[str]) -> Fields:
    """Of a gold that is the text of one option; ValueError where it is not."""
    return _fields(choice.letter_of(str(gold), options), gold, options)


def _fields(letter: str | None, gold: object, options: Sequence[str]) -> Fields:
    if letter is None:
        raise ValueError(f"the answer {gold!r} is none of {list(options)}")
    return {"target": letter, "kind": "choice", "options": options}
