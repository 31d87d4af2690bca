"""A table's sheet without its rows: ranges that follow the table, links into it, and what stands in its way."""

from collections.abc import Iterator

from lxml import etree

from workbooks.form import Text
from workbooks.ooxml.areas import Area
from workbooks.ooxml.sheet_xml import SheetXml
from workbooks.ooxml.tables import PushError, tables
from workbooks.package import Package, relation_id
from workbooks.pushing.resizing import Resizing
from workbooks.pushing.table_rows import OldRows

_SQREF = ("conditionalFormatting", "dataValidation", "protectedRange", "ignoredError")


def resized_surroundings(package: Package, sheet: SheetXml, resizing: Resizing, old: OldRows) -> etree._Element:
    """The sheet's skeleton with everything in it that follows the table's size resized."""
    skeleton = sheet.skeleton()
    title = resizing.table.sheet.title
    for element in skeleton.iter("{*}f", "{*}formula", "{*}formula1", "{*}formula2"):
        if element.text:
            element.text = resizing.formula(element.text, title)
    for name in _SQREF:
        for element in skeleton.iter(f"{{*}}{name}"):
            if ranges := element.get("sqref"):
                element.set("sqref", resizing.ranges(ranges))
    for element in skeleton.iter("{*}sqref"):  # formats and validations of Excel 2010 and later
        element.text = resizing.ranges(element.text or "")
    _drop_links(package, skeleton, resizing)
    dimension = skeleton.find("{*}dimension")
    if dimension is not None:
        was, now = Area.at(dimension.get("ref", "A1")), resizing.area
        last = max([old.last, now.bottom, *old.beside])
        top = min(old.top or now.top, now.top)
        dimension.set("ref", str(Area(top, min(was.left, now.left), last, max(was.right, now.right))))
    return skeleton


def refuse_obstacles(package: Package, skeleton: etree._Element, resizing: Resizing) -> None:
    """
    Raises:
        PushError: Merged cells, another table or a pivot table stand where the new rows go.
    """
    was, now = resizing.table.area, resizing.area
    if now.bottom <= was.bottom:
        return
    added = Area(was.bottom + 1, now.left, now.bottom, now.right)
    for area, what in _obstacles(package, skeleton, resizing):
        if area.meets(added):
            name, title = resizing.table.name, resizing.table.sheet.title
            raise PushError(
                Text(
                    f"表“{name}”要增加到第 {now.bottom} 行，但 {title}!{area} 的{what.zh}挡住了它。"
                    "请把它移到别处（例如表的右侧或另一张工作表），再刷新。",
                    f"Table “{name}” has to grow to row {now.bottom}, but {what.en} at {title}!{area} stands in its "
                    "way. Move it elsewhere (beside the table or to another sheet), then refresh.",
                )
            )


def _obstacles(package: Package, skeleton: etree._Element, resizing: Resizing) -> Iterator[tuple[Area, Text]]:
    """What a table cannot run over: Excel would repair or refuse the workbook."""
    for merged in skeleton.iterfind("{*}mergeCells/{*}mergeCell"):
        yield Area.at(merged.get("ref", "")), Text("合并单元格", "a merged cell")
    for table in tables(package):
        if table.part != resizing.table.part and table.sheet.part == resizing.table.sheet.part:
            yield table.area, Text(f"表“{table.name}”", f"table “{table.name}”")
    for part in package.related(resizing.table.sheet.part, "pivotTable").values():
        location = package.xml(part).find("{*}location")
        if location is not None:
            yield Area.at(location.get("ref", "")), Text("数据透视表", "a pivot table")


def _drop_links(package: Package, skeleton: etree._Element, resizing: Resizing) -> None:
    """Remove the links of the old rows' cells: they led where the old values said."""
    links = skeleton.find("{*}hyperlinks")
    if links is None:
        return
    stale = [link for link in links if resizing.table.body.meets(Area.at(link.get("ref", "")))]
    keys = [key for link in stale if (key := relation_id(link))]
    for link in stale:
        links.remove(link)
    if not len(links):
        skeleton.remove(links)
    if keys:
        package.unrelate(resizing.table.sheet.part, *keys)
