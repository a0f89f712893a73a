"""Layouts: the case table, collisions against OpenCV, relations by hand, and what junk earns."""

import json
import time
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from vlrl.contracts import UnusableTarget
from vlrl.rewards import layout

CASES = yaml.safe_load((Path(__file__).parent / "cases/layout.yaml").read_text("utf-8"))
BEDROOM, GOOD = CASES["bedroom"], CASES["good"]
FEW = settings(max_examples=60, deadline=None)
CENTIMETRES = st.integers(-100, 600).map(lambda value: value / 100)
POSITIONS = st.dictionaries(
    st.sampled_from([*GOOD, "sofa"]), st.tuples(*[CENTIMETRES] * 3), min_size=1
)
SIDES_M = st.integers(20, 200).map(lambda value: value / 100)
SIZES = st.tuples(SIDES_M, SIDES_M, SIDES_M)
DEGREES = st.integers(-360, 360)


@pytest.mark.parametrize("case", CASES["parse"], ids=lambda case: case["id"])
def test_parse(case: dict) -> None:
    expected = case["expected"]
    value = layout.parse(case["text"])
    assert value == (expected and {name: tuple(place) for name, place in expected.items()})


@pytest.mark.parametrize("case", CASES["physics"], ids=lambda case: case["id"])
def test_physics(case: dict) -> None:
    places = {name: place for name, place in {**GOOD, **case["moves"]}.items() if place}
    assert layout.physics(layout.parse(write(places)), BEDROOM) == pytest.approx(case["expected"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda scene: scene.pop("room"), "no room"),
        (lambda scene: scene.update(room=[4, 0, 3]), "no room"),
        (lambda scene: scene.update(room=[4, float("nan"), 3]), "no room"),
        (lambda scene: scene.update(objects=[]), "1 to 100 objects"),
        (lambda scene: scene.update(objects=scene["objects"] * 20), "1 to 100 objects"),
        (lambda scene: scene["objects"].append(scene["objects"][0]), "one id"),
        (lambda scene: scene["objects"].append("sofa"), "no object"),
        (lambda scene: scene["objects"][0].update(size=[1, 1]), "bed: give its size"),
        (lambda scene: scene["objects"][0].update(size=[1, 1, -1]), "bed: give its size"),
        (lambda scene: scene["objects"][0].update(rotation="north"), "bed: give its rotation"),
        (lambda scene: scene["objects"][2].update(relations=[]), "lamp is neither"),
        (lambda scene: scene["objects"][0].update(relations=["on"]), "bed: 'on' is no relation"),
        (lambda scene: relate(scene, "on", "sofa"), "no 'sofa'"),
        (lambda scene: relate(scene, "on", "bed"), "no 'bed'"),
        (lambda scene: relate(scene, "near", "lamp"), "'near' is no relation to 'lamp'"),
        (lambda scene: relate(scene, "behind", "west_wall"), "use on, in the corner"),
        (lambda scene: relate(scene, "under", "ceiling"), "use on"),
        (lambda scene: relate(scene, "under", "middle of the room"), "in the middle of"),
    ],
)
def test_a_scene_that_cannot_be_scored_is_unusable(change, reason: str) -> None:
    scene = deepcopy(BEDROOM)
    change(scene)
    for value in (GOOD, None):
        with pytest.raises(UnusableTarget, match=reason):
            layout.physics(value, scene)


@pytest.mark.parametrize("target", [None, [], "room", 3])
def test_a_target_that_is_no_scene_is_unusable(target: object) -> None:
    with pytest.raises(UnusableTarget, match="no scene"):
        layout.physics(None, target)


# A table of 2 x 1 x 1 m in the middle of the floor, turned, and a stool of .4 m beside it.
@pytest.mark.parametrize(
    ("relation", "rotation", "place", "holds"),
    [
        ("right of", 0, (6.2, 5, 0.2), True),
        ("right of", 0, (6.29, 5, 0.2), True),
        ("right of", 0, (6.31, 5, 0.2), False),  # a gap of .11 m
        ("right of", 0, (6.2, 5.69, 0.2), True),  # 1 cm beside the table
        ("right of", 0, (6.2, 5.71, 0.2), False),
        ("right of", 0, (3.8, 5, 0.2), False),
        ("left of", 0, (3.8, 5, 0.2), True),
        ("in front", 0, (5, 5.7, 0.2), True),
        ("in front", 0, (5, 4.3, 0.2), False),
        ("behind", 0, (5, 4.3, 0.2), True),
        ("right of", 90, (5, 3.8, 0.2), True),  # its front is east, its right is south
        ("left of", 90, (5, 6.2, 0.2), True),
        ("in front", 90, (5.7, 5, 0.2), True),
        ("behind", 450, (4.3, 5, 0.2), True),
        ("right of", -90, (5, 6.2, 0.2), True),
        ("right of", 45, (5.942, 4.058, 0.2), True),  # 1 + .283 + .05 m to the south-east
        ("right of", 45, (6.083, 3.917, 0.2), False),  # .25 m off
        ("in front", 45, (5.942, 4.058, 0.2), False),
    ],
)
def test_sides_are_those_of_the_other_object(
    relation: str, rotation: float, place: tuple, holds: bool
) -> None:
    scene = pair(relation, rotation=rotation)
    assert layout.physics({"table": (5, 5, 0.5), "stool": place}, scene) == 0.5 + 0.5 * holds


@pytest.mark.parametrize(
    ("relation", "adjacent", "place", "holds"),
    [
        ("on", True, (5.9, 5.4, 1.2), True),
        ("on", True, (6.1, 5, 1.2), False),  # its centre is not over the table
        ("on", False, (5, 5, 1.25), False),  # never in the air
        ("above", True, (5, 5, 1.25), True),
        ("above", True, (5, 5, 1.4), False),
        ("above", False, (5, 5, 2.4), True),
        ("above", False, (5, 8, 2.4), False),
        ("under", False, (5, 5, 2.4), False),
        ("right of", False, (9, 5, 0.2), True),
        ("right of", False, (5, 9, 0.2), False),
    ],
)
def test_relations_to_an_object(relation: str, adjacent: bool, place: tuple, holds: bool) -> None:
    scene = pair(relation, adjacent=adjacent, on_floor=False)
    assert layout.physics({"table": (5, 5, 0.5), "stool": place}, scene) == 0.5 + 0.5 * holds


@pytest.mark.parametrize(
    ("height", "adjacent", "holds"),
    [(2.8, True, True), (1, True, False), (1, False, True), (2.85, True, True)],
)
def test_under_is_below_the_lowest_face(height: float, adjacent: bool, holds: bool) -> None:
    lid = {"id": "lid", "size": [1, 1, 0.2], "on_floor": False}
    lid["relations"] = [{"relation": "on", "to": "ceiling"}]
    rack = {"id": "rack", "size": [0.4, 0.4, height]}
    rack["relations"] = [{"relation": "under", "to": "lid", "adjacent": adjacent}]
    scene = {"room": [10, 10, 3], "objects": [lid, rack]}
    places = {"lid": (5, 5, 2.9), "rack": (5, 5, height / 2)}
    overlap = height + 0.2 - 3 > layout.CLOSE_M
    assert layout.physics(places, scene) == (0 if overlap else 0.5 + 0.5 * holds)


@FEW
@given(
    sizes=st.tuples(SIZES, SIZES),
    rotations=st.tuples(DEGREES, DEGREES),
    x=CENTIMETRES,
    y=CENTIMETRES,
)
def test_turned_boxes_collide_where_opencv_says_so(
    sizes: tuple, rotations: tuple, x: float, y: float
) -> None:
    cv2 = pytest.importorskip("cv2")
    things = [
        {"id": name, "size": size, "rotation": rotation}
        for name, size, rotation in zip("ab", sizes, rotations, strict=True)
    ]
    scene = {"room": [40, 40, 3], "objects": things}
    places = {"a": (20, 20, sizes[0][2] / 2), "b": (20 + x / 2, 20 + y / 2, sizes[1][2] / 2)}
    rectangles = [
        (places[name][:2], size[:2], -rotation)
        for name, size, rotation in zip("ab", sizes, rotations, strict=True)
    ]
    _, points = cv2.rotatedRectangleIntersection(*rectangles)
    area = 0.0 if points is None else cv2.contourArea(cv2.convexHull(points))
    score = layout.physics(places, scene)
    assert score in (0, 1)
    if area == 0:
        assert score == 1
    if area > 0.1:  # more than a strip of 1 cm along the longest diagonal
        assert score == 0


@FEW
@given(sizes=st.lists(SIZES, min_size=1, max_size=6), rotations=st.lists(DEGREES, min_size=6))
def test_boxes_far_apart_on_the_floor_score_one(sizes: list, rotations: list) -> None:
    things = [
        {"id": str(index), "size": size, "rotation": rotation}
        for index, (size, rotation) in enumerate(zip(sizes, rotations, strict=False))
    ]
    scene = {"room": [18, 3, 3], "objects": things}
    places = {str(i): (3 * i + 1.5, 1.5, size[2] / 2) for i, size in enumerate(sizes)}
    assert layout.physics(layout.parse(write(places)), scene) == 1
    heap = {name: (9, 1.5, place[2]) for name, place in places.items()}
    assert layout.physics(heap, scene) == (len(sizes) == 1)


@FEW
@given(places=POSITIONS)
def test_the_order_of_objects_does_not_count(places: layout.Positions) -> None:
    score = layout.physics(places, BEDROOM)
    assert 0 <= score <= 1
    turned = {**BEDROOM, "objects": BEDROOM["objects"][::-1]}
    assert layout.physics(dict(reversed(places.items())), turned) == pytest.approx(score)


@FEW
@given(places=POSITIONS)
def test_a_quarter_turn_of_everything_changes_nothing(places: layout.Positions) -> None:
    walls = dict(
        zip(
            ("north_wall", "east_wall", "south_wall", "west_wall"),
            ("east_wall", "south_wall", "west_wall", "north_wall"),
            strict=True,
        )
    )
    width, depth, height = BEDROOM["room"]
    scene = {**deepcopy(BEDROOM), "room": [depth, width, height]}
    for thing in scene["objects"]:
        thing["rotation"] = thing.get("rotation", 0) + 90
        for relation in thing["relations"]:
            relation["to"] = walls.get(relation["to"], relation["to"])
    moved = {**GOOD, **places}
    turned = {name: (y, width - x, z) for name, (x, y, z) in moved.items()}
    assert layout.physics(turned, scene) == pytest.approx(layout.physics(moved, BEDROOM))


@FEW
@given(text=st.one_of(st.text(), st.text('[]{}":,0123. idxyz', max_size=60)))
def test_any_text_is_a_layout_or_none(text: str) -> None:
    value = layout.parse(text)
    if value is not None:
        assert layout.parse(write(value)) == value


@pytest.mark.parametrize("piece", ["[", '[{"id":', '{"id":"a","x":1,"y":2,"z":3},', "1", " "])
def test_a_megabyte_is_read_at_once(piece: str) -> None:
    start = time.process_time()
    assert layout.parse(piece * (10**6 // len(piece))) is None
    assert layout.parse("[" + piece * (40_000 // len(piece)) + "]") is None
    assert time.process_time() - start < 1


def test_the_largest_room_is_scored_at_once() -> None:
    things = [{"id": str(i), "size": [1, 1, 1], "rotation": i} for i in range(layout.MAX_OBJECTS)]
    scene = {"room": [9, 9, 3], "objects": things}
    start = time.process_time()
    assert layout.physics({str(i): (4, 4, 0.5) for i in range(layout.MAX_OBJECTS)}, scene) == 0
    assert time.process_time() - start < 1


def write(places: dict) -> str:
    return json.dumps([{"id": name, "x": x, "y": y, "z": z} for name, (x, y, z) in places.items()])


def relate(scene: dict, relation: str, to: str) -> None:
    scene["objects"][0]["relations"] = [{"relation": relation, "to": to}]


def pair(
    relation: str, *, rotation: float = 0, adjacent: bool = True, on_floor: bool = True
) -> dict:
    table = {"id": "table", "size": [2, 1, 1], "rotation": rotation}
    stool = {"id": "stool", "size": [0.4, 0.4, 0.4], "on_floor": on_floor}
    stool["relations"] = [{"relation": relation, "to": "table", "adjacent": adjacent}]
    return {"room": [10, 10, 3], "objects": [table, stool]}
