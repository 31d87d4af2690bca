"""SVG elements, scales and text widths for charts that are drawn on the server."""

import math
import unicodedata
from collections.abc import Sequence

from markupsafe import Markup, escape


def element(tag: str, *children: str, **attributes: object) -> Markup:
    """
    One SVG element; text children are escaped, elements are not.

    An attribute's underscores become hyphens, a trailing one is dropped (`class_`), and
    None leaves the attribute out. Numbers are cut to a tenth of a pixel.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_short(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{tag}{written}>{''.join(escape(child) for child in children)}</{tag}>")  # noqa: S704 - every part is escaped


def join(parts: Sequence[Markup]) -> Markup:
    return Markup("").join(parts)


def drawing(width: float, height: float, label: str, *children: Markup, kind: str = "") -> Markup:
    """The whole picture; it scales to the width of its box, and *label* is read out instead of it."""
    return element(
        "svg",
        *children,
        class_=f"chart {kind}".strip(),
        viewBox=f"0 0 {width:g} {height:g}",
        role="img" if "<a " not in "".join(children) else "group",
        aria_label=label,
        preserveAspectRatio="xMidYMid meet",
    )


def text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "label") -> Markup:
    return element("text", words, x=x, y=y, text_anchor=anchor, class_=kind)


def line(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    """A line through *points*; a single point gives nothing."""
    if len(points) < 2:
        return Markup("")
    return element("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), class_=kind, fill="none")


def text_width(words: str, size: float = 12) -> float:
    """About how wide *words* stand, in pixels: Chinese characters are square, Latin ones a little over half as wide."""
    return sum(size if unicodedata.east_asian_width(char) in "WF" else size * 0.56 for char in words)


def fit(words: str, width: float, size: float = 12) -> str:
    """*words*, cut with an ellipsis to at most *width* pixels."""
    if text_width(words, size) <= width:
        return words
    while words and text_width(words + "…", size) > width:
        words = words[:-1]
    return words.rstrip() + "…"


def wrap(words: str, width: float, lines: int, size: float = 12) -> list[str]:
    """*words* in at most *lines* lines of *width* pixels, broken at spaces or between Chinese characters."""
    rows: list[str] = [""]
    for piece in _pieces(words):
        candidate = rows[-1] + piece
        if rows[-1] and text_width(candidate.rstrip(), size) > width:
            rows.append(piece.lstrip())
        else:
            rows[-1] = candidate
    rows = [row.strip() for row in rows]
    if len(rows) > lines:
        rows = [*rows[: lines - 1], "".join(rows[lines - 1 :])]
    return [fit(row, width, size) for row in rows]


def ticks(highest: float, count: int = 5) -> list[float]:
    """Round numbers from 0 to at least *highest*, about *count* steps of them, whole ones where the data are small."""
    if highest < 1e-9:
        return [0, 1]
    raw = highest / count
    magnitude = 10 ** math.floor(math.log10(raw))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= raw)
    if highest >= 1:
        step = max(1.0, step if step != 2.5 else 3.0 if raw > 2 else 2.0)
    return [step * index for index in range(math.ceil(highest / step - 1e-9) + 1)]


def number(value: float, decimals: int = 0) -> str:
    """*value* with thousands separators; *decimals* only where they are not all zero."""
    shown = f"{value:,.{decimals}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _pieces(words: str) -> list[str]:
    pieces: list[str] = []
    for char in words:
        if (
            pieces
            and unicodedata.east_asian_width(char) not in "WF"
            and not pieces[-1].endswith(" ")
            and pieces[-1][-1:].isascii()
        ):
            pieces[-1] += char
        else:
            pieces.append(char)
    return pieces


def _short(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
