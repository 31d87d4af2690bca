"""Seals: they hold for one form, version and station, until revoked."""

from dataclasses import replace

import pytest

from server.access import seals
from server.access.seals import NoSuchTemplate, SealState
from server.access.visibility import Viewer
from server.intake.sealed import revoke_template, sealed_template
from server.intake.stations import UnknownStation
from server.records.audit import verify_audit
from server.site import Site
from workbooks.filled import Identity
from workbooks.reader import read


def _issued(site: Site, station: str = "CZ") -> tuple[str, Identity]:
    issue_id, content = sealed_template(site, "visit", station, by=Viewer.operator())
    return issue_id, read(content, site.definitions).identity


def _state(site: Site, identity: Identity) -> SealState:
    with site.session(read_only=True) as session:
        return seals.verify(session, site.seal_key, identity).state


def test_issued_template_proves_its_station(site: Site):
    """The seal survives in the workbook and says which station it was given to; the audit chain knows it."""
    issue_id, identity = _issued(site)

    with site.session(read_only=True) as session:
        seal = seals.verify(session, site.seal_key, identity)
        assert verify_audit(session, site.audit_key).sound
    assert (seal.state, seal.station, seal.issue_id) == (SealState.VALID, "CZ", issue_id)


def test_any_change_breaks_the_seal(site: Site):
    """Another form, version or station, a cut or foreign seal: forged. No seal: nothing."""
    _, identity = _issued(site)
    _, other = _issued(site, "CD")
    forgeries = [
        replace(identity, form_id="fracas"),
        replace(identity, version=99),
        replace(identity, version=None),
        replace(identity, station="CD"),
        replace(identity, station=None),
        replace(identity, seal=other.seal),
        replace(identity, seal=(identity.seal or "")[:-1]),
        replace(identity, seal="CZ"),
    ]

    assert [_state(site, forgery) for forgery in forgeries] == [SealState.FORGED] * len(forgeries)
    assert _state(site, replace(identity, seal=None)) is SealState.ABSENT


def test_fields_do_not_run_together():
    """A seal for form "a" version 11 is none for form "a1" version 1."""
    key = b"k" * 32

    assert seals._mac(key, "a", 11, "CZ", "0" * 16) != seals._mac(key, "a1", 1, "CZ", "0" * 16)


def test_seal_of_another_installation_is_forged(site: Site):
    """Every installation has its own key."""
    _, identity = _issued(site)

    with site.session(read_only=True) as session:
        assert seals.verify(session, b"another key of 32 bytes, for once", identity).state is SealState.FORGED


def test_revoked_template_proves_nothing(site: Site):
    """In all its copies; the other templates of the station go on."""
    issue_id, identity = _issued(site)
    _, second = _issued(site)

    revoke_template(site, issue_id, by=Viewer.operator())

    assert (_state(site, identity), _state(site, second)) == (SealState.REVOKED, SealState.VALID)
    with site.session(read_only=True) as session:
        listed = {view.id: view.revoked_at is not None for view in seals.issued(session, Viewer.operator())}
    assert listed[issue_id] is True
    assert sorted(listed.values()) == [False, True]


def test_station_people_manage_their_own_templates_only(site: Site, alice: Viewer, charlie: Viewer, mei: Viewer):
    """Nobody issues for, sees or revokes templates of a station outside their reach."""
    issue_id, _ = _issued(site, "CD")

    for person in (alice, mei):
        with pytest.raises(UnknownStation):
            sealed_template(site, "visit", "CD", by=person)
        with pytest.raises(NoSuchTemplate):
            revoke_template(site, issue_id, by=person)
    with pytest.raises(UnknownStation):
        sealed_template(site, "visit", "XX", by=Viewer.operator())
    with site.session(read_only=True) as session:
        assert seals.issued(session, alice) == []
        assert [view.station for view in seals.issued(session, charlie)] == ["CD"]


def test_seal_that_is_ours_but_not_on_record(site: Site):
    """After a restore of an older backup a template may be missing: it proves nothing, but nobody forged it."""
    _, identity = _issued(site)
    with site.session() as session:
        session.connection().exec_driver_sql("DELETE FROM issued_templates")

    assert _state(site, identity) is SealState.UNKNOWN
