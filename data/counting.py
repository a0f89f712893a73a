"""Counting: how many objects are in the picture?

| source | what it is | size | licence | proof |
|---|---|---|---|---|
| `world:counting` | procedural scenes with 1-8 objects; presets `ood`, `more` (9-12 objects), `digits` | endless | Apache-2.0 | made here |
| `leonardPKU/clevr_cogen_a_train` | R1-V's CLEVR-70k: `image, problem, solution` | 70,000 rows | Apache-2.0 | loader-read |
| SuperCLEVR-200 | R1-V's `image_path, question, ground_truth` jsonl | 200 rows | Apache-2.0 | loader-read |

The answer is one number, right or wrong (R1-V gives a point for a number in the thinking or a list of numbers; here only
the answer counts, and it must be one number).
"""

from __future__ import annotations

from collections.abc import Iterator

from vlrl.data.formats import r1v, rows, superclevr
from vlrl.data.world import counting as world
from vlrl.rewards import number

from vlrl.contracts import BadRow, Benchmark, Frame, Sample, Source, Task


class Counting(Task):
    name = "counting"
    about = "how many objects are in the picture"
    kind = "number"
    sources = {
        "world:counting": "procedural, endless; presets @ood, @more, @digits",
        "leonardPKU/clevr_cogen_a_train": "R1-V's CLEVR, 70,000 rows",
        "superclevr_test200_counting_problems.jsonl": "R1-V's SuperCLEVR, 200 rows",
    }
    rewards = {"accuracy": number.exact}
    benchmarks = (
        Benchmark(name="counting_world", source="world:counting", about="seen shapes, 1-8"),
        Benchmark(name="counting_ood", source="world:counting@ood", about="unseen shapes, 1-8"),
        Benchmark(name="counting_more", source="world:counting@more", about="9-12 objects"),
        Benchmark(
            name="counting_digits", source="world:counting@digits", about="handwritten digits"
        ),
        Benchmark(
            name="superclevr_200",
            source="superclevr_test200_counting_problems.jsonl",
            about="R1-V's out-of-distribution set, 200 rows",
        ),
    )
    habits = world.HABITS

    def load(self, source: Source) -> Iterator[Sample | BadRow]:
        if rows.is_world(source):
            return world.samples(source)
        formats = (r1v.FORMAT, superclevr.FORMAT)
        return rows.read(source, formats, task=self.name, parse_target=number.parse)

    def hint(self, sample: Sample, frame: Frame | None) -> str:
        return "Write the number as digits."

    def parse(self, answer: str, sample: Sample, frame: Frame | None) -> float | None:
        return number.parse(answer)

    def ideal(self, sample: Sample, frame: Frame | None) -> str:
        return str(sample.target)
