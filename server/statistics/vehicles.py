"""The trains somebody may see, with acceptance and warranty."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import select

from server.access.visibility import visible
from server.database import table_of
from server.records import master_tables
from server.statistics.sources import Sources


class Vehicle(NamedTuple):
    """One train in force; texts that are not given are None."""

    code: str
    vehicle_type: str | None
    customer: str | None
    station: str | None
    line: str | None
    accepted_on: date | None
    warranty_until: date | None


def vehicles(sources: Sources) -> list[Vehicle]:
    """The trains in force that a viewer may see and has selected, by code; master data has no history."""
    table = table_of(master_tables.Vehicle)
    query = select(*(table.c[name] for name in Vehicle._fields)).where(table.c.active)
    rows = sources.view.session.execute(visible(query, table, sources.view.viewer).order_by(table.c.code))
    found = (
        Vehicle(code, type_ or None, customer or None, station or None, line or None, accepted, until)
        for code, type_, customer, station, line, accepted, until in rows
    )
    return [vehicle for vehicle in found if sources.selected(vehicle)]
