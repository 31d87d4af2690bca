"""A form as an older version of it was: names, labels and order, worked out backwards from its migrations."""

from collections.abc import Iterator
from dataclasses import replace

from workbooks.finding_codes import Severity
from workbooks.form import Field, FieldType, FormDefinition, Migration, Repeat, Section, Text
from workbooks.spellings.problems import Problem
from workbooks.spellings.typed import normalise

__all__ = ["as_sent", "former", "migration_problems", "raw_default", "renamed", "steps", "versions"]

_former: dict[tuple[int, int], tuple[FormDefinition, FormDefinition]] = {}


def steps(definition: FormDefinition, version: int | None) -> tuple[Migration, ...]:
    """The migrations that lead from *version* to the current one; none when it is current, or cannot be followed."""
    migrations = definition.migrations
    if version is None or not migrations or not migrations[0].to - 1 <= version < definition.version:
        return ()
    return tuple(step for step in migrations if step.to > version)


def versions(definition: FormDefinition) -> Iterator[FormDefinition]:
    """The form as it is, and then as every older version was that migrations lead from, newest first."""
    yield definition
    for step in reversed(definition.migrations):
        yield former(definition, step.to - 1)


def as_sent(definition: FormDefinition, version: int | None) -> FormDefinition:
    """What a workbook of *version* was made from: an older form where migrations lead from it, else the current one."""
    return former(definition, version) if version is not None and steps(definition, version) else definition


def former(definition: FormDefinition, version: int) -> FormDefinition:
    """
    The form as *version* was, as far as its migrations tell.

    Good for reading only: fields that a later version added without a word may be in it,
    and formulas still speak of the new names.
    """
    key = (id(definition), version)
    if key not in _former:
        form = definition
        for step in reversed(steps(definition, version)):
            form = _before(form, step)
        _former[key] = (definition, form)  # the definition is kept, so that its id stays its own
    return _former[key][1]


def renamed(step: Migration, path: str) -> str:
    """What *path* of the version before is called after *step*, if it is only renamed or left alone."""
    if path in step.rename:
        return step.rename[path]
    head, dot, name = path.partition(".")
    return f"{step.rename[head]}.{name}" if dot and head in step.rename else path


def _before(after: FormDefinition, step: Migration) -> FormDefinition:
    """The form as it was before *step*."""
    names = {new: old for old, new in step.rename.items()}
    sections = [replace(section, items=tuple(_items_before(section, step, names))) for section in after.sections]
    outside = tuple(_dropped(path, step) for path in step.drop if "." not in path)
    gone: dict[str, list[Field]] = {}
    for path in step.drop:
        head, dot, _ = path.partition(".")
        if dot:
            gone.setdefault(head, []).append(_dropped(path, step))
    sections = [replace(s, items=tuple(_with_columns(item, gone) for item in s.items)) for s in sections]
    tables = tuple(
        Repeat(name=name, label=step.labels.get(name, Text(name, name)), fields=tuple(fields))
        for name, fields in gone.items()
    )
    last = sections[-1]
    sections[-1] = replace(last, items=(*last.items, *outside, *tables))
    return replace(after, version=step.to - 1, sections=tuple(sections), migrations=())


def _items_before(section: Section, step: Migration, names: dict[str, str]) -> Iterator[Field | Repeat]:
    for item in section.items:
        old = names.get(item.name, item.name)
        if isinstance(item, Repeat):
            found = (_field_before(f"{item.name}.{field.name}", f"{old}.", field, step, names) for field in item.fields)
            fields = tuple(field for field in found if field is not None)
            yield replace(item, name=old, label=step.labels.get(old, item.label), fields=fields)
        elif (field := _field_before(item.name, "", item, step, names)) is not None:
            yield field


def _field_before(path: str, prefix: str, field: Field, step: Migration, names: dict[str, str]) -> Field | None:
    """What stood in the place of *field* before *step*; None if nothing did."""
    if path in step.default:
        return None
    for source, split in step.split.items():
        if path in split.into:
            return _source(source, split.into, field, step) if path == split.into[0] else None
    old = names.get(path, f"{prefix}{field.name}")
    return replace(field, name=old.rpartition(".")[2], label=step.labels.get(old, field.label))


def _source(path: str, into: tuple[str, ...], first: Field, step: Migration) -> Field:
    name = path.rpartition(".")[2]
    return Field(name=name, type=FieldType.TEXT, label=step.labels.get(path, first.label))


def _dropped(path: str, step: Migration) -> Field:
    name = path.rpartition(".")[2]
    return Field(name=name, type=FieldType.TEXT, label=step.labels.get(path, Text(name, name)))


def _with_columns(item: Field | Repeat, gone: dict[str, list[Field]]) -> Field | Repeat:
    if isinstance(item, Repeat) and item.name in gone:
        return replace(item, fields=(*item.fields, *gone.pop(item.name)))
    return item


def migration_problems(definition: FormDefinition) -> Iterator[tuple[str, str]]:
    """(name to look for, what is wrong) for migrations that do not chain, or name what the form does not have."""
    numbers = [step.to for step in definition.migrations]
    if numbers and (numbers != list(range(numbers[0], definition.version + 1)) or numbers[0] < 2):
        wanted = f"one after the other up to {definition.version}"
        yield "migrations", f"migrations lead to {', '.join(map(str, numbers))}; they must lead {wanted}"
        return
    after = definition
    for step in reversed(definition.migrations):
        told = list(_step_problems(definition, after, step))
        yield from ((name, f"migration to {step.to}: {what}") for name, what in told)
        if told:
            return  # what the form was before is not known
        after = _before(after, step)


def _step_problems(definition: FormDefinition, after: FormDefinition, step: Migration) -> Iterator[tuple[str, str]]:
    fields = dict(after.paths())
    repeats = {repeat.name for repeat in after.repeats}
    given = [*step.rename.values(), *(part for split in step.split.values() for part in split.into), *step.default]
    for path in sorted({path for path in given if given.count(path) > 1}):
        yield path, f"{path!r} gets its answer in two ways"
    for path in (*given, *step.choices):
        if path not in fields and not (path in repeats and path in step.rename.values()):
            yield path, f"no field is called {path!r}"
    for old in (*step.rename, *step.split, *step.drop):
        if (old in fields or old in repeats) and old not in given:
            yield old, f"{old!r} is still in the form"
    for old in set(step.drop) & {*step.rename, *step.split} | step.rename.keys() & step.split.keys():
        yield old, f"{old!r} cannot both stay and go"
    for old, new in _moves(step):
        if _home(step, old) != new.rpartition(".")[0]:
            yield old, f"{old!r} cannot become {new!r}: they do not stand in the same list"
    yield from _wrong_labels(after, step)
    known = {path: field for path, field in fields.items() if path in step.default}
    yield from _wrong_defaults(definition, step, known)
    yield from _wrong_choices(definition, step)


def _moves(step: Migration) -> Iterator[tuple[str, str]]:
    yield from step.rename.items()
    for source, split in step.split.items():
        yield from ((source, part) for part in split.into)


def _home(step: Migration, old: str) -> str:
    """The repeat in which *old* stands after *step*, "" outside repeats."""
    head, dot, _ = old.partition(".")
    return step.rename.get(head, head) if dot else ""


def _wrong_labels(after: FormDefinition, step: Migration) -> Iterator[tuple[str, str]]:
    if all(old in step.rename or old in step.split or old in step.drop for old in step.labels):
        return
    before = set(_paths_before(after, step))
    for old in step.labels:
        if old not in before:
            yield old, f"no field was called {old!r}"


def _paths_before(after: FormDefinition, step: Migration) -> Iterator[str]:
    names = {new: old for old, new in step.rename.items()}
    for repeat in after.repeats:
        yield names.get(repeat.name, repeat.name)
    for path, _ in after.paths():
        head, dot, name = path.partition(".")
        if path not in step.default:
            yield names.get(path, f"{names.get(head, head)}.{name}" if dot else path)
    for path in step.drop:
        yield path
        yield path.partition(".")[0]
    yield from step.split


def _wrong_defaults(definition: FormDefinition, step: Migration, fields: dict[str, Field]) -> Iterator[tuple[str, str]]:
    for path, field in fields.items():
        value = step.default[path]
        if field.computed or field.type is FieldType.IMAGE:
            yield path, f"{path!r} cannot have a default: nobody types it"
        elif value is None:
            if field.required is True and _lasts(definition, step, path):
                yield path, f"{path!r} is required: it needs a default"
        elif field.master is None and _lasts(definition, step, path):
            answer = normalise(field, raw_default(value))
            if isinstance(answer, Problem) and answer.code.severity is Severity.ERROR:
                yield path, f"{value!r} is no answer to {path!r}"


def _lasts(definition: FormDefinition, step: Migration, path: str) -> bool:
    """Whether *path* is a field of the current form as it stands: no later step touches it."""
    later = [other for other in definition.migrations if other.to > step.to]
    return not any(path in {*o.rename, *o.split, *o.drop, *o.choices} or renamed(o, path) != path for o in later)


def _wrong_choices(definition: FormDefinition, step: Migration) -> Iterator[tuple[str, str]]:
    fields = dict(definition.paths())
    for path, table in step.choices.items():
        if not _lasts(definition, step, path):
            continue  # the step that changes it again is the one that must fit
        field = fields.get(path)
        if field is None or field.master is not None:
            continue
        names = {choice.name for choice in field.choices}
        for new in sorted(set(table.values()) - names):
            yield path, f"{path!r} has no choice called {new!r}"


def raw_default(value: object) -> str | int:
    """A default as somebody would have typed it."""
    return value if isinstance(value, str | int) else str(value)
