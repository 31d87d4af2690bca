"""Datasets of what customers said: every feedback, the complaints among it, and complaints against cases."""

from collections import Counter
from typing import Any, NamedTuple

from server.statistics.feedbacks import KINDS, UNCLASSED, Feedback, feedbacks
from server.statistics.measures import ratio, wilson
from server.statistics.periods import month_of
from server.statistics.sources import Sources
from server.statistics.tabular import Computed, Query, Value, by_period, by_place, flag, rounded


def all_feedback(sources: Sources) -> list[Feedback]:
    """All feedback a viewer may see and has selected, as it stood."""
    return [f for f in feedbacks(sources.view.rows("feedback"), sources.now) if sources.selected(f)]


def _received(query: Query) -> list[Feedback]:
    return [f for f in all_feedback(query.sources) if query.period.holds(f.received_at.date())]


def _complaints(query: Query) -> list[Feedback]:
    return [feedback for feedback in _received(query) if feedback.complaint]


def _answer(name: str, field: str | None = None) -> Value:
    return lambda feedback, query: query.label("feedback", field or name, getattr(feedback, name))


def _of_complaints(value: Value) -> Value:
    """*value* for complaints, blank for everything else."""
    return lambda feedback, query: value(feedback, query) if feedback.complaint else None


def _replied(name: str, *, kind: str | None = None) -> Value:
    """Whether the answer came within the limit *name* of the form, for feedback of this kind."""

    def value(feedback: Feedback, query: Query) -> int | None:
        if kind is not None and feedback.kind != kind:
            return None
        return flag(feedback.replied_within(query.sources.limit("feedback", name), query.sources.now))

    return value


def _closed_in_time(feedback: Feedback, query: Query) -> int | None:
    return flag(feedback.closed_within(int(query.sources.limit("feedback", "closing_days")), query.sources.today))


def _class(feedback: Feedback, query: Query) -> str:
    """The complaint's class; what has none is shown as such and never dropped."""
    return query.label("feedback", "complaint_class", feedback.complaint_class) or UNCLASSED[query.language]


_SHARED: dict[str, Value] = {
    **by_period(lambda f: f.received_at),
    **by_place(),
    **{name: _answer(name) for name in ("customer", "vehicle", "warranty", "category", "channel", "solution_kind")},
    "system": _answer("system", "product"),
    "number": lambda f, q: f.number,
    "received_at": lambda f, q: f.received_at,
    "vehicle_type": lambda f, q: f.vehicle_type,
    "reply_hours": lambda f, q: rounded(f.reply_hours),
    "replied": lambda f, q: flag(f.replied_at is not None),
    "closed": lambda f, q: flag(f.closed_on is not None),
    "close_days": lambda f, q: f.close_days,
    "misdated": lambda f, q: int(f.misdated),
    "customer_reply": _answer("customer_reply"),
    "compensation": lambda f, q: f.compensation,
}

_FEEDBACK: Computed[Feedback] = Computed(
    facts=_received,
    values={
        **_SHARED,
        "kind": lambda f, q: KINDS[f.kind][q.language],
        "feedbacks": lambda f, q: 1,
        "complaint": lambda f, q: int(f.complaint),
        "complaint_class": _of_complaints(_class),
        "grade": _of_complaints(_answer("grade")),
        "replied_48h": _of_complaints(_replied("reply_hours")),
        "answered_4h": _replied("question_hours", kind="question"),
        "called_back": lambda f, q: flag(f.called_back_on is not None),
        "satisfied": lambda f, q: flag(f.satisfied),
        "customers": lambda f, q: q.first("customers", (month_of(f.received_at), f.customer)),
    },
)

_COMPLAINTS: Computed[Feedback] = Computed(
    facts=_complaints,
    values={
        **_SHARED,
        "complaint_class": _class,
        "grade": _answer("grade"),
        "complaints": lambda f, q: 1,
        "quality": lambda f, q: None if f.complaint_class is None else int(f.complaint_class == "quality"),
        "major": lambda f, q: None if f.grade is None else int(f.grade == "major"),
        "quality_problem": lambda f, q: None if f.quality_problem is None else int(f.quality_problem == "yes"),
        "quantity": lambda f, q: f.quantity,
        "replied_48h": _replied("reply_hours"),
        "replied_24h": _replied("complaint_hours"),
        "closed_in_time": _closed_in_time,
        "open_days": lambda f, q: (q.sources.today - f.received_at.date()).days if f.closed_on is None else None,
        "compensated": lambda f, q: int(bool(f.compensation)),
    },
)


class _Class(NamedTuple):
    """One class of complaints over the period."""

    name: str
    complaints: int
    total: int
    major: int
    replied: tuple[int, int]
    compensation: float | None


def _classes(query: Query) -> list[_Class]:
    found = _complaints(query)
    by_class: dict[str, list[Feedback]] = {}
    for feedback in found:
        by_class.setdefault(_class(feedback, query), []).append(feedback)
    rows = [
        _Class(
            name=name,
            complaints=len(members),
            total=len(found),
            major=sum(member.grade == "major" for member in members),
            replied=_in_time(members, query),
            compensation=sum(paid) if (paid := [m.compensation for m in members if m.compensation]) else None,
        )
        for name, members in by_class.items()
    ]
    return sorted(rows, key=lambda row: (row.name == UNCLASSED[query.language], -row.complaints, row.name))


def _in_time(members: list[Feedback], query: Query) -> tuple[int, int]:
    """(answered within 48 hours, complaints for which that is decided)."""
    limit = query.sources.limit("feedback", "reply_hours")
    decided = [found for member in members if (found := member.replied_within(limit, query.sources.now)) is not None]
    return sum(decided), len(decided)


def _limit(row: _Class, upper: bool) -> float | None:
    limits = wilson(row.complaints, row.total)
    return None if limits is None else limits.upper if upper else limits.lower


_CLASSES: Computed[_Class] = Computed(
    facts=_classes,
    values={
        "complaint_class": lambda r, q: r.name,
        "complaints": lambda r, q: r.complaints,
        "share": lambda r, q: ratio(r.complaints, r.total),
        "lower": lambda r, q: _limit(r, False),
        "upper": lambda r, q: _limit(r, True),
        "major": lambda r, q: r.major,
        "replied_48h": lambda r, q: r.replied[0],
        "decided": lambda r, q: r.replied[1],
        "compensation": lambda r, q: r.compensation,
    },
)


class _Rate(NamedTuple):
    """Complaints and cases of one month at one station."""

    month: str
    station: str | None
    complaints: int
    cases: int


def _rates(query: Query) -> list[_Rate]:
    complaints: Counter[tuple[str, str | None]] = Counter()
    complaints.update((month_of(f.received_at), f.station) for f in _complaints(query))
    reported = query.sources.cases_between("reported_at", query.period.start, query.period.end)
    cases: Counter[tuple[str, str | None]] = Counter()
    cases.update((month_of(case.reported_at), case.station) for case in reported)
    keys = sorted(complaints.keys() | cases.keys(), key=lambda key: (key[0], key[1] or ""))
    return [_Rate(*key, complaints[key], cases[key]) for key in keys]


_RATES: Computed[_Rate] = Computed(
    facts=_rates,
    values={
        **by_place(),
        "year": lambda r, q: int(r.month[:4]),
        "quarter": lambda r, q: f"{r.month[:4]}Q{(int(r.month[5:]) + 2) // 3}",
        "month": lambda r, q: r.month,
        "complaints": lambda r, q: r.complaints,
        "cases": lambda r, q: r.cases,
        "per_case": lambda r, q: ratio(r.complaints, r.cases),
    },
)

COMPUTED: dict[str, Computed[Any]] = {
    "feedback": _FEEDBACK,
    "complaints": _COMPLAINTS,
    "complaint_classes": _CLASSES,
    "complaint_rates": _RATES,
}
