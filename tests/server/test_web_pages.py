"""All pages: both languages, nothing from elsewhere, nothing inline, nothing to be kept by browsers."""

import json
import re
from pathlib import Path

import pytest
from flask import Flask

from server.access.visibility import Viewer
from server.intake.mail.eml import take_eml
from server.site import Site
from server.statistics.boards.catalogue import BOARDS
from server.web.language import catalogue
from tests.server.browsing import Browser, signed_in, visible_text
from tests.server.mail.posts import post
from tests.server.registered.books import EIGHT, at, uploaded
from tests.server.visits import fill_in, send, workbook

WEB = Path(__file__).parents[2] / "server" / "web"
LITERAL = re.compile(r"""\bt\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
INLINE = re.compile(
    r"""<[^>]*\s(style|on[a-z]+)\s*=|<style|<script(?![^>]*\s(?:src=|type="application/json"))|javascript:""",
    re.IGNORECASE,
)
ELSEWHERE = re.compile(r"""(?:src|href|action|url)\s*[=(]\s*["']?(?:https?:)?//""", re.IGNORECASE)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def paths(site: Site, alice: Viewer, bob: Viewer) -> list[str]:
    """Every kind of page, with something on it."""
    receipt = send(site, alice, workbook())
    fill_in(site, bob, {"verdict": "合格"}, number=receipt.record_number, revision=1)
    bad = send(site, alice, workbook({"severity": None}))
    record = f"/records/{receipt.record_number}"
    lists = ["/forms/visit/records", "/forms/fracas/records", "/submissions"]
    forms = ["/forms/visit/new", "/forms/fracas/new", f"{record}/edit"]
    receipts = [f"/submissions/{receipt.submission_id}", f"/submissions/{bad.submission_id}"]
    figures = ["/", "/?period=quarter", "/?period=history", "/?period=2026-02&region=华东&system=P1"]
    figures += [f"/boards/{board}" for board in BOARDS] + ["/charts/months/records?mark=2026-02"]
    held = take_eml(site, post(workbook({"hours": "4.5"})))
    workbook_id = uploaded(site, bob)
    at(site, EIGHT)
    visits = [f"/workbooks/{workbook_id}", f"/workbooks/{workbook_id}/edit", "/workbooks/new", "/workbooks"]
    mail = ["/mail", "/mail/review", "/mail/quarantine", "/mail/outgoing", f"/mail/{held.mail_id}", "/templates/issued"]
    return [
        *figures,
        *lists,
        *forms,
        *receipts,
        *mail,
        *visits,
        record,
        "/templates",
        "/submit",
        "/account",
        "/api/v1/docs",
        "/nowhere",
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_are_in_the_chosen_language_and_under_the_policy(app: Flask, paths: list[str], language: str):
    """One walk over all of them: rendered, nothing inline, nothing from another network, never cached."""
    ada = signed_in(app, "ada")
    ada.post("/language", {"language": language, "next": "/"})
    for path in paths:
        answer = ada.get(path)
        assert answer.status_code == (404 if path == "/nowhere" else 200), path
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in answer.text
        assert INLINE.search(answer.text) is None, path
        assert ELSEWHERE.search(answer.text) is None, path
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "script-src 'self'; style-src 'self'" in answer.headers["Content-Security-Policy"]
        heading = visible_text(answer.text.split("<h1", 1)[1].split("</h1>")[0])
        if path != "/account" and not re.match(
            r"/records/|/mail/\d|/workbooks/\d", path
        ):  # those bear a name somebody chose
            assert bool(CHINESE.search(heading)) == (language == "zh"), (path, heading)


def test_static_files_ask_nothing_from_elsewhere():
    """The site works with the network cable out."""
    for path in (WEB / "static").iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, path
        assert "https://" not in text, path
        assert "@import" not in text, path


def test_every_text_of_the_pages_is_in_the_catalogue():
    """And nothing else is."""
    sources = [path.read_text(encoding="utf-8") for path in (*WEB.glob("*.py"), *(WEB / "pages").glob("*.html"))]
    used = {one or other for source in sources for one, other in LITERAL.findall(source)}

    assert used - set(catalogue()) == set()
    everything = "\n".join(sources)
    assert [text for text in catalogue() if text not in everything] == []


def test_one_of_a_thing_is_not_many(app: Flask):
    """The group with one form in it says so in good English."""
    browser = signed_in(app, "alice")
    browser.post("/language", {"language": "en", "next": "/"})
    page = visible_text(browser.get("/templates").text)

    assert "1 form " in page
    assert "2 forms " in page
    assert not re.search(r"\b1 [a-z]+s\b", page)


def test_the_catalogue_keeps_holes_and_is_chinese():
    """A hole that is missing in one language would swallow a number."""
    for english, chinese in catalogue().items():
        assert set(re.findall(r"\{[a-z_]+\}", english)) == set(re.findall(r"\{[a-z_]+\}", chinese)), english
        assert CHINESE.search(chinese) or chinese == english, english
        assert not re.search(r"[\u4e00-\u9fff][,;:?!]", chinese), chinese


def test_the_catalogue_is_sorted():
    """Two people's additions meet in different lines."""
    names = list(json.loads((WEB / "translations/zh.json").read_text(encoding="utf-8")))

    assert names == sorted(names)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_blank_workbooks_are_downloads(app: Flask, language: str):
    """With the form's name in their language."""
    answer = signed_in(app, "alice").get(f"/templates/visit-{language}.xlsx")

    assert answer.data[:2] == b"PK"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")


@pytest.mark.parametrize(("language", "region"), [("zh", "华东"), ("en", "East")])
def test_a_region_is_named_in_the_reader_s_language(app: Flask, site: Site, alice: Viewer, language: str, region: str):
    """In a record's answers, and beside the name of who looks after it."""
    number = fill_in(site, alice).record_number
    browser = signed_in(app, "mei")
    browser.post("/language", {"language": language, "next": "/"})

    assert region in visible_text(browser.get(f"/records/{number}").text)
    assert region in visible_text(browser.get("/account").text)


@pytest.mark.parametrize(
    "path",
    [
        "/templates/nothing-zh.xlsx",
        "/templates/visit-fr.xlsx",
        "/forms/nothing/new",
        "/forms/nothing/records",
        "/forms/visit/records.pdf",
        "/submissions/nothing",
        "/records/nothing",
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(app: Flask, path: str):
    """404 with the way back."""
    answer = signed_in(app, "alice").get(path)

    assert answer.status_code == 404
    assert "页面不存在" in answer.text


def test_a_fresh_token_is_shown_once(app: Flask):
    """And can be revoked on the same page."""
    alice = signed_in(app, "alice")
    fresh = alice.post("/account/tokens", {"name": "Excel", "scope": "submit"}).text
    token = re.search(r'value="(as_[a-z0-9]{12}_[^"]+)"', fresh)

    assert token is not None
    page = alice.get("/account").text
    assert token[1] not in page
    revoke = re.search(r'action="(/account/tokens/[a-z0-9]+/revoke)"', page)
    assert revoke is not None
    alice.post(revoke[1])
    assert "已撤销" in visible_text(alice.get("/account").text)


def test_errors_of_visitors_have_a_page_too(app: Flask):
    """Without a menu that leads nowhere."""
    answer = Browser(app).get("/nowhere")

    assert answer.status_code == 404
    assert "<nav" not in answer.text
