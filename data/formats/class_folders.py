"""Pictures in folders that are called like their classes: `[train/]tabby cat/x.jpg`.

The classes are the folders of the split; `_` in their names is a space.  A question lists CLS-RL's
share of them: SHARE of all, drawn by the seed, or all where that is fewer than FEW, and at most
MANY, always with the right one.

The rule was read in CLS-RL (github.com/minglllli/CLS-RL, commit 0dc42e0): few-shot-data.ipynb,
for the rows that are not for base and new classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from vlrl.contracts import Source
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import PICTURES, TABLES, Stored, stored_rows

SHARE, FEW, MANY = 0.4, 30, 100
QUESTION = "What is in the picture?"


def _rows(path: Path, source: Source) -> Iterator[Stored] | None:
    if not path.is_dir():
        return None
    suffixes = {file.suffix.lower() for file in path.rglob("*") if file.is_file()}
    in_folders = any(file.suffix.lower() in PICTURES for file in path.glob("*/**/*"))
    return _with_choices(source) if in_folders and not suffixes & {*TABLES} else None


def _with_choices(source: Source) -> Iterator[Stored]:
    stored = list(stored_rows(source))
    classes = sorted({_name(row) for row in stored})
    for row in stored:
        rng = Random(f"{source.seed}/{row.name}")
        cells = {"name": _name(row), "classes": choices(_name(row), classes, rng)}
        yield replace(row, cells={**row.cells, **cells})


def _name(row: Stored) -> str:
    return row.cells["label"].replace("_", " ")


def choices(right: str, classes: Sequence[str], rng: Random) -> list[str]:
    """The names to choose from, `right` among them, in an order that tells nothing."""
    share = int(SHARE * len(classes))
    num_choices = min(len(classes) if share < FEW else share, MANY)
    others = sorted((each for each in classes if each != right), key=lambda _: rng.random())
    return sorted([right, *others[: num_choices - 1]])


def _read(row: Row) -> Fields:
    return {
        "image": row["image"],
        "question": QUESTION,
        "target": row["name"],
        "meta": {"classes": row["classes"]},
    }


FORMAT = Format(
    name="class_folders",
    columns=("image", "label", "name", "classes"),
    read=_read,
    rows=_rows,
    proof="loader-run",
    origin="rows of your own",
)
