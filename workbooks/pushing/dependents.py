"""What depends on a table elsewhere in its workbook: names, formulas, charts, pivot caches, the calculation chain."""

import re
from collections.abc import Callable, Iterator, Sequence

from lxml import etree

from workbooks.ooxml.areas import Area
from workbooks.ooxml.letters import column_number
from workbooks.package import Package, relation_target
from workbooks.pushing.coming import CHART_POINTS
from workbooks.pushing.resizing import Resizing

_CACHES = ("numCache", "strCache", "dlblRangeCache")  # of numbers, texts and the labels beside points
_CHART = re.compile(r"(?:chart|chartex)\+xml$")
_FORMULA_TAGS = (b"<f>", b"<f ", b":f>", b":f ")  # searched one by one: a pattern takes ten times as long
_COLUMN = re.compile(r".*!\$?([A-Z]{1,3})\$?(\d+)(?::\$?([A-Z]{1,3})\$?\d+)?")
_ENTRY = re.compile(rb"<(?:\w+:)?c(\s[^>]*)>")
_ATTRIBUTE = re.compile(rb"""(\w+)\s*=\s*["']([^"']*)""")
# What may stand behind calcPr in a workbook part.
_AFTER_CALCULATION = (
    "oleSize", "customWorkbookViews", "pivotCaches", "smartTagPr", "smartTagTypes", "webPublishing", "fileRecoveryPr",
    "webPublishObjects", "extLst",
)  # fmt: skip

CachedValues = Callable[[int, int], Sequence[float | str | None] | None]
"""The new values of a column of the sheet (1 is A) from a row on, as a chart keeps them; None if not known."""


def resize_names(package: Package, resizing: Resizing) -> list[str]:
    """Resize the defined names over the table; the names that mean the table or cells of it."""
    workbook = package.xml(package.workbook)
    found, changed = [], False
    for name in workbook.iterfind("{*}definedNames/{*}definedName"):
        text = name.text or ""
        new = resizing.formula(text, None)
        if new != text or re.match(rf"{re.escape(resizing.table.name)}(?:\[|$)", text, re.IGNORECASE):
            found.append(name.get("name", ""))
        if new != text:
            name.text, changed = new, True
    if changed:
        package.replace(package.workbook, workbook)
    return found


def resize_formulas(package: Package, resizing: Resizing) -> None:
    """Resize what formulas of the other sheets refer to."""
    for sheet in package.sheets():
        if sheet.part != resizing.table.sheet.part:
            content = package.read(sheet.part)
            new = resizing.formulas(content, sheet.title)
            if new is not content:
                package.replace(sheet.part, new)


def resize_charts(package: Package, resizing: Resizing, values: CachedValues) -> None:
    """Resize the series that span the table's body, and give them their new points."""
    for part in _parts(package, _CHART):
        chart, changed = package.xml(part), False
        for formula in list(chart.iter("{*}f")):
            new = resizing.series(formula.text or "")
            if new != (formula.text or "") or _covers(resizing, formula.text or ""):
                formula.text, changed = new, True
                _renew_cache(formula, values)
        if changed:
            package.replace(part, chart)


def _covers(resizing: Resizing, text: str) -> bool:
    """Whether a series reads exactly the body although its size does not change."""
    sheet, _, cells = text.rpartition("!")
    if sheet.strip("'").replace("''", "'").casefold() != resizing.table.sheet.title.casefold():
        return False
    try:
        return resizing.rows(Area.at(cells)) is not None
    except ValueError:
        return False


def _renew_cache(formula: etree._Element, values: CachedValues) -> None:
    """Replace the points a chart keeps of a series; without values Excel reads the cells."""
    columns = _COLUMN.fullmatch(formula.text or "")
    single = columns is not None and columns[3] in (None, columns[1])
    new = values(column_number(columns[1]), int(columns[2])) if columns is not None and single else None
    parent = formula.getparent()
    assert parent is not None
    for cache in list(parent):
        kind = etree.QName(cache).localname
        if kind in ("lvl", "multiLvlStrCache") or (kind in _CACHES and (new is None or len(new) > CHART_POINTS)):
            parent.remove(cache)
        elif kind in _CACHES and new is not None:
            _fill(cache, new, numeric=kind == "numCache")


def _fill(cache: etree._Element, values: Sequence[float | str | None], *, numeric: bool) -> None:
    namespace = etree.QName(cache[0] if len(cache) else cache).namespace  # labels keep points of the chart's own
    for child in list(cache):
        if etree.QName(child).localname in ("pt", "ptCount"):
            cache.remove(child)
    extension = cache.find("{*}extLst")
    points = [etree.Element(f"{{{namespace}}}ptCount", val=str(len(values)))]
    for index, value in enumerate(values):
        if value is not None and not (numeric and isinstance(value, str)):
            point = etree.Element(f"{{{namespace}}}pt", idx=str(index))
            etree.SubElement(point, f"{{{namespace}}}v").text = str(value)
            points.append(point)
    at = len(cache) if extension is None else cache.index(extension)
    cache[at:at] = points


def refresh_pivot_caches(package: Package, resizing: Resizing, names: Sequence[str]) -> None:
    """Set every pivot cache that the table feeds to refresh when the workbook is opened."""
    for part in package.related(package.workbook, "pivotCacheDefinition").values():
        cache = package.xml(part)
        source = cache.find("{*}cacheSource/{*}worksheetSource")
        if source is None or any(etree.QName(str(key)).localname == "id" for key in source.attrib):
            continue  # the data model, or another workbook
        name, sheet, ref = source.get("name"), source.get("sheet"), source.get("ref")
        if resizing.feeds(names, name=name, sheet=sheet, ref=ref):
            cache.set("refreshOnLoad", "1")
            if ref is not None:
                source.set("ref", resizing.ranges(ref))
            package.replace(part, cache)


def drop_calculation_chain(package: Package, resizing: Resizing) -> None:
    """
    Remove the calculation chain if it names a cell of the old table; Excel makes a new one.

    One with an entry for a cell that has no formula any more is a damaged file to Excel, and
    so is one without entries.
    """
    table = resizing.table
    sheets = package.xml(package.workbook).iterfind("{*}sheets/{*}sheet")
    own = next(sheet.get("sheetId", "").encode() for index, sheet in enumerate(sheets) if index == table.sheet.index)
    for key, part in package.related(package.workbook, "calcChain").items():
        on = b""
        for entry in _ENTRY.finditer(package.read(part)):
            attributes = dict(_ATTRIBUTE.findall(entry[1]))
            on = attributes.get(b"i", on)  # an entry without sheet stands on that of the one before
            if on == own and Area.at(attributes.get(b"r", b"").decode()).meets(table.area):
                package.unrelate(package.workbook, key)
                break


def calculate_on_load(package: Package) -> None:
    """Have Excel recalculate the workbook when it opens it."""
    workbook = package.xml(package.workbook)
    settings = workbook.find("{*}calcPr")
    if settings is None:
        settings = etree.Element(f"{{{etree.QName(workbook).namespace}}}calcPr")
        after = [child for child in workbook if etree.QName(child).localname in _AFTER_CALCULATION]
        workbook.insert(workbook.index(after[0]) if after else len(workbook), settings)
    if settings.get("fullCalcOnLoad") not in ("1", "true"):
        settings.set("fullCalcOnLoad", "1")
        package.replace(package.workbook, workbook)


def has_formulas(*contents: bytes) -> bool:
    """Whether any of these pieces of worksheet parts holds a formula."""
    return any(tag in content for content in contents for tag in _FORMULA_TAGS)


def _parts(package: Package, content_type: re.Pattern[str]) -> Iterator[str]:
    """The parts declared with such a content type."""
    for declared in package.xml("[Content_Types].xml"):
        part = relation_target("", declared.get("PartName", ""))
        if content_type.search(declared.get("ContentType", "")) and part in package:
            yield part
