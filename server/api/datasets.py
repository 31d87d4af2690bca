"""Datasets and reports: figures as JSON, CSV, workbook tables, and finished report workbooks."""

from datetime import UTC
from typing import Any

from flask import Response, request, url_for

from server.api.access import caller, needs, readers_language, token_id
from server.api.blueprint import api, site
from server.api.forms import own_address, texts
from server.api.narrowing import asked_as_of, asked_day, asked_period, asked_selection
from server.api.problems import Problem, wanted_language
from server.api.responses import JSON, XLSX, file_response, instant, json_response
from server.intake.macros import MEDIA_TYPE, report_with_macros
from server.reports import PeriodNotOffered, build_named_report, occasion
from server.reports.connections import KINDS, Connection, default_kind
from server.statistics.datasets import definition_of, load, names
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
            as_of=asked_as_of(),
            start=asked_day("start"),
            end=asked_day("end"),
            language=language,
            selection=asked_selection(),
        )
    with site().session() as session:
        site().note(session, caller(), "exported", f"dataset:{name}", format=kind, rows=len(dataset))
    if kind == "csv":
        return file_response(csv_file(dataset, language), f"{name}.csv", f"{name}.csv", f"{CSV}; charset=utf-8")
    if kind == "xlsx":
        return file_response(tables_workbook([dataset], language, stamped=True), f"{name}.xlsx", f"{name}.xlsx")
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


@api.route("/reports/<name>", methods=["GET", "POST"])
@needs("read")
def get_report(name: str) -> Response:
    """
    The report workbook: tables, pivot tables and charts over what the caller may see.

    With `connection=web` it is asked for by POST: each such workbook gets feed links of its own.
    """
    reports = load_reports()
    if name not in reports:
        raise Problem("not-found")
    language = readers_language()
    try:
        about = occasion(site(), name, period=asked_period(), as_of=asked_as_of())
    except PeriodNotOffered as error:
        raise Problem("bad-request", detail=error.message) from None
    content = build_named_report(
        site(), name, caller(),
        language=language, as_of=about.as_of, period=about.period, selection=asked_selection(),
        connection=_connection(), address=own_address(),
    )  # fmt: skip
    with site().session() as session:
        site().note(session, caller(), "exported", f"report:{name}", period=about.period.name)
    title, name = about.file_name(language), about.plain_name
    if request.args.get("macros") != "1":
        return file_response(content, f"{title}.xlsx", f"{name}.xlsx")
    made = report_with_macros(content, about.report, settings=site().settings, language=language, server=own_address())
    return file_response(made, f"{title}.xlsm", f"{name}.xlsm", MEDIA_TYPE)


def _connection() -> Connection | None:
    """`connection`; by default odata where the server knows its address and no macros are asked for."""
    default = "none" if request.args.get("macros") == "1" else default_kind(site())
    asked = request.args.get("connection") or default
    kind = next((kind for kind in KINDS if kind == asked), None)
    if kind is None:
        words = Text(f"connection 应为 {'、'.join(KINDS)}。", f"connection is {', '.join(KINDS)}.")
        raise Problem("bad-request", detail=words)
    if kind == "web" and request.method != "POST":
        words = Text(
            "connection=web 会生成实时链接，请用 POST。", "connection=web makes feed links: ask for it by POST."
        )
        raise Problem("method-not-allowed", headers={"Allow": "POST"}, detail=words)
    return None if kind == "none" else Connection(kind=kind, server=own_address(), reader=caller(), token_id=token_id())


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
