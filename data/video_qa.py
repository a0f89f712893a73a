"""Questions about videos, and about pictures in the same runs.

| source | what it is | size | proof |
|---|---|---|---|
| `world:video_qa` | order, direction, speed and count in films | endless | made here |
| `Video-R1/Video-R1-data` | Video-R1, five types of answers | 260,000 | loader-read |
| `Xiaodong/open-r1-video-4k` | Open-R1-Video | 4,000 | loader-read |
| `TencentARC/SEED-Bench-R1` | what to do next: a video and a picture | see its page | loader-read |
| `json/*.json` | MVBench | 4,000 | loader-run |
| `questions/*.json` | TempCompass | 5,536 | loader-run |
| `lmms-lab/Video-MME`, with its videos | Video-MME | 2,700 | loader-read |
| `lmms-lab/VideoMMMU`, with its videos | VideoMMMU | 900 | loader-read |

| kind | target | accuracy |
|---|---|---|
| `choice` | a letter; `options` | the same letter, 0 or 1 |
| `number` | a number | the same number, 0 or 1 |
| `label` | yes or no | the same, 0 or 1 |
| `text` | words | ROUGE, in [0, 1] |

Rows of Video-R1 may carry a reward of their own: see `formats/video_r1.py`.  `meta["subtask"]`
names the kind of question.  DVD-counting is of the task `counting`, VSI-Bench of `spatial_video`.
"""

from __future__ import annotations

from dataclasses import replace

from vlrl.contracts import Benchmark, Frame, Sample
from vlrl.data.formats import (
    mvbench,
    open_r1_video,
    seed_bench_r1,
    tempcompass,
    video_mme,
    video_mmmu,
    video_r1,
)
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.words import CHOICE, LABEL, NUMBER, TEXT
from vlrl.data.world import video_qa
from vlrl.rewards import text


def _text_hint(sample: Sample, frame: Frame | None) -> str:
    return "Write the answer as plain text."


class VideoQa(KindTask):
    name = "video_qa"
    about = "what happens in a video: order, direction, speed, count and more"
    kind = "choice"
    sources = {
        "world:video_qa": "procedural, endless, Apache-2.0; preset @ood",
        "Video-R1/Video-R1-data: Video-R1-260k.json, Video-R1-COT-165k.json": (
            "260,000 and 165,000 rows, licence on its page; read a local copy with its media"
        ),
        "Xiaodong/open-r1-video-4k": "4,000 rows, licence on its page; read a local copy",
        "TencentARC/SEED-Bench-R1: training_6k.jsonl, validation_L1.jsonl ...": (
            "6,000 rows for training, licence on its page; read a local copy"
        ),
        "OpenGVLab/MVBench: json/*.json": (
            "4,000 rows, licence on its page; read a local copy with its videos"
        ),
        "llyx97/TempCompass: questions/*.json": (
            "5,536 rows, licence on its page; read a local copy with its videos"
        ),
        "lmms-lab/Video-MME": "2,700 rows, licence on its page; read a local copy",
        "lmms-lab/VideoMMMU": "900 rows, licence on its page; read a local copy",
    }
    formats = (
        mvbench.FORMAT,
        tempcompass.FORMAT,
        video_r1.FORMAT,
        seed_bench_r1.FORMAT,
        video_mme.FORMAT,
        video_mmmu.FORMAT,
        open_r1_video.FORMAT,
    )
    kinds = {
        "choice": CHOICE,
        "number": NUMBER,
        "label": LABEL,
        "text": replace(TEXT, accuracy=text.rouge, hint=_text_hint),
    }
    world = video_qa
    benchmarks = (
        Benchmark(name="video_qa_world", source="world:video_qa", about="seen shapes"),
        Benchmark(name="video_qa_ood", source="world:video_qa@ood", about="unseen shapes"),
        Benchmark(name="mvbench", source="MVBench/json", about="20 kinds, 4,000 questions"),
        Benchmark(name="tempcompass", source="TempCompass/questions", about="rules, no judge"),
        Benchmark(name="video_mme", source="Video-MME/test.parquet", about="without subtitles"),
        Benchmark(name="video_mmmu", source="VideoMMMU/test.parquet", about="lectures"),
        Benchmark(
            name="seed_bench_r1_l1", source="annotations/validation_L1.jsonl", about="seen kitchens"
        ),
        Benchmark(
            name="seed_bench_r1_l2", source="annotations/validation_L2.jsonl", about="new kitchens"
        ),
        Benchmark(
            name="seed_bench_r1_l3", source="annotations/validation_L3.jsonl", about="new tasks"
        ),
    )
