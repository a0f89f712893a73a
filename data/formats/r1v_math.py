"""Math in the columns of R1-V and its relatives.

| format | columns | rows |
|---|---|---|
| `r1v_math` | `image, problem, solution` | GEOQA_R1V_Train_8K, multimodal-open-r1-8k-verified |
| `geoqa_test` | `image_path, question, ground_truth` | R1-V's geoqa_test_prompts.jsonl |
| `reason_rft` | `id, image, problem, answer` | Reason-RFT's train_jsons and test_jsons |

GeoQA's solutions are `<answer> 145° </answer>`; open-r1's begin with the thinking, and its columns
`original_question, original_answer` are not read; Reason-RFT's `cot` is the worked solution.

Read in R1-V (github.com/StarsfieldAI/R1-V, commit bbbbe3d: src/r1-v/src/open_r1/grpo.py and
src/eval/prompts), open-r1-multimodal (github.com/EvolvingLMMs-Lab/open-r1-multimodal, commit
232b7ba: local_scripts/prepare_hf_data.py) and Reason-RFT (github.com/tanhuajie/Reason-RFT, commit
d0a8070: train/stage_rl/grpo.py, README.md).  A gold that is one letter is the letter of an option.
"""

from __future__ import annotations

from typing import Any

from vlrl.data.formats import few_shot, golds, r1v, superclevr
from vlrl.data.formats.rows import Fields, Format, Row


def _read_r1v(row: Row) -> Fields | None:
    if few_shot.FORMAT.read(row) is not None:  # the same columns
        return None
    fields = r1v.FORMAT.read(row)
    return fields and {**fields, **_gold(fields["question"], fields["target"])}


def _read_prompts(row: Row) -> Fields | None:
    fields = superclevr.FORMAT.read(row)
    return fields and {**fields, **_gold(fields["question"], fields["target"])}


def _read_reason_rft(row: Row) -> Fields:
    images = row["image"] if isinstance(row["image"], list) else [row["image"]]
    return {
        "images": images,
        "question": row["problem"],
        "reasoning": row.get("cot") or None,
        **_gold(row["problem"], row["answer"]),
    }


def _gold(question: Any, gold: Any) -> Fields:
    options = golds.lettered(str(question), gold)
    return golds.fields(gold, options=options, words=True)


R1V = Format(
    name="r1v_math",
    columns=("image", "problem", "solution"),
    read=_read_r1v,
    origin="StarsfieldAI/R1-V, src/r1-v/src/open_r1/grpo.py, bbbbe3d",
)
GEOQA_TEST = Format(
    name="geoqa_test",
    columns=("image_path", "question", "ground_truth"),
    read=_read_prompts,
    image_folders=("..", "."),
    origin="StarsfieldAI/R1-V, src/eval/prompts/geoqa_test_prompts.jsonl, bbbbe3d",
)
REASON_RFT = Format(
    name="reason_rft",
    columns=("id", "image", "problem", "answer"),
    read=_read_reason_rft,
    image_folders=(".", "..", "../images"),
    origin="tanhuajie/Reason-RFT, train/stage_rl/grpo.py, d0a8070",
)
