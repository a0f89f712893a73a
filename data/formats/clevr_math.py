"""CLEVR-Math: what is left when some objects go, how many there are when some come.

| format | rows |
|---|---|
| `clevr_math` | `questions`: `template_filename, image_filename, split, question, answer` |
| `clevr_math_rows` | `template, id, question, image, label`, as `datasets` builds them |
| `reason_rft_counting` | `id, image, problem, answer`, a JSON list: Reason-RFT's copy |

`clevr-math-{train,val,test}.json` lie beside `CLEVR_v1.0/images/{train,val,test}/`, which also
holds the test pictures of CLEVR-Math's own zip file.  CLEVR's own question files have the same
columns; questions whose answer is no number are left out.  `meta["template"]` is `addition`,
`subtraction`, `subtraction-multihop` or `adversarial`.  On the hub a question is a list of
sentences.

Reason-RFT's `train_jsons` and `test_jsons` (Visual-Counting) also hold its other tasks, whose ids
say `geomath` or `trance`: left out.  `cot` is the worked solution.

Loader-read: clevr-math-loader.py of CLEVR-Math (github.com/dali-does/clevr-math, commit d9a9f8f),
train/stage_rl/grpo.py of Reason-RFT (github.com/tanhuajie/Reason-RFT, commit d0a8070).
"""

from __future__ import annotations

from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.superclevr import is_count

OTHER_TASKS = ("geomath", "trance")


def _read(row: Row) -> Fields | None:
    if row["answer"] in (None, ""):
        raise ValueError("there is no answer")
    if not is_count(row["answer"]):
        return None
    return {
        "image": f"{row['split']}/{row['image_filename']}",
        "question": row["question"],
        "target": str(row["answer"]),
        "meta": {"template": str(row["template_filename"]).removesuffix(".json")},
    }


def _read_row(row: Row) -> Fields:
    question = row["question"]
    return {
        "image": row["image"],
        "question": " ".join(question) if isinstance(question, list) else question,
        "target": str(row["label"]),
        "meta": {"template": row["template"]},
    }


def _read_reason_rft(row: Row) -> Fields | None:
    if any(task in str(row["id"]) for task in OTHER_TASKS):
        return None
    return {
        "image": row["image"],
        "question": row["problem"],
        "target": str(row["answer"]),
        "reasoning": row.get("cot") or None,
    }


FORMAT = Format(
    name="clevr_math",
    columns=("template_filename", "image_filename", "split", "question", "answer"),
    read=_read,
    image_folders=("CLEVR_v1.0/images", "../images", "images"),
    origin="dali-does/clevr-math, clevr-math-loader.py, d9a9f8f",
)
ROWS = Format(
    name="clevr_math_rows",
    columns=("template", "question", "image", "label"),
    read=_read_row,
    origin="dali-does/clevr-math, clevr-math-loader.py, d9a9f8f",
)
REASON_RFT = Format(
    name="reason_rft_counting",
    columns=("id", "image", "problem", "answer"),
    read=_read_reason_rft,
    image_folders=(".", "..", "../images"),
    origin="tanhuajie/Reason-RFT, train/stage_rl/grpo.py, d0a8070",
)
