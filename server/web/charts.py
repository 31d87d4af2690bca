"""
The dashboard's charts as SVG, each in a size for desks and one for phones.

Colours come from classes in the style sheet and nothing is inline, so that the pages'
content security policy can forbid inline styles and scripts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from markupsafe import Markup

from server.web.svg import drawing, element, fit, join, line, number, text, text_width, ticks, wrap

Tone = Literal["", "high", "low"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """
    One period of a column chart.

    *mean* is the line's height here, None where it has none. *tone* colours a period that
    lies outside its limits; *partial* hatches one that is not over yet. *year* stands
    under the first column of a year.
    """

    label: str
    value: float
    title: str
    year: str = ""
    mean: float | None = None
    tone: Tone = ""
    partial: bool = False
    href: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One line of a bar chart: its parts from left to right, and what to write behind them."""

    label: str
    parts: tuple[float, ...]
    title: str
    note: str = ""
    href: str | None = None
    thin: bool = False  # too few facts to be compared


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the plot stands inside the drawing."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float

    @property
    def inner(self) -> float:
        return self.width - self.left - self.right

    def scale(self, highest: float) -> Callable[[float], float]:
        """From a value to its height on the drawing."""
        span = self.height - self.top - self.bottom
        return lambda value: self.top + span * (1 - value / highest)


def both(draw: Callable[[bool], Markup]) -> Markup:
    """The drawing for desks and the one for phones; the style sheet shows one of them."""
    return join(
        [
            element("div", draw(False), class_="chart-box wide-only"),
            element("div", draw(True), class_="chart-box narrow-only"),
        ]
    )


def columns(points: Sequence[Column], label: str, *, narrow: bool = False) -> Markup:
    """Columns by period with a mean line; on a phone the latest periods that fit."""
    if narrow:
        points = points[-13:]
    frame = Frame(350, 250, 30, 6, 16, 38) if narrow else Frame(960, 300, 36, 8, 18, 42)
    steps = ticks(max((max(p.value, p.mean or 0) for p in points), default=0))
    height = frame.scale(steps[-1])
    slot = frame.inner / max(1, len(points))
    bar = min(slot * 0.68, 44)
    every = max(1, -(-30 * len(points) // int(frame.inner)))
    hatch = "hatch-narrow" if narrow else "hatch-wide"
    parts = [_hatch(hatch), grid(frame, steps, height)]
    for index, point in enumerate(points):
        middle = frame.left + slot * (index + 0.5)
        top = height(point.value)
        kind = " ".join(filter(None, ("column", point.tone, "partial" if point.partial else "")))
        fill = f"url(#{hatch})" if point.partial else None
        shape = [
            element("title", point.title),
            element("rect", x=middle - slot / 2, y=frame.top, width=slot, height=height(0) - frame.top, class_="reach"),
            element("rect", x=middle - bar / 2, y=top, width=bar, height=height(0) - top, rx=2, class_=kind, fill=fill),
        ]
        if bar >= 17 and point.value:
            shape.append(text(middle, top - 5, number(point.value), anchor="middle", kind="value"))
        parts.append(linked(element("g", *shape, class_="mark"), point.href))
        if (len(points) - 1 - index) % every == 0:
            at = min(middle, frame.width - text_width(point.label) / 2)
            parts.append(text(at, height(0) + 16, point.label, anchor="middle"))
        if point.year:
            parts.append(text(middle, height(0) + 32, point.year, anchor="middle", kind="label year"))
    means = [(frame.left + slot * (i + 0.5), height(p.mean)) for i, p in enumerate(points) if p.mean is not None]
    parts.append(line(means, "mean"))
    return drawing(frame.width, frame.height, label, *parts)


def linked(shape: Markup, href: str | None) -> Markup:
    """*shape* as a link to what stands behind it."""
    return element("a", shape, href=href) if href else shape


def pareto(
    items: Sequence[tuple[str, float]],
    label: str,
    total: float,
    *,
    hrefs: Sequence[str | None] = (),
    narrow: bool = False,
) -> Markup:
    """
    What fails most, in falling order, with the cumulative share of *total* and the 80 % line.

    On a phone the columns lie down and the cumulative share stands behind them in figures.
    """
    leads = [*hrefs, *[None] * (len(items) - len(hrefs))]
    shares = [running / total if total else 0.0 for running in accumulate(value for _, value in items)]
    if narrow:
        rows = [
            Bar(
                label=name,
                parts=(value,),
                title=f"{name}: {number(value)} ({share:.1%})",
                note=f"{number(value)} · {share:.0%}",
                href=href,
            )
            for (name, value), share, href in zip(items, shares, leads, strict=True)
        ]
        return bars(rows, label, narrow=True)
    frame = Frame(960, 300, 36, 44, 18, 50)
    steps = ticks(max((value for _, value in items), default=0))
    height, share_height = frame.scale(steps[-1]), frame.scale(1)
    slot = frame.inner / max(1, len(items))
    bar = min(slot * 0.66, 48)
    parts = [grid(frame, steps, height)]
    for (name, value), share, index in zip(items, shares, range(len(items)), strict=True):
        middle = frame.left + slot * (index + 0.5)
        shape = element(
            "g",
            element("title", f"{name}: {number(value)}, {share:.1%}"),
            element("rect", x=middle - slot / 2, y=frame.top, width=slot, height=height(0) - frame.top, class_="reach"),
            element(
                "rect",
                x=middle - bar / 2,
                y=height(value),
                width=bar,
                height=height(0) - height(value),
                rx=2,
                class_="column",
            ),
            text(middle, height(value) - 5, number(value), anchor="middle", kind="value"),
            class_="mark",
        )
        parts.append(linked(shape, leads[index]))
        for row, words in enumerate(wrap(name, slot - 6, 2)):
            parts.append(text(middle, height(0) + 17 + 16 * row, words, anchor="middle"))
    right = frame.width - frame.right
    for share in (0.2, 0.4, 0.6, 0.8, 1.0):
        parts.append(text(right + 6, share_height(share) + 4, f"{share:.0%}"))
    parts.append(element("line", x1=frame.left, x2=right, y1=share_height(0.8), y2=share_height(0.8), class_="limit"))
    points = [(frame.left + slot * (i + 0.5), share_height(share)) for i, share in enumerate(shares)]
    parts.append(line(points, "share"))
    parts += [element("circle", cx=x, cy=y, r=3, class_="share-point") for x, y in points]
    return drawing(frame.width, frame.height, label, *parts)


def bars(rows: Sequence[Bar], label: str, *, classes: Sequence[str] = ("s1",), narrow: bool = False) -> Markup:
    """Lying bars, each part in the colour class of its place; the notes stand behind them."""
    width = 350.0 if narrow else 470.0
    size = 12
    name_width = min(max((text_width(row.label, size) for row in rows), default=0) + 10, width * 0.36)
    note_width = max((text_width(row.note, size) for row in rows), default=0) + 10
    room = width - name_width - note_width
    highest = max((sum(row.parts) for row in rows), default=0) or 1
    pitch = 27 if len(rows) <= 10 else 23
    thick = pitch - 10
    parts: list[Markup] = []
    for index, row in enumerate(rows):
        y = 6 + pitch * index
        x = name_width
        shape = [
            element("title", row.title),
            element("rect", x=0, y=y - 4, width=width, height=pitch, class_="reach"),
            text(name_width - 10, y + thick / 2 + 4, fit(row.label, name_width - 10, size), anchor="end"),
            element("rect", x=x, y=y, width=room, height=thick, rx=2, class_="track"),
        ]
        for value, kind in zip(row.parts, classes, strict=False):
            length = room * value / highest
            if length > 0:
                shape.append(element("rect", x=x, y=y, width=max(length, 1.0), height=thick, class_=kind))
            x += length
        shape.append(text(width - note_width + 8, y + thick / 2 + 4, row.note, kind="value"))
        parts.append(linked(element("g", *shape, class_="mark thin" if row.thin else "mark"), row.href))
    return drawing(width, 8 + pitch * max(1, len(rows)), label, *parts, kind="lying")


def grid(frame: Frame, steps: Sequence[float], height: Callable[[float], float], *, percent: bool = False) -> Markup:
    """Lines at *steps* with their values at the left."""
    right = frame.width - frame.right
    decimals = 0 if all(step == int(step) for step in steps) else 2
    return join(
        [
            element(
                "g",
                element(
                    "line",
                    x1=frame.left,
                    x2=right,
                    y1=height(step),
                    y2=height(step),
                    class_="axis" if step == 0 else "grid",
                ),
                text(
                    frame.left - 7,
                    height(step) + 4,
                    f"{step:.0%}" if percent else number(step, decimals),
                    anchor="end",
                ),
            )
            for step in steps
        ]
    )


def _hatch(name: str) -> Markup:
    """The pattern of a period that is not over yet; with one id twice, the hidden drawing's pattern would be taken."""
    stripe = element("path", d="M0 6 6 0M-1 1 1 -1M5 7 7 5", class_="hatch-line")
    ground = element("rect", width=6, height=6, class_="hatch-ground")
    return element(
        "defs", element("pattern", ground, stripe, id=name, width=6, height=6, patternUnits="userSpaceOnUse")
    )
