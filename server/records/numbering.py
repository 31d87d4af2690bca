"""Record numbers such as FR-2026-000123: unique, in order, without gaps left by rejected forms."""

from datetime import datetime

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from server.database import table_of
from server.records.models import NumberSeries
from workbooks.form import FormDefinition

_SERIES = table_of(NumberSeries)
_NEXT = (
    update(_SERIES)
    .where(_SERIES.c.form_id == bindparam("of_form"), _SERIES.c.year == bindparam("of_year"))
    .values(last=_SERIES.c.last + 1)
    .returning(_SERIES.c.last)
)


def next_number(session: Session, definition: FormDefinition, received_at: datetime) -> str:
    """
    The next number of *definition*, taken in this transaction: a rollback gives it back.

    *received_at* is in the site's zone; its year is the {year} of the pattern, and
    {serial} starts again with each year. The caller holds the writer's lock (audit.lock).
    """
    year = received_at.year if "{year" in definition.number else 0
    series = {"of_form": definition.form_id, "of_year": year}
    connection = session.connection()
    serial = connection.execute(_NEXT, series).scalar()
    if serial is None:
        serial = 1
        connection.execute(insert(_SERIES), {"form_id": definition.form_id, "year": year, "last": serial})
    return definition.number.format(year=received_at.year, serial=serial)


def last_serial(session: Session, form_id: str, year: int) -> int:
    """The last serial given out for the form in *year* (0 for patterns without a year); 0 for none."""
    query = select(_SERIES.c.last).where(_SERIES.c.form_id == form_id, _SERIES.c.year == year)
    return session.scalar(query) or 0
