"""Steps of a worked solution: are the key steps there, are the sections in order?

R1-VL's two process rewards, which need no reward model.  Its solutions are written in sections:
`### Image Description:`, `### Rationales:`, `### Let's think step by step.`, `### Step 1:` to
`### Step n:` and `### The final answer is:`; an `<answer>` block is a final answer too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from typing import NamedTuple

import numpy as np

from vlrl.contracts import Sample, UnusableTarget, reward
from vlrl.rewards.detection import best_pairs

MAX_HEADINGS = 100
MAX_TOKENS_PER_KEY_STEP = 20  # listing everything does not pay: what comes later is not read

_HEADING = re.compile(
    r"^\#\#\# [ ]* (?: (Image\ Description) | (Rationales) | (Let's\ think\ step\ by\ step)"
    r" | Step[ ]([0-9]{1,4}) | (The\ final\ answer\ is) ) [:.]? | (<answer>)",
    re.MULTILINE | re.VERBOSE,
)
_TAG = re.compile(r"</?(?:think|answer|observe|reason)>")
_TOKEN = re.compile(r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?|[^\W\d_]+|[^\w\s]|_")
_MARKUP = frozenset("$*`#")

_DESCRIPTION, _RATIONALES, _THINK, _STEP, _ANSWER, _BLOCK = range(1, 7)


class _Section(NamedTuple):
    kind: int
    number: int  # of a step, else 0
    text: str


@reward("completion")
def coverage(completion: str, sample: Sample) -> float:
    """`matched key steps / key steps`, in [0, 1]; 0 without a final answer.

    `sample.meta["key_steps"]` is a list (or R1-VL's `{"Steps": list}`) whose items are a text or a
    list of alternative texts.  One is matched where the tokens of an alternative stand side by
    side in a `### Step` section, whatever the case, spacing and markup.  A section matches one key
    step (the best such matching counts), and of all sections only the first
    MAX_TOKENS_PER_KEY_STEP tokens for each key step are read.

    R1-VL's StepRAR, which adds it with weight 0.1.  Corrected: whole tokens (there, `3` is found
    in `13`), nothing without an answer, as its paper says, and no pay for a list of all numbers.
    """
    key_steps = _key_steps(sample)
    sections = _sections(completion)
    if not any(each.kind in (_ANSWER, _BLOCK) and each.text for each in sections):
        return 0.0
    steps = [each.text for each in sections if each.kind == _STEP]
    lines = _lines(steps, MAX_TOKENS_PER_KEY_STEP * len(key_steps))
    found = np.array([[any(s in line for s in key) for line in lines] for key in key_steps], float)
    return float(found[best_pairs(found)].sum()) / len(key_steps) if lines else 0.0


@reward("completion")
def order(completion: str, sample: Sample) -> float:
    """`1[description, rationales, steps 1 to n without a gap, final answer]`, in {0, 1}.

    In that order, each once and none empty; `### Let's think step by step.` may stand before the
    steps, the final answer may be an `<answer>` block or stand in one.

    R1-VL's StepRVR.  Corrected: there, a description after the steps, empty sections and repeated
    ones score 1.
    """
    sections = _sections(completion)
    if any(not each.text for each in sections if each.kind != _THINK):
        return 0.0
    kinds = [_ANSWER if each.kind == _BLOCK else each.kind for each in sections]
    numbers = [each.number for each in sections if each.kind == _STEP]
    if numbers != list(range(1, len(numbers) + 1)):
        return 0.0
    if _THINK in kinds and kinds.index(_THINK) == 2:
        kinds.remove(_THINK)
    return float(kinds == [_DESCRIPTION, _RATIONALES, *[_STEP] * max(1, len(numbers)), _ANSWER])


def _sections(completion: str) -> list[_Section]:
    """The sections in the order of their headings, without tags; none of too many."""
    headings = list(islice(_HEADING.finditer(completion), MAX_HEADINGS + 1))
    if len(headings) > MAX_HEADINGS:
        return []
    found = []
    for heading, after in zip_longest(headings, headings[1:]):
        end = after.start() if after else len(completion)
        kind = heading.lastindex or 0
        text = _TAG.sub("", completion[heading.end() : end]).strip()
        found.append(_Section(kind, int(heading[_STEP] or 0), text))
    return _without_boxes(found)


def _without_boxes(sections: Sequence[_Section]) -> list[_Section]:
    """Without an `<answer>` that only surrounds a section with the final answer."""
    return [
        each
        for each, after in zip_longest(sections, sections[1:])
        if each.kind != _BLOCK or each.text or after is None or after.kind != _ANSWER
    ]


def _key_steps(sample: Sample) -> list[list[str]]:
    """For each key step its alternatives, as lines of tokens."""
    given = sample.meta.get("key_steps")
    steps = given.get("Steps") if isinstance(given, Mapping) else given
    lines = []
    for step in steps if isinstance(steps, list | tuple) else ():
        alternatives = [step] if isinstance(step, str) else step
        if not isinstance(alternatives, list | tuple):
            alternatives = [""]
        texts = [each if isinstance(each, str) else "" for each in alternatives]
        lines.append([_line(_tokens(text)) for text in texts])
    if not lines or any(not line or _line(()) in line for line in lines):
        raise UnusableTarget(
            f"sample {sample.id} has no key steps; "
            "give meta.key_steps as a list of texts or of lists of alternative texts"
        )
    return lines


def _lines(texts: Sequence[str], max_tokens: int) -> list[str]:
    """Each text as a line of tokens, `max_tokens` in all."""
    lines = []
    for text in texts:
        tokens = list(islice(_tokens(text), max_tokens))
        max_tokens -= len(tokens)
        lines.append(_line(tokens))
    return lines


def _tokens(text: str) -> Iterator[str]:
    tokens = (match[0].lower().replace(",", "") or "," for match in _TOKEN.finditer(text))
    return (token for token in tokens if token not in _MARKUP)


def _line(tokens: Iterable[str]) -> str:
    """The tokens with a mark around each, so that a part of a line is a run of whole tokens."""
    return "\n" + "".join(f"{token}\n" for token in tokens)
