"""From master data: the trains a viewer may see with their readings, the parts they carry, their retrofits."""

from collections import defaultdict
from datetime import date

from sqlalchemy import func, select

from server.access.visibility import visible
from server.database import table_of
from server.records import form_tables
from server.records.master_tables import Exposure, FittedPart, Retrofit, Vehicle
from server.statistics import case_rows
from server.statistics.exposure import FittedParts, Fleet, TrainLife
from server.statistics.selection import Selection
from server.statistics.snapshot import View

_VEHICLES, _EXPOSURES = table_of(Vehicle), table_of(Exposure)
_PARTS, _RETROFITS = table_of(FittedPart), table_of(Retrofit)


def fleet_of(view: View, selection: Selection, regions: dict[str, str]) -> Fleet:
    """
    The trains in the viewer's scope, each under observation since its acceptance or the first failure known.

    Readings come from the master data and from the forms, up to the view's day. Trains that
    have been retired count until then, those gone from the list without a date until their
    last reading; those *selection* leaves out still tell how their type runs.
    """
    today = view.local.date()
    start = _start(view) or today
    kilometres, hours = _readings(view)
    columns = ("code", "vehicle_type", "accepted_on", "retired_on", "station", "customer", "active")
    query = visible(select(*(_VEHICLES.c[name] for name in columns)), _VEHICLES, view.viewer)
    trains = [
        TrainLife(
            code=row.code,
            type=row.vehicle_type,
            begin=max(start, row.accepted_on or start),
            end=row.retired_on or (None if row.active else _last(kilometres[row.code])),
            accepted_on=row.accepted_on,
            station=row.station,
            customer=row.customer,
            readings=tuple(kilometres[row.code]),
            hours=tuple(hours[row.code]),
        )
        for row in view.session.execute(query.order_by(_VEHICLES.c.code))
        # A row that is gone and never ran was a mistake, not a train.
        if row.active or row.retired_on is not None or kilometres[row.code]
    ]
    return Fleet(trains, [train.code for train in trains if not selection or selection.holds(train, regions)])


def _last(readings: list[tuple[date, float]]) -> date:
    return max(day for day, _ in readings)


def _start(view: View) -> date | None:
    """The day of the first failure the view knows: before it nobody kept records."""
    table = case_rows.kept(view)
    query = select(func.min(table.c.occurred_at)).where(case_rows.known(table, view))
    found = view.session.scalar(query)
    return None if found is None else found.date()


def _readings(view: View) -> tuple[dict[str, list[tuple[date, float]]], dict[str, list[tuple[date, float]]]]:
    """(odometers, hour meters) by train, from forms and returns."""
    kilometres: dict[str, list[tuple[date, float]]] = defaultdict(list)
    hours: dict[str, list[tuple[date, float]]] = defaultdict(list)
    table = case_rows.kept(view)
    query = select(table.c.vehicle, table.c.occurred_at, table.c.mileage_km)
    query = query.where(case_rows.known(table, view), table.c.mileage_km.is_not(None), table.c.vehicle.is_not(None))
    if not view.viewer.sees_all:
        current = form_tables.table(view.site.definitions[case_rows.FORM])
        query = visible(query.join(current, current.c.record_id == table.c.record_id), current, view.viewer)
    for vehicle, occurred_at, km in view.session.execute(query):
        kilometres[vehicle].append((occurred_at.date(), float(km)))
    returns = select(_EXPOSURES).where(_EXPOSURES.c.active, _EXPOSURES.c.as_of <= view.local.date())
    for row in view.session.execute(returns):
        if row.odometer_km is not None:
            kilometres[row.vehicle].append((row.as_of, row.odometer_km))
        if row.operating_hours is not None:
            hours[row.vehicle].append((row.as_of, row.operating_hours))
    return kilometres, hours


def fitted_parts_of(view: View) -> FittedParts:
    """The quantities in force, oldest first."""
    found: dict[tuple[str, str], list[tuple[date | None, int]]] = defaultdict(list)
    for row in view.session.execute(select(_PARTS).where(_PARTS.c.active)):
        found[row.vehicle_type, row.part].append((row.valid_from, row.quantity))
    return FittedParts({key: tuple(sorted(rows, key=lambda row: row[0] or date.min)) for key, rows in found.items()})


def retrofits_of(view: View) -> dict[str, dict[str, date]]:
    """When each change reached each train, by change and train, up to the view's day."""
    found: dict[str, dict[str, date]] = defaultdict(dict)
    query = select(_RETROFITS).where(_RETROFITS.c.active, _RETROFITS.c.done_on <= view.local.date())
    for row in view.session.execute(query):
        found[row.change_no][row.vehicle] = row.done_on
    return dict(found)
