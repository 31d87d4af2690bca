"""Workbooks with buttons, and the dialogue their macros have with a server that really listens."""

import http.client
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from flask import Flask

from server.access.visibility import Viewer
from server.cli import main
from server.intake.macros import MEDIA_TYPE, SigningError, form_with_macros, signed
from server.records.store import record
from server.settings import Settings, SettingsError, load_settings
from server.site import Site
from tests.server.browsing import program, served, signed_in
from tests.server.company import VISIT
from tests.server.visits import send, workbook
from tests.validity import lint
from workbooks.filled import Identity
from workbooks.macros import has_macros, with_macros
from workbooks.package import Package
from workbooks.reader import read
from workbooks.report import load_reports

# What is tried here is the wire and the file; what the database does is tried elsewhere on both.
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Macros:
    """Sends what the macros send (AftersheetWeb, AftersheetButtons): the same lines, headers and bodies."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token

    def __call__(self, method: str, path: str, body: bytes | None = None, key: str = "") -> Reply:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "*/*", "User-Agent": "Aftersheet-VBA"}
        if key:
            headers["Idempotency-Key"] = key
        if body is not None:
            headers["Content-Type"] = MEDIA_TYPE
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, f"/api/v1{path}", body, headers)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def submit(self, body: bytes, key: str, name: str = "走访 3.xlsm") -> Reply:
        return self("POST", f"/submissions?lang=zh&filename={quote(name)}", body, key)


@pytest.fixture
def macros(app: Flask, site: Site) -> Iterator[Macros]:
    """The macros in Alice's Excel, and a server at the other end of a real line."""
    token = program(app, site, "alice").headers["Authorization"].removeprefix("Bearer ")
    with served(app) as port:
        yield Macros(port, token)


def with_buttons(*arguments: Any, **keywords: Any) -> bytes:
    return with_macros(workbook(*arguments, **keywords), language="zh", server="https://forms.example.com")


@on_sqlite
def test_submit_and_the_lost_answer(macros: Macros):
    """The second sending of the queued copy gets the answer that got lost on the way, and makes nothing new."""
    content = with_buttons()
    first = macros.submit(content, "20261122T101500-0123456789abcdef0123")
    again = macros.submit(content, "20261122T101500-0123456789abcdef0123")

    assert (first.status, again.status) == (201, 201)
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.json["filename"] == "走访 3.xlsm"
    assert first.json["state_text"]["zh"]
    assert first.json["received_at_local"][:13] == _local_hour(first.json["received_at"])


def _local_hour(instant: str) -> str:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return datetime.fromisoformat(instant).astimezone(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%dT%H")


@on_sqlite
def test_findings_arrive_with_all_the_macros_need(macros: Macros):
    """422: cells, both texts, severities and the state of a form that was sent back."""
    answer = macros.submit(with_buttons({"severity": None}), "k1")

    assert answer.status == 422
    assert (answer.json["slug"], answer.json["state_text"]["zh"]) == ("findings", "退回改正")
    for finding in answer.json["findings"]:
        assert finding["sheet"]
        assert finding["cell"]
        assert finding["severity"] == "error"
        assert finding["what"]["zh"]
        assert finding["fix"]["en"]


@on_sqlite
def test_check_only(macros: Macros):
    """200 with findings, twice the same, and the form can be submitted afterwards as if nothing had been."""
    body = with_buttons()
    path = f"/checks?lang=zh&filename={quote('走访.xlsm')}"
    checks = [macros("POST", path, body) for _ in range(2)]

    assert [check.status for check in checks] == [200, 200]
    assert checks[0].json == checks[1].json
    assert macros.submit(body, "k1").json["outcome"] == "recorded"


@on_sqlite
def test_a_token_that_is_no_good(macros: Macros):
    """401 with words for the person: the macros ask for another one and keep the copy."""
    macros.token = "as_000000000000_" + "x" * 43
    answer = macros.submit(with_buttons(), "k1")

    assert (answer.status, answer.json["slug"]) == (401, "unauthorized")
    assert answer.json["messages"]["zh"]


@on_sqlite
def test_no_server_is_no_answer(macros: Macros):
    """Nothing listens: an error of the connection, never a status."""
    macros.port = 9  # discard, which nobody offers
    with pytest.raises(OSError, match="refused"):
        macros.submit(with_buttons(), "k1")


@on_sqlite
def test_fetching_a_record_gives_it_with_buttons(macros: Macros, site: Site, alice: Viewer):
    """An .xlsm with the record's answers, number and revision, which can be sent in again."""
    number = send(site, alice, workbook()).record_number
    answer = macros("GET", f"/records/{number}/workbook?macros=1&lang=zh")
    filled = read(answer.content, {"visit": VISIT})

    assert (answer.status, answer.headers["Content-Type"]) == (200, MEDIA_TYPE)
    assert f"{number}.xlsm" in answer.headers["Content-Disposition"]
    assert (filled.identity.record_number, filled.identity.revision) == (number, 1)
    assert macros.submit(answer.content, "k1").json["outcome"] == "already-received"
    assert macros("GET", "/records/none/workbook?macros=1&lang=zh").status == 404


@on_sqlite
def test_refreshing_gets_typed_rows(macros: Macros):
    """Columns with both labels and a type, rows by the columns' names."""
    assert macros.submit(with_buttons(), "k1").status == 201
    found = macros("GET", "/datasets/records_by_form?format=json&lang=zh").json

    assert found["rows"], found
    assert {column["name"] for column in found["columns"]} == set(found["rows"][0])
    assert all(column["label"]["zh"] and column["label"]["en"] and column["type"] for column in found["columns"])


@on_sqlite
def test_a_revision_made_in_excel(macros: Macros, site: Site, alice: Viewer):
    """The number the macros wrote into the sheet makes the next press a revision."""
    first = macros.submit(with_buttons(), "k1").json
    identity = Identity(instance_id="instance-1", record_number=first["record_number"], revision=first["revision"])
    second = macros.submit(with_buttons({"hours": 5}, identity=identity), "k2").json

    assert (second["outcome"], second["record_number"], second["revision"]) == ("revised", first["record_number"], 2)
    with site.session(read_only=True) as session:
        sent = record(session, alice, first["record_number"], definitions=site.definitions).submissions
    assert {submission.channel for submission in sent} == {"api"}


# Where they come from


@on_sqlite
def test_templates_and_reports_come_with_macros_on_request(app: Flask, site: Site):
    """Over the API; the file talks to the address it was asked under."""
    client = program(app, site, "alice")
    plain, macros = client.get("/templates/visit?lang=zh"), client.get("/templates/visit?lang=zh&macros=1")
    report = client.get("/reports/fracas_board?lang=zh&macros=1")

    assert not has_macros(Package(plain.data))
    assert macros.headers["Content-Disposition"].endswith(".xlsm")
    assert b'"AS__server" hidden="1">"http://localhost"' in Package(macros.data).read("xl/workbook.xml")
    assert (macros.mimetype, report.mimetype) == (MEDIA_TYPE, MEDIA_TYPE)
    names = Package(report.data).read("xl/workbook.xml").decode()
    tables = load_reports()["fracas_board"].for_period("month").tables
    assert all(f'name="AS__dataset_{table.name}" hidden="1">"{table.dataset}"<' in names for table in tables)
    assert lint(report.data) == []


@on_sqlite
def test_the_gallery_offers_them(app: Flask):
    """Beside the plain ones."""
    browser = signed_in(app, "alice")

    assert "/templates/visit-zh.xlsm" in browser.get("/templates").text
    answer = browser.get("/templates/visit-zh.xlsm")
    assert has_macros(Package(answer.data))
    assert browser.get("/templates/visit-fr.xlsm").status_code == 404


def test_the_command_line_makes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without a database, talking to the address given."""
    monkeypatch.setenv("AFTERSHEET_HOME", str(tmp_path))
    out = tmp_path / "form.xlsm"
    run = CliRunner().invoke(
        main, ["template", "trip_loan", "--macros", "--server", "https://forms.example.com", "--out", str(out)]
    )

    assert run.exit_code == 0, run.output
    package = Package(out.read_bytes())
    assert has_macros(package)
    assert b'"https://forms.example.com"' in package.read("xl/workbook.xml")
    assert b'"trips"' in package.read("xl/workbook.xml")


# Signing

SIGNER = """
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "a") as book:
    book.writestr("xl/vbaProjectSignature.bin", b"signed")
"""


def test_the_signing_command_has_the_last_word(tmp_path: Path):
    """It is given the file and may change it in place, as signtool does."""
    script = tmp_path / "sign it.py"
    script.write_text(SIGNER, encoding="utf-8")
    settings = Settings(macro_signer=(sys.executable, str(script), "{file}"))
    made = form_with_macros(workbook(), VISIT, settings=settings, language="zh")

    assert Package(made).read("xl/vbaProjectSignature.bin") == b"signed"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.exit('no certificate')", "no certificate"),
        ("import sys; open(sys.argv[1], 'w').close()", "end of central directory"),
    ],
)
def test_an_unsigned_workbook_is_not_handed_out(code: str, words: str):
    """A signer that fails, or ruins the file, is an error with its own words."""
    with pytest.raises(SigningError, match=words):
        signed(with_buttons(), (sys.executable, "-c", code, "{file}"))


def test_a_signer_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """On the command line as a sentence, without a file."""
    monkeypatch.setenv("AFTERSHEET_HOME", str(tmp_path))
    monkeypatch.setenv("AFTERSHEET_MACRO_SIGNER", '["no-such-signer", "{file}"]')
    out = tmp_path / "form.xlsm"
    run = CliRunner().invoke(main, ["template", "trip_loan", "--macros", "--out", str(out)])

    assert run.exit_code == 1
    assert "no-such-signer" in run.output
    assert not out.exists()


def test_a_setting_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch):
    """The command is a list, so that no blank in a path is mistaken."""
    monkeypatch.setenv("AFTERSHEET_MACRO_SIGNER", "signtool sign")
    with pytest.raises(SettingsError, match=r"AFTERSHEET_MACRO_SIGNER.*JSON"):
        load_settings()
