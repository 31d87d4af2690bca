"""
Tables of figures added up once: derived from the kept revisions of the cases, and made anew from them at any time.

Months are numbers such as 201605, an answer that was not given is "", durations are
microseconds (`case_months.Measures`).
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    literal_column,
)

from server.database import Base
from server.statistics.case_months import CaseGroup, Measures, ModeCounts, ModeGroup, OpenCounts, OpenGroup

NOT_SETTLED = 999912  # a case without its dates, which counts nowhere yet
_NUMBERS = {"month", "settled", "age"}


def _rollup(name: str, group: type[Any], sums: type[Any], *more: str) -> Table:
    """What the settled cases of each group add up to."""
    keys = [
        Column(key, Integer if key in _NUMBERS else Text, primary_key=True, autoincrement=False)
        for key in ("month", *group._fields[1:], *more)
    ]
    columns = [Column(name, BigInteger, nullable=False) for name in sums._fields]
    # Read in the order of the key.
    return Table(name, Base.metadata, *keys, *columns, sqlite_with_rowid=False)


STANDINGS = Table(
    "case_standings",
    Base.metadata,
    Column("record_id", ForeignKey("records.id"), primary_key=True, autoincrement=False),
    Column("revision_id", Integer, nullable=False),  # the revision this was found from
    Column("entered", Integer, nullable=False),  # the month the record was first received
    Column("settled", Integer, nullable=False),
    Column("repeated", Boolean, nullable=False),
    Column("followed", Boolean, nullable=False),
    Column("duplicate", Boolean, nullable=False),
    Column("open", Boolean, nullable=False),
)
Index("ix_case_standings_settled_entered", STANDINGS.c.settled, STANDINGS.c.entered)
Index("ix_case_standings_open", STANDINGS.c.open, sqlite_where=STANDINGS.c.open, postgresql_where=STANDINGS.c.open)
OPEN: ColumnElement[Any] = literal_column("case_standings.open")  # in the words of the index, which "= 1" is not

# By the month in which the cases settled: what was known at any month's end, and of all those up to `STATE.c.folded`.
CASES = _rollup("case_months", CaseGroup, Measures, "settled")
MODES = _rollup("case_modes", ModeGroup, ModeCounts, "settled")
BACKLOG = _rollup("case_backlogs", OpenGroup, OpenCounts, "settled")
WHOLE: Mapping[Table, Table] = {
    CASES: _rollup("whole_case_months", CaseGroup, Measures),
    MODES: _rollup("whole_case_modes", ModeGroup, ModeCounts),
    BACKLOG: _rollup("whole_case_backlogs", OpenGroup, OpenCounts),
}

# Odometer readings of the cases that have settled, packed: see `train_readings`.
READINGS = Table(
    "train_readings",
    Base.metadata,
    Column("vehicle", Text, primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("station", Text, primary_key=True),
    Column("readings", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# One row: how far the tables above have come.
STATE = Table(
    "rollup_state",
    Base.metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("made_for", Text, nullable=False),  # version of the definition, of the form, and the zone
    Column("records_to", Integer, nullable=False),  # while everything is made anew: the last record done
    Column("records_end", Integer, nullable=False),  # and the record with which that ends
    Column("revision_id", Integer, nullable=False),  # the last revision taken into account
    Column("folded", Integer, nullable=False),  # the last month whose settled cases are added up
)
