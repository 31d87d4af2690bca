"""The first look at a file from outside: nothing is parsed by a library before this has let it pass."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from workbooks.finding_codes import FindingCode
from workbooks.package import CONTENT_TYPES, SheetPart, relation_target, relations_part
from workbooks.parsing import lexical, sniff
from workbooks.parsing.archive import Archive
from workbooks.refusal import DEFAULT_LIMITS, Limits, Refused, damaged, refuse, too_large, unsafe

__all__ = ["Inspection", "Limits", "Refused", "inspect", "parse", "relations"]

WORKBOOK = "xl/workbook.xml"
_ZIP = b"PK\x03\x04"
_XML = (".xml", ".rels", ".vml")

# What else a ZIP archive can be, by a member that only this kind has.
_OTHER_KINDS: tuple[tuple[str, str, str], ...] = (
    ("word/document.xml", "Word 文档", "a Word document"),
    ("ppt/presentation.xml", "PowerPoint 演示文稿", "a PowerPoint presentation"),
    ("visio/document.xml", "Visio 图", "a Visio drawing"),
    ("AndroidManifest.xml", "安卓安装包", "an Android package"),
    ("META-INF/MANIFEST.MF", "Java 程序", "a Java archive"),
)
# Traces of active content in the names of parts and the types of relationships, all in lower case.
_TRACES: tuple[tuple[str, str], ...] = (
    ("macro", r"vbaproject|/jdedata\.bin"),  # WPS keeps its own macros in xl/JDEData.bin
    ("xlm", r"macrosheet"),
    ("activex", r"activex"),
    ("ole", r"/embeddings/|oleobject"),
    ("customui", r"customui|ui/extensibility|ui/usercustomization"),
    ("webext", r"webextension"),
    ("connections", r"/connections|querytable"),
    ("external", r"externallink"),
)
_TRACE = {flag: re.compile(pattern) for flag, pattern in _TRACES}
_ANY_TRACE = re.compile("|".join(pattern for _, pattern in _TRACES))
_RELATION_TYPE = re.compile(rb"""\bType\s*=\s*["']([^"']*)""")
_REFUSED_FLAGS = {
    "xlm": ("Excel 4.0 宏表", "Excel 4.0 macro sheets"),
    "activex": ("ActiveX 控件", "ActiveX controls"),
    "dde": ("DDE 链接(会启动别的程序)", "DDE links (which start other programs)"),
    "webext": ("Office 网页加载项", "an Office web add-in"),
}
_OFFICE_RELATIONS = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """
    A workbook that may be read.

    *parts* are its XML parts, inflated; pictures and the like are read from *archive*.
    *flags* name active content that was found and will not be run or followed: macro,
    external (links to workbooks), connections, ole, customui, extrel (linked pictures).
    """

    archive: Archive
    parts: Mapping[str, bytes]
    workbook: etree._Element
    sheets: tuple[SheetPart, ...]
    flags: frozenset[str]
    limits: Limits

    def sheet(self, title: str) -> bytes:
        """
        The XML of a worksheet that may be parsed.

        `inspect` has looked over what people see; a hidden sheet, such as the long lists
        behind the drop-downs, is looked over here because most readers never ask for it.

        Raises:
            KeyError: There is no such sheet.
            Refused: It holds more than a form needs, or refers beyond the grid.
        """
        sheet = next((sheet for sheet in self.sheets if sheet.title == title), None)
        if sheet is None:
            raise KeyError(title)
        data = self.parts[sheet.part]
        if sheet.state != "visible":
            lexical.check_sheet(title, data, self.limits)
        return data


def inspect(content: bytes, limits: Limits = DEFAULT_LIMITS) -> Inspection:
    """
    The parts of the workbook in *content*, when it is one and every reader sees the same in it.

    Raises:
        Refused: It is something else, damaged, too large, ambiguous, or holds active
            content that no form needs. The finding says which.
    """
    if not content:
        raise refuse(FindingCode.EMPTY_FILE)
    if len(content) > limits.upload:
        raise too_large(
            f"{len(content) >> 20} MB，上限 {limits.upload >> 20} MB",
            f"{len(content) >> 20} MB, at most {limits.upload >> 20}",
        )
    if not content.startswith(_ZIP):
        raise sniff.recognise(content)
    archive = Archive(content, limits)
    _expect_workbook(archive)
    parts = _inflate(archive, limits)
    try:
        workbook, sheets = _sheets(parts, limits)
        flags = frozenset(_flags(archive, parts))
    except etree.XMLSyntaxError as error:
        raise damaged(content) from error
    for sheet in sheets:
        if sheet.state == "visible":
            lexical.check_sheet(sheet.title, parts[sheet.part], limits)
    if any(lexical.has_remote_command(parts[part]) for part in {WORKBOOK, *(sheet.part for sheet in sheets)}):
        flags |= {"dde"}
    for flag, (zh, en) in _REFUSED_FLAGS.items():
        if flag in flags:
            raise refuse(FindingCode.ACTIVE_CONTENT, zh, en)
    return Inspection(archive=archive, parts=parts, workbook=workbook, sheets=sheets, flags=flags, limits=limits)


def parse(data: bytes) -> etree._Element:
    """
    A small part as a tree, nothing expanded or fetched.

    Raises:
        etree.XMLSyntaxError: It is not well-formed.
    """
    return etree.fromstring(data, _PARSER)


def relations(parts: Mapping[str, bytes], part: str) -> dict[str, tuple[str, str]]:
    """
    id → (type, part it points to) for the relationships of *part* inside the package.

    The type is the last word of its URI, the same for transitional and strict files.
    """
    data = parts.get(relations_part(part))
    if data is None:
        return {}
    return {
        relation.get("Id", ""): (
            relation.get("Type", "").rpartition("/")[2],
            relation_target(part, relation.get("Target", "")),
        )
        for relation in parse(data).iter("{*}Relationship")
        if relation.get("TargetMode") != "External"
    }


def _expect_workbook(archive: Archive) -> None:
    members = archive.entries
    if WORKBOOK in members and CONTENT_TYPES in members:
        return
    if "xl/workbook.bin" in members:
        raise refuse(FindingCode.BINARY_WORKBOOK)
    for member, zh, en in _OTHER_KINDS:
        if member in members:
            raise sniff.not_a_workbook(zh, en)
    if "mimetype" in members:
        kind = archive.read("mimetype")[:100]
        if kind.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
            raise refuse(FindingCode.OPEN_DOCUMENT)
        if kind.startswith(b"application/vnd.oasis.opendocument"):
            raise sniff.not_a_workbook("OpenDocument 文档", "an OpenDocument file")
    if any(name.lower().endswith((".xlsx", ".xls", ".xlsm")) for name in members):
        raise sniff.not_a_workbook(
            "装有工作簿的 ZIP 压缩包(请解压后提交)", "a ZIP archive around workbooks (unpack it and send those)"
        )
    raise sniff.not_a_workbook("ZIP 压缩包", "a ZIP archive")


def _inflate(archive: Archive, limits: Limits) -> dict[str, bytes]:
    """Every XML part, looked over; the other members are only proved to be of the size they claim."""
    parts: dict[str, bytes] = {}
    for name in archive.entries:
        data = archive.read(name)
        if not name.lower().endswith(_XML):
            continue
        lexical.check_part(name, data, limits)
        if b"sst" in data[:2048]:
            lexical.check_strings(data)
        if (comments := data.count(b"<comment ")) > limits.comments:
            raise too_large(f"有 {comments} 条批注", f"it holds {comments} comments")
        parts[name] = data
    if "xl/styles.xml" in parts:
        lexical.check_styles(parts["xl/styles.xml"], limits)
    return parts


def _sheets(parts: Mapping[str, bytes], limits: Limits) -> tuple[etree._Element, tuple[SheetPart, ...]]:
    """The parsed workbook part and its worksheets, each in a part of its own inside the package."""
    office = [target for kind, target in relations(parts, "").values() if kind == "officeDocument"]
    if office != [WORKBOOK]:
        raise unsafe("工作簿主部件的指向异常", "it does not say clearly which part is the workbook")
    if parts[WORKBOOK].count(b"definedName ") > limits.names:
        raise too_large(f"定义的名称超过 {limits.names} 个", f"more than {limits.names} defined names")
    workbook = parse(parts[WORKBOOK])
    elements = list(workbook.iterfind("{*}sheets/{*}sheet"))
    if len(elements) > limits.sheets:
        raise too_large(
            f"有 {len(elements)} 张工作表，上限 {limits.sheets}", f"{len(elements)} sheets, at most {limits.sheets}"
        )
    targets = relations(parts, WORKBOOK)
    sheets: list[SheetPart] = []
    for index, element in enumerate(elements):
        key = next((key for ns in _OFFICE_RELATIONS if (key := element.get(f"{{{ns}}}id"))), "")
        title = element.get("name", "")
        if key not in targets:
            raise unsafe(f"工作表“{title}”不在文件内", f"sheet “{title}” is not inside the file")
        kind, part = targets[key]
        if (
            kind not in ("worksheet", "xlMacrosheet", "xlIntlMacrosheet", "chartsheet", "dialogsheet")
            or part not in parts
        ):
            raise unsafe(f"工作表“{title}”不在文件内", f"sheet “{title}” is not inside the file")
        if kind == "worksheet":
            sheets.append(SheetPart(title, part, index, element.get("state", "visible")))
    titles = {element.get("name", "").lower() for element in elements}
    if len(titles) != len(elements) or len({sheet.part for sheet in sheets}) != len(sheets):
        raise unsafe("有重名或共用内容的工作表", "two sheets share a name or their content")
    return workbook, tuple(sheets)


def _flags(archive: Archive, parts: Mapping[str, bytes]) -> Iterator[str]:
    """What kinds of active content the package holds, by the names of its parts and its relationships."""
    words = [*archive.entries]
    for name, data in parts.items():
        if name.endswith(".rels"):
            words += (kind.decode("utf-8", "replace") for kind in _RELATION_TYPE.findall(data))
            if b"External" in data and _leads_outside(data):
                yield "extrel"
        elif "externallink" in name.lower() and b"ddeLink" in data:
            yield "dde"
    traces = "\n".join(words).lower()
    if _ANY_TRACE.search(traces):
        yield from (flag for flag, pattern in _TRACE.items() if pattern.search(traces))


def _leads_outside(data: bytes) -> bool:
    """Whether something is fetched from outside when the file is opened; a hyperlink waits for a click."""
    return any(
        relation.get("TargetMode") == "External" and not relation.get("Type", "").endswith("/hyperlink")
        for relation in parse(data).iter("{*}Relationship")
    )
