"""The receipt a sender gets: what became of a submission and what to do next."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.records.changes import Change
from server.records.outcome import OUTCOME_TEXT, Outcome
from workbooks.check import DeadlineState
from workbooks.findings import Finding, has_errors
from workbooks.form import Text
from workbooks.values import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """
    What became of one submission.

    Every accepted form has a *record_number* and *revision*; a rejected one has findings
    that are errors. *changes* say what a revision changed.
    """

    submission_id: str
    outcome: Outcome
    form_id: str | None
    title: Text | None
    record_number: str | None
    revision: int | None
    received_at: datetime
    filename: str
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    deadlines: tuple[DeadlineState, ...]

    @property
    def accepted(self) -> bool:
        return self.outcome is not Outcome.REJECTED

    @property
    def next_step(self) -> Text:
        """What the sender should do now, in one sentence."""
        number = self.record_number
        match self.outcome:
            case Outcome.REJECTED:
                count = sum(1 for finding in self.findings if has_errors((finding,)))
                return Text(
                    f"有 {count} 处需要改正；请在原文件中改正后重新提交。",
                    f"{count} thing(s) to correct; correct them in your file and send it again.",
                )
            case Outcome.ALREADY_RECEIVED:
                return Text(
                    f"内容与 {number} 第 {self.revision} 版相同，不必再交。",
                    f"The contents are those of {number}, revision {self.revision}; nothing more to send.",
                )
            case Outcome.REVISED:
                return Text(
                    f"{number} 已更新为第 {self.revision} 版；再改请用新的回执工作簿。",
                    f"{number} is now at revision {self.revision}; make further changes in the new receipt workbook.",
                )
        return Text(
            f"已保存为 {number}；如需更正，请在回执工作簿上修改后再交。",
            f"Stored as {number}; to correct it, edit the receipt workbook and send that.",
        )

    def as_dict(self) -> dict[str, Any]:
        """The receipt as JSON values, texts in both languages."""
        return {
            "submission_id": self.submission_id,
            "outcome": str(self.outcome),
            "outcome_text": _both(OUTCOME_TEXT[self.outcome]),
            "form_id": self.form_id,
            "title": _both(self.title) if self.title else None,
            "record_number": self.record_number,
            "revision": self.revision,
            "received_at": self.received_at.isoformat(timespec="seconds"),
            "filename": self.filename,
            "findings": [finding.as_dict() for finding in self.findings],
            "changes": [change_as_dict(change) for change in self.changes],
            "deadlines": [
                {
                    "name": deadline.name,
                    "label": _both(deadline.label),
                    "due": deadline.due.isoformat(),
                    "late_days": deadline.late_days,
                    "state": deadline.state,
                }
                for deadline in self.deadlines
            ],
            "next_step": _both(self.next_step),
        }


def change_as_dict(change: Change) -> dict[str, Any]:
    """One change as JSON values."""
    both = to_json({"before": change.before, "after": change.after})
    return {"field": change.path, "line": change.line, "label": _both(change.label), **both}


def _both(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
