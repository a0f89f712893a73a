"""Transformation: which changes lead from one picture of a scene to another?

| source | what it is | size | proof |
|---|---|---|---|
| `world:transformation` | procedural scenes, two pictures each | endless | made here |
| `data.h5`, or `data.jsonl` with `image/` | TRANCE | 530,000 | loader-run |
| `train_jsons/A1-Spatial-Transformation-...` | Reason-RFT's of TRANCE | 60,000 | loader-read |

The answer is a list of calls such as `change_color(2, cyan), change_position(0, front_left)`, in
any order; calls that are right in part count in part (see `rewards/program.py`).  Among the rewards
is `program.full`, which Reason-RFT trains with.  Both test in other views than they train in; so do
the presets of the world, `@left`, `@right` and `@ood`: see `world/transformation.py`.
"""

from __future__ import annotations

from vlrl.contracts import Benchmark
from vlrl.data.formats import trance
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.programs import PROGRAM
from vlrl.data.world import transformation


class Transformation(KindTask):
    name = "transformation"
    about = "the changes between two pictures of a scene, as calls"
    kind = "program"
    sources = {
        "world:transformation": "procedural, endless, Apache-2.0; presets @left, @right, @ood",
        "data.h5, or data.jsonl with image/": (
            "TRANCE, 500,000, 10,000 and 20,000 rows, licence on its page; read a local copy"
        ),
        "tanhuajie2001/Reason-RFT-CoT-Dataset": (
            "Spatial-Transformation, train 60,000, test 3 x 1,000, licence on its page; "
            "read a local copy"
        ),
    }
    formats = (trance.H5, trance.JSONL, trance.REASON_RFT)
    kinds = {"program": PROGRAM}
    world = transformation
    benchmarks = (
        Benchmark(
            name="transformation_world", source="world:transformation", about="the same view"
        ),
        Benchmark(
            name="transformation_left", source="world:transformation@left", about="from the left"
        ),
        Benchmark(
            name="transformation_right",
            source="world:transformation@right",
            about="from the right",
        ),
        Benchmark(
            name="transformation_ood",
            source="world:transformation@ood",
            about="new look, from aside",
        ),
        Benchmark(
            name="trance",
            source="trance/data.h5@test",
            metric="mean:view",
            about="20,000 scenes, three views",
        ),
        Benchmark(
            name="reason_rft_transformation_id",
            source="test_jsons/Spatial-Transformation-id-test-1k.json",
            about="1,000 pairs, the same view",
        ),
        Benchmark(
            name="reason_rft_transformation_left",
            source="test_jsons/Spatial-Transformation-ood-left-test-1k.json",
            about="1,000 pairs, from the left",
        ),
        Benchmark(
            name="reason_rft_transformation_right",
            source="test_jsons/Spatial-Transformation-ood-right-test-1k.json",
            about="1,000 pairs, from the right",
        ),
    )
