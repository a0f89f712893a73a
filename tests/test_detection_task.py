"""Detection: boxes enclose every object of the classes asked for, and only finding them pays."""

import json
import re
import time
from collections import Counter
from functools import cache
from itertools import combinations, islice

import numpy as np
import pytest

from vlrl import tasks
from vlrl.check import check_task
from vlrl.contracts import Frame, Sample, Source, UserError
from vlrl.data.detection import Detection
from vlrl.data.world import DOMAINS, masks
from vlrl.data.world import detection as world
from vlrl.data.world.counting import square
from vlrl.media import load_image
from vlrl.prompts import write_completion
from vlrl.scoring import score

TASK = Detection()
PRESETS = ("", "ood")
QUESTION = re.compile(r"Find all objects of (?:this class|these classes): (.+)\.")


def take(preset: str, how_many: int, role: str = "train", seed: int = 0) -> list[Sample]:
    spec = f"world:detection@{preset}" if preset else "world:detection"
    source = Source(spec=spec, role=role, seed=seed)  # type: ignore[arg-type]
    return [each for each in islice(TASK.load(source), how_many) if isinstance(each, Sample)]


@cache
def drawn(preset: str) -> list[Sample]:
    return take(preset, 60)


def classes(sample: Sample) -> list[str]:
    match = QUESTION.fullmatch(sample.question)
    assert match, sample.question
    return match[1].split("; ")


def earned(sample: Sample, answer: str, frame: Frame | None = None) -> float | None:
    completion = write_completion("think", "So.", answer)
    return score(TASK, sample, completion, frame=frame).parts["accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_the_target_is_every_object_of_the_classes_and_no_other(preset: str) -> None:
    for index, sample in enumerate(drawn(preset)[:30]):
        scene, _ = world.scene_and_classes(f"train/0/{index}", preset)
        expected = []
        for asked in classes(sample):
            for thing, mask in zip(scene.objects, masks(scene), strict=True):
                if {*asked.split()} <= {thing.size, thing.colour, thing.material, thing.shape}:
                    rows, columns = np.nonzero(mask)
                    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
                    expected.append({"bbox_2d": box, "label": asked})
        assert sample.target == expected, sample.question


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_the_classes_exclude_each_other_by_their_words(preset: str) -> None:
    domain = DOMAINS[world.PRESETS[preset].domain]
    kinds = [("small", "large"), ("rubber", "metal"), tuple(domain.palette), domain.shapes]
    for sample in drawn(preset):
        for one, other in combinations(classes(sample), 2):
            words = {*one.split()}, {*other.split()}
            assert any(
                all(each & {*kind} for each in words) and not words[0] & words[1] & {*kind}
                for kind in kinds
            ), sample.question


@pytest.mark.parametrize("preset", PRESETS)
def test_some_find_nothing_and_the_others_any_number(preset: str) -> None:
    numbers = Counter(len(sample.target) for sample in drawn(preset))
    assert 0.05 < numbers[0] / 60 < 0.3
    assert {1, 2, 3} <= numbers.keys() and max(numbers.values()) < 30
    assert {len(classes(sample)) for sample in drawn(preset)} == {1, 2, 3}
    asked = sum(len(classes(sample)) for sample in drawn(preset))
    found = sum(len({each["label"] for each in sample.target}) for sample in drawn(preset))
    assert 0.6 < found / asked < 0.85  # a class is not there just because it is asked for


def test_the_presets_ask_in_other_words_about_another_look() -> None:
    seen = {word for sample in drawn("") for asked in classes(sample) for word in asked.split()}
    new = {word for sample in drawn("ood") for asked in classes(sample) for word in asked.split()}
    assert seen <= {*DOMAINS["train"].shapes, *DOMAINS["train"].palette}
    assert new == {*DOMAINS["ood"].shapes, "small", "large", "rubber", "metal"}


@pytest.mark.parametrize("preset", PRESETS)
def test_the_same_seed_gives_the_same_samples_and_roles_share_none(preset: str) -> None:
    first, again = drawn(preset)[:4], take(preset, 4)
    assert [(each.id, each.question, each.target) for each in first] == [
        (each.id, each.question, each.target) for each in again
    ]
    others = take(preset, 4, "validation") + take(preset, 4, "test") + take(preset, 4, seed=1)
    assert not {each.media[0].key for each in first} & {each.media[0].key for each in others}
    assert {load_image(each.media[0]).size for each in first} == {(168, 168)}


def test_the_worked_solution_leads_to_the_target() -> None:
    for sample in drawn(""):
        lines = dict(line.split(": ") for line in str(sample.reasoning).split("\n"))
        assert list(lines) == classes(sample)
        for asked, places in lines.items():
            boxes = [each["bbox_2d"] for each in sample.target if each["label"] == asked]
            assert (places == "none") == (not boxes)
            assert len(boxes) == (0 if places == "none" else len(places.split(", ")))


def test_the_place_in_the_solution_is_that_of_the_object() -> None:
    sample = next(each for each in drawn("") if len(each.target) == 1)
    scene, _ = world.scene_and_classes(sample.id.removeprefix("detection/"), "")
    (thing,) = (each for each in scene.objects if list(each.box) == sample.target[0]["bbox_2d"])
    assert square(*thing.centre, world.SIDE_PX) in str(sample.reasoning)


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_the_ideal_pays_and_junk_does_not(preset: str) -> None:
    report = check_task(TASK, Source(spec=f"world:detection@{preset}".rstrip("@")), limit=60)
    assert report.passed, [each for each in report.findings if each.outcome == "fail"]


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(UserError, match="world:detection, alone or with @ood"):
        take("absent", 1)


@pytest.mark.slow
def test_fifty_pictures_take_a_second() -> None:
    start = time.process_time()
    for sample in take("", 100, seed=3):
        load_image(sample.media[0])
    assert 100 / (time.process_time() - start) > 25  # half of it, since others may compute here


# What is right, by hand: two cubes and a sphere in a picture of 40 x 80

TARGET = [
    {"bbox_2d": [0, 0, 10, 20], "label": "cube"},
    {"bbox_2d": [20, 0, 30, 20], "label": "cube"},
    {"bbox_2d": [0, 40, 10, 60], "label": "traffic_light"},
]
HAND = Sample(
    id="1",
    task="detection",
    question="Find all objects of these classes: cube; traffic_light.",
    target=TARGET,
    image_size=(40, 80),
    meta={"labels": True},
)


def written(*objects: tuple[list[float], str]) -> str:
    return json.dumps([{"bbox_2d": box, "label": label} for box, label in objects])


FIRST, SECOND, THIRD = ((each["bbox_2d"], each["label"]) for each in TARGET)
FALSE = ([30, 60, 40, 80], "cube")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (written(FIRST, SECOND, THIRD), 1),
        (written(THIRD, SECOND, FIRST), 1),  # in any order
        (written((FIRST[0], "CUBE"), SECOND, (THIRD[0], "traffic light")), 1),
        (written(FIRST, SECOND), 2 / 3),
        (written(FIRST, SECOND, THIRD, FALSE), 3 / 4),
        (written(FIRST, FIRST, SECOND, THIRD), 3 / 4),
        (written((FIRST[0], "traffic light"), SECOND, THIRD), 2 / 3),  # a wrong name
        (written(([0, 0, 10, 10], "cube"), SECOND, THIRD), 2.5 / 3),  # half of it
        (json.dumps([{"bbox_2d": each["bbox_2d"]} for each in TARGET]), 0),  # without names
        ("```json\n" + written(FIRST, SECOND, THIRD) + "\n```", 1),
        ("[]", 0),
        ("None", 0),
        ("cube", 0),
        ("", 0),
    ],
)
def test_matched_boxes_with_the_right_names_pay(answer: str, expected: float) -> None:
    assert earned(HAND, answer) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("[]", 1), ("None", 1), ("null", 1), ("No Objects", 1), ("nothing", 0), (written(FIRST), 0)],
)
def test_where_there_is_nothing_only_nothing_is_right(answer: str, expected: float) -> None:
    assert earned(HAND.with_(target=[]), answer) == expected


def test_answers_are_written_and_read_in_the_frame_of_the_model() -> None:
    frame = Frame(width=1000, height=1000)
    assert json.loads(TASK.ideal(HAND, frame))[1]["bbox_2d"] == [500, 0, 750, 250]
    assert earned(HAND, TASK.ideal(HAND, frame), frame) == pytest.approx(1)
    assert TASK.hint(HAND, frame) == (
        'Write a JSON list with a box for each object, [{"bbox_2d": [x1, y1, x2, y2], '
        '"label": "its class"}, ...], or [] for nothing; x runs from 0 to 1000, y from 0 to 1000.'
    )


@pytest.mark.parametrize(
    ("confidence", "expected"), [(1.0, 1), (0.9, 0.99), (0.5, 0.75), (0.0, 0), (None, 1)]
)
def test_confidences_are_asked_for_and_paid_by_another_reward(
    confidence: float | None, expected: float
) -> None:
    sample = HAND.with_(target=TARGET[:1], meta={"confidence": True})
    assert '"confidence": 0 to 1}' in TASK.hint(sample, None)
    assert json.loads(TASK.ideal(sample, None))[0]["confidence"] == 1
    more = {} if confidence is None else {"confidence": confidence}
    answer = json.dumps([{"bbox_2d": FIRST[0], "label": "cube", **more}])
    rewards = {"accuracy": 1.0, "sure": {"use": "detection.calibration", "weight": 1.0}}
    completion = write_completion("think", "So.", answer)
    parts = score(TASK, sample, completion, rewards=rewards).parts
    assert parts["accuracy"] == 1 and parts["sure"] == pytest.approx(expected)


@pytest.mark.parametrize("target", [None, "cube", [1, 2, 3], [{"bbox_2d": [1]}], {}])
def test_a_target_that_is_no_list_of_boxes_is_refused(target: object) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        TASK.kinds["boxes"].target(HAND.with_(target=target))


def test_every_benchmark_of_the_world_can_be_read() -> None:
    for benchmark in TASK.benchmarks:
        if benchmark.source.startswith("world"):
            source = Source(spec=benchmark.source, role="test", take="first:2")
            assert len(list(tasks.samples(TASK, source))) == 2
