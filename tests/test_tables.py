"""Tables: the same rows whatever holds them, the right splits, and one line for a broken source."""

import csv
import io
import json
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import datasets
import pytest
from PIL import Image
from raw_rows import CELLS, TEXTS, greys, read, samples, table, targets, write_jsonl

from vlrl.contracts import Source, UserError
from vlrl.data.formats import tables
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

    def load(name: str, config: str | None, *, split: str) -> datasets.Dataset:
        asked.append((name, config, split))
        if name != "lab/counts":
            raise FileNotFoundError(f"Dataset '{name}' doesn't exist on the Hub\nor cannot be had")
        return table()

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
    assert hub == [asked]
    assert [sample.target for sample in found] == [3, 4]
    assert greys(found) == [10, 20]
    assert found[0].id == f"counts@{asked[2]}:1"


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
            lambda at: (at / "rows.json").write_text('{"rows": []}'),
            "rows.json",
            "rows.json: no list of rows but dict; write [row, row, ...]",
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
