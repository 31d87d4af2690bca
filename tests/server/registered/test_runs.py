"""Registered workbooks refreshed by schedule: once per occurrence, whatever happens in between."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from server.access.models import User
from server.access.people import set_active, viewer_of_id
from server.access.visibility import Viewer
from server.records.audit import Event, append
from server.records.models import AuditEntry
from server.reports.registered import performing
from server.reports.registered.models import Cause, WorkbookState
from server.reports.registered.period_rules import PeriodRule
from server.reports.registered.queue import claim, queue_due
from server.reports.registered.registration import Binding, Plan, RegistrationError, Source
from server.reports.registered.results import FOLDER, Results
from server.reports.registered.schedule import Rhythm
from server.reports.registered.store import (
    NoSuchWorkbook,
    ask_for_run,
    change,
    pause,
    register,
    remove,
    result,
    resume,
    workbook,
    workbooks,
)
from server.site import Site
from server.statistics.selection import Selection
from tests.server.registered.books import EIGHT, MONDAY, at, book, history, note, numbers, plan, states, uploaded, visit
from tests.server.visits import fill_in

DAY = timedelta(days=1)
SQLITE = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)  # where no database makes a difference


def test_a_workbook_is_refreshed_when_it_is_due(site: Site, alice: Viewer, bob: Viewer):
    """Not a moment earlier, once, with the figures of that moment; the owner's own sheet stays."""
    number, workbook_id = visit(site, alice), uploaded(site, bob)

    assert at(site, EIGHT - timedelta(seconds=1)).queued == 0
    assert at(site, EIGHT).delivered == 1
    assert at(site, EIGHT + timedelta(seconds=20)).queued == 0
    (run,) = history(site, workbook_id)
    name, content = result(site, bob, workbook_id)
    assert (run.occurrence, run.cause, run.missed, run.rows) == (EIGHT, Cause.SCHEDULE, 0, 1)
    assert (run.reason_zh, run.worker, run.lease_until) == ("", None, None)
    assert run.as_of is not None
    assert timedelta() < run.as_of - EIGHT < timedelta(seconds=1)
    assert (name, numbers(content), note(content)) == ("访问.xlsx", [number], "我的批注")


def test_downtime_is_made_up_for_exactly_once(site: Site, alice: Viewer, bob: Viewer):
    """Ten working days missed: one run, the latest, and it says so; the next day goes on as ever."""
    visit(site, alice)
    workbook_id = uploaded(site, bob)
    back = EIGHT + 14 * DAY - timedelta(hours=3)  # before eight on the tenth day

    assert at(site, back).delivered == 1
    assert at(site, back + timedelta(minutes=1)).queued == 0
    assert at(site, EIGHT + 14 * DAY).delivered == 1
    first, second = history(site, workbook_id)
    assert (first.occurrence, first.missed) == (EIGHT + 13 * DAY, 9)
    assert (second.occurrence, second.missed) == (EIGHT + 14 * DAY, 0)


@SQLITE
def test_a_late_month_end_reads_like_one_in_time(site: Site, alice: Viewer, bob: Viewer):
    """What was recorded in December is not among November's figures, though the run is made in December."""
    month_end = {"rhythm": Rhythm.MONTH_END, "bindings": (
        Binding(table="T_visits", dataset="records_visit", period=PeriodRule.THIS_MONTH),
    )}  # fmt: skip
    visit(site, alice)  # recorded today, which is later than the month the first run is about
    workbook_id = uploaded(site, bob, now=datetime(2026, 1, 5, tzinfo=UTC), **month_end)

    at(site, datetime(2026, 2, 2, 1, tzinfo=UTC))

    (run,) = history(site, workbook_id)
    assert (run.state, run.rows) == ("delivered", 0)
    assert run.as_of == datetime(2026, 1, 31, 15, 59, 59, 999999, tzinfo=UTC)


def test_two_workers_share_the_work(site: Site, alice: Viewer, bob: Viewer, ada: Viewer):
    """Both see that something is due; each run is queued and claimed once."""
    visit(site, alice)
    first, second = uploaded(site, bob), uploaded(site, ada)

    assert (queue_due(site, EIGHT), queue_due(site, EIGHT)) == (2, 0)
    claims = [claim(site, lambda: EIGHT) for _ in range(3)]

    assert claims[2] is None
    assert len({mine.run_id for mine in claims if mine}) == 2
    assert [str(performing.perform(mine)) for mine in claims if mine] == ["delivered", "delivered"]
    assert states(site, first) == states(site, second) == ["delivered"]


def test_submissions_are_followed_by_one_run_per_batch(site: Site, alice: Viewer, bob: Viewer):
    """Three files at once make one run, a minute after the last; signing in and lists make none."""
    start = datetime.now(UTC)
    workbook_id = uploaded(site, bob, now=start, rhythm=Rhythm.SUBMISSIONS)
    found = [visit(site, alice, n) for n in (1, 2, 3)]
    with site.session() as session:
        site.note(session, bob, "exported", "dataset:records_visit")
    last = datetime.now(UTC)

    assert at(site, last).queued == 0
    assert at(site, last + timedelta(seconds=61)).delivered == 1
    assert at(site, last + timedelta(minutes=30)).queued == 0
    (run,) = history(site, workbook_id)
    assert run.cause == Cause.SUBMISSION
    assert numbers(result(site, bob, workbook_id)[1]) == found


def test_a_batch_that_never_ends_is_not_waited_for(site: Site, alice: Viewer, bob: Viewer):
    """Ten minutes of submissions one after the other: the first run comes all the same."""
    workbook_id = uploaded(site, bob, now=datetime.now(UTC), rhythm=Rhythm.SUBMISSIONS)
    visit(site, alice)
    with site.session() as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence.desc())).first()
        assert entry is not None
        begun = datetime.fromisoformat(entry.at)
        late = begun + timedelta(minutes=10)
        event = Event(actor="alice", action="record-created", subject="X", details={})
        append(session, site.audit_key, [event], at=late)

    assert at(site, late + timedelta(seconds=1)).delivered == 1
    assert states(site, workbook_id) == ["delivered"]


@SQLITE
def test_figures_are_those_the_owner_may_see(site: Site, alice: Viewer, charlie: Viewer, mei: Viewer, bob: Viewer):
    """Mei manages the east: the visit of Chengdu is not in her workbook, and in Bob's it is."""
    east = visit(site, alice)
    west = visit_of_charlie(site, charlie)
    hers, his = uploaded(site, mei), uploaded(site, bob)

    at(site, EIGHT)

    assert numbers(result(site, mei, hers)[1]) == [east]
    assert numbers(result(site, bob, his)[1]) == [east, west]


def visit_of_charlie(site: Site, charlie: Viewer) -> str:
    receipt = fill_in(site, charlie, {"station": "成都站", "customer": "成都地铁"}, instance_id="west")
    assert receipt.record_number is not None, receipt.findings
    return receipt.record_number


@SQLITE
def test_a_selection_narrows_the_rows(site: Site, alice: Viewer, charlie: Viewer, bob: Viewer):
    visit(site, alice)
    west = visit_of_charlie(site, charlie)
    binding = Binding(table="T_visits", dataset="records_visit", selection=Selection(station="CD"))
    workbook_id = uploaded(site, bob, bindings=(binding,))

    at(site, EIGHT)

    assert numbers(result(site, bob, workbook_id)[1]) == [west]


def test_a_disabled_owner_pauses_the_workbook(site: Site, bob: Viewer, ada: Viewer):
    """Figures of nobody go nowhere; the reason stands there, and nothing is tried again."""
    workbook_id = uploaded(site, bob)
    with site.session() as session:
        set_active(session, "bob", False)

    assert at(site, EIGHT).failed == 1
    assert at(site, EIGHT + DAY).queued == 0
    with site.session(read_only=True) as session:
        view = workbook(site, session, ada, workbook_id, now=EIGHT)
    assert (view.state, view.next_at) == (WorkbookState.PAUSED, None)
    assert view.paused is not None
    assert "停用" in view.paused.zh


@SQLITE
def test_an_owner_bound_to_a_station_gets_no_figures_of_others(site: Site, alice: Viewer, bob: Viewer, ada: Viewer):
    """What was made for Bob of quality is not open to Bob of the station CD, and nothing more is made."""
    visit(site, alice)
    workbook_id = uploaded(site, bob)
    assert at(site, EIGHT).delivered == 1
    with site.session() as session:
        person = session.get_one(User, bob.user_id)
        person.roles, person.station = ["station"], "CD"
        session.flush()
        moved = viewer_of_id(session, person.id)

    assert moved is not None
    with pytest.raises(NoSuchWorkbook):
        result(site, moved, workbook_id)
    with site.session(read_only=True) as session:
        assert workbooks(site, session, moved) == []
    assert at(site, EIGHT + DAY).failed == 1
    with site.session(read_only=True) as session:
        assert workbook(site, session, ada, workbook_id).state == WorkbookState.PAUSED


@SQLITE
def test_what_cannot_be_pushed_fails_with_the_reason(site: Site, bob: Viewer):
    """The words of the push, not tried again before the next day."""
    workbook_id = uploaded(site, bob, book(headings=("编号", "不存在的列")))

    assert at(site, EIGHT).failed == 1
    assert at(site, EIGHT + timedelta(hours=1)).failed == 0
    assert at(site, EIGHT + DAY).failed == 1
    run = history(site, workbook_id)[0]
    assert (run.state, "不存在的列" in run.reason_zh, "不存在的列" in run.reason_en) == ("failed", True, True)
    with pytest.raises(NoSuchWorkbook):
        result(site, bob, workbook_id)


@SQLITE
def test_an_upload_that_is_no_workbook_fails_with_the_reason(site: Site, bob: Viewer):
    """It is read in a child process, and what it is is said."""
    workbook_id = uploaded(site, bob, b"PK\x03\x04 not quite")

    assert at(site, EIGHT).failed == 1
    assert ".xlsx" in history(site, workbook_id)[0].reason_zh


@SQLITE
def test_an_error_of_our_own_is_tried_three_times_and_stops_nothing_else(
    site: Site, alice: Viewer, bob: Viewer, monkeypatch: pytest.MonkeyPatch
):
    visit(site, alice)
    broken, sound = uploaded(site, bob, title="坏"), uploaded(site, bob)
    refresh = performing.refresh

    def failing(site: Site, source: Source, plan: Plan, *arguments: object, **keywords: object) -> object:
        if plan.title == "坏":
            raise ZeroDivisionError
        return refresh(site, source, plan, *arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(performing, "refresh", failing)
    rounds = [at(site, EIGHT + timedelta(minutes=n)) for n in (0, 2, 5, 30)]

    assert [(r.delivered, r.later, r.failed) for r in rounds] == [(1, 1, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)]
    (run,) = history(site, broken)
    assert (run.attempts, "ZeroDivisionError" in run.reason_zh) == (3, True)
    assert states(site, sound) == ["delivered"]


@SQLITE
def test_the_last_versions_are_kept(site: Site, alice: Viewer, bob: Viewer):
    """Five days, three kept: the files of the others are gone, the runs are still told."""
    workbook_id = uploaded(site, bob)
    for day in range(5):
        visit(site, alice, day + 1)
        at(site, EIGHT + (day if day < 4 else 6) * DAY)

    found = history(site, workbook_id)
    assert [run.result_kept for run in found] == [False, False, True, True, True]
    assert len(numbers(result(site, bob, workbook_id, found[2].id)[1])) == 3
    with pytest.raises(NoSuchWorkbook):
        result(site, bob, workbook_id, found[1].id)
    files = [path for path in (site.settings.home / FOLDER).rglob("*") if path.is_file()]
    assert len(files) == 3


def test_run_now_twice_is_one_run(site: Site, alice: Viewer, bob: Viewer):
    visit(site, alice)
    workbook_id = uploaded(site, bob, rhythm=Rhythm.MANUAL)

    asked = {ask_for_run(site, workbook_id, by=bob, now=MONDAY + timedelta(seconds=n)) for n in range(2)}

    assert len(asked) == 1
    assert at(site, MONDAY + timedelta(seconds=5)).delivered == 1
    assert at(site, EIGHT + 30 * DAY).queued == 0
    assert [run.cause for run in history(site, workbook_id)] == [Cause.PERSON]


@SQLITE
def test_a_pause_is_not_made_up_for(site: Site, bob: Viewer):
    workbook_id = uploaded(site, bob)
    pause(site, workbook_id, by=bob)
    assert at(site, EIGHT).queued == 0

    resume(site, workbook_id, by=bob, now=EIGHT + timedelta(hours=1))

    assert at(site, EIGHT + timedelta(hours=2)).queued == 0
    assert at(site, EIGHT + DAY).delivered == 1


@SQLITE
def test_another_schedule_counts_from_now(site: Site, bob: Viewer):
    """Moved to seven o'clock at half past: nothing is due before tomorrow."""
    workbook_id = uploaded(site, bob)
    change(site, workbook_id, plan(at="7:00"), by=bob, now=EIGHT - timedelta(minutes=30))

    assert at(site, EIGHT).queued == 0
    assert at(site, EIGHT + DAY - timedelta(hours=1)).delivered == 1


def test_charlie_sees_nobodys_workbooks_and_registers_none(site: Site, alice: Viewer, bob: Viewer, mei: Viewer):
    """Owner and administrators only; people of one station register nothing."""
    workbook_id = uploaded(site, bob)
    at(site, EIGHT)
    with site.session(read_only=True) as session:
        assert workbooks(site, session, mei) == []
        with pytest.raises(NoSuchWorkbook):
            workbook(site, session, mei, workbook_id)
    for act in (pause, resume, remove, ask_for_run):
        with pytest.raises(NoSuchWorkbook):
            act(site, workbook_id, by=mei)
    with pytest.raises(NoSuchWorkbook):
        change(site, workbook_id, plan(), by=mei)
    with pytest.raises(NoSuchWorkbook):
        result(site, mei, workbook_id)
    with pytest.raises(RegistrationError):
        uploaded(site, alice)


def test_a_removed_workbook_is_gone_with_its_versions(site: Site, bob: Viewer, ada: Viewer):
    workbook_id = uploaded(site, bob)
    at(site, EIGHT)
    remove(site, workbook_id, by=ada)

    assert at(site, EIGHT + DAY).queued == 0
    with site.session(read_only=True) as session, pytest.raises(NoSuchWorkbook):
        workbook(site, session, bob, workbook_id)
    assert [path for path in (site.settings.home / FOLDER).rglob("*") if path.is_file()] == []


@SQLITE
def test_a_report_is_built_for_its_period(site: Site, alice: Viewer, bob: Viewer):
    """From a definition instead of a file of one's own, named after its month."""
    report = Source(filename="", report="fracas_board")
    made = plan(bindings=(), period=PeriodRule.LAST_MONTH, rhythm=Rhythm.MONTH_END)
    workbook_id = register(site, report, made, by=bob, now=MONDAY)

    assert at(site, datetime(2026, 12, 1, 1, tzinfo=UTC)).delivered == 1
    name, content = result(site, bob, workbook_id)
    assert (name.endswith("2026-10.xlsx"), content[:2]) == (True, b"PK")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": " "}, "名称"),
        ({"title": "\x00\u202e"}, "名称"),
        ({"at": "25:00"}, "08:00"),
        ({"keep": 0}, "版本"),
        ({"in_place": True}, "就地"),
        ({"recipients": ("boss@company.cn",)}, "发信"),
        ({"bindings": (Binding(table="T", dataset="nothing"),)}, "nothing"),
        ({"bindings": (Binding(table="T", dataset="trips"), Binding(table="t", dataset="trips"))}, "一个数据集"),
    ],
)
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_what_cannot_be_done_is_said(site: Site, bob: Viewer, changes: dict[str, object], words: str):
    with pytest.raises(RegistrationError) as refused:
        uploaded(site, bob, **changes)

    assert words in refused.value.message.zh


def test_a_clock_that_ran_ahead_stops_nothing(site: Site, alice: Viewer, bob: Viewer):
    """A worker died in a wrong year, another has done its days: once the clock is right, today's run is made."""
    visit(site, alice)
    first, second = uploaded(site, bob), uploaded(site, bob)
    pause(site, second, by=bob)
    queue_due(site, EIGHT)
    assert claim(site, lambda: EIGHT + 365 * DAY) is not None

    assert at(site, EIGHT + timedelta(minutes=1)).delivered == 1
    resume(site, second, by=bob, now=EIGHT)
    assert at(site, EIGHT + 30 * DAY).delivered == 2
    assert at(site, EIGHT + 1 * DAY).delivered == 2
    assert at(site, EIGHT + 1 * DAY).queued == 0
    assert states(site, first) == ["delivered"] * 3


@SQLITE
def test_a_worker_with_another_clock_delivers_nothing_twice(site: Site, alice: Viewer, bob: Viewer):
    """Its lease looks ended to a server twenty minutes ahead, which does the run; the first stops and keeps nothing."""
    visit(site, alice)
    workbook_id = uploaded(site, bob)
    queue_due(site, EIGHT)
    slow = claim(site, lambda: EIGHT)
    assert slow is not None
    assert at(site, EIGHT + timedelta(minutes=20)).delivered == 1

    assert str(performing.perform(slow)) == "superseded"

    (run,) = history(site, workbook_id)
    assert (run.state, run.attempts) == ("delivered", 2)
    assert result(site, bob, workbook_id)[0] == "访问.xlsx"


def test_what_two_runs_made_alike_is_kept_for_each(tmp_path: Path):
    """Nothing one run lets go is taken from another; what a dead worker left goes, what begins meanwhile stays."""
    results = Results(tmp_path, 7)
    digest = results.keep(1, b"same")
    assert (results.keep(2, b"same"), results.keep(4, b"same")) == (digest, digest)
    stale = results.keep(2, b"by a worker that had lost its lease")

    results.keep_only({2: digest, 3: None}, newest=3)

    assert [results.read(run, digest) for run in (1, 2, 4)] == [None, b"same", b"same"]
    assert results.read(2, stale) is None
