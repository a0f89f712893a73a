"""Layout: where do the objects of a room stand, so that they fit and every wish is met?

| source | what it is | size | proof |
|---|---|---|---|
| `world:layout` | procedural floor plans | endless | made here |
| `zhenyupan/3d_layout_reasoning` | MetaSpatial's rooms | see its page | loader-read |
| `ROOM/scene_graph-backtracked.json` | IDesign's own files | your own | loader-run |

`formats/metaspatial.py, scene_graph.py` say what the rows look like, `world/layout.py` what the
preset `@ood` is, and `kinds/layouts.py` what is asked and right: no object through a wall, the
floor or another one, and the share of its relations that hold.  MetaSpatial's grade by a judge of
rendered pictures is left out: geometry alone decides.
"""

from __future__ import annotations

from vlrl.contracts import Benchmark
from vlrl.data.formats import metaspatial, scene_graph
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.layouts import LAYOUT
from vlrl.data.world import layout as world


class Layout(KindTask):
    name = "layout"
    about = "where the objects of a room stand, in metres"
    kind = "layout"
    sources = {
        "world:layout": "procedural, endless, Apache-2.0; preset @ood",
        "zhenyupan/3d_layout_reasoning": "MetaSpatial's rooms and wishes, licence on its page",
        "scene_graph-backtracked.json": "IDesign's files, a folder for each room, your own",
    }
    formats = (scene_graph.FORMAT, metaspatial.FORMAT)
    kinds = {"layout": LAYOUT}
    world = world
    benchmarks = (
        Benchmark(name="layout_world", source="world:layout", about="4 pieces, one to be put in"),
        Benchmark(name="layout_ood", source="world:layout@ood", about="5 pieces, larger rooms"),
        Benchmark(
            name="metaspatial_test",
            source="zhenyupan/3d_layout_reasoning@test",
            about="MetaSpatial's rooms that it does not train on",
        ),
    )
