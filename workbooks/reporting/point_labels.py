"""Labels beside the points of a scatter, as Excel 2013 and later and LibreOffice read them from a column of cells."""

from collections.abc import Sequence
from uuid import NAMESPACE_OID, uuid5

from lxml import etree

from workbooks.package import Package

_C = "http://schemas.openxmlformats.org/drawingml/2006/chart"
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_C15 = "http://schemas.microsoft.com/office/drawing/2012/chart"
_OF_LABELS = "{CE6537A1-D6FC-4f65-9D91-7224C49458BB}"
_OF_SERIES = "{02D57815-91ED-43cb-92C2-25804820EDAC}"
_SHOWN = ("LegendKey", "Val", "CatName", "SerName", "Percent", "BubbleSize")


def label_points(package: Package) -> None:
    """
    Turn labels that are each tied to one cell into labels from the column these cells make up.

    XlsxWriter writes the former; LibreOffice shows the y value in their place, and a table
    that grows leaves its new points without one.
    """
    for sheet in package.sheets():
        for drawing in package.related(sheet.part, "drawing").values():
            for part in package.related(drawing, "chart").values():
                chart = package.xml(part)
                tied = [series for series in chart.iter(f"{{{_C}}}ser") if series.find(_TIED) is not None]
                for series in tied:
                    _label(series)
                if tied:
                    package.replace(part, chart)


_TIED = f"{{{_C}}}dLbls/{{{_C}}}dLbl/{{{_C}}}tx/{{{_C}}}strRef"


def _label(series: etree._Element) -> None:
    labels = series.find(f"{{{_C}}}dLbls")
    assert labels is not None
    cells = [tied.findtext(f"{{{_C}}}f") or "" for tied in series.iterfind(_TIED)]
    names = [tied.findtext(f".//{{{_C}}}v") or "" for tied in series.iterfind(_TIED)]
    for label, name in zip(labels.findall(f"{{{_C}}}dLbl"), names, strict=True):
        for child in list(label)[1:]:
            label.remove(child)
        _write_name(label, name)
        _show_range(label)
    for told in labels.findall(f"{{{_C}}}showVal"):
        labels.remove(told)
    _show_range(labels)
    _add_range(series, f"{cells[0]}:{cells[-1].rpartition('!')[2]}", names)


def _write_name(label: etree._Element, name: str) -> None:
    """The name as a field: what is read from the cell where the program knows such fields, the text elsewhere."""
    rich = etree.SubElement(etree.SubElement(label, f"{{{_C}}}tx"), f"{{{_C}}}rich")
    etree.SubElement(rich, f"{{{_A}}}bodyPr")
    paragraph = etree.SubElement(rich, f"{{{_A}}}p")
    key = f"{{{str(uuid5(NAMESPACE_OID, name)).upper()}}}"
    field = etree.SubElement(paragraph, f"{{{_A}}}fld", id=key, type="CELLRANGE")
    etree.SubElement(field, f"{{{_A}}}rPr", lang="en-US")
    etree.SubElement(field, f"{{{_A}}}t").text = name


def _show_range(parent: etree._Element) -> None:
    etree.SubElement(parent, f"{{{_C}}}dLblPos", val="r")
    for shown in _SHOWN:
        etree.SubElement(parent, f"{{{_C}}}show{shown}", val="0")
    extension = _extension(parent, _OF_LABELS)
    etree.SubElement(extension, f"{{{_C15}}}showDataLabelsRange", val="1")


def _add_range(series: etree._Element, cells: str, names: Sequence[str]) -> None:
    labels = etree.SubElement(_extension(series, _OF_SERIES), f"{{{_C15}}}datalabelsRange")
    etree.SubElement(labels, f"{{{_C15}}}f").text = cells
    cache = etree.SubElement(labels, f"{{{_C15}}}dlblRangeCache")
    etree.SubElement(cache, f"{{{_C}}}ptCount", val=str(len(names)))
    for number, name in enumerate(names):
        etree.SubElement(etree.SubElement(cache, f"{{{_C}}}pt", idx=str(number)), f"{{{_C}}}v").text = name


def _extension(parent: etree._Element, uri: str) -> etree._Element:
    listed = etree.SubElement(parent, f"{{{_C}}}extLst")
    return etree.SubElement(listed, f"{{{_C}}}ext", uri=uri, nsmap={"c15": _C15})
