"""Datasets as files to take away."""

import csv
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO, StringIO

from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from workbooks.dataset import Column, Dataset
from workbooks.export import csv_file, tables_workbook
from workbooks.form import Text
from workbooks.package import Package

COLUMNS = (
    Column("text", Text("文字", "Text"), "text"),
    Column("count", Text("数量", "Count"), "integer"),
    Column("cost", Text("费用", "Cost"), "decimal"),
    Column("on", Text("日期", "Date"), "date"),
    Column("at", Text("时间", "Time"), "datetime"),
    Column("text2", Text("文字", "Text"), "text"),
)
ROW = ("甲", 3, Decimal("1.5"), date(2026, 3, 5), datetime(2026, 3, 5, 9, 30), None)


def _dataset(*rows: tuple[object, ...], title: str = "故障") -> Dataset:
    data = tuple(zip(*rows, strict=True)) if rows else ((),) * len(COLUMNS)
    now = datetime(2026, 3, 6)
    return Dataset(
        name="cases", title=Text(title, title), columns=COLUMNS, data=data, as_of=now, definition=Text("", "")
    )


def test_values_keep_their_types():
    """Numbers are numbers, dates dates, nothing stays empty."""
    sheet = load_workbook(BytesIO(tables_workbook([_dataset(ROW)], "zh"))).worksheets[0]

    assert [cell.value for cell in sheet[2]] == ["甲", 3, 1.5, datetime(2026, 3, 5), datetime(2026, 3, 5, 9, 30), None]
    assert [sheet["D2"].is_date, sheet["E2"].is_date] == [True, True]


def test_numbers_show_the_decimals_their_columns_declare():
    """Without any, decimals are shown as they are."""
    columns = (*COLUMNS[:2], replace(COLUMNS[2], decimals=2), replace(COLUMNS[2], name="share", type="percent"))
    dataset = replace(_dataset(), columns=columns, data=(("甲",), (3,), (1.5,), (0.5,)))
    book = load_workbook(BytesIO(tables_workbook([dataset, _dataset(ROW)], "zh")))

    assert [cell.number_format for cell in book.worksheets[0][2]] == ["General", "0", "#,##0.00", "0.0%"]
    assert book.worksheets[1]["C2"].number_format == "General"


def test_every_dataset_is_a_table_on_its_own_sheet():
    """Also when two have one title, or one has no rows; two equal headings are told apart."""
    content = tables_workbook([_dataset(ROW), _dataset(ROW), _dataset()], "zh")
    book = load_workbook(BytesIO(content))

    assert book.sheetnames == ["故障", "故障 2", "故障 3"]
    assert [len(sheet.tables) for sheet in book.worksheets] == [1, 1, 1]
    assert [cell.value for cell in book.worksheets[0][1]][-1] == "文字 2"
    assert sum(name.startswith("xl/tables/") for name in Package(content).names()) == 3


def test_a_title_that_is_no_sheet_name_is_made_one():
    """Slashes and length."""
    book = load_workbook(BytesIO(tables_workbook([_dataset(ROW, title="故障/纠正[措施]" * 5)], "zh")))

    assert len(book.sheetnames[0]) <= 31
    assert not set("[]:*?/\\") & set(book.sheetnames[0])


def test_text_is_never_a_formula_or_link():
    """Whatever somebody typed into a form."""
    evil = ("=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "http://evil.example", "{=A1}")
    content = tables_workbook([_dataset(*((text, *ROW[1:]) for text in evil))], "zh")
    sheet = load_workbook(BytesIO(content)).worksheets[0]

    assert [cell.value for cell in sheet["A"][1:]] == list(evil)
    assert {cell.data_type for cell in sheet["A"][1:]} == {"s"}
    assert b"hyperlink" not in Package(content).read("xl/worksheets/sheet1.xml")


def test_csv_runs_nothing_in_a_spreadsheet():
    """An apostrophe stands before what would be a formula; numbers stay numbers."""
    rows = [("=1+1", -5, *ROW[2:]), ("-2", 0, *ROW[2:]), ("\tx", 1, *ROW[2:])]
    content = csv_file(_dataset(*rows), "en")
    parsed = list(csv.reader(StringIO(content.decode("utf-8-sig"), newline="")))

    assert content.startswith(b"\xef\xbb\xbf")
    assert [row[0] for row in parsed[1:]] == ["'=1+1", "'-2", "'\tx"]
    assert [row[1] for row in parsed[1:]] == ["-5", "0", "1"]
    assert parsed[1][4] == "2026-03-05 09:30:00"


@settings(max_examples=40)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_survives_the_csv_file(text: str):
    """Commas, quotes, line breaks, emoji."""
    parsed = list(csv.reader(StringIO(csv_file(_dataset((text, *ROW[1:])), "zh").decode("utf-8-sig"), newline="")))

    assert parsed[1][0] in (text, f"'{text}")


def test_a_stamped_workbook_says_what_its_columns_mean():
    """What is counted, by which date, as of when; a column's definition and unit, where it has them."""
    cost = replace(COLUMNS[2], unit=Text("元", "CNY"), definition=Text("实际发生额", "amount spent"))
    dataset = replace(
        _dataset(ROW), columns=(*COLUMNS[:2], cost, *COLUMNS[3:]), definition=Text("全部故障", "all failures"),
        anchor=Text("报修时间", "time reported"),
    )  # fmt: skip
    about = load_workbook(BytesIO(tables_workbook([dataset], "zh", stamped=True)))["说明"]
    told = {row[0].value: row[1].value for row in about.iter_rows() if row[0].value}

    assert (told["口径"], told["归属日期"], told["截至"]) == ("全部故障", "报修时间", "2026-03-06 00:00")
    assert told["费用"] == "实际发生额 [元]"
    assert "数量" not in told
