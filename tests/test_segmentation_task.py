"""Segmentation: the world's requests mean the objects of their targets; masks become prompts."""

import json
import math
from collections import Counter
from functools import cache
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vlrl.check import check_task
from vlrl.contracts import Frame, Sample, Source, UserError
from vlrl.data.formats import masks
from vlrl.data.segmentation import Segmentation
from vlrl.data.world import DOMAINS, Scene, SceneObject
from vlrl.data.world import masks as pixels_of
from vlrl.data.world import segmentation as world
from vlrl.media import load_image
from vlrl.rewards import mask, point
from vlrl.scoring import score

TASK = Segmentation()
FRAMES = [Frame(width=196, height=196), Frame(width=1000, height=1000), Frame(width=1, height=1)]
BITMAPS = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))


@cache
def take(preset: str, how_many: int, role: str = "train") -> list[Sample]:
    spec = f"world:segmentation@{preset}" if preset else "world:segmentation"
    found = TASK.load(Source(spec=spec, role=role))  # type: ignore[arg-type]
    return [each for each in islice(found, how_many) if isinstance(each, Sample)]


def scene_of(sample: Sample, preset: str) -> Scene:
    return world.scene_and_request(sample.id.partition("/")[2], preset)[0]


def accuracy_of(sample: Sample, answer: str, frame: Frame | None = None) -> float | None:
    completion = f"<think>So.</think><answer>{answer}</answer>"
    return score(TASK, sample, completion, frame=frame).parts["accuracy"]


def meant(question: str, scene: Scene) -> list[SceneObject]:
    """The objects that the words of a request mean, read anew."""
    request = question.removeprefix("Segment ").removesuffix(".")
    return [
        thing
        for thing in scene.objects
        if any(_means(part, thing) for part in request.split(" and "))
    ]


def _means(part: str, thing: SceneObject) -> bool:
    excluded = part.startswith("all objects but the ")
    words = part.replace("all objects but the ", "").split()
    words = [word for word in words if word not in ("all", "the", "object", "objects")]
    names = {thing.size, thing.colour, thing.material, thing.shape}
    names |= {f"{thing.shape}s", f"{thing.shape}es"}
    return (set(words) <= names) != excluded


@pytest.mark.slow
@pytest.mark.parametrize("preset", world.PRESETS)
def test_the_ideal_scores_1_and_junk_does_not_pay(preset: str) -> None:
    spec = f"world:segmentation@{preset}" if preset else "world:segmentation"
    test = Source(spec=spec, role="test")
    report = check_task(TASK, Source(spec=spec), tests=[test], limit=30)
    assert report.passed, report
    assert {each.check: each.outcome for each in report.findings}["overlap"] == "pass"


@pytest.mark.slow
@pytest.mark.parametrize("preset", world.PRESETS)
def test_the_target_is_what_the_words_mean(preset: str) -> None:
    for sample in take(preset, 40):
        scene = scene_of(sample, preset)
        things = meant(sample.question, scene)
        if preset == "masks":
            chosen = [thing in things for thing in scene.objects]
            union = pixels_of(scene)[chosen].any(axis=0)
            assert (mask.decode(sample.target) == union).all()
        else:
            assert [each["bbox_2d"] for each in sample.target] == [list(it.box) for it in things]
            assert mask.iou(sample.meta["mask"], mask.encode(_union(sample, scene))) == 1


def _union(sample: Sample, scene: Scene) -> np.ndarray:
    """The pixels of the objects in whose visible pixels the target's points lie."""
    chosen = [
        any(each[row, column] for column, row in (it["point_2d"] for it in sample.target))
        for each in pixels_of(scene)
    ]
    return pixels_of(scene)[chosen].any(axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("preset", world.PRESETS)
def test_the_names_one_object_and_nothing_is_asked_for_twice(preset: str) -> None:
    for sample in take(preset, 40):
        scene, parts = world.scene_and_request(sample.id.partition("/")[2], preset)
        picked = [thing for part in parts for thing in scene.objects if part.picks(thing)]
        assert len(picked) == len({thing.box for thing in picked})
        for part in parts:
            num_picked = sum(part.picks(thing) for thing in picked)
            assert num_picked == 1 or part.quantity != "the"
            assert num_picked < len(scene.objects)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["", "ood"])
def test_some_requests_fit_nothing_and_their_form_does_not_tell(preset: str) -> None:
    found = take(preset, 120)
    counts = Counter(len(sample.target) for sample in found)
    assert 0.08 < counts[0] / 120 < 0.22
    assert counts[1] > 20 and counts[2] > 15 and sum(counts[n] for n in (3, 4, 5)) > 8
    plain = [each for each in found if "all" in each.question and " but " not in each.question]
    assert any(each.target for each in plain) and any(not each.target for each in plain)


def test_the_worked_solution_names_what_is_asked_for() -> None:
    for sample in take("", 30):
        assert sample.reasoning is not None
        listed = [line.partition(": ")[2] for line in sample.reasoning.splitlines()]
        num_listed = sum(0 if line == "none" else line.count(" at ") for line in listed)
        assert num_listed == len(sample.target)


@pytest.mark.slow
def test_the_ood_world_shares_no_shape_and_asks_for_all_but() -> None:
    found = take("ood", 40)
    asked = " ".join(sample.question for sample in found)
    assert not any(shape in asked for shape in DOMAINS["train"].shapes)
    assert 10 < sum(" but " in sample.question for sample in found) < 30
    assert not any(" but " in sample.question for sample in take("", 40))


def test_a_world_is_drawn_the_same_again_and_its_roles_share_nothing() -> None:
    first, again = take("", 10), take.__wrapped__("", 10)
    assert [(each.question, each.target) for each in first] == [
        (each.question, each.target) for each in again
    ]
    assert load_image(first[0].media[0]).size == (world.SIDE_PX, world.SIDE_PX)
    roles = [{each.media[0].key for each in take("", 10, role)} for role in ("train", "test")]
    assert not roles[0] & roles[1]


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(UserError, match="alone or with @ood, @masks"):
        list(TASK.load(Source(spec="world:segmentation@odd")))


@pytest.mark.slow
@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: f"{frame.width:g}")
def test_the_ideal_reaches_almost_1_in_a_frame(frame: Frame) -> None:
    for sample in take("", 20):
        assert accuracy_of(sample, TASK.ideal(sample, frame), frame) == 1
    shares = [accuracy_of(each, TASK.ideal(each, frame), frame) for each in take("masks", 20)]
    assert min(each for each in shares if each is not None) > 0.85


def test_hints_say_what_to_write() -> None:
    boxes, outlines = take("", 1)[0], take("masks", 1)[0]
    assert '"point_2d": [x, y]' in TASK.hint(boxes, None)
    assert "y from 0 to 168" in TASK.hint(boxes, None)
    assert "polygons" in TASK.hint(outlines, FRAMES[1])
    assert "x runs from 0 to 1000" in TASK.hint(outlines, FRAMES[1])
    assert all("[] for nothing" in TASK.hint(each, None) for each in (boxes, outlines))


SQUARE = [[2, 2, 6, 2, 6, 6, 2, 6]]  # 16 pixels
THING = {"bbox_2d": [2, 2, 6, 6], "point_2d": [4, 4]}


def test_nothing_is_an_answer_of_both_kinds() -> None:
    size = (10, 10)
    for kind, nothing, something in (("boxes_points", [], [THING]), ("mask", [], SQUARE)):
        sample = Sample(
            id="1", task="segmentation", question="?", target=nothing, kind=kind, image_size=size
        )
        assert accuracy_of(sample, "[]") == accuracy_of(sample, "None") == 1
        assert accuracy_of(sample, json.dumps(something)) == accuracy_of(sample, "") == 0
        there = sample.with_(target=something)
        assert accuracy_of(there, "[]") == 0
        assert accuracy_of(there, TASK.ideal(there, None)) == 1


def test_an_object_without_its_point_and_a_frame() -> None:
    sample = Sample(id="1", task="segmentation", question="?", target=[THING], image_size=(100, 50))
    assert accuracy_of(sample, '[{"bbox_2d": [2, 2, 6, 6]}]') == pytest.approx(2 / 3)
    frame = Frame(width=840, height=840)
    written = json.loads(TASK.ideal(sample, frame))
    assert written == [{"bbox_2d": [17, 34, 50, 101], "point_2d": [34, 67]}]
    assert accuracy_of(sample, json.dumps(written), frame) == 1


def test_a_box_that_would_vanish_in_its_frame_keeps_digits() -> None:
    thin = [{"bbox_2d": [504, 2, 506, 900], "point_2d": [505, 450]}]
    sample = Sample(id="1", task="segmentation", question="?", target=thin, image_size=(8000, 999))
    frame = Frame(width=1000, height=1000)
    written = json.loads(TASK.ideal(sample, frame))
    assert written[0]["bbox_2d"] == [63.0, 2.002, 63.25, 900.901]
    assert accuracy_of(sample, json.dumps(written), frame) == 1


def test_pixels_to_ignore_do_not_count() -> None:
    inside, ignored = np.zeros((8, 8), bool), np.zeros((8, 8), bool)
    inside[2:6, 2:6] = ignored[0:2] = True
    target = {"mask": mask.encode(inside), "ignore": mask.encode(ignored)}
    answer = {"size": [8, 8], "counts": mask.encode(inside | ignored)["counts"]}
    sample = Sample(
        id="1", task="segmentation", question="?", target=target, kind="mask", image_size=(8, 8)
    )
    assert accuracy_of(sample, json.dumps(answer)) == 1
    assert accuracy_of(sample.with_(target=mask.encode(inside)), json.dumps(answer)) == 0.5
    assert accuracy_of(sample, "") == 0


@given(bitmap=BITMAPS)
def test_the_point_is_the_centre_of_the_largest_circle(bitmap: np.ndarray) -> None:
    if not bitmap.any():
        with pytest.raises(ValueError, match="no pixel"):
            masks.prompt(bitmap)
        return
    found = masks.prompt(bitmap)
    column, row = found["point_2d"]
    assert bitmap[row, column]
    assert point.in_mask(found["point_2d"], bitmap.astype(np.uint8)) == 1
    depths = {tuple(at): _depth(bitmap, *at) for at in np.argwhere(bitmap).tolist()}
    assert depths[row, column] == pytest.approx(max(depths.values()), rel=1e-4)
    x1, y1, x2, y2 = found["bbox_2d"]
    rows, columns = np.nonzero(bitmap)
    assert (x1, y1) == (columns.min(), rows.min())
    assert (x2, y2) == (columns.max() + 1, rows.max() + 1)


def _depth(bitmap: np.ndarray, row: int, column: int) -> float:
    """How far the nearest pixel outside lies, beyond the border too."""
    outside = np.argwhere(~np.pad(bitmap, 1)) - 1
    return min(math.dist((row, column), each) for each in outside.tolist())


@given(bitmap=BITMAPS)
def test_parts_cover_the_mask_once_and_do_not_touch(bitmap: np.ndarray) -> None:
    found = masks.parts(bitmap)
    assert (sum(found, np.zeros(bitmap.shape, int)) == bitmap).all()
    for one in found:
        near = np.zeros(np.add(bitmap.shape, 2), bool)
        for row, column in np.argwhere(one):
            near[row : row + 3, column : column + 3] = True
        assert (near[1:-1, 1:-1] & bitmap == one).all()


@given(
    corners=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=3),
    side=st.integers(4, 12),
)
def test_outlines_stay_within_a_pixel(corners: list, side: int) -> None:
    bitmap = np.zeros((44, 44), bool)
    for x, y in corners:
        bitmap[y : y + side, x : x + side] = True
    bitmap = mask.decode(masks.outlines(bitmap), bitmap.shape) | bitmap  # holes are filled
    found = mask.decode(masks.outlines(bitmap), bitmap.shape)
    padded = np.pad(bitmap, 1)
    shifts = [padded[y : y + 44, x : x + 44] for y in range(3) for x in range(3)]
    assert (found <= np.logical_or.reduce(shifts)).all()
    assert (found >= np.logical_and.reduce(shifts)).all()


def test_the_outline_of_a_square_lies_on_its_edges() -> None:
    bitmap = np.zeros((9, 9), bool)
    bitmap[3:7, 2:6] = True
    (found,) = masks.outlines(bitmap)
    corners = np.array(found).reshape(-1, 2)
    assert corners.min(axis=0).tolist() == [2.125, 3.125]
    assert corners.max(axis=0).tolist() == [5.875, 6.875]
