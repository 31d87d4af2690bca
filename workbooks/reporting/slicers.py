"""
Slicers: buttons that steer all pivot tables over one table.

Excel 2010 and later show them; others a box that lists what there is to choose from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from workbooks.package import RELATION_NS, SHEET_NS, Package
from workbooks.reporting.pivot_cache import CacheField, attribute
from workbooks.reporting.report_style import FONT, INK, LINE

PLACEHOLDER = "slicer:"  # how the description of a text box begins in whose place a slicer goes
_X14 = "http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"
_XDR = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
_DRAWING_NS = "http://schemas.openxmlformats.org/drawingml/2006/main"
_COMPATIBILITY_NS = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_SLICER_NS = "http://schemas.microsoft.com/office/drawing/2010/slicer"
_KIND = "http://schemas.microsoft.com/office/2007/relationships/"
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OF_CACHE = "{725AE2AE-9491-48be-B2B4-4EB974FC3084}"
_OF_SHEET = "{A8765BA9-456A-4dab-B4F3-ACF838C121DE}"
_OF_WORKBOOK = "{BBE1A952-AA13-448e-AADC-164F8A28A991}"
_BETWEEN = "   "  # values in the box that others than Excel show
_FIRST_CACHE_ID = 1_000_001  # any number of its own per pivot cache


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedSlicer:
    """A slicer on *sheet*, called *name* there; its buttons are the values of *field* in table *table*."""

    sheet: str
    name: str
    table: str
    field: CacheField
    caption: str
    columns: int

    @property
    def cache(self) -> str:
        return f"Slicer_{self.table}_{self.field.column.name}"


def cache_extension(number: int) -> bytes:
    """What pivot cache *number* (from 1) says at its end so that slicers find it."""
    return b'<extLst><ext uri="%s" xmlns:x14="%s"><x14:pivotCacheDefinition pivotCacheId="%d"/></ext></extLst>' % (
        _OF_CACHE.encode(),
        _X14.encode(),
        _FIRST_CACHE_ID + number,
    )


def add_slicers(
    package: Package,
    slicers: Sequence[PlacedSlicer],
    caches: Mapping[str, int],
    pivots: Mapping[str, Sequence[tuple[str, str]]],
) -> None:
    """
    Put *slicers* into *package*, where text boxes keep their places.

    *caches* has the number of each table's pivot cache, *pivots* (sheet, name) of the
    pivot tables over it.
    """
    if not slicers:
        return
    workbook = package.xml(package.workbook)
    ids = {s.get("name", ""): s.get("sheetId", "") for s in workbook.iterfind("{*}sheets/{*}sheet")}
    parts = {sheet.title: sheet.part for sheet in package.sheets()}
    by_cache = {slicer.cache: slicer for slicer in slicers}
    keys = []
    for number, slicer in enumerate(by_cache.values(), start=1):
        part = f"xl/slicerCaches/slicerCache{number}.xml"
        steered = [(ids[sheet], name) for sheet, name in pivots[slicer.table]]
        package.put(part, _slicer_cache(slicer, steered, _FIRST_CACHE_ID + caches[slicer.table]))
        package.set_content_type(part, "application/vnd.ms-excel.slicerCache+xml")
        keys.append(package.relate(package.workbook, f"{_KIND}slicerCache", part))
    _name_caches(workbook, list(by_cache))
    _extend(workbook, _OF_WORKBOOK, "slicerCaches", "slicerCache", keys)
    package.replace(package.workbook, workbook)
    for number, sheet in enumerate(dict.fromkeys(slicer.sheet for slicer in slicers), start=1):
        mine = [slicer for slicer in slicers if slicer.sheet == sheet]
        part = f"xl/slicers/slicer{number}.xml"
        package.put(part, _slicer_list(mine))
        package.set_content_type(part, "application/vnd.ms-excel.slicer+xml")
        key = package.relate(parts[sheet], f"{_KIND}slicer", part)
        tree = package.xml(parts[sheet])
        _extend(tree, _OF_SHEET, "slicerList", "slicer", [key])
        package.replace(parts[sheet], tree)
        for drawing in package.related(parts[sheet], "drawing").values():
            root = package.xml(drawing)
            _draw(root, mine)
            package.replace(drawing, root)


def _slicer_cache(slicer: PlacedSlicer, steered: Sequence[tuple[str, str]], cache_id: int) -> bytes:
    tables = b"".join(b'<pivotTable tabId="%s" name="%s"/>' % (tab.encode(), attribute(name)) for tab, name in steered)
    values = slicer.field.shared or ()
    items = b"".join(b'<i x="%d" s="1"/>' % place for place in range(len(values)))
    return _DECLARATION + (
        b'<slicerCacheDefinition xmlns="%s" name="%s" sourceName="%s"><pivotTables>%s</pivotTables>'
        b'<data><tabular pivotCacheId="%d"><items count="%d">%s</items></tabular></data></slicerCacheDefinition>'
        % (
            _X14.encode(),
            slicer.cache.encode(),
            attribute(slicer.caption),
            tables,
            cache_id,
            len(values),
            items,
        )
    )


def _slicer_list(slicers: Sequence[PlacedSlicer]) -> bytes:
    told = b"".join(
        b'<slicer name="%s" cache="%s" caption="%s"%s rowHeight="241300"/>'
        % (
            attribute(slicer.name),
            slicer.cache.encode(),
            attribute(slicer.caption),
            b' columnCount="%d"' % slicer.columns if slicer.columns > 1 else b"",
        )
        for slicer in slicers
    )
    return _DECLARATION + b'<slicers xmlns="%s">%s</slicers>' % (_X14.encode(), told)


def _name_caches(workbook: etree._Element, caches: Sequence[str]) -> None:
    """Excel wants a defined name for each slicer cache."""
    space = f"{{{SHEET_NS}}}"
    names = workbook.find(f"{space}definedNames")
    if names is None:
        names = etree.Element(f"{space}definedNames")
        sheets = workbook.find(f"{space}sheets")
        assert sheets is not None
        workbook.insert(workbook.index(sheets) + 1, names)
    for cache in caches:
        etree.SubElement(names, f"{space}definedName", name=cache).text = "#N/A"


def _extend(root: etree._Element, uri: str, listed: str, entry: str, keys: Sequence[str]) -> None:
    space = f"{{{SHEET_NS}}}"
    extensions = root.find(f"{space}extLst")
    if extensions is None:
        extensions = etree.SubElement(root, f"{space}extLst")
    extension = etree.SubElement(extensions, f"{space}ext", uri=uri, nsmap={"x14": _X14})
    found = etree.SubElement(extension, f"{{{_X14}}}{listed}")
    for key in keys:
        etree.SubElement(found, f"{{{_X14}}}{entry}", {f"{{{RELATION_NS}}}id": key}, nsmap={"r": RELATION_NS})


def _draw(drawing: etree._Element, slicers: Sequence[PlacedSlicer]) -> None:
    """Put the frames of *slicers* in place of the text boxes that describe themselves so."""
    by_name = {slicer.name: slicer for slicer in slicers}
    for shape in list(drawing.iter(f"{{{_XDR}}}sp")):
        told = shape.find(f"{{{_XDR}}}nvSpPr/{{{_XDR}}}cNvPr")
        if told is None or not told.get("descr", "").startswith(PLACEHOLDER):
            continue
        slicer = by_name[told.get("descr", "").removeprefix(PLACEHOLDER)]
        transform = shape.find(f"{{{_XDR}}}spPr/{{{_DRAWING_NS}}}xfrm")
        assert transform is not None
        place = etree.tostring(transform)
        frame = _FRAME % {
            b"id": told.get("id", "0").encode(),
            b"name": attribute(slicer.name),
            b"place": place,
            b"caption": attribute(slicer.caption),
            b"values": attribute(_BETWEEN.join(str(value) for value in slicer.field.shared or () if value is not None)),
        }
        parent = shape.getparent()
        assert parent is not None
        parent.replace(shape, etree.fromstring(frame))


_RUN = f"""<a:solidFill><a:srgbClr val="{INK.removeprefix("#")}"/></a:solidFill>\
<a:latin typeface="{FONT["en"]}"/><a:ea typeface="{FONT["zh"]}"/></a:rPr><a:t>"""
_FRAME = f"""<mc:AlternateContent xmlns:mc="{_COMPATIBILITY_NS}" xmlns:xdr="{_XDR}" xmlns:a="{_DRAWING_NS}">\
<mc:Choice xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main" Requires="a14">\
<xdr:graphicFrame macro=""><xdr:nvGraphicFramePr><xdr:cNvPr id="%(id)s" name="%(name)s"/>\
<xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr><xdr:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm>\
<a:graphic><a:graphicData uri="{_SLICER_NS}"><sle:slicer xmlns:sle="{_SLICER_NS}" name="%(name)s"/></a:graphicData>\
</a:graphic></xdr:graphicFrame></mc:Choice>\
<mc:Fallback><xdr:sp macro="" textlink=""><xdr:nvSpPr><xdr:cNvPr id="%(id)s" name="%(name)s"/><xdr:cNvSpPr/>\
</xdr:nvSpPr><xdr:spPr>%(place)s<a:prstGeom prst="rect"><a:avLst/></a:prstGeom><a:noFill/>\
<a:ln w="6350"><a:solidFill><a:srgbClr val="{LINE.removeprefix("#")}"/></a:solidFill></a:ln></xdr:spPr>\
<xdr:txBody><a:bodyPr wrap="square" anchor="t"/><a:lstStyle/>\
<a:p><a:r><a:rPr lang="en-US" sz="900" b="1">{_RUN}%(caption)s</a:t></a:r></a:p>\
<a:p><a:r><a:rPr lang="en-US" sz="900">{_RUN}%(values)s</a:t></a:r></a:p></xdr:txBody></xdr:sp></mc:Fallback>\
</mc:AlternateContent>""".encode()
