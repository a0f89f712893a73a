"""The report of a run of several tasks: curves of each, and cards that name theirs."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_run import make_run

from vlrl.report import write
from vlrl.report.page import points, task_curves
from vlrl.report.rollouts import collect
from vlrl.report.runs import read_all

MIXED = ("counting", "grounding")


def test_tasks_of_a_mixed_run_have_curves_of_their_own(tmp_path: Path):
    folder = make_run(tmp_path / "mixed", num_steps=20, tasks=MIXED)
    run = read_all([folder])[0]
    for metric in ("reward", "accuracy"):
        first, second = task_curves(run, metric)
        assert (first.name, second.name) == MIXED and first.colour != second.colour
        assert first.points == points(run, metric)
        assert second.points == tuple((step, value + 0.1) for step, value in first.points)
    assert [step for step, _ in task_curves(run, "validation/accuracy")[1].points] == [1, 20]
    page = write([folder]).read_text(encoding="utf-8")
    for title in ("Reward by task", "Accuracy in training by task", "Validation accuracy by task"):
        chart = page[page.index(f"<h3>{title}</h3>") :].partition("</figure>")[0]
        assert all(f"</i>{task} <span>" in chart for task in MIXED)


def test_cards_name_their_task_where_a_run_has_several(tmp_path: Path):
    folders = (
        make_run(tmp_path / "mixed", num_steps=3, tasks=MIXED),
        make_run(tmp_path / "alone", num_steps=3),
    )
    mixed, alone = (collect(read_all([each]), budget_bytes=10**6).sets for each in folders)
    assert [group["cards"][0]["task"] for group in mixed[0]["groups"]] == list(MIXED)
    assert {card["task"] for group in alone[0]["groups"] for card in group["cards"]} == {None}
    assert "by task" not in write([folders[1]]).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_picture_of_a_mixed_run_has_a_line_for_each_task(tmp_path: Path):
    from matplotlib.figure import Figure

    from vlrl.report.curves import _draw_accuracy

    axes = Figure().subplots()
    _draw_accuracy(axes, read_all([make_run(tmp_path / "m", num_steps=20, tasks=MIXED)])[0])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(MIXED)
    solid, dashed = axes.lines[:2], axes.lines[2:]
    assert [line.get_color() for line in solid] == [line.get_color() for line in dashed]
    assert [len(line.get_xdata()) for line in axes.lines] == [20, 20, 2, 2]
