"""VLM-R1's rows: a list of referring expressions (REC), and conversations (JSONL).

    rec_jsons_processed/refcoco_train.json, ..., lisa_test.json
        [{"image": "train2014/x.jpg", "problem": "...", "solution": [x1, y1, x2, y2]}, ...]
    x.jsonl
        {"id": 1, "image": "x.jpg" or ["x.jpg", ...], "accu_reward_method"?: "...",
         "conversations": [{"from": "human", "value": "<image>..."}, {"from": "gpt", "value": ...}]}

Boxes are in pixels of the picture, of the first where there are several; in `rec_jsons_internvl`
they are thousandths and cannot be used here.  The paths of pictures start in a folder that VLM-R1
is told: lay the file, or the folder it is in, beside `train2014`.

Answers of the JSONL are a box, or the objects that `accu_reward_method` compares:

| accu_reward_method | reward |
|---|---|
| `map`, `od_ap` | `detection.average_precision` |
| `od_ap50` | `detection.f1` at 0.5 |
| `odLength` | `detection.ap_length` |
| `weighted_sum` | `detection.weighted` |
| any other, or none | the task's, for a box; rows with other answers are left out |

Read in VLM-R1 (github.com/om-ai-lab/VLM-R1, commit 90052f4), which reads our samples:
src/open-r1-multimodal/src/open_r1/grpo_rec.py and grpo_jsonl.py.
"""

from __future__ import annotations

from typing import Any

from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.rewards import box, detection

METHODS = {
    "map": "detection.average_precision",
    "od_ap": "detection.average_precision",
    "od_ap50": "detection.f1",
    "odLength": "detection.ap_length",
    "weighted_sum": "detection.weighted",
}
FOLDERS = (".", "..", "../coco", "../lisa", "../images", "images")


def _read_rec(row: Row) -> Fields:
    size = (row["width"], row["height"]) if row.get("width") else None
    return {
        "image": row["image"],
        "question": row["problem"],
        "target": row["solution"],
        "meta": {"stated_size": size} if size else {},
    }


def _read_conversation(row: Row) -> Fields | None:
    if not row.get("image"):
        return None
    asked, answered = (turn["value"] for turn in row["conversations"][:2])
    images = [row["image"]] if isinstance(row["image"], str) else row["image"]
    text = str(answered).replace("<answer>", "").replace("</answer>", "").strip()
    fields = {"images": images, "question": asked}
    method = METHODS.get(row.get("accu_reward_method") or "")
    if method:
        rewards = {"accuracy": {"use": method}, "format": 1.0}
        return {**fields, **_boxes(text), "rewards": rewards}
    if not text.startswith(("[", "{", "(", "```")):
        return None
    target = box.parse(text)
    if target is None:
        raise ValueError(f"its answer {text[:80]!r} is no box")
    return {**fields, "target": target}


def _boxes(text: str) -> dict[str, Any]:
    found = detection.parse(text)
    if found is None:
        raise ValueError(f"its answer {text[:80]!r} is no list of boxes")
    return {"kind": "boxes", "target": found, "meta": {"labels": True}}


REC = Format(
    name="vlm_r1",
    columns=("image", "problem", "solution"),
    read=_read_rec,
    image_folders=FOLDERS,
    proof="loader-run",
    origin="om-ai-lab/VLM-R1, src/open-r1-multimodal/src/open_r1/grpo_rec.py, 90052f4",
)
CONVERSATION = Format(
    name="vlm_r1_jsonl",
    columns=("conversations",),
    read=_read_conversation,
    image_folders=FOLDERS,
    proof="loader-run",
    origin="om-ai-lab/VLM-R1, src/open-r1-multimodal/src/open_r1/grpo_jsonl.py, 90052f4",
)
