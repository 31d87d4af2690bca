"""Datasets and the first screen from stored forms: as of any instant, and for whom."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from server.access.visibility import Viewer
from server.intake.receive import Answers, Outcome, receive_values_many
from server.records.master import import_tables
from server.site import Site
from server.statistics.dashboard import dashboard
from server.statistics.datasets import UnknownDataset, load, names
from server.statistics.figures import Tile
from server.statistics.snapshot import View
from server.statistics.tabular import Computed, check_computed
from tests.server.company import MASTER
from workbooks.dataset import Dataset
from workbooks.library import DefinitionError
from workbooks.master import MasterRow
from workbooks.master_workbook import MasterReading
from workbooks.reporting.dataset_definition import load_datasets
from workbooks.reporting.measure_values import figure_of

OPERATOR = Viewer.operator()
REPORTED = datetime(2026, 3, 2, 8, 30)
FAILURE: dict[str, Any] = {
    "station": "CZ", "reported_by": "U1", "reported_at": REPORTED, "channel": "driver", "customer": "C1", "car": "3车",
    "vehicle": "T0101", "system": "P1", "subsystem": "P11", "part": "P111", "occurred_at": datetime(2026, 3, 2, 8, 0),
    "operating_phase": "service", "mileage_km": 50_000, "failure_mode": "F1", "severity": "major", "is_repeat": "no",
    "effect": "withdrawn", "symptom": "门无法关闭", "responded_at": datetime(2026, 3, 2, 9, 0), "handled_by": "U1",
    "arrived_at": datetime(2026, 3, 2, 10, 30), "repaired_at": datetime(2026, 3, 2, 12, 0), "fix_type": "permanent",
    "visits": 1, "action_taken": "更换门控器",
}  # fmt: skip
ANALYSIS: dict[str, Any] = {
    "confirmation": "confirmed", "root_cause_category": "design", "responsibility": "engineering", "relevant": "yes",
    "chargeable": "yes", "analysed_by": "U1", "analysed_on": date(2026, 3, 20), "root_cause": "焊点疲劳",
}  # fmt: skip
CLOSE: dict[str, Any] = {"frb_decision": "close", "closed_on": date(2026, 4, 10), "closed_by": "U2"}
SHEET: dict[str, Any] = {
    "station": "CZ", "campaign_year": 2025, "campaign": "q4", "customer": "C1", "sent_on": date(2025, 10, 9),
    "method": "fax", "surveyed_by": "U1", "outcome": "returned", "returned_on": date(2025, 10, 20), "recommend": 9,
    "respondent": "陈工", "score_quality": 90, "score_price": 80, "score_delivery": 85, "score_packaging": 95,
    "score_service": 88,
}  # fmt: skip
PLAN: dict[str, Any] = {
    "station": "CZ", "filled_on": date(2026, 1, 29), "purpose": "repair", "customer": "C1", "task": "更换门控器",
    "destination": "成都", "transport": "train", "departs_on": date(2026, 1, 30), "returns_on": date(2026, 2, 2),
    "leader": "U1", "budget_travel": 400, "budget_lodging": 700, "budget_allowance": 300, "borrows": "no",
}  # fmt: skip


def at(local: datetime, site: Site) -> datetime:
    """*local* as an instant."""
    return local.replace(tzinfo=site.zone)


def send(site: Site, form_id: str, answers: Mapping[str, Any], received: datetime, instance: str) -> str:
    """Take in one form as if it had come at *received* (local); its record's number."""
    item = Answers(
        form_id=form_id,
        answers=answers,
        channel="web",
        sender=OPERATOR,
        instance_id=instance,
        received_at=at(received, site),
    )
    (receipt,) = receive_values_many(site, [item])
    assert receipt.outcome in (Outcome.RECORDED, Outcome.REVISED), [f.as_dict() for f in receipt.findings]
    assert receipt.record_number is not None
    return receipt.record_number


def rows(
    site: Site, name: str, viewer: Viewer = OPERATOR, as_of: datetime | None = None, **known: Any
) -> list[dict[str, Any]]:
    """The dataset *name* as mappings by column."""
    found = dataset_of(site, name, viewer, as_of, **known)
    return [dict(zip((c.name for c in found.columns), row, strict=True)) for row in found.rows()]


def dataset_of(
    site: Site, name: str, viewer: Viewer = OPERATOR, as_of: datetime | None = None, **known: Any
) -> Dataset:
    instant = None if as_of is None else at(as_of, site)
    with site.session(read_only=True) as session:
        return load(session, name, viewer, site=site, as_of=instant, **known)


def tiles(site: Site, as_of: datetime, viewer: Viewer = OPERATOR) -> dict[str, Tile]:
    with site.session(read_only=True) as session:
        return {tile.name: tile for tile in dashboard(session, viewer, site=site, as_of=at(as_of, site)).tiles}


@pytest.fixture(autouse=True)
def colleague(site: Site) -> None:
    """A second person: nobody closes what they analysed themselves."""
    other = MasterRow(code="U2", label_zh="李娜", label_en="Li Na", parent="CZ", attributes={"station": "CZ"})
    reading = MasterReading(tables={"people": (*MASTER.rows("people"), other)}, findings=())
    with site.session() as session:
        import_tables(session, reading, by=OPERATOR, audit_key=site.audit_key)


@pytest.fixture
def case(site: Site) -> str:
    """A failure of March: reported, analysed on the 20th, closed on 10 April, each in its own revision."""
    number = send(site, "fracas", FAILURE, datetime(2026, 3, 2, 13, 0), "case")
    send(site, "fracas", FAILURE | ANALYSIS, datetime(2026, 3, 20, 10, 0), "case")
    send(site, "fracas", FAILURE | ANALYSIS | CLOSE, datetime(2026, 4, 10, 10, 0), "case")
    return number


def test_case_row_holds_what_pivots_need(site: Site, case: str) -> None:
    """Labels instead of codes, periods, durations and 0/1 columns."""
    (row,) = rows(site, "fracas_cases")

    assert row | {
        "number": case, "month": "2026-03", "quarter": "2026Q1", "region": "华东", "station": "常州站",
        "vehicle_type": "B型车", "system": "车门系统", "part": "门控器", "failure_mode": "无法关门", "stage": "已关闭",
        "warranty": "保内", "relevant": 1, "closed": 1, "repeat": 0, "fixed_first_time": 1, "response_hours": 0.5,
        "arrival_hours": 2.0, "repair_hours": 1.5, "close_days": 39, "overdue": None,
    } == row  # fmt: skip


def test_labels_come_in_the_language_asked_for(site: Site, case: str) -> None:
    """The same rows for an English report."""
    (row,) = rows(site, "fracas_cases", language="en")

    assert (row["region"], row["station"], row["stage"]) == ("East", "Changzhou", "Closed")


@pytest.mark.parametrize(
    ("instant", "stage", "open_days"),
    [
        (datetime(2026, 3, 2, 23, 0), "原因分析", 0),
        (datetime(2026, 3, 31, 23, 59), "待关闭", 29),
        (datetime(2026, 4, 30, 23, 59), "已关闭", None),
    ],
)
def test_report_for_an_earlier_day_does_not_change(
    site: Site, case: str, instant: datetime, stage: str, open_days: int | None
) -> None:
    """What came in later is not in it, so a report of March reads in May as it read in March."""
    (row,) = rows(site, "fracas_cases", as_of=instant)

    assert (row["stage"], row["open_days"]) == (stage, open_days)


def test_nothing_was_known_before_the_first_sending(site: Site, case: str) -> None:
    """The failure of the morning is not in the report of noon: it came in at one o'clock."""
    assert rows(site, "fracas_cases", as_of=datetime(2026, 3, 2, 12, 30)) == []


def test_history_ends_where_the_present_begins(site: Site, case: str) -> None:
    """The latest revision read from history is what the form's own table holds."""
    send(
        site,
        "fracas",
        FAILURE | {"car": "4车", "occurred_at": datetime(2026, 3, 1, 8, 0)},
        datetime(2026, 5, 2, 9, 0),
        "other",
    )
    with site.session(read_only=True) as session:
        current = View.at(session, site, OPERATOR, None).rows("fracas", "replaced_parts")[0]
        past = View.at(session, site, OPERATOR, at(datetime(2026, 5, 2, 8, 59), site)).rows("fracas", "replaced_parts")[
            0
        ]

    assert {name: current[name] for name in past} == past


def test_backlog_counts_each_month_end(site: Site, case: str) -> None:
    """Open at the end of March, closed by the end of April."""
    assert [
        (r["month"], r["stage"], r["age_days"]) for r in rows(site, "fracas_backlog", as_of=datetime(2026, 5, 15))
    ] == [("2026-03", "待关闭", 29)]


def test_backlog_of_march_is_the_same_in_may(site: Site, case: str) -> None:
    """Closing the case in April changes nothing in the snapshot of March."""
    in_april = rows(site, "fracas_backlog", as_of=datetime(2026, 4, 1), end=date(2026, 3, 31))
    in_may = rows(site, "fracas_backlog", as_of=datetime(2026, 5, 15), end=date(2026, 3, 31))

    assert in_april == in_may != []


def test_every_dataset_has_its_definition_in_both_languages(site: Site, case: str) -> None:
    """No figure without the sentence that says what is counted, also where there is nothing to count."""
    with site.session(read_only=True) as session:
        found = {name: load(session, name, OPERATOR, site=site) for name in names(site)}

    for name, dataset in found.items():
        assert dataset.name == name
        assert min(len(dataset.definition.zh), len(dataset.definition.en)) > 10
        assert [len(column) for column in dataset.data] == [len(dataset)] * len(dataset.columns)


def test_other_station_sees_nothing_of_it(site: Site, case: str, charlie: Viewer) -> None:
    """Charlie works elsewhere: no row in any dataset, and no count either."""
    assert [name for name in names(site) if name != "failure_rate" and rows(site, name, charlie)] == []
    assert sum(row["failures"] for row in rows(site, "failure_rate", charlie)) == 0
    assert tiles(site, datetime(2026, 3, 31), charlie)["failures"].n == 0


def test_region_and_station_see_their_own(site: Site, case: str, alice: Viewer, mei: Viewer) -> None:
    """The station's own people and its region's manager count the case."""
    assert [len(rows(site, "fracas_cases", viewer)) for viewer in (alice, mei)] == [1, 1]


def test_pareto_and_rate_count_the_same_failures(site: Site, case: str) -> None:
    """Sums over modes and over train types agree."""
    pareto = rows(site, "fracas_pareto", as_of=datetime(2026, 4, 30))
    rate = rows(site, "failure_rate", as_of=datetime(2026, 4, 30))

    assert sum(row["failures"] for row in pareto) == sum(row["failures"] for row in rate) == 1
    assert pareto[0]["cumulative"] == 1.0


def test_failure_judged_not_relevant_leaves_the_rate(site: Site) -> None:
    """It stays in every count of work and leaves the failure rate once the analysis has said so."""
    send(site, "fracas", FAILURE, datetime(2026, 3, 2, 13, 0), "case")
    verdict = ANALYSIS | {"confirmation": "no_fault", "relevant": "no", "chargeable": "no"}
    send(site, "fracas", FAILURE | verdict, datetime(2026, 3, 20, 10, 0), "case")

    assert sum(row["failures"] for row in rows(site, "failure_rate", as_of=datetime(2026, 3, 19))) == 1
    assert sum(row["failures"] for row in rows(site, "failure_rate", as_of=datetime(2026, 3, 21))) == 0
    assert len(rows(site, "fracas_cases", as_of=datetime(2026, 3, 21))) == 1


def test_satisfaction_is_that_of_the_latest_campaign(site: Site) -> None:
    """One of two customers returned its sheet with 87.6 points: satisfied, but half of the customers is below 75 %."""
    send(site, "survey", SHEET, datetime(2025, 10, 21, 9, 0), "C1")
    silent = {name: SHEET[name] for name in ("campaign_year", "campaign", "sent_on", "method", "surveyed_by")}
    silent |= {"station": "CD", "customer": "C2", "outcome": "no_answer"}
    send(site, "survey", silent, datetime(2025, 10, 21, 9, 0), "C2")
    (campaign,) = rows(site, "satisfaction_campaigns")
    tile = tiles(site, datetime(2026, 1, 1))["satisfaction"]

    assert (campaign["frame"], campaign["sent"], campaign["returned"], campaign["product"]) == (2, 2, 1, 0.5)
    assert campaign["index"] == pytest.approx(87.6)
    assert (tile.value, tile.target, tile.tone, tile.n) == (pytest.approx(87.6), 85.0, "good", 1)
    assert [row["returned"] for row in rows(site, "satisfaction")] == [1, 0]


@pytest.mark.parametrize(
    ("period", "kept"),
    [
        ({"start": date(2025, 10, 9)}, ["2025Q4"]),
        ({"start": date(2025, 10, 10)}, []),
        ({"end": date(2025, 10, 8)}, ["2025-05"]),
    ],
)
def test_campaigns_are_those_that_began_in_the_period(site: Site, period: dict[str, date], kept: list[str]) -> None:
    """The autumn campaign began on the day its first sheet was sent, 9 October."""
    spring = SHEET | {"campaign": "may", "sent_on": date(2025, 5, 6), "returned_on": date(2025, 5, 20)}
    send(site, "survey", spring, datetime(2025, 5, 21, 9, 0), "spring")
    send(site, "survey", SHEET, datetime(2025, 10, 21, 9, 0), "autumn")

    assert [row["campaign"] for row in rows(site, "satisfaction_campaigns", **period)] == kept


def test_trip_is_split_at_the_month_end(site: Site) -> None:
    """30 January to 2 February: two days in each month, one trip, one traveller."""
    send(site, "trip_plan", PLAN, datetime(2026, 1, 29, 9, 0), "trip")
    found = rows(site, "trips", as_of=datetime(2026, 2, 10))

    assert [(row["month"], row["trips"], row["persons"], row["person_days"]) for row in found] == [
        ("2026-01", 1, 1, 2),
        ("2026-02", 0, 0, 2),
    ]
    assert [row["summary_on_time"] for row in found] == [0, None]


def test_arrival_is_due_in_working_hours(site: Site, case: str) -> None:
    """Two working hours to the site are within six; the rate counts them on time."""
    due = {row["rule"]: row for row in rows(site, "deadlines", language="en")}
    arrival = due["On site (working hours)"]

    assert (arrival["on_time"], arrival["late"], arrival["rate"]) == (1, 0, 1.0)


def test_eight_tiles_stand_on_an_empty_screen(site: Site) -> None:
    """Without any form every figure says that there is no data, never 0 or 100 %."""
    found = tiles(site, datetime(2026, 3, 31))

    assert list(found) == [
        "failures", "failure_rate", "open", "response", "first_time_fix", "repeats", "satisfaction", "trips",
    ]  # fmt: skip
    assert [tile.value for tile in found.values()] == [tile.change for tile in found.values()] == [None] * 8
    assert [tile.note.zh for tile in found.values() if tile.note] == ["去年同期 —", "无里程数据"]
    assert all(tile.definition.zh and tile.definition.en for tile in found.values())
    with site.session(read_only=True) as session:
        board = dashboard(session, OPERATOR, site=site, as_of=at(datetime(2026, 3, 31), site))
    assert {
        name: (chart.n, len(chart.data)) for name, chart in board.charts.items() if chart.n or len(chart.data)
    } == {}


def test_nothing_is_compared_with_times_before_the_first_report(site: Site, case: str) -> None:
    """No failure was known in February, or a year ago: neither is a zero. In April there is one less than in March."""
    march, april = tiles(site, datetime(2026, 3, 31)), tiles(site, datetime(2026, 4, 30, 23, 59))

    assert (march["failures"].value, march["failures"].change, march["open"].change) == (1, None, None)
    assert (april["failures"].value, april["failures"].change, april["open"].change) == (0, -1, -1)
    assert march["failures"].note is not None
    assert march["failures"].note.zh == "去年同期 —"


def test_screen_of_an_earlier_day(site: Site, case: str) -> None:
    """At the end of March one case is open; at the end of April none is."""
    march, april = tiles(site, datetime(2026, 3, 31)), tiles(site, datetime(2026, 4, 30))

    assert (march["open"].value, april["open"].value) == (1, 0)
    assert march["response"].value == 0.5
    assert (march["first_time_fix"].value, march["first_time_fix"].note is not None) == (None, True)
    assert april["first_time_fix"].value == 1.0


def test_months_and_ages_of_the_screen(site: Site, case: str) -> None:
    """The chart's months run to the as-of day, and every stage has its row."""
    with site.session(read_only=True) as session:
        found = dashboard(session, OPERATOR, site=site, as_of=at(datetime(2026, 5, 15), site))

    flow, stations = found.charts["flow"], found.charts["stations"]
    assert list(flow.data.rows()) == [("2026-03", 1, 0, 1, 1), ("2026-04", 0, 1, 0, 1), ("2026-05", 0, 0, 0, 0)]
    assert found.charts["months"].column("failures") == [1, 0, 0]
    assert found.charts["ageing"].column("total") == [0] * 5
    assert (stations.marks, stations.column("failures"), stations.column("open")) == (("CZ",), [1], [0])
    assert found.charts["modes"].column("failure_mode") == ["无法关门"]


def test_period_narrows_by_the_datasets_own_date(site: Site, case: str) -> None:
    """Reports of April do not hold the failure of March."""
    assert rows(site, "fracas_cases", start=date(2026, 4, 1)) == []
    assert len(rows(site, "fracas_cases", start=date(2026, 3, 2), end=date(2026, 3, 2))) == 1


def test_unknown_dataset_is_named(site: Site) -> None:
    """A dataset that does not exist is a mistake of the caller, with its name."""
    with site.session(read_only=True) as session, pytest.raises(UnknownDataset, match="sales"):
        load(session, "sales", OPERATOR, site=site)


def test_now_is_the_default(site: Site, case: str) -> None:
    """Without an instant a dataset is as of now, in the site's zone."""
    with site.session(read_only=True) as session:
        found = load(session, "fracas_cases", OPERATOR, site=site)
    now = datetime.now(UTC).astimezone(site.zone).replace(tzinfo=None)

    assert timedelta() <= now - found.as_of < timedelta(minutes=1)


def test_every_measure_computes_and_no_data_is_no_figure(site: Site, case: str) -> None:
    """Each measure has a figure or says that there is none; an empty company has no figure at all."""
    for name in load_datasets():
        found = dataset_of(site, name)
        nothing = dataset_of(site, name, as_of=datetime(2020, 1, 1))
        for measure in load_datasets()[name].measures:
            value, n = figure_of(measure, found)

            assert value is None or n > 0, (name, measure.name)
            if not len(nothing):
                assert figure_of(measure, nothing).value is None, (name, measure.name)


def test_a_column_that_nothing_computes_stops_the_start() -> None:
    """Declared and computed columns agree, or file, dataset and column are named."""
    declared = load_datasets()["trips"]
    values = {column.name: lambda fact, query: None for column in declared.columns[1:]} | {"extra": lambda f, q: None}

    with pytest.raises(DefinitionError) as caught:
        check_computed({"trips": Computed(facts=lambda query: (), values=values)}, {"trips": declared})
    assert str(caught.value).splitlines() == [
        "templates/reports/datasets/trips.yaml: trips: column 'extra' is computed and not declared",
        "templates/reports/datasets/trips.yaml: trips: column 'number' is declared and not computed",
    ]
