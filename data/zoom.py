"""Zoom: what is too small to be seen in the whole picture?

| source | what it is | size | proof |
|---|---|---|---|
| `world:zoom` | large procedural scenes with tiny plates | endless | made here |

| kind | target | accuracy, 0 or 1 |
|---|---|---|
| `number` | a number | the same number |
| `choice` | a letter; `options` | the same letter |
| `label` | a sign; `meta["classes"]` | the same name |

Pictures have 1344 x 1344 pixels; reduced to 168 x 168 nothing is left of the answer.  So a model
that is shown that little (`max_pixels: 28224`) can only guess.  `world/zoom.py` says what the
presets `@ood` and `@crop` are; `meta["plate"]` is the box that a crop has to hold.
"""

from __future__ import annotations

from vlrl.contracts import Benchmark
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.words import CHOICE, LABEL, NUMBER
from vlrl.data.world import zoom


class Zoom(KindTask):
    name = "zoom"
    about = "what is too small to be seen in the whole picture"
    kind = "number"
    sources = {"world:zoom": "procedural, endless, Apache-2.0; presets @ood, @crop"}
    kinds = {"number": NUMBER, "choice": CHOICE, "label": LABEL}
    world = zoom
    benchmarks = (
        Benchmark(name="zoom_world", source="world:zoom", about="a digit or sign, 1344 px"),
        Benchmark(name="zoom_ood", source="world:zoom@ood", about="two digits or a letter"),
        Benchmark(name="zoom_crop", source="world:zoom@crop", about="cut out already, 168 px"),
    )
