"""What a workbook shows beside what the database says: every figure that differs, with its cell."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Literal

from workbooks.form import Text
from workbooks.ooxml.letters import column_letters
from workbooks.reporting.row_links import HEADING
from workbooks.reporting.shown_figures import Shown, ShownTable

Kind = Literal["figure", "missing", "added", "gone", "stamp", "original", "answers", "record"]
_SIGNIFICANT = "%.11g"  # digits by which equal figures find each other; `same` decides
_PAIRED = 400_000  # comparisons of rows that are spent on finding out which of them was changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """
    One figure that is not that of the database.

    *part* is a table, a pivot table or a sheet, *row* and *column* what heads the figure,
    *record* the number of the record it is about, where it is about one. Of a record that
    was altered behind the forms' back, *accepted* is what was sent in.
    """

    kind: Kind
    part: str
    sheet: str = ""
    cell: str = ""
    row: str = ""
    column: str = ""
    in_workbook: Shown = None
    in_database: Shown = None
    record: str = ""
    accepted: Shown = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """
    How many *figures* were compared, what differs, what could not be compared, and what was left out on purpose.

    *records* were compared with what was accepted of them.
    """

    figures: int
    records: int = 0
    differences: tuple[Difference, ...] = ()
    unverified: tuple[Text, ...] = ()
    notes: tuple[Text, ...] = ()


def same(one: Shown, other: Shown) -> bool:
    """Numbers to the noise of floating point, texts exactly."""
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=1e-12, abs_tol=1e-12)
    return one == other


def compare_table(
    found: ShownTable, expected: ShownTable, *, number: str = "", spellings: Mapping[str, str] | None = None
) -> Compared:
    """
    Every cell of the table *found* beside *expected*, in whatever order rows and columns stand.

    *number* heads the column that names each row's record; *spellings* leads from headers
    to those of *expected*. Columns that only the workbook has are its owner's.
    """
    known = {header: place for place, header in enumerate(expected.headers)}
    spelled = [(spellings or {}).get(header, header) for header in found.headers]
    pairs = [(place, known[header]) for place, header in enumerate(spelled) if header in known and not found.own[place]]
    table = _Tables(found, expected, pairs, number)
    differences = list(table.differences())
    return Compared(
        figures=len(expected.rows) * len(pairs), differences=tuple(differences),
        unverified=tuple(_absent(found, expected, {place for _, place in pairs})), notes=tuple(_own(found, pairs)),
    )  # fmt: skip


def _absent(found: ShownTable, expected: ShownTable, compared: set[int]) -> Iterator[Text]:
    """What the database has and the workbook does not show as it came."""
    missing = [h for place, h in enumerate(expected.headers) if place not in compared and not expected.own[place]]
    if missing:
        yield Text(
            f"表“{found.name}”没有这些列，或已改成公式：{'、'.join(missing)}。",
            f"Table {found.name} does not have these columns, or has made them formulas: {', '.join(missing)}.",
        )


def _own(found: ShownTable, pairs: Sequence[tuple[int, int]]) -> Iterator[Text]:
    compared = {place for place, _ in pairs}
    ours = (HEADING.zh, HEADING.en)  # links are no figures
    own = [header for place, header in enumerate(found.headers) if place not in compared and header not in ours]
    if own:
        yield Text(
            f"表“{found.name}”中自己加的列和由 Excel 计算的列没有核对：{'、'.join(own)}。",
            f"Columns of table {found.name} that are the owner's own or computed by Excel are not checked: "
            f"{', '.join(own)}.",
        )


class _Tables:
    """Two tables, *pairs* of places of the columns that both have."""

    def __init__(self, found: ShownTable, expected: ShownTable, pairs: Sequence[tuple[int, int]], number: str) -> None:
        self._found, self._expected, self._pairs = found, expected, pairs
        self._number = next(
            (place for place, (_, there) in enumerate(pairs) if expected.headers[there] == number), None
        )
        self._here = [tuple(row[place] for place, _ in pairs) for row in found.rows]
        self._there = [tuple(row[place] for _, place in pairs) for row in expected.rows]

    def differences(self) -> Iterator[Difference]:
        here = {place for place, row in enumerate(self._here) if any(v is not None for v in row)}
        there = {place for place, row in enumerate(self._there) if any(v is not None for v in row)}
        equal = {p for p in here & there if all(map(same, self._here[p], self._there[p]))}
        here, there = here - equal, there - equal
        waiting: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for place in sorted(there, reverse=True):
            waiting[_key(self._there[place])].append(place)
        for place in sorted(here):
            if found := waiting.get(_key(self._here[place])):
                here.discard(place)
                there.discard(found.pop())
        matched = self._likely(sorted(here), sorted(there))
        for place in sorted(here):
            if place in matched:
                yield from self._cells(place, matched[place])
            else:
                yield self._whole("added", place, self._here[place])
        for place in sorted(there - set(matched.values())):
            yield self._whole("missing", None, self._there[place])

    def _likely(self, here: list[int], there: list[int]) -> dict[int, int]:
        """Which row that differs was which: of the same record, else the one with most in common."""
        found: dict[int, int] = {}
        scored = []
        compared = 0
        for one in here:
            for other in there:
                if self._number is not None and self._here[one][self._number] != self._there[other][self._number]:
                    continue
                compared += 1
                if compared > _PAIRED:
                    break
                shared = sum(map(same, self._here[one], self._there[other]))
                if self._number is not None or 2 * shared >= len(self._pairs):
                    scored.append((-shared, abs(one - other), one, other))
        if self._number is not None:  # its number itself may have been changed
            scored += [
                (0, 0, one, one) for one in here if one in there
                and 2 * sum(map(same, self._here[one], self._there[one])) >= len(self._pairs)
            ]  # fmt: skip
        for _, _, one, other in sorted(scored):
            if one not in found and other not in found.values():
                found[one] = other
        return found

    def _cells(self, here: int, there: int) -> Iterator[Difference]:
        row = self._there[there]
        for place, (one, other) in enumerate(zip(self._here[here], row, strict=True)):
            if not same(one, other):
                column = self._pairs[place][0]
                yield Difference(
                    kind="figure", part=self._found.name, sheet=self._found.sheet,
                    cell=f"{column_letters(self._found.left + column)}{self._found.top + here}",
                    row=self._label(row), column=self._found.headers[column], in_workbook=one, in_database=other,
                    record=self._record(row),
                )  # fmt: skip

    def _whole(self, kind: Kind, place: int | None, row: Sequence[Shown]) -> Difference:
        left = column_letters(self._found.left)
        return Difference(
            kind=kind, part=self._found.name, sheet=self._found.sheet,
            cell="" if place is None else f"{left}{self._found.top + place}", row=self._label(row),
            record=self._record(row),
        )  # fmt: skip

    def _record(self, row: Sequence[Shown]) -> str:
        return "" if self._number is None else str(row[self._number] or "")

    def _label(self, row: Sequence[Shown]) -> str:
        if self._number is not None and row[self._number]:
            return str(row[self._number])
        return " · ".join(written(value) for value in row[:4] if value is not None)


def written(value: Shown) -> str:
    """*value* for people; nothing is a dash."""
    if value is None:
        return "—"
    return f"{value:.15g}" if isinstance(value, float) else value


def _key(row: Sequence[Shown]) -> tuple[str, ...]:
    return tuple(_SIGNIFICANT % v if isinstance(v, float) else f"={v}" for v in row)
