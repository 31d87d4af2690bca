"""The mails that leave: what each kind says, how it stands in the thread, what is attached."""

import email
from email.message import EmailMessage
from email.policy import default
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from server.intake.mail import outgoing, replies
from server.intake.mail.message import Message, parse_message
from server.intake.mail.models import Mail
from server.intake.mail.outgoing import ReplyKind
from server.settings import Settings
from server.site import Site
from tests.server.company import MASTER, VISIT
from tests.server.mail.posts import STATION, genuine, issued, post, reply_to, sealed, take, visit
from tests.server.visits import VALUES
from workbooks.template import build_template

# What is composed follows from what is stored; one database is enough.
pytestmark = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)

SUBJECT = "=?utf-8?B?5bi45bee56uZ5Zue6K6/6K6w5b2V?="  # 常州站回访记录


def composed(site: Site, *books: bytes, **keywords: Any) -> EmailMessage:
    """The reply to a mail from the station with *books*, as its mail program sees it."""
    keywords.setdefault("results", [genuine()])
    return _parsed(replies.compose(site, reply_to(site, take(site, post(*books, subject=SUBJECT, **keywords)))))


def notice(site: Site, kind: ReplyKind, **keywords: Any) -> EmailMessage:
    """A reply of *kind* to a mail with one workbook."""
    with site.session() as session:
        mail = session.scalars(select(Mail)).first()
    if mail is None:
        take(site, post(subject=SUBJECT))
    with site.session() as session:
        mail = session.scalars(select(Mail)).one()
        reply_id = outgoing.queue(session, site.settings.mail, mail, kind, to_address=STATION, **keywords)
        assert reply_id is not None
    with site.session(read_only=True) as session:
        return _parsed(replies.compose(site, outgoing.load(session, reply_id)))


def text(message: EmailMessage) -> str:
    return _body(message, "plain")


def page(message: EmailMessage) -> str:
    return _body(message, "html")


def _parsed(content: bytes) -> EmailMessage:
    assert max(len(line) for line in content.split(b"\r\n")) <= 80
    return email.message_from_bytes(content, policy=default)  # type: ignore[return-value]


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def _read(message: EmailMessage) -> Message:
    return Message.of(parse_message(bytes(message)))


def test_a_receipt_says_what_was_stored(site: Site):
    """Number, key answers with what was worked out, and what to do next, in both forms of the mail."""
    message = composed(site, sealed(site))

    for said in (text(message), page(message)):
        assert all(words in said for words in ("V-2026-0001", "常州地铁", "走访日期", "华东", "已登记", "Recorded"))
        assert "需要改正" not in said


def test_a_receipt_stands_in_the_thread_and_starts_no_loop(site: Site):
    """Its headers tell mail programs where it belongs, and machines that no person wrote it."""
    message = composed(site, sealed(site), message_id="<3@station.cn>", more=["References: <1@a> <2@b>"])

    assert {name: message[name] for name in ("In-Reply-To", "References", "Message-ID", "Subject", "To")} == {
        "In-Reply-To": "<3@station.cn>",
        "References": "<1@a> <2@b> <3@station.cn>",
        "Message-ID": "<receipt.1.1@company.cn>",
        "Subject": "回复：常州站回访记录",
        "To": STATION,
    }
    assert {name: message[name] for name in ("Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "X-Loop")} == {
        "Auto-Submitted": "auto-replied",
        "X-Auto-Response-Suppress": "All",
        "Precedence": "bulk",
        "X-Loop": "forms@company.cn",
    }
    assert _read(message).automatic is not None


def test_a_receipt_that_comes_back_is_not_answered(site: Site):
    """Our own words, sent on to us by a careless rule at the other end, store and send nothing."""
    reply = reply_to(site, take(site, post(sealed(site), results=[genuine()])))
    again = take(site, replies.compose(site, reply))

    assert (again.reason, again.reply_id, again.submissions) == ("own", None, ())


def test_composing_twice_gives_the_same_mail(site: Site):
    """A second sending of one reply is recognisable as the same."""
    reply = reply_to(site, take(site, post(sealed(site), results=[genuine()])))

    assert replies.compose(site, reply) == replies.compose(site, reply)


def test_what_has_to_be_mended_is_named_and_the_marked_workbook_attached(site: Site):
    """Sheet, cell, label, what is wrong and what to do; the own file back with the cell marked."""
    message = composed(site, sealed(site, severity=None))
    [workbook] = message.iter_attachments()
    book = load_workbook(BytesIO(workbook.get_content()))

    for said in (text(message), page(message)):
        assert all(words in said for words in ("走访记录", "D8", "严重度", "没有填写", "需要改正", "回复本邮件"))
    assert workbook.get_filename() == "visit1 回执.xlsx"
    assert book.worksheets[0]["D8"].comment is not None


def test_the_attached_workbook_sent_back_is_the_next_revision(site: Site):
    """A receipt is where the next change of the record starts from."""
    first = composed(site, sealed(site))
    [receipt] = first.iter_attachments()
    assert receipt.get_filename() == "V-2026-0001 回执.xlsx"
    book = load_workbook(BytesIO(receipt.get_content()))
    book.worksheets[0]["D8"] = "严重"
    changed = BytesIO()
    book.save(changed)
    second = composed(
        site, changed.getvalue(), message_id="<2@station.cn>", more=["In-Reply-To: <receipt.1.1@company.cn>"]
    )

    assert "V-2026-0001（第 2 版）" in text(second)
    assert "严重度：轻微 → 严重" in text(second)


def test_several_workbooks_of_one_mail_are_in_one_receipt(site: Site):
    """Each with its own outcome; the title counts them, and no two attachments share a name."""
    other = visit(station="CZ", seal=None, instance="i3", customer=None)
    message = composed(site, sealed(site), sealed(site, instance="i2", severity=None), other)
    names = [part.get_filename() for part in message.iter_attachments()]

    assert "1 份已收到，2 份需要改正" in text(message)
    assert names == ["V-2026-0001 回执.xlsx", "visit2 回执.xlsx", "visit3 回执.xlsx"]


def test_an_english_form_comes_back_marked_in_english(site: Site):
    """The mail is Chinese first; the workbook speaks its sender's language."""
    english = build_template(
        VISIT,
        language="en",
        master=MASTER,
        station="CZ",
        seal=issued(site)[1],
        values={**VALUES, "severity": None},
    )
    message = composed(site, english)
    [workbook] = message.iter_attachments()

    assert workbook.get_filename() == "visit1 receipt.xlsx"
    assert "“Severity” is empty" in text(message)


def test_a_held_notice_tells_nothing(site: Site):
    """It may go to somebody who never wrote: no name, no subject, no file of the mail is in it."""
    message = composed(site, visit(), results=[])
    everything = "\n".join((str(message["Subject"]), text(message), page(message)))

    assert message["Subject"].startswith("收到，待核实")
    assert not any(words in everything for words in ("常州", "visit", "走访", "V-2026", "回访"))
    assert list(message.iter_attachments()) == []


def test_a_form_taken_from_an_unproven_address_is_told_of_without_its_contents(site: Site):
    """That it came, and where to look; not a word of what is in it."""
    message = notice(site, ReplyKind.TAKEN, reason="address-not-proven")
    said = text(message)

    assert message["Subject"] == "收到，已处理 / Received and processed"
    assert "登录网页" in said
    assert "sign in" in said
    assert "核实" not in said


def test_a_mail_without_a_form_is_told_how_to_attach_one(site: Site):
    """In steps."""
    message = notice(site, ReplyKind.NO_WORKBOOK)

    assert all("没有找到 Excel 工作簿" in said and "添加附件" in said for said in (text(message), page(message)))


def test_a_large_attachment_link_is_told_to_come_as_an_attachment(site: Site):
    """Nothing in a mail is ever fetched."""
    assert "超大附件" in text(notice(site, ReplyKind.LARGE_LINK))


def test_a_refused_file_is_named_with_the_reason(site: Site):
    """And what to send instead."""
    message = notice(site, ReplyKind.REFUSED_FILE, skipped=[("现场.rar", "archive-rar"), ("x", "a-reason-of-tomorrow")])

    assert "现场.rar：RAR 压缩包；请解压后直接附上工作簿" in text(message)
    assert "x：没有打开" in text(message)


def test_the_limit_that_a_mail_exceeds_is_named(site: Site):
    """With the figure of the settings."""
    assert "最多 30 MB" in text(notice(site, ReplyKind.OVER_LIMIT, reason="too-large"))


def test_a_receipt_names_what_was_not_taken(site: Site):
    """Beside what was: workbooks that wait for a person, attachments that are none."""
    message = notice(site, ReplyKind.RECEIPT, held=["乙站.xlsx"], skipped=[("a.7z", "archive-7z")])

    for said in (text(message), page(message)):
        assert "乙站.xlsx" in said
        assert "7z 压缩包" in said


def test_names_cannot_write_into_the_page(site: Site):
    """What senders call their files is text."""
    message = notice(site, ReplyKind.RECEIPT, held=["<script>alert(1)</script>.xlsx"])

    assert "<script>" not in page(message)
    assert "&lt;script&gt;" in page(message)


def test_a_page_for_mail_programs_fetches_nothing(site: Site):
    """No picture, font or style sheet from a network, no script, no class that a mail program would drop."""
    said = page(composed(site, sealed(site, severity=None)))

    assert not any(words in said for words in ("<img", "<link", "<script", "<style", "src=", "class=", "url("))


def test_answers_go_to_the_watched_mailbox(site: Site, settings: Settings):
    """Also where replies leave under another address."""
    smtp = settings.mail.smtp
    assert smtp is not None
    other = smtp.model_copy(update={"from_address": "no-reply@company.cn", "from_name": "售后表单"})
    mail = settings.mail.model_copy(update={"smtp": other})
    site.settings = settings.model_copy(update={"mail": mail})
    message = composed(site, sealed(site))

    assert message["From"] == "售后表单 <no-reply@company.cn>"
    assert message["Reply-To"] == "forms@company.cn"


def test_a_large_workbook_is_left_on_the_page(site: Site, monkeypatch: pytest.MonkeyPatch):
    """No mailbox is filled by its own receipts."""
    monkeypatch.setattr(replies, "LARGEST_WORKBOOK", 1000)
    message = composed(site, sealed(site))

    assert list(message.iter_attachments()) == []
    assert "附件" not in text(message).replace("作为附件", "").partition("In English")[0].partition("下一步")[0]


def test_nobody_is_told_to_open_a_copy_that_is_not_attached(site: Site, monkeypatch: pytest.MonkeyPatch):
    """Photographs make the marked copy of a rejected form too large: its sender corrects the file they have."""
    monkeypatch.setattr(replies, "LARGEST_WORKBOOK", 1000)
    refused = text(composed(site, sealed(site, severity=None)))
    unknown = text(composed(site, b"no workbook", message_id="<2@station.cn>"))

    assert "在您自己的文件里改正" in refused
    assert all("打开附件" not in words for words in (refused, unknown))
    assert "改用我们的表单" in unknown
