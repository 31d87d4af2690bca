"""Columns of values become cells that every reader reads back as they were."""

from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from openpyxl import Workbook, load_workbook

from workbooks.pushing.columns import Beside, CellColumn, Tags, TextTooLong, rows_xml, serial

NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def column(values, kind="text", letters="A", **more):
    return CellColumn(letters=letters, type=kind, values=values, **more)


def cells(xml, prefix=b""):
    """The cells of row XML as trees, by reference."""
    name = b"xmlns:x" if prefix else b"xmlns"
    root = etree.fromstring(b'<r %s="http://schemas.openxmlformats.org/spreadsheetml/2006/main">%s</r>' % (name, xml))
    return {cell.get("r"): cell for cell in root.iter(f"{NS}c")}


def read_back(*columns):
    """What openpyxl reads from a workbook whose only sheet has these columns."""
    book, blank, out = Workbook(), BytesIO(), BytesIO()
    book.save(blank)
    xml = rows_xml(columns, 0, len(columns[0].values), 1)
    with ZipFile(blank) as old, ZipFile(out, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                part = part.replace(b"</sheetData>", xml + b"</sheetData>")
                assert xml in part
            new.writestr(name, part)
    return [list(row) for row in load_workbook(out).active.values]


def test_numbers_keep_every_digit():
    """A float is written so that the same float is read back; whole numbers stay whole."""
    values = [0.1, 1 / 3, -2.5, 1e-7, 1e300, 3, 123_456_789_012, Decimal("12.34")]

    assert read_back(column(values, "decimal")) == [
        [0.1],
        [1 / 3],
        [-2.5],
        [1e-7],
        [1e300],
        [3],
        [123456789012],
        [12.34],
    ]


def test_text_that_looks_like_a_formula_stays_text():
    """What a station typed is never run: the cell is an inline text, whatever it begins with."""
    found = cells(rows_xml([column(["=1+1", "+86 138", "@x", "-5", '=HYPERLINK("http://x")'])], 0, 5, 1))

    assert {cell.get("t") for cell in found.values()} == {"inlineStr"}
    assert not [cell for cell in found.values() if cell.find(f"{NS}f") is not None]
    assert "".join(found["A1"].itertext()) == "=1+1"


def test_markup_spaces_and_control_characters_survive():
    """Text is kept to the character, in the way Excel itself writes what XML cannot hold."""
    values = ["a<b & c>d", " lead", "trail ", "two\nlines", "tab\there", "bell\x07", "_x0041_", "全角　空格", "", None]

    back = [row[0] for row in read_back(column(values))]

    assert back[:5] == values[:5]
    assert back[7:] == ["全角　空格", None, None]
    assert rows_xml([column(["bell\x07"])], 0, 1, 1).count(b"bell_x0007_") == 1
    assert rows_xml([column(["_x0041_"])], 0, 1, 1).count(b">_x005F_x0041_<") == 1


def test_missing_values_are_empty_cells_that_keep_their_style():
    """No data is an empty cell, never a zero, an empty text or the word null."""
    kinds = [("text", "甲"), ("integer", 1), ("decimal", 0.5), ("boolean", True), ("date", date(2026, 1, 2))]
    columns = [
        column([None, value], kind, letters, style=4) for (kind, value), letters in zip(kinds, "ABCDE", strict=True)
    ]

    found = cells(rows_xml(columns, 0, 2, 7))

    assert [len(found[f"{letters}7"]) for letters in "ABCDE"] == [0] * 5
    assert {cell.get("s") for cell in found.values()} == {"4"}


def test_not_a_number_and_infinity_are_empty_cells():
    """Excel has no cell value for them; a word in a number cell would damage the workbook."""
    assert read_back(column([float("nan"), float("inf"), 1.5], "decimal")) == [[None], [None], [1.5]]


@pytest.mark.parametrize(
    ("value", "expected", "expected1904"),
    [
        (date(2026, 11, 21), 46347, 44885),
        (date(1900, 3, 1), 61, "1900-03-01"),
        (date(1900, 2, 28), "1900-02-28", "1900-02-28"),
        (datetime(2026, 11, 21, 18, 0), 46347.75, 44885.75),
        (datetime(1899, 1, 1, 6, 0), "1899-01-01 06:00:00", "1899-01-01 06:00:00"),
    ],
)
def test_dates_are_serials_of_the_workbooks_calendar(value, expected, expected1904):
    """A date that Excel cannot count truly is written as text rather than a day off."""
    assert serial(value) == expected
    assert serial(value, date1904=True) == expected1904


def test_values_of_another_type_than_the_column_are_written_as_what_they_are():
    """A word among numbers stays a word, a flag a flag; the column does not fail for them."""
    assert read_back(column([1, "约 5", True, None, 2**70], "integer")) == [
        [1],
        ["约 5"],
        [True],
        [None],
        [float(2**70)],
    ]


def test_text_longer_than_a_cell_is_never_cut():
    """32,767 UTF-16 units fit, one more does not, and the error says which value."""
    rows_xml([column(["好" * 32_767])], 0, 1, 1)

    with pytest.raises(TextTooLong) as caught:
        rows_xml([column(["short", "😀" * 16_384])], 0, 2, 1)
    assert (caught.value.index, caught.value.length) == (1, 32_768)


def test_formula_columns_hold_the_formula_and_no_value():
    """Excel computes them on opening; an old value would be wrong."""
    columns = [column([1, 2], "integer"), CellColumn(letters="B", formula='T[[#This Row],[a]]&"<"', style=2)]
    array = CellColumn(letters="C", formula="SUM(A1*2)", array=True)

    found = cells(rows_xml([*columns, array], 0, 2, 3))

    assert found["B4"].findtext(f"{NS}f") == 'T[[#This Row],[a]]&"<"'
    assert found["B4"].find(f"{NS}v") is None
    assert found["C4"].find(f"{NS}f").get("ref") == "C4"


def test_cells_beside_the_columns_are_kept_in_their_row():
    """What stands left and right of the written columns stays, in the order of the columns."""
    kept = {6: Beside(attributes=b' ht="30"', left=b'<c r="A6"><v>1</v></c>', right=b'<c r="D6"><v>9</v></c>')}

    xml = rows_xml([column([5, 6], "integer", "C")], 0, 2, 5, beside=kept)

    assert xml == (
        b'<row r="5"><c r="C5"><v>5</v></c></row>'
        b'<row r="6" ht="30"><c r="A6"><v>1</v></c><c r="C6"><v>6</v></c><c r="D6"><v>9</v></c></row>'
    )


def test_a_prefixed_part_gets_prefixed_cells():
    """Some programs write <x:row>; cells without the prefix would belong to no namespace."""
    columns = [column(["甲", None]), column([None, 2.5], "decimal", "B")]

    found = cells(rows_xml(columns, 0, 2, 1, tags=Tags(b"x:")), prefix=b"x:")

    assert ["".join(cell.itertext()) for cell in found.values()] == ["甲", "", "", "2.5"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=12) | st.none(), st.floats() | st.none()), min_size=1, max_size=8))
def test_any_text_and_number_makes_well_formed_cells(rows):
    """Whatever the values, the XML parses and each cell stands where it should."""
    texts, numbers = [row[0] for row in rows], [row[1] for row in rows]

    found = cells(rows_xml([column(texts), column(numbers, "decimal", "B")], 0, len(rows), 1))

    assert list(found) == [f"{letters}{n}" for n in range(1, len(rows) + 1) for letters in "AB"]
    for n, number in enumerate(numbers, start=1):
        text = found[f"B{n}"].findtext(f"{NS}v")
        assert text is None if number is None or not abs(number) < float("inf") else float(text) == number
