"""Segmentation: which pixels do these words mean?

| source | what it is | size | proof |
|---|---|---|---|
| `world:segmentation` | procedural scenes | endless | made here |
| `Ricky06662/refCOCOg_9k_840` ... | Seg-Zero's, VisionReasoner's | 9,000, 7,000 | loader-run |
| `ReasonSeg` | LISA's folders | 239 + 200 + 779 | loader-run |
| `Ricky06662/ReasonSeg_val`, `_test` | Seg-Zero's copy | 200, 779 | loader-read |
| `refcoco`, `refcoco+`, `refcocog` | refer's folders | 142,000 + 142,000 + 95,000 | loader-run |

`formats/seg_zero.py, reasonseg.py, refcoco_masks.py` say what the rows look like, `own_masks.py`
how to write your own, and `world/segmentation.py` what the presets `@ood` and `@masks` are.
Seg-Zero's copy of ReasonSeg takes for the target what LISA ignores: results on it are not those on
ReasonSeg.

All published rows are of kind `boxes_points`: their answers are prompts of a segmenter, which turns
them into masks at evaluation (`vlrl/evaluation/segmenter.py`).  `kinds/masks.py` says what is asked
and right.
"""

from __future__ import annotations

from vlrl.contracts import Benchmark
from vlrl.data.formats import own_masks, reasonseg, refcoco_masks, seg_zero
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.masks import BOXES_POINTS, MASK
from vlrl.data.world import segmentation

COPIES = {"val": "Ricky06662/ReasonSeg_val", "test": "Ricky06662/ReasonSeg_test"}
REFERRING = {"refcoco": "testA", "refcoco+": "testA", "refcocog": "test"}  # as VisionReasoner


class Segmentation(KindTask):
    name = "segmentation"
    about = "which pixels these words mean, as boxes with points or as a mask"
    kind = "boxes_points"
    sources = {
        "world:segmentation": "procedural, endless, Apache-2.0; presets @ood, @masks",
        "Ricky06662/refCOCOg_9k_840": "Seg-Zero, 9,000 rows, licence on its page",
        "Ricky06662/VisionReasoner_multi_object_7k_840": "7,000 rows, licence on its page",
        "ReasonSeg": "LISA, 1,218 pictures, licence on its page",
        "Ricky06662/ReasonSeg_val, _test": "Seg-Zero's copy, its ignored pixels are lost",
        "refcoco, refcoco+, refcocog": "refer's folders, about 380,000 sentences, MSCOCO pictures",
    }
    formats = (
        reasonseg.FORMAT,
        refcoco_masks.FORMAT,
        reasonseg.COPY,
        seg_zero.FORMAT,
        own_masks.OBJECTS,
        own_masks.MASKS,
    )
    kinds = {"boxes_points": BOXES_POINTS, "mask": MASK}
    world = segmentation
    benchmarks = (
        Benchmark(name="segmentation_world", source="world:segmentation", about="0-5 objects"),
        Benchmark(name="segmentation_ood", source="world:segmentation@ood", about="new look"),
        Benchmark(name="segmentation_masks", source="world:segmentation@masks", about="polygons"),
        Benchmark(name="reasonseg_val", source="ReasonSeg@val", about="LISA, 200 pictures"),
        Benchmark(name="reasonseg_test", source="ReasonSeg@test", about="LISA, 779 pictures"),
        *(
            Benchmark(name=f"reasonseg_{split}_copy", source=source, about="Seg-Zero's copy")
            for split, source in COPIES.items()
        ),
        *(
            Benchmark(name=f"{name}_masks", source=f"{name}@{split}", about=f"{split}, sentences")
            for name, split in REFERRING.items()
        ),
    )
