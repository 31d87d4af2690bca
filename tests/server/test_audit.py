"""The audit chain: nobody can change, remove or invent an entry unnoticed."""

import orjson
import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from server.access.visibility import Viewer
from server.records.audit import Event, append, verify_audit
from server.records.models import AuditEntry
from server.site import Site
from tests.server.browsing import program, signed_in
from tests.server.visits import fill_in


def _do(site: Site, *actions: str) -> None:
    with site.session() as session:
        events = [Event(actor="ada", action=a, subject="x", details={"n": 1}) for a in actions]
        append(session, site.audit_key, events)


def _behind_our_back(site: Site, statement: str) -> None:
    """Run *statement* as somebody with the database's password would: triggers switched off."""
    with site.session() as session:
        if site.engine.dialect.name == "sqlite":
            for event in ("update", "delete"):
                session.execute(text(f"DROP TRIGGER audit_entries_no_{event}"))
        else:
            session.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER ALL"))
        session.connection().exec_driver_sql(statement)


def test_untouched_chain_is_sound(site: Site):
    """What was appended, in one go or in several, verifies."""
    _do(site, "one", "two")
    _do(site, "three")

    with site.session(read_only=True) as session:
        proof = verify_audit(session, site.audit_key)

    assert proof.sound
    assert proof.entries == 4  # with the import of the master data


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET actor = 'x'", "DELETE FROM audit_entries"])
def test_database_refuses_to_change_an_entry(site: Site, statement: str):
    """The triggers stand on both databases."""
    _do(site, "one")

    with pytest.raises(DBAPIError, match="append-only"), site.session() as session:
        session.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("UPDATE audit_entries SET details = '{\"n\":2}' WHERE sequence = 3", 3),
        ("DELETE FROM audit_entries WHERE sequence = 3", 3),
        ("DELETE FROM audit_entries WHERE sequence = 5", 5),
        ("UPDATE audit_head SET sequence = 4", 6),
    ],
)
def test_first_broken_entry_is_named(site: Site, statement: str, broken_at: int):
    """An entry changed, one taken out, the last one cut off, a head moved back."""
    _do(site, "two", "three", "four", "five")
    _behind_our_back(site, statement)

    with site.session(read_only=True) as session:
        proof = verify_audit(session, site.audit_key)

    assert proof.broken_at == broken_at


def test_chain_cannot_be_rewritten_without_the_key(site: Site):
    """Somebody who recomputes the chain with another key is found at the first entry."""
    _do(site, "two")

    with site.session(read_only=True) as session:
        assert verify_audit(session, b"another key").broken_at == 1


def test_every_export_is_in_the_trail(app: Flask, site: Site, alice: Viewer):
    """What left as a list, a dataset or a report, and with whom; not what was in it."""
    fill_in(site, alice)
    browser, client = signed_in(app, "alice"), program(app, site, "bob")
    for path in ("/forms/visit/records.csv", "/forms/visit/records.xlsx?q=secret", "/reports/fracas_board.xlsx"):
        assert browser.get(path).status_code == 200
    for path in ("/datasets/records_by_form?format=csv", "/datasets/records_by_form", "/reports/fracas_board"):
        assert client.get(path).status_code == 200
    with site.session(read_only=True) as session:
        query = select(AuditEntry).where(AuditEntry.action == "exported").order_by(AuditEntry.sequence)
        found = [(e.actor, e.subject, orjson.loads(e.details)) for e in session.scalars(query)]
        sound = verify_audit(session, site.audit_key).sound

    assert [(actor, subject) for actor, subject, _ in found] == [
        ("alice", "records:visit"),
        ("alice", "records:visit"),
        ("alice", "report:fracas_board"),
        ("bob", "dataset:records_by_form"),
        ("bob", "dataset:records_by_form"),
        ("bob", "report:fracas_board"),
    ]
    assert found[0][2] == {"format": "csv", "rows": 1}
    assert not any("secret" in str(details) for _, _, details in found)
    assert sound
