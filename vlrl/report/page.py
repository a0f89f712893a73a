"""Turn runs into what the template shows: lede, facts, results, settings, curves and rollouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from vlrl.report import rollouts
from vlrl.report.charts import Chart, Curve, Unit, area_chart, line_chart, show
from vlrl.report.runs import Evaluation, Row, Run

ROLLOUT_BYTES = 3_200_000  # of the page's roughly 4 MB at most
NUM_COLOURS = 6
TASK_CURVES: tuple[tuple[str, str, Unit], ...] = (
    ("reward", "Reward by task", "number"),
    ("accuracy", "Accuracy in training by task", "share"),
    ("validation/accuracy", "Validation accuracy by task", "share"),
)
WORDS = {"before": "before", "sft_only": "further SFT", "after": "after"}

MAIN_CURVES: tuple[tuple[str, str, Unit], ...] = (
    ("reward", "Reward", "number"),
    ("accuracy", "Accuracy in training", "share"),
    ("format", "Format", "share"),
    ("num_tokens", "Completion length, tokens", "number"),
)
MORE_CURVES: tuple[tuple[str, str, Unit], ...] = (
    ("truncated", "Truncated", "share"),
    ("reward_std", "Spread of reward within groups", "number"),
    ("kl", "KL from the reference", "number"),
    ("loss", "Loss", "number"),
    ("grad_norm", "Gradient norm", "number"),
    ("learning_rate", "Learning rate", "number"),
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """One row of the results: a score in [0, 1] with its 95 % interval, and what went with it."""

    run: int
    mode: str
    words: str  # when it was measured
    look: str  # CSS class of the bar
    score: float | None
    low: float | None
    high: float | None
    interval: str  # "64.0 to 77.1", empty where it was not recorded
    commonest: float | None  # score of always giving the commonest answer
    n: str
    parse_failures: str
    truncated: str
    mean_tokens: str
    beside: Mapping[str, float]  # other metrics of the same completions, shares
    habits: Mapping[str, float]
    habits_text: str


@dataclass(frozen=True, kw_only=True)
class Gain:
    """One sentence of the lede: a benchmark before and after."""

    benchmark: str
    mode: str
    metric: str
    before: str
    after: str
    verb: str
    aside: str  # the difference in points, whether the intervals overlap, and what beats it


def render(runs: Sequence[Run]) -> str:
    """The page of these runs as HTML."""
    viewer = rollouts.collect(runs, budget_bytes=ROLLOUT_BYTES)
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"show": show, "percent": _percent}
    notes = [_prefixed(run, note, runs) for run in runs for note in run.notes]
    habits = habit_colours(runs)
    return environment.get_template("template.html.j2").render(
        title=" and ".join(run.name for run in runs),
        runs=runs,
        num_colours=NUM_COLOURS,
        right=rollouts.RIGHT,
        recipes=[(run.name, run.recipe_text) for run in runs if run.recipe_text],
        gains=[_gains(run.evaluations) for run in runs],
        facts=_fact_table(runs),
        settings=_differing_settings(runs),
        results=_results(runs),
        habits=habits,
        charts=_charts(runs, MAIN_CURVES)
        + _validation(runs, "train")
        + _task_charts(runs)
        + _habit_charts(runs, habits),
        warm_start=_warm_start(runs),
        more_charts=_charts(runs, MORE_CURVES),
        viewer=viewer,
        notes=notes + viewer.notes,
    )


def _percent(value: float) -> float:
    """A place on a bar from 0 to 100."""
    return round(min(1.0, max(0.0, value)) * 100, 2)


def _prefixed(run: Run, note: str, runs: Sequence[Run]) -> str:
    return f"{run.name}: {note}" if len(runs) > 1 else note


def _gains(evaluations: Sequence[Evaluation]) -> list[Gain]:
    gains = []
    for (benchmark, mode), group in groupby(evaluations, key=lambda e: (e.benchmark, e.mode)):
        by_label = {evaluation.label: evaluation for evaluation in group}
        if "before" in by_label and "after" in by_label:
            gain = _gain(benchmark, mode, by_label["before"], by_label["after"])
            if gain:
                gains.append(gain)
    return gains


def _gain(benchmark: str, mode: str, before: Evaluation, after: Evaluation) -> Gain | None:
    old, new = before.number("score"), after.number("score")
    if old is None or new is None or before.metric != after.metric:
        return None
    points = f"{(new - old) * 100:+.1f} points".replace("-", "−")
    commonest, caveat = after.number("commonest"), ""
    if commonest is not None and new <= commonest:
        caveat = f"always giving the commonest answer scores {show(commonest, 'share')}"
    return Gain(
        benchmark=benchmark,
        mode=mode,
        metric=after.metric,
        before=show(old, "share"),
        after=show(new, "share"),
        verb="rose" if new > old else "fell" if new < old else "stayed",
        aside="; ".join(filter(None, (points, _overlap(before, after), caveat))),
    )


def _overlap(a: Evaluation, b: Evaluation) -> str:
    low_a, high_a, low_b, high_b = (e.number(key) for e in (a, b) for key in ("low", "high"))
    if low_a is None or high_a is None or low_b is None or high_b is None:
        return ""
    apart = high_a < low_b or high_b < low_a
    return "the intervals are apart" if apart else "the intervals overlap"


def _results(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """One block per benchmark and metric.

    Its rows stand in the order of `Evaluation.place` and then of the runs.
    """
    found = [(e, number) for number, run in enumerate(runs) for e in run.evaluations]
    found.sort(key=lambda row: (row[0].benchmark, row[0].metric, row[0].place, row[1]))
    blocks = []
    for (benchmark, metric), group in groupby(
        found, key=lambda row: (row[0].benchmark, row[0].metric)
    ):
        rows = [_result(evaluation, number) for evaluation, number in group]
        beside = list(dict.fromkeys(name for row in rows for name in row.beside))
        blocks.append({"benchmark": benchmark, "metric": metric, "beside": beside, "rows": rows})
    return blocks


def _result(evaluation: Evaluation, run: int) -> Result:
    count = evaluation.number("n")
    habits = evaluation.values.get("habits") or {}
    return Result(
        run=run,
        mode=evaluation.mode,
        words=WORDS.get(evaluation.label, evaluation.label),
        look=f"label-{evaluation.label}" if evaluation.label in WORDS else "label-other",
        score=evaluation.number("score"),
        low=evaluation.number("low"),
        high=evaluation.number("high"),
        interval=_interval(evaluation),
        commonest=evaluation.number("commonest"),
        n="–" if count is None else f"{count:,.0f}",
        parse_failures=show(evaluation.number("parse_failures"), "share"),
        truncated=show(evaluation.number("truncated"), "share"),
        mean_tokens=show(evaluation.number("mean_tokens")),
        beside=evaluation.beside,
        habits=habits,
        habits_text=", ".join(f"{name} {show(share, 'share')}" for name, share in habits.items()),
    )


def _interval(evaluation: Evaluation) -> str:
    low, high = evaluation.number("low"), evaluation.number("high")
    return "" if low is None or high is None else f"{low * 100:.1f} to {high * 100:.1f}"


def _fact_table(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """What each run is: one row per fact, one cell per run; empty rows are left out or say so."""
    facts = [_facts(run) for run in runs]
    return [
        (label, [fact[label] or "not recorded" for fact in facts])
        for label in facts[0]
        if any(fact[label] for fact in facts) or label in ("Seed", "Git revision", "Versions")
    ]


def _facts(run: Run) -> dict[str, str]:
    recipe, summary = run.recipe, run.summary
    trained = run.phase("train")
    versions = summary.get("versions") or next(
        (e.values.get("versions") for e in run.evaluations), None
    )
    seed = summary.get("seed", recipe.get("seed"))
    return {
        "Model": str(recipe.get("model") or ""),
        "Task": str(recipe.get("task") or ""),
        "Mode": str(recipe.get("mode") or ""),
        "Steps": _steps(run.phase("sft"), trained),
        "Time": _duration(max((row.get("time_s") or 0 for row in run.metrics), default=0)),
        "Seed": "" if seed is None else str(seed),
        "Git revision": str((versions or {}).get("git") or ""),
        "Versions": ", ".join(f"{name} {version}" for name, version in (versions or {}).items()),
    }


def _steps(warm: Sequence[Row], trained: Sequence[Row]) -> str:
    named = (("warm start", warm), ("GRPO", trained))
    return ", ".join(f"{rows[-1]['step']:,} {name}" for name, rows in named if rows)


def _duration(seconds: float) -> str:
    if not seconds:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _differing_settings(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    flat = [_flatten(run.recipe) for run in runs]
    keys = dict.fromkeys(key for settings in flat for key in settings)
    rows = [(key, [settings.get(key, "–") for settings in flat]) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def _charts(
    runs: Sequence[Run], curves: Sequence[tuple[str, str, Unit]], phase: str = "train"
) -> list[Chart]:
    charts = [line_chart(title, _curves(runs, key, phase), unit) for key, title, unit in curves]
    return [chart for chart in charts if chart]


def _curves(runs: Sequence[Run], key: str, phase: str) -> list[Curve]:
    return [
        Curve(name=run.name, colour=number % NUM_COLOURS, points=points(run, key, phase))
        for number, run in enumerate(runs)
    ]


def points(run: Run, key: str, phase: str = "train") -> tuple[tuple[float, float], ...]:
    """The (step, value) pairs that a run logged under a key."""
    values = ((row["step"], _logged(row).get(key)) for row in run.phase(phase))
    return tuple((step, value) for step, value in values if value is not None)


def _logged(row: Row) -> Row:
    """What was logged, with `validation/NAME` for each of its values."""
    measured = row.get("validation") or {}
    return row | {f"validation/{name}": value for name, value in measured.items()}


def validation_curve(run: Run, colour: int = 0, phase: str = "train") -> Curve:
    """Validation accuracy with its interval, at the steps where it was measured."""
    measured = [
        (row["step"], row["validation"])
        for row in run.phase(phase)
        if row.get("validation") and row["validation"].get("accuracy") is not None
    ]
    return Curve(
        name=run.name,
        colour=colour,
        points=tuple((step, v["accuracy"]) for step, v in measured),
        spread=tuple(
            (v.get("low", v["accuracy"]), v.get("high", v["accuracy"])) for _, v in measured
        ),
    )


def _validation(runs: Sequence[Run], phase: str) -> list[Chart]:
    curves = [validation_curve(run, i % NUM_COLOURS, phase) for i, run in enumerate(runs)]
    chart = line_chart("Validation accuracy", curves, "share", about="whiskers: 95 % interval")
    return [chart] if chart else []


def _warm_start(runs: Sequence[Run]) -> list[Chart]:
    return _charts(runs, [("loss", "Warm-start loss", "number")], "sft") + _validation(runs, "sft")


def task_colours(run: Run) -> dict[str, int]:
    """A colour for each task of a run; none where it logged only one."""
    prefixes = [f"{metric}/" for metric, _, _ in TASK_CURVES]
    keys = {key for row in run.phase("train") for key in _logged(row)}
    tasks = {key.removeprefix(each) for key in keys for each in prefixes if key.startswith(each)}
    return {name: number % NUM_COLOURS for number, name in enumerate(sorted(tasks))}


def task_curves(run: Run, metric: str) -> list[Curve]:
    """A curve of reward, accuracy or validation/accuracy for each task that has values of it."""
    curves = (
        Curve(name=task, colour=colour, points=points(run, f"{metric}/{task}"))
        for task, colour in task_colours(run).items()
    )
    return [curve for curve in curves if curve.points]


def _task_charts(runs: Sequence[Run]) -> list[Chart]:
    charts = [
        line_chart(
            f"{title}, {run.name}" if len(runs) > 1 else title, task_curves(run, metric), unit
        )
        for run in runs
        for metric, title, unit in TASK_CURVES
    ]
    return [chart for chart in charts if chart]


def habit_colours(runs: Sequence[Run]) -> dict[str, int]:
    """A colour for each habit of any run, the most frequent first."""
    totals: dict[str, float] = {}
    for run in runs:
        shares = [row.get("habits") or {} for row in run.metrics]
        shares += [evaluation.values.get("habits") or {} for evaluation in run.evaluations]
        for name, share in (item for habits in shares for item in habits.items()):
            totals[name] = totals.get(name, 0) + (share or 0)
    ordered = sorted(totals, key=lambda name: -totals[name])
    return {name: number % NUM_COLOURS for number, name in enumerate(ordered)}


def _habit_charts(runs: Sequence[Run], colours: Mapping[str, int]) -> list[Chart]:
    charts = [
        area_chart(
            f"Habits, {run.name}" if len(runs) > 1 else "Habits",
            habit_curves(run, colours),
            about="share of completions that show each way of answering",
        )
        for run in runs
    ]
    return [chart for chart in charts if chart]


def habit_curves(run: Run, colours: Mapping[str, int]) -> list[Curve]:
    """One curve of shares per habit, all at the same steps."""
    rows = [row for row in run.phase("train") if row.get("habits")]
    return [
        Curve(
            name=name,
            colour=colour,
            points=tuple((row["step"], row["habits"].get(name) or 0.0) for row in rows),
        )
        for name, colour in colours.items()
    ]
