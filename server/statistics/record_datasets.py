"""The records of each form as rows, one dataset for the form and one for each of its repeats."""

from collections.abc import Callable, Iterable, Mapping
from datetime import time
from typing import Any

from server.statistics import definitions
from server.statistics.labels import Labels
from server.statistics.periods import month_of
from server.statistics.sources import Sources
from server.statistics.tabular import Cell, Period, dataset
from workbooks.dataset import Column, ColumnType, Dataset
from workbooks.form import Field, FieldType, FormDefinition, Language, Repeat, Text
from workbooks.master import Master
from workbooks.values import show

PREFIX = "records_"
_TYPES: Mapping[FieldType, ColumnType] = {
    FieldType.INTEGER: "integer",
    FieldType.DECIMAL: "decimal",
    FieldType.DATE: "date",
    FieldType.DATETIME: "datetime",
}
_Fact = tuple[Mapping[str, Any], Mapping[str, Any]]  # the record, and the line of a repeat (or the record again)


def names(forms: Mapping[str, FormDefinition]) -> Iterable[str]:
    """The datasets of all *forms*: records_<form_id>, and records_<form_id>__<repeat>."""
    for form_id, definition in forms.items():
        yield f"{PREFIX}{form_id}"
        yield from (f"{PREFIX}{form_id}__{repeat.name}" for repeat in definition.repeats)


def load(name: str, sources: Sources, period: Period, language: Language) -> Dataset:
    """The rows of dataset *name*, which `names` has; narrowed by the day a record was first received."""
    form_id, _, repeat_name = name.removeprefix(PREFIX).partition("__")
    definition = sources.view.site.definitions[form_id]
    repeat = next((repeat for repeat in definition.repeats if repeat.name == repeat_name), None)
    rows = [
        row
        for row in sources.view.rows(form_id, *((repeat.name,) if repeat else ()))
        if period.holds(sources.view.local_time(row["created_at"]).date())
    ]
    facts: list[_Fact] = [(row, line) for row in rows for line in (row[repeat.name] if repeat else [row])]
    return dataset(
        name,
        repeat.label if repeat else definition.title,
        list(_cells(definition, repeat, sources, language)),
        facts,
        as_of=sources.now,
        definition=definitions.RECORD_LINES if repeat else definitions.RECORD_ROWS,
        period=period,
    )


def _cells(
    definition: FormDefinition, repeat: Repeat | None, sources: Sources, language: Language
) -> Iterable[Cell[_Fact]]:
    site, session = sources.view.site, sources.view.session
    master = site.master(session, retired=True)
    labels = Labels(definition, master)
    local = sources.view.local_time

    def station(record: Mapping[str, Any]) -> str | None:
        code = record["station"]
        return labels.master("stations", code)[language] if code else None

    own: list[tuple[str, Text, ColumnType, Callable[[_Fact], Any]]] = [
        ("number", Text("编号", "Number"), "text", lambda f: f[0]["number"]),
        ("received_on", Text("接收日期", "Received on"), "date", lambda f: local(f[0]["created_at"]).date()),
        ("month", Text("月", "Month"), "text", lambda f: month_of(local(f[0]["created_at"]).date())),
        ("region", Text("区域", "Region"), "text", lambda f: labels.region(f[0]["station"])[language]),
        ("station", Text("站点", "Station"), "text", lambda f: station(f[0])),
    ]
    if repeat is not None:
        own.append(("line", Text("行", "Line"), "integer", lambda f: f[1]["line"]))
    fields = list(repeat.fields) if repeat is not None else list(definition.fields)
    asked = [
        (field.name, _label(field), _TYPES.get(field.type, "text"), _value(field, language, master)) for field in fields
    ]
    counted = ("records" if repeat is None else "lines", Text("数量", "Count"), "integer", lambda f: 1)
    taken_names, taken_labels = set[str](), set[str]()
    for name, label, kind, value in [*own, *asked, counted]:
        if name == "station" and name in taken_names:
            continue  # the field that says which station the record belongs to
        name, label = _free(name, label, taken_names, taken_labels)
        yield Cell(Column(name, label, kind), value)  # type: ignore[arg-type]


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


def _value(field: Field, language: Language, master: Master) -> Callable[[_Fact], Any]:
    """The answer as people read it; numbers and dates as such."""
    if field.type in _TYPES:
        return lambda fact: fact[1].get(field.name)

    def shown(fact: _Fact) -> Any:
        value = fact[1].get(field.name)
        if isinstance(value, str) and field.type in (FieldType.SELECT_MULTIPLE, FieldType.IMAGE):
            value = tuple(value.split(","))
        if isinstance(value, time):
            return f"{value:%H:%M}"
        return show(field, value, language, master) or None

    return shown
