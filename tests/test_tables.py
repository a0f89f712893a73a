"""Tables: the same rows whatever holds them, the right splits, and one line for a broken source."""

import csv
import io
import json
import pickle
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

import datasets
import pytest
from PIL import Image
from raw_rows import CELLS, TEXTS, greys, png, read, samples, table, targets, write_jsonl

from vlrl.contracts import BadRow, Sample, Source, UserError
from vlrl.data.formats import rows, tables
from vlrl.data.formats.rows import Format
from vlrl.media import ImageBytes, ImageOnDemand


def write_csv(path: Path, delimiter: str) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # with a byte order mark
        writer = csv.DictWriter(file, ["image", "problem", "solution"], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(TEXTS)


HOLDERS: dict[str, Callable[[Path], object]] = {
    "rows.jsonl": lambda path: write_jsonl(path, *TEXTS),
    "marked.jsonl": lambda path: path.write_text("\n\n".join(map(json.dumps, TEXTS)), "utf-8-sig"),
    "rows.json": lambda path: path.write_text(json.dumps(TEXTS)),
    "beside.json": lambda path: path.write_text(json.dumps({"info": {}, "n": [2], "rows": TEXTS})),
    "named.json": lambda path: path.write_text(json.dumps({"a": TEXTS[0], "b": TEXTS[1]})),
    "rows.csv": lambda path: write_csv(path, ","),
    "rows.tsv": lambda path: write_csv(path, "\t"),
    "rows.parquet": lambda path: table().to_parquet(path),
    "saved": lambda path: table().save_to_disk(path),
    "split": lambda path: datasets.DatasetDict(train=table()).save_to_disk(path),
    "folder": lambda path: write_jsonl(path / "deep" / "rows.jsonl", *TEXTS),
}


@pytest.mark.parametrize("name", HOLDERS)
def test_rows_are_the_same_whatever_holds_them(name: str, tmp_path: Path) -> None:
    HOLDERS[name](tmp_path / name)
    found = samples(tmp_path / name)
    assert [sample.target for sample in found] == [3, 4]
    assert [sample.question for sample in found] == [row["problem"] for row in CELLS]
    assert greys(found) == [10, 20]
    assert len({sample.id for sample in found}) == 2
    keys = [ImageBytes(row["image"], "x").key for row in CELLS]
    assert [sample.media[0].key for sample in found] == keys


def test_the_names_of_named_rows_are_their_ids(tmp_path: Path) -> None:
    named = {"v1_0": TEXTS[0], "v1_1": {**TEXTS[1], "id": 7}}
    (tmp_path / "rows.json").write_text(json.dumps(named))
    found = samples(tmp_path / "rows.json")
    assert [sample.meta["id"] for sample in found] == ["v1_0", "v1_1"]
    assert [sample.id for sample in found] == ["rows.json:1", "rows.json:2"]


def test_an_arrow_file_is_read(tmp_path: Path) -> None:
    table().save_to_disk(tmp_path / "saved")
    (file,) = (tmp_path / "saved").glob("*.arrow")
    assert targets(file) == [3, 4]


def test_pictures_of_a_table_stay_on_disk(tmp_path: Path) -> None:
    table().to_parquet(tmp_path / "rows.parquet")
    for sample, value in zip(samples(tmp_path / "rows.parquet"), (10, 20), strict=True):
        (image,) = sample.media
        assert isinstance(image, ImageOnDemand)
        assert [image.open().getpixel((0, 0)) for _ in range(2)] == [(value,) * 3] * 2


def test_samples_can_be_sent_to_another_process(tmp_path: Path) -> None:
    table().to_parquet(tmp_path / "rows.parquet")
    found = pickle.loads(pickle.dumps(samples(tmp_path / "rows.parquet")))
    assert [sample.target for sample in found] == [3, 4]
    assert [sample.media[0].open().getpixel((0, 0)) for sample in found] == [(10,) * 3, (20,) * 3]


def encoded_bmp(side_px: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (side_px, side_px)).save(stream, "BMP")
    return stream.getvalue()


def test_reading_a_table_leaves_no_picture_in_memory(tmp_path: Path) -> None:
    picture = encoded_bmp(side_px=300)
    row = {**CELLS[0], "image": {"bytes": picture, "path": "x.bmp"}}
    datasets.Dataset.from_list([row] * 8, features=table().features).to_parquet(
        tmp_path / "rows.parquet"
    )
    samples(tmp_path / "rows.parquet")
    tracemalloc.start()
    found = samples(tmp_path / "rows.parquet")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 8
    assert kept < len(picture)


def peak_bytes(path: Path) -> int:
    """Of memory, while the rows of the table are read."""
    tracemalloc.start()
    for _ in tables.stored_rows(Source(spec=str(path))):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.slow
def test_a_table_is_never_in_memory_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    num_rows, row_bytes = 64, 400_000
    cells = [{"cell": Random(number).randbytes(row_bytes)} for number in range(num_rows)]
    path = tmp_path / "rows.parquet"
    datasets.Dataset.from_list(cells).to_parquet(path, batch_size=1)  # row groups of one row
    assert peak_bytes(path) < num_rows * row_bytes / 2  # while it is copied to the cache
    monkeypatch.setattr(tables, "BATCH_BYTES", num_rows * row_bytes)
    assert peak_bytes(path) < 3 * row_bytes
    monkeypatch.setattr(tables, "BATCH_BYTES", 2 * num_rows * row_bytes)
    assert peak_bytes(path) > num_rows * row_bytes  # small rows are read together


def test_rows_of_one_number_in_two_files_have_two_ids(tmp_path: Path) -> None:
    for part in ("a", "b"):
        write_jsonl(tmp_path / part / "rows.jsonl", {**TEXTS[0], "id": 7})
    found = samples(tmp_path)
    assert [sample.id for sample in found] == ["a/rows.jsonl:1", "b/rows.jsonl:1"]
    assert [sample.meta["id"] for sample in found] == [7, 7]


def test_hidden_folders_and_other_kinds_of_table_are_left_out(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "rows.jsonl", *TEXTS)
    write_jsonl(tmp_path / ".cache" / "rows.jsonl", *TEXTS)
    (tmp_path / "dataset_infos.json").write_text("{}")
    assert targets(tmp_path) == [3, 4]


# Pictures in folders of their label


def labelled(spec: str, role: str = "train") -> list[tuple[str, Any, str]]:
    found = tables.stored_rows(Source(spec=spec, role=role))  # type: ignore[arg-type]
    return [(row.name, row.cells["image"], row.cells["label"]) for row in found]


def write_pictures(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png(1))


def test_pictures_are_labelled_by_their_folders(tmp_path: Path) -> None:
    write_pictures(tmp_path, "cat/b.PNG", "cat/a.jpg", "train/x.png", "new/dog/a.png", "cover.png")
    write_pictures(tmp_path, ".cache/cat/c.png")
    (tmp_path / "README.md").write_text("pictures")
    names = ["cat/a.jpg", "cat/b.PNG", "new/dog/a.png", "train/x.png"]
    labels = ["cat", "cat", "dog", "train"]
    assert labelled(str(tmp_path)) == list(zip(names, names, labels, strict=True))


def test_the_pictures_of_a_split_are_chosen_by_its_folder(tmp_path: Path) -> None:
    write_pictures(tmp_path, "train/cat/a.png", "Val/cat/a.png", "Val/test/b.png")
    assert [label for _, _, label in labelled(str(tmp_path), "validation")] == ["cat", "test"]
    assert labelled(f"{tmp_path}@train") == [("train/cat/a.png", "train/cat/a.png", "cat")]


def test_labelled_pictures_become_samples(tmp_path: Path) -> None:
    write_pictures(tmp_path, "cat/a.png", "dog/b.png")
    (tmp_path / "dog" / "b.png").write_text("no picture")
    labels = Format(
        name="labels",
        columns=("image", "label"),
        origin="rows of your own",
        read=lambda row: {"image": row["image"], "question": "What?", "target": row["label"]},
    )
    source = Source(spec=str(tmp_path))
    cat, bad = rows.read(source, (labels,), task="t", parse_target=lambda label: label)
    assert isinstance(cat, Sample)
    assert (cat.id, cat.target, cat.image_size) == ("cat/a.png", "cat", (3, 2))
    assert isinstance(bad, BadRow)
    assert (bad.file, bad.row) == (str(tmp_path / "dog" / "b.png"), 1)


# Splits


@pytest.mark.parametrize(
    ("names", "spec", "role", "chosen"),
    [
        (["train", "test"], "a/b", "train", "train"),
        (["train", "test"], "a/b", "test", "test"),
        (["train", "val"], "a/b", "validation", "val"),
        (["train", "dev", "validation"], "a/b", "validation", "validation"),
        (["train"], "a/b", "test", "train"),  # published test sets may have a single split
        (["testA", "testB"], "a/b@testB", "test", "testB"),
        (["test"], "a/b@test", "train", "test"),
        (["test"], "a/b", "train", "no split 'train' but test; name one of them: a/b@test"),
        (["train", "val"], "a/b", "test", "no split 'test' but train, val; name one"),
        (["testA", "train"], "a/b@tesA", "test", "no split 'tesA' but testA, train; .*: a/b@testA"),
    ],
)
def test_the_split_is_the_one_asked_for_or_that_of_the_role(
    names: list[str], spec: str, role: str, chosen: str
) -> None:
    source = Source(spec=spec, role=role)  # type: ignore[arg-type]
    split = spec.partition("@")[2]
    if chosen in names:
        assert tables.choose_split(names, split, source) == chosen
        return
    with pytest.raises(UserError, match=chosen):
        tables.choose_split(names, split, source)


@pytest.mark.parametrize(
    ("files", "role", "expected"),
    [
        (["train-00000-of-2.jsonl", "train-00001-of-2.jsonl", "test-00000.jsonl"], "train", [0, 1]),
        (["train-00000-of-2.jsonl", "train-00001-of-2.jsonl", "test-00000.jsonl"], "test", [2]),
        (["train/a.jsonl", "val/a.jsonl"], "validation", [1]),
        (["Test.jsonl", "interval.jsonl"], "test", [0]),
        (["a.jsonl", "interval.jsonl"], "test", [0, 1]),
    ],
)
def test_the_files_of_a_folder_are_chosen_by_their_names(
    files: list[str], role: str, expected: list[int], tmp_path: Path
) -> None:
    for target, name in enumerate(files):
        write_jsonl(tmp_path / name, {**TEXTS[0], "solution": str(target)})
    assert targets(tmp_path, role) == expected


def test_a_saved_dictionary_of_splits_is_read_by_role(tmp_path: Path) -> None:
    splits = {"train": table(), "test": table().select([1])}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "saved")
    assert targets(tmp_path / "saved", "test") == targets(f"{tmp_path}/saved@test") == [4]


# The hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """A hub with one data set, `lab/counts`; collects what is asked of it."""
    asked: list[tuple] = []

    def load(name: str, config: str | None, *, split: str, streaming: bool) -> Any:
        asked.append((name, config, split, streaming))
        if name != "lab/counts":
            raise FileNotFoundError(f"Dataset '{name}' doesn't exist on the Hub\nor cannot be had")
        return table().to_iterable_dataset() if streaming else table()

    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr(datasets, "get_dataset_split_names", lambda *_: ["train", "test"])
    return asked


@pytest.mark.parametrize(
    ("spec", "role", "asked"),
    [
        ("lab/counts", "train", ("lab/counts", None, "train")),
        ("lab/counts", "test", ("lab/counts", None, "test")),
        ("lab/counts:easy", "train", ("lab/counts", "easy", "train")),
        ("lab/counts@test", "train", ("lab/counts", None, "test")),
        ("lab/counts:easy@train[:10]", "train", ("lab/counts", "easy", "train[:10]")),
    ],
)
def test_a_data_set_of_the_hub_is_read(spec: str, role: str, asked: tuple, hub: list) -> None:
    found = samples(spec, role)
    assert hub == [(*asked, False)]
    assert [sample.target for sample in found] == [3, 4]
    assert greys(found) == [10, 20]
    assert found[0].id == f"counts@{asked[2]}:1"


@pytest.mark.parametrize(
    ("spec", "take", "streamed"),
    [
        ("lab/counts", "first:2", True),
        ("lab/counts", "random:2", False),
        ("lab/counts@train[:10]", "first:2", False),  # a slice cannot be streamed
    ],
)
def test_the_first_rows_of_the_hub_are_streamed(
    spec: str, take: str, streamed: bool, hub: list
) -> None:
    found = samples(Source(spec=spec, take=take))
    assert [asked[3] for asked in hub] == [streamed]
    assert [sample.target for sample in found] == [3, 4]
    assert greys(found) == [10, 20]
    assert found[0].id.endswith(":1")


def test_no_more_of_the_hub_is_fetched_than_is_asked_for(
    hub: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[int] = []

    def endless() -> Iterator[dict]:
        for number in count():
            fetched.append(number)
            yield TEXTS[0]

    streamed = datasets.IterableDataset.from_generator(endless)
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: streamed)
    stored = tables.stored_rows(Source(spec="lab/counts", take="first:3"))
    assert [row.number for row in islice(stored, 3)] == [1, 2, 3]
    assert len(fetched) <= tables.BATCH


def test_a_streamed_picture_that_lies_on_the_hub_as_a_file_is_fetched(
    hub: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec

    with fsspec.open("memory://counts/x.png", "wb") as file:
        file.write(CELLS[0]["image"])
    cells = {**CELLS[0], "image": {"bytes": None, "path": "memory://counts/x.png"}}
    streamed = datasets.Dataset.from_list([cells]).to_iterable_dataset()
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: streamed)
    assert greys(samples(Source(spec="lab/counts", take="first:1"))) == [10]


def test_a_data_set_that_the_hub_does_not_have_is_one_line(hub: list) -> None:
    with pytest.raises(UserError) as error:
        read("lab/cuonts@train")
    assert str(error.value) == (
        "lab/cuonts@train: no path here, and as a data set of the hub it cannot be read "
        "(Dataset 'lab/cuonts' doesn't exist on the Hub); check the spelling and the connection, "
        "or give the path of a local copy"
    )


# Sources that cannot be read


def broken_sources() -> dict[str, tuple[Callable[[Path], object], str, str]]:
    """Name -> (what writes it, the source, what is said)."""
    latin = "image_path,question,ground_truth\nx.png,Où?,3\n".encode("latin-1")
    return {
        "empty folder": (lambda at: at, "", "no rows in this folder; put a .parquet"),
        "no such file": (
            lambda at: write_jsonl(at / "rows.jsonl", *TEXTS),
            "row.jsonl",
            "row.jsonl: there is no such file or folder; did you mean rows.jsonl?",
        ),
        "no such folder": (lambda at: at, "a/b", "no such file or folder; correct the path"),
        "no table": (
            lambda at: (at / "rows.txt").write_text("x"),
            "rows.txt",
            "rows.txt: this is no table; give a .parquet",
        ),
        "an archive": (
            lambda at: (at / "rows.zip").write_bytes(b"PK"),
            "rows.zip",
            "rows.zip: archives are not read; unpack it and give what was in it",
        ),
        "a folder with an archive": (
            lambda at: (at / "images.zip").write_bytes(b"PK"),
            "",
            "no rows in this folder; unpack images.zip",
        ),
        "no such archive": (
            lambda at: (at / "images.zip").write_bytes(b"PK"),
            "image.zip",
            "image.zip: there is no such file or folder; did you mean images.zip?",
        ),
        "split of a file": (
            lambda at: write_jsonl(at / "rows.jsonl", *TEXTS),
            "rows.jsonl@test",
            "rows.jsonl@test: it has no splits; leave out @test",
        ),
        "split of a folder without": (
            lambda at: write_jsonl(at / "rows.jsonl", *TEXTS),
            "@test",
            "it has no splits; leave out @test",
        ),
        "split of a saved table": (
            lambda at: table().save_to_disk(at / "saved"),
            "saved@test",
            "it has no splits; leave out @test",
        ),
        "missing split": (
            lambda at: write_jsonl(at / "val" / "rows.jsonl", *TEXTS),
            "",
            "there is no split 'train' but val; name one of them: ",
        ),
        "broken json": (
            lambda at: (at / "rows.json").write_text("[{]"),
            "rows.json",
            "rows.json: no valid JSON (",
        ),
        "lines called json": (
            lambda at: write_jsonl(at / "rows.json", *TEXTS),
            "rows.json",
            "if every line is a row of its own, call the file .jsonl",
        ),
        "an object": (
            lambda at: (at / "rows.json").write_text('{"rows": [1], "answers": [2]}'),
            "rows.json",
            "rows.json: no list of rows in it; write [row, row, ...], an object with one list of",
        ),
        "an object of several lists": (
            lambda at: (at / "rows.json").write_text('{"images": [{}], "annotations": [{}]}'),
            "rows.json",
            "rows.json: no list of rows in it; write",
        ),
        "no UTF-8": (
            lambda at: (at / "rows.csv").write_bytes(latin),
            "rows.csv",
            "rows.csv cannot be read ('utf-8' codec can't decode byte 0xf9",
        ),
        "broken parquet": (
            lambda at: (at / "rows.parquet").write_bytes(b"PAR1 and no more"),
            "rows.parquet",
            "rows.parquet cannot be read (Parquet magic bytes not found",
        ),
        "broken arrow": (
            lambda at: (at / "rows.arrow").write_bytes(b"ARROW1 and no more"),
            "rows.arrow",
            "rows.arrow cannot be read (",
        ),
        "wrong columns": (
            lambda at: write_jsonl(at / "rows.jsonl", {"img": "x", "q": "?", "a": 3}),
            "rows.jsonl",
            "rows.jsonl: the columns are img, q, a; expected image, problem, solution or "
            "image_path, question, ground_truth; name yours in the recipe: "
            "data: {columns: {image: your_name}}",
        ),
    }


@pytest.mark.parametrize("name", broken_sources())
def test_a_broken_source_is_one_line_with_its_cure(name: str, tmp_path: Path) -> None:
    write, place, message = broken_sources()[name]
    write(tmp_path)
    with pytest.raises(UserError) as error:
        read(f"{tmp_path}{place}" if place.startswith("@") else f"{tmp_path}/{place}")
    assert str(tmp_path) in str(error.value)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
