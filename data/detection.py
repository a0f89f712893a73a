"""Detection: where are all objects of these classes?

| source | what it is | size | proof |
|---|---|---|---|
| `world:detection` | procedural scenes | endless | made here |
| `instances_train2017.json` ... | COCO 2017 | 118,287 + 5,000 | loader-run |
| `lvis_v1_train.json` ... | LVIS, 1,203 classes | 100,170 + 19,809 | loader-run |
| `d3_full_annotations.json` | D3, 422 descriptions | its page | loader-read |
| `OVDEval/annotations/*.json` | OVDEval, with hard negatives | its page | loader-run |
| `kcz358/ODinW-13` | ODinW in one table | its page | loader-run |
| `laolao77/ViRFT_COCO_base65` ... | Visual-RFT, a class a row | 6,000 each | loader-run |
| `JefferyZhan/Vision-R1-Data` | Griffon's Vision-R1 | 49,000 | loader-read |

`formats/coco.py, odinw.py, visual_rft.py, griffon.py` say what the rows look like and which classes
are asked for, `world/detection.py` what the preset `@ood` is, and `kinds/detections.py` what is
asked and right.  Among the rewards are `detection.ap_length` (VLM-R1's odLength) and
`detection.calibration` (for Visual-RFT's confidence).

The field publishes COCO's AP over a whole set; `detection.average_precision` is that of one
picture, and its mean is no such number.
"""

from __future__ import annotations

from vlrl.contracts import Benchmark
from vlrl.data.formats import coco, griffon, odinw, visual_rft
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.detections import DETECTIONS
from vlrl.data.world import detection

AP = "detection.average_precision"
OVDEVAL = (
    *("celebrity", "color", "landmark", "logo"),
    *("material", "negation", "position", "relationship"),
)


class Detection(KindTask):
    name = "detection"
    about = "where all objects of some classes are"
    kind = "boxes"
    sources = {
        "world:detection": "procedural, endless, Apache-2.0; preset @ood",
        "annotations/instances_train2017.json": "COCO, 118,287 + 5,000 pictures, CC BY 4.0",
        "lvis_v1_train.json": "LVIS, 100,170 + 19,809 pictures of COCO, CC BY 4.0",
        "d3_json/d3_full_annotations.json": "D3, 422 descriptions, licence on its page",
        "omlab/OVDEval: annotations/*.json": "hard negatives, licence on its page; a local copy",
        "kcz358/ODinW-13": "thirteen sets, licences on their pages",
        "laolao77/ViRFT_COCO_base65, ViRFT_COCO": "Visual-RFT, 6,000 rows each, CC BY-NC 4.0",
        "JefferyZhan/Vision-R1-Data": "Griffon's Vision-R1, 49,000 rows, licence on its page",
    }
    formats = (coco.FORMAT, odinw.FORMAT, griffon.FORMAT, visual_rft.FORMAT)
    kinds = {"boxes": DETECTIONS}
    world = detection
    benchmarks = (
        Benchmark(name="detection_world", source="world:detection", about="trained classes"),
        Benchmark(name="detection_ood", source="world:detection@ood", about="new look, classes"),
        Benchmark(
            name="coco_val",
            source="annotations/instances_val2017.json",
            metric=AP,
            about="5,000 pictures, classes there and not",
        ),
        Benchmark(
            name="lvis_val", source="lvis_v1_val.json", metric=AP, about="19,809 pictures of COCO"
        ),
        *(
            Benchmark(
                name=f"ovdeval_{part}",
                source=f"OVDEval/annotations/{part}.json",
                metric=AP,
                about="with hard negatives",
            )
            for part in OVDEVAL
        ),
        Benchmark(
            name="odinw13",
            source="kcz358/ODinW-13@test",
            metric="mean:dataset",
            about="13 sets; the mean matched IoU",
        ),
    )
