"""MetaSpatial's rows: a scene graph without positions, inside of a prompt.

    images   one picture of the empty room, 200 x 200
    problem  "<image> ## Task Description ... ## Input JSON Data:" and the graph as JSON
    answer   '{"room_name": "room_7", "user_preference": "...", "size_of_room": {"x", "y", "z"}}'

The graph is that of `scene_graph.py`.  There is no layout to compare with: one is looked for, and a
row for which none is found cannot be read.  The prompt's own words are left out: the example of an
answer in them is no JSON.  The pictures show a room of 6 x 4 x 3 m whatever its size.

Read in MetaSpatial (github.com/PzySeere/MetaSpatial, commit 21a6ac4): what writes the rows,
3d_utlis/hf_data_curation.py, and what reads them, verl/utils/dataset.py and
verl/utils/reward_score/metaverse.py; the rows of zhenyupan/3d_layout_reasoning are unseen.
"""

from __future__ import annotations

import json
from typing import Any

from vlrl.data.formats import scene_graph
from vlrl.data.formats.rows import Fields, Format, Row

HEAD = "## Input JSON Data:"


def _read(row: Row) -> Fields:
    _, head, graph = row["problem"].rpartition(HEAD)
    if not head:
        raise ValueError(f"its problem has no {HEAD!r} with a scene graph")
    about = _object(row["answer"])
    room = [about["size_of_room"][axis] for axis in "xyz"]
    return {
        "images": row["images"],
        **scene_graph.fields(json.loads(graph), room, about["user_preference"]),
        "meta": {"room": about["room_name"]},
    }


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"its answer {text!r} is no object with the size of the room")
    return found


FORMAT = Format(
    name="metaspatial",
    columns=("images", "problem", "answer"),
    read=_read,
    origin="PzySeere/MetaSpatial, 3d_utlis/hf_data_curation.py, 21a6ac4",
)
