"""Which filled cells are open to be typed into: in our templates only inputs are."""

import re
from collections.abc import Iterable

from workbooks.guard import Inspection
from workbooks.parsing.grids import Position, address

_FORMAT = re.compile(rb"<(?:\w+:)?xf\b(?:[^>]*/>|.*?</(?:\w+:)?xf>)", re.DOTALL)
_OPEN = re.compile(rb"<(?:\w+:)?protection\b[^>]*\blocked\s*=\s*[\"'](?:0|false)[\"']")
_STYLED = re.compile(rb'<(?:\w+:)?c r="([A-Z]{1,3}\d{1,7})" (?:[^>]*? )?s="(\d{1,5})"')
_FEW = 12  # cells looked for one by one


def unlocked(inspection: Inspection, title: str, cells: Iterable[Position]) -> set[Position]:
    """Those of *cells* of sheet *title* whose format lets people type into them though the sheet is protected."""
    wanted = {address(row, column).encode(): (row, column) for row, column in cells}
    if not wanted:
        return set()
    data = inspection.sheet(title)
    pattern = _STYLED
    if len(wanted) <= _FEW:
        pattern = re.compile(rb'<(?:\w+:)?c r="(' + b"|".join(wanted) + rb')" (?:[^>]*? )?s="(\d{1,5})"')
    styled = {place: int(style) for place, style in pattern.findall(data) if place in wanted}
    free = _open_formats(inspection)
    return {wanted[place] for place, style in styled.items() if style in free}


def _open_formats(inspection: Inspection) -> set[int]:
    """The numbers of the cell formats that are not locked."""
    styles = inspection.parts.get("xl/styles.xml", b"")
    start = styles.find(b"cellXfs")
    formats = _FORMAT.findall(styles, start, styles.find(b"cellXfs>", start + 8)) if start >= 0 else []
    return {number for number, text in enumerate(formats) if _OPEN.search(text)}
