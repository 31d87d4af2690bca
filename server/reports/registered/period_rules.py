"""Which days a table of a registered workbook shows, counted from the day its figures are as of."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from server.statistics.periods import first_of_month, months_later
from server.statistics.report_period import ReportPeriod
from workbooks.form import Text


class PeriodRule(StrEnum):
    """A period that moves along with the calendar."""

    THIS_MONTH = "this-month"
    LAST_MONTH = "last-month"
    THIS_QUARTER = "this-quarter"
    LAST_QUARTER = "last-quarter"
    MONTH_TO_DATE = "month-to-date"
    LAST_12_MONTHS = "last-12-months"
    HISTORY = "history"

    @property
    def label(self) -> Text:
        return _LABELS[self]


_LABELS: Mapping[PeriodRule, Text] = {
    PeriodRule.THIS_MONTH: Text("本月", "This month"),
    PeriodRule.LAST_MONTH: Text("上月", "Last month"),
    PeriodRule.THIS_QUARTER: Text("本季度", "This quarter"),
    PeriodRule.LAST_QUARTER: Text("上季度", "Last quarter"),
    PeriodRule.MONTH_TO_DATE: Text("月初至今", "Month to date"),
    PeriodRule.LAST_12_MONTHS: Text("近 12 个月（含本月）", "Last 12 months, with this one"),
    PeriodRule.HISTORY: Text("历史（全部）", "History (all)"),
}
OF_REPORTS = tuple(rule for rule in PeriodRule if rule not in (PeriodRule.MONTH_TO_DATE, PeriodRule.LAST_12_MONTHS))
"""The rules under which a report is a month's, a quarter's, or history."""


def days(rule: PeriodRule, day: date) -> tuple[date | None, date | None]:
    """The first and the last day that *rule* means on *day*; None where it is open."""
    if rule is PeriodRule.MONTH_TO_DATE:
        return first_of_month(day), day
    if rule is PeriodRule.LAST_12_MONTHS:
        return months_later(first_of_month(day), -11), day
    period = report_period(rule, day)
    return period.start, period.end


def report_period(rule: PeriodRule, day: date) -> ReportPeriod:
    """The month, quarter or history that *rule* means on *day*; one of `OF_REPORTS`."""
    if rule is PeriodRule.HISTORY:
        return ReportPeriod.around("history", day)
    period = ReportPeriod.around("month" if rule in (PeriodRule.THIS_MONTH, PeriodRule.LAST_MONTH) else "quarter", day)
    return period.before() if rule in (PeriodRule.LAST_MONTH, PeriodRule.LAST_QUARTER) else period
