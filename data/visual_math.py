"""Visual math: questions about diagrams, charts and tables.

| source | what it is | size | proof |
|---|---|---|---|
| `world:visual_math` | procedural diagrams, charts, tables | endless | made here |
| `leonardPKU/GEOQA_R1V_Train_8K` | R1-V's GeoQA | about 8,000 | loader-read |
| `lmms-lab/multimodal-open-r1-8k-verified` | Math360K, Geo170K | about 8,000 | loader-read |
| `FanqingM/MMK12` | MM-Eureka's school problems | 15,616 + 2,000 | description-only |
| `jingyiZ00/R1-VL-10K` | with key steps | 10,000 | loader-read |
| `hiyouga/geometry3k`, or Inter-GPS's folders | Geometry3K | 3,002 | loader-read |

`kinds/maths.py` and `kinds/words.py` say what is asked and right for each kind of target.
`meta["key_steps"]` (R1-VL, the world) is for the reward `steps.coverage`.
"""

from __future__ import annotations

from vlrl.contracts import Benchmark
from vlrl.data.formats import (
    geometry3k,
    logicvista,
    mathverse,
    mathvision,
    mathvista,
    mm_eureka,
    olympiadbench,
    r1_vl,
    r1v_math,
)
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.maths import MATH, WITHIN
from vlrl.data.kinds.words import CHOICE, LETTERS, TEXT
from vlrl.data.world import visual_math


class VisualMath(KindTask):
    name = "visual_math"
    about = "questions about diagrams, charts and tables"
    kind = "math"
    sources = {
        "world:visual_math": "procedural, endless, Apache-2.0; preset @ood",
        "leonardPKU/GEOQA_R1V_Train_8K": "GeoQA by R1-V, about 8,000 rows, licence on its page",
        "lmms-lab/multimodal-open-r1-8k-verified": "about 8,000 rows, licence on its page",
        "FanqingM/MMK12": "school problems by MM-Eureka, 15,616 rows, licence on its page",
        "jingyiZ00/R1-VL-10K": "R1-VL's rows with key steps, 10,000, licence on its page",
        "hiyouga/geometry3k": "Geometry3K, 3,002 rows, licence on its page",
    }
    formats = (
        geometry3k.FORMAT,
        r1_vl.FORMAT,
        r1v_math.R1V,
        r1v_math.GEOQA_TEST,
        mathvista.FORMAT,
        mathvision.FORMAT,
        mathverse.FORMAT,
        logicvista.FORMAT,
        olympiadbench.FORMAT,
        mm_eureka.MESSAGE,
        mm_eureka.K12,
        mm_eureka.MMK12,
        geometry3k.ROWS,
        r1v_math.REASON_RFT,
    )
    kinds = {"math": MATH, "choice": CHOICE, "labels": LETTERS, "number": WITHIN, "text": TEXT}
    world = visual_math
    benchmarks = (
        Benchmark(name="visual_math_world", source="world:visual_math", about="trained families"),
        Benchmark(
            name="visual_math_ood", source="world:visual_math@ood", about="new look and families"
        ),
        Benchmark(
            name="geoqa_test", source="geoqa_test_prompts.jsonl", about="R1-V's 754 questions"
        ),
        Benchmark(name="mathvista", source="AI4Math/MathVista@testmini", about="1,000 questions"),
        Benchmark(name="mathvision", source="MathLLMs/MathVision@test", about="3,040 questions"),
        Benchmark(
            name="mathverse", source="AI4Math/MathVerse:testmini@testmini", about="5 versions"
        ),
        Benchmark(name="logicvista", source="LogicVista/data/dataset.json", about="448 questions"),
        Benchmark(
            name="olympiadbench",
            source="Hothan/OlympiadBench:OE_MM_maths_en_COMP@train",
            about="open questions with pictures",
        ),
    )
