"""Quality: how good is a picture, what spoils it, which of two versions is better?

| source | what it is | size | proof |
|---|---|---|---|
| `world:quality` | procedural scenes, spoilt in four ways | endless | made here |
| `KONIQ/metas/train_koniq_7k.json` ... | DeQA-Score's ratings | see its page | loader-run |
| `train_dist.json` | distortions of KADIS-700K | see its page | loader-run |
| `train_comparison.json` | DiffIQA's versions in pairs | 5,000 | loader-run |

`kinds/ratings.py` says what is right for each of the three kinds; `formats/q_insight.py` what the
rows look like.  A rating is right or wrong by a threshold; published are the correlations of
ratings, `rating.plcc` and `rating.srcc`, which are no mean over samples.
"""

from __future__ import annotations

from vlrl.contracts import Benchmark
from vlrl.data.formats import q_insight
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.ratings import COMPARISON, DEGRADATION, RATING
from vlrl.data.world import quality


class Quality(KindTask):
    name = "quality"
    about = "ratings, distortions and comparisons of pictures"
    kind = "rating"
    sources = {
        "world:quality": (
            "procedural, endless, Apache-2.0; presets @score, @degradation, @compare, @ood"
        ),
        "zhiyuanyou/Data-DeQA-Score: KONIQ/metas/train_koniq_7k.json ...": (
            "KonIQ-10k, SPAQ, KADID-10k and others, licences on their pages; read a local copy "
            "with the pictures"
        ),
        "refA_sd_brief/metas/train_dist.json": (
            "KADIS-700K by DepictQA, licence on its page; read a local copy with the pictures"
        ),
        "DiffIQA/ValidationImage/train_comparison.json": (
            "DiffIQA by Q-Insight, 5,000 rows, licence on its page; read a local copy"
        ),
    }
    formats = (q_insight.COMPARISON, q_insight.DEGRADATION, q_insight.SCORE)
    kinds = {"rating": RATING, "labels": DEGRADATION, "comparison": COMPARISON}
    world = quality
    benchmarks = (
        Benchmark(name="quality_score", source="world:quality@score", about="ratings"),
        Benchmark(
            name="quality_degradation", source="world:quality@degradation", about="distortions"
        ),
        Benchmark(name="quality_compare", source="world:quality@compare", about="pairs"),
        Benchmark(
            name="quality_ood", source="world:quality@ood", about="new look, all three questions"
        ),
        Benchmark(
            name="koniq", source="KONIQ/metas/test_koniq_2k.json", about="photographs as taken"
        ),
        Benchmark(name="spaq", source="SPAQ/metas/test_spaq_2k.json", about="of telephones"),
        Benchmark(
            name="kadid", source="KADID10K/metas/test_kadid_2k.json", about="made distortions"
        ),
        Benchmark(name="csiq", source="CSIQ/metas/test_csiq_866.json", about="made distortions"),
    )
