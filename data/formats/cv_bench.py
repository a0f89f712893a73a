"""CV-Bench: `idx, type, task, image, question, choices, answer, prompt, filename, source, ...`.

`type` is 2D (tasks Count, Relation) or 3D (Depth, Distance), which are also configurations on the
hub; `answer` is "(A)".  `test.jsonl` has no `image`: its `filename` is a path beside it.  The boxes
that 3D questions speak of are drawn into the pictures.  `prompt` repeats question and choices.

The published score is the mean of 2D and 3D, where 2D is the mean over its sources ADE20K and COCO,
and 3D all of Omni3D: `mean:type/source`.

Read in lmms-eval (github.com/EvolvingLMMs-Lab/lmms-eval, commit 9328c2f),
lmms_eval/tasks/cv_bench/utils.py, and in VisualThinker-R1-Zero (commit cd71978),
src/eval/evaluate_Qwen2_VL_CVBench.py.
"""

from __future__ import annotations

from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.rewards import choice

META = {"type": "type", "subtask": "task", "source": "source"}  # our name -> the column


def _read(row: Row) -> Fields:
    options = [str(option) for option in row["choices"]]
    letter = choice.parse(str(row["answer"]), options)
    if letter is None:
        raise ValueError(f"the answer {row['answer']!r} is none of {options}")
    return {
        "image": row.get("image") or row["filename"],
        "question": row["question"],
        "target": letter,
        "kind": "choice",
        "options": options,
        "meta": {ours: row[theirs] for ours, theirs in META.items() if theirs in row},
        "id": row.get("idx"),
    }


FORMAT = Format(
    name="cv_bench",
    columns=("type", "task", "question", "choices", "answer"),
    read=_read,
    image_folders=(".", "img"),
    origin="EvolvingLMMs-Lab/lmms-eval, lmms_eval/tasks/cv_bench/utils.py, 9328c2f",
)
