"""CountBenchQA: `image, text, question, number`, 491 photographs with 2 to 10 things.

`text` is the caption that the question was made from and names the number, so it is not shown.

Loader-read: lmms_eval/tasks/countbenchqa (github.com/EvolvingLMMs-Lab/lmms-eval, commit 0d37370) on
`vikhyatk/CountBenchQA`, split test.  There an answer is right as the bare digits alone.
"""

from __future__ import annotations

from vlrl.data.formats.rows import Fields, Format, Row


def _read(row: Row) -> Fields:
    return {"image": row["image"], "question": row["question"], "target": str(row["number"])}


FORMAT = Format(
    name="countbench",
    columns=("image", "question", "number"),
    read=_read,
    origin="EvolvingLMMs-Lab/lmms-eval, lmms_eval/tasks/countbenchqa, 0d37370",
)
