"""R1-V's rows: `image, problem, solution`, the solution wrapped as `<answer> 3 </answer>`.

Read in R1-V (github.com/StarsfieldAI/R1-V, src/r1-v/src/open_r1/grpo.py, commit bbbbe3d): loader-read.
The distilled sets add `thinking` = `<think>...</think>`.
"""

from __future__ import annotations

from typing import Any

from vlrl.data.formats.rows import Format, Row


def _read(row: Row) -> dict[str, Any]:
    if not row["problem"]:
        raise ValueError("the problem is empty")
    if row["solution"] in (None, ""):
        raise ValueError("there is no solution")
    return {
        "image": row["image"],
        "question": row["problem"],
        "target": _inside(str(row["solution"]), "answer"),
        "reasoning": _inside(str(row["thinking"]), "think") if row.get("thinking") else None,
    }


def _inside(text: str, tag: str) -> str:
    return text.strip().removeprefix(f"<{tag}>").removesuffix(f"</{tag}>").strip()


FORMAT = Format(name="r1v", columns=("image", "problem", "solution"), read=_read)
