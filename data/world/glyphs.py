"""Tiny glyphs whose pixels always sum up alike, so that none can be told from another when reduced.

`cell` draws one in CELL_PX x CELL_PX pixels: INK for the glyph, and a paper just so bright that the
mean is LEVEL.  Averaged to one pixel all glyphs are the same grey, to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

CELL_PX = 8
INK, LEVEL = 30, 140  # grey levels


def _glyphs(text: str) -> dict[str, np.ndarray]:
    """Name -> bool (7, 7); one name a line, then seven rows of the glyph."""
    lines = [line for line in text.splitlines() if line.strip()]
    blocks = [lines[start : start + 8] for start in range(0, len(lines), 8)]
    return {block[0].strip(): _bitmap(block[1:]) for block in blocks}


def _bitmap(rows: list[str]) -> np.ndarray:
    return np.array([[mark == "#" for mark in row.strip().ljust(7, ".")] for row in rows])


DIGITS: Mapping[str, np.ndarray] = _glyphs("""
0
.####..
.#..#..
.#..#..
.#..#..
.#..#..
.#..#..
.####..
1
...#...
..##...
...#...
...#...
...#...
...#...
..###..
2
.####..
....#..
....#..
.####..
.#.....
.#.....
.####..
3
.####..
....#..
....#..
..###..
....#..
....#..
.####..
4
.#..#..
.#..#..
.#..#..
.####..
....#..
....#..
....#..
5
.####..
.#.....
.#.....
.####..
....#..
....#..
.####..
6
.####..
.#.....
.#.....
.####..
.#..#..
.#..#..
.####..
7
.####..
....#..
....#..
...#...
...#...
..#....
..#....
8
.####..
.#..#..
.#..#..
.####..
.#..#..
.#..#..
.####..
9
.####..
.#..#..
.#..#..
.####..
....#..
....#..
.####..
""")
SIGNS: Mapping[str, np.ndarray] = _glyphs("""
plus
...#...
...#...
...#...
#######
...#...
...#...
...#...
cross
#.....#
.#...#.
..#.#..
...#...
..#.#..
.#...#.
#.....#
ring
..###..
.#...#.
#.....#
#.....#
#.....#
.#...#.
..###..
square
#######
#.....#
#.....#
#.....#
#.....#
#.....#
#######
triangle
...#...
...#...
..#.#..
..#.#..
.#...#.
.#...#.
#######
arrow
...#...
....#..
.....#.
#######
.....#.
....#..
...#...
bars
#..#..#
#..#..#
#..#..#
#..#..#
#..#..#
#..#..#
#..#..#
dot
.......
..###..
.#####.
.#####.
.#####.
..###..
.......
""")
LETTERS: Mapping[str, np.ndarray] = _glyphs("""
E
#####..
#......
#......
####...
#......
#......
#####..
F
#####..
#......
#......
####...
#......
#......
#......
H
#...#..
#...#..
#...#..
#####..
#...#..
#...#..
#...#..
K
#...#..
#..#...
#.#....
##.....
#.#....
#..#...
#...#..
L
#......
#......
#......
#......
#......
#......
#####..
N
#...#..
##..#..
##..#..
#.#.#..
#..##..
#..##..
#...#..
T
#####..
..#....
..#....
..#....
..#....
..#....
..#....
Z
#####..
....#..
...#...
..#....
.#.....
#......
#####..
""")
GLYPHS = {**DIGITS, **SIGNS, **LETTERS}


@cache
def cell(name: str) -> np.ndarray:
    """The glyph as grey levels, uint8 (CELL_PX, CELL_PX), whose sum is LEVEL CELL_PX^2."""
    ink = np.zeros((CELL_PX, CELL_PX), bool)
    ink[: CELL_PX - 1, : CELL_PX - 1] = GLYPHS[name]
    left, num_paper = LEVEL * ink.size - INK * int(ink.sum()), int((~ink).sum())
    paper, num_brighter = divmod(left, num_paper)
    grey = np.full(ink.shape, INK, np.uint8)
    grey[~ink] = paper + (np.arange(num_paper) < num_brighter)
    return grey
