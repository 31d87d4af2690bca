"""The last touch on a built workbook: results of its formulas, and the same bytes for the same contents."""

import zipfile
from collections.abc import Mapping
from io import BytesIO

from lxml import etree

from workbooks.formulas.excel_values import ExcelError
from workbooks.package import SHEET_NS, Package

CachedValue = str | int | float | bool | ExcelError
_CORE = "docProps/core.xml"
_STYLES = "xl/styles.xml"
_CORE_NS = {
    "cp": "http://schemas.openxmlformats.org/package/2006/metadata/core-properties",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
# The order in which the file format lists what a font may say; openpyxl writes another one.
_FONT_ORDER = (
    *("b", "i", "strike", "condense", "extend", "outline", "shadow", "u", "vertAlign"),
    *("sz", "color", "name", "family", "charset", "scheme"),
)


def finish(content: bytes, results: Mapping[str, Mapping[str, CachedValue]], title: str) -> bytes:
    """
    *content* as openpyxl saved it, with what openpyxl leaves out.

    *results* maps sheet titles to the result of each formula by cell address; a reader
    that does not recalculate sees these. Names of persons and moments of saving are left
    out, so equal contents are equal bytes.

    Raises:
        KeyError: A formula has no result.
    """
    package = Package(content)
    for sheet in package.sheets():
        package.replace(sheet.part, _with_results(package.xml(sheet.part), results.get(sheet.title, {})))
    package.replace(_STYLES, _ordered_fonts(package.xml(_STYLES)))
    package.replace(_CORE, _core(title))
    return _sealed(package)


def _with_results(sheet: etree._Element, results: Mapping[str, CachedValue]) -> etree._Element:
    for formula in sheet.iter(f"{{{SHEET_NS}}}f"):
        cell = formula.getparent()
        assert cell is not None
        result = results[cell.get("r", "")]
        value = cell.find(f"{{{SHEET_NS}}}v")
        if value is None:
            value = etree.SubElement(cell, f"{{{SHEET_NS}}}v")
        if "t" in cell.attrib:
            del cell.attrib["t"]
        if isinstance(result, bool):
            cell.set("t", "b")
            value.text = str(int(result))
        elif isinstance(result, ExcelError):
            cell.set("t", "e")
            value.text = result.code
        elif isinstance(result, str):
            cell.set("t", "str")
            value.text = result
        else:
            value.text = repr(result)
    return sheet


def _ordered_fonts(styles: etree._Element) -> etree._Element:
    for font in styles.iter(f"{{{SHEET_NS}}}font"):
        font[:] = sorted(font, key=lambda child: _FONT_ORDER.index(etree.QName(child).localname))
    return styles


def _core(title: str) -> etree._Element:
    def tag(prefix: str, name: str) -> str:
        return f"{{{_CORE_NS[prefix]}}}{name}"

    core = etree.Element(tag("cp", "coreProperties"), nsmap=_CORE_NS)
    etree.SubElement(core, tag("dc", "title")).text = title
    etree.SubElement(core, tag("dc", "creator")).text = "Aftersheet"
    return core


def _sealed(package: Package) -> bytes:
    """The parts in one fixed order, without times of day."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(package.names(), key=lambda name: (name != "[Content_Types].xml", name)):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, package.read(name))
    return out.getvalue()
