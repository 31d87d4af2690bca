"""One IMAP connection against real servers, also where they are difficult."""

import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from server.intake.mail.connection import MailServerError, Refused, Step
from server.intake.mail.mailbox import Mailbox
from tests.server.mail.wire.dovecot import Dovecot
from tests.server.mail.wire.imap_accounts import ImapAccount
from tests.server.mail.wire.quirks import QuirkProxy, Quirks

HOME = Path()
GBK = "Subject: 故障\r\n\r\n朱镕基\r\n".encode("gb18030")
SHORT = b"Subject: short\r\n\r\nbody\r\n"
TODAY = datetime.now(UTC).date()


def _open(account: ImapAccount, **changes: object) -> Mailbox:
    mailbox = Mailbox.open(account.settings(**changes), HOME)
    mailbox.select()
    return mailbox


def test_bytes_come_as_they_were_written_and_stay_unread(imap: ImapAccount):
    """Raw GBK survives, and a person still sees the mail as new."""
    imap.put(GBK, SHORT)
    mailbox = _open(imap)
    raws = [mailbox.raw(uid) for uid in mailbox.recent(TODAY)]
    mailbox.close()

    assert raws == [GBK, SHORT]
    assert not any("Seen" in flags for flags in imap.flags())


def test_a_mail_somebody_read_is_found_all_the_same(imap: ImapAccount):
    """A telephone that opens the mailbox must not hide mail from us."""
    imap.put(SHORT)
    imap.flag(r"\Seen", r"\Flagged")
    mailbox = _open(imap)

    assert len(mailbox.recent(TODAY)) == 1
    mailbox.close()


def test_old_mail_lies_outside_the_window(imap: ImapAccount):
    """What came before the day that is asked for is not listed."""
    imap.put(SHORT)
    mailbox = _open(imap)

    assert mailbox.recent(TODAY + timedelta(days=2)) == []
    assert len(mailbox.recent(date(2020, 1, 1))) == 1
    mailbox.close()


def test_size_and_arrival_are_known_before_the_download(imap: ImapAccount):
    """The size decides whether a mail is fetched at all; deadlines count from its arrival."""
    imap.put(SHORT)
    mailbox = _open(imap)
    (envelope,) = mailbox.envelopes(mailbox.recent(TODAY))
    mailbox.close()

    assert envelope.size == len(SHORT)
    assert envelope.received_at is not None
    assert abs(envelope.received_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_only_the_header_can_be_had(imap: ImapAccount):
    """Of a mail that is too large the header is enough to answer it."""
    imap.put(SHORT)
    mailbox = _open(imap)

    assert mailbox.header(mailbox.recent(TODAY)[0]) == b"Subject: short\r\n\r\n"
    mailbox.close()


def test_a_mail_that_is_gone_is_no_error(imap: ImapAccount):
    """Somebody else was faster."""
    imap.put(SHORT)
    mailbox = _open(imap)
    (uid,) = mailbox.recent(TODAY)

    assert mailbox.raw(uid + 1000) is None
    assert list(mailbox.envelopes([uid + 1000])) == []
    mailbox.close()


@pytest.mark.parametrize("folder", ["已处理", "问题邮件", "Done & dusted"])
def test_a_folder_is_made_when_it_is_needed(imap: ImapAccount, folder: str):
    """Names are modified UTF-7 on the wire; people see Chinese."""
    imap.put(SHORT, GBK)
    mailbox = _open(imap)
    first, second = mailbox.recent(TODAY)
    mailbox.put_away([first], folder)
    mailbox.put_away([second], folder)
    mailbox.close()

    assert imap.mails() == []
    assert imap.mails(folder) == [SHORT, GBK]


def test_without_move_mails_are_copied_and_expunged(dovecot: Dovecot, dovecot_account: ImapAccount):
    """The second way; only our mails are expunged, not what somebody else has marked deleted."""
    dovecot_account.put(SHORT, GBK)
    with QuirkProxy(dovecot.imap, Quirks(hides=("MOVE",))) as proxy:
        mailbox = _open(dovecot_account, port=proxy.port)
        first, second = mailbox.recent(TODAY)
        with dovecot_account.client() as client:
            client.select("INBOX")
            client.uid("STORE", str(second), "+FLAGS", r"(\Deleted)")
        mailbox.put_away([first], "已处理")
        mailbox.close()

    assert dovecot_account.mails("已处理") == [SHORT]
    assert dovecot_account.mails() == [GBK]


def test_a_copy_that_was_not_expunged_is_not_copied_again(dovecot: Dovecot, dovecot_account: ImapAccount):
    """Cut off between COPY and EXPUNGE, the next round only expunges."""
    dovecot_account.put(SHORT)
    dovecot_account.flag(r"\Deleted")
    with QuirkProxy(dovecot.imap, Quirks(hides=("MOVE",))) as proxy:
        mailbox = _open(dovecot_account, port=proxy.port)
        (uid,) = mailbox.recent(TODAY)
        left = mailbox.still_to_put_away({uid: "已处理"}, TODAY)
        mailbox.close()

    assert left == {}
    assert dovecot_account.mails() == []


def test_without_move_and_uidplus_mails_are_marked_read_once(dovecot: Dovecot, dovecot_account: ImapAccount):
    """EXPUNGE without UIDPLUS would also delete what others have marked; so the mail stays."""
    dovecot_account.put(SHORT)
    with QuirkProxy(dovecot.imap, Quirks(hides=("MOVE", "UIDPLUS"))) as proxy:
        mailbox = _open(dovecot_account, port=proxy.port)
        (uid,) = mailbox.recent(TODAY)
        mailbox.put_away([uid], "已处理")
        left = mailbox.still_to_put_away({uid: "已处理"}, TODAY)
        mailbox.close()

    assert left == {}
    assert dovecot_account.mails() == [SHORT]
    assert "Seen" in dovecot_account.flags()[0]


def test_the_id_is_told_before_the_first_folder(imap: ImapAccount):
    """163.com opens no folder before it; imap-tools alone would select at once."""
    with QuirkProxy(imap.port, Quirks(needs_id=True)) as proxy:
        _open(imap, port=proxy.port).close()

    words = [command.split()[0].upper() for command in proxy.commands]
    assert words.index("ID") < words.index("SELECT")


def test_a_cut_connection_is_an_error_and_never_half_a_mail(imap: ImapAccount):
    """A literal that ends early must not be taken for the mail."""
    imap.put(SHORT + b"x" * 20_000)
    with QuirkProxy(imap.port, Quirks(drop_after=12_000)) as proxy:
        mailbox = _open(imap, port=proxy.port)
        (uid,) = mailbox.recent(TODAY)
        with pytest.raises(MailServerError):
            mailbox.raw(uid)
        mailbox.close()


def test_a_full_mailbox_is_a_refusal_and_the_connection_lives(imap: ImapAccount):
    """NO to one command is not the end."""
    imap.put(SHORT)
    with QuirkProxy(imap.port, Quirks(refuses="MOVE")) as proxy:
        mailbox = _open(imap, port=proxy.port)
        (uid,) = mailbox.recent(TODAY)
        with pytest.raises(Refused, match="OVERQUOTA"):
            mailbox.put_away([uid], "已处理")

        assert mailbox.raw(uid) == SHORT
        mailbox.close()


def test_the_server_tells_of_new_mail(dovecot_account: ImapAccount):
    """IDLE ends the wait long before it is over."""
    mailbox = _open(dovecot_account)
    threading.Timer(0.5, dovecot_account.put, [SHORT]).start()
    start = time.monotonic()
    mailbox.wait(30, threading.Event())
    waited = time.monotonic() - start

    assert waited < 10
    assert len(mailbox.recent(TODAY)) == 1
    mailbox.close()


def test_waiting_ends_when_we_are_to_stop(dovecot_account: ImapAccount):
    """A server that is stopped does not wait for mail."""
    mailbox = _open(dovecot_account)
    stopped = threading.Event()
    threading.Timer(0.3, stopped.set).start()
    start = time.monotonic()
    mailbox.wait(30, stopped)
    mailbox.close()

    assert time.monotonic() - start < 5


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_encrypted_with_a_trusted_certificate(
    dovecot: Dovecot, dovecot_account: ImapAccount, monkeypatch: pytest.MonkeyPatch, security: str
):
    """A house's own certificate is trusted by SSL_CERT_FILE."""
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.certificate))
    port = dovecot.imaps if security == "tls" else dovecot.imap
    mailbox = _open(dovecot_account, host="localhost", port=port, security=security)

    assert mailbox.recent(TODAY) == []
    mailbox.close()


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_an_unknown_certificate_is_refused(dovecot: Dovecot, dovecot_account: ImapAccount, security: str):
    """The password is not told to a server that cannot prove who it is."""
    port = dovecot.imaps if security == "tls" else dovecot.imap
    with pytest.raises(MailServerError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        _open(dovecot_account, host="localhost", port=port, security=security)

    assert caught.value.step is Step.TLS


def test_a_wrong_password_is_told_with_the_servers_words(imap: ImapAccount):
    """Providers put the reason there."""
    with pytest.raises(MailServerError) as caught:
        _open(imap, password="wrong")

    assert caught.value.step is Step.LOGIN
    assert caught.value.said
