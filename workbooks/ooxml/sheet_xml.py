"""A worksheet part cut at its rows by their bytes: a hundred thousand rows are never a tree."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from lxml import etree

from workbooks.ooxml.letters import column_letters, column_number
from workbooks.pushing.columns import Tags

_ROOT = re.compile(rb"<((?:[\w.-]+:)?)worksheet[\s>]")
# No declaration, or one that names UTF-8 or nothing; not UTF-16.
_PLAIN = re.compile(
    rb"""(?:\xef\xbb\xbf)?\s*<(?!\?)|(?:\xef\xbb\xbf)?<\?xml\s(?![^>]*encoding\s*=\s*["'](?!utf-?8["']|us-ascii["']))""",
    re.IGNORECASE,
)
_ROW_NUMBER = re.compile(rb"""\sr=["'](\d+)["']""")
_CELL_REFERENCE = re.compile(rb"""\sr=["']([A-Z]+)(\d+)["']""")
_CELL_STYLE = re.compile(rb"""\ss=["'](\d+)["']""")
_FORGOTTEN = re.compile(rb"""\s(?:r|spans|hidden|collapsed|outlineLevel)=(?:"[^"]*"|'[^']*')""")
_OWN_HEIGHT = re.compile(rb"""\scustomHeight=["'](?:1|true)""")
_HEIGHT = re.compile(rb"""\sht=(?:"[^"]*"|'[^']*')""")


class Row(NamedTuple):
    """Where one <row> stands: *start* to *end* with its tags, *inner* to *stop* without."""

    number: int
    start: int
    inner: int
    stop: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell as it stands: its column (1 is A), its style, its attributes and what is in it."""

    column: int
    style: int
    attributes: bytes
    inner: bytes
    xml: bytes

    @property
    def empty(self) -> bool:
        """Nothing but perhaps a format."""
        return not self.inner


def strange(piece: bytes, *, start: bool = False) -> bool:
    """
    Whether *piece* of a part, or of its *start*, is not to be cut at its bytes.

    Comments and CDATA could hold what looks like a row, other encodings hide them; hardly
    a program writes any.
    """
    if start and not _PLAIN.match(piece):
        return True
    return b"!" in piece and b"<!" in piece


def normal(content: bytes) -> bytes:
    """The same part in UTF-8, without comments, CDATA and instructions."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=True, remove_comments=True, remove_pis=True
    )
    return etree.tostring(etree.fromstring(content, parser), xml_declaration=True, encoding="UTF-8")


class SheetXml:
    """A worksheet part in three pieces: before its rows, the rows, after them."""

    def __init__(self, content: bytes) -> None:
        """
        Raises:
            ValueError: This is no worksheet.
        """
        if strange(content, start=True):
            content = normal(content)
        root = _ROOT.search(content)
        if root is None:
            raise ValueError("no worksheet")
        self.content = content
        self.tags = Tags(root[1])
        data = re.search(self.tags.open("sheetData") + rb"\s*(/?)>", content)
        if data is None:
            raise ValueError("no sheetData")
        self._head_end = data.start()
        self.start = data.end()
        if data[1]:
            self.stop = self._tail_start = self.start
        else:
            closing = self.tags.close("sheetData")
            self.stop = content.rindex(closing)
            self._tail_start = self.stop + len(closing)
        names = b"%sc" % self.tags.prefix
        self._cell = re.compile(rb"<" + names + rb"((?:\s[^>]*?)?)(?:/>|>(.*?)</" + names + rb">)", re.DOTALL)

    def skeleton(self) -> etree._Element:
        """The part without its rows, as a tree; <sheetData/> marks where they belong."""
        plain = self.content[: self._head_end] + self.tags.open("sheetData") + b"/>" + self.content[self._tail_start :]
        return etree.fromstring(plain, etree.XMLParser(resolve_entities=False, no_network=True))

    def split(self, skeleton: etree._Element) -> tuple[bytes, bytes]:
        """What goes before and after the rows, from an edited skeleton."""
        written = etree.tostring(skeleton, xml_declaration=True, encoding="UTF-8", standalone=True)
        head, _, tail = written.partition(self.tags.open("sheetData") + b"/>")
        return head + self.tags.open("sheetData") + b">", self.tags.close("sheetData") + tail

    def rows(self, start: int | None = None) -> Iterator[Row]:
        """Every row from byte *start* on (None: all), top to bottom."""
        position, number = self.start if start is None else start, 0
        while row := self.row(position, number):
            yield row
            position, number = row.end, row.number

    def row(self, position: int, above: int) -> Row | None:
        """The next row from byte *position* on; *above* is the number of the one before, for rows that give none."""
        content = self.content
        start = content.find(self.tags.open("row"), position, self.stop)
        if start < 0:
            return None
        inner = stop = end = content.index(b">", start) + 1
        if content[inner - 2] != ord("/"):
            stop = content.index(self.tags.close("row"), inner)
            end = stop + len(self.tags.close("row"))
        named = _ROW_NUMBER.search(content, start, inner)
        return Row(int(named[1]) if named else above + 1, start, inner, stop, end)

    def cells(self, row: Row) -> list[Cell]:
        """The cells of *row*; those without a reference follow the one before."""
        found: list[Cell] = []
        column = 0
        for match in self._cell.finditer(self.content, row.inner, row.stop):
            named = _CELL_REFERENCE.search(match[1])
            style = _CELL_STYLE.search(match[1])
            column = column_number(named[1].decode()) if named else column + 1
            xml = match[0]
            if not named:  # it may be moved apart from its neighbour
                reference = b' r="%s%d"' % (column_letters(column).encode(), row.number)
                name = len(self.tags.open("c"))
                xml = xml[:name] + reference + xml[name:]
            found.append(
                Cell(
                    column=column,
                    style=int(style[1]) if style else 0,
                    attributes=match[1],
                    inner=match[2] or b"",
                    xml=xml,
                )
            )
        return found

    def attributes(self, row: Row) -> bytes:
        """The row's attributes worth keeping when its cells change: not its number, nor that a filter hid it."""
        opening = len(self.tags.open("row"))
        kept = _FORGOTTEN.sub(b"", self.content[row.start + opening : row.inner].rstrip(b"/>").rstrip())
        return kept if _OWN_HEIGHT.search(kept) else _HEIGHT.sub(b"", kept)
