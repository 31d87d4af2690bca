"""Pictures as figures of plotly: what the script on the page draws in place of the SVG."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

from markupsafe import Markup

from server.web.drawings import Picture
from server.web.graphs import Point, Series
from server.web.svg import number, wrap

# The colours of page.css, by the same names.
COLOURS: Mapping[str, str] = {
    "s1": "#2f6fb5", "mean": "#e08a1e", "high": "#b93a32", "low": "#2b9a66", "good": "#2b9a66", "none": "#c3ceda",
    "a1": "#a9cbe9", "a2": "#5b95cd", "a3": "#f1c063", "a4": "#e2823c", "a5": "#b93a32",
    "c1": "#2f6fb5", "c2": "#e2823c", "c3": "#2b9a66", "limit": "#b93a32", "thin": "#b8c2cd",
}  # fmt: skip


_FEW_LINES = 6


def plot(picture: Picture) -> Markup | None:
    """*picture* as JSON for a script element; None for what is a table."""
    if picture.kind == "table":
        return None
    if picture.kind == "scatter":
        data, layout = _scatter(picture)
    elif picture.kind == "curves":
        data, layout = _numeric(picture)
    elif picture.kind == "lying":
        data, layout = _lying(picture)
    else:
        data, layout = _upright(picture)
    found: dict[str, Any] = {"data": data, "layout": layout}
    if picture.kind == "pareto":  # names under columns need more room than a phone has
        shares = [f"{number(v or 0)} · {s or 0:.0%}" for v, s in _counted(picture)]
        found["narrow"] = dict(zip(("data", "layout"), _lying(replace(picture, notes=tuple(shares))), strict=True))
    written = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    # No text in it may end the script element it stands in.
    return Markup(written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def _counted(picture: Picture) -> list[tuple[float | None, float | None]]:
    return list(zip(picture.parts[0].values, picture.lines[0].values, strict=True))


def _upright(picture: Picture) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    names = [escape(place.label, quote=False) for place in picture.places]
    said = [escape(place.title, quote=False) for place in picture.places]
    leads = [place.href for place in picture.places]
    second = picture.kind == "pareto"
    data = [_bar(picture, part, names, said, leads) for part in picture.parts]
    data += [_line(line, names, said, leads, second=second) for line in picture.lines]
    layout: dict[str, Any] = {
        "barmode": "group" if picture.beside else "stack",
        "xaxis": {"type": "category", "tickangle": 0},
        "yaxis": {"rangemode": "tozero", "fixedrange": True},
    }
    if second:
        layout["xaxis"] |= {
            "tickvals": names, "ticktext": ["<br>".join(map(escape, wrap(p.label, 76, 3))) for p in picture.places],
        }  # fmt: skip
    if len(picture.parts) == 1 and len(names) <= 24 and not picture.percent:
        data[0] |= {"text": [_short(value) for value in picture.parts[0].values], "textposition": "outside",
                    "textangle": 0, "cliponaxis": False}  # fmt: skip
    if picture.percent:
        layout["yaxis"]["tickformat"] = ".0%"
    if second:
        layout["yaxis2"] = {
            "overlaying": "y", "side": "right", "range": [0, 1.02], "tickformat": ".0%", "dtick": 0.2,
            "showgrid": False, "fixedrange": True,
        }  # fmt: skip
    if not picture.percent and not picture.lines and _few(picture):
        layout["yaxis"]["dtick"] = 1  # there are no halves of a complaint
    if picture.limit is not None:
        axis = "y2" if second else "y"
        layout["shapes"] = [_dashed("x domain", axis, [0, 1], [picture.limit] * 2)]
    return data, layout


def _few(picture: Picture) -> bool:
    """Whether the columns count so few things that every number has a line of its own."""
    values = [value or 0 for part in picture.parts for value in part.values]
    heights = [sum(column) for column in zip(*([v or 0 for v in part.values] for part in picture.parts), strict=True)]
    return all(value == int(value) for value in values) and max(heights, default=0) <= _FEW_LINES


def _short(value: float | None) -> str:
    return "" if not value else number(value, 1)


def _bar(
    picture: Picture, part: Series, names: Sequence[str], said: Sequence[str], leads: Sequence[str | None]
) -> dict[str, Any]:
    colour = COLOURS[part.kind]
    colours = [colour] * len(names)
    if picture.tones:
        colours = [COLOURS[tone] if tone else colour for tone in picture.tones]
    if picture.thin:
        colours = [COLOURS["thin"] if thin else own for thin, own in zip(picture.thin, colours, strict=True)]
    marker: dict[str, Any] = {"color": colours}
    if any(picture.partial):
        marker["pattern"] = {"shape": ["/" if partial else "" for partial in picture.partial], "bgcolor": "#eaf1f9"}
    return {
        "type": "bar", "name": escape(part.label, quote=False), "x": names, "y": part.values, "marker": marker,
        "hovertext": said, "hoverinfo": "text", "customdata": part.hrefs or leads,
    }  # fmt: skip


def _line(
    line: Series, names: Sequence[str], said: Sequence[str], leads: Sequence[str | None], *, second: bool
) -> dict[str, Any]:
    colour = COLOURS[line.kind]
    drawn: dict[str, Any] = {
        "type": "scatter", "mode": "lines+markers", "name": escape(line.label, quote=False), "x": names,
        "y": line.values, "line": {"color": colour, "width": 2.2}, "marker": {"color": colour, "size": 7},
        "hovertext": said, "hoverinfo": "text", "customdata": line.hrefs or leads,
    }  # fmt: skip
    if second:
        drawn["yaxis"] = "y2"
    if line.doubtful:
        drawn["marker"]["symbol"] = ["circle-open" if doubtful else "circle" for doubtful in line.doubtful]
    if line.lower and line.upper:
        drawn["error_y"] = {
            "type": "data", "symmetric": False, "color": "#8fb7dd", "thickness": 1.4, "width": 4,
            "array": [_gap(v, u) for v, u in zip(line.values, line.upper, strict=True)],
            "arrayminus": [_gap(l_, v) for l_, v in zip(line.lower, line.values, strict=True)],
        }  # fmt: skip
    return drawn


def _gap(low: float | None, high: float | None) -> float | None:
    return None if low is None or high is None else high - low


def _lying(picture: Picture) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    names = [escape(place.label, quote=False) for place in picture.places]
    said = [escape(place.title, quote=False) for place in picture.places]
    leads = [place.href for place in picture.places]
    data = []
    for part in picture.parts:
        drawn = _bar(picture, part, names, said, leads)
        data.append(drawn | {"orientation": "h", "x": part.values, "y": names})
    notes = [
        {"x": 1, "xref": "paper", "xanchor": "left", "xshift": 6, "y": name, "yref": "y", "text": escape(note),
         "showarrow": False}
        for name, note in zip(names, picture.notes, strict=True)
    ]  # fmt: skip
    layout = {
        "barmode": "stack",
        "yaxis": {"type": "category", "autorange": "reversed", "fixedrange": True, "dtick": 1, "ticks": ""},
        "xaxis": {"rangemode": "tozero", "fixedrange": True, "visible": False},
        "annotations": notes,
        "bargap": 0.38,
        "margin": {"r": 14 + max((_wide(note) for note in picture.notes), default=0), "t": 4, "b": 4},
    }
    return data, layout


def _wide(note: str) -> int:
    return sum(13 if ord(char) > 0x2E80 else 7 for char in note)


def _numeric(picture: Picture) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    said = [escape(place.title, quote=False) for place in picture.places]
    data = [
        {
            "type": "scatter", "mode": "lines", "name": escape(line.label, quote=False), "x": picture.across,
            "y": line.values, "line": {"color": COLOURS[line.kind], "width": 2}, "hovertext": said, "hoverinfo": "text",
        }
        for line in picture.lines
    ]  # fmt: skip
    kind = "log" if picture.logarithmic else "linear"
    layout = {"xaxis": {"type": kind, "title": {"text": escape(picture.axes[0])}}, "yaxis": {"type": kind}}
    return data, layout


def _scatter(picture: Picture) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    points = picture.points
    data = [
        {
            "type": "scatter", "mode": "markers+text", "x": [p.x for p in points], "y": [p.y for p in points],
            "text": [escape(p.label, quote=False) for p in points], "textposition": _name_places(points),
            "cliponaxis": False,
            "hovertext": [escape(p.title, quote=False) for p in points], "hoverinfo": "text",
            "customdata": [p.href for p in points], "showlegend": False,
            "marker": {
                "size": 11, "color": COLOURS["s1"],
                "symbol": ["circle-open" if p.thin else "circle" for p in points],
            },
        }
    ]  # fmt: skip
    across, up = picture.cuts
    shapes = []
    if across is not None:
        shapes.append(_dashed("x", "y domain", [across] * 2, [0, 1]))
    if up is not None:
        shapes.append(_dashed("x domain", "y", [0, 1], [up] * 2))
    layout = {
        "xaxis": {"title": {"text": escape(picture.axes[0])}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": escape(picture.axes[1])}},
        "shapes": shapes,
    }
    return data, layout


def _name_places(points: Sequence[Point]) -> list[str]:
    """Where the name of each point stands: above it, or where the name of no other near it is."""
    wide = max((p.x for p in points), default=0) / 8
    high = (max((p.y for p in points), default=0) - min((p.y for p in points), default=0)) / 9
    places: list[str] = []
    for point in points:
        taken = {
            place
            for other, place in zip(points, places, strict=False)
            if abs(other.x - point.x) < wide and abs(other.y - point.y) < high
        }
        free = [place for place in ("top center", "bottom center", "middle right") if place not in taken]
        places.append(free[0] if free else "top center")
    return places


def _dashed(xref: str, yref: str, x: Sequence[float], y: Sequence[float]) -> dict[str, Any]:
    style = {"color": COLOURS["limit"], "dash": "dash", "width": 1.2}
    return {
        "type": "line", "xref": xref, "yref": yref, "x0": x[0], "x1": x[1], "y0": y[0], "y1": y[1], "line": style,
    }  # fmt: skip
