"""Raw formats: the published layouts are read right, and a broken row says where and why."""

import base64
import importlib.util
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import datasets
import numpy as np
import pytest
from raw_rows import TEXTS, greys, png, read, samples, table, write_jsonl

from vlrl import prompts, tasks
from vlrl.contracts import BadRow, Sample, Source, UserError
from vlrl.data import counting
from vlrl.data.formats import rows
from vlrl.data.formats.tables import Stored
from vlrl.media import ImageOnDemand, Sampling, load_clip, load_image
from vlrl.rewards import number

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "samples"

# The published layouts

FORMATS = [each for name in tasks.names() for each in tasks.find(name).formats]
LOADER = re.compile(r"[\w.-]+/[\w.-]+, [\w./-]+, ([0-9a-f]{7,40}|no commit stated)")
PAGE = re.compile(r"[a-z.]+\.[a-z]+/[\w./-]+")


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_every_format_says_where_its_layout_comes_from(each: rows.Format) -> None:
    is_described = each.proof == "description-only"
    if each.origin != "rows of your own":
        assert (PAGE if is_described else LOADER).fullmatch(each.origin), each.origin


def test_the_samples_of_r1v_are_read() -> None:
    found = samples(SAMPLES / "r1v")
    assert [sample.target for sample in found] == [3, 5, 8, 10]
    assert {sample.question for sample in found} == {"How many items are there in the image?"}
    assert found[0].id == "train-00000-of-00001.parquet:1"
    assert {load_image(sample.media[0]).size for sample in found} == {(64, 64)}
    assert {sample.image_size for sample in found} == {(64, 64)}


def test_the_samples_of_superclevr_are_read_from_the_folder_above_the_prompts() -> None:
    found = samples(SAMPLES / "superclevr", "test")
    assert [sample.target for sample in found] == [3, 5, 8, 10]
    assert found[3].id == "prompts/superclevr_sample_counting_problems.jsonl:4"
    assert {load_image(sample.media[0]).size for sample in found} == {(64, 64)}


@pytest.mark.slow
def test_make_samples_writes_what_is_committed(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        "make", SAMPLES.parents[1] / "scripts/make_samples.py"
    )
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(tmp_path)
    for name in ("r1v", "superclevr"):
        for old, new in zip(samples(SAMPLES / name), samples(tmp_path / name), strict=True):
            assert (old.question, old.target) == (new.question, new.target)
            before, after = (np.asarray(load_image(each.media[0]), float) for each in (old, new))
            assert np.abs(before - after).mean() < 4  # other versions may choose another palette


def test_the_distilled_rows_of_r1v_bring_their_thinking(tmp_path: Path) -> None:
    row = {"image": base64.b64encode(png(9)).decode(), "problem": "How many?"}
    path = write_jsonl(
        tmp_path / "rows.jsonl",
        {
            **row,
            "solution": "<answer> 3 </answer>",
            "thinking": "<think>\nOne, two,\nthree.</think>",
        },
        {**row, "solution": "<answer> 4 </answer>", "thinking": None},
        {**row, "solution": "<think>So five.</think>\n\n<answer>\n5\n</answer>"},
        {**row, "solution": "6"},
        {**row, "solution": 7},
    )
    found = samples(path)
    assert [sample.target for sample in found] == [3, 4, 5, 6, 7]
    thinking = [sample.reasoning for sample in found]
    assert thinking == ["One, two,\nthree.", None, "So five.", None, None]


def test_an_image_folder_is_read_by_its_metadata_only(tmp_path: Path) -> None:
    for split, value in (("train", 10), ("test", 20)):
        folder = tmp_path / split
        write_jsonl(
            folder / "metadata.jsonl",
            {"file_name": "a.png", "problem": "How many?", "solution": "<answer> 3 </answer>"},
            {"file_name": "more/b.png", "problem": "How many?", "solution": "<answer> 4 </answer>"},
        )
        (folder / "more").mkdir()
        (folder / "a.png").write_bytes(png(value))
        (folder / "more" / "b.png").write_bytes(png(value + 1))
    write_jsonl(tmp_path / "train" / "notes.jsonl", {"note": "no row of the data set"})
    assert greys(samples(tmp_path)) == [10, 11]
    assert greys(samples(tmp_path, "test")) == greys(samples(f"{tmp_path}@test")) == [20, 21]


@pytest.mark.parametrize("place", ["images", "prompts/images"])
def test_prompt_files_find_images_above_and_beside_them(tmp_path: Path, place: str) -> None:
    row = {"image_path": "./images/x.png", "question": "How many?", "ground_truth": 4}
    path = write_jsonl(tmp_path / "prompts" / "problems.jsonl", row)
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "x.png").write_bytes(png(30))
    (sample,) = samples(path)
    assert (sample.target, greys([sample]), sample.image_size) == (4, [30], (3, 2))


def test_the_image_of_a_training_row_is_not_searched_for_elsewhere(tmp_path: Path) -> None:
    row = {"file_name": "x.png", "problem": "How many?", "solution": "3"}
    path = write_jsonl(tmp_path / "train" / "metadata.jsonl", row)
    (tmp_path / "x.png").write_bytes(png(30))
    (bad,) = read(path)
    assert isinstance(bad, BadRow)
    assert "there is no file x.png" in bad.reason


# Rows that cannot be read


def broken_rows() -> dict[str, tuple[dict | str | bytes, str]]:
    """Name -> (line of a .jsonl, what is said of it)."""
    good = TEXTS[0]
    cut = base64.b64encode(png(9)[:50]).decode()
    return {
        "missing file": ({**good, "image": "no.png"}, "there is no file no.png in /"),
        "no image": ({**good, "image": None}, "no image in it but None"),
        "a number for an image": ({**good, "image": 3}, "no image in it but 3"),
        "cut image": ({**good, "image": cut}, "rows.jsonl:2 is no readable image"),
        "text for an image": ({**good, "image": "text.png"}, "text.png is no readable image"),
        "no question": ({**good, "problem": None}, "no question in it but None"),
        "blank question": ({**good, "problem": " "}, "no question in it but ' '"),
        "a list for a question": ({**good, "problem": ["a"]}, "no question in it but ['a']"),
        "half a character": ({**good, "problem": "\ud83d"}, "surrogates not allowed"),
        "null target": ({**good, "solution": None}, "there is no solution"),
        "empty target": ({**good, "solution": ""}, "there is no solution"),
        "empty answer": (
            {**good, "solution": "<answer> </answer>"},
            "the target '' cannot be read",
        ),
        "no digits": (
            {**good, "solution": "<answer> many </answer>"},
            "the target 'many' cannot be read",
        ),
        "two numbers": ({**good, "solution": "3 or 4"}, "the target '3 or 4' cannot be read"),
        "not a number": ({**good, "solution": float("nan")}, "the target 'nan' cannot be read"),
        "a truth": ({**good, "solution": True}, "the target 'True' cannot be read"),
        "thinking of another type": ({**good, "thinking": 3}, "its thinking is no text but int"),
        "missing column": ({"image": "x.png", "problem": "?"}, "it has no 'solution'"),
        "broken JSON": ('{"image": "x.png", ', "no valid JSON ("),
        "no object": ("[1, 2]", "no JSON object but list"),
        "a bare text": ('"text"', "no JSON object but str"),
        "deep nesting": ("[" * 100_000, "no valid JSON ("),
        "no UTF-8": (b'{"image": "\xff\xfe"}', "no valid JSON ("),
    }


@pytest.mark.parametrize("name", broken_rows())
def test_a_broken_row_says_where_and_why_and_the_others_are_read(name: str, tmp_path: Path) -> None:
    row, reason = broken_rows()[name]
    if isinstance(row, dict):
        row = json.dumps(row)
    line = row.encode() if isinstance(row, str) else row
    (tmp_path / "text.png").write_text("no picture")
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps(TEXTS[0]).encode(), line, json.dumps(TEXTS[1]).encode()]
    path.write_bytes(b"\n".join(lines))
    first, bad, last = read(path)
    assert isinstance(first, Sample) and isinstance(last, Sample)
    assert (first.target, last.target, last.id) == (3, 4, "rows.jsonl:3")
    assert isinstance(bad, BadRow)
    assert (bad.file, bad.row) == (str(path), 2)
    assert reason in bad.reason
    assert bad.cure
    assert "\n" not in str(bad)


def test_a_format_that_stumbles_over_a_row_makes_it_a_bad_row(tmp_path: Path) -> None:
    stumbling = any_row(lambda row: row["image"].strip(3), columns=("image",))
    path = write_jsonl(tmp_path / "rows.jsonl", TEXTS[0])
    source = Source(spec=str(path))
    (bad,) = rows.read(source, (stumbling,), task="counting", parse_target=number.parse)
    assert isinstance(bad, BadRow)
    assert bad.reason == "TypeError: strip arg must be None or str"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "image_path,question,ground_truth\nx.png,How many?,3,4\n",
            "more cells than the header has",
        ),
        ("image_path,question,ground_truth\nx.png,How many?\n", "there is no ground_truth"),
        ("image_path,question,ground_truth\n\n", "the file holds no row"),
        ("", "the file holds no row"),
    ],
)
def test_a_broken_csv_is_a_bad_row(text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(png(1))
    (tmp_path / "rows.csv").write_text(text)
    (bad,) = read(tmp_path / "rows.csv")
    assert isinstance(bad, BadRow)
    assert (bad.row, bad.reason) == (1, expected)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.csv", "rows.parquet"])
def test_an_empty_file_is_a_bad_row(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    (bad,) = read(tmp_path / name)
    assert str(bad) == f"{tmp_path / name}, row 1: the file holds no row; fill or remove the file"


# What a format may read


def any_row(read_row: Callable[[rows.Row], rows.Fields | None], **options: Any) -> rows.Format:
    options = {"columns": (), "origin": "rows of your own", **options}
    return rows.Format(name="x", read=read_row, **options)


def found_in(path: Path, *formats: rows.Format) -> list[Sample | BadRow]:
    source = Source(spec=str(path))
    return list(rows.read(source, formats, task="t", parse_target=lambda target: target))


def test_every_field_of_a_row_reaches_its_sample(tmp_path: Path) -> None:
    fields = {
        "question": "Which?",
        "target": {"typed": [1, 2]},
        "kind": "choice",
        "options": ["a", "b"],
        "reasoning": "So b.",
        "duration": 2.5,
        "rewards": {"accuracy": 2},
        "meta": {"unit": "cm"},
        "id": "q7",
    }
    path = write_jsonl(tmp_path / "rows.jsonl", {"cell": 1, "id": "not this"})
    (sample,) = found_in(path, any_row(lambda row: fields))
    assert sample == Sample(
        id="rows.jsonl:1",
        task="t",
        question="Which?",
        target={"typed": [1, 2]},
        kind="choice",
        options=("a", "b"),
        reasoning="So b.",
        duration=2.5,
        rewards={"accuracy": 2},
        meta={"id": "q7", "unit": "cm"},
    )


def clip(row: rows.Row) -> rows.Fields:
    return {**row, "question": "When in <video>?", "target": [0, 1]}


def write_video(path: Path) -> None:
    """A video of 16 frames, 2 seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=8)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        for index in range(16):
            picture = np.full((16, 32, 3), 10 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def test_videos_and_their_parts_are_read(tmp_path: Path) -> None:
    write_video(tmp_path / "x.mp4")
    (tmp_path / "cut.mp4").write_bytes((tmp_path / "x.mp4").read_bytes()[:200])
    frames = [base64.b64encode(png(value)).decode() for value in (1, 2, 3)]
    found = found_in(
        write_jsonl(
            tmp_path / "rows.jsonl",
            {"video": "x.mp4"},
            {"video": "x.mp4", "start_s": 0.5, "end_s": 9},
            {"video": "x.mp4", "duration": 1.75},
            {"video": frames, "fps": 1, "image": frames[0]},
            {"video": "cut.mp4"},
            {"video": "y.mp4"},
            {"video": "x.mp4", "start_s": 2.5, "end_s": 3},
            {"video": "x.mp4", "end_s": 0},
        ),
        any_row(clip, columns=("video",)),
    )
    read_well = [each for each in found if isinstance(each, Sample)]
    bad = [each.reason for each in found if isinstance(each, BadRow)]
    assert [each.duration for each in read_well] == [2, 1.5, 1.75, 3]
    assert [[medium.kind for medium in each.media] for each in read_well] == [
        *(["video"], ["video"], ["video"], ["image", "video"]),
    ]
    assert [each.image_size for each in read_well] == [None, None, None, (3, 2)]
    assert written(read_well[3]) == ["image", "When in ", "video", "?"]
    part = load_clip(read_well[1].media[0], Sampling(num_frames=4))
    assert (len(part.frames), part.times_s[0], part.duration_s) == (4, 0, 1.5)
    assert len(bad) == 4
    assert "cut.mp4 is no readable video" in bad[0]
    assert "there is no file y.mp4" in bad[1]
    assert bad[2] == "nothing lies from 2.5 to 2 s; it lasts 2 s"
    assert bad[3] == "nothing lies from 0 to 0 s; it lasts 2 s"


def several_images(row: rows.Row) -> rows.Fields:
    return {"images": row["pictures"], "question": row["q"], "target": 1}


def several_kinds(row: rows.Row) -> rows.Fields | None:
    if row["type"] == "other":
        return None
    if row["type"] == "broken":
        raise ValueError("it is broken")
    return {"question": row["type"], "target": 1}


def test_a_row_may_have_several_images_and_text_that_looks_like_their_places(
    tmp_path: Path,
) -> None:
    (tmp_path / "wide.png").write_bytes(png(1, width=6))
    pictures = [base64.b64encode(png(2)).decode(), "wide.png"]
    path = write_jsonl(
        tmp_path / "rows.jsonl",
        {"pictures": pictures, "q": "<image> or <image>? <image> <|image_pad|>"},
        {"pictures": [], "q": "What does <image> mean?"},
        {"pictures": ["wide.png", "no.png"], "q": "?"},
    )
    two, none, bad = found_in(path, any_row(several_images, columns=("pictures", "q")))
    assert isinstance(two, Sample) and isinstance(none, Sample)
    assert [load_image(each).size for each in two.media] == [(3, 2), (6, 2)]
    assert (two.image_size, none.image_size, none.media) == ((3, 2), None, ())
    assert written(two) == ["image", " or ", "image", "? < image > <| image_pad |>"]
    assert written(none) == ["What does < image > mean?"]
    assert isinstance(bad, BadRow) and "there is no file no.png" in bad.reason


def written(sample: Sample) -> list[str]:
    """The user's part of the prompt: texts, and the kind of each medium."""
    blocks = prompts.messages(counting.Counting(), sample, "vanilla")[0]["content"]
    texts = [block.get("text", block["type"]) for block in blocks]
    return [*texts[:-1], texts[-1].partition("\n")[0]]


def test_the_images_of_a_table_stay_on_disk(tmp_path: Path) -> None:
    cells = {"q": ["?"], "pictures": [[{"bytes": png(value)} for value in (10, 20)]]}
    datasets.Dataset.from_dict(cells).to_parquet(tmp_path / "rows.parquet")
    (sample,) = found_in(tmp_path / "rows.parquet", any_row(several_images))
    assert isinstance(sample, Sample)
    assert all(isinstance(each, ImageOnDemand) for each in sample.media)
    assert [np.asarray(load_image(each)).mean() for each in sample.media] == [10, 20]


def test_rows_that_ask_something_else_are_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kinds = ["ours", "other", "broken", "other"]
    path = write_jsonl(tmp_path / "rows.jsonl", *({"type": kind} for kind in kinds))
    with caplog.at_level("INFO", logger="vlrl"):
        sample, bad = found_in(path, any_row(several_kinds))
    assert isinstance(sample, Sample) and sample.question == "ours"
    assert isinstance(bad, BadRow) and (bad.row, bad.reason) == (3, "it is broken")
    assert caplog.messages == [f"{path}: 2 rows ask something else than t and are left out"]


def test_a_format_may_find_its_rows_itself(tmp_path: Path) -> None:
    def pairs(path: Path, source: Source) -> Iterator[Stored] | None:
        files = sorted(path.glob("*.txt"))
        if not files:
            return None
        return (
            Stored(cells={"text": each.read_text()}, file=str(each), number=1, name=each.name)
            for each in files
        )

    def question(row: rows.Row) -> rows.Fields:
        return {"question": row["text"], "target": 1}

    formats = (any_row(question, rows=pairs), any_row(several_kinds, columns=("type",)))
    (tmp_path / "a.txt").write_text("Why?")
    write_jsonl(tmp_path / "rows.jsonl", {"type": "a table"})
    assert [each.question for each in found_in(tmp_path, *formats)] == ["Why?"]
    table = tmp_path / "rows.jsonl"
    assert [each.question for each in found_in(table, *formats)] == ["a table"]
    with pytest.raises(UserError, match="columns are type; expected the files of x; name yours"):
        found_in(table, formats[0])
    (tmp_path / "b.txt").write_bytes(b"\xff")
    with pytest.raises(UserError, match=f"{tmp_path} cannot be read .*; replace it by a whole"):
        found_in(tmp_path, *formats)


# A user's own column names


def test_columns_are_mapped_and_the_map_goes_before_a_column_of_that_name(tmp_path: Path) -> None:
    picture = base64.b64encode(png(50)).decode()
    row = {"img": picture, "problem": "Wie viele?", "problem_en": "How many?", "count": 6}
    path = write_jsonl(tmp_path / "rows.jsonl", row, {**row, "count": None}, {"img": picture})
    first, second, third = read(path, image="img", problem="problem_en", solution="count")
    assert isinstance(first, Sample)
    assert (first.question, first.target, greys([first])) == ("How many?", 6, [50])
    assert isinstance(second, BadRow) and second.reason == "there is no solution"
    assert isinstance(third, BadRow) and third.reason == "it has no 'problem_en'"


def test_mapped_pictures_of_a_table_stay_on_disk(tmp_path: Path) -> None:
    table().rename_column("image", "img").to_parquet(tmp_path / "rows.parquet")
    found = samples(tmp_path / "rows.parquet", image="img")
    assert all(isinstance(sample.media[0], ImageOnDemand) for sample in found)
    assert greys(found) == [10, 20]


@pytest.mark.parametrize(
    ("theirs", "cure"),
    [("imgs", "did you mean 'img'?"), ("xyz", "there are img, problem, solution")],
)
def test_a_map_to_a_column_that_is_not_there_names_the_nearest(
    theirs: str, cure: str, tmp_path: Path
) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", {"img": "x", "problem": "?", "solution": "3"})
    with pytest.raises(UserError) as error:
        read(path, image=theirs)
    assert str(error.value) == (
        f"{path}: it has no column {theirs!r}, which data: {{columns: {{image: {theirs}}}}} names; "
        f"{cure}"
    )
