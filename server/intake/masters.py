"""Master data for one record: what is in force, and what the record already holds."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from server.site import Site
from workbooks.filled import Values
from workbooks.form import FormDefinition
from workbooks.master import TABLES, Master


def master_with(site: Site, session: Session, definition: FormDefinition, values: Values) -> Master:
    """
    The master data in force, with the retired rows that *values* still name.

    An old record must stay correct when somebody adds to it.
    """
    master = site.master(session)
    missing = {(table, code) for table, code in _codes(definition, values) if master.row(table, code) is None}
    if not missing:
        return master
    everything = site.master(session, retired=True)
    extra = [(table, row) for table, code in sorted(missing) if (row := everything.row(table, code)) is not None]
    return Master({name: (*master.rows(name), *(row for table, row in extra if table == name)) for name in TABLES})


def _codes(definition: FormDefinition, values: Values) -> Iterator[tuple[str, str]]:
    for path, field in definition.paths():
        if field.master is None:
            continue
        repeat, _, name = path.rpartition(".")
        rows: Any = values.get(repeat) or () if repeat else (values,)
        for row in rows:
            value = row.get(name)
            for code in value if isinstance(value, tuple) else (value,):
                if isinstance(code, str):
                    yield field.master.table, code
