"""Checked values: shown to people, kept as JSON, compared by hash; `normalise` makes them from what was typed."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

import orjson

from workbooks.filled import Row, Value, Values
from workbooks.form import Field, FieldType, FormDefinition, Language
from workbooks.master import EMPTY, Master
from workbooks.spellings.choices import options_of
from workbooks.spellings.problems import Problem
from workbooks.spellings.typed import normalise

__all__ = ["Problem", "answers", "content_hash", "from_json", "normalise", "show", "to_json"]

_SEPARATOR: Final[Mapping[Language, str]] = {"zh": "、", "en": ", "}


def show(field: Field, value: Value, language: Language, master: Master = EMPTY) -> str:
    """
    *value* as people read it: labels for choices and codes, dates as 2026-11-21, numbers without exponent.

    A code that is no longer on the list is shown as it stands; nothing is shown for None.
    """
    if value is None:
        return ""
    if field.type is FieldType.IMAGE:
        count = len(value) if isinstance(value, tuple) else 1
        return f"{count} 张图片" if language == "zh" else f"{count} picture{'s' if count > 1 else ''}"
    if isinstance(value, tuple):
        return _SEPARATOR[language].join(_label(field, code, language, master) for code in value)
    if isinstance(value, str):
        return _label(field, value, language, master)
    return plain(value)


def _label(field: Field, code: str, language: Language, master: Master) -> str:
    options = options_of(field, master)
    if options is not None:
        for option in options.find(code):
            if option.code == code:
                return options.shown(option, language)
    return master.local(field.lookup.column, code, language) if field.lookup is not None else code


def plain(value: int | Decimal | date | datetime | time) -> str:
    """A number or date as text that `normalise` reads back as the same value."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds" if value.second else "minutes")
    if isinstance(value, time):
        return value.isoformat("seconds" if value.second else "minutes")
    return str(value) if isinstance(value, int) else value.isoformat()


def to_json(values: Values) -> dict[str, Any]:
    """*values* as JSON holds them: decimals and dates as text, repeats as lists of objects."""
    return {
        name: [to_json(row) for row in value] if _is_rows(value) else _json(value)  # type: ignore[union-attr, arg-type]
        for name, value in values.items()
    }


def _is_rows(value: object) -> bool:
    # An empty tuple is a repeat without lines: an answer without choices is None.
    return isinstance(value, tuple) and not (value and isinstance(value[0], str))


def _json(value: Value) -> str | int | list[str] | None:
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, tuple):
        return list(value)
    return f"{value:f}" if isinstance(value, Decimal) else value.isoformat()


def from_json(definition: FormDefinition, data: Mapping[str, Any]) -> Values:
    """
    The values that `to_json` wrote.

    Fields that *data* does not have are None, repeats without lines; what *definition*
    does not know any more stays as it is in JSON.

    Raises:
        ValueError: A date or number is not one (the data did not come from `to_json`).
    """
    repeats = {repeat.name: repeat for repeat in definition.repeats}
    values: dict[str, Value | tuple[Row, ...]] = {field.name: None for field in definition.fields}
    values |= {name: () for name in repeats}
    for name, value in data.items():
        if name in repeats:
            fields = {field.name: field for field in repeats[name].fields}
            blank: dict[str, Value] = dict.fromkeys(fields)
            values[name] = tuple(blank | {n: _from_json(fields.get(n), v) for n, v in row.items()} for row in value)
        elif name in values:
            values[name] = _from_json(definition.field(name), value)
        else:
            values[name] = _from_json(None, value)
    return values


def _from_json(field: Field | None, value: Any) -> Value:
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, str) or field is None:
        return value  # type: ignore[no-any-return]
    match field.type:
        case FieldType.INTEGER:
            return int(value)
        case FieldType.DECIMAL:
            return Decimal(value)
        case FieldType.DATE:
            return date.fromisoformat(value)
        case FieldType.TIME:
            return time.fromisoformat(value)
        case FieldType.DATETIME:
            return datetime.fromisoformat(value)
    return value


def answers(definition: FormDefinition, values: Values) -> Values:
    """*values* without what is computed: the answers people gave, by which two sendings are compared."""
    computed = {path for path, field in definition.paths() if field.computed}
    found: dict[str, Value | tuple[Row, ...]] = {}
    for name, value in values.items():
        if _is_rows(value):
            rows: tuple[Row, ...] = value  # type: ignore[assignment]
            found[name] = tuple({n: v for n, v in row.items() if f"{name}.{n}" not in computed} for row in rows)
        elif name not in computed:
            found[name] = value
    return found


def content_hash(form_id: str, values: Values) -> str:
    """
    The sha256, in hex, of a form's *values*: the same for the same answers, whatever file they came in.

    Empty answers do not count, so a field added to the form later changes nothing. A
    calculation over TODAY() does count; leave it out with `answers`.
    """
    content = {name: _canonical(value) for name, value in values.items() if value not in (None, ())}
    canonical = orjson.dumps([form_id, content], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


def _canonical(value: Any) -> Any:
    if _is_rows(value):
        return [{name: _canonical(v) for name, v in row.items() if v is not None} for row in value]
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return _json(value)
