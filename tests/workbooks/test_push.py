"""A dataset pushed into a person's workbook replaces the table's rows and nothing else."""

import re
from datetime import date, datetime
from io import BytesIO
from zipfile import ZipFile

import pytest
import xlsxwriter
from lxml import etree
from openpyxl import load_workbook

from tests.validity import assert_valid, lint, sdk, validator
from workbooks.dataset import Column, Dataset
from workbooks.form import Text
from workbooks.package import Package
from workbooks.push import PushError, push

X = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
COLUMNS = (
    Column("number", Text("编号", "Number"), "text"),
    Column("occurred_on", Text("发生日期", "Occurred on"), "date"),
    Column("station", Text("站点", "Station"), "text"),
    Column("cost", Text("费用", "Cost"), "decimal"),
    Column("count", Text("故障数", "Faults"), "integer"),
)


def cases(count, columns=COLUMNS):
    """*count* cases, numbered from FR-1; each costs its number times 10."""
    made = {
        "number": [f"FR-{n}" for n in range(1, count + 1)],
        "occurred_on": [date(2026, 1, 1 + n % 28) for n in range(count)],
        "station": [("广州", "郑州", "宁波")[n % 3] for n in range(count)],
        "cost": [n * 10.0 for n in range(1, count + 1)],
        "count": [1] * count,
    }
    words = Text("故障明细", "Fault cases")
    return Dataset(
        name="fracas_cases", title=words, columns=columns, data=tuple(made[c.name] for c in columns),
        as_of=datetime(2026, 11, 1), definition=words,
    )  # fmt: skip


def workbook(
    headers=("编号", "发生日期", "站点", "费用"), *, rows=3, first=(0, 0), extra=None, date_format="yyyy/m/d",
    totals=False, options=None, book_options=None, **table,
):  # fmt: skip
    """A workbook of a manager: table T_cases on 数据, what *extra*(book, sheet) draws, and a sheet 汇总."""
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True} | (book_options or {}))
    sheet, summary = book.add_worksheet("数据"), book.add_worksheet("汇总")
    day = book.add_format({"num_format": date_format} if date_format else {})
    top, left = first
    columns = [{"header": h} for h in headers]
    if totals:
        columns[0]["total_string"] = "合计"
        columns[3] |= {"total_function": "sum", "total_value": -1}
    for place, more in (options or {}).items():
        columns[place] |= more
    bottom = top + rows + (1 if totals else 0)
    sheet.add_table(
        top, left, bottom, left + len(headers) - 1, {"name": "T_cases", "columns": columns, "total_row": totals} | table
    )
    for n in range(1, rows + 1):
        sheet.write_string(top + n, left, f"old{n}")
        sheet.write_datetime(top + n, left + 1, datetime(2020, 1, n), day)
        sheet.write_string(top + n, left + 2, "旧站")
        sheet.write_number(top + n, left + 3, 7, book.add_format({"num_format": "#,##0.00", "bold": True}))
    if extra:
        extra(book, sheet, summary)
    book.close()
    return out.getvalue()


def edited(content, part, *changes):
    """*content* with text replaced in one part, as another program or person would have left it."""
    package = Package(content)
    text = package.read(part).decode()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    package.replace(part, text.encode())
    return package.save()


def part(content, name):
    return etree.fromstring(ZipFile(BytesIO(content)).read(name))


def sheet_values(content, title="数据"):
    return [list(row) for row in load_workbook(BytesIO(content))[title].values]


def refused(content, dataset, **more):
    with pytest.raises(PushError) as caught:
        push(content, dataset, **more)
    return caught.value.message


def test_rows_are_replaced_and_every_other_part_is_the_same_to_the_bit():
    """Only the sheet and the table part change when nothing else depends on the table."""
    old = workbook()

    pushed = push(old, cases(5))

    assert [row[0] for row in sheet_values(pushed.content)] == ["编号", "FR-1", "FR-2", "FR-3", "FR-4", "FR-5"]
    assert pushed.changed_parts == ("xl/tables/table1.xml", "xl/worksheets/sheet1.xml")
    before, after = ZipFile(BytesIO(old)), ZipFile(BytesIO(pushed.content))
    assert before.namelist() == after.namelist()
    for name in set(before.namelist()) - set(pushed.changed_parts):
        assert before.read(name) == after.read(name)
    assert (pushed.rows, pushed.table) == (5, "T_cases")


def test_columns_stand_in_the_workbooks_own_order_and_language():
    """Headers may be labels of either language or names; columns the manager left out stay out."""
    pushed = push(workbook(("Cost", "发生日期", "number", "站点"), options={}), cases(2))

    assert sheet_values(pushed.content)[1:] == [
        [10, datetime(2026, 1, 1), "FR-1", "广州"],
        [20, datetime(2026, 1, 2), "FR-2", "郑州"],
    ]


def test_cells_take_the_style_of_the_columns_first_row():
    """The manager's number formats, fonts and colours go on down the new rows."""
    sheet = load_workbook(BytesIO(push(workbook(), cases(9)).content))["数据"]

    assert sheet["B10"].number_format == "yyyy/m/d"
    assert (sheet["D10"].number_format, sheet["D10"].font.bold) == ("#,##0.00", True)


def test_a_date_column_without_a_date_format_gets_one():
    """A date must not show as 46023; one format is added and everything else about the cell kept."""
    old = workbook(date_format=None)

    pushed = push(old, cases(2))

    assert load_workbook(BytesIO(pushed.content))["数据"]["B3"].number_format == "yyyy-mm-dd"
    assert "xl/styles.xml" in pushed.changed_parts
    before, after = part(old, "xl/styles.xml"), part(pushed.content, "xl/styles.xml")
    assert len(after.findall(f"{X}cellXfs/{X}xf")) == len(before.findall(f"{X}cellXfs/{X}xf")) + 1


def test_a_workbook_that_counts_from_1904_shows_the_same_days():
    """Old Mac workbooks number their days differently."""
    pushed = push(workbook(book_options={"date_1904": True}), cases(1))

    assert sheet_values(pushed.content)[1][1] == datetime(2026, 1, 1)
    assert re.search(rb'<c r="B2"[^>]*><v>44561</v>', Package(pushed.content).read("xl/worksheets/sheet1.xml"))


@pytest.mark.parametrize("count", [1, 3, 8])
def test_the_totals_row_moves_with_the_table(count):
    """Its texts, formulas and styles stand under the last row, its sum is right without a calculation."""
    pushed = push(workbook(totals=True), cases(count))

    content = Package(pushed.content).read("xl/worksheets/sheet1.xml").decode()
    rows = sheet_values(pushed.content)
    assert len(rows) == count + 2
    assert rows[-1][0] == "合计"
    assert rows[-1][3].startswith("=SUBTOTAL(109,")
    assert re.search(rf'<c r="D{count + 2}"[^>]*><f>[^<]*</f><v>{sum(range(count + 1)) * 10.0}</v>', content)
    table = part(pushed.content, "xl/tables/table1.xml")
    assert table.get("ref") == f"A1:D{count + 2}"
    assert table.find(f"{X}autoFilter").get("ref") == f"A1:D{count + 1}"


def test_calculated_columns_are_written_down_to_the_last_row():
    """A column of the manager's own that the dataset lacks is kept if Excel can compute it."""
    old = workbook(
        ("编号", "发生日期", "站点", "费用", "含税"),
        options={4: {"formula": "=T_cases[[#This Row],[费用]]*1.06"}},
    )

    pushed = push(old, cases(4))

    assert [row[4] for row in sheet_values(pushed.content)[1:]] == ["=T_cases[[#This Row],[费用]]*1.06"] * 4
    assert part(pushed.content, "xl/workbook.xml").find(f"{X}calcPr").get("fullCalcOnLoad") == "1"


def test_a_column_the_dataset_lacks_is_named_and_nothing_is_lost():
    """Typed remarks beside the figures would vanish: the push is refused and says which column."""
    message = refused(workbook(("编号", "发生日期", "站点", "费用", "备注")), cases(2), table="T_cases")

    assert "“备注”" in message.zh
    assert "“备注”" in message.en


def test_the_calculation_chain_goes_when_formulas_went():
    """An entry for a cell without a formula makes Excel repair the file."""
    old = workbook(totals=True)
    package = Package(old)
    chain = '<calcChain xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><c r="D5" i="1"/></calcChain>'
    package.replace("xl/calcChain.xml", chain.encode())
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/calcChain"
    package.relate("xl/workbook.xml", kind, "xl/calcChain.xml")
    package.set_content_type(
        "xl/calcChain.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.calcChain+xml"
    )

    after = ZipFile(BytesIO(push(package.save(), cases(2)).content))

    assert "xl/calcChain.xml" not in after.namelist()
    assert b"calcChain" not in after.read("[Content_Types].xml") + after.read("xl/_rels/workbook.xml.rels")


def test_recalculation_on_opening_is_asked_only_of_workbooks_with_formulas():
    """A workbook of plain values keeps its workbook part to the bit."""
    plain = workbook()
    calculating = workbook(extra=lambda book, sheet, summary: summary.write_formula("A1", "=ROWS(T_cases)"))
    off = (' fullCalcOnLoad="1"', "")

    assert "xl/workbook.xml" not in push(edited(plain, "xl/workbook.xml", off), cases(2)).changed_parts
    assert "xl/workbook.xml" in push(edited(calculating, "xl/workbook.xml", off), cases(2)).changed_parts


def drawn_around(book, sheet, summary):
    """All kinds of references to exactly the old rows, and some that mean something else."""
    sheet.conditional_format("D2:D4", {"type": "data_bar"})
    sheet.conditional_format(
        "A2:D4", {"type": "formula", "criteria": "=$D2>50", "format": book.add_format({"bold": 1})}
    )
    sheet.data_validation("C2:C4", {"validate": "list", "source": ["广州", "郑州", "宁波"]})
    sheet.data_validation("A2:A3", {"validate": "length", "criteria": "<", "value": 30})
    book.define_name("费用列", "=数据!$D$2:$D$4")
    book.define_name("别的", "=数据!$D$2:$D$3")
    summary.write_formula("A1", "=SUM(数据!D2:D4)", None, 21)
    summary.write_formula("A2", '=COUNTIF(数据!$C$2:$C$4,"D2:D4")', None, 0)
    summary.write_formula("A3", "=SUM(D2:D4)", None, 0)
    summary.data_validation("B1", {"validate": "list", "source": "=数据!$A$2:$A$4"})
    sheet.write_formula("F1", "=SUM(D2:D4)", None, 21)
    chart = book.add_chart({"type": "column"})
    chart.add_series({"name": "=数据!$D$1", "categories": "=数据!$A$2:$A$4", "values": "=数据!$D$2:$D$4"})
    summary.insert_chart("D5", chart)


@pytest.mark.parametrize("count", [1, 12])
def test_what_spans_exactly_the_old_rows_grows_and_shrinks_with_them(count):
    """Excel does so when rows are typed in; formulas, names, charts and rules must not stop short of the new rows."""
    pushed = push(workbook(extra=drawn_around), cases(count))

    last = count + 1
    package = Package(pushed.content)
    names = {n.get("name"): n.text for n in package.xml("xl/workbook.xml").iter(f"{X}definedName")}
    assert names == {"费用列": f"数据!$D$2:$D${last}", "别的": "数据!$D$2:$D$3"}
    summary = [c.text for c in package.xml("xl/worksheets/sheet2.xml").iter(f"{X}f")]
    assert summary == [f"SUM(数据!D2:D{last})", f'COUNTIF(数据!$C$2:$C${last},"D2:D4")', "SUM(D2:D4)"]
    assert package.xml("xl/worksheets/sheet2.xml").findtext(f".//{X}formula1") == f"数据!$A$2:$A${last}"
    own = package.xml("xl/worksheets/sheet1.xml")
    one = count == 1  # Excel writes a single cell as one, too
    formats = [e.get("sqref") for e in own.iter(f"{X}conditionalFormatting")]
    assert formats == ["D2" if one else f"D2:D{last}", f"A2:D{last}"]
    assert [e.get("sqref") for e in own.iter(f"{X}dataValidation")] == ["C2" if one else f"C2:C{last}", "A2:A3"]
    assert own.findtext(f".//{X}c[@r='F1']/{X}f") == f"SUM(D2:D{last})"
    assert own.find(f"{X}dimension").get("ref") == f"A1:F{last}"


def test_charts_of_the_table_show_the_new_rows():
    """Series are resized and the points a viewer shows without calculating are the new ones."""
    chart = part(push(workbook(extra=drawn_around), cases(5)).content, "xl/charts/chart1.xml")

    assert [f.text for f in chart.iter("{*}f")] == ["数据!$D$1", "数据!$A$2:$A$6", "数据!$D$2:$D$6"]
    points = [v.text for cache in chart.iter("{*}numCache") for v in cache.iter("{*}v")]
    assert points == ["10.0", "20.0", "30.0", "40.0", "50.0"]
    assert [c.get("val") for c in chart.iter("{*}ptCount")][-1] == "5"


def test_zero_rows_leave_one_empty_row():
    """A table cannot be without a row; its cells keep their style for the next push."""
    old = workbook(totals=True)

    empty = push(old, cases(0)).content

    assert sheet_values(empty)[1] == [None] * 4
    assert part(empty, "xl/tables/table1.xml").get("ref") == "A1:D3"
    again = load_workbook(BytesIO(push(empty, cases(2)).content))["数据"]
    assert (again["B3"].number_format, again["D3"].font.bold) == ("yyyy/m/d", True)


def test_content_under_the_table_is_never_overwritten():
    """If the new rows would reach it, the push is refused and names the cell; if not, it stays where it is."""
    old = workbook(extra=lambda book, sheet, summary: sheet.write("B8", "签字"))

    assert "B8" in refused(old, cases(7)).zh
    assert sheet_values(push(old, cases(6)).content)[7] == [None, "签字", None, None]
    assert sheet_values(push(old, cases(1)).content)[7] == [None, "签字", None, None]


@pytest.mark.parametrize(
    ("obstacle", "what"),
    [
        (lambda book, sheet: sheet.merge_range("C9:D9", ""), "合并单元格"),
        (lambda book, sheet: sheet.add_table("A9:B11", {"name": "Other"}), "Other"),
    ],
)
def test_merged_cells_and_other_tables_are_in_the_way(obstacle, what):
    """Excel would repair a workbook whose table runs over them."""
    message = refused(workbook(extra=lambda book, sheet, summary: obstacle(book, sheet)), cases(20), table="T_cases")

    assert what in message.zh


@pytest.mark.parametrize("count", [2, 6])
def test_what_stands_beside_the_table_stays(count):
    """Notes and formulas left and right of the table keep their row, whether the table grows or shrinks."""

    def notes(book, sheet, summary):
        for n in range(1, 9):
            sheet.write(n, 0, f"左{n}")
            sheet.write_formula(n, 7, f"=D{n + 1}*2", None, 14)

    rows = sheet_values(push(workbook(first=(0, 2), extra=notes), cases(count)).content)

    assert [row[0] for row in rows[1:]] == [f"左{n}" for n in range(1, 9)]
    assert [row[7] for row in rows[1:]] == [f"=D{n}*2" for n in range(2, 10)]
    assert [row[2] for row in rows[1:] if row[2]] == [f"FR-{n}" for n in range(1, count + 1)]


def test_filters_and_sorting_are_cleared():
    """New rows cannot have been chosen by an old filter; none of them may stay hidden."""
    old = workbook()
    chosen = '<filterColumn colId="2"><filters><filter val="旧站"/></filters></filterColumn>'
    order = '<sortState ref="A2:D4"><sortCondition ref="A2:A4"/></sortState>'
    plain = '<autoFilter ref="A1:D4"'
    old = edited(old, "xl/tables/table1.xml", (f"{plain}/>", f"{plain}>{chosen}</autoFilter>{order}"))
    old = edited(old, "xl/worksheets/sheet1.xml", ('<row r="2" ', '<row r="2" hidden="1" '))

    pushed = push(old, cases(4)).content

    table = part(pushed, "xl/tables/table1.xml")
    assert len(table.find(f"{X}autoFilter")) == 0
    assert table.find(f"{X}sortState") is None
    assert b"hidden" not in Package(pushed).read("xl/worksheets/sheet1.xml")


def test_links_of_the_old_rows_go():
    """A link stands for the old value of its cell; others stay."""

    def links(book, sheet, summary):
        sheet.write_url("C2", "https://example.com/old")
        sheet.write_url("F1", "https://example.com/keep")

    pushed = push(workbook(extra=links), cases(2)).content

    assert [link.get("ref") for link in part(pushed, "xl/worksheets/sheet1.xml").iter(f"{X}hyperlink")] == ["F1"]


def test_sheets_with_a_namespace_prefix_are_understood():
    """Some programs write <x:row>; the new rows are written likewise."""
    package = Package(workbook())
    text = re.sub(r"<(/?)(?=[a-zA-Z])", r"<\1x:", package.read("xl/worksheets/sheet1.xml").decode())
    package.replace("xl/worksheets/sheet1.xml", text.replace("xmlns=", "xmlns:x=").encode())

    pushed = push(package.save(), cases(5)).content

    assert [row[0] for row in sheet_values(pushed)][1:] == [f"FR-{n}" for n in range(1, 6)]


def test_rows_and_cells_without_references_are_understood():
    """References are optional in the format; position counts then."""
    package = Package(workbook(first=(0, 0)))
    text = re.sub(r'(<(?:row|c)) r="[^"]*"', r"\1", package.read("xl/worksheets/sheet1.xml").decode())
    package.replace("xl/worksheets/sheet1.xml", text.encode())

    pushed = push(package.save(), cases(5)).content

    assert [row[0] for row in sheet_values(pushed)] == ["编号", *(f"FR-{n}" for n in range(1, 6))]
    assert load_workbook(BytesIO(pushed))["数据"]["B6"].number_format == "yyyy/m/d"


def test_the_table_is_found_by_its_headers():
    """Without a name the table that fits best is taken; when two fit alike the person is asked."""

    def second(*headers):
        columns = [{"header": header} for header in headers]
        return lambda book, sheet, summary: summary.add_table("A1:D2", {"name": "T_second", "columns": columns})

    smaller = workbook(extra=second("站点", "费用", "甲", "乙"))
    twin = workbook(extra=second("编号", "发生日期", "站点", "费用"))
    assert push(smaller, cases(2)).table == "T_cases"
    assert "T_cases、T_second" in refused(twin, cases(2)).zh
    assert push(twin, cases(2), table="t_SECOND").table == "T_second"
    assert "T_cases" in refused(workbook(), cases(2), table="T_x").zh
    assert "Ctrl+T" in refused(workbook(("甲", "乙", "丙", "丁"), extra=second("戊", "己", "庚", "辛")), cases(2)).zh


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "空"),
        (b"PK\x05\x06" + bytes(18), "工作簿"),
        (workbook()[:-30], "损坏"),
        (b"a,b\n1,2\n", "文本文件"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_what_is_no_workbook_is_refused_in_words(content, what):
    """The person reads what the file is and what to do, each in one language, not a traceback."""
    message = refused(content, cases(1))

    assert what in message.zh
    assert ".xlsx" in message.zh
    assert not re.search(r"[a-z]{3,} [a-z]{3,}", message.zh)
    assert "Only .xlsx and .xlsm" in message.en


def test_text_too_long_for_a_cell_is_refused_with_row_and_column():
    """Nothing is cut silently."""
    long = cases(3)
    long.data[2][1] = "长" * 40_000

    message = refused(workbook(), long)

    assert "第 2 行的“站点”" in message.zh
    assert "40000" in message.zh


def test_pushing_the_same_rows_again_changes_nothing():
    """A second push of the same dataset gives the same bytes."""
    once = push(workbook(totals=True, extra=lambda b, sheet, s: sheet.write("H3", 5)), cases(7)).content

    assert push(once, cases(7)).content == once


def test_a_pushed_workbook_is_as_valid_as_before():
    """More rows, none, a totals row, a calculated column, everything that refers to the rows: Excel opens it all."""
    headers = ("编号", "发生日期", "站点", "费用", "含税")
    taxed = {4: {"formula": "=T_cases[[#This Row],[费用]]*1.06"}}
    plain, full = workbook(extra=drawn_around), workbook(headers, totals=True, options=taxed)

    calculated = push(full, cases(7)).content

    assert {finding.rpartition(": ")[2] for finding in lint(calculated)} == {"the formula has no result"}
    assert_valid(push(plain, cases(12)).content, push(plain, cases(0)).content)
    assert sdk([calculated], validator()) == [[]]
