"""Answers in the words people read: what a record says in a few lines, and what a revision changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from server.records.changes import Change
from workbooks.filled import Value, Values
from workbooks.form import Field, FormDefinition, Language
from workbooks.master import Master
from workbooks.values import show


@dataclass(frozen=True, slots=True)
class Difference:
    """One answer before and after, in words."""

    label: str
    before: str
    after: str


def with_unit(field: Field, value: Value, *, master: Master, language: Language) -> str:
    """An answer with its unit; an empty text for no answer."""
    text = show(field, value, language, master)
    return f"{text} {field.unit[language]}" if text and field.unit else text


def stored(
    definition: FormDefinition, values: Values, *, master: Master, language: Language, computed: bool = False
) -> list[tuple[str, str]]:
    """(label, answer) of the answers that stand in lists, and with *computed* of what was worked out from them."""
    names = list(definition.list_columns or definition.key)
    if computed:
        names += [field.name for field in definition.fields if field.computed and field.name not in names]
    fields = [definition.field(name) for name in names]
    told = (
        (field, with_unit(field, cast(Value, values.get(field.name)), master=master, language=language))
        for field in fields
    )
    return [(field.label[language], text) for field, text in told if text]


def differences(
    definition: FormDefinition, found: Iterable[Change], *, master: Master, language: Language
) -> list[Difference]:
    """*found* in words; answers inside repeats say which line they stand in."""
    return [
        Difference(
            _label(definition, change, language),
            show(definition.field(change.path), change.before, language, master),
            show(definition.field(change.path), change.after, language, master),
        )
        for change in found
    ]


def _label(definition: FormDefinition, change: Change, language: Language) -> str:
    if change.line is None:
        return change.label[language]
    repeat = next(r for r in definition.repeats if r.name == change.path.partition(".")[0])
    line = {"zh": f"第 {change.line} 行", "en": f"line {change.line}"}[language]
    return f"{repeat.label[language]} · {line} · {change.label[language]}"
