"""The API hands out forms, records, figures and its own description."""

import csv
import json
import time
from io import BytesIO, StringIO
from typing import Any

import pytest
from flask import Flask
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from openpyxl import load_workbook
from sqlalchemy import text

from server.access.people import find_user
from server.access.tokens import revoke_token, tokens_of
from server.access.visibility import Viewer
from server.api.description import document
from server.app import create_app
from server.site import Site
from tests.server.browsing import Program, program, signed_in
from tests.server.visits import fill_in, workbook
from workbooks.reader import read


@pytest.fixture
def client(app: Flask, site: Site) -> Program:
    """A program of Alice's."""
    return program(app, site, "alice")


def conforms(body: Any, schema: str) -> None:
    """*body* is what the published description says."""
    described = document()
    whole = {"$ref": f"#/components/schemas/{schema}", "components": described["components"]}
    errors = [error.message for error in OAS31Validator(whole).iter_errors(body)]
    assert errors == []


def test_the_description_is_valid_openapi():
    """Tools can make clients from it."""
    validate(document())


def test_the_description_lists_every_route_and_no_other(app: Flask):
    """With its methods."""
    served = {
        (rule.rule.replace("<", "{").replace(">", "}").removeprefix("/api/v1"), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, methods in document()["paths"].items() for method in methods}

    assert served == described


def test_the_description_and_its_page_are_open(app: Flask):
    """Without a token, and without anything from elsewhere."""
    client = app.test_client()

    assert client.get("/api/v1/openapi.json").get_json()["openapi"].startswith("3.1")
    page = client.get("/api/v1/docs").text
    assert all(path in page for path in document()["paths"])
    assert "problem-findings" in page


def test_answers_are_as_described(client: Program, site: Site, alice: Viewer, bob: Viewer):
    """Receipts, problems, records, datasets: each fits its schema."""
    receipt = client.send(workbook()).get_json()
    number = receipt["record_number"]
    fill_in(site, bob, {"verdict": "合格"}, number=number, revision=1)
    problem = client.send(workbook({"severity": None})).get_json()

    conforms(receipt, "Receipt")
    conforms(problem, "FindingsProblem")
    conforms(client.get(f"/submissions/{receipt['submission_id']}").get_json(), "Submission")
    conforms(client.get("/forms/visit/records").get_json(), "RecordPage")
    conforms(client.get(f"/records/{number}").get_json(), "RecordDetail")
    conforms(client.get("/records/none").get_json(), "Problem")
    for template in client.get("/templates").get_json()["templates"]:
        conforms(template, "Template")
    for listed in client.get("/datasets").get_json()["datasets"]:
        conforms(listed, "DatasetDefinition")
        conforms(client.get(f"/datasets/{listed['name']}").get_json(), "Dataset")
    for listed in client.get("/reports").get_json()["reports"]:
        conforms(listed, "Report")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_template_is_the_blank_workbook(client: Program, site: Site, language: str):
    """In the language asked for, with its identity."""
    answer = client.get(f"/templates/visit?lang={language}")

    identity = read(answer.data, site.definitions).identity
    assert (identity.form_id, identity.language) == ("visit", language)


def test_records_are_found_by_conditions(client: Program, site: Site, alice: Viewer):
    """Several conditions, search, order and pages."""
    for number, day in enumerate(("2026-03-01", "2026-03-02", "2026-03-03")):
        fill_in(site, alice, {"visited_on": day, "note": f"第{number}次"}, instance_id=f"i{number}")

    def days(query: str) -> list[str]:
        return [
            row["values"]["visited_on"] for row in client.get(f"/forms/visit/records?{query}").get_json()["records"]
        ]

    assert days("where=visited_on>=2026-03-02&where=severity=minor&sort=visited_on") == ["2026-03-02", "2026-03-03"]
    assert days("search=第1次") == ["2026-03-02"]
    assert days("sort=-visited_on&per_page=2&page=2") == ["2026-03-01"]


@pytest.mark.parametrize("query", ["where=nothing=1", "where=hours>abc", "where=what", "sort=nothing"])
def test_a_wrong_condition_is_a_problem(client: Program, query: str):
    """That says what is wrong."""
    answer = client.get(f"/forms/visit/records?{query}")

    assert (answer.status_code, answer.get_json()["slug"]) == (400, "bad-request")
    assert len(answer.get_json()["detail"]) > 20


def test_a_record_comes_with_its_history(client: Program, site: Site, alice: Viewer, bob: Viewer):
    """Who changed what, and the workbook to go on with."""
    number = fill_in(site, alice).record_number
    fill_in(site, bob, {"verdict": "合格"}, number=number, revision=1)
    found = client.get(f"/records/{number}").get_json()

    assert found["revision"] == 2
    assert [change["field"] for change in found["revisions"][1]["changes"]] == ["verdict"]
    assert found["revisions"][1]["changes"][0]["after"] == "合格"
    identity = read(client.get(f"/records/{number}/workbook").data, site.definitions).identity
    assert (identity.record_number, identity.revision) == (number, 2)


def test_a_dataset_comes_in_three_formats(client: Program, site: Site, alice: Viewer):
    """By query or by the Accept header, with the same rows."""
    fill_in(site, alice)
    rows = client.get("/datasets/records_by_form").get_json()["rows"]
    as_csv = client.get("/datasets/records_by_form", Accept="text/csv")
    as_workbook = client.get("/datasets/records_by_form?format=xlsx")

    assert rows
    assert as_csv.data.startswith(b"\xef\xbb\xbf")
    assert len(list(csv.reader(StringIO(as_csv.data.decode("utf-8-sig"))))) == len(rows) + 1
    sheet = load_workbook(BytesIO(as_workbook.data)).worksheets[0]
    assert sheet.max_row == len(rows) + 1
    assert len(sheet.tables) == 1


def test_a_dataset_can_be_of_an_earlier_day(client: Program):
    """History is reproducible."""
    body = client.get("/datasets/records_by_form?as_of=2026-01-31").get_json()

    assert body["as_of"] == "2026-01-31T15:59:59Z"


def test_a_dataset_can_be_narrowed(client: Program, site: Site, alice: Viewer):
    """To a station, a region and so on, as reports and pushes are; what there is not is told."""
    fill_in(site, alice)
    forms = [
        client.get(f"/datasets/records_by_form{query}").get_json()["rows"]
        for query in ("", "?station=CZ", "?station=CD")
    ]
    wrong = client.get("/datasets/records_by_form?station=Atlantis")

    assert forms[0] == forms[1] != forms[2]
    assert (wrong.status_code, wrong.get_json()["slug"]) == (400, "bad-request")


@pytest.mark.parametrize(
    "query", ["as_of=gestern", "as_of=0001-01-01", "as_of=9999-12-31", "start=2026-13-01", "end=x"]
)
def test_a_wrong_day_is_a_problem(client: Program, query: str):
    """400, and how to write it."""
    answer = client.get(f"/datasets/records_by_form?{query}")

    assert (answer.status_code, answer.get_json()["slug"]) == (400, "bad-request")


def test_an_unknown_format_is_a_problem(client: Program):
    """406, and which there are."""
    assert client.get("/datasets/records_by_form?format=pdf").status_code == 406
    assert client.get("/datasets/records_by_form", Accept="application/pdf").status_code == 406


def test_a_report_is_a_workbook(client: Program):
    """Also over an empty database."""
    name = client.get("/reports").get_json()["reports"][0]["name"]
    answer = client.get(f"/reports/{name}?lang=zh")

    assert answer.status_code == 200
    assert load_workbook(BytesIO(answer.data)).worksheets


def test_a_method_that_is_not_there_is_a_problem(client: Program):
    """With the ones that are."""
    answer = client.client.delete("/api/v1/templates", headers=client.headers)

    assert (answer.status_code, answer.get_json()["slug"]) == (405, "method-not-allowed")
    assert "GET" in answer.headers["Allow"]
    assert client.client.get("/api/v1/nowhere").get_json()["slug"] == "not-found"


def test_no_token_no_answer(app: Flask):
    """And the cookie of a signed-in visitor is no token."""
    browser = signed_in(app, "alice")

    for headers in ({}, {"Authorization": "Bearer as_000000000000_nothing"}, {"Authorization": "Basic YTpi"}):
        answer = browser.client.get("/api/v1/templates", headers=headers)
        assert (answer.status_code, answer.get_json()["slug"]) == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_token_is_none(app: Flask, site: Site, client: Program):
    """From the next request on."""
    assert client.get("/templates").status_code == 200
    with site.session() as session:
        alice = find_user(session, "alice")
        assert alice is not None
        revoke_token(session, alice, tokens_of(session, alice)[0].id)

    assert client.get("/templates").status_code == 401


def test_a_token_does_only_what_it_was_issued_for(app: Flask, site: Site):
    """Reading with one, sending with the other."""
    reader, sender = program(app, site, "alice", "read"), program(app, site, "alice", "submit")

    assert reader.send(workbook()).status_code == 403
    assert sender.get("/templates").status_code == 403
    assert sender.send(workbook()).status_code == 201
    assert reader.get("/templates").status_code == 200


def test_a_token_has_its_share_of_requests(site: Site, monkeypatch: pytest.MonkeyPatch):
    """One program in a loop does not stop the others."""
    monkeypatch.setattr("server.api.PER_MINUTE", 3)
    app = create_app(site)
    busy, other = program(app, site, "alice"), program(app, site, "alice")
    statuses = [busy.get("/templates").status_code for _ in range(4)]

    assert statuses == [200, 200, 200, 429]
    assert int(busy.get("/templates").headers["Retry-After"]) > 0
    assert other.get("/templates").status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/templates", "/odata/v4/"])
def test_a_forged_token_takes_nothing_of_its_owners_share(site: Site, monkeypatch: pytest.MonkeyPatch, path: str):
    """A known id with a made-up secret counts for the address it comes from, and so do ever new ids."""
    for package in ("server.api", "server.api.odata"):
        monkeypatch.setattr(f"{package}.PER_MINUTE", 3)
    app = create_app(site)
    client = program(app, site, "alice")
    forged = [client.headers["Authorization"][:-5] + "AAAAA", "Bearer as_000000000001_" + "A" * 43, "Bearer as_x_y"]
    answers = [client.client.get(path, headers={"Authorization": forged[n % 3]}).status_code for n in range(5)]

    assert answers == [401, 401, 401, 429, 429]
    assert client.client.get(path, headers=client.headers).status_code == 200


def test_health_is_told_without_a_token(app: Flask):
    """For whoever watches the server; without details of the installation."""
    client = app.test_client()

    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert json.loads(client.get("/readyz").text) == {"status": "ok", "checks": {"database": True, "disk": True}}


def test_a_page_beyond_all_numbers_is_empty(client: Program):
    """Whatever a program counts up to is answered, never an error of ours."""
    answer = client.get(f"/forms/visit/records?page={10**20}")

    assert (answer.status_code, answer.get_json()["records"]) == (200, [])


@pytest.mark.parametrize("day", ["1990-01-01", "2199-12-31"])
def test_reports_are_built_for_every_day_that_is_taken(client: Program, day: str):
    """Also where there are no figures yet, or none any more."""
    assert client.get(f"/reports/fracas_board?as_of={day}").data[:2] == b"PK"


def test_reading_does_not_wait_for_a_writer(client: Program, site: Site):
    """While a long import holds the database, programs still get their answers; the first call has noted the token."""
    assert client.get("/templates").status_code == 200
    with site.session() as writer:
        writer.execute(text("UPDATE users SET language = 'en'"))
        started = time.monotonic()
        status = client.get("/templates").status_code

    assert status == 200
    assert time.monotonic() - started < 5
