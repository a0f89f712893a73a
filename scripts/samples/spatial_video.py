"""Sample rows of the formats of spatial video: published layouts, pictures and texts of our own."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from vlrl.data.world import spatial
from vlrl.data.world.spatial_questions import SUBTASKS, Question, questions

SIDE_PX = 84
SCENES = ("arkitscenes/41000001", "scannet/scene9000_00")


def make(folder: Path) -> None:
    """Write one folder for each format."""
    writers: tuple[Callable[[Path], None], ...] = (vsi_bench, vsi_100k, vsi_scenes, sat)
    for write in (*writers, sat_messages, cv_bench, vsr):
        write(folder / write.__name__)


def vsi_bench(folder: Path) -> None:
    """Every type of question about each of two videos."""
    rows = []
    for scene in SCENES:
        _write(folder / f"{scene}.mp4", _film(scene))
        dataset, name = scene.split("/")
        for question in _questions(scene):
            letters = zip("ABCD", question.options, strict=False)
            row = {"id": len(rows), "dataset": dataset, "scene_name": name}
            more = {"question_type": question.subtask, "question": question.text}
            options = [f"{letter}. {option}" for letter, option in letters] or None
            rows.append({**row, **more, "options": options, "ground_truth": str(question.target)})
    _jsonl(folder / "test.jsonl", rows)


def vsi_100k(folder: Path) -> None:
    """Numbers and words of answers, without options."""
    scene = "scannet/scene9000_00"
    _write(folder / f"{scene}.mp4", _film(scene))
    rows = []
    for question in _questions(scene):
        if question.subtask in ("route_planning", "obj_appearance_order"):
            continue
        row = {"scene_name": "scene9000_00", "question_type": question.subtask}
        rows.append({**row, "question": question.text, "ground_truth": _words(question)})
    _jsonl(folder / "train.jsonl", rows)


def vsi_scenes(folder: Path) -> None:
    """What is in a room, without questions."""
    scene = "scannet/scene9000_00"
    _write(folder / f"{scene}.mp4", _film(scene))
    described = spatial.description(_tour(scene))
    del described["first_seen_s"]
    row = {"dataset": "scannet", "video_path": f"videos/{scene}.mp4", **described}
    _write(folder / "scannet_meta_info_val.json", _text({"scene9000_00": row}))


def sat(folder: Path) -> None:
    """One picture and two, as lists of JPEG bytes."""
    import pyarrow as pa
    from pyarrow import parquet

    still = _still()
    pictures = [still.encoded("JPEG"), still.encoded("JPEG", later=1)]
    table = {
        "image_bytes": [pictures[:1], pictures],
        "question": [
            still.question,
            "How did the camera turn from the first picture to the second?",
        ],
        "answers": [still.sides, still.turn],
        "question_type": ["obj_movement", "action_sequence"],
        "correct_answer": [still.sides[0], still.turn[0]],
    }
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(table), folder / "SAT_test.parquet")


def sat_messages(folder: Path) -> None:
    path = "SAT_images_train/0_0.png"
    _write(folder / path, _still().encoded())
    words = f"Choose between the following options: {_still().sides[1]} or {_still().sides[0]}"
    messages = [
        {
            "role": "user",
            "content": f"<image> Answer in natural language. {_still().question} {words}",
        },
        {"role": "assistant", "content": _still().sides[0]},
    ]
    _write(folder / "SAT_train_15000.json", _text([{"messages": messages, "images": [path]}]))


def cv_bench(folder: Path) -> None:
    """A row of each task; those of 3D speak of boxes that are drawn into the picture."""
    near, far = _still().names
    cases: tuple[dict[str, Any], ...] = (
        {"type": "2D", "task": "Count", "choices": ["0", "3", "1", "2"], "answer": "(C)"},
        {"type": "2D", "task": "Relation", "choices": ["left", "right"], "source": "COCO"},
        {"type": "3D", "task": "Depth", "choices": [far, near], "answer": "(B)"},
        {"type": "3D", "task": "Distance", "choices": [near, far], "answer": "(A)"},
    )
    asked = (
        f"How many objects of the kind {near} are in the picture?",
        _still().question,
        f"Which is closer to the camera, the {near} (red box) or the {far} (blue box)?",
        f"Which is closer to the camera, the {far} (blue box) or the {near} (red box)?",
    )
    rows = []
    for index, (case, question) in enumerate(zip(cases, asked, strict=True)):
        path = f"img/{case['type']}/{case['task'].lower()}/{index}.png"
        _write(folder / path, _still().encoded(boxes=case["type"] == "3D"))
        answer = case.get("answer") or ("(A)" if _still().sides[0] == "left" else "(B)")
        source = "ADE20K" if case["type"] == "2D" else "Omni3D"
        row = {"idx": index, "question": question, "filename": path, "source": source}
        rows.append({**row, **case, "answer": answer})
    _jsonl(folder / "test.jsonl", rows)


def vsr(folder: Path) -> None:
    """A true caption and a false one."""
    first, second = _still().names
    _write(folder / "images" / "000000000001.png", _still().encoded())
    rows = []
    for side, label in ((_still().sides[0], 1), (_still().sides[1], 0)):
        row = {"image": "000000000001.png", "image_link": "", "label": label}
        caption = f"The {first} is {side} of the {second}."
        rows.append({**row, "caption": caption, "relation": f"{side} of", "annotator_id": 1})
    _jsonl(folder / "splits" / "zeroshot" / "test.jsonl", rows)


# What the rows are made from


@cache
def _tour(scene: str) -> spatial.Tour:
    """The first tour about which everything can be asked."""
    for attempt in range(1000):
        found = spatial.draw_tour(Random(f"sample/{scene}/{attempt}"), "")
        if found and len(_asked(found)) == len(SUBTASKS):
            return found
    raise RuntimeError(f"no tour for {scene}")


def _asked(tour: spatial.Tour) -> list[Question]:
    return questions(spatial.description(tour), Random("sample"))


def _questions(scene: str) -> list[Question]:
    return _asked(_tour(scene))


def _words(question: Question) -> str:
    if not question.options:
        return str(question.target)
    return question.options["ABCD".index(str(question.target))]


def _film(scene: str) -> bytes:
    """Every second picture of the tour as MP4, one a second."""
    import av

    stream_of_bytes = io.BytesIO()
    with av.open(stream_of_bytes, "w", format="mp4") as out:
        stream: Any = out.add_stream("mpeg4", rate=Fraction(1))
        stream.width = stream.height = SIDE_PX
        stream.pix_fmt, stream.bit_rate = "yuv420p", 40_000
        for number, picture in enumerate(_tour(scene).clip()[::2]):
            small = Image.fromarray(picture).resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
            frame = av.VideoFrame.from_image(small)
            frame.pts, frame.time_base = number, Fraction(1)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return stream_of_bytes.getvalue()


@dataclass(frozen=True, kw_only=True)
class Still:
    """A picture of a tour in which two pieces are seen, the near one and the far one."""

    tour: spatial.Tour
    frame: int
    pieces: tuple[int, int]

    @property
    def names(self) -> tuple[str, str]:
        near, far = (self.tour.room.pieces[index].category for index in self.pieces)
        return near, far

    @property
    def question(self) -> str:
        return f"Is the {self.names[0]} left or right of the {self.names[1]} in the picture?"

    @cached_property
    def sides(self) -> tuple[str, str]:
        """The right answer to the question, and the other."""
        near, far = (np.argwhere(self.mask(index))[:, 1].mean() for index in self.pieces)
        return ("left", "right") if near < far else ("right", "left")

    @property
    def turn(self) -> tuple[str, str]:
        """Which way the camera turns to the next picture, and the other."""
        (x1, y1, _), (x2, y2, _) = (
            camera.axes[2] for camera in self.tour.cameras[self.frame : self.frame + 2]
        )
        return ("left", "right") if x1 * y2 > y1 * x2 else ("right", "left")

    def mask(self, piece: int) -> np.ndarray:
        return self.tour.masks(piece)[self.frame]

    def encoded(self, kind: str = "PNG", *, later: int = 0, boxes: bool = False) -> bytes:
        image = Image.fromarray(self.tour.views[self.frame + later].rgb)
        for piece, colour in zip(self.pieces, ("red", "blue"), strict=True):
            rows, columns = np.nonzero(self.mask(piece))
            corners = [int(part) for part in (columns.min(), rows.min(), columns.max(), rows.max())]
            if boxes:
                ImageDraw.Draw(image).rectangle(corners, outline=colour)
        stream = io.BytesIO()
        (image if kind == "JPEG" else image.quantize(32)).save(stream, kind, optimize=True)
        return stream.getvalue()


@cache
def _still() -> Still:
    """The first picture in which two kinds of piece are seen, one of each, one far behind."""
    tour = _tour(SCENES[0])
    for frame, shown in enumerate(spatial.seen(tour)[:-1]):
        pieces = [index for index, is_seen in enumerate(shown) if is_seen]
        kinds = [tour.room.pieces[index].category for index in pieces]
        if len(pieces) < 2 or len(kinds) > len(set(kinds)):
            continue
        depths = {index: _depth(tour, frame, index) for index in pieces}
        near, *_, far = sorted(depths, key=depths.__getitem__)
        if depths[far] > depths[near] + 1:
            return Still(tour=tour, frame=frame, pieces=(near, far))
    raise RuntimeError("no such picture")


def _depth(tour: spatial.Tour, frame: int, piece: int) -> float:
    return tour.cameras[frame].project(tour.room.pieces[piece].centre, 1)[2]


def _text(rows: object) -> bytes:
    return (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode()


def _jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    _write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
