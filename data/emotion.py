"""Emotion: what do the people in a video feel?

| source | what it is | size | proof |
|---|---|---|---|
| `world:emotion` | drawn faces in short clips | endless | made here |
| `MAFW_DFEW.json` | R1-Omni's rows of both, also for the cold start | 15,306, 580 | loader-run |
| `EmoLabel_DataSplit` | DFEW's tables, 7 classes | 9,356 + 2,341 | loader-read |
| `single/no_caption` | MAFW's lists, 11 classes | 9,172 | loader-read |
| a folder of `01-01-06-01-02-01-12.mp4` ... | RAVDESS, 8 classes | 2,452 | description-only |

The answer is the name of one class, right or wrong; `formats/emotions.py` names the classes and
other names of theirs.  The two published scores are WAR, the share of right answers, which is the
metric `accuracy`, and UAR, the mean over the classes of the share in each, `mean:emotion`.

Videos come with sound, and the models that publish these scores listen.  Here the sound is decoded
and measured, `meta["sound"]` is `fits`, `short`, `long`, `none` or `broken`, and the pictures alone
are shown to the model.  R1-Omni's policy of use forbids to infer emotions of people at work and in
education.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator

from vlrl.contracts import BadRow, Benchmark, Sample, Source
from vlrl.data.formats import dfew, mafw, r1_omni, ravdess
from vlrl.data.formats.sounds import listened
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.feelings import FEELING
from vlrl.data.world import emotion

log = logging.getLogger("vlrl")

TESTS = {
    "dfew": ("DFEW/EmoLabel_DataSplit/test(single-labeled)/set_1.csv", "2,341 clips, fold 1 of 5"),
    "mafw": ("MAFW/single/no_caption/set_1/test.txt", "fold 1 of 5"),
    "ravdess": ("RAVDESS", "actors, speech and song"),
}
"""Test set -> its rows, what it is."""


class Emotion(KindTask):
    name = "emotion"
    about = "what people in a video feel"
    kind = "label"
    sources = {
        "world:emotion": "procedural, endless, Apache-2.0; preset @ood",
        "MAFW_DFEW.json": "R1-Omni's layout, 15,306 rows; with the clips of DFEW and MAFW",
        "DFEW/EmoLabel_DataSplit": "DFEW, 11,697 clips in five folds, for research on request",
        "MAFW/single/no_caption": "MAFW, 9,172 clips in five folds, for research on request",
        "RAVDESS": "2,452 videos with sound, CC BY-NC-SA 4.0",
    }
    formats = (r1_omni.FORMAT, dfew.FORMAT, mafw.FORMAT, ravdess.FORMAT)
    kinds = {"label": FEELING}
    world = emotion
    benchmarks = (
        Benchmark(name="emotion_world", source="world:emotion", about="seen looks"),
        Benchmark(
            name="emotion_ood", source="world:emotion@ood", about="tilted heads with glasses"
        ),
        *(
            Benchmark(name=f"{name}_{score}", source=source, metric=metric, about=about)
            for name, (source, about) in TESTS.items()
            for score, metric in (("war", "accuracy"), ("uar", "mean:emotion"))
        ),
    )

    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        """The rows; how many have a sound that does not fit is logged at the end."""
        sounds: Counter[str] = Counter()
        try:
            for each in super().load(source):
                found = listened(each) if isinstance(each, Sample) else each
                if isinstance(found, Sample) and "sound" in found.meta:
                    sounds[found.meta["sound"]] += 1
                yield found
        finally:
            if set(sounds) - {"fits"}:
                counts = ", ".join(f"{num} {fit}" for fit, num in sorted(sounds.items()))
                log.info("%s: sounds of the videos: %s", source.spec, counts)
