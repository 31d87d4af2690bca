"""A form's questions as inputs of a page: what is asked, how, and what stands in each now."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbooks.form import Field, FieldType, FormDefinition, Language, Repeat, Section
from workbooks.master import Master

Answers = Mapping[str, "str | list[dict[str, str]]"]
"""What a person typed, as text: by field name, and per repeat a list of lines."""

MOST_LINES = 200
_SHOWN_AS = {
    FieldType.DATE: ("date", re.compile(r"\d{4}-\d\d-\d\d")),
    FieldType.TIME: ("time", re.compile(r"\d\d:\d\d(:\d\d)?")),
    FieldType.DATETIME: ("datetime-local", re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?")),
    FieldType.INTEGER: ("number", re.compile(r"-?\d+")),
    FieldType.DECIMAL: ("number", re.compile(r"-?\d+(\.\d+)?")),
}


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a drop-down; *parent* is the code of the entry one level up that it belongs to."""

    value: str
    label: str
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """
    One question as the page draws it.

    *kind* is an HTML input type, or select, checkboxes, textarea, picture, computed. *name*
    is the name posted: "field" or "repeat.3.field". *under* is the name of the input whose
    choice narrows the options.
    """

    path: str
    name: str
    field: Field
    kind: str
    value: str
    options: tuple[Option, ...] = ()
    under: str = ""
    step: str = "any"

    @property
    def chosen(self) -> frozenset[str]:
        """The boxes that are ticked."""
        return frozenset(self.value.split(",")) if self.value else frozenset()

    @property
    def pictures(self) -> tuple[str, ...]:
        """The pictures the record has already, by sha256."""
        return tuple(self.value.split(",")) if self.value else ()

    @property
    def must(self) -> bool:
        """Whether an answer is always required; conditions are left to the check."""
        return self.field.required is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A repeat as the page draws it; *blank* is the line that a click on "add" copies."""

    repeat: Repeat
    lines: tuple[tuple[Input, ...], ...]
    blank: tuple[Input, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One section: its inputs and repeats in the order of the sheet; *editable* says whose turn it is."""

    section: Section
    items: tuple[Input | Lines, ...]
    editable: bool


def parts(
    definition: FormDefinition,
    answers: Answers,
    *,
    roles: frozenset[str],
    master: Master,
    language: Language,
    add: str = "",
) -> list[Part]:
    """The page's parts with *answers* in them; repeat *add* gets one more line."""
    draw = _Drawing(answers, master, language)
    return [
        Part(
            section=section,
            items=tuple(
                draw.field(item) if isinstance(item, Field) else draw.lines(item, extra=item.name == add)
                for item in section.items
            ),
            editable=editable(section, roles),
        )
        for section in definition.sections
    ]


def editable(section: Section, roles: frozenset[str]) -> bool:
    """Whether somebody with *roles* fills this section in."""
    return section.owner is None or section.owner in roles or "admin" in roles


def answers_of(
    definition: FormDefinition, posted: Mapping[str, Sequence[str]], roles: frozenset[str]
) -> dict[str, str | list[dict[str, str]]]:
    """
    The answers in a posted page, of the sections these *roles* may fill.

    Empty lines of repeats are dropped, so that a line that was added and left does no harm.
    """
    found: dict[str, str | list[dict[str, str]]] = {}
    for section in definition.sections:
        if not editable(section, roles):
            continue
        for item in section.items:
            if isinstance(item, Repeat):
                found[item.name] = _posted_lines(item, posted)
            elif not item.computed and item.type is not FieldType.IMAGE:
                found[item.name] = _text(item, posted.get(item.name, ()))
    return found


def pictures_of(
    definition: FormDefinition,
    kept: Mapping[str, Sequence[str]],
    sent: Mapping[str, Sequence[bytes]],
    roles: frozenset[str],
) -> dict[str, list[str | bytes]]:
    """The pictures in a posted page by field: those whose box is still ticked, by sha256, then the new files."""
    return {
        field.name: [*kept.get(f"{field.name}.keep", ()), *sent.get(field.name, ())]
        for section in definition.sections
        if editable(section, roles)
        for field in section.fields
        if field.type is FieldType.IMAGE
    }


class _Drawing:
    """Draws fields with the answers, master data and language of one page."""

    def __init__(self, answers: Answers, master: Master, language: Language) -> None:
        self._answers, self._master, self._language = answers, master, language
        self._options: dict[str, tuple[Option, ...]] = {}

    def field(self, field: Field) -> Input:
        value = self._answers.get(field.name, "")
        return self._input(field, field.name, field.name, value if isinstance(value, str) else "", "")

    def lines(self, repeat: Repeat, *, extra: bool) -> Lines:
        entries = self._answers.get(repeat.name, [])
        filled = list(entries) if isinstance(entries, list) else []
        least = repeat.minimum if isinstance(repeat.minimum, int) else 0
        wanted = min(max(len(filled) + extra, least, 1), MOST_LINES)
        filled += [{} for _ in range(wanted - len(filled))]
        return Lines(
            repeat=repeat,
            lines=tuple(self._line(repeat, str(index), line) for index, line in enumerate(filled)),
            blank=self._line(repeat, "#", {}),
        )

    def _line(self, repeat: Repeat, index: str, line: Mapping[str, str]) -> tuple[Input, ...]:
        prefix = f"{repeat.name}.{index}."
        own = {field.name for field in repeat.fields}
        return tuple(
            self._input(
                field, f"{repeat.name}.{field.name}", prefix + field.name, line.get(field.name, ""), prefix, own
            )
            for field in repeat.fields
        )

    def _input(
        self, field: Field, path: str, name: str, value: str, prefix: str, own: frozenset[str] | set[str] = frozenset()
    ) -> Input:
        parent = field.master.under if field.master else None
        return Input(
            path=path,
            name=name,
            field=field,
            kind=_kind(field, value),
            value=value.replace(" ", "T")
            if field.type is FieldType.DATETIME and _kind(field, value) == "datetime-local"
            else value,
            options=self._choices(field, path, value),
            under=(prefix + parent if parent in own else parent) if parent else "",
            step="1" if field.type is FieldType.INTEGER else str(10**-field.decimals) if field.decimals else "any",
        )

    def _choices(self, field: Field, path: str, value: str) -> tuple[Option, ...]:
        if field.computed:
            return ()
        if path not in self._options:
            self._options[path] = self._all_choices(field)
        options = self._options[path]
        if value and field.type is not FieldType.SELECT_MULTIPLE and value not in {option.value for option in options}:
            # An answer that is no longer offered, or was typed in a workbook, must not vanish from the page.
            return (*options, Option(value, value)) if options else ()
        return options

    def _all_choices(self, field: Field) -> tuple[Option, ...]:
        if field.master is None:
            return tuple(Option(choice.name, choice.label[self._language]) for choice in field.choices)
        rows = self._master.options(field.master)
        seen = Counter(row.label(self._language) for row in rows)
        return tuple(
            Option(
                row.code,
                row.label(self._language)
                if seen[row.label(self._language)] == 1 or field.master.under
                else f"{row.label(self._language)} ({row.code})",
                row.parent if field.master.under else "",
            )
            for row in rows
        )


def _kind(field: Field, value: str) -> str:
    if field.computed:
        return "computed"
    if field.type is FieldType.IMAGE:
        return "picture"
    if field.type is FieldType.SELECT_MULTIPLE:
        return "checkboxes"
    if field.type is FieldType.SELECT_ONE or (field.type is FieldType.PERSON and field.master is not None):
        return "select"
    if field.type in _SHOWN_AS:
        kind, pattern = _SHOWN_AS[field.type]
        # Browsers empty such an input when its text is not in their format; what was typed must stay to be corrected.
        return kind if not value or pattern.fullmatch(value) else "text"
    return "textarea" if field.rows > 1 else "text"


def _posted_lines(repeat: Repeat, posted: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    pattern = re.compile(rf"{re.escape(repeat.name)}\.(\d{{1,4}})\.([a-z0-9_]+)")
    fields = {field.name: field for field in repeat.fields if not field.computed and field.type is not FieldType.IMAGE}
    lines: dict[int, dict[str, str]] = {}
    for name, values in posted.items():
        match = pattern.fullmatch(name)
        if match and match[2] in fields:
            lines.setdefault(int(match[1]), {})[match[2]] = _text(fields[match[2]], values)
    return [line for _, line in sorted(lines.items()) if any(line.values())]


def _text(field: Field, posted: Sequence[str]) -> str:
    """One answer as the check takes it: ticked boxes joined by commas, no T inside a date with time."""
    answer = ",".join(posted).strip()
    return answer.replace("T", " ", 1) if field.type is FieldType.DATETIME else answer
