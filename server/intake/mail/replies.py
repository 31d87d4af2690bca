"""The replies that leave: composed once, as text and as a page, with the marked workbooks attached."""

from collections.abc import Sequence
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from importlib.resources import files

from jinja2 import Environment, Template

from server.access.visibility import Viewer
from server.intake.mail import reply_headers
from server.intake.mail.models import Mail
from server.intake.mail.outgoing import QueuedReply
from server.intake.mail.plain import plain
from server.intake.mail.reply_contents import CHANGES, FINDINGS, IN_ENGLISH, Card, Contents, contents_of
from server.intake.mail.reply_text import foot_of, text_of
from server.intake.workbooks import marked_workbook
from server.records.listing import NotFound, submission
from server.records.outcome import Outcome
from server.site import Site
from workbooks.form import Language, Text
from workbooks.refusal import Refused
from workbooks.sandbox import ChildError

LARGEST_WORKBOOK = 2 << 20
"""Bytes of a marked workbook that is attached; a larger one is fetched on the page."""
ALL_WORKBOOKS = 12 << 20

_REFERENCES = 20  # with the first: enough for a thread, and no header a server turns down
_SUFFIX: dict[Language, str] = {"zh": "回执", "en": "receipt"}
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def compose(site: Site, reply: QueuedReply) -> bytes:
    """
    *reply* as the bytes of a mail, the same each time for the same records.

    Whatever its kind it is marked as automatic, stands in the thread of the mail it
    answers, and asks for answers at the mailbox that is watched. Marked workbooks are
    attached for every form that was recognised, also when all is well: the next change of
    the record starts from that file.
    """
    contents, attachments = _with_workbooks(site, contents_of(site, reply))
    message = EmailMessage(policy=SMTP)
    _address(site, message, reply)
    message.set_content(text_of(contents), cte="base64")
    message.add_alternative(html_of(contents), subtype="html", cte="base64")
    for _, workbook in attachments:
        message.add_attachment(workbook, *_XLSX.split("/", 1), filename="workbook.xlsx")
    _name_attachments(message, [filename for filename, _ in attachments])
    for n, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_receipt.{reply.mail_id}.{reply.n}.{n}")  # base64 has neither "_" nor "."
    return message.as_bytes()


def html_of(contents: Contents) -> str:
    """The whole reply as a page for mail programs."""
    return _page().render(
        contents=contents,
        foot=Text(foot_of(contents, "zh"), foot_of(contents, "en")),
        most_findings=FINDINGS,
        most_in_english=IN_ENGLISH,
        most_changes=CHANGES,
    )


def _address(site: Site, message: EmailMessage, reply: QueuedReply) -> None:
    settings = site.settings.mail
    sender = reply.from_address or f"aftersheet@{settings.message_domain}"
    name = settings.smtp.from_name if settings.smtp else "Aftersheet"
    with site.session(read_only=True) as session:
        mailbox = settings.mailbox(session.get_one(Mail, reply.mail_id).account) if reply.mail_id else None
    watched = mailbox.user if mailbox and "@" in mailbox.user else ""
    ids = [found for found in reply.references if _is_id(found)]
    headers = {
        "Date": format_datetime(reply.created_at.astimezone(site.zone)),
        "From": reply_headers.mailbox_value(plain(name, 80), sender),
        "To": reply_headers.mailbox_value("", reply.to_address),
        "Reply-To": reply_headers.mailbox_value("", watched) if watched and watched.lower() != sender.lower() else "",
        "Subject": reply_headers.text_value(plain(reply.subject, 200)),
        "Message-ID": reply.message_id,
        "In-Reply-To": reply.in_reply_to if _is_id(reply.in_reply_to) else "",
        "References": reply_headers.ids_value(_shortened(ids)),
        "Auto-Submitted": "auto-replied",
        "X-Auto-Response-Suppress": "All",
        "Precedence": "bulk",
        "X-Loop": sender,
    }
    for header, value in headers.items():
        if value:
            message.set_raw(header, value)  # folded already; the standard library would fold it its own way


def _name_attachments(message: EmailMessage, filenames: Sequence[str]) -> None:
    for part, filename in zip(message.iter_attachments(), filenames, strict=True):
        del part["Content-Type"], part["Content-Disposition"]
        part.set_raw("Content-Type", reply_headers.content_type(_XLSX, filename))
        part.set_raw("Content-Disposition", reply_headers.content_disposition(filename))


def _with_workbooks(site: Site, contents: Contents) -> tuple[Contents, list[tuple[str, bytes]]]:
    """*contents* with the names of the marked workbooks, and these themselves as (name, bytes)."""
    attached: list[tuple[str, bytes]] = []
    cards: list[Card] = []
    room = ALL_WORKBOOKS
    for card in contents.cards:
        workbook = _workbook(site, card) if card.form is not None else None
        if workbook is None or len(workbook[1]) > min(room, LARGEST_WORKBOOK):
            cards.append(card)
            continue
        name = _unused(workbook[0], {taken for taken, _ in attached})
        attached.append((name, workbook[1]))
        cards.append(replace(card, attachment=name))
        room -= len(workbook[1])
    return replace(contents, cards=tuple(cards)), attached


def _workbook(site: Site, card: Card) -> tuple[str, bytes] | None:
    operator = Viewer.operator()
    try:
        with site.session(read_only=True) as session:
            view = submission(session, operator, card.submission_id)
        language = _language(site, view.sha256)
        content = marked_workbook(site, card.submission_id, viewer=operator, language=language)
    except NotFound:  # its form is no longer installed
        return None
    accepted = card.outcome is not Outcome.REJECTED
    stem = card.number if accepted and card.number else card.filename.rpartition(".")[0] or card.filename
    suffix = f" {_SUFFIX[language]}"
    return f"{plain(stem.removesuffix(suffix), 60)}{suffix}.xlsx", content


def _language(site: Site, sha256: str) -> Language:
    """The language of the sender's own workbook."""
    try:
        return site.sandbox.read(site.originals.read(sha256)).identity.language
    except (Refused, ChildError):
        return "zh"


def _unused(name: str, taken: set[str]) -> str:
    stem = name.removesuffix(".xlsx")
    return next(found for n in range(1, len(taken) + 2) if (found := f"{stem}{f' {n}' * (n > 1)}.xlsx") not in taken)


def _shortened(ids: list[str]) -> list[str]:
    return ids if len(ids) <= _REFERENCES else [ids[0], *ids[1 - _REFERENCES :]]


def _is_id(text: str) -> bool:
    return text.startswith("<") and text.endswith(">") and text.isascii() and text.isprintable() and " " not in text


@cache
def _page() -> Template:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((files("server.intake.mail") / "reply.html").read_text(encoding="utf-8"))
