"""Dataset of what was granted to customers, and whether whoever approved it may approve so much (002 §1 art. 13)."""

from typing import Any

from server.statistics.feedback_datasets import all_feedback
from server.statistics.feedbacks import Feedback
from server.statistics.service_quality import APPROVALS, ApprovalRule, approval
from server.statistics.tabular import Computed, Query, by_period, by_place, flag
from workbooks.form import Text

_RULES = APPROVALS["waiver"]
# What stands in a post's name, in this order: 副总经理 is not a 总经理.
_POSTS = (("副总", 1), ("vice", 1), ("总经理", 2), ("general manager", 2), ("经理", 0), ("manager", 0))
_UNKNOWN = Text("无法判定", "cannot be told")
_NOBODY = Text("未批准", "nobody")


def _granted(query: Query) -> list[Feedback]:
    return [f for f in all_feedback(query.sources) if f.compensation and query.period.holds(f.received_at.date())]


def _required(feedback: Feedback) -> ApprovalRule:
    return approval("waiver", feedback.compensation or 0.0)


def _post(feedback: Feedback, query: Query) -> str:
    row = query.names.row("people", feedback.approved_by) if feedback.approved_by else None
    return "" if row is None else row.attributes.get("role", "").strip()


def _level(feedback: Feedback, query: Query) -> int | None:
    """Which of the rules the approver's post stands for; None where the post says nothing."""
    post = _post(feedback, query).lower()
    return next((level for words, level in _POSTS if words in post), None)


def _reached(feedback: Feedback, query: Query) -> str:
    if not feedback.approved_by:
        return _NOBODY[query.language]
    level = _level(feedback, query)
    return (_UNKNOWN if level is None else _RULES[level].approver)[query.language]


def _kept(feedback: Feedback, query: Query) -> bool | None:
    if not feedback.approved_by:
        return False
    level = _level(feedback, query)
    return None if level is None else level >= _RULES.index(_required(feedback))


_APPROVALS: Computed[Feedback] = Computed(
    facts=_granted,
    values={
        **by_period(lambda f: f.received_at),
        **by_place(),
        "number": lambda f, q: f.number,
        "received_at": lambda f, q: f.received_at,
        "customer": lambda f, q: q.label("feedback", "customer", f.customer),
        "solution_kind": lambda f, q: q.label("feedback", "solution_kind", f.solution_kind),
        "warranty": lambda f, q: q.label("feedback", "warranty", f.warranty),
        "amount": lambda f, q: f.compensation,
        "required": lambda f, q: _required(f).approver[q.language],
        "approved_by": lambda f, q: q.label("feedback", "approved_by", f.approved_by),
        "post": lambda f, q: _post(f, q) or None,
        "reached": _reached,
        "granted": lambda f, q: 1,
        "kept": lambda f, q: flag(_kept(f, q)),
        "undecided": lambda f, q: int(_kept(f, q) is None),
    },
)

COMPUTED: dict[str, Computed[Any]] = {"approvals": _APPROVALS}
