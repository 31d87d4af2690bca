"""What a paper form asks for: fields, tables and signatures, before they become a definition."""

from dataclasses import dataclass
from dataclasses import field as default
from decimal import Decimal

from workbooks.form import FieldType, Text
from workbooks.ooxml.areas import Area


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    One answer a sheet asks for.

    *area* is its cell, or its column of lines in a table. *why* says what made us think so.
    """

    area: Area
    name: str
    label: Text
    type: FieldType
    why: Text
    required: bool = False
    unit: Text | None = None
    choices: tuple[tuple[str, Text], ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    decimals: int | None = None
    max_length: int | None = None
    wide: bool = False
    rows: int = 1
    width: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTable:
    """A header row over lines to fill in."""

    name: str
    label: Text
    columns: tuple[Asked, ...]
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSection:
    """What stands between two headings, in the order of the sheet."""

    name: str
    label: Text
    items: tuple[Asked | AskedTable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedForm:
    """
    Everything found on one sheet.

    *own* are the cells for what the form says of itself (number, state ...) that the paper
    has already; *unsure* is what a person should look at.
    """

    title: str
    sections: tuple[AskedSection, ...]
    own: dict[str, Area] = default(default_factory=dict)
    hint: str = ""
    signatures: tuple[Text, ...] = ()
    unsure: tuple[Text, ...] = ()

    @property
    def items(self) -> tuple[Asked | AskedTable, ...]:
        return tuple(item for section in self.sections for item in section.items)
