"""RefCOCO as first published: its sentences, splits and pictures, and pickles that are none."""

import builtins
import copyreg
import json
import os
import pickle
import shutil
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from grounding_rows import SAMPLES, TASK, read, reasons, samples

from vlrl.contracts import Sample, UserError
from vlrl.data.formats.refcoco import load_literals
from vlrl.prompts import write_completion
from vlrl.scoring import score

NO_BOX = "cannot be read; give [x1, y1, x2, y2] in pixels"


def test_every_sentence_of_a_ref_is_a_row_with_its_box_as_corners() -> None:
    first, second, third = samples(SAMPLES / "refcoco")
    assert '"small yellow rubber sphere"' in first.question
    assert '"the small yellow rubber sphere"' in second.question
    assert first.target == second.target == [111, 21, 124, 33]
    assert third.target == [107, 48, 124, 68]
    annotations = json.loads((SAMPLES / "refcoco" / "instances.json").read_text())["annotations"]
    assert annotations[1]["bbox"] == [107, 48, 17, 20]
    assert first.image_size == (140, 112)
    assert str(first.media[0]).endswith("images/COCO_train2014_000000000001.jpg")


@pytest.mark.parametrize(
    ("split", "role", "ids"),
    [
        ("", "train", [0, 1, 2]),
        ("@val", "train", [4]),
        ("", "validation", [4]),
        ("@testA", "test", [6]),
        ("@testB", "test", [8, 10]),
        ("", "test", [6, 8, 10]),
    ],
)
def test_a_split_is_named_or_follows_from_the_role(split: str, role: str, ids: list[int]) -> None:
    for spec in (f"{SAMPLES}/refcoco{split}", f"{SAMPLES}/refcoco/refs(unc).p{split}"):
        found = samples(spec, role)
        assert [sample.meta["id"] for sample in found] == ids
        assert len({sample.id for sample in found}) == len(ids)


def test_an_unknown_split_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="no split 'testa' but test, testA, testB, train, val"):
        read(f"{SAMPLES}/refcoco@testa")


@pytest.fixture
def refcoco(tmp_path: Path) -> Path:
    """A copy with refer's own place for the pictures."""
    shutil.copytree(SAMPLES / "refcoco", tmp_path / "refcoco")
    place = tmp_path / "images" / "mscoco" / "images"
    place.mkdir(parents=True)
    (tmp_path / "refcoco" / "images").rename(place / "train2014")
    return tmp_path / "refcoco"


def change(folder: Path, name: str, row: dict[str, Any]) -> None:
    """Put the cells into the first row of that list of instances.json."""
    instances = json.loads((folder / "instances.json").read_text())
    instances[name][0].update(row)
    (folder / "instances.json").write_text(json.dumps(instances))


def test_pictures_lie_where_refer_looks_for_them(refcoco: Path) -> None:
    assert [s.target for s in samples(refcoco)] == [s.target for s in samples(SAMPLES / "refcoco")]


def test_the_splits_of_umd_come_before_those_of_google(refcoco: Path) -> None:
    (refcoco / "refs(unc).p").rename(refcoco / "refs(google).p")
    assert len(samples(refcoco)) == 3
    refs = pickle.loads((refcoco / "refs(google).p").read_bytes())
    (refcoco / "refs(umd).p").write_bytes(pickle.dumps(refs[1:], protocol=0))
    assert len(samples(refcoco)) == 1
    assert len(samples(refcoco / "refs(google).p")) == 3


def test_a_ref_may_be_in_two_splits_as_those_of_refclef(refcoco: Path) -> None:
    refs = pickle.loads((refcoco / "refs(unc).p").read_bytes())
    (refcoco / "refs(unc).p").write_bytes(pickle.dumps([{**refs[0], "split": "testAB"}, *refs[1:]]))
    counts = [len(samples(f"{refcoco}@{name}")) for name in ("testA", "testB", "test", "testAB")]
    assert counts == [3, 4, 5, 2]


def test_a_ref_without_its_annotation_is_a_bad_row(refcoco: Path) -> None:
    change(refcoco, "annotations", {"id": 99})
    assert reasons(refcoco) == ["instances.json lacks what ref 0 names"] * 2
    assert len(read(refcoco)) == 3


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (3, "this is no ref with its ids, split and sentences: 3"),
        ({"split": None}, "this is no ref"),
        ({"ann_id": [1]}, "this is no ref"),
        ({"sentences": None}, "this is no ref"),
        ({"sentences": [3]}, "no sentence but 3"),
        ({"sentences": [{"sent_id": 0}]}, "it has no 'sent'"),
        ({"image_id": 99}, "instances.json lacks what ref 0 names"),
    ],
)
def test_a_broken_ref_is_a_bad_row_and_the_others_are_read(
    broken: Any, reason: str, refcoco: Path
) -> None:
    first, *others = pickle.loads((refcoco / "refs(unc).p").read_bytes())
    cells = {**first, **broken} if isinstance(broken, dict) else broken
    (refcoco / "refs(unc).p").write_bytes(pickle.dumps([cells, *others]))
    assert {each[: len(reason)] for each in reasons(refcoco)} == {reason}
    assert [each.meta["id"] for each in read(refcoco) if isinstance(each, Sample)] == [2]


@pytest.mark.parametrize("name", ["images", "annotations"])
def test_a_broken_row_of_instances_only_concerns_its_refs(name: str, refcoco: Path) -> None:
    instances = json.loads((refcoco / "instances.json").read_text())
    instances[name] = [3, {"no": "id"}, {"id": []}, *instances[name]]
    (refcoco / "instances.json").write_text(json.dumps(instances))
    assert len(samples(refcoco)) == 3


def test_a_picture_of_another_size_is_a_bad_row(refcoco: Path) -> None:
    change(refcoco, "images", {"width": 280, "height": 224})
    assert len(reasons(refcoco)) == 3
    assert reasons(refcoco)[0].startswith("its boxes are for a picture of (280, 224), the picture")


@pytest.mark.parametrize(
    ("bbox", "reason"),
    [
        ([0, 0, 140.9, 112], None),
        ([-0.9, 0, 40, 40], None),
        ([0, 0, 141.1, 112], "the box [0, 0, 141.1, 112] reaches out of the picture of (140, 112)"),
        ([0, 0, 140, 113.1], "the box [0, 0, 140, 113.1] reaches out of the picture of (140, 112)"),
        ([50, 60, 0, 40], f"the target [50, 60, 50, 100] {NO_BOX}"),
        ([50, 60, -9, 40], f"the target [50, 60, 41, 100] {NO_BOX}"),
        ([50, 60, 20], "not enough values to unpack (expected 4, got 3)"),
    ],
)
def test_a_box_may_reach_a_pixel_out_of_the_picture(
    refcoco: Path, bbox: list[float], reason: str | None
) -> None:
    change(refcoco, "annotations", {"bbox": bbox})
    assert reasons(refcoco) == ([reason] * 2 if reason else [])
    for sample in read(refcoco):
        if isinstance(sample, Sample):
            completion = write_completion("think", "So.", TASK.ideal(sample, None))
            assert score(TASK, sample, completion).parts["accuracy"] == 1


def test_without_instances_the_folder_cannot_be_read(refcoco: Path) -> None:
    (refcoco / "instances.json").unlink()
    with pytest.raises(UserError, match=r"refcoco cannot be read .*instances\.json"):
        read(refcoco)


class _Calls:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.made = (function, arguments)

    def __reduce__(self) -> Any:
        return self.made


def _hostile(mark: Path) -> dict[str, bytes]:
    command = f"touch {mark}"
    return {
        "a system call": pickle.dumps(_Calls(os.system, command)),
        "deep in a list": pickle.dumps([{"ref_id": [1, _Calls(os.system, command)]}]),
        "eval": pickle.dumps(_Calls(builtins.eval, f"open({str(mark)!r}, 'w')"), protocol=0),
        "getattr": pickle.dumps(_Calls(getattr, "a", "upper")),
        "a class": pickle.dumps(OrderedDict),
        "an object": pickle.dumps(OrderedDict(a=1)),
        "a path": pickle.dumps(mark),
        "an old instance": b"(S'" + command.encode() + b"'\nios\nsystem\n.",
        "a call of a list": b"](I1\ntR.",
        "a persistent name": b"Pname\n.",
        "an extension": b"\x82\xf0.",
        "a frame of 2**63": b"\x80\x04\x95" + b"\xff" * 7 + b"\x7f.",
        "a text of 2**63": b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7f.",
        "bytes of 2**62": b"\x80\x05\x96" + b"\xff" * 7 + b"\x3f.",
        "a number of 2**31 bytes": b"\x80\x02\x8b\xff\xff\xff\x7f.",
        "cut": pickle.dumps([{"ref_id": 1}])[:-4],
        "empty": b"",
        "no pickle": b"PK\x03\x04",
    }


@pytest.mark.parametrize("name", _hostile(Path("x")))
def test_a_pickle_of_anything_but_literals_is_refused_and_runs_nothing(
    name: str, refcoco: Path, tmp_path: Path
) -> None:
    copyreg.add_extension("os", "system", 0xF0)
    try:
        mark = tmp_path / "mark"
        (refcoco / "refs(unc).p").write_bytes(_hostile(mark)[name])
        with pytest.raises(UserError, match=r"refs\(unc\)\.p: no pickle of plain lists"):
            read(refcoco)
        assert not mark.exists()
    finally:
        copyreg.remove_extension("os", "system", 0xF0)


@pytest.mark.parametrize("refs", [[], [3], {"a": 1}, [{"split": "train"}], "text", None])
def test_a_pickle_of_something_else_is_one_message(refs: Any, refcoco: Path) -> None:
    (refcoco / "refs(unc).p").write_bytes(pickle.dumps(refs))
    with pytest.raises(UserError):
        read(refcoco)


@pytest.mark.parametrize("protocol", range(6))
def test_literals_are_read_as_they_were_written(protocol: int, tmp_path: Path) -> None:
    value = [{"a": (1, -(2**70), 2.5), "b": [None, True, "é\n"], 3: "x" * 300}, {}, [], ""]
    path = tmp_path / "x.p"
    path.write_bytes(pickle.dumps([value, value], protocol=protocol))
    assert load_literals(path) == [value, value]


def test_a_memo_of_any_number_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "x.p"
    path.write_bytes(b"\x80\x04]r\xff\xff\xff\xff.")  # Pickle in C makes room for 2**33 items
    assert load_literals(path) == []


def test_texts_of_python_2_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.p"
    path.write_bytes(b"\x80\x02}U\x05splitU\x05trains.")
    assert load_literals(path) == {"split": "train"}
