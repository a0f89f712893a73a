"""Temporal-R1's rows: a list in a JSON file, or JSON lines, of `appletea2333/temporal_r1`.

    {"dataset": "charades_train", "video": "x.mp4", "problem": "...", "solution": [0.43, 0.91]}

A solution is a segment in shares of the video.  Rows of another `dataset` (`youcook_rerank_train`)
ask for something else and are left out.

Read in Temporal-R1 (github.com/appletea233/Temporal-R1, commit 95045b3): the loader
verl/utils/dataset_video.py and the reward verl/utils/reward_score/tvg.py; the files themselves are
unseen.
"""

from __future__ import annotations

from vlrl.data.formats.rows import Fields, Format, Row


def _read(row: Row) -> Fields | None:
    if "rerank" in str(row["dataset"]):
        return None
    return {
        "video": row["video"],
        "question": row["problem"],
        "target": row["solution"],
        "meta": {"segment": row["solution"], "unit": "share"},
    }


FORMAT = Format(
    name="temporal_r1",
    columns=("dataset", "problem", "solution"),
    read=_read,
    image_folders=(".", "videos", "Charades_v1"),
    origin="appletea233/Temporal-R1, verl/utils/dataset_video.py, 95045b3",
)
