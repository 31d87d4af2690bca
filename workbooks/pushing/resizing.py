"""References to a table's cells from outside it: what spans its rows exactly grows and shrinks with it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape, unescape

from workbooks.ooxml.areas import Area
from workbooks.ooxml.letters import column_number
from workbooks.ooxml.tables import Table

_REFERENCE = re.compile(
    r"""
    "(?:[^"]|"")*"                                            # a text: left alone
    | (?<![\w.$\]:])(?P<sheet>(?:'(?:[^']|'')+'|[^\W\d][\w.]*)!)?
      (?P<left>\$?[A-Z]{1,3})\$?(?P<top>\d+):(?P<right>\$?[A-Z]{1,3})\$?(?P<bottom>\d+)(?![\w(])
    """,
    re.VERBOSE,
)
_CELL = re.compile(r"((?:'(?:[^']|'')+'|[^\W\d][\w.]*)!)(\$?[A-Z]{1,3})(\$?)(\d+)")
_FORMULA = re.compile(rb"(<(?:\w+:)?(?:f|formula[12]?)(?:\s[^>]*[^/>])?>)([^<]+)(?=</)")
_ENTITIES = {"&quot;": '"', "&apos;": "'"}


@dataclass(frozen=True, slots=True)
class Resizing:
    """
    A table going from its old rows to *bottom*, the new last row of its body.

    A reference grows when its columns lie within the table and its rows are exactly the
    old body, the body with its header, or the whole table; anything else was meant
    otherwise and stays.
    """

    table: Table
    bottom: int

    @property
    def area(self) -> Area:
        """The whole table afterwards, totals included."""
        old = self.table.area
        return Area(old.top, old.left, self.bottom + self.table.totals_rows, old.right)

    @property
    def body(self) -> Area:
        old = self.table.body
        return Area(old.top, old.left, self.bottom, old.right)

    def rows(self, area: Area) -> int | None:
        """The new last row of a reference to *area*; None if it stays as it is."""
        body, whole = self.table.body, self.table.area
        if area.left < whole.left or area.right > whole.right or area.top not in (body.top, whole.top):
            return None
        if area.bottom == body.bottom:
            return self.bottom
        return self.area.bottom if area.bottom == whole.bottom else None

    def formula(self, text: str, sheet: str | None) -> str:
        """Formula *text*, standing on *sheet* (None: in a name or a chart), its references to the table resized."""

        def resize(match: re.Match[str]) -> str:
            if match["left"] is None or _sheet_name(match["sheet"], sheet) != self.table.sheet.title.casefold():
                return match[0]
            left, right = (column_number(match[side].lstrip("$")) for side in ("left", "right"))
            bottom = self.rows(Area(int(match["top"]), left, int(match["bottom"]), right))
            return match[0] if bottom is None else match[0][: match.start("bottom") - match.start()] + str(bottom)

        return _REFERENCE.sub(resize, text)

    def series(self, text: str) -> str:
        """The reference of a chart's series; here one cell stands for a body of one row."""
        one = _CELL.fullmatch(text)
        if one and self.table.body.top == self.table.body.bottom:
            resized = self.formula(f"{text}:{one[2]}{one[3]}{one[4]}", None)
            return text if resized.endswith(f":{one[2]}{one[3]}{one[4]}") else resized
        return self.formula(text, None)

    def ranges(self, text: str) -> str:
        """A list of ranges (sqref) on the table's own sheet, resized."""
        return " ".join(self._range(part) for part in text.split())

    def _range(self, text: str) -> str:
        try:
            area = Area.at(text)
        except ValueError:  # whole columns or rows, such as A:A
            return text
        bottom = self.rows(area)
        return text if bottom in (None, area.bottom) else str(Area(area.top, area.left, bottom or 0, area.right))

    def mentioned_in(self, content: bytes) -> bool:
        """Whether an XML part may hold a reference to exactly these rows; quick, and never wrongly False."""
        body, whole = self.table.body, self.table.area
        if not any(b"%d" % bottom in content for bottom in {body.bottom, whole.bottom}):
            return False
        pattern = rb"[A-Z]\$?(?:%d|%d):\$?[A-Z]{1,3}\$?(?:%d|%d)\b"
        return re.search(pattern % (body.top, whole.top, body.bottom, whole.bottom), content) is not None

    def formulas(self, content: bytes, sheet: str) -> bytes:
        """
        XML of worksheet *sheet* with its formulas resized: in cells, validations, formats, sparklines.

        Not one byte differs if there is nothing to resize.
        """
        if not self.mentioned_in(content):
            return content

        def resize(match: re.Match[bytes]) -> bytes:
            text = unescape(match[2].decode(), _ENTITIES)
            new = self.formula(text, sheet)
            return match[0] if new == text else match[1] + escape(new).encode()

        return _FORMULA.sub(resize, content)

    def feeds(self, names: Iterable[str], *, name: str | None, sheet: str | None, ref: str | None) -> bool:
        """Whether a pivot cache's source is the table: by its name or one of *names*, or by an overlapping range."""
        if name is not None:
            return name.casefold() in {self.table.name.casefold(), *(other.casefold() for other in names)}
        if ref is None or sheet is None or sheet.casefold() != self.table.sheet.title.casefold():
            return False
        return Area.at(ref).meets(self.table.area)


def _sheet_name(qualifier: str | None, own: str | None) -> str | None:
    if not qualifier:
        return None if own is None else own.casefold()
    name = qualifier[:-1]
    return (name[1:-1].replace("''", "'") if name.startswith("'") else name).casefold()
