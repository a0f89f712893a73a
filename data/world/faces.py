"""Drawn faces that show an emotion: eyes, brows, nose and mouth on a page.

A `Mood` says how far the parts of a face are from rest, after the action units of the Facial Action
Coding System; moods can be blended.  A `Face` is what a person looks like, whatever the mood.
Parts are placed in units of half the width of the head, y downwards, from the middle of the head.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from vlrl.data.world.visual_math_paper import Colour, Fill, Page, Point, Stroke

WHITE: Colour = (250, 250, 250)
MOUTH: Colour = (96, 20, 30)
EYE_X, EYE_Y, BROW_Y, NOSE_Y, MOUTH_Y = 0.42, -0.18, -0.5, 0.2, 0.62
OVAL_STEPS, CURVE_STEPS = 28, 10


@dataclass(frozen=True, kw_only=True)
class Mood:
    """Distances from rest, about -1 to 1; but for `eyes`, which are 1 at rest."""

    raised: float = 0.0  # brows, up
    slanted: float = 0.0  # brows, their inner ends up
    eyes: float = 1.0  # how far open
    smile: float = 0.0  # corners of the mouth, up
    open: float = 0.0  # the mouth
    width: float = 0.0  # of the mouth
    wrinkled: float = 0.0  # the nose


MOODS: Mapping[str, Mood] = {
    "happy": Mood(raised=0.1, eyes=0.7, smile=1.0, open=0.35, width=0.35),
    "sad": Mood(raised=0.1, slanted=1.0, eyes=0.65, smile=-0.9, width=-0.15),
    "neutral": Mood(),
    "angry": Mood(raised=-0.55, slanted=-1.0, eyes=0.75, smile=-0.35, width=-0.1),
    "surprise": Mood(raised=1.0, eyes=1.5, open=1.0, width=-0.9),
    "disgust": Mood(raised=-0.35, slanted=-0.35, eyes=0.4, smile=-0.6, open=0.3, wrinkled=1.0),
    "fear": Mood(raised=0.75, slanted=0.9, eyes=1.45, smile=-0.6, open=0.4, width=0.4),
}


@dataclass(frozen=True, kw_only=True)
class Face:
    """A head on a page; lengths in pixels, the turn in radians."""

    paper: Colour
    skin: Colour
    hair: Colour
    ink: Colour
    iris: Colour
    side_px: int
    middle: Point
    half_px: float  # of the width of the head
    height: float  # of the head, in its widths
    turn: float
    long_hair: bool
    glasses: bool


def blend(one: Mood, other: Mood, share: float) -> Mood:
    """`share` of the other."""
    parts = (
        (each.name, getattr(one, each.name), getattr(other, each.name)) for each in fields(one)
    )
    return Mood(**{name: a + share * (b - a) for name, a, b in parts})


def page_of(face: Face, mood: Mood, moved: Point = (0.0, 0.0)) -> Page:
    """The face in that mood, moved by so many pixels."""
    drawing = _Drawing(face, moved)
    drawing.head()
    for side in (-1, 1):
        drawing.eye(side, mood)
        drawing.brow(side, mood)
    drawing.nose(mood)
    drawing.mouth(mood)
    fills, strokes = tuple(drawing.fills), tuple(drawing.strokes)
    return Page(side_px=face.side_px, paper=face.paper, fills=fills, strokes=strokes)


class _Drawing:
    """Collects what is drawn, from the back to the front."""

    def __init__(self, face: Face, moved: Point) -> None:
        self.face, self.moved = face, moved
        self.fills: list[Fill] = []
        self.strokes: list[Stroke] = []

    def head(self) -> None:
        height, hair = self.face.height, self.face.hair
        self.fill(_oval((0, -0.12), 1.08, height), hair)
        if self.face.long_hair:
            self.fill([(-1.1, -0.2), (1.1, -0.2), (1.15, 1.35), (-1.15, 1.35)], hair)
        self.fill(_oval((0, 0), 1, height), self.face.skin)
        fringe = [(x, y) for x, y in _oval((0, -0.1), 1.02, height) if y < -0.68 * height]
        self.fill(fringe, hair)

    def eye(self, side: int, mood: Mood) -> None:
        at = (side * EYE_X, EYE_Y)
        open_by = 0.15 * mood.eyes
        self.fill(_oval(at, 0.22, open_by), WHITE)
        self.fill(_oval(at, min(0.1, open_by), min(0.1, open_by)), self.face.iris)
        self.stroke(_oval(at, 0.22, open_by), 1.2)
        if self.face.glasses:
            self.stroke(_oval(at, 0.34, 0.3), 1.6)

    def brow(self, side: int, mood: Mood) -> None:
        height = BROW_Y - 0.16 * mood.raised
        inner = (side * (EYE_X - 0.24), height - 0.13 * mood.slanted)
        outer = (side * (EYE_X + 0.26), height + 0.13 * mood.slanted)
        bow = ((inner[0] + outer[0]) / 2, (inner[1] + outer[1]) / 2 - 0.06)
        self.stroke(_curve(inner, bow, outer), 3.0)

    def nose(self, mood: Mood) -> None:
        up = 0.06 * mood.wrinkled
        self.stroke([(-0.05, 0.0), (-0.1, NOSE_Y - up), (0.08, NOSE_Y - up)], 1.4)
        if mood.wrinkled > 0.4:
            for y in (-0.2, -0.12, -0.04):
                self.stroke([(-0.14, y - 0.03), (0.0, y + 0.02), (0.14, y - 0.03)], 1.2)

    def mouth(self, mood: Mood) -> None:
        half, lift, gape = 0.36 + 0.16 * mood.width, 0.2 * mood.smile, 0.36 * mood.open
        left, right = (-half, MOUTH_Y - lift), (half, MOUTH_Y - lift)
        upper = _curve(left, (0, MOUTH_Y + lift - gape), right)
        lower = _curve(right, (0, MOUTH_Y + lift + gape), left)
        if gape > 0.02:
            self.fill([*upper, *lower], MOUTH)
        self.stroke([*upper, *lower], 2.0)

    def fill(self, points: Sequence[Point], colour: Colour) -> None:
        self.fills.append(Fill(points=tuple(map(self.at, points)), colour=colour))

    def stroke(self, points: Sequence[Point], width_px: float) -> None:
        width_px *= self.face.half_px / 36
        placed = tuple(map(self.at, points))
        self.strokes.append(Stroke(points=placed, colour=self.face.ink, width_px=width_px))

    def at(self, point: Point) -> Point:
        """In pixels."""
        (x, y), face = point, self.face
        cos, sin = math.cos(face.turn), math.sin(face.turn)
        across, down = x * cos - y * sin, x * sin + y * cos
        return (
            round(face.middle[0] + self.moved[0] + across * face.half_px, 2),
            round(face.middle[1] + self.moved[1] + down * face.half_px, 2),
        )


def _oval(centre: Point, half_width: float, half_height: float) -> list[Point]:
    angles = (math.tau * step / OVAL_STEPS for step in range(OVAL_STEPS + 1))
    return [
        (centre[0] + half_width * math.cos(a), centre[1] + half_height * math.sin(a))
        for a in angles
    ]


def _curve(start: Point, towards: Point, end: Point) -> list[Point]:
    """A quadratic Bezier curve."""
    shares = (step / CURVE_STEPS for step in range(CURVE_STEPS + 1))
    return [
        (
            (1 - t) ** 2 * start[0] + 2 * t * (1 - t) * towards[0] + t * t * end[0],
            (1 - t) ** 2 * start[1] + 2 * t * (1 - t) * towards[1] + t * t * end[1],
        )
        for t in shares
    ]
