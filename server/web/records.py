"""Lists of records: search, filters, order, pages, and the same list as a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server.access.visibility import Viewer
from server.records.export import records_datasets
from server.records.form_tables import station_field
from server.records.store import SYSTEM_FIELDS, BadCondition, Condition, find, record_counts
from server.web.context import site
from server.web.files import XLSX, attachment
from server.web.gallery import definition_or_404
from server.web.language import current_language
from server.web.record import may_begin
from server.web.viewer import login_required, signed_in
from workbooks.export import csv_file, tables_workbook
from workbooks.form import Field, FieldType, FormDefinition
from workbooks.master import Master, MasterRow
from workbooks.values import show as show_value

pages = Blueprint("records", __name__)
PER_PAGE = 30
MOST_FILTERS = 4
FORMATS = ("xlsx", "csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the page may be narrowed by, what it is narrowed by now, and the conditions that follow."""

    text: str
    station: str
    state: str
    start: str
    end: str
    chosen: Mapping[str, str]
    sort: str
    on: Field | None  # the date that start and end speak of; the day of receipt when there is none
    choices: tuple[Field, ...]

    def conditions(self, definition: FormDefinition) -> list[Condition]:
        on = self.on.name if self.on else "created_at"
        station = station_field(definition)
        asked = [
            Condition(station.name, "=", self.station) if station and self.station else None,
            Condition("state", "=", self.state) if self.state else None,
            Condition(on, ">=", self.start) if self.start else None,
            Condition(on, "<=", self.end) if self.end else None,
            *(Condition(name, "=", value) for name, value in self.chosen.items() if value),
        ]
        return [condition for condition in asked if condition is not None]

    def arguments(self) -> dict[str, str]:
        """The filters as a query string that leads back here, empty ones left out."""
        asked = {
            "q": self.text,
            "station": self.station,
            "state": self.state,
            "from": self.start,
            "to": self.end,
            "sort": self.sort,
        }
        return {name: value for name, value in (asked | {f"f.{n}": v for n, v in self.chosen.items()}).items() if value}


@pages.get("/records")
@login_required
def overview() -> ResponseReturnValue:
    """The list of the form that is used most."""
    with site().session(read_only=True) as session:
        counts = record_counts(session, signed_in())
    forms = site().definitions
    if not forms:
        abort(404)
    busiest = max(forms, key=lambda form_id: sum(counts.get(form_id, {}).values()))
    return redirect(url_for("records.show", form_id=busiest))


@pages.get("/forms/<form_id>/records")
@login_required
def show(form_id: str) -> str:
    definition = definition_or_404(form_id)
    filters = _filters(definition)
    viewer, language = signed_in(), current_language()
    page = max(1, request.args.get("page", 1, type=int))
    zone = site().zone
    with site().session(read_only=True) as session:
        master = site().master(session, retired=True)
        counts = record_counts(session, viewer)
        try:
            found = find(
                session, viewer, definition, where=filters.conditions(definition), text=filters.text,
                order=filters.sort or "-updated_at", page=page, per_page=PER_PAGE, zone=zone,
            )  # fmt: skip
        except BadCondition:
            abort(400)
    columns = [definition.field(name) for name in definition.list_columns or definition.key]
    rows = [
        (row, [show_value(field, row.values.get(field.name), language, master) for field in columns])  # type: ignore[arg-type]
        for row in found.rows
    ]
    return render_template(
        "records.html",
        form=definition, forms=site().definitions.values(), counts={f: sum(c.values()) for f, c in counts.items()},
        columns=columns, rows=rows, total=found.total, page=page, pages=max(1, -(-found.total // PER_PAGE)),
        filters=filters, arguments=filters.arguments(), stations=_stations(master, viewer), numeric=_numeric,
        may_begin=may_begin(definition, viewer),
    )  # fmt: skip


@pages.get("/forms/<form_id>/records.<kind>")
@login_required
def export(form_id: str, kind: str) -> Response:
    """The whole list as filtered: a workbook with a table per sheet, or CSV."""
    if kind not in FORMATS:
        abort(404)
    definition = definition_or_404(form_id)
    filters = _filters(definition)
    language, zone = current_language(), site().zone
    with site().session(read_only=True) as session:
        try:
            found = find(
                session, signed_in(), definition, where=filters.conditions(definition), text=filters.text,
                order=filters.sort or "-updated_at", per_page=0, zone=zone,
            )  # fmt: skip
        except BadCondition:
            abort(400)
        datasets = records_datasets(
            definition, found.rows, master=site().master(session, retired=True), language=language, zone=zone
        )
    with site().session() as session:
        site().note(session, signed_in(), "exported", f"records:{form_id}", format=kind, rows=len(found.rows))
    today = f"{datetime.now(zone):%Y-%m-%d}"
    name, plain = f"{definition.title[language]} {today}.{kind}", f"{form_id}-{today}.{kind}"
    if kind == "csv":
        return attachment(csv_file(datasets[0], language), name, "text/csv; charset=utf-8", plain)
    return attachment(tables_workbook(datasets, language), name, XLSX, plain)


def _filters(definition: FormDefinition) -> Filters:
    listed = [definition.field(name) for name in definition.list_columns]
    choices = tuple(field for field in listed if field.choices)[:MOST_FILTERS]
    sort = request.args.get("sort", "")
    known = {*SYSTEM_FIELDS, *(field.name for field in definition.fields)}
    return Filters(
        text=request.args.get("q", "").strip()[:200],
        station=request.args.get("station", ""),
        state=request.args.get("state", ""),
        start=request.args.get("from", ""),
        end=request.args.get("to", ""),
        chosen={field.name: request.args.get(f"f.{field.name}", "") for field in choices},
        sort=sort if sort.removeprefix("-") in known else "",
        on=next((field for field in listed if field.type in (FieldType.DATE, FieldType.DATETIME)), None),
        choices=choices,
    )


def _stations(master: Master, viewer: Viewer) -> tuple[MasterRow, ...]:
    """The stations whose records this viewer may see; none to choose from for people of one station."""
    if viewer.station_bound:
        return ()
    rows = master.rows("stations")
    if viewer.region and not viewer.admin:
        return tuple(row for row in rows if row.attributes.get("region") == viewer.region)
    return rows


def _numeric(field: Any) -> bool:
    return field.type in (FieldType.INTEGER, FieldType.DECIMAL)
