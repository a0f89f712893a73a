"""`vlrl check` passes a strict task and catches the defects that published rewards have."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from vlrl import cli
from vlrl.attacks import aimed
from vlrl.check import Report, check_task
from vlrl.contracts import BadRow, Frame, Sample, Source, Task
from vlrl.media import content_key, image_reference
from vlrl.prompts import MODES
from vlrl.rewards import labels, number

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "samples"
FLOODS = {"all answers, commas", "all answers, lines", "two answers, or"}


class Strict(Task):
    name = "strict"
    kind = "number"
    rewards = {"accuracy": number.exact}

    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        first = 100 if source.spec == "other" else 0
        for index in range(first, first + 40):
            yield Sample(
                id=str(index),
                task=self.name,
                question=f"How many in picture {chr(65 + index)}?",
                target=1 + index % 4,
            )

    def hint(self, sample: Sample, frame: Frame | None) -> str:
        return "Write digits."

    def parse(self, answer: str, sample: Sample, frame: Frame | None) -> float | None:
        return number.parse(answer)

    def ideal(self, sample: Sample, frame: Frame | None) -> str:
        return str(sample.target)


class Containment(Strict):
    """MMR1, Visual-RFT: right if the answer contains the target."""

    def parse(self, answer: str, sample: Sample, frame: Frame | None) -> float | None:
        return sample.target if str(sample.target) in answer else None


class FirstNumber(Strict):
    """The first number of a sentence counts."""

    def parse(self, answer: str, sample: Sample, frame: Frame | None) -> float | None:
        found = re.search(r"\d+", answer)
        return int(found.group()) if found else None


class EmptyIsRight(Strict):
    """MVBench: an empty prediction is a substring of everything."""

    def parse(self, answer: str, sample: Sample, frame: Frame | None) -> float | None:
        return sample.target if answer in str(sample.target) else None


class IdealMissesTag(Strict):
    """The ideal answer does not parse."""

    def ideal(self, sample: Sample, frame: Frame | None) -> str:
        return f"{sample.target} objects"


class Crashing(Strict):
    def parse(self, answer: str, sample: Sample, frame: Frame | None) -> float | None:
        return int(answer)


class Dirty(Strict):
    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        yield BadRow(file="rows.jsonl", row=3, reason="no target", cure="give it one")
        samples = [row for row in super().load(source) if isinstance(row, Sample)]
        yield samples[0].with_(target="many")
        yield samples[1].with_(id="again", target=4)
        yield from samples[1:]


class Words(Strict):
    """Labels by F1, to which a list of guesses is worth more than one guess."""

    kind = "labels"
    rewards = {"accuracy": labels.f1}

    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        for row in super().load(source):
            assert isinstance(row, Sample)
            yield row.with_(target=[("cat", "dog", "fox", "owl")[row.target - 1]])

    def parse(self, answer: str, sample: Sample, frame: Frame | None) -> list[str] | None:
        return labels.parse(answer)

    def ideal(self, sample: Sample, frame: Frame | None) -> str:
        return sample.target[0]


class FairWords(Words):
    rewards = {"accuracy": labels.jaccard}


class GradedRows(Words):
    """Only its samples say that credit is partial."""

    kind = "number"

    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        return (row.with_(kind="labels") for row in super().load(source))


def check(task: Task, **options) -> Report:
    return check_task(task, Source(spec="rows"), **options)


def outcomes(report: Report) -> dict[str, str]:
    return {finding.check: finding.outcome for finding in report.findings}


def details(report: Report) -> dict[str, str]:
    return {finding.check: finding.detail for finding in report.findings}


def failed(report: Report) -> set[str]:
    return {name for name, outcome in outcomes(report).items() if outcome == "fail"}


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_a_strict_task_passes_in_every_mode(mode: str) -> None:
    report = check(Strict(), mode=mode)
    assert report.passed, details(report)
    assert details(report)["ideal"] == "scores 1 on all 40"
    assert details(report)["commonest answer"] == "'1' to everything scores 0.250"
    assert details(report)["answers"].startswith("4 different: '1' 25%")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (Containment(), {*FLOODS, "fixed strategies"}),
        (FirstNumber(), FLOODS),
        (EmptyIsRight(), {"empty answer"}),
        (IdealMissesTag(), {"ideal"}),
        (
            Crashing(),
            {"empty answer", "refusal as the answer", "prompt echo as the answer"} | FLOODS,
        ),
    ],
    ids=lambda value: getattr(value, "name", "") and type(value).__name__,
)
def test_a_defect_fails(task: Task, expected: set[str]) -> None:
    report = check(task)
    assert not report.passed
    assert expected <= failed(report)
    if expected != {"ideal"}:
        assert outcomes(report)["ideal"] == "pass"


@pytest.mark.slow
@pytest.mark.parametrize("task", [Words(), GradedRows()], ids=lambda task: type(task).__name__)
def test_floods_that_pay_with_partial_credit_are_a_note_with_their_cure(task: Task) -> None:
    report = check(task)
    assert report.passed, details(report)
    assert outcomes(report)["several answers at once"] == "note"
    told = details(report)["several answers at once"]
    assert told.startswith("beat the best constant answer (0.250)") and "labels.jaccard" in told
    assert "several answers at once" not in outcomes(check(FairWords()))


def test_bad_rows_and_targets_are_notes_with_their_cure() -> None:
    report = check(Dirty())
    assert report.passed
    notes = details(report)
    assert notes["rows"] == "41 read; 1 cannot be read:\nrows.jsonl, row 3: no target; give it one"
    assert notes["targets"].startswith(
        "1 unusable, they give no signal:\n0: 'many' is not a number"
    )
    assert notes["ideal"] == "scores 1 on all 40"
    assert notes["duplicates"] == (
        "samples that repeat another's question and media: 1; questions with answers that differ: 1"
    )


def test_overlap_of_training_and_test() -> None:
    same = check(Strict(), tests=[Source(spec="rows")])
    assert details(same)["overlap"].startswith("of 40 samples of rows 40 are in the training set")
    other = check(Strict(), tests=[Source(spec="other")])
    assert outcomes(other)["overlap"] == "pass"


def test_in_a_frame_the_ceiling_is_a_note() -> None:
    report = check(Strict(), frame=Frame(width=1000, height=1000))
    assert details(report)["ideal"] == "reaches 1.0000 in the frame"
    assert outcomes(report)["ideal"] == "note"


def test_the_limit_is_kept() -> None:
    assert (
        details(check(Strict(), limit=5))["rows"]
        == "40 read; 5 of them, spread over all, are tried"
    )


def test_several_answers_are_named_only_where_there_are_others() -> None:
    few, many = aimed("?", "1", []), aimed("?", "1", ["2"])
    assert few.keys() < many.keys()
    assert many.keys() - few.keys() > FLOODS
    assert not any("2" in completion for completion in few.values())


def test_the_report_prints_every_finding(capsys) -> None:
    report = check(Containment())
    report.print()
    printed = capsys.readouterr().out
    assert all(finding.check.split()[0] in printed for finding in report.findings)
    assert "fail" in printed and "strict on rows, mode think" in printed


def test_a_picture_is_the_same_in_a_file_and_in_a_table(tmp_path: Path) -> None:
    data = (SAMPLES / "superclevr" / "images").glob("*.png")
    path = next(data)
    in_file = image_reference(path.name, name="file", folders=[path.parent])
    in_table = image_reference({"bytes": path.read_bytes(), "path": None}, name="table")
    assert in_file.key != in_table.key
    assert content_key(in_file) == content_key(in_table)


def test_a_data_set_is_checked_by_the_task_that_reads_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["check", str(SAMPLES / "vlm_r1")]) == 0
    assert "grounding on" in capsys.readouterr().out
    assert cli.main(["check", str(SAMPLES / "r1v")]) == 2
    assert "counting, visual_math can read these rows; name one" in capsys.readouterr().err
    rows = [{"question": "What?", "answer": 3}]
    (tmp_path / "mine.json").write_text(json.dumps(rows))
    assert cli.main(["check", str(tmp_path / "mine.json")]) == 2
    assert "no task reads such rows; `vlrl tasks` lists" in capsys.readouterr().err
