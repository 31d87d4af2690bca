"""Power cuts and neighbours: nothing lost, nothing double, no number twice."""

import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from server.access.visibility import Viewer
from server.intake.receive import Outcome, Receipt, receive_values_many
from server.records.audit import verify_audit
from server.records.models import Record, Submission
from server.site import Site
from tests.server.visits import fill_in, three_visits

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("point", "survivors"),
    [("bytes kept", 0), ("before commit", 0), ("first group committed", 2), ("everything committed", 3)],
)
def test_killed_intake_loses_and_doubles_nothing(site: Site, alice: Viewer, point: str, survivors: int):
    """After kill -9 the sender sends everything again: three records, each once, and a sound audit chain."""
    url = site.settings.database_url
    command = [
        sys.executable,
        "-m",
        "tests.server.killed",
        str(site.settings.home),
        url,
        site.settings.secret_key,
        point,
    ]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr

    with site.session(read_only=True) as session:
        before = session.scalars(select(Record.number)).all()
        kept = session.scalars(select(Submission.sha256)).all()
    receipts = list(receive_values_many(site, three_visits(alice)))

    outcomes = [receipt.outcome for receipt in receipts]
    assert len(before) == survivors
    assert all(digest in site.originals for digest in kept)
    assert outcomes == [Outcome.ALREADY_RECEIVED] * survivors + [Outcome.RECORDED] * (3 - survivors)
    assert len({receipt.record_number for receipt in receipts}) == 3
    with site.session(read_only=True) as session:
        assert len(session.scalars(select(Record.id)).all()) == 3
        assert verify_audit(session, site.audit_key).sound


def _at_once(actions: list[Callable[[], Receipt]]) -> list[Receipt]:
    receipts: list[Receipt] = []

    def run(action: Callable[[], Receipt]) -> None:
        receipts.append(action())

    threads = [threading.Thread(target=run, args=[action]) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return receipts


def test_numbers_are_unique_and_without_gaps_under_concurrency(site: Site, alice: Viewer):
    """Twelve stations send at the same moment: twelve numbers in a row."""

    def send(day: int) -> Receipt:
        return fill_in(site, alice, {"visited_on": f"2026-03-{day:02}"}, instance_id=f"visit-{day}")

    receipts = _at_once([partial(send, day) for day in range(1, 13)])

    serials = sorted(int((receipt.record_number or "").rpartition("-")[2]) for receipt in receipts)
    assert serials == list(range(1, 13))
    with site.session(read_only=True) as session:
        assert verify_audit(session, site.audit_key).sound


def test_impatient_clicks_make_one_record(site: Site, alice: Viewer):
    """The same form sent four times at once is recorded once."""
    receipts = _at_once([lambda: fill_in(site, alice)] * 4)

    assert sorted(receipt.outcome for receipt in receipts) == [Outcome.ALREADY_RECEIVED] * 3 + [Outcome.RECORDED]
    assert len({receipt.record_number for receipt in receipts}) == 1


def test_two_people_on_one_record_do_not_overwrite_each_other(site: Site, alice: Viewer, ada: Viewer):
    """Of two revisions of revision 1 that come at the same moment, one wins and one is told."""
    number = fill_in(site, alice).record_number

    receipts = _at_once(
        [
            lambda: fill_in(site, alice, {"hours": "5"}, number=number, revision=1),
            lambda: fill_in(site, ada, {"hours": "6"}, number=number, revision=1),
        ]
    )

    assert sorted(receipt.outcome for receipt in receipts) == [Outcome.REJECTED, Outcome.REVISED]
    (loser,) = (receipt for receipt in receipts if receipt.outcome is Outcome.REJECTED)
    assert [finding.slug for finding in loser.findings] == ["stale-revision"]
