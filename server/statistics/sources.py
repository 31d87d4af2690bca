"""The facts behind the figures, read from the forms once per view: cases, fleet, sheets, trips."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, DateTime, func, or_, select

from server.access.visibility import Viewer, visible
from server.database import table_of
from server.records.master_tables import Customer
from server.statistics import case_rows, history
from server.statistics.case_months import Part
from server.statistics.cases import Case
from server.statistics.exposure import FittedParts, Fleet
from server.statistics.fleet import fitted_parts_of, fleet_of, retrofits_of
from server.statistics.labels import Labels
from server.statistics.periods import months_later
from server.statistics.selection import EVERYTHING, Selection
from server.statistics.settlement import Chosen, is_read, settlement_of
from server.statistics.snapshot import View
from server.statistics.surveys import Campaign, Sheet, campaigns, sheets
from server.statistics.trips import Trip, trips

Anchor = Literal["reported_at", "occurred_at", "repaired_at", "analysed_on"]

_FEW = timedelta(days=62)  # a time in which not many cases fall


class _Place(NamedTuple):
    """Where a customer belongs, as a fact that can be selected."""

    station: str
    customer: str


class Sources:
    """Everything a viewer may see at an instant and has selected; each part is read when it is first needed."""

    def __init__(self, view: View, selection: Selection = EVERYTHING) -> None:
        self.view = view
        self.selection = selection
        self.now = view.local
        self.today = self.now.date()
        self._limits: dict[tuple[str, str], float] = {}

    def labels(self, form_id: str) -> Labels:
        return Labels(self.view.site.definitions[form_id], self.view.site.master(self.view.session, retired=True))

    def limit(self, form_id: str, name: str) -> float:
        """A limit as the form's definition cites it."""
        key = form_id, name
        if key not in self._limits:
            self._limits[key] = float(self.view.site.definitions[form_id].threshold(name).value)
        return self._limits[key]

    @cached_property
    def regions(self) -> dict[str, str]:
        """The region of each station's code."""
        rows = self.view.site.master(self.view.session, retired=True).rows("stations")
        return {row.code: row.attributes.get("region", "") for row in rows}

    def selected(self, fact: Any) -> bool:
        return not self.selection or self.selection.holds(fact, self.regions)

    @cached_property
    def company(self) -> "Sources":
        """The facts of the whole company at the same instant, for what does not depend on who asks."""
        whole = self.view.viewer == Viewer.operator() and not self.selection
        return self if whole else Sources(replace(self.view, viewer=Viewer.operator()))

    @cached_property
    def chosen(self) -> Chosen:
        return Chosen(self.selection, self.regions)

    @cached_property
    def cases(self) -> list[Case]:
        """All reported cases as they stood, oldest report first; what needs a period only takes `cases_between`."""
        return self._cases(lambda case: True, many=True)

    def cases_between(self, anchor: Anchor, first: date | None, last: date | None) -> list[Case]:
        """The cases whose *anchor* lies from *first* to *last* (both included, open where None), oldest first."""
        at, bounds = case_rows.kept(self.view).c[anchor], []
        exact = not isinstance(at.type, DateTime)  # a column of days
        start = first if first is None or exact else datetime.combine(first, time.min)
        end = last if last is None or exact else datetime.combine(last, time.max)
        if start is not None:
            bounds.append(at >= start)
        if end is not None:
            bounds.append(at <= end)

        def between(case: Case) -> bool:
            # What is dated after the as-of time has not happened: such a repair is blank by then.
            found: Any = getattr(case, anchor)
            return found is not None and (start is None or found >= start) and (end is None or found <= end)

        many = first is None or last is None or last - first > _FEW
        return self._cases(between, *bounds, at.is_not(None), many=many)

    def open_cases(self, at: datetime | None = None) -> list[Case]:
        """
        The cases open at *at* (local; the as-of time when absent), as they stood then.

        What became known after *at*, up to the as-of time, is taken into account.
        """
        if at is None or at >= self.now:
            return self.open_after(self.today)
        found = (case.until(at) for case in self.open_after(at.date()))
        return [then for then in found if then is not None]

    @property
    def first_report(self) -> date | None:
        """The day of the first report there is, whoever looks."""
        found: datetime | None = self.view.session.scalar(select(func.min(case_rows.kept(self.view).c.reported_at)))
        return None if found is None else found.date()

    def sums(
        self, part: Part, by: Sequence[str], first: date | None = None, last: date | None = None
    ) -> list[tuple[Any, ...]]:
        """
        What the cases of the months from that of *first* to that of *last* (open where None) add up to.

        Of one *part* of their history, rows of the fields *by* of its group, then the sums.
        Rows are in order; a month is a number such as 201605, what is not given is "". The
        *year* may be asked for, too.

        The answer is that of all cases, but it comes from sums kept of those that have
        settled: it costs what is open or recent, however long the history is.
        """
        return history.sums_of(self.view, history.Asked(self.chosen, first, last, part, by))

    def _cases(self, wanted: Callable[[Case], bool], *conditions: ColumnElement[bool], many: bool) -> list[Case]:
        """
        The cases *wanted*, oldest first; *conditions* ask the same of their rows.

        What settled is read with the standing that is kept of it, the others beside their
        neighbours: faster where there are *many*, or the others were read before.
        """
        if many or is_read(self.view, self.chosen):
            with settlement_of(self.view, self.chosen) as settlement:
                if settlement is not None:
                    return _oldest_first([*settlement.settled(*conditions), *filter(wanted, settlement.live)])
        return self._alone(wanted, *conditions)

    def open_after(self, day: date) -> list[Case]:
        """The cases that were not closed by the end of *day*, as they stood, oldest first."""

        def wanted(case: Case) -> bool:
            return case.closed_on is None or case.closed_on > day

        with settlement_of(self.view, self.chosen) as settlement:
            if settlement is not None:
                return _oldest_first([*settlement.open_after(day), *filter(wanted, settlement.live)])
        closed = case_rows.kept(self.view).c.closed_on
        return self._alone(wanted, or_(closed.is_(None), closed > day))

    def _alone(self, wanted: Callable[[Case], bool], *conditions: ColumnElement[bool]) -> list[Case]:
        """The cases *wanted* without the help of what is kept of those that settled."""
        query = case_rows.query_of(self.view).where(*conditions, *self.chosen.of(case_rows.kept(self.view)))
        return _oldest_first(filter(wanted, case_rows.read(self.view, query)))

    @cached_property
    def fleet(self) -> Fleet:
        """The selected trains in the viewer's scope, under observation since acceptance or the first report."""
        return fleet_of(self.view, self.selection, self.regions)

    @cached_property
    def fitted_parts(self) -> FittedParts:
        """How many of each part a train of each type has."""
        return fitted_parts_of(self.view)

    @cached_property
    def retrofits(self) -> dict[str, dict[str, date]]:
        """When each change reached each train."""
        return retrofits_of(self.view)

    @cached_property
    def vehicle_types(self) -> dict[str, list[str]]:
        """The codes of the selected trains in scope by type."""
        return self.fleet.of_types()

    @cached_property
    def sheets(self) -> list[Sheet]:
        return [sheet for sheet in sheets(self.view.rows("survey"), self.today) if self.selected(sheet)]

    @cached_property
    def campaigns(self) -> list[Campaign]:
        table = table_of(Customer)
        query = visible(select(table).where(table.c.active), table, self.view.viewer)
        frame = sum(self.selected(_Place(row.station, row.code)) for row in self.view.session.execute(query))
        return campaigns(self.sheets, frame, self.limit("survey", "satisfied_from"))

    @cached_property
    def trips(self) -> list[Trip]:
        plans = self.view.rows("trip_plan", "companions")
        summaries = self.view.rows("trip_summary", "done")
        for row in summaries:
            row["summary_on"] = self.view.local_time(row["created_at"]).date()
        found = trips(plans, summaries, self.today, int(self.limit("trip_summary", "summary_days")))
        return [trip for trip in found if self.selected(trip)]

    def reported(self, first: date, last: date) -> list[Case]:
        """The cases reported from *first* to *last*."""
        return self.cases_between("reported_at", first, last)

    def year_before(self, day: date) -> date:
        """The first day of the twelve months that end with *day*."""
        return months_later(day, -12).fromordinal(months_later(day, -12).toordinal() + 1)

    def instant(self, day: date) -> datetime:
        """The end of *day*, or now where that is earlier."""
        return min(datetime.combine(day, datetime.max.time()), self.now)


def _oldest_first(cases: Iterable[Case]) -> list[Case]:
    return sorted(cases, key=attrgetter("reported_at", "number"))
