"""What one copy of a report says about itself: when, about what, for whom, and where each record came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from workbooks.form import Text
from workbooks.reporting.report_definition import PeriodKind
from workbooks.reporting.report_stamp import ReportStamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """
    The words for a report's *stamp*.

    *as_of* and *built_at* are naive, in the site's zone; *name* is the period as written
    in tables (2026-05), *before* the one before it; *over* tells whether it has ended.
    *public_url* is where records are shown, empty when the installation has no address.
    """

    stamp: ReportStamp
    kind: PeriodKind
    name: str
    before: str
    period: Text
    over: bool
    selection: Text
    viewer: Text
    as_of: datetime
    built_at: datetime
    public_url: str = ""


class Origin(NamedTuple):
    """One record as it stood, and the submission that brought it so far; *form* and *channel* are in words."""

    number: str
    form: str
    revision: int
    submission: str
    received_at: datetime
    channel: str
    sender: str
    filename: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """
    From the figures to what people sent: the *origins* of the records in the report's tables.

    *counted* says how many rows each record has in each table, by the names of both. With
    more records than are listed one by one, *origins* is empty and *limit* says so.
    """

    origins: Sequence[Origin]
    counted: Mapping[str, Mapping[str, int]]
    limit: int
