"""Visual math: targets agree with what is drawn, steps with targets, and only right answers pay."""

import math
import re
import time
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import combinations, islice, pairwise
from random import Random

import pytest

from vlrl import tasks
from vlrl.check import check_task
from vlrl.contracts import Sample, Source, UserError
from vlrl.data.visual_math import VisualMath
from vlrl.data.world import visual_math as world
from vlrl.data.world.charts import Chart, Table
from vlrl.data.world.diagrams import Figure
from vlrl.data.world.visual_math_problem import Dice, Problem, fraction, root
from vlrl.media import load_image
from vlrl.prompts import write_completion
from vlrl.rewards import steps
from vlrl.scoring import score

TASK = VisualMath()
FAMILIES = {family.__name__: family for family in (*world.TRAINED, *world.HELD_OUT)}
NUM_EACH = 12


def take(preset: str, how_many: int, role: str = "train", seed: int = 0) -> list[Sample]:
    source = Source(spec=f"world:visual_math{preset}", role=role, seed=seed)  # type: ignore[arg-type]
    return [each for each in islice(TASK.load(source), how_many) if isinstance(each, Sample)]


def problems(family: str) -> list[Problem]:
    """Problems of the family with small and with large numbers."""
    return [
        FAMILIES[family](Dice(rng=Random(f"test/{family}/{i}"), large=i % 2 == 1))
        for i in range(NUM_EACH)
    ]


def number_of(latex: str) -> float:
    r"""The value of `7`, `\frac{7}{2}`, `5\sqrt{2}`, `2 * 3\pi` ... by Python's arithmetic."""
    text = re.sub(r"\\sqrt\{(\d+)\}", r"(\1**0.5)", latex).replace(r"\pi", f"({math.pi})")
    text = re.sub(r"\\frac\{([^{}]*)\}\{(\d+)\}", r"((\1)/\2)", text).replace("^", "**")
    text = re.sub(r"(?<=[\d)])\s*(?=\()", "*", text)
    return float(eval(text, {"__builtins__": {}}))


# The drawings


def angle_of(figure: Figure, at: str) -> float:
    first, vertex, last = (figure.points[name] for name in at)
    arms = [(x - vertex[0], y - vertex[1]) for x, y in (first, last)]
    dot = arms[0][0] * arms[1][0] + arms[0][1] * arms[1][1]
    return math.degrees(math.acos(dot / math.hypot(*arms[0]) / math.hypot(*arms[1])))


def length_of(figure: Figure, ends: str) -> float:
    return math.dist(*(figure.points[name] for name in ends))


def area_of(figure: Figure, corners: str) -> float:
    """By the shoelace formula."""
    ring = [figure.points[name] for name in corners + corners[0]]
    return abs(sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in pairwise(ring))) / 2


def measured(figure: Figure, quantity: str, names: str) -> float:
    radius = figure.circles[0].radius if figure.circles else 0.0
    return {
        "angle": lambda: angle_of(figure, names),
        "length": lambda: length_of(figure, names),
        "area": lambda: area_of(figure, names),
        "perimeter": lambda: sum(length_of(figure, a + b) for a, b in pairwise(names + names[0])),
        "area of a circle": lambda: math.pi * radius**2,
        "circumference of a circle": lambda: 2 * math.pi * radius,
    }[quantity]()


def read_off(drawing: Chart | Table, quantity: str, names: str) -> str:
    """The answer that a reader of the chart or table would give."""
    words = names.split()
    if isinstance(drawing, Chart):
        values = drawing.values
        if quantity == "range":
            return str(sorted(values)[-1] - sorted(values)[0])
        if quantity == "where":
            at = zip(drawing.names, values, strict=True)
            return ", ".join(name for name, value in at if value == int(names))
        first, last = (values[int(index)] for index in words)
        return str(first + last if quantity == "sum" else last - first)
    cells = {
        row[0]: dict(zip(drawing.head[1:], map(int, row[1:]), strict=True)) for row in drawing.rows
    }
    if quantity == "total":
        return str(sum(cells[row][names] for row in cells))
    if quantity == "apart":
        one, other = cells[names].values()
        return str(abs(one - other))
    part, total = cells[words[0]][words[1]], sum(row[words[1]] for row in cells.values())
    divisor = math.gcd(part, total)
    return rf"\frac{{{part // divisor}}}{{{total // divisor}}}"


def chosen(problem: Problem) -> str:
    """The letters of all right options of a problem that lists its options."""
    drawing, (quantity, names) = problem.drawing, problem.asked
    if isinstance(drawing, Chart):
        limit, values = int(names), dict(zip(drawing.names, drawing.values, strict=True))
    else:
        assert isinstance(drawing, Table)
        limit, column = int(names.split()[0]), drawing.head.index(names.split()[1])
        values = {row[0]: int(row[column]) for row in drawing.rows}
    assert quantity in ("above", "more")
    return ", ".join("ABCD"[i] for i, o in enumerate(problem.options) if values[o] > limit)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_answer_is_what_the_drawing_measures(family: str) -> None:
    for problem in problems(family):
        if problem.options:
            assert problem.answer == chosen(problem)
        elif isinstance(problem.drawing, Figure):
            found = measured(problem.drawing, *problem.asked)
            assert number_of(problem.answer) == pytest.approx(found, rel=1e-4)
        else:
            assert problem.answer == read_off(problem.drawing, *problem.asked)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_written_at_a_figure_is_true_of_it(family: str) -> None:
    for figure in (each.drawing for each in problems(family)):
        if not isinstance(figure, Figure):
            continue
        lengths = defaultdict(list)
        for line in figure.lines:
            if line.text.isdecimal():
                assert length_of(figure, line.ends) == pytest.approx(int(line.text), rel=1e-6)
            if line.ticks:
                lengths[line.ticks].append(length_of(figure, line.ends))
        assert all(same == pytest.approx([same[0]] * len(same)) for same in lengths.values())
        for angle in figure.angles:
            stated = {"": 90.0, "x": None}.get(angle.text, 0.0)
            if stated is not None:
                expected = stated or int(angle.text.removesuffix("°"))
                assert angle_of(figure, angle.at) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_steps_are_true_and_end_with_the_answer(family: str) -> None:
    for problem in problems(family):
        equations = [step for step in problem.steps if "=" in step and "x" not in step]
        for step in equations:
            left, right = step.split(" = ")
            assert number_of(left) == pytest.approx(number_of(right))
        if not problem.options and "," not in problem.answer:
            assert problem.steps[-1].endswith(f"= {problem.answer}")


@pytest.mark.parametrize("family", FAMILIES)
def test_only_the_picture_holds_the_numbers(family: str) -> None:
    """One question has many answers, and no number of the drawing but a limit stands in it."""
    answers = defaultdict(set)
    for problem in problems(family):
        answers[re.sub(r"\d+", "N", problem.question)].add(problem.answer)
        asks_for_a_limit = problem.asked[0] in ("above", "more", "where")
        assert asks_for_a_limit or not re.search(r"\d", problem.question)
    assert max(map(len, answers.values())) >= 2


@pytest.mark.parametrize(
    ("square", "divisor", "expected"),
    [
        *((25, 1, "5"), (50, 1, r"5\sqrt{2}"), (13, 1, r"\sqrt{13}"), (169, 2, r"\frac{13}{2}")),
        *((52, 2, r"\sqrt{13}"), (13, 2, r"\frac{\sqrt{13}}{2}"), (72, 4, r"\frac{3\sqrt{2}}{2}")),
    ],
)
def test_roots_are_in_lowest_terms(square: int, divisor: int, expected: str) -> None:
    assert root(square, divisor) == expected


def test_fractions_of_pi() -> None:
    assert [fraction(1, r"\pi"), fraction(4, r"\pi")] == [r"\pi", r"4\pi"]
    assert fraction(Fraction(25, 10), r"\pi") == r"\frac{5\pi}{2}"


# The samples


@pytest.mark.slow
def test_the_presets_differ_as_stated() -> None:
    trained, ood = ({s.meta["family"] for s in take(p, 250)} for p in ("", "@ood"))
    assert trained == {family.__name__ for family in world.TRAINED}
    assert ood == set(FAMILIES) and len(FAMILIES) >= 20
    colours = [
        {world.problem(f"train/0/{i}", preset)[2].paper for i in range(60)}
        for preset in ("", "ood")
    ]
    assert not colours[0] & colours[1]
    for preset, in_fives in (("", True), ("ood", False)):
        found = [world.problem(f"train/0/{i}", preset)[1].drawing for i in range(150)]
        angles = [
            a.text for f in found if isinstance(f, Figure) for a in f.angles if a.text[:1].isdigit()
        ]
        shares = [int(text.removesuffix("°")) % 5 == 0 for text in angles]
        assert all(shares) if in_fives else sum(shares) / len(shares) < 0.35


def test_a_sample_is_the_same_on_every_run_and_another_in_every_role_and_seed() -> None:
    first, again = take("", 30), take("", 30)
    assert first == again
    others = [*take("", 30, "validation"), *take("", 30, "test"), *take("", 30, seed=1)]
    keys = [sample.media[0].key for sample in (*first, *others, *take("@ood", 30))]
    assert len(set(keys)) == len(keys) == 150
    picture = load_image(first[0].media[0])
    assert picture.size == first[0].image_size == (168, 168)
    assert picture.tobytes() == load_image(again[0].media[0]).tobytes()
    assert picture.tobytes() != load_image(first[1].media[0]).tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "@ood"])
def test_all_kinds_of_answers_are_asked_for(preset: str) -> None:
    kinds = Counter(sample.kind for sample in take(preset, 250))
    assert set(kinds) == {"math", "choice", "labels"}
    assert kinds["choice"] > 25 and kinds["labels"] > 9


def test_one_option_of_a_choice_is_right_and_all_differ() -> None:
    letters = Counter()
    for index, sample in enumerate(take("", 250)):
        if sample.kind != "choice":
            continue
        assert sample.options is not None
        _, problem, _ = world.problem(f"train/0/{index}", "")
        assert sample.options["ABCD".index(sample.target)] == problem.answer
        values = [number_of(option) for option in sample.options]
        assert min(abs(a - b) for a, b in combinations(values, 2)) > 1e-9
        letters[sample.target] += 1
    assert min(letters[letter] for letter in "ABCD") > 4


@pytest.mark.parametrize("preset", ["", "@ood"])
def test_the_worked_solution_covers_its_key_steps_in_order(preset: str) -> None:
    for sample in take(preset, 60):
        text = write_completion("think", sample.reasoning or "", TASK.ideal(sample, None))
        assert steps.coverage(text, sample) == steps.order(text, sample) == 1


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "@ood"])
def test_fifty_samples_a_second_are_drawn(preset: str) -> None:
    take(preset, 5)
    world.problem.cache_clear()
    start_s = time.process_time()
    for sample in take(preset, 100, "test"):
        sample.media[0].open()
    assert 100 / (time.process_time() - start_s) > 50


@pytest.mark.parametrize("spec", ["world:visual_math@oof", "world:sailing"])
def test_an_unknown_world_names_the_known_ones(spec: str) -> None:
    with pytest.raises(UserError, match="choose world:visual_math, alone or with @ood"):
        next(world.samples(Source(spec=spec)))


# The task


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "@ood"])
def test_the_ideal_pays_and_junk_does_not(preset: str) -> None:
    report = check_task(TASK, Source(spec=f"world:visual_math{preset}"), limit=20)
    assert report.passed, [f for f in report.findings if f.outcome == "fail"]


def scored(target: object, answer: str, kind: str | None = None, **fields: object) -> float | None:
    sample = Sample(
        id="1",
        task="visual_math",
        question="What?",
        target=target,
        kind=kind,
        **fields,  # type: ignore[arg-type]
    )
    return score(TASK, sample, f"<think>So.</think><answer>{answer}</answer>").parts["accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "answer", "kind", "expected"),
    [
        (r"\frac{1}{2}", "0.5", None, 1),
        (r"5\sqrt{2}", "5√2", None, 1),
        (r"5\sqrt{2}", "7.07", None, 0),
        (r"9\pi", "$9 \\pi$", "math", 1),
        ("5, 7", "7 and 5", None, 1),
        ("5, 7", "5", None, 0),
        ("5, 7", "5, 6, 7", None, 0),
        ("5, 7", "5, 7, 5", None, 0),
        ("(1, 2), (1, 3)", "(1, 3), (1, 2)", None, 1),
        ("(1, 2)", "(2, 1)", None, 0),
        ("4", "four", None, 1),
        ("4", "4 cm", None, 1),
        ("4", "4 m", None, 0),  # m may be a variable
        ("4", "3 or 4", None, 0),
        (["A", "C"], "C, A", "labels", 1),
        (["A", "C"], "A and C", "labels", 1),
        (["A", "C"], "A", "labels", 0),
        (["A", "C"], "A, B, C", "labels", 0),
        (["A", "C"], "A, C, C", "labels", 0),
        ({"value": 1.2, "within": 0.05}, "1.24", "number", 1),
        ({"value": 1.2, "within": 0.05}, "1.26", "number", 0),
        ({"value": 1.6e-19, "within": 1e-20}, r"$1.65 \times 10^{-19}$", "number", 1),
        ({"value": 1.2, "within": 0.05}, "1.2 or 5", "number", 0),
        ("Bugs Bunny", "bugs bunny.", "text", 1),
        ("Bugs Bunny", "Bugs Bunny or Daffy", "text", 0),
    ],
)
def test_answers_are_compared_in_the_way_of_their_kind(
    target: object, answer: str, kind: str | None, expected: float
) -> None:
    assert scored(target, answer, kind) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Length = 12 cm", 1),
        ("12 cm", 1),
        ("12", 1),
        (r"12 \text{ cm}", 1),
        ("12 m", 0),
        ("12 mm", 0),
        ("12 cm^2", 0),
    ],
)
def test_the_unit_of_the_target_may_stand_in_the_answer_and_no_other(
    answer: str, expected: float
) -> None:
    assert scored("12", answer, None, meta={"unit": "cm"}) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "expected"), [("B", 1), ("(b)", 1), ("30", 1), ("A", 0), ("E", 0), ("A or B", 0)]
)
def test_a_choice_is_a_letter_or_the_text_of_an_option(answer: str, expected: float) -> None:
    assert scored("B", answer, "choice", options=("20", "30", "40", "50")) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("labels", []),
        ("labels", ["A", "1"]),
        ("labels", "A"),
        ("choice", "E"),
        ("math", "two three"),
        ("number", 3),
        ("number", {"value": 3}),
        ("text", ""),
    ],
)
def test_a_target_that_cannot_be_compared_with_is_unusable(kind: str, target: object) -> None:
    options = ("1", "2") if kind == "choice" else None
    sample = Sample(id="1", task=TASK.name, question="?", target=target, kind=kind, options=options)
    assert score(TASK, sample, "").problem == "target_unusable"


def test_the_hint_lists_options_that_the_question_does_not_show() -> None:
    sample = Sample(
        id="1",
        task="visual_math",
        question="What is x?",
        target="A",
        kind="choice",
        options=("2", "3"),
    )
    assert TASK.hint(sample, None).startswith("A. 2\nB. 3\nWrite the letter")
    shown = sample.with_(question="What is x? (A) 2 (B) 3")
    assert TASK.hint(shown, None) == "Write the letter of the right option."
    assert "A. 2" in TASK.hint(sample.with_(question="What is 23?"), None)
    letters = sample.with_(options=("A", "B"))
    assert TASK.hint(letters, None) == "Write the letter of the right option."
    free = sample.with_(kind=None, options=None, meta={"unit": "cm"})
    assert TASK.hint(free, None).endswith("The unit is cm.")


def test_every_benchmark_of_the_world_can_be_read() -> None:
    for benchmark in TASK.benchmarks:
        if benchmark.source.startswith("world"):
            source = Source(spec=benchmark.source, role="test", take="first:2")
            assert len(list(tasks.samples(TASK, source))) == 2
