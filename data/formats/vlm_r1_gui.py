"""VLM-R1's two screens: what went wrong between the one before an action and the one after it?

    gui_multi-image.jsonl
        {"id": 1, "image": ["x_13.png", "x_14.png"], "conversations": [
            {"from": "human", "value": "You are tasked with ..."},
            {"from": "gpt", "value": "Operation No Response"}]}

The question names four defects and `No Defect`; of the 1,797 published rows 906 say `Operation No
Response` and 891 `Unexpected Task Result`.  Rows of `vlm_r1.py`, whose layout is the same, are left
out.  The pictures are not published with the rows.

Read in VLM-R1 (github.com/om-ai-lab/VLM-R1, commit 90052f4):
src/open-r1-multimodal/src/open_r1/grpo_jsonl.py, which reads our samples, and
src/open-r1-multimodal/data_jsonl/gui_multi-image.jsonl.
"""

from __future__ import annotations

from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.rewards import label

CLASSES = (
    *("Operation No Response", "Virtual Keyboard Related Issue"),
    *("Navigation Logic Error", "Unexpected Task Result", "No Defect"),
)


def _read(row: Row) -> Fields | None:
    asked, answered = (turn["value"] for turn in row["conversations"][:2])
    stated = str(answered).replace("<answer>", "").replace("</answer>", "")
    found = label.parse(stated, CLASSES)
    if found is None or isinstance(row["image"], str):
        return None
    return {
        "images": row["image"],
        "question": asked,
        "target": found,
        "kind": "label",
        "meta": {"classes": CLASSES},
    }


FORMAT = Format(
    name="vlm_r1_gui",
    columns=("image", "conversations"),
    read=_read,
    image_folders=(".", "images", ".."),
    proof="loader-run",
    origin="om-ai-lab/VLM-R1, src/open-r1-multimodal/src/open_r1/grpo_jsonl.py, 90052f4",
)
