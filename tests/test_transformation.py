"""Transformation: calls as answers, and scenes that change as the calls say."""

import pickle
from collections import Counter
from functools import cache
from itertools import chain, islice, pairwise, repeat

import numpy as np
import pytest

from vlrl.check import check_task
from vlrl.contracts import Sample, Source, UserError
from vlrl.data.transformation import Transformation
from vlrl.data.world import transformation as world
from vlrl.data.world.domains import DOMAINS
from vlrl.data.world.scene import MIN_VISIBLE
from vlrl.media import load_image
from vlrl.prompts import write_completion
from vlrl.scoring import score

TASK = Transformation()
PRESETS = tuple(world.PRESETS)
PROGRAM = [("change_size", "0", "small"), ("change_position", "2", "front_left")]


def take(preset: str, num: int, role: str = "train", seed: int = 0) -> list[Sample]:
    spec = f"world:transformation{'@' + preset if preset else ''}"
    source = Source(spec=spec, role=role, seed=seed)  # type: ignore[arg-type]
    return [each for each in islice(TASK.load(source), num) if isinstance(each, Sample)]


@cache
def changes(preset: str) -> list[world.Change]:
    return [world.change(f"train/0/{index}", preset) for index in range(12)]


# Answers


@pytest.mark.parametrize(
    ("answer", "accuracy"),
    [
        ("change_size(0, small), change_position(2, front_left)", 1.0),
        ("change_position(2, 'front-left')\nchange_size(0, \"small\")", 1.0),
        ("change_size(0, large), change_position(2, front_left)", 0.75),
        ("change_size(1, small), change_position(2, front_left)", 0.75),
        ("change_size(1, large), change_position(0, behind)", 0.25),
        ("change_size(0, small)", 0.5),
        ("change_size(0, small), change_size(0, small)", 0.5),
        ("change_size(0, small), change_color(0, red), change_shape(1, cube)", 1 / 3),
        ("change_color(0, red)", 0.0),
        ("change_size(0, small) and so on", 0.0),
        ("change_size(0)", 0.0),
        ("", 0.0),
    ],
)
def test_calls_count_as_far_as_they_are_right(answer: str, accuracy: float) -> None:
    sample = Sample(id="1", task=TASK.name, question="?", target=PROGRAM)
    completion = write_completion("think", "So.", answer)
    assert score(TASK, sample, completion).parts["accuracy"] == pytest.approx(accuracy)


def test_the_reward_that_reason_rft_trains_with_wants_whole_calls() -> None:
    sample = Sample(id="1", task=TASK.name, question="?", target=PROGRAM)
    completion = write_completion("think", "So.", "change_size(0, large), change_position(2, left)")
    rewards = {"accuracy": {"use": "program.full"}}
    assert score(TASK, sample, completion, rewards=rewards).total == 0


def test_the_hint_lists_the_functions_with_their_values() -> None:
    (sample,) = take("", 1)
    hint = TASK.hint(sample, None)
    assert "change_size: small, large\n" in hint
    assert "change_shape: sphere, cube, cylinder\n" in hint
    bare = TASK.hint(sample.with_(meta={}), None)
    assert bare == "Write the calls as function(object, value), with commas between them."


# The world


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_a_sample_is_the_same_on_every_run_and_another_in_every_role_and_seed(preset: str) -> None:
    first, again = take(preset, 3), take(preset, 3)
    assert first == again
    others = [*take(preset, 3, "validation"), *take(preset, 3, "test"), *take(preset, 3, seed=1)]
    keys = [medium.key for sample in (*first, *others) for medium in sample.media]
    assert len(set(keys)) == len(keys) == 24
    sent = pickle.loads(pickle.dumps(again[0]))  # as to another process
    for here, there in zip(first[0].media, sent.media, strict=True):
        picture = load_image(here)
        assert picture.size == first[0].image_size == (168, 168)
        assert picture.tobytes() == there.open().tobytes()


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="alone or with @left, @right, @ood"):
        take("up", 1)


DESCRIBED = {
    "change_size": lambda thing: thing.size,
    "change_color": lambda thing: thing.colour,
    "change_material": lambda thing: thing.material,
    "change_shape": lambda thing: thing.shape,
}
SIGNS = {"front": (0, -1), "behind": (0, 1), "left": (-1, 0), "right": (1, 0)}


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_the_scenes_differ_by_the_calls_and_nothing_else(preset: str) -> None:
    for found in changes(preset):
        told = {(name, int(number)): value for name, number, value in found.calls}
        assert len(told) == len(found.calls)
        pairs = zip(found.first.objects, found.last.objects, strict=True)
        for index, (before, after) in enumerate(pairs):
            for name, described in DESCRIBED.items():
                is_changed = described(before) != described(after)
                assert is_changed == ((name, index) in told)
                assert told.get((name, index), described(after)) == described(after)
            moved = np.sign(np.round(np.subtract(after.position[:2], before.position[:2]), 6))
            parts = told.get(("change_position", index), "").split("_")
            expected = np.sum([SIGNS[part] for part in parts if part] or [(0, 0)], axis=0)
            assert moved.tolist() == expected.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_the_objects_are_numbered_from_left_to_right_and_all_are_seen(preset: str) -> None:
    for found in changes(preset):
        places = [thing.centre[0] for thing in found.first.objects]
        assert all(right - left >= world.MIN_APART_PX for left, right in pairwise(places))
        for scene in (found.first, found.last):
            assert all(thing.visible >= MIN_VISIBLE for thing in scene.objects)
            assert scene.domain == ("ood" if preset == "ood" else "train")


def test_the_camera_stays_or_goes_to_the_side_that_is_said() -> None:
    sides = {"left": -1, "right": 1, "front": 0}
    for preset, views in (("", {"front"}), ("left", {"left"}), ("ood", {"left", "right"})):
        assert {found.view for found in changes(preset)} == views
        for found in changes(preset):
            x = found.last.camera.position[0]
            assert np.sign(round(x, 6)) == sides[found.view]
            assert round(found.first.camera.position[0], 6) == 0
    (sample,) = take("left", 1)
    assert "taken from the left" in sample.question


def test_a_new_colour_stands_out_from_the_ground() -> None:
    for found in changes(""):
        usable = world.usable_colours(DOMAINS["train"], found.first.ground.colour)
        assert {thing.colour for thing in found.last.objects} <= set(usable)


def test_the_question_of_a_preset_does_not_depend_on_the_scene() -> None:
    assert len({sample.question for sample in take("", 5)}) == 1
    assert len({TASK.hint(sample, None) for sample in take("", 5)}) == 1


def test_the_solution_names_every_object_that_changes() -> None:
    for sample in take("", 8):
        sentences = sample.reasoning.removesuffix(".").split(". ")  # type: ignore[union-attr]
        for sentence, call in zip(sentences, sample.target, strict=True):
            assert sentence.startswith(f"Object {call.object}, the ")
            assert sentence.endswith(call.value.replace("_", " "))


@pytest.mark.slow
def test_functions_values_and_numbers_of_calls_are_equally_common() -> None:
    known = world.values("train")
    drawn = []
    for index in range(3000):
        rng = world.Random(f"balance/{index}")
        drawn.append(world._draw_calls(rng, 4, known))
    for counts in (
        Counter(len(calls) for calls in drawn),
        Counter(call.function for calls in drawn for call in calls),
        Counter(call.object for calls in drawn for call in calls),
        Counter(c.value for calls in drawn for c in calls if c.function == "change_position"),
    ):
        mean = sum(counts.values()) / len(counts)
        assert max(abs(each - mean) for each in counts.values()) < 5 * mean**0.5
    assert Counter(map(len, drawn)).keys() == {1, 2, 3, 4}


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "ood"])
def test_the_check_passes(preset: str) -> None:
    spec = f"world:transformation{'@' + preset if preset else ''}"
    report = check_task(TASK, Source(spec=spec), limit=40)
    assert report.passed, report.findings


def test_calls_that_no_scene_fits_are_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    impossible = (
        world.Call("change_color", "0", "pink"),
        world.Call("change_color", "1", "teal"),  # no ground lets both stand out
    )
    possible = (world.Call("change_size", "1", "large"),)
    drawn = chain([impossible], repeat(possible))
    monkeypatch.setattr(world, "_draw_calls", lambda *_: next(drawn))
    monkeypatch.setattr(world, "PATIENCE", 3)
    assert world.change("any", "ood").calls == possible
