"""Video-R1's rows: pictures and videos mixed, five types of answers; a list in a JSON file.

    {"problem_id": 1, "problem": "...", "data_type": "image" or "video",
     "problem_type": "multiple choice", "options": ["A. ...", ...] or [],
     "process": "<think>...</think>" or "", "solution": "<answer>B</answer>",
     "path": "./LLaVA-Video-178K/x.mp4", "data_source": "..."}

`Video-R1-260k.json`, `Video-R1-COT-165k.json` (with `process`) and `eval_*.json` lie in
`Video-R1-data/`, where the paths start.

| problem_type | kind | reward of the row |
|---|---|---|
| `multiple choice` | `choice` | the task's |
| `numerical` | `number` | `number.tolerance` within 0.005: equal to two decimals |
| `OCR` | `text` | `text.one_minus_wer` |
| `free-form` | `text` | the task's, ROUGE |
| `regression` | `number` | `number.linear` |

A recipe's rewards count only for rows without their own.  Video-R1 takes the type of the first row
for a whole batch, compares letters and numbers as strings (`3.0` is not `3`), and shows another
video where one cannot be read; here that is a bad row.

Read in Video-R1 (github.com/tulerfeng/Video-R1, commit 59d65c3): src/r1-v/src/open_r1/grpo.py.
"""

from __future__ import annotations

from vlrl.data.formats import options
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.rewards import reader

KINDS = {
    "multiple choice": "choice",
    "numerical": "number",
    "OCR": "text",
    "free-form": "text",
    "regression": "number",
}
REWARDS = {
    "numerical": {"use": "number.tolerance", "absolute": 0.005},
    "OCR": {"use": "text.one_minus_wer"},
    "regression": {"use": "number.linear"},
}


def _read(row: Row) -> Fields:
    kind, medium = row["problem_type"], row["data_type"]
    if kind not in KINDS:
        raise ValueError(f"the problem_type {kind!r} is none of {', '.join(KINDS)}")
    if medium not in ("image", "video"):
        raise ValueError(f"the data_type {medium!r} is neither image nor video")
    gold = _within(row["solution"])
    if kind == "multiple choice":
        answer = options.by_letter(gold, options.texts(row["options"]))
    else:
        answer = {"target": gold, "kind": KINDS[kind]}
    own = {"accuracy": REWARDS[kind], "format": 1.0} if kind in REWARDS else None
    return {
        "id": row.get("problem_id"),
        medium: row["path"],
        "question": row["problem"],
        "reasoning": _thought(row.get("process") or ""),
        "rewards": own,
        "meta": {"subtask": kind, "source": row.get("data_source")},
        **answer,
    }


def _within(solution: str) -> str:
    answer = reader.read(solution, shape=()).answer
    return solution.strip() if answer is None else answer


def _thought(process: str) -> str | None:
    return process.removeprefix("<think>").removesuffix("</think>").strip() or None


FORMAT = Format(
    name="video_r1",
    columns=("problem_type", "data_type", "problem", "solution", "path"),
    read=_read,
    image_folders=(".", "Video-R1-data", ".."),
    origin="tulerfeng/Video-R1, src/r1-v/src/open_r1/grpo.py, 59d65c3",
)
