"""ScreenSpot, ScreenSpot-v2 and ScreenSpot-Pro: a command and the box of what it is about.

    ScreenSpot/screenspot_mobile.json, _desktop, _web     v2: screenspot_mobile_v2.json ...
        [{"img_filename": "x.png", "bbox": [x, y, width, height], "instruction": "...",
          "data_type": "text" or "icon", "data_source": "ios"}, ...]
    ScreenSpot-Pro/annotations/photoshop_windows.json ...
        [{"id": "...", "img_filename": "photoshop_windows/x.png", "bbox": [x1, y1, x2, y2],
          "img_size": [width, height], "instruction": "...", "instruction_cn": "...",
          "application": "...", "platform": "...", "group": "...", "ui_type": "text" or "icon"}]

Pixels of the picture.  The box is a corner and a size in ScreenSpot and two corners in Pro.  (UI-R1
reads ScreenSpot's as two corners, so its files have to be converted; lmms-eval guesses.)  Borders
belong to the box.

Read in SeeClick (github.com/njucckevin/SeeClick, commit 0ef37ac), pretrain/screenspot_test.py, and
in ScreenSpot-Pro (github.com/likaixin2000/ScreenSpot-Pro-GUI-Grounding, commit bd8bbbb),
eval_screenspot_pro.py; both read our samples.
"""

from __future__ import annotations

from vlrl.data.formats.rows import Fields, Format, Row

QUESTION = 'Where is the element for the command "{}"?'


def _read(row: Row) -> Fields:
    x, y, width, height = row["bbox"]
    return {
        "image": row["img_filename"],
        "question": QUESTION.format(row["instruction"]),
        "target": [x, y, x + width, y + height],
        "kind": "point",
        "meta": {"subtask": row["data_type"], "source": row["data_source"]},
    }


def _read_pro(row: Row) -> Fields:
    return {
        "image": row["img_filename"],
        "question": QUESTION.format(row["instruction"]),
        "target": row["bbox"],
        "kind": "point",
        "meta": {
            "subtask": row["ui_type"],
            "source": row["application"],
            "group": row.get("group"),
            "stated_size": tuple(row["img_size"]),
        },
    }


FORMAT = Format(
    name="screenspot",
    columns=("img_filename", "bbox", "instruction", "data_type", "data_source"),
    read=_read,
    image_folders=(".", "screenspot_imgs", "screenspotv2_image", "../screenspot_imgs", "images"),
    proof="loader-run",
    origin="njucckevin/SeeClick, pretrain/screenspot_test.py, 0ef37ac",
)
PRO = Format(
    name="screenspot_pro",
    columns=("img_filename", "bbox", "img_size", "instruction", "application", "ui_type"),
    read=_read_pro,
    image_folders=("../images", "images", "."),
    proof="loader-run",
    origin="likaixin2000/ScreenSpot-Pro-GUI-Grounding, eval_screenspot_pro.py, bd8bbbb",
)
