"""The data validations of a sheet part: taken off some cells, and others put there."""

from collections.abc import Iterable, Iterator, Sequence

from lxml import etree

from workbooks.ooxml.areas import Area
from workbooks.ooxml.cells import Sheet
from workbooks.ooxml.elements import WORKSHEET, child

# Lists on other sheets, as Excel 2010 and later write them.
_EXTENDED = "{http://schemas.microsoft.com/office/spreadsheetml/2009/9/main}dataValidation"
_SQREF = "{http://schemas.microsoft.com/office/excel/2006/main}sqref"
_PIECES = 500  # areas of one validation that are looked at


def validations(sheet: Sheet) -> Iterator[tuple[etree._Element, tuple[Area, ...]]]:
    """Every data validation of the sheet with its cells."""
    for element in sheet.tree.iterfind("{*}dataValidations/{*}dataValidation"):
        yield element, _areas(element.get("sqref", ""))
    for element in sheet.tree.iter(_EXTENDED):
        yield element, _areas(element.findtext(_SQREF) or "")


def put_validations(sheet: Sheet, added: Iterable[etree._Element], cells: Sequence[Area]) -> None:
    """Take the sheet's validations off *cells*, and append the elements *added*."""
    for element, areas in list(validations(sheet)):
        kept = [rest for area in areas for rest in _without(area, cells)]
        if kept != list(areas):
            _restrict(element, kept)
    container = child(sheet.tree, "dataValidations", WORKSHEET)
    container.extend(added)
    if len(container):
        container.set("count", str(len(container)))
    else:
        sheet.tree.remove(container)
    sheet.changed = True


def _areas(reference: str) -> tuple[Area, ...]:
    return tuple(area for text in reference.split()[:_PIECES] if (area := Area.parse(text)))


def _without(area: Area, holes: Sequence[Area]) -> list[Area]:
    """What is left of *area* without *holes*."""
    pieces = [area]
    for hole in holes:
        pieces = [rest for piece in pieces for rest in (_cut(piece, hole) if piece.meets(hole) else [piece])]
    return pieces


def _cut(area: Area, hole: Area) -> Iterator[Area]:
    top, bottom = max(area.top, hole.top), min(area.bottom, hole.bottom)
    if area.top < top:
        yield Area(area.top, area.left, top - 1, area.right)
    if area.left < hole.left:
        yield Area(top, area.left, bottom, hole.left - 1)
    if hole.right < area.right:
        yield Area(top, hole.right + 1, bottom, area.right)
    if bottom < area.bottom:
        yield Area(bottom + 1, area.left, area.bottom, area.right)


def _restrict(element: etree._Element, areas: list[Area]) -> None:
    text = " ".join(map(str, areas))
    if not areas:
        _remove(element)
    elif element.tag == _EXTENDED:
        element.find(_SQREF).text = text  # type: ignore[union-attr]
    else:
        element.set("sqref", text)


def _remove(element: etree._Element) -> None:
    """Take *element* out, and what holds nothing else then: the list, the extension, the list of extensions."""
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)
    if len(parent):
        parent.set("count", str(len(parent)))
        return
    while element.tag == _EXTENDED and not len(parent) and (above := parent.getparent()) is not None:
        above.remove(parent)
        parent = above
