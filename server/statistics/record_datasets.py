"""The records of each form as rows, one dataset for the form and one for each of its repeats."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import time
from types import SimpleNamespace
from typing import Any, NamedTuple

from server.statistics.periods import month_of
from server.statistics.tabular import Computed, Query, Value, by_place
from workbooks.dataset import Column, ColumnType
from workbooks.form import Field, FieldType, FormDefinition, Repeat, Text
from workbooks.reporting.dataset_definition import Anchor, DatasetDefinition, Measure
from workbooks.values import show

PREFIX = "records_"
_TYPES: Mapping[FieldType, ColumnType] = {
    FieldType.INTEGER: "integer",
    FieldType.DECIMAL: "decimal",
    FieldType.DATE: "date",
    FieldType.DATETIME: "datetime",
}
_RECORD_ROWS = Text(
    "每行一条记录的当前内容，选项为标签；月、日期按首次接收时间，期间也按它；数量=1，便于透视计数。",
    "One row per record as it stands, choices as labels; month and date by the time first received, so does the "
    "period. Count is 1, for pivots.",
)
_RECORD_LINES = Text(
    "每行一条记录中的一行明细；月、日期按记录首次接收时间，期间也按它；数量=1，便于透视计数。",
    "One row per line of a record's table; month and date by the time the record was first received, so does the "
    "period. Count is 1, for pivots.",
)
_ANCHOR = Anchor(column="received_on", label=Text("首次接收时间", "time first received"))
_DIMENSIONS = ("station", "customer", "vehicle_type", "system")
_Fact = tuple[Mapping[str, Any], Mapping[str, Any]]  # the record, and the line of a repeat (or the record again)


def names(forms: Mapping[str, FormDefinition]) -> Iterable[str]:
    """The datasets of all *forms*: records_<form_id>, and records_<form_id>__<repeat>."""
    for form_id, definition in forms.items():
        yield f"{PREFIX}{form_id}"
        yield from (f"{PREFIX}{form_id}__{repeat.name}" for repeat in definition.repeats)


def definition_of(name: str, forms: Mapping[str, FormDefinition]) -> DatasetDefinition:
    """What the dataset *name*, which `names` has, holds: it follows from its form."""
    form, repeat = _form_of(name, forms)
    counted = "records" if repeat is None else "lines"
    columns = [column for column, _ in _columns(form, repeat)]
    count = next(column for column in reversed(columns) if column.name.startswith(counted))
    return DatasetDefinition(
        name=name,
        title=repeat.label if repeat else form.title,
        row=Text("记录中的一行明细", "one line of a record") if repeat else Text("一条记录", "one record"),
        definition=_RECORD_LINES if repeat else _RECORD_ROWS,
        anchor=_ANCHOR,
        columns=tuple(columns),
        measures=(
            Measure(
                name=counted,
                label=Text("合计数量", "Total count"),
                column=count.name,
                definition=Text("行数", "number of rows"),
            ),
        ),
    )


def computed(name: str, forms: Mapping[str, FormDefinition]) -> Computed[_Fact]:
    """How the rows of the dataset *name* come about; narrowed by the day a record was first received."""
    form, repeat = _form_of(name, forms)

    def facts(query: Query) -> Iterator[_Fact]:
        for row in query.sources.view.rows(form.form_id, *((repeat.name,) if repeat else ())):
            if query.period.holds(_received_on(row, query)) and query.sources.selected(_dimensions(row)):
                for line in row[repeat.name] if repeat else (row,):
                    yield row, line

    return Computed(facts=facts, values={column.name: value for column, value in _columns(form, repeat)})


def _form_of(name: str, forms: Mapping[str, FormDefinition]) -> tuple[FormDefinition, Repeat | None]:
    form_id, _, repeat_name = name.removeprefix(PREFIX).partition("__")
    form = forms[form_id]
    return form, next((repeat for repeat in form.repeats if repeat.name == repeat_name), None)


def _dimensions(row: Mapping[str, Any]) -> SimpleNamespace:
    """The record by what people select: its station, and its customer where the form asks for one."""
    return SimpleNamespace(**{name: row[name] for name in ("station", "customer") if name in row})


def _received_on(row: Mapping[str, Any], query: Query) -> Any:
    return query.sources.view.local_time(row["created_at"]).date()


def _selected(row: Mapping[str, Any], query: Query) -> bool:
    """Whether the record is of the place, customer and product asked for, as far as its form names them."""
    return query.sources.selected(SimpleNamespace(**{name: row[name] for name in _DIMENSIONS if name in row}))


def _columns(form: FormDefinition, repeat: Repeat | None) -> Iterator[tuple[Column, Value]]:
    """The columns of a form's records, or of the lines of its *repeat*, each with its value."""
    own: list[tuple[str, Text, ColumnType, Value]] = [
        ("number", Text("编号", "Number"), "text", lambda f, q: f[0]["number"]),
        ("received_on", Text("接收日期", "Received on"), "date", lambda f, q: _received_on(f[0], q)),
        ("month", Text("月", "Month"), "text", lambda f, q: month_of(_received_on(f[0], q))),
        ("region", Text("区域", "Region"), "text", lambda f, q: q.region(f[0]["station"])),
        ("station", Text("站点", "Station"), "text", lambda f, q: _station(f[0], q)),
    ]
    if repeat is not None:
        own.append(("line", Text("行", "Line"), "integer", lambda f, q: f[1]["line"]))
    fields = list(repeat.fields) if repeat is not None else list(form.fields)
    asked = [(field.name, _label(field), _TYPES.get(field.type, "text"), _value(field)) for field in fields]
    counted = ("records" if repeat is None else "lines", Text("数量", "Count"), "integer", lambda f, q: 1)
    units = {field.name: field.unit for field in fields}
    taken_names, taken_labels = set[str](), set[str]()
    for name, label, kind, value in [*own, *asked, counted]:
        if name == "station" and name in taken_names:
            continue  # the field that says which station the record belongs to
        unit = units.get(name)
        name, label = _free(name, label, taken_names, taken_labels)
        yield Column(name, label, kind, unit), value  # type: ignore[arg-type]


def _station(record: Mapping[str, Any], query: Query) -> str | None:
    return query.master("stations", record["station"]) if record["station"] else None


def _free(name: str, label: Text, names: set[str], labels: set[str]) -> tuple[str, Text]:
    """Name and heading, numbered where a column before has them: an Excel table's headings are all different."""
    number, free, shown = 1, name, label
    while free in names:
        number += 1
        free = f"{name}_{number}"
    number = 1
    while {shown.zh, shown.en} & labels:
        number += 1
        shown = Text(f"{label.zh} {number}", f"{label.en} {number}")
    names.add(free)
    labels.update((shown.zh, shown.en))
    return free, shown


def _label(field: Field) -> Text:
    if field.unit is None:
        return field.label
    return Text(f"{field.label.zh}（{field.unit.zh}）", f"{field.label.en} ({field.unit.en})")


def _value(field: Field) -> Value:
    """The answer as people read it; numbers and dates as such."""
    if field.type in _TYPES:
        return lambda fact, query: fact[1].get(field.name)

    def shown(fact: _Fact, query: Query) -> Any:
        value = fact[1].get(field.name)
        if isinstance(value, str) and field.type in (FieldType.SELECT_MULTIPLE, FieldType.IMAGE):
            value = tuple(value.split(","))
        if isinstance(value, time):
            return f"{value:%H:%M}"
        return show(field, value, query.language, query.names) or None

    return shown


class _Received(NamedTuple):
    """How many records of a form were first received in a month at a station."""

    form_id: str
    month: str
    station: str | None
    records: int


def _received(query: Query) -> list[_Received]:
    counts: Counter[tuple[str, str, str | None]] = Counter()
    view = query.sources.view
    for form_id in view.site.definitions:
        for row in view.rows(form_id):
            day = view.local_time(row["created_at"]).date()
            if query.period.holds(day) and _selected(row, query):
                counts[form_id, month_of(day), row["station"]] += 1
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], item[0][1], item[0][2] or ""))
    return [_Received(*key, count) for key, count in ordered]


COMPUTED = {
    "records_by_form": Computed(
        facts=_received,
        values={
            "form": lambda r, q: q.sources.view.site.definitions[r.form_id].title[q.language],
            "month": lambda r, q: r.month,
            **by_place(),
            "records": lambda r, q: r.records,
        },
    )
}
