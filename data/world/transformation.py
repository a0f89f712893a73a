"""Two pictures of a scene and the changes between them, as samples of `transformation`.

| preset | look | the second picture is taken from the |
|---|---|---|
| none | trained | front, as the first |
| `@left`, `@right` | trained | left, right |
| `@ood` | other shapes, colours, grounds and light | left or right |

One to four changes of three to five objects, at most one of a kind for an object; all functions,
and all values of a function, are drawn alike.  The objects are numbered by their places in the
first picture: a question that lists what they are, as TRANCE's do, tells what none of them becomes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, count, pairwise
from random import Random
from typing import TypeVar

from vlrl.contracts import Sample, Source
from vlrl.data.world.camera import Camera, orbit
from vlrl.data.world.domains import DOMAINS, MATERIALS, SIZES, usable_colours
from vlrl.data.world.draw import MIN_GAP
from vlrl.data.world.parts import SceneObject
from vlrl.data.world.presets import preset_of
from vlrl.data.world.render import render
from vlrl.data.world.scene import MIN_VISIBLE, Scene, make_scene, measured
from vlrl.data.world.shapes import SHAPES
from vlrl.media import ImageOnDemand
from vlrl.rewards.program import Call

T = TypeVar("T")

SIDE_PX = 168
NUM_OBJECTS = (3, 5)
NUM_CALLS = (1, 4)
MIN_APART_PX = 7  # from one object to the next, from left to right in the first picture
PATIENCE = 40  # scenes that are tried for the same calls
STEP = 1.2  # of a move, along each axis of the ground, world units
MOVE = "change_position"
DIRECTIONS = {
    "front": (0, -1),
    "behind": (0, 1),
    "left": (-1, 0),
    "right": (1, 0),
    "front_left": (-1, -1),
    "front_right": (1, -1),
    "behind_left": (-1, 1),
    "behind_right": (1, 1),
}
ATTRIBUTES = {
    "change_size": "size",
    "change_color": "colour",
    "change_material": "material",
    "change_shape": "shape",
}
TURNS = {"front": 0.0, "left": -0.7, "right": 0.7}  # of the camera about the scene, radians
QUESTION = (
    "Which changes lead from the first picture to the second, which is taken from the {}? "
    "The objects have the numbers 0, 1 and so on, from left to right in the first picture; "
    "front is towards its camera."
)


@dataclass(frozen=True, kw_only=True)
class Preset:
    domain: str
    views: tuple[str, ...]  # of the second picture


PRESETS = {
    "": Preset(domain="train", views=("front",)),
    "left": Preset(domain="train", views=("left",)),
    "right": Preset(domain="train", views=("right",)),
    "ood": Preset(domain="ood", views=("left", "right")),
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """Two scenes, and the calls that lead from one to the other."""

    first: Scene
    last: Scene
    calls: tuple[Call, ...]
    view: str  # of the last


def samples(source: Source) -> Iterator[Sample]:
    """An endless stream; role (train, validation, test) and seed decide which scenes it holds.

    Raises UserError for another task or an unknown preset.
    """
    preset = preset_of(source, "transformation", PRESETS)
    for index in count():
        yield sample(f"{source.role}/{source.seed}/{index}", preset)


def sample(name: str, preset: str) -> Sample:
    found = change(name, preset)
    key = f"world/transformation/{preset}/{name}"
    return Sample(
        id=f"transformation{'@' + preset if preset else ''}/{name}",
        task="transformation",
        question=QUESTION.format(found.view),
        target=list(found.calls),
        media=(
            ImageOnDemand(f"{key}/first", partial(render, found.first)),
            ImageOnDemand(f"{key}/last", partial(render, found.last)),
        ),
        image_size=(SIDE_PX, SIDE_PX),
        reasoning=" ".join(_told(call, found.first) for call in found.calls),
        meta={"values": values(found.first.domain), "view": found.view},
    )


def values(domain: str) -> Mapping[str, tuple[str, ...]]:
    """What every function may be called with."""
    return {
        "change_size": tuple(SIZES),
        "change_color": tuple(DOMAINS[domain].palette),
        "change_material": MATERIALS,
        "change_shape": DOMAINS[domain].shapes,
        MOVE: tuple(DIRECTIONS),
    }


def change(name: str, preset: str) -> Change:
    """The drawn calls, and the first scene in which they can be made and be seen.

    Some cannot, as not all colours stand out from one ground: PATIENCE scenes later others are
    drawn.
    """
    world = PRESETS[preset]
    rng = Random(f"transformation/{preset}/{name}")
    view, num_objects = _choice(rng, world.views), _between(rng, NUM_OBJECTS)
    calls: tuple[Call, ...] = ()
    for attempt in count():
        if attempt % PATIENCE == 0:
            calls = _draw_calls(rng, num_objects, values(world.domain))
        seed = f"transformation/{preset}/{name}/{attempt}"
        drawn = make_scene(seed, num_objects=num_objects, domain=world.domain)
        if not _stands_out(calls, drawn):
            continue
        elevation = round(0.60 + 0.14 * rng.random(), 4)
        first = _before(Random(seed), drawn, calls, seen_from("front", elevation))
        last = _after(first, calls, seen_from(view, elevation))
        if not (_has_room(first) and _has_room(last)):
            continue
        first, last = measured(first), measured(last)
        if _is_numbered(first) and _is_seen(first) and _is_seen(last):
            return Change(first=first, last=last, calls=calls, view=view)
    raise AssertionError("count() has no end")


def _draw_calls(
    rng: Random, num_objects: int, known: Mapping[str, Sequence[str]]
) -> tuple[Call, ...]:
    places = [(index, name) for index in range(num_objects) for name in known]
    drawn = [places.pop(int(rng.random() * len(places))) for _ in range(_between(rng, NUM_CALLS))]
    return tuple(Call(name, str(index), _choice(rng, known[name])) for index, name in sorted(drawn))


def _stands_out(calls: Sequence[Call], scene: Scene) -> bool:
    """Whether every new colour does, on this ground."""
    colours = {call.value for call in calls if call.function == "change_color"}
    return colours <= set(usable_colours(DOMAINS[scene.domain], scene.ground.colour))


def _before(rng: Random, drawn: Scene, calls: Sequence[Call], camera: Camera) -> Scene:
    """The scene, its objects from left to right, and none of them as a call will make it."""
    across = {thing: camera.project(thing.position, 1)[0] for thing in drawn.objects}
    objects = sorted(drawn.objects, key=across.__getitem__)
    colours = usable_colours(DOMAINS[drawn.domain], drawn.ground.colour)
    known = {**values(drawn.domain), "change_color": colours}
    for call in calls:
        thing = objects[int(call.object)]
        if call.function != MOVE and getattr(thing, ATTRIBUTES[call.function]) == call.value:
            others = [each for each in known[call.function] if each != call.value]
            other = call._replace(value=_choice(rng, others))
            objects[int(call.object)] = changed(thing, other)
    return replace(drawn, objects=tuple(objects), camera=camera, side_px=SIDE_PX)


def _after(first: Scene, calls: Sequence[Call], camera: Camera) -> Scene:
    objects = list(first.objects)
    for call in calls:
        objects[int(call.object)] = changed(objects[int(call.object)], call)
    return replace(first, objects=tuple(objects), camera=camera)


def changed(thing: SceneObject, call: Call) -> SceneObject:
    """The object as the call makes it, standing on the ground."""
    x, y, _ = thing.position
    if call.function == MOVE:
        dx, dy = DIRECTIONS[call.value]
        return replace(thing, position=(x + STEP * dx, y + STEP * dy, thing.position[2]))
    other = replace(thing, **{ATTRIBUTES[call.function]: call.value})
    scale = SIZES[other.size]
    height = round(scale * SHAPES[other.shape].half_height, 6)
    return replace(other, scale=scale, position=(x, y, height))


def seen_from(view: str, elevation: float) -> Camera:
    azimuth = TURNS[view] - math.pi / 2
    return orbit(
        azimuth=azimuth, elevation=elevation, distance=11.8, target=(0.0, 0.0, 0.2), zoom=3.7
    )


def _has_room(scene: Scene) -> bool:
    """Whether all objects stand apart and inside the picture."""
    corners = (scene.camera.project(at, 1) for thing in scene.objects for at in thing.corners())
    return all(min(x, y) > 0 and max(x, y) < 1 for x, y, _ in corners) and all(
        math.dist(one.position[:2], other.position[:2]) > one.reach + other.reach + MIN_GAP
        for one, other in combinations(scene.objects, 2)
    )


def _is_numbered(scene: Scene) -> bool:
    """Whether from left to right it is clear which object comes next."""
    places = [thing.centre[0] for thing in scene.objects]
    return all(right - left >= MIN_APART_PX for left, right in pairwise(places))


def _is_seen(scene: Scene) -> bool:
    return all(thing.visible >= MIN_VISIBLE for thing in scene.objects)


def _told(call: Call, scene: Scene) -> str:
    """`Object 0, the small red rubber cube, becomes large.`"""
    thing = scene.objects[int(call.object)]
    named = f"Object {call.object}, the {thing.size} {thing.colour} {thing.material} {thing.shape}"
    verb = "moves" if call.function == MOVE else "becomes"
    value = call.value.replace("_", " ")
    article = "a " if call.function == "change_shape" else ""
    return f"{named}, {verb} {article}{value}."


def _between(rng: Random, bounds: tuple[int, int]) -> int:
    low, high = bounds
    return low + int(rng.random() * (high - low + 1))


def _choice(rng: Random, options: Sequence[T]) -> T:
    return options[int(rng.random() * len(options))]
