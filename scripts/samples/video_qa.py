"""Sample rows of the formats of video questions: published layouts, films and texts of our own."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np
from PIL import Image

from vlrl.contracts import Sample
from vlrl.data.world import video_qa as world
from vlrl.media import ClipOnDemand

SIDE_PX = 84


def make(folder: Path) -> None:
    """Write one folder for each format."""
    writers: tuple[Callable[[Path], None], ...] = (video_r1, open_r1_video, seed_bench_r1)
    for write in (*writers, mvbench, tempcompass, video_mme, video_mmmu):
        write(folder / write.__name__)


def video_r1(folder: Path) -> None:
    """A row of each type of answer: two about films, three about a picture."""
    order, number = _asked("order"), _asked("count")
    _write(folder / "CLEVRER" / "order.mp4", _film(order))
    _write(folder / "CLEVRER" / "count.mp4", _film(number))
    _write(folder / "General" / "still.png", _still(order))
    video, image = {"data_type": "video"}, {"data_type": "image", "path": "./General/still.png"}
    thought = {"process": f"<think>{order.reasoning}</think>"}
    last = _options(order)[ascii_uppercase.index(order.target)]
    cases: tuple[dict[str, Any], ...] = (
        {
            **{**video, "path": "./CLEVRER/order.mp4", "problem": order.question, **thought},
            **{"problem_type": "multiple choice", "options": _lettered(_options(order))},
            "solution": order.target,
        },
        {
            **{**video, "path": "./CLEVRER/count.mp4", "problem": number.question},
            **{"problem_type": "numerical", "solution": f"{number.target}.0"},
        },
        {
            **{**image, "problem": "What does the plate say?", "problem_type": "OCR"},
            "solution": "MADE BY HAND",
        },
        {
            **{**image, "problem": "Which object stands in front?", "problem_type": "free-form"},
            "solution": f"The {last} stands in front of the others.",
        },
        {
            **{**image, "problem": "How far is it to the back, in metres?"},
            **{"problem_type": "regression", "solution": "3.2"},
        },
    )
    base = {"options": [], "process": "", "data_source": "own"}
    rows = [
        {"problem_id": k, **base, **case, "solution": f"<answer>{case['solution']}</answer>"}
        for k, case in enumerate(cases)
    ]
    _write(folder / "Video-R1-260k.json", _text(rows))


def open_r1_video(folder: Path) -> None:
    rows = []
    for subtask in ("order", "direction"):
        asked = _asked(subtask)
        _write(folder / f"{subtask}.mp4", _film(asked))
        options = _lettered(_options(asked))
        right = options[ascii_uppercase.index(asked.target)]
        problem = "\n".join([asked.question, *options, ""])
        row = {"video": f"{subtask}.mp4", "problem": problem, "original_answer": right}
        rows.append({**row, "solution": f"<answer>{right[:2]}</answer>"})
    _jsonl(folder / "LLaVA-Video-large-swift-origin.jsonl", rows)


def seed_bench_r1(folder: Path) -> None:
    """Of training without a video and with more wrong answers; of validation with a video."""
    asked = _asked("order")
    _write(folder / "videos" / "EpicKitchens" / "order.mp4", _film(asked))
    _write(folder / "images" / "EpicKitchens" / "now.png", _still(asked))
    question = f"{asked.question} Think of what was there before."
    options = _options(asked)
    right = options.pop(ascii_uppercase.index(asked.target))
    base = {"question": question, "answer": right, "video_source": "EpicKitchens"}
    media = {"video_basename": "order.mp4", "current_observation_basename": "now.png"}
    four = dict(zip("abcd", [right, *options, "a plate"], strict=True))
    rows = (
        {
            **{"sample_id": 1, **base, **media, "task_progress_metadata": []},
            "negative_answers": [*options, "a plate", "a cup"],
        },
        {
            **{"sample_id": 2, **base, **media, "task_progress_metadata": [{"stop_frame": 7}]},
            **{f"choice_{letter}": text for letter, text in four.items()},
            "golden_choice_idx": "A",
        },
    )
    _jsonl(folder / "annotations" / "training_6k.jsonl", [rows[0]])
    _jsonl(folder / "annotations" / "validation_L1.jsonl", [rows[1]])


def mvbench(folder: Path) -> None:
    """A whole video, a part of one, and pictures of one."""
    way, order = _asked("direction"), _asked("order")
    _write(folder / "video" / "clevrer/video_validation" / "way.mp4", _film(way))
    _write(folder / "video" / "star/Charades_v1_480" / "order.mp4", _film(order))
    for number, picture in enumerate(_pictures(order)[::4]):
        path = f"tvqa/frames_fps3_hq/order/{number:05}.png"
        _write(folder / "video" / path, _png(picture))
    part = {"start": 0.0, "end": 6.5}
    for name, video, asked, more in (
        ("moving_direction", "way.mp4", way, {}),
        ("action_sequence", "order.mp4", order, part),
        ("episodic_reasoning", "order", order, {}),
    ):
        row = {"video": video, "question": asked.question, "candidates": _options(asked)}
        row["answer"] = row["candidates"][ascii_uppercase.index(asked.target)]
        _write(folder / "json" / f"{name}.json", _text([{**row, **more}]))


def tempcompass(folder: Path) -> None:
    """The four ways of asking about one video."""
    way = _asked("direction")
    _write(folder / "videos" / "1001.mp4", _film(way))
    right, wrong = (f"It moves {world.WAYS[k]}." for k in (_index(way), (_index(way) + 1) % 4))
    choices = "\n".join([way.question, *_lettered(world.WAYS)])
    first = {"question": choices, "answer": _lettered(world.WAYS)[_index(way)]}
    captions = f"Which caption fits?\nOption 1: {wrong}\nOption 2: {right}"
    asked = {
        "multi-choice": first,
        "yes_no": {"question": f"Does it move {world.WAYS[_index(way)]}?", "answer": "yes"},
        "caption_matching": {"question": captions, "answer": f"Option 2: {right}"},
        "captioning": {"question": "Write a caption.\nGenerated Caption:", "answer": "A. it"},
    }
    for name, question in asked.items():
        rows = {"1001": {"direction": [question]}}
        _write(folder / "questions" / f"{name}.json", _text(rows))


def video_mme(folder: Path) -> None:
    asked = _asked("speed")
    _write(folder / "data" / "fFjv93ACGo8.mp4", _film(asked))
    row = {"video_id": "001", "duration": "short", "domain": "Knowledge", "videoID": "fFjv93ACGo8"}
    about = {"question_id": "001-1", "task_type": "Temporal Perception"}
    options = [f"{each}." for each in _lettered(_options(asked))]
    answer = {"question": asked.question, "options": options, "answer": asked.target}
    _jsonl(folder / "test.jsonl", [{**row, **about, **answer}])


def video_mmmu(folder: Path) -> None:
    """Options with letters of their own or without, and an open question."""
    order, number = _asked("order"), _asked("count")
    for field, name, asked in (
        ("Art", "dev_Art_Theory_1", order),
        ("Science", "validation_Math_2", order),
        ("Science", "test_Physics_3", number),
    ):
        _write(folder / field / f"{name}.mp4", _film(asked))
    options = _options(order)
    rows = [
        {"id": "dev_Art_Theory_1", "options": _lettered(options), "question_type": "perception"},
        {"id": "validation_Math_2", "options": options, "question_type": "multiple-choice"},
    ]
    rows = [{**row, "question": order.question, "answer": order.target} for row in rows]
    last = {"id": "test_Physics_3", "options": [], "question_type": "open"}
    rows.append({**last, "question": number.question, "answer": str(number.target)})
    _jsonl(folder / "test.jsonl", rows)


# What the rows are made from


def _asked(subtask: str) -> Sample:
    return world.sample(f"sample/{subtask}", "", subtask)


def _options(asked: Sample) -> list[str]:
    return list(asked.options or ())


def _index(asked: Sample) -> int:
    return ascii_uppercase.index(asked.target)


def _lettered(options: Any) -> list[str]:
    return [f"{letter}. {text}" for letter, text in zip(ascii_uppercase, options, strict=False)]


def _pictures(asked: Sample) -> list[Image.Image]:
    (clip,) = asked.media
    assert isinstance(clip, ClipOnDemand)
    frames: list[np.ndarray] = list(clip.make())
    size = (SIDE_PX, SIDE_PX)
    return [Image.fromarray(each).resize(size, Image.Resampling.BOX) for each in frames]


def _still(asked: Sample) -> bytes:
    return _png(_pictures(asked)[-1])


def _png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.quantize(32).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _film(asked: Sample) -> bytes:
    """The film as MP4, a picture a second."""
    import av

    stream_of_bytes = io.BytesIO()
    with av.open(stream_of_bytes, "w", format="mp4") as out:
        stream: Any = out.add_stream("mpeg4", rate=Fraction(1))
        stream.width = stream.height = SIDE_PX
        stream.pix_fmt, stream.bit_rate = "yuv420p", 40_000
        for number, picture in enumerate(_pictures(asked)):
            frame = av.VideoFrame.from_image(picture)
            frame.pts, frame.time_base = number, Fraction(1)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return stream_of_bytes.getvalue()


def _text(rows: object) -> bytes:
    return (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode()


def _jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    _write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
