"""Read run folders: recipe, summary, metrics and evaluations.  Any file may be absent or cut short.

A process that is killed leaves a broken last line, and one that resumes repeats steps: broken lines
are skipped and counted, and the last line written for a step wins.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vlrl.contracts import UserError

Row = dict[str, Any]

LABELS = ("before", "after", "sft_only")
"""Known labels of an evaluation in the order of a run's life; others follow alphabetically."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One benchmark measured once: the content of `eval/<benchmark>-<mode>-<label>.json`."""

    values: Row
    predictions: Path  # lines in the rollouts schema; the file may be absent

    @property
    def benchmark(self) -> str:
        return str(self.values.get("benchmark", "?"))

    @property
    def mode(self) -> str:
        return str(self.values.get("mode", "?"))

    @property
    def label(self) -> str:
        return str(self.values.get("label", "?"))

    @property
    def metric(self) -> str:
        return str(self.values.get("metric", "accuracy"))

    @property
    def place(self) -> tuple[str, bool, str, int, str]:
        """Orders evaluations by benchmark, mode (think first) and time in a run's life."""
        rank = LABELS.index(self.label) if self.label in LABELS else len(LABELS)
        return self.benchmark, self.mode != "think", self.mode, rank, self.label

    @property
    def beside(self) -> dict[str, float]:
        """Other metrics of the same completions: `accuracy` where the score is another, giou ..."""
        accuracy = self.number("accuracy")
        own = {} if accuracy is None else {"accuracy": accuracy}
        return own | (self.values.get("metrics") or {})

    def number(self, key: str) -> float | None:
        """The value of a numeric key, or None where it was not recorded."""
        value = self.values.get(key)
        return None if value is None else float(value)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run folder holds; `notes` says in words what is missing or broken."""

    name: str
    folder: Path
    recipe: Mapping[str, Any]
    recipe_text: str
    summary: Row
    metrics: tuple[Row, ...]  # sorted by phase and step, one per pair
    evaluations: tuple[Evaluation, ...]  # sorted by place
    notes: tuple[str, ...]

    def phase(self, name: str) -> list[Row]:
        return [row for row in self.metrics if row.get("phase", "train") == name]


def read_all(folders: Sequence[Path]) -> list[Run]:
    """Read run folders in the order given; names are as short as they can be while they differ.

    Raises UserError where there is no folder to read.
    """
    if not folders:
        raise UserError("report: no run given; name at least one run folder, e.g. runs/quickstart")
    for folder in folders:
        if not folder.is_dir():
            raise UserError(
                f"report: {folder} is not a folder; name a run folder such as runs/quickstart"
            )
    return [_read(folder, name) for folder, name in zip(folders, _names(folders), strict=True)]


def rows_with_offsets(path: Path) -> Iterator[tuple[int, Row | None]]:
    """Yield (byte offset, row) for each line of a .jsonl file; None where it is no JSON object."""
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield offset, _parse(line)
            offset += len(line)


def rows_at(path: Path, offsets: Sequence[int]) -> list[Row]:
    """The rows that begin at these offsets of a .jsonl file."""
    rows = []
    with path.open("rb") as file:
        for offset in offsets:
            file.seek(offset)
            rows.append(_parse(file.readline()) or {})
    return rows


def broken_lines(path: Path, count: int) -> str:
    lines = "1 broken line" if count == 1 else f"{count} broken lines"
    return f"{path.name}: {lines} skipped."


def _read(folder: Path, name: str) -> Run:
    notes: list[str] = []
    recipe, recipe_text = _read_recipe(folder / "recipe.yaml", notes)
    summary = _read_object(folder / "summary.json", notes) or {}
    if not summary and not (folder / "model").is_dir():  # only the quickstart sums up
        notes.append("no summary and no model: the run has not finished.")
    return Run(
        name=name,
        folder=folder,
        recipe=recipe,
        recipe_text=recipe_text,
        summary=summary,
        metrics=_read_metrics(folder / "metrics.jsonl", notes),
        evaluations=_read_evaluations(folder / "eval", notes),
        notes=tuple(notes),
    )


def _read_recipe(path: Path, notes: list[str]) -> tuple[Mapping[str, Any], str]:
    if not path.exists():
        notes.append("recipe.yaml is missing: settings and seed are unknown.")
        return {}, ""
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        recipe = yaml.safe_load(text)
    except yaml.YAMLError:
        recipe = None
    if not isinstance(recipe, dict):
        notes.append("recipe.yaml cannot be read as YAML; it is shown as it stands.")
        return {}, text
    return recipe, text


def _read_metrics(path: Path, notes: list[str]) -> tuple[Row, ...]:
    if not path.exists():
        notes.append("metrics.jsonl is missing: there are no curves.")
        return ()
    last: dict[tuple[str, float], Row] = {}
    num_broken = 0
    for _, row in rows_with_offsets(path):
        if row is None or row.get("step") is None:
            num_broken += 1
            continue
        last[str(row.get("phase", "train")), row["step"]] = row
    if num_broken:
        notes.append(broken_lines(path, num_broken))
    return tuple(last[key] for key in sorted(last))


def _read_evaluations(folder: Path, notes: list[str]) -> tuple[Evaluation, ...]:
    found = []
    for path in sorted(folder.glob("*.json")):
        values = _read_object(path, notes)
        if values is not None:
            found.append(Evaluation(values=values, predictions=path.with_suffix(".jsonl")))
    if not found:
        notes.append("no evaluation under eval/: there is no before and after.")
    return tuple(sorted(found, key=lambda evaluation: evaluation.place))


def _read_object(path: Path, notes: list[str]) -> Row | None:
    if not path.exists():
        return None
    values = _parse(path.read_bytes())
    if values is None:
        notes.append(f"{path.name} cannot be read as a JSON object; it is left out.")
    return values


def _parse(line: bytes) -> Row | None:
    """A JSON object with NaN and infinity as None, or None where the bytes hold no JSON object."""
    try:
        row = json.loads(line, parse_constant=lambda _: None)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _names(folders: Sequence[Path]) -> list[str]:
    parts = [folder.resolve().parts for folder in folders]
    depth = 1
    while depth < max(map(len, parts)) and len({p[-depth:] for p in parts}) < len(set(parts)):
        depth += 1
    return ["/".join(p[-depth:]) for p in parts]
