"""How each chart of the boards is drawn: one picture, from which the server's drawing and the script's are made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flask import url_for

from server.statistics.boards.catalogue import CHARTS
from server.statistics.boards.chart import Chart
from server.statistics.figures import AGE_BUCKETS
from server.web.charts import Tone
from server.web.dashboard_cells import shown
from server.web.graphs import Place, Point, Series
from server.web.language import current_language, t
from server.web.svg import number
from workbooks.dataset import Column

Lead = Callable[[str], str | None]  # from a mark to the list of its records
Kind = Literal["columns", "pareto", "stacks", "trend", "lying", "scatter", "curves", "table"]
FEW = 5  # below so many facts a figure is grey and not to be compared
ESTIMATED = 0.2  # kilometres guessed beyond this share make a rate doubtful
MODES_SHOWN = 10
_FLAGS = ("complete", "vital", "line", "target")  # of use to a program, not to a reader of one point


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """
    What is drawn: *places* from left to right (or top to bottom), *parts* as blocks, *lines* over them.

    *limit* is a dashed line. *tones*, *partial* and *thin* mark places; *notes* stand
    behind lying bars; *points* and *cuts* make a scatter plot, *lines* over *across* curves.
    """

    kind: Kind
    places: tuple[Place, ...] = ()
    parts: tuple[Series, ...] = ()
    lines: tuple[Series, ...] = ()
    limit: float | None = None
    limit_label: str = ""
    percent: bool = False
    beside: bool = False
    tones: tuple[Tone, ...] = ()
    partial: tuple[bool, ...] = ()
    thin: tuple[bool, ...] = ()
    notes: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()
    cuts: tuple[float | None, float | None] = (None, None)
    axes: tuple[str, str] = ("", "")
    across: tuple[float, ...] = ()  # of curves: where each value stands on the lower axis
    logarithmic: bool = False
    wide: bool = False


def picture(chart: Chart, arguments: Mapping[str, str]) -> Picture:
    """How *chart* is drawn; *arguments* are the filters that its links carry on."""
    draw = _DRAWN.get(chart.name)
    if draw is None or not len(chart.data):
        return Picture(kind="table")

    def lead(mark: str) -> str | None:
        return behind(chart.name, mark, arguments) if CHARTS[chart.name].behind else None

    return draw(chart, lead)


def beside_another(name: str) -> bool:
    """Whether the chart called *name* takes half the width of a board: what is no drawing is a table."""
    return name in _DRAWN


def hrefs(chart: Chart, arguments: Mapping[str, str]) -> list[str | None]:
    """Where each row of *chart* leads: to the list of its records, or to the record itself."""
    if CHARTS[chart.name].behind is not None:
        return [behind(chart.name, mark, arguments) for mark in chart.marks]
    if chart.data.columns[0].name == "number":
        return [url_for("record.show", number=value) for value in chart.data.data[0]]
    return [None] * len(chart.data)


def behind(name: str, mark: str, arguments: Mapping[str, str]) -> str:
    """The address of the list of records behind *mark*."""
    values: dict[str, Any] = {**arguments, "name": name, "mark": mark}
    return url_for("dashboard.behind", **values)


def _places(chart: Chart, lead: Lead) -> tuple[Place, ...]:
    """A place per row: called as in the first column, with all other figures in its title."""
    columns = [c for c in chart.data.columns[1:] if c.name not in _FLAGS]
    values = [chart.column(c.name) for c in columns]
    separator, colon = {"zh": ("；", "："), "en": ("; ", ": ")}[current_language()]
    return tuple(
        Place(
            label=str(name),
            title=f"{name}{colon}" + separator.join(_said(columns, [v[i] for v in values])),
            href=lead(chart.marks[i]) if chart.marks else None,
        )
        for i, name in enumerate(chart.data.data[0])
    )


def _said(columns: Sequence[Column], values: Sequence[Any]) -> list[str]:
    return [
        f"{column.label[current_language()]} {shown(column.type, value, column.decimals)}"
        for column, value in zip(columns, values, strict=True)
        if value is not None
    ]


def _series(chart: Chart, name: str, kind: str, **more: Any) -> Series:
    column = next(column for column in chart.data.columns if column.name == name)
    return Series(label=column.label[current_language()], kind=kind, values=tuple(chart.column(name)), **more)


def _failures(chart: Chart, lead: Lead) -> Picture:
    tones: list[Tone] = []
    limits = zip(
        chart.column("failures"), chart.column("lower"), chart.column("upper"), chart.column("outside"), strict=True
    )
    for count, _, upper, outside in limits:
        tones.append("" if outside is None else "high" if count > upper else "low")
    return Picture(
        kind="columns",
        places=_places(chart, lead),
        parts=(_series(chart, "failures", "s1"),),
        lines=(_series(chart, "mean", "mean"),),
        tones=tuple(tones),
        partial=tuple(not done for done in chart.column("complete")),
        wide=True,
    )


def _modes(chart: Chart, lead: Lead) -> Picture:
    return Picture(
        kind="pareto",
        places=_places(chart, lead)[:MODES_SHOWN],
        parts=(_cut(_series(chart, "failures", "s1")),),
        lines=(_cut(_series(chart, "cumulative", "mean")),),
        limit=0.8,
        limit_label=t("80 % line"),
        wide=True,
    )


def _cut(series: Series) -> Series:
    return Series(label=series.label, kind=series.kind, values=series.values[:MODES_SHOWN])


def _ageing(chart: Chart, lead: Lead) -> Picture:
    parts = []
    for index in range(len(AGE_BUCKETS) + 1):
        leads = tuple(lead(f"{mark}|{index}") for mark in chart.marks)
        parts.append(_series(chart, f"age_{index}", f"a{index + 1}", hrefs=leads))
    notes = [
        number(total) + ("" if oldest is None else " · " + t("oldest {n} d", n=oldest))
        for total, oldest in zip(chart.column("total"), chart.column("oldest"), strict=True)
    ]
    return Picture(kind="lying", places=_places(chart, lead), parts=tuple(parts), notes=tuple(notes))


def _flow(chart: Chart, lead: Lead) -> Picture:
    lines = (("opened", "c2"), ("closed", "c3"), ("backlog", "c1"))
    series = tuple(_series(chart, name, kind) for name, kind in lines)
    return Picture(kind="trend", places=_places(chart, lead), lines=series)


def _rate(chart: Chart, lead: Lead) -> Picture:
    series = _series(
        chart,
        "rate",
        "c1",
        lower=tuple(chart.column("lower")),
        upper=tuple(chart.column("upper")),
        doubtful=tuple((share or 0) > ESTIMATED for share in chart.column("estimated")),
    )
    return Picture(kind="trend", places=_places(chart, lead), lines=(series,))


def _stations(chart: Chart, lead: Lead) -> Picture:
    counts = chart.column("failures")
    notes = [f"{number(n)} · " + t("{n} open", n=o) for n, o in zip(counts, chart.column("open"), strict=True)]
    return Picture(
        kind="lying",
        places=_places(chart, lead),
        parts=(_series(chart, "failures", "s1"),),
        thin=tuple(count < FEW for count in counts),
        notes=tuple(notes),
    )


def _campaigns(chart: Chart, lead: Lead) -> Picture:
    return Picture(
        kind="stacks",
        places=_places(chart, lead),
        parts=(_series(chart, "index", "s1"),),
        limit=chart.column("line")[0],
        limit_label=t("satisfied from"),
        thin=tuple((n or 0) < FEW for n in chart.column("n")),
    )


def _coverage(chart: Chart, lead: Lead) -> Picture:
    lines = (("coverage", "c3"), ("return", "c2"))
    return Picture(
        kind="stacks",
        places=_places(chart, lead),
        parts=(_series(chart, "product", "s1"),),
        lines=tuple(_series(chart, name, kind) for name, kind in lines),
        limit=chart.column("target")[0],
        limit_label=t("Target"),
        percent=True,
    )


def _items(chart: Chart, lead: Lead) -> Picture:
    notes = tuple(shown("decimal", score) for score in chart.column("score"))
    return Picture(kind="lying", places=_places(chart, lead), parts=(_series(chart, "score", "s1"),), notes=notes)


def _promoters(chart: Chart, lead: Lead) -> Picture:
    parts = (("promoters", "good"), ("passives", "a1"), ("detractors", "a5"))
    return Picture(
        kind="stacks",
        places=_places(chart, lead),
        parts=tuple(_series(chart, name, kind) for name, kind in parts),
        percent=True,
    )


def _complaints(chart: Chart, lead: Lead) -> Picture:
    parts = []
    for name, kind in (("class_quality", "s1"), ("class_human", "a3"), ("class_other", "a1"), ("class_none", "none")):
        leads = tuple(lead(f"{mark}|{name}") for mark in chart.marks)
        parts.append(_series(chart, name, kind, hrefs=leads))
    return Picture(kind="stacks", places=_places(chart, lead), parts=tuple(parts))


def _performance(chart: Chart, lead: Lead) -> Picture:
    rows = zip(_places(chart, lead), chart.column("hours"), chart.column("score"), chart.column("n"), strict=True)
    points = tuple(
        Point(x=hours, y=score, label=place.label, title=place.title, thin=n < FEW, href=place.href)
        for place, hours, score, n in rows
    )
    across = sorted(point.x for point in points)
    labels = {column.name: column.label[current_language()] for column in chart.data.columns}
    return Picture(
        kind="scatter",
        points=points,
        cuts=(across[len(across) // 2], 85.0),
        axes=(labels["hours"], labels["score"]),
        wide=True,
    )


def _trips(chart: Chart, lead: Lead) -> Picture:
    return Picture(
        kind="stacks",
        places=_places(chart, lead),
        parts=(_series(chart, "trips", "a1"), _series(chart, "persons", "s1")),
        lines=(_series(chart, "person_days", "mean"),),
        beside=True,
    )


def _plans(chart: Chart, lead: Lead) -> Picture:
    parts = (("overdue", "a5"), ("within_30", "a3"), ("within_60", "a2"), ("within_90", "a1"))
    return Picture(
        kind="lying",
        places=_places(chart, lead),
        parts=tuple(_series(chart, name, kind) for name, kind in parts),
        notes=tuple(number(total) for total in chart.column("total")),
    )


def _kept(chart: Chart, lead: Lead) -> Picture:
    parts = (("on_time", "good"), ("late", "a3"), ("overdue", "a5"), ("not_due", "none"))
    notes = tuple(shown("percent", rate) for rate in chart.column("rate"))
    return Picture(
        kind="lying",
        places=_places(chart, lead),
        parts=tuple(_series(chart, name, kind) for name, kind in parts),
        notes=notes,
    )


def _growth(chart: Chart, lead: Lead) -> Picture:
    lines = (("mean", "c1"), ("crow_amsaa", "c2"), ("duane", "c3"))
    return _curves(chart, "kilometres", lines, logarithmic=True)


def _mcf(chart: Chart, lead: Lead) -> Picture:
    return _curves(chart, "age", (("mcf", "c1"), ("lower", "none"), ("upper", "none")))


def _curves(chart: Chart, across: str, lines: Sequence[tuple[str, str]], *, logarithmic: bool = False) -> Picture:
    label = next(c.label[current_language()] for c in chart.data.columns if c.name == across)
    columns = [c for c in chart.data.columns if c.name in (across, *(name for name, _ in lines), "k", "at_risk")]
    titles = ("; ".join(_said(columns, row)) for row in zip(*(chart.column(c.name) for c in columns), strict=True))
    return Picture(
        kind="curves",
        places=tuple(Place(label="", title=title) for title in titles),
        lines=tuple(_series(chart, name, kind) for name, kind in lines),
        across=tuple(chart.column(across)),
        axes=(label, ""),
        logarithmic=logarithmic,
    )


_DRAWN: Mapping[str, Callable[[Chart, Lead], Picture]] = {
    "months": _failures,
    "modes": _modes,
    "ageing": _ageing,
    "flow": _flow,
    "rate": _rate,
    "stations": _stations,
    "campaigns": _campaigns,
    "coverage": _coverage,
    "items": _items,
    "promoters": _promoters,
    "complaints": _complaints,
    "performance": _performance,
    "trips_by_period": _trips,
    "growth_points": _growth,
    "mcf": _mcf,
    "plans": _plans,
    "kept": _kept,
}
