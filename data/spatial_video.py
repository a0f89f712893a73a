"""Spatial questions about rooms in videos, and about pictures.

| source | what it is | size | proof |
|---|---|---|---|
| `world:spatial_video` | walks through procedural rooms | endless | made here |
| `nyu-visionx/VSI-Bench`, a local copy with its videos | VSI-Bench | 5,130 | loader-run |
| `scannet_meta_info_val.json` or your own, with videos | described scenes | 288 | loader-read |
| `OPPOer/VSI-100k`, with ScanNet's videos | vsGRPO's training rows | 100,000 | description-only |
| `array/SAT`, or VisualThinker's `SAT_train_15000.json` | SAT | 175,000 | loader-run |
| `nyu-visionx/CV-Bench` | CV-Bench, 2D and 3D | 2,638 | loader-read |
| `cambridgeltl/vsr_zeroshot`, with its pictures | VSR | 10,119 | loader-read |

| kind | target | accuracy |
|---|---|---|
| `number` | a number in the unit that the prompt names | mean relative accuracy, in [0, 1] |
| `choice` | a letter; `options` | the same letter, 0 or 1 |
| `label` | a word or short phrase | the same name, 0 or 1 |

`meta["subtask"]` names the kind of question.  VSI-Bench's score is the mean over its eight
subtasks, of which `object_rel_direction` is the mean of its three levels.
"""

from __future__ import annotations

from dataclasses import replace

from vlrl.contracts import Benchmark
from vlrl.data.formats import cv_bench, sat, vsi, vsr
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.words import CHOICE, LABEL, NUMBER
from vlrl.data.world import spatial
from vlrl.rewards import number


class SpatialVideo(KindTask):
    name = "spatial_video"
    about = "sizes, distances, directions and routes in rooms"
    kind = "number"
    sources = {
        "world:spatial_video": "procedural, endless, Apache-2.0; preset @ood",
        "nyu-visionx/VSI-Bench": "5,130 rows, Apache-2.0; read a local copy with its videos",
        "meta_info/*.json": "VSI-Bench's descriptions of 288 scenes, Apache-2.0, or your own",
        "OPPOer/VSI-100k": "vsGRPO's rows, 100,000, CC BY-NC 4.0; videos are ScanNet's",
        "array/SAT": "175,000 rows, MIT",
        "nyu-visionx/CV-Bench": "2,638 rows, Apache-2.0",
        "cambridgeltl/vsr_zeroshot": "VSR, 10,119 rows in all, Apache-2.0; pictures are COCO's",
    }
    formats = (
        vsi.BENCH,
        vsi.TRAIN,
        vsi.SCENES,
        sat.MESSAGES,
        sat.ROWS,
        cv_bench.FORMAT,
        vsr.FORMAT,
    )
    kinds = {
        "number": replace(NUMBER, accuracy=number.mean_relative_accuracy),
        "choice": CHOICE,
        "label": LABEL,
    }
    world = spatial
    benchmarks = (
        Benchmark(name="spatial_world", source="world:spatial_video", about="seen rooms"),
        Benchmark(
            name="spatial_ood", source="world:spatial_video@ood", about="L shapes, other colours"
        ),
        Benchmark(
            name="vsi_bench",
            source="VSI-Bench/test.jsonl",
            metric="mean:group/subtask",
            about="5,130 questions",
        ),
        Benchmark(
            name="cv_bench_2d",
            source="nyu-visionx/CV-Bench:2D@test",
            metric="mean:source",
            about="count, relation",
        ),
        Benchmark(
            name="cv_bench_3d", source="nyu-visionx/CV-Bench:3D@test", about="depth, distance"
        ),
        Benchmark(
            name="cv_bench",
            source="nyu-visionx/CV-Bench@test",
            metric="mean:type/source",
            about="2D and 3D, 2,638 questions",
        ),
        Benchmark(name="vsr", source="VSR/splits/zeroshot/test.jsonl", about="true or false"),
        Benchmark(name="sat_test", source="array/SAT@test", about="150 questions, real pictures"),
    )
