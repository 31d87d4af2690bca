"""A form that has changed twice: records, sealed templates and workbooks of its first version live on."""

from collections.abc import Iterator
from datetime import date
from io import BytesIO

import pytest
from openpyxl import load_workbook
from sqlalchemy import inspect, select

from server.access import seals
from server.access.visibility import Viewer
from server.intake.receive import Outcome, Receipt, receive, receive_values, record_workbook
from server.intake.sealed import sealed_template
from server.records import form_tables, store
from server.records.audit import verify_audit
from server.records.export import records_datasets
from server.records.models import AuditEntry
from server.settings import Settings
from server.site import Site
from tests.calls import V1, V3
from workbooks.filled import Values
from workbooks.form import defined_name
from workbooks.reader import read
from workbooks.sandbox import Sandbox
from workbooks.template import build_template

OPERATOR = Viewer.operator()
VALUES: Values = {
    "customer": "常州地铁",
    "called_on": date(2026, 11, 3),
    "tel": "0519-8888",
    "contact": "王五/13800001111",
    "urgency": "high",
    "fax": "0519-9999",
    "items": ({"what": "密封条", "count": 2}, {"what": "螺栓", "count": 8}),
}


@pytest.fixture(scope="module")
def first_readers() -> Iterator[Sandbox]:
    with Sandbox(workers=1, definitions={"call": V1}) as shared:
        yield shared


@pytest.fixture(scope="module")
def third_readers() -> Iterator[Sandbox]:
    with Sandbox(workers=1, definitions={"call": V3}) as shared:
        yield shared


@pytest.fixture
def first(settings: Settings, first_readers: Sandbox) -> Iterator[Site]:
    """The server while the form was at version 1."""
    opened = Site.open(settings, definitions={"call": V1}, sandbox=first_readers)
    yield opened
    opened.close()


def _today(first: Site, readers: Sandbox) -> Site:
    """The same server, started again with version 3."""
    return Site.open(first.settings, definitions={"call": V3}, sandbox=readers)


def _blank(values: Values = VALUES, instance: str = "one") -> bytes:
    return build_template(V1, instance_id=instance, values=values)


def _send(site: Site, content: bytes) -> Receipt:
    return receive(site, content, filename="call.xlsx", channel="api", sender=OPERATOR)


def _typed(content: bytes, **cells: object) -> bytes:
    """The workbook after somebody typed into the cells of some fields."""
    book = load_workbook(BytesIO(content))
    for path, value in cells.items():
        title, address = next(iter(book.defined_names[defined_name(path)].destinations))
        book[title][address.replace("$", "")] = value
    saved = BytesIO()
    book.save(saved)
    return saved.getvalue()


def _number(receipt: Receipt) -> str:
    assert receipt.record_number is not None, [finding.message("en") for finding in receipt.findings]
    return receipt.record_number


def test_a_record_of_version_1_is_shown_and_listed_under_version_3(first: Site, third_readers: Sandbox) -> None:
    """Answers, list, search conditions, history and exports speak of the new fields."""
    number = _number(_send(first, _blank()))

    site = _today(first, third_readers)

    with site.session(read_only=True) as session:
        detail = store.record(session, OPERATOR, number, definitions=site.definitions)
        page = store.find(session, OPERATOR, V3, where=[store.parse_condition("contact_name=王五")])
        (call, parts) = records_datasets(V3, page.rows, master=site.master(session), language="en", zone=site.zone)
    site.close()
    assert (detail.values["received_on"], detail.values["office_phone"]) == (date(2026, 11, 3), "0519-8888")
    assert (detail.values["urgency"], detail.values["channel"]) == ("urgent", "telephone")
    assert detail.values["parts"] == (
        {"what": "密封条", "quantity": 2, "unit": "件"},
        {"what": "螺栓", "quantity": 8, "unit": "件"},
    )
    assert "fax" not in detail.values
    assert [row.number for row in page.rows] == [number]
    assert ("Urgent" in [column[0] for column in call.data], len(parts.data[0])) == (True, 2)


def test_the_tables_are_filled_and_the_old_columns_stay(first: Site, third_readers: Sandbox) -> None:
    """SQL and BI tools find version 3's columns filled; what they knew before is not taken away."""
    _send(first, _blank())

    site = _today(first, third_readers)

    table, parts = form_tables.table(V3), form_tables.repeat_tables(V3)["parts"]
    with site.engine.connect() as connection:
        row = connection.execute(select(table)).mappings().one()
        lines = connection.execute(select(parts.c.line, parts.c.quantity, parts.c.unit).order_by(parts.c.line)).all()
        old = connection.exec_driver_sql("SELECT tel, fax FROM form_call").one()
        tables = inspect(connection).get_table_names()
    site.close()
    assert (row["office_phone"], row["contact_phone"], row["channel"]) == ("0519-8888", "13800001111", "telephone")
    assert [tuple(line) for line in lines] == [(1, 2, "件"), (2, 8, "件")]
    assert tuple(old) == ("0519-8888", "0519-9999")
    assert "form_call__items" in tables


def test_records_are_brought_forward_once_and_it_is_on_the_audit_trail(first: Site, third_readers: Sandbox) -> None:
    """The chain says when and how many; the next start has nothing to do."""
    _send(first, _blank())
    _send(first, _blank({**VALUES, "customer": "成都地铁"}, "two"))

    _today(first, third_readers).close()
    site = _today(first, third_readers)

    with site.session(read_only=True) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "form-migrated")).all()
        proof = verify_audit(session, site.audit_key)
    site.close()
    assert [(entry.subject, entry.details) for entry in entries] == [("call", '{"records":2,"to":3}')]
    assert proof.sound


def test_a_record_workbook_of_version_1_revises_the_record_under_version_3(first: Site, third_readers: Sandbox) -> None:
    """Downloaded before the change, sent in after it: the next revision, and only what was changed differs."""
    number = _number(_send(first, _blank()))
    taken_away = record_workbook(first, number, viewer=OPERATOR, language="zh")
    site = _today(first, third_readers)

    receipt = _send(site, _typed(taken_away, tel="0519-7777"))

    site.close()
    assert (receipt.outcome, receipt.record_number, receipt.revision) == (Outcome.REVISED, number, 2)
    assert [(c.path, c.before, c.after) for c in receipt.changes] == [("office_phone", "0519-8888", "0519-7777")]
    assert "migrated-version" in {finding.slug for finding in receipt.findings}


def test_the_same_answers_again_say_nothing_new(first: Site, third_readers: Sandbox) -> None:
    """Saved once more by another program and sent after the change, it is still the record we have."""
    number = _number(_send(first, _blank()))
    site = _today(first, third_readers)

    receipt = _send(site, _typed(_blank()))

    site.close()
    assert (receipt.outcome, receipt.record_number) == (Outcome.ALREADY_RECEIVED, number)


def test_a_new_workbook_of_version_3_is_seen_to_resemble_an_old_record(first: Site, third_readers: Sandbox) -> None:
    """The key was renamed, and two forms about the same call are still told to be that."""
    number = _number(_send(first, _blank()))
    site = _today(first, third_readers)
    values: Values = {"customer": "常州地铁", "received_on": date(2026, 11, 3), "channel": "mail"}

    receipt = _send(site, build_template(V3, instance_id="three", values=values))

    site.close()
    assert [(f.slug, f.context["number"]) for f in receipt.findings] == [("possible-duplicate", number)]


def test_a_page_goes_on_with_an_old_record(first: Site, third_readers: Sandbox) -> None:
    """What a change does not mention is kept from the answers of version 1."""
    number = _number(_send(first, _blank()))
    site = _today(first, third_readers)

    receipt = receive_values(
        site, "call", {"remark": "已回电"}, channel="web", sender=OPERATOR, number=number, revision=1
    )
    with site.session(read_only=True) as session:
        history = store.record(session, OPERATOR, number, definitions=site.definitions).revisions

    site.close()
    assert receipt.outcome is Outcome.REVISED
    assert [(c.path, c.after) for c in history[1].changes] == [("remark", "已回电")]
    assert history[1].values["contact_name"] == "王五"


def test_an_old_record_is_downloaded_as_a_workbook_of_version_3(first: Site, third_readers: Sandbox) -> None:
    """It continues on the current template, filled with the migrated answers."""
    number = _number(_send(first, _blank()))
    site = _today(first, third_readers)

    form = read(record_workbook(site, number, viewer=OPERATOR, language="zh"), {"call": V3})

    site.close()
    assert (form.identity.version, form.identity.record_number, form.findings) == (3, number, ())
    assert form.cells["contact_phone"].value == "13800001111"
    assert [line["quantity"].value for line in form.repeats["parts"]] == [2, 8]


def test_a_sealed_template_of_version_1_still_proves_its_station(first: Site, third_readers: Sandbox) -> None:
    """The seal covers the version the workbook says, not the one in use."""
    _, blank = sealed_template(first, "call", "CZ", by=OPERATOR)
    site = _today(first, third_readers)

    form = read(blank, {"call": V3})
    with site.session(read_only=True) as session:
        seal = seals.verify(session, site.seal_key, form.identity)

    site.close()
    assert (seal.state, seal.station) == (seals.SealState.VALID, "CZ")
