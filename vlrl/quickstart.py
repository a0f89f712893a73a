"""`make quickstart`: the tiny model learns to count by GRPO, in minutes on a CPU.

Stages: a warm start on several habits of answering, GRPO, and beside it further supervised training
for as long as GRPO took; each of the three models is measured on unseen scenes, in and out of
distribution.  Interrupt it and run it again: it goes on where it was.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from vlrl import config, report
from vlrl.config import Recipe
from vlrl.environment import versions
from vlrl.evaluation import evaluate
from vlrl.evaluation.measure import Measurement
from vlrl.training import grpo, sft
from vlrl.training.records import Lines

log = logging.getLogger("vlrl")

OUTPUT = Path("runs/quickstart")
SETS = {  # key of the summary -> (benchmark, number of scenes)
    "in_domain": ("counting_world", 500),
    "out_of_domain": ("counting_ood", 1500),
    "more_objects": ("counting_more", 500),
}
MODELS = {"before": sft.WARM_START, "after": grpo.MODEL, "sft_only": "sft_only"}
BATCH_SIZE = 250
REPORTED = ("accuracy", "low", "high", "n", "parse_failures")


def run(
    seed: int = 0,
    from_scratch: bool = False,
    out: Path | None = None,
    overrides: Sequence[str] = (),
) -> Path:
    """Run all stages and return the path of `summary.json`.

    `from_scratch` makes the checkpoint that sees again first; `overrides` are the recipe's.
    """
    options = [f"seed={seed}", f"output={out or OUTPUT}", *overrides]
    recipe = config.load("quickstart", options)
    output = Path(recipe.output or OUTPUT)
    seeing = config.load("seeing", [f"output={output}/seeing"])
    if from_scratch:
        recipe = dataclasses.replace(recipe, model=f"{seeing.output}/{sft.WARM_START}")
    _put_aside_other_runs(recipe, output)
    if from_scratch:
        sft.run(seeing)
    clock = _Clock(output / "seconds.json")
    with clock("warm_up"):
        sft.run(recipe)
    with clock("train"):
        grpo.run(recipe)
    with clock("sft_only"):
        _sft_only(recipe, output, clock.seconds)
    with clock("evaluate"):
        table = {label: _measure(output, label) for label in MODELS}
    summary = _write_summary(output, seed, table, clock.seconds)
    page = report.write([output])
    _print(table, summary, page)
    return output / "summary.json"


def _sft_only(recipe: Recipe, output: Path, seconds: dict[str, float]) -> None:
    """What more of the warm start gives: the steps that fit into the seconds that GRPO took."""
    steps = max(1, round(_steps_per_second(output) * seconds["train"]))
    options = {**recipe.sft, "max_steps": steps}
    longer = dataclasses.replace(recipe, sft=options, seed=recipe.seed + 1)  # other scenes
    sft.run(longer, model=str(output / sft.WARM_START), result="sft_only")


def _steps_per_second(output: Path) -> float:
    """The pace of the warm start, its own start left out."""
    logged = [record for record in Lines(output / "metrics.jsonl") if record["phase"] == "sft"]
    first, last = logged[0], logged[-1]
    if first is last:
        return last["step"] / last["time_s"]
    return (last["step"] - first["step"]) / (last["time_s"] - first["time_s"])


def _measure(output: Path, label: str) -> dict[str, Measurement]:
    """The model on every set, thinking; and in domain answering directly."""
    asked = [(key, *SETS[key], "think") for key in SETS]
    asked.append(("direct", *SETS["in_domain"], "direct"))
    return {
        key: evaluate.measure_all(
            str(output / MODELS[label]), [benchmark], mode=mode, out=output, label=label,
            limit=limit, batch_size=BATCH_SIZE, max_new_tokens=64 if key != "more_objects" else 96,
        )[0]
        for key, benchmark, limit, mode in asked
    }  # fmt: skip


def _write_summary(
    output: Path, seed: int, table: dict[str, dict[str, Measurement]], seconds: dict[str, float]
) -> dict[str, Any]:
    summary: dict[str, Any] = {
        key: {label: _reported(table[label][key]) for label in MODELS} for key in (*SETS, "direct")
    }
    summary["habits"] = {label: dict(table[label]["in_domain"].habits) for label in MODELS}
    summary["mean_tokens"] = {label: table[label]["in_domain"].mean_tokens for label in MODELS}
    rounded = {name: round(spent, 1) for name, spent in seconds.items()}
    summary["seconds"] = rounded | {"total": round(sum(seconds.values()), 1)}
    summary |= {"seed": seed, "versions": versions()}
    (output / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", "utf-8")
    return summary


def _reported(each: Measurement) -> dict[str, float]:
    found = {**each.as_dict(), "accuracy": each.score}
    return {key: round(found[key], 4) for key in REPORTED}


def _print(table: dict[str, dict[str, Measurement]], summary: dict[str, Any], page: Path) -> None:
    grid = Table(title="share of right counts (95 % interval)")
    for heading in ("", "scenes", "warm start", "after GRPO", "further SFT instead"):
        grid.add_column(heading)
    for key in (*SETS, "direct"):
        cells = [
            f"{each.score:.3f} ({each.low:.3f}-{each.high:.3f})"
            for each in (table[label][key] for label in MODELS)
        ]
        grid.add_row(key.replace("_", " "), str(table["before"][key].n), *cells)
    Console(width=110).print(grid)
    scores = " ".join(
        f"{key} " + " ".join(f"{label} {summary[key][label]['accuracy']:.3f}" for label in MODELS)
        for key in SETS
    )
    print(f"quickstart: {scores} seconds {summary['seconds']['total']:.0f} seed {summary['seed']}")
    print(f"report: {page}")


def _put_aside_other_runs(recipe: Recipe, output: Path) -> None:
    """A run of another seed or recipe keeps its results, under another name."""
    written = output / "recipe.yaml"
    if not written.is_file() or config.load(str(written)) == recipe:
        return
    number = 1
    while (aside := output.with_name(f"{output.name}-{number}")).exists():
        number += 1
    output.rename(aside)
    log.info("%s held a run of another seed or recipe; it is now %s", output, aside)


class _Clock:
    """Seconds per stage, kept in a file so that a resumed run adds to them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, float] = {}
        if path.is_file():
            self.seconds = json.loads(path.read_text("utf-8"))

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(self.seconds), "utf-8")
