"""Line and area charts as geometry: paths, ticks in percent of an axis, values to show on hover.

The page draws a path in an SVG of 1000 x 1000 units that stretches with its box, and sets every
label as text beside it, so that a chart is sharp and legible at any width.  Points are
(step, value).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Point = tuple[float, float]
Unit = Literal["share", "number"]

SIDE = 1000  # of the SVG's coordinate system
MAX_POINTS = 500  # per curve; longer ones are averaged in even bins
SMOOTHING = 0.04  # half width of the running mean, as a share of the number of points


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a chart; `spread` gives (low, high) for each point."""

    name: str
    colour: int
    points: tuple[Point, ...]
    spread: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tick:
    at: float  # percent of the axis
    text: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One SVG path; `role` is line, dots, whiskers or area."""

    role: str
    colour: int
    path: str


@dataclass(frozen=True, kw_only=True)
class Legend:
    name: str
    colour: int
    text: str  # "first → last"


@dataclass(frozen=True, kw_only=True)
class Chart:
    title: str
    about: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    legend: tuple[Legend, ...]
    hover: dict[str, Any]  # {"x": steps, "at": percents, "series": [{"name", "colour", "text"}]}


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Maps steps and values to the SVG's square, with y pointing up."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, step: float) -> float:
        return _share(step, self.x_low, self.x_high)

    def y(self, value: float) -> float:
        return _share(value, self.y_low, self.y_high)

    def point(self, step: float, value: float) -> str:
        return f"{round(self.x(step) * SIDE)} {round((1 - self.y(value)) * SIDE)}"


def line_chart(title: str, curves: Sequence[Curve], unit: Unit, about: str = "") -> Chart | None:
    """Draw curves over each other: faint dots for logged values, a line for their running mean.

    Curves with a spread are drawn point to point with whiskers instead.  Shares use the axis 0 to
    1.  Returns None where no curve has a point.
    """
    curves = [thin(curve) for curve in curves if curve.points]
    if not curves:
        return None
    scale, y_values = _scale(curves, unit)
    return Chart(
        title=title,
        about=about,
        x_ticks=_x_ticks(scale),
        y_ticks=_y_ticks(scale, y_values, unit),
        marks=tuple(mark for curve in curves for mark in _marks(curve, scale)),
        legend=tuple(_legend(curve, unit) for curve in curves),
        hover=_hover(curves, scale, unit),
    )


def area_chart(title: str, curves: Sequence[Curve], about: str = "") -> Chart | None:
    """Stack shares that sum to at most 1; all curves have the same steps.

    Returns None where no curve has a point.
    """
    curves = [thin(curve) for curve in curves if curve.points]
    if not curves:
        return None
    scale = Scale(x_low=curves[0].points[0][0], x_high=curves[0].points[-1][0], y_low=0, y_high=1)
    floor = [0.0] * len(curves[0].points)
    marks = []
    for curve in curves:
        top = [below + share for below, (_, share) in zip(floor, smooth(curve.points), strict=True)]
        steps = [step for step, _ in curve.points]
        marks.append(Mark(role="area", colour=curve.colour, path=_area(steps, floor, top, scale)))
        floor = top
    return Chart(
        title=title,
        about=about,
        x_ticks=_x_ticks(scale),
        y_ticks=_y_ticks(scale, (0, 0.5, 1), "share"),
        marks=tuple(marks),
        legend=tuple(_legend(curve, "share") for curve in curves),
        hover=_hover(curves, scale, "share"),
    )


def smooth(points: Sequence[Point]) -> list[Point]:
    """Running mean over the neighbours within `SMOOTHING` of the number of points on each side."""
    reach = math.floor(len(points) * SMOOTHING)
    return [
        (step, _mean([value for _, value in points[max(0, i - reach) : i + reach + 1]]))
        for i, (step, _) in enumerate(points)
    ]


def thin(curve: Curve) -> Curve:
    """Average a curve in even bins so that at most `MAX_POINTS` remain; one with a spread stays."""
    num_bins = math.ceil(len(curve.points) / MAX_POINTS)
    if num_bins <= 1 or curve.spread:
        return curve
    bins = [curve.points[i : i + num_bins] for i in range(0, len(curve.points), num_bins)]
    means = tuple((b[-1][0], _mean([value for _, value in b])) for b in bins)
    return Curve(name=curve.name, colour=curve.colour, points=means)


def nice_ticks(low: float, high: float, num: int = 4) -> list[float]:
    """About `num` round numbers (1, 2 or 5 times a power of ten apart) that enclose [low, high]."""
    if high <= low:
        low, high = low - max(abs(low), 1) / 2, high + max(abs(high), 1) / 2
    raw = (high - low) / num
    power = 10.0 ** math.floor(math.log10(raw))
    spacing = next(s * power for s in (1, 2, 5, 10) if s * power >= raw * 0.999)
    first, last = math.floor(low / spacing + 1e-9), math.ceil(high / spacing - 1e-9)
    return [round(i * spacing, 12) for i in range(first, last + 1)]


def show(value: float | None, unit: Unit = "number") -> str:
    """Write a value with about three significant digits, shares in percent; an en dash for None."""
    if value is None:
        return "–"
    if unit == "share":
        return f"{value * 100:.1f} %"
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.2g}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _scale(curves: Sequence[Curve], unit: Unit) -> tuple[Scale, Sequence[float]]:
    steps = [step for curve in curves for step, _ in curve.points]
    if unit == "share":
        ticks: Sequence[float] = (0, 0.25, 0.5, 0.75, 1)
    else:
        values = [value for curve in curves for _, value in curve.points]
        low, high = min(values), max(values)
        ticks = nice_ticks(0 if 0 < low < high / 2 else low, high)
    return Scale(x_low=min(steps), x_high=max(steps), y_low=ticks[0], y_high=ticks[-1]), ticks


def _x_ticks(scale: Scale) -> tuple[Tick, ...]:
    inside = [
        t for t in nice_ticks(scale.x_low, scale.x_high, num=6) if scale.x_low <= t <= scale.x_high
    ]
    return tuple(Tick(at=scale.x(t) * 100, text=f"{t:,g}") for t in inside)


def _y_ticks(scale: Scale, values: Sequence[float], unit: Unit) -> tuple[Tick, ...]:
    texts = [f"{v * 100:.0f} %" if unit == "share" else show(v) for v in values]
    return tuple(Tick(at=scale.y(v) * 100, text=t) for v, t in zip(values, texts, strict=True))


def _marks(curve: Curve, scale: Scale) -> list[Mark]:
    if curve.spread:
        return [
            Mark(role="whiskers", colour=curve.colour, path=_whiskers(curve, scale)),
            Mark(role="line", colour=curve.colour, path=_line(curve.points, scale)),
            Mark(role="ends", colour=curve.colour, path=_dots(curve.points, scale)),
        ]
    return [
        Mark(role="dots", colour=curve.colour, path=_dots(curve.points, scale)),
        Mark(role="line", colour=curve.colour, path=_line(smooth(curve.points), scale)),
    ]


def _line(points: Sequence[Point], scale: Scale) -> str:
    return "M" + "L".join(scale.point(*point) for point in points)


def _dots(points: Sequence[Point], scale: Scale) -> str:
    """Strokes without length: their round caps stay round dots however the SVG is stretched."""
    return "".join(f"M{scale.point(*point)}h0" for point in points)


def _whiskers(curve: Curve, scale: Scale) -> str:
    return "".join(
        f"M{scale.point(step, low)}L{scale.point(step, high)}"
        for (step, _), (low, high) in zip(curve.points, curve.spread, strict=True)
    )


def _area(
    steps: Sequence[float], floor: Sequence[float], top: Sequence[float], scale: Scale
) -> str:
    upper = [scale.point(step, value) for step, value in zip(steps, top, strict=True)]
    lower = [scale.point(step, value) for step, value in zip(steps, floor, strict=True)]
    return "M" + "L".join(upper + lower[::-1]) + "Z"


def _legend(curve: Curve, unit: Unit) -> Legend:
    means = curve.points if curve.spread else smooth(curve.points)
    first, last = show(means[0][1], unit), show(means[-1][1], unit)
    return Legend(name=curve.name, colour=curve.colour, text=f"{first} → {last}")


def _hover(curves: Sequence[Curve], scale: Scale, unit: Unit) -> dict[str, Any]:
    steps = sorted({step for curve in curves for step, _ in curve.points})
    series = []
    for curve in curves:
        texts = _texts(curve, unit)
        series.append(
            {
                "name": curve.name,
                "colour": curve.colour,
                "text": [texts.get(step) for step in steps],
            }
        )
    return {"x": steps, "at": [round(scale.x(step) * 100, 2) for step in steps], "series": series}


def _texts(curve: Curve, unit: Unit) -> dict[float, str]:
    """What to show on hover at each step: the logged value, and its interval where there is one."""
    texts = {step: show(value, unit) for step, value in curve.points}
    for (step, _), (low, high) in zip(curve.points, curve.spread, strict=False):
        texts[step] += f" ({show(low, unit)} to {show(high, unit)})"
    return texts


def _share(value: float, low: float, high: float) -> float:
    if high == low:
        return 0.5
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
