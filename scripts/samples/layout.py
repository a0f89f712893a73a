"""Sample rows of the formats of layouts: published layouts, rooms and pictures of our own."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

from vlrl.data.world.visual_math_paper import Fill, Page, paint

SIDE_PX = 200
TURNS = {"north_wall": 0.0, "east_wall": 90.0, "south_wall": 180.0, "west_wall": 270.0}

ROOMS: tuple[dict[str, Any], ...] = (
    {
        "description": "A small study with a desk by the window and a shelf for many books.",
        "size": {"x": 4.0, "y": 3.0, "z": 2.6},
        "objects": (
            ("desk_1", (1.4, 0.7, 0.75), "west_wall", [("east_wall", "on")], (3.65, 1.5, 0.375)),
            ("chair_1", (0.5, 0.5, 0.9), "west_wall", [("desk_1", "in front")], (3.05, 1.5, 0.45)),
            ("lamp_1", (0.2, 0.2, 0.4), "west_wall", [("desk_1", "on")], (3.7, 2.0, 0.95)),
            (
                "bookshelf_1",
                (1.2, 0.3, 2.0),
                "south_wall",
                [("north_wall", "in the corner"), ("west_wall", "in the corner")],
                (0.6, 2.85, 1.0),
            ),
            ("rug_1", (2.0, 1.4, 0.02), "north_wall", [("desk_1", "under")], (2.4, 1.5, 0.01)),
            ("painting_1", (0.8, 0.05, 0.6), "north_wall", [("south_wall", "on")], (2, 0.025, 1.6)),
        ),
    },
    {
        "description": "A calm bedroom: one bed, little else, light from above.",
        "size": {"x": 5.0, "y": 4.0, "z": 3.0},
        "objects": (
            ("bed_1", (1.6, 2.0, 0.6), "south_wall", [("north_wall", "on")], (2.5, 3.0, 0.3)),
            (
                "nightstand_1",
                (0.5, 0.4, 0.5),
                "south_wall",
                [("bed_1", "left of")],
                (3.55, 3, 0.25),
            ),
            ("wardrobe_1", (1.2, 0.6, 2.1), "east_wall", [("west_wall", "on")], (0.3, 1.2, 1.05)),
            ("pendant_1", (0.5, 0.5, 0.3), "north_wall", [("ceiling", "on")], (2.5, 2.0, 2.85)),
        ),
    },
)
HANGING = ("lamp_1", "painting_1", "pendant_1")  # not on the floor

PROMPT = """<image>
    ## Task Description
    You arrange objects in a room. The given image is the shape of the room.
    ## Room Information
    - Room Dimensions: {size} (Length meter × Width meter × Height meter).
    ## User Preferences
    {description}
    ## Output Format
    <answer>
    {{"new_object_id": "chair_1","x": 1.0,"y": 1.8,"z": 0.45}}}}
    </answer>
    ## Input JSON Data:
    """


def make(folder: Path) -> None:
    """Write one folder for each format."""
    for write in (scene_graph, metaspatial):
        write(folder / write.__name__)


def scene_graph(folder: Path) -> None:
    for number, room in enumerate(ROOMS):
        place = folder / f"room_{number}"
        _write(place / "scene_graph-backtracked.json", _text(_graph(room), indent=4))
        _write(place / "render_output.png", _picture())


def metaspatial(folder: Path) -> None:
    """Positions of the objects are removed, those of the walls stay."""
    rows = []
    for number, room in enumerate(ROOMS):
        graph = _graph(room)
        for item in graph[:-6]:
            del item["position"]
        about = {"description": room["description"], "size": str(room["size"])}
        answer = {
            "room_name": f"room_{number}",
            "user_preference": room["description"],
            "size_of_room": room["size"],
        }
        name = f"images/room_{number}.png"
        _write(folder / name, _picture())
        problem = PROMPT.format(**about) + json.dumps(graph, indent=2)
        rows.append({"images": [name], "problem": problem, "answer": json.dumps(answer)})
    _write(folder / "train.jsonl", b"".join(_text(row) for row in rows))


def _graph(room: dict[str, Any]) -> list[dict[str, Any]]:
    objects = [_object(*each) for each in room["objects"]]
    return objects + _elements(*room["size"].values())


def _object(
    name: str,
    size: tuple[float, float, float],
    facing: str,
    relations: list[tuple[str, str]],
    position: tuple[float, float, float],
) -> dict[str, Any]:
    walls = [each for each in relations if "_wall" in each[0] or each[0] == "ceiling"]
    others = [each for each in relations if each not in walls]
    return {
        "new_object_id": name,
        "style": "Plain",
        "material": "Wood",
        "size_in_meters": dict(zip(("length", "width", "height"), size, strict=True)),
        "is_on_the_floor": name not in HANGING,
        "facing": facing,
        "placement": {
            "room_layout_elements": [
                {"layout_element_id": to, "preposition": how} for to, how in walls
            ],
            "objects_in_room": [
                {"object_id": to, "preposition": how, "is_adjacent": True} for to, how in others
            ],
        },
        "rotation": {"z_angle": TURNS[facing]},
        "cluster": {"constraint_area": {"x_neg": 0.0, "x_pos": 0.0, "y_neg": 0.0, "y_pos": 0.0}},
        "position": dict(zip("xyz", position, strict=True)),
    }


def _elements(x: float, y: float, z: float) -> list[dict[str, Any]]:
    """The six that end every graph: name, kind, position, size, angle."""
    rows: tuple[tuple[str, str, tuple, tuple, float], ...] = (
        ("south_wall", "wall", (x / 2, 0, z / 2), (x, 0.0, z), 0.0),
        ("north_wall", "wall", (x / 2, y, z / 2), (x, 0.0, z), 180.0),
        ("east_wall", "wall", (x, y / 2, z / 2), (y, 0.0, z), 270.0),
        ("west_wall", "wall", (0, y / 2, z / 2), (y, 0.0, z), 90.0),
        ("middle of the room", "floor", (x / 2, y / 2, 0), (x, y, 0.0), 0.0),
        ("ceiling", "ceiling", (x / 2, y / 2, z), (x, y, 0.0), 0.0),
    )
    return [
        {
            "new_object_id": name,
            "itemType": kind,
            "position": dict(zip("xyz", position, strict=True)),
            "size_in_meters": dict(zip(("length", "width", "height"), size, strict=True)),
            "rotation": {"z_angle": angle},
        }
        for name, kind, position, size, angle in rows
    ]


def _picture() -> bytes:
    """An empty room as its door shows it."""
    left, right, top, bottom = 60, 140, 60, 125
    faces = (
        ((0, 0), (200, 0), (right, top), (left, top), (236, 233, 226)),
        ((0, 0), (left, top), (left, bottom), (0, 200), (214, 209, 199)),
        ((200, 0), (right, top), (right, bottom), (200, 200), (206, 200, 190)),
        ((left, top), (right, top), (right, bottom), (left, bottom), (224, 219, 210)),
        ((0, 200), (left, bottom), (right, bottom), (200, 200), (168, 128, 92)),
    )
    fills = tuple(Fill(points=corners, colour=colour) for *corners, colour in faces)
    image = Image.fromarray(paint(Page(side_px=SIDE_PX, paper=(0, 0, 0), fills=fills)))
    stream = io.BytesIO()
    image.quantize(16).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _text(found: object, indent: int | None = None) -> bytes:
    return (json.dumps(found, ensure_ascii=False, indent=indent) + "\n").encode()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
