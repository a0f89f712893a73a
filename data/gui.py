"""Screens of apps: what is the next step for a command, where is it, what went wrong?

| source | what it is | size | proof |
|---|---|---|---|
| `world:gui` | procedural app screens | endless | made here |
| `ScreenSpot`, `ScreenSpot-v2` | one click, phone, desktop, web | see their pages | loader-run |
| `ScreenSpot-Pro` | one click, large professional screens | 1,581 | loader-run |
| `ac_test.json` | AndroidControl's steps, by UI-R1 | 7,868 | loader-read |
| `LZXzju/UI-R1-3B-Train`, your own | UI-R1's steps | 136, some 2,000 | loader-run |
| `ritzzai/GUI-R1` | GUI-R1's steps | 3,000 | loader-run |
| `gui_multi-image.jsonl` | VLM-R1's two screens | 1,797 | loader-run |

| kind | target | accuracy, 0 or 1 |
|---|---|---|
| `action` | `{"action", "box" or "point", "text"?}` | type, place and text are right |
| `point` | the box to click | the point lies in it |
| `label` | a defect; `meta["classes"]` | the same name |

`world/gui.py` says what the presets `@ood`, `@points` and `@defects` are, and the modules in
`formats/` what the rows look like.  ScreenSpot's scores are means over platforms and over `text`
and `icon` (`meta["subtask"]`).  UI-R1 pays the type of the action by itself: reward
`action.same_type`.  GUI-R1 compares texts by the F1 of their words: option `least_f1`.
"""

from __future__ import annotations

from vlrl.contracts import Benchmark
from vlrl.data.formats import gui_r1, screenspot, ui_r1, vlm_r1_gui
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.actions import ACTION, CLICK
from vlrl.data.kinds.words import LABEL
from vlrl.data.world import gui


class Gui(KindTask):
    name = "gui"
    about = "the next step on a screen, and where it is"
    kind = "action"
    sources = {
        "world:gui": "procedural, endless, Apache-2.0; presets @ood, @points, @defects",
        "ScreenSpot, ScreenSpot-v2": "rows and licence on their pages; read a local copy",
        "ScreenSpot-Pro/annotations": "1,581 rows, licence on its page; read a local copy",
        "ac_test.json": "AndroidControl by UI-R1, 7,868 rows, licence on its page",
        "LZXzju/UI-R1-3B-Train": "136 rows, licence on its page; read a local copy",
        "ritzzai/GUI-R1": "3,000 rows, licence on its page",
        "om-ai-lab/VLM-R1: gui_multi-image.jsonl": "1,797 rows, licence on its page; no pictures",
    }
    formats = (
        screenspot.PRO,
        screenspot.FORMAT,
        ui_r1.ANDROID,
        gui_r1.FORMAT,
        vlm_r1_gui.FORMAT,
        ui_r1.FORMAT,
    )
    kinds = {"action": ACTION, "point": CLICK, "label": LABEL}
    world = gui
    benchmarks = (
        Benchmark(name="gui_world", source="world:gui", about="steps on trained screens"),
        Benchmark(name="gui_ood", source="world:gui@ood", about="dark desktop, other names"),
        Benchmark(name="gui_points", source="world:gui@points", about="a name or an icon"),
        Benchmark(name="gui_defects", source="world:gui@defects", about="before and after a tap"),
        Benchmark(name="screenspot", source="ScreenSpot", about="clicks"),
        Benchmark(name="screenspot_v2", source="ScreenSpot-v2", about="clicks, corrected"),
        Benchmark(name="screenspot_pro", source="ScreenSpot-Pro/annotations", about="1,581 clicks"),
        Benchmark(name="android_control", source="ac_test.json", about="7,868 steps, low level"),
    )
