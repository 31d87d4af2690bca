"""Signing in and out, and what protects the session."""

import re

import pytest
from flask import Flask
from sqlalchemy import select

from server.app import create_app
from server.records.models import AuditEntry
from server.site import Site
from tests.server.browsing import Browser, signed_in
from tests.server.company import PASSWORD

NEW_PASSWORD = "a quite different phrase"


def test_visitors_are_sent_to_the_sign_in_page_and_back(app: Flask):
    """A link in a chat leads where it should, after signing in."""
    browser = Browser(app)

    away = browser.get("/templates?x=1")
    assert away.status_code == 302
    back = browser.sign_in("alice", path=away.location)
    assert back.location == "/templates?x=1"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "evil", "javascript:alert(1)"]
)
def test_sign_in_leads_only_inside(app: Flask, target: str):
    """A link of somebody else's making cannot lead away from the site."""
    answer = Browser(app).sign_in("alice", path=f"/sign-in?next={target}")

    assert answer.location == "/"


@pytest.mark.parametrize(("username", "password"), [("alice", "wrong wrong wrong"), ("nobody", PASSWORD)])
def test_wrong_name_or_password_stays_out(app: Flask, username: str, password: str):
    """Which of the two was wrong is not told."""
    browser = Browser(app)
    answer = browser.sign_in(username, password)

    assert answer.status_code == 401
    assert "用户名或密码不正确" in answer.text
    assert browser.get("/templates").status_code == 302


def test_five_wrong_passwords_a_minute_are_the_limit(app: Flask):
    """Then even the right one has to wait, for this account from this address."""
    browser = Browser(app)
    statuses = [browser.sign_in("alice", "wrong wrong wrong").status_code for _ in range(5)]

    assert statuses == [401] * 5
    assert browser.sign_in("alice").status_code == 429
    assert browser.sign_in("bob").status_code == 302


def test_signing_in_begins_a_new_session(app: Flask):
    """What somebody planted in the anonymous session is gone."""
    browser = Browser(app)
    with browser.client.session_transaction() as session:
        session["planted"] = "x"
        session["language"] = "en"
    browser.sign_in("alice")

    with browser.client.session_transaction() as session:
        assert "planted" not in session
        assert session["language"] == "en"


def test_forms_need_the_token_of_their_page(app: Flask):
    """A page elsewhere cannot post in a visitor's name."""
    browser = signed_in(app, "alice")

    for path in ("/submit", "/forms/visit/new", "/account/tokens", "/account/password", "/language", "/sign-out"):
        assert browser.client.post(path, data={"language": "en"}).status_code == 400


def test_signing_out_ends_the_session(app: Flask):
    """The browser's next visitor is a stranger."""
    browser = signed_in(app, "alice")
    browser.post("/sign-out")

    assert browser.get("/templates").status_code == 302


def test_a_copied_cookie_ends_with_the_session(app: Flask):
    """Whoever took a copy of the cookie is out when its owner signs out, or signs in as somebody else."""
    for end in (lambda browser: browser.post("/sign-out"), lambda browser: browser.sign_in("bob")):
        here, thief = signed_in(app, "alice"), Browser(app)
        with here.client.session_transaction() as session:
            stolen = dict(session)
        with thief.client.session_transaction() as session:
            session.update(stolen)
        assert thief.get("/templates").status_code == 200
        end(here)

        assert thief.get("/templates").status_code == 302


def test_what_people_do_with_their_account_is_in_the_audit_trail(app: Flask, site: Site):
    """Signing in and out, passwords, tokens: who and when; never a secret."""
    browser = signed_in(app, "alice")
    token = re.search(
        r"as_[a-z0-9]{12}_[\w-]{43}", browser.post("/account/tokens", {"name": "x", "scope": "read"}).text
    )
    assert token is not None
    browser.post(f"/account/tokens/{token[0][3:15]}/revoke")
    browser.post("/account/password", {"old": PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD})
    browser.post("/account/sessions")
    browser.post("/sign-out")
    browser.post("/sign-out")
    with site.session(read_only=True) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.actor == "alice").order_by(AuditEntry.sequence))
        found = list(entries)

    assert [entry.action for entry in found] == [
        "signed-in",
        "token-issued",
        "token-revoked",
        "password-changed",
        "signed-out-elsewhere",
        "signed-out",
    ]
    assert {entry.subject for entry in found} == {"user:alice"}
    assert not any(token[0][16:] in entry.details or NEW_PASSWORD in entry.details for entry in found)


def test_a_new_password_ends_the_other_sessions(app: Flask):
    """Whoever had the old one is out; the session that changed it goes on."""
    here, elsewhere = signed_in(app, "alice"), signed_in(app, "alice")
    answer = here.post("/account/password", {"old": PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD})

    assert answer.status_code == 302
    assert here.get("/templates").status_code == 200
    assert elsewhere.get("/templates").status_code == 302
    assert Browser(app).sign_in("alice", NEW_PASSWORD).status_code == 302


@pytest.mark.parametrize(
    "form",
    [
        {"old": "not the old one", "new": NEW_PASSWORD, "again": NEW_PASSWORD},
        {"old": PASSWORD, "new": NEW_PASSWORD, "again": "something else then"},
        {"old": PASSWORD, "new": "short", "again": "short"},
    ],
)
def test_a_bad_new_password_changes_nothing(app: Flask, form: dict[str, str]):
    """Wrong old one, different new ones, too short."""
    browser = signed_in(app, "alice")

    assert browser.post("/account/password", form).status_code == 422
    assert Browser(app).sign_in("alice").status_code == 302


def test_all_other_sessions_can_be_ended(app: Flask):
    """After signing in on somebody else's computer."""
    here, elsewhere = signed_in(app, "alice"), signed_in(app, "alice")
    here.post("/account/sessions")

    assert here.get("/templates").status_code == 200
    assert elsewhere.get("/templates").status_code == 302


def test_the_session_cookie_is_out_of_reach_of_scripts(app: Flask):
    """And is not sent along from other sites."""
    cookie = Browser(app).sign_in("alice").headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_behind_https_the_cookie_never_travels_in_the_clear(site: Site):
    """The public URL says whether there is TLS in front."""
    settings = site.settings.model_copy(update={"public_url": "https://aftersheet.example"})
    site.settings = settings
    answer = create_app(site).test_client().get("/sign-in", base_url="https://aftersheet.example")

    assert answer.headers["Set-Cookie"].startswith("__Host-aftersheet=")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_the_language_is_remembered_by_the_account(app: Flask):
    """Chosen once, it is there on the next device."""
    signed_in(app, "alice").post("/language", {"language": "en", "next": "/templates"})

    assert '<html lang="en">' in signed_in(app, "alice").get("/templates").text
    assert '<html lang="zh-CN">' in signed_in(app, "bob").get("/templates").text


def test_visitors_can_switch_the_language_too(app: Flask):
    """The sign-in page speaks both."""
    browser = Browser(app)
    browser.post("/language", {"language": "en", "next": "/sign-in"})

    assert "User name" in browser.get("/sign-in").text
