"""Power cuts between mailbox and queue, and between queue and SMTP: a test per point."""

import json
import multiprocessing
from datetime import date

import pytest
from sqlalchemy import func, select

from server.intake.mail.fetching import fetch_once
from server.intake.mail.models import Mail, MailPlace, Reply
from server.intake.mail.replies import compose
from server.intake.mail.sending import send_due
from server.records.audit import verify_audit
from server.records.models import Record, Submission
from server.site import Site
from tests.server.mail.posts import post, sealed
from tests.server.mail.wire import killed
from tests.server.mail.wire.conftest import OpenSite
from tests.server.mail.wire.due import let_time_pass, queue, replies, states
from tests.server.mail.wire.imap_accounts import ImapAccount
from tests.server.mail.wire.quirks import QuirkProxy, Quirks
from tests.server.mail.wire.smtp_server import SmtpServer

# All of them are forked from one process that has imported everything: that takes longer than what they do.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([killed.__name__])
pytestmark = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


def _killed(site: Site, point: str) -> None:
    mail = json.dumps(site.settings.mail.model_dump(mode="json"))
    process = _PROCESSES.Process(target=killed.main, args=(str(site.settings.home), mail, point))
    process.start()
    process.join(60)
    assert process.exitcode == -9


@pytest.mark.parametrize("point", killed.FETCHING)
def test_killed_fetching_loses_and_doubles_nothing(pymap_account: ImapAccount, open_site: OpenSite, point: str):
    """The next process finishes the job, wherever the last one stopped."""
    _killed_and_finished(pymap_account, open_site, point)


@pytest.mark.parametrize("point", ["first processed", "copied", "put away"])
def test_killed_fetching_from_dovecot_loses_and_doubles_nothing(
    dovecot_account: ImapAccount, open_site: OpenSite, point: str
):
    """The same with a server that keeps mail on a disk."""
    _killed_and_finished(dovecot_account, open_site, point)


def _killed_and_finished(imap: ImapAccount, open_site: OpenSite, point: str) -> None:
    """Three mails, three records, three replies, and an empty inbox."""
    hides = ("MOVE",) if point in ("copied", "marked") else ()
    with QuirkProxy(imap.port, Quirks(hides=hides)) as proxy:
        site = open_site(imap.settings(port=proxy.port))
        raws = [post(sealed(site, instance=f"{n}", visited_on=date(2026, 3, n))) for n in (1, 2, 3)]
        imap.put(*raws)
        _killed(site, point)
        fetch_once(site, site.settings.mail.mailboxes[0])

    with site.session(read_only=True) as session:
        for model in (Mail, MailPlace, Submission, Record, Reply):
            assert session.scalar(select(func.count()).select_from(model)) == 3
        assert verify_audit(session, site.audit_key).sound
    assert imap.mails() == []
    assert set(imap.mails("已处理")) == set(raws)


@pytest.mark.parametrize("point", killed.SENDING)
def test_killed_sending_loses_nothing_and_resends_once_at_most(open_site: OpenSite, point: str):
    """A second copy only where the first was handed over and nobody could note it, and it is the same mail."""
    with SmtpServer() as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site)
        _killed(site, point)
        assert send_due(site, compose).sent == 0  # it belongs to the dead one until its lease ends
        let_time_pass(site)
        assert send_due(site, compose).sent == 1

    assert len(smtp.taken) == (2 if point == "handed over" else 1)
    assert len({content for _, _, content in smtp.taken}) == 1
    assert states(site) == ["sent"]


def test_a_process_that_dies_at_each_handing_over_stops_after_the_resend(open_site: OpenSite):
    """Two copies, then a person decides."""
    with SmtpServer() as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site)
        for _ in range(2):
            _killed(site, "handed over")
            let_time_pass(site)
        send_due(site, compose)

    assert len(smtp.taken) == 2
    assert (states(site), "may have arrived" in replies(site)[0].error) == (["dead"], True)


def test_only_the_mail_that_kills_the_process_is_laid_aside(pymap_account: ImapAccount, open_site: OpenSite):
    """Those that were read together with it are tried alone afterwards, and stored."""
    site = open_site(pymap_account.settings())
    raws = [post(sealed(site, instance=f"{n}", visited_on=date(2026, 3, n))) for n in range(1, 5)]
    raws.insert(2, post(b"deadly", message_id="<deadly@station.cn>"))
    pymap_account.put(*raws)
    for _ in range(3):
        _killed(site, "reading the deadly one")
    fetch_once(site, site.settings.mail.mailboxes[0])

    with site.session(read_only=True) as session:
        states = sorted(session.scalars(select(Mail.state)))
        assert states == ["done"] * 4 + ["quarantined"]
        assert session.scalar(select(func.count()).select_from(Record)) == 4
    assert pymap_account.mails("问题邮件") == [raws[2]]
