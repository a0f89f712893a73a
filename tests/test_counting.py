"""Counting: the world's questions and answers agree with its scenes, and roles share nothing."""

import itertools
import pickle
import re
import sys
from collections import Counter
from dataclasses import replace
from itertools import islice
from random import Random

import numpy as np
import pytest

from vlrl import tasks
from vlrl.check import check_task
from vlrl.contracts import Sample, Source, UserError
from vlrl.data import counting
from vlrl.data.world import DOMAINS, digits, make_scene, questions, render
from vlrl.data.world import counting as world
from vlrl.media import load_image
from vlrl.rewards import number
from vlrl.scoring import score

TASK = counting.Counting()
ROLES = ("train", "validation", "test")
HABITS = {habit.name: habit for habit in world.HABITS}


def take(preset: str, how_many: int, role: str = "train", seed: int = 0) -> list[Sample]:
    spec = f"world:counting@{preset}" if preset else "world:counting"
    source = Source(spec=spec, role=role, seed=seed)  # type: ignore[arg-type]
    return [each for each in islice(TASK.load(source), how_many) if isinstance(each, Sample)]


def objects_of(sample: Sample) -> list:
    return list(world.scene(*sample.meta["scene"]).objects)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "expected"),
    [("", range(1, 9)), ("ood", range(1, 9)), ("more", range(9, 13)), ("digits", range(5))],
)
def test_all_counts_of_a_preset_are_equally_common(preset: str, expected: range) -> None:
    found = Counter(sample.target for sample in take(preset, 4000))
    assert sorted(found) == list(expected)
    mean = 4000 / len(expected)
    assert max(abs(each - mean) for each in found.values()) < 5 * mean**0.5


@pytest.mark.parametrize("preset", ["", "ood", "more"])
def test_a_scene_holds_as_many_objects_as_the_target_says(preset: str) -> None:
    for sample in take(preset, 6):
        assert len(objects_of(sample)) == sample.target


def test_the_shapes_of_ood_are_never_trained_on() -> None:
    shapes = [
        {thing.shape for sample in take(preset, 20) for thing in objects_of(sample)}
        for preset in ("", "ood")
    ]
    assert len(shapes[0]) == 3 and len(shapes[1]) == 5
    assert not shapes[0] & shapes[1]


@pytest.mark.parametrize("preset", ["", "ood", "more", "digits"])
def test_a_sample_is_the_same_on_every_run_and_another_in_every_role_and_seed(preset: str) -> None:
    first, again = take(preset, 50), take(preset, 50)
    assert [sample.id for sample in first] == [sample.id for sample in again]
    assert [sample.media[0].key for sample in first] == [sample.media[0].key for sample in again]
    others = [take(preset, 50, role) for role in ROLES[1:]] + [take(preset, 50, seed=1)]
    keys = [sample.media[0].key for samples in [first, *others] for sample in samples]
    assert len(set(keys)) == len(keys) == 200
    picture = load_image(first[0].media[0])
    assert picture.size == first[0].image_size == (112, 112)
    sent = pickle.loads(pickle.dumps(again[0]))  # as to another process
    assert picture.tobytes() == sent.media[0].open().tobytes()
    assert picture.tobytes() != load_image(first[1].media[0]).tobytes()


@pytest.mark.parametrize("spec", ["world:counting@oof", "world:sailing", "world@more,ood"])
def test_an_unknown_world_names_the_known_ones(spec: str) -> None:
    with pytest.raises(UserError) as error:
        next(TASK.load(Source(spec=spec)))
    assert str(error.value) == (
        f"{spec}: there is no such world; choose world:counting, alone or with "
        "@ood, @more, @digits, @questions, @novel"
    )


# Ways of answering


@pytest.mark.parametrize("name", HABITS)
@pytest.mark.parametrize("preset", ["", "ood", "more"])
def test_a_habit_is_recognised_and_taken_for_no_other(name: str, preset: str) -> None:
    for sample in take(preset, 30 if name == "guess" else 4):
        thinking, answer = HABITS[name].write(sample)
        assert [each for each, habit in HABITS.items() if habit.shows(thinking)] == [name]
        assert TASK.parse(answer, sample, None) is not None
        assert HABITS[name].write(sample) == (thinking, answer)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "more"])
def test_a_guess_is_right_half_of_the_time_and_off_by_one_else(preset: str) -> None:
    samples = [sample for sample in take(preset, 4000) if sample.target > 1]
    errors = Counter(int(HABITS["guess"].write(sample)[1]) - sample.target for sample in samples)
    shares = {error: times / len(samples) for error, times in errors.items()}
    assert shares == pytest.approx({-1: 0.25, 0: 0.5, 1: 0.25}, abs=0.03)


def test_a_guess_states_the_number_it_answers() -> None:
    for sample in take("more", 40):
        thinking, answer = HABITS["guess"].write(sample)
        assert str(number.parse(thinking.removeprefix("about "))) == answer


def test_colours_and_places_name_every_object_once() -> None:
    for sample in take("", 8):
        objects = objects_of(sample)
        thinking, answer = HABITS["colours"].write(sample)
        named = thinking.removeprefix("I see ").split(", ")
        assert Counter(named) == Counter(thing.colour for thing in objects)
        assert answer == str(sample.target)
        thinking, answer = HABITS["places"].write(sample)
        steps = [step.split() for step in thinking.split(", ")]
        assert [number.parse(word) for word, _ in steps] == list(range(1, sample.target + 1))
        places = [place for _, place in steps]
        assert places == sorted(world.square(*thing.centre, 112) for thing in objects)
        assert answer == str(sample.target)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [(0, 0, "a1"), (15.9, 15.9, "a1"), (16, 0, "b1"), (56, 40, "d3"), (112, 112, "g7")],
)
def test_squares_are_named_like_those_of_a_chess_board(x: float, y: float, expected: str) -> None:
    assert world.square(x, y, 112) == expected


# Scanned digits


def test_the_question_about_digits_is_answered_by_the_list_of_what_is_pasted() -> None:
    for sample in take("digits", 300):
        asked = int(sample.question.removeprefix("How many ").removesuffix("s are there?"))
        pasted = sample.meta["digits"]
        assert pasted.count(asked) == sample.target
        assert sample.target < len(pasted) <= digits.MAX_DIGITS


def test_every_digit_stands_in_a_cell_of_its_own() -> None:
    cell_px = digits.SIDE_PX // digits.GRID
    for sample in take("digits", 8):
        name = sample.id.removeprefix("counting@digits/")
        ground = render(make_scene(name, num_objects=0, side_px=digits.SIDE_PX)).astype(int)
        changed = np.abs(np.asarray(load_image(sample.media[0])) - ground).max(axis=2) > 40
        cells = changed.reshape(digits.GRID, cell_px, digits.GRID, cell_px).any(axis=(1, 3))
        assert cells.sum() == len(sample.meta["digits"])


def test_no_scan_is_both_trained_on_and_tested_on() -> None:
    for digit in range(10):
        drawn = {
            role: {
                digits._scan(digit, f"{role}/0/{seed}", Random(seed)).tobytes()
                for seed in range(1000)
            }
            for role in ROLES
        }
        assert not drawn["train"] & (drawn["validation"] | drawn["test"])
        assert len(drawn["train"]) > 3 * len(drawn["test"]) > 90


def test_digits_without_scikit_learn_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    digits.scans_by_digit.cache_clear()
    with pytest.raises(UserError, match=r'need scikit-learn.*pip install "vlrl\[digits\]"$'):
        take("digits", 1)
    digits.scans_by_digit.cache_clear()


# Questions about some of the objects

ASKING = tuple(questions.PRESETS)
WORDS = {"all": None, "one": 1, "two": 2, "three": 3}
NAMES = {
    "size": {"small", "large"},
    "material": {"rubber", "metal"},
    "colour": {colour for domain in DOMAINS.values() for colour in domain.palette},
    "shape": {shape for domain in DOMAINS.values() for shape in domain.shapes},
}
Thing = dict[str, str]


def named(phrase: str) -> Thing:
    """What `small red cubes` says of a thing, read anew from the words."""
    *before, last = phrase.split()
    singular = last if last in NAMES["shape"] else last.removesuffix("s").removesuffix("e")
    shapes = [shape for shape in NAMES["shape"] if singular in (shape, shape.removesuffix("e"))]
    kinds = {word: kind for kind, words in NAMES.items() for word in words}
    assert shapes or singular == "object"
    return {kinds[word]: word for word in [*before, *shapes]}


def fits(thing: Thing, phrase: str) -> bool:
    return named(phrase).items() <= thing.items()


def changed(things: list[Thing], change: str) -> list[list[Thing]]:
    """All that can come of `two red cubes are taken away`, `all cubes` or `one ball is added`."""
    match = re.fullmatch(r"(\w+) (.+?)(?: (?:is|are) (taken away|added))?", change.lower())
    assert match is not None
    quantity, phrase, verb = WORDS[match[1]], match[2], match[3] or "taken away"
    if verb == "added":
        return [things + [named(phrase)] * (quantity or 0)]
    fitting = [index for index, thing in enumerate(things) if fits(thing, phrase)]
    assert len(fitting) >= (quantity or 1)
    chosen = itertools.combinations(fitting, len(fitting) if quantity is None else quantity)
    return [[each for i, each in enumerate(things) if i not in gone] for gone in chosen]


def answers(question: str, things: list[Thing]) -> set[int]:
    """Every answer that the words allow."""

    def num(phrase: str, among: list[Thing] = things) -> int:
        return sum(fits(thing, phrase) for thing in among)

    if match := re.fullmatch(r"How many (more|fewer) (.+) than (.+) are there\?", question):
        return {(num(match[2]) - num(match[3])) * (1 if match[1] == "more" else -1)}
    if match := re.fullmatch(r"How many (.+) are there\?", question):
        return {num(match[1])}
    if match := re.fullmatch(r"What is the number of (.+) plus the number of (.+)\?", question):
        assert not any(fits(thing, match[1]) and fits(thing, match[2]) for thing in things)
        return {num(match[1]) + num(match[2])}
    if match := re.fullmatch(r"If (.+), how many (.+) are (?:there|left)\?", question):
        return {num(match[2], after) for after in changed(things, match[1])}
    match = re.fullmatch(r"(All .+), then (.+)\. How many objects are (?:there|left)\?", question)
    assert match is not None, question
    between = changed(things, match[1])
    return {len(after) for each in between for after in changed(each, match[2])}


@pytest.mark.slow
@pytest.mark.parametrize("preset", ASKING)
def test_every_question_has_one_answer_that_the_scene_gives(preset: str) -> None:
    asked = Counter()
    for index in range(100):
        kind, scene, question = questions.drawn(f"test/0/{index}", preset)
        things = [{name: getattr(thing, name) for name in NAMES} for thing in scene.objects]
        assert answers(question.words, things) == {question.answer}, question
        asked[kind] += 1
    assert set(asked) == {kind.__name__ for kind in questions.PRESETS[preset].kinds}


@pytest.mark.slow
@pytest.mark.parametrize("preset", ASKING)
def test_a_worked_solution_lists_what_it_counts_and_ends_with_the_answer(preset: str) -> None:
    for index in range(40):
        _, scene, question = questions.drawn(f"train/0/{index}", preset)
        first = re.fullmatch(r"(.+): (\d+)(?:, at (.+))?", question.steps[0])
        assert first is not None
        things = [{name: getattr(thing, name) for name in NAMES} for thing in scene.objects]
        counted = [
            world.square(*thing.centre, 168)
            for thing, known in zip(scene.objects, things, strict=True)
            if fits(known, first[1])
        ]
        assert int(first[2]) == len(counted) and (first[3] or "") == ", ".join(sorted(counted))
        last = question.steps[-1].rpartition("=")[2] if len(question.steps) > 1 else first[2]
        assert int(last) == question.answer
        if len(question.steps) > 1:
            sum_, _, result = question.steps[-1].partition(" = ")
            assert eval(sum_) == int(result)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ASKING)
def test_kinds_are_equally_common_and_no_answer_is_too_common(preset: str) -> None:
    found = take(preset, 300)
    kinds = Counter(sample.meta["asked"] for sample in found)
    mean = 300 / len(questions.PRESETS[preset].kinds)
    assert max(abs(each - mean) for each in kinds.values()) < 5 * mean**0.5
    assert max(Counter(sample.target for sample in found).values()) < 0.3 * 300


def test_novel_questions_share_no_kind_and_no_look_with_those_to_train_on() -> None:
    assert not questions.TRAINED.keys() & questions.HELD_OUT.keys()
    trained, novel = (
        {thing.shape for i in range(20) for thing in questions.drawn(f"a/{i}", each)[1].objects}
        for each in ASKING
    )
    assert not trained & novel


@pytest.mark.slow
@pytest.mark.parametrize("preset", ASKING)
def test_questions_are_the_same_on_every_run_and_others_in_every_role(preset: str) -> None:
    first, again = take(preset, 20), take(preset, 20)
    assert [each.question for each in first] == [each.question for each in again]
    others = [take(preset, 20, role) for role in ROLES[1:]] + [take(preset, 20, seed=1)]
    assert len({sample.media[0].key for each in [first, *others] for sample in each}) == 80
    sent = pickle.loads(pickle.dumps(first[0]))
    picture = load_image(first[0].media[0])
    assert picture.size == first[0].image_size == (168, 168)
    assert picture.tobytes() == sent.media[0].open().tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("preset", ASKING)
def test_the_check_passes(preset: str) -> None:
    source = Source(spec=f"world:counting@{preset}")
    report = check_task(TASK, source, tests=[replace(source, role="test")], limit=60)
    assert report.passed, report
    assert any("0 are in the training set" in each.detail for each in report.findings)


# The task


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("3", 3), (" 3. ", 3), ("three", 3), ("3 objects", None), ("3 or 4", None), ("", None)],
)
def test_an_answer_is_one_number_or_nothing(answer: str, expected: int | None) -> None:
    sample = Sample(id="1", task="counting", question="How many?", target=3)
    assert TASK.parse(answer, sample, None) == expected


@pytest.mark.parametrize("preset", ["", "ood", "more", "digits", *ASKING])
def test_the_ideal_answer_scores_1_and_the_next_number_0(preset: str) -> None:
    for sample in take(preset, 10):
        ideal = TASK.ideal(sample, None)
        for answer, accuracy in ((ideal, 1.0), (str(sample.target + 1), 0.0)):
            scored = score(TASK, sample, f"<think>So.</think><answer>{answer}</answer>")
            assert scored.parts == {"accuracy": accuracy, "format": 1.0}


def test_every_benchmark_of_the_world_can_be_read() -> None:
    for benchmark in TASK.benchmarks:
        source = Source(spec=benchmark.source, role="test", take="first:2")
        if benchmark.source.startswith("world"):
            assert len(list(tasks.samples(TASK, source))) == 2


def test_a_benchmark_whose_file_is_not_there_says_so() -> None:
    source = Source(spec="superclevr_test200_counting_problems.jsonl", role="test")
    with pytest.raises(UserError, match="there is no such file or folder"):
        list(tasks.samples(TASK, source))
