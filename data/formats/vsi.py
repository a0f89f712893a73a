"""VSI-Bench, its descriptions of scenes, and VSI-100k, which vsGRPO trains on.

| format | columns |
|---|---|
| `vsi_bench` | `id, dataset, scene_name, question_type, question, options, ground_truth` |
| `vsi_100k` | `scene_name, question_type, question, ground_truth` (no options) |
| `vsi_scenes` | {scene: {`dataset, room_size, object_counts, object_bbox`, ...}}, `.json` files |

The video of a row is `{dataset}/{scene_name}.mp4`, as the zip files of VSI-Bench unpack beside
`test.jsonl`; the columns on the hub hold no video, so a local copy is read.  The rows of VSI-100k
come without videos: those of ScanNet are to lie in `scannet/` beside them.

Of a scene that is described, one question of every subtask is drawn that it offers one for (see
`world/spatial_questions.py`); another seed draws others.

`meta["subtask"]` is one of ten raw types, `meta["group"]` one of the eight that VSI-Bench's score
is the mean of: the three levels of `object_rel_direction` are one group, and count alike in it.
Four groups ask for numbers, in metres, centimetres, square metres or pieces; `options` is null
there.  In the others it is ["A. left", "B. right", ...] and `ground_truth` a letter; VSI-100k has
the text of the option.
VSI-100k measures from centre to centre, VSI-Bench between closest points.

`vsi_bench` loader-run: lmms_eval/tasks/vsibench/utils.py of thinking-in-space
(github.com/vision-x-nyu/thinking-in-space, commit 51e089c), whose data/meta_info are the files of
`vsi_scenes`.  `vsi_100k` is known by the description
in its paper (arxiv.org/abs/2504.00883) alone; a recipe may name columns that are called otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

from vlrl.contracts import Source
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import Stored, json_file
from vlrl.data.world.spatial_questions import Question, questions
from vlrl.rewards import choice, number

UNITS = {
    "object_abs_distance": "m",
    "object_counting": "",
    "object_size_estimation": "cm",
    "room_size_estimation": "m2",
}
CHOICES = (
    *("object_rel_direction_easy", "object_rel_direction_medium", "object_rel_direction_hard"),
    *("object_rel_distance", "route_planning", "obj_appearance_order"),
)
COLUMNS = ("dataset", "scene_name", "question_type", "question", "options", "ground_truth")
DIRECTION = "object_rel_direction"  # of three levels
HEAD_BYTES = 100_000  # in which a file of descriptions names its first box

_LETTER = re.compile(r"\A[A-Z]\. ?")


def _read(row: Row) -> Fields:
    kind = row["question_type"]
    if kind not in (*UNITS, *CHOICES):
        raise ValueError(f"the question_type {kind!r} is none of VSI-Bench's")
    answer = _number(row) if kind in UNITS else _choice(row)
    return _fields(row, answer, UNITS.get(kind, ""))


def _read_open(row: Row) -> Fields:
    gold = str(row["ground_truth"]).strip()
    value = number.parse(gold)
    if value is None and not gold:
        raise ValueError("there is no ground_truth")
    answer = {"target": gold, "kind": "label"} if value is None else _number(row)
    return _fields(row, answer, UNITS.get(row["question_type"], ""))


def _fields(row: Row, answer: Fields, unit: str) -> Fields:
    subtask = row["question_type"]
    group = DIRECTION if subtask.startswith(DIRECTION) else subtask
    return {
        "video": f"{row.get('dataset') or 'scannet'}/{row['scene_name']}.mp4",
        "question": row["question"],
        "meta": {"subtask": subtask, "group": group, "unit": unit, "scene": row["scene_name"]},
        "reasoning": row.get("reasoning"),
        **answer,
    }


def _number(row: Row) -> Fields:
    value = number.parse(str(row["ground_truth"]))
    if value is None or value <= 0:
        raise ValueError(f"the ground_truth {row['ground_truth']!r} is no number above 0")
    return {"target": value, "kind": "number"}


def _choice(row: Row) -> Fields:
    options = [_LETTER.sub("", option) for option in row["options"] or ()]
    letter = choice.parse(str(row["ground_truth"]), options)
    if letter is None:
        raise ValueError(f"the ground_truth {row['ground_truth']!r} is none of {options}")
    return {"target": letter, "kind": "choice", "options": options}


def _scenes(path: Path, source: Source) -> Iterator[Stored] | None:
    files = [path] if path.is_file() else sorted(path.glob("*.json"))
    described = [file for file in files if file.suffix == ".json" and _describes(file)]
    return chain.from_iterable(_asked(file, source) for file in described) if described else None


def _describes(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return b'"object_bbox"' in file.read(HEAD_BYTES)


def _asked(path: Path, source: Source) -> Iterator[Stored]:
    """Rows of VSI-Bench about every scene of the file."""
    scenes = json_file(path)
    if isinstance(scenes, str):
        yield Stored.of(scenes, file=str(path), number=1, name=path.name)
        return
    for place, (name, scene) in enumerate(scenes.items(), start=1):
        for cells in _about(name, scene, source.seed):
            subtask = "" if isinstance(cells, str) else cells["question_type"]
            yield Stored.of(
                cells,
                file=str(path),
                number=place,
                name=f"{path.name}:{name}/{subtask}",
                folder=path.parent,
            )


def _about(name: str, scene: Any, seed: int) -> list[Row | str]:
    """The cells of each question about the scene, or what is wrong with it."""
    try:
        found = questions(scene, Random(f"{name}/{seed}"))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return [f"{name} is no description of a scene ({error!r})"]
    return [_cells(question, name, scene.get("dataset")) for question in found]


def _cells(question: Question, scene: str, dataset: str | None) -> Row:
    letters = zip("ABCD", question.options, strict=False)
    return {
        "dataset": dataset,
        "scene_name": scene,
        "question_type": question.subtask,
        "question": question.text,
        "options": [f"{letter}. {option}" for letter, option in letters] or None,
        "ground_truth": str(question.target),
        "reasoning": question.reasoning,
    }


BENCH = Format(
    name="vsi_bench",
    columns=COLUMNS,
    read=_read,
    proof="loader-run",
    origin="vision-x-nyu/thinking-in-space, lmms_eval/tasks/vsibench/utils.py, 51e089c",
)
TRAIN = Format(
    name="vsi_100k",
    columns=("scene_name", "question_type", "question", "ground_truth"),
    read=_read_open,
    proof="description-only",
    origin="arxiv.org/abs/2504.00883",
)
SCENES = Format(
    name="vsi_scenes",
    columns=COLUMNS,
    read=_read,
    rows=_scenes,
    origin="vision-x-nyu/thinking-in-space, data/meta_info, 51e089c",
)
