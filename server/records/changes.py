"""What differs between two revisions of a record, answer by answer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from workbooks.filled import Row, Value, Values
from workbooks.form import Field, FormDefinition, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One answer that differs: *line* counts from 1 inside a repeat and is None outside."""

    path: str
    line: int | None
    label: Text
    before: Value
    after: Value


def changes(definition: FormDefinition, before: Values, after: Values) -> tuple[Change, ...]:
    """
    Every typed answer that differs, in the order of the sheet.

    Computed fields are left out: they follow from the others, or from the day.
    """
    return tuple(_changes(definition, before, after))


def changed_labels(found: Iterable[Change]) -> Text:
    """The labels of *found* in a row, each once."""
    labels = list(dict.fromkeys(change.label for change in found))
    return Text("、".join(label.zh for label in labels), ", ".join(label.en for label in labels))


def _changes(definition: FormDefinition, before: Values, after: Values) -> Iterator[Change]:
    for field in definition.fields:
        if not field.computed:
            yield from _change(field, field.name, None, before.get(field.name), after.get(field.name))
    for repeat in definition.repeats:
        empty: Row = {}
        pairs = zip_longest(_rows(before, repeat.name), _rows(after, repeat.name), fillvalue=empty)
        for line, (old, new) in enumerate(pairs, start=1):
            for field in repeat.fields:
                if not field.computed:
                    path = f"{repeat.name}.{field.name}"
                    yield from _change(field, path, line, old.get(field.name), new.get(field.name))


def _change(field: Field, path: str, line: int | None, before: Any, after: Any) -> Iterator[Change]:
    if before != after:
        yield Change(path=path, line=line, label=field.label, before=before, after=after)


def _rows(values: Values, repeat: str) -> tuple[Row, ...]:
    rows = values.get(repeat) or ()
    assert isinstance(rows, tuple)
    return rows  # type: ignore[return-value]
