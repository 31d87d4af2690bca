"""Workbooks as Excel saves them under "Strict Open XML Spreadsheet": other namespaces, and dates as ISO 8601."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from workbooks.package import Package

_PURL = b"http://purl.oclc.org/ooxml/"
_NAMESPACES = (
    (b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", _PURL + b"spreadsheetml/main"),
    (b"http://schemas.openxmlformats.org/drawingml/2006/", _PURL + b"drawingml/"),
    (
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/extended-properties",
        _PURL + b"officeDocument/relationships/extendedProperties",
    ),
    (
        b"http://schemas.openxmlformats.org/officeDocument/2006/extended-properties",
        _PURL + b"officeDocument/extendedProperties",
    ),
    (b"http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes", _PURL + b"officeDocument/docPropsVTypes"),
    (b"http://schemas.openxmlformats.org/officeDocument/2006/relationships", _PURL + b"officeDocument/relationships"),
)
_NUMBER = re.compile(rb'<c r="([A-Z]+\d+)" s="(\d+)"(?: t="n")?><v>([\d.]+)</v></c>')
_EPOCH = datetime(1899, 12, 30)


def strict(content: bytes, is_date: Callable[[str], bool] = lambda address: False) -> bytes:
    """*content* as a strict file; the numbers in cells for which *is_date* holds become dates (t="d")."""

    def date(found: re.Match[bytes]) -> bytes:
        address, style, number = found[1].decode(), found[2], float(found[3])
        if not is_date(address):
            return found[0]
        moment = _EPOCH + timedelta(seconds=round(number * 86_400))
        text = f"{moment:%Y-%m-%d}" if number.is_integer() else moment.isoformat()
        return b'<c r="%s" s="%s" t="d"><v>%s</v></c>' % (found[1], style, text.encode())

    package = Package(content)
    for name in list(package.names()):
        if not name.endswith((".xml", ".rels", ".vml")) or name == "[Content_Types].xml":
            continue
        part = package.read(name)
        for before, after in _NAMESPACES:
            part = part.replace(before, after)
        if name == "xl/workbook.xml":
            part = part.replace(b"<workbook ", b'<workbook conformance="strict" ', 1)
        if name.startswith("xl/worksheets/sheet"):
            part = _NUMBER.sub(date, part)
        package.put(name, part)
    return package.save()
