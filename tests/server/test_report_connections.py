"""Report workbooks fetch their figures again: the feed their queries name, and LibreOffice pulling the web query."""

import base64
import io
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from server.access.visibility import Viewer
from server.cli import main
from server.reports import build_named_report
from server.reports.connections import Connection
from server.reports.feed import Feed, options_in, service_address
from server.reports.feed_links import make_link
from server.site import Site
from server.statistics.datasets import load
from server.statistics.report_period import ReportPeriod
from server.statistics.selection import Selection
from tests.libreoffice import running_here
from tests.server.browsing import program, served, signed_in
from tests.server.visits import fill_in
from tests.validity import assert_valid
from workbooks.package import Package
from workbooks.reporting.connections import WebQuery, add_connections

on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
pytestmark = on_sqlite
SERVER = "https://forms.example.cn"
REPORT, VISITS = "fracas_board", "records_visit"
ROOT = re.compile(r'OData\.Feed\("([^"]+)"')
FIELD = re.compile(rb"<queryTableField [^>]*>")
SET = re.compile(r'\[Name = "([^"]+)"')


def formulas(content: bytes) -> str:
    """The M document of a workbook; empty where there is none."""
    package = Package(content)
    items = list(package.related(package.workbook, "customXml").values())
    if not items:
        return ""
    text = package.read(items[0]).decode("utf-16").partition("<DataMashup")[2]
    raw = base64.b64decode(text.partition(">")[2].partition("<")[0])
    return (
        zipfile.ZipFile(io.BytesIO(raw[8 : 8 + struct.unpack_from("<i", raw, 4)[0]]))
        .read("Formulas/Section1.m")
        .decode()
    )


def test_the_queries_of_a_report_lead_to_its_rows(app: Flask, site: Site, bob: Viewer):
    """Each query's service answers, in the report's language, for its period and selection, under its own address."""
    connection = Connection(kind="odata", server=SERVER, reader=bob)
    made = build_named_report(
        site, REPORT, bob, language="en", period=ReportPeriod.parse("2026-05"), selection=Selection(region="华东"),
        connection=connection, address=SERVER,
    )  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        tables = [archive.read(name) for name in archive.namelist() if "/queryTable" in name]
    fields = next(found for part in tables if b'"Number"' in b"".join(found := FIELD.findall(part)))
    document, token = formulas(made), program(app, site, "bob", "read").headers
    client = app.test_client()

    found = list(zip(ROOT.findall(document), SET.findall(document), strict=True))
    assert len(found) >= 3
    # The query brings the rest; the column that opens records is the table's own.
    assert [b'dataBound="0"' in field for field in fields].count(True) == 1
    for root, name in found:
        asked = options_in(root.removeprefix(f"{SERVER}/odata/v4/").rstrip("/").replace("%E5%8D%8E%E4%B8%9C", "华东"))
        assert (asked["end"], asked["region"], asked["lang"]) == ("2026-05-31", "华东", "en")
        answer = client.get(root.removeprefix(SERVER) + name, headers=token)
        assert answer.status_code == 200
        context = answer.get_json()["@odata.context"].partition("/odata/v4/")[2]
        assert context == root.partition("/odata/v4/")[2] + f"$metadata#{name}"
        assert client.get(root.removeprefix(SERVER) + "$metadata", headers=token).data[:5] == b"<?xml"
        assert client.get(root.removeprefix(SERVER), headers=token).get_json()["value"]
    assert_valid(made)


def test_options_in_the_address_hold_for_every_page(app: Flask, site: Site, alice: Viewer):
    """Also in the links of the answer; what cannot be is told as for query options."""
    for day in range(1, 6):
        fill_in(site, alice, {"visited_on": f"2026-03-0{day}"}, instance_id=f"i{day}")
    client, headers = app.test_client(), program(app, site, "alice", "read").headers
    root = service_address("http://localhost", {"region": "华东", "lang": "en", "start": "2026-01-01"})
    page = client.get(root + VISITS, headers=headers | {"Prefer": "odata.maxpagesize=3"}).get_json()
    following = client.get(page["@odata.nextLink"], headers=headers).get_json()

    assert page["@odata.nextLink"].startswith(root)
    assert [row["severity"] for row in (*page["value"], *following["value"])] == ["Minor"] * 5
    assert client.get(f"{root}{VISITS}/$count", headers=headers).text == "5"
    assert client.get(service_address("", {"region": "西南"}) + VISITS, headers=headers).get_json()["value"] == []
    assert client.get(service_address("", {"period": "x"}) + VISITS, headers=headers).status_code == 400
    assert options_in("a=1%2C2,b=%25") == {"a": "1,2", "b": "%"}


def test_whoever_asks_gets_the_connection_they_want(app: Flask, site: Site, tmp_path: Path):
    """On the page, over the API and at the command line; web leaves a link in the reader's list."""
    browser, client = signed_in(app, "bob"), program(app, site, "bob", "read")
    pages = {kind: browser.get(f"/reports/{REPORT}.xlsx?connection={kind}").data for kind in ("odata", "none")}
    pages["web"] = browser.post(f"/reports/{REPORT}.xlsx", {"connection": "web"}).data
    web = client.client.post(f"/api/v1/reports/{REPORT}?connection=web", headers=client.headers).data
    home = {"AFTERSHEET_HOME": str(site.settings.home), "AFTERSHEET_SECRET_KEY": site.settings.secret_key}

    def command(*options: str, **environment: str) -> Any:
        words = ["report", REPORT, "--out", str(tmp_path / "r.xlsx"), *options]
        return CliRunner().invoke(main, words, env=home | environment)

    assert [bool(formulas(pages[kind])) for kind in ("odata", "web", "none")] == [True, False, False]
    assert len(web_addresses(web)) == len(client.get("/feed-links").get_json()["feed_links"]) / 2 > 0
    assert app.test_client().get(web_addresses(web)[0].removeprefix("http://localhost")).status_code == 200
    assert len(web_addresses(pages["web"])) == len(web_addresses(web))
    assert browser.get(f"/reports/{REPORT}.xlsx?connection=x").status_code == 400
    assert client.get(f"/reports/{REPORT}?connection=x").status_code == 400
    assert command("--connection", "web", "--server", SERVER).exit_code == 2
    assert command("--connection", "odata").exit_code == 2
    assert command(AFTERSHEET_PUBLIC_URL=SERVER).exit_code == 0
    assert SERVER in formulas((tmp_path / "r.xlsx").read_bytes())
    assert command("--connection", "web", "--server", SERVER, "--reader", "bob").exit_code == 0
    assert web_addresses((tmp_path / "r.xlsx").read_bytes())[0].startswith(SERVER)


def test_looking_at_an_address_makes_no_links(app: Flask, site: Site):
    """A page elsewhere, or a browser that fetches ahead, leaves nothing in the reader's list."""
    browser, client = signed_in(app, "bob"), program(app, site, "bob", "read")
    shown = browser.get(f"/reports/{REPORT}.xlsx?connection=web")
    asked = client.get(f"/reports/{REPORT}?connection=web")
    foreign = browser.client.post(f"/reports/{REPORT}.xlsx", data={"connection": "web"})

    assert (shown.status_code, asked.status_code, foreign.status_code) == (405, 405, 400)
    assert (asked.get_json()["slug"], asked.headers["Allow"]) == ("method-not-allowed", "POST")
    assert client.get("/feed-links").get_json()["feed_links"] == []


def web_addresses(content: bytes) -> list[str]:
    package = Package(content)
    (part,) = package.related(package.workbook, "connections").values()
    return [element.get("url", "") for element in package.xml(part).iter("{*}webPr")]


@pytest.fixture
def live(app: Flask) -> Iterator[str]:
    """The address of the server on a real line."""
    with served(app) as port:
        yield f"http://127.0.0.1:{port}"


def test_libreoffice_pulls_the_web_query(
    live: str, site: Site, alice: Viewer, require_program: Callable[..., str], tmp_path: Path
):
    """Into a report workbook when it opens, and into a fresh sheet: the figures of the dataset, codes as text."""
    for day, note in ((1, "007"), (2, "=1+1"), (3, "二")):
        changes = {"visited_on": f"2026-03-0{day}", "note": note, "arrived_at": "2026-03-05 09:30"}
        fill_in(site, alice, changes, instance_id=f"i{day}")
    address = make_link(site, alice, Feed(dataset=VISITS), name="LibreOffice", server=live)
    report = build_named_report(site, REPORT, alice, language="zh")
    query = WebQuery(address=address, dataset=VISITS, title="走访", language="zh")
    folder = tmp_path / "trusted"
    folder.mkdir()
    (folder / "report.xlsx").write_bytes(add_connections(report, [query]))
    with running_here(require_program, tmp_path) as office:
        office("let_refresh", folder)
        linked = office("open_refreshed", folder / "report.xlsx")
        pulled = office("sheet_values", "实时 走访")
        fresh = office("sheet_values", office("open_address", address))
    with site.session(read_only=True) as session:
        dataset = load(session, VISITS, alice, site=site, language="zh")
    expected = [[column.label.zh for column in dataset.columns], *map(list, dataset.rows())]

    assert linked == [address]
    assert pulled == [[_shown(value) for value in row] for row in expected]
    assert fresh == pulled


def _shown(value: object) -> object:
    """A value of a dataset as LibreOffice holds it: dates count from 30 December 1899."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return (value - datetime(1899, 12, 30)).total_seconds() / 86_400
    if isinstance(value, date):
        return float((value - date(1899, 12, 30)).days)
    return float(value) if isinstance(value, int | float) else value
