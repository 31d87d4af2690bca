"""Notes on cells (legacy comments with their VML shapes): ours are put and taken back, everybody else's stay."""

from collections.abc import Callable, Iterator, Sequence

from lxml import etree

from workbooks.form import Language, Text
from workbooks.marking.note_shapes import NoteShapes, blocks
from workbooks.ooxml.areas import LAST_COLUMN, LAST_ROW, Area
from workbooks.ooxml.book import Book
from workbooks.ooxml.cells import Sheet, text_content
from workbooks.ooxml.elements import WORKSHEET, child, local, whole
from workbooks.package import SheetPart, relation_id
from workbooks.sheet.measure import text_lines

AUTHOR = "Aftersheet"
# A note is ours if it begins so: authors get lost in other programs, texts do not.
HEADING = Text("检查结果 · Aftersheet", "Findings · Aftersheet")
SEPARATOR = "────────────"  # between ours and what somebody else had noted on the same cell
COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
VML_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"

_WIDTH_PX, _LINE_PX, _PADDING_PX, _GAP_PX = 300, 17, 16, 14
_FONT_SIZE = 9
_REACH = 200  # rows or columns a note covers at most, if most of them are hidden


class Notes:
    """
    The notes of one worksheet.

    Cells with a threaded comment get none: Excel shows the thread in its place.
    """

    def __init__(self, book: Book, sheet: SheetPart) -> None:
        self._book, self._part = book, sheet.part
        self._key, self._comments_part = next(iter(book.package.related(sheet.part, "comments").items()), ("", ""))
        if self._comments_part:
            self._tree = book.package.xml(self._comments_part)
        else:
            self._tree = etree.fromstring(f'<comments xmlns="{book.namespace}"><authors/><commentList/></comments>')
        self._list = child(self._tree, "commentList", ("authors", "commentList", "extLst"))
        self._by_cell = {comment.get("ref", ""): comment for comment in self._list}
        self._vml_key = self._vml_part = ""
        self._shapes: NoteShapes | None = None
        self._changed = False

    def take_back(self) -> None:
        """Remove every note of ours, wherever its cell has gone, and uncover what it was put before."""
        for address, comment in list(self._by_cell.items()):
            text = comment.find("{*}text")
            if text is None or not _plain(text).lstrip().startswith((HEADING.zh, HEADING.en)):
                continue
            self._changed = True
            if _uncover(text):
                continue
            self._list.remove(comment)
            del self._by_cell[address]
            if (area := Area.parse(address)) is not None:
                self._drawing().remove((area.top, area.left))

    def put(self, area: Area, lines: Sequence[str], language: Language, *, error: bool) -> None:
        """Note *lines* on the (merged) cell *area*, before what is noted there already."""
        comment = self._by_cell.get(area.first)
        if comment is not None and self._author_of(comment).startswith("tc="):
            return
        self._changed = True
        if comment is None:
            comment = etree.SubElement(self._list, f"{{{self._book.namespace}}}comment", ref=area.first)
            comment.set("authorId", str(self._author()))
            self._by_cell[area.first] = comment
        text = comment.find("{*}text")
        if text is None:
            text = etree.SubElement(comment, f"{{{self._book.namespace}}}text")
        others = _plain(text)
        runs = [_run(text, HEADING[language], language, bold=True), _run(text, "\n" + "\n".join(lines), language)]
        if others:
            runs.append(_run(text, f"\n{SEPARATOR}\n", language))
            _as_runs(text)
        text[:0] = runs
        shown = [HEADING[language], *lines, *([SEPARATOR, *others.split("\n")] if others else [])]
        self._shape(area, shown, error)

    def save(self) -> None:
        """Put the two parts back into the package, or take them out when nothing is left in them."""
        if not self._changed:
            return
        package, sheet = self._book.package, self._book.sheet(self._part)
        if len(self._list):
            if not self._comments_part:
                self._comments_part = self._book.free_part("xl/comments{}.xml")
                package.set_content_type(self._comments_part, COMMENTS_TYPE)
                self._book.relate(self._part, "comments", self._comments_part)
            package.replace(self._comments_part, self._tree)
        elif self._key:
            package.unrelate(self._part, self._key)
        if self._shapes is None:
            return
        if content := self._shapes.content:
            if not self._vml_part:
                self._vml_part = self._book.free_part("xl/drawings/vmlDrawing{}.vml")
                package.set_default_type("vml", VML_TYPE)
                drawing = child(sheet.tree, "legacyDrawing", WORKSHEET)
                key = self._book.relate(self._part, "vmlDrawing", self._vml_part)
                drawing.set(f"{{{self._book.relation_ns}}}id", key)
                sheet.changed = True
            package.put(self._vml_part, content)
        elif self._vml_key:
            package.unrelate(self._part, self._vml_key)
            sheet.tree.remove(child(sheet.tree, "legacyDrawing", WORKSHEET))
            sheet.changed = True

    def _drawing(self) -> NoteShapes:
        """The shapes of the sheet's notes; most sheets need none, so they are looked for only now."""
        if self._shapes is None:
            package = self._book.package
            content = b""
            element = self._book.sheet(self._part).tree.find("{*}legacyDrawing")
            if element is not None:
                self._vml_key = relation_id(element)
                self._vml_part = package.related(self._part, "vmlDrawing").get(self._vml_key, "")
                content = package.read(self._vml_part) if self._vml_part else b""
            drawings = (package.read(name) for name in package.names() if name.lower().endswith(".vml"))
            used = {block for drawing in drawings for block in blocks(drawing)}
            self._shapes = NoteShapes(content, next(n for n in range(1, len(used) + 2) if n not in used))
        return self._shapes

    def _author(self) -> int:
        authors = child(self._tree, "authors", ("authors", "commentList", "extLst"))
        for index, author in enumerate(authors):
            if author.text == AUTHOR:
                return index
        etree.SubElement(authors, f"{{{self._book.namespace}}}author").text = AUTHOR
        return len(authors) - 1

    def _author_of(self, comment: etree._Element) -> str:
        authors = child(self._tree, "authors", ("authors", "commentList", "extLst"))
        index = whole(comment.get("authorId"))
        return (authors[index].text or "") if index < len(authors) else ""

    def _shape(self, area: Area, lines: Sequence[str], error: bool) -> None:
        """A shape large enough for *lines* to the right of *area*."""
        height = _PADDING_PX + text_lines("\n".join(lines), _WIDTH_PX - 10, _FONT_SIZE) * _LINE_PX
        anchor = _anchor(self._book.sheet(self._part), area, height)
        self._drawing().put((area.top, area.left), anchor, _WIDTH_PX * 0.75, height * 0.75, error=error)


def _plain(text: etree._Element) -> str:
    return "".join(piece.text or "" for _, piece in _pieces(text))


def _pieces(text: etree._Element) -> Iterator[tuple[etree._Element, etree._Element]]:
    """(child, its <t>) for plain text and runs; phonetic hints are no text."""
    for inner in list(text):
        piece = {"t": inner, "r": inner.find("{*}t")}.get(local(inner))
        if piece is not None:
            yield inner, piece


def _run(text: etree._Element, words: str, language: Language, *, bold: bool = False) -> etree._Element:
    ns = f"{{{etree.QName(text).namespace}}}"
    run = etree.Element(f"{ns}r")
    look = etree.SubElement(run, f"{ns}rPr")
    if bold:
        etree.SubElement(look, f"{ns}b")
    etree.SubElement(look, f"{ns}sz", val=str(_FONT_SIZE))
    etree.SubElement(look, f"{ns}color", rgb="FF1F2937")
    etree.SubElement(look, f"{ns}rFont", val="宋体" if language == "zh" else "Calibri")
    if language == "zh":
        etree.SubElement(look, f"{ns}charset", val="134")
    inner = etree.SubElement(run, f"{ns}t")
    inner.text = text_content(words)
    inner.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    return run


def _as_runs(text: etree._Element) -> None:
    """Wrap a plain <t> in a run, so that other runs may stand before it."""
    for inner in list(text):
        if local(inner) == "t":
            run = etree.Element(f"{{{etree.QName(text).namespace}}}r")
            inner.addprevious(run)
            run.append(inner)


def _uncover(text: etree._Element) -> bool:
    """Cut off everything up to our separator; False if there is none, so that all of the text is ours."""
    at = _plain(text).find(SEPARATOR)
    if at < 0:
        return False
    ahead = at + len(SEPARATOR)
    for inner, piece in _pieces(text):
        words = piece.text or ""
        piece.text = words[ahead:]
        ahead = max(0, ahead - len(words))
        if not piece.text.lstrip("\r\n"):
            text.remove(inner)
            continue
        piece.text = piece.text.lstrip("\r\n")
        break
    return bool(_plain(text).strip())


def _anchor(sheet: Sheet, area: Area, height: int) -> str:
    """From where to where the note reaches: column, pixels, row, pixels, and the same of the other corner."""
    right, right_px = _walk(sheet.column_px, area.right, _GAP_PX + _WIDTH_PX, LAST_COLUMN)
    bottom, bottom_px = _walk(sheet.row_px, area.top - 1, 4 + height, LAST_ROW)
    return f"{area.right}, {_GAP_PX}, {area.top - 1}, 4, {right}, {right_px}, {bottom}, {bottom_px}"


def _walk(size: Callable[[int], int], start: int, distance: int, last: int) -> tuple[int, int]:
    """(index from 0, pixels into it) of the row or column *distance* pixels after the beginning of *start*."""
    end = min(last - 1, start + _REACH)
    for index in range(start, end):
        room = size(index + 1)
        if distance < room:
            return index, distance
        distance -= room
    return end, 0
