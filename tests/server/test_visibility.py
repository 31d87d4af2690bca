"""Who sees what: station, region, everything; a stranger sees nothing and cannot even tell."""

import pytest

from server.access.visibility import Viewer
from server.intake.receive import marked_workbook, record_workbook
from server.records import store
from server.records.store import NotFound
from server.site import Site
from tests.server.company import VISIT
from tests.server.visits import fill_in

STATIONS = ("常州站", "南京站", "成都站")


@pytest.fixture
def numbers(site: Site, ada: Viewer) -> dict[str, str]:
    """One record per station, by station."""
    return {
        station: fill_in(site, ada, {"station": station}, instance_id=station).record_number or ""
        for station in STATIONS
    }


@pytest.mark.parametrize(
    ("person", "stations"),
    [
        ("alice", STATIONS[:1]),
        ("charlie", STATIONS[2:]),
        ("mei", STATIONS[:2]),
        ("bob", STATIONS),
        ("erin", STATIONS),
        ("ada", STATIONS),
    ],
)
def test_each_sees_their_own_part(
    site: Site, numbers: dict[str, str], person: str, stations: tuple[str, ...], request: pytest.FixtureRequest
):
    """The same rule for lists, single records, counts and submissions."""
    viewer = request.getfixturevalue(person)
    expected = {numbers[station] for station in stations}

    with site.session(read_only=True) as session:
        page = store.find(session, viewer, VISIT)
        counts = store.record_counts(session, viewer)
        sent, total = store.submissions(session, viewer)
        assert {row.number for row in page.rows} == expected
        assert (page.total, counts["visit"]["open"], total) == (len(expected),) * 3
        assert {row.record_number for row in sent} == expected
        for number in numbers.values():
            if number in expected:
                assert store.record(session, viewer, number, definitions=site.definitions).number == number
            else:
                with pytest.raises(NotFound):
                    store.record(session, viewer, number, definitions=site.definitions)


def test_charlie_gets_nothing_of_alices(site: Site, alice: Viewer, charlie: Viewer):
    """Neither record, nor submission, nor a workbook of either."""
    receipt = fill_in(site, alice)
    number = receipt.record_number or ""

    with site.session(read_only=True) as session:
        with pytest.raises(NotFound):
            store.record(session, charlie, number, definitions=site.definitions)
        with pytest.raises(NotFound):
            store.submission(session, charlie, receipt.submission_id)
    with pytest.raises(NotFound):
        marked_workbook(site, receipt.submission_id, viewer=charlie, language="zh")
    with pytest.raises(NotFound):
        record_workbook(site, number, viewer=charlie, language="zh")


def test_sender_keeps_seeing_what_they_sent(site: Site, charlie: Viewer):
    """Charlie's form of a foreign station was turned down; he still reads why."""
    receipt = fill_in(site, charlie)

    with site.session(read_only=True) as session:
        view = store.submission(session, charlie, receipt.submission_id)
    assert [finding["slug"] for finding in view.findings] == ["not-your-record"]


def test_station_user_without_station_sees_nothing(site: Site, numbers: dict[str, str]):
    """A mistake in the user list must not open everything."""
    nobody = Viewer(user_id=99, username="x", display_name="X", roles=frozenset({"station"}))

    with site.session(read_only=True) as session:
        assert store.find(session, nobody, VISIT).total == 0
