"""Answers typed into a web page or sent as JSON, as if they had been read from a workbook."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from datetime import datetime, time
from decimal import Decimal
from typing import Any

import orjson

from server.access.visibility import Viewer
from workbooks.filled import Cell, FilledForm, Identity, Picture, Value, Values
from workbooks.findings import Finding
from workbooks.form import FieldType, FormDefinition
from workbooks.values import plain


class UnknownAnswer(ValueError):
    """An answer to a question the form does not ask; the text names it."""


def new_instance_id() -> str:
    """The identity of one blank: what it is sent with twice is one submission."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """
    One filled form that never was a workbook.

    *answers* holds raw values by field name and lists of such mappings by repeat. With
    *number* and *revision* it changes a record: what *answers* does not mention stays as
    it was. The same *instance_id* sent twice is one submission. *received_at* (aware)
    is for loading history only.
    """

    form_id: str
    answers: Mapping[str, Any]
    channel: str
    sender: Viewer
    number: str | None = None
    revision: int | None = None
    reason: str = ""
    instance_id: str = default(default_factory=new_instance_id)
    received_at: datetime | None = None


def as_original(item: Answers, keep: Callable[[bytes], str]) -> bytes:
    """*item* as the bytes that are kept: JSON in one fixed order; pictures go through *keep* and leave their sha256."""

    def rest(value: object) -> str:
        return keep(value) if isinstance(value, bytes) else str(value)

    content = {
        "form_id": item.form_id,
        "answers": item.answers,
        "number": item.number,
        "revision": item.revision,
        "reason": item.reason,
        "instance_id": item.instance_id,
    }
    return orjson.dumps(content, default=rest, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def filled_from(
    definition: FormDefinition,
    item: Answers,
    before: Values | None = None,
    pictures: Iterable[Picture | Finding] = (),
) -> FilledForm:
    """
    *item* as the check takes it; *before* fills in what it does not mention.

    *pictures* are its pictures and what is wrong with them (`pictures.pictures_of`).

    Raises:
        UnknownAnswer: It answers something *definition* does not ask.
    """
    _refuse_unknown(definition, item.answers)
    cells: dict[str, Cell] = {}
    for field in definition.fields:
        if field.type is not FieldType.IMAGE:
            raw = item.answers[field.name] if field.name in item.answers else _raw((before or {}).get(field.name))
            cells[field.name] = _cell(raw)
    repeats: dict[str, tuple[Mapping[str, Cell], ...]] = {}
    for repeat in definition.repeats:
        rows: Any = item.answers.get(repeat.name)
        if repeat.name not in item.answers:
            rows = [{name: _raw(value) for name, value in row.items()} for row in (before or {}).get(repeat.name) or ()]  # type: ignore[union-attr]
        filled = [row for row in rows or () if any(value not in (None, "") for value in row.values())]
        repeats[repeat.name] = tuple({f.name: _cell(row.get(f.name)) for f in repeat.fields} for row in filled)
    known = list(pictures)
    return FilledForm(
        identity=Identity(
            form_id=definition.form_id,
            version=definition.version,
            instance_id=item.instance_id,
            record_number=item.number,
            revision=item.revision,
        ),
        cells=cells,
        repeats=repeats,
        reason=_cell(item.reason) if item.reason.strip() else None,
        pictures=tuple(found for found in known if isinstance(found, Picture)),
        findings=tuple(found for found in known if isinstance(found, Finding)),
    )


def _refuse_unknown(definition: FormDefinition, given: Mapping[str, Any]) -> None:
    repeats = {repeat.name: {field.name for field in repeat.fields} for repeat in definition.repeats}
    known = {field.name for field in definition.fields} | set(repeats)
    for name, value in given.items():
        if name not in known:
            raise UnknownAnswer(f"{definition.form_id} has no field {name!r}")
        if name in repeats:
            if not isinstance(value, list | tuple) or not all(isinstance(row, Mapping) for row in value):
                raise UnknownAnswer(f"{definition.form_id}: {name} takes a list of objects")
            if unknown := sorted({key for row in value for key in row} - repeats[name]):
                raise UnknownAnswer(f"{definition.form_id} has no field '{name}.{unknown[0]}'")
        elif isinstance(value, Mapping):
            raise UnknownAnswer(f"{definition.form_id}: {name} takes a single value")


def _cell(raw: Any) -> Cell:
    if isinstance(raw, Decimal):
        raw = f"{raw:f}"
    elif isinstance(raw, list | tuple):
        raw = ",".join(str(entry) for entry in raw)
    return Cell("", "", None if raw == "" else raw)


def _raw(value: Any) -> Any:
    """A checked answer as somebody would type it again."""
    checked: Value = value
    if isinstance(checked, Decimal | datetime | time):
        return plain(checked)
    return checked
