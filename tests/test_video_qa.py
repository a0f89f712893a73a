"""Questions about films: what the pictures show is what the answer says, and nothing else tells."""

from collections import Counter
from itertools import islice

import pytest

from vlrl.check import check_task
from vlrl.contracts import Sample, Source, UserError
from vlrl.data.video_qa import VideoQa
from vlrl.data.world import films
from vlrl.data.world import video_qa as world
from vlrl.media import Sampling, load_clip
from vlrl.scoring import score

TASK = VideoQa()
SUBTASKS = tuple(world.DRAW)
NAMES = [f"test/{number}" for number in range(5)]


def take(preset: str, num: int, role: str = "train", seed: int = 0) -> list[Sample]:
    source = Source(spec=f"world:video_qa{preset}", role=role, seed=seed)  # type: ignore[arg-type]
    return [each for each in islice(TASK.load(source), num) if isinstance(each, Sample)]


def chosen(sample: Sample) -> str:
    assert sample.options is not None
    return sample.options["ABCD".index(sample.target)]


def test_films_are_the_same_every_time_and_differ_by_role_and_seed() -> None:
    assert take("", 5) == take("", 5)
    keys = {
        take("", 1, role, seed)[0].media[0].key for role in ("train", "test") for seed in (0, 1)
    }
    assert len(keys) == 4
    with pytest.raises(UserError, match="choose world:video_qa, alone or with @ood"):
        take("@odd", 1)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "@ood"])
def test_all_subtasks_and_answers_come_equally_often(preset: str) -> None:
    found = take(preset, 240)
    for subtask in SUBTASKS:
        targets = [each.target for each in found if each.meta["subtask"] == subtask]
        counts = Counter(targets)
        assert len(targets) == 60 and len(counts) == world.NUM_ANSWERS[subtask]
        assert max(counts.values()) < 1.8 * 60 / len(counts)


def test_the_other_films_have_other_shapes_and_colours() -> None:
    def looks(preset: str) -> set[str]:
        found = (world.film(name, preset, "order")[1] for name in NAMES)
        return {word for shot in found for part in shot.parts for word in part.name.split()}

    assert not looks("") & looks("ood")


@pytest.mark.parametrize("name", NAMES)
def test_the_object_that_comes_first_or_last_is_right(name: str) -> None:
    _, shot = world.film(name, "", "order")
    *coming, still = shot.parts
    first = {part.name: part.shown.index(True) for part in coming}
    assert all(still.shown) and len(set(first.values())) == 3 and min(first.values()) > 0
    sample = world.sample(name, "", "order")
    best = min if sample.question.endswith("first?") else max
    assert chosen(sample) == best(first, key=first.__getitem__)


@pytest.mark.parametrize("name", NAMES)
def test_the_way_in_the_picture_is_the_way_of_the_answer(name: str) -> None:
    scene, shot = world.film(name, "", "direction")
    (x1, y1), (x2, y2) = (
        scene.camera.project(shot.parts[0].at(k).position, 112)[:2] for k in (0, world.LAST)
    )
    across, down = x2 - x1, y2 - y1
    shown = ("to the left", "to the right") if abs(across) > abs(down) else (
        "away from the camera", "towards the camera"
    )  # fmt: skip
    way = shown[(across if abs(across) > abs(down) else down) > 0]
    assert chosen(world.sample(name, "", "direction")) == way
    assert shot.parts[0].name in shot.question


@pytest.mark.parametrize("name", NAMES)
def test_the_fastest_or_slowest_goes_farthest_or_least_far(name: str) -> None:
    _, shot = world.film(name, "", "speed")
    far = {}
    for part in shot.parts:
        (x1, y1), (x2, y2) = part.places[0], part.places[-1]
        far[part.name] = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    assert sorted(far.values()) == pytest.approx(world.SPEEDS, abs=1e-3)
    sample = world.sample(name, "", "speed")
    best = max if sample.question.endswith("fastest?") else min
    assert chosen(sample) == best(far, key=far.__getitem__)


@pytest.mark.parametrize("name", NAMES)
def test_objects_that_come_and_go_are_counted_over_the_film(name: str) -> None:
    scene, shot = world.film(name, "", "count")
    *coming, still = shot.parts
    assert len(coming) == shot.target == world.sample(name, "", "count").target
    assert all(still.shown)
    assert all(not part.shown[0] and not part.shown[-1] and any(part.shown) for part in coming)
    at_once = [len(each.objects) - 1 for each in films.pictures(scene, shot.parts)]
    assert max(at_once) <= 2


@pytest.mark.parametrize("subtask", SUBTASKS)
def test_a_clip_has_eight_pictures_and_the_worked_solution_names_the_answer(subtask: str) -> None:
    sample = world.sample("test/0", "", subtask)
    frames = load_clip(sample.media[0], Sampling(min_pixels=784)).frames
    assert [frame.size for frame in frames] == [(112, 112)] * 8
    assert sample.reasoning is not None and sample.duration == 8
    stated = chosen(sample) if sample.options else str(sample.target)
    assert sample.reasoning.endswith(f"{stated}.")


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "@ood"])
def test_the_check_passes(preset: str) -> None:
    report = check_task(TASK, Source(spec=f"world:video_qa{preset}"), limit=40)
    assert report.passed, report.findings


@pytest.mark.parametrize(
    ("kind", "target", "answer", "accuracy"),
    [
        *(("number", 3, "3", 1.0), ("number", 3, "three", 1.0), ("number", 3, "about 3", 0.0)),
        *(("choice", "B", "B", 1.0), ("choice", "B", "a cube", 1.0), ("choice", "B", "A", 0.0)),
        *(("label", "yes", "Yes", 1.0), ("label", "yes", "no", 0.0), ("label", "yes", "", 0.0)),
        *(("text", "a red cube", "a red cube", 1.0), ("text", "a red cube", "blue", 0.0)),
    ],
)
def test_answers_of_every_kind(kind: str, target: object, answer: str, accuracy: float) -> None:
    options = ("a ball", "a cube") if kind == "choice" else None
    sample = Sample(id="1", task=TASK.name, question="?", target=target, kind=kind, options=options)
    completion = f"<think>So.</think><answer>{answer}</answer>"
    assert score(TASK, sample, completion).parts["accuracy"] == accuracy
