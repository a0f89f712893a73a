"""Charades-STA and ActivityNet Captions: sentences about segments of videos.

    charades_sta_test.txt       one segment a line, seconds
        3MSZA 24.3 30.4##person turn a light on.
    charades_test.json, train.json
        {"3MSZA": {"duration": 30.96, "timestamps": [[24.3, 30.4], ...], "sentences": ["...", ...]}}

The second is TimeZero's and Time-R1's layout of Charades-STA, and that of ActivityNet Captions;
some files say `video_duration`.  A video is `ID.mp4`, `.mkv` or `.webm` beside the file or in one
of `FOLDERS`.  Segments may end after their video (561 of 3,720 in Charades' test file by the
durations it states) or be reversed (4 of 12,408 in its training file): see `kinds/spans.py`, which
goes by the video itself.  TimeZero and Time-R1 use them as they are.

Read in Time-R1 (github.com/xiaomi-research/time-r1, commit 7f2b594):
src/vllm_inference/data/data_loader.py.  It reads our samples; of Charades' text file it joins
sentences to videos by name and takes the durations from a CSV file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from vlrl.contracts import Source
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import Stored, choose_split, json_file, path_and_split

QUESTION = 'From when to when does the video show this: "{}"?'
FOLDERS = (".", "videos", "..", "../videos", "../../videos", "../Charades_v1", "Charades_v1")
SUFFIXES = (".mp4", ".mkv", ".webm")
COLUMNS = ("video", "segment", "sentence")
HEAD_BYTES = 100_000  # in which a file shows its layout

_LINE = re.compile(r"(\S+) (\S+) (\S+?) ?##(.*)")
_SPLIT = re.compile(r"(?<![a-z])(train|val|test)(?![a-z])")


def question(sentence: str) -> str:
    """Raises ValueError where there is no sentence."""
    text = sentence.strip().removesuffix(".")
    if not text:
        raise ValueError("there is no sentence")
    return QUESTION.format(text)


def _read(row: Row) -> Fields:
    return {
        "video": row["video"],
        "question": question(row["sentence"]),
        "target": row["segment"],
        "meta": {"segment": row["segment"]},
    }


def _text_rows(path: Path, source: Source) -> Iterator[Stored] | None:
    return _rows(path, source, ".txt", _is_text, _lines)


def _json_rows(path: Path, source: Source) -> Iterator[Stored] | None:
    return _rows(path, source, ".json", _is_json, _sentences)


def _rows(
    path: Path,
    source: Source,
    suffix: str,
    fits: Callable[[bytes], bool],
    read: Callable[[Path], Iterator[Stored]],
) -> Iterator[Stored] | None:
    """The rows of the file, or of those files in the folder that are of the split."""
    files = [path] if path.is_file() else sorted(path.glob(f"*{suffix}"))
    files = [each for each in files if each.suffix == suffix and each.is_file()]
    files = [each for each in files if fits(_head(each))]
    splits = {file: match[1] for file in files if (match := _SPLIT.search(file.stem.lower()))}
    if path.is_dir() and splits:
        split = choose_split(set(splits.values()), path_and_split(source.spec)[1], source)
        files = [file for file in files if splits.get(file) == split]
    return chain.from_iterable(map(read, files)) if files else None


def _head(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(HEAD_BYTES)


def _is_text(head: bytes) -> bool:
    return _LINE.match(head.decode("utf-8", "replace")) is not None


def _is_json(head: bytes) -> bool:
    return head.lstrip().startswith(b"{") and b'"timestamps"' in head and b'"sentences"' in head


def _lines(file: Path) -> Iterator[Stored]:
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        if line.strip():
            place = {"file": str(file), "number": number, "name": f"{file.name}:{number}"}
            yield Stored.of(_line(file.parent, line), folder=file.parent, **place)


def _line(folder: Path, line: str) -> Row | str:
    match = _LINE.fullmatch(line)
    if match is None:
        return f"{line[:80]!r} is no VIDEO START END##SENTENCE"
    return {
        "video": _video(folder, match[1]),
        "segment": [match[2], match[3]],
        "sentence": match[4],
    }


def _sentences(file: Path) -> Iterator[Stored]:
    videos = json_file(file)
    if isinstance(videos, str):
        yield Stored.of(videos, file=str(file), number=1, name=file.name)
        return
    for number, (name, about) in enumerate(videos.items(), start=1):
        for place, cells in enumerate(_about(file.parent, name, about), start=1):
            row = {"file": str(file), "number": number, "name": f"{file.name}:{name}/{place}"}
            yield Stored.of(cells, folder=file.parent, **row)


def _about(folder: Path, name: str, about: Row) -> list[Row | str]:
    """The cells for each sentence about a video, or what is wrong with it."""
    try:
        pairs = list(zip(about["timestamps"], about["sentences"], strict=True))
    except (LookupError, TypeError, ValueError) as error:
        return [f"{name} has no sentence for each of its timestamps ({error!r})"]
    video = _video(folder, name)
    return [{"video": video, "segment": segment, "sentence": text} for segment, text in pairs]


def _video(folder: Path, name: str) -> str:
    """The name of its file, as far as there is one."""
    names = [f"{name}{suffix}" for suffix in SUFFIXES]
    there = (each for each in names for place in FOLDERS if (folder / place / each).is_file())
    return next(there, names[0])


TEXT = Format(
    name="charades_sta",
    columns=COLUMNS,
    read=_read,
    rows=_text_rows,
    image_folders=FOLDERS,
    proof="loader-run",
    origin="xiaomi-research/time-r1, src/vllm_inference/data/data_loader.py, 7f2b594",
)
JSON = Format(
    name="video_segments",
    columns=COLUMNS,
    read=_read,
    rows=_json_rows,
    image_folders=FOLDERS,
    proof="loader-run",
    origin="xiaomi-research/time-r1, src/vllm_inference/data/data_loader.py, 7f2b594",
)
