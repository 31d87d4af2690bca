"""More charts as SVG: columns of several parts, lines with limits, points in four quadrants."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from server.web.charts import Frame, grid, linked
from server.web.svg import drawing, element, line, number, text, text_width, ticks

Size = Literal["wide", "half", "narrow"]
FRAMES = {
    "wide": Frame(960, 300, 40, 8, 18, 42),
    "half": Frame(470, 250, 40, 8, 16, 40),
    "narrow": Frame(350, 240, 36, 6, 16, 38),
}
MOST_SHOWN = {"wide": 400, "half": 24, "narrow": 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place on the lower axis; *title* is shown to a pointer, *href* leads to the records behind it."""

    label: str
    title: str
    href: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """
    Values by place, in the colour of *kind*; None leaves a gap.

    *lower* and *upper* are limits around each value, *doubtful* marks the values that
    rest on guesses.
    """

    label: str
    kind: str
    values: tuple[float | None, ...]
    lower: tuple[float | None, ...] = ()
    upper: tuple[float | None, ...] = ()
    doubtful: tuple[bool, ...] = ()
    hrefs: tuple[str | None, ...] = ()  # where the parts of one place lead to different records


def _cut(places: Sequence[Place], series: Sequence[Series], size: Size) -> tuple[Sequence[Place], list[Series]]:
    """The latest places that fit."""
    most = MOST_SHOWN[size]
    if len(places) <= most:
        return places, list(series)
    cut = [
        Series(
            label=s.label, kind=s.kind, values=s.values[-most:], lower=s.lower[-most:], upper=s.upper[-most:],
            doubtful=s.doubtful[-most:],
        )
        for s in series
    ]  # fmt: skip
    return places[-most:], cut


def stacks(
    places: Sequence[Place],
    parts: Sequence[Series],
    label: str,
    *,
    lines: Sequence[Series] = (),
    limit: float | None = None,
    percent: bool = False,
    beside: bool = False,
    size: Size = "half",
) -> Markup:
    """Columns of *parts* on top of or *beside* each other, with *lines* over them and a dashed *limit*."""
    (places, shown), frame = _cut(places, [*parts, *lines], size), FRAMES[size]
    parts, lines = shown[: len(parts)], shown[len(parts) :]
    sums = [sum((s.values[i] or 0) for s in parts) for i in range(len(places))]
    tops = [max((s.values[i] or 0) for s in parts) if beside else sums[i] for i in range(len(places))]
    highest = max([*tops, *(v or 0 for s in lines for v in s.values), limit or 0], default=0)
    steps = [0, 0.25, 0.5, 0.75, 1] if percent and highest <= 1.0001 else ticks(highest)
    height, slot = frame.scale(steps[-1]), frame.inner / max(1, len(places))
    room = min(slot * 0.7, 46)
    drawn: list[Markup] = [grid(frame, steps, height, percent=percent)]
    for index, place in enumerate(places):
        middle, below = frame.left + slot * (index + 0.5), 0.0
        shape = [element("title", place.title), _reach(frame, height(0), middle, slot)]
        for number_, part in enumerate(parts):
            value = part.values[index] or 0
            if value > 0 and beside:
                width = room / len(parts)
                shape.append(_block(middle - room / 2 + width * number_, height(value), width, height(0), part.kind))
            elif value > 0:
                shape.append(_block(middle - room / 2, height(below + value), room, height(below), part.kind))
                below += value
        if len(parts) == 1 and room >= 17 and parts[0].values[index] and not percent:
            words = number(parts[0].values[index] or 0, 1)
            shape.append(text(middle, height(parts[0].values[index] or 0) - 5, words, anchor="middle", kind="value"))
        drawn.append(linked(element("g", *shape, class_="mark"), place.href))
    drawn += _labels(places, frame, height(0), slot)
    drawn += _limit(frame, height, limit)
    drawn += [m for s in lines for m in _path(s, frame, height, slot)]
    return drawing(frame.width, frame.height, label, *drawn)


def trend(
    places: Sequence[Place],
    series: Sequence[Series],
    label: str,
    *,
    limit: float | None = None,
    percent: bool = False,
    size: Size = "half",
) -> Markup:
    """Lines through points, with their limits as whiskers; doubtful points are hollow."""
    (places, series), frame = _cut(places, series, size), FRAMES[size]
    reached = [v or 0 for s in series for v in (*s.values, *s.upper)]
    highest = max([*reached, limit or 0], default=0)
    steps = [0, 0.25, 0.5, 0.75, 1] if percent and highest <= 1.0001 else ticks(highest)
    height, slot = frame.scale(steps[-1]), frame.inner / max(1, len(places))
    drawn: list[Markup] = [grid(frame, steps, height, percent=percent)]
    for index, place in enumerate(places):
        middle = frame.left + slot * (index + 0.5)
        shape = [element("title", place.title), _reach(frame, height(0), middle, slot)]
        for s in series:
            low, high = (s.lower[index], s.upper[index]) if s.lower and s.upper else (None, None)
            if low is not None and high is not None:
                shape.append(_whisker(middle, height(low), height(high)))
        drawn.append(linked(element("g", *shape, class_="mark"), place.href))
    drawn += _labels(places, frame, height(0), slot)
    drawn += _limit(frame, height, limit)
    drawn += [m for s in series for m in _path(s, frame, height, slot)]
    return drawing(frame.width, frame.height, label, *drawn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of a scatter plot; *thin* ones, with few facts behind them, are hollow."""

    x: float
    y: float
    label: str
    title: str
    thin: bool = False
    href: str | None = None


def scatter(
    points: Sequence[Point],
    label: str,
    *,
    axes: tuple[str, str],
    cuts: tuple[float | None, float | None] = (None, None),
    size: Size = "half",
) -> Markup:
    """Points with their names; dashed lines at *cuts* part the plane into quadrants."""
    frame = FRAMES[size]
    steps = ticks(max((p.x for p in points), default=1))
    low = min([*(p.y for p in points), *(c for c in cuts[1:] if c is not None)], default=0) // 5 * 5
    high = (max([*(p.y for p in points), *(c for c in cuts[1:] if c is not None)], default=100) // 5 + 1) * 5
    bottom, right = frame.height - frame.bottom, frame.width - frame.right

    def across(value: float) -> float:
        return frame.left + frame.inner * value / steps[-1]

    def up(value: float) -> float:
        return frame.top + (bottom - frame.top) * (1 - (value - low) / (high - low))

    drawn = [
        element("line", x1=frame.left, x2=right, y1=bottom, y2=bottom, class_="axis"),
        element("line", x1=frame.left, x2=frame.left, y1=frame.top, y2=bottom, class_="axis"),
        *(text(across(step), bottom + 16, number(step), anchor="middle") for step in steps),
        *(text(frame.left - 6, up(value) + 4, number(value), anchor="end") for value in (low, high)),
        text(right, bottom + 32, axes[0], anchor="end"),
        text(frame.left + 4, frame.top - 4, axes[1]),
    ]
    if cuts[0] is not None:
        drawn.append(element("line", x1=across(cuts[0]), x2=across(cuts[0]), y1=frame.top, y2=bottom, class_="limit"))
    if cuts[1] is not None:
        drawn.append(element("line", x1=frame.left, x2=right, y1=up(cuts[1]), y2=up(cuts[1]), class_="limit"))
    for point in points:
        x, y = across(point.x), up(point.y)
        dot = element("circle", cx=x, cy=y, r=5, class_="dot thin" if point.thin else "dot")
        beyond = x > right - 70
        name = text(x - 8 if beyond else x + 8, y + 4, point.label, anchor="end" if beyond else "start", kind="small")
        drawn.append(linked(element("g", element("title", point.title), dot, name, class_="mark"), point.href))
    return drawing(frame.width, frame.height, label, *drawn)


def curves(
    across: Sequence[float],
    lines: Sequence[Series],
    label: str,
    *,
    axis: str,
    logarithmic: bool = False,
    size: Size = "half",
) -> Markup:
    """Lines over a scale of numbers, both scales logarithmic where asked."""
    frame = FRAMES[size]
    reached = [value for s in lines for value in s.values if value is not None and (value > 0 or not logarithmic)]
    scaled = math.log10 if logarithmic else float
    left, right = scaled(min(across)) if logarithmic else 0.0, scaled(max(across))
    low, high = scaled(min(reached, default=1)) if logarithmic else 0.0, scaled(max(reached, default=1))
    bottom = frame.height - frame.bottom

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            frame.left + frame.inner * (scaled(x) - left) / ((right - left) or 1),
            frame.top + (bottom - frame.top) * (1 - (scaled(y) - low) / ((high - low) or 1)),
        )

    drawn = [
        element("line", x1=frame.left, x2=frame.width - frame.right, y1=bottom, y2=bottom, class_="axis"),
        element("line", x1=frame.left, x2=frame.left, y1=frame.top, y2=bottom, class_="axis"),
        text(frame.left, bottom + 17, number(min(across) if logarithmic else 0)),
        text(frame.width - frame.right, bottom + 17, number(max(across)), anchor="end"),
        text(frame.width / 2, bottom + 32, axis, anchor="middle"),
        text(frame.left + 4, frame.top + 4, number(max(reached, default=1), 1)),
    ]
    for s in lines:
        points = [
            place(x, y) for x, y in zip(across, s.values, strict=True) if y is not None and (y > 0 or not logarithmic)
        ]
        drawn.append(line(points, f"path {s.kind}"))
    return drawing(frame.width, frame.height, label, *drawn)


def _block(x: float, y: float, width: float, bottom: float, kind: str) -> Markup:
    return element("rect", x=x, y=y, width=width, height=max(bottom - y, 0.0), class_=kind)


def _reach(frame: Frame, bottom: float, middle: float, slot: float) -> Markup:
    """The whole slot answers to the pointer, not only what is drawn in it."""
    return element("rect", x=middle - slot / 2, y=frame.top, width=slot, height=bottom - frame.top, class_="reach")


def _whisker(x: float, low: float, high: float) -> Markup:
    strokes = f"M{x:.1f} {low:.1f}V{high:.1f}M{x - 4:.1f} {low:.1f}h8M{x - 4:.1f} {high:.1f}h8"
    return element("path", d=strokes, class_="whisker", fill="none")


def _limit(frame: Frame, height: Callable[[float], float], limit: float | None) -> list[Markup]:
    if limit is None:
        return []
    y = height(limit)
    return [element("line", x1=frame.left, x2=frame.width - frame.right, y1=y, y2=y, class_="limit")]


def _path(series: Series, frame: Frame, height: Callable[[float], float], slot: float) -> list[Markup]:
    """The line of one series with its points; a gap breaks it."""
    places = [
        (index, frame.left + slot * (index + 0.5), height(value))
        for index, value in enumerate(series.values)
        if value is not None
    ]
    runs: list[list[tuple[float, float]]] = []
    last = -2
    for index, x, y in places:
        if index != last + 1:
            runs.append([])
        runs[-1].append((x, y))
        last = index
    drawn = [line(run, f"path {series.kind}") for run in runs]
    few = len(series.values) <= 40
    for index, x, y in places if few else ():
        doubtful = bool(series.doubtful) and series.doubtful[index]
        drawn.append(element("circle", cx=x, cy=y, r=3, class_=f"node {series.kind}{' thin' if doubtful else ''}"))
    return drawn


def _labels(places: Sequence[Place], frame: Frame, bottom: float, slot: float) -> list[Markup]:
    """The names under the axis, as many as there is room for, the last one always."""
    widest = max((len(place.label) for place in places), default=1) * 7 + 8
    every = max(1, -(-widest // max(1, int(slot))))

    def end(place: Place) -> float:
        return frame.width - text_width(place.label) / 2

    return [
        text(min(frame.left + slot * (index + 0.5), end(place)), bottom + 17, place.label, anchor="middle")
        for index, place in enumerate(places)
        if (len(places) - 1 - index) % every == 0
    ]
