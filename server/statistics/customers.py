"""The customers somebody may see."""

from typing import NamedTuple

from sqlalchemy import select

from server.access.visibility import visible
from server.database import table_of
from server.records import master_tables
from server.statistics.sources import Sources


class Customer(NamedTuple):
    """A customer and its station, or a fact that has no other dimension to be selected by."""

    customer: str | None
    station: str | None


def customers(sources: Sources) -> dict[str, str | None]:
    """Code and station of the customers in force that a viewer may see and has selected; they have no history."""
    table = table_of(master_tables.Customer)
    query = visible(select(table.c.code, table.c.station).where(table.c.active), table, sources.view.viewer)
    rows = sources.view.session.execute(query.order_by(table.c.code))
    found = (Customer(code, station or None) for code, station in rows)
    return {who.customer: who.station for who in found if who.customer and sources.selected(who)}
