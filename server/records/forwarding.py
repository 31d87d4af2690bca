"""Records stored under an older version of their form, brought to the current one when the server starts."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from server.database import table_of
from server.records import form_tables
from server.records.models import Record, Revision
from server.records.stored_answers import answers_hash, key_hash, stored_values
from workbooks.filled import Values
from workbooks.form import FormDefinition

_RECORDS, _REVISIONS = table_of(Record), table_of(Revision)
_AT_ONCE = 500


def bring_forward(connection: Connection, definitions: Mapping[str, FormDefinition]) -> dict[str, int]:
    """
    Write what the migrations of *definitions* make of older records into the forms' tables.

    Only the projections change: the tables' rows, and the hashes by which a record is
    found. Revisions stay as they were stored. The result says how many records of which
    form were brought to its current version.
    """
    counts: dict[str, int] = {}
    for definition in definitions.values():
        older = _older(connection, definition)
        for start in range(0, len(older), _AT_ONCE):
            _rewrite(connection, definition, older[start : start + _AT_ONCE])
        if older:
            counts[definition.form_id] = len(older)
    return counts


def _older(connection: Connection, definition: FormDefinition) -> list[int]:
    """The ids of the records that migrations lead from and that have not been brought forward."""
    if not definition.migrations:
        return []
    c = _RECORDS.c
    query = select(c.id).where(
        c.form_id == definition.form_id,
        c.version >= definition.migrations[0].to - 1,
        c.version < definition.version,
    )
    return list(connection.scalars(query.order_by(c.id)))


def _rewrite(connection: Connection, definition: FormDefinition, ids: Sequence[int]) -> None:
    current = (_REVISIONS.c.record_id == _RECORDS.c.id) & (_REVISIONS.c.revision == _RECORDS.c.revision)
    query = select(_RECORDS.c.id, _REVISIONS.c.version, _REVISIONS.c.answers).join(_REVISIONS, current)
    found = {
        record_id: stored_values(definition, version, answers)
        for record_id, version, answers in connection.execute(query.where(_RECORDS.c.id.in_(ids)))
    }
    records = [
        {
            "this": record_id,
            "version": definition.version,
            "key_hash": key_hash(definition, values),
            "content_hash": answers_hash(definition, values),
        }
        for record_id, values in found.items()
    ]
    connection.execute(update(_RECORDS).where(_RECORDS.c.id == bindparam("this")), records)
    table = form_tables.table(definition)
    rows = [form_tables.row(definition, values) | {"this": record_id} for record_id, values in found.items()]
    connection.execute(update(table).where(table.c.record_id == bindparam("this")), rows)
    _rewrite_lines(connection, definition, found)


def _rewrite_lines(connection: Connection, definition: FormDefinition, found: Mapping[int, Values]) -> None:
    for child in form_tables.repeat_tables(definition).values():
        connection.execute(delete(child).where(child.c.record_id.in_(found)))
    lines: dict[str, tuple[Any, list[dict[str, Any]]]] = {}
    for record_id, values in found.items():
        for child, rows in form_tables.lines(definition, values):
            lines.setdefault(child.name, (child, []))[1].extend(row | {"record_id": record_id} for row in rows)
    for child, rows in lines.values():
        connection.execute(insert(child), rows)
