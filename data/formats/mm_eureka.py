r"""MM-Eureka's K12 problems and its training rows.

| format | columns |
|---|---|
| `mm_eureka` | `id, message, answer`: a chat list as text, its images as `file:///path` |
| `k12` | `id, question, answer, image_path` (eval/k12/k12.json, 500 rows) |
| `mmk12` | `id, question, answer, subject, image` (FanqingM/MMK12 on the hub) |

Golds are LaTeX between `$` or `$$`, letters, prose, or several blanks in one line.  Blanks and
prose are bad rows: MM-Eureka pays 1 for any answer to them.  Of the 500 golds of k12.json 71 are
bad rows and 17 are unusable targets; the other 412 can be scored.

Read in MM-Eureka (github.com/ModalMinds/MM-EUREKA, commit bccddd7): README.md,
examples/scripts/reward_func_qwen_instruct.py, eval/k12/evaluate_k12.py.  The columns of the hub
are known by description.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vlrl.data.formats import golds
from vlrl.data.formats.rows import Fields, Format, Row


def _read_message(row: Row) -> Fields:
    turns = json.loads(row["message"]) if isinstance(row["message"], str) else row["message"]
    asked = [turn for turn in turns if turn["role"] == "user"]
    if not asked:
        raise ValueError("nobody asks in the message")
    content = asked[-1]["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    texts = ["<image>" if part["type"] == "image" else part["text"] for part in parts]
    images = [part["image"] for part in parts if part["type"] == "image"]
    return _fields("".join(texts), row["answer"], images)


def _read_k12(row: Row) -> Fields:
    image = row.get("image") or row["image_path"]
    return _fields(row["question"], row["answer"], [image])


def _fields(question: str, answer: object, images: Sequence[Any]) -> Fields:
    paths = [each.removeprefix("file://") if isinstance(each, str) else each for each in images]
    options = golds.lettered(question, str(answer).strip("$ "))
    gold = str(answer).strip("$ ") if options else answer
    return {
        "images": paths,
        "question": question,
        **golds.fields(gold, options=options, words=True),
    }


MESSAGE = Format(
    name="mm_eureka",
    columns=("message", "answer"),
    read=_read_message,
    origin="ModalMinds/MM-EUREKA, examples/scripts/reward_func_qwen_instruct.py, bccddd7",
)
K12 = Format(
    name="k12",
    columns=("question", "answer", "image_path"),
    read=_read_k12,
    origin="ModalMinds/MM-EUREKA, eval/k12/evaluate_k12.py, bccddd7",
)
MMK12 = Format(
    name="mmk12",
    columns=("question", "answer", "subject", "image"),
    read=_read_k12,
    proof="description-only",
    origin="huggingface.co/datasets/FanqingM/MMK12",
)
