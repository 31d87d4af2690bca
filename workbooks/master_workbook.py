"""Master data as one workbook: a sheet per table, read with every mistake named, and written."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from math import isfinite
from typing import Any
from unicodedata import normalize

import xlsxwriter
from python_calamine import CalamineWorkbook

from workbooks.form import Language, Text
from workbooks.guard import inspect
from workbooks.master import Master, MasterRow
from workbooks.master_columns import BY_TABLE, SHEETS, MasterColumn, MasterSheet

_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]00:00(?::00)?)?")
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)\s*(万)?\s*(?:km|公里|千米|h|小时|个|件)?")
_LONGEST_CODE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterFinding:
    """One mistake in a master workbook, where it is, and what to do about it."""

    sheet: str
    cell: str
    what: Text
    fix: Text

    def message(self, language: Language) -> str:
        place = f"{self.sheet}!{self.cell}" if self.cell else self.sheet
        return f"{place}: {self.what[language]} {self.fix[language]}".strip(": ")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenReference:
    """A code, or another column's value, that the workbook itself does not hold; *finding* says so if nobody does."""

    table: str
    column: str
    value: str
    finding: MasterFinding


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterReading:
    """
    The tables a master workbook holds (a table without a sheet is not among them) and all its mistakes.

    *references* lead to rows that are not in the workbook: whoever takes it over looks
    them up among the rows there are.
    """

    tables: Mapping[str, tuple[MasterRow, ...]]
    findings: tuple[MasterFinding, ...]
    references: tuple[OpenReference, ...] = ()


class MasterError(Exception):
    """A master workbook with mistakes; *findings* are all of them."""

    def __init__(self, findings: Sequence[MasterFinding]) -> None:
        super().__init__("\n".join(finding.message("en") for finding in findings))
        self.findings = tuple(findings)


def read_master(content: bytes) -> Master:
    """
    The master data in the workbook *content*.

    Raises:
        MasterError: It has mistakes.
        Refused: It is not a workbook that may be opened.
    """
    reading = read_tables(content)
    if reading.findings:
        raise MasterError(reading.findings)
    return Master(reading.tables)


def read_tables(content: bytes) -> MasterReading:
    """
    All tables in the workbook *content*, and everything that is wrong with them.

    Sheets and columns are found by their Chinese or English titles, in any order;
    unknown ones are left alone.

    Raises:
        Refused: It is not a workbook that may be opened.
    """
    inspect(content)
    book = CalamineWorkbook.from_filelike(BytesIO(content))
    tables: dict[str, tuple[MasterRow, ...]] = {}
    cells: dict[str, _Sheet] = {}
    findings: list[MasterFinding] = []
    by_title = {_fold(title): name for name in book.sheet_names for title in (name,)}
    for sheet in SHEETS:
        title = next(
            (by_title[_fold(t)] for t in (sheet.title.zh, sheet.title.en, sheet.table) if _fold(t) in by_title), None
        )
        if title is not None:
            rows = book.get_sheet_by_name(title).to_python(skip_empty_area=False)
            cells[sheet.table] = _Sheet(sheet, title, rows)
    if not cells:
        titles = Text("、".join(s.title.zh for s in SHEETS), ", ".join(s.title.en for s in SHEETS))
        what = Text(f"没有主数据工作表（{titles.zh}）。", f"There is no sheet of master data ({titles.en}).")
        findings.append(
            MasterFinding(
                sheet="", cell="", what=what, fix=Text("请用导出的工作簿修改。", "Start from an exported one.")
            )
        )
    for table, sheet_cells in cells.items():
        tables[table] = tuple(sheet_cells.rows(findings))
    codes = {table: {row.code: row for row in rows} for table, rows in tables.items()}
    references: list[OpenReference] = []
    for table, sheet_cells in cells.items():
        for reference in sheet_cells.open_references(tables[table], tables):
            # Measured rows outlive what they are about: a retired train has run its kilometres.
            if reference.table in tables and not BY_TABLE[table].key:
                findings.append(reference.finding)
            else:
                references.append(reference)
        if table == "products":
            findings += sheet_cells.wrong_levels(tables[table], codes[table])
    return MasterReading(tables=tables, findings=tuple(findings), references=tuple(references))


class _Sheet:
    """One sheet as it was read, with its columns found by their headers."""

    def __init__(self, sheet: MasterSheet, title: str, rows: list[list[Any]]) -> None:
        self._sheet = sheet
        self._title = title
        self._header = next((i for i, row in enumerate(rows) if any(_text(cell) for cell in row)), 0)
        self._rows = rows
        headers = {_fold(_text(cell)): i for i, cell in enumerate(rows[self._header])} if rows else {}
        self._at: dict[str, int] = {}
        for column in sheet.columns:
            for header in (column.header.zh, column.header.en, column.name):
                if _fold(header) in headers:
                    self._at.setdefault(column.name, headers[_fold(header)])
        self._row_of: dict[str, int] = {}

    def rows(self, findings: list[MasterFinding]) -> Iterator[MasterRow]:
        missing = [c for c in self._sheet.columns if c.required and c.name not in self._at]
        for column in missing:
            what = Text(f"缺少“{column.header.zh}”列。", f"The column “{column.header.en}” is missing.")
            findings.append(self._finding(self._header, None, what, Text("请补上该列。", "Add it.")))
        if missing:
            return
        for index in range(self._header + 1, len(self._rows)):
            row = self._rows[index]
            if not any(_text(cell) for cell in row):
                continue
            values = {column.name: self._value(index, column, findings) for column in self._sheet.columns}
            if self._sheet.key and not all(values[c.name] for c in self._sheet.columns if c.required):
                continue  # told above; a key of what is missing would make one row of many
            code = values["code"] if self._sheet.named else "|".join(values[name] for name in self._sheet.key)
            if code in self._row_of:
                findings.append(self._repeated(index, code))
                continue
            self._row_of[code] = index
            yield _master_row(self._sheet, code, values)

    def _repeated(self, index: int, code: str) -> MasterFinding:
        before = self._row_of[code] + 1
        if self._sheet.named:
            what = Text(f"编码“{code}”与第 {before} 行重复。", f"The code “{code}” also stands in row {before}.")
            return self._finding(index, "code", what, Text("每个编码只能出现一次。", "Each code may appear once."))
        headers = [column.header for column in self._sheet.columns if column.name in self._sheet.key]
        what = Text(
            f"{'、'.join(h.zh for h in headers)}与第 {before} 行相同。",
            f"{' and '.join(h.en for h in headers)} are those of row {before}.",
        )
        fix = Text("只留一行。", "Keep one of the rows.")
        return self._finding(index, self._sheet.key[0], what, fix)

    def open_references(
        self, rows: Sequence[MasterRow], tables: Mapping[str, Sequence[MasterRow]]
    ) -> Iterator[OpenReference]:
        """What stands in a column that refers to another table and is not found in this workbook."""
        known: dict[str, set[str]] = {}
        for column in self._sheet.columns:
            if column.refers_to is not None:
                table, _, other = column.refers_to.partition(".")
                found = tables.get(table, ())
                known[column.name] = {row.attributes.get(other, "") if other else row.code for row in found}
        for row in rows:
            index = self._row_of[row.code]
            for column in self._sheet.columns:
                wanted = row.attributes.get(column.name, "")
                if not wanted or wanted in known.get(column.name, (wanted,)):
                    continue
                label = column.header
                what = Text(
                    f"“{label.zh}”填的“{wanted}”不存在。", f"“{label.en}” names “{wanted}”, which does not exist."
                )
                fix = Text("请改成已有的编码，或先补上那一行。", "Use a code that exists, or add its row.")
                table, _, other = (column.refers_to or "").partition(".")
                finding = self._finding(index, column.name, what, fix)
                yield OpenReference(table=table, column=other or "code", value=wanted, finding=finding)

    def wrong_levels(self, rows: Sequence[MasterRow], codes: Mapping[str, MasterRow]) -> Iterator[MasterFinding]:
        """Products that do not hang one level below their parent."""
        for row in rows:
            if row.level is not None:
                yield from self._wrong_level(row.level, codes.get(row.parent), row, self._row_of[row.code])

    def _wrong_level(self, level: int, parent: MasterRow | None, row: MasterRow, index: int) -> Iterator[MasterFinding]:
        if row.parent and (parent is None or parent.level is None):
            return
        expected = 1 if parent is None or parent.level is None else parent.level + 1
        if level != expected:
            what = Text(
                f"层级是 {level}，按上级应为 {expected}。",
                f"The level is {level}; below its parent it must be {expected}.",
            )
            yield self._finding(
                index, "level", what, Text("请改正层级或上级编码。", "Correct the level or the parent.")
            )

    def _value(self, index: int, column: MasterColumn, findings: list[MasterFinding]) -> str:
        at = self._at.get(column.name)
        row = self._rows[index]
        raw = row[at] if at is not None and at < len(row) else ""
        text = _text(raw)
        label = column.header
        if not text:
            if column.required:
                what = Text(f"“{label.zh}”没有填写。", f"“{label.en}” is empty.")
                findings.append(self._finding(index, column.name, what, Text("请填写。", "Fill it in.")))
            return ""
        if column.kind == "date":
            iso = _date(raw)
            if iso is None:
                what = Text(f"“{label.zh}”填的“{text}”不是日期。", f"“{label.en}” holds “{text}”, which is not a date.")
                fix = Text("请按 2026-11-21 的样子填写。", "Write it like 2026-11-21.")
                findings.append(self._finding(index, column.name, what, fix))
            return iso or ""
        if column.kind == "number":
            return self._number(index, column, raw, findings)
        if column.kind == "level" and text not in "123456789":
            what = Text(f"层级“{text}”不是 1 到 9 的整数。", f"The level “{text}” is not a whole number from 1 to 9.")
            fix = Text("1 系统，2 子系统，3 部件。", "1 system, 2 subsystem, 3 part.")
            findings.append(self._finding(index, column.name, what, fix))
            return ""
        if column.kind == "code" and ("," in text or len(text) > _LONGEST_CODE):
            what = Text(f"编码“{text[:80]}”不能用。", f"“{text[:80]}” cannot be a code.")
            fix = Text(
                f"编码不含逗号，最多 {_LONGEST_CODE} 个字。",
                f"A code has no comma and at most {_LONGEST_CODE} characters.",
            )
            findings.append(self._finding(index, column.name, what, fix))
        return text

    def _number(self, index: int, column: MasterColumn, raw: Any, findings: list[MasterFinding]) -> str:
        number, label, text = _decimal(raw), column.header, _text(raw)[:80]
        if number is None:
            what = Text(f"“{label.zh}”填的“{text}”不是数字。", f"“{label.en}” holds “{text}”, which is not a number.")
            fix = Text("只填数字，如 125000。", "Type the number only, such as 125000.")
        elif number < column.least or (column.whole and number != int(number)):
            what = Text(f"“{label.zh}”不能是 {text}。", f"“{label.en}” cannot be {text}.")
            kind = Text("整数" if column.whole else "数字", "whole number" if column.whole else "number")
            fix = Text(f"请填不小于 {column.least:g} 的{kind.zh}。", f"Enter a {kind.en} from {column.least:g}.")
        else:
            return plain_number(number)
        findings.append(self._finding(index, column.name, what, fix))
        return ""

    def _finding(self, index: int, column: str | None, what: Text, fix: Text) -> MasterFinding:
        at = self._at.get(column) if column else None
        cell = f"{_letters(at)}{index + 1}" if at is not None else f"{index + 1}:{index + 1}"
        return MasterFinding(sheet=self._title, cell=cell, what=what, fix=fix)


def write_master(master: Master, language: Language, tables: Collection[str] = tuple(BY_TABLE)) -> bytes:
    """A workbook with *tables* of *master*, headed in *language*; `read_master` takes it back unchanged."""
    out = BytesIO()
    # strings stay strings: a name may begin with "=".
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        text = book.add_format({"num_format": "@", "font_name": "等线"})
        day = book.add_format({"num_format": "yyyy-mm-dd", "font_name": "等线", "align": "left"})
        number = book.add_format({"num_format": "#,##0.##", "font_name": "等线"})
        formats = {"date": day, "number": number}
        head = book.add_format({"bold": True, "bg_color": "#1F4E79", "font_color": "#FFFFFF", "font_name": "等线"})
        for sheet in (sheet for sheet in SHEETS if sheet.table in tables):
            page = book.add_worksheet(sheet.title[language])
            for at, column in enumerate(sheet.columns):
                page.write_string(0, at, column.header[language], head)
                page.set_column(at, at, column.width, formats.get(column.kind, text))
            rows = master.rows(sheet.table)
            for index, row in enumerate(rows, start=1):
                for at, column in enumerate(sheet.columns):
                    value = _cell(row, column.name)
                    if value and column.kind == "date":
                        page.write_datetime(index, at, datetime.fromisoformat(value), day)
                    elif value and column.kind == "level":
                        page.write_number(index, at, int(value))
                    elif value and column.kind == "number":
                        page.write_number(index, at, float(value), number)
                    elif value:
                        page.write_string(index, at, value, text)
            page.freeze_panes(1, 2 if sheet.named else 1)
            page.autofilter(0, 0, max(len(rows), 1), len(sheet.columns) - 1)
    return out.getvalue()


def _cell(row: MasterRow, column: str) -> str:
    match column:
        case "code":
            return row.code
        case "name":
            return row.label_zh
        case "name_en":
            return row.label_en
        case "level":
            return str(row.level or "")
    return row.attributes.get(column, "")


def _master_row(sheet: MasterSheet, code: str, values: Mapping[str, str]) -> MasterRow:
    own = ("code", "name", "name_en", "level")
    return MasterRow(
        code=code,
        label_zh=values.get("name", code),
        label_en=values.get("name_en", ""),
        parent=values[sheet.parent] if sheet.parent else "",
        level=int(values["level"]) if values.get("level") else None,
        attributes={name: value for name, value in values.items() if name not in own},
    )


def _text(raw: Any) -> str:
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    if isinstance(raw, (date, datetime)):
        return raw.isoformat()
    return re.sub(r"[\x00-\x1f\x7f]+", " ", str(raw)).strip() if raw is not None else ""


def _date(raw: Any) -> str | None:
    if isinstance(raw, datetime):
        return raw.date().isoformat()
    if isinstance(raw, date):
        return raw.isoformat()
    match = _DATE.fullmatch(_text(raw))
    try:
        return date(*map(int, match.groups())).isoformat() if match else None
    except ValueError:
        return None


def _decimal(raw: Any) -> float | None:
    """A number however it is typed: 125,000 km, 12.5万, full-width digits; None where it is none."""
    if isinstance(raw, (bool, date, datetime)):
        return None
    if isinstance(raw, (int, float)):
        return float(raw) if isfinite(raw) else None
    match = _NUMBER.fullmatch(normalize("NFKC", _text(raw)).replace(",", "").casefold())
    return float(match[1]) * (10_000 if match[2] else 1) if match else None


def plain_number(number: float) -> str:
    """A number as text, without a point where it is whole."""
    return str(int(number)) if number == int(number) else repr(number)


def _fold(title: str) -> str:
    return "".join(title.split()).casefold()


def _letters(index: int) -> str:
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
