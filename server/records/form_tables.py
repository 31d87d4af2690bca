"""Real, typed tables for each form: one row per record, one child table per repeat."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Insert,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    Time,
    insert,
    inspect,
)
from sqlalchemy.schema import CreateIndex
from sqlalchemy.types import TypeEngine

from server.database import UtcDateTime, table_of
from server.records.models import Record
from server.settings import SettingsError
from workbooks.filled import Values
from workbooks.form import Field, FieldType, FormDefinition

_LONGEST = 63  # PostgreSQL cuts longer names without a word
_SYSTEM = ("record_id", "number", "revision", "station", "created_at", "updated_at")
_CHILD_SYSTEM = ("record_id", "line")

# asdecimal=False: SQLite has no decimals; the exact value is in the revision's JSON.
_TYPES: Mapping[FieldType, TypeEngine[Any]] = {
    FieldType.TEXT: Text(),
    FieldType.INTEGER: BigInteger(),
    FieldType.DECIMAL: Numeric(asdecimal=False),
    FieldType.DATE: Date(),
    FieldType.TIME: Time(),
    FieldType.DATETIME: DateTime(),
    FieldType.SELECT_ONE: Text(),
    FieldType.SELECT_MULTIPLE: Text(),
    FieldType.PERSON: Text(),
    FieldType.IMAGE: Text(),
}

_Built = tuple[FormDefinition, Table, dict[str, Table], Insert]
_tables: dict[int, _Built] = {}


def table(definition: FormDefinition) -> Table:
    """
    The table of *definition*'s records: `form_<form_id>`.

    Beside the form's own columns it has record_id, number, revision, station (the
    station the record belongs to), created_at and updated_at.
    """
    return _built(definition)[1]


def repeat_tables(definition: FormDefinition) -> Mapping[str, Table]:
    """The child tables by repeat: record_id, line (from 1) and the repeat's columns."""
    return _built(definition)[2]


def insertion(definition: FormDefinition) -> Insert:
    """The statement that adds one row to the form's table; the same object each time."""
    return _built(definition)[3]


def station_field(definition: FormDefinition) -> Field | None:
    """The field that says which station a record belongs to: the first that chooses from the stations."""
    return next((f for f in definition.fields if f.master is not None and f.master.table == "stations"), None)


def ensure(connection: Connection, definitions: Mapping[str, FormDefinition]) -> None:
    """
    Create the tables of *definitions* that are missing, and the columns their tables lack.

    Nothing else is ever changed here: a column whose field is gone stays, with its data.

    Raises:
        SettingsError: A field changed its type, or has the name of one of our own columns.
    """
    inspector = inspect(connection)
    present = set(inspector.get_table_names())
    for definition in definitions.values():
        for wanted in (table(definition), *repeat_tables(definition).values()):
            if wanted.name not in present:
                wanted.create(connection)
                continue
            columns = {column["name"]: column["type"] for column in inspector.get_columns(wanted.name)}
            for column in wanted.columns:
                if column.name not in columns:
                    _add_column(connection, wanted, column)
                elif not isinstance(columns[column.name], _family(column.type)):
                    raise SettingsError(
                        f"form {definition.form_id}: {wanted.name}.{column.name} holds {columns[column.name]} in the "
                        f"database, but the form now says {column.type}; give the field a new name, or write a "
                        "migration that converts the column"
                    )


def row(definition: FormDefinition, values: Values) -> dict[str, Any]:
    """The form's own columns of one record, as the database takes them."""
    return {field.name: stored(values.get(field.name)) for field in definition.fields}


def lines(definition: FormDefinition, values: Values) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """(child table, its rows without record_id) for every repeat that has entries."""
    tables = repeat_tables(definition)
    for repeat in definition.repeats:
        entries = values.get(repeat.name) or ()
        if isinstance(entries, tuple) and entries:
            yield (
                tables[repeat.name],
                [_line(number, entry, repeat.fields) for number, entry in enumerate(entries, start=1)],
            )


def stored(value: Any) -> Any:
    """One checked answer as its column takes it; several codes are joined with commas."""
    if isinstance(value, tuple):
        return ",".join(value) or None
    if isinstance(value, Decimal):
        return float(value)
    return value


def python_type(field: Field) -> type[int] | type[float] | type[str] | type[date] | type[datetime] | type[time]:
    """What a comparison with the column of *field* takes."""
    kinds: dict[FieldType, Any] = {
        FieldType.INTEGER: int,
        FieldType.DECIMAL: float,
        FieldType.DATE: date,
        FieldType.DATETIME: datetime,
        FieldType.TIME: time,
    }
    return kinds.get(field.type, str)  # type: ignore[no-any-return]


def column_type(field: Field) -> TypeEngine[Any]:
    """The type of the column that holds the answers of *field*."""
    return _TYPES[field.type]


def table_name(wanted: str) -> str:
    """*wanted*, or as much of it as a database takes, made unique by its hash."""
    if len(wanted) <= _LONGEST:
        return wanted
    return f"{wanted[: _LONGEST - 9]}_{hashlib.sha256(wanted.encode()).hexdigest()[:8]}"


def _line(number: int, entry: Any, fields: tuple[Field, ...]) -> dict[str, Any]:
    cells: dict[str, Any] = {field.name: stored(entry.get(field.name)) for field in fields}
    return {"line": number, **cells}


def _built(definition: FormDefinition) -> _Built:
    # By object: two versions of one form may live in one process. The definition is kept, so its id stays its own.
    built = _tables.get(id(definition))
    if built is None:
        main, children = _build(definition, MetaData())
        built = _tables[id(definition)] = (definition, main, children, insert(main))
    return built


def _build(definition: FormDefinition, metadata: MetaData) -> tuple[Table, dict[str, Table]]:
    table_of(Record).to_metadata(metadata)
    name = table_name(f"form_{definition.form_id}")
    station = station_field(definition)
    own = [f for f in definition.fields if not (station is not None and f.name == station.name == "station")]
    _refuse_taken(definition, [f.name for f in own], _SYSTEM)
    main = Table(
        name,
        metadata,
        Column("record_id", ForeignKey("records.id"), primary_key=True, autoincrement=False),
        Column("number", Text, nullable=False, unique=True),
        Column("revision", Integer, nullable=False),
        Column("station", Text),
        Column("created_at", UtcDateTime, nullable=False),
        Column("updated_at", UtcDateTime, nullable=False),
        *(Column(f.name, _TYPES[f.type]) for f in own),
    )
    Index(table_name(f"ix_{name}_station"), main.c.station)
    children: dict[str, Table] = {}
    for repeat in definition.repeats:
        _refuse_taken(definition, [f.name for f in repeat.fields], _CHILD_SYSTEM)
        children[repeat.name] = Table(
            table_name(f"{name}__{repeat.name}"),
            metadata,
            Column("record_id", ForeignKey("records.id"), primary_key=True, autoincrement=False),
            Column("line", Integer, primary_key=True, autoincrement=False),
            *(Column(f.name, _TYPES[f.type]) for f in repeat.fields),
        )
    return main, children


def _refuse_taken(definition: FormDefinition, names: list[str], taken: tuple[str, ...]) -> None:
    for name in names:
        if name in taken:
            raise SettingsError(
                f"form {definition.form_id}: a field may not be called {name!r}, our own column has that name"
            )


def _add_column(connection: Connection, wanted: Table, column: Column[Any]) -> None:
    preparer = connection.dialect.identifier_preparer
    kind = column.type.compile(dialect=connection.dialect)
    connection.exec_driver_sql(
        f"ALTER TABLE {preparer.format_table(wanted)} ADD COLUMN {preparer.format_column(column)} {kind}"
    )
    for index in wanted.indexes:
        if column.name in index.columns:
            connection.execute(CreateIndex(index, if_not_exists=True))


def _family(kind: TypeEngine[Any]) -> type[TypeEngine[Any]]:
    if isinstance(kind, UtcDateTime):
        return DateTime
    for family in (Integer, Numeric, DateTime, Date, Time, String):
        if isinstance(kind, family):
            return family
    raise TypeError(kind)
