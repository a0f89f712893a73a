"""Rows of a source, whatever holds them: a folder or file (parquet, jsonl, json, csv, arrow), or a data set of the hub.

A `Format` recognises its rows by their columns and turns one row into the fields of a sample.  What cannot be read
becomes a BadRow that names file, row and cure; nothing is replaced or guessed.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlrl.contracts import BadRow, Sample, Source, UserError, Value
from vlrl.media import UnreadableMedia, image_reference, image_size

Row = Mapping[str, Any]
TABLES = (".parquet", ".jsonl", ".json", ".csv", ".arrow")


@dataclass(frozen=True, kw_only=True)
class Format:
    """A published layout of rows: its columns, and the function that reads one of them."""

    name: str
    columns: tuple[str, ...]
    read: Callable[[Row], dict[str, Any]]
    """Row -> {"question", "target" (as text), "image" and optionally "reasoning"}; raises ValueError with the reason."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a row stands."""

    file: str
    row: int
    folder: Path | None = None


def is_world(source: Source) -> bool:
    return source.spec.split(":")[0].split("@")[0] == "world" and not Path(source.spec).exists()


def read(
    source: Source,
    formats: Sequence[Format],
    *,
    task: str,
    parse_target: Callable[[str], Value | None],
) -> Iterator[Sample | BadRow]:
    """Samples of the source in whichever of the formats its columns show.  Raises UserError where none fits."""
    fitting: Format | None = None
    for place, row in raw_rows(source):
        if isinstance(row, str):
            yield BadRow(
                file=place.file, row=place.row, reason=row, cure="correct or remove the row"
            )
            continue
        row = {ours: row.get(theirs) for ours, theirs in source.columns.items()} | dict(row)
        fitting = fitting or _fitting(formats, row, place)
        yield _sample(fitting, row, place, task, parse_target)


def _fitting(formats: Sequence[Format], row: Row, place: Place) -> Format:
    for each in formats:
        if set(each.columns) <= set(row):
            return each
    wanted = " or ".join(", ".join(each.columns) for each in formats)
    raise UserError(
        f"{place.file}: the columns are {', '.join(map(str, row))}; expected {wanted}; "
        f"name yours in the recipe: data: {{columns: {{{formats[0].columns[0]}: your_name}}}}"
    )


def _sample(
    fitting: Format, row: Row, place: Place, task: str, parse_target: Callable[[str], Value | None]
) -> Sample | BadRow:
    try:
        fields = fitting.read(row)
        target = parse_target(fields["target"])
        if target is None:
            raise ValueError(f"the target {str(fields['target'])[:80]!r} cannot be read")
        image = image_reference(
            fields["image"], name=f"{place.file}:{place.row}", folder=place.folder
        )
        return Sample(
            id=str(row.get("id") or f"{Path(place.file).name}:{place.row}"),
            task=task,
            question=fields["question"],
            target=target,
            media=(image,),
            image_size=image_size(image),
            reasoning=fields.get("reasoning"),
        )
    except UnreadableMedia as error:
        reason, _, cure = str(error).rpartition("; ")
    except (ValueError, TypeError, KeyError) as error:
        reason, cure = str(error), "correct or remove the row"
    return BadRow(file=place.file, row=place.row, reason=reason, cure=cure)


def raw_rows(source: Source) -> Iterator[tuple[Place, Row | str]]:
    """Every row with its place; text in place of a row says why it cannot be read."""
    path = Path(source.spec)
    if not path.exists():
        return _hub_rows(source)
    if path.is_file():
        return _file_rows(path)
    if (path / "dataset_info.json").is_file() or (path / "dataset_dict.json").is_file():
        return _saved_rows(path, source.role)
    files = sorted(file for file in path.rglob("*") if file.suffix in TABLES)
    if not files:
        raise UserError(f"{path}: no {', '.join(TABLES)} file in this folder")
    return (row for file in files for row in _file_rows(file))


def _file_rows(path: Path) -> Iterator[tuple[Place, Row | str]]:
    readers = {
        ".jsonl": _jsonl,
        ".json": _json,
        ".csv": _csv,
        ".parquet": _parquet,
        ".arrow": _arrow,
    }
    if path.suffix not in readers:
        raise UserError(f"{path}: no known kind of table; expected {', '.join(TABLES)}")
    for number, row in enumerate(readers[path.suffix](path), start=1):
        yield Place(file=str(path), row=number, folder=path.parent), row


def _jsonl(path: Path) -> Iterator[Row | str]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                row = f"no valid JSON ({error})"
            yield row if isinstance(row, dict | str) else f"no JSON object but {type(row).__name__}"


def _json(path: Path) -> Iterator[Row | str]:
    try:
        rows = json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: no valid JSON ({error})") from error
    if not isinstance(rows, list):
        raise UserError(f"{path}: expected a list of rows, got {type(rows).__name__}")
    return (row if isinstance(row, dict) else "no JSON object" for row in rows)


def _csv(path: Path) -> Iterator[Row | str]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines)


def _parquet(path: Path) -> Iterator[Row | str]:
    import pyarrow.parquet

    for batch in pyarrow.parquet.ParquetFile(path).iter_batches(batch_size=256):
        yield from batch.to_pylist()


def _arrow(path: Path) -> Iterator[Row | str]:
    from datasets import Dataset

    yield from _undecoded(Dataset.from_file(str(path)))


def _saved_rows(path: Path, role: str) -> Iterator[tuple[Place, Row | str]]:
    from datasets import DatasetDict, load_from_disk

    saved = load_from_disk(str(path))
    if isinstance(saved, DatasetDict):
        saved = saved.get(role) or saved.get("train") or next(iter(saved.values()))
    for number, row in enumerate(_undecoded(saved), start=1):
        yield Place(file=str(path), row=number, folder=path), row


def _hub_rows(source: Source) -> Iterator[tuple[Place, Row | str]]:
    """`id[:config][@split]`; without a split the role's own, else `train`."""
    from datasets import get_dataset_split_names, load_dataset

    name, _, split = source.spec.partition("@")
    name, _, config = name.partition(":")
    try:
        if not split:
            names = get_dataset_split_names(name, config or None)
            split = source.role if source.role in names else "train"
        loaded = load_dataset(name, config or None, split=split)
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"source {source.spec!r}: neither a path here nor a data set of the hub that can be read ({reason}); "
            "check the spelling and the connection, or give the path of a local copy"
        ) from error
    for number, row in enumerate(_undecoded(loaded), start=1):
        yield Place(file=f"{name}@{split}", row=number), row


def _undecoded(table: Any) -> Any:
    """The table with its images left as bytes: they are decoded when asked for, once."""
    from datasets import Image

    for column, feature in table.features.items():
        if isinstance(feature, Image):
            table = table.cast_column(column, Image(decode=False))
    return table
