"""Months of failures with the mean of the year before and its exact limits."""

from collections import Counter
from datetime import date, datetime, time

from server.statistics.case_months import Months
from server.statistics.figures import MonthFigures
from server.statistics.measures import mean, poisson_band
from server.statistics.periods import last_of_month, months


def month_figures(history: Months, now: datetime) -> tuple[MonthFigures, ...]:
    """Every month from the first report to *now*."""
    reported: Counter[date] = Counter()
    backlog: Counter[date] = Counter()
    for group, measures in history.cases.items():
        reported[group.month] += measures.failures
    for open_group, counts in history.backlog.items():
        backlog[open_group.month] += counts.open
    found: list[MonthFigures] = []
    waiting = 0
    for month in months(min(reported), now.date()) if reported else ():
        failures = reported[month]
        # Months before the first whole one are no measure for those that follow.
        before = [m.failures for m in found[-12:]] if len(found) >= 12 else []
        expected = mean(before)
        band = poisson_band(expected) if expected is not None else None
        found.append(
            MonthFigures(
                month=month,
                failures=failures,
                mean=expected,
                lower=band[0] if band else None,
                upper=band[1] if band else None,
                opened=failures,
                closed=waiting + failures - backlog[month],
                backlog=backlog[month],
                complete=datetime.combine(last_of_month(month), time.max) <= now,
            )
        )
        waiting = backlog[month]
    return tuple(found)
