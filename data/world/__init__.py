"""A procedural world: simple solids on a ground plane, with exact ground truth.

`make_scene` draws a scene from a seed, `render` paints it, `masks` and `depth_map` give its pixels.
`python -m vlrl.data.world` measures the speed and can paint a sheet of examples.
"""

from vlrl.data.world.domains import DOMAINS
from vlrl.data.world.parts import Ground, Light, SceneObject
from vlrl.data.world.render import render
from vlrl.data.world.scene import Scene, depth_map, make_scene, masks, measured

__all__ = [
    "DOMAINS",
    "Ground",
    "Light",
    "Scene",
    "SceneObject",
    "depth_map",
    "make_scene",
    "masks",
    "measured",
    "render",
]
