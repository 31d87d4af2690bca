"""The one door: what becomes of a workbook or of answers, whoever sends them and however often."""

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import func, select

from server.access.visibility import Viewer
from server.intake.receive import (
    Answers,
    Outcome,
    UnknownAnswer,
    receive,
    receive_many,
    receive_values,
    receive_values_many,
)
from server.records import form_tables, store
from server.records.audit import verify_audit
from server.records.models import Record, Submission
from server.records.store import NotFound
from server.site import Site
from tests.server.company import VISIT
from tests.server.visits import ANSWERS, fill_in, send, workbook
from workbooks.filled import Identity
from workbooks.finding_codes import Severity


def _slugs(receipt) -> set[str]:
    return {finding.slug for finding in receipt.findings}


def _count(site: Site, model: type) -> int:
    with site.session(read_only=True) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


# a new form


def test_good_workbook_becomes_a_record(site: Site, alice: Viewer):
    """Number, first revision, typed row, lines, original bytes: all of it or nothing."""
    content = workbook()

    receipt = send(site, alice, content)

    year = datetime.now(site.zone).year
    assert (receipt.outcome, receipt.record_number, receipt.revision) == (Outcome.RECORDED, f"V-{year}-0001", 1)
    table, parts = form_tables.table(VISIT), form_tables.repeat_tables(VISIT)["parts"]
    with site.session(read_only=True) as session:
        row = session.execute(select(table)).mappings().one()
        lines = session.execute(select(parts.c.line, parts.c.part, parts.c.quantity).order_by(parts.c.line)).all()
        view = store.submission(session, alice, receipt.submission_id)
    assert (row["station"], row["customer"], row["visited_on"], row["total"]) == ("CZ", "C1", date.today(), 10)
    assert row["arrived_at"] == datetime(2026, 3, 5, 9, 30)
    assert [tuple(line) for line in lines] == [(1, "密封条", 2), (2, "螺栓", 8)]
    assert site.originals.read(view.sha256) == content


def test_answers_from_a_page_are_the_same_record(site: Site, alice: Viewer):
    """A page and a workbook lead to the same values; calculated and looked-up fields are the server's."""
    receipt = fill_in(site, alice)

    with site.session(read_only=True) as session:
        detail = store.record(session, alice, receipt.record_number or "", definitions=site.definitions)
    assert receipt.outcome is Outcome.RECORDED
    assert detail.values["hours"] == Decimal("3.5")
    assert detail.values["visitors"] == 2
    assert detail.values["topics"] == ("price", "quality")
    assert detail.values["region"] == "华东"
    assert detail.values["total"] == 10


def test_form_with_errors_is_kept_but_makes_no_record(site: Site, alice: Viewer):
    """All errors at once; the bytes and the findings stay, no number is used up."""
    receipt = fill_in(site, alice, {"severity": "很重", "visited_on": "", "hours": "many"})

    assert receipt.outcome is Outcome.REJECTED
    assert {"not-a-choice", "missing-value", "not-a-number"} <= _slugs(receipt)
    assert _count(site, Record) == 0
    with site.session(read_only=True) as session:
        view = store.submission(session, alice, receipt.submission_id)
    assert view.outcome == "rejected"
    assert {finding["slug"] for finding in view.findings} == _slugs(receipt)
    assert fill_in(site, alice).record_number == f"V-{datetime.now(site.zone).year}-0001"


@pytest.mark.parametrize(
    ("content", "slug"),
    [(b"", "empty-file"), (b"<html><table></table></html>", "html-as-workbook"), (b"PK\x03\x04 cut off", "damaged")],
)
def test_file_that_is_no_workbook_is_kept_too(site: Site, alice: Viewer, content: bytes, slug: str):
    """Whatever was sent can be looked at later."""
    receipt = send(site, alice, content)

    assert receipt.outcome is Outcome.REJECTED
    assert _slugs(receipt) == {slug}
    with site.session(read_only=True) as session:
        assert site.originals.read(store.submission(session, alice, receipt.submission_id).sha256) == content


def test_wrong_form_for_the_page_is_turned_down(site: Site, alice: Viewer):
    """A visit sent on the page of another form names both."""
    receipt = send(site, alice, workbook(), expected_form="fracas")

    assert (receipt.outcome, _slugs(receipt)) == (Outcome.REJECTED, {"wrong-form"})


def test_unknown_answer_is_the_requests_fault(site: Site, alice: Viewer):
    """A field the form does not have, an unknown form: no submission, an error for the caller."""
    with pytest.raises(UnknownAnswer, match="colour"):
        fill_in(site, alice, {"colour": "red"})
    with pytest.raises(UnknownAnswer, match=r"parts\.weight"):
        fill_in(site, alice, {"parts": [{"weight": 3}]})
    with pytest.raises(NotFound):
        receive_values(site, "no_such_form", {}, channel="web", sender=alice)
    assert _count(site, Submission) == 0


def test_soft_rule_is_taken_with_a_reason(site: Site, alice: Viewer):
    """The stated reason is kept with the revision and shown as a warning."""
    without = fill_in(site, alice, {"hours": "13"})
    taken = fill_in(site, alice, {"hours": "13"}, reason="夜班抢修")

    assert (without.outcome, _slugs(without)) == (Outcome.REJECTED, {"needs-reason"})
    assert (taken.outcome, _slugs(taken)) == (Outcome.RECORDED, {"taken-with-reason"})
    with site.session(read_only=True) as session:
        detail = store.record(session, alice, taken.record_number or "", definitions=site.definitions)
    assert detail.revisions[0].reason == "夜班抢修"


def test_late_form_is_taken_and_says_so(site: Site, alice: Viewer):
    """The deadline of the definition is in the receipt."""
    receipt = fill_in(site, alice, {"visited_on": "2026-01-05"})

    assert (receipt.outcome, _slugs(receipt)) == (Outcome.RECORDED, {"past-deadline"})
    (deadline,) = receipt.deadlines
    assert (deadline.due, deadline.state) == (date(2026, 1, 7), "late")
    assert receipt.as_dict()["deadlines"][0]["due"] == "2026-01-07"


def test_picture_is_kept_with_the_record(site: Site, alice: Viewer):
    """The picture is an original of its own; a change that does not mention it leaves it there."""
    out = BytesIO()
    Image.new("RGB", (20, 10), "red").save(out, "PNG")
    digest = hashlib.sha256(out.getvalue()).hexdigest()

    first = fill_in(site, alice, {"photo": out.getvalue()})
    second = fill_in(site, alice, {"hours": "4"}, number=first.record_number, revision=1)
    third = fill_in(site, alice, {"photo": [digest], "hours": "5"}, number=first.record_number, revision=2)
    stolen = fill_in(site, alice, {"photo": "0" * 64}, number=first.record_number, revision=3)
    text = fill_in(site, alice, {"photo": b"no picture"}, number=first.record_number, revision=3)

    assert [change.path for change in (*second.changes, *third.changes)] == ["hours", "hours"]
    assert site.originals.read(digest) == out.getvalue()
    assert _slugs(stolen) == _slugs(text) == {"not-an-image"}


# the same form again


def test_same_bytes_again_are_already_received(site: Site, alice: Viewer):
    """Same number, no second record, and the second sending is kept as well."""
    content = workbook()
    first, again = send(site, alice, content), send(site, alice, content)

    assert (again.outcome, again.record_number) == (Outcome.ALREADY_RECEIVED, first.record_number)
    assert _count(site, Record) == 1
    assert _count(site, Submission) == 2


def test_same_answers_in_another_file_are_already_received(site: Site, alice: Viewer):
    """The English template, filled in alike, says the same in other bytes."""
    first = send(site, alice, workbook())
    again = send(site, alice, workbook(language="en"))

    assert again.outcome is Outcome.ALREADY_RECEIVED
    assert again.record_number == first.record_number


def test_file_name_is_kept_as_it_can_be_shown(site: Site, alice: Viewer):
    """Without path, line breaks and control characters, and not five thousand characters long."""
    receipt = receive(
        site, workbook(), filename="C:\\x\\a\r\n\x1b" + "表" * 5000 + ".xlsx", channel="api", sender=alice
    )

    assert receipt.filename.startswith("a")
    assert receipt.filename.endswith("表.xlsx")
    assert receipt.filename.isprintable()
    assert len(receipt.filename) <= 180


def test_bad_answer_is_a_finding_though_the_rest_was_received(site: Site, alice: Viewer):
    """A bad answer counts as none while checking; what is stored has none there, and still it is no repetition."""
    fill_in(site, alice, {"hours": ""})

    again = fill_in(site, alice, {"hours": "很久"})

    assert again.outcome is Outcome.REJECTED
    assert _slugs(again) == {"not-a-number"}


def test_corrected_answers_are_the_next_revision(site: Site, alice: Viewer):
    """Same blank, same key answers: revision 2 of the same record, with what changed."""
    first = fill_in(site, alice)

    second = fill_in(site, alice, {"hours": "4", "parts": [{"part": "密封条", "quantity": "3"}]})

    assert (second.outcome, second.record_number, second.revision) == (Outcome.REVISED, first.record_number, 2)
    assert [(c.path, c.line, c.before, c.after) for c in second.changes] == [
        ("hours", None, Decimal("3.5"), Decimal("4")),
        ("parts.quantity", 1, 2, 3),
        ("parts.part", 2, "螺栓", None),
        ("parts.quantity", 2, 8, None),
    ]
    parts = form_tables.repeat_tables(VISIT)["parts"]
    with site.session(read_only=True) as session:
        assert session.execute(select(parts.c.quantity)).scalars().all() == [3]
        detail = store.record(session, alice, first.record_number or "", definitions=site.definitions)
    assert [revision.number for revision in detail.revisions] == [1, 2]
    assert detail.revisions[1].changes == second.changes
    assert len(detail.submissions) == 2


def test_used_blank_with_other_key_answers_is_a_new_record(site: Site, alice: Viewer):
    """People save last week's file under a new name; the receipt points to the old record."""
    first = fill_in(site, alice)
    other = fill_in(site, alice, {"customer": "成都地铁"})

    assert other.outcome is Outcome.RECORDED
    assert other.record_number != first.record_number
    assert _slugs(other) == {"new-from-used"}


def test_other_blank_with_the_same_key_answers_may_be_a_duplicate(site: Site, alice: Viewer):
    """It is taken, and the number of the other one is named."""
    first = fill_in(site, alice)
    other = fill_in(site, alice, instance_id="instance-2")

    assert other.outcome is Outcome.RECORDED
    assert _slugs(other) == {"possible-duplicate"}
    assert first.record_number is not None
    assert first.record_number in other.findings[0].what("en")


def test_first_file_resent_after_a_revision_changes_nothing(site: Site, alice: Viewer):
    """The old contents are already received; they do not undo the correction."""
    fill_in(site, alice)
    second = fill_in(site, alice, {"hours": "4"})
    again = fill_in(site, alice)

    assert again.outcome is Outcome.ALREADY_RECEIVED
    with site.session(read_only=True) as session:
        detail = store.record(session, alice, second.record_number or "", definitions=site.definitions)
    assert detail.values["hours"] == Decimal("4")


# a record by its number


def test_numbered_workbook_is_the_next_revision(site: Site, alice: Viewer):
    """The receipt workbook carries number and revision; even the key answers may be corrected in it."""
    first = send(site, alice, workbook())
    known = Identity(instance_id="instance-1", record_number=first.record_number, revision=1)

    second = send(site, alice, workbook({"customer": "C2", "severity": "critical"}, identity=known))

    assert (second.outcome, second.record_number, second.revision) == (Outcome.REVISED, first.record_number, 2)
    assert {change.path for change in second.changes} == {"customer", "severity"}


def test_stale_workbook_names_who_changed_what(site: Site, alice: Viewer, bob: Viewer):
    """Bob has been faster: Alice reads his name and the fields he changed, and nothing is overwritten."""
    first = fill_in(site, alice)
    fill_in(site, bob, {"verdict": "已核实"}, number=first.record_number, revision=1)

    stale = fill_in(site, alice, {"hours": "5"}, number=first.record_number, revision=1)

    assert (stale.outcome, _slugs(stale)) == (Outcome.REJECTED, {"stale-revision"})
    text = stale.findings[0].what("zh")
    assert "Bob" in text
    assert "结论" in text
    assert "工时" not in text


def test_unnumbered_file_is_stale_once_others_went_on(site: Site, alice: Viewer, bob: Viewer):
    """The first file knows nothing of Bob's revision; a change in it would undo his."""
    first = fill_in(site, alice)
    fill_in(site, bob, {"verdict": "已核实"}, number=first.record_number, revision=1)

    assert _slugs(fill_in(site, alice, {"hours": "5"})) == {"stale-revision"}


def test_unchanged_workbook_of_an_old_revision_is_no_conflict(site: Site, alice: Viewer, bob: Viewer):
    """Whoever sends back what they downloaded has changed nothing."""
    first = fill_in(site, alice)
    fill_in(site, bob, {"verdict": "已核实"}, number=first.record_number, revision=1)

    unchanged = fill_in(site, alice, number=first.record_number, revision=1)

    assert (unchanged.outcome, unchanged.revision) == (Outcome.ALREADY_RECEIVED, 2)


def test_unmentioned_answers_stay_as_they_were(site: Site, alice: Viewer, bob: Viewer):
    """A page that shows only Bob's section does not empty Alice's."""
    first = fill_in(site, alice)

    second = receive_values(
        site, "visit", {"verdict": "已核实"}, channel="web", sender=bob, number=first.record_number, revision=1
    )

    assert (second.outcome, [change.path for change in second.changes]) == (Outcome.REVISED, ["verdict"])


def test_invented_number_is_turned_down(site: Site, alice: Viewer):
    """Nobody makes a record by typing a number."""
    receipt = fill_in(site, alice, number="V-2020-9999", revision=1)

    assert (receipt.outcome, _slugs(receipt)) == (Outcome.REJECTED, {"unknown-record"})


def test_section_of_another_role_cannot_be_changed(site: Site, alice: Viewer, bob: Viewer):
    """The station may not write the verdict; quality may not correct the hours."""
    first = fill_in(site, alice)

    by_alice = fill_in(site, alice, {"verdict": "好"}, number=first.record_number, revision=1)
    by_bob = fill_in(site, bob, {"hours": "9"}, number=first.record_number, revision=1)

    assert _slugs(by_alice) == _slugs(by_bob) == {"section-not-yours"}


def test_closed_record_takes_nothing_more_until_quality_reopens_it(site: Site, alice: Viewer, bob: Viewer):
    """Closing is an answer of the quality section; clearing it opens the record again."""
    number = fill_in(site, alice).record_number
    fill_in(site, bob, {"closed_on": "2026-03-01"}, number=number, revision=1)
    closed = fill_in(site, alice, {"hours": "5", "closed_on": "2026-03-01"}, number=number, revision=2)
    reopened = fill_in(site, bob, {"closed_on": ""}, number=number, revision=2)
    changed = fill_in(site, alice, {"hours": "5"}, number=number, revision=3)

    assert (closed.outcome, _slugs(closed)) == (Outcome.REJECTED, {"closed-record"})
    assert (reopened.outcome, changed.outcome) == (Outcome.REVISED, Outcome.REVISED)


# who sends it


def test_station_sends_only_its_own_forms(site: Site, charlie: Viewer, mei: Viewer):
    """Charlie's station is another one; Mei's region holds this station."""
    foreign = fill_in(site, charlie)
    regional = fill_in(site, mei, instance_id="instance-2")
    elsewhere = fill_in(site, mei, {"station": "成都站"}, instance_id="instance-3")

    assert (foreign.outcome, _slugs(foreign)) == (Outcome.REJECTED, {"not-your-record"})
    assert "not-your-record" not in _slugs(regional)
    assert "not-your-record" in _slugs(elsewhere)


def test_stranger_learns_nothing_from_somebody_elses_file(site: Site, alice: Viewer, charlie: Viewer):
    """The same bytes, the same number: for Charlie neither the record nor its number exists."""
    content = workbook()
    first = send(site, alice, content)
    assert first.record_number is not None

    copied = send(site, charlie, content)
    by_number = fill_in(site, charlie, {"station": "成都站"}, number=first.record_number, revision=1)

    assert copied.outcome is Outcome.REJECTED
    assert copied.record_number is None
    assert all(first.record_number not in finding.message("en") for finding in copied.findings)
    assert "unknown-record" in _slugs(by_number)


# many at once


def test_many_workbooks_come_back_in_order(site: Site, alice: Viewer):
    """Good, wrong, broken, twice the same: every file has its receipt in its place."""
    good = [workbook({"note": f"第{n}次"}, identity=Identity(instance_id=f"i{n}")) for n in range(3)]
    files = [("a.xlsx", good[0]), ("b.xlsx", b"nothing"), ("c.xlsx", good[1]), ("d.xlsx", good[0]), ("e.xlsx", good[2])]

    receipts = list(receive_many(site, files, channel="folder", sender=alice))

    assert [receipt.filename for receipt in receipts] == ["a.xlsx", "b.xlsx", "c.xlsx", "d.xlsx", "e.xlsx"]
    assert [str(receipt.outcome) for receipt in receipts] == [
        "recorded",
        "rejected",
        "recorded",
        "already-received",
        "recorded",
    ]
    again = list(receive_many(site, files, channel="folder", sender=alice))
    assert [receipt.record_number for receipt in again] == [receipt.record_number for receipt in receipts]
    assert _count(site, Record) == 3


def test_history_is_numbered_by_its_own_year(site: Site, ada: Viewer):
    """Loaded history keeps its dates: number, deadlines and TODAY() are those of the day it was received."""
    items = [
        Answers(
            form_id="visit",
            answers=ANSWERS | {"visited_on": f"{year}-03-01"},
            channel="cli",
            sender=ada,
            instance_id=f"history-{year}",
            received_at=datetime(year, 3, 2, 1, 0, tzinfo=UTC),
        )
        for year in (2024, 2025, 2025)
    ]
    items[2] = Answers(
        form_id="visit",
        answers=ANSWERS | {"visited_on": "2025-12-31", "customer": "成都地铁"},
        channel="cli",
        sender=ada,
        received_at=datetime(2025, 12, 31, 17, 0, tzinfo=UTC),  # 2026 has begun in Shanghai
    )

    receipts = list(receive_values_many(site, items))

    assert [receipt.record_number for receipt in receipts] == ["V-2024-0001", "V-2025-0001", "V-2026-0001"]
    assert all(not receipt.findings for receipt in receipts)


def test_our_own_error_stops_one_form_and_keeps_it(site: Site, alice: Viewer, monkeypatch: pytest.MonkeyPatch):
    """A bug is raised at the end; the others are stored, and the broken one is kept as failed."""
    from server.intake import decision

    sound = decision.check

    def broken(definition, filled, **keywords):
        if filled.cells["note"].value == "bug":
            raise ZeroDivisionError
        return sound(definition, filled, **keywords)

    monkeypatch.setattr(decision, "check", broken)
    items = [
        Answers(form_id="visit", answers=ANSWERS | {"note": note, "customer": customer}, channel="web", sender=alice)
        for note, customer in (("fine", "C1"), ("bug", "C1"), ("fine", "C2"))
    ]

    receipts = []
    with pytest.raises(ExceptionGroup) as group:
        receipts.extend(receive_values_many(site, items))

    assert [type(error) for error in group.value.exceptions] == [ZeroDivisionError]
    with site.session(read_only=True) as session:
        found, total = store.submissions(session, alice)
    assert sorted(row.outcome for row in found) == ["failed", "recorded", "recorded"]
    assert total == 3


def test_everything_received_is_in_the_audit_chain(site: Site, alice: Viewer):
    """Recorded, revised, repeated and rejected submissions each leave an entry, and the chain holds."""
    fill_in(site, alice)
    fill_in(site, alice, {"hours": "4"})
    fill_in(site, alice, {"hours": "4"})
    fill_in(site, alice, {"severity": "?"})

    with site.session(read_only=True) as session:
        proof = verify_audit(session, site.audit_key)
    assert proof.sound
    assert proof.entries == 1 + 4  # the master data came first


def test_receipt_is_plain_json(site: Site, alice: Viewer):
    """What the API answers: texts in both languages, changes and findings as values."""
    fill_in(site, alice)
    data = fill_in(site, alice, {"hours": "4"}).as_dict()

    assert data["outcome"] == "revised"
    assert data["changes"] == [
        {"field": "hours", "line": None, "label": {"zh": "工时", "en": "Hours"}, "before": "3.5", "after": "4"}
    ]
    assert set(data["next_step"]) == {"zh", "en"}
    assert all(f.severity is Severity.WARNING for f in fill_in(site, alice, {"hours": "4"}).findings)
