"""Sample rows of the formats of temporal grounding: published layouts, films and texts of our own.

Among the segments are one that ends after its video and one whose ends are the wrong way round, as
there are in the published files.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image

from vlrl.contracts import Sample
from vlrl.data.world import temporal_grounding as world
from vlrl.media import ClipOnDemand

SIDE_PX = 84
VIDEOS = ("AA001", "AA002")
LATE_S = 1.5  # by which a published segment ends after its video


def make(folder: Path) -> None:
    """Write one folder for each format."""
    writers: tuple[Callable[[Path], None], ...] = (charades_sta, video_segments, time_r1)
    for write in (*writers, tvgbench, temporal_r1):
        write(folder / write.__name__)


def charades_sta(folder: Path) -> None:
    lines = []
    for video in VIDEOS:
        _write(folder / "videos" / f"{video}.mp4", _film(video))
        for start, end, sentence in _segments(video):
            lines.append(f"{video} {start} {end}##{sentence}.\n")
    _write(folder / "charades_sta_test.txt", "".join(lines).encode())


def video_segments(folder: Path) -> None:
    rows = {}
    for video in VIDEOS:
        _write(folder / "videos" / f"{video}.mp4", _film(video))
        segments = _segments(video)
        rows[video] = {
            "duration": 12.0,
            "timestamps": [[start, end] for start, end, _ in segments],
            "sentences": [f"{sentence}." for *_, sentence in segments],
        }
    _write(folder / "test.json", _text(rows))


def time_r1(folder: Path) -> None:
    """The second video was cut out of a longer one, which its row tells."""
    rows = []
    for video, cut_at in zip(VIDEOS, (None, 39.0), strict=True):
        path = f"dataset/timer1/videos/timerft_data/{video}.mp4"
        _write(folder / path, _film(video))
        start, end, sentence = _segments(video)[0]
        row = {"video": f"./{path}", "duration": 12.0, "timestamp": [start, end]}
        part = {"video_start": cut_at, "video_end": cut_at and cut_at + 12.0}
        about = {"sentence": f"{sentence}.", "qid": f"my|own|{video}|{sentence}.", **part}
        rows.append({**row, **about, "difficulty": 25.0, "pred": [0.0, 12.0]})
    _write(folder / "dataset/timer1/annotations/train_2k5.json", _text(rows))


def tvgbench(folder: Path) -> None:
    rows = []
    for video in VIDEOS:
        path = f"dataset/timer1/videos/tvgbench_data/{video}.mp4"
        _write(folder / path, _film(video))
        start, end, sentence = _segments(video)[0]
        row = {"path": f"./{path}", "question": f"{sentence}.", "answer": f"{start}-{end}"}
        part = {"start": None, "end": None, "duration": 12.0}
        rows.append({**row, **part, "source": "own.json", "qsemtype": "Object Existence (Simple)"})
    _write(folder / "dataset/timer1/annotations/tvgbench.json", _text(rows))


def temporal_r1(folder: Path) -> None:
    rows = []
    for video in VIDEOS:
        _write(folder / f"{video}.mp4", _film(video))
        start, end, sentence = _segments(video)[0]
        problem = f"Give the start and the end of this in the video: {sentence}."
        row = {"dataset": "charades_train", "video": f"{video}.mp4", "problem": problem}
        rows.append({**row, "solution": [round(start / 12, 4), round(end / 12, 4)]})
    _write(folder / "charades_train.json", _text(rows))


# What the rows are made from


def _samples(video: str) -> list[Sample]:
    return [world.sample(f"sample/{video}", index, "") for index in range(world.PER_FILM)]


def _segments(video: str) -> list[tuple[float, float, str]]:
    """What happens in a film; of the first film one ends late, of the second one is reversed."""
    shot = world.film(f"sample/{video}/0", "")
    found = [
        (each.target[0], each.target[1], world.SENTENCES[event.what].format(part.name))
        for each, event, part in zip(_samples(video), shot.events, shot.parts, strict=False)
    ]
    first, (start, end, sentence), *rest = found
    start, end = (start, 12.0 + LATE_S) if video == VIDEOS[0] else (end, start)
    return [first, (start, end, sentence), *rest]


def _film(video: str) -> bytes:
    """The film as MP4, a picture a second."""
    import av

    (clip,) = _samples(video)[0].media
    assert isinstance(clip, ClipOnDemand)
    stream_of_bytes = io.BytesIO()
    with av.open(stream_of_bytes, "w", format="mp4") as out:
        stream: Any = out.add_stream("mpeg4", rate=Fraction(1))
        stream.width = stream.height = SIDE_PX
        stream.pix_fmt, stream.bit_rate = "yuv420p", 40_000
        for number, picture in enumerate(clip.make()):
            small = Image.fromarray(picture).resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
            frame = av.VideoFrame.from_image(small)
            frame.pts, frame.time_base = number, Fraction(1)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return stream_of_bytes.getvalue()


def _text(rows: object) -> bytes:
    return (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
