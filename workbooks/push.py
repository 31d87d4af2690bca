"""A dataset into a table of an existing workbook: its rows replaced, everything else left as its owner made it."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path

from lxml import etree

from workbooks.dataset import RowSource
from workbooks.finding_codes import FindingCode
from workbooks.form import Language, Text
from workbooks.guard import inspect
from workbooks.ooxml.areas import LAST_ROW, Area
from workbooks.ooxml.cell_formats import CellFormats
from workbooks.ooxml.deflation import Deflation
from workbooks.ooxml.directory import FileContent
from workbooks.ooxml.letters import column_letters, column_number
from workbooks.ooxml.sheet_xml import SheetXml
from workbooks.ooxml.tables import PushError, Table
from workbooks.package import Package, PackageError
from workbooks.pushing import dependents
from workbooks.pushing.columns import CellColumn, TextTooLong
from workbooks.pushing.coming import Coming
from workbooks.pushing.matching import choose, matched
from workbooks.pushing.old_rows import shortened
from workbooks.pushing.permission import refuse_forbidden, refuse_protected
from workbooks.pushing.resizing import Resizing
from workbooks.pushing.surroundings import refuse_obstacles, resized_surroundings
from workbooks.pushing.table_rows import OldRows, find_rows, write_rows
from workbooks.refusal import DEFAULT_LIMITS, Refused

__all__ = ["Change", "PushError", "Pushed", "push", "push_file"]

_LOOKED_AT = 1 << 20
_UNREADABLE = (PackageError, etree.XMLSyntaxError, ValueError, LookupError)  # what a damaged part makes of us


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """
    What a push did to a table.

    Every part of the workbook not among *changed_parts* has the bytes it had; *columns* are
    those of the dataset that the table has; *notes* say what the owner should know besides.
    """

    changed_parts: tuple[str, ...]
    table: str
    rows: int
    rows_before: int
    columns: tuple[str, ...] = ()
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed(Change):
    """A refreshed workbook."""

    content: bytes


def push(workbook: bytes, dataset: RowSource, *, table: str | None = None, language: Language = "zh") -> Pushed:
    """
    *workbook* with the rows of its table replaced by those of *dataset*.

    The workbook's own columns rule: their order, formats and headers (a header may be a
    column's label in either language or its name); calculated columns keep their formula.
    Filters on the table are cleared, since new rows cannot have been chosen by them. What
    spans the table's rows exactly is resized with it, pivot tables fed by it refresh when
    Excel opens the file. Without *table* the one whose headers match is taken.

    Raises:
        PushError: The rows cannot be pushed; its message says why and what to do.
    """
    try:
        package = Package(workbook)
        change = _push(package, dataset, table, language, None)
        content = package.save()
    except _UNREADABLE as error:
        raise _unreadable(workbook, error) from error
    return Pushed(**{field.name: getattr(change, field.name) for field in fields(change)}, content=content)


def push_file(
    workbook: Path,
    rows: RowSource,
    out: Path,
    *,
    table: str | None = None,
    language: Language = "zh",
    progress: Callable[[int], None] | None = None,
) -> Change:
    """
    `push` from the file *workbook* into the new file *out*, in memory that does not grow with either.

    *progress* is told from time to time how many rows are written.

    Raises:
        PushError: The rows cannot be pushed; there is no *out* then.
    """
    with closing(FileContent(workbook)) as content:
        try:
            package = Package(content)
            change = _push(package, rows, table, language, progress)
            with out.open("xb") as file:
                package.write(file)
        except _UNREADABLE as error:
            out.unlink(missing_ok=True)
            raise _unreadable(content[:_LOOKED_AT], error) from error
    return change


def _push(
    package: Package, rows: RowSource, table: str | None, language: Language, progress: Callable[[int], None] | None
) -> Change:
    refuse_forbidden(package)
    target = choose(package, rows, table, language)
    places = matched(target, rows, language)
    resizing = Resizing(target, target.body.top + max(1, len(rows)) - 1)
    if resizing.area.bottom > LAST_ROW:
        raise PushError(
            Text(
                f"表“{target.name}”放不下 {len(rows)} 行（一张工作表最多 {LAST_ROW} 行）。请缩小数据集的时间范围。",
                f"Table “{target.name}” has no room for {len(rows)} rows on a sheet of {LAST_ROW}. "
                "Narrow the dataset's period.",
            )
        )
    coming = Coming(rows, resizing, places, date1904=_date1904(package), progress=progress)
    calculated = _replace_rows(package, coming)
    _resize_table(package, resizing)
    names = dependents.resize_names(package, resizing)
    dependents.resize_formulas(package, resizing)
    dependents.resize_charts(package, resizing, coming.column)
    dependents.refresh_pivot_caches(package, resizing, names)
    others = (package.read(sheet.part) for sheet in package.sheets() if sheet.part != target.sheet.part)
    if calculated or any(map(dependents.has_formulas, others)):
        dependents.calculate_on_load(package)
    return Change(
        changed_parts=tuple(sorted(package.changed)), table=target.name, rows=len(rows),
        rows_before=target.body.bottom - target.body.top + 1,
        columns=tuple(rows.columns[place].name for place in places if place is not None), notes=_notes(package, target),
    )  # fmt: skip


def _notes(package: Package, table: Table) -> tuple[Text, ...]:
    if not package.related(table.part, "queryTable"):
        return ()
    return (
        Text(
            f"表“{table.name}”由一个查询供数：在 Excel 里刷新那个查询，会用查询结果换掉刚写入的行。",
            f"Table “{table.name}” is fed by a query: refreshing that query in Excel replaces the rows just written.",
        ),
    )


def _unreadable(workbook: bytes, error: Exception) -> PushError:
    """The refusal of a file that is no sound .xlsx or .xlsm: what it is where the guard can tell, and what to do."""
    try:
        inspect(workbook, replace(DEFAULT_LIMITS, upload=len(workbook)))
    except Refused as refused:
        if refused.finding.code is FindingCode.ENCRYPTED:
            return PushError(
                Text(
                    "这个工作簿有打开密码。请在 Excel 中（文件 > 信息 > 保护工作簿 > 用密码进行加密）去掉后再刷新。",
                    "This workbook is encrypted with a password. Take it off in Excel "
                    "(File > Info > Protect Workbook > Encrypt with Password), then refresh.",
                )
            )
        what = Text(refused.finding.what("zh"), refused.finding.what("en"))
    else:
        what = Text("文件已损坏或不完整，无法读取。", f"The file is damaged or incomplete ({error}).")
    return PushError(
        Text(
            f"{what.zh}只能刷新 .xlsx 和 .xlsm 工作簿，请在 Excel 中另存为 .xlsx 后再试。",
            f"{what.en} Only .xlsx and .xlsm workbooks can be refreshed: save it as .xlsx in Excel and try again.",
        )
    )


def _replace_rows(package: Package, coming: Coming) -> bool:
    """Replace the rows in the table's sheet; whether there are formulas on it."""
    resizing = coming.resizing
    part = resizing.table.sheet.part
    sheet = SheetXml(shortened(lambda: package.pieces(part), resizing.table.body))
    refuse_protected(sheet.skeleton(), resizing.table)
    refuse_obstacles(package, sheet.skeleton(), resizing)
    old = find_rows(sheet, resizing)
    skeleton = resized_surroundings(package, sheet, resizing, old)
    columns = _columns(package, coming, old, skeleton)
    head, tail = sheet.split(skeleton)
    dependents.drop_calculation_chain(package, resizing)
    with closing(Deflation()) as out:
        out.write(head)
        try:
            write_rows(
                out, sheet.tags, old, resizing, columns, coming.pieces(),
                results=coming.totals.results, date1904=coming.date1904,
            )  # fmt: skip
        except TextTooLong as error:
            place = coming.places[column_number(error.letters) - resizing.table.area.left]
            label = coming.rows.columns[place or 0].label
            raise PushError(
                Text(
                    f"表“{resizing.table.name}”第 {error.index + 1} 行的“{label.zh}”有 {error.length} 个字，"
                    "超过单元格上限 32767。请先缩短原记录。",
                    f"Row {error.index + 1} of table “{resizing.table.name}”, “{label.en}”, is {error.length} "
                    "characters long; a cell holds 32,767. Shorten the record first.",
                )
            ) from error
        out.write(tail)
        package.replace(part, out.finish())
    kept = [old.before, old.after, tail, *(cell.inner for cell in old.totals.values())]
    kept += [piece for beside in old.beside.values() for piece in (beside.left, beside.right)]
    return any(place is None for place in coming.places) or dependents.has_formulas(*kept)


def _columns(package: Package, coming: Coming, old: OldRows, skeleton: etree._Element) -> list[CellColumn]:
    """What to write in each column of the table, in the style of its first body cell; the values are to come."""
    formats = CellFormats(package)
    columns = []
    table = coming.resizing.table
    for number, (column, place) in enumerate(zip(table.columns, coming.places, strict=True), table.area.left):
        style, letters = old.styles.get(number, _column_style(skeleton, number)), column_letters(number)
        if place is None:
            written = CellColumn(letters=letters, style=style, formula=column.formula, array=column.array)
        else:
            kind = coming.rows.columns[place].type
            written = CellColumn(letters=letters, style=formats.suited(style, kind), type=kind)
        columns.append(written)
    formats.save()
    return columns


def _column_style(skeleton: etree._Element, number: int) -> int:
    for column in skeleton.iterfind("{*}cols/{*}col"):
        if int(column.get("min", "0")) <= number <= int(column.get("max", "0")):
            return int(column.get("style", "0"))
    return 0


def _resize_table(package: Package, resizing: Resizing) -> None:
    """The table part: where it stands now, its filters and sorting cleared."""
    root = package.xml(resizing.table.part)
    root.set("ref", str(resizing.area))
    if "insertRow" in root.attrib:  # the empty row Excel shows in a table without rows
        del root.attrib["insertRow"]
    chosen = root.find("{*}autoFilter")
    if chosen is not None:
        area = resizing.area
        chosen.set("ref", str(Area(area.top, area.left, resizing.bottom, area.right)))
        for child in list(chosen):
            chosen.remove(child)
    for order in root.findall("{*}sortState"):
        root.remove(order)
    package.replace(resizing.table.part, root)


def _date1904(package: Package) -> bool:
    settings = package.xml(package.workbook).find("{*}workbookPr")
    return settings is not None and settings.get("date1904") in ("1", "true")
