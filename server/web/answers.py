"""Checked answers as people read them, section by section."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from server.records.shown import with_unit
from workbooks.filled import Row, Value, Values
from workbooks.form import Field, FieldType, FormDefinition, Language, Repeat, Section
from workbooks.master import Master
from workbooks.values import plain, show


@dataclass(frozen=True, slots=True)
class Answer:
    """One question with its answer; an empty text is no answer."""

    label: str
    text: str
    wide: bool = False
    pictures: tuple[str, ...] = ()  # by sha256


@dataclass(frozen=True, slots=True)
class Table:
    """The entries of a repeat; cells of number columns stand at the right."""

    label: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One section with its answers and, below them, its tables."""

    section: Section
    answers: tuple[Answer, ...]
    tables: tuple[Table, ...]


def blocks(definition: FormDefinition, values: Values, *, master: Master, language: Language) -> list[Block]:
    """The whole form as answered."""

    def text(field: Field, value: object) -> str:
        return with_unit(field, cast(Value, value), master=master, language=language)

    return [
        Block(
            section,
            tuple(
                Answer(
                    field.label[language],
                    text(field, values.get(field.name)),
                    field.wide or field.rows > 1,
                    pictures(field, values.get(field.name)),
                )
                for field in section.fields
            ),
            tuple(_table(repeat, values, language, master) for repeat in section.repeats),
        )
        for section in definition.sections
    ]


def pictures(field: Field, value: object) -> tuple[str, ...]:
    """The sha256 of each picture in an answer."""
    return cast(tuple[str, ...], value) if field.type is FieldType.IMAGE and value else ()


def typed(
    definition: FormDefinition, values: Values, *, master: Master, language: Language
) -> dict[str, str | list[dict[str, str]]]:
    """
    Stored answers as the texts of a page's inputs: codes, ISO dates, plain numbers.

    What is computed has no input, and is told as people read it.
    """

    def text(field: Field, value: object) -> str:
        return show(field, cast(Value, value), language, master) if field.computed else _plain(cast(Value, value))

    found: dict[str, str | list[dict[str, str]]] = {
        field.name: text(field, values.get(field.name)) for field in definition.fields
    }
    for repeat in definition.repeats:
        rows = cast(tuple[Row, ...], values.get(repeat.name) or ())
        found[repeat.name] = [{field.name: text(field, row.get(field.name)) for field in repeat.fields} for row in rows]
    return found


def _table(repeat: Repeat, values: Mapping[str, Any], language: Language, master: Master) -> Table:
    rows = cast(tuple[Row, ...], values.get(repeat.name) or ())
    return Table(
        repeat.label[language],
        tuple(field.label[language] for field in repeat.fields),
        tuple(tuple(show(field, row.get(field.name), language, master) for field in repeat.fields) for row in rows),
        tuple(field.type in (FieldType.INTEGER, FieldType.DECIMAL) for field in repeat.fields),
    )


def _plain(value: Value) -> str:
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, tuple) else value if isinstance(value, str) else plain(value)
