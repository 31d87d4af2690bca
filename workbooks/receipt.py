"""The copy of a filled form its sender gets back: their own file with number, state and every finding marked in it."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from workbooks.findings import Finding, has_errors
from workbooks.form import IDENTITY_PREFIX, PREFIX, Language
from workbooks.marking.active_content import Entangled, remove_active_content
from workbooks.marking.comments import Notes
from workbooks.marking.findings_sheet import TITLE, Mark, findings_sheet
from workbooks.marking.marks import Marks
from workbooks.ooxml.areas import Area
from workbooks.ooxml.book import STYLES_TYPE, WORKSHEET_TYPE, Book, quoted
from workbooks.ooxml.stylesheet import StyleError, Stylesheet, minimal
from workbooks.package import RELATION_NS, SHEET_NS, Package, PackageError, SheetPart
from workbooks.parsing.opening import unlocked
from workbooks.pushing.columns import serial
from workbooks.refusal import Refused

__all__ = ["Mark", "ReceiptError", "findings_workbook", "mark"]

# The hidden name by which our own findings sheet is known again.
FINDINGS_NAME = f"{IDENTITY_PREFIX}findings"


class ReceiptError(Exception):
    """The file cannot be marked; `findings_workbook` makes one that says the same."""


def mark(original: bytes, marking: Mark) -> bytes:
    """
    The sender's own workbook, with number, state and findings in it.

    Cells that are wrong are highlighted and carry a note; a sheet lists all findings
    with links to their cells. What an earlier receipt marked is taken back first. Active
    content is left out. Every part that needs no change is the same to the byte.

    Raises:
        ReceiptError: *original* is not a workbook that can be marked.
    """
    try:
        book = Book(Package(unlocked(original)))
        remove_active_content(book)
        _mark(book, marking)
        return book.save()
    except (PackageError, Entangled, StyleError, Refused) as error:
        raise ReceiptError(str(error)) from error


def findings_workbook(marking: Mark) -> bytes:
    """A small workbook of its own that lists the findings, for a file that cannot be marked."""
    package = Package.empty()
    workbook, sheet, styles = "xl/workbook.xml", "xl/worksheets/sheet1.xml", Stylesheet(minimal(SHEET_NS))
    package.put(sheet, findings_sheet(marking, styles, namespace=SHEET_NS, selected=True))
    package.replace("xl/styles.xml", styles.tree)
    package.relate("", f"{RELATION_NS}/officeDocument", workbook)
    key = package.relate(workbook, f"{RELATION_NS}/worksheet", sheet)
    package.relate(workbook, f"{RELATION_NS}/styles", "xl/styles.xml")
    sheets = f'<sheets><sheet name="{TITLE[marking.language]}" sheetId="1" r:id="{key}"/></sheets>'
    package.put(workbook, f'<workbook xmlns="{SHEET_NS}" xmlns:r="{RELATION_NS}">{sheets}</workbook>'.encode())
    package.set_content_type(workbook, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml")
    package.set_content_type(sheet, WORKSHEET_TYPE)
    package.set_content_type("xl/styles.xml", STYLES_TYPE)
    return package.save()


def _mark(book: Book, marking: Mark) -> None:
    marks = Marks(book)
    marks.take_back()
    notes = {sheet.part: Notes(book, sheet) for sheet in book.sheets()}
    for on_sheet in notes.values():
        on_sheet.take_back()
    _fill_title_block(book, marking)
    for sheet, area, findings in _by_cell(book, marking.findings):
        marks.put(sheet, area, error=has_errors(findings))
        lines = list(_note_lines(findings, marking.language))
        notes[sheet.part].put(area, lines, marking.language, error=has_errors(findings))
    for on_sheet in notes.values():
        on_sheet.save()
    _list_findings(book, marking)


def _fill_title_block(book: Book, marking: Mark) -> None:
    """Number, revision, state and time in their cells, each in the style the cell has; what is not known stays."""
    received: str | float = marking.received_at.strftime("%Y-%m-%d %H:%M")
    if (found := book.place(f"{IDENTITY_PREFIX}received_at")) is not None:
        sheet, area = found
        if book.styles.shows_dates(book.sheet(sheet.part).style((area.top, area.left))):
            received = float(serial(marking.received_at, date1904=book.date1904))
    values: dict[str, str | float | None] = {
        "number": marking.number,
        "revision": marking.revision,
        "state": marking.state[marking.language],
        "received_at": received,
    }
    for name, value in values.items():
        if value is not None and (found := book.place(IDENTITY_PREFIX + name)) is not None:
            sheet, area = found
            cells = book.sheet(sheet.part)
            if isinstance(value, str):
                cells.set_text((area.top, area.left), value)
            else:
                cells.set_number((area.top, area.left), value)


def _by_cell(book: Book, findings: Sequence[Finding]) -> Iterator[tuple[SheetPart, Area, list[Finding]]]:
    """The findings of each (merged) cell that the workbook has, sheet by sheet, from top to bottom."""
    located: list[tuple[int, Area, SheetPart, Finding]] = []
    for finding in findings:
        sheet = book.sheet_part(finding.sheet)
        area = Area.parse(finding.cell)
        if sheet is not None and area is not None:
            merged = book.sheet(sheet.part).merged((area.top, area.left))
            located.append((sheet.index, merged, sheet, finding))
    located.sort(key=lambda one: (one[0], one[1].top, one[1].left))
    for (_, area), group in groupby(located, key=lambda one: (one[0], one[1])):
        members = list(group)
        yield members[0][2], area, [finding for *_, finding in members]


def _note_lines(findings: Sequence[Finding], language: Language) -> Iterator[str]:
    for number, finding in enumerate(findings, start=1):
        yield (f"{number}. " if len(findings) > 1 else "") + finding.what(language)
        yield f"→ {finding.fix(language)}"


def _list_findings(book: Book, marking: Mark) -> None:
    """Put the findings sheet in: in the place of the one from an earlier receipt, else as the last tab."""
    old = _own_sheet(book)
    titles = [sheet.title for sheet in book.sheets() if old is None or sheet.part != old.part]
    selected = bool(marking.findings) or (old is not None and old.index == book.active_tab)
    content = findings_sheet(marking, book.styles, namespace=book.namespace, titles=titles, selected=selected)
    title = TITLE[marking.language]
    sheet = book.put_sheet(old, title, content) if old is not None else book.add_sheet(title, content)
    book.define(FINDINGS_NAME, f"{quoted(sheet.title)}!$A$1")
    if marking.findings:
        book.open_on(sheet)


def _own_sheet(book: Book) -> SheetPart | None:
    """
    The findings sheet of an earlier receipt, if it is still there.

    A sheet that holds answers is never it, whatever the name says: cells can be cut and
    pasted, and their names move with them.
    """
    found = book.place(FINDINGS_NAME)
    if found is None:
        return None
    others = [text for name, text in book.names(PREFIX).items() if name != FINDINGS_NAME]
    occupied = {located[0].part for text in others if (located := book.located(text)) is not None}
    return None if found[0].part in occupied else found[0]
