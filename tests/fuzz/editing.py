"""A workbook taken apart for damaging: its parts, its cells and its defined names, written back as they are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from io import BytesIO
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

from lxml import etree

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
WORKBOOK, STRINGS, STYLES, TYPES = "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml", "[Content_Types].xml"
_ADDRESS = re.compile(r"([A-Z]+)(\d+)")
_TARGET = re.compile(r"'?((?:[^'!]|'')+)'?!\$([A-Z]+)\$(\d+)(?::\$([A-Z]+)\$(\d+))?")


class Spot(NamedTuple):
    """A cell; row and column from 1."""

    row: int
    column: int

    @property
    def address(self) -> str:
        return f"{letters(self.column)}{self.row}"


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula with what the program that saved it had worked out; None for one that never calculated."""

    text: str
    result: "str | float | None" = None


@dataclass(frozen=True, slots=True)
class ErrorValue:
    """An error such as #N/A, as a value or as the result of a formula."""

    text: str
    formula: bool = False


Content = str | float | bool | date | datetime | time | Formula | ErrorValue | None


def letters(column: int) -> str:
    found = ""
    while column:
        column, rest = divmod(column - 1, 26)
        found = chr(65 + rest) + found
    return found


def spot(address: str) -> Spot:
    match = _ADDRESS.fullmatch(address)
    assert match is not None, address
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    return Spot(int(match[2]), column)


def tag(name: str) -> str:
    return f"{{{MAIN}}}{name}"


class Editor:
    """
    One .xlsx in parts; *form* is the sheet that the form's names point to.

    XML parts are parsed when first asked for by `tree`, and written again by `save`.
    """

    def __init__(self, content: bytes) -> None:
        with ZipFile(BytesIO(content)) as archive:
            self.parts = {name: archive.read(name) for name in archive.namelist()}
        self._trees: dict[str, etree._Element] = {}
        self.form = next(title for name, (title, *_) in self.places().items() if not name.startswith("AS__"))

    def tree(self, part: str) -> etree._Element:
        if part not in self._trees:
            self._trees[part] = etree.fromstring(self.parts[part])
        return self._trees[part]

    def text(self, part: str) -> str:
        """The part as it would be written now."""
        self._flush()
        return self.parts[part].decode()

    def put_text(self, part: str, text: str) -> None:
        self._trees.pop(part, None)
        self.parts[part] = text.encode()

    def save(self, method: int = ZIP_DEFLATED) -> bytes:
        self._flush()
        out = BytesIO()
        with ZipFile(out, "w", method) as archive:
            for name, data in self.parts.items():
                archive.writestr(name, data)
        return out.getvalue()

    def _flush(self) -> None:
        for part, tree in self._trees.items():
            self.parts[part] = etree.tostring(tree, xml_declaration=True, encoding="UTF-8", standalone=True)

    # Sheets

    def sheets(self) -> list[etree._Element]:
        found = self.tree(WORKBOOK).find(tag("sheets"))
        assert found is not None
        return list(found)

    def sheet(self, title: str = "") -> etree._Element:
        return self.tree(self.part(title))

    def part(self, title: str = "") -> str:
        """The part of the sheet called *title*, by default the form's."""
        element = next(e for e in self.sheets() if e.get("name") == (title or self.form))
        relations = self.tree("xl/_rels/workbook.xml.rels")
        key = element.get(f"{{{RELATIONS}}}id")
        target = next(r.get("Target", "") for r in relations if r.get("Id") == key)
        return f"xl/{target}"

    def add_sheet(self, title: str, xml: bytes, at: int | None = None) -> None:
        """A sheet more, last or at index *at*; names that belong to a sheet keep it."""
        number = len(self.sheets()) + 1
        part = f"worksheets/added{number}.xml"
        self.parts[f"xl/{part}"] = xml
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
        self.tree(TYPES).append(
            etree.fromstring(f'<Override xmlns="{_types()}" PartName="/xl/{part}" ContentType="{kind}"/>')
        )
        relations = self.tree("xl/_rels/workbook.xml.rels")
        where = {"Id": f"rAdded{number}", "Type": f"{RELATIONS}/worksheet", "Target": part}
        etree.SubElement(relations, f"{{{PACKAGE_RELATIONS}}}Relationship", where)
        sheets = self.tree(WORKBOOK).find(tag("sheets"))
        assert sheets is not None
        element = etree.SubElement(sheets, tag("sheet"), name=title, sheetId=str(90 + number))
        element.set(f"{{{RELATIONS}}}id", f"rAdded{number}")
        if at is not None:
            self.move_sheet(len(sheets) - 1, at)

    def move_sheet(self, source: int, target: int) -> None:
        sheets = self.tree(WORKBOOK).find(tag("sheets"))
        assert sheets is not None
        order = list(range(len(sheets)))
        order.insert(target, order.pop(source))
        elements = list(sheets)
        sheets[:] = [elements[index] for index in order]
        for name in self.names():
            if (local := name.get("localSheetId")) is not None:
                name.set("localSheetId", str(order.index(int(local))))

    def rename_sheet(self, old: str, new: str, *, names_follow: bool = True) -> None:
        next(e for e in self.sheets() if e.get("name") == old).set("name", new)
        if names_follow:
            for name in self.names():
                match = _TARGET.fullmatch(name.text or "")
                if match is not None and match[1].replace("''", "'") == old:
                    _, _, cells = (name.text or "").rpartition("!")
                    name.text = f"'{new.replace(chr(39), chr(39) * 2)}'!{cells}"
        if self.form == old:
            self.form = new

    # Names

    def names(self) -> list[etree._Element]:
        found = self.tree(WORKBOOK).find(tag("definedNames"))
        return list(found) if found is not None else []

    def name(self, name: str) -> etree._Element:
        return next(e for e in self.names() if e.get("name") == name and e.get("localSheetId") is None)

    def places(self) -> dict[str, tuple[str, Spot, Spot]]:
        """(sheet, first cell, last cell) of each of our names that stands for cells."""
        found = {}
        for element in self.names():
            match = _TARGET.fullmatch(element.text or "")
            name = element.get("name", "")
            if match is not None and name.startswith("AS_") and element.get("localSheetId") is None:
                first = spot(f"{match[2]}{match[3]}")
                last = spot(f"{match[4]}{match[5]}") if match[4] else first
                found[name] = (match[1].replace("''", "'"), first, last)
        return found

    def point(self, name: str, first: Spot, last: Spot | None = None, title: str = "") -> None:
        """Let *name* stand for other cells."""
        cells = ":".join(f"${letters(s.column)}${s.row}" for s in dict.fromkeys((first, last or first)))
        quoted = (title or self.form).replace("'", "''")
        self.name(name).text = f"'{quoted}'!{cells}"

    def drop_name(self, name: str) -> None:
        names = self.tree(WORKBOOK).find(tag("definedNames"))
        assert names is not None
        names.remove(self.name(name))

    # Cells

    def rows(self, title: str = "") -> etree._Element:
        found = self.sheet(title).find(tag("sheetData"))
        assert found is not None
        return found

    def cells(self, title: str = "") -> Iterator[tuple[Spot, etree._Element]]:
        for element in self.rows(title).iter(tag("c")):
            yield spot(element.get("r", "")), element

    def cell(self, at: Spot, title: str = "") -> etree._Element:
        """The cell's element, made where there is none."""
        rows = self.rows(title)
        row = next((r for r in rows if r.get("r") == str(at.row)), None)
        if row is None:
            row = etree.Element(tag("row"), r=str(at.row))
            position = sum(int(r.get("r", "0")) < at.row for r in rows)
            rows.insert(position, row)
        for position, element in enumerate(row):
            column = spot(element.get("r", "")).column
            if column == at.column:
                return element
            if column > at.column:
                new = etree.Element(tag("c"), r=at.address)
                row.insert(position, new)
                return new
        return etree.SubElement(row, tag("c"), r=at.address)

    def put(self, at: Spot, content: Content, title: str = "", style: str | None = None) -> None:
        """Let the cell hold *content*; dates are written as the numbers they are."""
        element = self.cell(at, title)
        for child in list(element):
            element.remove(child)
        element.attrib.pop("t", None)
        if style is not None:
            element.set("s", style)
        match content:
            case None:
                return
            case bool():
                element.set("t", "b")
                etree.SubElement(element, tag("v")).text = str(int(content))
            case str():
                element.set("t", "inlineStr")
                text = etree.SubElement(etree.SubElement(element, tag("is")), tag("t"))
                text.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
                text.text = content
            case ErrorValue():
                element.set("t", "e")
                if content.formula:
                    etree.SubElement(element, tag("f")).text = "1/0"
                etree.SubElement(element, tag("v")).text = content.text
            case Formula():
                etree.SubElement(element, tag("f")).text = content.text
                if content.result is not None:
                    if isinstance(content.result, str):
                        element.set("t", "str")
                    etree.SubElement(element, tag("v")).text = str(content.result)
            case _:
                etree.SubElement(element, tag("v")).text = repr(serial(content))

    def is_unlocked(self, at: Spot) -> bool:
        """Whether the cell's format lets people type into it on a protected sheet."""
        formats = self.tree(STYLES).find(tag("cellXfs"))
        assert formats is not None
        protection = formats[int(self.cell(at).get("s", "0"))].find(tag("protection"))
        return protection is not None and protection.get("locked") in ("0", "false")

    def take(self, at: Spot, title: str = "") -> list[etree._Element]:
        """Empty a cell; what was in it, to be put elsewhere with `give`."""
        element = self.cell(at, title)
        taken = list(element)
        kind = element.attrib.pop("t", None)
        for child in taken:
            element.remove(child)
        return [etree.Element("kind", t=kind or ""), *taken]

    def give(self, at: Spot, taken: list[etree._Element], title: str = "") -> None:
        self.take(at, title)
        element = self.cell(at, title)
        if taken[0].get("t"):
            element.set("t", taken[0].get("t", ""))
        for child in taken[1:]:
            element.append(child)

    def merges(self, title: str = "") -> list[etree._Element]:
        found = self.sheet(title).find(tag("mergeCells"))
        return list(found) if found is not None else []

    def unmerge(self, at: Spot | None = None) -> list[tuple[Spot, Spot]]:
        """Take the form's merged cells apart, only those that begin *at* when given; what was merged."""
        merged = self.sheet().find(tag("mergeCells"))
        gone = []
        for element in [] if merged is None else list(merged):
            first, _, last = element.get("ref", "").partition(":")
            if at is None or spot(first) == at:
                gone.append((spot(first), spot(last or first)))
                merged.remove(element)  # type: ignore[union-attr]
        if merged is not None and not len(merged):
            self.sheet().remove(merged)
        return gone


def serial(moment: "float | date | datetime | time") -> float:
    """*moment* as the number a cell stores."""
    match moment:
        case datetime():
            return (moment - datetime(1899, 12, 30)).total_seconds() / 86400
        case date():
            return (moment - date(1899, 12, 30)).days
        case time():
            return (moment.hour * 3600 + moment.minute * 60 + moment.second) / 86400
    return moment


def _types() -> str:
    return "http://schemas.openxmlformats.org/package/2006/content-types"
