"""Comparison: which of two, or neither; and yes or no.

The whole answer is one of a few words.  So `notebook` is not no and `eyes` is not yes, as they are
in published rewards that search.
"""

from __future__ import annotations

from vlrl.contracts import UnusableTarget, reward
from vlrl.rewards.markup import plain

MAX_CHARACTERS = 100

_WORDS = {
    **dict.fromkeys(("a", "(a)", "image a", "video a"), "A"),
    **dict.fromkeys(("b", "(b)", "image b", "video b"), "B"),
    "similar": "similar",
    **dict.fromkeys(("yes", "true"), "yes"),
    **dict.fromkeys(("no", "false"), "no"),
}


def parse(text: str) -> str | None:
    """`A`, `B`, `similar`, `yes` or `no`, or None where the whole text is none of them.

    Read: `A`, `(A)`, `Image A`, `Video A` and so for B, `similar`, `yes`, `true`, `no`, `false`, in
    any case and with markup (see `markup.bare`).
    """
    if len(text) > MAX_CHARACTERS:
        return None
    return _WORDS.get(plain(text))


@reward("answer")
def exact(value: str | None, target: object) -> float:
    """`1[v = t]`, in {0, 1}; the target is true, false or a text that `parse` reads.

    Q-Insight's comparison, there with case (`image a` is not `Image A`), and VLM-R1's yes or no,
    there by the first of both found anywhere (`cannot know` is no, and two empty texts are equal).
    """
    return float(_target(target) == value)


def _target(target: object) -> str:
    if isinstance(target, bool):
        return "yes" if target else "no"
    if isinstance(target, str) and (word := parse(target)) is not None:
        return word
    raise UnusableTarget(f"{target!r} is no comparison; give A, B or similar, or yes or no")
