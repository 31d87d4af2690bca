"""Months of failures with the mean of the year before and its exact limits."""

from collections.abc import Mapping
from datetime import date, datetime, time

from server.statistics.figures import MonthFigures
from server.statistics.measures import mean, poisson_band
from server.statistics.periods import last_of_month, months


def month_figures(reported: Mapping[date, int], backlog: Mapping[date, int], now: datetime) -> tuple[MonthFigures, ...]:
    """Every month from the first of *reported* to *now*; *backlog* is what was open at the ends of months."""
    found: list[MonthFigures] = []
    waiting = 0
    for month in months(min(reported), now.date()) if reported else ():
        failures, left = reported.get(month, 0), backlog.get(month, 0)
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
                closed=waiting + failures - left,
                backlog=left,
                complete=datetime.combine(last_of_month(month), time.max) <= now,
            )
        )
        waiting = left
    return tuple(found)
