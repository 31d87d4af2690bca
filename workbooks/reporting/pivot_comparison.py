"""A pivot table as it lies in a workbook beside what its fields, wherever they were moved, must show."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workbooks.dataset import Column
from workbooks.form import Language, Text
from workbooks.ooxml.letters import column_letters
from workbooks.reporting.comparison import Compared, Difference, same, written
from workbooks.reporting.pivot_cache import cache_fields, shown
from workbooks.reporting.pivot_layout import NO_FIGURE, PivotLayout, lay_out
from workbooks.reporting.report_definition import PivotField, PivotValue, ReportPivot
from workbooks.reporting.shown_figures import Shown, ShownPivot, plain

_BLANKS = frozenset({"(空白)", "(blank)", "(empty)", "(空)", "(blanks)"})  # of Excel, WPS and LibreOffice
_TOTAL = ("\0total",)
_Key = tuple[str, ...]


def compare_pivot(
    found: ShownPivot, columns: Sequence[Column], data: Sequence[Sequence[Any]], language: Language
) -> Compared:
    """Every figure of *found* beside that over *data*, a sequence of values for each of *columns*."""
    other: Language = "en" if language == "zh" else "zh"
    by_label = {column.label[spoken]: column for spoken in (other, language) for column in columns}
    named = [*found.rows, *found.columns, *(n for n, _ in found.values), *(n for n, _ in found.chosen)]
    strange = [name for name in named if name not in by_label]
    if found.odd or strange:
        why = found.odd or f"unknown fields {', '.join(strange)}"
        return Compared(figures=0, unverified=(_changed(found, why),))
    kept = _kept(found, columns, data, by_label)
    rows = [[values[number] for number in kept] for values in data]
    pivot = ReportPivot(
        name=found.name, table="", total_row=found.total_row,
        rows=tuple(PivotField(column=by_label[name].name) for name in found.rows),
        columns=tuple(PivotField(column=by_label[name].name) for name in found.columns),
        values=tuple(
            PivotValue(label=Text(name, name), column=by_label[name].name, function=function)  # type: ignore[arg-type]
            for name, function in found.values
        ),
    )  # fmt: skip
    grouped = frozenset(by_label[name].name for name in (*found.rows, *found.columns))
    layout = lay_out(pivot, cache_fields(columns, rows, grouped), language)
    differences = tuple(_differences(found, _expected(layout, found, language), layout))
    return Compared(figures=sum(len(line.figures) for line in layout.lines), differences=differences)


def _changed(found: ShownPivot, why: str) -> Text:
    return Text(
        f"透视表“{found.name}”（工作表“{found.sheet}”）布局已改，无法核对：{_WHY.get(why, why)}。",
        f"Pivot table {found.name} (sheet {found.sheet}): layout changed, not verified ({why}).",
    )


_WHY = {
    "no row field or no value": "没有行字段或数值",
    "its values or several fields stand across": "列上有多个字段，或数值在行上",
    "compact form": "压缩形式",
    "tabular form": "表格形式",
    "another function": "使用了其他汇总方式",
    "values shown as shares or differences": "值显示为占比或差异",
    "renamed items": "项目已改名",
    "collapsed items": "有折叠的项目",
    "grouped or calculated items": "有分组或计算项",
    "filters by value or label": "有值筛选或标签筛选",
}


def _kept(
    found: ShownPivot, columns: Sequence[Column], data: Sequence[Sequence[Any]], by_label: Mapping[str, Column]
) -> list[int]:
    """The rows its filters let through."""
    places = {column.name: place for place, column in enumerate(columns)}
    kept = list(range(len(data[0]) if data else 0))
    for name, value in found.chosen:
        values = data[places[by_label[name].name]]
        kept = [n for n in kept if same(plain(values[n]), value)]
    for name, hidden in found.excluded:
        values = data[places[by_label[name].name]]
        kept = [n for n in kept if not any(same(plain(values[n]), value) for value in hidden)]
    return kept


def _expected(layout: PivotLayout, found: ShownPivot, language: Language) -> dict[_Key, dict[_Key, Shown]]:
    """By row and column key, what stands there; column keys are values of the column field or places of values."""
    across: list[_Key] = [(_label(value, language),) for value in layout.columns]
    if layout.column is not None:
        across.append(_TOTAL)
    else:
        across = [(str(place),) for place in range(len(layout.pivot.values))]
    expected = {}
    for line in layout.lines:
        key = tuple(_label(value, language) for value in line.path) or _TOTAL
        figures = dict(zip(across, map(plain, line.figures), strict=True))
        if layout.column is not None and not found.total_column:
            del figures[_TOTAL]
        expected[key] = figures
    return expected


def _label(value: Any, language: Language) -> str:
    return "" if value is None else written(plain(shown(value, language)))


def _read_label(value: Shown) -> str:
    text = written(value)
    return "" if text in _BLANKS else text


def _lines(found: ShownPivot, expected: Mapping[_Key, object]) -> Iterator[tuple[int, _Key]]:
    """Number and key of each line of figures, of outline form; LibreOffice does not say whether the last is a total."""
    above: list[str] = []
    body = range(found.header_rows, len(found.cells))
    for number in body:
        labels = found.cells[number][: found.label_columns]
        filled = [place for place, value in enumerate(labels) if value is not None]
        if filled:
            above = [*above[: filled[0]], *(_read_label(labels[place]) for place in filled)]
        if number == body[-1] and found.total_row and (not filled or tuple(above) not in expected):
            yield number, _TOTAL
        elif filled:
            yield number, tuple(above)


def _across(found: ShownPivot) -> dict[int, _Key]:
    """The key of each column of figures."""
    places = range(found.label_columns, len(found.cells[0]) if found.cells else 0)
    if not found.columns:
        return {place: (str(place - found.label_columns),) for place in places}
    heads = found.cells[found.header_rows - 1]
    last = places[-1] if places and found.total_column else None
    return {place: _TOTAL if place == last else (_read_label(heads[place]),) for place in places}


def _differences(
    found: ShownPivot, expected: dict[_Key, dict[_Key, Shown]], layout: PivotLayout
) -> Iterator[Difference]:
    across, left = _across(found), set(expected)
    captions = [name for name, _ in found.values]
    for number, key in _lines(found, expected):
        figures = expected.get(key)
        place_of = f"{column_letters(found.left)}{found.top + number}"
        if figures is None or key not in left:
            yield Difference(kind="added", part=found.name, sheet=found.sheet, cell=place_of, row=_words(key))
            continue
        left.discard(key)
        for place, column in across.items():
            here = found.cells[number][place]
            there = figures.get(column)
            if not _same(here, there):
                named = _words(column) if found.columns else captions[int(column[0])]
                yield Difference(
                    kind="figure", part=found.name, sheet=found.sheet,
                    cell=f"{column_letters(found.left + place)}{found.top + number}", row=_words(key), column=named,
                    in_workbook=here, in_database=there,
                )  # fmt: skip
        for column in figures.keys() - set(across.values()):
            named = _words(column) if found.columns else captions[int(column[0])]
            yield Difference(
                kind="missing", part=found.name, sheet=found.sheet, cell=place_of, row=_words(key), column=named,
                in_database=figures[column],
            )  # fmt: skip
    for key in expected:
        if key in left and key != _TOTAL:
            yield Difference(kind="missing", part=found.name, sheet=found.sheet, row=_words(key))


def _same(here: Shown, there: Shown) -> bool:
    """A mean or sum over nothing is a dash or 0 here and in Excel, and nothing where LibreOffice refreshed."""
    return same(here, there) or (here is None and there in (NO_FIGURE, 0))


def _words(key: _Key) -> str:
    return "总计 / total" if key == _TOTAL else " · ".join(part or "(空白)" for part in key)
