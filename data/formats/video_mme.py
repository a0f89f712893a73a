"""Video-MME: 2,700 questions about 900 videos, `lmms-lab/Video-MME`.

Columns `video_id, duration, domain, sub_category, url, videoID, question_id, task_type, question,
options, answer`: options ["A. ...", ...], the answer a letter, `duration` short, medium or long.
The rows hold no videos: read a local copy, with `data/VIDEOID.mp4` beside the rows or their folder.
Subtitles are not shown.

Read in lmms-eval (github.com/EvolvingLMMs-Lab/lmms-eval, commit 0696573):
lmms_eval/tasks/videomme/utils.py.
"""

from __future__ import annotations

from vlrl.data.formats import options
from vlrl.data.formats.rows import Fields, Format, Row


def _read(row: Row) -> Fields:
    return {
        "id": row["question_id"],
        "video": f"{row['videoID']}.mp4",
        "question": row["question"],
        "meta": {"subtask": row.get("task_type"), "group": row.get("duration")},
        **options.by_letter(row["answer"], options.texts(row["options"])),
    }


FORMAT = Format(
    name="video_mme",
    columns=("videoID", "question_id", "question", "options", "answer"),
    read=_read,
    image_folders=("data", "../data", "videos", "."),
    origin="EvolvingLMMs-Lab/lmms-eval, lmms_eval/tasks/videomme/utils.py, 0696573",
)
