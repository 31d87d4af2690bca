"""A worksheet part is cut at its rows whatever wrote it."""

import pytest

from workbooks.ooxml.areas import Area
from workbooks.ooxml.letters import column_letters, column_number
from workbooks.ooxml.sheet_xml import SheetXml

NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def sheet(rows, head="", tail=""):
    return (
        f'<?xml version="1.0"?><worksheet xmlns="{NS}">{head}<sheetData>{rows}</sheetData>{tail}</worksheet>'.encode()
    )


def test_rows_and_cells_without_references_are_counted():
    """Both references are optional; the next one follows the one before."""
    part = SheetXml(
        sheet('<row><c><v>1</v></c><c s="3"/></row><row r="5"><c r="C5"><v>2</v></c><c><v>3</v></c></row><row/>')
    )

    rows = list(part.rows())

    assert [found.number for found in rows] == [1, 5, 6]
    assert [(cell.column, cell.style, cell.empty) for cell in part.cells(rows[0])] == [(1, 0, False), (2, 3, True)]
    assert [cell.xml for cell in part.cells(rows[1])] == [b'<c r="C5"><v>2</v></c>', b'<c r="D5"><v>3</v></c>']


@pytest.mark.parametrize(
    "content",
    [
        sheet('<row r="1"><c r="A1" t="inlineStr"><is><t><![CDATA[</row><row r="9">]]></t></is></c></row>'),
        sheet('<!-- <row r="7"></row> --><row r="1"><c r="A1"/></row>'),
        sheet('<row r="1"><c r="A1"/></row>').decode().replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16"),
    ],
)
def test_what_only_looks_like_a_row_is_none(content):
    """Comments, CDATA and other encodings are legal XML; they are taken for what they are."""
    assert [found.number for found in SheetXml(content).rows()] == [1]


def test_the_skeleton_is_everything_but_the_rows():
    """Edited, it closes around the rows again."""
    part = SheetXml(sheet('<row r="1"/>', head='<dimension ref="A1"/>', tail='<pageMargins left="1"/>'))

    skeleton = part.skeleton()
    skeleton.find("{*}dimension").set("ref", "A1:B2")
    head, tail = part.split(skeleton)

    assert head.endswith(b'<dimension ref="A1:B2"/><sheetData>')
    assert tail == b'</sheetData><pageMargins left="1"/></worksheet>'


def test_a_sheet_without_rows_has_none():
    """<sheetData/> is how an empty sheet is written."""
    part = SheetXml(sheet("").replace(b"<sheetData></sheetData>", b"<sheetData/>"))

    assert list(part.rows()) == []
    assert part.split(part.skeleton())[0].endswith(b"<sheetData>")


@pytest.mark.parametrize("content", [b"<chartsheet/>", f'<worksheet xmlns="{NS}"/>'.encode()])
def test_what_is_no_worksheet_is_refused(content):
    """A part without rows to replace is a mistake of the caller, not an empty sheet."""
    with pytest.raises(ValueError):
        SheetXml(content)


def test_row_attributes_forget_what_a_filter_did():
    """A height somebody set stays, an automatic one is computed anew, nothing stays hidden."""
    part = SheetXml(sheet('<row r="1" spans="1:2" ht="30" customHeight="1" hidden="1"/><row r="2" ht="44" s="3"/>'))

    assert [part.attributes(found) for found in part.rows()] == [b' ht="30" customHeight="1"', b' s="3"']


@pytest.mark.parametrize(("letters", "number"), [("A", 1), ("Z", 26), ("AA", 27), ("XFD", 16384)])
def test_columns_have_letters_and_numbers(letters, number):
    """Both ways."""
    assert (column_number(letters), column_letters(number)) == (number, letters)


def test_areas_read_and_write_as_excel_does():
    """One cell is an area too; what is no reference is said to be none."""
    assert str(Area.at("$B$2:D9")) == "B2:D9"
    assert Area.at("C3") == Area(3, 3, 3, 3)
    assert Area.at("A1:B2").meets(Area.at("B2:C3"))
    assert not Area.at("A1:B2").meets(Area.at("A3:B4"))
    with pytest.raises(ValueError):
        Area.at("A:A")
