"""The trains of a query as systems under observation: their windows, and where in them their failures lie."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from server.statistics.cases import Case, counts_for_rate
from server.statistics.reliability.systems import System
from server.statistics.tabular import Query

TEN_THOUSAND_KM = 1e4
_DAY = timedelta(days=1)


def moment(at: datetime) -> float:
    """*at* as days: between the ends of the day before and of its own day."""
    return at.date().toordinal() - 1 + (at - datetime.combine(at.date(), datetime.min.time())) / _DAY


@dataclass(frozen=True)
class Observed:
    """What a query observes: relevant failures of the selected trains between *first* and *last*."""

    query: Query
    first: date
    last: date

    @classmethod
    def of(cls, query: Query) -> "Observed | None":
        """The observation of *query*; None where there is no train, or nothing of the period has happened yet."""
        trains = query.sources.fleet.trains.values()
        last = min(query.period.end or query.sources.today, query.sources.today)
        begin = min((train.begin for train in trains), default=None)
        if begin is None:
            return None
        first = max(begin, query.period.start or begin)
        return cls(query, first, last) if first <= last else None

    @cached_property
    def failures(self) -> list[Case]:
        """Failures that count towards rates, of the observed trains, in the order they occurred."""
        trains = self.query.sources.fleet.trains
        found = self.query.sources.cases_between("occurred_at", self.first, self.last)
        return sorted(
            (case for case in found if counts_for_rate(case) and case.vehicle in trains),
            key=lambda case: (case.occurred_at, case.number),
        )

    @cached_property
    def by_train(self) -> dict[str, list[Case]]:
        """The failures of each observed train; also of those that have none."""
        found: dict[str, list[Case]] = {code: [] for code in self.codes()}
        for case in self.failures:
            if case.vehicle in found:
                found[case.vehicle].append(case)
        return found

    def codes(self, type_: str | None = None) -> list[str]:
        """The trains (of one type) whose window reaches into the observation."""
        return [
            code
            for code, train in self.query.sources.fleet.trains.items()
            if (type_ is None or train.type == type_) and self._window(code)[0] <= self._window(code)[1]
        ]

    def _window(self, code: str) -> tuple[date, date]:
        train = self.query.sources.fleet.trains[code]
        return max(train.begin, self.first), min(train.end or self.last, self.last)

    def system(self, code: str, cases: Iterable[Case], unit: float = TEN_THOUSAND_KM) -> System:
        """
        One train in *unit* kilometres of its own life, with those of *cases* that lie in its window.

        A failure of the very first moment is put half a day's kilometres later: the
        libraries refuse it.
        """
        fleet = self.query.sources.fleet
        first, last = self._window(code)
        start = fleet.age(code, first.toordinal() - 1) / unit
        end = fleet.age(code, last.toordinal()) / unit
        least = (fleet.age(code, first.toordinal() - 0.5)) / unit
        inside = [case for case in cases if first <= case.occurred_at.date() <= last]
        events = (fleet.age(code, moment(case.occurred_at)) / unit for case in inside)
        return System(tuple(sorted(min(max(at, least), end) for at in events)), end, start)

    def systems(self, codes: Iterable[str], chosen: Callable[[Case], bool] = lambda case: True) -> list[System]:
        """The trains *codes* that ran at all, each with its *chosen* failures."""
        found = (self.system(code, filter(chosen, self.by_train[code])) for code in codes)
        return [system for system in found if system.end > system.start]

    def _cumulative(self, codes: tuple[str, ...]) -> list[float]:
        if codes not in self._known:
            self._known[codes] = self.query.sources.fleet.cumulative(self.first, self.last, codes)
        return self._known[codes]

    @cached_property
    def _known(self) -> dict[tuple[str, ...], list[float]]:
        """Kilometres of groups of trains by day; many failures ask for the same group."""
        return {}

    def together(self, codes: list[str], cases: Iterable[Case], unit: float = TEN_THOUSAND_KM) -> System:
        """The trains *codes* as one system: failures by the kilometres all of them had run together."""
        totals = self._cumulative(tuple(codes))
        events = []
        for case in cases:
            at = (case.occurred_at.date() - self.first).days
            share = moment(case.occurred_at) % 1
            events.append(max(totals[at] + share * (totals[at + 1] - totals[at]), totals[at + 1] * 1e-6))
        return System(tuple(sorted(event / unit for event in events if event > 0)), totals[-1] / unit)
