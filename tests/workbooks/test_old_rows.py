"""A sheet is read past its table without ever standing in memory, and nothing but the table's own rows is left out."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbooks.ooxml.areas import Area
from workbooks.ooxml.sheet_xml import SheetXml
from workbooks.pushing import old_rows
from workbooks.pushing.old_rows import shortened

NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def row(number, columns, text=""):
    cells = "".join(f'<c r="{letters}{number}"><v>{text}</v></c>' for letters in columns)
    return f'<row r="{number}">{cells}</row>' if columns else f'<row r="{number}"/>'


def sheet(rows, prefix=""):
    text = f'<worksheet xmlns="{NS}"><cols/><sheetData>{rows}</sheetData><pageMargins left="1"/></worksheet>'
    if prefix:
        text = (
            text.replace("</", "\0")
            .replace("<", f"<{prefix}:")
            .replace("\0", f"</{prefix}:")
            .replace("xmlns=", "xmlns:x=")
        )
    return f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()


def cut(content, size):
    return lambda: (content[at : at + size] for at in range(0, len(content), size))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from(["BC", "B", "C", "BCD", "ABC", "D", ""]), st.integers(0, 60)),
        max_size=25,
    ),
    st.integers(1, 20),
    st.integers(0, 40),
    st.integers(60, 400),
    st.sampled_from(["", "x"]),
)
@example([(1, "BC", 5), (1, "BC", 50), (1, "BCD", 1), (1, "BC", 3), (1, "BC", 5)], 1, 9, 61, "")
def test_rows_within_the_columns_are_left_out_and_no_others(drawn, top, more, size, prefix):
    """However long the rows are and wherever the pieces end, no cell beside the table is missed."""
    number, rows = 0, []
    for step, columns, length in drawn:
        number += step
        rows.append((number, columns, row(number, columns, "7" * length)))
    body = Area(top, 2, top + more, 3)
    room, old_rows._ROOM = old_rows._ROOM, 400
    try:
        short = shortened(cut(sheet("".join(xml for _, _, xml in rows), prefix), size), body)
    finally:
        old_rows._ROOM = room

    below = [xml for found, columns, xml in rows
             if not (top < found <= body.bottom) or columns not in ("BC", "B", "C", "")]  # fmt: skip
    assert short == sheet("".join(below), prefix)


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"/><row r="2"><c r="B2"/></row><!-- <row r="3"><c r="B3"/></row> --><row r="3"><c r="D3"/></row>',
        '<row r="1"/><row r="2"><c r="B2"/></row><row r="3"><c r="D3" t="str"><v><![CDATA[</row>]]></v></c></row>',
        '<row r="1"/><row><c r="B2"/></row><row><c r="D3"/></row>',
    ],
)
def test_what_is_written_otherwise_is_kept(rows):
    """Comments, CDATA, rows without numbers: looked at with more care, and the cell beside the table is there."""
    short = SheetXml(shortened(cut(sheet(rows), 50), Area(1, 2, 9, 3)))

    assert [found.number for found in short.rows()][-1] == 3
    assert b'"D3"' in short.content


def test_other_encodings_are_understood():
    """UTF-16 and GB 18030 are legal XML."""
    text = sheet(row(1, "BC", "表") + row(2, "BCD", "单")).decode()

    for name in ("utf-16", "gb18030"):
        content = text.replace("UTF-8", name).encode(name)
        assert "单" in shortened(cut(content, 60), Area(1, 2, 9, 3)).decode()
