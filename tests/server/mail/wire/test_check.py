"""The check of the settings says what is wrong and what to do, in words an administrator knows."""

from pathlib import Path
from typing import Any

import pytest

from server.intake.mail.advice import advice
from server.intake.mail.check import CheckLine, check_mail, check_mailbox, check_smtp
from server.intake.mail.connection import MailServerError, Step
from server.mail_settings import MailboxSettings, MailSettings, SmtpSettings
from tests.server.mail.wire.dovecot import Dovecot
from tests.server.mail.wire.imap_accounts import ImapAccount
from tests.server.mail.wire.ports import free_port
from tests.server.mail.wire.quirks import QuirkProxy, Quirks
from tests.server.mail.wire.smtp_server import SmtpServer

HOME = Path()


def _told(lines: list[CheckLine]) -> list[tuple[str, str]]:
    return [(line.state, line.what.en) for line in lines]


def _failure(lines: list[CheckLine]) -> CheckLine:
    (failed,) = [line for line in lines if line.state == "failed"]
    assert failed is lines[-1]
    assert failed.advice is not None
    return failed


def _smtp(port: int, **changes: Any) -> SmtpSettings:
    known = {"host": "127.0.0.1", "port": port, "security": "none", "from_address": "forms@company.cn"}
    return SmtpSettings.model_validate(known | changes)


def test_a_good_mailbox_is_good_step_by_step(dovecot_account: ImapAccount):
    """Folders that will be made are worth a note; nothing is made yet."""
    lines = check_mailbox(dovecot_account.settings(), HOME)

    steps = ["find the server", "connect", "sign in", "say who we are (ID)", "open the folder"]
    assert _told(lines)[:5] == [("ok", step) for step in steps]
    assert {line.state for line in lines[5:]} == {"note"}
    assert len(lines[5:]) == 2
    assert check_mailbox(dovecot_account.settings(), HOME) == lines


def test_what_a_server_cannot_do_is_noted(dovecot: Dovecot, dovecot_account: ImapAccount):
    """It works all the same, but an administrator should know."""
    with QuirkProxy(dovecot.imap, Quirks(hides=("IDLE", "MOVE", "UIDPLUS"))) as proxy:
        lines = check_mailbox(dovecot_account.settings(port=proxy.port, authserv_id=""), HOME)

    notes = " ".join(line.what.en for line in lines if line.state == "note")
    assert all(word in notes for word in ("cannot move", "is polled every 5 seconds", "authserv_id"))


@pytest.mark.parametrize(
    ("changes", "step", "word"),
    [
        ({"host": "imap.company.invalid"}, "find the server", "host"),
        ({"password": "wrong"}, "sign in", "password"),
        ({"folder": "no such folder"}, "open the folder", "INBOX"),
        ({"security": "tls"}, "encrypt the connection", "security"),
        ({"password": "", "password_file": "nowhere"}, "read the secret", "file"),
    ],
    ids=["host", "password", "folder", "tls", "file"],
)
def test_the_first_step_that_fails_is_named(
    dovecot_account: ImapAccount, changes: dict[str, Any], step: str, word: str
):
    """With the server's words and what to do."""
    failed = _failure(check_mailbox(dovecot_account.settings(**changes), HOME))

    assert failed.what.en == step
    assert failed.said
    assert failed.advice is not None
    assert word in failed.advice.en


def test_the_folders_there_are_are_named(dovecot_account: ImapAccount):
    """Chinese mail programs call the inbox 收件箱; the server does not."""
    dovecot_account.put(b"From: a@b.cn\r\n\r\nx", folder="INBOX")
    lines = check_mailbox(dovecot_account.settings(folder="收件箱"), HOME)

    assert _failure(lines).what.en == "open the folder"
    assert "INBOX" in lines[-2].what.zh


def test_another_kind_of_server_is_named(dovecot_account: ImapAccount):
    """Ports are easily mixed up; each server says what it is."""
    with SmtpServer() as smtp:
        failed = _failure(check_mailbox(dovecot_account.settings(port=smtp.port), HOME))
        assert failed.advice is not None
        assert "another kind of server" in failed.advice.en.lower()
    failed = _failure(check_smtp(_smtp(dovecot_account.port), HOME))
    assert failed.advice is not None
    assert "another kind of server" in failed.advice.en.lower()


def test_a_closed_port_is_named(dovecot_account: ImapAccount):
    """The commonest of all: a firewall."""
    failed = _failure(check_mailbox(dovecot_account.settings(port=free_port()), HOME))

    assert (failed.what.en, "refused" in failed.said) == ("connect", True)


def test_nothing_is_sent_by_the_check():
    """Our address is named and taken back."""
    with SmtpServer(login=("forms@company.cn", "right")) as smtp:
        lines = check_smtp(_smtp(smtp.port, user="forms@company.cn", password="right"), HOME)

    assert _told(lines)[-2:] == [("ok", "sign in"), ("ok", "send from our address")]
    assert smtp.taken == []


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({}, "send from our address"),
        ({"user": "forms@company.cn", "password": "wrong"}, "sign in"),
        ({"security": "starttls"}, "encrypt the connection"),
    ],
    ids=["no login", "password", "starttls"],
)
def test_the_server_for_replies_is_tried_as_well(changes: dict[str, Any], step: str):
    """The first step that fails is named."""
    with SmtpServer(login=("forms@company.cn", "right")) as smtp:
        assert _failure(check_smtp(_smtp(smtp.port, **changes), HOME)).what.en == step


def test_the_whole_section_is_checked_and_missing_replies_are_noted(pymap_account: ImapAccount):
    """Each line says which mailbox it is about."""
    settings = MailSettings(mailboxes=(pymap_account.settings(),))
    lines = list(check_mail(settings, HOME))

    assert {line.about for line in lines} == {pymap_account.name, "smtp"}
    assert lines[-1].state == "note"


@pytest.mark.parametrize(
    ("host", "auth", "step", "said", "words"),
    [
        ("imap.163.com", "password", Step.FOLDER, "SELECT Unsafe Login. Please contact kefu@188.com", "ID"),
        ("imap.163.com", "password", Step.LOGIN, "LOGIN Login error or password error", "授权密码"),
        ("imap.qq.com", "password", Step.LOGIN, "Login fail. Account is abnormal, service is not open", "授权码"),
        ("imap.exmail.qq.com", "password", Step.LOGIN, "LOGIN Login error", "客户端专用密码"),
        ("imap.gmail.com", "password", Step.LOGIN, "[AUTHENTICATIONFAILED] Invalid credentials", "应用专用密码"),
        ("outlook.office365.com", "password", Step.LOGIN, "LOGIN failed.", "xoauth2-microsoft"),
        ("outlook.office365.com", "xoauth2-microsoft", Step.LOGIN, "AUTHENTICATE failed.", "New-ServicePrincipal"),
        ("outlook.office365.com", "xoauth2-microsoft", Step.TOKEN, "AADSTS7000222: keys are expired", "过期"),
        ("outlook.office365.com", "xoauth2-microsoft", Step.TOKEN, "AADSTS7000215: Invalid client secret", "“值”"),
        ("outlook.office365.com", "xoauth2-microsoft", Step.TOKEN, "AADSTS90002: Tenant not found", "tenant"),
        ("imap.gmail.com", "xoauth2-google", Step.TOKEN, "unauthorized_client", "全网域授权"),
        ("mail.company.cn", "password", Step.TLS, "certificate verify failed: Hostname mismatch", "证书上的名字"),
        ("mail.company.cn", "password", Step.TLS, "CERTIFICATE_VERIFY_FAILED self-signed", "SSL_CERT_FILE"),
        ("mail.company.cn", "password", Step.LOGIN, "[PRIVACYREQUIRED] Plaintext disallowed", "starttls"),
        ("mail.company.cn", "password", Step.CONNECT, "no answer within 60 seconds", "security"),
        ("mail.company.cn", "password", Step.WORK, "something new", "原话"),
    ],
)
def test_what_providers_say_is_put_into_words(host: str, auth: str, step: Step, said: str, words: str):
    """Their own texts do not help; what to do about them is known."""
    settings = MailboxSettings.model_construct(host=host, auth=auth, user="a@b.cn")

    assert words in advice(settings, MailServerError(step, said)).zh


@pytest.mark.parametrize(
    ("step", "said", "words"),
    [
        (Step.LOGIN, "550 5.7.30 Basic authentication is not supported for Client Submission", "xoauth2-microsoft"),
        (Step.LOGIN, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled", "SMTP AUTH"),
        (Step.SENDER, "501 mail from address must be same as authorization user", "from_address"),
        (Step.SENDER, "553 authentication is required", "from_address"),
    ],
)
def test_what_smtp_servers_say_is_put_into_words(step: Step, said: str, words: str):
    """The same for replies."""
    settings = SmtpSettings(host="smtp.office365.com", from_address="a@b.cn")

    assert words in advice(settings, MailServerError(step, said)).en
