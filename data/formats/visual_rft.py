r"""Visual-RFT's rows for detection, in the columns of R1-V: `image, problem, solution`.

    problem   Detect all objects belonging to the category 'X' in the image, and provide ...
    solution  <answer>[{'Position': [x1, y1, x2, y2], 'Confidence': 1}, ...]</answer>
              <answer>No Objects</answer>

Coordinates are thousandths of the picture.  The problem is the whole prompt, with the tags and the
frame to answer in; the category is taken from it, and the rest is left to the mode and the model's
own frame.  Rows without a category ask something else.

Read in Visual-RFT (github.com/Liuziyu77/Visual-RFT, commit 9486633), whose rewards score our boxes
in full (`No Objects` earns nothing there): src/virft/src/open_r1/grpo.py,
dataset/build_dataset.ipynb and coco_evaluation/Qwen2_VL_coco_infere.py.
"""

from __future__ import annotations

import re
import reprlib

from vlrl.data.formats import coco
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.rewards import detection, reader

THOUSANDTHS = (1000, 1000)
_CATEGORY = re.compile(r"Detect all objects belonging to the category '(.+?)' in the image")


def _read(row: Row) -> Fields | None:
    asked = _CATEGORY.search(row["problem"])
    if asked is None:
        return None
    found = detection.parse(answer_of(row["solution"]))
    if found is None:
        raise ValueError(f"its solution {reprlib.repr(row['solution'])} is no list of boxes")
    return {
        "image": row["image"],
        "question": coco.question([asked[1]]),
        "target": [{"bbox_2d": each["bbox_2d"]} for each in found],
        "meta": {"frame": THOUSANDTHS, "confidence": True},
    }


def answer_of(solution: str) -> str:
    """What stands in the answer tags, or all where there are none."""
    answer = reader.read(solution, shape=()).answer
    return solution.strip() if answer is None else answer


FORMAT = Format(
    name="visual_rft",
    columns=("image", "problem", "solution"),
    read=_read,
    proof="loader-run",
    origin="Liuziyu77/Visual-RFT, src/virft/src/open_r1/grpo.py, 9486633",
)
