"""Master data: what the forms choose from, and what is measured on trains beside them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from functools import cached_property
from types import MappingProxyType

from workbooks.form import Language, MasterChoices

TABLES = ("stations", "customers", "products", "vehicles", "failure_modes", "people")  # what the forms choose from
MEASURED = ("exposures", "fitted_parts", "retrofits")  # what the figures divide by and compare; no form needs them


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterRow:
    """
    One row of a master table.

    *code* is stored in records; *label_zh* or *label_en* is what people pick. *parent* is
    the code one level up: a product's parent product, a failure mode's product.
    *attributes* holds the table's other columns as text, ISO dates included.
    """

    code: str
    label_zh: str
    label_en: str
    parent: str = ""
    level: int | None = None
    attributes: Mapping[str, str] = default(default_factory=lambda: MappingProxyType({}))

    def label(self, language: Language) -> str:
        return self.label_zh if language == "zh" else self.label_en or self.label_zh


class Master:
    """
    All master tables in memory, with the look-ups the check and the template need.

    Labels are matched after `fold`: case, width and spaces do not matter.
    """

    def __init__(self, tables: Mapping[str, Iterable[MasterRow]]) -> None:
        unknown = set(tables) - {*TABLES, *MEASURED}
        if unknown:
            raise KeyError(f"no such master table: {', '.join(sorted(unknown))}")
        self._rows = {name: tuple(tables.get(name, ())) for name in (*TABLES, *MEASURED)}
        self._by_code = {name: {row.code: row for row in rows} for name, rows in self._rows.items()}

    def rows(self, table: str) -> tuple[MasterRow, ...]:
        return self._rows[table]

    def row(self, table: str, code: str) -> MasterRow | None:
        return self._by_code[table].get(code)

    def local(self, column: str, text: str, language: Language) -> str:
        """*text*, which stands in *column* of some table, as the column `<column>_en` has it; else as it stands."""
        return self._english.get((column, text), text) if language == "en" else text

    @cached_property
    def _english(self) -> dict[tuple[str, str], str]:
        return {
            (column.removesuffix("_en"), row.attributes.get(column.removesuffix("_en"), "")): text
            for rows in self._rows.values()
            for row in rows
            for column, text in row.attributes.items()
            if column.endswith("_en") and text
        }

    def options(self, choices: MasterChoices, parent: str | None = None) -> tuple[MasterRow, ...]:
        """The rows a field may choose from; with *parent* (a code) only that one's children."""
        rows = self._rows[choices.table]
        if choices.level is not None:
            rows = tuple(row for row in rows if row.level == choices.level)
        if choices.under is not None and parent is not None:
            rows = tuple(row for row in rows if row.parent == parent)
        return rows


EMPTY = Master({})
