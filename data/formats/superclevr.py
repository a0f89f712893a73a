"""R1-V's prompt files for evaluation: `image_path, question, ground_truth`, one JSON object a line.

Read in R1-V (github.com/StarsfieldAI/R1-V, src/eval/test_qwen2vl_counting_superclevr.py, commit bbbbe3d): loader-read.
Paths are relative to the file; the pictures of SuperCLEVR-200 are those of Super-CLEVR's `images.zip`.
"""

from __future__ import annotations

from typing import Any

from vlrl.data.formats.rows import Format, Row


def _read(row: Row) -> dict[str, Any]:
    if row["ground_truth"] is None:
        raise ValueError("there is no ground_truth")
    return {
        "image": row["image_path"],
        "question": row["question"],
        "target": str(row["ground_truth"]),
    }


FORMAT = Format(name="superclevr", columns=("image_path", "question", "ground_truth"), read=_read)
