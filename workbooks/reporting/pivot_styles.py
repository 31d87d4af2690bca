"""The cell styles in which LibreOffice dresses a pivot table that it refreshes; no other program uses them."""

from collections.abc import Mapping
from typing import NamedTuple

from lxml import etree

from workbooks.form import Language
from workbooks.package import SHEET_NS, Package
from workbooks.reporting.pivot_cache import element
from workbooks.reporting.report_style import FONT, INK, LINE, PALE

_FONT_SIZE = 10


class _Style(NamedTuple):
    """One by its names in LibreOffice's English and Chinese user interface; *line* is the side with a thin line."""

    names: tuple[str, str]
    bold: bool = False
    filled: bool = False
    line: str = ""
    figures: bool = False
    wrapped: bool = False


# As LibreOffice makes them itself where a workbook has none (sc/inc/globstr.hrc, STR_PIVOT_STYLE_…).
_STYLES = (
    _Style(("Pivot Table Corner", "透视表拐角"), bold=True, filled=True),
    _Style(("Pivot Table Field", "透视表字段"), bold=True, filled=True, line="bottom"),
    _Style(("Pivot Table Category", "透视表类别"), wrapped=True),
    _Style(("Pivot Table Value", "透视表值"), figures=True),
    _Style(("Pivot Table Title", "透视表标题"), bold=True, filled=True, line="top"),
    _Style(("Pivot Table Result", "透视表结果"), bold=True, filled=True, line="top", figures=True),
)


def add_pivot_styles(package: Package, language: Language) -> None:
    """Put the styles into *package*: both names of each for a Chinese report, the English one for an English report."""
    part = next(iter(package.related(package.workbook, "styles").values()))
    root = package.xml(part)
    lists = {name: _part(root, name) for name in ("fonts", "fills", "borders", "cellStyleXfs")}
    named = _part(root, "cellStyles")
    for style in _STYLES:
        attributes: dict[str, object] = {
            "numFmtId": 0,
            "fontId": _add(lists["fonts"], _font(style, language)),
            "fillId": _add(lists["fills"], _fill()) if style.filled else 0,
            "borderId": _add(lists["borders"], _border(style.line)) if style.line else 0,
        }
        xf = _add(lists["cellStyleXfs"], _aligned(_new("xf", **attributes), style))
        for name in style.names if language == "zh" else style.names[:1]:
            _add(named, _new("cellStyle", name=name, xfId=xf))
    package.replace(part, root)


def _new(name: str, /, **attributes: object) -> etree._Element:
    texts = {key: str(value) for key, value in attributes.items()}
    return etree.Element(f"{{{SHEET_NS}}}{name}", texts, nsmap={None: SHEET_NS})  # type: ignore[dict-item]


def _part(root: etree._Element, name: str) -> etree._Element:
    found = root.find(f"{{{SHEET_NS}}}{name}")
    assert found is not None
    return found


def _add(listed: etree._Element, entry: etree._Element) -> int:
    """Append *entry*, or find one that says the same; its place in the list."""
    told = etree.tostring(entry, method="c14n", exclusive=True)
    for place, known in enumerate(listed):
        if etree.tostring(known, method="c14n", exclusive=True, with_tail=False) == told:
            return place
    listed.append(entry)
    listed.set("count", str(len(listed)))
    return len(listed) - 1


def _aligned(xf: etree._Element, style: _Style) -> etree._Element:
    """Centred in its row; figures keep off the line on their right."""
    across: dict[str, object] = {"horizontal": "right", "indent": 1} if style.figures else {}
    if style.wrapped:
        across["wrapText"] = 1
    xf.set("applyAlignment", "1")
    element(xf, "alignment", vertical="center", **across)
    return xf


def _font(style: _Style, language: Language) -> etree._Element:
    font = _new("font")
    if style.bold:
        element(font, "b")
    element(font, "sz", val=_FONT_SIZE)
    _colour(font, "color", INK)
    element(font, "name", val=FONT[language])
    element(font, "family", val=2)
    return font


def _fill() -> etree._Element:
    fill = _new("fill")
    pattern = element(fill, "patternFill", patternType="solid")
    _colour(pattern, "fgColor", PALE)
    element(pattern, "bgColor", indexed=64)
    return fill


def _border(line: str) -> etree._Element:
    border = _new("border")
    for side in ("left", "right", "top", "bottom", "diagonal"):
        drawn: Mapping[str, str] = {"style": "thin"} if side == line else {}
        entry = element(border, side, **drawn)
        if drawn:
            _colour(entry, "color", LINE)
    return border


def _colour(parent: etree._Element, name: str, colour: str) -> None:
    element(parent, name, rgb=f"FF{colour.removeprefix('#')}")
