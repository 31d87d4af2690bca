"""Conditions on records as people write them ("severity=critical") and as SQL."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, get_args
from typing import cast as typed
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, String, cast, exists, func, literal, or_, select

from server.database import UtcDateTime, table_of
from server.records import form_tables
from server.records.master_tables import MODELS
from server.records.models import Record
from workbooks.form import Field, FieldType, FormDefinition

Operator = Literal["=", "!=", ">", ">=", "<", "<=", "~"]
SYSTEM_FIELDS = ("number", "revision", "state", "created_at", "updated_at")
_LARGEST = (1 << 63) - 1  # what a database's whole numbers hold
_SHAPE = re.compile(r"\s*([a-z][a-z0-9_.]*)\s*(>=|<=|!=|=|>|<|~)(.*)", re.DOTALL)


class BadCondition(ValueError):
    """A condition or order that cannot be meant; the text says why and what is known."""


@dataclass(frozen=True, slots=True)
class Condition:
    """
    One thing asked of a record: *field* is a field's path or one of `SYSTEM_FIELDS`.

    "~" means contains. An empty value asks for an empty answer.
    """

    field: str
    operator: Operator
    value: str


def parse_condition(text: str) -> Condition:
    """
    "severity=critical", "occurred_at>=2026-01-01", "symptom~车门".

    Raises:
        BadCondition: It does not have this shape.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise BadCondition(f"{text!r} is no condition; write field=value with one of {' '.join(get_args(Operator))}")
    name, operator, value = match.groups()
    return Condition(name, typed(Operator, operator), value.strip())


def where(definition: FormDefinition, condition: Condition, zone: ZoneInfo) -> ColumnElement[bool]:
    """
    *condition* as SQL over the form's table joined with records.

    Raises:
        BadCondition: The form has no such field, or the value is not of its type.
    """
    name = condition.field
    if name in SYSTEM_FIELDS:
        return _compare(table_of(Record).c[name], None, condition, zone)
    try:
        field = definition.field(name)
    except KeyError:
        known = ", ".join([*SYSTEM_FIELDS, *(path for path, _ in definition.paths())])
        raise BadCondition(f"{definition.form_id} has no field {name!r}; known are {known}") from None
    repeat, _, inner = name.rpartition(".")
    if not repeat:
        return _compare(form_tables.table(definition).c[name], field, condition, zone)
    child = form_tables.repeat_tables(definition)[repeat]
    mine = child.c.record_id == table_of(Record).c.id
    return exists(select(child.c.line).where(mine, _compare(child.c[inner], field, condition, zone)))


def order_by(definition: FormDefinition, order: str) -> list[Any]:
    """
    "updated_at" or "-updated_at": a system field or a field of the form, "-" for descending.

    Raises:
        BadCondition: The form has no such field.
    """
    name = order.removeprefix("-")
    table = form_tables.table(definition)
    if name in SYSTEM_FIELDS:
        column: Any = table_of(Record).c[name]
    elif name in table.c and name != "record_id":
        column = table.c[name]
    else:
        raise BadCondition(f"{definition.form_id} cannot be ordered by {name!r}")
    newest = table_of(Record).c.id
    return [column.desc().nulls_last(), newest.desc()] if order.startswith("-") else [column.asc().nulls_last(), newest]


def matching(definition: FormDefinition, text: str) -> ColumnElement[bool]:
    """Records that show *text* somewhere: in the number, a text, or the label of a choice."""
    table = form_tables.table(definition)
    found: list[ColumnElement[bool]] = [table_of(Record).c.number.icontains(text, autoescape=True)]
    for field in definition.fields:
        column = table.c[field.name]
        if field.master is not None:
            found.append(column.in_(_codes(field, text, exact=False)))
        if field.type in (FieldType.TEXT, FieldType.PERSON) or field.master is not None:
            found.append(column.icontains(text, autoescape=True))
        elif names := [c.name for c in field.choices if text.casefold() in (c.label.zh + "\n" + c.label.en).casefold()]:
            found.append(or_(*(_holds(column, field, name) for name in names)))
    return or_(*found)


def _compare(column: Any, field: Field | None, condition: Condition, zone: ZoneInfo) -> ColumnElement[bool]:
    operator, value = condition.operator, condition.value
    if value == "":
        if operator in ("=", "!="):
            return column.is_(None) if operator == "=" else column.is_not(None)  # type: ignore[no-any-return]
        raise BadCondition(f"{condition.field}{operator}: a value is missing")
    if operator == "~":
        return cast(column, String).icontains(value, autoescape=True)
    if field is not None and (field.choices or field.master is not None) and operator in ("=", "!="):
        chosen = _chosen(column, field, value)
        return chosen if operator == "=" else or_(~chosen, column.is_(None))
    if isinstance(column.type, UtcDateTime) or (field is not None and field.type is FieldType.DATETIME):
        return _instants(column, condition, zone)
    wanted = _typed(column, field, condition)
    compare: Callable[[Any], ColumnElement[bool]] = getattr(column, _METHODS[operator])
    return or_(compare(wanted), column.is_(None)) if operator == "!=" else compare(wanted)


_METHODS = {"=": "__eq__", "!=": "__ne__", ">": "__gt__", ">=": "__ge__", "<": "__lt__", "<=": "__le__"}


def _chosen(column: Any, field: Field, value: str) -> ColumnElement[bool]:
    folded = value.casefold()
    names = [
        c.name for c in field.choices if folded in (c.name.casefold(), c.label.zh.casefold(), c.label.en.casefold())
    ]
    found = [_holds(column, field, name) for name in (names or [value])]
    if field.master is not None:
        found.append(column.in_(_codes(field, value, exact=True)))
    return or_(*found)


def _holds(column: Any, field: Field, name: str) -> ColumnElement[bool]:
    if field.type is FieldType.SELECT_MULTIPLE:
        return (literal(",") + column + literal(",")).contains(f",{name},", autoescape=True)  # type: ignore[no-any-return]
    return column == name  # type: ignore[no-any-return]


def _codes(field: Field, text: str, *, exact: bool) -> Any:
    assert field.master is not None
    master = table_of(MODELS[field.master.table])
    if exact:
        return select(master.c.code).where(
            or_(func.lower(master.c.name) == text.lower(), func.lower(master.c.name_en) == text.lower())
        )
    return select(master.c.code).where(
        or_(master.c.name.icontains(text, autoescape=True), master.c.name_en.icontains(text, autoescape=True))
    )


def _instants(column: Any, condition: Condition, zone: ZoneInfo) -> ColumnElement[bool]:
    """A bare date means its whole day: "<=2026-11-21" includes that evening."""
    needed = "a date or time such as 2026-11-21 or 2026-11-21T14:30"
    start = _typed_with(datetime.fromisoformat, condition, needed)
    whole_day = len(condition.value) <= 10
    try:
        after = start + timedelta(days=1) if whole_day else start
        if isinstance(column.type, UtcDateTime):
            start, after = (moment.replace(tzinfo=moment.tzinfo or zone).astimezone(UTC) for moment in (start, after))
    except OverflowError:  # the last day there is has no day after it
        raise _unfit(condition, needed) from None
    match condition.operator:
        case "<":
            return column < start  # type: ignore[no-any-return]
        case ">=":
            return column >= start  # type: ignore[no-any-return]
        case "<=":
            return column < after if whole_day else column <= start  # type: ignore[no-any-return]
        case ">":
            return column >= after if whole_day else column > start  # type: ignore[no-any-return]
    same = (column >= start) & (column < after) if whole_day else column == start
    return same if condition.operator == "=" else or_(~same, column.is_(None))


def _typed(column: Any, field: Field | None, condition: Condition) -> Any:
    kind = (
        form_tables.python_type(field) if field is not None else (int if isinstance(column.type, BigInteger) else str)
    )
    if field is None and condition.field == "revision":
        kind = int
    if kind is int:
        whole = _typed_with(int, condition, "a whole number")
        if abs(whole) > _LARGEST:
            raise _unfit(condition, "a smaller number")
        return whole
    if kind is float:
        return _typed_with(float, condition, "a number")
    if kind is date:
        return _typed_with(date.fromisoformat, condition, "a date such as 2026-11-21")
    if kind is time:
        return _typed_with(time.fromisoformat, condition, "a time such as 14:30")
    return condition.value


def _typed_with(convert: Callable[[str], Any], condition: Condition, needed: str) -> Any:
    try:
        return convert(condition.value)
    except ValueError:
        raise _unfit(condition, needed) from None


def _unfit(condition: Condition, needed: str) -> BadCondition:
    return BadCondition(f"{condition.field}{condition.operator}{condition.value}: {needed} is needed")
