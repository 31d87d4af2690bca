"""What the cells of a sheet part show as text: shared strings, texts in the cell, results of formulas."""

from lxml import etree

from workbooks.ooxml.book import Book
from workbooks.ooxml.cells import Sheet
from workbooks.ooxml.elements import whole


class Strings:
    """The shared strings of *book*, read once."""

    def __init__(self, book: Book) -> None:
        part = next(iter(book.package.related(book.part, "sharedStrings").values()), None)
        self._shared = [_joined(item) for item in book.package.xml(part).iterfind("{*}si")] if part else []

    def of(self, sheet: Sheet, place: tuple[int, int]) -> str:
        """The text in the cell; empty where there is none, or a number."""
        cell = sheet.cell(place)
        if cell is None:
            return ""
        kind, value = cell.get("t", "n"), cell.findtext("{*}v") or ""
        if kind == "s":
            index = whole(value, -1)
            return self._shared[index] if 0 <= index < len(self._shared) else ""
        if kind == "inlineStr":
            inner = cell.find("{*}is")
            return "" if inner is None else _joined(inner)
        return value if kind == "str" else ""


def _joined(item: etree._Element) -> str:
    """The text of a string with its runs; how to pronounce it (<rPh>) is left out."""
    texts = item.xpath("./*[local-name()='t'] | ./*[local-name()='r']/*[local-name()='t']")
    return "".join(text.text or "" for text in texts)  # type: ignore[union-attr]
