"""Signing in with tokens: Google's service account against a real Dovecot, Microsoft's application, both missing."""

import functools
import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import msal
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from server.intake.mail.connection import MailServerError, Step
from server.intake.mail.mailbox import Mailbox
from server.intake.mail.oauth import access_token
from server.mail_settings import MailboxSettings
from tests.server.mail.wire.dovecot import TOKEN_KEY, Dovecot
from tests.server.mail.wire.imap_accounts import ImapAccount


class TokenService:
    """Gives tokens that our Dovecot takes, as Google's service does; `lifetime` in seconds may be negative."""

    def __init__(self) -> None:
        self.lifetime = 3600
        self.asked: list[str] = []  # whom for
        service = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                wish = jwt.decode(form["assertion"][0], options={"verify_signature": False})
                service.asked.append(wish["sub"])
                expires = int(time.time()) + service.lifetime
                claims = {"sub": wish["sub"], "email": wish["sub"], "scope": wish["scope"], "exp": expires}
                token = jwt.encode(claims, TOKEN_KEY, algorithm="HS256")
                body = json.dumps({"access_token": token, "expires_in": service.lifetime}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"


@pytest.fixture
def tokens() -> Iterator[TokenService]:
    service = TokenService()
    threading.Thread(target=service.server.serve_forever, daemon=True).start()
    yield service
    service.server.shutdown()
    service.server.server_close()


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.fixture
def google(dovecot: Dovecot, tokens: TokenService, private_key: str, tmp_path: Path) -> MailboxSettings:
    """A mailbox that is signed in to with a service account."""
    account = {"client_email": "robot@project", "private_key": private_key, "token_uri": tokens.url}
    (tmp_path / "account.json").write_text(json.dumps(account | {"type": "service_account"}))
    mailbox = ImapAccount(port=dovecot.imap, user="forms@google.example", password="unused")
    return mailbox.settings(password="", auth="xoauth2-google", service_account_file=tmp_path / "account.json")


def test_a_service_account_signs_in(google: MailboxSettings, tokens: TokenService, tmp_path: Path):
    """The token is asked for in the user's name, and Dovecot takes it."""
    mailbox = Mailbox.open(google, tmp_path)
    uidvalidity = mailbox.select()
    mailbox.close()

    assert uidvalidity > 0
    assert tokens.asked == ["forms@google.example"]


def test_a_token_is_kept_until_it_expires(google: MailboxSettings, tokens: TokenService, tmp_path: Path):
    """Providers turn away those who ask for one at every poll."""
    assert access_token(google, tmp_path) == access_token(google, tmp_path)
    assert len(tokens.asked) == 1


def test_a_token_about_to_expire_is_replaced(google: MailboxSettings, tokens: TokenService, tmp_path: Path):
    """Some minutes early: a connection must not be refused half way."""
    tokens.lifetime = 30
    access_token(google, tmp_path)
    access_token(google, tmp_path)

    assert len(tokens.asked) == 2


def test_an_expired_token_is_refused_at_the_login(google: MailboxSettings, tokens: TokenService, tmp_path: Path):
    """The refusal comes as a second challenge; it is told, and nothing hangs."""
    tokens.lifetime = -60
    with pytest.raises(MailServerError) as caught:
        Mailbox.open(google, tmp_path)

    assert caught.value.step is Step.LOGIN


class _Microsoft:
    """What msal asks over HTTP, answered: an application's token, or why there is none."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer
        self.asked: list[dict[str, str]] = []

    def get(self, url: str, **_: Any) -> Any:
        host = url.split("/")[2]
        return _Response({"token_endpoint": f"https://{host}/token", "authorization_endpoint": "x", "issuer": url})

    def post(self, url: str, data: dict[str, str], **_: Any) -> Any:
        self.asked.append({"url": url, **data})
        return _Response(self._answer)


class _Response:
    def __init__(self, body: dict[str, Any]) -> None:
        self.text = json.dumps(body)
        self.status_code = 200 if "error" not in body else 401
        self.headers: dict[str, str] = {}

    def raise_for_status(self) -> None:
        return


def _microsoft(host: str = "outlook.office365.com") -> MailboxSettings:
    return MailboxSettings(
        host=host,
        user="forms@company.cn",
        auth="xoauth2-microsoft",
        tenant="00000000-0000-0000-0000-000000000001",
        client_id="app",
        client_secret="secret",
    )


def _answering(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> _Microsoft:
    service = _Microsoft(answer)
    client = functools.partial(msal.ConfidentialClientApplication, http_client=service, instance_discovery=False)
    monkeypatch.setattr(msal, "ConfidentialClientApplication", lambda *a, timeout, **k: client(*a, **k))
    return service


def test_an_application_gets_its_token_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """With its own secret and no user; msal keeps it until shortly before it expires."""
    service = _answering(monkeypatch, {"access_token": "the token", "expires_in": 3600, "token_type": "Bearer"})
    found = [access_token(_microsoft(), tmp_path) for _ in range(3)]

    assert found == ["the token"] * 3
    (asked,) = service.asked
    assert (asked["grant_type"], asked["scope"]) == ("client_credentials", "https://outlook.office365.com/.default")


def test_china_has_a_cloud_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Mailboxes that 21Vianet runs are asked for elsewhere."""
    service = _answering(monkeypatch, {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})
    access_token(_microsoft("partner.outlook.cn"), tmp_path)

    assert service.asked[0]["url"].startswith("https://login.partner.microsoftonline.cn/")
    assert service.asked[0]["scope"] == "https://partner.outlook.cn/.default"


def test_why_there_is_no_token_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The first line names the cause; trace numbers follow that help nobody."""
    told = "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1"
    _answering(monkeypatch, {"error": "invalid_client", "error_description": told})
    with pytest.raises(MailServerError, match=r"AADSTS7000215: Invalid client secret provided\.$") as caught:
        access_token(_microsoft(), tmp_path)

    assert caught.value.step is Step.TOKEN


@pytest.mark.parametrize(("extra", "module"), [("microsoft", "msal"), ("google", "google.oauth2.service_account")])
def test_what_to_install_is_said(
    google: MailboxSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, extra: str, module: str
):
    """Both are optional: most mailboxes need neither."""
    monkeypatch.setitem(sys.modules, module, None)
    settings = google if extra == "google" else _microsoft()
    with pytest.raises(MailServerError, match=rf"pip install 'aftersheet\[{extra}\]'"):
        access_token(settings, tmp_path)
