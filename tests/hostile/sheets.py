"""Sheets that claim, spread or break more than a form ever does."""

from tests.archives import (
    MAIN,
    OFFICE,
    SHEET,
    STRINGS,
    STYLES,
    WORKBOOK,
    XML,
    book,
    parts,
    sheet,
    strings,
    styles,
    workbook,
)
from tests.hostile.kinds import ANSWER, HEAD, ODD, READ, TAIL, Hostile, behind_the_cells, changed, inflating, rows


def sheets() -> list[Hostile]:
    return [*_spread(), *_many(), *_broken(), *_several()]


def _spread() -> list[Hostile]:
    """Few things, far apart or over everything."""
    merge = '<mergeCells><mergeCell ref="{}"/></mergeCells>'
    link = '<hyperlinks><hyperlink ref="A1:XFD1048576" location="B2"/></hyperlinks>'
    validation = '<dataValidation type="list" sqref="A1:XFD1048576"><formula1>"x,y"</formula1></dataValidation>'
    formulas = (
        '<c r="A2"><f t="shared" ref="A1:XFD1048576" si="0">B2*2</f><v>4</v></c>'
        '<c r="B2"><f t="shared" si="55"/><v>2</v></c><c r="C2"><f t="array" ref="C2:XFD1048576">B2</f><v>2</v></c>'
    )
    comment = f'{XML}<comments xmlns="{MAIN}"><commentList><comment ref="XFD1048576"/></commentList></comments>'
    return [
        Hostile("a dimension of the whole grid", READ, rows(ANSWER, before='<dimension ref="A1:XFD1048576"/>')),
        Hostile("cells in both corners", "too-large", rows(ANSWER + _cell("XFD1048576"))),
        Hostile("a cell in the last row", "too-large", rows(ANSWER + _cell("A1048576"))),
        Hostile("a hundred columns down to the last row", "too-large", rows(ANSWER + _cell("CV1048576"))),
        Hostile("a cell beyond the grid", "unsafe", rows(ANSWER + _cell("ZZZZZZ4294967295"))),
        Hostile("an empty last row", READ, rows(ANSWER + '<row r="1048576" ht="20"/>')),
        Hostile("one merge over the grid", "too-large", behind_the_cells(merge.format("A1:XFD1048576"))),
        Hostile("a merge down a whole column", "too-large", behind_the_cells(merge.format("C1:C1048576"))),
        Hostile("one link over the grid", "too-large", behind_the_cells(link)),
        Hostile("validation over the grid", READ, behind_the_cells(f"<dataValidations>{validation}</dataValidations>")),
        Hostile("formulas shared over the grid", ODD, rows(f'<row r="2">{formulas}</row>')),
        Hostile("a comment in the last cell", READ, changed("xl/comments1.xml", comment)),
    ]


def _many() -> list[Hostile]:
    """One thing, far too often."""
    empty_row = '<row><c s="0"/><c s="1"/><c s="0"/></row>'
    merges = "".join(f'<mergeCell ref="C{2 * i + 1}:D{2 * i + 2}"/>' for i in range(150_000))
    rule = '<cfRule type="cellIs" priority="1" operator="equal"><formula>3</formula></cfRule>'
    formats = "".join(f'<conditionalFormatting sqref="B{i}">{rule}</conditionalFormatting>' for i in range(1, 80_001))
    names = "".join(f"<definedName name=\"k{i}\">'工单'!$B$1</definedName>" for i in range(150_000))
    tabs = "".join(f'<sheet name="P{i}" sheetId="{i}" r:id="rId1"/>' for i in range(1, 3_001))
    columns = '<col min="1" max="9" width="8"/>' * 20_000
    brackets = f'<numFmts><numFmt numFmtId="170" formatCode="{"[" * 30_000}"/></numFmts>'
    return [
        Hostile("a million rows of formats", "too-large", inflating(SHEET, HEAD, empty_row, 1_000_000, TAIL)),
        Hostile("150,000 merges", "too-large", behind_the_cells(f"<mergeCells>{merges}</mergeCells>")),
        Hostile("80,000 conditional formats", "too-large", behind_the_cells(formats)),
        Hostile("150,000 names", "too-large", changed(WORKBOOK, workbook(names=names))),
        Hostile("3,000 sheets", "too-large", changed(WORKBOOK, workbook(tabs))),
        Hostile("20,000 column definitions", "too-large", rows(ANSWER, before=f"<cols>{columns}</cols>")),
        Hostile("64,000 cell formats", READ, changed(STYLES, styles('<xf numFmtId="0" fontId="0"/>' * 64_000))),
        Hostile("a number format of brackets", READ, changed(STYLES, styles('<xf numFmtId="170"/>', brackets))),
    ]


def _broken() -> list[Hostile]:
    """Cells that refer to nothing, or hold what no cell can."""
    no_strings = '<row r="1"><c r="A1" t="s"><v>88888888</v></c><c r="B1" t="s"><v>-4</v></c></row>'
    numbers = (
        '<c r="A2"><v>1e400</v></c><c r="B2"><v>NaN</v></c><c r="C2" s="1"><v>1e300</v></c>'
        f'<c r="D2" s="1"><v>-9</v></c><c r="E2"><v>{"9" * 4_000}</v></c><c r="F2"><v>0x1F</v></c>'
    )
    types = '<c r="A2" t="b"><v>9</v></c><c r="B2" t="d"><v>77777-88-99</v></c><c r="C2" t="yy"><v>1</v></c>'
    claim = strings("工单号", "W001").replace("<sst ", '<sst uniqueCount="4294967295" ')
    return [
        Hostile("a format that does not exist", READ, rows(ANSWER.replace(' t="s"', ' s="888888" t="s"'))),
        Hostile("strings that do not exist", "damaged", rows(no_strings + ANSWER)),
        Hostile("four billion strings claimed", "unsafe", changed(STRINGS, claim)),
        Hostile("numbers no sheet can hold", ODD, rows(f'<row r="2">{numbers}</row>')),
        Hostile("cell types that do not exist", "damaged", rows(f'<row r="2">{types}</row>')),
    ]


def _several() -> list[Hostile]:
    """More than one sheet, or one in another dialect."""
    first = '<sheet name="工单" sheetId="1" r:id="rId1"/>'
    second = '<sheet name="B" sheetId="2" state="veryHidden" r:id="{}"/>'
    hidden = {
        WORKBOOK: workbook(first + second.format("rId8")),
        "xl/worksheets/sheet2.xml": sheet(_cell("XFD1048576")),
    }
    shared = changed(WORKBOOK, workbook(first + second.format("rId1")))
    return [
        Hostile("two sheets that share their content", "unsafe", shared),
        Hostile("a sheet hidden for good", READ, lambda: book(hidden, ("rId8", "worksheet", "worksheets/sheet2.xml"))),
        Hostile("strict namespaces", READ, _strict),
    ]


def _strict() -> bytes:
    iso = "http://purl.oclc.org/ooxml"
    return book(
        {
            name: content.replace(MAIN, f"{iso}/spreadsheetml/main").replace(
                OFFICE, f"{iso}/officeDocument/relationships"
            )
            for name, content in parts().items()
            if isinstance(content, str)
        }
    )


def _cell(place: str) -> str:
    row = place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return f'<row r="{row}"><c r="{place}"><v>2</v></c></row>'
