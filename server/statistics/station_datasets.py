"""Stations side by side: the performance matrix D1, D2, D3 and Q, and the monthly sheet of 002 §6."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from server.statistics.cases import Case, fixed_first_time
from server.statistics.feedback_datasets import all_feedback
from server.statistics.feedbacks import Feedback
from server.statistics.measures import mean, net_promoter_score, ratio
from server.statistics.periods import month_of
from server.statistics.repair_datasets import arrival_working_hours, repairs
from server.statistics.service_quality import composite_quality, larger_is_better, smaller_is_better
from server.statistics.surveys import Sheet, latest_per_customer
from server.statistics.tabular import Computed, Query, by_place, rounded
from workbooks.form import Text

FEW = 5


class _Station(NamedTuple):
    """What one station did in the period: failures repaired and reported, sheets that came back."""

    station: str
    repaired: list[Case]
    reported: list[Case]
    sheets: list[Sheet]

    def arrival(self, query: Query) -> float | None:
        return mean(h for case in self.repaired if (h := arrival_working_hours(case, query.sources)) is not None)

    def fixed(self, query: Query) -> list[bool]:
        found = (fixed_first_time(case, query.sources.now) for case in self.repaired)
        return [fixed for fixed in found if fixed is not None]

    @property
    def resolved(self) -> float | None:
        return ratio(sum(case.repaired_at is not None for case in self.reported), len(self.reported))

    @property
    def csi(self) -> float | None:
        return mean(sheet.total for sheet in self.sheets if sheet.total is not None)

    @property
    def nps(self) -> float | None:
        found = net_promoter_score([sheet.recommend for sheet in self.sheets if sheet.recommend is not None])
        return None if found is None else found[0]


def _stations(query: Query) -> list[_Station]:
    sources, period = query.sources, query.period
    repaired = _by_station(repairs(query))
    reported = _by_station(sources.cases_between("reported_at", period.start, period.end))
    returned = [sheet for sheet in latest_per_customer(sources.sheets) if sheet.total is not None]
    sheets = _by_station([sheet for sheet in returned if period.holds(sheet.sent_on)])
    codes = sorted(repaired.keys() | reported.keys() | sheets.keys())
    return [_Station(code, repaired.get(code, []), reported.get(code, []), sheets.get(code, [])) for code in codes]


def _by_station(facts: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for fact in facts:
        found.setdefault(fact.station or "", []).append(fact)
    return found


def timeliness(station: _Station, query: Query) -> float | None:
    """D1: 100 where the mean way to the site is within the limit, less above it."""
    arrival = station.arrival(query)
    return None if arrival is None else smaller_is_better(arrival, query.sources.limit("fracas", "arrival_hours"))


def solving(station: _Station, query: Query) -> float | None:
    """D2: mean of first-time fix and resolved share, each of 100; None without either."""
    fixed = station.fixed(query)
    share = ratio(sum(fixed), len(fixed))
    if share is None or station.resolved is None:
        return None
    return mean([larger_is_better(share, 1), larger_is_better(station.resolved, 1)])


def contentment(station: _Station, query: Query) -> float | None:
    """D3: mean of CSI against its limit and (NPS + 100) / 2, those that there are; None without a sheet."""
    if station.csi is None:
        return None
    scores = [larger_is_better(station.csi, query.sources.limit("survey", "satisfied_from"))]
    return mean(scores if station.nps is None else [*scores, (station.nps + 100) / 2])


def quality(station: _Station, query: Query) -> float | None:
    """Q = 0.35·D1 + 0.40·D2 + 0.25·D3; None when one is missing."""
    return composite_quality(
        {
            "timeliness": timeliness(station, query),
            "solving": solving(station, query),
            "satisfaction": contentment(station, query),
        }
    )


_MATRIX: Computed[_Station] = Computed(
    facts=_stations,
    values={
        **by_place(),
        "d1": lambda s, q: rounded(timeliness(s, q)),
        "d2": lambda s, q: rounded(solving(s, q)),
        "d3": lambda s, q: rounded(contentment(s, q)),
        "quality": lambda s, q: rounded(quality(s, q)),
        "arrival_hours": lambda s, q: rounded(s.arrival(q)),
        "first_time_fix": lambda s, q: ratio(sum(s.fixed(q)), len(s.fixed(q))),
        "resolved_share": lambda s, q: s.resolved,
        "index": lambda s, q: rounded(s.csi),
        "nps": lambda s, q: rounded(s.nps),
        "reported": lambda s, q: len(s.reported),
        "repaired": lambda s, q: len(s.repaired),
        "sheets": lambda s, q: len(s.sheets),
        "few": lambda s, q: int(min(len(s.repaired), len(s.sheets)) < FEW),
    },
)


class _Line(NamedTuple):
    """One happening of the monthly sheet: a month, a station, a cause, and what it adds to."""

    month: str
    station: str | None
    cause: str
    figure: str
    amount: float


_FIGURES = ("callbacks", "satisfied", "not_fully", "no_answer", "complaints", "compensated", "compensation", "revisits")
_REPAIRS = Text("（维修）", "(repairs)")


class _Sheet(NamedTuple):
    """One month, station and cause of the monthly sheet; a figure that did not happen is 0."""

    month: str
    station: str | None
    cause: str
    sums: dict[str, float]


def _monthly(query: Query) -> list[_Sheet]:
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for line in _lines(query):
        sums = found.setdefault((line.month, line.station or "", line.cause), dict.fromkeys(_FIGURES, 0))
        sums[line.figure] += line.amount
    return [_Sheet(month, station or None, cause, sums) for (month, station, cause), sums in sorted(found.items())]


def _lines(query: Query) -> Iterator[_Line]:
    """Every figure by its own date: call-backs, complaints and repairs that fell into the period."""
    for feedback in all_feedback(query.sources):
        cause = query.named("feedback", "category", feedback.category)
        day = feedback.called_back_on
        if day is not None and query.period.holds(day):
            yield _Line(month_of(day), feedback.station, cause, "callbacks", 1)
            yield _Line(month_of(day), feedback.station, cause, _verdict(feedback), 1)
        if feedback.complaint and query.period.holds(feedback.received_at.date()):
            yield _Line(month_of(feedback.received_at), feedback.station, cause, "complaints", 1)
        if feedback.compensation and query.period.holds(feedback.received_at.date()):
            month = month_of(feedback.received_at)
            yield _Line(month, feedback.station, cause, "compensated", 1)
            yield _Line(month, feedback.station, cause, "compensation", feedback.compensation)
    for case in repairs(query):
        if case.repaired_at is not None and (case.visits or 0) > 1:
            again = float((case.visits or 0) - 1)
            yield _Line(month_of(case.repaired_at), case.station, _REPAIRS[query.language], "revisits", again)


def _verdict(feedback: Feedback) -> str:
    return {True: "satisfied", False: "not_fully", None: "no_answer"}[feedback.satisfied]


def _sum(figure: str) -> Any:
    return lambda sheet, query: sheet.sums[figure]


_MONTHLY: Computed[_Sheet] = Computed(
    facts=_monthly,
    values={
        **by_place(),
        **{figure: _sum(figure) for figure in _FIGURES},
        "year": lambda s, q: int(s.month[:4]),
        "quarter": lambda s, q: f"{s.month[:4]}Q{(int(s.month[5:]) + 2) // 3}",
        "month": lambda s, q: s.month,
        "cause": lambda s, q: s.cause,
        "check": lambda s, q: s.sums["callbacks"] - s.sums["satisfied"] - s.sums["not_fully"] - s.sums["no_answer"],
    },
)

COMPUTED: dict[str, Computed[Any]] = {"station_matrix": _MATRIX, "service_months": _MONTHLY}
