"""Sample rows of the formats of medical questions: published layouts, drawings and words of ours.

The drawings are grey discs with bright spots; nothing in them is medical.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

SIDE_PX = 84
NUMBERS = ("One spot.", "Two spots.", "Three spots.", "Four spots.")
SIDES = ("Left", "Right")
COUNT, SIDE = "How many bright spots are there?", "In which half are the bright spots?"
ROWS = ((COUNT, 2), (COUNT, 3), (SIDE, 1), (SIDE, 0), (COUNT, 1))  # question, index of the answer
SUBSETS = ("MR (Mag-netic Resonance Imaging)", "CT(Computed Tomography)", "X-Ray")


def make(folder: Path) -> None:
    """Write one folder for each format."""
    for write in (omnimedvqa, medvlm_r1, med_r1):
        write(folder / write.__name__)


def omnimedvqa(folder: Path) -> None:
    rows = []
    for number, (question, answer) in enumerate(ROWS):
        path, options = f"Images/Drawn Discs/{number}.png", _options(question)
        _draw(folder / path, number, question, answer)
        rows.append(
            {
                "dataset": "Drawn Discs",
                "question_id": f"drawn_discs_{number:04d}",
                "question_type": "Other Biological Attributes",
                "question": question,
                "gt_answer": options[answer],
                "image_path": path,
                **{f"option_{each}": text for each, text in zip("ABCD", options, strict=False)},
                "modality_type": "Drawing",
            }
        )
    _write(folder / "QA_information" / "Open-access" / "Drawn Discs.json", rows)


def medvlm_r1(folder: Path) -> None:
    rows = []
    for number, ((question, answer), subset) in enumerate(zip(ROWS, SUBSETS, strict=False)):
        path, options = f"images/disc{number}.png", _options(question)
        _draw(folder / path, number, question, answer)
        lettered = [f"{each}) {text}" for each, text in zip("ABCD", options, strict=False)]
        row = {"image": [path], "problem": "\n".join([question, *lettered])}
        about = {"dataset": "DrawnDiscs", "subset": subset}
        row |= {"solution": "ABCD"[answer], "question": question, "options": list(options)}
        rows.append({**row, "answer": options[answer], **about})
    _write(folder / "MRI_CT_XRAY_300each_dataset.json", rows)


def med_r1(folder: Path) -> None:
    rows = []
    for number, (question, answer) in enumerate(ROWS):
        path = f"Images/Drawn Discs/{number}.png"
        _draw(folder / path, number, question, answer)
        options = zip("ABCD", _options(question), strict=False)
        problem = f"{question} " + ", ".join(f"{each}){text}" for each, text in options)
        solution = f"<answer> {'ABCD'[answer]} </answer>"
        rows.append({"image": path, "problem": problem, "solution": solution})
    _write(folder / "Splits" / "modality" / "test" / "X-Ray_test.json", rows)


# Drawings


def _options(question: str) -> tuple[str, ...]:
    return NUMBERS if question == COUNT else SIDES


def _draw(path: Path, number: int, question: str, answer: int) -> None:
    """A grey disc whose bright spots show the answer; each of them in a quarter of its own."""
    quarters = [(-1, -1), (1, 1), (-1, 1), (1, -1)]
    if question == COUNT:
        used = quarters[: answer + 1]
    else:
        used = [each for each in quarters if (each[0] > 0) == (answer == 1)]
    rng = Random(f"disc/{number}")
    centres = [
        tuple(SIDE_PX * (0.5 + sign * (0.15 + 0.1 * rng.random())) for sign in quarter)
        for quarter in used
    ]
    _save(path, _disc(centres))


def _disc(centres: Sequence[Sequence[float]]) -> np.ndarray:
    """uint8 (SIDE_PX, SIDE_PX)."""
    ys, xs = np.mgrid[:SIDE_PX, :SIDE_PX] + 0.5
    middle = SIDE_PX / 2
    found = np.where((xs - middle) ** 2 + (ys - middle) ** 2 < (0.46 * SIDE_PX) ** 2, 90, 12)
    for x, y in centres:
        found = np.where((xs - x) ** 2 + (ys - y) ** 2 < (0.07 * SIDE_PX) ** 2, 220, found)
    return found.astype(np.uint8)


def _save(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, optimize=True)


def _write(path: Path, rows: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", "utf-8")
