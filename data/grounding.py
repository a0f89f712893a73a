"""Grounding: where is what these words describe?

| source | what it is | size | proof |
|---|---|---|---|
| `world:grounding` | procedural scenes | endless | made here |
| `refcoco`, `refcoco+`, `refcocog` | refer's folders | 142,000 + 142,000 + 95,000 | loader-run |
| `rec_jsons_processed` | VLM-R1's RefCOCO/+/g, LISA-Grounding | see its page | loader-run |
| `refcoco_val.jsonl` ... | Qwen-VL's and InternVL's evaluation | 8 splits | loader-run |
| `ReasonSeg` | LISA-Grounding from polygons | 239 + 200 + 779 pictures | loader-run |

`formats/refcoco.py, vlm_r1.py, qwen_jsonl.py, lisa.py` say what the rows look like, and
`world/grounding.py` what the presets `@ood` and `@absent` are.

The field counts an IoU of at least 0.5: metric `box.hit`.  `kinds/places.py` says what is asked and
right, and which targets make a bad row.
"""

from __future__ import annotations

from vlrl.contracts import Benchmark
from vlrl.data.formats import lisa, qwen_jsonl, refcoco, vlm_r1
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.places import BOX, BOXES
from vlrl.data.world import grounding

FIELD = {
    "refcoco_val": "10,834",
    "refcoco_testA": "5,657",
    "refcoco_testB": "5,095",
    "refcoco+_val": "10,758",
    "refcoco+_testA": "5,726",
    "refcoco+_testB": "4,889",
    "refcocog_val": "4,896",
    "refcocog_test": "9,602",
}
"""The benchmarks as Qwen-VL and InternVL name their files -> how many sentences."""


class Grounding(KindTask):
    name = "grounding"
    about = "where is what these words describe"
    kind = "box"
    sources = {
        "world:grounding": "procedural, endless, Apache-2.0; presets @ood, @absent",
        "refcoco, refcoco+, refcocog": "refer's folders, about 380,000 sentences, MSCOCO pictures",
        "omlab/VLM-R1: rec_jsons_processed": "RefCOCO/+/g and LISA-Grounding, licence on its page",
        "refcoco_val.jsonl ...": "Qwen-VL's and InternVL's evaluation files",
        "ReasonSeg": "1,218 pictures, licence on its page",
    }
    formats = (
        refcoco.FORMAT,
        lisa.FORMAT,
        qwen_jsonl.FORMAT,
        vlm_r1.CONVERSATION,
        vlm_r1.REC,
    )
    kinds = {"box": BOX, "boxes": BOXES}
    world = grounding
    benchmarks = (
        Benchmark(name="grounding_world", source="world:grounding", about="trained relations"),
        Benchmark(
            name="grounding_ood", source="world:grounding@ood", about="new look and relations"
        ),
        Benchmark(
            name="grounding_absent", source="world:grounding@absent", about="a quarter fit nothing"
        ),
        *(
            Benchmark(
                name=name, source=f"{name}.jsonl", metric="box.hit", about=f"{size} sentences"
            )
            for name, size in FIELD.items()
        ),
        Benchmark(
            name="lisa_grounding",
            source="lisa_test.json",
            metric="box.hit",
            about="reasoning, ReasonSeg",
        ),
    )
