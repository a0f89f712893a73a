"""R1-VL-10K: `image_path, problem, solution, key_steps`.

The solution is written in sections (`### Image Description:` ... `### The final answer is:`); the
text after the last heading is the gold, the rest the worked solution.  `key_steps` is
`{"Steps": [text | [alternatives], ...]}`, for `steps.coverage` of the reward library.

Read in R1-VL (github.com/jingyi0000/R1-VL, commit 679be5c): src/r1-vl/src/open_r1/grpo.py.
"""

from __future__ import annotations

from vlrl.data.formats import golds
from vlrl.data.formats.rows import Fields, Format, Row

HEADING = "### The final answer is:"


def _read(row: Row) -> Fields:
    solution, heading, gold = row["solution"].rpartition(HEADING)
    if not heading:
        raise ValueError(f"its solution has no {HEADING!r}")
    options = golds.lettered(row["problem"], gold)
    fields = golds.fields(gold, options=options, words=True)
    steps = row["key_steps"].get("Steps") if row["key_steps"] else None
    return {
        "image": row["image_path"],
        "question": row["problem"],
        "reasoning": solution.strip(),
        **fields,
        "meta": {**fields.get("meta", {}), **({"key_steps": steps} if steps else {})},
    }


FORMAT = Format(
    name="r1_vl",
    columns=("image_path", "problem", "solution", "key_steps"),
    read=_read,
    image_folders=(".", "..", "images"),
    origin="jingyi0000/R1-VL, src/r1-vl/src/open_r1/grpo.py, 679be5c",
)
