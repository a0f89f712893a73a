"""Floor plans, as samples of `layout`: where stand the pieces, and where goes one more?

| preset | rooms | pieces | look |
|---|---|---|---|
| none | 4-6 x 3.5-5 m | A to D | brown lines on paper |
| `@ood` | 5.5-7.5 x 4.5-6 m | A to E | white lines on blue |

A stands outside of the plan and is to go into the corner with a cross.  The question is the same
for every plan of a preset: whoever does not look at it knows no more than one answer to all.
`floor_plans.py` draws the rooms; positions that are 2 cm off everywhere still earn 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from vlrl.contracts import Sample, Source
from vlrl.data.world.charts import blend
from vlrl.data.world.floor_plans import OUTSIDE, Limits, Plan, draw_plan, target_of
from vlrl.data.world.presets import preset_of
from vlrl.data.world.visual_math_paper import (
    Fill,
    Look,
    Page,
    Point,
    Stroke,
    Text,
    paint,
    text_at,
)
from vlrl.media import ImageOnDemand

SIDE_PX = 224
LEFT_PX, BOTTOM_PX = 20, 18  # between the room and the edges
ABOVE_M = 0.3  # between the room and the piece outside
CROSS_M = 0.25  # from the corner to the cross, and twice its arms

QUESTION = (
    "The plan shows a room from above, north at the top; the numbers are metres from the west and "
    "from the south wall. {outside} still stands outside: it is to go right into the corner with "
    "the cross, as it is turned now. {inside} stay where they are. All stand on the floor; their "
    "heights are {heights} (in metres). Where are the centres of all of them?"
)


@dataclass(frozen=True, kw_only=True)
class Preset:
    limits: Limits
    look: Look
    px_per_m: float


PRESETS = {
    "": Preset(
        limits=Limits(names="ABCD", length=(4.0, 6.0), width=(3.5, 5.0)),
        look=Look(
            paper=(250, 247, 240),
            ink=(90, 62, 44),
            accent=(196, 40, 40),
            fills=((232, 190, 120), (150, 190, 210), (170, 200, 150), (220, 170, 180)),
            width_px=2.0,
        ),
        px_per_m=30.0,
    ),
    "ood": Preset(
        limits=Limits(names="ABCDE", length=(5.5, 7.5), width=(4.5, 6.0)),
        look=Look(
            paper=(28, 62, 122),
            ink=(240, 244, 250),
            accent=(255, 214, 64),
            fills=((46, 92, 160), (60, 110, 120), (92, 84, 150), (70, 100, 90), (110, 80, 110)),
            width_px=1.5,
        ),
        px_per_m=26.0,
    ),
}


def samples(source: Source) -> Iterator[Sample]:
    """An endless stream; role (train, validation, test) and seed decide which plans it holds.

    Raises UserError for another task or an unknown preset.
    """
    preset = preset_of(source, "layout", PRESETS)
    for index in count():
        yield sample(f"{source.role}/{source.seed}/{index}", preset)


def sample(name: str, preset: str) -> Sample:
    settings = PRESETS[preset]
    plan = draw_plan(f"layout/{preset}/{name}", settings.limits)
    picture = ImageOnDemand(f"world/layout/{preset}/{name}", partial(_picture, plan, settings))
    return Sample(
        id=f"layout{'@' + preset if preset else ''}/{name}",
        task="layout",
        question=_question(settings.limits),
        target=target_of(plan),
        media=(picture,),
        image_size=(SIDE_PX, SIDE_PX),
        reasoning=_solution(plan),
    )


def _question(limits: Limits) -> str:
    inside = [name for name in limits.names if name != OUTSIDE]
    heights = [f"{name} {limits.heights[name]:g}" for name in limits.names]
    return QUESTION.format(
        outside=OUTSIDE,
        inside=f"{', '.join(inside[:-1])} and {inside[-1]}",
        heights=", ".join(heights),
    )


def _solution(plan: Plan) -> str:
    length, width = plan.size
    corner = f"{'north' if plan.corner[1] else 'south'}-{'east' if plan.corner[0] else 'west'}"
    lines = [f"The room is {length:g} m by {width:g} m."]
    for piece in plan.pieces:
        (x, y), (half_x, half_y) = piece.place, piece.half
        lines.append(
            f"{piece.name} is {2 * half_x:.2g} m by {2 * half_y:.2g} m"
            + (f" and goes into the {corner} corner" if piece.name == OUTSIDE else "")
            + f": x {x:g}, y {y:g}, z {piece.height / 2:g}."
        )
    return "\n".join(lines)


# The picture


def _picture(plan: Plan, settings: Preset) -> Any:
    return paint(page_of(plan, settings))


def page_of(plan: Plan, settings: Preset) -> Page:
    view = _View(plan, settings)
    fills, strokes, texts = [], [*view.lines(), *view.cross()], list(view.numbers())
    for piece, colour in zip(plan.pieces, settings.look.fills, strict=False):
        centre = view.outside(piece.half) if piece.name == OUTSIDE else piece.place
        ring = view.rectangle(centre, piece.half)
        fills.append(Fill(points=ring, colour=colour))
        strokes.append(view.stroke((*ring, ring[0])))
        texts.append(view.text(piece.name, view.at(*centre)))
    return Page(
        side_px=SIDE_PX,
        paper=settings.look.paper,
        fills=tuple(fills),
        strokes=tuple(strokes),
        texts=tuple(texts),
    )


class _View:
    """Metres of a plan in pixels, and what is drawn there."""

    def __init__(self, plan: Plan, settings: Preset) -> None:
        self.plan = plan
        self.look = settings.look
        self.scale = settings.px_per_m

    def at(self, x: float, y: float) -> Point:
        return round(LEFT_PX + x * self.scale, 2), round(SIDE_PX - BOTTOM_PX - y * self.scale, 2)

    def rectangle(self, centre: Point, half: Point) -> tuple[Point, ...]:
        (x, y), (dx, dy) = centre, half
        corners = ((x - dx, y - dy), (x + dx, y - dy), (x + dx, y + dy), (x - dx, y + dy))
        return tuple(self.at(*corner) for corner in corners)

    def outside(self, half: Point) -> Point:
        """Where the piece stands that is not in the room yet."""
        length, width = self.plan.size
        return length / 2, width + ABOVE_M + half[1]

    def stroke(self, points: tuple[Point, ...], faint: bool = False) -> Stroke:
        if faint:
            return Stroke(points=points, colour=blend(self.look.ink, self.look.paper), width_px=0.5)
        return Stroke(points=points, colour=self.look.ink, width_px=self.look.width_px * 0.7)

    def lines(self) -> Iterator[Stroke]:
        """The walls, and faint lines a metre apart."""
        length, width = self.plan.size
        for x in range(1, math.ceil(length)):
            yield self.stroke((self.at(x, 0), self.at(x, width)), faint=True)
        for y in range(1, math.ceil(width)):
            yield self.stroke((self.at(0, y), self.at(length, y)), faint=True)
        ring = self.rectangle((length / 2, width / 2), (length / 2, width / 2))
        wall = self.look.width_px * 1.5
        yield Stroke(points=(*ring, ring[0]), colour=self.look.ink, width_px=wall)

    def numbers(self) -> Iterator[Text]:
        length, width = self.plan.size
        for x in range(int(length) + 1):
            yield self.text(str(x), (self.at(x, 0)[0], SIDE_PX - BOTTOM_PX / 2))
        for y in range(int(width) + 1):
            yield self.text(str(y), (LEFT_PX / 2, self.at(0, y)[1]))

    def cross(self) -> Iterator[Stroke]:
        x, y = (
            CROSS_M + share * (side - 2 * CROSS_M)
            for share, side in zip(self.plan.corner, self.plan.size, strict=True)
        )
        arm = CROSS_M / 2
        for sign in (1, -1):
            ends = self.at(x - arm, y - sign * arm), self.at(x + arm, y + sign * arm)
            yield Stroke(points=ends, colour=self.look.accent, width_px=2.0)

    def text(self, text: str, centre: Point) -> Text:
        return text_at(text, centre, self.look.ink, self.look.font_px)
