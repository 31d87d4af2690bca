"""Workbooks behind a password, on every way in: asked for, used once, kept nowhere."""

from io import BytesIO
from urllib.parse import quote

import pytest
from flask import Flask
from msoffcrypto.format.ooxml import OOXMLFile
from openpyxl import load_workbook

from server.access.visibility import Viewer
from server.intake.receive import Outcome, marked_workbook, receive_many
from server.records import store
from server.site import Site
from tests.server.browsing import Browser, Program, program, signed_in
from tests.server.visits import send, workbook
from workbooks.reader import read

PASSWORD = "常州站-7"


def locked(content: bytes) -> bytes:
    out = BytesIO()
    OOXMLFile(BytesIO(content)).encrypt(PASSWORD, out)
    return out.getvalue()


def slugs(receipt) -> set[str]:
    return {finding.slug for finding in receipt.findings}


def test_the_same_bytes_with_the_password_become_a_record(site: Site, alice: Viewer):
    """Without it they are kept and turned down; what stays is the file as it came."""
    content = locked(workbook())
    first = send(site, alice, content)
    second = send(site, alice, content, password=PASSWORD)

    assert (first.outcome, slugs(first)) == (Outcome.REJECTED, {"encrypted"})
    assert (second.outcome, slugs(second)) == (Outcome.RECORDED, {"opened-with-password"})
    with site.session(read_only=True) as session:
        view = store.submission(session, alice, second.submission_id)
    assert site.originals.read(view.sha256) == content


def test_the_password_is_kept_nowhere(site: Site, alice: Viewer):
    """Neither in a file nor in a table."""
    send(site, alice, locked(workbook()), password=PASSWORD)
    site.close()

    for file in site.settings.home.rglob("*"):
        if file.is_file():
            assert PASSWORD.encode() not in file.read_bytes(), file.name


def test_locked_workbook_comes_back_as_the_record_without_a_password(site: Site, alice: Viewer):
    """Number and answers in our own template: the password to mark the file itself was not kept."""
    receipt = send(site, alice, locked(workbook()), password=PASSWORD)
    marked = marked_workbook(site, receipt.submission_id, viewer=alice, language="zh")
    form = read(marked, site.definitions)

    assert form.identity.record_number == receipt.record_number
    assert send(site, alice, marked).outcome is Outcome.ALREADY_RECEIVED
    assert "检查结果" in load_workbook(BytesIO(marked)).sheetnames


def test_locked_workbook_with_mistakes_comes_back_as_a_list(site: Site, alice: Viewer):
    """With the cells of the sender's own file, which the sender can open."""
    receipt = send(site, alice, locked(workbook({"severity": None})), password=PASSWORD)
    marked = marked_workbook(site, receipt.submission_id, viewer=alice, language="zh")

    assert slugs(receipt) == {"opened-with-password", "missing-value"}
    assert load_workbook(BytesIO(marked)).sheetnames == ["检查结果"]


def test_many_locked_workbooks_share_a_password(site: Site, alice: Viewer):
    """Beside others that have none."""
    items = [("a.xlsx", locked(workbook())), ("b.xlsx", workbook({"severity": None}))]
    receipts = list(receive_many(site, items, channel="cli", sender=alice, password=PASSWORD))

    assert [receipt.outcome for receipt in receipts] == [Outcome.RECORDED, Outcome.REJECTED]
    assert "opened-with-password" not in slugs(receipts[1])


def sent(browser: Browser, content: bytes) -> tuple[str, str]:
    """The receipt of *content* on the page, and where its password goes."""
    data = {"workbook": [(BytesIO(content), "密.xlsx")]}
    page = browser.post("/submit", data, content_type="multipart/form-data").text
    return page, next((piece for piece in page.split('"') if piece.endswith("/password")), "")


def test_the_page_asks_for_the_password(app: Flask):
    """On the receipt; a wrong one is asked for again, the right one leads to the record."""
    alice = signed_in(app, "alice")
    _, address = sent(alice, locked(workbook()))
    wrong = alice.post(address, {"password": "常州站-8"}, follow_redirects=True)
    again = next(piece for piece in wrong.text.split('"') if piece.endswith("/password"))
    right = alice.post(again, {"password": PASSWORD}, follow_redirects=True)

    assert "密码不对" in wrong.text
    assert again != address
    assert 'data-outcome="recorded"' in right.text
    assert "密.xlsx" in right.text
    assert PASSWORD not in right.text


def test_the_page_asks_for_no_password_where_none_helps(app: Flask):
    """A form with other mistakes has no such field."""
    page, address = sent(signed_in(app, "alice"), workbook({"severity": None}))

    assert 'data-outcome="rejected"' in page
    assert address == ""


def test_charlie_cannot_try_passwords_on_files_of_others(app: Flask):
    """What is not open to somebody does not exist."""
    _, address = sent(signed_in(app, "alice"), locked(workbook()))

    assert signed_in(app, "charlie").post(address, {"password": PASSWORD}).status_code == 404


def test_passwords_cannot_be_tried_without_end(app: Flask):
    """Each costs the server as much as a hundred workbooks."""
    alice = signed_in(app, "alice")
    _, address = sent(alice, locked(workbook()))
    answers = [alice.post(address, {"password": PASSWORD}).status_code for _ in range(11)]

    assert answers[0] == 302
    assert answers[-1] == 429


@pytest.fixture
def client(app: Flask, site: Site) -> Program:
    """A program of Alice's."""
    return program(app, site, "alice")


@pytest.mark.parametrize(
    "header", [PASSWORD.encode().decode("latin-1"), f"UTF-8''{quote(PASSWORD)}"], ids=["UTF-8", "RFC 8187"]
)
def test_a_program_sends_the_password_in_a_header(client: Program, header: str):
    """As bytes, or for clients that only send ASCII, percent-encoded."""
    answer = client.send(locked(workbook()), X_Workbook_Password=header)

    assert answer.status_code == 201
    assert PASSWORD not in answer.text


def test_a_program_is_told_that_the_password_is_missing_or_wrong(client: Program):
    """As findings, which it knows how to show."""
    for headers, slug in (({}, "encrypted"), ({"X_Workbook_Password": "nope"}, "wrong-password")):
        problem = client.send(locked(workbook()), **headers).get_json()
        assert [finding["slug"] for finding in problem["findings"]] == [slug]


def test_the_log_has_no_password(client: Program, capfd: pytest.CaptureFixture[str]):
    """Whatever else it says of the request."""
    client.send(locked(workbook()), X_Workbook_Password=f"UTF-8''{quote(PASSWORD)}")

    assert "received" in (log := capfd.readouterr().err)
    assert PASSWORD not in log
    assert quote(PASSWORD) not in log
