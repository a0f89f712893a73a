"""MedVLM-R1's rows, which are those of HuatuoGPT-Vision's evaluation data.

    {"image": ["images/x.png"], "question": "...", "options": ["...", ...], "answer": "...",
     "dataset": "OmniMedVQA", "subset": "X-Ray",
     "problem": "...\nA) ...", "solution": "D"}

`answer` is the text of an option.  `problem` and `solution` repeat the rest and are not read; the
rows on the hub come without them, and without the pictures of their paths, so a local copy of both
is read.  Of the 900 rows for testing 825 have four options and 75 have two, each names one picture,
and the solution is the letter of the answer in all.

MedVLM-R1 trains on the first rows of a subset of the split that its test rows come from: make sure
yourself that they differ (`vlrl check` counts the overlap).

Read in MedVLM-R1 (github.com/JZPeterPan/MedVLM-R1, commit 2eee421):
src/open-r1-multimodal/src/open_r1/grpo.py, src/eval/test_qwen2vl_med.py.
"""

from __future__ import annotations

from vlrl.data.formats.omnimedvqa import of_texts
from vlrl.data.formats.rows import Fields, Format, Row


def _read(row: Row) -> Fields | None:
    if not row["options"]:
        return None
    images = row["image"] if isinstance(row["image"], list) else [row["image"]]
    return {
        "images": images,
        "question": row["question"],
        "meta": {"modality": row["subset"] or "", "dataset": row["dataset"]},
        **of_texts(row["options"], row["answer"]),
    }


FORMAT = Format(
    name="medvlm_r1",
    columns=("image", "question", "options", "answer", "dataset", "subset"),
    read=_read,
    image_folders=(".", "images", ".."),
    origin="JZPeterPan/MedVLM-R1, src/open-r1-multimodal/src/open_r1/grpo.py, 2eee421",
)
