"""The .xlsx as a package: parts with their content types and relationships."""

import posixpath
from dataclasses import dataclass
from typing import Self

from lxml import etree

from workbooks.ooxml.deflation import Deflated
from workbooks.ooxml.directory import FileContent
from workbooks.ooxml.directory import PackageError as PackageError
from workbooks.ooxml.parts import Parts

SHEET_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION_NS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_RELATION_NS = "http://schemas.openxmlformats.org/package/2006/relationships"
# What "Strict Open XML Spreadsheet" files say instead of the first two.
STRICT_SHEET_NS = "http://purl.oclc.org/ooxml/spreadsheetml/main"
STRICT_RELATION_NS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
CONTENT_TYPES = "[Content_Types].xml"
CONTENT_TYPE_NS = "http://schemas.openxmlformats.org/package/2006/content-types"
RELATIONS_TYPE = "application/vnd.openxmlformats-package.relationships+xml"


@dataclass(frozen=True, slots=True)
class SheetPart:
    """One worksheet of the workbook: its title, its part and its position (0-based)."""

    title: str
    part: str
    index: int
    state: str


class Package(Parts):
    """
    A workbook's parts, to be read, replaced, added and removed.

    What `save` does not have to change is the same to the bit, see `Parts`.
    """

    def __init__(self, content: bytes | FileContent) -> None:
        """
        Raises:
            PackageError: *content* cannot be read as a ZIP archive in just one way.
        """
        super().__init__(content)
        self._relations: dict[str, list[etree._Element]] = {}  # as parsed, until the part changes

    @classmethod
    def empty(cls) -> Self:
        """A package with nothing in it but its two lists, of content types and of relationships."""
        package = cls(b"PK\x05\x06" + bytes(18))
        package.replace(CONTENT_TYPES, f'<Types xmlns="{CONTENT_TYPE_NS}"/>'.encode())
        package.set_default_type("rels", RELATIONS_TYPE)
        package.set_default_type("xml", "application/xml")
        return package

    def put(self, name: str, content: bytes | Deflated) -> None:
        """Give part *name* (new or old) this content at the next `save`."""
        self._relations.pop(name.lower(), None)
        super().put(name, content)

    def remove(self, name: str) -> None:
        """Leave part *name* out; see `discard` for what else speaks of it."""
        self._relations.pop(name.lower(), None)
        super().remove(name)

    def xml(self, name: str) -> etree._Element:
        """
        Part *name* as an XML tree, entities left alone.

        Raises:
            KeyError: There is no such entry.
            PackageError: It is not well-formed, or damaged in the archive.
        """
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
        try:
            return etree.fromstring(self.read(name), parser)
        except etree.XMLSyntaxError as error:
            raise PackageError(f"{name}: {error}") from error

    def replace(self, name: str, content: bytes | Deflated | etree._Element) -> None:
        """Give part *name* (new or old) this content at the next `save`."""
        if not isinstance(content, bytes | Deflated):
            content = etree.tostring(content, xml_declaration=True, encoding="UTF-8", standalone=True)
        self.put(name, content)

    def content_type(self, name: str) -> str:
        """The media type of part *name*; empty when the package gives none."""
        types = list(self.xml(CONTENT_TYPES))
        for element in types:
            if element.get("PartName", "").lower() == f"/{name.lower()}":
                return element.get("ContentType", "")
        extension = name.rpartition(".")[2].lower()
        return next((e.get("ContentType", "") for e in types if e.get("Extension", "").lower() == extension), "")

    def set_content_type(self, name: str, content_type: str | None) -> None:
        """Declare the media type of part *name*, or (None) that it no longer has one of its own."""
        types = self.xml(CONTENT_TYPES)
        for element in list(types):
            if element.get("PartName", "").lower() == f"/{name.lower()}":
                types.remove(element)
        if content_type is not None:
            etree.SubElement(types, f"{{{CONTENT_TYPE_NS}}}Override", PartName=f"/{name}", ContentType=content_type)
        self.replace(CONTENT_TYPES, types)

    def set_default_type(self, extension: str, content_type: str) -> None:
        """Declare the media type of all parts with *extension*, unless the package does so already."""
        types = self.xml(CONTENT_TYPES)
        if not any(element.get("Extension", "").lower() == extension for element in types):
            default = etree.Element(f"{{{CONTENT_TYPE_NS}}}Default", Extension=extension, ContentType=content_type)
            types.insert(0, default)
            self.replace(CONTENT_TYPES, types)

    def remove_default_type(self, extension: str) -> None:
        """No longer declare a media type for parts with *extension*."""
        types = self.xml(CONTENT_TYPES)
        for element in list(types):
            if element.get("Extension", "").lower() == extension:
                types.remove(element)
        self.replace(CONTENT_TYPES, types)

    def relations(self, part: str) -> list[etree._Element]:
        """The relationship elements of *part* ("" for the package), to be read only."""
        key = relations_part(part).lower()
        if key not in self._relations:
            self._relations[key] = list(self.xml(key)) if key in self else []
        return self._relations[key]

    def related(self, part: str, kind: str) -> dict[str, str]:
        """Relationship id → part, for the relationships of *part* whose type ends with *kind* and whose part exists."""
        return {
            relation.get("Id", ""): target
            for relation in self.relations(part)
            if relation.get("Type", "").rpartition("/")[2] == kind and relation.get("TargetMode") != "External"
            for target in [relation_target(part, relation.get("Target", ""))]
            if target in self
        }

    def relate(self, part: str, relation_type: str, target: str) -> str:
        """Add a relationship from *part* ("" for the package) to the part *target*; its new id."""
        name = relations_part(part)
        if name not in self:
            self.put(name, f'<Relationships xmlns="{PACKAGE_RELATION_NS}"/>'.encode())
        tree = self.xml(name)
        used = {relation.get("Id") for relation in tree}
        key = next(f"rId{number}" for number in range(1, len(used) + 2) if f"rId{number}" not in used)
        where = posixpath.relpath(target, posixpath.dirname(part) or ".")
        etree.SubElement(tree, f"{{{PACKAGE_RELATION_NS}}}Relationship", Id=key, Type=relation_type, Target=where)
        self.replace(name, tree)
        return key

    def unrelate(self, part: str, *keys: str) -> None:
        """
        Take relationships *keys* of *part* out, and every part that only they led to.

        A part that something else still leads to stays; so does one that nothing ever led to.
        """
        name = relations_part(part)
        before = self._reachable()
        tree = self.xml(name)
        for relation in list(tree):
            if relation.get("Id") in keys:
                tree.remove(relation)
        if len(tree):
            self.replace(name, tree)
        else:
            self.remove(name)
        for orphan in sorted(before - self._reachable()):
            self.discard(orphan)

    def discard(self, name: str) -> None:
        """Remove part *name* with its relationships and its content type."""
        self.remove(name)
        self.remove(relations_part(name))
        self.set_content_type(name, None)

    def _reachable(self) -> set[str]:
        found: set[str] = set()
        ahead = [""]
        while ahead:
            part = ahead.pop()
            for relation in self.relations(part):
                target = relation_target(part, relation.get("Target", ""))
                if relation.get("TargetMode") != "External" and target in self and target.lower() not in found:
                    found.add(target.lower())
                    ahead.append(target)
        return found

    @property
    def workbook(self) -> str:
        """
        The name of the workbook part, usually xl/workbook.xml.

        Raises:
            PackageError: There is none.
        """
        for target in self.related("", "officeDocument").values():
            return target
        raise PackageError("no workbook part")

    def sheets(self) -> list[SheetPart]:
        """The worksheets in tab order; chart and macro sheets are left out."""
        workbook = self.workbook
        targets = self.related(workbook, "worksheet")
        found = self.xml(workbook).iterfind("{*}sheets/{*}sheet")
        return [
            SheetPart(sheet.get("name", ""), targets[key], index, sheet.get("state", "visible"))
            for index, sheet in enumerate(found)
            if (key := relation_id(sheet)) in targets
        ]


def relation_id(element: etree._Element) -> str:
    """The r:id of *element*, in transitional and in strict files; empty when it has none."""
    return element.get(f"{{{RELATION_NS}}}id") or element.get(f"{{{STRICT_RELATION_NS}}}id") or ""


def relations_part(part: str) -> str:
    """Where the relationships of *part* are kept."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def relation_target(part: str, target: str) -> str:
    """The part a relationship of *part* points to."""
    target = target.replace("\\", "/").partition("#")[0]
    if target.startswith("/"):
        return target.lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(part), target))
