"""TempCompass: questions about 410 videos, in a file for each way of asking.

    questions/multi-choice.json, yes_no.json, caption_matching.json
        {"1034419625": {"direction": [{"question": "Which way ...?\\nA. ...\\nB. ...",
                                       "answer": "B. ..."}, ...], "action": [...]}, ...}

Five aspects: action, direction, speed, order, attribute_change.  Options stand in the question, a
line each: `A. ...`, or `Caption A: ...`, `Sentence A: ...`, `Option 1: ...` where one of two
captions fits.  `captioning.json` wants a sentence and is left out.  Videos are `videos/ID.mp4`
beside `questions/`.

Read in Time-R1 (github.com/xiaomi-research/time-r1, commit 7f2b594):
src/vllm_inference/data/data_loader.py, which reads our sample; and the files themselves
(github.com/llyx97/TempCompass, commit e1b4631), of which every row is read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from vlrl.contracts import Source
from vlrl.data.formats import options
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import Stored, json_file

FILES = ("multi-choice", "yes_no", "caption_matching", "captioning")
_NAME = re.compile(r"\A(?:Caption|Sentence|Option) \w: *")


def _rows(path: Path, source: Source) -> Iterator[Stored] | None:
    files = (
        [path] if path.is_file() else sorted((*path.glob("*.json"), *path.glob("questions/*.json")))
    )
    files = [file for file in files if file.stem in FILES and file.suffix == ".json"]
    return chain.from_iterable(map(_asked, files)) if files else None


def _asked(file: Path) -> Iterator[Stored]:
    videos = json_file(file)
    if isinstance(videos, str):
        yield Stored.of(videos, file=str(file), number=1, name=file.name)
        return
    for number, (video, aspects) in enumerate(videos.items(), start=1):
        for place, cells in enumerate(_questions(video, aspects), start=1):
            name = f"{file.name}:{video}/{place}"
            found = {**cells, "video": f"{video}.mp4", "file": file.stem}
            yield Stored.of(found, file=str(file), number=number, name=name, folder=file.parent)


def _questions(video: str, aspects: dict[str, list[dict[str, Any]]]) -> Iterator[Row]:
    for aspect, questions in aspects.items():
        for question in questions:
            yield {"aspect": aspect, **question}


def _read(row: Row) -> Fields | None:
    if row["file"] == "captioning":
        return None
    asked, *lines = row["question"].splitlines()
    meta = {"subtask": row["aspect"], "group": row["file"]}
    if row["file"] == "yes_no":
        answer = {"target": row["answer"], "kind": "label"}
        meta["classes"] = ["yes", "no"]
    elif row["file"] == "multi-choice":
        answer = options.by_letter(row["answer"], options.texts(lines))
    else:
        captions = [_NAME.sub("", line) for line in lines]
        answer = options.by_text(_NAME.sub("", row["answer"]), captions)
    return {"video": row["video"], "question": asked, "meta": meta, **answer}


FORMAT = Format(
    name="tempcompass",
    columns=("video", "question", "answer", "aspect", "file"),
    read=_read,
    rows=_rows,
    image_folders=("../videos", "videos"),
    proof="loader-run",
    origin="xiaomi-research/time-r1, src/vllm_inference/data/data_loader.py, 7f2b594",
)
