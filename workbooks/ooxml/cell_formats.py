"""Cell formats of an existing workbook: what shows dates, and one format more where a column needs it."""

import copy
import re

from lxml import etree

from workbooks.dataset import ColumnType
from workbooks.package import Package

# [Red], [$-804], "text", \x and _x stand in a number format without being part of its pattern.
_ASIDE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h|m|s)[^\]]*\]', re.IGNORECASE)
_DATE_BUILTIN = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_PERCENT_BUILTIN = frozenset({9, 10})
_WANTED: dict[ColumnType, str] = {"date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm", "percent": "0.0%"}
_FIRST_CUSTOM = 164


class CellFormats:
    """The cellXfs of a workbook, with formats added on demand; `save` writes the part only if one was."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._part = next(iter(package.related(package.workbook, "styles").values()), None)
        self._root = None if self._part is None else package.xml(self._part)
        self._added: dict[tuple[int, ColumnType], int] = {}

    def suited(self, style: int, column_type: ColumnType) -> int:
        """*style* if it shows values of *column_type* as such, else the same look with a number format that does."""
        if column_type not in _WANTED or self._root is None or self._shows(style, column_type):
            return style
        key = (style, column_type)
        if key not in self._added:
            self._added[key] = self._add(style, _WANTED[column_type])
        return self._added[key]

    def save(self) -> None:
        if self._added and self._part is not None and self._root is not None:
            self._package.replace(self._part, self._root)

    def _formats(self) -> list[etree._Element]:
        return [] if self._root is None else self._root.findall("{*}cellXfs/{*}xf")

    def _shows(self, style: int, column_type: ColumnType) -> bool:
        formats = self._formats()
        number = int(formats[style].get("numFmtId", "0")) if style < len(formats) else 0
        if number < _FIRST_CUSTOM and self._code(number) is None:
            return number in (_PERCENT_BUILTIN if column_type == "percent" else _DATE_BUILTIN)
        pattern = _ASIDE.sub("", self._code(number) or "")
        if column_type == "percent":
            return "%" in pattern
        return re.search(r"[ymdhs]|[年月日]", pattern, re.IGNORECASE) is not None

    def _code(self, number: int) -> str | None:
        assert self._root is not None
        for known in self._root.iterfind("{*}numFmts/{*}numFmt"):
            if known.get("numFmtId") == str(number):
                return known.get("formatCode", "")
        return None

    def _add(self, style: int, code: str) -> int:
        """A copy of format *style* with number format *code*; its index."""
        assert self._root is not None
        namespace = etree.QName(self._root).namespace
        numbers = self._root.find("{*}numFmts")
        if numbers is None:
            numbers = etree.Element(f"{{{namespace}}}numFmts")
            self._root.insert(0, numbers)
        used = {number.get("formatCode"): int(number.get("numFmtId", "0")) for number in numbers}
        number = used.get(code) or max([_FIRST_CUSTOM - 1, *used.values()]) + 1
        if code not in used:
            etree.SubElement(numbers, f"{{{namespace}}}numFmt", numFmtId=str(number), formatCode=code)
            numbers.set("count", str(len(numbers)))
        formats = self._root.find("{*}cellXfs")
        assert formats is not None
        added = copy.deepcopy(formats[style])
        added.set("numFmtId", str(number))
        added.set("applyNumberFormat", "1")
        formats.append(added)
        formats.set("count", str(len(formats)))
        return len(formats) - 1
