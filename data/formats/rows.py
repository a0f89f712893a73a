"""Samples from the rows of a source.

A `Format` recognises its rows by their columns and turns one row into the fields of a sample.  What
cannot be read becomes a BadRow that names file, row and cure; nothing is replaced or guessed.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from vlrl.contracts import BadRow, Media, Sample, Source, UserError, Value
from vlrl.data.formats.tables import Row, Stored, stored_rows
from vlrl.media import (
    ImageBytes,
    ImageOnDemand,
    UnreadableMedia,
    image_reference,
    whole_image_size,
)


@dataclass(frozen=True, kw_only=True)
class Format:
    """A published layout of rows: its columns, and the function that reads one of them.

    `read`: row -> {"image", "question", "target" (as text) and optionally "reasoning"}; raises
    ValueError with the reason where it cannot.  `image_folders`: where the paths of images start,
    relative to the file; the first that holds the image counts.
    """

    name: str
    columns: tuple[str, ...]
    read: Callable[[Row], dict[str, Any]]
    image_folders: tuple[str, ...] = (".",)


def is_world(source: Source) -> bool:
    return source.spec.split(":")[0].split("@")[0] == "world" and not Path(source.spec).exists()


def read(
    source: Source,
    formats: Sequence[Format],
    *,
    task: str,
    parse_target: Callable[[str], Value | None],
) -> Iterator[Sample | BadRow]:
    """Samples of the source in whichever of the formats its columns show.

    `parse_target` gives the value that a target's text states, None where it states none.  Raises
    UserError where no format fits the columns, or `source.columns` names one that is not there.
    """
    fitting: Format | None = None
    for row in stored_rows(source):
        if row.problem:
            yield _bad(row, row.problem, row.cure)
            continue
        fitting = fitting or _fitting(formats, row, source)
        try:
            yield _sample(row, fitting, source, task, parse_target)
        except UnreadableMedia as error:
            yield _bad(row, error.reason, error.cure)
        except ValueError as error:
            yield _bad(row, str(error), row.cure)
        except Exception as error:  # a format's own `read` may stumble over anything
            yield _bad(row, f"{type(error).__name__}: {error}", row.cure)


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
    for each in formats:
        if set(each.columns) <= set(cells):
            return each
    wanted = " or ".join(", ".join(each.columns) for each in formats)
    raise UserError(
        f"{row.file}: the columns are {', '.join(there)}; expected {wanted}; "
        f"name yours in the recipe: data: {{columns: {{{formats[0].columns[0]}: your_name}}}}"
    )


def _named(cells: Row, source: Source) -> Row:
    """The cells under our names for them; what an image folder calls `file_name` is the image."""
    mapped = {ours: cells[theirs] for ours, theirs in source.columns.items() if theirs in cells}
    image = {"image": cells["file_name"]} if "file_name" in cells else {}
    return {**image, **cells, **mapped}


def _sample(
    row: Stored,
    fitting: Format,
    source: Source,
    task: str,
    parse_target: Callable[[str], Value | None],
) -> Sample:
    cells = _named(row.cells, source)
    for name in fitting.columns:
        if name not in cells:
            raise ValueError(f"it has no {source.columns.get(name, name)!r}")
    fields = fitting.read(cells)
    target = parse_target(fields["target"])
    if target is None:
        raise ValueError(f"the target {reprlib.repr(fields['target'])} cannot be read")
    image = _image(row, fitting, source, fields["image"])
    return Sample(
        id=row.name,
        task=task,
        question=_text(fields["question"]),
        target=target,
        media=(image,),
        image_size=whole_image_size(image),
        reasoning=fields.get("reasoning"),
        meta={"id": cells["id"]} if "id" in cells else {},
    )


def _text(question: Any) -> str:
    if not isinstance(question, str) or not question.strip():
        raise ValueError(f"no question in it but {reprlib.repr(question)}")
    question.encode()  # refuses half characters, which no tokenizer takes
    return question


def _image(row: Stored, fitting: Format, source: Source, value: Any) -> Media:
    """A reference to the image; one that a table on disk holds is not kept in memory."""
    folders = [row.folder / folder for folder in fitting.image_folders]
    image = image_reference(value, name=row.name, folders=folders)
    if row.again is None or not isinstance(image, ImageBytes):
        return image
    return ImageOnDemand(image.key, partial(_open_again, row.again, fitting, source), row.name)


def _open_again(again: Callable[[], Row], fitting: Format, source: Source) -> Any:
    value = fitting.read(_named(again(), source))["image"]
    return image_reference(value, name="").open()


def _bad(row: Stored, reason: str, cure: str) -> BadRow:
    return BadRow(file=row.file, row=row.number, reason=" ".join(reason.split()), cure=cure)
