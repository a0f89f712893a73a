"""OmniMedVQA: a JSON list for each of its data sets of pictures.

    {"dataset": "...", "question_id": "...", "question_type": "...", "modality_type": "...",
     "question": "...", "image_path": "Images/...", "gt_answer": "Edema",
     "option_A": "...", "option_B": "...", "option_C": "...", "option_D": "..."}

`gt_answer` is the text of an option; options C and D may be missing.  Paths start where `Images/`
is unpacked, two folders above `QA_information/Open-access/`.

The published score takes the option most like the whole reply, so that a bare letter scores 0;
here the letter or the text of the option counts.

Read in Multi-Modality-Arena (github.com/OpenGVLab/Multi-Modality-Arena, commit bd2999a):
MedicalEval/Question-answering_Score/task_datasets/medical_datasets.py, which reads our samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.rewards import choice

OPTIONS = ("option_A", "option_B", "option_C", "option_D")
META = {"modality": "modality_type", "subtask": "question_type", "dataset": "dataset"}


def of_texts(options: Sequence[Any], answer: Any) -> Fields:
    """The letter of the option whose text the answer is; ValueError where that is not one."""
    texts = tuple(map(str, options))
    letter = choice.letter_of(str(answer), texts)
    if letter is None:
        raise ValueError(f"the answer {answer!r} is not the text of just one of {list(texts)}")
    return {"kind": "choice", "target": letter, "options": texts}


def _read(row: Row) -> Fields:
    options = [row[name] for name in OPTIONS if row.get(name) is not None]
    return {
        "id": row.get("question_id"),
        "image": row["image_path"],
        "question": row["question"],
        "meta": {ours: row[theirs] for ours, theirs in META.items() if row.get(theirs)},
        **of_texts(options, row["gt_answer"]),
    }


FORMAT = Format(
    name="omnimedvqa",
    columns=("image_path", "question", "option_A", "option_B", "gt_answer"),
    read=_read,
    image_folders=(".", "../..", "..", "images"),
    proof="loader-run",
    origin=(
        "OpenGVLab/Multi-Modality-Arena, "
        "MedicalEval/Question-answering_Score/task_datasets/medical_datasets.py, bd2999a"
    ),
)
