"""The report page and its pictures: numbers, sampling, escaping, unfinished and broken runs."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from fake_run import HOSTILE, make_run, write_lines
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vlrl.contracts import UserError
from vlrl.report import write
from vlrl.report.charts import Curve, area_chart, line_chart, nice_ticks, show, smooth, thin
from vlrl.report.rollouts import collect, evenly_spaced, segments, spread
from vlrl.report.runs import read_all


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "first", num_steps=60)


@pytest.fixture
def run_copy(run_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_dir, tmp_path / "copy"))


def page_data(page: str) -> dict:
    """The JSON that the page's viewer reads."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def text_of(page: str) -> str:
    """The visible text of the server-written part, on one line."""
    body = re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


# --- the page ---


def test_page_states_scores_facts_and_samples(run_copy: Path):
    out = write([run_copy])
    page = out.read_text(encoding="utf-8")
    text = text_of(page)
    assert out == run_copy / "report.html"
    assert "On world_counting (think) accuracy rose from 24.0 % to" in text
    assert "Seed 0" in text and "Git revision 0123abc" in text and "torch 2.11.0" in text
    assert "40 warm start, 60 GRPO" in text
    assert "learning_rate: 1e-4" in text  # the recipe
    sets = page_data(page)["sets"]
    assert [one["name"] for one in sets] == [
        "training",
        "world_counting, think",
        "world_counting, direct",
        "world_counting_ood, think",
        "world_counting_ood, direct",
    ]
    assert sets[0]["about"] == "32 of 40 groups, from 16 of 20 steps"
    assert [card["label"] for card in sets[1]["groups"][0]["cards"]] == [
        "before",
        "after",
        "sft_only",
    ]


def test_card_carries_what_was_scored(run_copy: Path):
    row = json.loads((run_copy / "rollouts.jsonl").read_text().splitlines()[0])
    group = collect(read_all([run_copy]), budget_bytes=10**6).sets[0]["groups"][0]
    card = group["cards"][0]
    assert group["target"] == str(row["target"]) and group["prompt"] == row["prompt"]
    assert card["parts"] == row["parts"] and card["total"] == row["total"]
    assert card["advantage"] == row["advantage"] and card["num_tokens"] == row["num_tokens"]
    assert card["habit"] == row["habit"]
    assert "".join(text for _, text in card["segments"]) == row["completion"]


def test_page_is_self_contained(run_dir: Path, tmp_path: Path):
    page = write([run_dir], tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)|@import|url\(|https?:""", page)


def test_several_runs_are_compared(run_dir: Path, tmp_path: Path):
    other = make_run(tmp_path / "second", seed=1, num_steps=30, learning_rate="5e-5")
    text = text_of(write([run_dir, other], tmp_path / "both.html").read_text(encoding="utf-8"))
    assert "train.learning_rate 1e-4 5e-5" in text and "train.max_steps 60 30" in text
    assert (
        "train.num_generations" not in text.split("Settings that differ")[1].split("Recipe of")[0]
    )
    assert "Habits, first" in text and "Habits, second" in text
    assert text.index("first, before") < text.index("second, before") < text.index("first, after")


def test_runs_of_one_name_are_told_apart(tmp_path: Path):
    folders = [tmp_path / "a" / "run", tmp_path / "b" / "run"]
    for folder in folders:
        folder.mkdir(parents=True)
    assert [run.name for run in read_all(folders)] == ["a/run", "b/run"]
    assert write(folders) == tmp_path / "a" / "report.html"


@pytest.mark.parametrize("folders", [[], ["no-such-run"]])
def test_no_folder_is_a_set_up_error(folders: list[str], tmp_path: Path):
    with pytest.raises(UserError, match=r"run folder"):
        write([tmp_path / name for name in folders])


def test_what_was_measured_beside_the_score_is_shown(run_copy: Path):
    change(run_copy, "think-before", metric="mask.iou", accuracy=0.25, metrics={"giou": 0.31})
    change(run_copy, "think-after", metric="mask.iou", accuracy=0.5, metrics={"ciou": 0.625})
    page = write([run_copy]).read_text(encoding="utf-8")
    tables = [
        text_of(table) for table in re.findall(r"<table class=.results.*?</table>", page, re.S)
    ]
    same, other = (table for table in tables if table.startswith("world_counting "))
    assert same.startswith("world_counting accuracy") and other.startswith(
        "world_counting mask.iou"
    )
    assert "Score and interval n" in same
    assert "Score and interval accuracy giou ciou n" in other
    assert "25.0 % 31.0 % – 200" in other and "50.0 % – 62.5 % 200" in other
    assert "On world_counting (think) mask.iou rose" in text_of(page)


def test_scores_of_two_metrics_are_not_compared(run_copy: Path):
    change(run_copy, "think-after", metric="mask.iou")
    assert "On world_counting (think)" not in text_of(write([run_copy]).read_text(encoding="utf-8"))


def change(run: Path, name: str, **values: object) -> None:
    """Other values in the evaluation on world_counting of that name."""
    path = run / "eval" / f"world_counting-{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


# --- unfinished, broken and hostile runs ---


@pytest.mark.slow
@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("recipe.yaml", "recipe.yaml is missing"),
        ("metrics.jsonl", "metrics.jsonl is missing"),
        ("rollouts.jsonl", "rollouts.jsonl is missing"),
        ("summary.json", "no summary and no model: the run has not finished"),
        ("eval", "no evaluation under eval/"),
        ("media", "not shown"),
    ],
)
def test_missing_file_is_named(run_copy: Path, missing: str, said: str):
    path = run_copy / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    page = write([run_copy]).read_text(encoding="utf-8")
    assert said in page
    if missing == "media":
        lost = page_data(page)["sets"][0]["groups"][0]["lost"]
        assert lost == ["media/step1-0.png"]


def test_a_finished_run_needs_no_summary(run_copy: Path):
    (run_copy / "summary.json").unlink()
    (run_copy / "model").mkdir()
    assert "has not finished" not in write([run_copy]).read_text(encoding="utf-8")


def test_empty_run_says_what_is_missing(tmp_path: Path):
    text = text_of(write([tmp_path]).read_text(encoding="utf-8"))
    assert text.count("missing:") == 3 and "Seed not recorded" in text


@pytest.mark.slow
@pytest.mark.parametrize("tail", [b'{"step": 61, "phase": "tr', b"\x00\x00\xff", b"[1, 2]"])
@pytest.mark.parametrize("name", ["metrics.jsonl", "rollouts.jsonl"])
def test_broken_last_line_is_skipped_and_counted(run_copy: Path, name: str, tail: bytes):
    with (run_copy / name).open("ab") as file:
        file.write(tail)
    assert f"{name}: 1 broken line skipped." in text_of(
        write([run_copy]).read_text(encoding="utf-8")
    )


def test_repeated_steps_and_groups_of_a_resumed_run_count_once(tmp_path: Path):
    metrics = [{"step": step, "phase": "train", "reward": step} for step in (1, 2, 3)]
    write_lines(
        tmp_path / "metrics.jsonl", [*metrics, {"step": 2, "phase": "train", "reward": 20.0}]
    )
    rollout = {"step": 1, "group": 0, "index": 0, "completion": "old"}
    write_lines(tmp_path / "rollouts.jsonl", [rollout, rollout | {"completion": "new"}])
    run = read_all([tmp_path])[0]
    assert [row["reward"] for row in run.phase("train")] == [1, 20.0, 3]
    cards = collect([run], budget_bytes=10**6).sets[0]["groups"][0]["cards"]
    assert [card["segments"] for card in cards] == [[("other", "new")]]


def test_values_that_are_not_numbers_are_left_out(tmp_path: Path):
    (tmp_path / "eval").mkdir()
    values = '{"benchmark": "b", "mode": "think", "label": "after", "score": NaN, "n": 3}'
    (tmp_path / "eval" / "b-think-after.json").write_text(values)
    (tmp_path / "metrics.jsonl").write_text(
        '{"step": 1, "reward": NaN}\n{"step": 2, "reward": 1}\n'
    )
    run = read_all([tmp_path])[0]
    assert run.evaluations[0].number("score") is None
    assert "NaN" not in write([tmp_path]).read_text(encoding="utf-8").split("<script>")[0]


def test_text_of_a_run_cannot_become_markup(tmp_path: Path):
    run = make_run(tmp_path / "hostile", num_steps=6, completion=HOSTILE)
    (run / "recipe.yaml").write_text(f"model: {json.dumps(HOSTILE)}\n")
    path = run / "eval" / "world_counting-think-after.json"
    values = json.loads(path.read_text()) | {"benchmark": HOSTILE, "habits": {HOSTILE: 0.5}}
    path.write_text(json.dumps(values))
    page = write([run]).read_text(encoding="utf-8")
    assert "<img" not in page
    assert page.count("</script>") == 2  # the data and the code, nothing closed early
    card = page_data(page)["sets"][1]["groups"][0]["cards"][0]
    assert "".join(text for _, text in card["segments"]) == HOSTILE


def test_long_run_fits_the_budget_and_covers_all_of_it(tmp_path: Path):
    write_lines(
        tmp_path / "rollouts.jsonl",
        [
            {
                "step": step,
                "group": 0,
                "index": i,
                "completion": f"{step} " * 20_000,
                "num_tokens": 1,
            }
            for step in range(1, 41)
            for i in range(4)
        ],
    )
    sets = collect(read_all([tmp_path]), budget_bytes=200_000).sets
    steps = [group["step"] for group in sets[0]["groups"]]
    assert len(json.dumps(sets)) < 250_000
    assert steps[0] == 1 and steps[-1] == 40 and 4 <= len(steps) < 16
    assert max(b - a for a, b in pairwise(steps)) < 20
    assert "characters left out" in sets[0]["groups"][0]["cards"][0]["segments"][0][1]


def test_every_step_is_shown_before_any_second_group(tmp_path: Path):
    text = "word " * 500
    rows = [
        {"step": step, "group": group, "index": 0, "completion": text}
        for step in range(1, 6)
        for group in range(4)
    ]
    write_lines(tmp_path / "rollouts.jsonl", rows)
    groups = collect(read_all([tmp_path]), budget_bytes=13_000).sets[0]["groups"]
    assert [(g["step"], g["name"]) for g in groups] == [(step, "0") for step in range(1, 6)]


# --- images ---


def encoded(side: int) -> str:
    buffer = io.BytesIO()
    Image.effect_noise((side, side), 60).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    ("reference", "kind", "size"),
    [
        (encoded(64), "png", (64, 64)),
        (encoded(900), "jpeg", (448, 448)),
        ("data:text/html;base64,PHNjcmlwdD4=", None, None),
        ("data:image/svg+xml,<svg onload='x'>", None, None),
        ("clip.mp4", None, None),
    ],
)
def test_images_are_decoded_and_kept_small(tmp_path: Path, reference: str, kind, size):
    write_lines(tmp_path / "rollouts.jsonl", [{"step": 1, "group": 0, "media": [reference]}])
    viewer = collect(read_all([tmp_path]), budget_bytes=10**6)
    group = viewer.sets[0]["groups"][0]
    if kind is None:
        assert group["media"] == [] and group["lost"] == [reference[:80]]
        return
    head, payload = viewer.media[group["media"][0]].split(";base64,")
    assert head == f"data:image/{kind}"
    assert Image.open(io.BytesIO(base64.b64decode(payload))).size == size


# --- choosing and splitting ---


@given(st.lists(st.integers(), unique=True, max_size=60), st.integers(1, 20))
def test_choice_is_a_spread_subset_with_both_ends(items: list[int], num: int):
    chosen = evenly_spaced(items, num)
    assert len(chosen) == min(num, len(items)) == len(set(chosen))
    assert sorted(spread(items)) == sorted(items)
    if len(items) > 1 and num > 1:
        assert (chosen[0], chosen[-1]) == (items[0], items[-1])
        assert set(spread(items)[:2]) == {items[0], items[-1]}


def test_spread_goes_from_ends_to_quarters():
    assert spread(list(range(9))) == [8, 0, 4, 2, 6, 1, 3, 5, 7]


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        ("", []),
        ("plain", [("other", "plain")]),
        (
            "<think>a\nb</think> <answer>3</answer>",
            [
                ("tag", "<think>"),
                ("think", "a\nb"),
                ("tag", "</think>"),
                ("other", " "),
                ("tag", "<answer>"),
                ("answer", "3"),
                ("tag", "</answer>"),
            ],
        ),
        ("a</think>b", [("think", "a"), ("tag", "</think>"), ("other", "b")]),
        ("<think>never closed", [("tag", "<think>"), ("think", "never closed")]),
    ],
)
def test_thinking_and_answer_are_told_apart(completion: str, expected: list):
    assert segments(completion) == expected


# --- curves ---


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.5, 1]),
        (0, 2, [0, 0.5, 1, 1.5, 2]),
        (1, 120, [0, 50, 100, 150]),
        (-0.3, 0.3, [-0.4, -0.2, 0, 0.2, 0.4]),
        (5, 5, [2, 4, 6, 8]),
        (0.001, 0.0012, [0.001, 0.00105, 0.0011, 0.00115, 0.0012]),
    ],
)
def test_ticks_are_round_and_enclose(low: float, high: float, expected: list[float]):
    assert nice_ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (None, "share", "–"),
        (0.7151, "share", "71.5 %"),
        (0.0, "number", "0"),
        (1.8649, "number", "1.86"),
        (61.42, "number", "61.4"),
        (1234.6, "number", "1,235"),
        (2e-6, "number", "2e-06"),
        (-0.25, "number", "-0.25"),
    ],
)
def test_values_are_shown(value, unit, expected):
    assert show(value, unit) == expected


def test_running_mean_by_hand():
    points = [(i, float(i % 2)) for i in range(50)]  # reach 2: five neighbours, fewer at the ends
    means = [value for _, value in smooth(points)]
    assert means[:4] == pytest.approx([1 / 3, 2 / 4, 2 / 5, 3 / 5])
    assert means[-1] == pytest.approx(2 / 3)


def test_short_curves_are_not_smoothed():
    points = [(i, float(i * i)) for i in range(20)]
    assert smooth(points) == points


def test_long_curves_are_averaged_in_bins():
    curve = thin(Curve(name="c", colour=0, points=tuple((i, float(i)) for i in range(1000))))
    assert len(curve.points) == 500
    assert curve.points[:2] == ((1, 0.5), (3, 2.5))


def test_line_chart_puts_points_where_they_belong():
    curve = Curve(name="run", colour=2, points=((10, 0.0), (20, 0.5), (30, 1.0)))
    chart = line_chart("Accuracy", [curve], "share")
    assert chart is not None
    paths = {mark.role: mark.path for mark in chart.marks}
    assert paths["line"] == "M0 1000L500 500L1000 0"
    assert paths["dots"] == "M0 1000h0M500 500h0M1000 0h0"
    assert [(t.at, t.text) for t in chart.y_ticks][::2] == [
        (0, "0 %"),
        (50, "50 %"),
        (100, "100 %"),
    ]
    assert chart.hover["x"] == [10, 20, 30] and chart.hover["at"] == [0, 50, 100]
    assert chart.hover["series"][0]["text"] == ["0.0 %", "50.0 %", "100.0 %"]
    assert chart.legend[0].text == "0.0 % → 100.0 %"


def test_curves_with_other_steps_share_the_axis():
    curves = [
        Curve(name="a", colour=0, points=((0, 1.0), (10, 2.0))),
        Curve(name="b", colour=1, points=((5, 3.0),)),
        Curve(name="empty", colour=2, points=()),
    ]
    chart = line_chart("Reward", curves, "number")
    assert chart is not None
    assert chart.hover["x"] == [0, 5, 10]
    assert [s["text"] for s in chart.hover["series"]] == [["1", None, "2"], [None, "3", None]]


def test_whiskers_span_the_interval():
    curve = Curve(name="v", colour=0, points=((1, 0.5), (2, 0.6)), spread=((0.4, 0.6), (0.5, 0.75)))
    chart = line_chart("Validation", [curve], "share")
    assert chart is not None
    assert chart.marks[0].path == "M0 600L0 400M1000 500L1000 250"
    assert chart.hover["series"][0]["text"][1] == "60.0 % (50.0 % to 75.0 %)"


def test_areas_are_stacked():
    curves = [
        Curve(name="a", colour=0, points=((0, 0.25), (1, 0.5))),
        Curve(name="b", colour=1, points=((0, 0.5), (1, 0.5))),
    ]
    chart = area_chart("Habits", curves)
    assert chart is not None
    assert chart.marks[0].path == "M0 750L1000 500L1000 1000L0 1000Z"
    assert chart.marks[1].path == "M0 250L1000 0L1000 500L0 750Z"


def test_no_points_no_chart():
    empty = Curve(name="a", colour=0, points=())
    assert line_chart("t", [empty], "number") is None and area_chart("t", []) is None


# --- pictures ---


@pytest.mark.slow
def test_pictures_are_drawn(run_dir: Path, tmp_path: Path):
    from vlrl.report.curves import answers_png, learning_curve_png

    curve = learning_curve_png(run_dir, tmp_path / "curve.png")
    after, before = (run_dir / f"eval/world_counting-think-{w}.jsonl" for w in ("after", "before"))
    sheet = answers_png(after, tmp_path / "answers.png", before=before, columns=3, rows=1)
    assert Image.open(curve).size == (1760, 512)
    assert Image.open(sheet).size == (1008, 448)
    assert len(Image.open(sheet).convert("RGB").getcolors(10**6) or []) > 50


@pytest.mark.slow
def test_pictures_of_nothing_are_set_up_errors(tmp_path: Path):
    from vlrl.report.curves import answers_png, learning_curve_png

    with pytest.raises(UserError, match="no training step"):
        learning_curve_png(tmp_path, tmp_path / "curve.png")
    with pytest.raises(UserError, match="no such file"):
        answers_png(tmp_path / "none.jsonl", tmp_path / "answers.png")
