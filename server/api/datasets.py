"""Datasets and reports: figures as JSON, CSV, workbook tables, and finished report workbooks."""

from datetime import UTC, date, datetime
from typing import Any

from flask import Response, request, url_for

from server.api.access import caller, needs
from server.api.blueprint import api, site
from server.api.forms import own_address, texts
from server.api.problems import Problem, wanted_language
from server.api.responses import JSON, XLSX, file_response, instant, json_response
from server.intake.macros import MEDIA_TYPE, report_with_macros
from server.reports import PeriodNotOffered, build_named_report, occasion
from server.reports.choices import DIMENSIONS, NoSuchChoice, chosen
from server.statistics.datasets import definition_of, load, names
from server.statistics.periods import EARLIEST, LATEST, OutOfReach, instant_of
from server.statistics.report_period import NoPeriod, ReportPeriod
from server.statistics.selection import Selection
from workbooks.dataset import Column, Dataset
from workbooks.export import csv_file, tables_workbook
from workbooks.form import Text
from workbooks.report import load_reports
from workbooks.reporting.dataset_definition import DatasetDefinition, Measure
from workbooks.reporting.measure_values import figure_of

CSV = "text/csv"
_FORMATS = {"json": JSON, "csv": CSV, "xlsx": XLSX}


@api.get("/datasets")
@needs("read")
def list_datasets() -> Response:
    return json_response(
        {
            "datasets": [
                _declared(definition_of(site(), name)) | {"links": {"self": url_for("api.get_dataset", name=name)}}
                for name in names(site())
            ]
        }
    )


@api.get("/datasets/<name>")
@needs("read")
def get_dataset(name: str) -> Response:
    """One dataset as of an instant: JSON, CSV or a workbook, by `format` or the Accept header."""
    if name not in names(site()):
        raise Problem("not-found")
    kind, language = _format(), wanted_language()
    with site().session(read_only=True) as session:
        dataset = load(
            session,
            name,
            caller(),
            site=site(),
            as_of=_as_of(),
            start=_day("start"),
            end=_day("end"),
            language=language,
        )
    with site().session() as session:
        site().note(session, caller(), "exported", f"dataset:{name}", format=kind, rows=len(dataset))
    if kind == "csv":
        return file_response(csv_file(dataset, language), f"{name}.csv", f"{name}.csv", f"{CSV}; charset=utf-8")
    if kind == "xlsx":
        return file_response(tables_workbook([dataset], language), f"{name}.xlsx", f"{name}.xlsx")
    return json_response(_as_dict(dataset))


@api.get("/reports")
@needs("read")
def list_reports() -> Response:
    return json_response(
        {
            "reports": [
                {
                    "name": name,
                    "title": texts(report.title),
                    "periods": list(report.periods),
                    "links": {"workbook": url_for("api.get_report", name=name)},
                }
                for name, report in load_reports().items()
            ]
        }
    )


@api.get("/reports/<name>")
@needs("read")
def get_report(name: str) -> Response:
    """The report workbook: tables, pivot tables and charts over what the caller may see."""
    reports = load_reports()
    if name not in reports:
        raise Problem("not-found")
    language = wanted_language()
    try:
        about = occasion(site(), name, period=_period(), as_of=_as_of())
    except PeriodNotOffered as error:
        raise Problem("bad-request", detail=error.message) from None
    content = build_named_report(
        site(), name, caller(),
        language=language, as_of=about.as_of, period=about.period, selection=_selection(),
    )  # fmt: skip
    with site().session() as session:
        site().note(session, caller(), "exported", f"report:{name}", period=about.period.name)
    title, name = about.file_name(language), about.plain_name
    if request.args.get("macros") != "1":
        return file_response(content, f"{title}.xlsx", f"{name}.xlsx")
    made = report_with_macros(content, about.report, settings=site().settings, language=language, server=own_address())
    return file_response(made, f"{title}.xlsm", f"{name}.xlsm", MEDIA_TYPE)


def _as_dict(dataset: Dataset) -> dict[str, Any]:
    columns = [column.name for column in dataset.columns]
    definition = definition_of(site(), dataset.name)
    measures = [_measure(measure) | _figure(measure, dataset) for measure in definition.measures]
    return _declared(definition) | {
        "period": texts(dataset.period),
        "as_of": instant(dataset.as_of.replace(tzinfo=site().zone).astimezone(UTC)),
        "measures": measures,
        "rows": [dict(zip(columns, row, strict=True)) for row in dataset.rows()],
    }


def _declared(definition: DatasetDefinition) -> dict[str, Any]:
    """What a dataset is, without its rows."""
    return {
        "name": definition.name,
        "title": texts(definition.title),
        "row": texts(definition.row),
        "definition": texts(definition.definition),
        "anchor": texts(definition.anchor.label) if definition.anchor else None,
        "filter": texts(definition.filter),
        "columns": [_column(column) for column in definition.columns],
        "measures": [_measure(measure) for measure in definition.measures],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "label": texts(column.label),
        "type": column.type,
        "unit": texts(column.unit) if column.unit else None,
        "definition": texts(column.definition) if column.definition else None,
    }


def _measure(measure: Measure) -> dict[str, Any]:
    return {
        "name": measure.name,
        "label": texts(measure.label),
        "unit": texts(measure.unit) if measure.unit.en else None,
        "percent": measure.percent,
        "decimals": measure.decimals,
        "definition": texts(measure.definition),
        "target": {"value": measure.target.value, "source": measure.target.source} if measure.target else None,
    }


def _figure(measure: Measure, dataset: Dataset) -> dict[str, Any]:
    value, n = figure_of(measure, dataset)
    return {"value": value, "n": n}


def _format() -> str:
    asked = request.args.get("format")
    if asked is None:
        accepted = request.accept_mimetypes
        best = accepted.best_match([JSON, CSV, XLSX]) if accepted else JSON
        asked = next((name for name, kind in _FORMATS.items() if kind == best), "")
    if asked not in _FORMATS:
        raise Problem("not-acceptable")
    return asked


def _day(name: str) -> date | None:
    asked = request.args.get(name)
    if not asked:
        return None
    try:
        return date.fromisoformat(asked)
    except ValueError:
        words = Text(f"{name} 应为日期，如 2026-11-21。", f"{name} is a date such as 2026-11-21.")
        raise Problem("bad-request", detail=words) from None


def _period() -> ReportPeriod | None:
    asked = request.args.get("period")
    try:
        return ReportPeriod.parse(asked) if asked else None
    except NoPeriod:
        words = Text(
            "period 应如 2026-05、2026Q2、2026 或 history。", "period is such as 2026-05, 2026Q2, 2026 or history."
        )
        raise Problem("bad-request", detail=words) from None


def _selection() -> Selection:
    with site().session(read_only=True) as session:
        master = site().master(session, retired=True)
    try:
        return chosen(master, {name: request.args.get(name) for name in DIMENSIONS})
    except NoSuchChoice as error:
        raise Problem("bad-request", detail=error.message) from None


def _as_of() -> datetime | None:
    """The end of the day asked for, in the site's zone; now when none is."""
    day = _day("as_of")
    try:
        return instant_of(day, site().zone) if day else None
    except OutOfReach:
        words = Text(f"as_of 应在 {EARLIEST} 与 {LATEST} 之间。", f"as_of lies between {EARLIEST} and {LATEST}.")
        raise Problem("bad-request", detail=words) from None
