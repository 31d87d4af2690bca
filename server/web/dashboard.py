"""The boards: eight tiles, charts with what stands behind them, and everything of it as a workbook."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, abort, render_template, request
from markupsafe import Markup
from werkzeug.exceptions import MethodNotAllowed

from server.reports import PeriodNotOffered, UnknownReport, build_named_report, occasion
from server.reports.choices import DIMENSIONS, NoSuchChoice, chosen
from server.reports.connections import KINDS as CONNECTIONS
from server.reports.connections import Connection, default_kind
from server.statistics.boards.catalogue import BOARDS, CHARTS, on_board
from server.statistics.boards.chart import Chart
from server.statistics.boards.listing import MOST_LISTED
from server.statistics.dashboard import Figures, UnknownChart
from server.statistics.report_period import NoPeriod, ReportPeriod
from server.web.context import server_address, site
from server.web.dashboard_cells import shown as cell_shown
from server.web.dashboard_filters import KINDS, Filters, choices, filters, periods
from server.web.dashboard_tiles import shown
from server.web.drawings import Picture, beside_another, hrefs, picture
from server.web.files import XLSX, attachment, workbook
from server.web.language import current_language, local
from server.web.plotly_script import script_url, sheet_ids
from server.web.plots import plot
from server.web.svg_pictures import svg
from server.web.viewer import login_required, signed_in
from workbooks.dataset import Dataset
from workbooks.export import csv_file, tables_workbook
from workbooks.form import Text
from workbooks.report import load_reports

pages = Blueprint("dashboard", __name__)
FORMATS = ("xlsx", "csv")
ROWS_ON_FIRST_SCREEN = 8
_BARS = {"first_time_fix": 1, "arrived_in_time": 1, "shrunk": 4}  # columns with a bar, and how far it may reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One chart on the page: its drawing, its figure for the script, its table, and where the rows lead."""

    chart: Chart
    picture: Picture
    drawing: Markup | None
    figure: Markup | None
    rows: Sequence[tuple[str | None, Sequence[Any]]]
    shades: Sequence[int]

    @property
    def legend(self) -> list[tuple[str, str]]:
        """(kind, words) of what the colours mean; one colour needs no words."""
        drawn = [(part.kind, part.label) for part in self.picture.parts]
        drawn += [(f"line {line.kind}", line.label) for line in self.picture.lines]
        if self.picture.limit is not None and self.picture.limit_label:
            drawn.append(("limit", self.picture.limit_label))
        return drawn if len(drawn) > 1 else []


@pages.get("/")
@login_required
def show() -> str:
    """The first screen."""
    return _board("overview")


@pages.get("/boards/<board>")
@login_required
def board(board: str) -> str:
    """One of the other boards."""
    if board not in BOARDS:
        abort(404)
    return _board(board)


def _board(name: str) -> str:
    language, viewer = current_language(), signed_in()
    with site().session(read_only=True) as session:
        master = site().master(session, retired=True)
        asked = filters(master, site().now().date())
        figures = Figures(
            session, viewer, site=site(), period=asked.period, selection=asked.selection, language=language
        )
        found = figures.board(name)
        offered = choices(session, site(), viewer, master)
    arguments = asked.arguments()
    return render_template(
        "dashboard.html",
        board=name,
        boards=BOARDS,
        as_of=f"{found.as_of:%Y-%m-%d %H:%M}",
        window=found.window,
        tiles=[shown(tile) for tile in found.tiles],
        cards=[_card(found.charts[chart], arguments) if chart in found.charts else chart for chart in on_board(name)],
        filters=asked,
        kinds=_kinds(asked),
        periods=periods(asked.kind, site().now().date()),
        choices=offered,
        dimensions=DIMENSIONS,
        reports=_reports(asked),
        most=ROWS_ON_FIRST_SCREEN if name == "overview" else MOST_LISTED,
        beside_another=beside_another,
        **_for_charts(arguments),
    )


def _card(chart: Chart, arguments: dict[str, str]) -> Card:
    drawn = picture(chart, arguments)
    leads = hrefs(chart, arguments)
    return Card(
        chart=chart,
        picture=drawn,
        drawing=svg(drawn, local(chart.data.title)),
        figure=plot(drawn),
        rows=list(zip(leads, chart.data.rows(), strict=True)),
        shades=_shades(chart.data) if chart.name in _HEAT else (),
    )


_HEAT = ("matrix", "forms_due")  # tables whose cells are shaded


def _shades(data: Dataset) -> list[int]:
    """The highest value of the inner columns, by which cells are shaded in five steps."""
    inner = [value for values in data.data[1:-1] for value in values if value is not None]
    return [max(inner, default=0)]


def _kinds(asked: Filters) -> dict[str, tuple[Text, dict[str, str]]]:
    """(words, arguments) of the switch 月/季度/历史; each leads to the period around today."""
    others = {name: value for name, value in asked.arguments().items() if name != "period"}
    today = site().now().date()
    found: dict[str, tuple[Text, dict[str, str]]] = {}
    for kind, words in KINDS.items():
        period = {"period": ReportPeriod.around(kind, today).name} if kind else {}  # type: ignore[arg-type]
        found[kind] = (words, period | others)
    return found


def _reports(asked: Filters) -> list[tuple[str, Text, dict[str, str]]]:
    """(name, title, arguments) of the report workbooks; one that is not made for such a period comes with its own."""
    found = []
    for name, report in load_reports().items():
        arguments = asked.arguments()
        if asked.period is not None and asked.period.kind not in report.periods:
            del arguments["period"]
        found.append((name, report.title, arguments))
    return found


@pages.get("/charts/<name>")
@login_required
def card(name: str) -> str:
    """One chart: as a part of a board that asks for it, or as a page of its own."""
    if name not in CHARTS:
        abort(404)
    with site().session(read_only=True) as session:
        figures, asked = _figures(session)
        chart = figures.chart(name)
    part = request.headers.get("X-Requested-With") == "fetch"
    return render_template(
        "chart_part.html" if part else "chart.html", found=_card(chart, asked.arguments()), board="",
        most=ROWS_ON_FIRST_SCREEN if part and request.args.get("on") == "overview" else MOST_LISTED,
        filters=asked, as_of=f"{chart.data.as_of:%Y-%m-%d %H:%M}", window=figures.window,
        **_for_charts(asked.arguments()),
    )  # fmt: skip


def _for_charts(arguments: dict[str, str]) -> dict[str, Any]:
    """What every page with charts needs."""
    return {
        "arguments": arguments,
        "boards_of": {chart: entry.boards[-1] for chart, entry in CHARTS.items()},
        "plotly": script_url(),
        "sheet_ids": sheet_ids(),
        "cell": cell_shown,
        "bars": _BARS,
    }


@pages.get("/charts/<name>.<kind>")
@login_required
def export(name: str, kind: str) -> Response:
    """The numbers of one chart as they are drawn, with what they mean: a workbook, or CSV."""
    if kind not in FORMATS or name not in CHARTS:
        abort(404)
    with site().session(read_only=True) as session:
        figures, asked = _figures(session)
        data = _stamped(figures.chart(name).data, figures, asked)
    return _file(data, kind, asked, f"chart:{name}")


@pages.get("/charts/<name>/records")
@login_required
def behind(name: str) -> str:
    """The records behind one mark of a chart, each leading to itself."""
    mark = request.args.get("mark", "")[:200]
    with site().session(read_only=True) as session:
        figures, asked = _figures(session)
        try:
            found = figures.behind(name, mark)
        except UnknownChart:
            abort(404)
        chart = figures.chart(name)
        named = dict(zip(chart.marks, chart.data.data[0], strict=True)).get(mark.partition("|")[0], "—")
    return render_template(
        "behind.html", name=name, mark=mark, named=named, title=chart.data.title, found=found,
        filters=asked, arguments=asked.arguments(),
        as_of=f"{found.data.as_of:%Y-%m-%d %H:%M}", window=figures.window, cell=cell_shown,
    )  # fmt: skip


@pages.get("/charts/<name>/records.<kind>")
@login_required
def export_behind(name: str, kind: str) -> Response:
    """The same list as a file."""
    if kind not in FORMATS:
        abort(404)
    with site().session(read_only=True) as session:
        figures, asked = _figures(session)
        try:
            data = _stamped(figures.behind(name, request.args.get("mark", "")[:200]).data, figures, asked)
        except UnknownChart:
            abort(404)
    return _file(data, kind, asked, f"chart:{name}:records")


def _figures(session: Any) -> tuple[Figures, Filters]:
    asked = filters(site().master(session, retired=True), site().now().date())
    language = current_language()
    figures = Figures(
        session, signed_in(), site=site(), period=asked.period, selection=asked.selection, language=language
    )
    return figures, asked


def _stamped(data: Dataset, figures: Figures, asked: Filters) -> Dataset:
    """*data* with what it was narrowed to in words."""
    narrowed = figures.window.label, asked.selected
    return replace(data, period=Text("；".join(text.zh for text in narrowed), "; ".join(text.en for text in narrowed)))


def _file(data: Dataset, kind: str, asked: Filters, what: str) -> Response:
    language = current_language()
    with site().session() as session:
        site().note(session, signed_in(), "exported", what, format=kind, rows=len(data), **asked.arguments())
    title, day = data.title[language], f"{data.as_of:%Y-%m-%d}"
    label = asked.period.name if asked.period else day
    if kind == "csv":
        plain = f"{data.name}-{label}.csv"
        return attachment(csv_file(data, language), f"{title} {label}.csv", "text/csv; charset=utf-8", plain)
    content = tables_workbook([data], language, stamped=True)
    return attachment(content, f"{title} {label}.xlsx", XLSX, f"{data.name}-{label}.xlsx")


@pages.route("/reports/<name>.xlsx", methods=["GET", "POST"])
@login_required
def report(name: str) -> Response:
    """
    A report workbook with the figures this person may see: `period`, `region`, `station` and so on narrow it.

    `connection` says how it fetches them again (odata, none; web by POST: it makes feed links).
    """
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
    wanted = request.values.get("connection") or default_kind(site())
    kind = next((known for known in CONNECTIONS if known == wanted), None) or abort(400)
    if kind == "web" and request.method != "POST":
        raise MethodNotAllowed(valid_methods=["POST"])
    content = build_named_report(
        site(), name, signed_in(),
        language=language, as_of=about.as_of, period=about.period, selection=selection,
        connection=Connection(kind=kind, server=server_address(), reader=signed_in()),
        address=server_address(),
    )  # fmt: skip
    with site().session() as session:
        site().note(session, signed_in(), "exported", f"report:{name}", period=about.period.name)
    return workbook(content, about.file_name(language), about.plain_name)
