"""What a reply says, before it is written as text or as a page: looked up once for both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from server.access.visibility import Viewer
from server.intake.mail import reply_notices
from server.intake.mail.outgoing import QueuedReply, ReplyKind
from server.intake.mail.reply_notices import NOTICES
from server.records.listing import NotFound, record
from server.records.outcome import Outcome
from server.records.shown import Difference, differences, stored
from server.site import Site
from workbooks.form import FormDefinition, Text

FINDINGS = 30
"""Findings told of one workbook; all of them are in its marked copy."""
IN_ENGLISH = 10
CHANGES = 20

_NEXT: Mapping[Outcome, Text] = {
    Outcome.RECORDED: Text(
        "已登记，不必再发。如需更正，请在附件的回执工作簿上修改后回复本邮件发回。",
        "Recorded; nothing more to send. To correct it, edit the attached workbook and reply with it.",
    ),
    Outcome.REVISED: Text(
        "已更新。如需再改，请用本次附件的回执工作簿，修改后回复本邮件发回。",
        "Updated. For further changes edit the workbook attached here and reply with it.",
    ),
    Outcome.ALREADY_RECEIVED: Text(
        "内容与已有记录相同，不必再发。", "The record has this already; nothing more to send."
    ),
    Outcome.REJECTED: Text(
        "请打开附件（已标出错误的您自己的文件），改正后回复本邮件，把它作为附件发回。",
        "Open the attached copy of your file, correct what is marked, and reply to this mail with it.",
    ),
}
# Where the marked copy is too large to be attached: nobody must look for it.
_NEXT_UNATTACHED: Mapping[Outcome, Text] = {
    Outcome.RECORDED: Text(
        "已登记，不必再发。如需更正，请从网页下载回执工作簿，修改后回复本邮件发回。",
        "Recorded; nothing more to send. To correct it, download the receipt from the page, edit it and reply with it.",
    ),
    Outcome.REVISED: Text(
        "已更新。如需再改，请从网页下载本次的回执工作簿，修改后回复本邮件发回。",
        "Updated. For further changes download this receipt from the page, edit it and reply with it.",
    ),
    Outcome.REJECTED: Text(
        "请按上面各条在您自己的文件里改正，再回复本邮件，把它作为附件发回。",
        "Correct your own file as told above, and reply to this mail with it.",
    ),
}
_NEXT_UNREADABLE = Text(
    "请按上面的说明另存或改用我们的表单，再回复本邮件发回。",
    "Save it as described above or use our form, and reply to this mail with it.",
)
_TITLES: Mapping[Outcome, Text] = {
    Outcome.RECORDED: Text("已登记", "Recorded"),
    Outcome.REVISED: Text("已更新", "Updated"),
    Outcome.ALREADY_RECEIVED: Text("此前已收到", "Already received"),
    Outcome.REJECTED: Text("未接收，请改正后重发", "Not accepted, please correct"),
}
_TONES = {Outcome.RECORDED: "ok", Outcome.REVISED: "ok", Outcome.ALREADY_RECEIVED: "info", Outcome.REJECTED: "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    label: Text
    due: date
    late_days: int

    @property
    def words(self) -> Text:
        due = self.due.isoformat()
        if self.late_days:
            return Text(f"应于 {due} 前，已逾期 {self.late_days} 天", f"due {due}, {self.late_days} day(s) late")
        return Text(f"{due} 前，按时", f"due {due}, in time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """
    One workbook of the mail and what became of it.

    *findings* are in their public form (`Finding.as_dict`). *attachment* is the name under
    which its marked copy is attached; empty when it is not.
    """

    submission_id: str
    filename: str
    form: Text | None
    outcome: Outcome
    number: str
    revision: int | None
    received_at: datetime  # in the site's zone
    answers: tuple[tuple[str, str], ...]
    changes: tuple[Difference, ...]
    findings: tuple[Mapping[str, Any], ...]
    deadlines: tuple[Deadline, ...]
    link: str
    attachment: str = ""

    @property
    def title(self) -> Text:
        return _TITLES[self.outcome]

    @property
    def tone(self) -> str:
        """The colour of the card: something accepted with findings is a warning."""
        tone = _TONES[self.outcome]
        return "warn" if tone == "ok" and self.findings else tone

    @property
    def errors(self) -> int:
        return sum(finding["severity"] == "error" for finding in self.findings)

    @property
    def next_step(self) -> Text:
        if self.outcome is Outcome.REJECTED and self.form is None:
            return _NEXT_UNREADABLE
        if not self.attachment:
            return _NEXT_UNATTACHED.get(self.outcome, _NEXT[self.outcome])
        return _NEXT[self.outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """
    A whole reply.

    *held* are names of workbooks that wait for a person, *skipped* (name, why) of what was
    not opened. A reply of kind HELD or TAKEN has none of them: it may go to somebody unproven.
    """

    kind: ReplyKind
    title: Text
    tone: str
    sentences: tuple[Text, ...] = ()
    steps: tuple[Text, ...] = ()
    cards: tuple[Card, ...] = ()
    held: tuple[str, ...] = ()
    skipped: tuple[tuple[str, Text], ...] = ()


def contents_of(site: Site, reply: QueuedReply) -> Contents:
    """What *reply* says; `Card.attachment` is left to whoever attaches."""
    notice = NOTICES.get(reply.kind)
    if reply.kind in (ReplyKind.HELD, ReplyKind.TAKEN):
        assert notice is not None
        return Contents(kind=reply.kind, title=notice.title, tone=notice.tone, sentences=notice.sentences)
    skipped = tuple((name, reply_notices.skipped(reason)) for name, reason in reply.payload["skipped"])
    if notice is not None:
        limit = reply_notices.over_limit(reply.payload["reason"], site.settings.mail.max_message_mb)
        return Contents(
            kind=reply.kind,
            title=notice.title,
            tone=notice.tone,
            sentences=(limit,) if reply.kind is ReplyKind.OVER_LIMIT else notice.sentences,
            steps=notice.steps,
            skipped=skipped,
        )
    cards = tuple(_card(site, receipt) for receipt in reply.payload["receipts"])
    return Contents(
        kind=reply.kind,
        title=_summary(cards),
        tone=next((tone for tone in ("bad", "warn") if any(card.tone == tone for card in cards)), "ok"),
        cards=cards,
        held=tuple(reply.payload["held"]),
        skipped=skipped,
    )


def _summary(cards: Sequence[Card]) -> Text:
    if len(cards) == 1:
        card = cards[0]
        return Text(*(f"{title} {card.number}".strip() for title in (card.title.zh, card.title.en)))
    taken = sum(card.outcome is not Outcome.REJECTED for card in cards)
    refused = len(cards) - taken
    if not refused:
        return Text(f"{taken} 份表单都已收到", f"All {taken} forms received")
    if not taken:
        return Text(f"{refused} 份表单都需要改正", f"All {refused} forms need correcting")
    return Text(f"{taken} 份已收到，{refused} 份需要改正", f"{taken} received, {refused} to correct")


def _card(site: Site, receipt: Mapping[str, Any]) -> Card:
    definition = site.definitions.get(receipt["form_id"] or "")
    answers: tuple[tuple[str, str], ...] = ()
    changed: tuple[Difference, ...] = ()
    if definition is not None and receipt["record_number"]:
        answers, changed = _in_record(site, receipt, definition)
    public = site.settings.public_url.rstrip("/")
    return Card(
        submission_id=receipt["submission_id"],
        filename=receipt["filename"],
        form=Text(**receipt["title"]) if receipt["title"] else None,
        outcome=Outcome(receipt["outcome"]),
        number=receipt["record_number"] or "",
        revision=receipt["revision"],
        received_at=datetime.fromisoformat(receipt["received_at"]).astimezone(site.zone),
        answers=answers,
        changes=changed if receipt["outcome"] == Outcome.REVISED else (),
        findings=tuple(receipt["findings"]),
        deadlines=tuple(
            Deadline(
                label=Text(**deadline["label"]),
                due=date.fromisoformat(deadline["due"]),
                late_days=deadline["late_days"],
            )
            for deadline in receipt["deadlines"]
        ),
        link=f"{public}/submissions/{receipt['submission_id']}" if public else "",
    )


def _in_record(
    site: Site, receipt: Mapping[str, Any], definition: FormDefinition
) -> tuple[tuple[tuple[str, str], ...], tuple[Difference, ...]]:
    """What this sending stored and changed; of one that brought nothing new, what the record says."""
    with site.session(read_only=True) as session:
        master = site.master(session, retired=True)
        try:
            found = record(session, Viewer.operator(), receipt["record_number"], definitions=site.definitions)
        except NotFound:  # its form is no longer installed
            return (), ()
    brought = next((each for each in found.revisions if each.submission_id == receipt["submission_id"]), None)
    values = brought.values if brought else found.values
    told = stored(definition, values, master=master, language="zh", computed=brought is not None)
    changes = brought.changes if brought else ()
    return tuple(told), tuple(differences(definition, changes, master=master, language="zh"))
