"""Rows of the grounding task as it reads them: what the tests of its raw formats share."""

from pathlib import Path

from vlrl.contracts import BadRow, Sample, Source
from vlrl.data.grounding import Grounding

TASK = Grounding()
SAMPLES = Path(__file__).resolve().parent.parent / "data" / "samples"


def read(spec: Path | str, role: str = "train") -> list[Sample | BadRow]:
    return list(TASK.load(Source(spec=str(spec), role=role)))  # type: ignore[arg-type]


def samples(spec: Path | str, role: str = "train") -> list[Sample]:
    found = read(spec, role)
    assert all(isinstance(each, Sample) for each in found), found
    return found  # type: ignore[return-value]


def reasons(spec: Path | str) -> list[str]:
    return [each.reason for each in read(spec) if isinstance(each, BadRow)]
