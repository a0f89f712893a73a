"""Steps of a worked solution: are the key steps there, are the sections in order?

R1-VL's two process rewards, which need no reward model.  Its solutions are written in sections:
`### Image Description:`, `### Rationales:`, `### Let's think step by step.`, `### Step 1:` to
`### Step n:` and `### The final answer is:`; an `<answer>` block is a final answer too.  A heading
starts a line, or follows a tag (`<think>### Image Description:`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, zip_longest
from typing import NamedTuple

from vlrl.contracts import Sample, UnusableTarget, reward

MAX_HEADINGS = 100
MAX_TOKENS_PER_KEY_STEP = 20  # listing everything does not pay: what comes later is not read

_HEADING = re.compile(
    r"^\#\#\# [ ]* (?: (?P<description>Image\ Description) | (?P<rationales>Rationales)"
    r" | (?P<preamble>Let's\ think\ step\ by\ step) | Step[ ](?P<step>[0-9]{1,4})"
    r" | (?P<answer>The\ final\ answer\ is) ) [:.]? | (?P<block><answer>)",
    re.MULTILINE | re.VERBOSE,
)
_TAG = re.compile(r"</?(?:think|answer|observe|reason)>[ ]*")
_TOKEN = re.compile(r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?|[^\W\d_]+|[^\w\s$*`#]|_")  # no markup


class _Section(NamedTuple):
    kind: str  # a name of a group of _HEADING; a block is an answer
    number: int | None  # of a step
    text: str


@reward("completion")
def coverage(completion: str, sample: Sample) -> float:
    """`matched key steps / key steps`, in [0, 1]; 0 without a final answer.

    `sample.meta["key_steps"]` is a list (or R1-VL's `{"Steps": list}`) whose items are a text or a
    list of alternative texts; those that the question or its options state do not count.  One is
    matched where the tokens of an alternative stand side by side in a `### Step` section before the
    final answer, whatever the case, spacing and markup.  Of all these sections only the first
    MAX_TOKENS_PER_KEY_STEP tokens for each key step are read.

    R1-VL's StepRAR, which adds it with weight 0.1; one section may match several key steps, as
    there.  Corrected: whole tokens (there, `3` is found in `13`), nothing without an answer, as its
    paper says, no pay for an echo of the question or a list of all numbers.
    """
    key_steps = _key_steps(sample)
    unstated = _unstated(key_steps, sample)
    sections = _sections(completion)
    answers = [place for place, each in enumerate(sections) if each.kind == "answer" and each.text]
    if not answers:
        return 0.0
    steps = [each.text for each in sections[: answers[0]] if each.kind == "step"]
    written = _lines(steps, MAX_TOKENS_PER_KEY_STEP * len(key_steps))
    return sum(_is_in(written, alternatives) for alternatives in unstated) / len(unstated)


@reward("completion")
def order(completion: str, sample: Sample) -> float:
    """`1[description, rationales, steps 1 to n without a gap, final answer]`, in {0, 1}.

    In that order, each once and none empty; `### Let's think step by step.` may stand before the
    steps, the final answer may be an `<answer>` block or stand in one.

    R1-VL's StepRVR.  Corrected: there, a description after the steps, empty sections and repeated
    ones score 1.
    """
    sections = _sections(completion)
    if any(not each.text for each in sections if each.kind != "preamble"):
        return 0.0
    numbers = [each.number for each in sections if each.kind == "step"]
    if numbers != list(range(1, len(numbers) + 1)):
        return 0.0
    kinds = [each.kind for each in sections]
    if kinds[2:3] == ["preamble"]:
        del kinds[2]
    steps = ["step"] * max(1, len(numbers))
    return float(kinds == ["description", "rationales", *steps, "answer"])


def _sections(completion: str) -> list[_Section]:
    """The sections in the order of their headings, without tags; none of too many."""
    completion = _TAG.sub(r"\n\g<0>\n", completion)  # so that what follows a tag starts a line
    headings = list(islice(_HEADING.finditer(completion), MAX_HEADINGS + 1))
    if len(headings) > MAX_HEADINGS:
        return []
    found = []
    for heading, after in zip_longest(headings, headings[1:]):
        kind = str(heading.lastgroup)
        text = _TAG.sub("", completion[heading.end() : after and after.start()]).strip()
        if kind == "block":
            if not text and after and after["answer"]:
                continue  # it only surrounds that section
            kind = "answer"
        number = int(heading["step"]) if heading["step"] else None
        found.append(_Section(kind, number, text))
    return found


def _key_steps(sample: Sample) -> list[list[str]]:
    """The alternatives of every key step."""
    given = sample.meta.get("key_steps")
    steps = given.get("Steps") if isinstance(given, Mapping) else given
    key_steps = list(map(_alternatives, steps)) if isinstance(steps, list | tuple) else []
    if not key_steps or not all(key_steps):
        raise UnusableTarget(
            f"sample {sample.id} has no key steps; "
            "give meta.key_steps as a list of texts or of lists of alternative texts"
        )
    return key_steps


def _unstated(key_steps: list[list[str]], sample: Sample) -> list[list[str]]:
    """Those key steps that neither the question nor its options state."""
    stated = [_line(_tokens(text)) for text in (sample.question, *(sample.options or ()))]
    found = [alternatives for alternatives in key_steps if not _is_in(stated, alternatives)]
    if not found:
        raise UnusableTarget(
            f"sample {sample.id}: the question states all key steps; give meta.key_steps others"
        )
    return found


def _alternatives(key_step: object) -> list[str]:
    """The texts of a key step as lines of tokens; none where one of them is no text or empty."""
    texts = [key_step] if isinstance(key_step, str) else key_step
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        return []
    lines = [_line(_tokens(text)) for text in texts]
    return [] if _line(()) in lines else lines


def _lines(texts: Iterable[str], max_tokens: int) -> list[str]:
    """Each text as a line of tokens, `max_tokens` in all."""
    lines = []
    for text in texts:
        tokens = list(islice(_tokens(text), max_tokens))
        max_tokens -= len(tokens)
        lines.append(_line(tokens))
    return lines


def _is_in(lines: Iterable[str], alternatives: Iterable[str]) -> bool:
    return any(alternative in line for alternative in alternatives for line in lines)


def _tokens(text: str) -> Iterator[str]:
    """Words, numbers and signs, in lower case; without commas, so that one alone is empty."""
    return (match[0].lower().replace(",", "") for match in _TOKEN.finditer(text))


def _line(tokens: Iterable[str]) -> str:
    """The tokens with a mark around each, so that a part of a line is a run of whole tokens."""
    return "\n" + "".join(f"{token}\n" for token in tokens)
