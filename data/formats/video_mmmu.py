"""VideoMMMU: questions about 300 lectures, `lmms-lab/VideoMMMU`.

Columns `id, question, options, answer, question_type`: an id is `SPLIT_SUBJECT_NUMBER`, options are
a list of texts, with or without their letters, the answer is a letter; where there are no options
(`open`) it is a number or a few words.  The rows hold no videos: read a local copy, with
`FIELD/ID.mp4` beside the rows, FIELD one of six.

Adaptation asks about a picture that is shown at the end of the video.

Read in lmms-eval (github.com/EvolvingLMMs-Lab/lmms-eval, commit 2bb5e98):
lmms_eval/tasks/videommmu/utils.py.
"""

from __future__ import annotations

from vlrl.data.formats import options
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.rewards import number

FIELDS = ("Art", "Business", "Engineering", "Humanities", "Medicine", "Science")


def _read(row: Row) -> Fields:
    subject = "_".join(str(row["id"]).split("_")[1:-1])
    return {
        "video": f"{row['id']}.mp4",
        "question": row["question"],
        "meta": {"subtask": row["question_type"], "group": subject},
        **_answer(row),
    }


def _answer(row: Row) -> Fields:
    if row["options"]:
        return options.by_letter(row["answer"], options.texts(row["options"]))
    kind = "text" if number.parse(str(row["answer"])) is None else "number"
    return {"target": row["answer"], "kind": kind}


FORMAT = Format(
    name="video_mmmu",
    columns=("id", "question", "options", "answer", "question_type"),
    read=_read,
    image_folders=(".", *FIELDS, *(f"videos/{field}" for field in FIELDS)),
    origin="EvolvingLMMs-Lab/lmms-eval, lmms_eval/tasks/videommmu/utils.py, 2bb5e98",
)
