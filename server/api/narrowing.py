"""What a request narrows figures to: the period, the day they are of, places and products."""

from datetime import date, datetime

from flask import request

from server.api.blueprint import site
from server.api.problems import Problem
from server.reports.choices import DIMENSIONS, NoSuchChoice, chosen
from server.statistics.periods import OutOfReach, instant_of
from server.statistics.report_period import NoPeriod, ReportPeriod
from server.statistics.selection import Selection
from workbooks.form import Text


def asked_day(name: str) -> date | None:
    asked = request.args.get(name)
    if not asked:
        return None
    try:
        return date.fromisoformat(asked)
    except ValueError:
        words = Text(f"{name} 应为日期，如 2026-11-21。", f"{name} is a date such as 2026-11-21.")
        raise Problem("bad-request", detail=words) from None


def asked_period() -> ReportPeriod | None:
    asked = request.args.get("period")
    try:
        return ReportPeriod.parse(asked) if asked else None
    except NoPeriod as error:
        raise Problem("bad-request", detail=_of("period", error.message)) from None


def asked_selection() -> Selection:
    with site().session(read_only=True) as session:
        master = site().master(session, retired=True)
    try:
        return chosen(master, {name: request.args.get(name) for name in DIMENSIONS})
    except NoSuchChoice as error:
        raise Problem("bad-request", detail=error.message) from None


def asked_as_of() -> datetime | None:
    """The end of the day asked for, in the site's zone; now when none is."""
    day = asked_day("as_of")
    try:
        return instant_of(day, site().zone) if day else None
    except OutOfReach as error:
        raise Problem("bad-request", detail=_of("as_of", error.message)) from None


def _of(option: str, why: Text) -> Text:
    return Text(f"{option}：{why.zh}", f"{option}: {why.en}")
