"""Children of an XML element, kept in the order their schema asks for."""

import re
from collections.abc import Sequence

from lxml import etree


def _order(names: str) -> tuple[str, ...]:
    return tuple(names.split())


WORKBOOK = _order(
    "fileVersion fileSharing workbookPr workbookProtection bookViews sheets functionGroups externalReferences "
    "definedNames calcPr oleSize customWorkbookViews pivotCaches smartTagPr smartTagTypes webPublishing "
    "fileRecoveryPr webPublishObjects extLst"
)
WORKSHEET = _order(
    "sheetPr dimension sheetViews sheetFormatPr cols sheetData sheetCalcPr sheetProtection protectedRanges scenarios "
    "autoFilter sortState dataConsolidate customSheetViews mergeCells phoneticPr conditionalFormatting "
    "dataValidations hyperlinks printOptions pageMargins pageSetup headerFooter rowBreaks colBreaks "
    "customProperties cellWatches ignoredErrors smartTags drawing legacyDrawing legacyDrawingHF drawingHF picture "
    "oleObjects controls webPublishItems tableParts extLst"
)
STYLESHEET = _order("numFmts fonts fills borders cellStyleXfs cellXfs cellStyles dxfs tableStyles colors extLst")


def whole(text: str | None, otherwise: int = 0) -> int:
    """An attribute that should hold a whole number, read without trust."""
    return int(text) if text and text.isascii() and text.isdigit() else otherwise


def decimal(text: str | None, otherwise: float) -> float:
    """An attribute that should hold a size, read without trust."""
    return float(text) if text and re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,20})?", text) else otherwise


def true(text: str | None) -> bool:
    """An attribute that holds a boolean, in either of its spellings."""
    return text in ("1", "true")


def local(element: etree._Element) -> str:
    """The element's name without its namespace; empty for comments and processing instructions."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def child(parent: etree._Element, name: str, order: Sequence[str]) -> etree._Element:
    """The child called *name*, in *parent*'s own namespace; made where *order* puts it if there is none."""
    tag = f"{{{etree.QName(parent).namespace}}}{name}"
    found = parent.find(tag)
    if found is not None:
        return found
    rank = order.index(name)
    later = (position for position, sibling in enumerate(parent) if _rank(sibling, order) > rank)
    made = etree.Element(tag)
    parent.insert(next(later, len(parent)), made)
    return made


def _rank(element: etree._Element, order: Sequence[str]) -> int:
    name = local(element)
    if name == "AlternateContent":
        # <mc:AlternateContent><mc:Choice><controls>: it stands where its content would.
        name = next((local(inner) for choice in element for inner in choice), "")
    return order.index(name) if name in order else -1
