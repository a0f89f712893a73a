"""Rows as they are stored: in a file, in a folder of files, or in a data set of the hub.

| holder | how it is read |
|---|---|
| `.jsonl`, `.json`, `.csv`, `.tsv` | here; UTF-8, with or without a byte order mark |
| `.parquet`, `.arrow`, a folder of `save_to_disk`, a hub id `id[:config]` | by `datasets` |
| a hub id with `take: first:N` | streamed: N rows are fetched and stay in memory |
| any other folder | its `metadata.*` files, else all its files of one kind: the first of TABLES |
| a folder of pictures alone | `image, label`: every picture and the name of its folder |

A `.json` file is a list of rows, an object with one list of rows in it (`{info, questions: [...]}`)
or an object of rows, whose keys are then the cells `id`.

`SOURCE@split` names a split. Without it the role of the source chooses, among the stored splits or,
in a folder, by the names of files and subfolders (`train-00000.parquet`, `val/metadata.jsonl`,
`test/LABEL/picture.png`).
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
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")
BATCH = 64  # rows in memory at a time
BATCH_BYTES = 2**23  # where they hold more, they leave their table one by one
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

    @classmethod
    def of(cls, found: Row | str, **place: Any) -> Stored:
        """The row of these cells, or with what is wrong with them; `place` are the other fields."""
        if isinstance(found, str):
            return cls(cells={}, problem=found, **place)
        return cls(cells=found, **place)


def stored_rows(source: Source) -> Iterator[Stored]:
    """Every row of the source.  Raises UserError where there is no such source, split or reader."""
    path, split = path_and_split(source.spec)
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


def path_and_split(spec: str) -> tuple[Path | None, str]:
    """The path that the spec names and its split, "" for none; no path where it may be a hub id."""
    base, _, split = spec.rpartition("@")
    for text, wanted in ((spec, ""), (base, split)):
        path = Path(text).expanduser()
        if text and path.exists():
            return path, wanted
    path = Path(spec).expanduser()
    is_path = path.is_absolute() or spec.startswith(".") or spec.count("/") > 1
    if is_path or path.suffix in (*TABLES, *ARCHIVES):
        beside = os.listdir(path.parent) if path.parent.is_dir() else []
        close = get_close_matches(path.name, beside, n=1)
        cure = f"did you mean {close[0]}?" if close else "correct the path"
        raise UserError(f"{spec}: there is no such file or folder; {cure}")
    return None, ""


def _folder_rows(folder: Path, split: str, source: Source) -> Iterator[Stored]:
    visible = _visible(folder)
    tables = _of_one_kind([path for path in visible if path.suffix in TABLES])
    pictures = [path for path in visible if path.suffix.lower() in PICTURES]
    if not tables and any(path.parent != folder for path in pictures):
        return _picture_rows(folder, pictures, split, source)
    if not tables:
        packed = [path.name for path in visible if path.suffix in ARCHIVES]
        cure = f"unpack {packed[0]}" if packed else f"put a {', '.join(TABLES)} file into it"
        raise UserError(f"{folder}: no rows in this folder; {cure}")
    names = {file: file.relative_to(folder).as_posix() for file in tables}
    splits = {file: match[1] for file in tables if (match := _SPLIT.search(names[file].lower()))}
    chosen = _of_split(tables, splits, split, source)
    return (row for file in chosen for row in _file_rows(file, names[file]))


def _visible(folder: Path) -> list[Path]:
    """Everything in the folder, sorted; nothing in hidden folders."""
    return sorted(
        path
        for path in folder.rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _of_one_kind(tables: list[Path]) -> list[Path]:
    tables = [path for path in tables if path.stem == "metadata"] or tables
    kinds = {path.suffix for path in tables}
    first = next((kind for kind in TABLES if kind in kinds), None)
    return [path for path in tables if path.suffix == first]


def _of_split(
    files: list[Path], splits: Mapping[Path, str], split: str, source: Source
) -> list[Path]:
    if not splits:
        _refuse(split, source)
        return files
    chosen = choose_split(set(splits.values()), split, source)
    return [file for file in files if splits.get(file) == chosen]


def _picture_rows(
    folder: Path, pictures: list[Path], split: str, source: Source
) -> Iterator[Stored]:
    """`[SPLIT/]LABEL/picture`; a folder called `train` that holds pictures itself is a label."""
    places = {file: file.relative_to(folder).parts for file in pictures if file.parent != folder}
    splits = {
        file: place[0].lower()
        for file, place in places.items()
        if len(place) > 2 and _SPLIT.fullmatch(place[0].lower())
    }
    for file in _of_split(list(places), splits, split, source):
        name = file.relative_to(folder).as_posix()
        cells = {"image": name, "label": file.parent.name}
        yield Stored(cells=cells, file=str(file), number=1, name=name, folder=folder)


def _file_rows(path: Path, name: str) -> Iterator[Stored]:
    reader = _reader(path)
    found = False
    with user_errors(f"{path} cannot be read", _SAVE_ANEW):
        rows = reader(path) if path.stat().st_size else iter(())
        for row in _stored(rows, str(path), name, path.parent):
            found = True
            yield row
    if not found:
        place = {"file": str(path), "number": 1, "name": f"{name}:1"}
        yield Stored.of("the file holds no row", cure="fill or remove the file", **place)


def _reader(path: Path) -> Callable[[Path], Iterator[Numbered]]:
    readers = {
        ".jsonl": _jsonl,
        ".json": _json,
        ".csv": partial(_csv, delimiter=","),
        ".tsv": partial(_csv, delimiter="\t"),
        ".parquet": _table,
        ".arrow": _table,
    }
    if path.suffix in ARCHIVES:
        raise UserError(f"{path}: archives are not read; unpack it and give what was in it")
    if path.suffix not in readers:
        raise UserError(f"{path}: this is no table; give a {', '.join(TABLES)} file or a folder")
    return readers[path.suffix]


Numbered = tuple[int, Row | str, Callable[[], Row] | None]
"""The number of a row, its cells or what is wrong with them, and what reads them again."""


def _stored(
    rows: Iterator[Numbered], file: str, name: str, folder: Path = Path()
) -> Iterator[Stored]:
    for number, cells, again in rows:
        where = {"file": file, "number": number, "name": f"{name}:{number}", "folder": folder}
        yield Stored.of(cells, again=again, **where)


def _jsonl(path: Path) -> Iterator[Numbered]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _object(line), None


def json_file(path: Path, decode: Callable[[bytes], bytes | str] = bytes) -> Row | str:
    """The object that a file of one object holds, or what is wrong with it.

    `decode`: for texts that are not in UTF-8; its ValueError says why it cannot.
    """
    try:
        text = decode(path.read_bytes())
    except (OSError, ValueError) as error:
        return f"it cannot be read ({error})"
    return _object(text)


def _object(text: bytes | str) -> Row | str:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"no valid JSON ({error})"
    return found if isinstance(found, dict) else f"no JSON object but {type(found).__name__}"


def _json(path: Path) -> Iterator[Numbered]:
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        cure = "correct it; if every line is a row of its own, call the file .jsonl"
        raise UserError(f"{path}: no valid JSON ({error}); {cure}") from error
    rows = _rows_in(found)
    if rows is None:
        raise UserError(
            f"{path}: no list of rows in it; write [row, row, ...], an object with one list of "
            "rows, or an object of rows"
        )
    for number, row in enumerate(rows, start=1):
        kind = type(row).__name__
        yield number, row if isinstance(row, dict) else f"no JSON object but {kind}", None


def _rows_in(found: Any) -> list[Any] | None:
    """The rows of a list, of the only list of objects in an object, or of an object of objects."""
    if isinstance(found, list):
        return found
    values = list(found.values()) if isinstance(found, dict) else []
    lists = [each for each in values if isinstance(each, list) and _are_objects(each)]
    if len(lists) == 1:
        return lists[0]
    if _are_objects(values):
        return [{**row, "id": name} for name, row in found.items()]
    return None


def _are_objects(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(each, dict) for each in values)


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
    from pyarrow.dataset import ParquetFragmentScanOptions

    if path.suffix == ".arrow":
        return _dataset(Dataset.from_file(str(path)))
    home = Path(os.environ.get("VLRL_HOME") or Path.home() / ".cache" / "vlrl")
    slim = ParquetFragmentScanOptions(pre_buffer=False)  # else the file is in memory as a whole
    cache = str(home / "tables")
    return _dataset(Dataset.from_parquet(str(path), cache_dir=cache, fragment_scan_options=slim))


def _dataset(table: Any) -> Iterator[Numbered]:
    """Rows of a `datasets.Dataset` with their cells as they are stored: pictures stay encoded."""
    stored = table.with_format("arrow")
    for number, row in enumerate(_rows_of(stored), start=1):
        yield number, row, partial(_row_of, stored, number - 1)


def _stream(table: Any) -> Iterator[Numbered]:
    """Rows of a `datasets.IterableDataset`, their files fetched."""
    for number, row in enumerate(_rows_of(table.with_format("arrow")), start=1):
        yield number, {name: _fetched(cell) for name, cell in row.items()}, None


def _rows_of(stored: Any) -> Iterator[Row]:
    for batch in stored.iter(batch_size=BATCH):
        step = BATCH if batch.nbytes < BATCH_BYTES else 1
        for start in range(0, len(batch), step):
            yield from batch.slice(start, step).to_pylist()


def _fetched(cell: Any) -> Any:
    """A cell that only says where its file is on the hub, as the bytes of the file."""
    if not isinstance(cell, dict) or cell.get("bytes") or "://" not in str(cell.get("path")):
        return cell
    from fsspec.core import url_to_fs

    system, path = url_to_fs(cell["path"])
    return system.cat_file(path)


def _row_of(stored: Any, index: int) -> Row:
    return stored[index].to_pylist()[0]


def _saved_rows(path: Path, split: str, source: Source) -> Iterator[Stored]:
    from datasets import DatasetDict, load_from_disk

    with user_errors(f"{path} cannot be read", _SAVE_ANEW):
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
    with user_errors(what, _LOCAL_COPY):
        split = split or choose_split(get_dataset_split_names(name, config or None), "", source)
        few = (source.take or "").startswith("first:") and "[" not in split
        table = load_dataset(name, config or None, split=split, streaming=few)
        file = f"{name}@{split}"
        rows = _stream(table) if few else _dataset(table)
        yield from _stored(rows, file, Path(file).name)


@contextmanager
def user_errors(what: str, cure: str) -> Iterator[None]:
    """Whatever a library raises over a broken or missing file, as one line."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"{what} ({reason}); {cure}") from error
