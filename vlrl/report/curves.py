"""Pictures for a README: a run's learning curves, and scenes with the model's answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlrl.contracts import UserError
from vlrl.report.charts import Curve, smooth
from vlrl.report.page import habit_colours, habit_curves, points, task_curves, validation_curve
from vlrl.report.rollouts import RIGHT, evenly_spaced, open_image
from vlrl.report.runs import Row, Run, read_all, rows_with_offsets

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAPER, INK, SOFT, RULE = "#fcfbf8", "#1f2226", "#60656d", "#d5d1c7"
GOOD, BAD = "#2c6e4b", "#a63d2f"
COLOURS = ("#2b6390", "#bd5a26", "#3b7d5c", "#7d559c", "#9a7412", "#5d6b78")


def learning_curve_png(run_dir: Path, out: Path) -> Path:
    """Draw accuracy (training and validation), habits or format, and completion length over steps.

    Raises UserError where the run has logged no training step.
    """
    from matplotlib.figure import Figure

    run = read_all([run_dir])[0]
    if not run.phase("train"):
        raise UserError(f"{run_dir / 'metrics.jsonl'}: no training step is logged; train first")
    figure = Figure(figsize=(11, 3.2), dpi=160, facecolor=PAPER, layout="constrained")
    accuracy, middle, length = figure.subplots(1, 3)
    _draw_accuracy(accuracy, run)
    _draw_habits_or_format(middle, run)
    _draw_curve(length, points(run, "num_tokens"), COLOURS[0])
    _dress(length, "Completion length, tokens")
    length.set_ylim(bottom=0)
    return _save(figure, out)


def answers_png(
    predictions: Path, out: Path, *, before: Path | None = None, columns: int = 5, rows: int = 2
) -> Path:
    """Draw samples evenly spaced over a predictions file, with the truth and the model's answer.

    `predictions` and `before` are `eval/<name>.jsonl` files of one run or of two; with `before`,
    the earlier answer to the same sample stands beside.  Nothing is chosen by its answer.  Raises
    UserError where a file is missing or no sample in it has an image.
    """
    from matplotlib.figure import Figure

    found = [row for row in _predictions(predictions) if row.get("media")]
    if not found:
        raise UserError(
            f"{predictions}: no prediction with an image; evaluate on a benchmark with images"
        )
    earlier = {str(row.get("sample")): row for row in (_predictions(before) if before else [])}
    figure = Figure(
        figsize=(2.1 * columns, 2.8 * rows), dpi=160, facecolor=PAPER, layout="constrained"
    )
    cells = figure.subplots(rows, columns, squeeze=False).flat
    chosen = evenly_spaced(found, rows * columns)
    for cell in cells:
        cell.set_axis_off()
    for cell, row in zip(figure.axes, chosen, strict=False):
        _draw_answer(cell, row, earlier.get(str(row.get("sample"))), predictions.parent.parent)
    return _save(figure, out)


def _draw_accuracy(axes: Axes, run: Run) -> None:
    if tasks := task_curves(run, "accuracy"):
        _draw_tasks(axes, tasks, task_curves(run, "validation/accuracy"))
        _dress(axes, "Accuracy (dashed: validation)", share=True)
        return
    _draw_training_and_validation(axes, run)
    _dress(axes, "Accuracy", share=True)


def _draw_tasks(axes: Axes, training: Sequence[Curve], validation: Sequence[Curve]) -> None:
    """Every task in a colour of its own."""
    for curve in training:
        _draw_curve(axes, curve.points, COLOURS[curve.colour], label=curve.name)
    for curve in validation:
        steps, values = zip(*curve.points, strict=True)
        axes.plot(steps, values, "o--", color=COLOURS[curve.colour], markersize=4, linewidth=1)


def _draw_training_and_validation(axes: Axes, run: Run) -> None:
    _draw_curve(axes, points(run, "accuracy"), COLOURS[0], label="training")
    validation = validation_curve(run)
    if validation.points:
        steps, values = zip(*validation.points, strict=True)
        lows, highs = zip(*validation.spread, strict=True)
        below = [value - low for value, low in zip(values, lows, strict=True)]
        above = [high - value for value, high in zip(values, highs, strict=True)]
        axes.errorbar(
            steps,
            values,
            (below, above),
            color=COLOURS[1],
            marker="o",
            markersize=4,
            label="validation",
        )


def _draw_habits_or_format(axes: Axes, run: Run) -> None:
    colours = habit_colours([run])
    curves = habit_curves(run, colours)
    if not any(curve.points for curve in curves):
        _draw_curve(axes, points(run, "format"), COLOURS[0])
        _dress(axes, "Format", share=True)
        return
    _draw_stack(axes, curves)
    _dress(axes, "Share of each way of answering", share=True)


def _draw_stack(axes: Axes, curves: Sequence[Curve]) -> None:
    steps = [step for step, _ in curves[0].points]
    shares = [[share for _, share in smooth(curve.points)] for curve in curves]
    axes.stackplot(
        steps,
        shares,
        labels=[curve.name for curve in curves],
        colors=[COLOURS[curve.colour] for curve in curves],
        alpha=0.75,
    )


def _draw_curve(
    axes: Axes, values: Sequence[tuple[float, float]], colour: str, label: str = ""
) -> None:
    if not values:
        return
    steps, means = zip(*smooth(values), strict=True)
    axes.scatter(steps, [value for _, value in values], s=4, color=colour, alpha=0.25, linewidths=0)
    axes.plot(steps, means, color=colour, linewidth=1.8, label=label or None)


def _dress(axes: Axes, title: str, share: bool = False) -> None:
    axes.set_facecolor(PAPER)
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.set_xlabel("optimizer step", fontsize=8, color=SOFT)
    axes.tick_params(labelsize=8, colors=SOFT, length=0)
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            frameon=False,
            fontsize=8,
            labelcolor=INK,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.18),
            ncols=3,
        )
    for side in axes.spines.values():
        side.set_visible(False)
    if share:
        axes.set_ylim(0, 1)
        axes.set_yticks((0, 0.25, 0.5, 0.75, 1), ("0 %", "25 %", "50 %", "75 %", "100 %"))


def _draw_answer(axes: Axes, row: Row, earlier: Row | None, run_dir: Path) -> None:
    with open_image(run_dir, str(row["media"][0])) as image:
        axes.imshow(image.convert("RGB"), interpolation="nearest")
    target = row.get("target")
    axes.set_title("" if target is None else f"truth {target}", loc="left", fontsize=9, color=INK)
    answers = [("model", row)] if earlier is None else [("before", earlier), ("after", row)]
    for line, (label, answer) in enumerate(answers):
        _write_answer(axes, -0.04 - 0.1 * line, label, answer)


def _write_answer(axes: Axes, y: float, label: str, row: Row) -> None:
    right = ((row.get("parts") or {}).get("accuracy") or 0) >= RIGHT
    said = row.get("parsed")
    value = "no answer" if said is None else str(said)[:24]
    axes.text(
        0,
        y,
        f"{label} {value} {'✓' if right else '✗'}",
        transform=axes.transAxes,
        va="top",
        fontsize=9,
        color=GOOD if right else BAD,
    )


def _predictions(path: Path) -> list[Row]:
    if not path.is_file():
        raise UserError(
            f"{path}: no such file; give the .jsonl file of an evaluation under <run>/eval/"
        )
    return [row for _, row in rows_with_offsets(path) if row is not None]


def _save(figure: Any, out: Path) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, facecolor=PAPER)
    return out
