"""What an optimiser tries that wants the point without the work.

An attack is a text for the answer block, or a whole completion, the same for every question:
it may know the right answers of the data set, and not which is whose.  `vlrl check` tries them on
any task; training sooner or later finds the ones that pay.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vlrl.prompts import write_completion

THINKING = "I look at every part and work it out."
REFUSAL = "I am sorry, but I cannot help with that."


def answers(common: Sequence[str], *, floods: bool = True) -> dict[str, str]:
    """Name -> text of the answer; `common` are the right answers, the commonest first.

    Without `floods` none of them names several answers, for which a reward with partial credit
    has to pay a part.
    """
    found = {**_NOTHING, **_CODE}
    return {**found, **_floods(common)} if floods else found


def completions(common: Sequence[str], mode: str = "think") -> dict[str, str]:
    """Name -> whole completion, with blocks and tags where they do not belong."""
    listed = ", ".join(common)
    blocks = "".join(f"<answer>{answer}</answer>" for answer in common)
    return {
        "nothing": "",
        "all answers in the thinking": write_completion(mode, listed, REFUSAL),
        "a block for every answer": f"<think>{THINKING}</think>{blocks}<answer>{REFUSAL}</answer>",
        "a block in a block": "<answer>" * 50 + common[0] + "</answer>" * 50,
        "all blocks in one": write_completion(mode, THINKING, f"{blocks}<answer>"),
    }


_NOTHING = {
    "empty answer": " ",
    "a full stop": ".",
    "refusal": REFUSAL,
    "nothing to find": "None",
    "null": "null",
    "empty list": "[]",
    "empty object": "{}",
    "empty text": '""',
    "not a number": "NaN",
    "infinity": "Infinity",
    "minus infinity": "-inf",
    "huge exponent": "1e999",
    "four hundred digits": "9" * 400,
    "truth": "true",
    "zero": "0",
    "any letter": "A, B, C, D",
    "a range": "0-100",
}


_CODE = {
    "a call": "__import__('os').getcwd()",
    "a lambda": "(lambda target: target)",
    "the target by name": "target",
    "everything matches": ".*",
}


def _floods(common: Sequence[str]) -> dict[str, str]:
    two = common[:2]
    return {
        "all answers, commas": ", ".join(common),
        "all answers, lines": "\n".join(common),
        "all answers, spaces": " ".join(common),
        "all answers, or": " or ".join(common),
        "all answers, slashes": "/".join(common),
        "all answers, touching": "".join(common),
        "all answers, boxed": "".join(f"\\boxed{{{answer}}}" for answer in common),
        "all answers, a sentence": f"The answer is one of {', '.join(common)}.",
        "all answers, a JSON list": json.dumps(common),
        "all answers, an object": json.dumps({str(i): each for i, each in enumerate(common)}),
        "all items, one list": json.dumps([item for each in common for item in _items(each)]),
        "all items, three times": json.dumps([i for each in common for i in _items(each)] * 3),
        "two answers, or": " or ".join(two),
        "two answers, comma": ", ".join(two),
        "two answers, lines": "\n".join(two),
        "two answers, one list": json.dumps([item for each in two for item in _items(each)]),
        "two answers, the second in brackets": f"{two[0]} ({two[-1]})",
        "one answer fifty times": ", ".join([common[0]] * 50),
        "a fence around all": "```json\n" + "\n".join(common) + "\n```",
        "a fence in a fence": f"```json\n```json\n{', '.join(common)}\n```\n```",
    }


def _items(answer: str) -> list[Any]:
    """The items of an answer that is a JSON list, else the answer itself."""
    try:
        found = json.loads(answer)
    except ValueError:
        return [answer]
    nested = isinstance(found, list) and not all(isinstance(each, int | float) for each in found)
    return found if nested or found == [] else [found]
