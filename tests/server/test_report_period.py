"""Periods of reports and selections of facts: how people write them, and what they hold."""

from dataclasses import dataclass
from datetime import date

import pytest

from server.statistics.report_period import NoPeriod, ReportPeriod
from server.statistics.selection import EVERYTHING, Selection


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("history", None, None),
    ],
)
def test_a_period_holds_its_first_and_last_day(text: str, start: date | None, end: date | None) -> None:
    period = ReportPeriod.parse(text)
    assert (period.start, period.end, period.name) == (start, end, text)


@pytest.mark.parametrize("text", ["", "2026-13", "2026-00", "2026Q5", "26-01", "0001-01", "2026-1", "next month"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(NoPeriod, match=r"2026-05, 2026Q2, 2026 or history|years lie between"):
        ReportPeriod.parse(text)


@pytest.mark.parametrize(
    ("text", "before"), [("2026-01", "2025-12"), ("2026Q1", "2025Q4"), ("2026", "2025"), ("history", "history")]
)
def test_the_period_before_is_of_the_same_kind(text: str, before: str) -> None:
    assert ReportPeriod.parse(text).before().name == before


@dataclass
class _Fact:
    station: str | None
    system: str | None


@dataclass
class _Trip:
    station: str | None


def test_a_selection_narrows_only_what_a_fact_has() -> None:
    regions = {"CZ": "华东", "CD": "西南"}
    chosen = Selection(region="华东", system="P1")
    assert chosen.holds(_Fact("CZ", "P1"), regions)
    assert not chosen.holds(_Fact("CD", "P1"), regions)
    assert not chosen.holds(_Fact("CZ", None), regions)
    assert chosen.holds(_Trip("CZ"), regions)
    assert EVERYTHING.holds(_Fact(None, None), regions)
    assert not EVERYTHING
    assert chosen
