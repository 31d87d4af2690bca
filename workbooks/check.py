"""A filled form against its definition: every finding of the whole workbook at once, and the checked values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

from workbooks.deadlines import DeadlineState, deadline_states
from workbooks.entries import Entries, Entry, read_entries
from workbooks.filled import FilledForm, Value, Values
from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding, has_errors
from workbooks.form import Field, FormDefinition, Repeat, Section, Text
from workbooks.former import steps
from workbooks.formulas.calculation import Scope
from workbooks.master import EMPTY, Master
from workbooks.rules import CompiledRules, Rule, compile_rules
from workbooks.spellings.problems import Problem
from workbooks.spellings.spelling import clean, is_blank
from workbooks.spellings.typed import out_of_range
from workbooks.values import show

__all__ = ["CheckReport", "DeadlineState", "check"]

_NOISE = Decimal("1e-9")  # relative difference of two programs that add the same numbers up in another order
_ZONE = ZoneInfo("Asia/Shanghai")
_OWNERS: Mapping[str, Text] = {
    "station": Text("服务站", "the service station"),
    "engineer": Text("工程师", "the engineer"),
    "quality": Text("质量人员", "the quality department"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """
    What the check found.

    *values* holds every field and every repeat, also when there are errors: wrong
    answers are None. *findings* stand in the order of the sheet.
    """

    form_id: str
    version: int
    findings: tuple[Finding, ...]
    values: Values
    deadlines: tuple[DeadlineState, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether nothing keeps the form from being stored; warnings do not."""
        return not has_errors(self.findings)


def check(
    definition: FormDefinition,
    filled: FilledForm,
    *,
    master: Master = EMPTY,
    now: datetime | None = None,
    roles: frozenset[str] | None = None,
    previous: Values | None = None,
    complete_lists: bool = True,
) -> CheckReport:
    """
    Check every answer and every rule, and report all findings, not just the first.

    *now* is the site's date and time (Asia/Shanghai when not given). *roles* are the
    sender's: they say which owned sections are asked of them and which they may change;
    None asks for the first owner's and allows all. *previous* are the values of the
    revision this one follows; without them the form is a new one, of which the first
    owner's sections are asked whoever sends it. Without *complete_lists* (offline, without master data)
    answers from empty master tables are kept as text. Bad input never raises.
    """
    moment = now if now is not None else datetime.now(_ZONE)
    rules = compile_rules(definition)
    found = list(filled.findings)
    entries = read_entries(definition, rules, filled, master, complete_lists)
    version = _version(definition, filled)
    scope = rules.scope(entries.values, moment)
    rules.work_out(entries.values, scope, master, entries.bad)
    if version is not None:
        found.append(version)
    if version is not None and version.code is not FindingCode.OLD_VERSION:
        # The cells of a template that is not taken any more mean something else.
        return _report(definition, tuple(found), entries.values)

    checking = _Check(definition, rules, filled, master, entries, scope)
    irrelevant = checking.irrelevant()
    located = [
        *checking.answers(irrelevant),
        *checking.computed(complete_lists),
        *checking.missing(irrelevant, roles, previous),
        *checking.rules_broken(),
        *checking.foreign(roles, previous),
    ]
    states = []
    for deadline, state in deadline_states(definition, entries.values, moment.date()):
        if previous is not None and previous.get(deadline.start) == entries.values.get(deadline.start):
            continue  # the first sending has met or missed it
        states.append(state)
        if state.state == "late":
            context = {"due": state.due.isoformat(), "days": str(state.late_days)}
            late = FindingCode.PAST_DEADLINE
            located.append(checking.finding(late, deadline.start, label=deadline.label, context=context))
    found.extend(sorted(located, key=entries.position))
    return _report(definition, tuple(found), entries.values, tuple(states))


def _report(
    definition: FormDefinition, found: tuple[Finding, ...], values: Values, states: tuple[DeadlineState, ...] = ()
) -> CheckReport:
    return CheckReport(
        form_id=definition.form_id, version=definition.version, findings=found, values=values, deadlines=states
    )


def _version(definition: FormDefinition, filled: FilledForm) -> Finding | None:
    sent = filled.identity.version
    if sent is None or sent == definition.version or steps(definition, sent):
        return None  # what migrations made of an older one, they have said
    if sent in definition.accepts:
        code = FindingCode.OLD_VERSION
    elif 0 < sent < definition.version:
        code = FindingCode.RETIRED_VERSION
    elif sent > definition.version:
        code = FindingCode.NEWER_VERSION
    else:
        code = FindingCode.UNKNOWN_VERSION
    return Finding(code=code, context={"sent": str(sent), "current": str(definition.version)})


class _Check:
    """One pass over one filled form; each method yields the findings of one kind."""

    def __init__(
        self,
        definition: FormDefinition,
        rules: CompiledRules,
        filled: FilledForm,
        master: Master,
        entries: Entries,
        scope: Scope,
    ) -> None:
        self.definition, self.rules, self.filled = definition, rules, filled
        self.master, self.entries, self.scope = master, entries, scope
        self._lost = {finding.field for finding in filled.findings if finding.code is FindingCode.LOST_FIELD}

    def finding(
        self,
        code: FindingCode,
        path: str,
        line: int | None = None,
        *,
        label: Text | None = None,
        context: Mapping[str, str | Text] = MappingProxyType({}),
    ) -> Finding:
        """A finding at field or repeat *path*, in *line* (from 0) of its repeat."""
        cell = self.entries.cell(path, line)
        known = self.entries.label(path) if label is None else label
        sheet, address = (cell.sheet, cell.address) if cell is not None else ("", "")
        return Finding(code=code, sheet=sheet, cell=address, field=path, label=known, context=context)

    def of_problem(self, entry: Entry, problem: Problem) -> Finding:
        context = dict(problem.context)
        if "parent" in context:
            context["parent"] = self._chosen_above(entry)
        return self.finding(problem.code, entry.path, entry.line, context=context)

    def _chosen_above(self, entry: Entry) -> Text:
        code = self.entries.above(entry)
        table = self.entries.parent_table(entry.path)
        row = self.master.row(table, code) if code is not None and table is not None else None
        return Text(row.label("zh"), row.label("en")) if row is not None else Text(code or "", code or "")

    def irrelevant(self) -> set[tuple[str, int | None]]:
        """(path, line) of every field that does not apply, given the other answers."""
        found: set[tuple[str, int | None]] = set()
        for path, condition in self.rules.relevant.items():
            if not self.entries.bad.isdisjoint(condition.paths) or any(map(self._owed, condition.paths)):
                continue
            for line, scope in self._scopes(path):
                if not condition.holds(scope):
                    found.add((path, line))
        return found

    def _owed(self, path: str) -> bool:
        """Whether *path* must be answered and is not: then nobody can say yet what depends on it."""
        return "." not in path and self.entries.field(path).required is True and self.entries.value(path, None) is None

    def _scopes(self, path: str) -> Iterator[tuple[int | None, Scope]]:
        """(line, scope) of each place where *path* stands: one outside repeats, one per filled line inside."""
        repeat = path.rpartition(".")[0]
        if not repeat:
            yield None, self.scope
            return
        for line in range(len(self.entries.rows(repeat))):
            yield line, self.rules.line(self.scope, repeat, line)

    def answers(self, irrelevant: set[tuple[str, int | None]]) -> Iterator[Finding]:
        """What is wrong with single answers."""
        for entry, problem in self.entries.problems:
            if (entry.path, entry.line) not in irrelevant:
                yield self.of_problem(entry, problem)
        for path, line in irrelevant:
            if self.entries.field(path).computed:
                continue
            value = self.entries.value(path, line)
            if isinstance(value, str) and is_blank(value):
                self.entries.forget(path, line)
            elif value is not None or self.entries.has_problem(path, line):
                yield self.finding(FindingCode.NOT_RELEVANT, path, line)

    def computed(self, complete_lists: bool) -> Iterator[Finding]:
        """Computed answers out of their range, and cells that show something else than was worked out."""
        for computation in self.rules.computations:
            field, path = computation.field, computation.path
            unknown = not self.entries.bad.isdisjoint(computation.paths) or (
                computation.table and not complete_lists and not self.master.rows(computation.table)
            )
            for line, _ in self._scopes(path):
                value = self.entries.value(path, line)
                if isinstance(value, int | Decimal) and (problem := out_of_range(field, value)) is not None:
                    yield self.finding(problem.code, path, line, context=problem.context)
                if unknown or computation.volatile:
                    continue
                yield from self._stale(field, path, line, value)

    def _stale(self, field: Field, path: str, line: int | None, value: Value) -> Iterator[Finding]:
        cached = self.entries.cached(path, line)
        if cached is None or cached == value or self._text_shown_as_zero(path, line, value):
            return
        if isinstance(cached, Decimal) and isinstance(value, Decimal) and abs(cached - value) <= abs(value) * _NOISE:
            return
        texts = [Text(show(field, v, "zh", self.master), show(field, v, "en", self.master)) for v in (cached, value)]
        if texts[0] != texts[1]:
            nothing = Text("空", "empty")
            taken = texts[1] if texts[1].zh else nothing
            yield self.finding(FindingCode.STALE_CALCULATION, path, line, context={"value": texts[0], "taken": taken})

    def _text_shown_as_zero(self, path: str, line: int | None, value: Value) -> bool:
        """Whether it is what LibreOffice leaves in an .xls where a formula gives a text: people see the text."""
        cell = self.entries.cell(path, line)
        return cell is not None and cell.value == 0 and (value is None or isinstance(value, str))

    def missing(
        self, irrelevant: set[tuple[str, int | None]], roles: frozenset[str] | None, previous: Values | None
    ) -> Iterator[Finding]:
        """Answers and lines that are asked for and not there."""
        for section in self._asked(roles, new=previous is None):
            for item in section.items:
                if isinstance(item, Repeat):
                    yield from self._missing_lines(item)
                    for field in item.fields:
                        yield from self._missing(field, f"{item.name}.{field.name}", irrelevant)
                elif item.required is not False and self.entries.values[item.name] is None:
                    yield from self._missing(item, item.name, irrelevant)

    def _missing(self, field: Field, path: str, irrelevant: set[tuple[str, int | None]]) -> Iterator[Finding]:
        if field.required is False or field.computed:
            return
        condition = self.rules.required.get(path)
        if condition is not None and not self.entries.bad.isdisjoint(condition.paths):
            return
        for line, scope in self._scopes(path):
            if self.entries.value(path, line) is not None or (path, line) in irrelevant:
                continue
            if self.entries.has_problem(path, line) or (condition is not None and not condition.holds(scope)):
                continue
            if path in self._lost:
                continue  # that it has no cell any more is told; it cannot be filled in
            yield (
                self._unasked(path)
                if self._is_unasked(path, line)
                else self.finding(FindingCode.MISSING_VALUE, path, line)
            )

    def _is_unasked(self, path: str, line: int | None) -> bool:
        """Whether the older template that was filled in has no cell for *path*."""
        sent = self.filled.identity.version
        return sent not in (None, self.definition.version) and self.entries.cell(path, line) is None

    def _unasked(self, path: str) -> Finding:
        context = {"sent": str(self.filled.identity.version), "current": str(self.definition.version)}
        return self.finding(FindingCode.NOT_ON_OLD_TEMPLATE, path, context=context)

    def _missing_lines(self, repeat: Repeat) -> Iterator[Finding]:
        count = len(self.entries.rows(repeat.name))
        condition = self.rules.minimum.get(repeat.name)
        if condition is None:
            minimum = repeat.minimum if isinstance(repeat.minimum, int) else 0
        elif self.entries.bad.isdisjoint(condition.paths):
            minimum = condition.number(self.scope)
        else:
            minimum = 0
        if count < minimum:
            yield self.finding(
                FindingCode.TOO_FEW_ROWS, repeat.name, context={"minimum": str(minimum), "count": str(count)}
            )

    def _asked(self, roles: frozenset[str] | None, *, new: bool) -> Iterator[Section]:
        """The sections whose required answers are asked of the sender."""
        owners = [section.owner for section in self.definition.sections if section.owner is not None]
        first = frozenset(owners[:1])
        owned = roles if roles is not None and "admin" not in roles else first
        asked = owned | first if new else owned
        for section in self.definition.sections:
            if section.owner is None or section.owner in asked or self.entries.begun(section):
                yield section

    def rules_broken(self) -> Iterator[Finding]:
        """Rules over several answers, and what the sender says about the soft ones."""
        reason = self._reason()
        for rule in self.rules.rules:
            for line, scope in self._scopes(f"{rule.repeat}." if rule.repeat else ""):
                if not self.entries.unknown(rule.paths, rule.repeat, line) and rule.broken(scope):
                    yield self._broken(rule, line, reason)

    def _broken(self, rule: Rule, line: int | None, reason: str) -> Finding:
        message = rule.constraint.message
        at_line = line if "." in rule.at else None
        if not rule.constraint.soft:
            return self.finding(FindingCode.RULE_BROKEN, rule.at, at_line, context={"message": message})
        if not reason:
            return self.finding(FindingCode.NEEDS_REASON, rule.at, at_line, context={"message": message})
        return self.finding(
            FindingCode.TAKEN_WITH_REASON, rule.at, at_line, context={"message": message, "reason": reason}
        )

    def _reason(self) -> str:
        cell = self.filled.reason
        reason = clean(str(cell.value)) if cell is not None and cell.value is not None else ""
        return "" if is_blank(reason) else reason

    def foreign(self, roles: frozenset[str] | None, previous: Values | None) -> Iterator[Finding]:
        """Sections of other owners that the sender has changed; each is reported once, at its first change."""
        if roles is None or "admin" in roles:
            return
        for section in self.definition.sections:
            if section.owner is None or section.owner in roles:
                continue
            changed = self.entries.first_change(section, previous)
            if changed is not None:
                path, line = changed
                owner = _OWNERS[section.owner]
                yield self.finding(
                    FindingCode.SECTION_NOT_YOURS, path, line, label=section.label, context={"owner": owner}
                )
