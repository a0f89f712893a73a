"""Counting: the world's questions and answers agree with its scenes, and roles share nothing."""

import pickle
import sys
from collections import Counter
from itertools import islice
from random import Random

import numpy as np
import pytest

from vlrl import tasks
from vlrl.contracts import Sample, Source, UserError
from vlrl.data import counting
from vlrl.data.world import counting as world
from vlrl.data.world import digits, make_scene, render
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
        next(world.samples(Source(spec=spec)))
    assert str(error.value) == (
        f"{spec}: there is no such world; choose world:counting, alone or with @ood, @more, @digits"
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
    with pytest.raises(UserError, match=r'needs scikit-learn.*pip install "vlrl\[digits\]"$'):
        take("digits", 1)
    digits.scans_by_digit.cache_clear()


# The task


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("3", 3), (" 3. ", 3), ("three", 3), ("3 objects", None), ("3 or 4", None), ("", None)],
)
def test_an_answer_is_one_number_or_nothing(answer: str, expected: int | None) -> None:
    sample = Sample(id="1", task="counting", question="How many?", target=3)
    assert TASK.parse(answer, sample, None) == expected


@pytest.mark.parametrize("preset", ["", "ood", "more", "digits"])
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
