"""MVBench: twenty JSON files, each a list of 200 rows, named after what they ask.

    json/action_sequence.json
        [{"video": "x.mp4", "question": "...", "candidates": ["...", ...], "answer": "...",
          "start": 0.0, "end": 8.5}, ...]

The answer is the text of a candidate.  `start` and `end`, where there are such, cut a part of the
video, in seconds.  Videos lie in `video/` beside `json/`, in the folder in FOLDERS; those of
`episodic_reasoning` are folders of pictures, three a second.

The files' mean is MVBench's score.  Its own scorer takes an empty answer for right; lmms-eval's
leaves it out of the mean.

Read in Time-R1 (github.com/xiaomi-research/time-r1, commit 7f2b594):
src/vllm_inference/data/data_loader.py, which reads our sample; it has parts of videos as files of
their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from vlrl.contracts import Source
from vlrl.data.formats import options
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.data.formats.tables import PICTURES, Stored, stored_rows

STAR, CLEVRER, PERCEPTION = "star/Charades_v1_480", "clevrer/video_validation", "perception/videos"
FOLDERS = {
    "action_antonym": "ssv2_video",
    "action_count": PERCEPTION,
    "action_localization": "sta/sta_video",
    "action_prediction": STAR,
    "action_sequence": STAR,
    "character_order": PERCEPTION,
    "counterfactual_inference": CLEVRER,
    "egocentric_navigation": "vlnqa",
    "episodic_reasoning": "tvqa/frames_fps3_hq",
    "fine_grained_action": "Moments_in_Time_Raw/videos",
    "fine_grained_pose": "nturgbd",
    "moving_attribute": CLEVRER,
    "moving_count": CLEVRER,
    "moving_direction": CLEVRER,
    "object_existence": CLEVRER,
    "object_interaction": STAR,
    "object_shuffle": PERCEPTION,
    "scene_transition": "scene_qa/video",
    "state_change": PERCEPTION,
    "unexpected_action": "FunQA_test/test",
}
ROOTS = ("../video", "video")
FRAMES_FPS = 3.0


def _rows(path: Path, source: Source) -> Iterator[Stored] | None:
    files = [path] if path.is_file() else sorted((*path.glob("*.json"), *path.glob("json/*.json")))
    files = [file for file in files if file.stem in FOLDERS and file.suffix == ".json"]
    return chain.from_iterable(map(_asked, files)) if files else None


def _asked(file: Path) -> Iterator[Stored]:
    for row in stored_rows(Source(spec=str(file))):
        video = f"{FOLDERS[file.stem]}/{row.cells.get('video')}"
        frames = _frames(file.parent, video)
        yield replace(row, cells={**row.cells, "subtask": file.stem, "video": frames or video})


def _frames(folder: Path, video: str) -> list[str]:
    """The pictures of a video that is a folder of them."""
    places = (folder / root / video for root in ROOTS)
    files = (file for place in places if place.is_dir() for file in sorted(place.iterdir()))
    return [f"{video}/{file.name}" for file in files if file.suffix in PICTURES]


def _read(row: Row) -> Fields:
    part = {f"{end}_s": row[end] for end in ("start", "end") if row.get(end) is not None}
    return {
        "video": row["video"],
        **part,
        "fps": FRAMES_FPS,
        "question": row["question"],
        "meta": {"subtask": row["subtask"]},
        **options.by_text(row["answer"], row["candidates"]),
    }


FORMAT = Format(
    name="mvbench",
    columns=("video", "question", "candidates", "answer"),
    read=_read,
    rows=_rows,
    image_folders=ROOTS,
    proof="loader-run",
    origin="xiaomi-research/time-r1, src/vllm_inference/data/data_loader.py, 7f2b594",
)
