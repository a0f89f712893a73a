"""Sample rows of the formats of emotion: published layouts, drawn faces and tones of our own."""

from __future__ import annotations

import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vlrl.data.formats.emotions import DFEW, RAVDESS
from vlrl.data.world import emotion as world

SIDE_PX = 56
FPS = 4  # twice that of the world, for small files
RATE_HZ = 8000
ASKED = "As an emotional recognition expert, which emotion do you see?"
NOUNS = {"angry": "anger", "happy": "happiness", "sad": "sadness"}  # as MAFW says
FILMS = ("sample/0", "sample/1", "sample/2")  # names of films of the world


def make(folder: Path) -> None:
    """Write one folder for each format."""
    for write in (r1_omni, dfew, mafw, ravdess):
        write(folder / write.__name__)


def r1_omni(folder: Path) -> None:
    """The third row is one for a cold start: its reply thinks, and its data set has no classes."""
    paths = ("DFEW/videos/1.mp4", "MAFW/videos/00002.mp4", "MER24/sample_00000003.mp4")
    rows = []
    for path, name in zip(paths, FILMS, strict=True):
        _write(folder / path, clip(name))
        found = world.sample(name, "")
        thought = f"<think>{found.reasoning}</think>\n<answer>{found.target}</answer>"
        reply = thought if path.startswith("MER24") else found.target
        turns = [("human", f"<video>\n<audio>\n{ASKED}"), ("gpt", reply)]
        said = [{"from": who, "value": text} for who, text in turns]
        rows.append({"video": path, "conversations": said})
    text = json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    _write(folder / "MAFW_DFEW.json", text.encode())


def dfew(folder: Path) -> None:
    lines = ["video_name,label"]
    for number, name in enumerate(FILMS[:2], start=1):
        _write(folder / "videos" / f"{number}.mp4", clip(name))
        lines.append(f"{number},{DFEW.index(_target(name)) + 1}")
    table = folder / "EmoLabel_DataSplit" / "test(single-labeled)" / "set_1.csv"
    _write(table, ("\n".join(lines) + "\n").encode())


def mafw(folder: Path) -> None:
    lines = []
    for number, name in enumerate(FILMS[:2], start=1):
        _write(folder / "clips" / f"{number:05d}.mp4", clip(name))
        lines.append(f"{number:05d}.mp4 {NOUNS.get(_target(name), _target(name))}")
    text = "\n".join(lines) + "\n"
    _write(folder / "single" / "no_caption" / "set_1" / "test.txt", text.encode())


def ravdess(folder: Path) -> None:
    """The second of each pair is a copy without sound, which is not read."""
    for actor, name in enumerate(FILMS[:2], start=1):
        emotion = RAVDESS.index(_target(name)) + 1
        for modality, has_sound in (("01", True), ("02", False)):
            path = f"Actor_{actor:02d}/{modality}-01-{emotion:02d}-01-01-01-{actor:02d}.mp4"
            _write(folder / path, clip(name, sound_s=None if has_sound else 0.0))


def clip(name: str, sound_s: float | None = None) -> bytes:
    """A film of the world as MP4, with its tone of so many seconds (default: as long as it is)."""
    import av

    pictures, duration_s = world.pictures(name, ""), world.NUM_PICTURES / FPS
    tone = world.tone(_target(name), duration_s if sound_s is None else sound_s, RATE_HZ)
    stream_of_bytes = io.BytesIO()
    with av.open(stream_of_bytes, "w", format="mp4") as out:
        video: Any = out.add_stream("mpeg4", rate=FPS)
        video.width = video.height = SIDE_PX
        video.pix_fmt, video.bit_rate = "yuv420p", 20_000
        audio: Any = out.add_stream("aac", rate=RATE_HZ, layout="mono") if len(tone) else None
        for number, picture in enumerate(pictures):
            small = Image.fromarray(picture).resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
            frame = av.VideoFrame.from_image(small)
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            out.mux(video.encode(frame))
        out.mux(video.encode())
        if audio:
            audio.bit_rate = 4_000
            heard = av.AudioFrame.from_ndarray(tone[np.newaxis], format="s16", layout="mono")
            heard.sample_rate = RATE_HZ
            out.mux(audio.encode(heard))
            out.mux(audio.encode())
    return stream_of_bytes.getvalue()


def _target(name: str) -> str:
    return world.film(name, "").emotion


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
