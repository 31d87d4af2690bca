"""The history of cases: rollups and live cases give what all cases give, as of any instant, for everybody."""

import random
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.exc import OperationalError

from server.access.visibility import Viewer
from server.database import table_of
from server.records.identity import Known
from server.records.models import Record, Revision
from server.records.stored_answers import stored_values
from server.records.writing import Accepted, Arrival, Reading, Writer
from server.site import Site
from server.statistics import settlement
from server.statistics.case_months import PARTS, Months, Part, add_up
from server.statistics.cases import Case, flagged
from server.statistics.datasets import load
from server.statistics.fleet import reported
from server.statistics.history import KINDS
from server.statistics.meters import Readings
from server.statistics.periods import month_begin
from server.statistics.rollup_tables import BACKLOG, CASES, MODES, READINGS, STANDINGS, STATE, WHOLE
from server.statistics.rollups import refresh
from server.statistics.selection import EVERYTHING, Selection
from server.statistics.snapshot import View
from server.statistics.sources import Sources
from server.statistics.train_readings import readings_of

OPERATOR = Viewer.operator()
FIRST, DAYS = datetime(2025, 1, 10, 8, 0), 300
REGIONS = {"CZ": "华东", "NJ": "华东", "CD": "西南"}
Step = tuple[int, datetime, dict[str, Any]]  # which case, when it came in (local), all its answers


def answers(draw: random.Random, at: datetime) -> dict[str, Any]:
    """A report of something that failed at *at*, perhaps repaired; few keys, so that much comes back."""
    reported = at + timedelta(minutes=draw.choice((0, 20, 900)))
    arrived = reported + timedelta(hours=draw.choice((1, 5, 40)))
    return {
        "station": draw.choice(("CZ", "CZ", "NJ", "CD")), "customer": draw.choice(("C1", "C2")),
        "vehicle": draw.choice(("T1", "T2")), "vehicle_type": draw.choice(("B型车", "A型车")), "part": "P111",
        "system": draw.choice(("P1", "P2")), "car": draw.choice(("3车", "3车", "4车", None)), "failure_mode": "F1",
        "severity": draw.choice(("minor", "major", None)), "warranty": draw.choice(("in_warranty", "unknown")),
        "mileage_km": (at - FIRST).days * 300 if at.hour % 5 else None, "occurred_at": at, "reported_at": reported,
        "visits": draw.choice((1, 1, 2, None)),
        "responded_at": draw.choice((None, reported + timedelta(minutes=7, microseconds=31))), "arrived_at": arrived,
        "repaired_at": draw.choice((None, arrived + timedelta(hours=3), arrived + timedelta(days=9))),
    }  # fmt: skip


def steps_of(draw: random.Random, cases: int) -> Iterator[Step]:
    """Reports, analyses, closes, corrections, re-openings and moves to another month or train, as they come."""
    for index in range(cases):
        at = FIRST + timedelta(hours=draw.randrange(DAYS * 24))
        known = answers(draw, at)
        came = known["reported_at"] + timedelta(days=draw.choice((0, 0, 1, 60)), minutes=index)
        yield index, came, known
        for _ in range(draw.randrange(5)):
            came += timedelta(days=draw.choice((1, 20, 45)), hours=draw.randrange(24))
            known = known | draw.choice(
                (
                    {"analysed_on": came.date(), "relevant": draw.choice(("yes", "no"))},
                    {"analysed_on": came.date(), "planned_on": came.date() + timedelta(days=draw.choice((0, 50)))},
                    {"repaired_at": known["arrived_at"] + timedelta(hours=2), "closed_on": came.date()},
                    {"repaired_at": known["arrived_at"] + timedelta(hours=2), "closed_on": came.date()},
                    {"closed_on": came.date(), "completed_on": came.date() - timedelta(days=2)},
                    {"closed_on": None},
                    {"car": "3车", "vehicle": draw.choice(("T1", "T2"))},
                    {"occurred_at": known["occurred_at"] - timedelta(days=40)},
                    {"reported_at": known["reported_at"] + timedelta(days=31), "station": draw.choice(("CZ", "CD"))},
                )
            )
            yield index, came, known


def store(site: Site, steps: Iterable[Step], records: dict[int, Known]) -> None:
    """Write *steps* as the intake does, in their order."""
    definition = site.definitions["fracas"]
    blank: dict[str, Any] = {field.name: None for field in definition.fields} | {r.name: () for r in definition.repeats}
    with site.session() as session:
        writer = Writer(session, site.audit_key, site.zone)
        for index, came, known in steps:
            arrival = Arrival(
                id=f"{index}-{came.isoformat()}-{len(records)}", received_at=came.replace(tzinfo=site.zone),
                channel="web", sender=OPERATOR, filename="", sha256="", size=0, kind="answers",
            )  # fmt: skip
            accepted = Accepted(
                definition=definition, reading=Reading(form_id="fracas", version=1, station=known["station"]),
                values=blank | known, instance_id=f"{index}", key_hash=f"{index}", content_hash=f"{index} {came}",
                numbered=True, reason="",
            )  # fmt: skip
            before = records.get(index)
            records[index] = writer.revise(arrival, accepted, before) if before else writer.create(arrival, accepted)
        writer.finish()


def all_cases(site: Site, now: datetime, viewer: Viewer, selection: Selection) -> list[Case]:
    """The cases as they stood at *now*, from the revisions themselves and in plain steps."""
    records, revisions = table_of(Record), table_of(Revision)
    held: dict[int, tuple[int, Any]] = {}
    stations: dict[str, str] = {}
    with site.session(read_only=True) as session:
        query = select(records.c.number, records.c.station, revisions).join(
            records, records.c.id == revisions.c.record_id
        )
        for row in session.execute(query):
            stations[row.number] = row.station
            if row.at <= now.replace(tzinfo=site.zone) and row.revision > held.get(row.record_id, (0, None))[0]:
                held[row.record_id] = row.revision, row
    found = [
        Case.of(stored_values(site.definitions["fracas"], row.version, row.answers) | {"number": row.number})
        for _, row in held.values()
    ]
    seen = flagged(case for case in (case.until(now) for case in found) if case is not None)
    mine = [case for case in seen if _may_see(viewer, stations[case.number]) and selection.holds(case, REGIONS)]
    return sorted(mine, key=lambda case: (case.reported_at, case.number))


def _may_see(viewer: Viewer, station: str) -> bool:
    if viewer.station_bound:
        return station == viewer.station
    return viewer.admin or viewer.region is None or REGIONS[station] == viewer.region


def sources(site: Site, session: Any, now: datetime, viewer: Viewer = OPERATOR, of: Selection = EVERYTHING) -> Sources:
    return Sources(View.at(session, site, viewer, now.replace(tzinfo=site.zone)), of)


def months_of(seen: Sources, first: date | None = None, last: date | None = None) -> Months:
    """What the sums kept of months say, by all that groups have in common."""
    return Months(*(_grouped(seen, part, first, last) for part in PARTS))


def _grouped(seen: Sources, part: Part, first: date | None, last: date | None) -> dict[Any, Any]:
    group, sums = KINDS[part].group, KINDS[part].sums
    width = len(group._fields)
    return {
        group(month_begin(month), *[value if value != "" else None for value in row[: width - 1]]): sums(
            *row[width - 1 :]
        )
        for month, *row in seen.sums(part, group._fields, first, last)
    }


def some(months: Months) -> tuple[Mapping[Any, Any], ...]:
    """What there is of it: a group that came to nothing is none."""
    return tuple(
        {group: tuple(map(int, sums)) for group, sums in part.items() if any(sums)}
        for part in (months.cases, months.modes, months.backlog)
    )


def as_sets(found: Mapping[str, Readings]) -> dict[str, list[tuple[int, float]]]:
    return {train: sorted(zip(*map(list, readings), strict=True)) for train, readings in found.items()}


def kept_sums(site: Site) -> list[list[tuple[Any, ...]]]:
    with site.session(read_only=True) as session:
        tables = (CASES, MODES, BACKLOG, READINGS, STANDINGS, *WHOLE.values())
        return [sorted((tuple(row) for row in session.execute(select(table))), key=repr) for table in tables]


@pytest.mark.parametrize("seed", range(4))
def test_history_is_that_of_all_cases(site: Site, alice: Viewer, mei: Viewer, seed: int) -> None:
    """After every batch of what comes in, figures as of many instants and for several people are those of all cases."""
    draw = random.Random(seed)
    steps = sorted(steps_of(draw, 30), key=lambda step: step[1])
    records: dict[int, Known] = {}
    for start in range(0, len(steps), 40):
        store(site, steps[start : start + 40], records)
        refresh(site)
        for _ in range(5):
            now = FIRST + timedelta(days=draw.randrange(-2, DAYS + 250), minutes=draw.randrange(1440))
            now = draw.choice((now, datetime.combine(now.replace(day=1), time.min) - timedelta(microseconds=1)))
            viewer = draw.choice((OPERATOR, alice, mei))
            selection = draw.choice((EVERYTHING, Selection(station="CZ"), Selection(region="华东", system="P1")))
            expected = all_cases(site, now, viewer, selection)
            with site.session(read_only=True) as session:
                seen = sources(site, session, now, viewer, selection)
                assert seen.cases == expected
                assert some(months_of(seen)) == some(add_up(expected, now))
                if selection is EVERYTHING:
                    assert as_sets(reported(seen.view)) == as_sets(readings_of(expected))
    before = kept_sums(site)
    with site.session() as session:
        session.execute(update(STATE).values(made_for=""))
    refresh(site)
    assert kept_sums(site) == before
    assert any(before[0])


def test_period_has_the_flags_of_the_whole(site: Site) -> None:
    """A month's cases know what came before and after the month."""
    store(site, sorted(steps_of(random.Random(11), 40), key=lambda step: step[1]), {})
    now = FIRST + timedelta(days=200)
    expected = all_cases(site, now, OPERATOR, EVERYTHING)
    first, last = date(2025, 4, 1), date(2025, 5, 31)
    with site.session(read_only=True) as session:
        seen = sources(site, session, now)
        for _ in range(2):  # alone, then with what is kept of the cases that settled
            for anchor in ("reported_at", "occurred_at"):
                found = seen.cases_between(anchor, first, last)
                assert found == [case for case in expected if first <= getattr(case, anchor).date() <= last]
            for day in (now, now - timedelta(days=45)):
                stood = [case.until(day) for case in expected]
                assert seen.open_cases(day) == [case for case in stood if case is not None and case.open]
    assert any(case.repeated for case in expected)
    assert any(case.duplicate for case in expected)


def test_late_report_changes_only_its_month(site: Site) -> None:
    """One more report of an old month costs the rows of that month and a fixed number of statements."""
    records: dict[int, Known] = {}
    draw = random.Random(3)
    steps = sorted(steps_of(draw, 60), key=lambda step: step[1])
    store(site, steps, records)
    refresh(site)
    before = kept_sums(site)[0]
    late = answers(draw, datetime(2025, 3, 4, 9, 0)) | {
        "car": "9车", "repaired_at": datetime(2025, 3, 7), "closed_on": date(2025, 3, 8),
    }  # fmt: skip
    store(site, [(99, datetime(2025, 9, 9), late)], records)
    statements: list[str] = []
    event.listen(site.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert refresh(site) == 1

    changed = set(map(repr, kept_sums(site)[0])) ^ set(map(repr, before))
    assert {row[1:7] for row in changed} == {"202503"}
    assert len(statements) < 40


def test_processes_may_refresh_at_once(site: Site) -> None:
    """Several that find the rollups out of date add nothing up twice."""
    records: dict[int, Known] = {}
    steps = sorted(steps_of(random.Random(5), 40), key=lambda step: step[1])
    store(site, steps[:60], records)
    refresh(site)
    store(site, steps[60:], records)
    threads = [threading.Thread(target=refresh, args=(site,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = kept_sums(site)
    with site.session() as session:
        session.execute(update(STATE).values(made_for=""))
    refresh(site)

    assert together == kept_sums(site)


def test_history_without_rollups_is_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the rollups cannot be brought up to date the cases are added up themselves, and nothing is written."""
    store(site, steps_of(random.Random(7), 20), {})
    now = FIRST + timedelta(days=250)
    expected = some(add_up(all_cases(site, now, OPERATOR, EVERYTHING), now))

    def locked(_site: Site) -> int:
        raise OperationalError("BEGIN IMMEDIATE", None, Exception("database is locked"))

    with monkeypatch.context() as patch, site.session(read_only=True) as session:
        patch.setattr(settlement, "refresh", locked)
        assert some(months_of(sources(site, session, now))) == expected
    assert not any(kept_sums(site))
    with site.session() as session:  # a session that may write refreshes by itself
        assert some(months_of(sources(site, session, now))) == expected
    assert kept_sums(site)[3]


def test_sums_by_some_of_what_cases_have_in_common(site: Site) -> None:
    """Rows by fewer fields are those of all, added up; in the present, at a month's end and long ago."""
    store(site, sorted(steps_of(random.Random(19), 40), key=lambda step: step[1]), {})
    for now in (FIRST + timedelta(days=500), datetime(2025, 7, 1) - timedelta(microseconds=1), datetime(2025, 5, 9)):
        expected: dict[tuple[Any, ...], list[int]] = {}
        with site.session(read_only=True) as session:
            seen = sources(site, session, now)
            found = seen.sums("modes", ("failure_mode", "month"), date(2025, 2, 1), date(2025, 4, 30))
            for group, counts in months_of(seen, date(2025, 2, 1), date(2025, 4, 30)).modes.items():
                sums = expected.setdefault((group.failure_mode, group.month.year * 100 + group.month.month), [0, 0, 0])
                sums[:] = map(int.__add__, sums, counts)

        assert found == sorted((*key, *sums) for key, sums in expected.items()) != []


def test_months_can_be_narrowed(site: Site) -> None:
    """Of a history some months only."""
    store(site, steps_of(random.Random(9), 20), {})
    now = FIRST + timedelta(days=400)
    with site.session(read_only=True) as session:
        whole, part = sources(site, session, now), sources(site, session, now)
        found = months_of(part, date(2025, 3, 5), date(2025, 4, 5))
        expected = {g: s for g, s in months_of(whole).cases.items() if date(2025, 3, 1) <= g.month <= date(2025, 4, 1)}

    assert dict(found.cases) == expected != {}


def test_datasets_of_the_history_add_up_to_the_cases(site: Site) -> None:
    """The monthly rows hold what the case rows hold: counts, sums of hours, and who is open at the end."""
    store(site, steps_of(random.Random(13), 25), {})
    now = FIRST + timedelta(days=230)
    expected = all_cases(site, now, OPERATOR, EVERYTHING)

    def rows(name: str) -> list[dict[str, Any]]:
        with site.session(read_only=True) as session:
            found = load(session, name, OPERATOR, site=site, as_of=now.replace(tzinfo=site.zone), language="en")
        return [dict(zip((column.name for column in found.columns), row, strict=True)) for row in found.rows()]

    months, modes, backlog = rows("fracas_months"), rows("fracas_month_modes"), rows("fracas_month_backlog")
    assert sum(row["failures"] for row in months) == sum(row["failures"] for row in modes) == len(expected)
    years = rows("fracas_year_modes")
    assert sum(row["failures"] for row in years) == len(expected)
    assert {(row["year"], row["part"]) for row in years} == {(row["year"], row["part"]) for row in modes}
    assert sum(row["repeats"] for row in months) == sum(case.repeated for case in expected)
    hours = [case.response_hours for case in expected if case.response_hours is not None]
    assert sum(row["responded"] for row in months) == len(hours)
    assert sum(row["response_hours"] for row in months) == pytest.approx(sum(hours), abs=0.01)
    last = sum(row["open"] for row in backlog if row["month"] == f"{now:%Y-%m}")
    assert last == sum(case.open for case in expected)


@pytest.mark.parametrize("last", [date(2025, 6, 30), date(2025, 6, 20)], ids=["whole months", "other days"])
def test_pareto_counts_the_cases_of_the_period(site: Site, last: date) -> None:
    """It counts what occurred in the period, also where it comes from the sums of whole months."""
    store(site, steps_of(random.Random(17), 40), {})
    now, first = FIRST + timedelta(days=230), date(2025, 4, 1)
    expected = [c for c in all_cases(site, now, OPERATOR, EVERYTHING) if first <= c.occurred_at.date() <= last]
    with site.session(read_only=True) as session:
        at = now.replace(tzinfo=site.zone)
        found = load(session, "fracas_pareto", OPERATOR, site=site, as_of=at, start=first, end=last, language="en")
    counted = dict(zip((column.name for column in found.columns), found.data, strict=True))

    assert sum(counted["failures"]) == len(expected) > 0
