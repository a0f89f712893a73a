"""SuperCLEVR: R1-V's prompt files and Super-CLEVR's own questions and scenes.

| format | rows |
|---|---|
| `superclevr` | `image_path, question, ground_truth`, one JSON object a line |
| `superclevr_questions` | `questions`: `image_filename, image_index, question, answer` |
| `superclevr_scenes` | `scenes`: `image_filename, image_index, objects` |

R1-V's script runs in the folder above its prompt file, so that `./images/x.png` lies beside the
folder of the file; beside the file itself it is found too.  The pictures of SuperCLEVR-200 are the
first of the test part in Super-CLEVR's images.zip.

Super-CLEVR's files, known by how their names begin, lie beside `images/`.  Their parts are PARTS of
the 30,000 pictures.  An answer is true or false, a word or a number, the number as text in the
questions of 30,000 pictures; questions whose answer is no number are left out.  A scene asks how
many objects there are.

`superclevr` loader-read: src/eval/test_qwen2vl_counting_superclevr.py of R1-V
(github.com/StarsfieldAI/R1-V, commit bbbbe3d).  The others loader-read: README.md, output/ and
scripts/merge_scenes.py of Super-CLEVR (github.com/Lizw14/Super-CLEVR, commit 896413b).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from vlrl.contracts import Source
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import Stored, choose_split, path_and_split, stored_rows

PARTS = {"train": range(20_000), "val": range(20_000, 25_000), "test": range(25_000, 30_000)}


def _read(row: Row) -> dict[str, Any]:
    if row["ground_truth"] in (None, ""):
        raise ValueError("there is no ground_truth")
    return {
        "image": row["image_path"],
        "question": row["question"],
        "target": str(row["ground_truth"]),
    }


def _read_question(row: Row) -> Fields | None:
    if row["answer"] in (None, ""):
        raise ValueError("there is no answer")
    if not is_count(row["answer"]):
        return None
    target = str(row["answer"])
    return {"image": row["image_filename"], "question": row["question"], "target": target}


def is_count(answer: object) -> bool:
    """Whether an answer of the CLEVR family is a number: not true, not false, not a word."""
    return not isinstance(answer, bool) and str(answer).isdecimal()


def _read_scene(row: Row) -> Fields:
    target = str(len(row["objects"]))
    question = "How many objects are there?"
    return {"image": row["image_filename"], "question": question, "target": target}


def _rows(name: str, path: Path, source: Source) -> Iterator[Stored] | None:
    """The rows of the part that is asked for, of a file whose name begins like that."""
    if not path.is_file() or not path.name.startswith(name):
        return None
    part = PARTS[choose_split(PARTS, path_and_split(source.spec)[1], source)]
    stored = stored_rows(replace(source, spec=str(path)))
    return (row for row in stored if row.cells.get("image_index", part[0]) in part)


FORMAT = Format(
    name="superclevr",
    columns=("image_path", "question", "ground_truth"),
    read=_read,
    image_folders=("..", "."),
    origin="StarsfieldAI/R1-V, src/eval/test_qwen2vl_counting_superclevr.py, bbbbe3d",
)
QUESTIONS = Format(
    name="superclevr_questions",
    columns=("image_filename", "image_index", "question", "answer"),
    read=_read_question,
    image_folders=("images", "."),
    rows=partial(_rows, "superCLEVR_questions"),
    origin="Lizw14/Super-CLEVR, output/superCLEVR_questions_5.json, 896413b",
)
SCENES = Format(
    name="superclevr_scenes",
    columns=("image_filename", "image_index", "objects"),
    read=_read_scene,
    image_folders=("images", "."),
    rows=partial(_rows, "superCLEVR_scenes"),
    origin="Lizw14/Super-CLEVR, scripts/merge_scenes.py, 896413b",
)
