"""Single cells of a sheet part are set in place and in order; nothing else in the sheet changes."""

import io
import re
from datetime import datetime

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from openpyxl.styles import Font, PatternFill
from python_calamine import CalamineWorkbook

from workbooks.ooxml.areas import Area
from workbooks.ooxml.book import Book
from workbooks.ooxml.cells import Sheet, text_content
from workbooks.ooxml.letters import column_letters, column_number
from workbooks.ooxml.stylesheet import Stylesheet, minimal
from workbooks.package import SHEET_NS, STRICT_SHEET_NS, Package


def sheet(rows: str, before: str = "", after: str = "", ns: str = SHEET_NS) -> Sheet:
    """A drawn sheet: *rows* stand in its sheetData."""
    return Sheet(etree.fromstring(f'<worksheet xmlns="{ns}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'))


def drawn(edited: Sheet) -> str:
    """The sheetData as text, without its namespace."""
    text = etree.tostring(edited.data, encoding="unicode")
    for noise in (f' xmlns="{SHEET_NS}"', f' xmlns="{STRICT_SHEET_NS}"', ' xml:space="preserve"'):
        text = text.replace(noise, "")
    return text.removeprefix("<sheetData>").removesuffix("</sheetData>")


def at(address: str) -> tuple[int, int]:
    area = Area.parse(address)
    assert area is not None
    return area.top, area.left


def test_text_replaces_the_value_and_keeps_the_style():
    """The shared string stays where it is; the cell no longer points to it."""
    edited = sheet('<row r="2"><c r="B2" s="7" t="s"><v>0</v></c></row>')
    edited.set_text(at("B2"), "FR-2026-000123")

    assert drawn(edited) == '<row r="2"><c r="B2" s="7" t="inlineStr"><is><t>FR-2026-000123</t></is></c></row>'


def test_number_replaces_text():
    edited = sheet('<row r="2"><c r="B2" s="7" t="inlineStr"><is><t>x</t></is></c></row>')
    edited.set_number(at("B2"), 2)

    assert drawn(edited) == '<row r="2"><c r="B2" s="7"><v>2</v></c></row>'


def test_missing_rows_and_cells_are_made_in_order():
    edited = sheet('<row r="2"><c r="B2"/><c r="D2"/></row><row r="9"><c r="A9"/></row>')
    for address in ("C2", "A2", "E2", "A5", "A1", "B12"):
        edited.set_number(at(address), 1)

    rows = [(row.get("r"), [cell.get("r") for cell in row]) for row in edited.data]
    assert rows == [
        ("1", ["A1"]),
        ("2", ["A2", "B2", "C2", "D2", "E2"]),
        ("5", ["A5"]),
        ("9", ["A9"]),
        ("12", ["B12"]),
    ]


def test_cells_without_addresses_follow_the_one_before():
    """The address is optional in the file format, and some writers save the bytes."""
    edited = sheet("<row><c><v>1</v></c></row><row><c><v>2</v></c><c><v>3</v></c></row>")
    edited.set_number(at("B2"), 4)
    edited.set_number(at("D2"), 5)

    assert drawn(edited) == (
        '<row><c><v>1</v></c></row><row><c><v>2</v></c><c><v>4</v></c><c r="D2"><v>5</v></c></row>'
    )


def test_a_new_cell_takes_the_style_of_its_row_or_column():
    edited = sheet('<row r="3" s="4" customFormat="1"/>', before='<cols><col min="2" max="3" style="6"/></cols>')
    edited.set_number(at("B3"), 1)
    edited.set_number(at("C4"), 1)
    edited.set_number(at("D4"), 1)

    assert [edited.style(at(address)) for address in ("B3", "C4", "D4")] == [4, 6, 0]


def test_the_dimension_is_widened():
    edited = sheet('<row r="2"><c r="B2"/></row>', before='<dimension ref="B2:C3"/>')
    edited.set_number(at("E1"), 1)

    dimension = edited.tree.find(f"{{{SHEET_NS}}}dimension")
    assert dimension is not None
    assert dimension.get("ref") == "B1:E3"


def test_an_overwritten_formula_leaves_the_calculation_chain():
    edited = sheet('<row r="1"><c r="A1"><f>B1</f><v>3</v></c></row>')
    edited.set_text(at("A1"), "=B1")

    assert edited.unlinked == {"A1"}
    assert drawn(edited) == '<row r="1"><c r="A1" t="inlineStr"><is><t>=B1</t></is></c></row>'


def test_the_next_cell_inherits_a_shared_formula():
    """Only its first cell spells it out; overwritten, the others would calculate nothing."""
    edited = sheet(
        '<row r="1"><c r="A1"><f t="shared" ref="A1:A3" si="0">B1*$C$1</f><v>1</v></c></row>'
        '<row r="2"><c r="A2"><f t="shared" si="0"/><v>2</v></c></row>'
        '<row r="3"><c r="A3"><f t="shared" si="0"/><v>3</v></c></row>'
    )
    edited.set_number(at("A1"), 9)

    assert drawn(edited) == (
        '<row r="1"><c r="A1"><v>9</v></c></row>'
        '<row r="2"><c r="A2"><f t="shared" si="0" ref="A1:A3">B2*$C$1</f><v>2</v></c></row>'
        '<row r="3"><c r="A3"><f t="shared" si="0"/><v>3</v></c></row>'
    )


def test_pictures_in_cells_lose_their_entry_when_overwritten():
    edited = sheet('<row r="1"><c r="A1" t="e" vm="1" cm="2"><v>#VALUE!</v></c></row>')
    edited.set_text(at("A1"), "x")

    assert drawn(edited) == '<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>'


def test_prefixed_and_strict_sheets_are_edited_in_their_own_namespace():
    for ns in (SHEET_NS, STRICT_SHEET_NS):
        edited = Sheet(
            etree.fromstring(f'<x:worksheet xmlns:x="{ns}"><x:sheetData><x:row r="1"/></x:sheetData></x:worksheet>')
        )
        edited.set_text(at("A1"), "x")

        assert b'<x:c r="A1" t="inlineStr"><x:is><x:t' in etree.tostring(edited.tree)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("a\x00b\x1f", "a_x0000_b_x001F_"),
        ("_x0041_", "_x005F_x0041_"),
        ("line\nbreak\ttab", "line\nbreak\ttab"),
        ("\r", "_x000D_"),
        ("\ud800\uffff", "\ufffd\ufffd"),
        ("好" * 40_000, "好" * 32_766 + "…"),
        ("😀" * 20_000, "😀" * 16_383 + "…"),
        ("好" * 32_767, "好" * 32_767),
    ],
    ids=["control", "looks like an escape", "kept", "return", "no characters", "too long", "surrogate pairs", "fits"],
)
def test_text_is_stored_as_excel_would(text: str, stored: str):
    """XML cannot hold control characters; Excel keeps 32,767 UTF-16 units."""
    assert text_content(text) == stored


@pytest.mark.parametrize(
    ("reference", "area"),
    [
        ("C7", Area(7, 3, 7, 3)),
        ("$C$7:$F$8", Area(7, 3, 8, 6)),
        ("F8:C7", Area(7, 3, 8, 6)),
        ("XFD1048576", Area(1_048_576, 16_384, 1_048_576, 16_384)),
        ("XFE1", None),
        ("A1048577", None),
        ("A0", None),
        ("A:A", None),
        ("#REF!", None),
        ("A1:B2:C3", None),
        ("", None),
    ],
)
def test_references_are_parsed_within_the_grid(reference: str, area: Area | None):
    assert Area.parse(reference) == area


@given(st.integers(1, 16_384))
def test_column_letters_go_both_ways(number: int):
    assert column_number(column_letters(number)) == number


PLACES = st.tuples(st.integers(1, 12), st.integers(1, 30))
VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=9),
    st.integers(-(10**9), 10**9).map(lambda number: number / 8),
)
# openpyxl writes text that looks like an escape as it is, which other programs then read as the character.
AS_WRITTEN = VALUES.filter(lambda value: not re.search("_x[0-9A-Fa-f]{4}_", str(value)))


@settings(max_examples=40, deadline=None)
@given(start=st.dictionaries(PLACES, AS_WRITTEN, min_size=1, max_size=8), edits=st.lists(st.tuples(PLACES, VALUES)))
def test_any_cells_set_in_any_order_read_back(
    start: dict[tuple[int, int], str | float], edits: list[tuple[tuple[int, int], str | float]]
):
    """Another program reads every value where it was put, and the others where they were."""
    original = openpyxl.Workbook()
    assert original.active is not None
    for (row, column), value in start.items():
        cell = original.active.cell(row, column)
        cell.value, cell.data_type = value, "s" if isinstance(value, str) else "n"
    out = io.BytesIO()
    original.save(out)
    book = Book(Package(out.getvalue()))
    part = book.sheets()[0].part
    for place, value in edits:
        if isinstance(value, str):
            book.sheet(part).set_text(place, value)
        else:
            book.sheet(part).set_number(place, value)
    read = CalamineWorkbook.from_filelike(io.BytesIO(book.save())).get_sheet_by_index(0)

    rows = read.to_python(skip_empty_area=False)
    found = {(r, c): v for r, row in enumerate(rows, start=1) for c, v in enumerate(row, start=1) if v != ""}
    assert found == start | dict(edits)


# Cell formats


def test_a_derived_format_differs_in_its_fill_only():
    out = io.BytesIO()
    original = openpyxl.Workbook()
    assert original.active is not None
    cell = original.active["A1"]
    cell.font, cell.number_format, cell.value = Font(bold=True), "yyyy-mm-dd", datetime(2026, 11, 21)
    cell.fill = PatternFill("solid", fgColor="FFFFF2CC")
    original.save(out)
    book = Book(Package(out.getvalue()))
    part = book.sheets()[0].part
    before = book.sheet(part).style((1, 1))
    book.sheet(part).set_style((1, 1), book.styles.with_fill(before, "pattern=solid fgColor.rgb=FFFF0000"))
    read = openpyxl.load_workbook(io.BytesIO(book.save())).active

    assert read is not None
    assert (read["A1"].font.b, read["A1"].number_format, read["A1"].fill.fgColor.rgb) == (
        True,
        "yyyy-mm-dd",
        "FFFF0000",
    )
    assert book.styles.fill_of(before) == "pattern=solid fgColor.rgb=FFFFF2CC"


FILLS = [
    '<patternFill patternType="none"/>',
    '<patternFill patternType="solid"><fgColor theme="4" tint="0.799981688894"/><bgColor indexed="64"/></patternFill>',
    '<patternFill patternType="lightGrid"><fgColor rgb="FF00FF00"/><bgColor auto="1"/></patternFill>',
    '<patternFill patternType="solid"><fgColor theme="0" tint="-4.9989318521683403E-2"/></patternFill>',
]


@pytest.mark.parametrize("fill", FILLS)
def test_a_fill_described_in_words_comes_back(fill: str):
    """The words are kept in the workbook, so that a mark can be taken back when every index has changed."""
    styles = Stylesheet(minimal(SHEET_NS))
    index = styles.add("fills", f"<fill>{fill}</fill>")
    style = styles.add("cellXfs", f'<xf numFmtId="0" fontId="0" fillId="{index}" borderId="0"/>')
    words = styles.fill_of(style)
    assert words is not None
    other = styles.with_fill(0, words)

    assert styles.fill_of(other) == words
    assert styles.tree.find("{*}cellXfs")[other].get("fillId") == str(index)  # type: ignore[index]


def test_words_that_describe_no_fill_mean_none():
    """The workbook has been in other hands: what cannot be understood must not make it invalid."""
    styles = Stylesheet(minimal(SHEET_NS))
    style = styles.with_fill(0, 'pattern=purple fgColor.rgb=XYZ fgColor.evil="><x/> bgColor.tint=--1 nonsense')

    assert styles.fill_of(style) == "pattern=none"


def test_gradients_have_no_words():
    styles = Stylesheet(minimal(SHEET_NS))
    index = styles.add(
        "fills",
        '<fill><gradientFill degree="90"><stop position="0"><color rgb="FF000000"/></stop></gradientFill></fill>',
    )

    assert styles.fill_of(styles.add("cellXfs", f'<xf fillId="{index}"/>')) is None


def test_equal_formats_are_added_once():
    styles = Stylesheet(minimal(SHEET_NS))
    first = styles.with_fill(0, "pattern=solid fgColor.rgb=FFFF0000")
    count = len(styles.tree.find("{*}cellXfs"))  # type: ignore[arg-type]
    again = Stylesheet(styles.tree).with_fill(0, "pattern=solid fgColor.rgb=FFFF0000")

    assert (again, len(styles.tree.find("{*}cellXfs"))) == (first, count)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "shows"),
    [
        ("yyyy-mm-dd hh:mm", True),
        ('yyyy"年"m"月"d"日"', True),
        ("0.00", False),
        ('0" days"', False),
        ("[Red]0", False),
        ("@", False),
    ],
)
def test_date_formats_are_told_from_others(code: str, shows: bool):
    tree = minimal(SHEET_NS)
    formats = etree.fromstring(f'<numFmts xmlns="{SHEET_NS}" count="1"><numFmt numFmtId="170"/></numFmts>')
    formats[0].set("formatCode", code)
    tree.insert(0, formats)
    styles = Stylesheet(tree)

    assert styles.shows_dates(styles.add("cellXfs", '<xf numFmtId="170"/>')) is shows
    assert styles.shows_dates(styles.add("cellXfs", '<xf numFmtId="14"/>')) is True
