"""Power Query inside a workbook: the M formulas, and the DataMashup item that holds them ([MS-QDEFF])."""

import base64
import io
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from workbooks.dataset import Column, ColumnType
from workbooks.form import Language

_NS = "http://schemas.microsoft.com/DataMashup"
_XML = '<?xml version="1.0" encoding="utf-8"?>'
_SCHEMAS = 'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_CONTENT_TYPES = (
    f'{_XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="text/xml" />'
    '<Default Extension="m" ContentType="application/x-ms-m" /></Types>'
)
_PACKAGE = (
    f"{_XML}<Package {_SCHEMAS}><Version>2.99.202.0</Version><MinVersion>2.21.0.0</MinVersion>"
    "<Culture>zh-CN</Culture></Package>"
)
# FirewallEnabled: Power Query asks before it brings figures of one source to another.
_PERMISSIONS = (
    f"{_XML}<PermissionList {_SCHEMAS}><CanEvaluateFuturePackages>false</CanEvaluateFuturePackages>"
    "<FirewallEnabled>true</FirewallEnabled></PermissionList>"
)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same workbook twice has the same bytes
_M_TYPES: Mapping[ColumnType, str] = {
    "text": "type text",
    "integer": "Int64.Type",
    "decimal": "type number",
    "percent": "Percentage.Type",
    "date": "type date",
    "datetime": "type datetime",
    "boolean": "type logical",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """
    A query that feeds the Excel table *table* (which it is called after) from an OData entity set.

    *root* is the service's address with a slash at its end; *columns* stand in the order of
    the table, whose headings are their labels in *language*.
    """

    table: str
    root: str
    entity_set: str
    columns: tuple[Column, ...]
    language: Language

    @property
    def formula(self) -> str:
        """The query in M."""
        names = ", ".join(_text(column.name) for column in self.columns)
        moments = [column for column in self.columns if column.type == "datetime"]
        local = ", ".join(f"{{{_text(c.name)}, DateTimeZone.RemoveZone, type datetime}}" for c in moments)
        types = ", ".join(f"{{{_text(c.name)}, {_M_TYPES[c.type]}}}" for c in self.columns)
        labels = ", ".join(f"{{{_text(c.name)}, {_text(c.label[self.language])}}}" for c in self.columns)
        steps = [
            ("Source", f'OData.Feed({_text(self.root)}, null, [Implementation = "2.0"])'),
            ("Navigation", f'Source{{[Name = {_text(self.entity_set)}, Signature = "table"]}}[Data]'),
            ("Chosen", f"Table.SelectColumns(Navigation, {{{names}}})"),
            # The feed gives instants with the offset of the site's zone; the table shows them without.
            *([("Local", f"Table.TransformColumns(Chosen, {{{local}}})")] if moments else []),
            ("Typed", f"Table.TransformColumnTypes({'Local' if moments else 'Chosen'}, {{{types}}})"),
            ("Named", f"Table.RenameColumns(Typed, {{{labels}}})"),
        ]
        lines = ",\n".join(f"    {name} = {expression}" for name, expression in steps)
        return f"let\n{lines}\nin\n    Named"


def section(queries: Sequence[Query]) -> str:
    """The M document with all *queries*."""
    shared = "".join(f"\nshared {_identifier(query.table)} = {query.formula};\n" for query in queries)
    return f"section Section1;\n{shared}"


def mashup(queries: Sequence[Query]) -> bytes:
    """
    The customXml item with *queries*: UTF-16 XML around base64 of version, package, permissions, metadata, binding.

    The permission binding is empty: Excel then asks whose permissions hold, as for any
    workbook from somebody else. There are no credentials in it.
    """
    pieces = [_package(section(queries)), _marked(_PERMISSIONS), _metadata(queries), b""]
    content = struct.pack("<i", 0) + b"".join(struct.pack("<i", len(piece)) + piece for piece in pieces)
    root = etree.Element(f"{{{_NS}}}DataMashup", nsmap={None: _NS})  # type: ignore[dict-item]  # as in the metadata
    root.text = base64.b64encode(content).decode()
    text = '<?xml version="1.0" encoding="utf-16"?>' + etree.tostring(root, encoding="unicode")
    return text.encode("utf-16")


def _package(document: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (
            ("Config/Package.xml", _PACKAGE),
            ("[Content_Types].xml", _CONTENT_TYPES),
            ("Formulas/Section1.m", document),
        ):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text.encode("utf-8"), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _metadata(queries: Sequence[Query]) -> bytes:
    """What Excel knows about each query beside its formula: that it fills a table, and which."""
    root = etree.Element("LocalPackageMetadataFile")
    items = etree.SubElement(root, "Items")
    _item(items, "AllFormulas", "", {})
    for query in queries:
        labels = json.dumps([column.label[query.language] for column in query.columns], ensure_ascii=False)
        entries = {
            "IsPrivate": "l0",
            "FillEnabled": "l1",
            "FillObjectType": "sTable",
            "FillToDataModelEnabled": "l0",
            "FillTarget": f"s{query.table}",
            "FilledCompleteResultToWorksheet": "l1",
            "FillColumnNames": f"s{labels}",
            "FillStatus": "sComplete",
            "ResultType": "sTable",
            "NavigationStepName": "sNavigation",
            "NameUpdatedAfterFill": "l0",
            "BufferNextRefresh": "l1",
            "AddedToDataModel": "l0",
        }
        _item(items, "Formula", f"Section1/{query.table}", entries)
    text = _marked(_XML + etree.tostring(root, encoding="unicode"))
    nothing = io.BytesIO()
    zipfile.ZipFile(nothing, "w").close()
    content = nothing.getvalue()
    return struct.pack("<ii", 0, len(text)) + text + struct.pack("<i", len(content)) + content


def _item(items: etree._Element, kind: str, path: str, entries: Mapping[str, str]) -> None:
    item = etree.SubElement(items, "Item")
    location = etree.SubElement(item, "ItemLocation")
    etree.SubElement(location, "ItemType").text = kind
    etree.SubElement(location, "ItemPath").text = path
    stable = etree.SubElement(item, "StableEntries")
    for name, value in entries.items():
        etree.SubElement(stable, "Entry", Type=name, Value=value)


def _marked(text: str) -> bytes:
    return text.encode("utf-8-sig")


def _text(value: str) -> str:
    """A text literal of M."""
    escaped = value.replace('"', '""').replace("#(", "#(#)(")
    return '"' + escaped.replace("\n", "#(lf)").replace("\r", "#(cr)") + '"'


def _identifier(name: str) -> str:
    return '#"' + name.replace('"', '""') + '"'
