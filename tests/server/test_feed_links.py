"""Feed links and web queries: what a link opens, for whom, how long; its page and the .iqy that asks for it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from lxml import html
from sqlalchemy import select, update

from server.access.feed_links import UNUSED
from server.access.models import FeedLink, Token
from server.access.people import set_active
from server.access.tokens import revoke_token
from server.access.visibility import Viewer
from server.app import create_app
from server.records.models import AuditEntry
from server.reports.feed import Feed
from server.reports.feed_links import make_link
from server.site import Site
from server.statistics.datasets import load
from tests.server.browsing import Program, program, signed_in, visible_text
from tests.server.visits import fill_in

on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
SERVER = "http://localhost"
VISITS = "records_visit"


def link(site: Site, viewer: Viewer, **narrowing: Any) -> str:
    """The path of a new link of *viewer*'s to the visits."""
    feed = Feed(dataset=VISITS, **narrowing)
    return make_link(site, viewer, feed, name="WPS", server=SERVER).removeprefix(SERVER)


def table(page: str) -> list[list[str]]:
    """The cells of the one table on *page*, headings first."""
    (found,) = html.fromstring(page).xpath("//table[@id='aftersheet']")
    return [["".join(cell.itertext()) for cell in row] for row in found.iter("tr")]


@pytest.mark.parametrize("name", ["a\x00b", "a\ud800b"])
def test_a_name_no_database_takes_is_cleaned(app: Flask, site: Site, name: str):
    """A NUL stops PostgreSQL, half a surrogate pair both."""
    client = program(app, site, "bob")
    body = json.dumps({"dataset": VISITS, "name": name})
    made = client.client.post(
        "/api/v1/feed-links", data=body, content_type="application/json", headers=client.headers
    )  # fmt: skip

    assert made.status_code == 201
    assert client.get("/feed-links").get_json()["feed_links"][0]["name"] == "ab"


def test_a_link_reads_one_dataset_as_its_owner(app: Flask, site: Site, alice: Viewer, charlie: Viewer):
    """Headings and choices in the link's language, the rows its owner sees, nothing of another dataset."""
    fill_in(site, alice, {"note": "<b>=1+1</b>\n二行", "visited_on": "2026-03-01"})
    client = app.test_client()
    mine, theirs = link(site, alice, language="en"), link(site, charlie)
    with site.session(read_only=True) as session:
        dataset = load(session, VISITS, alice, site=site, language="en")
    page = client.get(mine)
    rows = table(page.text)
    places = {column.name: place for place, column in enumerate(dataset.columns)}

    assert rows[0] == [column.label.en for column in dataset.columns]
    assert rows[1][places["number"]] == dataset.data[places["number"]][0]
    assert (rows[1][places["severity"]], rows[1][places["visited_on"]]) == ("Minor", "2026-03-01")
    assert rows[1][places["note"]] == "<b>=1+1</b>二行"
    assert (rows[1][places["arrived_at"]], len(rows)) == ("", 2)
    assert len(table(client.get(theirs).text)) == 1
    assert client.get(mine.replace(VISITS, "records_visit__parts")).status_code == 404
    assert client.get(mine[:-4] + "AAAA").status_code == 404
    assert client.get(f"/webquery/{VISITS}/none").status_code == 404


@on_sqlite
def test_text_stays_text_and_nothing_stands_around_the_table(app: Flask, site: Site, alice: Viewer):
    """Formats for Excel, UTF-8, and the as-of time where no web query brings it in."""
    fill_in(site, alice)
    page = app.test_client().get(link(site, alice))
    body = html.fromstring(page.text).find("body")

    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert 'td.text{mso-number-format:"\\@";}' in page.text
    assert f"截至 {datetime.now(site.zone):%Y-%m-%d}" in page.text.partition("</title>")[0]
    assert [child.tag for child in body] == ["table"]


@on_sqlite
def test_a_link_ends(app: Flask, site: Site, ada: Viewer, alice: Viewer):
    """By its owner's hand, with the account, and by itself when nobody has used it for long."""
    client = app.test_client()
    first, second, third, fourth = (link(site, alice) for _ in range(4))
    ids = [path.rpartition("fl-")[2][:12] for path in (first, second, third, fourth)]
    signed_in(app, "alice").post(f"/live/links/{ids[0]}/revoke")
    long_ago = datetime.now(UTC) - UNUSED - timedelta(days=1)
    with site.session() as session:
        session.execute(update(FeedLink).where(FeedLink.id == ids[1]).values(created_at=long_ago))
        session.execute(
            update(FeedLink).where(FeedLink.id == ids[2]).values(created_at=long_ago, last_used_at=datetime.now(UTC))
        )

    assert [client.get(path).status_code for path in (first, second, third)] == [404, 404, 200]
    with site.session() as session:
        set_active(session, "alice", False)
    assert client.get(fourth).status_code == 404


def test_the_use_of_a_link_is_noted_and_its_secret_nowhere(
    app: Flask, site: Site, alice: Viewer, capsys: pytest.CaptureFixture[str]
):
    """In the list and in the audit chain; the log names neither dataset's rows nor the secret, the database a hash."""
    path = link(site, alice, period="this-month")
    secret, link_id = path.rpartition("-")[2], path.rpartition("fl-")[2][:12]
    capsys.readouterr()
    app.test_client().get(path)
    app.test_client().get(path[:-3] + "xxx")
    logged = capsys.readouterr().err
    with site.session(read_only=True) as session:
        stored = session.get_one(FeedLink, link_id)
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)).all()

    assert '"/webquery/<dataset>/<link>"' in logged
    assert secret[:20] not in logged + str(vars(stored)) + "".join(entry.details for entry in entries)
    assert stored.last_used_at is not None
    assert [(entry.action, entry.actor) for entry in entries[-2:]] == [
        ("feed-link-issued", "alice"),
        ("exported", "alice"),
    ]
    assert json.loads(entries[-1].details) == {"format": "webquery", "rows": 0, "link": link_id}


@on_sqlite
def test_the_page_makes_a_link_and_shows_it_once(app: Flask, site: Site):
    """With its address, or as an .iqy file; both lists have it, without the secret."""
    browser = signed_in(app, "alice")
    form = {"dataset": VISITS, "period": "this-year", "region": "华东", "name": "月报", "as": "page"}
    shown = browser.post("/live/links", form)
    address = html.fromstring(shown.text).xpath("//section[contains(@class,'receipt')]//input/@value")[0]
    file = browser.post("/live/links", form | {"as": "iqy"})
    lines = file.data.split(b"\r\n")

    assert app.test_client().get(address.removeprefix(SERVER)).status_code == 200
    assert lines[:2] == [b"WEB", b"1"]
    assert (lines[2].decode().isascii(), lines[4], lines[5]) == (True, b"Selection=aftersheet", b"Formatting=All")
    assert app.test_client().get(lines[2].decode().removeprefix(SERVER)).status_code == 200
    assert "filename*=UTF-8''" in file.headers["Content-Disposition"]
    for page in ("/live", "/account"):
        text = visible_text(browser.get(page).text)
        assert ("月报" in text, "本年" in text, "华东" in text) == (True, True, True)
        assert address[-20:] not in browser.get(page).text
    assert browser.post("/live/links", form | {"region": "无"}).status_code == 422
    assert browser.post("/live/links", form | {"dataset": "none"}).status_code == 400


@on_sqlite
def test_programs_make_list_and_end_links(app: Flask, site: Site):
    """Over the API, as described; in the language of the account unless another is named."""
    client = program(app, site, "alice", "read")

    def post(body: Any, query: str = "") -> Any:
        return client.client.post(f"/api/v1/feed-links{query}", json=body, headers=client.headers)

    made = post({"dataset": VISITS, "period": "2026-05", "station": "CZ", "name": "周报"})
    (listed,) = client.get("/feed-links").get_json()["feed_links"]
    file = post({"dataset": VISITS}, "?format=iqy")

    assert (made.status_code, file.status_code, file.data[:5]) == (201, 201, b"WEB\r\n")
    assert app.test_client().get(made.get_json()["url"].removeprefix(SERVER)).status_code == 200
    assert (listed["id"], listed["name"]) == (made.get_json()["id"], "周报")
    assert listed["options"] == {"period": "2026-05", "station": "CZ", "lang": "zh"}
    named = post({"dataset": VISITS, "lang": "en"}), post({"dataset": VISITS}, "?lang=en")
    assert [link.get_json()["options"] for link in named] == [{"lang": "en"}] * 2
    other = program(app, site, "charlie", "read")
    path = f"/api/v1/feed-links/{listed['id']}"
    assert other.client.delete(path, headers=other.headers).status_code == 404
    assert client.client.delete(path, headers=client.headers).status_code == 204
    assert app.test_client().get(made.get_json()["url"].removeprefix(SERVER)).status_code == 404


@pytest.mark.parametrize("ending", ["revoked", "expired"])
def test_a_link_ends_with_the_token_it_was_made_with(app: Flask, site: Site, alice: Viewer, ending: str):
    """One from a lost laptop's token is shut with it; those of the page and of other tokens go on."""
    lost, other = program(app, site, "alice", "read"), program(app, site, "alice", "read")
    paths = [
        client.client.post("/api/v1/feed-links", json={"dataset": VISITS}, headers=client.headers).get_json()["url"]
        for client in (lost, other)
    ]
    paths.append(link(site, alice))
    before = [app.test_client().get(path).status_code for path in paths]
    token_id = lost.headers["Authorization"].split("_")[1]
    with site.session() as session:
        if ending == "revoked":
            assert revoke_token(session, alice, token_id)
        else:
            session.get_one(Token, token_id).expires_at = datetime.now(UTC)
    after = [app.test_client().get(path).status_code for path in paths]
    listed = other.get("/feed-links").get_json()["feed_links"]

    assert (before, after) == ([200, 200, 200], [404, 200, 200])
    assert [entry["token"] for entry in listed] == [None, "test"]
    assert "随令牌“test”失效" in signed_in(app, "alice").get("/live").text


@on_sqlite
def test_a_guessed_link_takes_nothing_of_its_owners_limit(site: Site, alice: Viewer, monkeypatch: pytest.MonkeyPatch):
    """Its public part is in lists; whoever tries secrets for it uses up what his own address may ask."""
    monkeypatch.setattr("server.web.live.PER_MINUTE", 3)
    app = create_app(site)
    path = link(site, alice)
    guessed = [app.test_client().get(f"{path[:-4]}{n:04}").status_code for n in range(5)]

    assert guessed == [404, 404, 404, 429, 429]
    assert app.test_client().get(path).status_code == 200


@on_sqlite
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"dataset": "none"}, 404),
        ({"dataset": VISITS, "period": "2026-13"}, 400),
        ({"dataset": VISITS, "start": "yesterday"}, 400),
        ({"dataset": VISITS, "station": "nowhere"}, 400),
        ({"dataset": [VISITS]}, 400),
        ([], 400),
    ],
)
def test_a_link_to_what_cannot_be_is_a_problem(app: Flask, site: Site, body: Any, status: int):
    """That says what can be."""
    client: Program = program(app, site, "alice", "read")
    answer = client.client.post("/api/v1/feed-links", json=body, headers=client.headers)

    assert (answer.status_code, len(answer.get_json()["detail"]) > 10) == (status, True)
