"""The API says what it finds in a workbook without taking it in."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from server.access.visibility import Viewer
from server.records.models import Record, Submission
from server.site import Site
from tests.server.browsing import XLSX, Program, program
from tests.server.test_api_reading import conforms
from tests.server.visits import send, workbook
from workbooks.macros import with_macros


def check(client: Program, content: bytes, query: str = "", media_type: str = XLSX) -> TestResponse:
    return client.client.post(f"/api/v1/checks{query}", data=content, content_type=media_type, headers=client.headers)


def kept(site: Site) -> tuple[Any, ...]:
    """How many submissions, records and originals there are."""
    with site.session(read_only=True) as session:
        counts = (session.scalar(select(func.count()).select_from(table)) for table in (Submission, Record))
        return (*counts, sum(path.is_file() for path in (site.settings.home / "originals").rglob("*")))


@pytest.fixture
def client(app: Flask, site: Site) -> Program:
    """A program of Alice's."""
    return program(app, site, "alice")


def test_a_good_workbook_would_be_accepted(client: Program, site: Site):
    """As described, in the words of a submission; and nothing is stored."""
    before = kept(site)
    answer = check(client, workbook(), "?filename=走访.xlsx")

    found = answer.get_json()
    assert answer.status_code == 200
    assert (found["accepted"], found["outcome"], found["form_id"]) == (True, "recorded", "visit")
    assert (found["filename"], found["record_number"], found["findings"]) == ("走访.xlsx", None, [])
    conforms(found, "Check")
    assert kept(site) == before


def test_what_is_wrong_is_what_a_submission_would_say(client: Program, site: Site):
    """The same findings at the same cells, also for a workbook with macros."""
    content = workbook({"severity": None})
    before = kept(site)
    found = check(client, with_macros(content, language="zh")).get_json()

    assert (found["accepted"], found["outcome"]) == (False, "rejected")
    conforms(found, "Check")
    assert kept(site) == before
    assert found["findings"] == client.send(content).get_json()["findings"]


def test_a_file_that_cannot_be_read_is_a_finding(client: Program, site: Site):
    """What is no workbook ends in the same guard as a submission."""
    found = check(client, b"%PDF-1.7").get_json()

    assert [finding["slug"] for finding in found["findings"]] == ["not-a-workbook"]
    assert found["form_id"] is None
    conforms(found, "Check")


def test_what_is_in_already_says_where(client: Program, site: Site, alice: Viewer):
    """The very bytes, and the same contents in another file."""
    content = workbook()
    number = send(site, alice, content).record_number
    for again in (content, with_macros(content, language="zh")):
        found = check(client, again).get_json()

        assert (found["outcome"], found["record_number"]) == ("already-received", number)


def test_charlie_learns_nothing_of_alices_record(app: Flask, site: Site, alice: Viewer):
    """Her number in his file is unknown, her bytes are new to him, and her station is not his."""
    content = workbook()
    number = send(site, alice, content).record_number
    found = check(program(app, site, "charlie"), content).get_json()

    assert found["record_number"] is None
    assert found["outcome"] == "rejected"
    assert str(number) not in str(found)


def test_a_token_for_reading_may_not_check(app: Flask, site: Site):
    """The scope is that of submissions; without a token nobody checks."""
    reader = program(app, site, "alice", "read")
    visitor = Program(app, "none")

    assert [check(client, workbook()).status_code for client in (reader, visitor)] == [403, 401]


def test_a_wrong_form_is_said(client: Program):
    """When the sender said what it should be."""
    found = check(client, workbook(), "?form=fracas").get_json()

    assert [finding["slug"] for finding in found["findings"]] == ["wrong-form"]


@pytest.mark.parametrize(
    ("content", "query", "media_type", "status"),
    [(b"", "", XLSX, 400), (b"{}", "", "application/json", 415), (b"PK", "?form=nothing", XLSX, 404)],
)
def test_bad_requests_are_problems(client: Program, content: bytes, query: str, media_type: str, status: int):
    """As for a submission."""
    assert check(client, content, query, media_type).status_code == status
