"""Workbooks as managers have them: whatever stands in them beside the table, a push leaves every byte of it alone."""

import re
import struct
from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO
from zipfile import ZipFile

import pytest
import xlsxwriter
from openpyxl import Workbook
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table, TableStyleInfo
from python_calamine import CalamineWorkbook

from tests.validity import lint, sdk, validator
from workbooks.dataset import Column, Dataset
from workbooks.form import Text
from workbooks.macros import vba_project
from workbooks.package import Package
from workbooks.push import push

HEADERS = ("编号", "发生日期", "站点", "费用")
COLUMNS = (
    Column("number", Text("编号", "Number"), "text"),
    Column("occurred_on", Text("发生日期", "Occurred on"), "date"),
    Column("station", Text("站点", "Station"), "text"),
    Column("cost", Text("费用", "Cost"), "decimal"),
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MS = "http://schemas.microsoft.com/office"
X = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c626001000000ffff030000060005"
    "57bfabd40000000049454e44ae426082"
)


def rows(count: int) -> Dataset:
    data = (
        [f"FR-{n}" for n in range(1, count + 1)],
        [date(2026, 1 + n % 12, 1 + n % 28) for n in range(count)],
        [("广州", "郑州")[n % 2] for n in range(count)],
        [n * 10.0 for n in range(1, count + 1)],
    )
    words = Text("故障明细", "Fault cases")
    return Dataset(
        name="fracas_cases", title=words, columns=COLUMNS, data=data, as_of=datetime(2026, 11, 1), definition=words
    )


def table_sheet(book: xlsxwriter.Workbook, title: str = "数据") -> xlsxwriter.worksheet.Worksheet:
    sheet = book.add_worksheet(title)
    sheet.add_table("A1:D4", {"name": "T_cases", "columns": [{"header": header} for header in HEADERS]})
    day = book.add_format({"num_format": "yyyy/m/d"})
    for n in range(1, 4):
        sheet.write_row(n, 0, [f"old{n}", None, "旧站", 7])
        sheet.write_datetime(n, 1, datetime(2020, 1, n), day)
    return sheet


def everything() -> bytes:
    """Macros, a button, pictures, notes, sparklines, rules, a chart sheet, print settings, names: one workbook."""
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet, own = table_sheet(book), book.add_worksheet("我的分析")
    book.add_vba_project(BytesIO(vba_project({})), is_stream=True)
    book.set_vba_name("ThisWorkbook")
    for place, one in enumerate((sheet, own), 1):
        one.set_vba_name(f"Sheet{place}")
    own.insert_button("H1", {"macro": "Refresh", "caption": "刷新"})
    own.insert_image("H4", "p.png", {"image_data": BytesIO(PICTURE)})
    own.insert_textbox("H8", "说明")
    own.write_comment("A1", "批注")
    own.add_sparkline("A5", {"range": "数据!D2:D4"})
    own.write_formula("A2", "=SUM(T_cases[费用])", None, 21)
    own.write_url("A3", "https://example.com/")
    own.conditional_format("B1:B9", {"type": "data_bar", "data_bar_2010": True})
    own.set_header("&C&G", {"image_center": "p.png", "image_data_center": BytesIO(PICTURE)})
    sheet.data_validation("C2:C4", {"validate": "list", "source": ["广州", "郑州"]})
    sheet.conditional_format("D2:D4", {"type": "data_bar", "data_bar_2010": True})
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.print_area("A1:D4")
    book.define_name("费用列", "=数据!$D$2:$D$4")
    chart = book.add_chart({"type": "pie"})
    chart.add_series({"values": "=我的分析!$A$1:$A$2"})
    book.add_chartsheet("图").set_chart(chart)
    book.set_custom_property("编制人", "赵敏")
    book.close()
    return out.getvalue()


def attach(package: Package, owner: str, kind: str, part: str, content_type: str, xml: str | bytes) -> str:
    """Add *part* with a relationship of *kind* (a whole address, or the end of an office one) from *owner*."""
    package.put(part, xml if isinstance(xml, bytes) else xml.encode())
    package.set_content_type(part, content_type)
    return package.relate(owner, kind if "/" in kind else f"{OFFICE}/{kind}", part)


def with_foreign_parts() -> bytes:
    """What Excel writes and no library does: slicers, a timeline, threads, a query, the data model, custom XML."""
    package = Package(everything())
    book, sheet, own = "xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"
    spreadsheet = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    excel = "application/vnd.ms-excel"
    for kind, owner, part, content_type in (
        (f"{MS}/2007/relationships/slicerCache", book, "xl/slicerCaches/slicerCache1.xml", f"{excel}.slicerCache+xml"),
        (f"{MS}/2007/relationships/slicer", own, "xl/slicers/slicer1.xml", f"{excel}.slicer+xml"),
        (f"{MS}/2011/relationships/timelineCache", book, "xl/timelineCaches/timelineCache1.xml",
         f"{excel}.timelineCache+xml"),
        (f"{MS}/2011/relationships/timeline", own, "xl/timelines/timeline1.xml", f"{excel}.timeline+xml"),
        (f"{MS}/2017/10/relationships/threadedComment", own, "xl/threadedComments/threadedComment1.xml",
         f"{excel}.threadedcomments+xml"),
        (f"{MS}/2017/10/relationships/person", book, "xl/persons/person.xml", f"{excel}.person+xml"),
        ("connections", book, "xl/connections.xml", f"{spreadsheet}.connections+xml"),
        ("powerPivotData", book, "xl/model/item.data", "application/vnd.openxmlformats-officedocument.model+data"),
        ("printerSettings", sheet, "xl/printerSettings/printerSettings1.bin", f"{spreadsheet}.printerSettings"),
        ("ctrlProp", own, "xl/ctrlProps/ctrlProp1.xml", f"{excel}.controlproperties+xml"),
        ("customXml", book, "customXml/item1.xml", "application/xml"),
        ("http://www.wps.cn/officeDocument/2020/cellImage", book, "xl/cellimages.xml",
         "application/vnd.wps-officedocument.cellimage+xml"),
    ):  # fmt: skip
        attach(package, owner, kind, part, content_type, f"<{part.rpartition('/')[2]} n='1' />  \r\n\u3000".encode())
    return package.save()


def cache(source: str) -> str:
    return (
        f'<pivotCacheDefinition xmlns="{X}" recordCount="3"><cacheSource type="worksheet"><worksheetSource {source}/>'
        '</cacheSource><cacheFields count="0"/></pivotCacheDefinition>'
    )


def with_pivots() -> bytes:
    """Two pivots on one cache by the table's name, one by its range, one of another table."""
    package = Package(everything())
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.pivotCacheDefinition+xml"
    sources = ('name="T_cases"', 'sheet="数据" ref="A1:D4"', 'name="T_other"', 'name="费用列"')
    for place, source in enumerate(sources, 1):
        part = f"xl/pivotCache/pivotCacheDefinition{place}.xml"
        attach(package, "xl/workbook.xml", "pivotCacheDefinition", part, kind, cache(source))
    for place, number in enumerate((1, 1, 2, 3), 1):
        table = f"xl/pivotTables/pivotTable{place}.xml"
        attach(package, "xl/worksheets/sheet2.xml", "pivotTable", table,
               "application/vnd.openxmlformats-officedocument.spreadsheetml.pivotTable+xml",
               f'<pivotTableDefinition xmlns="{X}"><location ref="A{40 + 9 * place}:B{42 + 9 * place}"/>'
               "</pivotTableDefinition>")  # fmt: skip
        package.relate(table, f"{OFFICE}/pivotCacheDefinition", f"xl/pivotCache/pivotCacheDefinition{number}.xml")
    return package.save()


def query_fed() -> bytes:
    """A table that a query fills, with its hidden name over header and body."""
    package = Package(everything())
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.queryTable+xml"
    fields = "".join(f'<queryTableField id="{n}" name="{h}" tableColumnId="{n}"/>' for n, h in enumerate(HEADERS, 1))
    query = (
        f'<queryTable xmlns="{X}" name="ExternalData_1" connectionId="1"><queryTableRefresh nextId="5">'
        f'<queryTableFields count="4">{fields}</queryTableFields></queryTableRefresh></queryTable>'
    )
    attach(package, "xl/tables/table1.xml", "queryTable", "xl/queryTables/queryTable1.xml", kind, query)
    text = package.read("xl/workbook.xml").decode()
    name = '<definedNames><definedName name="ExternalData_1" localSheetId="0" hidden="1">数据!$A$1:$D$4</definedName>'
    package.replace("xl/workbook.xml", text.replace("<definedNames>", name).encode())
    return package.save()


def by_openpyxl() -> bytes:
    """A workbook as Python programs save it: inline styles in another order, no spans, a validation over the rows."""
    book = Workbook()
    sheet = book.active
    sheet.title = "数据"
    sheet.append(HEADERS)
    for n in range(3):
        sheet.append([f"old{n}", date(2020, 1, 1), "旧站", 7])
    sheet.add_table(Table(displayName="T_cases", ref="A1:D4", tableStyleInfo=TableStyleInfo("TableStyleMedium9")))
    validation = DataValidation("list", '"广州,郑州"', sqref="C2:C4")
    sheet.add_data_validation(validation)
    book.create_sheet("我的")["A1"] = "=SUM(T_cases[费用])"
    out = BytesIO()
    book.save(out)
    return out.getvalue()


SHEET, TABLE, BOOK = "xl/worksheets/sheet1.xml", "xl/tables/table1.xml", "xl/workbook.xml"
OWN = "xl/worksheets/sheet2.xml"
CACHES = [f"xl/pivotCache/pivotCacheDefinition{number}.xml" for number in (1, 2, 4)]
CASES: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    # the sparkline in the manager's own sheet reads the table's column
    "everything": (everything, {SHEET, TABLE, BOOK, OWN}),
    "foreign": (with_foreign_parts, {SHEET, TABLE, BOOK, OWN}),
    "pivots": (
        with_pivots,
        {SHEET, TABLE, BOOK, OWN, *(f"xl/pivotCache/pivotCacheDefinition{n}.xml" for n in (1, 2, 4))},
    ),
    "query": (query_fed, {SHEET, TABLE, BOOK, OWN}),
    "openpyxl": (by_openpyxl, {SHEET, TABLE}),
}


def stored(content: bytes) -> dict[str, bytes]:
    """The records of an archive as they stand: headers, compressed bytes and all."""
    found = {}
    with ZipFile(BytesIO(content)) as archive:
        for entry in archive.infolist():
            name, extra = struct.unpack_from("<HH", content, entry.header_offset + 26)
            end = entry.header_offset + 30 + name + extra + entry.compress_size
            found[entry.filename] = content[entry.header_offset : end]
    return found


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("count", [0, 2, 40])
def test_only_what_follows_from_the_rows_is_changed(case, count):
    """The set of changed parts is the expected one; all others are the same as stored, in the same order."""
    make, expected = CASES[case]
    old = make()

    pushed = push(old, rows(count))

    before, after = stored(old), stored(pushed.content)
    assert list(before) == list(after)
    assert {name for name in before if before[name] != after[name]} == set(pushed.changed_parts) == expected
    written = CalamineWorkbook.from_filelike(BytesIO(pushed.content)).get_sheet_by_name("数据").to_python()
    assert [row[0] for row in written] == ["编号", *(f"FR-{n}" for n in range(1, count + 1))]


@pytest.mark.parametrize("case", ["everything", "openpyxl"])
def test_a_push_adds_no_finding_of_the_validators(case):
    """Excel opens the workbook as it opened the one before."""
    old = CASES[case][0]()

    new = push(old, rows(40)).content

    assert {f for f in lint(new) if "no result" not in f} <= set(lint(old))
    before, after = sdk([old, new], validator())
    assert {re.sub(r"\d+", "#", finding) for finding in after} <= {re.sub(r"\d+", "#", finding) for finding in before}


def test_rules_names_and_print_area_follow_the_rows():
    """What spans the rows exactly grows with them: validations, formats of 2010, sparklines, names, the print area."""
    package = Package(push(everything(), rows(9)).content)

    sheet, own, book = (package.read(part).decode() for part in (SHEET, OWN, BOOK))
    assert re.findall(r'<dataValidation [^>]*sqref="([^"]+)"', sheet) == ["C2:C10"]
    assert set(re.findall(r"<xm:sqref>([^<]+)", sheet)) == {"D2:D10"}
    assert "数据!D2:D10" in own
    assert "数据!$D$2:$D$10" in book
    assert "数据!$A$1:$D$10" in book


def test_a_table_fed_by_a_query_stays_one():
    """The query's hidden name covers the new rows, and its owner hears that a refresh in Excel replaces them."""
    pushed = push(query_fed(), rows(9))

    names = Package(pushed.content).xml(BOOK).iterfind("{*}definedNames/{*}definedName[@name='ExternalData_1']")
    assert [name.text for name in names] == ["数据!$A$1:$D$10"]
    assert "查询" in pushed.notes[0].zh


def test_caches_on_the_table_refresh_and_no_others():
    """By the table's name, by its range, which grows, and by a name over its cells; not that of another table."""
    package = Package(push(with_pivots(), rows(9)).content)

    found = [package.xml(f"xl/pivotCache/pivotCacheDefinition{n}.xml") for n in (1, 2, 3, 4)]
    assert [cache.get("refreshOnLoad") for cache in found] == ["1", "1", None, "1"]
    assert found[1].find("{*}cacheSource/{*}worksheetSource").get("ref") == "A1:D10"
