"""PixMo-Count with its pictures: `image, question, answer`, photographs from the web.

A question holds the marker `<image>`; an answer is a text.  (`allenai/pixmo-count` itself holds the
addresses of the pictures and no questions; this is the copy that evaluations use.)

Loader-read: lmms_eval/tasks/pixmo_count (github.com/EvolvingLMMs-Lab/lmms-eval, commit afa400a) on
`kcz358/pixmo-count`, split test.  There the first digits in an answer count.
"""

from __future__ import annotations

from vlrl.data.formats.rows import Fields, Format, Row


def _read(row: Row) -> Fields:
    return {"image": row["image"], "question": row["question"], "target": str(row["answer"])}


FORMAT = Format(
    name="pixmo",
    columns=("image", "question", "answer"),
    read=_read,
    origin="EvolvingLMMs-Lab/lmms-eval, lmms_eval/tasks/pixmo_count, afa400a",
)
