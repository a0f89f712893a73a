"""RAVDESS as published: a folder of videos whose names say what they show.

    Actor_12/01-01-06-01-02-01-12.mp4
        modality (01 with sound, 02 pictures alone), channel (01 speech, 02 song), emotion (01-08),
        intensity, statement, repetition, actor

The 2,452 videos with sound are read, those without repeat them.  Known by the description of the
data set (zenodo.org/records/1188976); R1-Omni's list of those it was tested on is not published.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from vlrl.contracts import Source
from vlrl.data.formats.emotions import RAVDESS, fields
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import Stored

_NAME = re.compile(r"01(-\d\d){6}")
CHANNELS = {"01": "speech", "02": "song"}


def _read(row: Row) -> Fields:
    _, channel, emotion, *_ = Path(row["video"]).stem.split("-")
    number = int(emotion)
    if not 1 <= number <= len(RAVDESS):
        raise ValueError(f"the emotion {emotion} is no number from 01 to 0{len(RAVDESS)}")
    found = fields(RAVDESS[number - 1], RAVDESS)
    about = {**found["meta"], "channel": CHANNELS.get(channel, channel)}
    return {"video": row["video"], **found, "meta": about}


def _rows(path: Path, source: Source) -> Iterator[Stored] | None:
    found = sorted(path.rglob("*.mp4")) if path.is_dir() else []
    files = [file for file in found if _NAME.fullmatch(file.stem)]
    return _stored(path, files) if files else None


def _stored(folder: Path, files: list[Path]) -> Iterator[Stored]:
    for number, file in enumerate(files, start=1):
        name = file.relative_to(folder).as_posix()
        place = {"file": str(folder), "number": number, "name": name}
        yield Stored.of({"video": name}, folder=folder, **place)


FORMAT = Format(
    name="ravdess",
    columns=("video",),
    read=_read,
    rows=_rows,
    proof="description-only",
    origin="zenodo.org/records/1188976",
)
