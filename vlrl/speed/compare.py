"""One comparison: both trainers in turn, medians of pairs, and the difference after one step."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from vlrl.environment import versions
from vlrl.speed import shapes, work
from vlrl.speed.measure import PHASES, Record, no_future_warnings, peak_flops, run
from vlrl.speed.settings import Settings
from vlrl.speed.sides import SIDES, Make, NewModel
from vlrl.speed.work import Rows

WARM_UP = 1  # steps
COUNTS = ("tokens", "patches", "decodes", "memory_mb")


def compare(settings: Settings, new_model: NewModel | None = None) -> dict[str, Any]:
    """Ours and plain TRL's in turn, `settings.pairs` times; a result as `--json` writes it.

    `new_model`: in place of the preset's.
    """
    new_model = new_model or partial(shapes.new_model, settings.preset)
    found = timings(settings, new_model)
    return {**found, "difference": difference(settings, new_model)}


def timings(settings: Settings, new_model: NewModel) -> dict[str, Any]:
    """`compare` without the difference."""
    found: dict[str, list[Record]] = {name: [] for name in SIDES}
    for pair in range(settings.pairs):
        names = sorted(SIDES, reverse=pair % 2 == 1)  # each is as often the first
        for name in names:
            found[name].append(_run(SIDES[name], settings, new_model))
            gc.collect()
    return {
        "settings": asdict(settings),
        "versions": versions(),
        "phases": {phase: _phase(found, phase) for phase in PHASES},
        **{name: _counts(found, name) for name in COUNTS},
        "share_of_peak": _share_of_peak(found),
    }


def _run(make: Make, settings: Settings, new_model: NewModel) -> Record:
    rows = Rows(settings, settings.num_prompts * (WARM_UP + 2))  # one step is fetched early
    with tempfile.TemporaryDirectory() as folder:
        made = work.recipe(settings, Path(folder), WARM_UP + 1, _recomputes(settings))
        return run(
            lambda: make(new_model, made, rows.samples),
            rows,
            warm_up=WARM_UP,
            num_completion_tokens=settings.num_completions * settings.completion_tokens,
        )


def _recomputes(settings: Settings) -> bool:
    return settings.preset in shapes.SHAPES


def _phase(found: Mapping[str, list[Record]], phase: str) -> dict[str, float]:
    ours, theirs = ([each.seconds[phase] for each in found[name]] for name in ("ours", "trl"))
    ratios = [b / max(a, 1e-9) for a, b in zip(ours, theirs, strict=True)]
    return {"ours_s": median(ours), "trl_s": median(theirs), "ratio": median(ratios)}


def _counts(found: Mapping[str, list[Record]], name: str) -> dict[str, int]:
    def total(record: Record) -> float:
        value = getattr(record, name)
        return sum(value.values()) if isinstance(value, dict) else value

    return {side: round(median(map(total, records))) for side, records in found.items()}


def _share_of_peak(found: Mapping[str, list[Record]]) -> dict[str, float] | None:
    """FLOPs of the training phases per second of theirs, as a share of the GPU's bfloat16 rate."""
    peak = peak_flops()
    if peak is None:
        return None

    def share(record: Record) -> float:
        return record.flops / (record.seconds["logps"] + record.seconds["backward"]) / peak

    return {side: median(map(share, records)) for side, records in found.items()}


def difference(settings: Settings, new_model: NewModel) -> dict[str, float]:
    """Largest difference of loss, gradient norm (relative) and parameters after a step of SGD.

    Both learn from the same completions, those that our trainer drew.
    """
    drawn: list[Any] = []
    ours, theirs = (_one_step(make, settings, new_model, drawn) for make in SIDES.values())
    norm = theirs.gradient_norm
    changes = zip(ours.weights, theirs.weights, strict=True)
    return {
        "loss": abs(ours.loss - theirs.loss),
        "gradient": abs(ours.gradient_norm - norm) / max(abs(norm), 1e-12),
        "parameters": max(float((a.float() - b.float()).abs().max()) for a, b in changes),
    }


@dataclass(frozen=True, kw_only=True)
class _Step:
    loss: float
    gradient_norm: float
    weights: list[torch.Tensor]


def _one_step(make: Make, settings: Settings, new_model: NewModel, drawn: list[Any]) -> _Step:
    with tempfile.TemporaryDirectory() as folder:
        made = work.recipe(settings, Path(folder), 1, _recomputes(settings))
        trainer = make(new_model, made, Rows(settings, settings.num_prompts).samples)
        trainer._generate_single_turn = _once(trainer._generate_single_turn, drawn)
        with no_future_warnings():
            trainer.train()
    model = trainer.accelerator.unwrap_model(trainer.model)
    history = trainer.state.log_history[0]
    return _Step(
        loss=history["loss"],
        gradient_norm=history["grad_norm"],
        weights=[weight.detach().cpu() for weight in model.parameters()],
    )


def _once(generate: Callable[..., Any], drawn: list[Any]) -> Callable[..., Any]:
    """`generate` where nothing is drawn yet; after that always what it drew."""

    def inner(*given: Any, **options: Any) -> Any:
        if not drawn:
            drawn.append(generate(*given, **options))
        return drawn[0]

    return inner
