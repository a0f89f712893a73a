"""UI-R1's rows: commands for one step on a phone, and its test set of AndroidControl.

    example.json, train.json, train_ground.json
        [{"img_filename": "x.png", "instruction": "...", "bbox": [x1, y1, x2, y2]},
         {"img_filename": "x.png", "instruction": "...", "action": "scroll"}, ...]
    ac_test.json
        [{"image": "episode_140-screenshot_2.png", "task": "...",
          "gt": {"action_type": "click", "x": 1027, "y": 209}}, ...]

Pixels of the picture.  A row with a box is a click, whatever else it says; of other actions only
the type is known, so that is all that is compared.  In `ac_test.json` the action has what it needs:
`x, y`, `direction`, `app_name` or `text`; `direction` is where the screen goes and not always what
the task says ("Scroll up on the screen" with `down`).

Read in UI-R1 (github.com/lll6gg/UI-R1, commit 2fe9bf0),
src/ui_r1/src/open_r1/grpo_json_action_coord.py, which reads our samples of the first
layout, and dataset/ac_test.json (7,868 rows: 5,074 click, 1,211 scroll, 632 input_text, 608
open_app, 343 navigate_back).  Its evaluation/eval_ac.py searches names in the text instead.
"""

from __future__ import annotations

from typing import Any

from vlrl.data.formats.rows import Fields, Format, Row

QUESTION = 'On this screen, take the step for the command "{}".'
_TEXTS = ("direction", "app_name", "text")


def _read(row: Row) -> Fields:
    found = row.get("bbox")
    if not found and not row.get("action"):
        raise ValueError("it has neither a bbox nor an action")
    return {
        "image": row["img_filename"],
        "question": QUESTION.format(row["instruction"]),
        "target": {"action": "click", "box": found} if found else {"action": row["action"]},
    }


def _read_android(row: Row) -> Fields:
    return {
        "image": row["image"],
        "question": QUESTION.format(row["task"]),
        "target": _action(row["gt"]),
        "meta": {"subtask": row["gt"]["action_type"]},
    }


def _action(stated: dict[str, Any]) -> dict[str, Any]:
    found = {"action": stated["action_type"]}
    if stated.get("x") is not None:
        found["point"] = [stated["x"], stated["y"]]
    texts = [stated[key] for key in _TEXTS if stated.get(key) is not None]
    return {**found, "text": texts[0]} if texts else found


FORMAT = Format(
    name="ui_r1",
    columns=("img_filename", "instruction"),
    read=_read,
    image_folders=(".", "screenspot_imgs", "screenshots", "train_imgs", "images"),
    proof="loader-run",
    origin="lll6gg/UI-R1, src/ui_r1/src/open_r1/grpo_json_action_coord.py, 2fe9bf0",
)
ANDROID = Format(
    name="android_control",
    columns=("image", "gt", "task"),
    read=_read_android,
    image_folders=(".", "screenshots", "images", "../screenshots"),
    origin="lll6gg/UI-R1, dataset/ac_test.json, 2fe9bf0",
)
