"""Temporal grounding: when does the video show what a sentence says?

| source | what it is | size | proof |
|---|---|---|---|
| `world:temporal_grounding` | objects that come, go and move | endless | made here |
| `charades_sta_train.txt` ... | Charades-STA as published (TALL) | 12,408 + 3,720 | loader-run |
| `train.json`, `test.json` ... | the same by TimeZero; ActivityNet Captions | 71,957 | loader-run |
| `train_2k5.json` | Time-R1's TimeRFT | 2,500 | loader-run |
| `tvgbench.json` | Time-R1's TVGBench | 800 | loader-run |
| `appletea2333/temporal_r1` | Temporal-R1's Charades | see its page | loader-read |

The answer is one span in seconds; its IoU with the segment counts.  Segments that are reversed or
reach out of their video are repaired and counted, what cannot be is a bad row: see
`kinds/spans.py`.  Among the rewards are `span.boundary_iou`, Time-R1's, and `span.recall`, whose
mean is R1@at.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator

from vlrl.contracts import BadRow, Benchmark, Sample, Source
from vlrl.data.formats import charades, temporal_r1, time_r1
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.spans import SPAN, repairs
from vlrl.data.world import temporal_grounding

log = logging.getLogger("vlrl")


class TemporalGrounding(KindTask):
    name = "temporal_grounding"
    about = "when something happens in a video"
    kind = "span"
    sources = {
        "world:temporal_grounding": "procedural, endless, Apache-2.0; preset @ood",
        "charades_sta_train.txt, charades_sta_test.txt": (
            "Charades-STA, 12,408 and 3,720 rows, licence on its page; with the videos of Charades"
        ),
        "train.json, val.json, test.json": (
            "TimeZero's Charades-STA, and ActivityNet Captions with 37,421, 17,505 and 17,031 "
            "rows; licences on their pages; videos beside them"
        ),
        "Boshenxx/TimeR1-Dataset: train_2k5.json, tvgbench.json": (
            "Time-R1's 2,500 rows and TVGBench's 800, licence on its page; read a local copy"
        ),
        "appletea2333/temporal_r1": "Temporal-R1's rows, licence on its page; read a local copy",
    }
    formats = (
        charades.TEXT,
        charades.JSON,
        time_r1.TRAIN,
        time_r1.BENCH,
        temporal_r1.FORMAT,
    )
    kinds = {"span": SPAN}
    world = temporal_grounding
    benchmarks = (
        Benchmark(
            name="temporal_world", source="world:temporal_grounding", about="seen shapes, 12 s"
        ),
        Benchmark(
            name="temporal_ood", source="world:temporal_grounding@ood", about="unseen shapes, 16 s"
        ),
        Benchmark(name="charades_sta", source="charades_sta_test.txt", about="3,720 sentences"),
        Benchmark(
            name="charades_sta_r1",
            source="charades_sta_test.txt",
            metric="span.recall",
            about="the share with an IoU of at least 0.5",
        ),
        Benchmark(
            name="activitynet_captions",
            source="activitynet/annotations/test.json",
            about="17,031 sentences",
        ),
        Benchmark(name="tvgbench", source="tvgbench.json", about="800 questions, 11 kinds"),
    )

    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        """The rows; how many segments were repaired is logged at the end."""
        repaired: Counter[str] = Counter()
        try:
            for each in super().load(source):
                repaired.update(repairs(each) if isinstance(each, Sample) else ())
                yield each
        finally:
            if repaired:
                counts = ", ".join(f"{num} {what}" for what, num in sorted(repaired.items()))
                log.info("%s: segments repaired: %s", source.spec, counts)
