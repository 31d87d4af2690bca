"""Workbooks that cannot be marked themselves: their answers in our own template, with the same marks."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256 as sha256_of
from types import MappingProxyType

from server.access.visibility import Viewer
from server.site import Site
from workbooks.entries import Entries, read_entries
from workbooks.filled import FilledForm
from workbooks.finding_codes import Severity
from workbooks.findings import Finding
from workbooks.form import FormDefinition, defined_name
from workbooks.ooxml.areas import Area
from workbooks.ooxml.book import Book
from workbooks.package import Package
from workbooks.receipt import Mark, mark
from workbooks.rules import compile_rules
from workbooks.template import build_template

Spots = Mapping[tuple[str, str], tuple[str, int | None]]
"""(sheet, cell) of the sender's workbook → the field there, and its line (from 0) inside a repeat."""


def rebuilt_workbook(site: Site, definition: FormDefinition, sha256: str, marking: Mark, *, viewer: Viewer) -> bytes:
    """
    The sender's answers in our template of *definition*, each finding marked at its field.

    Answers that could not be read stand there as they were typed.

    Raises:
        Refused: The original under *sha256* cannot be read any more.
    """
    filled = site.sandbox.read(site.originals.read(sha256))
    with site.session(read_only=True) as session:
        master = site.master(session, retired=True)
    entries = read_entries(definition, compile_rules(definition), filled, master, True)
    content = build_template(
        definition,
        language=marking.language,
        master=master,
        instance_id=filled.identity.instance_id or f"sha256:{sha256}",
        values=entries.values,
        number=filled.identity.record_number,
        revision=filled.identity.revision,
        pictures={sha256_of(picture.content).hexdigest(): picture.content for picture in filled.pictures},
        reason=str(filled.reason.value) if filled.reason and filled.reason.value is not None else "",
        now=site.now().replace(tzinfo=None),
        editable=None if viewer.admin else viewer.roles,
        station=filled.identity.station,
        seal=filled.identity.seal,
    )
    book = Book(Package(content))
    _put_back(book, entries, filled)
    return moved_onto(book.save(), marking, _spots(entries, filled))


def moved_onto(content: bytes, marking: Mark, spots: Spots = MappingProxyType({})) -> bytes:
    """Our workbook *content* with *marking*, whose findings point to the cells of another one."""
    book = Book(Package(content))
    return mark(content, replace(marking, findings=tuple(_moved(book, finding, spots) for finding in marking.findings)))


def _put_back(book: Book, entries: Entries, filled: FilledForm) -> None:
    """Put what could not be read into its cell again, as it was typed."""
    for entry, problem in entries.problems:
        cell = entries.cell(entry.path, entry.line)
        place = _place(book, entry.path, entry.line)
        if problem.code.severity is Severity.ERROR and cell is not None and place is not None:
            sheet, area = place
            book.sheet(sheet).set_text((area.top, area.left), str(cell.value))


def _spots(entries: Entries, filled: FilledForm) -> dict[tuple[str, str], tuple[str, int | None]]:
    found: dict[tuple[str, str], tuple[str, int | None]] = {
        (cell.sheet, cell.address): (path, None) for path, cell in filled.cells.items()
    }
    for repeat, lines in entries.lines.items():
        for number, line in enumerate(lines):
            found |= {(cell.sheet, cell.address): (f"{repeat}.{name}", number) for name, cell in line.items()}
    return found


def _moved(book: Book, finding: Finding, spots: Spots) -> Finding:
    """*finding* at the cell its field has in *book*; at none where nobody knows."""
    path, line = spots.get((finding.sheet, finding.cell), (finding.field, None))
    place = _place(book, path, line) if finding.cell and path and ("." not in path or line is not None) else None
    if place is None:
        return replace(finding, sheet="", cell="")
    part, area = place
    title = next(sheet.title for sheet in book.sheets() if sheet.part == part)
    return replace(finding, sheet=title, cell=area.first)


def _place(book: Book, path: str, line: int | None) -> tuple[str, Area] | None:
    """The sheet part and the cell of field *path*, in *line* of its repeat."""
    found = book.place(defined_name(path))
    if found is None:
        return None
    sheet, area = found
    row = area.top + (line or 0)
    return (sheet.part, Area(row, area.left, row, area.left)) if row <= area.bottom else None
