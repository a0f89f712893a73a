"""DVD-counting: short videos, `problem, solution, video_filename`, one JSON object a line.

`train_dvd.jsonl` and `test_dvd.jsonl` lie beside what dvd.zip unpacks to; a `video_filename` starts
there, sometimes with `./`.  A solution is `<answer> 3 </answer>`.

Loader-read: llava_video_inference.py of Open-LLaVA-Video-R1
(github.com/Hui-design/Open-LLaVA-Video-R1, commit da2a228) on `Video-R1/DVD-counting`.
"""

from __future__ import annotations

from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.rewards import reader


def _read(row: Row) -> Fields:
    solution = str(row["solution"])
    answer = reader.read(solution, shape=()).answer
    return {
        "video": row["video_filename"],
        "question": row["problem"],
        "target": solution.strip() if answer is None else answer,
    }


FORMAT = Format(
    name="dvd",
    columns=("problem", "solution", "video_filename"),
    read=_read,
    image_folders=(".", "dvd", "dvd_dataset"),
    origin="Hui-design/Open-LLaVA-Video-R1, llava_video_inference.py, da2a228",
)
