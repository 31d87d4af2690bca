"""Which days the rows of a report's table are from."""

from datetime import date

from server.statistics.periods import first_of_month, months_later
from server.statistics.report_period import ReportPeriod
from workbooks.reporting.report_definition import Span


def days(span: Span, period: ReportPeriod) -> tuple[date | None, date | None]:
    """The first and the last day of *span* in a report for *period*; open where None."""
    if period.start is None or period.end is None or span == "history":
        return None, period.end
    if span == "period":
        return period.start, period.end
    first = date(period.end.year, 1, 1) if span == "year" else months_later(first_of_month(period.end), 1 - int(span))
    return min(first, period.start), period.end
