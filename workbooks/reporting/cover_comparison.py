"""The cover of a report and its sheet of definitions beside what they must say."""

from collections.abc import Iterator, Mapping, Sequence

from workbooks.form import Language, Text
from workbooks.ooxml.letters import column_letters
from workbooks.reporting.comparison import Compared, Difference, same, written
from workbooks.reporting.report_cover import FACTS, FIGURE, HEADINGS
from workbooks.reporting.shown_figures import Shown

_Grid = Sequence[Sequence[Shown]]
_Sheets = Mapping[str, _Grid]
_BRACKETS = ("（", " (")


def compare_cover(found: _Sheets, expected: _Sheets, title: str, language: Language, *, without: str = "") -> Compared:
    """
    The facts and the key figures of the cover called *title*, wherever on a sheet they stand now.

    The fact *without* is left out. Figures for a period that its owner chose are not compared.
    """
    there = expected[title]
    facts = list(_facts(there, language, without))
    sheet = _sheet_with(found, title, FACTS["as_of"][language])
    if sheet is None:
        return Compared(figures=0, unverified=(_no_sheet(title),))
    here = found[sheet]
    differences = list(_differing_facts(here, sheet, facts, FACTS["scope"][language]))
    heading = FIGURE[language]
    block, now = _place(there, heading), _place(here, heading)
    if block is None:
        return Compared(figures=len(facts), differences=tuple(differences))
    if now is None:
        return Compared(figures=len(facts), differences=tuple(differences), unverified=(_no_figures(title),))
    rows = list(_rows(there, block, HEADINGS["sheets"][language]))
    columns, unverified = [1, 2, 3], []
    if not same(_at(here, now[0], now[1] + 1), _at(there, block[0], block[1] + 1)):
        columns = [3]
        unverified.append(_other_period(written(_at(here, now[0], now[1] + 1))))
    lines = {str(label): row for row in range(now[0], len(here)) if (label := _at(here, row, now[1])) is not None}
    for row in rows:
        label = str(_at(there, row, block[1]))
        if label not in lines:
            differences.append(Difference(kind="missing", part=title, sheet=sheet, row=label))
            continue
        for step in columns:
            one, other = _at(here, lines[label], now[1] + step), _at(there, row, block[1] + step)
            if not same(one, other):
                head = written(_at(there, block[0], block[1] + step))
                differences.append(_difference(title, sheet, lines[label], now[1] + step, label, head, one, other))
    return Compared(
        figures=len(facts) + len(rows) * len(columns), differences=tuple(differences), unverified=tuple(unverified)
    )


def compare_sheet(found: _Sheets, expected: _Sheets, title: str) -> Compared:
    """Every cell of the sheet *title* that must say something."""
    there = expected[title]
    if title not in found:
        return Compared(figures=0, unverified=(_no_sheet(title),))
    differences, figures = [], 0
    for row, values in enumerate(there):
        for place, value in enumerate(values):
            if value is None:
                continue
            figures += 1
            if not same(one := _at(found[title], row, place), value):
                label, head = written(values[0]), written(_heading(there, row, place))
                differences.append(_difference(title, title, row, place, label, head, one, value))
    return Compared(figures=figures, differences=tuple(differences))


def _facts(grid: _Grid, language: Language, without: str) -> Iterator[tuple[str, Shown]]:
    for name, label in FACTS.items():
        place = _place(grid, label[language])
        if place is not None and name != without:
            yield label[language], _at(grid, place[0], place[1] + 1)


def _differing_facts(here: _Grid, sheet: str, facts: Sequence[tuple[str, Shown]], scope: str) -> Iterator[Difference]:
    for label, value in facts:
        place = _place(here, label)
        row, column = place if place else (0, 0)
        one = _at(here, row, column + 1) if place else None
        if not same(one, value) and not (label == scope and _same_scope(one, value)):
            yield _difference(sheet, sheet, row, column + 1, label, "", one, value)


def _same_scope(one: Shown, other: Shown) -> bool:
    """Whether both name a place, and differ only by what the person in brackets is called today."""
    mark = next((m for m in _BRACKETS if m in written(one) and m in written(other)), None)
    return mark is not None and written(one).endswith(("）", ")")) and _before(one, mark) == _before(other, mark)


def _before(value: Shown, mark: str) -> str:
    return written(value).partition(mark)[0]


def _rows(grid: _Grid, block: tuple[int, int], end: str) -> Iterator[int]:
    for row in range(block[0] + 1, len(grid)):
        label = _at(grid, row, block[1])
        if label is None or label == end:
            return
        yield row


def _heading(grid: _Grid, row: int, place: int) -> Shown:
    """What stands over a cell: the first line of its block."""
    while row and _at(grid, row - 1, 0) is not None:
        row -= 1
    return _at(grid, row, place)


def _sheet_with(sheets: _Sheets, title: str, text: str) -> str | None:
    names = [title, *(name for name in sheets if name != title)]
    return next((name for name in names if name in sheets and _place(sheets[name], text)), None)


def _place(grid: _Grid, text: str) -> tuple[int, int] | None:
    return next(((r, c) for r, row in enumerate(grid) for c, value in enumerate(row) if value == text), None)


def _at(grid: _Grid, row: int, column: int) -> Shown:
    return grid[row][column] if row < len(grid) and column < len(grid[row]) else None


def _difference(
    part: str, sheet: str, row: int, column: int, label: str, head: str, one: Shown, other: Shown
) -> Difference:
    return Difference(
        kind="figure", part=part, sheet=sheet, cell=f"{column_letters(column + 1)}{row + 1}", row=label, column=head,
        in_workbook=one, in_database=other,
    )  # fmt: skip


def _no_sheet(title: str) -> Text:
    return Text(f"工作表“{title}”已不在工作簿中，无法核对。", f"Sheet {title} is not in the workbook: not verified.")


def _no_figures(title: str) -> Text:
    return Text(f"“{title}”表的关键指标已不在，无法核对。", f"The key figures of sheet {title} are gone: not verified.")


def _other_period(period: str) -> Text:
    return Text(
        f"封面的报告期已改选为 {period}，该期与上期的关键指标没有核对。",
        f"The cover was set to {period}: its key figures for that period and the one before are not verified.",
    )
