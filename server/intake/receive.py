"""The one door: bytes or answers from any channel become a stored submission and a receipt."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.intake.ahead import ahead
from server.intake.answers import Answers, UnknownAnswer, as_original, filled_from, new_instance_id
from server.intake.decision import Decision, decide
from server.intake.mail.names import clean_name
from server.intake.pictures import pictures_of
from server.intake.receipts import Receipt
from server.intake.workbooks import marked_workbook, record_workbook
from server.records import identity, kept_findings
from server.records.listing import NotFound
from server.records.outcome import Outcome
from server.records.writing import Arrival, Reading, Writer, new_id
from server.site import Site
from workbooks.filled import FilledForm, Identity
from workbooks.refusal import Refused
from workbooks.sandbox import ChildError

T = TypeVar("T")
GROUP = 50  # submissions per commit when many come at once
GROUP_BYTES = 32 << 20  # and no more of their bytes in memory at once

__all__ = [
    "Answers",
    "Outcome",
    "ReadWorkbook",
    "Receipt",
    "UnknownAnswer",
    "marked_workbook",
    "read_workbook",
    "receive",
    "receive_many",
    "receive_values",
    "receive_values_many",
    "record_workbook",
    "settle_within",
]


_Read = FilledForm | Refused | ChildError


@dataclass(slots=True)
class _Item:
    """
    One arrival on its way; *read* stays empty where the same bytes are known already.

    *sent_at* is what deadlines count to, where that is not the arrival.
    """

    arrival: Arrival
    read: _Read | None = None
    expected_form: str | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWorkbook:
    """A workbook whose bytes and pictures are kept and that has been read; nothing is decided about it."""

    filename: str
    sha256: str
    size: int
    read: FilledForm | Refused

    @property
    def identity(self) -> Identity:
        """What it says of itself: nothing for a file that cannot be read."""
        return self.read.identity if isinstance(self.read, FilledForm) else Identity()


def receive(
    site: Site,
    content: bytes,
    *,
    filename: str,
    channel: str,
    sender: Viewer,
    expected_form: str | None = None,
    password: str = "",
) -> Receipt:
    """
    Take in one workbook: keep its bytes, read and check it, store what it says.

    *password* opens an encrypted one. It is used once; what is kept are the bytes as they came.

    Whatever is wrong with the workbook is in the receipt's findings. An error of ours is
    raised after the submission has been kept as "failed".
    """
    sha256 = site.originals.keep(content)
    item = _Item(_arrival(sha256, len(content), filename, channel, sender, "workbook"), expected_form=expected_form)
    with site.session(read_only=True) as session:
        known = identity.same_bytes(session, sender, sha256) is not None
    if not known or password:
        item.read = _read(site, content, password)
    return _settle_group(site, [item])[0]


def receive_many(
    site: Site, items: Iterable[tuple[str, bytes]], *, channel: str, sender: Viewer, password: str = ""
) -> Iterator[Receipt]:
    """
    Take in many workbooks, given as (file name, bytes): receipts come in the same order.

    They are read in all child processes at once and stored in groups; every receipt
    handed out is committed. *password* opens those that are encrypted.

    Raises:
        ExceptionGroup: At the end, when errors of ours stopped single submissions; they
            are kept as "failed", and all others are stored.
    """
    errors: list[Exception] = []
    for group in _chunks(ahead(_read_in_order(site, items, channel, sender, password), 2 * GROUP)):
        yield from _settle_safely(site, group, errors)
    if errors:
        raise ExceptionGroup(f"{len(errors)} submissions could not be processed", errors)


def receive_values(
    site: Site,
    form_id: str,
    answers: Mapping[str, Any],
    *,
    channel: str,
    sender: Viewer,
    number: str | None = None,
    revision: int | None = None,
    reason: str = "",
    instance_id: str | None = None,
) -> Receipt:
    """
    Take in a form filled in without a workbook; checked and stored like one.

    Raises:
        NotFound: There is no such form.
        UnknownAnswer: It answers something the form does not ask.
    """
    item = Answers(
        form_id=form_id,
        answers=answers,
        channel=channel,
        sender=sender,
        number=number,
        revision=revision,
        reason=reason,
        instance_id=instance_id or new_instance_id(),
    )
    return _settle_group(site, _items_of(site, [item]))[0]


def receive_values_many(site: Site, items: Iterable[Answers]) -> Iterator[Receipt]:
    """
    Take in many filled forms, stored in groups; receipts come in the same order.

    Raises:
        NotFound: There is no such form.
        UnknownAnswer: One answers something its form does not ask.
        ExceptionGroup: As `receive_many`.
    """
    errors: list[Exception] = []
    for chunk in _chunks(items):
        yield from _settle_safely(site, _items_of(site, chunk), errors)
    if errors:
        raise ExceptionGroup(f"{len(errors)} submissions could not be processed", errors)


def read_workbook(site: Site, content: bytes, *, filename: str) -> ReadWorkbook:
    """
    Keep and read a workbook for a channel that settles it in a transaction of its own.

    Raises:
        ChildError: The reader failed; a bug.
    """
    sha256 = site.originals.keep(content)
    read = _read(site, content)
    if isinstance(read, ChildError):
        raise read
    if isinstance(read, FilledForm):
        site.originals.keep_many(picture.content for picture in read.pictures)
    return ReadWorkbook(filename=filename, sha256=sha256, size=len(content), read=read)


def settle_within(
    site: Site,
    session: Session,
    writer: Writer,
    items: Iterable[tuple[ReadWorkbook, Viewer]],
    *,
    channel: str,
    sent_at: datetime,
) -> list[Receipt]:
    """
    Store workbooks, each on behalf of its sender, in the caller's transaction; receipts in the same order.

    Deadlines count to *sent_at* (aware). *writer* is one of *session*; the caller
    finishes it.
    """
    return [
        _settle(
            site,
            session,
            writer,
            _Item(
                _arrival(workbook.sha256, workbook.size, workbook.filename, channel, sender, "workbook"),
                workbook.read,
                sent_at=sent_at,
            ),
        )
        for workbook, sender in items
    ]


def _read_in_order(
    site: Site, items: Iterable[tuple[str, bytes]], channel: str, sender: Viewer, password: str
) -> Iterator[_Item]:
    """Keep and read *items*, all child processes at once; what is known already is not read again."""
    with ThreadPoolExecutor(site.settings.workers, thread_name_prefix="read") as readers:
        for chunk in _chunks(items, size=lambda item: len(item[1])):
            digests = site.originals.keep_many(content for _, content in chunk)
            with site.session(read_only=True) as session:
                known = identity.known_bytes(session, sender, digests)
            new = [content for (_, content), sha256 in zip(chunk, digests, strict=True) if sha256 not in known]
            reads = readers.map(partial(_read, site, password=password), new)
            for (filename, content), sha256 in zip(chunk, digests, strict=True):
                arrival = _arrival(sha256, len(content), filename, channel, sender, "workbook")
                yield _Item(arrival, None if sha256 in known else next(reads))


def _read(site: Site, content: bytes, password: str = "") -> _Read:
    try:
        return site.sandbox.read(content, password=password)
    except (Refused, ChildError) as error:
        return error


def _items_of(site: Site, chunk: list[Answers]) -> list[_Item]:
    for item in chunk:
        if item.form_id not in site.definitions:
            raise NotFound(item.form_id)
    filled = [_filled(site, item) for item in chunk]
    contents = [as_original(item, site.originals.keep) for item in chunk]
    digests = site.originals.keep_many(contents)
    return [
        _Item(_arrival(sha256, len(content), "", item.channel, item.sender, "answers", item.received_at), form)
        for item, form, content, sha256 in zip(chunk, filled, contents, digests, strict=True)
    ]


def _filled(site: Site, item: Answers) -> FilledForm:
    """*item* as a filled form; a change by number starts from the answers of that revision."""
    definition, before = site.definitions[item.form_id], None
    if item.number is not None and item.revision is not None:
        with site.session(read_only=True) as session:
            known = identity.numbered(session, item.sender, item.form_id, item.number)
            started_from = identity.version(session, definition, known, item.revision) if known else None
        before = started_from.values if started_from else None
    return filled_from(definition, item, before, pictures_of(site, item, before))


def _settle_safely(site: Site, group: list[_Item], errors: list[Exception]) -> list[Receipt]:
    """Settle a group at once; if that fails, one by one, so that one error does not stop the others."""
    if not group:
        return []
    try:
        return _settle_group(site, group, keep_failed=len(group) == 1)
    except Exception as error:  # noqa: BLE001  (collected, and raised at the end of the run)
        if len(group) == 1:
            errors.append(error)
            return []
    return [receipt for item in group for receipt in _settle_safely(site, [item], errors)]


def _settle_group(site: Site, group: list[_Item], *, keep_failed: bool = True) -> list[Receipt]:
    """Store a group in one transaction: all of it, or nothing."""
    site.originals.keep_many(picture.content for item in group for picture in _pictures(item))
    try:
        with site.session() as session:
            writer = Writer(session, site.audit_key, site.zone)
            receipts = [_settle(site, session, writer, item) for item in group]
            writer.finish()
    except Exception:
        if keep_failed:
            for item in group:
                _keep_failed(site, item.arrival)
        raise
    return receipts


def _settle(site: Site, session: Session, writer: Writer, item: _Item) -> Receipt:
    arrival = item.arrival
    earlier = identity.same_bytes(session, arrival.sender, arrival.sha256)
    if earlier is not None and item.expected_form in (None, earlier.known.form_id):
        findings = kept_findings.load(earlier.findings)
        known = earlier.known
        reading = Reading(form_id=known.form_id, version=earlier.version, station=known.station, findings=findings)
        title = site.definitions[known.form_id].title if known.form_id in site.definitions else None
        decision = Decision(outcome=Outcome.ALREADY_RECEIVED, reading=reading, title=title, known=known)
    elif isinstance(item.read, ChildError):
        raise item.read
    elif isinstance(item.read, Refused):
        decision = Decision(outcome=Outcome.REJECTED, reading=Reading(findings=(item.read.finding,)))
    else:
        filled = item.read if item.read is not None else site.sandbox.read(site.originals.read(arrival.sha256))
        decision = decide(
            site,
            session,
            filled,
            arrival.sender,
            sha256=arrival.sha256,
            received_at=item.sent_at or arrival.received_at,
            expected_form=item.expected_form,
        )
    return _store(writer, arrival, decision)


def _store(writer: Writer, arrival: Arrival, decision: Decision) -> Receipt:
    known = decision.known
    if decision.outcome is Outcome.REJECTED:
        writer.reject(arrival, decision.reading)
        known = None
    elif decision.outcome is Outcome.ALREADY_RECEIVED:
        assert known is not None
        writer.repeat(arrival, decision.reading, known)
    else:
        assert decision.accepted is not None
        if known is None:
            known = writer.create(arrival, decision.accepted)
        else:
            known = writer.revise(arrival, decision.accepted, known)
    return Receipt(
        submission_id=arrival.id,
        outcome=decision.outcome,
        form_id=decision.reading.form_id,
        title=decision.title,
        record_number=known.number if known else None,
        revision=known.revision if known else None,
        received_at=arrival.received_at,
        filename=arrival.filename,
        findings=decision.reading.findings,
        changes=decision.changes,
        deadlines=decision.deadlines,
    )


def _keep_failed(site: Site, arrival: Arrival) -> None:
    with site.session() as session:
        writer = Writer(session, site.audit_key, site.zone)
        writer.fail(arrival)
        writer.finish()


def _arrival(
    sha256: str,
    size: int,
    filename: str,
    channel: str,
    sender: Viewer,
    kind: str,
    received_at: datetime | None = None,
) -> Arrival:
    return Arrival(
        id=new_id(),
        received_at=received_at or datetime.now(UTC),
        channel=channel,
        sender=sender,
        filename=clean_name(filename) or ("workbook.xlsx" if kind == "workbook" else ""),
        sha256=sha256,
        size=size,
        kind=kind,
    )


def _pictures(item: _Item) -> Iterable[Any]:
    return item.read.pictures if isinstance(item.read, FilledForm) else ()


def _chunks(items: Iterable[T], size: Callable[[T], int] = lambda item: 0) -> Iterator[list[T]]:
    """*items* in groups for one commit each, by number and by *size* in bytes."""
    chunk: list[T] = []
    held = 0
    for item in items:
        chunk.append(item)
        held += size(item)
        if len(chunk) >= GROUP or held >= GROUP_BYTES:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk
