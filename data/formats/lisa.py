"""LISA-Grounding from the files of ReasonSeg: a folder of `name.jpg` and `name.json` pairs.

    {"shapes": [{"label": "target", "points": [[x, y], ...]}, ...], "text": ["...", ...],
     "is_sentence": true}

The box is that of the points of the first shape, whatever its label and however many there are:
so the published boxes were made.  Every text is a row.  `ReasonSeg/train`, `val` and `test` are
splits.  `lisa_test.json` of VLM-R1 holds the same with the boxes already made (`vlm_r1.py`).

Read in Visual-RFT (github.com/Liuziyu77/Visual-RFT, commit 9486633):
lisa_evaluation/gen_box_ann.py, which reads our sample once it is all UTF-8, and gen_sft.py; the
encoding, UTF-8 or cp1252, in LISA (github.com/dvlab-research/LISA, commit 3cb2d43):
utils/data_processing.py, which reads it as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vlrl.contracts import Source
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import Stored, choose_split, json_file, path_and_split

SPLITS = ("train", "val", "test")
QUESTION = 'Which region is meant here: "{}"?'


def rows(path: Path, source: Source) -> Iterator[Stored] | None:
    split = path_and_split(source.spec)[1]
    folders = {name: path / name for name in SPLITS if _pairs(path / name)}
    if folders:
        return _texts(folders[choose_split(folders, split, source)])
    return _texts(path) if _pairs(path) and not split else None


def _pairs(folder: Path) -> list[Path]:
    """The JSON files that have a picture of their name beside them."""
    return sorted(file for file in folder.glob("*.json") if file.with_suffix(".jpg").is_file())


def _texts(folder: Path) -> Iterator[Stored]:
    for file in _pairs(folder):
        for number, cells in enumerate(_cells(file), start=1):
            name = f"{file.name}:{number}"
            yield Stored.of(cells, file=str(file), number=number, name=name, folder=folder)


def _cells(file: Path) -> list[Row | str]:
    """The cells for each text of a pair, or what is wrong with it."""
    found = json_file(file, _decoded)
    if isinstance(found, str):
        return [found]
    texts = found.get("text")
    if not isinstance(texts, list) or not texts:
        return ["it holds no list of texts"]
    image = file.with_suffix(".jpg").name
    return [{**found, "text": text, "image": image} for text in texts]


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252")


def _read(row: Row) -> Fields:
    points = row["shapes"][0]["points"]
    xs, ys = zip(*points, strict=True)
    return {
        "image": row["image"],
        "question": QUESTION.format(row["text"]),
        "target": [min(xs), min(ys), max(xs), max(ys)],
    }


FORMAT = Format(
    name="lisa_grounding",
    columns=("image", "shapes", "text"),
    read=_read,
    rows=rows,
    proof="loader-run",
    origin="Liuziyu77/Visual-RFT, lisa_evaluation/gen_box_ann.py, 9486633",
)
