"""What in a workbook acts by itself or leads elsewhere: taken out of what is sent on, the rest stays valid."""

import re
from collections.abc import Iterator

from lxml import etree

from workbooks.ooxml.book import Book
from workbooks.ooxml.elements import local
from workbooks.package import RELATION_NS, STRICT_RELATION_NS, relation_id, relation_target

PLAIN_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"

# Relationships by the last word of their type. Signatures go because they no longer hold.
_OF_PACKAGE = frozenset({"extensibility", "userCustomization", "webextensiontaskpanes", "origin"})
_OF_WORKBOOK = frozenset({"vbaProject", "externalLink", "connections", "attachedToolbars"})
_OF_SHEET = frozenset({"oleObject", "package", "control", "queryTable"})
_MACRO_SHEETS = frozenset({"xlMacrosheet", "xlIntlMacrosheet", "dialogsheet"})
_WPS_MACROS = "jdedata.bin"
_DATA_MODEL = frozenset({"powerPivotData", "model"})

_TEXT = re.compile(r'"(?:[^"]|"")*"')
# [1]Sheet!A1, '[1]My sheet'!A1, [1]!Name; not the column [1] of a table, which no "!" follows.
_ELSEWHERE = re.compile(r"""(?:'\[\d+\](?:[^']|'')*'|\[\d+\][^\[\]'"!(),;+\-*/^&=<>{}]*)!""")
_SHAPE = re.compile(rb"<(?:\w+:)?shape\b.*?</(?:\w+:)?shape>", re.DOTALL)
_SHAPE_NUMBER = re.compile(rb"""\bid=["']_x0000_s(\d{1,9})["']""")
_RULES = frozenset({"cfRule", "dataValidation", "sparkline"})
_CHART_LITERALS = {"numRef": ("numCache", "numLit"), "strRef": ("strCache", "strLit")}


class Entangled(Exception):
    """The workbook does not stand without what has to be taken out; the text says what that is."""


def remove_active_content(book: Book) -> None:
    """
    Take out macros, links to other workbooks, connections, embedded objects, ActiveX and custom ribbons.

    Cells whose formula led to another workbook keep the value they show.

    Raises:
        Entangled: There are macro sheets, a data model, or pivot tables over outside data.
    """
    package = book.package
    kinds = {_kind(relation) for relation in package.relations(book.part)}
    if found := kinds & (_MACRO_SHEETS | _DATA_MODEL):
        raise Entangled(", ".join(sorted(found)))
    if package.content_type(book.part) != PLAIN_TYPE:
        package.set_content_type(book.part, PLAIN_TYPE)
    _check_pivot_sources(book)
    _unlink_workbooks(book)
    for sheet in book.sheets():
        _unlink_objects(book, sheet.part)
    _drop(book, "", _OF_PACKAGE)
    _drop(book, book.part, _OF_WORKBOOK)
    if "vbaProject" in kinds:
        for sheet in book.sheets():
            _unlink_buttons(book, sheet.part)
    _drop_wps_macros(book)
    if "vbaProject" in kinds and not any(name.lower().endswith(".bin") for name in package.names()):
        # Mail filters look for the type, whether or not there is such a part.
        package.remove_default_type("bin")


def _kind(relation: etree._Element) -> str:
    return relation.get("Type", "").rpartition("/")[2]


def _drop(book: Book, part: str, kinds: frozenset[str]) -> list[str]:
    """Remove the relationships of *kinds*; their ids."""
    keys = [relation.get("Id", "") for relation in book.package.relations(part) if _kind(relation) in kinds]
    if keys:
        book.package.unrelate(part, *keys)
    return keys


def _drop_wps_macros(book: Book) -> None:
    """WPS keeps JavaScript in a part of its own; versions differ in what they call the relationship to it."""
    package = book.package
    for name in [name for name in package.names() if name.rpartition("/")[2].lower() == _WPS_MACROS]:
        for relation in package.relations(book.part):
            if relation_target(book.part, relation.get("Target", "")).lower() == name.lower():
                package.unrelate(book.part, relation.get("Id", ""))
                break
        if name in package:
            package.discard(name)


def _check_pivot_sources(book: Book) -> None:
    for part in book.package.related(book.part, "pivotCacheDefinition").values():
        source = book.package.xml(part).find("{*}cacheSource")
        if source is not None and (source.get("type") == "external" or any(relation_id(inner) for inner in source)):
            raise Entangled("a pivot table over outside data")


# Other workbooks


def _unlink_workbooks(book: Book) -> None:
    references = book.tree.find("{*}externalReferences")
    if references is None:
        return
    book.tree.remove(references)
    lost: set[str] = set()
    for names in book.tree.iterfind("{*}definedNames"):
        for name in list(names):
            if _ELSEWHERE.search(_TEXT.sub("", name.text or "")):
                lost.add(name.get("name", ""))
                names.remove(name)
    leads_out = _Finder(lost)
    for sheet in book.sheets():
        if b"<" in (content := book.package.read(sheet.part)) and leads_out.may(content):
            _freeze_formulas(book, sheet.part, leads_out)
        for part in book.package.related(sheet.part, "table").values():
            _freeze_table(book, part, leads_out)
    for chart in list(book.package.names()):
        if "/charts/" in chart.lower() and chart.lower().endswith(".xml") and b"[" in book.package.read(chart):
            _freeze_chart(book, chart, leads_out)


class _Finder:
    """Tells formulas that lead to another workbook, themselves or through one of the *names* that did."""

    def __init__(self, names: set[str]) -> None:
        self._names = names
        words = "|".join(re.escape(name) for name in sorted(names))
        self._named = re.compile(rf"(?<![\w.\\])(?:{words})(?![\w.\\(])", re.IGNORECASE) if names else None

    def __call__(self, formula: str) -> bool:
        bare = _TEXT.sub("", formula)
        return bool(_ELSEWHERE.search(bare) or (self._named and self._named.search(bare)))

    def may(self, content: bytes) -> bool:
        """Whether looking at the formulas of this part is worth the while."""
        return b"[" in content or any(name.encode() in content for name in self._names)


def _freeze_formulas(book: Book, part: str, leads_out: _Finder) -> None:
    sheet = book.sheet(part)
    shared = set()
    cells = [(place, cell, cell.find(f"{sheet.ns}f")) for place, cell in sheet.cells()]
    for place, cell, formula in cells:
        if formula is not None and formula.text and leads_out(formula.text):
            if formula.get("t") == "shared":
                shared.add(formula.get("si"))
                formula.attrib.pop("t", "")  # nobody inherits it
            sheet.freeze(cell, place)
    for place, cell, formula in cells:
        if formula is not None and formula.get("t") == "shared" and formula.get("si") in shared:
            sheet.freeze(cell, place)
    for element in list(sheet.tree.iter("{*}formula", "{*}formula1", "{*}formula2", "{*}f")):
        if element.getparent() is not None and local(_parent(element)) != "c" and leads_out(element.text or ""):
            _remove_rule(element)
            sheet.changed = True


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None
    return parent


def _remove_rule(element: etree._Element) -> None:
    """Remove the conditional format, validation or sparkline that *element* belongs to, and containers left empty."""
    while local(element) not in _RULES:
        element = _parent(element)
        if element.getparent() is None:
            return
    while (holder := element.getparent()) is not None:
        holder.remove(element)
        if len(holder):
            if holder.get("count"):
                holder.set("count", str(len(holder)))
            return
        element = holder


def _freeze_table(book: Book, part: str, leads_out: _Finder) -> None:
    tree = book.package.xml(part)
    for formula in list(tree.iter("{*}calculatedColumnFormula", "{*}totalsRowFormula")):
        if leads_out(formula.text or ""):
            _parent(formula).remove(formula)
            book.package.replace(part, tree)


def _freeze_chart(book: Book, part: str, leads_out: _Finder) -> None:
    """Let series over another workbook's cells keep the numbers and words they show."""
    tree = book.package.xml(part)
    for formula in list(tree.iter("{*}f")):
        reference = _parent(formula)
        if not leads_out(formula.text or ""):
            continue
        holder = _parent(reference)
        cache_name, literal = _CHART_LITERALS.get(local(reference), ("", ""))
        cache = reference.find(f"{{*}}{cache_name}") if cache_name else None
        if cache is None:
            _parent(holder).remove(holder)
        elif local(holder) == "tx":
            shown = cache.findtext("{*}pt/{*}v") or ""
            holder.remove(reference)
            if local(_parent(holder)) == "ser":
                etree.SubElement(holder, cache.tag.replace("strCache", "v")).text = shown
            else:
                _parent(holder).remove(holder)
        else:
            cache.tag = cache.tag.replace(cache_name, literal)
            holder.replace(reference, cache)
        book.package.replace(part, tree)


# Objects on sheets


def _unlink_objects(book: Book, part: str) -> None:
    relations = {relation.get("Id", ""): _kind(relation) for relation in book.package.relations(part)}
    for table in book.package.related(part, "table").values():
        if _drop(book, table, _OF_SHEET):
            _make_plain_table(book, table)
    if not _OF_SHEET & set(relations.values()):
        return
    sheet = book.sheet(part)
    used = _relation_ids(sheet.tree)
    shapes: set[str] = set()
    for element in list(sheet.tree.iter("{*}oleObject", "{*}control")):
        kind = relations.get(relation_id(element), "")
        if element.getparent() is not None and (local(element) == "oleObject" or kind == "control"):
            shapes.add(element.get("shapeId", ""))
            _remove_object(element)
            sheet.changed = True
    gone = used - _relation_ids(sheet.tree)
    keys = [key for key, kind in relations.items() if kind in _OF_SHEET or key in gone]
    drawings = [p for kind in ("vmlDrawing", "drawing") for p in book.package.related(part, kind).values()]
    book.package.unrelate(part, *keys)
    for drawing in drawings:
        _remove_shapes(book, drawing, shapes)


def _unlink_buttons(book: Book, part: str) -> None:
    """Remove the buttons that ran the macros: as our templates have them (VML), and as Excel saves them, too."""
    package = book.package
    drawings = package.related(part, "vmlDrawing").values()
    shapes = {shape for drawing in drawings for shape in _button_shapes(package.read(drawing))}
    if not shapes:
        return
    controls, sheet = package.related(part, "ctrlProp"), book.sheet(part)
    keys = set()
    for element in list(sheet.tree.iter("{*}control")):
        if element.get("shapeId", "") in shapes and element.getparent() is not None:
            keys.add(relation_id(element))
            _remove_object(element)
            sheet.changed = True
    if gone := sorted(keys & controls.keys()):
        package.unrelate(part, *gone)
    for kind in ("vmlDrawing", "drawing"):
        for drawing in package.related(part, kind).values():
            _remove_shapes(book, drawing, shapes)


def _button_shapes(drawing: bytes) -> Iterator[str]:
    """The numbers of the form buttons in a VML drawing."""
    for shape in _SHAPE.findall(drawing):
        number = _SHAPE_NUMBER.search(shape)
        if number is not None and b'ObjectType="Button"' in shape:
            yield number[1].decode()


def _relation_ids(tree: etree._Element) -> set[str]:
    return {
        str(value)
        for element in tree.iter()
        for name, value in element.attrib.items()
        if str(name).startswith((f"{{{RELATION_NS}}}", f"{{{STRICT_RELATION_NS}}}"))
    }


def _remove_object(element: etree._Element) -> None:
    """
    Remove an object's element with everything around it that holds nothing else.

    Newer files say it twice (mc:Choice, mc:Fallback); each is met in its own turn.
    """
    while (holder := element.getparent()) is not None:
        holder.remove(element)
        if len(holder):
            return
        element = holder


def _remove_shapes(book: Book, part: str, shapes: set[str]) -> None:
    """Remove the pictures that stood for objects from a VML drawing or a drawing."""
    if part not in book.package:
        return
    content = book.package.read(part)
    if part.lower().endswith(".vml"):
        for shape in shapes:
            pattern = rb"\s*<(?:\w+:)?shape\b[^>]*\bid=[\"']_x0000_s%s[\"'].*?</(?:\w+:)?shape>" % shape.encode()
            content = re.sub(pattern, b"", content, flags=re.DOTALL)
        book.package.put(part, content)
        return
    tree = book.package.xml(part)
    for element in list(tree.iter("{*}compatExt")):
        if element.get("spid", "").removeprefix("_x0000_s") in shapes:
            while (holder := element.getparent()) is not None and holder is not tree:
                element = holder
            if holder is tree:
                tree.remove(element)
                book.package.replace(part, tree)


def _make_plain_table(book: Book, part: str) -> None:
    """A table whose query is gone is a table of its own."""
    tree = book.package.xml(part)
    tree.attrib.pop("tableType", "")
    for column in tree.iterfind("{*}tableColumns/{*}tableColumn"):
        column.attrib.pop("queryTableFieldId", "")
    book.package.replace(part, tree)
