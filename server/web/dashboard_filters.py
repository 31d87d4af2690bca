"""What a board is narrowed to, as its address says it, and what this viewer may choose from."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date

from flask import abort, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from server.access.visibility import Viewer, visible
from server.database import table_of
from server.records.master_tables import Customer, Station, Vehicle
from server.reports.choices import DIMENSIONS, label, options
from server.site import Site
from server.statistics.periods import months_later
from server.statistics.report_period import NoPeriod, ReportPeriod
from server.statistics.selection import Selection
from workbooks.form import Text
from workbooks.master import Master

YEARS_OFFERED = 10
KINDS: Mapping[str, Text] = {
    "": Text("近 12 个月", "12 months"),
    "month": Text("月", "Month"),
    "quarter": Text("季度", "Quarter"),
    "history": Text("历史", "History"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The period (None: the last twelve months) and the selection; *selected* says the latter in words."""

    period: ReportPeriod | None
    selection: Selection
    selected: Text

    @property
    def kind(self) -> str:
        return self.period.kind if self.period else ""

    def arguments(self) -> dict[str, str]:
        """The filters as a query string, what is open left out."""
        asked = {"period": self.period.name if self.period else None}
        asked |= {field.name: getattr(self.selection, field.name) for field in fields(self.selection)}
        return {name: value for name, value in asked.items() if value}


def filters(master: Master, today: date) -> Filters:
    """
    The filters in this request's address; one that is no period answers 400.

    A code that does not exist, or that the viewer may not see, selects nothing: the
    figures are those of no record at all.
    """
    asked = request.args.get("period", "")
    try:
        # A link to "month" or "quarter" is one to the month or quarter of the day it is opened.
        around = asked in ("month", "quarter")
        period = ReportPeriod.around(asked, today) if around else ReportPeriod.parse(asked) if asked else None  # type: ignore[arg-type]
    except NoPeriod:
        abort(400)
    selection = Selection(**{name: value for name in DIMENSIONS if (value := request.args.get(name, "")[:100])})
    return Filters(period=period, selection=selection, selected=label(master, selection))


def choices(session: Session, site: Site, viewer: Viewer, master: Master) -> dict[str, dict[str, Text]]:
    """By dimension, what there is to choose from in the viewer's scope; nothing where that would be one value."""
    stations = _codes(session, viewer, Station, "code")
    seen = {
        "station": stations,
        "region": {row.attributes.get("region", "") for row in master.rows("stations") if row.code in stations},
        "customer": _codes(session, viewer, Customer, "code"),
        "vehicle_type": _codes(session, viewer, Vehicle, "vehicle_type"),
        "system": set(options(master, "system")),
    }
    found: dict[str, dict[str, Text]] = {}
    for dimension in DIMENSIONS:
        offered = {code: text for code, text in options(master, dimension).items() if code in seen[dimension]}
        found[dimension] = offered if len(offered) > 1 else {}
    return found


def _codes(session: Session, viewer: Viewer, model: type, name: str) -> set[str]:
    """The values of a column of master data in the viewer's scope."""
    table = table_of(model)
    if model is Station:
        table_with_station = select(table.c.code.label("code"), table.c.code.label("station")).subquery()
        query = visible(select(table_with_station.c.code), table_with_station, viewer)
    else:
        query = visible(select(table.c[name]).distinct(), table, viewer)
    return {value for value in session.scalars(query) if value}


def periods(kind: str, today: date) -> list[ReportPeriod]:
    """The months or quarters to choose from, the running one first."""
    if kind not in ("month", "quarter"):
        return []
    step = {"month": 1, "quarter": 3}[kind]
    days = (months_later(today.replace(day=1), -step * back) for back in range(YEARS_OFFERED * 12 // step))
    return [ReportPeriod.around(kind, day) for day in days]  # type: ignore[arg-type]
