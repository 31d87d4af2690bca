"""The first screen: eight figures with what it takes to read them, and four charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, Response, abort, render_template, request
from markupsafe import Markup

from server.reports import PeriodNotOffered, UnknownReport, build_named_report, occasion
from server.reports.choices import DIMENSIONS, NoSuchChoice, chosen
from server.statistics.dashboard import dashboard
from server.statistics.figures import AGE_LABELS, Dashboard, MonthFigures, Tile
from server.statistics.measures import round_half_up
from server.statistics.report_period import NoPeriod, ReportPeriod
from server.web.charts import Bar, Column, bars, both, columns, pareto
from server.web.context import site
from server.web.files import workbook
from server.web.language import current_language, local, t
from server.web.svg import number
from server.web.viewer import login_required, signed_in
from workbooks.form import Text
from workbooks.report import load_reports

pages = Blueprint("dashboard", __name__)

PERIODS = {"month": Text("月", "Months"), "quarter": Text("季度", "Quarters"), "history": Text("历史", "History")}
MONTHS_SHOWN = 24
QUARTERS_SHOWN = 12
MODES_SHOWN = 10
AGE_CLASSES = ("a1", "a2", "a3", "a4", "a5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One tile in words."""

    tile: Tile
    value: str
    unit: str
    target: str
    change: str
    limits: str


@pages.get("/")
@login_required
def show() -> str:
    period = request.args.get("period", "month")
    period = period if period in PERIODS else "month"
    viewer = signed_in()
    with site().session(read_only=True) as session:
        figures = dashboard(session, viewer, site=site())
    return render_template(
        "dashboard.html",
        figures=figures,
        as_of=f"{figures.as_of:%Y-%m-%d %H:%M}",
        tiles=[_tile(tile) for tile in figures.tiles],
        period=period,
        periods=PERIODS,
        failures=_failures(figures.months, period),
        modes=_modes(figures),
        ageing=_ageing(figures),
        stations=_stations(figures),
        age_labels=tuple(zip(AGE_CLASSES, AGE_LABELS, strict=True)),
        reports=load_reports(),
    )


@pages.get("/reports/<name>.xlsx")
@login_required
def report(name: str) -> Response:
    """A report workbook with the figures this person may see: `period`, `region`, `station` and so on narrow it."""
    language, asked = current_language(), request.args.get("period")
    with site().session(read_only=True) as session:
        master = site().master(session, retired=True)
    try:
        about = occasion(site(), name, period=ReportPeriod.parse(asked) if asked else None)
        selection = chosen(master, {dimension: request.args.get(dimension) for dimension in DIMENSIONS})
    except UnknownReport:
        abort(404)
    except (NoPeriod, PeriodNotOffered, NoSuchChoice):
        abort(400)
    content = build_named_report(
        site(), name, signed_in(), language=language, as_of=about.as_of, period=about.period, selection=selection
    )
    with site().session() as session:
        site().note(session, signed_in(), "exported", f"report:{name}", period=about.period.name)
    return workbook(content, about.file_name(language), about.plain_name)


def _tile(tile: Tile) -> Shown:
    unit = "%" if tile.share else tile.unit[current_language()]
    return Shown(
        tile=tile,
        value=_figure(tile, tile.value),
        unit=unit if tile.value is not None else "",
        target=_figure(tile, tile.target) + ("%" if tile.share else "") if tile.target is not None else "",
        change=_signed(tile) if tile.change is not None else "",
        limits=_limits(tile),
    )


def _figure(tile: Tile, value: float | None) -> str:
    """Rounded as Excel does; no data is a dash, never a zero."""
    if value is None:
        return "—"
    scaled = value * 100 if tile.share else value
    decimals = tile.decimals
    if tile.target is not None and abs(scaled - tile.target * (100 if tile.share else 1)) < 0.05:
        decimals = max(decimals, 2)  # 84.96 must not be shown as the 85 that it does not reach
    return f"{round_half_up(scaled, decimals):,.{decimals}f}"


def _signed(tile: Tile) -> str:
    """The change with its direction; one that vanishes in rounding is none."""
    assert tile.change is not None
    shown = _figure(tile, abs(tile.change))
    if float(shown.replace(",", "")) == 0:
        return t("unchanged")
    unit = {"zh": " 个百分点", "en": " pp"}[current_language()] if tile.share else ""
    return ("▲ " if tile.change > 0 else "▼ ") + shown + unit


def _limits(tile: Tile) -> str:
    if tile.limits is None:
        return ""
    upper = _figure(tile, tile.limits.upper) if tile.limits.upper is not None else "∞"
    return f"{_figure(tile, tile.limits.lower)} ~ {upper}"


def _failures(months: Sequence[MonthFigures], period: str) -> Markup | None:
    points = _quarters(months)[-QUARTERS_SHOWN:] if period == "quarter" else _months(months)
    if period == "month":
        points = points[-MONTHS_SHOWN:]
    if not any(point.value for point in points):
        return None
    label = t("Failures by quarter") if period == "quarter" else t("Failures by month")
    return both(lambda narrow: columns(points, label, narrow=narrow))


def _months(months: Sequence[MonthFigures]) -> list[Column]:
    return [
        Column(
            label=_month_name(month.month),
            value=month.failures,
            title=_month_title(month),
            year=str(month.month.year) if index == 0 or month.month.month == 1 else "",
            mean=month.mean,
            tone=month.outside,
            partial=not month.complete,
        )
        for index, month in enumerate(months)
    ]


def _quarters(months: Sequence[MonthFigures]) -> list[Column]:
    """Whole quarters; the mean is that of the four quarters before. Limits are a matter of months."""
    quarters: dict[tuple[int, int], list[MonthFigures]] = {}
    for month in months:
        quarters.setdefault((month.month.year, (month.month.month - 1) // 3), []).append(month)
    found: list[Column] = []
    for (year, quarter), members in quarters.items():
        count = sum(month.failures for month in members)
        before = [column.value for column in found[-4:]]
        name = f"{year} Q{quarter + 1}"
        found.append(
            Column(
                label=f"Q{quarter + 1}",
                value=count,
                title=t("{month}: {n} failures", month=name, n=count),
                year=str(year) if not found or quarter == 0 else "",
                mean=sum(before) / 4 if len(before) == 4 else None,
                partial=len(members) < 3 or not all(month.complete for month in members),
            )
        )
    return found


def _month_name(month: date) -> str:
    return {"zh": f"{month.month}月", "en": f"{month:%b}"}[current_language()]


def _month_title(month: MonthFigures) -> str:
    parts = [t("{month}: {n} failures", month=f"{month.month:%Y-%m}", n=month.failures)]
    if month.mean is not None:
        parts.append(t("mean {n}", n=f"{round_half_up(month.mean, 1):.1f}"))
    if month.lower is not None and month.upper is not None:
        parts.append(t("usual {low}–{high}", low=month.lower, high=month.upper))
    if not month.complete:
        parts.append(t("not over yet"))
    return {"zh": "，", "en": ", "}[current_language()].join(parts)


def _modes(figures: Dashboard) -> Markup | None:
    items = [(local(mode.label), mode.row.count) for mode in figures.modes]
    if not items:
        return None
    total = sum(count for _, count in items)
    label = t("Failure modes (Pareto)")
    return both(lambda narrow: pareto(items[:MODES_SHOWN], label, total, narrow=narrow))


def _ageing(figures: Dashboard) -> Markup | None:
    if not any(stage.total for stage in figures.ageing):
        return None
    separator = {"zh": "，", "en": ", "}[current_language()]
    rows = [
        Bar(
            label=local(stage.label),
            parts=tuple(float(count) for count in stage.counts),
            title=separator.join(
                f"{local(label)}: {count}" for label, count in zip(AGE_LABELS, stage.counts, strict=True)
            ),
            note=f"{number(stage.total)} · " + t("oldest {n} d", n=stage.oldest)
            if stage.oldest is not None
            else number(stage.total),
        )
        for stage in figures.ageing
    ]
    return both(lambda narrow: bars(rows, t("Open cases by stage and age"), classes=AGE_CLASSES, narrow=narrow))


def _stations(figures: Dashboard) -> Markup | None:
    if not figures.stations:
        return None
    ordered = sorted(figures.stations, key=lambda station: -station.failures)
    rows = [
        Bar(
            label=local(station.label),
            parts=(float(station.failures),),
            title=f"{local(station.label)} ({local(station.region)}): {number(station.failures)}",
            note=f"{number(station.failures)} · " + t("{n} open", n=station.open),
        )
        for station in ordered
    ]
    return both(lambda narrow: bars(rows, t("Stations, last 12 months"), narrow=narrow))
