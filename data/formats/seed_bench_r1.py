"""SEED-Bench-R1's rows, one JSON object a line: what is to be done next?

    {"sample_id": 1, "question": "...", "answer": "...", "task_progress_metadata": [...],
     "video_source": "EpicKitchens", "video_basename": "x.mp4",
     "current_observation_basename": "y.png",
     "negative_answers": ["...", ...]}        for training, or
     "choice_a": "...", ..., "choice_d": "...", "golden_choice_idx": "B"}    for validation

A video of what has been done, where there is `task_progress_metadata`, and a picture of now:
`videos/<video_source>/...` and `images/<video_source>/...` beside `annotations/`.  For training
three of the wrong answers are drawn, the same for the same row; in both the order is shuffled as
there (in the published files of validation the letter need not follow the text).

Read in SEED-Bench-R1 (github.com/TencentARC/SEED-Bench-R1, commit fe726e5):
src/open_r1_egoplan/grpo.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from vlrl.data.formats import options
from vlrl.data.formats.rows import Fields, Format, Row

NUM_WRONG = 3


def _read(row: Row) -> Fields:
    source, shown = row["video_source"], bool(row["task_progress_metadata"])
    video = {"video": f"videos/{source}/{row['video_basename']}"} if shown else {}
    return {
        "id": row.get("sample_id"),
        "image": f"images/{source}/{row['current_observation_basename']}",
        **video,
        "question": f"{'<video>' if shown else ''}<image>{row['question']}",
        "meta": {"subtask": source},
        **options.by_text(row["answer"], _options(row)),
    }


def _options(row: Row) -> list[str]:
    rng = Random(f"seed_bench_r1/{row.get('sample_id')}/{row['question']}")
    if "golden_choice_idx" in row:
        return _shuffled(rng, [row[f"choice_{letter}"] for letter in "abcd"])
    wrong = _shuffled(rng, row["negative_answers"])[:NUM_WRONG]
    return _shuffled(rng, [*wrong, row["answer"]])


def _shuffled(rng: Random, items: Sequence[str]) -> list[str]:
    return sorted(items, key=lambda _: rng.random())


FORMAT = Format(
    name="seed_bench_r1",
    columns=("question", "answer", "task_progress_metadata", "current_observation_basename"),
    read=_read,
    image_folders=(".", ".."),
    origin="TencentARC/SEED-Bench-R1, src/open_r1_egoplan/grpo.py, fe726e5",
)
