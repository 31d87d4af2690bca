"""A filled form as it was read: nothing in it is trusted yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType

from workbooks.findings import Finding
from workbooks.form import Language, Text

RawValue = str | int | float | bool | date | datetime | time | timedelta | None
Value = str | int | Decimal | date | datetime | time | tuple[str, ...] | None
"""A checked answer: select_one is a choice's name or a master code, select_multiple a tuple of them,
image a tuple of sha256 hex digests."""
Row = Mapping[str, Value]
Values = Mapping[str, Value | tuple[Row, ...]]
"""All checked answers of a form by field name; a repeat's name maps to its rows."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One input cell: where it is ("C7" on *sheet*) and what was in it, untouched."""

    sheet: str
    address: str
    value: RawValue


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture somebody pasted over or into a field's cell."""

    field: str
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a workbook says about itself; any of it may be missing or forged."""

    form_id: str | None = None
    version: int | None = None
    instance_id: str | None = None
    language: Language = "zh"
    record_number: str | None = None
    revision: int | None = None
    station: str | None = None
    seal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledForm:
    """
    The cells of one workbook by field name, before any check.

    *repeats* holds, per repeat, the lines in sheet order with the cells of each line by
    field name; lines with nothing in them are left out, so a cell's address, not its
    position, says where it stands; *starts* says where the first line of each would.
    A web form has no addresses: its cells have sheet "".
    *flags* name active content that was found and ignored (macro, external ...).
    *findings* are what the reader itself has to say (lost names, old file format ...).
    *labels* are given for answers that are called otherwise on the sheet than in the form.
    """

    identity: Identity
    cells: Mapping[str, Cell] = default(default_factory=lambda: MappingProxyType({}))
    repeats: Mapping[str, tuple[Mapping[str, Cell], ...]] = default(default_factory=lambda: MappingProxyType({}))
    starts: Mapping[str, Cell] = default(default_factory=lambda: MappingProxyType({}))
    reason: Cell | None = None
    pictures: tuple[Picture, ...] = ()
    flags: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()
    labels: Mapping[str, Text] = default(default_factory=lambda: MappingProxyType({}))
