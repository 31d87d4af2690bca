"""Pictures as SVG: first paint, print, and all there is for a browser without scripts."""

from markupsafe import Markup

from server.web.charts import Bar, Column, bars, both, columns, pareto
from server.web.drawings import Picture
from server.web.graphs import Size, curves, scatter, stacks, trend


def svg(picture: Picture, label: str) -> Markup | None:
    """*picture* for desks and for phones; None for what is a table anyway."""
    if picture.kind == "table":
        return None
    return both(lambda narrow: _draw(picture, label, narrow))


def _draw(picture: Picture, label: str, narrow: bool) -> Markup:
    size: Size = "narrow" if narrow else "wide" if picture.wide else "half"
    match picture.kind:
        case "columns":
            return columns(_columns(picture), label, narrow=narrow)
        case "pareto":
            items = [(place.label, value or 0) for place, value in _pairs(picture)]
            shares = picture.lines[0].values
            total = (items[0][1] / shares[0]) if items and shares[0] else 0
            return pareto(items, label, total, hrefs=[place.href for place in picture.places], narrow=narrow)
        case "lying":
            return bars(_bars(picture), label, classes=[part.kind for part in picture.parts], narrow=narrow)
        case "trend":
            return trend(picture.places, picture.lines, label, limit=picture.limit, percent=picture.percent, size=size)
        case "curves":
            return curves(
                picture.across, picture.lines, label, axis=picture.axes[0], logarithmic=picture.logarithmic, size=size
            )
        case "scatter":
            return scatter(picture.points, label, axes=picture.axes, cuts=picture.cuts, size=size)
        case _:
            return stacks(
                picture.places, picture.parts, label, lines=picture.lines, limit=picture.limit,
                percent=picture.percent, beside=picture.beside, size=size,
            )  # fmt: skip


def _pairs(picture: Picture) -> list[tuple]:  # type: ignore[type-arg]
    return list(zip(picture.places, picture.parts[0].values, strict=True))


def _columns(picture: Picture) -> list[Column]:
    """Periods as columns; the year stands under the first one of it."""
    found: list[Column] = []
    year = ""
    for index, (place, value) in enumerate(_pairs(picture)):
        this, rest = place.label[:4], place.label[4:].lstrip("-")
        found.append(
            Column(
                label=rest.lstrip("0"),
                value=value or 0,
                title=place.title,
                year=this if this != year else "",
                mean=picture.lines[0].values[index],
                tone=picture.tones[index],
                partial=picture.partial[index],
                href=place.href,
            )
        )
        year = this
    return found


def _bars(picture: Picture) -> list[Bar]:
    return [
        Bar(
            label=place.label,
            parts=tuple(float(part.values[index] or 0) for part in picture.parts),
            title=place.title,
            note=picture.notes[index],
            href=place.href,
            thin=bool(picture.thin) and picture.thin[index],
        )
        for index, place in enumerate(picture.places)
    ]
