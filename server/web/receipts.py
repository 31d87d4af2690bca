"""What the pages show of a submission: its outcome, findings, changes and what to do next."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from server.intake.receive import Receipt
from server.records.channels import CHANNELS
from server.records.outcome import FAILED, OUTCOME_TEXT, Outcome
from server.records.shown import Difference, differences, stored
from server.records.store import RecordDetail, SubmissionRow
from workbooks.check import DeadlineState
from workbooks.finding_codes import FindingCode
from workbooks.form import FormDefinition, Language, Text
from workbooks.master import Master

# outcome → colour of the badge, icon
_LOOKS: Mapping[str, tuple[str, str]] = {
    Outcome.RECORDED: ("ok", "check"),
    Outcome.REVISED: ("ok", "check"),
    Outcome.ALREADY_RECEIVED: ("info", "info"),
    Outcome.REJECTED: ("bad", "cross"),
    FAILED: ("bad", "warning"),
}
_NEXT: Mapping[str, Text] = {
    Outcome.RECORDED: Text(
        "已保存；如需更正，请打开记录继续填写，或在回执工作簿上修改后再交。",
        "Stored; to correct it, continue the record, or edit the receipt workbook and send that.",
    ),
    Outcome.REVISED: Text(
        "已更新；再改请打开记录继续填写，或用新的回执工作簿。",
        "Updated; for further changes continue the record, or use the new receipt workbook.",
    ),
    Outcome.ALREADY_RECEIVED: Text(
        "内容与已有记录相同，不必再交。", "The record has this already; nothing more to send."
    ),
    Outcome.REJECTED: Text("请按所列各项改正后重新提交。", "Correct what is listed and send it again."),
    FAILED: Text(
        "文件已保存，请稍后重试或联系管理员。", "The file is kept; try again later or tell the administrator."
    ),
}
_UNLOCK = Text(
    "请输入文件的打开密码；或清除密码后重新提交。",
    "Enter the password of the file, or clear it and send the file again.",
)
_LOCKED = frozenset((FindingCode.ENCRYPTED.slug, FindingCode.WRONG_PASSWORD.slug))
_FILLED_IN = Text("网页填写", "Filled in on the page")
_WITHOUT_FILE = Text("填写内容（无文件）", "Answers without a file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A deadline of the form as a badge says it."""

    label: Text
    words: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    """One receipt as the pages draw it; findings are in their public form (`Finding.as_dict`)."""

    submission_id: str
    filename: str
    title: Text | None
    outcome: str
    received_at: datetime
    sender: str
    channel: Text
    record_number: str | None
    revision: int | None
    findings: Sequence[Mapping[str, Any]] = ()
    changes: Sequence[Difference] = ()
    deadlines: Sequence[Deadline] = ()
    stored: Sequence[tuple[str, str]] = ()
    next_step: Text | None = None
    has_file: bool = True
    locked: bool = False  # behind a password that may be tried here

    @property
    def unnamed(self) -> Text:
        """What stands for the file name of answers that came without a file."""
        return _FILLED_IN if self.channel == CHANNELS["web"] else _WITHOUT_FILE

    @property
    def badge(self) -> str:
        return _LOOKS[self.outcome][0]

    @property
    def icon(self) -> str:
        return _LOOKS[self.outcome][1]

    @property
    def outcome_text(self) -> Text:
        return OUTCOME_TEXT[self.outcome]

    @property
    def tone(self) -> str:
        """The colour of the whole card: an accepted form with findings is a warning."""
        return "warn" if self.findings and self.badge == "ok" else self.badge


def of_receipt(
    receipt: Receipt,
    *,
    definition: FormDefinition | None,
    stored: Sequence[tuple[str, str]],
    channel: str,
    master: Master,
    language: Language,
) -> ReceiptView:
    """A receipt fresh from the intake; *stored* are (label, answer) of what is now in the record."""
    return ReceiptView(
        submission_id=receipt.submission_id,
        filename=receipt.filename,
        title=receipt.title,
        outcome=receipt.outcome,
        received_at=receipt.received_at,
        sender="",
        channel=CHANNELS[channel],
        record_number=receipt.record_number,
        revision=receipt.revision,
        findings=[finding.as_dict() for finding in receipt.findings],
        changes=differences(definition, receipt.changes, master=master, language=language) if definition else (),
        deadlines=[_deadline(deadline, language) for deadline in receipt.deadlines],
        stored=stored,
        next_step=_UNLOCK if (locked := _locked(finding.slug for finding in receipt.findings)) else receipt.next_step,
        locked=locked,
    )


def of_row(
    row: SubmissionRow, definitions: Mapping[str, FormDefinition], findings: Sequence[Mapping[str, Any]] = ()
) -> ReceiptView:
    """A submission looked up again."""
    definition = definitions.get(row.form_id or "")
    return ReceiptView(
        submission_id=row.id,
        filename=row.filename,
        title=definition.title if definition else None,
        outcome=row.outcome,
        received_at=row.at,
        sender=row.sender,
        channel=CHANNELS.get(row.channel, Text(row.channel, row.channel)),
        record_number=row.record_number,
        revision=row.revision,
        findings=findings,
        next_step=_UNLOCK if (locked := _locked(finding["slug"] for finding in findings)) else _NEXT.get(row.outcome),
        has_file=row.kind == "workbook",
        locked=locked,
    )


def with_record(
    view: ReceiptView, found: RecordDetail, definition: FormDefinition, *, master: Master, language: Language
) -> ReceiptView:
    """*view* of an accepted submission with what it stored, what the server worked out, and what it changed."""
    brought = next((revision for revision in found.revisions if revision.submission_id == view.submission_id), None)
    if brought is None:
        return replace(view, stored=stored(definition, found.values, master=master, language=language))
    return replace(
        view,
        stored=stored(definition, brought.values, master=master, language=language, computed=True),
        changes=differences(definition, brought.changes, master=master, language=language),
    )


def _locked(slugs: Iterable[str]) -> bool:
    return not _LOCKED.isdisjoint(slugs)


def _deadline(state: DeadlineState, language: Language) -> Deadline:
    due = f"{state.due:%Y-%m-%d}"
    if state.late_days:
        words = {"zh": f"应于 {due} 前，逾期 {state.late_days} 天", "en": f"due {due}, {state.late_days} day(s) late"}
    else:
        words = {"zh": f"{due} 前，按时", "en": f"due {due}, in time"}
    return Deadline(label=state.label, words=words[language], tone="bad" if state.late_days else "ok")
