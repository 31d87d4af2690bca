"""What is to become of a form that has been read: checked, matched with the records, decided."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.intake.masters import master_with
from server.records import identity
from server.records.changes import Change, changed_labels, changes
from server.records.form_tables import station_field
from server.records.identity import Known, Version
from server.records.outcome import Outcome
from server.records.stored_answers import answers_hash, key_hash
from server.records.writing import Accepted, Reading
from server.site import Site
from workbooks.check import CheckReport, DeadlineState, check
from workbooks.filled import FilledForm, Values
from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding, has_errors
from workbooks.form import FormDefinition, Text
from workbooks.master import Master


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """
    What to store.

    *known* is the record to revise or to point to; *accepted* is there when a record is
    to be made or revised.
    """

    outcome: Outcome
    reading: Reading
    title: Text | None = None
    known: Known | None = None
    accepted: Accepted | None = None
    changes: tuple[Change, ...] = ()
    deadlines: tuple[DeadlineState, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """The record a form means to change, and the revision it started from (None: unknown)."""

    known: Known
    revision: int
    started_from: Version | None

    @property
    def stale(self) -> bool:
        return self.revision < self.known.revision


def decide(
    site: Site,
    session: Session,
    filled: FilledForm,
    sender: Viewer,
    *,
    sha256: str,
    received_at: datetime,
    expected_form: str | None = None,
) -> Decision:
    """
    Check *filled* and find out which record it is about.

    The caller holds the writers' lock, so the answer is still true when it writes.
    """
    definition = site.definitions.get(filled.identity.form_id or "")
    if definition is None:
        findings = filled.findings if has_errors(filled.findings) else (*filled.findings, _unknown_form())
        return _rejected(Reading(findings=findings, flags=filled.flags, form_id=filled.identity.form_id))
    reading = Reading(form_id=definition.form_id, version=filled.identity.version, flags=filled.flags)
    if expected_form is not None and expected_form != definition.form_id:
        findings = (*filled.findings, _wrong_form(site, expected_form, definition))
        return _rejected(replace(reading, findings=findings), definition)

    now = received_at.astimezone(site.zone)
    master = site.master(session)
    report = check(definition, filled, master=master, now=now, roles=sender.roles)
    key = key_hash(definition, report.values)
    instance_id = filled.identity.instance_id or f"sha256:{sha256}"
    base, used = _match(session, sender, definition, filled, instance_id, key)
    if base is not None and base.started_from is not None:
        previous = base.started_from.values
        master = master_with(site, session, definition, previous)
        report = check(definition, filled, master=master, now=now, roles=sender.roles, previous=previous)
        key = key_hash(definition, report.values)

    station = _station(definition, report.values) or (base.known.station if base else None) or sender.station
    content = answers_hash(definition, report.values)
    reading = replace(reading, station=station, findings=report.findings)
    # With an error the contents are not known: a bad answer counts as none, and none may be what is stored.
    if base is not None and report.accepted and content in _contents(base):
        return Decision(
            outcome=Outcome.ALREADY_RECEIVED,
            reading=reading,
            title=definition.title,
            known=base.known,
            deadlines=report.deadlines,
        )
    findings = (
        *report.findings,
        *_record_errors(site, session, definition, filled, sender, base),
        *_not_yours(definition, filled, sender, station, master),
    )
    reading = replace(reading, findings=findings)
    if has_errors(findings):
        # What was turned down stays with the station that sent it, whatever station it names.
        kept_with = sender.station if sender.station_bound else station
        return _rejected(replace(reading, station=kept_with), definition, report)
    if base is None:
        reading = replace(reading, findings=(*findings, *_resemblances(session, sender, definition, key, used)))
    return Decision(
        outcome=Outcome.RECORDED if base is None else Outcome.REVISED,
        reading=reading,
        title=definition.title,
        known=base.known if base else None,
        accepted=Accepted(
            definition=definition,
            reading=reading,
            values=report.values,
            instance_id=instance_id,
            key_hash=key,
            content_hash=content,
            numbered=filled.identity.record_number is not None,
            reason=str(filled.reason.value).strip() if filled.reason and filled.reason.value is not None else "",
        ),
        changes=_changes(session, definition, base, report.values),
        deadlines=report.deadlines,
    )


def _match(
    session: Session, sender: Viewer, definition: FormDefinition, filled: FilledForm, instance_id: str, key: str
) -> tuple[_Base | None, Known | None]:
    """The record to revise; or else, if there is one, another record that the same blank was used for."""
    number, used = filled.identity.record_number, None
    if number is not None:
        known = identity.numbered(session, sender, definition.form_id, number)
        revision = filled.identity.revision or 0
    else:
        known = identity.of_instance(session, sender, definition.form_id, instance_id, key)
        if known is not None and known.key_hash != key:
            known, used = None, known
        revision = identity.last_unnumbered(session, known) if known else 0
    if known is None:
        return None, used
    revision = min(revision, known.revision)  # a number typed by hand cannot be ahead of us
    started_from = identity.version(session, definition, known, revision)
    return _Base(known=known, revision=revision, started_from=started_from), None


def _contents(base: _Base) -> set[str]:
    """Contents that say nothing new: the record's own, and what the sender started from."""
    return {base.known.content_hash} | ({base.started_from.content_hash} if base.started_from else set())


def _record_errors(
    site: Site, session: Session, definition: FormDefinition, filled: FilledForm, sender: Viewer, base: _Base | None
) -> Iterator[Finding]:
    number = filled.identity.record_number
    if base is None:
        if number is not None:
            yield Finding(code=FindingCode.UNKNOWN_RECORD, context={"number": number})
        return
    if base.known.state == "closed" and not sender.may_reopen:
        yield Finding(code=FindingCode.CLOSED_RECORD, context={"number": base.known.number})
    if base.stale:
        yield _stale(site, session, definition, base)


def _stale(site: Site, session: Session, definition: FormDefinition, base: _Base) -> Finding:
    current = identity.version(session, definition, base.known, base.known.revision)
    assert current is not None  # every record has its current revision
    changed = Text("全部", "everything")
    if base.started_from is not None:
        changed = changed_labels(changes(definition, base.started_from.values, current.values))
    return Finding(
        code=FindingCode.STALE_REVISION,
        context={
            "base": str(base.revision),
            "current": str(current.revision),
            "who": current.by,
            "when": current.at.astimezone(site.zone).strftime("%Y-%m-%d %H:%M"),
            "changed": changed,
            "number": base.known.number,
        },
    )


def _not_yours(
    definition: FormDefinition, filled: FilledForm, sender: Viewer, station: str | None, master: Master
) -> Iterator[Finding]:
    """A form of a station outside the sender's own reach."""
    field = station_field(definition)
    if field is None or station is None:
        return
    row = master.row("stations", station)
    if sender.station_bound:
        mine = station == sender.station
    else:
        mine = sender.admin or sender.region is None or (row is not None and row.attributes["region"] == sender.region)
    if not mine:
        cell = filled.cells.get(field.name)
        yield Finding(
            code=FindingCode.NOT_YOUR_RECORD,
            sheet=cell.sheet if cell else "",
            cell=cell.address if cell else "",
            field=field.name,
            label=field.label,
            context={"value": Text(row.label("zh"), row.label("en")) if row else station},
        )


def _resemblances(
    session: Session, sender: Viewer, definition: FormDefinition, key: str, used: Known | None
) -> Iterator[Finding]:
    """Records that a new one may be meant for instead."""
    if used is not None:
        yield Finding(code=FindingCode.NEW_FROM_USED, context={"number": used.number})
    elif (same := identity.of_key(session, sender, definition.form_id, key)) is not None:
        yield Finding(code=FindingCode.POSSIBLE_DUPLICATE, context={"number": same.number})


def _changes(session: Session, definition: FormDefinition, base: _Base | None, values: Values) -> tuple[Change, ...]:
    if base is None:
        return ()
    assert base.started_from is not None  # a stale form has been rejected by now
    return changes(definition, base.started_from.values, values)


def _station(definition: FormDefinition, values: Values) -> str | None:
    field = station_field(definition)
    value = values.get(field.name) if field is not None else None
    return value if isinstance(value, str) else None


def _rejected(
    reading: Reading, definition: FormDefinition | None = None, report: CheckReport | None = None
) -> Decision:
    return Decision(
        outcome=Outcome.REJECTED,
        reading=reading,
        title=definition.title if definition else None,
        deadlines=report.deadlines if report else (),
    )


def _unknown_form() -> Finding:
    return Finding(code=FindingCode.UNKNOWN_FORM)


def _wrong_form(site: Site, expected: str, actual: FormDefinition) -> Finding:
    wanted = site.definitions.get(expected)
    title = wanted.title if wanted else Text(expected, expected)
    return Finding(code=FindingCode.WRONG_FORM, context={"expected": title, "actual": actual.title})
