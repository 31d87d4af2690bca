"""
The boxes in which Excel shows notes: shapes of a VML drawing, edited as text.

As text, because old drawings are not always well-formed, and because pictures and form
controls in the same drawing must stay as they are.
"""

import re
from collections import defaultdict
from collections.abc import Iterator

_SHAPE = re.compile(rb"\s*<(?:\w+:)?shape\b[^>]*?(?:/>|>.*?</(?:\w+:)?shape>)", re.DOTALL)
_PLACE = [re.compile(rb"<(?:\w+:)?%s>\s*(\d+)\s*</" % name) for name in (b"Row", b"Column")]
_ANCHOR = re.compile(rb"(<(?:\w+:)?Anchor>)[^<]*(</)")
_NUMBER = re.compile(rb"_x0000_s(\d{1,9})")
_BLOCK = re.compile(rb"<(?:\w+:)?idmap\b[^>]*\bdata\s*=\s*[\"']([\d,]{1,99})")
_XML_NS = (
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"'
)
_EMPTY = f'<xml {_XML_NS}><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="{{block}}"/></o:shapelayout></xml>'
_TYPE = (
    f'<v:shapetype {_XML_NS} id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_NOTE = (
    f'<v:shape {_XML_NS} id="_x0000_s{{number}}" type="#_x0000_t202" style="position:absolute;margin-left:80pt;'
    'margin-top:5pt;width:{width}pt;height:{height}pt;z-index:{number};visibility:hidden" '
    'fillcolor="{fill}" strokecolor="{line}" o:insetmode="auto"><v:fill color2="{fill}"/>'
    '<v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>'
    '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"/></v:textbox>'
    '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{anchor}</x:Anchor>'
    "<x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
)
_COLOURS = {True: ("#fdecee", "#c62828"), False: ("#fff6dd", "#b7791f")}  # fill and line, by whether it is an error


def blocks(content: bytes) -> Iterator[int]:
    """The blocks of 1024 shape numbers that the VML drawing *content* claims."""
    for found in _BLOCK.findall(content):
        yield from (int(number) for number in found.split(b",") if number)


class NoteShapes:
    """
    The shapes of the VML drawing *content*; empty bytes begin a new one.

    Places are (row, column) from 1. *block* is used by a new drawing only.
    """

    def __init__(self, content: bytes, block: int) -> None:
        if b"</" not in content:
            content = _EMPTY.format(block=block).encode()
        self._pieces: list[bytes] = []
        self._notes: dict[tuple[int, int], list[int]] = defaultdict(list)  # place → indices of pieces
        self._shapes: set[int] = set()
        end = content.rindex(b"</")
        at = 0
        for shape in _SHAPE.finditer(content, 0, end):
            self._pieces.append(content[at : shape.start()])
            self._add(shape[0])
            at = shape.end()
        self._pieces.append(content[at:end])
        self._tail = content[end:]
        self._number = 0
        self._typed = b'"_x0000_t202"' in content

    @property
    def content(self) -> bytes:
        """The drawing as it is now; empty when no shape is left in it."""
        return b"".join([*self._pieces, self._tail]) if self._shapes else b""

    def remove(self, place: tuple[int, int]) -> None:
        """Take the note's shape at *place* out."""
        for index in self._notes.pop(place, []):
            self._pieces[index] = b""
            self._shapes.discard(index)

    def put(self, place: tuple[int, int], anchor: str, width: float, height: float, *, error: bool) -> None:
        """A note's shape of so many points at *anchor*; one that is there is moved and keeps its look."""
        if there := self._notes.get(place):
            shape = self._pieces[there[0]]
            self._pieces[there[0]] = _ANCHOR.sub(rb"\g<1>%s\g<2>" % anchor.encode(), shape)
            return
        if not self._typed:
            self._typed = True
            self._pieces.append(_TYPE.encode())
        self._number = (self._number or self._highest()) + 1
        fill, line = _COLOURS[error]
        row, column = place[0] - 1, place[1] - 1
        shape = _NOTE.format(
            number=self._number, width=width, height=height, fill=fill, line=line, anchor=anchor, row=row, column=column
        ).encode()
        self._add(shape)

    def _highest(self) -> int:
        """The highest shape number in use, or the one before the drawing's first."""
        content = b"".join(self._pieces)
        numbers = [int(number) for number in _NUMBER.findall(content)]
        return max([*numbers, *(1024 * first for first in list(blocks(content))[:1])], default=1024)

    def _add(self, shape: bytes) -> None:
        index = len(self._pieces)
        self._pieces.append(shape)
        self._shapes.add(index)
        row, column = (pattern.search(shape) for pattern in _PLACE)
        if b'"Note"' in shape and row and column:
            self._notes[int(row[1]) + 1, int(column[1]) + 1].append(index)
