"""The workbook part of a package being edited: its sheets, its defined names, the tab it opens on."""

import re
from collections.abc import Iterator

from lxml import etree

from workbooks.ooxml.areas import Area
from workbooks.ooxml.cells import Sheet
from workbooks.ooxml.elements import WORKBOOK, child, true, whole
from workbooks.ooxml.stylesheet import Stylesheet, minimal
from workbooks.package import (
    CONTENT_TYPES,
    RELATION_NS,
    SHEET_NS,
    STRICT_RELATION_NS,
    STRICT_SHEET_NS,
    Package,
    PackageError,
    SheetPart,
)

WORKSHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
STYLES_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"

_REFERENCE = re.compile(r"(?:'((?:[^']|'')+)'|([^'!\s,()]+))!([$A-Za-z0-9:]+)")
_ILLEGAL_IN_TITLE = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_SELECTED = re.compile(rb"""(<(?:\w+:)?sheetView\b[^>]*?)\s+tabSelected\s*=\s*(["'])(?:1|true)\2""")


def quoted(title: str) -> str:
    """A sheet's title as formulas and hyperlinks want it."""
    return "'" + title.replace("'", "''") + "'"


class Book:
    """
    A workbook opened for editing part by part; `save` writes what was changed back into its package.

    Raises:
        PackageError: The package has no workbook part, or one that is not a spreadsheet's.
    """

    def __init__(self, package: Package) -> None:
        if CONTENT_TYPES not in package:
            raise PackageError(f"no {CONTENT_TYPES}")
        self.package = package
        self.part = package.workbook
        self.tree = package.xml(self.part)
        self.namespace = etree.QName(self.tree).namespace or ""
        if self.tree.tag not in (f"{{{SHEET_NS}}}workbook", f"{{{STRICT_SHEET_NS}}}workbook"):
            raise PackageError(f"{self.part} is not a workbook")
        self.relation_ns = STRICT_RELATION_NS if self.namespace == STRICT_SHEET_NS else RELATION_NS
        self._before = etree.tostring(self.tree)
        self._sheets: dict[str, Sheet] = {}
        self._styles: Stylesheet | None = None

    # Sheets

    def sheets(self) -> list[SheetPart]:
        """The worksheets in tab order, added ones included."""
        parts = self.package.related(self.part, "worksheet")
        found = enumerate(self._child("sheets"))
        return [
            SheetPart(sheet.get("name", ""), parts[key], index, sheet.get("state", "visible"))
            for index, sheet in found
            if (key := sheet.get(f"{{{self.relation_ns}}}id", "")) in parts
        ]

    def sheet_part(self, title: str) -> SheetPart | None:
        """The worksheet called *title*, whatever its case."""
        return next((sheet for sheet in self.sheets() if sheet.title.lower() == title.lower()), None)

    def sheet(self, part: str) -> Sheet:
        """The cells of the worksheet kept in *part*; what is done to them is saved."""
        if part not in self._sheets:
            self._sheets[part] = Sheet(self.package.xml(part))
        return self._sheets[part]

    def add_sheet(self, title: str, content: bytes) -> SheetPart:
        """Append a worksheet; its title is shortened and numbered until it is legal and free."""
        part = self.free_part("xl/worksheets/sheet{}.xml")
        self.package.put(part, content)
        self.package.set_content_type(part, WORKSHEET_TYPE)
        sheets = self._child("sheets")
        sheet = etree.SubElement(sheets, f"{{{self.namespace}}}sheet", name=self.free_title(title))
        sheet.set("sheetId", str(max((whole(other.get("sheetId")) for other in sheets), default=0) + 1))
        sheet.set(f"{{{self.relation_ns}}}id", self.relate(self.part, "worksheet", part))
        return self.sheets()[-1]

    def put_sheet(self, sheet: SheetPart, title: str, content: bytes) -> SheetPart:
        """Replace everything on *sheet*, and its title by *title* as far as that is free."""
        if keys := [relation.get("Id", "") for relation in self.package.relations(sheet.part)]:
            self.package.unrelate(sheet.part, *keys)
        self._sheets.pop(sheet.part, None)
        self.package.put(sheet.part, content)
        element = self._child("sheets")[sheet.index]
        element.set("name", self.free_title(title, besides=sheet))
        element.attrib.pop("state", "")
        return next(other for other in self.sheets() if other.part == sheet.part)

    def free_title(self, title: str, besides: SheetPart | None = None) -> str:
        """*title*, made legal (31 characters) and numbered if another tab has it."""
        title = _ILLEGAL_IN_TITLE.sub(" ", title).strip("'")[:31]
        index = besides.index if besides else -1
        taken = {other.get("name", "").lower() for at, other in enumerate(self._child("sheets")) if at != index}
        for number in range(2, len(taken) + 3):
            if title.lower() not in taken:
                break
            title = f"{title.partition(' (')[0][:25]} ({number})"
        return title

    def free_part(self, pattern: str) -> str:
        """A part name nobody has yet; *pattern* has a hole for the number."""
        taken = {name.lower() for name in self.package.names()}
        return next(
            name for number in range(1, len(taken) + 2) if (name := pattern.format(number)).lower() not in taken
        )

    def relate(self, part: str, kind: str, target: str) -> str:
        """Add an office relationship of *kind* from *part* to *target*; its id."""
        return self.package.relate(part, f"{self.relation_ns}/{kind}", target)

    def open_on(self, sheet: SheetPart) -> None:
        """Let the workbook open on *sheet*, and on it alone: with two tabs selected, typing would go into both."""
        views = self._child("bookViews")
        view = views[0] if len(views) else etree.SubElement(views, f"{{{self.namespace}}}workbookView")
        view.set("activeTab", str(sheet.index))
        for part in self._tabs():
            if part == sheet.part:
                continue
            if part in self._sheets:
                for other in self._sheets[part].tree.iterfind("{*}sheetViews/{*}sheetView[@tabSelected]"):
                    del other.attrib["tabSelected"]
            elif b"tabSelected" in (content := self.package.read(part)):
                self.package.put(part, _SELECTED.sub(rb"\1", content))

    @property
    def active_tab(self) -> int:
        view = self.tree.find("{*}bookViews/{*}workbookView")
        return whole(view.get("activeTab")) if view is not None else 0

    @property
    def date1904(self) -> bool:
        """Whether day 0 is 1 January 1904."""
        properties = self.tree.find("{*}workbookPr")
        return properties is not None and true(properties.get("date1904"))

    # Defined names

    def names(self, prefix: str = "") -> dict[str, str]:
        """The workbook's own names (not those of a single sheet) that begin with *prefix*."""
        return {
            name.get("name", ""): name.text or ""
            for name in self._defined_names()
            if name.get("localSheetId") is None and name.get("name", "").startswith(prefix)
        }

    def define(self, name: str, text: str) -> None:
        """Let the hidden *name* stand for *text*, whatever it stood for before."""
        self.undefine(name)
        self.add_name(name, text)

    def add_name(self, name: str, text: str) -> None:
        """`define` for a name that is known to be new: many are added without looking through all of them."""
        names = self._child("definedNames")
        etree.SubElement(names, f"{{{self.namespace}}}definedName", name=name, hidden="1").text = text

    def undefine(self, *names: str) -> None:
        """Forget the workbook's own *names*."""
        for element in list(self._defined_names()):
            if element.get("name") in names and element.get("localSheetId") is None:
                self._child("definedNames").remove(element)

    def place(self, name: str) -> tuple[SheetPart, Area] | None:
        """The cells *name* stands for; None if it is not there, or lost its cells (#REF!)."""
        texts = [name_.text or "" for name_ in self._defined_names() if name_.get("name") == name]
        return self.located(texts[0]) if texts else None

    def located(self, reference: str) -> tuple[SheetPart, Area] | None:
        """The sheet and the cells of a reference such as 'My form'!$C$7."""
        found = _REFERENCE.fullmatch(reference.strip())
        if found is None:
            return None
        sheet = self.sheet_part((found[1] or found[2]).replace("''", "'"))
        area = Area.parse(found[3])
        return (sheet, area) if sheet and area else None

    # Saving

    @property
    def styles(self) -> Stylesheet:
        """The cell formats; what is added to them is saved."""
        if self._styles is None:
            part = self._styles_part()
            self._styles = Stylesheet(self.package.xml(part) if part else minimal(self.namespace))
            self._styles.changed = not part
        return self._styles

    def save(self) -> bytes:
        """The whole workbook with everything that was changed."""
        if self._styles is not None and self._styles.changed:
            part = self._styles_part()
            if not part:
                # Some readers look for this name instead of the relationship.
                part = "xl/styles.xml" if "xl/styles.xml" not in self.package else self.free_part("xl/styles{}.xml")
                self.relate(self.part, "styles", part)
                self.package.set_content_type(part, STYLES_TYPE)
            self.package.replace(part, self._styles.tree)
        for name, sheet in self._sheets.items():
            if sheet.changed:
                self.package.replace(name, sheet.tree)
        self._unlink_formulas()
        names = self.tree.find("{*}definedNames")
        if names is not None and not len(names):
            self.tree.remove(names)
        if etree.tostring(self.tree) != self._before:
            self.package.replace(self.part, self.tree)
        return self.package.save()

    def _styles_part(self) -> str:
        return next(iter(self.package.related(self.part, "styles").values()), "")

    def _tabs(self) -> list[str]:
        """The parts of all tabs, chart sheets included."""
        kinds = ("worksheet", "chartsheet", "dialogsheet")
        return [part for kind in kinds for part in self.package.related(self.part, kind).values()]

    def _unlink_formulas(self) -> None:
        """
        Take overwritten formulas out of the calculation chain.

        An empty chain is not valid, so then the part goes.
        """
        gone = {
            (element.get("sheetId", ""), address)
            for sheet in self.sheets()
            if sheet.part in self._sheets
            for element in [self._child("sheets")[sheet.index]]
            for address in self._sheets[sheet.part].unlinked
        }
        chains = self.package.related(self.part, "calcChain")
        if not gone or not chains:
            return
        key, part = next(iter(chains.items()))
        tree = self.package.xml(part)
        sheet_id = ""
        for entry in list(tree):
            # An entry without sheet stands on that of the one before.
            sheet_id = entry.get("i") or sheet_id
            entry.set("i", sheet_id)
            if (sheet_id, entry.get("r", "")) in gone:
                tree.remove(entry)
        if len(tree):
            self.package.replace(part, tree)
        else:
            self.package.unrelate(self.part, key)

    def _defined_names(self) -> Iterator[etree._Element]:
        return self.tree.iterfind("{*}definedNames/{*}definedName")

    def _child(self, name: str) -> etree._Element:
        return child(self.tree, name, WORKBOOK)
