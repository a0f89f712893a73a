"""MAFW as published: text files with the name of a clip and its emotion in every line.

    single/no_caption/set_1/train.txt, single/no_caption/set_1/test.txt (five folds)
        00025.mp4 anger

Emotions are nouns here.  The clips lie in `clips/` or `videos/` beside the lines or beside the
folder that `single/` is in.

Read in MAE-DFER (github.com/sunlicai/MAE-DFER, commit 80b651d): preprocess/mafw.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from vlrl.contracts import Source
from vlrl.data.formats.emotions import MAFW, fields
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import Stored

_LINE = re.compile(r"(\S+\.mp4) ([a-z]+)")
_ABOVE = ("", "../../../", "../../../../")


def _read(row: Row) -> Fields:
    return {"video": row["video"], **fields(row["emotion"], MAFW)}


def _rows(path: Path, source: Source) -> Iterator[Stored] | None:
    if not path.is_file() or path.suffix != ".txt":
        return None
    lines = path.read_text("utf-8", "replace").splitlines()
    is_mafw = any(map(_LINE.fullmatch, lines[:20]))
    return _stored(path, lines) if is_mafw else None


def _stored(path: Path, lines: list[str]) -> Iterator[Stored]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        cells = (
            {"video": match[1], "emotion": match[2]}
            if match
            else f"{line[:80]!r} is no CLIP.mp4 EMOTION"
        )
        place = {"file": str(path), "number": number, "name": f"{path.name}:{number}"}
        yield Stored.of(cells, folder=path.parent, **place)


FORMAT = Format(
    name="mafw",
    columns=("video", "emotion"),
    read=_read,
    rows=_rows,
    image_folders=tuple(
        f"{above}{folder}" for above in _ABOVE for folder in ("clips", "videos", ".")
    ),
    origin="sunlicai/MAE-DFER, preprocess/mafw.py, 80b651d",
)
