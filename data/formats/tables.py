"""Rows as they are stored: in a file, in a folder of files, or in a data set of the hub.

| holder | how it is read |
|---|---|
| `.jsonl`, `.json` (a list), `.csv`, `.tsv` | here; UTF-8, with or without a byte order mark |
| `.parquet`, `.arrow`, a folder of `save_to_disk`, a hub id `id[:config]` | by `datasets` |
| any other folder | its `metadata.*` files, else all its files of one kind: the first of TABLES |

`SOURCE@split` names a split. Without it the role of the source chooses, among the stored splits or,
in a folder, by the names of files and subfolders (`train-00000.parquet`, `val/metadata.jsonl`).
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from vlrl.contracts import Source, UserError

Row = Mapping[str, Any]

TABLES = (".parquet", ".arrow", ".jsonl", ".csv", ".tsv", ".json")
BATCH = 64  # rows in memory at a time
SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval"),
}
_SPLIT = re.compile(rf"(?<![a-z])({'|'.join('|'.join(each) for each in SPLITS.values())})(?![a-z])")
_SAVE_ANEW = "replace it or save it anew (text as UTF-8)"
_LOCAL_COPY = "check the spelling and the connection, or give the path of a local copy"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One row where it is stored."""

    cells: Row
    problem: str = ""  # why there are no cells to read
    cure: str = "correct or remove the row"
    file: str  # or data set
    number: int  # from 1; in a .jsonl the line
    name: str  # `file:number`, with the file's path inside the source: unique in it
    folder: Path = Path()  # paths in the row are relative to it
    again: Callable[[], Row] | None = None  # reads the cells anew, where nobody has to keep them


def stored_rows(source: Source) -> Iterator[Stored]:
    """Every row of the source.  Raises UserError where there is no such source, split or reader."""
    path, split = _path_and_split(source.spec)
    if path is None:
        return _hub_rows(source)
    if (path / "dataset_info.json").is_file() or (path / "dataset_dict.json").is_file():
        return _saved_rows(path, split, source)
    if path.is_dir():
        return _folder_rows(path, split, source)
    _refuse(split, source)
    return _file_rows(path, path.name)


def choose_split(names: Collection[str], split: str, source: Source) -> str:
    """`split` where one is asked for; else the role's; else the only one, except for training.

    Raises UserError where there is none such.
    """
    fitting = [name for name in ((split,) if split else SPLITS[source.role]) if name in names]
    if fitting:
        return fitting[0]
    if len(names) == 1 and not split and source.role != "train":
        return next(iter(names))
    base = source.spec.removesuffix(f"@{split}")
    known = sorted(names)
    best = (get_close_matches(split or source.role, known, n=1) or known)[0]
    raise UserError(
        f"{base}: there is no split {split or source.role!r} but {', '.join(known)}; "
        f"name one of them: {base}@{best}"
    )


def _refuse(split: str, source: Source) -> None:
    if split:
        raise UserError(f"{source.spec}: it has no splits; leave out @{split}")


def _path_and_split(spec: str) -> tuple[Path | None, str]:
    """The path that the spec names and its split, "" for none; no path where it may be a hub id."""
    base, _, split = spec.rpartition("@")
    for text, wanted in ((spec, ""), (base, split)):
        path = Path(text).expanduser()
        if text and path.exists():
            return path, wanted
    path = Path(spec).expanduser()
    if path.suffix in TABLES or path.is_absolute() or spec.startswith(".") or spec.count("/") > 1:
        beside = os.listdir(path.parent) if path.parent.is_dir() else []
        close = get_close_matches(path.name, beside, n=1)
        cure = f"did you mean {close[0]}?" if close else "correct the path"
        raise UserError(f"{spec}: there is no such file or folder; {cure}")
    return None, ""


def _folder_rows(folder: Path, split: str, source: Source) -> Iterator[Stored]:
    files = _tables_in(folder)
    if not files:
        raise UserError(f"{folder}: no rows in this folder; put a {', '.join(TABLES)} file into it")
    names = {file: file.relative_to(folder).as_posix() for file in files}
    splits = {file: match[1] for file in files if (match := _SPLIT.search(names[file].lower()))}
    if splits:
        chosen = choose_split(set(splits.values()), split, source)
        files = [file for file in files if splits.get(file) == chosen]
    else:
        _refuse(split, source)
    return (row for file in files for row in _file_rows(file, names[file]))


def _tables_in(folder: Path) -> list[Path]:
    """Files of one kind, sorted; nothing in hidden folders."""
    paths = {
        path
        for path in folder.rglob("*")
        if path.suffix in TABLES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
    paths = {path for path in paths if path.stem == "metadata"} or paths
    kinds = {path.suffix for path in paths}
    first = next((kind for kind in TABLES if kind in kinds), None)
    return sorted(path for path in paths if path.suffix == first)


def _file_rows(path: Path, name: str) -> Iterator[Stored]:
    readers = {
        ".jsonl": _jsonl,
        ".json": _json,
        ".csv": partial(_csv, delimiter=","),
        ".tsv": partial(_csv, delimiter="\t"),
        ".parquet": _table,
        ".arrow": _table,
    }
    if path.suffix not in readers:
        raise UserError(f"{path}: this is no table; give a {', '.join(TABLES)} file or a folder")
    found = False
    with _user_errors(f"{path} cannot be read", _SAVE_ANEW):
        rows = readers[path.suffix](path) if path.stat().st_size else iter(())
        for row in _stored(rows, str(path), name, path.parent):
            found = True
            yield row
    if not found:
        yield Stored(
            cells={},
            problem="the file holds no row",
            cure="fill or remove the file",
            file=str(path),
            number=1,
            name=f"{name}:1",
        )


Numbered = tuple[int, Row | str, Callable[[], Row] | None]
"""The number of a row, its cells or what is wrong with them, and what reads them again."""


def _stored(
    rows: Iterator[Numbered], file: str, name: str, folder: Path = Path()
) -> Iterator[Stored]:
    for number, cells, again in rows:
        yield Stored(
            cells={} if isinstance(cells, str) else cells,
            problem=cells if isinstance(cells, str) else "",
            file=file,
            number=number,
            name=f"{name}:{number}",
            folder=folder,
            again=again,
        )


def _jsonl(path: Path) -> Iterator[Numbered]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _object(line), None


def _object(line: bytes) -> Row | str:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"no valid JSON ({error})"
    return found if isinstance(found, dict) else f"no JSON object but {type(found).__name__}"


def _json(path: Path) -> Iterator[Numbered]:
    try:
        rows = json.loads(path.read_bytes())
    except ValueError as error:
        cure = "correct it; if every line is a row of its own, call the file .jsonl"
        raise UserError(f"{path}: no valid JSON ({error}); {cure}") from error
    if not isinstance(rows, list):
        raise UserError(f"{path}: no list of rows but {type(rows).__name__}; write [row, row, ...]")
    for number, row in enumerate(rows, start=1):
        kind = type(row).__name__
        yield number, row if isinstance(row, dict) else f"no JSON object but {kind}", None


def _csv(path: Path, delimiter: str) -> Iterator[Numbered]:
    csv.field_size_limit(2**31 - 1)  # a cell may hold a picture as base64
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines, delimiter=delimiter)
        for number in count(1):
            try:
                row = next(rows, None)
            except csv.Error as error:
                yield number, f"no valid row of a table ({error})", None
                continue
            if row is None:
                return
            yield number, "more cells than the header has" if None in row else row, None


def _table(path: Path) -> Iterator[Numbered]:
    """A parquet file is copied once to the cache, as an arrow file that is mapped into memory."""
    from datasets import Dataset

    if path.suffix == ".arrow":
        return _dataset(Dataset.from_file(str(path)))
    home = Path(os.environ.get("VLRL_HOME") or Path.home() / ".cache" / "vlrl")
    return _dataset(Dataset.from_parquet(str(path), cache_dir=str(home / "tables")))


def _dataset(table: Any) -> Iterator[Numbered]:
    """Rows of a `datasets.Dataset` with their cells as they are stored: pictures stay encoded."""
    stored = table.with_format("arrow")
    rows = (row for batch in stored.iter(batch_size=BATCH) for row in batch.to_pylist())
    for index, row in enumerate(rows):
        yield index + 1, row, partial(_row_of, stored, index)


def _row_of(stored: Any, index: int) -> Row:
    return stored[index].to_pylist()[0]


def _saved_rows(path: Path, split: str, source: Source) -> Iterator[Stored]:
    from datasets import DatasetDict, load_from_disk

    with _user_errors(f"{path} cannot be read", _SAVE_ANEW):
        saved = load_from_disk(str(path))
    if isinstance(saved, DatasetDict):
        saved = saved[choose_split([str(name) for name in saved], split, source)]
    else:
        _refuse(split, source)
    yield from _stored(_dataset(saved), str(path), path.name, path)


def _hub_rows(source: Source) -> Iterator[Stored]:
    from datasets import get_dataset_split_names, load_dataset

    name, _, split = source.spec.partition("@")
    name, _, config = name.partition(":")
    what = f"{source.spec}: no path here, and as a data set of the hub it cannot be read"
    with _user_errors(what, _LOCAL_COPY):
        split = split or choose_split(get_dataset_split_names(name, config or None), "", source)
        table = load_dataset(name, config or None, split=split)
    file = f"{name}@{split}"
    yield from _stored(_dataset(table), file, Path(file).name)


@contextmanager
def _user_errors(what: str, cure: str) -> Iterator[None]:
    """Whatever a library raises over a broken or missing file, as one line."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"{what} ({reason}); {cure}") from error
