"""R1-V's training rows: `image, problem, solution`, the solution wrapped as `<answer> 3 </answer>`.

Read in R1-V (github.com/StarsfieldAI/R1-V, commit bbbbe3d): src/r1-v/src/open_r1/grpo.py, and
src/distill_r1/create_hf_dataset.py for the distilled sets, whose `thinking` is
`<think>...</think>` and which begin as an image folder (`file_name` in its metadata.jsonl).  In the
rows of open-r1-multimodal, otherwise the same, the thinking stands in the solution.  Loader-read.
"""

from __future__ import annotations

from typing import Any

from vlrl.data.formats.rows import Format, Row
from vlrl.rewards import reader


def _read(row: Row) -> dict[str, Any]:
    if row["solution"] in (None, ""):
        raise ValueError("there is no solution")
    text = str(row["solution"])
    solution = reader.read(text, shape=())
    return {
        "image": row["image"],
        "question": row["problem"],
        "target": text.strip() if solution.answer is None else solution.answer,
        "reasoning": _thinking(row.get("thinking")) or solution.thinking,
    }


def _thinking(cell: Any) -> str | None:
    if cell is None:
        return None
    if not isinstance(cell, str):
        raise ValueError(f"its thinking is no text but {type(cell).__name__}")
    return cell.strip().removeprefix("<think>").removesuffix("</think>").strip()


FORMAT = Format(
    name="r1v",
    columns=("image", "problem", "solution"),
    read=_read,
    origin="StarsfieldAI/R1-V, src/r1-v/src/open_r1/grpo.py, bbbbe3d",
)
