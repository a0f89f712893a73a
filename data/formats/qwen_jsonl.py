"""The RefCOCO files that Qwen-VL and InternVL are evaluated on: `image, sent, bbox, height, width`.

One file for each split (`refcoco_val.jsonl`, `refcoco+_testA.jsonl`, `refcocog_test.jsonl`), one
sentence a line, `bbox` as [x1, y1, x2, y2] in pixels, unlike RefCOCO's own.  Both scripts run in
the folder that holds `data/refcoco/*.jsonl` and `data/coco/train2014`, where the paths of the
pictures start.  They count an IoU of at least 0.5 as right (reward `box.hit`).

Read in Qwen-VL (github.com/QwenLM/Qwen-VL, commit 10cb904), eval_mm/evaluate_grounding.py, and in
InternVL (github.com/OpenGVLab/InternVL, commit 226363e),
internvl_chat/eval/refcoco/evaluate_grounding.py, which reads our sample.
"""

from __future__ import annotations

from vlrl.data.formats.refcoco import QUESTION
from vlrl.data.formats.rows import Fields, Format, Row


def _read(row: Row) -> Fields:
    return {
        "image": row["image"],
        "question": QUESTION.format(row["sent"]),
        "target": row["bbox"],
        "meta": {"stated_size": (row["width"], row["height"])},
    }


FORMAT = Format(
    name="qwen_grounding",
    columns=("image", "sent", "bbox", "height", "width"),
    read=_read,
    image_folders=("../..", "..", "."),
    proof="loader-run",
    origin="OpenGVLab/InternVL, internvl_chat/eval/refcoco/evaluate_grounding.py, 226363e",
)
