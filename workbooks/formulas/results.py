"""Computed answers: what a formula or a master row gives, as a value of the field's type."""

from datetime import datetime, timedelta
from decimal import Decimal

from workbooks.filled import Value
from workbooks.form import Field, FieldType, Text
from workbooks.formulas.excel_values import (
    ExcelError,
    Scalar,
    date_of,
    instant_of,
    plain_decimal,
    to_number,
    to_places,
    to_text,
    trimmed,
)
from workbooks.master import Master
from workbooks.spellings.problems import Problem
from workbooks.spellings.typed import normalise


def result_value(field: Field, cell: Scalar) -> Value:
    """*cell*, which a formula gave, as an answer to *field*; None when it is blank or does not fit the type."""
    if cell is None or cell == "":
        return None
    try:
        return _converted(field, cell)
    except ExcelError:
        return None


def _converted(field: Field, cell: Scalar) -> Value:
    match field.type:
        case FieldType.INTEGER:
            return int(to_places(plain_decimal(to_number(cell)), 0))
        case FieldType.DECIMAL:
            return _decimal(field, plain_decimal(to_number(cell)))
        case FieldType.DATE:
            return date_of(to_number(cell))
        case FieldType.DATETIME:
            return instant_of(to_number(cell))
        case FieldType.TIME:
            seconds = round(to_number(cell) * 86400) % 86400
            return (datetime(1900, 1, 1) + timedelta(seconds=seconds)).time()  # noqa: DTZ001  a clock has no zone
        case FieldType.SELECT_ONE if field.choices:
            return _choice(field, cell)
    return to_text(cell)


def _decimal(field: Field, number: Decimal) -> Decimal:
    if field.decimals is None:
        return number
    return trimmed(to_places(number, field.decimals))


def _choice(field: Field, cell: Scalar) -> str | None:
    names = {choice.name for choice in field.choices}
    if isinstance(cell, bool) and {"yes", "no"} <= names:
        return "yes" if cell else "no"
    text = to_text(cell)
    return text if text in names else None


def looked_up(field: Field, table: str, code: Value, master: Master) -> Value:
    """
    What the row *code* of master *table* says in the column that *field* looks up.

    Besides the row's own columns there are code, label, parent and level. None when
    there is no such row, or the text there does not fit the field's type.
    """
    assert field.lookup is not None
    row = master.row(table, code) if isinstance(code, str) else None
    if row is None:
        return None
    label = Text(row.label("zh"), row.label("en"))
    own = {"code": row.code, "label": label.zh, "label_zh": label.zh, "label_en": label.en, "parent": row.parent}
    text = row.attributes.get(field.lookup.column) or own.get(field.lookup.column)
    if text is None and field.lookup.column == "level" and row.level is not None:
        text = str(row.level)
    answer = normalise(field, text, master=master, complete_lists=False)
    return answer.value if isinstance(answer, Problem) else answer
