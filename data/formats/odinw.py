"""ODinW-13 as one table: `image, bboxes, labels, categories, dataset_name`.

`bboxes` are corners in pixels, `labels` their classes as text, `categories` all classes of the set
that the picture is from, which are all asked for; `meta["dataset"]` is its name, of thirteen.

Read in lmms-eval (github.com/EvolvingLMMs-Lab/lmms-eval, commit 75571cf), which scores our answers
in full: lmms_eval/tasks/odinw13/utils.py.  There the best of three frames counts for each box.
"""

from __future__ import annotations

from vlrl.data.formats import coco
from vlrl.data.formats.rows import Fields, Format, Row


def _read(row: Row) -> Fields:
    objects = zip(row["bboxes"], row["labels"], strict=True)
    return {
        "image": row["image"],
        "question": coco.question(row["categories"]),
        "target": [{"bbox_2d": bbox, "label": label} for bbox, label in objects],
        "meta": {"labels": True, "dataset": row["dataset_name"]},
    }


FORMAT = Format(
    name="odinw",
    columns=("image", "bboxes", "labels", "categories", "dataset_name"),
    read=_read,
    proof="loader-run",
    origin="EvolvingLMMs-Lab/lmms-eval, lmms_eval/tasks/odinw13/utils.py, 75571cf",
)
