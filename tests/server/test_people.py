"""Users, passwords, sessions, tokens and repeated requests."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from server.access import idempotency, sign_ins
from server.access.models import SignIn, Token, User
from server.access.people import (
    AccountError,
    authenticate,
    begin_sign_in,
    change_password,
    create_user,
    set_active,
    viewer_of_sign_in,
)
from server.access.tokens import (
    LIFETIME,
    issue_token,
    note_use,
    open_token,
    revoke_token,
    token_id_of,
    tokens_of,
)
from server.access.visibility import Viewer
from server.site import Site
from tests.server.company import PASSWORD


def test_password_opens_and_a_wrong_one_does_not(site: Site, alice: Viewer):
    """The name may be typed in any case; the password may not."""
    with site.session(read_only=True) as session:
        assert authenticate(session, " Alice ", PASSWORD) == alice
        assert authenticate(session, "alice", PASSWORD.upper()) is None
        assert authenticate(session, "nobody", PASSWORD) is None


def test_unknown_user_takes_as_long_as_a_wrong_password(site: Site):
    """The time an answer takes must not tell which names exist."""

    def seconds(username: str) -> float:
        with site.session(read_only=True) as session:
            start = time.perf_counter()
            authenticate(session, username, "wrong password")
            return time.perf_counter() - start

    known = min(seconds("alice") for _ in range(5))
    unknown = min(seconds("nobody") for _ in range(5))

    assert 0.4 < unknown / known < 2.5


def test_only_a_hash_is_kept(site: Site):
    """The password itself is nowhere in the row; the hash is argon2id with OWASP's parameters."""
    with site.session(read_only=True) as session:
        user = session.scalars(select(User).where(User.username == "alice")).one()

    assert user.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in user.password_hash


@pytest.mark.parametrize("password", ["short", "111111111111", "password1234", "Qwerty123456", "newcomer1234"])
def test_weak_password_is_refused(site: Site, password: str):
    """Too short, one character, on the list, or the user's own name."""
    with pytest.raises(AccountError), site.session() as session:
        create_user(session, username="newcomer", password=password, roles=["admin"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "ALICE"},
        {"username": "two words"},
        {"username": ""},
        {"roles": []},
        {"roles": ["king"]},
        {"roles": ["station"]},
    ],
)
def test_unusable_user_is_refused(site: Site, wrong: dict[str, object]):
    """A taken or impossible name, no or an unknown role, a station user without a station."""
    settings = {"username": "newcomer", "password": PASSWORD, "roles": ["engineer"]} | wrong
    with pytest.raises(AccountError) as error, site.session() as session:
        create_user(session, **settings)  # type: ignore[arg-type]

    assert error.value.message.zh
    assert error.value.message.en


def test_a_sign_in_is_ended_by_itself(site: Site, alice: Viewer):
    """Signing out in one browser ends that sign-in and no other; only hashes are on record."""
    with site.session() as session:
        here, elsewhere = begin_sign_in(session, alice), begin_sign_in(session, alice)
        sign_ins.end(session, here)

    with site.session(read_only=True) as session:
        assert viewer_of_sign_in(session, here) is None
        assert viewer_of_sign_in(session, elsewhere) == alice
        assert elsewhere not in {row.id_sha256 for row in session.scalars(select(SignIn))}


def test_all_other_sign_ins_end_at_once(site: Site, alice: Viewer, bob: Viewer):
    """The one that asks goes on, and so do other people's."""
    assert alice.user_id is not None
    with site.session() as session:
        here, elsewhere, bobs = (begin_sign_in(session, who) for who in (alice, alice, bob))
        sign_ins.end_all(session, alice.user_id, but=here)

    with site.session(read_only=True) as session:
        assert [viewer_of_sign_in(session, each) for each in (here, elsewhere, bobs)] == [alice, None, bob]


def test_a_sign_in_runs_out_after_a_week(site: Site, alice: Viewer):
    """However busy it was; and it does not stay in the table."""
    assert alice.user_id is not None
    now = datetime.now(UTC)
    later = now + sign_ins.LONGEST
    with site.session() as session:
        old = sign_ins.begin(session, alice.user_id, now)
        assert sign_ins.user_of(session, old, now) == alice.user_id
        assert sign_ins.user_of(session, old, later) is None
        new = sign_ins.begin(session, alice.user_id, later)
        kept = session.scalars(select(SignIn)).all()

    assert len(kept) == 1
    assert new != old


def test_new_password_ends_other_sign_ins(site: Site, alice: Viewer):
    """Whoever knew the old password is out."""
    with site.session() as session:
        old = begin_sign_in(session, alice)
        with pytest.raises(AccountError):
            change_password(session, alice, "not the old one", "another good one")
        new = change_password(session, alice, PASSWORD, "another good one")

    with site.session(read_only=True) as session:
        assert viewer_of_sign_in(session, old) is None
        assert viewer_of_sign_in(session, new) == alice
        assert authenticate(session, "alice", PASSWORD) is None
        assert authenticate(session, "alice", "another good one") == alice


def test_leaver_is_out_at_once(site: Site, alice: Viewer):
    """An inactive user has no sign-in, no token and no password; let in again, the old sign-ins stay ended."""
    with site.session() as session:
        sign_in = begin_sign_in(session, alice)
        token = issue_token(session, alice, "Excel")
        set_active(session, "alice", False)

    with site.session() as session:
        assert viewer_of_sign_in(session, sign_in) is None
        assert open_token(session, token) is None
        assert authenticate(session, "alice", PASSWORD) is None
        set_active(session, "alice", True)
        assert viewer_of_sign_in(session, sign_in) is None
        assert authenticate(session, "alice", PASSWORD) == alice


def test_token_speaks_for_its_owner_within_its_scopes(site: Site, alice: Viewer):
    """Which come with it; nothing of its secret is in the table."""
    with site.session() as session:
        token = issue_token(session, alice, "Excel", ["submit"])
    with site.session() as session:
        opened = open_token(session, token)
        row = session.scalars(select(Token)).one()

    assert opened is not None
    assert (opened.viewer, opened.scopes) == (alice, {"submit"})
    assert token.startswith(f"as_{row.id}_")
    assert len(token.rpartition("_")[0]) + 44 >= len(f"as_{row.id}_") + 43
    assert token.removeprefix(f"as_{row.id}_") not in row.secret_sha256


def test_the_use_of_a_token_is_noted_once_an_hour(site: Site, alice: Viewer):
    """Its owner sees whether it is still used, and a program that only reads hardly ever writes."""
    now = datetime.now(UTC)
    with site.session() as session:
        token = issue_token(session, alice, "Excel")
        first = open_token(session, token)
        note_use(session, token_id_of(token), now)
        later = [open_token(session, token, now=now + timedelta(minutes=minutes)) for minutes in (59, 61)]
        (view,) = tokens_of(session, alice)

    assert [found.due if found else None for found in (first, *later)] == [True, False, True]
    assert view.last_used_at == now


@pytest.mark.parametrize("change", ["one letter", "no prefix", "empty", "other id"])
def test_forged_token_is_nobody(site: Site, alice: Viewer, change: str):
    """Every part of a token counts."""
    with site.session() as session:
        token = issue_token(session, alice, "Excel")
        other = issue_token(session, alice, "other")
    forged = {
        "one letter": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "no prefix": token[3:],
        "empty": "",
        "other id": other[:16] + token[16:],
    }[change]

    with site.session() as session:
        assert open_token(session, forged) is None


def test_token_ends_after_half_a_year_or_when_revoked(site: Site, alice: Viewer, charlie: Viewer):
    """It runs out by itself, and its owner can end it; somebody else cannot."""
    with site.session() as session:
        token = issue_token(session, alice, "Excel")
        later = datetime.now(UTC) + LIFETIME + timedelta(seconds=1)
        assert open_token(session, token, now=later) is None
        (view,) = tokens_of(session, alice)
        assert not revoke_token(session, charlie, view.id)
        assert open_token(session, token) is not None
        assert revoke_token(session, alice, view.id)
        assert open_token(session, token) is None


def test_repeated_request_gets_the_first_answer(site: Site):
    """Same key and body: the kept answer; another body or one still running: refused."""
    with site.session() as session:
        assert idempotency.begin(session, "user:1", "k", "body") is None
    with site.session() as session, pytest.raises(idempotency.StillRunning):
        idempotency.begin(session, "user:1", "k", "body")
    with site.session() as session:
        idempotency.finish(session, "user:1", "k", 201, "{}")
    with site.session() as session:
        assert idempotency.begin(session, "user:1", "k", "body") == idempotency.Answer(201, "{}")
        assert idempotency.begin(session, "user:2", "k", "other") is None
        with pytest.raises(idempotency.KeyReused):
            idempotency.begin(session, "user:1", "k", "other")


def test_kept_answer_is_forgotten_after_a_week(site: Site):
    """Keys do not pile up; an abandoned request may run again after two minutes."""
    now = datetime.now(UTC)
    with site.session() as session:
        idempotency.begin(session, "user:1", "k", "body", now)
        idempotency.begin(session, "user:1", "dead", "body", now)
        idempotency.finish(session, "user:1", "k", 201, "{}")
        assert idempotency.begin(session, "user:1", "dead", "body", now + timedelta(minutes=3)) is None
        assert idempotency.begin(session, "user:1", "k", "other", now + timedelta(days=8)) is None
