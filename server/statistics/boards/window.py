"""The days a board is about, the days they are compared with, and both in words."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

from server.statistics.periods import months_later
from server.statistics.report_period import ReportPeriod
from server.statistics.tabular import Period
from workbooks.form import Text

Span = tuple[date, date]
_SAME_DAYS = {
    "month": Text("上月同期", "the same days last month"),
    "quarter": Text("上季度同期", "the same days last quarter"),
    "year": Text("上年同期", "the same days last year"),
}
_BEFORE = {
    "month": Text("上月", "the month before"),
    "quarter": Text("上季度", "the quarter before"),
    "year": Text("上年", "the year before"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """
    What a board covers: from *first* (None: from the first record) to *last*, both included.

    Nobody having chosen a *period* it is the running month and the eleven before. *before* is
    what its figures are compared with: the period before, as many days of it as this one
    has lasted. History is compared with nothing.
    """

    period: ReportPeriod | None
    first: date | None
    last: date
    before: Span | None
    compared_with: Text | None
    label: Text

    @classmethod
    def of(cls, period: ReportPeriod | None, today: date) -> Self:
        """The window of *period*, of which nothing later than *today* is known."""
        if period is None:
            # Whole months, because months are added up already; the running one counts as far as it has come.
            first, label = months_later(today.replace(day=1), -11), Text("近 12 个月", "last 12 months")
            before = (months_later(first, -12), first - timedelta(days=1))
            earlier = Text("上一个 12 个月", "the 12 months before")
            return cls(period=None, first=first, last=today, before=before, compared_with=earlier, label=label)
        if period.start is None or period.end is None:
            label = period.label
            return cls(period=period, first=None, last=today, before=None, compared_with=None, label=label)
        last = min(period.end, today)
        return cls(
            period=period,
            first=period.start,
            last=last,
            before=as_many_days(period.before(), period, last),
            compared_with=(_BEFORE if last == period.end else _SAME_DAYS)[period.kind],
            label=period.label,
        )

    @property
    def days(self) -> Period:
        """The window as datasets take it."""
        return Period(self.first, self.last)

    @property
    def by_quarter(self) -> bool:
        """Whether trends go by quarters instead of months."""
        return self.period is not None and self.period.kind == "quarter"

    @property
    def all_history(self) -> bool:
        return self.period is not None and self.period.kind == "history"

    @property
    def counted(self) -> ReportPeriod:
        """The period whose events are counted: the running month unless another was chosen."""
        return self.period or ReportPeriod.around("month", self.last)

    def holds(self, day: date) -> bool:
        return (self.first is None or day >= self.first) and day <= self.last


def as_many_days(earlier: ReportPeriod, period: ReportPeriod, last: date) -> Span:
    """*earlier*, cut to as many days as *period* has lasted by *last*."""
    assert earlier.start is not None
    assert earlier.end is not None
    assert period.start is not None
    if last == period.end:
        return earlier.start, earlier.end
    return earlier.start, min(earlier.start + (last - period.start), earlier.end)


def months_in(period: ReportPeriod, last: date) -> float:
    """How many months of *period* have passed by *last*; a running one counts in part."""
    assert period.start is not None
    assert period.end is not None
    whole = {"month": 1, "quarter": 3, "year": 12}[period.kind]
    return whole * ((last - period.start).days + 1) / ((period.end - period.start).days + 1)
