"""Connections in a finished workbook: tables fed by Power Query, sheets fed by a web query."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from lxml import etree

from workbooks.form import Language
from workbooks.ooxml.areas import Area
from workbooks.ooxml.letters import column_letters
from workbooks.ooxml.tables import Table, tables
from workbooks.package import RELATION_NS, SHEET_NS, Package
from workbooks.reporting.power_query import Query, mashup

_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_ITEM_ID = "{6D1B9C1E-6C0B-4B0E-9C76-0B2A6E0F7A51}"
_ITEM_PROPERTIES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?><ds:datastoreItem ds:itemID="{id}" '
    'xmlns:ds="http://schemas.openxmlformats.org/officeDocument/2006/customXml"><ds:schemaRefs>'
    '<ds:schemaRef ds:uri="http://schemas.microsoft.com/DataMashup"/></ds:schemaRefs></ds:datastoreItem>'
)
_LIVE: Mapping[Language, str] = {"zh": "实时 {title}", "en": "Live {title}"}
_HINT: Mapping[Language, str] = {
    "zh": "{title}：点“数据 → 全部刷新”取数",
    "en": "{title}: Data, Refresh All fetches the figures",
}
_SHEET = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="{namespace}"><sheetData><row r="1">'
    '<c r="A1" t="inlineStr"><is><t>{hint}</t></is></c></row></sheetData></worksheet>'
)
_ILLEGAL_IN_TITLES = re.compile(r"[\\/*?:\[\]']")
_LONGEST_TITLE = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class WebQuery:
    """A sheet of its own called after *title*, on which the rows of *dataset* appear from *address*, a feed link."""

    address: str
    dataset: str
    title: str
    language: Language


def add_connections(workbook: bytes, connections: Sequence[Query | WebQuery]) -> bytes:
    """
    *workbook* with *connections*; nothing is refreshed when it opens, and no credentials are in it.

    A `Query` makes the table it is called after its own: Excel's "Refresh All" then brings in
    its rows and the pivot tables on it follow. A `WebQuery` adds a sheet which Excel, WPS and
    LibreOffice fill when it is refreshed, until then with one cell that says so; the name of
    its range is live_<dataset>.

    Raises:
        KeyError: There is no table of a query's name.
        ValueError: A table's headings are not those of the query.
    """
    package = Package(workbook)
    listed = _Connections(package)
    queries = [connection for connection in connections if isinstance(connection, Query)]
    known = {table.name: table for table in tables(package)}
    for query in queries:
        _feed(package, listed, known[query.table], query)
    if queries:
        _add_mashup(package, mashup(queries))
    for connection in connections:
        if isinstance(connection, WebQuery):
            _add_live_sheet(package, listed, connection)
    listed.save()
    return package.save()


class _Connections:
    """The part that lists the workbook's connections, the old ones kept, and the numbers given so far."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.part = next(iter(package.related(package.workbook, "connections").values()), "")
        self.root = package.xml(self.part) if self.part else _element("connections")

    def add(self, name: str, attributes: Mapping[str, str]) -> tuple[etree._Element, str]:
        """A new connection with its id; what it connects to is still to be put into it."""
        used = [int(element.get("id", "0")) for element in self.root]
        number = str(max(used, default=0) + 1)
        taken = {element.get("name") for element in self.root}
        free = next(n for n in (name, *(f"{name} {k}" for k in range(2, len(taken) + 3))) if n not in taken)
        given = {"id": number, "name": free, **attributes}
        return etree.SubElement(self.root, _s("connection"), given), number

    def save(self) -> None:
        if not len(self.root):
            return
        if self.part:
            self.package.replace(self.part, self.root)
            return
        self.part = "xl/connections.xml"
        self.package.replace(self.part, self.root)
        self.package.set_content_type(self.part, f"{_TYPES}.connections+xml")
        self.package.relate(self.package.workbook, f"{RELATION_NS}/connections", self.part)


def _feed(package: Package, listed: _Connections, table: Table, query: Query) -> None:
    """Make *table* the one that *query* fills; columns that it does not bring stay calculated."""
    labels = [column.label[query.language] for column in query.columns]
    if [column.name for column in table.columns if column.formula is None] != labels:
        raise ValueError(f"{table.name}: the headings are not those of the query")
    connection, number = listed.add(
        f"Query - {table.name}",
        {
            "keepAlive": "1",
            "description": f"Connection to the '{table.name}' query in the workbook.",
            "type": "5",
            "refreshedVersion": "7",
            "saveData": "1",
        },
    )
    # Not in the background: "Refresh All" brings the pivot tables up to date only after the rows are there.
    source = f'Provider=Microsoft.Mashup.OleDb.1;Data Source=$Workbook$;Location="{table.name}";Extended Properties=""'
    etree.SubElement(connection, _s("dbPr"), connection=source, command=f"SELECT * FROM [{table.name}]")  # noqa: S608 (Excel's own words; no database reads them)
    name = f"ExternalData_{number}"
    root = _element("queryTable", name=name, connectionId=number, adjustColumnWidth="0")
    refresh = etree.SubElement(root, _s("queryTableRefresh"), nextId=str(len(table.columns) + 1))
    fields = etree.SubElement(refresh, _s("queryTableFields"), count=str(len(table.columns)))
    described = package.xml(table.part)
    described.set("tableType", "queryTable")
    for place, column in enumerate(described.iterfind("{*}tableColumns/{*}tableColumn"), start=1):
        column.set("uniqueName", str(place))
        column.set("queryTableFieldId", str(place))
        field = etree.SubElement(fields, _s("queryTableField"), id=str(place))
        if table.columns[place - 1].formula is None:
            field.set("name", column.get("name", ""))
        else:
            field.set("dataBound", "0")
            field.set("fillFormulas", "1")
        field.set("tableColumnId", column.get("id", str(place)))
    package.replace(table.part, described)
    _add_query_table(package, table.part, root)
    _define(package, name, table.sheet.index, table.sheet.title, table.area, hidden=True)


def _add_mashup(package: Package, content: bytes) -> None:
    number = next(n for n in range(1, 1000) if f"customXml/item{n}.xml" not in package)
    item, properties = f"customXml/item{number}.xml", f"customXml/itemProps{number}.xml"
    package.put(item, content)
    package.put(properties, _ITEM_PROPERTIES.replace("{id}", _ITEM_ID).encode())
    package.set_content_type(properties, "application/vnd.openxmlformats-officedocument.customXmlProperties+xml")
    package.relate(item, f"{RELATION_NS}/customXmlProps", properties)
    package.relate(package.workbook, f"{RELATION_NS}/customXml", item)


def _add_live_sheet(package: Package, listed: _Connections, query: WebQuery) -> None:
    """
    A sheet at the end for the rows of a web query.

    It begins with one cell: LibreOffice takes a web query's range for one cell at first, and
    would push away whatever else stood there.
    """
    language = query.language
    title, index = _free_title(package, _LIVE[language].format(title=query.title))
    number = next(n for n in range(1, 10_000) if f"xl/worksheets/sheet{n}.xml" not in package)
    part = f"xl/worksheets/sheet{number}.xml"
    hint = escape(_HINT[language].format(title=query.title), quote=False)
    package.put(part, _SHEET.format(namespace=SHEET_NS, hint=hint).encode())
    package.set_content_type(part, f"{_TYPES}.worksheet+xml")
    key = package.relate(package.workbook, f"{RELATION_NS}/worksheet", part)
    workbook = package.xml(package.workbook)
    sheets = workbook.find("{*}sheets")
    assert sheets is not None
    highest = max(int(sheet.get("sheetId", "0")) for sheet in sheets)
    etree.SubElement(sheets, _s("sheet"), {"name": title, "sheetId": str(highest + 1), f"{{{RELATION_NS}}}id": key})
    package.replace(package.workbook, workbook)
    connection, connected = listed.add(title, {"type": "4", "refreshedVersion": "6", "saveData": "1"})
    # The whole page, which is nothing but the table: LibreOffice finds no table of a page by its id.
    etree.SubElement(
        connection, _s("webPr"),
        sourceData="1", parsePre="1", consecutive="1", xl2000="1", url=query.address, htmlFormat="all",
    )  # fmt: skip
    name = f"live_{query.dataset}"
    root = _element("queryTable", name=name, connectionId=connected, adjustColumnWidth="0")
    _add_query_table(package, part, root)
    _define(package, name, index, title, Area(1, 1, 1, 1), hidden=False)


def _free_title(package: Package, wanted: str) -> tuple[str, int]:
    """A sheet title like *wanted* that no sheet has yet, and its place."""
    taken = [sheet.title.casefold() for sheet in package.sheets()]
    plain = _ILLEGAL_IN_TITLES.sub(" ", wanted)[: _LONGEST_TITLE - 3].strip()
    title = next(t for t in (plain, *(f"{plain} {n}" for n in range(2, 99))) if t.casefold() not in taken)
    workbook = package.xml(package.workbook)
    return title, len(workbook.findall("{*}sheets/{*}sheet"))


def _add_query_table(package: Package, owner: str, root: etree._Element) -> None:
    number = next(n for n in range(1, 10_000) if f"xl/queryTables/queryTable{n}.xml" not in package)
    part = f"xl/queryTables/queryTable{number}.xml"
    package.replace(part, root)
    package.set_content_type(part, f"{_TYPES}.queryTable+xml")
    package.relate(owner, f"{RELATION_NS}/queryTable", part)


def _define(package: Package, name: str, sheet: int, title: str, area: Area, *, hidden: bool) -> None:
    """The name by which Excel knows the range of a query table; it belongs to its sheet."""
    workbook = package.xml(package.workbook)
    names = workbook.find("{*}definedNames")
    if names is None:
        names = etree.Element(_s("definedNames"))
        before = next(child for child in workbook.iterchildren(_s("externalReferences"), _s("sheets"), reversed=True))
        before.addnext(names)
    left, right = column_letters(area.left), column_letters(area.right)
    quoted = title.replace("'", "''")
    defined = etree.SubElement(names, _s("definedName"), name=name, localSheetId=str(sheet))
    if hidden:
        defined.set("hidden", "1")
    defined.text = f"'{quoted}'!${left}${area.top}:${right}${area.bottom}"
    package.replace(package.workbook, workbook)


def _element(name: str, /, **attributes: str) -> etree._Element:
    return etree.Element(_s(name), attributes, nsmap={None: SHEET_NS})  # type: ignore[dict-item]  # the stubs know no default namespace


def _s(name: str) -> str:
    return f"{{{SHEET_NS}}}{name}"
