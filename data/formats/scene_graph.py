"""IDesign's scene graphs: one folder for each room, its objects and what each stands by.

    ROOM/scene_graph-backtracked.json, as MetaSpatial keeps them, or scene_graph.json
    ROOM/render_output.png, the empty room, where there is one

A list of objects, then the four walls, the middle of the room and the ceiling:

    {"new_object_id": "desk_1", "style": "...", "material": "...", "facing": "west_wall",
     "size_in_meters": {"length": 1.2, "width": 0.6, "height": 0.8}, "is_on_the_floor": true,
     "placement": {
         "room_layout_elements": [{"layout_element_id": "east_wall", "preposition": "on"}],
         "objects_in_room": [
             {"object_id": "lamp_1", "preposition": "left of", "is_adjacent": true}]},
     "rotation": {"z_angle": 270.0}, "position": {"x": 3.7, "y": 2.0, "z": 0.4}, ...}

The ceiling holds the room's size.  The files of the earlier steps (`-initial, -corrected, -refined,
-clustered`) have no positions and are not read.  `on` the middle of the room is anywhere on the
floor for IDesign, its middle third here.

Read in IDesign (github.com/atcelen/IDesign: IDesign.py, commit 3ea73dd; utils.py, d4234fa;
schemas.py, e44d8a7) and MetaSpatial (github.com/PzySeere/MetaSpatial, commit a3c89c2), whose checks
of collisions and relations, verl/utils/reward_score/metaverse_utils.py, find none broken in the
sample files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vlrl.contracts import Source
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import Stored
from vlrl.rewards.layout import ROOM_ELEMENTS

FILES = ("scene_graph-backtracked.json", "scene_graph.json")
PICTURE = "render_output.png"
QUESTION = """{wish}Place these objects in a room of {size} m (to the east, to the north, up).
size is [length, width, height] along an object's own right, front and up; rotation is where its \
front points, in degrees clockwise from north. left of, right of, in front and behind are the own \
sides of what is related to; adjacent is a gap of at most 0.1 m.
{objects}"""

Graph = Sequence[Mapping[str, Any]]


def fields(graph: Graph, room: Sequence[float], wish: str = "") -> dict[str, Any]:
    """Question and target; the question shows the target but for the positions."""
    if not isinstance(graph, list) or not all(isinstance(each, dict) for each in graph):
        raise ValueError("the scene graph is no list of objects")
    found = [each for each in graph if each["new_object_id"] not in ROOM_ELEMENTS]
    objects = [_object(each) for each in found]
    target: dict[str, Any] = {"room": [*room], "objects": objects}
    if found and all("position" in each for each in found):
        target["positions"] = {
            each["new_object_id"]: tuple(each["position"][axis] for axis in "xyz") for each in found
        }
    question = QUESTION.format(
        wish=f"The wish: {wish}\n" if wish else "",
        size=" x ".join(f"{side:g}" for side in room),
        objects="\n".join(json.dumps(each) for each in objects),
    )
    return {"question": question, "target": target}


def _object(found: Mapping[str, Any]) -> dict[str, Any]:
    size, placement = found["size_in_meters"], found["placement"]
    walls = [
        {"relation": each["preposition"], "to": each["layout_element_id"]}
        for each in placement["room_layout_elements"]
    ]
    others = [
        {
            "relation": each["preposition"],
            "to": each["object_id"],
            "adjacent": each.get("is_adjacent", True),
        }
        for each in placement["objects_in_room"]
    ]
    return {
        "id": found["new_object_id"],
        "size": [size["length"], size["width"], size["height"]],
        "rotation": found["rotation"]["z_angle"],
        "on_floor": found["is_on_the_floor"],
        "relations": walls + others,
    }


def _rows(path: Path, source: Source) -> Iterator[Stored] | None:
    if path.is_file():
        return _graphs([path], path.parent) if path.name in FILES else None
    files = [file for name in FILES for file in (*path.glob(name), *path.glob(f"*/{name}"))]
    return _graphs(sorted(files), path) if files else None


def _graphs(files: Sequence[Path], root: Path) -> Iterator[Stored]:
    for file in files:
        yield Stored.of(
            _cells(file),
            file=str(file),
            number=1,
            name=file.relative_to(root).as_posix(),
            folder=file.parent,
        )


def _cells(file: Path) -> Row | str:
    try:
        graph = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        return f"no valid JSON ({error})"
    picture = {"image": PICTURE} if (file.parent / PICTURE).is_file() else {}
    return {"graph": graph, **picture}


def _read(row: Row) -> Fields:
    picture = {"image": row["image"]} if "image" in row else {}
    return {**fields(row["graph"], _room(row["graph"])), **picture}


def _room(graph: Graph) -> list[float]:
    """Length, width and height, from the ceiling."""
    for each in graph:
        if each["new_object_id"] == "ceiling":
            size = each["size_in_meters"]
            return [size["length"], size["width"], each["position"]["z"]]
    raise ValueError("there is no ceiling in it, which has the size of the room")


FORMAT = Format(
    name="scene_graph",
    columns=("graph",),
    read=_read,
    rows=_rows,
    proof="loader-run",
    origin="PzySeere/MetaSpatial, verl/utils/reward_score/metaverse_utils.py, a3c89c2",
)
