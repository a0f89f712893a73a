"""Q-Insight's rows: ratings, distortions, and which of two pictures is better; JSON lists.

    Data-DeQA-Score/KONIQ/metas/train_koniq_7k.json, test_koniq_2k.json, also of SPAQ, KADID10K ...
        {"id", "image": "KONIQ/images/x.jpg", "gt_score", "gt_score_norm": 3.47, ...}
    KADIS-700K/refA_sd_brief/metas/train_dist.json
        {"image", "distortion_class": "blur", "severity": "slight", ...}
    DiffIQA/ValidationImage/train_comparison.json
        {"ref_image": "Original/x.png", "ImageA": "03/x.png", "ImageB": "05/x.png",
         "result": "Image A", "Image B" or "Similar"}

`gt_score` is on a scale of its own in every set, `gt_score_norm` from 1 to 5 in all; the training
rows of DeQA-Score also hold `conversations`, which are not read.  A row without a distortion says
null or "null" for both.  Paths start in the folder that holds the data sets or in the data set, for
the comparison in `images/`.  Where a picture is missing Q-Insight takes another row at random.

Loader-run: the data sets in src/open-r1-multimodal/src/open_r1/qinsight_multi_task.py and
qinsight_comparison.py of Q-Insight (github.com/bytedance/Q-Insight, commit 08308fd).  The ratings
are written by build_soft_labels/gen_soft_label.py of DeQA-Score
(github.com/zhiyuanyou/DeQA-Score, commit 8e4abc8), which was read.
"""

from __future__ import annotations

from vlrl.data.formats.rows import Fields, Format, Row

FOLDERS = (".", "..", "../..", "../../..")
CODE = "bytedance/Q-Insight, src/open-r1-multimodal/src/open_r1"
RATING_QUESTION = "How good is the quality of this picture?"
DEGRADATION_QUESTION = "Which distortion does this picture suffer from, and how severely?"
COMPARISON_QUESTION = (
    "Reference: <image>\nImage A: <image>\nImage B: <image>\n"
    "Which of A and B is the better version of the reference, or are they similar?"
)


def _read_rating(row: Row) -> Fields:
    return {"image": row["image"], "question": RATING_QUESTION, "target": row["gt_score_norm"]}


def _read_degradation(row: Row) -> Fields:
    return {
        "image": row["image"],
        "question": DEGRADATION_QUESTION,
        "target": [row["distortion_class"], row["severity"]],
        "kind": "labels",
    }


def _read_comparison(row: Row) -> Fields:
    return {
        "images": [row["ref_image"], row["ImageA"], row["ImageB"]],
        "question": COMPARISON_QUESTION,
        "target": row["result"],
        "kind": "comparison",
    }


SCORE = Format(
    name="q_insight_score",
    columns=("image", "gt_score_norm"),
    read=_read_rating,
    image_folders=FOLDERS,
    proof="loader-run",
    origin=f"{CODE}/qinsight_multi_task.py, 08308fd",
)
DEGRADATION = Format(
    name="q_insight_degradation",
    columns=("image", "distortion_class", "severity"),
    read=_read_degradation,
    image_folders=FOLDERS,
    proof="loader-run",
    origin=f"{CODE}/qinsight_multi_task.py, 08308fd",
)
COMPARISON = Format(
    name="q_insight_comparison",
    columns=("ref_image", "ImageA", "ImageB", "result"),
    read=_read_comparison,
    image_folders=("images", "."),
    proof="loader-run",
    origin=f"{CODE}/qinsight_comparison.py, 08308fd",
)
