"""`python -m vlrl.data.world`: how many scenes per second; `--sheet FILE` paints a page of them."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from vlrl.data.world import DOMAINS, Scene, make_scene, render


def scenes_per_second(domain: str, *, num_scenes: int = 200, side_px: int = 112) -> float:
    """Scenes of 1 to 8 objects drawn and painted per second of processor time."""
    render(_example(0, domain, side_px))
    start_s = time.process_time()
    for index in range(num_scenes):
        render(_example(index, domain, side_px))
    return num_scenes / (time.process_time() - start_s)


def sheet(domain: str, *, rows: int, columns: int, side_px: int) -> np.ndarray:
    """Examples side by side, uint8 RGB (rows * side_px, columns * side_px, 3)."""
    pictures = [render(_example(index, domain, side_px)) for index in range(rows * columns)]
    return np.vstack([np.hstack(pictures[row * columns :][:columns]) for row in range(rows)])


def _example(index: int, domain: str, side_px: int) -> Scene:
    num_objects = 1 + index % 8
    return make_scene(f"example/{index}", num_objects=num_objects, domain=domain, side_px=side_px)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m vlrl.data.world", description=__doc__)
    parser.add_argument("--sheet", type=Path, help="write a page of examples to this PNG file")
    parser.add_argument("--domain", choices=tuple(DOMAINS), default="train")
    parser.add_argument("--side", type=int, default=112, help="side of one scene in pixels")
    options = parser.parse_args()
    rate = scenes_per_second(options.domain, side_px=options.side)
    print(f"{options.domain}: {rate:.0f} scenes of {options.side} px per second of one core")
    if options.sheet:
        from PIL import Image

        page = sheet(options.domain, rows=4, columns=6, side_px=options.side)
        Image.fromarray(page).save(options.sheet)
        print(f"wrote {options.sheet}")


if __name__ == "__main__":
    main()
