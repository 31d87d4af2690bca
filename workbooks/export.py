"""Datasets as files to take away: a workbook with a table per sheet, or CSV that Excel opens rightly."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from workbooks.dataset import Column, ColumnType, Dataset
from workbooks.form import Language
from workbooks.reporting.report_style import number_format, text_width

_WIDTHS: Mapping[ColumnType, int] = {
    "integer": 10,
    "decimal": 12,
    "percent": 10,
    "date": 12,
    "datetime": 17,
    "boolean": 8,
}
_WIDEST = 46  # characters
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_LONGEST_TEXT = 32_767  # what one cell of Excel holds
_ILLEGAL_IN_TITLE = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


def tables_workbook(datasets: Sequence[Dataset], language: Language, *, stamped: bool = False) -> bytes:
    """
    A workbook with one sheet per dataset, each a real Excel table that can be sorted and filtered.

    *stamped* adds a sheet that says of each what is counted, as of when, what it was
    narrowed to, and what its columns mean. Text stays text, whatever it begins with: nothing in it becomes a formula
    or a link.
    """
    out = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True}
    workbook = Workbook(out, options)
    formats: dict[str, Format] = {}
    titles: set[str] = set()
    for number, dataset in enumerate(datasets, start=1):
        sheet = workbook.add_worksheet(_sheet_title(dataset.title[language], titles))
        _write(workbook, sheet, dataset, language, formats, f"T{number}_{dataset.name}")
    if stamped:
        _stamp(workbook, workbook.add_worksheet(_sheet_title(_STAMP[language], titles)), datasets, language)
    workbook.close()
    return out.getvalue()


_STAMP = {"zh": "说明", "en": "About"}
_STAMP_LINES: Mapping[Language, tuple[str, ...]] = {
    "zh": ("名称", "口径", "归属日期", "截至", "期间与范围", "计入的记录", "行数"),
    "en": ("Name", "Definition", "Date that counts", "As of", "Period and place", "Records counted", "Rows"),
}


def _stamp(workbook: Workbook, sheet: Worksheet, datasets: Sequence[Dataset], language: Language) -> None:
    """What it takes to read the figures, under each other for every dataset."""
    bold = workbook.add_format({"bold": True, "valign": "top"})
    plain = workbook.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 90)
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    row = 0
    for dataset in datasets:
        values = (
            dataset.title[language],
            dataset.definition[language],
            dataset.anchor[language] if dataset.anchor else "—",
            f"{dataset.as_of:%Y-%m-%d %H:%M}",
            dataset.period[language],
            dataset.filter[language],
            f"{len(dataset):,}",
        )
        lines = [*zip(_STAMP_LINES[language], values, strict=True)]
        lines += [(c.label[language], _meaning(c, language)) for c in dataset.columns if c.definition or c.unit]
        for name, value in lines:
            sheet.write_string(row, 0, name, bold)
            sheet.write_string(row, 1, value, plain)
            sheet.set_row(row, 15 * max(1, -(-text_width(value) // 84)))
            row += 1
        row += 1


def _meaning(column: Column, language: Language) -> str:
    """A column's definition and unit."""
    words = [column.definition[language]] if column.definition else []
    if column.unit:
        words.append(f"[{column.unit[language]}]")
    return " ".join(words)


def csv_file(dataset: Dataset, language: Language) -> bytes:
    """
    *dataset* as CSV with a byte order mark, without which Excel takes Chinese for noise.

    A text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(column.label[language] for column in dataset.columns)
    writer.writerows([_csv_cell(value) for value in row] for row in dataset.rows())
    return out.getvalue().encode("utf-8-sig")


def _write(
    workbook: Workbook, sheet: Worksheet, dataset: Dataset, language: Language, formats: dict[str, Format], name: str
) -> None:
    """The table *name* on *sheet*; *formats* are those made so far, by their codes."""
    labels = _unique([column.label[language] for column in dataset.columns])
    codes = [_number_format(column) for column in dataset.columns]
    formats |= {code: workbook.add_format({"num_format": code}) for code in dict.fromkeys(codes) if code not in formats}
    looks = [formats[code] for code in codes]
    for index, (column, values) in enumerate(zip(dataset.columns, dataset.data, strict=True)):
        cell_format = looks[index]
        sheet.set_column(index, index, _width(column, labels[index], values), cell_format)
        for row, value in enumerate(values, start=1):
            _write_cell(sheet, row, index, value, cell_format)
    rows = max(1, len(dataset))  # a table has at least one line below its head
    headers = [{"header": label, "format": look} for label, look in zip(labels, looks, strict=True)]
    sheet.add_table(0, 0, rows, len(labels) - 1, {"name": name, "columns": headers, "style": "Table Style Medium 2"})
    sheet.freeze_panes(1, 1)


def _number_format(column: Column) -> str:
    """As in report workbooks; decimals of which nobody said how many to show are shown as they are."""
    return "General" if column.type == "decimal" and column.decimals is None else number_format(column)


def _write_cell(sheet: Worksheet, row: int, column: int, value: Any, cell_format: Format | None) -> None:
    match value:
        case None:
            return
        case bool():
            sheet.write_boolean(row, column, value, cell_format)
        case int() | float() | Decimal():
            sheet.write_number(row, column, value, cell_format)
        case datetime() | date():
            sheet.write_datetime(row, column, value, cell_format)
        case _:
            sheet.write_string(row, column, str(value)[:_LONGEST_TEXT])


def _csv_cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _width(column: Column, label: str, values: Sequence[Any]) -> float:
    widest = _WIDTHS.get(column.type) or max(
        (_shown_width(str(value)) for value in values[:200] if value is not None), default=0
    )
    return min(max(widest, _shown_width(label) + 3), _WIDEST)  # 3: the filter's arrow


def _shown_width(text: str) -> int:
    return sum(2 if ord(char) > 0x2E80 else 1 for char in text)


def _unique(labels: Sequence[str]) -> list[str]:
    """A table's headings must differ; the second of two equal ones gets a number."""
    seen: dict[str, int] = {}
    found: list[str] = []
    for label in labels:
        seen[label.casefold()] = seen.get(label.casefold(), 0) + 1
        count = seen[label.casefold()]
        found.append(label if count == 1 else f"{label} {count}")
    return found


def _sheet_title(title: str, taken: set[str]) -> str:
    base = title.translate(_ILLEGAL_IN_TITLE).strip()[:28] or "Sheet"
    name, count = base, 1
    while name.casefold() in taken:
        count += 1
        name = f"{base} {count}"
    taken.add(name.casefold())
    return name
