"""Lists of records as datasets, to be written into workbooks and CSV files."""

from collections.abc import Iterable, Sequence
from datetime import datetime, time
from typing import Any, cast
from zoneinfo import ZoneInfo

from server.records.listing import RecordRow
from server.records.outcome import STATE_TEXT
from workbooks.dataset import Column, ColumnType, Dataset
from workbooks.filled import Row, Value
from workbooks.form import Field, FieldType, FormDefinition, Language, Text
from workbooks.master import Master
from workbooks.values import show

_TYPES: dict[FieldType, ColumnType] = {
    FieldType.INTEGER: "integer",
    FieldType.DECIMAL: "decimal",
    FieldType.DATE: "date",
    FieldType.DATETIME: "datetime",
}
_NUMBER = Column("number", Text("编号", "Number"), "text")
_LINE = Column("line", Text("行", "Line"), "integer")
_BEFORE = (
    _NUMBER,
    Column("revision", Text("版次", "Revision"), "integer"),
    Column("state", Text("状态", "State"), "text"),
)
_AFTER = (
    Column("created_at", Text("首次接收", "First received"), "datetime"),
    Column("updated_at", Text("最近更新", "Updated"), "datetime"),
)
_SHOWN = Text("按当前筛选条件导出的记录", "the records the list showed, in its order")


def records_datasets(
    definition: FormDefinition, rows: Sequence[RecordRow], *, master: Master, language: Language, zone: ZoneInfo
) -> list[Dataset]:
    """
    *rows* as people read them, choices and codes as labels in *language*, times in *zone*.

    The first dataset has one row per record; each repeat follows as one of its own, with
    the record's number in front of each line.
    """
    now = datetime.now(zone).replace(tzinfo=None)
    fields = list(definition.fields)

    def cell(field: Field, value: Value) -> Any:
        return _cell(field, value, master, language)

    datasets = [
        Dataset(
            name=definition.form_id,
            title=definition.title,
            columns=(*_BEFORE, *map(_column, fields), *_AFTER),
            data=_by_column(
                len(_BEFORE) + len(fields) + len(_AFTER),
                (
                    (
                        row.number,
                        row.revision,
                        STATE_TEXT[row.state][language],
                        *(cell(field, cast(Value, row.values.get(field.name))) for field in fields),
                        _local(row.created_at, zone),
                        _local(row.updated_at, zone),
                    )
                    for row in rows
                ),
            ),
            as_of=now,
            definition=_SHOWN,
        )
    ]
    for repeat in definition.repeats:
        lines = (
            (row.number, number, *(cell(field, line.get(field.name)) for field in repeat.fields))
            for row in rows
            for number, line in enumerate(cast(tuple[Row, ...], row.values.get(repeat.name) or ()), start=1)
        )
        datasets.append(
            Dataset(
                name=f"{definition.form_id}__{repeat.name}",
                title=repeat.label,
                columns=(_NUMBER, _LINE, *map(_column, repeat.fields)),
                data=_by_column(2 + len(repeat.fields), lines),
                as_of=now,
                definition=_SHOWN,
            )
        )
    return datasets


def _column(field: Field) -> Column:
    label = field.label
    if field.unit:
        label = Text(f"{label.zh}（{field.unit.zh}）", f"{label.en} ({field.unit.en})")
    return Column(field.name, label, _TYPES.get(field.type, "text"))


def _cell(field: Field, value: Value, master: Master, language: Language) -> Any:
    if field.type in _TYPES and not isinstance(value, str | tuple | time):
        return value
    return show(field, value, language, master) or None


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, microsecond=0)


def _by_column(width: int, rows: Iterable[Sequence[Any]]) -> tuple[Sequence[Any], ...]:
    columns = tuple(zip(*rows, strict=True))
    return columns or ((),) * width
