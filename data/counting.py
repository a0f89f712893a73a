"""Counting: how many objects are in the picture, or are left, or come to be?

| source | what it is | size | proof |
|---|---|---|---|
| `world:counting` | procedural scenes | endless | made here |
| `leonardPKU/clevr_cogen_a_train` | R1-V's CLEVR | 70,000 | loader-read |
| `superclevr_test200_counting_problems.jsonl` | R1-V's SuperCLEVR | 200 | loader-read |
| `superCLEVR_questions_30k.json` | Super-CLEVR, counts | see its page | loader-read |
| `superCLEVR_scenes.json` | Super-CLEVR, whole scenes | 30,000 | loader-read |
| `clevr-math-train.json` ... | CLEVR-Math, also Reason-RFT's | see its page | loader-read |
| `vikhyatk/CountBenchQA` | photographs | 491 | loader-read |
| `kcz358/pixmo-count` | photographs | see its page | loader-read |
| `train_dvd.jsonl`, `test_dvd.jsonl` | DVD-counting, videos | 5,200 | loader-read |

The world has 1-8 objects and the presets `@ood`, `@more` (9-12 objects), `@digits`, `@questions`
and `@novel`: see `world/counting.py` and `world/questions.py`.  The modules in `formats/` say what
the rows look like.

The answer is one number, right or wrong.  (R1-V also gives a point for a number in the thinking or
in a list of numbers; here only the answer counts, and it must be one number.)
"""

from __future__ import annotations

from vlrl.contracts import Benchmark
from vlrl.data.formats import clevr_math, countbench, dvd, pixmo, r1v, superclevr
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.words import NUMBER
from vlrl.data.world import counting, questions

SUPERCLEVR = "superclevr_test200_counting_problems.jsonl"


class Counting(KindTask):
    name = "counting"
    about = "how many objects are in the picture"
    kind = "number"
    sources = {
        "world:counting": (
            "procedural, endless, Apache-2.0; presets @ood, @more, @digits, @questions, @novel"
        ),
        "leonardPKU/clevr_cogen_a_train": "CLEVR by R1-V, 70,000 rows, licence on its page",
        SUPERCLEVR: "SuperCLEVR by R1-V, 200 rows, Apache-2.0",
        "RyanWW/Super-CLEVR: superCLEVR_questions_30k.json, superCLEVR_scenes.json": (
            "30,000 pictures, CC BY 4.0; read a local copy"
        ),
        "dali-does/clevr-math: clevr-math-train.json ...": (
            "CLEVR-Math, CC BY-SA 4.0; read a local copy with CLEVR's pictures"
        ),
        "tanhuajie2001/Reason-RFT-CoT-Dataset": (
            "Visual-Counting, train 35,000, test 2 x 1,000, licence on its page; read a local copy"
        ),
        "vikhyatk/CountBenchQA": "491 rows, licence on its page",
        "kcz358/pixmo-count": "PixMo-Count with its pictures, licence on its page",
        "Video-R1/DVD-counting": "5,200 videos, licence on its page; read a local copy",
    }
    formats = (
        superclevr.QUESTIONS,
        superclevr.SCENES,
        r1v.FORMAT,
        superclevr.FORMAT,
        clevr_math.FORMAT,
        clevr_math.ROWS,
        clevr_math.REASON_RFT,
        countbench.FORMAT,
        pixmo.FORMAT,
        dvd.FORMAT,
    )
    kinds = {"number": NUMBER}
    world = questions
    benchmarks = (
        Benchmark(name="counting_world", source="world:counting", about="seen shapes, 1-8"),
        Benchmark(name="counting_ood", source="world:counting@ood", about="unseen shapes, 1-8"),
        Benchmark(name="counting_more", source="world:counting@more", about="9-12 objects"),
        Benchmark(
            name="counting_digits", source="world:counting@digits", about="handwritten digits"
        ),
        Benchmark(
            name="counting_questions",
            source="world:counting@questions",
            about="by attribute, more than, plus, minus",
        ),
        Benchmark(
            name="counting_novel", source="world:counting@novel", about="new look and questions"
        ),
        Benchmark(
            name="superclevr_200",
            source=SUPERCLEVR,
            about="R1-V's out-of-distribution set, 200 rows",
        ),
        Benchmark(
            name="superclevr_questions",
            source="superCLEVR_questions_30k.json@test",
            about="of the last 5,000 pictures",
        ),
        Benchmark(name="clevr_math", source="clevr-math-test.json", about="plus and minus"),
        Benchmark(name="countbench_qa", source="vikhyatk/CountBenchQA@test", about="491 rows"),
        Benchmark(name="pixmo_count", source="kcz358/pixmo-count@test", about="photographs"),
        Benchmark(name="dvd_counting", source="DVD-counting/test_dvd.jsonl", about="videos"),
    )
    habits = counting.HABITS
