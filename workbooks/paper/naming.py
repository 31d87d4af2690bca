"""The company's own workbook with names on its answer cells, and room for what the form says of itself."""

from lxml import etree

from workbooks.form import PREFIX, Text, defined_name
from workbooks.ooxml.areas import Area
from workbooks.ooxml.book import Book, quoted
from workbooks.ooxml.elements import WORKBOOK, WORKSHEET, child
from workbooks.paper.asked import AskedForm
from workbooks.paper.paper import Paper
from workbooks.paper.recognition import fields_of
from workbooks.sheet.blocks import own_name
from workbooks.sheet.layout import META

_STRIP = ("number", "state", "received_at", "revision")
_FONT = '<font><sz val="9"/><color rgb="FF6B7280"/><name val="宋体"/></font>'
_THIN = "".join(f'<{side} style="hair"><color rgb="FF8A94A6"/></{side}>' for side in ("left", "right", "top", "bottom"))
_BORDER = f"<border>{_THIN}<diagonal/></border>"


def name_cells(paper: Paper, form: AskedForm) -> None:
    """
    Give every answer its defined name, and add the row in which number, revision, state and time will stand.

    What the sheet showed before stays as it was.
    """
    book, title = paper.book, quoted(paper.part.title)
    book.undefine(*book.names(PREFIX))
    for path, asked in fields_of(form):
        _define(book, defined_name(path), f"{title}!{asked.area.absolute}")
    for name, area in form.own.items():
        _define(book, own_name(name), f"{title}!{Area(area.top, area.left, area.top, area.left).absolute}")
    if "state" not in form.own:  # it has been a template before
        _add_strip(paper, [name for name in _STRIP if name not in form.own])


def _define(book: Book, name: str, reference: str) -> None:
    """A name that its author sees in Excel's Name Manager, and can point to another cell there."""
    names = child(book.tree, "definedNames", WORKBOOK)
    etree.SubElement(names, f"{{{book.namespace}}}definedName", name=name).text = reference


def _add_strip(paper: Paper, names: list[str]) -> None:
    """A row under the form: label and cell in turn, as many as the width has room for."""
    book, sheet, row = paper.book, paper.sheet, paper.bottom + 1
    edges = _edges(paper, 2 * len(names))
    while names and edges is None:
        names = names[:-1]
        edges = _edges(paper, 2 * len(names))
    if not edges:
        return  # a sheet one column wide; number and state stand in hidden names only
    styles = book.styles
    font, border = styles.add("fonts", _FONT), styles.add("borders", _BORDER)
    look = styles.add_format(
        font=font, border=border, alignment='horizontal="center" vertical="center" shrinkToFit="1"'
    )
    labels: dict[str, Text] = {name: label for name, label, *_ in META}
    merges = child(sheet.tree, "mergeCells", WORKSHEET)
    for position, name in enumerate(names):
        for offset in (0, 1):
            left, right = edges[2 * position + offset], edges[2 * position + offset + 1] - 1
            for column in range(left, right + 1):
                sheet.set_style((row, column), look)
            if right > left:
                etree.SubElement(merges, f"{sheet.ns}mergeCell", ref=str(Area(row, left, row, right)))
        sheet.set_text((row, edges[2 * position]), labels[name].zh)
        place = Area(row, edges[2 * position + 1], row, edges[2 * position + 1])
        _define(book, own_name(name), f"{quoted(paper.part.title)}!{place.absolute}")
    if len(merges):
        merges.set("count", str(len(merges)))
    else:
        sheet.tree.remove(merges)
    sheet.changed = True
    _print_too(paper, row)


def _edges(paper: Paper, pieces: int) -> list[int] | None:
    """Columns at which *pieces* blocks of about equal width begin, and the one after the last; None without room."""
    columns = [column for column in range(1, paper.right + 1) if paper.sheet.column_px(column)]
    if not pieces or len(columns) < pieces or columns != list(range(columns[0], columns[-1] + 1)):
        return None
    widths = [paper.sheet.column_px(column) for column in columns]
    edges, at, total = [columns[0]], 0, sum(widths)
    for position, width in enumerate(widths):
        at += width
        left = len(columns) - position - 1
        wanted = total * len(edges) / pieces
        if len(edges) < pieces and (at + width / 2 >= wanted or left == pieces - len(edges)):
            edges.append(columns[position] + 1)
    return [*edges, columns[-1] + 1] if len(edges) == pieces else None


def _print_too(paper: Paper, row: int) -> None:
    """Let a print area that ended with the form take the row in."""
    for name in paper.book.tree.iterfind("{*}definedNames/{*}definedName[@name='_xlnm.Print_Area']"):
        found = paper.book.located(name.text or "")
        if found is not None and found[0].part == paper.part.part and found[1].bottom == row - 1:
            area = found[1]
            name.text = f"{quoted(paper.part.title)}!{Area(area.top, area.left, row, area.right).absolute}"
