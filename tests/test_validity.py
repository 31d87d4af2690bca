"""The gate itself: workbooks broken on purpose, one way each, and what it says of them."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table

from tests.validity import assert_valid, lint, sdk, validator
from workbooks.package import CONTENT_TYPES, Package
from workbooks.sheet.finishing import finish

SHEET, TABLE, WORKBOOK, STYLES = "xl/worksheets/sheet1.xml", "xl/tables/table1.xml", "xl/workbook.xml", "xl/styles.xml"
STRINGS = "xl/sharedStrings.xml"


def good() -> bytes:
    """A small workbook with a table, a validation, merged cells, a formula and a shared string."""
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "Data"
    for row in (["Name", "Amount"], ["a", 1], ["b", 2]):
        sheet.append(row)
    sheet.add_table(Table(displayName="T_data", ref="A1:B3"))
    sheet.merge_cells("D1:E2")
    validation = DataValidation(type="whole", formula1="1", formula2="9", sqref="B2:B3")
    sheet.add_data_validation(validation)
    out = BytesIO()
    workbook.save(out)
    package = Package(finish(out.getvalue(), {}, "Data"))
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    package.replace(STRINGS, f'<sst {main} count="1" uniqueCount="1"><si><t>a</t></si></sst>'.encode())
    relations = package.read("xl/_rels/workbook.xml.rels").decode()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    link = f'<Relationship Id="rId9" Type="{kind}" Target="sharedStrings.xml"/></Relationships>'
    package.replace("xl/_rels/workbook.xml.rels", relations.replace("</Relationships>", link).encode())
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    types = package.read(CONTENT_TYPES).decode()
    package.replace(
        CONTENT_TYPES,
        types.replace("</Types>", f'<Override PartName="/{STRINGS}" ContentType="{media}"/></Types>').encode(),
    )
    cells = package.read(SHEET).decode().replace('<c r="A2" t="inlineStr"><is><t>a</t></is></c>', _SHARED)
    package.replace(SHEET, cells.encode())
    return package.save()


_FORMAT = '<cellXfs count="1"><xf numFmtId="0" fontId="0"'
_SHARED = '<c r="A2" t="s"><v>0</v></c>'


def broken(part: str, old: str, new: str) -> bytes:
    """The good workbook with *old* replaced in one part; *old* must be there."""
    package = Package(good())
    before = package.read(part).decode()
    assert old in before, before
    package.replace(part, before.replace(old, new, 1).encode())
    return package.save()


BREAKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "shared string": (lambda: broken(SHEET, _SHARED, _SHARED.replace("0", "7")), "shared string 7 does not exist"),
    "style": (lambda: broken(SHEET, '<c r="B2"', '<c s="99" r="B2"'), "style 99 does not exist"),
    "row twice": (lambda: broken(SHEET, '<row r="3"', '<row r="2"'), "row 2 comes after row 2"),
    "cell in the wrong row": (lambda: broken(SHEET, 'r="B3"', 'r="B7"'), "B7 stands in row 3"),
    "cells out of order": (lambda: broken(SHEET, 'r="B3"', 'r="A3"'), "A3 is out of order"),
    "number": (lambda: broken(SHEET, "<v>2</v>", "<v>two</v>"), "'two' is no number"),
    "formula without result": (lambda: broken(SHEET, "<v>2</v>", "<f>1+1</f>"), "the formula has no result"),
    "formula to a lost sheet": (
        lambda: broken(SHEET, "<v>2</v>", "<f>Gone!A1</f><v>0</v>"),
        "points to sheet 'Gone', which does not exist",
    ),
    "merged cells overlap": (
        lambda: broken(SHEET, '<mergeCell ref="D1:E2"/>', '<mergeCell ref="D1:E2"/><mergeCell ref="E2:F3"/>'),
        "merged cells overlap",
    ),
    "merged into a table": (lambda: broken(SHEET, 'ref="D1:E2"', 'ref="B3:C3"'), "overlaps merged cells"),
    "validation outside": (lambda: broken(SHEET, 'sqref="B2:B3"', 'sqref="B2:B1048577"'), "lies outside the grid"),
    "validation twice": (lambda: broken(SHEET, 'sqref="B2:B3"', 'sqref="B2:B3 B3"'), "data validations overlap"),
    "validation too long": (
        lambda: broken(SHEET, "<formula1>1</formula1>", f"<formula1>{'1+' * 128}1</formula1>"),
        "the formula is longer than 255",
    ),
    "prompt too long": (
        lambda: broken(SHEET, 'type="whole"', f'type="whole" prompt="{"x" * 256}"'),
        "prompt is longer",
    ),
    "table header": (lambda: broken(TABLE, 'name="Amount"', 'name="Sum"'), "column 'Sum' has the header 'Amount'"),
    "table columns": (lambda: broken(TABLE, 'ref="A1:B3"', 'ref="A1:C3"'), "2 columns in an area of 3"),
    "name without a place": (
        lambda: broken(
            WORKBOOK, "<calcPr", "<definedNames><definedName name='n'>#REF!</definedName></definedNames><calcPr"
        ),
        "name n: points to #REF!",
    ),
    "name of a lost sheet": (
        lambda: broken(
            WORKBOOK, "<calcPr", "<definedNames><definedName name='n'>Old!$A$1</definedName></definedNames><calcPr"
        ),
        "name n: points to sheet 'Old', which does not exist",
    ),
    "name twice": (
        lambda: broken(
            WORKBOOK,
            "<calcPr",
            "<definedNames><definedName name='n'>1</definedName><definedName name='N'>2</definedName></definedNames>"
            "<calcPr",
        ),
        "name 'n' is defined 2 times",
    ),
    "sheet title": (lambda: broken(WORKBOOK, 'name="Data"', 'name="Da/ta"'), "sheet title 'Da/ta' is not allowed"),
    "relationship": (
        lambda: broken("xl/_rels/workbook.xml.rels", "sharedStrings.xml", "strings.xml"),
        "xl/strings.xml does not exist",
    ),
    "relationship id": (lambda: broken(SHEET, 'r:id="rId1"', 'r:id="rId5"'), "relationship rId5 does not exist"),
    "content type": (
        lambda: broken(CONTENT_TYPES, f'PartName="/{STRINGS}"', 'PartName="/xl/other.xml"'),
        "content type for /xl/other.xml, which does not exist",
    ),
    "font of a format": (
        lambda: broken(STYLES, _FORMAT, _FORMAT.replace('fontId="0"', 'fontId="7"')),
        "fontId 7 does not exist",
    ),
}


@pytest.mark.parametrize("kind", BREAKS)
def test_the_lint_sees_each_break(kind: str) -> None:
    """A workbook broken in one way is reported in the words for that way."""
    make, words = BREAKS[kind]

    assert any(words in finding for finding in lint(make())), lint(make())


def test_a_good_workbook_passes() -> None:
    """Neither lint nor SDK has anything to say about a workbook in order."""
    assert lint(good()) == []
    assert_valid(good())


def test_what_a_workbook_already_had_does_not_count() -> None:
    """With a baseline only new findings fail: a person's file may have had its own."""
    old = broken(SHEET, _SHARED, _SHARED.replace("0", "7"))

    with pytest.raises(AssertionError, match="shared string 7"):
        assert_valid(old)
    assert_valid(old, baseline=old)


def test_the_sdk_sees_what_the_schema_forbids() -> None:
    """An attribute the schema does not know is the SDK's finding, not the lint's."""
    odd = broken(SHEET, '<c r="B2"', '<c odd="1" r="B2"')

    assert lint(odd) == []
    (errors,) = sdk([odd], validator())
    assert any("odd" in error for error in errors)


def test_a_missing_validator_skips_and_in_ci_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the program the gate says so: a skip on a person's machine, a failure in CI."""
    monkeypatch.setenv("AFTERSHEET_OOXML_VALIDATOR", str(tmp_path / "nothing"))
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="not installed"):
        validator()

    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="CI must install it"):
        validator()
