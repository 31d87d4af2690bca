"""The API takes workbooks in and answers with receipts or problems."""

import hashlib
import uuid
from io import BytesIO
from typing import Any

import pytest
from flask import Flask

from server.access import idempotency
from server.site import Site
from tests.server.browsing import Program, program
from tests.server.visits import workbook
from workbooks.filled import Identity

BAD = {"severity": None}


@pytest.fixture
def client(app: Flask, site: Site) -> Program:
    """A program of Alice's."""
    return program(app, site, "alice")


def test_a_good_workbook_is_created(client: Program):
    """201, the receipt, and where to read it again."""
    answer = client.send(workbook(), "?filename=走访.xlsx")

    receipt: dict[str, Any] = answer.get_json()
    assert answer.status_code == 201
    assert receipt["outcome"] == "recorded"
    assert receipt["filename"] == "走访.xlsx"
    assert receipt["findings"] == []
    assert answer.location.endswith(receipt["links"]["self"])
    again = client.client.get(receipt["links"]["self"], headers=client.headers).get_json()
    assert again["record_number"] == receipt["record_number"]


def test_the_same_workbook_again_is_not_created_again(client: Program):
    """200, with the number it has."""
    content = workbook()
    first, second = client.send(content), client.send(content)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.get_json()["record_number"] == first.get_json()["record_number"]


def test_a_bad_workbook_is_a_problem_with_findings(client: Program):
    """A program finds the cells, and a person the words, in both languages."""
    answer = client.send(workbook(BAD))

    problem = answer.get_json()
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert problem["slug"] == "findings"
    assert problem["type"].endswith("#problem-findings")
    assert [finding["slug"] for finding in problem["findings"]] == ["missing-value"]
    assert problem["findings"][0]["cell"]
    assert set(problem["findings"][0]["what"]) == {"zh", "en"}
    marked = client.client.get(problem["links"]["workbook"], headers=client.headers)
    assert marked.data[:2] == b"PK"


def test_browsers_may_send_a_form(client: Program):
    """multipart/form-data with the field `file`."""
    answer = client.client.post(
        "/api/v1/submissions", data={"file": (BytesIO(workbook()), "走访.xlsx")}, headers=client.headers
    )

    assert answer.status_code == 201
    assert answer.get_json()["filename"] == "走访.xlsx"


def test_the_name_may_come_in_the_header(client: Program):
    """Content-Disposition, as browsers and mail programs write it."""
    name = "attachment; filename*=UTF-8''%E8%B5%B0%E8%AE%BF.xlsx"
    answer = client.send(workbook(), Content_Disposition=name)

    assert answer.get_json()["filename"] == "走访.xlsx"


def test_a_workbook_of_another_form_is_turned_down(client: Program):
    """When the sender said what it should be."""
    answer = client.send(workbook(), "?form=fracas")

    assert [finding["slug"] for finding in answer.get_json()["findings"]] == ["wrong-form"]


REFUSED = {
    "no such form": ({"content": b"PK", "query": "?form=nothing"}, 404, "not-found"),
    "no file": ({"content": b""}, 400, "empty-body"),
    "no workbook type": ({"content": b"{}", "media_type": "application/json"}, 415, "unsupported-media-type"),
    "too large": ({"content": b"x" * 3_000_000}, 413, "too-large"),
    "key too long": ({"content": b"x", "Idempotency_Key": "k" * 201}, 400, "bad-request"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_requests_are_problems(app: Flask, client: Program, case: str):
    """Each with its slug, what to do in both languages, and the request's id."""
    arguments, status, slug = REFUSED[case]
    app.config["MAX_CONTENT_LENGTH"] = 2_000_000
    answer = client.send(**arguments)

    problem = answer.get_json()
    assert (answer.status_code, problem["slug"], problem["status"]) == (status, slug, status)
    assert answer.mimetype == "application/problem+json"
    assert set(problem["messages"]) == {"zh", "en"}
    assert problem["request_id"] == answer.headers["X-Request-Id"]


def test_problems_speak_the_language_asked_for(client: Program):
    """By query or by header."""
    assert client.get("/records/none?lang=zh").get_json()["title"] == "没有找到"
    assert client.get("/records/none", **{"Accept-Language": "zh-CN,zh;q=0.9"}).get_json()["title"] == "没有找到"
    assert client.get("/records/none").get_json()["title"] == "Not found"


def test_one_key_has_one_effect_and_one_answer(client: Program):
    """A client on a bad line repeats its request, and gets the answer it missed."""
    key, content = str(uuid.uuid4()), workbook()
    first = client.send(content, Idempotency_Key=key)
    again = client.send(content, Idempotency_Key=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_json() == first.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers


def test_a_turned_down_workbook_is_answered_the_same_again(client: Program):
    """Findings and all."""
    first = client.send(workbook(BAD), Idempotency_Key="k1")
    again = client.send(workbook(BAD), Idempotency_Key="k1")

    assert (first.status_code, again.status_code) == (422, 422)
    ignored = {"request_id"}
    assert {k: v for k, v in again.get_json().items() if k not in ignored} == {
        k: v for k, v in first.get_json().items() if k not in ignored
    }


def test_a_key_belongs_to_one_body(client: Program):
    """Another workbook under the same key is a mistake of the client."""
    client.send(workbook(), Idempotency_Key="k1")
    other = client.send(workbook(identity=Identity(instance_id="instance-2")), Idempotency_Key="k1")

    assert (other.status_code, other.get_json()["slug"]) == (422, "key-reused")


def test_a_request_still_at_work_is_not_run_twice(client: Program, site: Site):
    """409, and when to ask again."""
    content = workbook()
    token = client.headers["Authorization"].split("_")[1]
    with site.session() as session:
        idempotency.begin(session, f"token:{token}", "k1", hashlib.sha256(content).hexdigest())
    answer = client.send(content, Idempotency_Key="k1")

    assert (answer.status_code, answer.get_json()["slug"]) == (409, "still-running")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_failure_of_ours_does_not_block_the_key(app: Flask, client: Program, site: Site):
    """The client may repeat it at once, and the traceback stays here."""
    originals, content = site.originals, workbook()

    class Broken:
        def keep(self, content: bytes) -> str:
            raise RuntimeError("disk on fire")

    site.originals = Broken()  # type: ignore[assignment]
    failed = client.send(content, Idempotency_Key="k1")
    site.originals = originals
    repeated = client.send(content, Idempotency_Key="k1")

    assert (failed.status_code, failed.get_json()["slug"]) == (500, "internal-error")
    assert "disk on fire" not in failed.text
    assert repeated.status_code == 201
