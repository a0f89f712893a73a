"""The task layout: answers, places that are found, and the floor plans."""

import json
import re
from collections import Counter
from itertools import islice
from typing import Any

import numpy as np
import pytest

from vlrl.check import check_task
from vlrl.contracts import Sample, Source, UserError
from vlrl.data.kinds.arranging import arrange
from vlrl.data.layout import Layout
from vlrl.data.world import floor_plans
from vlrl.data.world import layout as world
from vlrl.data.world.floor_plans import GAP_M, OUTSIDE, SLACK_M, STEP_M, draw_plan
from vlrl.rewards.layout import SIDES, physics
from vlrl.scoring import mean_accuracy, score

TASK = Layout()
PRESETS = ("", "@ood")


def take(preset: str, num: int, role: str = "train", seed: int = 0) -> list[Sample]:
    source = Source(spec=f"world:layout{preset}", role=role, seed=seed)  # type: ignore[arg-type]
    return [each for each in islice(TASK.load(source), num) if isinstance(each, Sample)]


def thing(name: str, size: list[float], *relations: tuple, **more: Any) -> dict[str, Any]:
    """A relation is (how, to) or (how, to, adjacent)."""
    keys = ("relation", "to", "adjacent")
    listed = [dict(zip(keys, each, strict=False)) for each in relations]
    return {"id": name, "size": size, "relations": listed, **more}


def scene(*objects: dict[str, Any]) -> dict[str, Any]:
    return {"room": [5.0, 4.0, 2.6], "objects": list(objects)}


TABLE = thing("table", [1.6, 0.8, 0.7], ("on", "middle of the room"))
CORNER = ("east", "south")
SHELF = thing("shelf", [1.0, 0.3, 2.0], ("on", "north_wall"), rotation=180)


# Answers

PAIR = scene(SHELF, thing("box", [0.4, 0.4, 0.4], ("right of", "shelf"))) | {
    "positions": {"shelf": (2.0, 3.85, 1.0), "box": (1.3, 3.8, 0.2)}
}


@pytest.mark.parametrize(
    ("box", "accuracy"),
    [
        ((1.3, 3.8, 0.2), 1.0),  # the shelf faces south: its right is to the west
        ((1.25, 3.75, 0.2), 1.0),
        ((2.7, 3.8, 0.2), 0.5),  # on its left
        ((1.0, 3.8, 0.2), 0.5),  # not adjacent
        ((1.3, 3.8, 0.4), 0.5),  # above the floor
        ((2.0, 3.8, 0.2), 0.0),  # in the shelf: neither stands free
    ],
)
def test_the_physics_of_the_written_places_count(box: tuple, accuracy: float) -> None:
    sample = Sample(id="1", task=TASK.name, question="?", target=PAIR)
    placed = TASK.ideal(sample.with_(target={"positions": {**PAIR["positions"], "box": box}}), None)
    completion = f"<think>So.</think><answer>{placed}</answer>"
    assert score(TASK, sample, completion).parts["accuracy"] == pytest.approx(accuracy)


def test_the_hint_says_which_way_the_axes_run() -> None:
    (sample,) = take("", 1)
    assert re.search("x is .* west wall, y .* south wall, z .* floor", TASK.hint(sample, None))


# Places that are found


@pytest.mark.parametrize(
    "objects",
    [
        (TABLE,),
        (SHELF, thing("box", [0.4, 0.4, 0.4], ("right of", "shelf"))),
        (TABLE, thing("lamp", [0.2, 0.2, 0.3], ("on", "table"), on_floor=False)),
        (TABLE, thing("rug", [2.0, 1.5, 0.01], ("under", "table"))),
        (TABLE, thing("light", [0.4, 0.4, 0.3], ("above", "table"), on_floor=False)),
        (thing("light", [0.4, 0.4, 0.3], ("on", "ceiling"), on_floor=False),),
        (thing("bed", [1.6, 2, 0.5], *(("in the corner", f"{at}_wall") for at in CORNER)),),
        (*(thing(f"chair {side}", [0.5, 0.5, 0.9], (side, "table")) for side in SIDES), TABLE),
        (
            thing("first", [1, 1, 1], ("left of", "second", False)),
            thing("second", [1, 1, 1], ("right of", "first", False)),
        ),
        tuple(thing(f"crate_{number}", [1.2, 1.2, 1.0]) for number in range(8)),
        (thing("wide", [4.9, 1.0, 1.0], rotation=0), thing("long", [2.8, 0.5, 1.0], rotation=90)),
    ],
    ids=lambda objects: objects[0]["id"] + str(len(objects)),
)
def test_places_are_found_that_earn_1(objects: tuple) -> None:
    target = scene(*objects)
    found = arrange(target)
    assert found is not None
    assert physics(found, target) == 1


def test_where_there_is_no_place_the_search_ends() -> None:
    assert arrange(scene(thing("tower", [1, 1, 3]))) is None
    on_two_walls = (("on", "west_wall"), ("on", "east_wall"))
    assert arrange(scene(thing("shelf", [1, 1, 1], *on_two_walls))) is None
    full = scene(*(thing(f"crate_{number}", [2.4, 1.9, 1.0]) for number in range(5)))
    assert arrange(full) is None


# The floor plans


def test_plans_are_the_same_every_time_and_differ_by_role_and_seed() -> None:
    first = take("", 4)
    assert first == take("", 4)
    assert np.array_equal(first[0].media[0].open(), take("", 1)[0].media[0].open())
    targets = [take("", 1, role, seed)[0].target for role in ("train", "test") for seed in (0, 1)]
    assert len({json.dumps(target) for target in targets}) == 4
    with pytest.raises(UserError, match="choose world:layout, alone or with @ood"):
        take("@odd", 1)


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "num_pieces"), [("", 4), ("@ood", 5)])
def test_every_piece_stands_by_something_and_apart_from_the_rest(
    preset: str, num_pieces: int
) -> None:
    corners: Counter[tuple[int, int]] = Counter()
    for index in range(40):
        plan = draw_plan(f"layout/{preset[1:]}/{index}", world.PRESETS[preset[1:]].limits)
        corners[plan.corner] += 1
        target = floor_plans.target_of(plan)
        assert len(plan.pieces) == len(target["objects"]) == num_pieces
        assert all(each["relations"] for each in target["objects"])
        for first, second in ((a, b) for a in plan.pieces for b in plan.pieces if a.name < b.name):
            assert first.gap(second) == pytest.approx(GAP_M) or first.gap(second) > 5 * GAP_M
        steps = [at / STEP_M for piece in plan.pieces for at in (*piece.place, *piece.half)]
        assert steps == pytest.approx([round(step) for step in steps])
    assert len(corners) == 4


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_a_reading_that_is_two_centimetres_off_still_earns_1(preset: str) -> None:
    for sample in take(preset, 20):
        signs = {name: (-1) ** place for place, name in enumerate(sample.target["positions"])}
        moved = {
            name: (x + 0.02 * signs[name], y - 0.02 * signs[name], z)
            for name, (x, y, z) in sample.target["positions"].items()
        }
        assert SLACK_M > 2 * 0.02
        assert physics(moved, sample.target) == 1


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_without_the_picture_no_answer_earns_much(preset: str) -> None:
    """The question is the same for all plans, so blind answers are one answer to all."""
    found = take(preset, 60)
    assert len({sample.question for sample in found}) == 1
    answers = [TASK.ideal(sample, None) for sample in found]
    written = [f"<think>So.</think><answer>{answer}</answer>" for answer in answers]
    assert max(mean_accuracy(TASK, found[20:], each) for each in written[:20]) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_the_picture_shows_the_pieces_where_the_target_says(preset: str) -> None:
    """The colour of a piece fills the pixels of its place, and of no other."""
    settings = world.PRESETS[preset[1:]]
    for index in range(8):
        plan = draw_plan(f"layout/{preset[1:]}/test/0/{index}", settings.limits)
        (picture,) = world.sample(f"test/0/{index}", preset[1:]).media
        pixels = np.asarray(picture.open(), dtype=int)
        for piece, colour in zip(plan.pieces, settings.look.fills, strict=True):
            rows, columns = np.nonzero(np.abs(pixels - colour).sum(axis=2) <= 3)
            middle = columns.min() + columns.max() + 1, rows.min() + rows.max() + 1
            x = (middle[0] / 2 - world.LEFT_PX) / settings.px_per_m
            y = (world.SIDE_PX - world.BOTTOM_PX - middle[1] / 2) / settings.px_per_m
            if piece.name == OUTSIDE:
                assert y > plan.size[1]
            else:
                assert (x, y) == pytest.approx(piece.place, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_labels_are_legible_and_inside(preset: str) -> None:
    settings = world.PRESETS[preset[1:]]
    for index in range(60):
        plan = draw_plan(f"layout/{preset[1:]}/{index}", settings.limits)
        page = world.page_of(plan, settings)
        assert page.is_legible
        points = [at for fill in page.fills for point in fill.points for at in point]
        assert min(points) > 0
        assert max(points) < world.SIDE_PX


@pytest.mark.parametrize("preset", PRESETS)
def test_the_worked_solution_names_every_place(preset: str) -> None:
    for sample in take(preset, 5):
        for name, (x, y, z) in sample.target["positions"].items():
            assert re.search(rf"^{name} .*: x {x:g}, y {y:g}, z {z:g}\.$", sample.reasoning, re.M)


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_the_check_passes(preset: str) -> None:
    report = check_task(TASK, Source(spec=f"world:layout{preset}"), limit=30)
    assert report.passed, report.findings
