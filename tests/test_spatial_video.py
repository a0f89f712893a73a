"""Spatial questions: every answer by other arithmetic, the guards, and the task itself."""

import math
import pickle
from collections import Counter
from collections.abc import Sequence
from itertools import islice, pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from vlrl import tasks
from vlrl.check import check_task
from vlrl.contracts import Sample, Source, UserError
from vlrl.data.spatial_video import SpatialVideo
from vlrl.data.world import spatial
from vlrl.data.world.spatial_boxes import Box, distance
from vlrl.data.world.spatial_questions import SUBTASKS, Question, ask, questions
from vlrl.media import Sampling, load_clip
from vlrl.scoring import score

TASK = SpatialVideo()
PRESETS = ("", "@ood")


def take(preset: str, how_many: int, role: str = "train", seed: int = 0) -> list[Sample]:
    source = Source(spec=f"world:spatial_video{preset}", role=role, seed=seed)  # type: ignore[arg-type]
    return [each for each in islice(TASK.load(source), how_many) if isinstance(each, Sample)]


def obj(
    centre: Sequence[float], lengths: Sequence[float] = (0.4, 0.4, 0.4), turn: float = 0.0
) -> dict[str, Any]:
    """An object of a description, turned about z by degrees."""
    axes = Rotation.from_euler("z", turn, degrees=True).as_matrix().T
    return {
        "centroid": list(centre),
        "axesLengths": list(lengths),
        "normalizedAxes": axes.ravel().tolist(),
    }


def scene(room_size: float = 20.0, **objects: list[dict]) -> dict[str, Any]:
    counts = {name: len(found) for name, found in objects.items()}
    return {"room_size": room_size, "object_counts": counts, "object_bbox": objects}


def asked(description: dict, subtask: str, times: int = 10) -> list[Question]:
    found = (ask(description, subtask, Random(i)) for i in range(times))
    return [question for question in found if question is not None]


# Answers by other arithmetic


def surface(stored: dict, num_points: int = 30_000) -> np.ndarray:
    """Points on the surface of a box."""
    rng = np.random.default_rng(0)
    half = np.array(stored["axesLengths"]) / 2
    shares = rng.uniform(-1, 1, (num_points, 3))
    shares[np.arange(num_points), rng.integers(0, 3, num_points)] = rng.choice([-1, 1], num_points)
    axes = np.reshape(stored["normalizedAxes"], (3, 3))
    return np.array(stored["centroid"]) + (shares * half) @ axes


def brute(description: dict, first: str, second: str) -> float:
    boxes = description["object_bbox"]
    trees = [cKDTree(surface(each)) for each in boxes[first]]
    points = [surface(each, 3000) for each in boxes[second]]
    return min(float(tree.query(each)[0].min()) for tree in trees for each in points)


def at(description: dict, name: str) -> complex:
    (stored,) = description["object_bbox"][name]
    return complex(*stored["centroid"][:2])


def turned(ahead: complex, other: complex) -> float:
    """Degrees from one direction to the other, 0 to 360, to the left."""
    return math.degrees(np.angle(other / ahead)) % 360


def names_in(description: dict, text: str) -> list[str]:
    """The categories that a text names, in its order."""
    found = {name: text.find(f"the {name}") for name in description["object_bbox"]}
    return sorted((name for name in found if found[name] >= 0), key=found.__getitem__)


def expected_side(description: dict, question: Question) -> str:
    here, ahead, other = (at(description, name) for name in names_in(description, question.text))
    degrees = turned(ahead - here, other - here)
    if question.subtask.endswith("hard"):
        return ["front-left", "back-left", "back-right", "front-right"][int(degrees // 90)]
    if question.subtask.endswith("medium") and 135 <= degrees <= 225:
        return "behind"
    return "left" if degrees < 180 else "right"


def expected_turns(description: dict, text: str) -> str:
    start = text.split("stands by the ")[1].split(" and faces")[0]
    stops = [step.split(".")[0] for step in text.split("Go forward to the ")[1:]]
    places = [at(description, name) for name in (start, *stops)]
    legs = np.diff(places)
    words = []
    for before, after in pairwise(legs):
        degrees = turned(before, after)
        words.append("Left" if degrees < 135 else "Back" if degrees < 225 else "Right")
    return " then ".join(f"Turn {word}" for word in words)


def described(number: int, preset: str) -> tuple[dict, tuple[Question, ...]]:
    """A room of the training stream, and what is asked about it."""
    name = f"train/0/{number}"
    attempt, found = spatial.asked(name, preset, spatial.wanted(number))
    tour = spatial.tour(name, preset, attempt)
    assert tour is not None
    return spatial.description(tour), found


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "ood"])
def test_every_answer_is_right(preset: str) -> None:
    counted = Counter()
    for number in range(5):
        description, found = described(number, preset)
        for question in found:
            check_answer(description, question)
            counted[question.subtask] += 1
    assert counted == dict.fromkeys(SUBTASKS, 2)


def test_a_description_gives_a_question_of_every_subtask_that_it_has_one_for() -> None:
    description, _ = described(0, "")
    found = questions(description, Random(0))
    assert len({question.subtask for question in found}) == len(found) >= 7
    for question in found:
        check_answer(description, question)


def check_answer(description: dict, question: Question) -> None:
    text, target = question.text, question.target
    chosen = question.options["ABCD".index(str(target))] if question.options else ""
    assert len(set(question.options)) == len(question.options)
    if question.subtask == "object_counting":
        name = text.split('"')[1]
        assert target == description["object_counts"][name] >= 2
    elif question.subtask == "object_abs_distance":
        assert target == pytest.approx(brute(description, *names_in(description, text)), abs=0.08)
        assert target >= 0.2
    elif question.subtask == "object_size_estimation":
        (stored,) = description["object_bbox"][names_in(description, text)[0]]
        assert target == round(100 * max(stored["axesLengths"]))
    elif question.subtask == "room_size_estimation":
        assert target == round(description["room_size"], 1)
    elif question.subtask == "object_rel_distance":
        anchor = names_in(description, text)[0]
        metres = {name: brute(description, anchor, name) for name in question.options}
        assert chosen == min(metres, key=metres.__getitem__)
        assert len(metres) == 4 and len(description["object_bbox"][anchor]) == 1
    elif question.subtask.startswith("object_rel_direction"):
        assert chosen == expected_side(description, question)
    elif question.subtask == "route_planning":
        assert chosen == expected_turns(description, text)
    else:
        seen = [description["first_seen_s"][name] for name in chosen.split(", ")]
        assert len(seen) == 4 and seen == sorted(set(seen))


# Boxes


def box(stored: dict) -> Box:
    axes = np.reshape(stored["normalizedAxes"], (3, 3)).tolist()
    return Box(
        centre=tuple(stored["centroid"]),
        lengths=tuple(stored["axesLengths"]),
        axes=tuple(map(tuple, axes)),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (obj((0, 0, 0), (2, 2, 2)), obj((4, 0, 0), (2, 2, 2)), 2.0),  # faces
        (obj((0, 0, 0), (2, 2, 2)), obj((4, 5, 0), (2, 2, 2)), math.hypot(2, 3)),  # edges
        (obj((0, 0, 0), (2, 2, 2)), obj((3, 3, 3), (2, 2, 2)), math.sqrt(3)),  # corners
        (obj((0, 0, 0), (2, 2, 2)), obj((4, 0, 0), (2, 2, 2), 45), 3 - math.sqrt(2)),
        (obj((0, 0, 0), (2, 2, 2)), obj((1.5, 0, 0), (2, 2, 2)), 0.0),
        (obj((0, 0, 0), (9, 1, 1)), obj((0, 0, 0), (1, 9, 1)), 0.0),  # a cross
    ],
)
def test_the_distance_of_boxes(first: dict, second: dict, expected: float) -> None:
    assert distance(box(first), box(second)) == pytest.approx(expected, abs=1e-6)
    assert distance(box(second), box(first)) == pytest.approx(expected, abs=1e-6)


def test_the_distance_of_tilted_boxes_is_that_of_their_closest_points() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        pair = [obj(rng.uniform(-1.5, 1.5, 3), rng.uniform(0.2, 1, 3)) for _ in range(2)]
        for each in pair:
            axes = Rotation.random(random_state=rng).as_matrix()
            each["normalizedAxes"] = axes.ravel().tolist()
        found = distance(box(pair[0]), box(pair[1]))
        cloud = cKDTree(surface(pair[0], 4000)).query(surface(pair[1], 4000))[0].min()
        assert found <= cloud + 1e-6
        assert cloud - found < 0.08 or found < 1e-6


# A user's own scenes


def test_what_is_not_clear_is_not_asked() -> None:
    one = scene(a=[obj((0, 0, 0.2))], b=[obj((0.5, 0, 0.2))])  # 0.1 m apart
    assert not asked(one, "object_abs_distance") and not asked(one, "object_counting")
    assert asked(one, "object_size_estimation") and asked(one, "room_size_estimation")
    assert not asked(one, "obj_appearance_order")
    assert not asked(scene(a=[obj((0, 0, 0))] * 2), "object_size_estimation")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("degrees", "easy", "medium", "hard"),
    [
        (45, "left", "left", "front-left"),
        (5, None, None, None),
        (85, "left", "left", None),
        (95, "left", "left", None),
        (120, "left", "left", "back-left"),
        (130, None, None, "back-left"),
        (160, None, "behind", "back-left"),
        (180, None, "behind", None),
        (-160, None, "behind", "back-right"),
        (-60, "right", "right", "front-right"),
    ],
)
def test_sides_and_their_margins(
    degrees: float, easy: str | None, medium: str | None, hard: str | None
) -> None:
    angle = math.radians(90 + degrees)
    small = (0.1, 0.1, 0.1)
    there = obj((2.5 * math.cos(angle), 2.5 * math.sin(angle), 0), small)
    one = scene(me=[obj((0, 0, 0), small)], door=[obj((0, 2, 0), small)], lamp=[there])
    for level, side in (("easy", easy), ("medium", medium), ("hard", hard)):
        found = [
            question.options["ABCD".index(str(question.target))]
            for question in asked(one, f"object_rel_direction_{level}", 40)
            if "by the me and face the door" in question.text
        ]
        assert set(found) <= {side} and (side is None or found or degrees in (160, -160, 120))


def test_a_direction_needs_room_and_an_object_within_its_sector() -> None:
    me, door = [obj((0, 0, 0))], [obj((0, 3, 0))]
    wide = scene(me=me, door=door, lamp=[obj((0.8, 2.4, 0), (3.0, 0.1, 0.1))])
    far = scene(me=me, door=door, lamp=[obj((6, 6, 0))])
    near = scene(me=me, door=door, lamp=[obj((0.6, 0, 0))])
    for one in (wide, far, near):
        texts = [question.text for question in asked(one, "object_rel_direction_hard", 30)]
        assert not any("by the me and face the door" in text for text in texts)


def test_a_route_goes_around_nothing() -> None:
    stops = {"bed": [obj((0, 0, 0))], "sofa": [obj((3, 0, 0))], "tv": [obj((3, 3, 0))]}
    found = asked(scene(**stops), "route_planning", 30)
    routes = {
        (
            *names_in(scene(**stops), question.text.split("these steps")[0]),
            question.options["ABC".index(str(question.target))],
        )
        for question in found
        if "[turn]" in question.text
    }
    assert ("bed", "sofa", "tv", "Turn Left") in routes
    assert ("tv", "sofa", "bed", "Turn Right") in routes
    blocked = scene(**stops, shelf=[obj((1.5, 0, 0))], lamp=[obj((3, 1.5, 0))])
    texts = [question.text for question in asked(blocked, "route_planning", 30)]
    assert not any("by the bed and faces the sofa" in text for text in texts)


def test_the_closest_is_not_asked_where_two_are_as_close() -> None:
    ring = {name: [obj((r, 0, 0))] for name, r in (("b", 1), ("c", 2), ("d", 3), ("e", 4))}
    assert asked(scene(a=[obj((0, 0, 0))], **ring), "object_rel_distance")
    ring["c"] = [obj((0, 1.1, 0))]
    texts = [
        question.text
        for question in asked(scene(a=[obj((0, 0, 0))], **ring), "object_rel_distance", 40)
    ]
    assert not any("closest to the a," in text for text in texts)


def test_appearances_need_more_than_a_second_between_them() -> None:
    objects = {name: [obj((i, 0, 0))] for i, name in enumerate("abcd")}
    times = {"a": 0.0, "b": 2.0, "c": 4.0, "d": 6.0}
    (found, *_) = asked({**scene(**objects), "first_seen_s": times}, "obj_appearance_order")
    assert found.options["ABCD".index(str(found.target))] == "a, b, c, d"
    for doubtful in (4.9, None):
        late = {**scene(**objects), "first_seen_s": {**times, "d": doubtful}}
        assert not asked(late, "obj_appearance_order")


# The task


@pytest.mark.slow
def test_the_subtasks_come_equally_often() -> None:
    assert set(Counter(s.meta["subtask"] for s in take("", 20)).values()) == {2}


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_a_sample_is_the_same_on_every_run_and_its_room_is_in_no_other_role(preset: str) -> None:
    first, again = take(preset, 4), take(preset, 4)
    assert first == again
    assert len({sample.media[0].key for sample in first}) == 1
    others = [take(preset, 4, role)[0] for role in ("validation", "test")]
    others += take(preset, 4, seed=1)[:1]
    keys = {sample.media[0].key for sample in [first[0], *others]}
    assert len(keys) == 4
    clip = load_clip(first[0].media[0], Sampling())
    sent = pickle.loads(pickle.dumps(first[0]))  # as to another process
    assert sent.media[0].open().frames.tobytes() == first[0].media[0].open().frames.tobytes()
    assert len(clip.frames) == 8 and first[0].duration == clip.duration_s == 16


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_the_check_passes_on_the_world(preset: str) -> None:
    report = check_task(TASK, Source(spec=f"world:spatial_video{preset}"), limit=20)
    assert report.passed, report.findings


@pytest.mark.parametrize("spec", ["world:spatial_video@odd", "world:sailing"])
def test_an_unknown_world_names_the_known_ones(spec: str) -> None:
    with pytest.raises(UserError, match="choose world:spatial_video, alone or with @ood"):
        next(spatial.samples(Source(spec=spec)))


def sample(kind: str, target: Any, **more: Any) -> Sample:
    question = "How far?"
    return Sample(id="1", task="spatial_video", question=question, target=target, kind=kind, **more)


METRES = sample("number", 2.0, meta={"unit": "m"})
SIDES = sample("choice", "B", options=("left", "right"))
TRUTH = sample("label", "true", meta={"classes": ["false", "true"]})
OPEN = sample("label", "trash bin")


@pytest.mark.parametrize(
    ("one", "answer", "expected"),
    [
        (METRES, "2.0", 1.0),
        (METRES, "2 m", 1.0),
        (METRES, "2.15 meters", 0.9),
        (METRES, "3", 0.1),
        (METRES, "200 cm", 0.0),
        (METRES, "about 2", 0.0),
        (SIDES, "B", 1.0),
        (SIDES, "right", 1.0),
        (SIDES, "A", 0.0),
        (SIDES, "left or right", 0.0),
        (TRUTH, "True.", 1.0),
        (TRUTH, "false", 0.0),
        (TRUTH, "true, false", 0.0),
        (OPEN, "trash bin", 1.0),
        (OPEN, "Trash Bin", 1.0),
        (OPEN, "bin", 0.0),
    ],
)
def test_answers_and_their_accuracy(one: Sample, answer: str, expected: float) -> None:
    scored = score(TASK, one, f"<think>So.</think><answer>{answer}</answer>")
    assert scored.parts["accuracy"] == pytest.approx(expected)


def test_the_hint_says_how_to_write_each_kind() -> None:
    assert TASK.hint(METRES, None) == "Write the number as digits, in m."
    assert TASK.hint(SIDES, None) == "A. left\nB. right\nWrite the letter of the right option."
    assert TASK.hint(TRUTH, None) == "Write false or true."
    assert TASK.hint(OPEN, None) == "Write a word or short phrase."


def test_a_number_earns_by_its_relative_error() -> None:
    scored = score(TASK, METRES, "<think>So.</think><answer>2.64</answer>")
    assert scored.parts["accuracy"] == 0.4  # an error of 32 %, within 50, 45, 40 and 35 %


def test_every_benchmark_of_the_world_can_be_read() -> None:
    for benchmark in TASK.benchmarks:
        source = Source(spec=benchmark.source, role="test", take="first:2")
        if benchmark.source.startswith("world"):
            assert len(list(tasks.samples(TASK, source))) == 2
