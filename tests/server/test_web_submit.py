"""Workbooks through the page: receipts, marked files, originals."""

from io import BytesIO

import pytest
from flask import Flask
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from server.access.visibility import Viewer
from server.intake.receive import receive_values
from server.site import Site
from tests.server.browsing import Browser, signed_in, visible_text
from tests.server.visits import ANSWERS, fill_in, workbook

BAD = {"visitors": None, "severity": None}


def _submit(browser: Browser, *files: tuple[str, bytes], script: bool = False) -> TestResponse:
    data = {"workbook": [(BytesIO(content), name) for name, content in files]}
    headers = {"X-Requested-With": "fetch"} if script else {}
    return browser.post("/submit", data, content_type="multipart/form-data", headers=headers)


def test_several_workbooks_get_their_receipts_on_one_page(app: Flask):
    """Without a script: a good one, a bad one, and one that is no workbook."""
    alice = signed_in(app, "alice")
    answer = _submit(alice, ("好.xlsx", workbook()), ("坏.xlsx", workbook(BAD)), ("x.xlsx", b"a,b\n1,2\n" * 9))

    text = visible_text(answer.text)
    assert answer.status_code == 200
    assert [answer.text.count(f'data-outcome="{outcome}"') for outcome in ("recorded", "rejected")] == [1, 2]
    assert "V-" in text
    assert "“严重度”没有填写" in text


def test_the_script_gets_the_receipt_alone(app: Flask):
    """The page puts the card where the progress bar was."""
    answer = _submit(signed_in(app, "alice"), ("a.xlsx", workbook()), script=True)

    assert answer.text.lstrip().startswith('<section class="card receipt')
    assert "<html" not in answer.text


def test_the_same_workbook_again_keeps_its_number(app: Flask):
    """A second drop of the same file does no harm."""
    alice, content = signed_in(app, "alice"), workbook()
    _submit(alice, ("a.xlsx", content))
    again = _submit(alice, ("a.xlsx", content), script=True)

    assert 'data-outcome="already-received"' in again.text


def test_the_bad_workbook_comes_back_marked(app: Flask):
    """The same file, with a sheet of findings and a note at the cell."""
    alice = signed_in(app, "alice")
    page = _submit(alice, ("坏.xlsx", workbook(BAD)), script=True).text
    address = next(piece for piece in page.split('"') if piece.endswith("/workbook"))
    marked = alice.get(address)

    book = load_workbook(BytesIO(marked.data))
    assert len(book.sheetnames) > 1
    assert any(cell.comment for row in book.worksheets[0].iter_rows() for cell in row)
    assert "attachment" in marked.headers["Content-Disposition"]
    assert marked.headers["Cache-Control"] == "no-store"


def test_the_original_is_the_file_that_was_sent(app: Flask):
    """To the bit, as a download."""
    alice, content = signed_in(app, "alice"), workbook()
    page = _submit(alice, ("a.xlsx", content), script=True).text
    address = next(piece for piece in page.split('"') if piece.endswith("/workbook"))
    original = alice.get(address.removesuffix("workbook") + "original")

    assert original.data == content
    assert "attachment" in original.headers["Content-Disposition"]


def test_the_inbox_lists_what_came_in(app: Flask):
    """Filtered by what became of it."""
    alice = signed_in(app, "alice")
    _submit(alice, ("好.xlsx", workbook()), ("坏.xlsx", workbook(BAD)))

    assert all(name in alice.get("/submissions").text for name in ("好.xlsx", "坏.xlsx"))
    rejected = alice.get("/submissions?outcome=rejected&mine=1").text
    assert "坏.xlsx" in rejected
    assert "好.xlsx" not in rejected


def test_answers_without_a_file_say_where_they_are_from(app: Flask, site: Site, alice: Viewer):
    """What was filled in on a page says so; what another system handed over is not said to be."""
    fill_in(site, alice)
    receive_values(site, "visit", ANSWERS | {"note": "again"}, channel="mail", sender=alice, instance_id="other")
    page = visible_text(signed_in(app, "alice").get("/submissions").text)

    assert page.count("网页填写") == 1
    assert page.count("填写内容（无文件）") == 1


def test_nothing_chosen_is_said(app: Flask):
    """Instead of an empty receipt."""
    browser = signed_in(app, "alice")
    answer = browser.post("/submit", {"workbook": (BytesIO(b""), "")}, content_type="multipart/form-data")

    assert answer.status_code == 302
    assert "请先选择工作簿" in browser.get("/submit").text


def test_a_file_above_the_limit_is_told_what_to_do(app: Flask):
    """Not a broken connection."""
    app.config["MAX_CONTENT_LENGTH"] = 1000
    browser = signed_in(app, "alice")
    answer = _submit(browser, ("big.xlsx", b"x" * 5000))

    assert answer.status_code == 413
    assert "文件太大" in answer.text


def test_a_failure_of_ours_shows_its_number_and_nothing_else(capfd: pytest.CaptureFixture[str], app: Flask, site: Site):
    """The log has the lines of code, without a message that could hold an answer."""

    class Broken:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError("secret answer")

    site.originals = Broken()  # type: ignore[assignment]
    answer = _submit(signed_in(app, "alice"), ("a.xlsx", workbook()))

    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in answer.text
    assert "secret" not in answer.text
    log = capfd.readouterr().err
    assert answer.headers["X-Request-Id"] in log
    assert "builtins.RuntimeError" in log
    assert "secret answer" not in log
