"""Finds the thinking and the answer in a completion.

The one reader for training and evaluation, for all modes.  It scans the tags once, from left to
right:

* a block runs from an opening tag to the closing tag that balances it; what is inside it is its
  text and nothing else, so an answer written inside the thinking is not an answer;
* the answer is the text of the last complete answer block; a block left open at the end means
  there is none;
* well formed is a completion that consists of the blocks of one legal shape, each once, none
  empty, nothing around them;
* space and end-of-turn tokens around the text do not count.  Tags are lower-case, exactly as asked
  for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from vlrl.contracts import Reading

ANSWER_TAG = "answer"
THINKING_TAGS = ("think", "observe", "reason")
_TAG = re.compile(rf"<(/?)({'|'.join((ANSWER_TAG, *THINKING_TAGS))})>")
_END_OF_TURN = re.compile(
    r"(?:<\|im_end\|>|<\|endoftext\|>|</s>)(?:\s|<\|im_end\|>|<\|endoftext\|>|</s>)*"
)


def read(completion: str, shape: tuple[tuple[str, ...], ...]) -> Reading:
    """Read a completion in time linear in its length.

    `shape` holds the legal alternatives, each the names of the tags in order; the alternative `()`
    stands for text without tags, which is then all answer.
    """
    text = _trim(completion)
    blocks = _scan(text)
    if () in shape and not blocks.any_tag:
        return Reading(thinking=None, answer=text or None, well_formed=bool(text))
    answers = blocks.texts((ANSWER_TAG,))
    thoughts = blocks.texts(THINKING_TAGS)
    complete = blocks.unclosed is None
    return Reading(
        thinking="\n".join(thoughts) if thoughts else None,
        answer=answers[-1] if answers and complete else None,
        well_formed=complete and blocks.clean and blocks.names() in shape,
    )


@dataclass
class _Blocks:
    found: list[tuple[str, str]] = field(
        default_factory=list
    )  # (tag, text) of the outermost blocks
    unclosed: str | None = None  # the tag that is open at the end
    clean: bool = True  # no stray or nested tag, no empty block, no text around the blocks
    any_tag: bool = False

    def names(self) -> tuple[str, ...]:
        return tuple(tag for tag, _ in self.found)

    def texts(self, tags: tuple[str, ...]) -> list[str]:
        return [text for tag, text in self.found if tag in tags]


def _scan(text: str) -> _Blocks:
    blocks = _Blocks()
    open_tag, depth, start, end = None, 0, 0, 0  # of the open block; end of the last one
    for match in _TAG.finditer(text):
        closing, tag = match.groups()
        blocks.any_tag = True
        if open_tag is None:
            if closing or _filled(text, end, match.start()):
                blocks.clean = False
            if closing:
                end = match.end()
            else:
                open_tag, depth, start = tag, 1, match.end()
            continue
        if tag == open_tag:
            depth += -1 if closing else 1
        if depth:
            blocks.clean = False
            continue
        content = text[start : match.start()].strip()
        blocks.found.append((tag, content))
        blocks.clean = blocks.clean and bool(content)
        open_tag, end = None, match.end()
    if open_tag is not None:
        blocks.unclosed = open_tag
        blocks.found.append((open_tag, text[start:].strip()))
    elif _filled(text, end, len(text)):
        blocks.clean = False
    return blocks


def _filled(text: str, start: int, end: int) -> bool:
    return end > start and not text[start:end].isspace()


def _trim(text: str) -> str:
    """Without outer space and without the end-of-turn tokens at the end."""
    for run in _END_OF_TURN.finditer(text):
        if run.end() == len(text):
            text = text[: run.start()]
    return text.strip()
