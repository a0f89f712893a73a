"""The raw formats of visual math: read as published, golds turned into targets, bad rows named."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from raw_rows import png, write_jsonl

from vlrl.contracts import BadRow, Sample, Source
from vlrl.data.formats import golds
from vlrl.data.visual_math import VisualMath
from vlrl.media import load_image
from vlrl.scoring import score

TASK = VisualMath()
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"


def read(path: Path | str, role: str = "train") -> list[Sample | BadRow]:
    return list(TASK.load(Source(spec=str(path), role=role)))  # type: ignore[arg-type]


def good(path: Path | str, role: str = "train") -> list[Sample]:
    found = read(path, role)
    assert all(isinstance(each, Sample) for each in found), found
    return found  # type: ignore[return-value]


def accuracy(sample: Sample, answer: str) -> float | None:
    return score(TASK, sample, f"<think>So.</think><answer>{answer}</answer>").parts["accuracy"]


# The sample folders

EXPECTED: dict[str, list[tuple[str, Any]]] = {  # folder -> kind and target of its rows
    "r1v_math": [("math", "45"), ("math", "110")],
    "open_r1": [("math", "17"), ("math", r"16\pi")],
    "geoqa_test": [("math", "45"), ("math", "110")],
    "reason_rft": [("math", "45"), ("math", "110")],
    "geometry3k": [("choice", "D"), ("choice", "D")],
    "geometry3k_rows": [("math", "17"), ("math", r"16\pi")],
    "mathvista": [
        *(("math", "25"), ("choice", "C")),
        *(("number", {"value": 25, "within": 0.05}), ("math", "[38, 25]")),
    ],
    "mathvision": [("math", "45"), ("choice", "E"), ("choice", "B")],
    "mathverse": [("choice", "D"), ("choice", "D"), ("math", "32")],
    "logicvista": [("labels", ["C"]), ("labels", ["A", "C"])],
    "olympiadbench": [
        *(("math", r"3\sqrt{2}"), ("math", r"2, \frac{1}{3}")),
        ("number", {"value": 0.016, "within": 0.001}),
    ],
    "mm_eureka": [("math", "17"), ("math", r"16\pi")],
    "k12": [("math", "17"), ("math", r"16\pi")],
    "mmk12": [("math", "17"), ("math", r"16\pi")],
    "r1_vl": [("math", "25"), ("text", "The last row")],
}
WRONG = "-12345"


def samples_of(folder: str) -> list[Sample]:
    return [each for each in read(SAMPLES / folder, "test") if isinstance(each, Sample)]


def test_every_format_has_a_sample_folder() -> None:
    assert {each.name for each in TASK.formats} <= set(EXPECTED)


@pytest.mark.parametrize("folder", EXPECTED)
def test_the_sample_rows_are_read(folder: str) -> None:
    found = samples_of(folder)
    assert [(sample.kind, sample.target) for sample in found] == EXPECTED[folder]
    for sample in found:
        assert load_image(sample.media[0]).size == sample.image_size == (168, 168)
        assert len(sample.media) == 1 and sample.question.count("<image>") <= 1


@pytest.mark.slow
@pytest.mark.parametrize("folder", EXPECTED)
def test_the_ideal_of_a_sample_row_scores_1_and_a_wrong_answer_0(folder: str) -> None:
    for sample in samples_of(folder):
        assert accuracy(sample, TASK.ideal(sample, None)) == 1
        assert accuracy(sample, WRONG) == accuracy(sample, "") == 0


def test_the_sample_rows_are_those_that_the_script_writes(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make", ROOT / "scripts/samples/visual_math.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.make(tmp_path)
    files = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file())
    assert {file.parts[0] for file in files} == set(EXPECTED)
    for file in files:
        if file.suffix in (".json", ".jsonl"):
            assert (SAMPLES / file).read_bytes() == (tmp_path / file).read_bytes()
        assert (SAMPLES / file).is_file()


def test_details_of_the_layouts() -> None:
    assert samples_of("open_r1")[0].reasoning is not None
    assert samples_of("reason_rft")[0].meta == {"id": "geomath-0"}
    assert samples_of("geometry3k")[1].id == "train/2/data.json"
    assert samples_of("mathverse")[1].question == "Answer the question in the picture."
    assert samples_of("mathverse")[1].options == ("A", "B", "C", "D")
    assert samples_of("mathverse")[2].meta == {
        **{"id": "3", "unit": "cm^2"},
        "version": "Vision Intensive",
    }
    assert samples_of("olympiadbench")[0].question.endswith("\n<image>")
    assert samples_of("mm_eureka")[0].question.startswith("<image>")
    assert samples_of("k12")[1].meta["unit"] == "cm"
    steps = samples_of("r1_vl")[0].meta["key_steps"]
    assert steps == ["30 - 5 = 25", ["30 - 5 = 25", "25"]]


def test_a_proof_is_left_out_and_several_blanks_are_a_bad_row() -> None:
    assert len(read(SAMPLES / "olympiadbench")) == 3  # of 4 rows
    (bad,) = (each for each in read(SAMPLES / "k12") if isinstance(each, BadRow))
    assert str(bad).endswith(
        "k12.json, row 3: the answer '$$7$$ $$10$$' is no number or expression; "
        "correct or remove the row"
    )


# Rows of other sources


def test_a_message_may_hold_a_system_turn_several_images_and_plain_text(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.png").write_bytes(png(9))
    content = [
        {"type": "image", "image": f"file://{tmp_path}/a.png"},
        {"type": "text", "text": "and"},
        {"type": "image", "image": "b.png"},
        {"type": "text", "text": "?"},
    ]
    system = {"role": "system", "content": "Think."}
    path = write_jsonl(
        tmp_path / "rows.jsonl",
        {
            "id": 1,
            "message": json.dumps([system, {"role": "user", "content": content}]),
            "answer": "2",
        },
        {"id": 2, "message": json.dumps([{"role": "user", "content": "1 + 1?"}]), "answer": "2"},
        {"id": 3, "message": json.dumps([system]), "answer": "2"},
    )
    two, none, bad = read(path)
    assert isinstance(two, Sample) and isinstance(none, Sample) and isinstance(bad, BadRow)
    assert two.question == "<image>and<image>?" and len(two.media) == 2
    assert none.question == "1 + 1?" and none.media == ()
    assert bad.reason == "nobody asks in the message"


def test_geometry3k_is_read_by_split_and_from_the_folder_of_a_split(tmp_path: Path) -> None:
    for split, answer in (("train", "A"), ("test", "B")):
        for number in (10, 9):
            place = tmp_path / split / str(number)
            place.mkdir(parents=True)
            (place / "img_diagram.png").write_bytes(png(9))
            row = {"compact_text": "Find x.", "choices": ["1", r"2 \sqrt { 2 }"], "answer": answer}
            (place / "data.json").write_text(json.dumps(row))
    (tmp_path / "test" / "9" / "data.json").write_text("{")
    assert [s.id for s in good(tmp_path)] == ["train/9/data.json", "train/10/data.json"]
    broken, sound = read(tmp_path, "test")
    assert isinstance(broken, BadRow) and "no valid JSON" in broken.reason
    assert isinstance(sound, Sample) and sound.target == "B"
    assert read(f"{tmp_path}@test", "validation")[1] == sound
    assert [s.target for s in good(tmp_path / "train")] == ["A", "A"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[" * 100_000, "no valid JSON ("),
        (b"[]", "no JSON object but list"),
        (None, "it cannot be read ("),  # a folder of that name
        (b"{}", "it has no 'compact_text'"),
    ],
)
def test_a_broken_problem_of_geometry3k_is_a_bad_row_and_the_others_are_read(
    tmp_path: Path, data: bytes | None, reason: str
) -> None:
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "img_diagram.png").write_bytes(png(9))
    broken, sound = (tmp_path / name / "data.json" for name in ("1", "2"))
    broken.mkdir() if data is None else broken.write_bytes(data)
    row = {"compact_text": "Find x.", "choices": ["1", "2"], "answer": "A"}
    sound.write_text(json.dumps(row))
    bad, found = read(tmp_path)
    assert isinstance(found, Sample) and isinstance(bad, BadRow)
    assert bad.reason.startswith(reason) and bad.file == str(broken)


def test_a_row_without_a_sound_answer_says_why(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(png(9))
    row = {"imagename": "x.png", "question": "Which?", "reasoning": "", "skill": []}
    path = write_jsonl(tmp_path / "a.jsonl", {**row, "answer": "3"}, {**row, "answer": ""})
    reasons = [each.reason for each in read(path) if isinstance(each, BadRow)]
    assert reasons == [f"the answer {gold!r} names no letter of an option" for gold in ("3", "")]
    row = {"image_path": "x.png", "problem": "?", "solution": "It is 3.", "key_steps": None}
    (bad,) = read(write_jsonl(tmp_path / "b.jsonl", row))
    assert isinstance(bad, BadRow)
    assert bad.reason == "its solution has no '### The final answer is:'"


def test_a_gold_that_two_options_share_is_a_bad_row(tmp_path: Path) -> None:
    """As in MathVista's row 781."""
    (tmp_path / "x.png").write_bytes(png(9))
    row = {"pid": "781", "question": "?", "image": "x.png", "unit": None, "precision": None}
    path = write_jsonl(tmp_path / "a.jsonl", {**row, "choices": ["9", "18", "18"], "answer": "18"})
    (bad,) = read(path)
    assert isinstance(bad, BadRow) and bad.reason.startswith("the answer '18' is not one of")


# Golds


@pytest.mark.parametrize(
    ("gold", "target", "unit"),
    [
        ("145°", "145", ""),
        ("3cm", "3", "cm"),
        ("9米", "9", "m"),
        ("16π平方米", r"16\pi", "m^2"),
        ("2√{3}", r"2\sqrt{3}", ""),
        ("12 meters.", "12", "m"),
        ("4 cm²", "4", "cm^2"),
        ("$$3$$", "3", ""),
        ("30${}^\\circ $", "30", ""),
        (r"Area $=113.1 \mathrm{~cm}^{2}$", "113.1", "cm^2"),
        (r"Surface Area $=254.47 \mathrm{~cm}^{2}$", "254.47", "cm^2"),
        (r"S.A. $=1209.84$", "1209.84", ""),
        (r"\frac{1225\pi }{2} \text { units }^2", r"\frac{1225\pi}{2}", "units^2"),
        ("56.55 units $^{3}$", "56.55", "units^3"),
        (r"60.21 \mathrm{m}^2", "60.21", "m^2"),
        ("$EB=BD$", "EB=BD", ""),
        ("$r=24.4$", "r=24.4", ""),
        ("2 square meters", "2", "m^2"),
        ("$13 \\%$", r"13\times\frac{1}{100}", ""),
        ("x", "x", ""),
        ("3 \\pi cm", r"3\pi", "cm"),
    ],
)  # from GeoQA, K12 and MathVerse, read 2026
def test_golds_are_expressions_with_or_without_a_unit(gold: str, target: str, unit: str) -> None:
    assert golds.fields(gold) == {
        **{"target": target, "kind": "math"},
        "meta": {"unit": unit} if unit else {},
    }


@pytest.mark.parametrize(
    "gold", ["(1)3;(2)3, quadrilateral", "$$7$$ $$10$$", "118掳T", "It is 300.", "", "even"]
)
def test_golds_without_one_value_are_refused(gold: str) -> None:
    with pytest.raises(ValueError, match="is no number or expression"):
        golds.fields(gold)


def test_a_gold_that_names_one_value_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="names one value twice"):
        golds.fields("$$6$$,$$6$$")


def test_words_are_golds_where_the_format_allows_them() -> None:
    assert golds.fields("Bugs Bunny", words=True) == {
        **{"target": "Bugs Bunny", "kind": "text"},
    }
    assert golds.fields("24 cm", words=True)["kind"] == "math"
    with pytest.raises(ValueError, match="is no number or expression"):
        golds.fields("this is a long sentence without value", words=True)


@pytest.mark.parametrize(
    ("gold", "tolerance", "expected"),
    [
        ("1.2", 0.05, {"value": 1.2, "within": 0.05}),
        (r"$1.6 \times 10^{-19}$", 1e-20, {"value": 1.6e-19, "within": 1e-20}),
        (r"2\pi", 0.05, r"2\pi"),
        ("1.2", None, "1.2"),
    ],
)
def test_a_decimal_with_a_tolerance_is_a_number(
    gold: str, tolerance: float | None, expected: object
) -> None:
    assert golds.fields(gold, tolerance=tolerance)["target"] == expected


@pytest.mark.parametrize(
    ("question", "gold", "expected"),
    [
        ("What?\nChoices:\nA:40°\nB:60°\nC:120°", "C", ("40°", "60°", "120°")),
        ("Which? (A) red (B) blue", "(B)", ("red", "blue")),
        ("What?\nA. 3\nB. 4\nC. 5\nD. 6", "A.", ("3", "4", "5", "6")),
        ("In triangle A B C, what is right?", "B", ("A", "B", "C", "D")),
        ("What?", "F", tuple("ABCDEF")),
        ("Which? (A) red (B) blue", "blue", None),
        ("Which? (A) red (B) blue", "C", None),
        ("What?", "12", None),
    ],
)
def test_the_options_of_a_lettered_gold_are_read_from_the_question(
    question: str, gold: str, expected: tuple[str, ...] | None
) -> None:
    assert golds.lettered(question, gold) == expected


@pytest.mark.parametrize("answer", ["C", "120°", "(C) 120°"])
def test_a_choice_of_mathverse_is_answered_by_letter_or_text(answer: str) -> None:
    fields = golds.fields("C", options=golds.lettered("Choices:\nA:40°\nB:60°\nC:120°", "C"))
    sample = Sample(id="1", task="visual_math", question="What?", **fields)
    assert accuracy(sample, answer) == 1


@pytest.mark.parametrize("answer", ["12", "12 cm", r"12 \text{ cm}", "$12$ cm", "12 centimeters"])
def test_units_of_an_answer_are_read_like_those_of_a_gold(answer: str) -> None:
    bare, unit = golds.split_unit(answer)
    assert (bare.strip("$ "), unit) == ("12", "" if answer == "12" else "cm")
