"""Open-R1-Video's rows, one JSON object a line: `problem, solution, video`.

    {"video": "x.mp4", "problem": "Who ...?\\nA. ...\\nB. ...\\n",
     "solution": "<answer>B.</answer>", "original_question": "...", "original_answer": "B. ..."}

The options stand in the problem, a line each.  The videos are those of
`malterei/LLaVA-Video-large-swift`; lay them beside `LLaVA-Video-large-swift-origin.jsonl`.

Read in Open-R1-Video (github.com/Wang-Xiaodong1899/Open-R1-Video, commit 50eb65f):
scripts/format_video_data.py, which writes these rows.
"""

from __future__ import annotations

import re

from vlrl.data.formats import options
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.rewards import reader

_OPTION = re.compile(r"^\(?([A-Z][.)] ?.+?)\s*$", re.MULTILINE)


def _read(row: Row) -> Fields:
    gold = reader.read(row["solution"], shape=()).answer
    return {
        "video": row["video"],
        "question": row["problem"],
        **options.by_letter(gold, options.texts(_OPTION.findall(row["problem"]))),
    }


FORMAT = Format(
    name="open_r1_video",
    columns=("video", "problem", "solution"),
    read=_read,
    image_folders=(".", "videos", ".."),
    origin="Wang-Xiaodong1899/Open-R1-Video, scripts/format_video_data.py, 50eb65f",
)
