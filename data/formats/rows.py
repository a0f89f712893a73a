"""Samples from the rows of a source.

A `Format` recognises its rows and turns one row into the fields of a sample.  What cannot be read
becomes a BadRow that names file, row and cure; nothing is replaced or guessed.
"""

from __future__ import annotations

import logging
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Literal

from vlrl.contracts import BadRow, Media, Sample, Source, UserError, Value
from vlrl.data.formats.tables import Row, Stored, path_and_split, stored_rows, user_errors
from vlrl.media import (
    ImageBytes,
    ImageOnDemand,
    UnreadableMedia,
    image_reference,
    video_info,
    video_reference,
    whole_image_size,
)

log = logging.getLogger("vlrl")

Fields = Mapping[str, Any]
"""What a format reads from a row:

| field | what it is |
|---|---|
| `question` | text; `<image>` and `<video>` in it are the places of its media, in their order |
| `target` | what the task's `parse_target` reads: a text or the value itself |
| `image`, `images`, `video` | cells that `vlrl.media` refers to; leave out what there is not |
| `start_s, end_s, fps` | of the video, as in `video_reference`, where there are such |
| `duration` | of the video or its part, in seconds (default: as the file has it) |
| `kind, options, reasoning, rewards, meta` | as in `Sample`, where there are such |
| `id` | the publisher's name of the row, kept in `meta` (default: its cell `id`) |
"""

Proof = Literal["loader-run", "loader-read", "description-only"]
"""How sure we are of a layout: the original loader was run on our rows, was read, or is unseen."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """A published layout of rows.

    `read`: row -> fields; None for a sound row that asks something else than the task, which is
    left out and counted; raises ValueError with the reason for a broken one.
    `rows`: (path, source) -> the rows of what is no table, None where the path has another layout.
    A format with it is recognised by it, every other by its `columns`.  The split that is asked for
    is the second of `tables.path_and_split(source.spec)`; `tables.choose_split` chooses.
    `image_folders`: where the paths of media start, relative to the file; the first that holds the
    file counts.  `origin`: `owner/repo, path/to/file.py, commit` of the loader that defines the
    layout (`no commit stated` where it is unknown), the page that describes one that is known by
    description only, or `rows of your own`.
    """

    name: str
    columns: tuple[str, ...]
    read: Callable[[Row], Fields | None]
    origin: str
    image_folders: tuple[str, ...] = (".",)
    rows: Callable[[Path, Source], Iterator[Stored] | None] | None = None
    proof: Proof = "loader-read"


def is_world(source: Source) -> bool:
    return source.spec.split(":")[0].split("@")[0] == "world" and not Path(source.spec).exists()


def read(
    source: Source,
    formats: Sequence[Format],
    *,
    task: str,
    parse_target: Callable[[Any], Value | None] = lambda target: target,
    check: Callable[[Sample], Sample] = lambda sample: sample,
) -> Iterator[Sample | BadRow]:
    """Samples of the source in whichever of the formats it shows.

    `parse_target` gives the value that a target states, None where it states none; `check` the
    whole sample as the task wants it, or a ValueError with what is wrong.  Raises UserError where
    no format fits, or `source.columns` names a column that is not there.
    """
    reading = _Reading(source=source, task=task, parse_target=parse_target, check=check)
    fitting, stored = _recognised(formats, source)
    num_left_out = 0
    try:
        for row in stored:
            if row.problem:
                yield _bad(row, row.problem, row.cure)
                continue
            fitting = fitting or _fitting(formats, row, source)
            found = _sample_or_bad(row, fitting, reading)
            if found is None:
                num_left_out += 1
            else:
                yield found
    finally:
        if num_left_out:
            log.info(
                "%s: %d rows ask something else than %s and are left out",
                source.spec, num_left_out, task,
            )  # fmt: skip


def _recognised(
    formats: Sequence[Format], source: Source
) -> tuple[Format | None, Iterator[Stored]]:
    """The rows, and their format where it is not to be recognised by columns."""
    path, _ = path_and_split(source.spec)
    for each in formats:
        stored = each.rows(path, source) if path and each.rows else None
        if stored is not None:
            return each, _guarded(stored, path)
    return None, stored_rows(source)


def _guarded(stored: Iterator[Stored], path: Path | None) -> Iterator[Stored]:
    with user_errors(f"{path} cannot be read", "replace it by a whole copy"):
        yield from stored


def _fitting(formats: Sequence[Format], row: Stored, source: Source) -> Format:
    there = [str(name) for name in row.cells]
    for ours, theirs in source.columns.items():
        if theirs not in there:
            close = get_close_matches(theirs, there, n=1)
            cure = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(there)}"
            raise UserError(
                f"{row.file}: it has no column {theirs!r}, which data: {{columns: {{{ours}: "
                f"{theirs}}}}} names; {cure}"
            )
    cells = _named(row.cells, source)
    tables = [each for each in formats if each.rows is None]
    for each in tables:
        if set(each.columns) <= set(cells):
            return each
    wanted = " or ".join(", ".join(each.columns) for each in tables)
    wanted += "".join(f" or the files of {each.name}" for each in formats if each.rows)
    ours = next((name for each in tables for name in each.columns), "image")
    raise UserError(
        f"{row.file}: the columns are {', '.join(there)}; expected {wanted.removeprefix(' or ')}; "
        f"name yours in the recipe: data: {{columns: {{{ours}: your_name}}}}"
    )


def _named(cells: Row, source: Source) -> Row:
    """The cells under our names for them; what an image folder calls `file_name` is the image."""
    mapped = {ours: cells[theirs] for ours, theirs in source.columns.items() if theirs in cells}
    image = {"image": cells["file_name"]} if "file_name" in cells else {}
    return {**image, **cells, **mapped}


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What is the same for all rows."""

    source: Source
    task: str
    parse_target: Callable[[Any], Value | None]
    check: Callable[[Sample], Sample]


def _sample_or_bad(row: Stored, fitting: Format, reading: _Reading) -> Sample | BadRow | None:
    try:
        sample = _sample(row, fitting, reading)
        return None if sample is None else reading.check(sample)
    except UnreadableMedia as error:
        return _bad(row, error.reason, error.cure)
    except ValueError as error:
        return _bad(row, str(error), row.cure)
    except Exception as error:  # a format's own `read` may stumble over anything
        return _bad(row, f"{type(error).__name__}: {error}", row.cure)


def _sample(row: Stored, fitting: Format, reading: _Reading) -> Sample | None:
    source = reading.source
    cells = _named(row.cells, source)
    for name in fitting.columns:
        if name not in cells:
            raise ValueError(f"it has no {source.columns.get(name, name)!r}")
    fields = fitting.read(cells)
    if fields is None:
        return None
    target = reading.parse_target(fields["target"])
    if target is None:
        raise ValueError(f"the target {reprlib.repr(fields['target'])} cannot be read")
    images = _images(row, fitting, source, fields)
    sizes = [whole_image_size(image) for image in images]
    video = _video(row, fitting, fields)
    name = fields.get("id", cells.get("id"))
    return Sample(
        id=row.name,
        task=reading.task,
        question=_text(fields["question"]),
        target=target,
        media=(*images, *([] if video is None else [video])),
        kind=fields.get("kind"),
        reasoning=fields.get("reasoning"),
        options=tuple(fields["options"]) if fields.get("options") else None,
        image_size=sizes[0] if sizes else None,
        duration=fields.get("duration") if video is None else _duration(video, fields),
        rewards=fields.get("rewards"),
        meta={**({} if name is None else {"id": name}), **fields.get("meta", {})},
    )


def _text(question: Any) -> str:
    if not isinstance(question, str) or not question.strip():
        raise ValueError(f"no question in it but {reprlib.repr(question)}")
    question.encode()  # refuses half characters, which no tokenizer takes
    return question


def _images(row: Stored, fitting: Format, source: Source, fields: Fields) -> list[Media]:
    images: list[Media] = []
    for index, cell in enumerate(_image_cells(fields)):
        image = image_reference(cell, name=row.name, folders=_folders(row, fitting))
        if row.again is not None and isinstance(image, ImageBytes):  # a table on disk keeps it
            again = partial(_open_again, row.again, fitting, source, index)
            image = ImageOnDemand(image.key, again, row.name)
        images.append(image)
    return images


def _video(row: Stored, fitting: Format, fields: Fields) -> Media | None:
    if "video" not in fields:
        return None
    part = {name: fields[name] for name in ("start_s", "end_s", "fps") if name in fields}
    return video_reference(fields["video"], name=row.name, folders=_folders(row, fitting), **part)


def _duration(video: Media, fields: Fields) -> float:
    """Seconds; opens the video, so that one that cannot be read is found here."""
    whole_s = video_info(video).duration_s
    start_s = fields.get("start_s") or 0.0
    end_s = whole_s if fields.get("end_s") is None else min(fields["end_s"], whole_s)
    if start_s >= end_s:
        raise ValueError(f"nothing lies from {start_s:g} to {end_s:g} s; it lasts {whole_s:g} s")
    return fields.get("duration", end_s - start_s)


def _folders(row: Stored, fitting: Format) -> list[Path]:
    return [row.folder / folder for folder in fitting.image_folders]


def _image_cells(fields: Fields) -> list[Any]:
    return [fields["image"]] if "image" in fields else list(fields.get("images", ()))


def _open_again(again: Callable[[], Row], fitting: Format, source: Source, index: int) -> Any:
    fields = fitting.read(_named(again(), source))
    assert fields is not None  # the row was a sample before
    return image_reference(_image_cells(fields)[index], name="").open()


def _bad(row: Stored, reason: str, cure: str) -> BadRow:
    return BadRow(file=row.file, row=row.number, reason=" ".join(reason.split()), cure=cure)
