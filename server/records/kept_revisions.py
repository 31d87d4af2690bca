"""Every revision of a form as a typed row with the time it held: what a record was at any instant, from one index."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    MetaData,
    Table,
    Text,
    func,
    insert,
    inspect,
    select,
    update,
)

from server.database import UtcDateTime, table_of
from server.records import form_tables
from server.records.models import Record, Revision
from server.records.stored_answers import stored_values
from workbooks.filled import Values
from workbooks.form import FormDefinition

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
_RECORDS, _REVISIONS = table_of(Record), table_of(Revision)
_AT_ONCE = 1000
_tables: dict[int, tuple[FormDefinition, Table]] = {}


def table(definition: FormDefinition) -> Table:
    """
    The revisions of *definition*'s records: `form_<form_id>__kept_revisions`.

    A row holds from known_from (included) to known_to (excluded, `FOREVER` for the
    current one). number and station are the record's, the station as that revision says
    it; the other columns are those that the form's kept_revisions names.
    """
    # By object, as the form's own tables.
    built = _tables.get(id(definition))
    if built is None:
        built = _tables[id(definition)] = (definition, _build(definition))
    return built[1]


def ensure(connection: Connection, definitions: Mapping[str, FormDefinition], migrated: Iterable[str] = ()) -> None:
    """
    Bring the kept revisions of *definitions* up to date with the revisions there are.

    They are written anew from the revisions where the table is missing, lacks a column,
    has fallen behind, or the form was just *migrated* to a new version.
    """
    for definition in definitions.values():
        if definition.kept_revisions is None:
            continue
        if definition.form_id in migrated or not _up_to_date(connection, definition):
            wanted = table(definition)
            wanted.drop(connection, checkfirst=True)
            wanted.create(connection)
            _write_all(connection, definition)


def _up_to_date(connection: Connection, definition: FormDefinition) -> bool:
    wanted, inspector = table(definition), inspect(connection)
    if not inspector.has_table(wanted.name):
        return False
    present = {column["name"] for column in inspector.get_columns(wanted.name)}
    present |= {str(index["name"]) for index in inspector.get_indexes(wanted.name)}
    if not present >= {c.name for c in wanted.columns} | {index.name for index in wanted.indexes}:
        return False
    last: int | None = connection.scalar(select(func.max(wanted.c.revision_id)))
    return _newest(connection, definition) == last


def keep(
    connection: Connection,
    definition: FormDefinition,
    values: Values,
    *,
    revision_id: int,
    record_id: int,
    number: str,
    station: str | None,
    at: datetime,
) -> None:
    """Add the newest revision of a record; it ends the one before."""
    if definition.kept_revisions is None:
        return
    kept = table(definition)
    # Of revisions that came in the wrong order the later number counts from its own time on.
    connection.execute(update(kept).where(kept.c.record_id == record_id, kept.c.known_to > at).values(known_to=at))
    written = row(definition, values, station) | {
        "revision_id": revision_id,
        "record_id": record_id,
        "number": number,
        "known_from": at,
        "known_to": FOREVER,
    }
    connection.execute(insert(kept), written)


def row(definition: FormDefinition, values: Values, station: str | None) -> dict[str, Any]:
    """What a revision with *values* keeps of its answers; *station* is the record's, where they name none."""
    assert definition.kept_revisions is not None
    kept = {name: form_tables.stored(values.get(name)) for name in definition.kept_revisions.columns}
    return kept | {"station": kept.get("station") or station}


def _build(definition: FormDefinition) -> Table:
    assert definition.kept_revisions is not None
    metadata = MetaData()
    table_of(Record).to_metadata(metadata)
    table_of(Revision).to_metadata(metadata)
    name = form_tables.table_name(f"form_{definition.form_id}__kept_revisions")
    own = [field for field in definition.kept_revisions.columns if field != "station"]
    built = Table(
        name,
        metadata,
        Column("revision_id", ForeignKey("revisions.id"), primary_key=True, autoincrement=False),
        Column("record_id", ForeignKey("records.id"), nullable=False),
        Column("number", Text, nullable=False),
        Column("station", Text),
        Column("known_from", UtcDateTime, nullable=False),
        Column("known_to", UtcDateTime, nullable=False),
        *(Column(field, form_tables.column_type(definition.field(field))) for field in own),
    )
    # With the end of each row in the index, what has been replaced is passed over without a look at the table.
    for columns in (("record_id",), *definition.kept_revisions.indexes):
        index = form_tables.table_name(f"ix_{name}_{'_'.join(columns)}")
        Index(index, *(built.c[column] for column in columns), built.c.known_to)
    return built


def _newest(connection: Connection, definition: FormDefinition) -> int | None:
    """The id of the newest revision of any of the form's records."""
    if connection.scalar(select(_RECORDS.c.id).where(_RECORDS.c.form_id == definition.form_id).limit(1)) is None:
        return None
    query = select(_REVISIONS.c.id).join(_RECORDS, _RECORDS.c.id == _REVISIONS.c.record_id)
    newest = query.where(_RECORDS.c.form_id == definition.form_id).order_by(_REVISIONS.c.id.desc()).limit(1)
    return connection.scalar(newest)


def _write_all(connection: Connection, definition: FormDefinition) -> None:
    last = 0
    own = _RECORDS.c.form_id == definition.form_id
    while True:
        page = select(_RECORDS.c.id).where(own, _RECORDS.c.id > last).order_by(_RECORDS.c.id).limit(_AT_ONCE)
        ids = connection.scalars(page).all()
        if not ids:
            return
        query = (
            select(_RECORDS.c.number, _RECORDS.c.station, _REVISIONS)
            .join(_RECORDS, _RECORDS.c.id == _REVISIONS.c.record_id)
            .where(own, _RECORDS.c.id.between(ids[0], ids[-1]))
            .order_by(_REVISIONS.c.record_id, _REVISIONS.c.revision.desc())
        )
        rows = list(_typed(definition, connection.execute(query).mappings()))
        connection.execute(insert(table(definition)), rows)
        last = ids[-1]


def _typed(definition: FormDefinition, newest_first: Iterable[Mapping[Any, Any]]) -> Iterator[dict[str, Any]]:
    record_id, known_to = 0, FOREVER
    for found in newest_first:
        if found["record_id"] != record_id:
            record_id, known_to = found["record_id"], FOREVER
        values = stored_values(definition, found["version"], found["answers"])
        yield row(definition, values, found["station"]) | {
            "revision_id": found["id"],
            "record_id": record_id,
            "number": found["number"],
            "known_from": found["at"],
            "known_to": known_to,
        }
        known_to = min(known_to, found["at"])
