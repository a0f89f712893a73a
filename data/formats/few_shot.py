r"""Few-shot classification by CLS-RL and Visual-RFT: four pictures of each class.

| format | columns | rows |
|---|---|---|
| `few_shot` | `image, problem, solution` | `afdsafas/flowers-4shot-fewshot` ... of CLS-RL |
| `few_shot` | the same | `laolao77/ViRFT_CLS_flower_4_shot` ... of Visual-RFT |
| `few_shot_prompts` | `image, label, problem, split` | `OxfordFlowers_fewshot_test.jsonl` ... |

    CLS-RL      What type of object is in the photo?\n Please choose one from list [ a, b, c].
    Visual-RFT  This is an image containing a plant. Please identify the species ...
    solution    <answer>b</answer>

The names are taken out of CLS-RL's problem and offered by the task; as there, a comma ends a name.
The paths of its prompts start in the folder of the set's pictures: lay the file into it.  Of
Visual-RFT's problem, which is the whole prompt, the first two sentences are the question; it offers
no names.  Rows in other words ask something else.

The rewards of both score our solutions in full.  Read in CLS-RL (github.com/minglllli/CLS-RL,
commit 0dc42e0): src/cls-rl/src/open_r1/grpo.py, few-shot-data.ipynb and
src/eval/test_qwen2vl_fewshot.py; and in Visual-RFT (github.com/Liuziyu77/Visual-RFT, commit
9486633): src/virft/src/open_r1/grpo_classification.py and dataset/build_dataset.ipynb.
"""

from __future__ import annotations

import re

from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.visual_rft import answer_of

_CHOICE = re.compile(r"\s*(.+?)\s*Please choose one from list \[(.+)\]\.\s*", re.DOTALL)
_NAMING = re.compile(r"This is an image containing [^.]+\. Please identify [^.]+\.")


def _read(row: Row) -> Fields | None:
    gold = str(row["label"]) if "label" in row else answer_of(row["solution"])
    if asked := _CHOICE.fullmatch(row["problem"]):
        question, names = asked[1], [name.strip() for name in asked[2].split(",")]
        meta = {"classes": names}
    elif asked := _NAMING.match(row["problem"]):
        question, meta = asked[0], {}
    else:
        return None
    return {"image": row["image"], "question": question, "target": gold, "meta": meta}


FORMAT = Format(
    name="few_shot",
    columns=("image", "problem", "solution"),
    read=_read,
    proof="loader-run",
    origin="minglllli/CLS-RL, src/cls-rl/src/open_r1/grpo.py, 0dc42e0",
)
PROMPTS = Format(
    name="few_shot_prompts",
    columns=("image", "label", "problem", "split"),
    read=_read,
    origin="minglllli/CLS-RL, src/eval/test_qwen2vl_fewshot.py, 0dc42e0",
)
