"""Datasets about the forms themselves: which were due, late or missing; and dates and scores that cannot be."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import and_, func, or_, select

from server.database import table_of
from server.records.models import Record
from server.statistics import case_rows
from server.statistics.deadlines import OnTime, State, state
from server.statistics.periods import first_of_month
from server.statistics.sources import Sources
from server.statistics.tabular import Computed, Query, by_period, by_place
from server.statistics.yearly_duties import yearly_duties
from workbooks.form import Field, FormDefinition, Language, Text

_RECORDS = table_of(Record)
_DUE_FORMS = ("fracas", "trip_plan", "trip_loan", "trip_summary", "survey")


class _Sheet(NamedTuple):
    """One form that was due, and how it stands; the clock starts on *start*."""

    form_id: str
    start: date
    station: str | None
    customer: str | None
    state: State


def _sheets(query: Query) -> Iterator[_Sheet]:
    sources = query.sources
    for sheet in chain(_failures(query), _trips(sources), _loans(sources), _surveys(sources)):
        if query.period.holds(sheet.start):
            yield sheet


def _failures(query: Query) -> Iterator[_Sheet]:
    """Failure reports by the day they first came in; one that never came nobody knows of."""
    sources, kept = query.sources, case_rows.kept(query.sources.view)
    days = timedelta(days=sources.limit("fracas", "late_report_days"))
    asked = select(kept.c.number, _RECORDS.c.created_at).join(_RECORDS, _RECORDS.c.id == kept.c.record_id)
    found = sources.view.session.execute(asked.where(case_rows.known(kept, sources.view)))
    came = {number: sources.view.local_time(at).date() for number, at in found}
    for case in sources.cases_between("reported_at", query.period.start, query.period.end):
        start = case.reported_at.date()
        reached = state(start + days, came[case.number], sources.today)
        yield _Sheet("fracas", start, case.station, case.customer, reached)


def _trips(sources: Sources) -> Iterator[_Sheet]:
    """A plan by the departure, a summary by so many days after the return."""
    filled = {row["number"]: row["filled_on"] for row in sources.view.rows("trip_plan")}
    for trip in sources.trips:
        plan = state(trip.departed_on, filled.get(trip.number), sources.today)
        missing = trip.number not in filled
        reached = State.OVERDUE if missing else plan
        yield _Sheet("trip_plan", trip.departed_on, trip.station, trip.customer, reached)
        if trip.returned_on is not None:
            yield _Sheet("trip_summary", trip.returned_on, trip.station, trip.customer, trip.summary)


def _loans(sources: Sources) -> Iterator[_Sheet]:
    """A loan for each plan that says it borrows, by the departure."""
    lent: dict[str, date] = {}
    for row in sources.view.rows("trip_loan"):
        if row["plan_no"] and row["borrowed_on"] is not None:
            lent[row["plan_no"]] = min(row["borrowed_on"], lent.get(row["plan_no"], row["borrowed_on"]))
    for row in sources.view.rows("trip_plan"):
        if row["borrows"] == "yes" and row["departs_on"] is not None and row["departs_on"] <= sources.today:
            reached = state(row["departs_on"], lent.get(row["number"]), sources.today)
            if reached is State.NOT_DUE:  # today is the day
                continue
            sheet = _Sheet("trip_loan", row["departs_on"], row["station"], row["customer"], reached)
            if sources.selected(sheet):
                yield sheet


def _surveys(sources: Sources) -> Iterator[_Sheet]:
    for duty in yearly_duties(sources):
        if duty.rule.startswith("survey"):
            yield _Sheet("survey", duty.start, duty.station, duty.customer, duty.state)


class _Month(NamedTuple):
    """The forms of one kind that were due at one station in one month."""

    form_id: str
    month: date
    station: str | None
    states: OnTime


def _due(query: Query) -> Iterator[_Month]:
    found: dict[tuple[str, date, str], list[State]] = defaultdict(list)
    for sheet in _sheets(query):
        found[sheet.form_id, first_of_month(sheet.start), sheet.station or ""].append(sheet.state)
    for (form_id, month, station), states in sorted(found.items(), key=lambda f: (_DUE_FORMS.index(f[0][0]), f[0][1:])):
        yield _Month(form_id, month, station or None, OnTime.of(states))


def _title(form_id: str, query: Query) -> str:
    return query.sources.view.site.definitions[form_id].title[query.language]


_DUE: Computed[_Month] = Computed(
    facts=_due,
    values={
        **by_period(lambda m: m.month),
        **by_place(),
        "form": lambda m, q: _title(m.form_id, q),
        "due": lambda m, q: m.states.due,
        "sent": lambda m, q: m.states.on_time + m.states.late,
        "late": lambda m, q: m.states.late,
        "missing": lambda m, q: m.states.overdue,
        "not_in_time": lambda m, q: m.states.late + m.states.overdue,
        "not_due": lambda m, q: m.states.not_due,
        "rate": lambda m, q: m.states.rate,
    },
)


# Each form's dates in the order in which they must follow each other; lines of a repeat follow the record's date.
_ORDERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "feedback": (("received_at", "replied_at"), ("received_at", "called_back_on"), ("received_at", "closed_on")),
    "trip_plan": (("departs_on", "returns_on"),),
    "trip_summary": (("departed_on", "returned_on"),),
    "trip_loan": (("borrowed_on", "due_on"), ("borrowed_on", "items.returned_on")),
    "survey": (("sent_on", "returned_on"),),
}
_CASE_ORDERS = (
    ("occurred_at", "reported_at"), ("reported_at", "responded_at"), ("reported_at", "arrived_at"),
    ("arrived_at", "repaired_at"), ("reported_at", "analysed_on"), ("completed_on", "verified_on"),
    ("reported_at", "closed_on"),
)  # fmt: skip
_NOT_REPAIRED = Text("已关闭而没有完成时间", "closed without a repair")
_SCORES = ("score_quality", "score_price", "score_delivery", "score_packaging", "score_service", "recommend")


class _Error(NamedTuple):
    """An answer that cannot be: *field* lies before *after*, or else its *limit* says why, a range or in words."""

    form_id: str
    number: str
    station: str | None
    day: date
    field: Field
    value: Any
    after: Field | None = None
    limit: Any = None


def _errors(query: Query) -> Iterator[_Error]:
    definitions = query.sources.view.site.definitions
    found = [*_of_cases(query.sources, definitions["fracas"])] if "fracas" in definitions else []
    for form_id, orders in _ORDERS.items():
        if form_id in definitions:
            found += _of_form(query.sources, definitions[form_id], orders)
    held = (error for error in found if query.period.holds(error.day))
    return iter(sorted(held, key=lambda error: (error.day, error.number, error.field.name)))


def _of_cases(sources: Sources, form: FormDefinition) -> Iterator[_Error]:
    c = case_rows.kept(sources.view).c
    wrong = [
        c[late] < (c[early] if late.endswith("_at") == early.endswith("_at") else func.date(c[early]))
        for early, late in _CASE_ORDERS
    ]
    unrepaired = and_(c.closed_on.is_not(None), c.repaired_at.is_(None))
    query = case_rows.query_of(sources.view, neighbours=False).where(or_(*wrong, unrepaired))
    for case in case_rows.read(sources.view, query):
        if sources.selected(case):
            row = {name: getattr(case, name) for order in _CASE_ORDERS for name in order}
            place = case.number, case.station, case.reported_at.date()
            yield from _misordered(form, place, row, _CASE_ORDERS)
            if case.closed_on is not None and case.repaired_at is None:
                yield _Error(form.form_id, *place, form.field("closed_on"), case.closed_on, None, _NOT_REPAIRED)


def _of_form(sources: Sources, form: FormDefinition, orders: tuple[tuple[str, str], ...]) -> Iterator[_Error]:
    repeats = {late.partition(".")[0] for _, late in orders if "." in late}
    for row in sources.view.rows(form.form_id, *repeats):
        start = row[orders[0][0]]
        if start is None or not sources.selected(_Place(row["station"], row.get("customer"))):
            continue
        place = row["number"], row["station"], _day(start)
        yield from _misordered(form, place, row, orders)
        if form.form_id == "survey":
            yield from _out_of_range(form, place, row)


class _Place(NamedTuple):
    station: str | None
    customer: str | None


def _misordered(
    form: FormDefinition, place: tuple[str, str | None, date], row: Mapping[str, Any],
    orders: tuple[tuple[str, str], ...],
) -> Iterator[_Error]:  # fmt: skip
    number, station, day = place
    for early, late in orders:
        head, dot, name = late.partition(".")
        lines = [line[name] for line in row[head]] if dot else [row[late]]
        for value in lines:
            if row[early] is not None and value is not None and _before(value, row[early]):
                fields = dict(form.paths())
                yield _Error(form.form_id, number, station, day, fields[late], value, form.field(early), row[early])


def _out_of_range(
    form: FormDefinition, place: tuple[str, str | None, date], row: Mapping[str, Any]
) -> Iterator[_Error]:
    number, station, day = place
    for name in _SCORES:
        field, value = form.field(name), row[name]
        limits = field.minimum, field.maximum
        if value is not None and not all(_within(value, limits)):
            yield _Error(form.form_id, number, station, day, field, value, None, limits)


def _within(value: float, limits: tuple[Any, Any]) -> Iterator[bool]:
    least, most = limits
    yield least is None or value >= least
    yield most is None or value <= most


def _before(later: date | datetime, earlier: date | datetime) -> bool:
    """Days and times are compared as days where one of them is a day."""
    if isinstance(later, datetime) and isinstance(earlier, datetime):
        return later < earlier
    return _day(later) < _day(earlier)


def _day(at: date | datetime) -> date:
    return at.date() if isinstance(at, datetime) else at


def _written(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)


def _what(error: _Error, language: Language) -> str:
    if isinstance(error.limit, Text):
        return error.limit[language]
    if error.after is None:
        least, most = error.limit
        return Text(f"不在 {least}~{most} 之内", f"not within {least} to {most}")[language]
    label, limit = error.after.label[language], _written(error.limit)
    return Text(f"早于{label} {limit}", f"before {label} {limit}")[language]


_ERRORS: Computed[_Error] = Computed(
    facts=_errors,
    values={
        **by_period(lambda e: e.day),
        **by_place(),
        "form": lambda e, q: _title(e.form_id, q),
        "number": lambda e, q: e.number,
        "day": lambda e, q: e.day,
        "field": lambda e, q: e.field.label[q.language],
        "value": lambda e, q: _written(e.value),
        "what": lambda e, q: _what(e, q.language),
        "errors": lambda e, q: 1,
    },
)

COMPUTED: dict[str, Computed[Any]] = {"forms_due": _DUE, "data_errors": _ERRORS}
