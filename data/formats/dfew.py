"""DFEW as published: tables `video_name,label` for five folds.

    EmoLabel_DataSplit/train(single-labeled)/set_1.csv      9,356 clips
    EmoLabel_DataSplit/test(single-labeled)/set_1.csv       2,341 clips

Labels are 1 to 7, in the order of `emotions.DFEW`.  Clip 1 is `1.mp4`; put all clips into one
folder, `videos/` or `Clip/original/` beside `EmoLabel_DataSplit/`.

Read in MAE-DFER (github.com/sunlicai/MAE-DFER, commit 80b651d): preprocess/dfew.py.
"""

from __future__ import annotations

from vlrl.data.formats.emotions import DFEW, fields
from vlrl.data.formats.rows import Fields, Format, Row


def _read(row: Row) -> Fields:
    number = str(row["label"]).strip()
    if number not in map(str, range(1, len(DFEW) + 1)):
        raise ValueError(f"the label {row['label']!r} is no number from 1 to {len(DFEW)}")
    return {"video": f"{row['video_name']}.mp4", **fields(DFEW[int(number) - 1], DFEW)}


FORMAT = Format(
    name="dfew",
    columns=("video_name", "label"),
    read=_read,
    image_folders=(".", "videos", "../../videos", "../../Clip/original"),
    origin="sunlicai/MAE-DFER, preprocess/dfew.py, 80b651d",
)
