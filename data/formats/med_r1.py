"""Med-R1's rows in the columns of R1-V: OmniMedVQA, divided by modality or by question type.

    {"image": "Images/...", "problem": "Where? A)Lung, B)Liver", "solution": "<answer> B </answer>"}

The options stand in one line of the problem, `, ` between them, which they may contain too: what
begins with the next letter and a bracket is the next option.  All 108,156 rows in 25 of the 27
files of `Splits/` are read and give the same line again (MR and Disease Diagnosis for training were
not at hand); in 88 of them two wrong options say the same.

Pictures are those of OmniMedVQA, `Images/` beside `Splits/`; Med-R1 resizes them to 384 x 384.
What asks for something else in the same columns is left out.

Read in Med-R1 (github.com/Yuxiang-Lai117/Med-R1, commit 88d76c7): README.md,
src/eval_vqa/test_qwen2vl_vqa.py, src/r1-v/src/open_r1/grpo_vqa.py.
"""

from __future__ import annotations

import re
from string import ascii_uppercase

from vlrl.data.formats import r1v
from vlrl.data.formats.rows import Fields, Format, Row

_MARK = re.compile(r"(?:^|,? )([A-J])\)")


def _read(row: Row) -> Fields | None:
    fields = r1v.FORMAT.read(row)
    assert fields is not None  # R1-V's columns hold a question in every row
    options = options_in(str(fields["question"]))
    if not options:
        return None
    if fields["target"] not in ascii_uppercase[: len(options)]:
        raise ValueError(f"the solution {fields['target']!r} is none of its {len(options)} letters")
    return {**fields, "kind": "choice", "options": options}


def options_in(problem: str) -> tuple[str, ...]:
    """The texts of the options A), B) ... that the problem ends with; none where there are none."""
    marks: list[re.Match[str]] = []
    for mark in _MARK.finditer(problem):
        if mark[1] == ascii_uppercase[len(marks)]:
            marks.append(mark)
    ends = [*(mark.start() for mark in marks), len(problem)][1:]
    texts = tuple(problem[m.end() : end] for m, end in zip(marks, ends, strict=True))
    return texts if len(texts) > 1 and all(texts) else ()


FORMAT = Format(
    name="med_r1",
    columns=("image", "problem", "solution"),
    read=_read,
    image_folders=(".", "..", "../..", "../../.."),
    origin="Yuxiang-Lai117/Med-R1, src/eval_vqa/test_qwen2vl_vqa.py, 88d76c7",
)
