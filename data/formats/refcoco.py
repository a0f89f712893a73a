"""RefCOCO, RefCOCO+, RefCOCOg and RefCLEF as first published: a folder of two files.

    refcoco/refs(unc).p     a pickled list of objects with what people said of each:
                            ref_id, ann_id, image_id, split, sentences [{sent_id, sent, ...}]
    refcoco/instances.json  COCO: images {id, file_name, width, height},
                            annotations {id, bbox [x, y, width, height], segmentation, ...}
    images/mscoco/images/train2014/   beside `refcoco`, or the pictures in `refcoco/images`

The source is the folder or one of its `.p` files; of several the first of SPLITTERS is read.  Every
sentence is a row, since results count sentences.  The cells hold the `segmentation` too.  Splits
are `train`, `val`, `test`, and `testA` (people), `testB` (other things), which `test` joins; the
picture is the one of the annotation, since a ref's own `file_name` names none.

Read in refer (github.com/lichengunc/refer, commit 2fe1dfe): refer.py, which loads our sample.
Unlike there the pickle may hold only what literals can (lists, dictionaries, texts, numbers).
"""

from __future__ import annotations

import io
import json
import pickle
import reprlib
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from vlrl.contracts import Source, UserError
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import Stored, choose_split, path_and_split

SPLITTERS = ("unc", "umd", "google", "berkeley")  # who made the splits; refer suggests umd for g
QUESTION = 'Which region does this phrase describe: "{}"?'


def rows(path: Path, source: Source) -> Iterator[Stored] | None:
    named = [path, *(path / f"refs({splitter}).p" for splitter in SPLITTERS)]
    file = next((each for each in named if each.suffix == ".p" and each.is_file()), None)
    return None if file is None else _sentences(file, source)


def load_literals(path: Path) -> Any:
    """What a pickle of literals holds.  Raises UserError for any other; runs nothing of it.

    Pickle's reader in Python: the one in C allocates whatever size a broken file names.
    """
    try:
        return _Literals(io.BytesIO(path.read_bytes()), encoding="utf-8").load()
    except Exception as error:  # broken bytes make it raise anything
        raise UserError(
            f"{path}: no pickle of plain lists and dictionaries ({error}); "
            "take the file from the publisher"
        ) from error


class _Literals(pickle._Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _sentences(file: Path, source: Source) -> Iterator[Stored]:
    found = load_literals(file)
    refs = found if isinstance(found, list) else []
    splits = _splits([ref for ref in refs if _is_ref(ref)])
    if not splits:
        raise UserError(f"{file}: there are no refs in it; take the file from the publisher")
    chosen = choose_split(splits, path_and_split(source.spec)[1], source)
    instances = json.loads((file.parent / "instances.json").read_bytes())
    images, annotations = _by_id(instances["images"]), _by_id(instances["annotations"])
    asked = chain.from_iterable(_cells(ref, chosen, images, annotations) for ref in refs)
    for number, cells in enumerate(asked, start=1):
        name = f"{file.name}@{chosen}:{number}"
        yield Stored.of(cells, file=str(file), number=number, name=name, folder=file.parent)


def _is_ref(ref: Any) -> bool:
    is_told = _has_ids(ref, "ref_id", "ann_id", "image_id") and isinstance(ref.get("split"), str)
    return is_told and isinstance(ref.get("sentences"), list)


def _has_ids(row: Any, *names: str) -> bool:
    return isinstance(row, dict) and all(isinstance(row.get(name), int | str) for name in names)


def _by_id(rows: Collection[Any]) -> dict[int | str, Row]:
    return {row["id"]: row for row in rows if _has_ids(row, "id")}


def _splits(refs: Collection[Row]) -> set[str]:
    found = {ref["split"] for ref in refs}
    return found | ({"test"} if any("test" in name for name in found) else set())


def _is_in(split: str, chosen: str) -> bool:
    """As in refer: `testA` holds `testAB`, `test` all of them."""
    if chosen in ("testA", "testB", "testC"):
        return chosen[-1] in split
    return chosen in split if chosen == "test" else chosen == split


def _cells(
    ref: Any, chosen: str, images: Mapping[Any, Row], annotations: Mapping[Any, Row]
) -> list[Row | str]:
    """The cells of each sentence of a ref, or what is wrong with it; none of another split."""
    if not _is_ref(ref):
        return [f"this is no ref with its ids, split and sentences: {reprlib.repr(ref)}"]
    if not _is_in(ref["split"], chosen):
        return []
    if ref["image_id"] not in images or ref["ann_id"] not in annotations:
        return [f"instances.json lacks what ref {ref['ref_id']} names"] * len(ref["sentences"])
    about = {**annotations[ref["ann_id"]], **images[ref["image_id"]]}
    return [
        {**about, **sentence} if isinstance(sentence, dict) else f"no sentence but {sentence!r}"
        for sentence in ref["sentences"]
    ]


def _read(row: Row) -> Fields:
    x, y, width, height = row["bbox"]
    return {
        "image": row["file_name"],
        "question": QUESTION.format(row["sent"]),
        "target": [x, y, x + width, y + height],
        "id": row["sent_id"],
        "meta": {"stated_size": (row["width"], row["height"])},
    }


FORMAT = Format(
    name="refcoco",
    columns=("file_name", "width", "height", "bbox", "sent", "sent_id"),
    read=_read,
    image_folders=(
        "images",
        "../images/mscoco/images/train2014",
        "../images/mscoco/train2014",
        "../train2014",
        "../images/saiapr_tc-12",
    ),
    rows=rows,
    proof="loader-run",
    origin="lichengunc/refer, refer.py, 2fe1dfe",
)
