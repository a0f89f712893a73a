"""Time-R1's rows: its 2,500 for training and the 800 of TVGBench, each a list in a JSON file.

    train_2k5.json
        {"video": "./dataset/.../x.mp4", "duration": 93.3, "timestamp": [1.0, 4.0],
         "sentence": "...", "qid": "...", "video_start": 39.0 or null, "video_end": 84.7 or null,
         "difficulty": 50.0, "pred": [0.0, 3.0]}
    tvgbench.json
        {"path": "./dataset/.../x.mp4", "question": "...", "answer": "13.4-28.1",
         "duration": 30.12, "start": null, "end": null, "qsemtype": "Human Pose", ...}

Times are seconds of the file; `video_start` and `start` only say where it was cut from a longer
video.  Paths start where Time-R1 is run, three folders above `dataset/timer1/annotations/`.
`difficulty` is the IoU of the base model's `pred`, in percent.  Of the rows 34 and 27 end after the
duration they state and are cut; 11 of TVGBench have no length and cannot be read.

Read in Time-R1 (github.com/xiaomi-research/time-r1, commit 7f2b594):
src/vllm_inference/data/data_loader.py, which reads our samples.
"""

from __future__ import annotations

from vlrl.data.formats.charades import question
from vlrl.data.formats.rows import Fields, Format, Row

FOLDERS = (".", "../../..")


def _read_train(row: Row) -> Fields:
    return {
        "id": row.get("qid"),
        "video": row["video"],
        "question": question(row["sentence"]),
        "target": row["timestamp"],
        "meta": {"segment": row["timestamp"], "difficulty": row.get("difficulty")},
    }


def _read_bench(row: Row) -> Fields:
    segment = str(row["answer"]).split("-")
    return {
        "video": row["path"],
        "question": question(row["question"]),
        "target": segment,
        "meta": {"segment": segment, "subtask": row.get("qsemtype")},
    }


TRAIN = Format(
    name="time_r1",
    columns=("video", "timestamp", "sentence"),
    read=_read_train,
    image_folders=FOLDERS,
    proof="loader-run",
    origin="xiaomi-research/time-r1, src/vllm_inference/data/data_loader.py, 7f2b594",
)
BENCH = Format(
    name="tvgbench",
    columns=("path", "question", "answer", "duration"),
    read=_read_bench,
    image_folders=FOLDERS,
    proof="loader-run",
    origin="xiaomi-research/time-r1, src/vllm_inference/data/data_loader.py, 7f2b594",
)
