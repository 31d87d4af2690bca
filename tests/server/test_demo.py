"""The demo company: its history is what it is meant to be, and a site takes it as it is typed."""

from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from server.access.people import authenticate
from server.access.visibility import Viewer
from server.database import table_of
from server.demo import DemoError, Sending, demo_answers, demo_master, load_demo
from server.demo.catalogue import MODES, STATIONS
from server.demo.failures import FIX_MONTH, Failure, draw_failures
from server.demo.master import company
from server.demo.measured import demo_measured
from server.demo.mistakes import READABLE, UNREADABLE
from server.demo.period import first_day, month_number
from server.demo.voices import campaigns
from server.records.models import Record, Submission
from server.records.outcome import Outcome
from server.site import Site
from server.statistics.dashboard import dashboard
from workbooks.master import MEASURED, TABLES
from workbooks.master_workbook import read_master, write_master

UNTIL = date(2026, 11, 20)


@pytest.fixture(scope="module")
def failures() -> list[Failure]:
    return draw_failures(company(1, UNTIL), 1, UNTIL)


@pytest.fixture(scope="module")
def history() -> list[Sending]:
    return list(demo_answers(1, UNTIL))


def test_history_is_the_same_every_time(history: list[Sending]) -> None:
    """The generator is seeded: two people who load the demo talk about the same figures."""
    assert list(demo_answers(1, UNTIL)) == history


def test_a_thousand_failures_in_three_years(failures: list[Failure]) -> None:
    """Enough for a manager to believe, few enough to read; every whole month has some."""
    by_month = Counter(f"{f.occurred_at:%Y-%m}" for f in failures)

    assert 950 <= len(failures) <= 1150
    assert len(by_month) == 37
    assert all(10 <= count <= 50 for month, count in by_month.items() if month != "2026-11")


def test_nothing_lies_after_the_last_day(history: list[Sending]) -> None:
    """The history ends with its last day, and starts with its first."""
    times = [sending.received_at for sending in history]

    assert times == sorted(times)
    assert times[0].date() >= first_day(UNTIL)
    assert times[-1].date() <= UNTIL


def test_board_fix_works_and_the_joint_fix_does_not(failures: list[Failure]) -> None:
    """Stories (a) and (b): after month 20.5 boards fail far less; leaking joints go on as before."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for failure in failures:
        side = after if month_number(failure.occurred_at.date(), UNTIL) >= FIX_MONTH else before
        side[failure.mode.code] += 1

    def monthly(code: str) -> float:
        """Failures a month after the fix over those before."""
        return (after[code] / (36 - FIX_MONTH)) / (before[code] / FIX_MONTH)

    assert monthly("BCU-COM") < 0.5
    assert 0.6 < monthly("PIP-LEAK") < 1.6


def test_bad_batch_slow_station_and_repeats_stand_out(failures: list[Failure]) -> None:
    """Stories (c), (d) and (e)."""
    drift = Counter(f.bad_batch for f in failures if f.mode.code == "PRS-DRIFT")
    ways = {
        station.code: sorted(
            (f.arrived_at - f.reported_at) / timedelta(hours=1) for f in failures if f.station == station.code
        )
        for station in STATIONS
    }
    median = {code: hours[len(hours) // 2] for code, hours in ways.items()}
    repeated = Counter(f.station in ("CC", "WH") for f in failures if f.repeat)

    assert drift[True] > 25
    assert max(median, key=lambda code: median[code]) == "ZZ"
    assert 0.03 < sum(repeated.values()) / len(failures) < 0.12
    assert repeated[True] > 0.25 * sum(repeated.values())


def test_modes_keep_their_shares(failures: list[Failure]) -> None:
    """Half of the modes make four fifths of the failures."""
    counts = Counter(f.mode.code for f in failures).most_common()

    assert {mode.code for mode in MODES} <= {code for code, _ in counts}
    assert sum(count for _, count in counts[:11]) > 0.75 * len(failures)


def test_master_data_survive_their_workbook() -> None:
    """Written as a workbook and read back, the demo's master data are the same."""
    master = demo_master(1, UNTIL)
    again = read_master(write_master(master, "zh"))

    assert [len(master.rows(table)) for table in TABLES] == [12, 36, 29, 96, 70, 51]
    assert {t: [r.code for r in again.rows(t)] for t in TABLES} == {t: [r.code for r in master.rows(t)] for t in TABLES}
    assert [r.parent for r in again.rows("failure_modes")] == [r.parent for r in master.rows("failure_modes")]


def test_every_failure_mode_lies_under_a_part() -> None:
    """The cascade of drop-downs leads from a system down to a mode."""
    master = demo_master(1, UNTIL)

    for mode in master.rows("failure_modes"):
        part = master.row("products", mode.parent)
        assert part is not None
        subsystem = master.row("products", part.parent)
        assert subsystem is not None
        assert (part.level, subsystem.level) == (3, 2)
        assert master.row("products", subsystem.parent) is not None


def test_surveys_go_out_in_may_and_the_fourth_quarter() -> None:
    """T10: two campaigns a year, and only those that are over."""
    sent = [(year, name) for year, name, _ in campaigns(UNTIL)]

    assert sent[-3:] == [(2025, "q4"), (2026, "may"), (2026, "q4")]
    assert sent == sorted(sent, key=lambda entry: (entry[0], entry[1] == "q4"))


def test_what_is_turned_down_is_sent_again(history: list[Sending]) -> None:
    """What is turned down is sent once more as it should be, but for what came back in the last hours."""
    rejected = [s for s in history if s.expected == "rejected"]
    accepted = {s.instance for s in history if s.expected == "accepted"}

    assert 20 < len(rejected) < 120
    assert {s.form_id for s in rejected} == {"fracas"}
    waiting = [s for s in rejected if s.instance not in accepted]
    assert all(s.received_at > datetime(2026, 11, 19) for s in waiting)


def test_amounts_are_granted_and_trips_have_their_reason(history: list[Sending]) -> None:
    """All three levels of approval occur, somebody oversteps theirs; trips to repair follow a failure on record."""
    people = {row.code: row.attributes["role"] for row in demo_master(1, UNTIL).rows("people")}
    granted = {
        (str(s.answers["compensation"]), people[str(s.answers["approved_by"])])
        for s in history
        if s.answers.get("compensation")
    }
    failures = {s.instance for s in history if s.form_id == "fracas"}
    reasons = [s.about for s in history if s.about]

    assert {post for _, post in granted} == {"售后部经理", "销售副总", "总经理"}
    assert any(float(amount) >= 1000 and post == "售后部经理" for amount, post in granted)
    assert len(reasons) > 50
    assert set(reasons) <= failures


def test_mistakes_have_realistic_rates() -> None:
    """Every mistake has a name and a rate between once in a thousand forms and every other form."""
    assert len({mistake.name for mistake in (*READABLE, *UNREADABLE)}) == len(READABLE) + len(UNREADABLE)
    assert all(0.001 <= mistake.rate <= 0.6 for mistake in (*READABLE, *UNREADABLE))


def test_site_takes_a_month_of_the_demo(site: Site) -> None:
    """Every sending becomes what its author meant, mistakes and all, and the first screen shows it."""
    seen: list[tuple[int, int]] = []
    summary = load_demo(site, start=date(2026, 10, 21), until=UNTIL, progress=lambda *at: seen.append(at))
    with site.session(read_only=True) as session:
        records, submissions = table_of(Record), table_of(Submission)
        numbers = session.scalars(select(records.c.number)).all()
        outcomes = Counter(session.scalars(select(submissions.c.outcome)))
        newest = session.scalar(select(submissions.c.received_at).order_by(submissions.c.received_at.desc()))
        screen = dashboard(session, Viewer.operator(), site=site)

    assert summary.surprises == ()
    assert seen[-1][0] == seen[-1][1] == sum(outcomes.values())
    assert len(numbers) == sum(summary.records.values()) == outcomes[Outcome.RECORDED]
    assert (summary.revisions, summary.rejected) == (outcomes[Outcome.REVISED], outcomes[Outcome.REJECTED])
    assert (
        min(
            summary.records[form] for form in ("fracas", "trip_plan", "trip_loan", "trip_summary", "survey", "feedback")
        )
        > 0
    )
    assert newest is not None
    assert newest.astimezone(site.zone).date() <= UNTIL
    assert sum(screen.charts["months"].column("failures")) == summary.records["fracas"]


def test_accounts_have_passwords_nobody_knows_before(site: Site) -> None:
    """One user per role, each with a password drawn at random; a second load is refused."""
    one = load_demo(site, start=UNTIL, until=UNTIL)
    with site.session(read_only=True) as session:
        signed_in = [authenticate(session, account.username, account.password) for account in one.accounts]

    assert [account.roles for account in one.accounts] == [
        ("admin",),
        ("manager",),
        ("engineer",),
        ("quality",),
        ("station",),
    ]
    assert len({account.password for account in one.accounts}) == 5
    assert all(len(account.password) >= 16 for account in one.accounts)
    assert all(viewer is not None for viewer in signed_in)
    with pytest.raises(DemoError):
        load_demo(site, start=UNTIL, until=UNTIL)


def test_trains_have_readings_parts_and_retrofits() -> None:
    """A reading a month with some gaps and slips; every part of a train is counted; two changes reach the fleet."""
    measured = demo_measured(1, UNTIL)
    readings = Counter(row.attributes["vehicle"] for row in measured.rows("exposures"))
    retrofits = Counter(row.attributes["change_no"] for row in measured.rows("retrofits"))
    parts = {(row.attributes["vehicle_type"], row.attributes["part"]) for row in measured.rows("fitted_parts")}
    again = read_master(write_master(measured, "zh", MEASURED))

    assert len(readings) == 96
    assert all(15 <= count <= 36 for count in readings.values())
    assert set(retrofits.values()) == {96}
    assert {part for _, part in parts} == {p.code for p in demo_master(1, UNTIL).rows("products") if p.level == 3}
    assert [row.code for row in again.rows("exposures")] == [row.code for row in measured.rows("exposures")]
