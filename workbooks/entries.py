"""The answers of one filled form: each cell normalised, with what is wrong with it and where it stands."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from weakref import WeakKeyDictionary

from workbooks.filled import Cell, FilledForm, RawValue, Row, Value, Values
from workbooks.finding_codes import FindingCode, Severity
from workbooks.findings import Finding
from workbooks.form import Field, FieldType, FormDefinition, Repeat, Section, Text
from workbooks.master import Master
from workbooks.rules import CompiledRules
from workbooks.spellings.problems import Normaliser, Problem
from workbooks.spellings.typed import normaliser

_ADDRESS = re.compile(r"([A-Z]+)(\d+)")
_Place = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One cell that somebody filled: its field's path, and its line (from 0) inside a repeat."""

    path: str
    line: int | None


@dataclass(frozen=True, slots=True)
class _Reader:
    """How one field is read; *under* is the path of the answer one level up, *table* that one's master table."""

    name: str
    path: str
    field: Field
    read: Normaliser
    under: str | None
    table: str | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a form is read with one state of the master data: parents before their children."""

    fields: tuple[_Reader, ...]
    repeats: Mapping[str, tuple[_Reader, ...]]
    cached: Mapping[str, Normaliser]
    parents: Mapping[str, tuple[str, str]]
    images: frozenset[str]
    labels: Mapping[str, Text]
    blank: Mapping[str, None]
    blank_lines: Mapping[str, Mapping[str, None]]


class Entries:
    """
    What was read from one form.

    *values* are the answers so far (computed ones are worked out later), *problems* what
    is wrong with single ones in the order of reading, *bad* the paths of fields whose
    answer is unknown because of that.
    """

    def __init__(self, definition: FormDefinition, filled: FilledForm, plan: _Plan) -> None:
        self._definition, self._filled, self.plan = definition, filled, plan
        self.values: dict[str, Value | tuple[Row, ...]] = {}
        self.lines: dict[str, tuple[Mapping[str, Cell], ...]] = {}
        self.problems: list[tuple[Entry, Problem]] = []
        self.unread: set[_Place] = set()
        self.bad: frozenset[str] = frozenset()

    def read(
        self,
        reader: _Reader,
        raw: RawValue,
        row: Mapping[str, Value | tuple[Row, ...]],
        line: int | None,
        master: Master,
        bad: set[str],
    ) -> Value:
        """The answer in one cell; what is wrong with it goes to *problems*, and its path to *bad* if it is an error."""
        parent: str | None = None
        if reader.under is not None:
            above = (row if "." in reader.under else self.values).get(reader.under.rpartition(".")[2])
            if above is None and reader.under in bad:
                bad.add(reader.path)  # nothing can be said about it before the level above is right
                self.unread.add((reader.path, line))
                return None
            if isinstance(above, str) and reader.table is not None and master.row(reader.table, above) is not None:
                parent = above
        answer = reader.read(raw, parent)
        if answer.__class__ is Problem:
            assert isinstance(answer, Problem)
            self.problems.append((Entry(reader.path, line), answer))
            if answer.code.severity is Severity.ERROR:
                bad.add(reader.path)
                return None
            return answer.value
        return answer  # type: ignore[return-value]

    def unknown(self, paths: frozenset[str], repeat: str | None, line: int | None) -> bool:
        """Whether one of *paths* could not be read; of those in *repeat* only the one in *line* counts."""
        if self.bad.isdisjoint(paths):
            return False
        for path in self.bad & paths:
            if (
                repeat is None
                or not path.startswith(f"{repeat}.")
                or (path, line) in self._wrong
                or self.field(path).computed
            ):
                return True
        return False

    def field(self, path: str) -> Field:
        return self._definition.field(path)

    def rows(self, repeat: str) -> tuple[Row, ...]:
        """The filled lines of *repeat*."""
        return self.values[repeat]  # type: ignore[return-value]

    def value(self, path: str, line: int | None) -> Value:
        if line is None:
            return self.values[path]  # type: ignore[return-value]
        repeat, _, name = path.partition(".")
        return self.rows(repeat)[line][name]

    def forget(self, path: str, line: int | None) -> None:
        """Take the answer as not given."""
        if line is None:
            self.values[path] = None
        else:
            repeat, _, name = path.partition(".")
            self.rows(repeat)[line][name] = None  # type: ignore[index]

    def has_problem(self, path: str, line: int | None) -> bool:
        """Whether what was typed there could not be taken."""
        return (path, line) in self._wrong

    @cached_property
    def _wrong(self) -> set[_Place]:
        errors = ((e.path, e.line) for e, problem in self.problems if problem.code.severity is Severity.ERROR)
        return self.unread.union(errors)

    def cell(self, path: str, line: int | None) -> Cell | None:
        """The cell of *path*; a repeat's is the first cell of its first filled line, or of its first line."""
        if path in self._filled.cells:
            return self._filled.cells[path]
        repeat, _, name = path.partition(".")
        rows = self.lines.get(repeat, ())
        if name:
            return rows[line or 0].get(name) if line is not None and line < len(rows) else None
        return next(iter(rows[0].values()), None) if rows else self._filled.starts.get(repeat)

    def label(self, path: str) -> Text:
        """What people see beside the cell of field or repeat *path*."""
        return self._filled.labels.get(path) or self.plan.labels[path]

    def cached(self, path: str, line: int | None) -> Value:
        """What the cell of a computed field shows; None when it is empty or shows nothing of the field's type."""
        cell = self.cell(path, line)
        answer = self.plan.cached[path](cell.value, None) if cell is not None else None
        return answer.value if isinstance(answer, Problem) else answer

    def above(self, entry: Entry) -> str | None:
        """The code chosen one level above *entry*."""
        under, _ = self.plan.parents.get(entry.path, ("", ""))
        if not under:
            return None
        value = self.value(under, entry.line if "." in under else None)
        return value if isinstance(value, str) else None

    def parent_table(self, path: str) -> str | None:
        return self.plan.parents.get(path, (None, None))[1]

    def begun(self, section: Section) -> bool:
        """Whether anything in *section* is filled."""
        return self.first_change(section, None) is not None

    def first_change(self, section: Section, previous: Values | None) -> _Place | None:
        """Where *section* first differs from *previous* (None: from an empty form)."""
        for item in section.items:
            if isinstance(item, Repeat):
                line = self._changed_line(item, previous)
                if line is not None:
                    return item.name, None
            elif not item.computed:
                before = previous.get(item.name) if previous is not None else None
                if self.values[item.name] != before or self.has_problem(item.name, None):
                    return item.name, None
        return None

    def _changed_line(self, repeat: Repeat, previous: Values | None) -> int | None:
        names = [field.name for field in repeat.fields if not field.computed]
        before: tuple[Row, ...] = (previous.get(repeat.name) or ()) if previous is not None else ()  # type: ignore[assignment]
        rows = self.rows(repeat.name)
        for line in range(max(len(rows), len(before))):
            if line >= len(rows) or line >= len(before):
                return line
            if any(rows[line].get(name) != before[line].get(name) for name in names):
                return line
        return None

    def position(self, finding: Finding) -> tuple[int, int, int, int]:
        """Where a finding stands: sheet, row and column; without an address, by the order of the definition."""
        match = _ADDRESS.fullmatch(finding.cell)
        order = self._order.get(finding.field, len(self._order))
        if match is None:
            return (len(self._sheets), order, 0, 0)
        column = 0
        for letter in match[1]:
            column = column * 26 + ord(letter) - 64
        return (self._sheets.get(finding.sheet, 0), int(match[2]), column, order)

    @cached_property
    def _order(self) -> dict[str, int]:
        names: list[str] = []
        for section in self._definition.sections:
            for item in section.items:
                names.append(item.name)
                if isinstance(item, Repeat):
                    names.extend(f"{item.name}.{field.name}" for field in item.fields)
        return {name: position for position, name in enumerate(names)}

    @cached_property
    def _sheets(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for cell in self._filled.cells.values():
            found.setdefault(cell.sheet, len(found))
        return found


def read_entries(
    definition: FormDefinition, rules: CompiledRules, filled: FilledForm, master: Master, complete_lists: bool
) -> Entries:
    """The answers of *filled*, computed ones as None; the keys of *values* are all fields and repeats."""
    plan = _plan(rules, master, complete_lists)
    entries = Entries(definition, filled, plan)
    values, bad, cells = entries.values, set[str](), filled.cells
    values.update(plan.blank)
    for reader in plan.fields:
        cell = cells.get(reader.name)
        if cell is not None and cell.value is not None:
            values[reader.name] = entries.read(reader, cell.value, values, None, master, bad)
    _add_pictures(entries, filled, plan, bad)
    for repeat, readers in plan.repeats.items():
        _read_lines(entries, repeat, readers, filled.repeats.get(repeat, ()), master, bad)
    for computation in rules.computations:
        if not bad.isdisjoint(computation.paths):
            bad.add(computation.path)
    entries.bad = frozenset(bad)
    return entries


def _read_lines(
    entries: Entries,
    repeat: str,
    readers: tuple[_Reader, ...],
    lines: tuple[Mapping[str, Cell], ...],
    master: Master,
    bad: set[str],
) -> None:
    """Read the lines of *repeat*; one in which only computed cells or words for nothing stand is no line."""
    rows: list[Row] = []
    kept: list[Mapping[str, Cell]] = []
    for cells in lines:
        row: dict[str, Value] = dict(entries.plan.blank_lines[repeat])
        before = len(entries.problems)
        for reader in readers:
            cell = cells.get(reader.name)
            if cell is not None and cell.value is not None:
                row[reader.name] = entries.read(reader, cell.value, row, len(rows), master, bad)
        if len(entries.problems) > before or any(value is not None for value in row.values()):
            rows.append(row)
            kept.append(cells)
    entries.values[repeat] = tuple(rows)
    entries.lines[repeat] = tuple(kept)


def _add_pictures(entries: Entries, filled: FilledForm, plan: _Plan, bad: set[str]) -> None:
    unusable = (FindingCode.NOT_AN_IMAGE, FindingCode.PICTURE_FORMAT)
    told = {finding.field for finding in filled.findings if finding.code in unusable}
    digests: dict[str, tuple[str, ...]] = {}
    for picture in filled.pictures:
        if picture.field in plan.images and picture.media_type.startswith("image/"):
            found = digests.get(picture.field, ())
            digest = sha256(picture.content).hexdigest()
            digests[picture.field] = found if digest in found else (*found, digest)
    entries.values.update(digests)
    entries.problems[:] = [
        (entry, problem)
        for entry, problem in entries.problems
        if entry.path not in digests and not (problem.code is FindingCode.NOT_AN_IMAGE and entry.path in told)
    ]
    bad.difference_update(digests)


_plans: "WeakKeyDictionary[Master, dict[tuple[int, bool], tuple[CompiledRules, _Plan]]]" = WeakKeyDictionary()


def _plan(rules: CompiledRules, master: Master, complete_lists: bool) -> _Plan:
    by_form = _plans.setdefault(master, {})
    key = (id(rules), complete_lists)
    entry = by_form.get(key)
    if entry is None or entry[0] is not rules:
        entry = by_form[key] = (rules, _made_plan(rules.definition, master, complete_lists))
    return entry[1]


def _made_plan(definition: FormDefinition, master: Master, complete_lists: bool) -> _Plan:
    paths = dict(definition.paths())
    parents: dict[str, tuple[str, str]] = {}
    for path, field in paths.items():
        if field.master is not None and field.master.under is not None:
            sibling = f"{path.rpartition('.')[0]}.{field.master.under}"
            under = sibling if sibling in paths else field.master.under
            above = paths[under].master
            parents[path] = (under, above.table if above is not None else field.master.table)
    readers = {
        path: _Reader(
            field.name, path, field, normaliser(field, master, complete_lists), *parents.get(path, (None, None))
        )
        for path, field in paths.items()
    }
    in_order = sorted((readers[p] for p, f in paths.items() if not f.computed), key=lambda r: _depth(r.path, parents))
    return _Plan(
        fields=tuple(reader for reader in in_order if "." not in reader.path),
        repeats={
            repeat.name: tuple(reader for reader in in_order if reader.path.startswith(f"{repeat.name}."))
            for repeat in definition.repeats
        },
        cached={path: readers[path].read for path, field in paths.items() if field.computed},
        parents=parents,
        images=frozenset(path for path, field in paths.items() if field.type is FieldType.IMAGE and "." not in path),
        labels={path: field.label for path, field in paths.items()} | {r.name: r.label for r in definition.repeats},
        blank={field.name: None for field in definition.fields},
        blank_lines={repeat.name: {field.name: None for field in repeat.fields} for repeat in definition.repeats},
    )


def _depth(path: str, parents: Mapping[str, tuple[str, str]]) -> int:
    """How many levels stand above *path*: a parent is read before its children."""
    depth, seen = 0, {path}
    while path in parents and parents[path][0] not in seen:
        path = parents[path][0]
        seen.add(path)
        depth += 1
    return depth
