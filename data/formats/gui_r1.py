"""GUI-R1's tables: the next step of a command, on phones, desktops and in the web.

    train.parquet, test.parquet, and the benchmarks in the same columns
        image, instruction, history, task_type, gt_action, gt_bbox, gt_input_text,
        group?, ui_type?, success_rate?, ...

`gt_bbox` is in shares of the picture: the two corners of a box, or a point of two numbers.  Only a
click has a place (others carry one that means nothing), and `gt_input_text` is "no input text"
where there is none.  `task_type` `low` asks for a click, `high` for any of nine actions.  The
published reward takes 140 resized pixels around a point as right; ours .14 of the sides.

Read in GUI-R1 (github.com/ritzz-ai/GUI-R1, commit d43eea2): verl/utils/dataset.py, which reads our
samples, and verl/utils/reward_score/r1gui.py, which scores our answers in full.
"""

from __future__ import annotations

from typing import Any

from vlrl.data.formats.rows import Fields, Format, Row

QUESTION = 'On this screen, take the next step for the command "{}". Steps so far: {}.'
HIGH = (
    *("complete", "close/delete", "press_home", "click", "press_back"),
    *("type", "select", "scroll", "enter"),
)
NO_TEXT = "no input text"
WITH_TEXT = ("type", "select", "scroll", "open_app")
WITH_PLACE = ("click", "long_press")


def _read(row: Row) -> Fields:
    meta = {name: row[name] for name in ("group", "ui_type", "success_rate") if row.get(name)}
    return {
        "image": row["image"],
        "question": QUESTION.format(row["instruction"], row["history"] or "None"),
        "target": _action(row),
        "meta": {
            "actions": ("click",) if row["task_type"] == "low" else HIGH,
            "frame": (1, 1),
            "subtask": row["gt_action"].lower(),
            **meta,
        },
    }


def _action(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {"action": row["gt_action"].lower()}
    text = str(row["gt_input_text"] or NO_TEXT)
    if found["action"] in WITH_TEXT and text.lower() != NO_TEXT:
        found["text"] = text
    if found["action"] in WITH_PLACE:
        place = list(row["gt_bbox"])
        found["point" if len(place) == 2 else "box"] = place
    return found


FORMAT = Format(
    name="gui_r1",
    columns=("image", "instruction", "history", "task_type", "gt_action", "gt_bbox"),
    read=_read,
    proof="loader-run",
    origin="ritzz-ai/GUI-R1, verl/utils/dataset.py, d43eea2",
)
