"""Forms filled in on the page: the same check as for workbooks, and records continued by their next owner."""

import re
from datetime import date
from io import BytesIO
from typing import Any

from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from server.access.visibility import Viewer
from server.records.store import find, record
from server.site import Site
from tests.server.browsing import Browser, signed_in, visible_text
from tests.server.company import VISIT
from tests.server.visits import fill_in

PAGE = {
    "instance_id": "7b0f6a1e-6f0c-4c0e-9d4d-3b3a1f2e5a11",
    "station": "CZ",
    "customer": "C1",
    "visited_on": date.today().isoformat(),
    "arrived_at": "2026-03-05T09:30",
    "severity": "minor",
    "topics": ["price", "quality"],
    "parts.0.part": "密封条",
    "parts.0.quantity": "2",
    "parts.4.part": "螺栓",
    "parts.4.quantity": "8",
}


def _send(browser: Browser, changes: dict[str, Any] | None = None, path: str = "/forms/visit/new") -> TestResponse:
    return browser.post(path, PAGE | (changes or {}))


def _only_record(site: Site) -> Any:
    with site.session(read_only=True) as session:
        page = find(session, Viewer.operator(), VISIT)
    assert page.total == 1
    return page.rows[0]


def test_a_filled_page_becomes_a_record(app: Flask, site: Site):
    """With its lines, its ticked boxes and what is computed from them."""
    answer = _send(signed_in(app, "alice"))

    found = _only_record(site)
    assert answer.status_code == 302
    assert answer.location.startswith("/submissions/")
    assert found.values["topics"] == ("price", "quality")
    assert [line["quantity"] for line in found.values["parts"]] == [2, 8]
    assert found.values["total"] == 10


def test_a_second_click_makes_no_second_record(app: Flask, site: Site):
    """The page knows itself."""
    alice = signed_in(app, "alice")
    _send(alice)
    _send(alice)

    assert _only_record(site).revision == 1


def test_wrong_answers_stay_on_the_page_with_their_findings(app: Flask):
    """What was typed is there to be corrected, at the field and on top."""
    answer = _send(signed_in(app, "alice"), {"visited_on": "昨天吧", "severity": "", "note": "<b>车门</b>"})

    text = visible_text(answer.text)
    assert answer.status_code == 422
    assert 'value="昨天吧"' in answer.text
    assert "&lt;b&gt;车门&lt;/b&gt;" in answer.text
    assert text.count("“严重度”没有填写。请填写该项。") == 2
    assert re.search(r'id="at-severity".*?</div>', answer.text, re.DOTALL)


def test_a_line_can_be_added_without_a_script(app: Flask):
    """The page comes back with one more, and nothing is checked yet."""
    answer = _send(signed_in(app, "alice"), {"add": "parts", "severity": ""})

    assert answer.status_code == 200
    assert 'name="parts.2.part"' in answer.text
    assert 'id="findings"' not in answer.text


def test_no_line_of_a_long_list_is_lost(app: Flask, site: Site):
    """A record from a long workbook may be continued here; the page offers no new lines then, but keeps all."""
    lines = {f"parts.{n}.{name}": value for n in range(230) for name, value in (("part", "螺栓"), ("quantity", "1"))}
    _send(signed_in(app, "alice"), lines)

    assert len(_only_record(site).values["parts"]) == 230


def test_the_drop_downs_know_their_parents(app: Flask):
    """Each option says under which choice one level up it belongs."""
    page = signed_in(app, "alice").get("/forms/fracas/new").text

    assert re.search(r'<select id="subsystem" name="subsystem" data-under="system"', page)
    assert re.search(r'<option value="P11" data-parent="P1">客室门</option>', page)


def test_a_new_page_knows_the_station_of_its_visitor(app: Flask):
    """One drop-down less to open."""
    page = signed_in(app, "alice").get("/forms/visit/new").text

    assert re.search(r'<option value="CZ" selected>', page)


def test_a_case_is_begun_by_its_first_owner_only(app: Flask, site: Site):
    """Others are offered no empty page of it, and what they post makes no record."""
    bob, ada = signed_in(app, "bob"), signed_in(app, "ada")
    shown = ["/templates", "/forms/fracas/records"]

    assert [bob.get("/forms/fracas/new").status_code, bob.post("/forms/fracas/new", PAGE).status_code] == [403, 403]
    assert all("/forms/fracas/new" not in bob.get(path).text for path in shown)
    assert ada.get("/forms/fracas/new").status_code == 200
    assert all("/forms/fracas/new" in ada.get(path).text for path in shown)


def test_the_next_owner_continues_the_record(app: Flask, site: Site, alice: Viewer):
    """Quality fills in its own section; what the page sends for others' sections does not count."""
    number = fill_in(site, alice).record_number
    bob = signed_in(app, "bob")
    page = bob.get(f"/records/{number}/edit").text
    answer = bob.post(f"/records/{number}/edit", {"revision": "1", "verdict": "合格", "note": "换掉"})

    with site.session(read_only=True) as session:
        found = record(session, Viewer.operator(), str(number), definitions=site.definitions)
    assert 'name="verdict"' in page
    assert 'name="note"' not in page
    assert "密封条" in visible_text(page)
    assert answer.status_code == 302
    assert (found.revision, found.values["verdict"], found.values["note"]) == (2, "合格", None)


def _png(colour: str) -> bytes:
    out = BytesIO()
    Image.new("RGB", (20, 10), colour).save(out, "PNG")
    return out.getvalue()


def test_pictures_come_with_the_page_and_stay(app: Flask, site: Site):
    """Shown with the record, kept or taken out at the next change; other files are not to be had this way."""
    alice, red, blue = signed_in(app, "alice"), _png("red"), _png("blue")
    upload = {"photo": [(BytesIO(red), "a.png"), (BytesIO(blue), "b.png")]}
    alice.post("/forms/visit/new", PAGE | upload, content_type="multipart/form-data")
    number, (first, second) = _only_record(site).number, _only_record(site).values["photo"]
    alice.post(f"/records/{number}/edit", PAGE | {"revision": "1", "photo.keep": second})

    page = alice.get(f"/records/{number}").text
    shown = alice.get(f"/records/{number}/pictures/{second}")
    assert (first in page, second in page) == (False, True)
    assert (shown.data, shown.mimetype) == (blue, "image/png")
    assert alice.get(f"/records/{number}/pictures/{first}").status_code == 404


def test_what_is_no_picture_is_a_finding(app: Flask):
    """At its question."""
    upload = {"photo": (BytesIO(b"no picture"), "a.png")}
    answer = signed_in(app, "alice").post("/forms/visit/new", PAGE | upload, content_type="multipart/form-data")

    assert answer.status_code == 422
    assert "不是图片" in visible_text(answer.text)


def test_a_page_that_is_out_of_date_says_who_was_faster(app: Flask, site: Site, alice: Viewer, bob: Viewer):
    """Nobody overwrites what came in between."""
    number = fill_in(site, alice).record_number
    fill_in(site, bob, {"verdict": "合格"}, number=number, revision=1)
    answer = signed_in(app, "bob").post(f"/records/{number}/edit", {"revision": "1", "verdict": "不合格"})

    assert answer.status_code == 422
    assert "Bob" in visible_text(answer.text)
    assert "不合格" in answer.text


def test_a_closed_record_is_not_continued_by_the_station(app: Flask, site: Site, alice: Viewer, bob: Viewer):
    """Only those who may reopen it."""
    number = fill_in(site, alice).record_number
    closed = {"verdict": "合格", "closed_on": date.today().isoformat()}
    assert fill_in(site, bob, closed, number=number, revision=1).accepted

    assert signed_in(app, "alice").get(f"/records/{number}/edit").status_code == 403
    assert signed_in(app, "bob").get(f"/records/{number}/edit").status_code == 200


def test_the_receipt_of_a_page_leads_to_the_record(app: Flask):
    """With its number, and its workbook to download."""
    alice = signed_in(app, "alice")
    page = alice.get(_send(alice).location)

    assert re.search(r'href="/records/V-\d{4}-0001"', page.text)
    assert "网页填写" in visible_text(page.text)
    assert "数量合计 10" in visible_text(page.text)
    workbook = next(piece for piece in page.text.split('"') if piece.endswith("/workbook"))
    assert alice.get(workbook).data[:2] == b"PK"
