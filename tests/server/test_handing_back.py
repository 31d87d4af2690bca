"""Workbooks handed back: the marked receipt, and a record to go on with."""

import hashlib
from io import BytesIO

import openpyxl
import PIL.Image
from flask import Flask
from openpyxl.drawing.image import Image

from server.access import seals
from server.access.seals import SealState
from server.access.visibility import Viewer
from server.intake.receive import Outcome, marked_workbook, record_workbook
from server.intake.sealed import blank_template, own_seal, revoke_template
from server.site import Site
from tests.server.browsing import signed_in
from tests.server.visits import fill_in, send, workbook
from workbooks.filled import FilledForm
from workbooks.reader import read


def _read(site: Site, content: bytes) -> FilledForm:
    return read(content, site.definitions)


def _sheets(content: bytes) -> list[str]:
    return openpyxl.load_workbook(BytesIO(content)).sheetnames


def test_receipt_of_an_accepted_workbook_carries_its_number(site: Site, alice: Viewer):
    """Corrected and sent again, it is the next revision of that record."""
    receipt = send(site, alice, workbook())

    marked = marked_workbook(site, receipt.submission_id, viewer=alice, language="zh")

    identity = _read(site, marked).identity
    assert (identity.record_number, identity.revision) == (receipt.record_number, 1)
    assert send(site, alice, marked).outcome is Outcome.ALREADY_RECEIVED


def test_receipt_of_a_rejected_workbook_marks_its_errors(site: Site, alice: Viewer):
    """The sender's own file comes back with a sheet of findings and no number."""
    receipt = send(site, alice, workbook({"severity": None}))

    marked = marked_workbook(site, receipt.submission_id, viewer=alice, language="zh")

    assert receipt.outcome is Outcome.REJECTED
    assert len(_sheets(marked)) == len(_sheets(workbook())) + 1
    assert _read(site, marked).identity.record_number is None


def test_receipt_of_something_else_lists_the_findings(site: Site, alice: Viewer):
    """A file that is not opened, and a rejected page: a small workbook of their own."""
    for receipt in (send(site, alice, b"%PDF-1.7"), fill_in(site, alice, {"severity": ""})):
        content = marked_workbook(site, receipt.submission_id, viewer=alice, language="en")
        assert len(_sheets(content)) == 1


def test_record_goes_on_as_a_workbook(site: Site, alice: Viewer, bob: Viewer):
    """Download, fill in your section, send: the closed loop, also for a record born on a page."""
    first = fill_in(site, alice)
    number = first.record_number or ""

    content = record_workbook(site, number, viewer=bob, language="zh")
    unchanged = send(site, bob, content)
    book = openpyxl.load_workbook(BytesIO(content))
    sheet, _, cell = book.defined_names["AS_verdict"].attr_text.rpartition("!")
    book[sheet.strip("'")][cell.replace("$", "")] = "同意"
    out = BytesIO()
    book.save(out)
    revised = send(site, bob, out.getvalue())

    assert unchanged.outcome is Outcome.ALREADY_RECEIVED
    assert (revised.outcome, revised.record_number, revised.revision) == (Outcome.REVISED, number, 2)
    assert [(change.path, change.after) for change in revised.changes] == [("verdict", "同意")]


def test_what_station_people_take_away_is_sealed_for_their_station(site: Site, alice: Viewer, mei: Viewer):
    """So that they may mail it in; people of no one station, and records of a page, get no seal of anybody's."""
    number = fill_in(site, alice).record_number or ""
    blank = _read(site, blank_template(site, site.definitions["visit"], viewer=alice, language="zh")).identity
    record = _read(site, record_workbook(site, number, viewer=alice, language="zh")).identity
    theirs = _read(site, record_workbook(site, number, viewer=mei, language="zh")).identity

    with site.session(read_only=True) as session:
        proven = [seals.verify(session, site.seal_key, identity) for identity in (blank, record, theirs)]
        issues = seals.issued(session, Viewer.operator())
    assert [(seal.state, seal.station) for seal in proven] == [
        (SealState.VALID, "CZ"),
        (SealState.VALID, "CZ"),
        (SealState.ABSENT, None),
    ]
    assert [(issue.id, issue.issued_by) for issue in issues] == [(proven[0].issue_id, "alice")]


def test_revoked_seal_is_not_handed_out_again(site: Site, alice: Viewer):
    """The next download carries a new one."""
    definition = site.definitions["visit"]
    before = own_seal(site, definition, alice)
    revoke_template(site, (before or "").partition(".")[0], by=Viewer.operator())

    assert own_seal(site, definition, alice) not in (None, before)


def test_photos_on_the_sheet_are_attachments_of_the_record(app: Flask, site: Site, alice: Viewer):
    """Pasted over their field: shown with the record, in the workbook to go on with, and kept when that comes back."""
    book = openpyxl.load_workbook(BytesIO(workbook()))
    sheet, _, cell = book.defined_names["AS_photo"].attr_text.rpartition("!")
    photos = [_png("red"), _png("blue")]
    for photo in photos:
        book[sheet.strip("'")].add_image(Image(BytesIO(photo)), cell.replace("$", ""))
    out = BytesIO()
    book.save(out)
    receipt = send(site, alice, out.getvalue())
    number = receipt.record_number or ""
    digests = [hashlib.sha256(photo).hexdigest() for photo in photos]
    page = signed_in(app, "alice").get(f"/records/{number}").text
    content = record_workbook(site, number, viewer=alice, language="zh")

    assert all(f"/records/{number}/pictures/{digest}" in page for digest in digests)
    assert {hashlib.sha256(picture.content).hexdigest() for picture in _read(site, content).pictures} == set(digests)
    assert send(site, alice, content).outcome is Outcome.ALREADY_RECEIVED


def _png(colour: str) -> bytes:
    out = BytesIO()
    PIL.Image.new("RGB", (40, 30), colour).save(out, "PNG")
    return out.getvalue()
