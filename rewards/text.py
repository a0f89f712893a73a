"""Text: what was read or written, compared by edits or by words in common.

Legend: v and t are the answer and the target; `lev` is the Levenshtein distance (insertions,
deletions and substitutions, 1 each).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from vlrl.contracts import UnusableTarget, reward
from vlrl.rewards.markup import plain

MAX_CHARACTERS = 10_000

_ARTICLES = ("a", "an", "the")
_CJK = "\u3040-\u30ff\u3400-\u9fff"  # written without spaces: every character is a word
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+")
_PUNCTUATION = re.compile(r"[^\w\s]|_")


def parse(text: str) -> str | None:
    """The text without outer space; None where it is empty or longer than MAX_CHARACTERS."""
    text = text.strip()
    return text if 0 < len(text) <= MAX_CHARACTERS else None


@reward("answer")
def exact(value: str | None, target: object) -> float:
    """`1[v = t]` but for case, space and markup, in {0, 1}: never a part of the text.

    vsGRPO and VLM-R1 (all_match).  MMR1 takes `incorrect` for `correct` and `minute` for `hour`.
    """
    expected = _plain(target)
    return float(value is not None and plain(value) == expected)


@reward("answer")
def one_minus_wer(
    value: str | None,
    target: object,
    *,
    ignore_case: bool = False,
    ignore_punctuation: bool = False,
) -> float:
    """`max(0, 1 - lev(v, t) / |t|)` over words between spaces, in [0, 1].

    The word error rate, Video-R1's reward for reading text.
    """
    return _one_minus_error_rate(
        _written(value, ignore_case, ignore_punctuation).split(),
        _written(_text(target), ignore_case, ignore_punctuation).split(),
        target,
    )


@reward("answer")
def one_minus_cer(
    value: str | None,
    target: object,
    *,
    ignore_case: bool = False,
    ignore_punctuation: bool = False,
) -> float:
    """`max(0, 1 - lev(v, t) / |t|)` over characters, runs of space as one, in [0, 1].

    The character error rate, for words that are nearly right and for texts without spaces.
    """
    return _one_minus_error_rate(
        " ".join(_written(value, ignore_case, ignore_punctuation).split()),
        " ".join(_written(_text(target), ignore_case, ignore_punctuation).split()),
        target,
    )


@reward("answer")
def similarity(value: str | None, target: object, *, threshold: float = 0.5) -> float:
    """`s = 1 - lev(v, t) / max(|v|, |t|)` over characters where `s > threshold`, else 0.

    In [0, 1], without regard to case and space; DocVQA's ANLS.  R1-Onevision pays every `s`, so
    that `dark red` earns 0.55 for `red` or for anything else a little like it.
    """
    expected = _plain(target)
    if value is None:
        return 0.0
    given = plain(value)
    longest = max(len(given), len(expected), 1)
    if abs(len(given) - len(expected)) / longest >= 1 - threshold:
        return 0.0
    difference = _distance(given, expected) / longest
    return 1 - difference if difference < 1 - threshold else 0.0


@reward("answer")
def rouge(value: str | None, target: object) -> float:
    """The mean of the F-measures of ROUGE-1, ROUGE-2 and ROUGE-L, in [0, 1].

    `F = 2 m / (n_v + n_t)` with m common words, common pairs of neighbours, and the length of the
    longest common subsequence.  ROUGE-2 is left out where the target is one word: Video-R1, whose
    reward for free-form answers this is, pays a perfect word 2/3.  No stemming.  As with every
    F-measure a list of guesses earns more than one guess; `similarity` pays no list.
    """
    expected = _words(target)
    given = _tokens(value or "")
    overlaps = [
        _f_measure(_num_common(given, expected), given, expected),
        _f_measure(_longest_common_subsequence(given, expected), given, expected),
    ]
    if len(expected) > 1:
        pairs, expected_pairs = _neighbours(given), _neighbours(expected)
        overlaps.append(_f_measure(_num_common(pairs, expected_pairs), pairs, expected_pairs))
    return sum(overlaps) / len(overlaps)


@reward("answer")
def token_f1(value: str | None, target: object) -> float:
    """`2 m / (n_v + n_t)`, m the number of common words, in [0, 1]; articles do not count.

    SQuAD's F1, over multisets; Visual-ARFT divides the common *set* by the lengths of the lists.
    As with every F-measure a list of guesses earns more than one guess; `similarity` pays no list.
    """
    expected = _without_articles(_words(target))
    given = _without_articles(_tokens(value or ""))
    return _f_measure(_num_common(given, expected), given, expected)


def _text(target: object) -> str:
    if isinstance(target, str) and target.strip():
        return target
    raise UnusableTarget(f"{target!r} is not a text; give one that is not empty as the target")


def _plain(target: object) -> str:
    expected = plain(_text(target))
    if not expected:
        raise UnusableTarget(f"{target!r} is only markup; give a text with a letter or digit")
    return expected


def _words(target: object) -> list[str]:
    tokens = _tokens(_text(target))
    if not tokens:
        raise UnusableTarget(f"{target!r} has no word; give a text with one, or use text.exact")
    return tokens


def _tokens(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _without_articles(tokens: list[str]) -> list[str]:
    return [token for token in tokens if token not in _ARTICLES] or tokens


def _written(text: str | None, ignore_case: bool, ignore_punctuation: bool) -> str:
    text = text or ""
    text = text.lower() if ignore_case else text
    return _PUNCTUATION.sub(" ", text) if ignore_punctuation else text


def _one_minus_error_rate(given: Sequence[str], expected: Sequence[str], target: object) -> float:
    if not expected:
        raise UnusableTarget(f"{target!r} is only punctuation; do not ignore it")
    if len(given) >= 2 * len(expected):
        return 0.0
    return max(0.0, 1 - _distance(given, expected) / len(expected))


def _f_measure(common: int, given: Sequence, expected: Sequence) -> float:
    return 2 * common / (len(given) + len(expected))


def _num_common(given: Sequence, expected: Sequence) -> int:
    return (Counter(given) & Counter(expected)).total()


def _neighbours(tokens: Sequence[str]) -> list[tuple[str, str]]:
    return list(pairwise(tokens))


def _distance(given: Sequence[str], expected: Sequence[str]) -> int:
    """Levenshtein distance: one row of the table at a time, insertions by a running minimum."""
    codes, other = _codes(given, expected)
    places = np.arange(len(other) + 1)
    row = places
    for i, code in enumerate(codes, start=1):
        best = np.minimum(row[1:] + 1, row[:-1] + (other != code))
        row = np.minimum.accumulate(np.concatenate(([i], best)) - places) + places
    return int(row[-1])


def _longest_common_subsequence(given: Sequence[str], expected: Sequence[str]) -> int:
    codes, other = _codes(given, expected)
    row = np.zeros(len(other) + 1, int)
    for code in codes:
        row[1:] = np.maximum.accumulate(np.maximum(row[1:], row[:-1] + (other == code)))
    return int(row[-1])


def _codes(given: Sequence[str], expected: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Both as numbers, equal where the items are."""
    codes: dict[str, int] = {}
    first, second = (
        np.array([codes.setdefault(item, len(codes)) for item in items], int)
        for items in (given, expected)
    )
    return first, second
