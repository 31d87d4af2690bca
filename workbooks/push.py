"""A dataset into a table of an existing workbook: its rows replaced, everything else left as its owner made it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import cast

from lxml import etree

from workbooks.dataset import Dataset, RowSource
from workbooks.form import Language, Text
from workbooks.guard import inspect
from workbooks.ooxml.cell_formats import CellFormats
from workbooks.ooxml.letters import column_letters
from workbooks.ooxml.parts import Deflation
from workbooks.ooxml.sheet_xml import SheetXml
from workbooks.ooxml.tables import Area, PushError
from workbooks.package import Package, PackageError
from workbooks.pushing import dependents
from workbooks.pushing.columns import CellColumn, TextTooLong, constant, serial
from workbooks.pushing.matching import choose, matched
from workbooks.pushing.resizing import Resizing
from workbooks.pushing.surroundings import refuse_obstacles, resized_surroundings
from workbooks.pushing.table_rows import OldRows, find_rows, write_rows
from workbooks.pushing.totals import totals
from workbooks.refusal import DEFAULT_LIMITS, Refused

__all__ = ["Change", "PushError", "Pushed", "push", "push_file"]

_LAST_ROW = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """
    What a push did to a table.

    Every part of the workbook not among *changed_parts* has the bytes it had.
    """

    changed_parts: tuple[str, ...]
    table: str
    rows: int
    rows_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed(Change):
    """A refreshed workbook."""

    content: bytes


def push(workbook: bytes, dataset: Dataset, *, table: str | None = None, language: Language = "zh") -> Pushed:
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
        target = choose(package, dataset, table, language)
    except PackageError as error:
        raise _unreadable(workbook, error) from error
    places = matched(target, dataset, language)
    resizing = Resizing(target, target.body.top + max(1, len(dataset)) - 1)
    if resizing.area.bottom > _LAST_ROW:
        raise PushError(
            Text(
                f"{len(dataset)} 行放不进一张工作表（最多 {_LAST_ROW} 行）。请缩小数据集的时间范围。",
                f"{len(dataset)} rows do not fit on a sheet of {_LAST_ROW} rows. Narrow the dataset's period.",
            )
        )
    date1904 = _date1904(package)
    calculated = _replace_rows(package, resizing, dataset, places, date1904=date1904)
    _resize_table(package, resizing)
    names = dependents.resize_names(package, resizing)
    dependents.resize_formulas(package, resizing)
    dependents.resize_charts(package, resizing, _chart_values(resizing, dataset, places, date1904=date1904))
    dependents.refresh_pivot_caches(package, resizing, names)
    others = (package.read(sheet.part) for sheet in package.sheets() if sheet.part != target.sheet.part)
    if calculated or any(map(dependents.has_formulas, others)):
        dependents.calculate_on_load(package)
    changed = tuple(sorted(package.changed))
    return Pushed(
        content=package.save(), changed_parts=changed, table=target.name, rows=len(dataset),
        rows_before=target.body.bottom - target.body.top + 1,
    )  # fmt: skip


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
    `push` from the file *workbook* into the new file *out*.

    *progress* is told how many rows are written.

    Raises:
        PushError: The rows cannot be pushed; there is no *out* then.
    """
    pushed = push(workbook.read_bytes(), cast(Dataset, rows), table=table, language=language)
    out.write_bytes(pushed.content)
    if progress:
        progress(pushed.rows)
    return pushed


def _unreadable(workbook: bytes, error: PackageError) -> PushError:
    """The refusal of a file that is no sound .xlsx or .xlsm: what it is where the guard can tell, and what to do."""
    try:
        inspect(workbook, replace(DEFAULT_LIMITS, upload=len(workbook)))
    except Refused as refused:
        what = Text(refused.finding.what("zh"), refused.finding.what("en"))
    else:
        what = Text("文件已损坏或不完整，无法读取。", f"The file is damaged or incomplete ({error}).")
    return PushError(
        Text(
            f"{what.zh}只能刷新 .xlsx 和 .xlsm 工作簿，请在 Excel 中另存为 .xlsx 后再试。",
            f"{what.en} Only .xlsx and .xlsm workbooks can be refreshed: save it as .xlsx in Excel and try again.",
        )
    )


def _replace_rows(
    package: Package,
    resizing: Resizing,
    dataset: Dataset,
    places: Sequence[int | None],
    *,
    date1904: bool,
) -> bool:
    """Replace the rows in the table's sheet; whether there are formulas on it."""
    table = resizing.table
    sheet = SheetXml(package.read(table.sheet.part))
    refuse_obstacles(package, sheet.skeleton(), resizing)
    old = find_rows(sheet, resizing)
    skeleton = resized_surroundings(package, sheet, resizing, old)
    columns = _columns(package, resizing, old, dataset, places, skeleton)
    results = totals(resizing, dataset, places, date1904=date1904)
    head, tail = sheet.split(skeleton)
    tags = sheet.tags
    if sheet.content.find(tags.open("f"), *old.span) >= 0:
        dependents.drop_calculation_chain(package)
    del sheet  # the old part may weigh a hundred megabytes; it is not needed beside the new one
    out = Deflation()
    out.write(head)
    try:
        write_rows(out, tags, old, resizing, columns, results=results, date1904=date1904)
    except TextTooLong as error:
        long = [place for place in places if place is not None and _length(dataset, place, error) == error.length]
        label = dataset.columns[long[0]].label
        raise PushError(
            Text(
                f"第 {error.index + 1} 行“{label.zh}”有 {error.length} 个字，超过单元格上限 32767。请先缩短原记录。",
                f"Row {error.index + 1}, “{label.en}”, is {error.length} characters long; "
                "a cell holds 32,767. Shorten the record first.",
            )
        ) from error
    out.write(tail)
    package.replace(table.sheet.part, out.finish())
    kept = [old.before, old.after, tail, *(cell.inner for cell in old.totals.values())]
    kept += [piece for beside in old.beside.values() for piece in (beside.left, beside.right)]
    return any(place is None for place in places) or dependents.has_formulas(*kept)


def _length(dataset: Dataset, place: int, error: TextTooLong) -> int:
    return len(str(dataset.data[place][error.index]).encode("utf-16-le", "surrogatepass")) // 2


def _columns(
    package: Package,
    resizing: Resizing,
    old: OldRows,
    dataset: Dataset,
    places: Sequence[int | None],
    skeleton: etree._Element,
) -> list[CellColumn]:
    """What to write in each column of the table, in the style of its first body cell."""
    formats = CellFormats(package)
    columns = []
    for number, (column, place) in enumerate(
        zip(resizing.table.columns, places, strict=True), resizing.table.area.left
    ):
        style = old.styles.get(number, _column_style(skeleton, number))
        if place is None:
            written = CellColumn(
                letters=column_letters(number), style=style, formula=column.formula, array=column.array
            )
        else:
            kind = dataset.columns[place].type
            # A body without rows still shows one, empty.
            values = dataset.data[place] if len(dataset) else (None,)
            written = CellColumn(
                letters=column_letters(number), style=formats.suited(style, kind), type=kind, values=values
            )
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
        chosen.set("ref", str(Area(area.left, area.top, area.right, resizing.bottom)))
        for child in list(chosen):
            chosen.remove(child)
    for order in root.findall("{*}sortState"):
        root.remove(order)
    package.replace(resizing.table.part, root)


def _date1904(package: Package) -> bool:
    settings = package.xml(package.workbook).find("{*}workbookPr")
    return settings is not None and settings.get("date1904") in ("1", "true")


def _chart_values(
    resizing: Resizing, dataset: Dataset, places: Sequence[int | None], *, date1904: bool
) -> dependents.CachedValues:
    def values(column: int, top: int) -> list[float | str | None] | None:
        position = column - resizing.table.area.left
        place, rows = places[position], resizing.body.bottom - resizing.body.top + 1
        if top != resizing.body.top:
            return None
        if place is None:
            value = constant(resizing.table.columns[position].formula or "")
            return None if value is None else [value] * rows
        return [plain(value) for value in dataset.data[place]] or [None]

    def plain(value: object) -> float | str | None:
        if isinstance(value, date):
            return serial(value, date1904=date1904)
        if value is None or isinstance(value, int | float | str):
            return value
        return float(str(value))

    return values
