r"""Geometry3K: one folder for each problem, or the rows of hiyouga/geometry3k.

| format | layout |
|---|---|
| `geometry3k` | `[train|val|test/]N/{data.json, img_diagram.png}` |
| `geometry3k_rows` | `images, problem, answer`: `<image>Find x.`, LaTeX such as `2 \sqrt { 221 }` |

`data.json` holds `compact_text, choices, answer` (a letter).

Read in Inter-GPS (github.com/lupantech/InterGPS, commit 99e6b52: annotation_tool/data_collection,
its app.py and data_examples, and symbolic_solver/sub_acc.py for `data_type`, which is the split).
The columns of the rows are those that EasyR1 and lmms-eval read; they are known by description.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vlrl.contracts import Source
from vlrl.data.formats import golds
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import Stored, choose_split, json_file, path_and_split

SPLITS = ("train", "val", "test")
PICTURE = "img_diagram.png"


def _rows(path: Path, source: Source) -> Iterator[Stored] | None:
    """The problems of a folder that holds them, or of its subfolder for the split."""
    splits = [name for name in SPLITS if (path / name).is_dir()]
    if splits and any(path.glob(f"*/*/{PICTURE}")):
        split = path_and_split(source.spec)[1]
        return _problems(path / choose_split(splits, split, source), path)
    return _problems(path, path) if any(path.glob(f"*/{PICTURE}")) else None


def _problems(folder: Path, root: Path) -> Iterator[Stored]:
    files = folder.glob("*/data.json")
    for file in sorted(files, key=lambda file: (len(file.parent.name), file.parent.name)):
        name = file.relative_to(root).as_posix()
        place = {"file": str(file), "number": 1, "name": name, "folder": file.parent}
        yield Stored.of(json_file(file), **place)


def _read(row: Row) -> Fields:
    return {
        "image": PICTURE,
        "question": row["compact_text"],
        **golds.fields(row["answer"], options=row["choices"]),
    }


def _read_row(row: Row) -> Fields:
    return {
        "images": row["images"],
        "question": row["problem"],
        **golds.fields(row["answer"], options=golds.lettered(row["problem"], row["answer"])),
    }


FORMAT = Format(
    name="geometry3k",
    columns=("compact_text", "choices", "answer"),
    read=_read,
    rows=_rows,
    origin="lupantech/InterGPS, annotation_tool/data_collection/app.py, 99e6b52",
)
ROWS = Format(
    name="geometry3k_rows",
    columns=("images", "problem", "answer"),
    read=_read_row,
    proof="description-only",
    origin="huggingface.co/datasets/hiyouga/geometry3k",
)
