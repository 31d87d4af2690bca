"""From master data: the trains a viewer may see with their readings, the parts they carry, their retrofits."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from sqlalchemy import func, select

from server.access.visibility import visible
from server.database import table_of
from server.records.master_tables import Exposure, FittedPart, Retrofit, Vehicle
from server.statistics import case_rows, train_readings
from server.statistics.exposure import FittedParts, Fleet, TrainLife
from server.statistics.meters import NO_READINGS, Readings
from server.statistics.selection import EVERYTHING, Selection
from server.statistics.settlement import Chosen, settlement_of
from server.statistics.snapshot import View
from server.statistics.train_readings import joined, readings_of

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
            end=row.retired_on or (None if row.active else kilometres.get(row.code, NO_READINGS).last),
            accepted_on=row.accepted_on,
            station=row.station,
            customer=row.customer,
            readings=kilometres.get(row.code, NO_READINGS),
            hours=hours.get(row.code, NO_READINGS),
        )
        for row in view.session.execute(query.order_by(_VEHICLES.c.code))
        # A row that is gone and never ran was a mistake, not a train.
        if row.active or row.retired_on is not None or row.code in kilometres
    ]
    return Fleet(trains, [train.code for train in trains if not selection or selection.holds(train, regions)])


def _start(view: View) -> date | None:
    """The day of the first failure the view knows: before it nobody kept records."""
    table = case_rows.kept(view)
    query = select(func.min(table.c.occurred_at)).where(case_rows.known(table, view))
    found = view.session.scalar(query)
    return None if found is None else found.date()


def _readings(view: View) -> tuple[Mapping[str, Readings], Mapping[str, Readings]]:
    """(odometers, hour meters) by train, from forms and returns."""
    kilometres: dict[str, list[tuple[int, float]]] = defaultdict(list)
    hours: dict[str, list[tuple[int, float]]] = defaultdict(list)
    columns = (_EXPOSURES.c[name] for name in ("vehicle", "as_of", "odometer_km", "operating_hours"))
    returns = select(*columns).where(_EXPOSURES.c.active, _EXPOSURES.c.as_of <= view.local.date())
    for vehicle, day, odometer, clock in view.session.execute(returns):
        if odometer is not None:
            kilometres[vehicle].append((day.toordinal(), odometer))
        if clock is not None:
            hours[vehicle].append((day.toordinal(), clock))
    returned, clocks = (
        {vehicle: Readings.of_ordinals(some) for vehicle, some in known.items()} for known in (kilometres, hours)
    )
    return joined(reported(view), returned), clocks


def reported(view: View) -> dict[str, Readings]:
    """The odometer of each train as the cases of *view* have it."""
    with settlement_of(view, Chosen(EVERYTHING, {})) as settlement:
        if settlement is not None:
            return train_readings.read(settlement.view, settlement.before, settlement.live)
    query = case_rows.query_of(view, neighbours=False, columns=("vehicle", "occurred_at", "mileage_km"))
    return readings_of(case_rows.read(view, query))


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
