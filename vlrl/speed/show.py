"""Tables and a picture of what `vlrl speed` found."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from vlrl.report.curves import COLOURS, INK, PAPER, RULE, SOFT
from vlrl.speed.surface import MEASURES, label, ratio, shape_label

COUNTS = {
    "tokens": "tokens", "patches": "patches", "decodes": "pictures decoded",
    "memory_mb": "peak memory, MiB",
}  # fmt: skip


def comparison(found: Mapping[str, Any]) -> None:
    """Print one comparison."""
    rows = []
    for name, phase in found["phases"].items():
        ours, theirs, times = (phase[key] for key in ("ours_s", "trl_s", "ratio"))
        rows.append((name, f"{ours:.3f}", f"{theirs:.3f}", f"{times:.2f}"))
    for name, words in COUNTS.items():
        ours, theirs = found[name]["ours"], found[name]["trl"]
        rows.append((words, f"{ours:,}", f"{theirs:,}", f"{theirs / max(ours, 1):.2f}"))
    if share := found["share_of_peak"]:
        ours, theirs = share["ours"], share["trl"]
        rows.append(("share of the GPU's rate", f"{ours:.1%}", f"{theirs:.1%}", ""))
    _print("seconds of an optimizer step, medians", ("phase", "ours", "TRL", "ratio"), rows)
    print("largest difference after a step:", found["difference"])


def surface(found: Mapping[str, Any]) -> None:
    """Print the ratios at all points of a surface."""
    rows = [
        (label(point), *(f"{ratio(point, phases):.2f}" for phases in MEASURES.values()))
        for point in found["points"]
    ]
    _print("plain TRL's time / ours", ("tokens (share of the prompt)", *MEASURES), rows)
    print("largest difference after a step, at the first point:", found["difference"])


def _print(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="right" if index else "left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def plot(found: Mapping[str, Any], out: Path) -> Path:
    """Draw the ratios of a surface over the group size, a line for every pair of lengths."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), dpi=160, facecolor=PAPER, layout="constrained")
    for axes, (name, phases) in zip(
        figure.subplots(1, len(MEASURES)), MEASURES.items(), strict=True
    ):
        _draw(axes, name, phases, found["points"])
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=8,
        labelcolor=INK,
    )  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, facecolor=PAPER)
    return out


def _draw(axes: Any, name: str, phases: Sequence[str], points: Sequence[Mapping[str, Any]]) -> None:
    lines = itertools.groupby(points, key=shape_label)
    for colour, (shape, group) in zip(itertools.cycle(COLOURS), lines, strict=False):
        line = [(each["settings"]["num_generations"], ratio(each, phases)) for each in group]
        axes.plot(*zip(*line, strict=True), marker="o", markersize=4, color=colour, label=shape)
    axes.axhline(1, color=SOFT, linewidth=0.8, linestyle=":")
    axes.set_ylim(bottom=0)
    axes.set_xticks(sorted({each["settings"]["num_generations"] for each in points}))
    axes.set_title(f"{name}: TRL's time / ours", loc="left", fontsize=10, color=INK)
    axes.set_xlabel("completions of a prompt (G)", fontsize=8, color=SOFT)
    axes.set_facecolor(PAPER)
    axes.tick_params(labelsize=8, colors=SOFT, length=0)
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    for side in axes.spines.values():
        side.set_visible(False)
