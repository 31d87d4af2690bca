"""Every route, and what three people without a right to it get: Charlie of another station, and a visitor."""

import uuid
from collections.abc import Mapping
from typing import NamedTuple

import pytest
from flask import Flask

from server.access.feed_links import feed_link_id, issue_feed_link
from server.access.seals import issue
from server.access.tokens import issue_token, tokens_of
from server.access.visibility import Viewer
from server.intake.mail.eml import take_eml
from server.reports.handed_back import keep
from server.site import Site
from tests.server.browsing import Browser, Program, program, signed_in
from tests.server.mail.posts import post
from tests.server.registered.books import uploaded
from tests.server.visits import fill_in, send, workbook


class Answers(NamedTuple):
    """The status Charlie gets for Alice's things, and the one a visitor gets (302: sent to the sign-in page)."""

    charlie: int
    visitor: int


OPEN = Answers(200, 200)
OWN = Answers(200, 302)  # the page is everybody's who is signed in, what it lists is only one's own
HIDDEN = Answers(404, 302)  # Alice's: for Charlie it does not exist
KEEPERS = Answers(404, 302)  # of people who look after the mail
TOKEN = Answers(200, 401)
HIDDEN_TOKEN = Answers(404, 401)

_WORKBOOK = "/workbooks/<int(max=2147483647):workbook_id>"
ROUTES: Mapping[str, Answers] = {
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /static/<path:filename>": OPEN,
    "GET /sign-in": Answers(302, 200),
    "POST /sign-in": Answers(401, 401),
    "POST /sign-out": Answers(302, 302),
    "POST /language": Answers(302, 302),
    "GET /": OWN,
    "GET /boards/<board>": OWN,
    "GET /charts/<name>": OWN,
    "GET /charts/<name>.<kind>": OWN,
    "GET /charts/<name>/records": OWN,
    "GET /charts/<name>/records.<kind>": OWN,
    "GET /scripts/plotly-<mark>.js": Answers(404, 404),  # by its own name only
    "GET /reports/<name>.xlsx": OWN,
    "POST /reports/<name>.xlsx": OWN,
    "GET /account": OWN,
    "POST /account/password": Answers(422, 302),
    "POST /account/sessions": Answers(302, 302),
    "POST /account/tokens": Answers(422, 302),
    "POST /account/tokens/<token_id>/revoke": HIDDEN,
    "GET /templates": OWN,
    "GET /templates/<form_id>-<language>.xlsx": OWN,
    "GET /templates/<form_id>-<language>.xlsm": OWN,
    "GET /forms/<form_id>/new": OWN,
    "POST /forms/<form_id>/new": Answers(422, 302),
    "GET /forms/<form_id>/records": OWN,
    "GET /forms/<form_id>/records.<kind>": OWN,
    "GET /records": Answers(302, 302),
    "GET /records/<number>": HIDDEN,
    "GET /records/<number>/workbook": HIDDEN,
    "GET /records/<number>/pictures/<digest>": HIDDEN,
    "GET /records/<number>/edit": HIDDEN,
    "POST /records/<number>/edit": HIDDEN,
    "GET /templates/issued": KEEPERS,
    "POST /templates/issued": KEEPERS,
    "GET /templates/propose": KEEPERS,
    "POST /templates/propose": KEEPERS,
    "GET /templates/propose/<digest>.zip": KEEPERS,
    "POST /templates/issued/<issue_id>/revoke": KEEPERS,
    "GET /mail": KEEPERS,
    "GET /mail/review": KEEPERS,
    "GET /mail/quarantine": KEEPERS,
    "GET /mail/outgoing": KEEPERS,
    "GET /mail/<int(max=2147483647):mail_id>": KEEPERS,
    "GET /mail/<int(max=2147483647):mail_id>/raw": KEEPERS,
    "GET /mail/<int(max=2147483647):mail_id>/workbooks/<int(max=9999):position>": KEEPERS,
    "POST /mail/<int(max=2147483647):mail_id>/release": KEEPERS,
    "POST /mail/<int(max=2147483647):mail_id>/refuse": KEEPERS,
    "POST /mail/<int(max=2147483647):mail_id>/retry": KEEPERS,
    "POST /mail/<int(max=2147483647):mail_id>/discard": KEEPERS,
    "GET /mail/replies/<int(max=2147483647):reply_id>.eml": KEEPERS,
    "POST /mail/replies/<int(max=2147483647):reply_id>/resend": KEEPERS,
    "GET /workbooks": KEEPERS,
    "GET /workbooks/new": KEEPERS,
    "POST /workbooks/new": KEEPERS,
    **{
        f"{route.partition(' ')[0]} {_WORKBOOK}{route.partition(' ')[2]}": KEEPERS
        for route in (
            "GET ",
            "GET /edit",
            "POST /edit",
            "POST /run",
            "POST /pause",
            "POST /resume",
            "POST /remove",
            "GET /latest",
            "GET /runs/<int(max=2147483647):run_id>/workbook",
        )
    },
    "GET /submit": OWN,
    "POST /submit": Answers(302, 302),
    "GET /submissions": OWN,
    "GET /submissions/<submission_id>": HIDDEN,
    "GET /submissions/<submission_id>/workbook": HIDDEN,
    "GET /submissions/<submission_id>/original": HIDDEN,
    "POST /submissions/<submission_id>/password": HIDDEN,
    "GET /api/v1/docs": OPEN,
    "GET /api/v1/openapi.json": OPEN,
    "POST /api/v1/submissions": Answers(400, 401),
    "POST /api/v1/checks": Answers(400, 401),
    "GET /api/v1/submissions/<submission_id>": HIDDEN_TOKEN,
    "GET /api/v1/submissions/<submission_id>/workbook": HIDDEN_TOKEN,
    "GET /api/v1/templates": TOKEN,
    "GET /api/v1/templates/<form_id>": TOKEN,
    "GET /api/v1/forms/<form_id>/records": TOKEN,
    "GET /api/v1/records/<number>": HIDDEN_TOKEN,
    "GET /api/v1/records/<number>/workbook": HIDDEN_TOKEN,
    "GET /api/v1/workbooks": TOKEN,
    "POST /api/v1/workbooks": Answers(400, 401),
    "GET /api/v1/workbooks/<workbook_id>": HIDDEN_TOKEN,
    "POST /api/v1/workbooks/<workbook_id>/runs": HIDDEN_TOKEN,
    "GET /api/v1/workbooks/<workbook_id>/workbook": HIDDEN_TOKEN,
    "GET /api/v1/workbooks/<workbook_id>/runs/<run_id>/workbook": HIDDEN_TOKEN,
    "GET /api/v1/datasets": TOKEN,
    "GET /api/v1/datasets/<name>": TOKEN,
    "GET /api/v1/reports": TOKEN,
    "GET /api/v1/reports/<name>": TOKEN,
    "POST /api/v1/reports/<name>": TOKEN,
    "GET /api/v1/feed-links": TOKEN,
    "POST /api/v1/feed-links": Answers(400, 401),
    "DELETE /api/v1/feed-links/<link_id>": HIDDEN_TOKEN,
    "POST /api/v1/datasets/<name>/push": Answers(400, 401),
    "POST /api/v1/reports/verify": Answers(400, 401),
    "GET /verify": OWN,
    "POST /verify": Answers(422, 302),
    "GET /refresh": OWN,
    "POST /refresh": Answers(422, 302),
    "GET /refresh/<token>": HIDDEN,
    "GET /live": OWN,
    "POST /live/links": Answers(400, 302),
    "POST /live/links/<link_id>/revoke": HIDDEN,
    "GET /webquery/<dataset>/<link>": Answers(404, 404),
    "GET /odata/v4/": TOKEN,
    "GET /odata/v4/$metadata": TOKEN,
    "GET /odata/v4/<path:resource>": TOKEN,
}


@pytest.fixture
def alices(site: Site, alice: Viewer, bob: Viewer) -> dict[str, str]:
    """Things of Alice's, and a workbook of Bob's, that stand in addresses."""
    assert uploaded(site, bob) == 1
    picture = b"\x89PNG\r\n\x1a\n"
    digest = site.originals.keep(picture)
    receipt = send(site, alice, workbook())
    mail = take_eml(site, post(workbook({"hours": "4.5"})))
    with site.session() as session:
        issue_id, _ = issue(session, site.seal_key, form_id="visit", version=2, station="CZ", by=alice)
        issue_token(session, alice, "Excel")
        token = tokens_of(session, alice)[0]
        link_id = feed_link_id(issue_feed_link(session, alice, "WPS", "records_visit", {}))
    return {
        "<number>": str(receipt.record_number),
        "<submission_id>": receipt.submission_id,
        "<token_id>": token.id,
        "<int(max=2147483647):workbook_id>": "1",
        "<int(max=2147483647):run_id>": "1",
        "<token>": keep(site, alice, b"her workbook"),
        "<workbook_id>": "1",
        "<run_id>": "1",
        "<int(max=2147483647):mail_id>": str(mail.mail_id),
        "<int(max=9999):position>": "1",
        "<int(max=2147483647):reply_id>": str(mail.reply_id),
        "<issue_id>": issue_id,
        "<form_id>": "visit",
        "<language>": "zh",
        "<kind>": "csv",
        "<digest>": digest,
        "<path:filename>": "page.css",
        "/datasets/<name>": "/datasets/records_by_form",
        "/reports/<name>": "/reports/fracas_board",
        "<path:resource>": "records_visit",
        "/charts/<name>": "/charts/modes",
        "<board>": "failures",
        "<link_id>": link_id,
    }


def test_every_route_says_what_charlie_gets(app: Flask):
    """A new route without an entry in the table fails here."""
    served = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert served == set(ROUTES)


def test_what_charlie_and_visitors_get(app: Flask, site: Site, alices: dict[str, str]):
    """Route by route; what is Alice's looks to Charlie like what is not there."""
    people = {"charlie": signed_in(app, "charlie"), "visitor": Browser(app)}
    programs = {"charlie": program(app, site, "charlie"), "visitor": Program(app, "none")}
    found = {
        route: Answers(*(_status(route, alices, people[who], programs[who]) for who in ("charlie", "visitor")))
        for route in sorted(ROUTES, key=_signs_out)
    }

    assert found == ROUTES


def test_what_charlie_lists_is_not_alices(app: Flask, site: Site, alices: dict[str, str]):
    """Neither on pages nor in files nor through the API."""
    number, browser, client = alices["<number>"], signed_in(app, "charlie"), program(app, site, "charlie")
    pages = ("/submissions", "/forms/visit/records", "/forms/visit/records?q=常州", "/forms/visit/records.csv")

    assert all(number not in browser.get(path).text for path in pages)
    assert client.get("/forms/visit/records").get_json()["total"] == 0
    assert all(number not in client.get(f"/datasets/{entry['name']}").text for entry in _datasets(client))
    assert number in signed_in(app, "mei").get("/forms/visit/records").text


def test_charlie_cannot_revise_alices_record(app: Flask, site: Site, alice: Viewer, charlie: Viewer):
    """A number typed into his own form is a finding, and changes nothing."""
    number = fill_in(site, alice).record_number
    receipt = fill_in(site, charlie, {"note": "von mir"}, number=number, revision=1)

    assert receipt.record_number is None
    assert "unknown-record" in {finding.slug for finding in receipt.findings}


def _datasets(client: Program) -> list[dict[str, str]]:
    found: list[dict[str, str]] = client.get("/datasets").get_json()["datasets"]
    return found


def _status(route: str, alices: Mapping[str, str], browser: Browser, client: Program) -> int:
    method, _, path = route.partition(" ")
    for hole, value in alices.items():
        path = path.replace(hole, value)
    if path.startswith(("/api/", "/odata/")):
        return client.client.open(path, method=method, headers=client.headers).status_code
    data = {"language": "en", "revision": "1", "instance_id": str(uuid.uuid4())}
    answer = browser.post(path, data) if method == "POST" else browser.get(path)
    answer.close()
    return answer.status_code


def _signs_out(route: str) -> bool:
    """Signing out comes last, or the rest would be a visitor's."""
    return route == "POST /sign-out"
