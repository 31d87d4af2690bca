"""Filled workbooks as other programs make them, drawn for the tests of receipts."""

import io
import struct
import zlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter
from openpyxl.comments import Comment
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation

from workbooks.package import RELATION_NS, SHEET_NS, Package

TITLE = "客户's 反馈"
NAMES = {
    "AS__number": "$B$2",
    "AS__revision": "$D$2",
    "AS__state": "$B$3",
    "AS__received_at": "$D$3",
    "AS_station": "$B$5",
    "AS_reported_on": "$B$6",
    "AS_symptom": "$B$7:$E$7",
    "AS_parts__quantity": "$B$10:$B$12",
}


@cache  # a workbook says when it was made: two of them may differ in that
def drawn_form() -> bytes:
    """A small form built with openpyxl: formats, merged input, validation, conditional format, hidden list sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = TITLE
    line = Side(style="thin", color="FF888888")
    for row in range(1, 13):
        for column in range(1, 6):
            cell = sheet.cell(row, column)
            cell.border = Border(line, line, line, line)
            cell.font = Font(name="宋体", size=11, bold=column == 1)
    for address, text in {
        "A1": "反馈",
        "A2": "编号",
        "C2": "版次",
        "A5": "服务站",
        "A6": "报告日期",
        "A7": "现象",
    }.items():
        sheet[address] = text
    for address in ("B5", "B6", "B7", "C7", "D7", "E7"):
        sheet[address].fill = PatternFill("solid", fgColor="FFFFF8DC")
        sheet[address].protection = Protection(locked=False)
    sheet["B5"] = "上海站"
    sheet["B6"] = datetime(2026, 11, 21)
    sheet["B6"].number_format = "yyyy-mm-dd"
    sheet["D3"].number_format = "yyyy-mm-dd hh:mm"
    sheet["B7"] = "空调不制冷"
    sheet["B7"].alignment = Alignment(wrap_text=True, vertical="top")
    sheet.merge_cells("B7:E7")
    for row in (10, 11, 12):
        sheet.cell(row, 2).value = row
    sheet["E12"] = "=SUM(B10:B12)"
    sheet.column_dimensions["B"].width = 22
    choice = DataValidation(type="list", formula1="_lists!$A$1:$A$2")
    choice.add("B5")
    sheet.add_data_validation(choice)
    sheet.conditional_formatting.add(
        "B5:B6", FormulaRule(formula=["ISBLANK(B5)"], fill=PatternFill("solid", bgColor="FFFFE08A"))
    )
    lists = book.create_sheet("_lists")
    lists.sheet_state = "hidden"
    lists["A1"], lists["A2"] = "上海服务站", "北京服务站"
    for name, reference in NAMES.items():
        quoted = TITLE.replace("'", "''")
        book.defined_names[name] = DefinedName(name, attr_text=f"'{quoted}'!{reference}")
    book.defined_names["AS__form_id"] = DefinedName("AS__form_id", attr_text='"feedback"', hidden=True)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_notes(content: bytes, notes: Mapping[str, str]) -> bytes:
    """The same with notes by somebody else; openpyxl keeps everything `drawn_form` draws."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    for address, text in notes.items():
        book[TITLE][address].comment = Comment(text, "李工")
    return saved(book)


def busy_workbook(folder: Path) -> bytes:
    """A workbook of XlsxWriter's with notes, picture, chart, table, sparkline, conditional formats and a button."""
    picture = folder / "dot.png"
    picture.write_bytes(png())
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet, other = book.add_worksheet("登记"), book.add_worksheet("数据")
    bold = book.add_format({"bold": True, "bg_color": "#EEF3FA", "border": 1})
    sheet.write("A1", "服务站", bold)
    sheet.write("B1", "上海站")
    sheet.merge_range("B3:D4", "现象", bold)
    sheet.write_comment("B1", "请核对", {"author": "王工", "color": "#CCFFCC"})
    sheet.write_comment("F9", "另一个批注", {"author": "王工"})
    sheet.insert_image("G2", str(picture))
    sheet.insert_button("H8", {"caption": "提交"})
    sheet.conditional_format("B1:D9", {"type": "cell", "criteria": ">", "value": 3, "format": bold})
    sheet.conditional_format("E1:E9", {"type": "data_bar", "data_bar_2010": True})
    other.add_table("A1:B4", {"columns": [{"header": "月"}, {"header": "数"}], "data": [["1", 4], ["2", 5], ["3", 6]]})
    other.add_sparkline("D1", {"range": "数据!B2:B4"})
    other.write_comment("A1", "表头", {"author": "赵工"})
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": "=数据!$B$2:$B$4", "categories": "=数据!$A$2:$A$4"})
    other.insert_chart("F2", chart)
    sheet.set_header("&L&G", {"image_left": str(picture)})
    line = book.add_chart({"type": "line"})
    line.add_series({"values": "=数据!$B$2:$B$4"})
    book.add_chartsheet("图").set_chart(line)
    book.define_name("AS__number", "=登记!$B$6")
    book.define_name("AS_station", "=登记!$B$1")
    book.close()
    return out.getvalue()


def png() -> bytes:
    """A red dot."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
        + chunk(b"IEND", b"")
    )


def with_part(content: bytes, owner: str, kind: str, name: str, part: bytes, content_type: str) -> bytes:
    """The same with one more part, related to *owner* ("" for the package) by type *kind*."""
    package = Package(content)
    package.put(name, part)
    package.set_content_type(name, content_type)
    package.relate(owner, kind if ":" in kind else f"{RELATION_NS}/{kind}", name)
    return package.save()


def with_text(content: bytes, part: str, *changes: tuple[str, str]) -> bytes:
    """The same with texts in one part replaced; each must be there."""
    package = Package(content)
    text = package.read(part).decode()
    for old, new in changes:
        assert old in text, f"{old} is not in {part}"
        text = text.replace(old, new, 1)
    package.put(part, text.encode())
    return package.save()


def strict(content: bytes) -> bytes:
    """The same in the namespaces of "Strict Open XML Spreadsheet"."""
    package = Package(content)
    for name in list(package.names()):
        if name.endswith((".xml", ".rels")):
            part = package.read(name).replace(SHEET_NS.encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main")
            part = part.replace(RELATION_NS.encode(), b"http://purl.oclc.org/ooxml/officeDocument/relationships")
            package.put(name, part)
    return package.save()


def prefixed(content: bytes) -> bytes:
    """The same with a prefix on every element of workbook, sheets and styles, as some report generators write."""
    from lxml import etree

    package = Package(content)
    for name in list(package.names()):
        tree = package.xml(name) if name.endswith(".xml") else None
        if tree is None or etree.QName(tree).namespace != SHEET_NS:
            continue
        root = etree.Element(tree.tag, dict(tree.attrib), nsmap={"x": SHEET_NS, "r": RELATION_NS})
        root.extend(list(tree))
        package.put(name, etree.tostring(root).replace(f' xmlns="{SHEET_NS}"'.encode(), b""))
    return package.save()


def looks(content: bytes, title: str) -> dict[str, tuple[Any, ...]]:
    """How each cell of a sheet looks: font, fill, border, alignment, number format, protection."""
    sheet = openpyxl.load_workbook(io.BytesIO(content))[title]
    return {
        cell.coordinate: (
            cell.font.b, cell.font.name, cell.fill.patternType, cell.fill.fgColor.rgb, cell.border.left.style,
            cell.alignment.wrap_text, cell.number_format, cell.protection.locked,
        )
        for row in sheet.iter_rows()
        for cell in row
    }  # fmt: skip
