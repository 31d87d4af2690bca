"""What the records behind a report hold beside what was accepted: whatever was changed in the database by hand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Table, func, or_, select
from sqlalchemy.orm import Session

from server.access.visibility import Viewer, visible
from server.database import table_of
from server.records import form_tables, kept_revisions
from server.records.models import AuditEntry, Record, Revision
from server.records.stored_answers import answers_hash, stored_values
from server.reports.lineage import numbers_in
from server.site import Site
from workbooks.dataset import Dataset
from workbooks.filled import Values
from workbooks.form import FormDefinition, Language, Text
from workbooks.former import steps
from workbooks.reporting.comparison import Compared, Difference, same
from workbooks.reporting.shown_figures import Shown

LIMIT = 50_000  # records that are looked at one by one: as many as the lineage sheet lists
_AT_ONCE = 500
_ANSWERS = "revisions.answers"
_RECORDS, _REVISIONS, _ENTRIES = table_of(Record), table_of(Revision), table_of(AuditEntry)


class _Stored(NamedTuple):
    """One revision of a record as it is stored; *sealed* is the content hash in the audit trail."""

    number: str
    form_id: str
    station: str | None
    revision: int
    newest: bool
    record_hash: str
    record_id: int
    revision_id: int
    version: int
    revision_hash: str
    answers: str
    sealed: str | None


class _Held(NamedTuple):
    """A *field* of a record, in its *line* of a repeat: as the answers have it, and as a table does."""

    table: str
    field: str
    line: int | None
    answer: Shown
    held: Shown


def compare_records(
    session: Session, site: Site, rows: Iterable[tuple[Dataset, datetime]], viewer: Viewer, *, language: Language
) -> Compared:
    """
    Every record that *rows* name, as of their instant (aware) and as it is now: is each place as it was accepted?

    The answers must have the content hash of their revision and of the audit trail; the
    kept revision and the form's tables must follow from the answers.
    """
    named: dict[datetime, set[str]] = {}
    for dataset, as_of in rows:
        named.setdefault(as_of, set()).update(numbers_in(dataset))
    if sum(map(len, named.values())) > LIMIT:
        words = Text(
            f"报表涉及的记录超过 {LIMIT} 条，没有逐条与收下的答案核对。",
            f"The report names more than {LIMIT} records: they were not compared with what was accepted.",
        )
        return Compared(figures=0, notes=(words,))
    differences: list[Difference] = []
    compared: set[str] = set()
    for as_of, numbers in named.items():
        ordered = sorted(numbers)
        for start in range(0, len(ordered), _AT_ONCE):
            stored = list(_stored(session, ordered[start : start + _AT_ONCE], viewer, as_of))
            compared.update(one.number for one in stored)
            for form_id in sorted({one.form_id for one in stored} & site.definitions.keys()):
                own = [one for one in stored if one.form_id == form_id]
                differences += _of_form(session, site.definitions[form_id], own, language)
    return Compared(figures=0, differences=tuple(dict.fromkeys(differences)), records=len(compared))


def _stored(session: Session, numbers: Sequence[str], viewer: Viewer, as_of: datetime) -> Iterator[_Stored]:
    """Of each record the newest revision as of the instant and the newest of all."""
    known = _REVISIONS.alias()
    then = (
        select(func.max(known.c.revision))
        .where(known.c.record_id == _RECORDS.c.id, known.c.at <= as_of)
        .correlate(_RECORDS)
        .scalar_subquery()
    )
    record, revision = _RECORDS.c, _REVISIONS.c
    query = (
        select(
            record.number, record.form_id, record.station, revision.revision, revision.revision == record.revision,
            record.content_hash, record.id, revision.id, revision.version, revision.content_hash, revision.answers,
        )
        .join(_REVISIONS, revision.record_id == record.id)
        .where(record.number.in_(numbers), or_(revision.revision == then, revision.revision == record.revision))
        .order_by(record.number, revision.revision)
    )  # fmt: skip
    sealed = _sealed(session, numbers)
    for row in session.execute(visible(query, _RECORDS, viewer)):
        yield _Stored(*row, sealed.get((row.number, row.revision)))  # type: ignore[call-arg]


def _sealed(session: Session, numbers: Sequence[str]) -> Mapping[tuple[str, int], str]:
    """The content hashes in the audit trail, by number and revision."""
    actions = ("record-created", "record-revised")
    query = select(_ENTRIES.c.subject, _ENTRIES.c.details)
    found = {}
    for subject, text in session.execute(query.where(_ENTRIES.c.subject.in_(numbers), _ENTRIES.c.action.in_(actions))):
        details = orjson.loads(text)
        found[subject, int(details.get("revision", 1))] = str(details.get("content", ""))
    return found


def _of_form(
    session: Session, form: FormDefinition, revisions: Sequence[_Stored], language: Language
) -> Iterator[Difference]:
    """What is not as it was accepted in *revisions* of one form."""
    kept, current, lines = _rows(session, form, revisions)
    for stored in revisions:
        try:
            values = stored_values(form, stored.version, stored.answers)
        except ValueError:
            yield _altered(stored)
            continue
        held: list[_Held] = []
        if form.kept_revisions is not None:
            wanted = kept_revisions.row(form, values, stored.station) | {"number": stored.number}
            held += _differing(kept_revisions.table(form).name, wanted, kept.get(stored.revision_id))
        if stored.newest:
            wanted = form_tables.row(form, values) | {"number": stored.number, "station": stored.station}
            held += _differing(form_tables.table(form).name, wanted, current.get(stored.record_id))
            held += _differing_lines(form, values, stored.record_id, lines)
        yield from _told(form, stored, held, _as_accepted(form, stored, values), language)


def _as_accepted(form: FormDefinition, stored: _Stored, values: Values) -> bool:
    """Whether the answers are those that were accepted. What an older form asked is only known of the newest."""
    expected = {stored.record_hash} if stored.newest else set()
    if not steps(form, stored.version):
        expected |= {stored.revision_hash, stored.sealed or stored.revision_hash}
    return expected <= {answers_hash(form, values)}


def _told(
    form: FormDefinition, stored: _Stored, held: Sequence[_Held], accepted: bool, language: Language
) -> Iterator[Difference]:
    """Where the answers are as accepted, the tables were altered; else the answers were, and the tables tell where."""
    if accepted:
        for one in held:
            column = _label(form, one, language)
            yield Difference(
                kind="record", part=one.table, row=stored.number, column=column, record=stored.number,
                accepted=one.answer, in_database=one.held,
            )  # fmt: skip
        return
    if not held:
        yield _altered(stored)
    seen = {(one.field, one.line): one for one in reversed(held)}
    for one in reversed(seen.values()):
        yield Difference(
            kind="answers", part=_ANSWERS, row=stored.number, column=_label(form, one, language),
            record=stored.number, accepted=one.held, in_database=one.answer,
        )  # fmt: skip


def _altered(stored: _Stored) -> Difference:
    return Difference(kind="answers", part=_ANSWERS, row=stored.number, record=stored.number)


Rows = Mapping[int, Mapping[str, Any]]


def _rows(
    session: Session, form: FormDefinition, revisions: Sequence[_Stored]
) -> tuple[Rows, Rows, Mapping[str, Mapping[tuple[int, int], Mapping[str, Any]]]]:
    """The kept rows by revision, the form's rows by record, the lines of each repeat by record and line."""
    newest = [stored.record_id for stored in revisions if stored.newest]
    kept: Rows = {}
    if form.kept_revisions is not None:
        table = kept_revisions.table(form)
        kept = _by(session, table, table.c.revision_id, [stored.revision_id for stored in revisions])
    main = form_tables.table(form)
    lines = {}
    for repeat, table in form_tables.repeat_tables(form).items():
        query = select(table).where(table.c.record_id.in_(newest))
        found = session.execute(query).mappings()
        lines[repeat] = {(row["record_id"], row["line"]): dict(row) for row in found}
    return kept, _by(session, main, main.c.record_id, newest), lines


def _by(session: Session, table: Table, key: Any, wanted: Sequence[int]) -> Rows:
    found = session.execute(select(table).where(key.in_(wanted))).mappings()
    return {row[key.name]: dict(row) for row in found}


def _differing(
    table: str, wanted: Mapping[str, Any], found: Mapping[str, Any] | None, line: int | None = None
) -> Iterator[_Held]:
    if found is None:
        yield _Held(table, "", line, None, None)
        return
    for name, value in wanted.items():
        answer, held = _shown(value), _shown(found[name])
        if not same(answer, held):
            yield _Held(table, name, line, answer, held)


def _differing_lines(
    form: FormDefinition, values: Values, record_id: int,
    lines: Mapping[str, Mapping[tuple[int, int], Mapping[str, Any]]],
) -> Iterator[_Held]:  # fmt: skip
    tables = {table.name: repeat for repeat, table in form_tables.repeat_tables(form).items()}
    wanted = {tables[table.name]: (table.name, rows) for table, rows in form_tables.lines(form, values)}
    for repeat, found in lines.items():
        name, rows = wanted.get(repeat, (form_tables.repeat_tables(form)[repeat].name, []))
        for row in rows:
            yield from _differing(name, row, found.get((record_id, row["line"])), row["line"])
        for owner, line in sorted(found):
            if owner == record_id and line > len(rows):
                yield _Held(name, "", line, None, None)


def _label(form: FormDefinition, held: _Held, language: Language) -> str:
    fields = {field.name: field for field in form.fields}
    where = "" if held.line is None else Text(f"第 {held.line} 行 ", f"line {held.line} ")[language]
    for repeat in form.repeats:
        if held.line is not None and held.table == form_tables.repeat_tables(form)[repeat.name].name:
            fields = {field.name: field for field in repeat.fields}
    if held.field == "":
        return f"{where}{Text('整行', 'the whole row')[language]}"
    return f"{where}{fields[held.field].label[language] if held.field in fields else held.field}"


def _shown(value: Any) -> Shown:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes" if value.second == 0 and value.microsecond == 0 else "auto")
    if isinstance(value, date | time):
        return value.isoformat()
    return float(value)
