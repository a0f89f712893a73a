"""Repetition: penalties for saying the same again, never a point for not doing so.

The published rewards read the whole text, where a list of coordinates looks like a repetition;
here one looks at the thinking and one at the items of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

from vlrl.contracts import Sample, reward
from vlrl.rewards.literals import parse_literal
from vlrl.rewards.reader import read

MAX_WORDS = 20_000  # of the thinking; what follows is not looked at

_PLAIN = ((),)
_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff"  # kana and CJK ideographs
_WORD = re.compile(rf"[^\W{_UNSPACED}]+|\S")


@reward("completion", low=-1.0, high=0.0)
def ngrams(completion: str, sample: Sample, *, n: int = 6) -> float:
    """`unique / total - 1` over the n-grams of words of the thinking, in [-1, 0].

    A word is a run of letters and digits, or one other character (one CJK character, one sign);
    case does not count.  0 without thinking or with fewer than n words.

    VLM-R1 (n = 6); MMR1 (n = 40, weight 0.5).
    """
    thinking = read(completion, _PLAIN).thinking or ""
    words = _words(thinking)
    found = list(zip(*(words[start:] for start in range(n)), strict=False))
    return len(set(found)) / len(found) - 1 if found else 0.0


@reward("completion", low=-1.0, high=0.0)
def items(completion: str, sample: Sample) -> float:
    """`unique / total - 1` over the items of an answer that is a list, in [-1, 0].

    Items are equal as values, however they are spelled; 0 for an answer that is no list.

    VLM-R1, for lists of boxes with labels.
    """
    found = parse_literal(read(completion, _PLAIN).answer or "")
    if not isinstance(found, list) or not found:
        return 0.0
    return len({_frozen(item) for item in found}) / len(found) - 1


def _words(text: str) -> list[str]:
    words = []
    for match in _WORD.finditer(text):
        words.append(match.group().lower())
        if len(words) == MAX_WORDS:
            break
    return words


def _frozen(value: Any) -> Hashable:
    """The value with tuples for lists and sets for dictionaries."""
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return frozenset((key, _frozen(item)) for key, item in value.items())
    return value
