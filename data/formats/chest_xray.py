"""ChestX-ray14 as NIH publishes it: one table of all pictures, and two lists of names.

    Data_Entry_2017.csv   or Data_Entry_2017_v2020.csv: "Image Index", "Finding Labels", ...
    train_val_list.txt, test_list.txt   the pictures of each part, a name a line
    images/, or images_001/images/ ... images_012/images/

`Finding Labels` are names between bars, or `No Finding`, which is none here.  `train` and
`validation` are the first list: publishers of splits draw the second from it, by patients.

Read in TorchXRayVision (github.com/mlmed/torchxrayvision, commit 891eae4):
torchxrayvision/datasets.py.  The rows that Med-R1 makes of these are not published.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from vlrl.contracts import Source, UserError
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import Stored, path_and_split, stored_rows

FINDINGS = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema"),
    *("Fibrosis", "Hernia", "Infiltration", "Mass", "Nodule", "Pleural_Thickening"),
    *("Pneumonia", "Pneumothorax"),
)
NOTHING = "No Finding"
QUESTION = "Which findings does this X-ray of a chest show?"


def _rows(path: Path, source: Source) -> Iterator[Stored] | None:
    if not path.is_file() or not path.name.startswith("Data_Entry_2017"):
        return None
    wanted = path_and_split(source.spec)[1] or source.role
    names = path.parent / ("test_list.txt" if wanted == "test" else "train_val_list.txt")
    if not names.is_file():
        raise UserError(f"{names}: there is no such list; put it beside {path.name}")
    part = set(names.read_text("utf-8").split())
    stored = stored_rows(replace(source, spec=str(path)))
    return (row for row in stored if row.problem or row.cells.get("Image Index") in part)


def _read(row: Row) -> Fields:
    found = row["Finding Labels"].split("|")
    return {
        "image": row["Image Index"],
        "question": QUESTION,
        "target": [] if found == [NOTHING] else found,
        "kind": "labels",
        "meta": {"classes": FINDINGS, "patient": row.get("Patient ID")},
    }


FORMAT = Format(
    name="chest_xray",
    columns=("Image Index", "Finding Labels"),
    read=_read,
    image_folders=("images", *(f"images_{number:03d}/images" for number in range(1, 13))),
    rows=_rows,
    origin="mlmed/torchxrayvision, torchxrayvision/datasets.py, 891eae4",
)
