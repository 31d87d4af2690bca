"""The OData feed: what public clients of version 4 expect, whose figures they get, pages that belong together."""

import base64
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import requests
from flask import Flask
from lxml import etree
from odata import ODataService
from requests.auth import HTTPBasicAuth
from sqlalchemy import insert, select
from werkzeug.test import TestResponse

from server.access.people import set_language
from server.access.visibility import Viewer
from server.api.odata.entities import EDM, Entities
from server.api.odata.snapshots import Snapshot, Snapshots
from server.database import table_of
from server.records import form_tables
from server.records.models import AuditEntry, Record
from server.site import Site
from server.statistics.datasets import definition_of, load, names
from tests.server.browsing import program, served
from tests.server.company import PASSWORD, VISIT
from tests.server.visits import fill_in
from workbooks.dataset import Column, Dataset
from workbooks.form import Text

on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
EDM_NS = {"edm": "http://docs.oasis-open.org/odata/ns/edm", "edmx": "http://docs.oasis-open.org/odata/ns/edmx"}
VISITS = "records_visit"
SHAPES = {
    "Edm.String": lambda value: isinstance(value, str),
    "Edm.Int64": lambda value: isinstance(value, int),
    "Edm.Double": lambda value: isinstance(value, int | float),
    "Edm.Boolean": lambda value: isinstance(value, bool),
    "Edm.Date": lambda value: date.fromisoformat(value) is not None and len(value) == 10,
    "Edm.DateTimeOffset": lambda value: datetime.fromisoformat(value).tzinfo is not None,
}


class Reader:
    """A program that reads the feed with a token of somebody's as password."""

    def __init__(self, app: Flask, site: Site, username: str) -> None:
        self.client = app.test_client()
        self.token = program(app, site, username, "read").headers["Authorization"].removeprefix("Bearer ")
        self.headers = basic(username, self.token)

    def __call__(self, path: str, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(f"/odata/v4/{path}", headers=self.headers | named)

    def json(self, path: str, **headers: str) -> Any:
        answer = self(path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def pages(self, path: str, size: int) -> list[list[dict[str, Any]]]:
        """All pages, by their nextLink alone."""
        found = [self.json(path, Prefer=f"odata.maxpagesize={size}")]
        while link := found[-1].get("@odata.nextLink"):
            found.append(self.json(link.partition("/odata/v4/")[2], Prefer=f"odata.maxpagesize={size}"))
        return [page["value"] for page in found]


def basic(username: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


@pytest.fixture
def bob_reads(app: Flask, site: Site) -> Reader:
    return Reader(app, site, "bob")


@pytest.fixture
def visits(site: Site, alice: Viewer) -> list[str]:
    """Five visits; their numbers."""
    return [
        fill_in(
            site, alice, {"visited_on": f"2026-03-0{day}", "note": f"第{day}次"}, instance_id=f"i{day}"
        ).record_number
        or ""
        for day in range(1, 6)
    ]


def add_visits(site: Site, count: int) -> None:
    """Many visits put straight into the tables, a day apart from each other."""
    start = datetime(2026, 3, 1, 1, tzinfo=UTC)
    with site.session() as session:
        records = [
            {
                "number": f"X-{n:05d}", "form_id": "visit", "version": 2, "instance_id": f"x{n}", "key_hash": f"{n}",
                "content_hash": f"{n}", "revision": 1, "state": "open", "station": "CD" if n % 2 else "CZ",
                "created_at": start + timedelta(minutes=n), "updated_at": start + timedelta(minutes=n),
            }
            for n in range(count)
        ]  # fmt: skip
        session.execute(insert(table_of(Record)), records)
        table, query = form_tables.table(VISIT), select(Record.id, Record.number).where(Record.number.like("X-%"))
        known = {number: record for record, number in session.execute(query)}
        own = ("number", "revision", "station", "created_at", "updated_at")
        rows = [
            {name: record[name] for name in own}
            | {"record_id": known[record["number"]], "note": f"第{n}次走访", "visitors": n, "severity": "minor"}
            for n, record in enumerate(records)
        ]
        session.execute(insert(table), rows)


def test_values_are_what_the_metadata_declares(bob_reads: Reader, site: Site, visits: list[str]):
    """Every set of the service document: a type with a key, columns as in the dataset, values of their types."""
    document = etree.fromstring(bob_reads("$metadata").data)
    listed = bob_reads.json("")

    assert [entry["name"] for entry in listed["value"]] == list(names(site))
    assert all(re.fullmatch(r"[A-Za-z_]\w{0,127}", entry["url"]) for entry in listed["value"])
    assert document.xpath("//edmx:Edmx/@Version", namespaces=EDM_NS) == ["4.0"]
    for name in names(site):
        assert document.xpath(f"//edm:EntitySet[@Name='{name}']/@EntityType", namespaces=EDM_NS) == [
            f"Aftersheet.{name}"
        ]
        (described,) = document.xpath(f"//edm:EntityType[@Name='{name}']", namespaces=EDM_NS)
        types = {p.get("Name"): p.get("Type") for p in described.iterfind("edm:Property", EDM_NS)}
        (key,) = described.xpath("edm:Key/edm:PropertyRef/@Name", namespaces=EDM_NS)
        rows = bob_reads.json(name)["value"]
        keys = [row[key] for row in rows]
        assert len(keys) == len(set(keys))
        assert all(list(row) == list(types) for row in rows)
        for row in rows:
            wrong = [p for p, value in row.items() if value is not None and not SHAPES[types[p]](value)]
            assert wrong == [], name
    notes = document.xpath(
        f"//edm:EntityType[@Name='{VISITS}']/edm:Property[@Name='severity']/edm:Annotation/@String", namespaces=EDM_NS
    )
    assert set(notes) == {"严重度", "Severity"}


@on_sqlite
def test_the_feed_has_the_rows_of_the_dataset(bob_reads: Reader, site: Site, bob: Viewer, visits: list[str]):
    """The same values in the same order, in the language asked for or else of the account, not of Windows."""
    with site.session(read_only=True) as session:
        dataset = load(session, VISITS, bob, site=site, language="en")
    places = {column.name: place for place, column in enumerate(dataset.columns)}
    rows = bob_reads.json(f"{VISITS}?lang=en")["value"]

    assert [row["number"] for row in rows] == visits
    assert [row["severity"] for row in rows] == list(dataset.data[places["severity"]]) == ["Minor"] * 5
    assert dataset.data[places["arrived_at"]][0] is None
    assert bob_reads.json(VISITS, Accept_Language="en-US")["value"][0]["severity"] == "轻微"
    with site.session() as session:
        set_language(session, bob, "en")
    assert bob_reads.json(VISITS, Accept_Language="zh-CN")["value"][0]["severity"] == "Minor"
    assert bob_reads.json(f"lang=zh/{VISITS}")["value"][0]["severity"] == "轻微"


@on_sqlite
def test_every_form_of_the_answer(bob_reads: Reader, visits: list[str]):
    """minimal, full, none; one entity by its key; counts; what is selected; numbers as text."""
    minimal = bob_reads(f"{VISITS}?$select=number,visitors&$count=true&$top=1")
    full = bob_reads.json(f"{VISITS}?$format=application/json;odata.metadata=full&$top=1")["value"][0]
    one = bob_reads.json(f"{VISITS}('{visits[1]}')")

    assert minimal.get_json() == {
        "@odata.context": f"http://localhost/odata/v4/$metadata#{VISITS}(number,visitors)",
        "@odata.count": 5,
        "value": [{"number": visits[0], "visitors": 2}],
    }
    assert minimal.headers["OData-Version"] == "4.0"
    assert minimal.headers["Content-Type"].startswith("application/json;odata.metadata=minimal")
    assert bob_reads.json(VISITS, Accept="application/json;odata.metadata=none").keys() == {"value"}
    assert (full["@odata.id"], full["@odata.type"]) == (f"{VISITS}('{visits[0]}')", f"#Aftersheet.{VISITS}")
    assert (full["visited_on@odata.type"], full["visited_on"]) == ("#Date", "2026-03-01")
    assert (one["@odata.context"].partition("#")[2], one["number"]) == (f"{VISITS}/$entity", visits[1])
    assert bob_reads.json(f"{VISITS}(row_key='{visits[2]}')?$select=number")["number"] == visits[2]
    assert bob_reads(f"{VISITS}/$count?$filter=visited_on gt 2026-03-02").text == "3"
    exact = bob_reads.json(f"{VISITS}?$count=true&$top=0", Accept="application/json;IEEE754Compatible=true")
    assert exact["@odata.count"] == "5"
    assert bob_reads.client.options(f"/odata/v4/{VISITS}").headers["Allow"]
    assert bob_reads.client.head(f"/odata/v4/{VISITS}", headers=bob_reads.headers).data == b""


@on_sqlite
@pytest.mark.parametrize(
    ("path", "status", "target"),
    [
        ("nothing", 404, "nothing"),
        (f"{VISITS}('none')", 404, f"{VISITS}('none')"),
        (f"{VISITS}(7)", 400, "row_key"),
        (f"{VISITS}?$select=nothing", 400, "nothing"),
        (f"{VISITS}?$top=-1", 400, "$top"),
        (f"{VISITS}?$top=1&$top=2", 400, "$top"),
        (f"{VISITS}?$count=yes", 400, "$count"),
        (f"{VISITS}?$skiptoken=abcd", 400, "$skiptoken"),
        (f"{VISITS}?$format=atom", 406, "$format"),
        (f"{VISITS}?period=2026-13", 400, "period"),
        (f"{VISITS}?as_of=yesterday", 400, "as_of"),
        (f"{VISITS}?$expand=parts", 501, "$expand"),
        (f"{VISITS}?$search=x", 501, "$search"),
        (f"{VISITS}?$apply=aggregate($count as n)", 501, "$apply"),
        (f"{VISITS}('x')/number", 501, "property paths"),
        ("$batch", 501, "$batch"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_an_odata_error(bob_reads: Reader, path: str, status: int, target: str):
    """Its code for programs, its sentence for people, its target; 501 for what OData has and we have not."""
    answer = bob_reads(path)
    error = answer.get_json()["error"]

    assert (answer.status_code, error["target"]) == (status, target)
    assert error["code"]
    assert len(error["message"]) > 10
    assert answer.headers["OData-Version"] == "4.0"


@on_sqlite
def test_nothing_is_written_through_the_feed(bob_reads: Reader):
    """405 in OData's form, with what is allowed."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = bob_reads.client.open(f"/odata/v4/{VISITS}", method=method, headers=bob_reads.headers)
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (405, "MethodNotAllowed")
        assert "GET" in answer.headers["Allow"]


@on_sqlite
def test_only_a_token_opens_the_feed(app: Flask, site: Site):
    """As password or as bearer; never a person's own password, never a token for submitting."""
    client = app.test_client()
    reader, sender = Reader(app, site, "alice"), program(app, site, "alice", "submit").headers["Authorization"]
    closed = client.get("/odata/v4/")

    def status(headers: dict[str, str]) -> int:
        return client.get("/odata/v4/", headers=headers).status_code

    assert closed.status_code == 401
    assert closed.headers["WWW-Authenticate"].startswith('Basic realm="Aftersheet"')
    assert closed.get_json()["error"]["code"] == "unauthorized"
    assert status(basic("anything", reader.token)) == 200
    assert status({"Authorization": f"Bearer {reader.token}"}) == 200
    assert status(basic("alice", PASSWORD)) == 401
    assert status(basic("alice", "")) == 401
    assert status({"Authorization": "Basic ~~~"}) == 401
    assert status({"Authorization": sender}) == 403


@on_sqlite
def test_everybody_reads_what_they_may_see(app: Flask, site: Site, visits: list[str]):
    """Charlie works at another station, Mei's region is the right one; nobody reads a page begun by somebody else."""
    counts = {name: Reader(app, site, name)(f"{VISITS}/$count").text for name in ("alice", "charlie", "mei", "bob")}
    begun = Reader(app, site, "bob").json(VISITS, Prefer="odata.maxpagesize=2")["@odata.nextLink"]

    assert counts == {"alice": "5", "charlie": "0", "mei": "5", "bob": "5"}
    assert Reader(app, site, "charlie")(begun.partition("/odata/v4/")[2]).status_code == 400


def test_pages_belong_together(app: Flask, bob_reads: Reader, site: Site, alice: Viewer, visits: list[str]):
    """What arrives while somebody pages changes no later page, whether the rows are still held or read again."""
    asked = f"{VISITS}?$orderby=visited_on desc&$select=number"
    first = bob_reads.json(asked, Prefer="odata.maxpagesize=2")
    fill_in(site, alice, {"visited_on": "2026-03-09"}, instance_id="later")
    link = first["@odata.nextLink"].partition("/odata/v4/")[2]
    held = bob_reads.json(link, Prefer="odata.maxpagesize=2")
    app.extensions["odata_snapshots"] = Snapshots()  # as after a restart, or on another machine
    again = bob_reads.json(link, Prefer="odata.maxpagesize=2")

    assert [row["number"] for row in first["value"]] == [visits[4], visits[3]]
    assert held == again
    assert [row["number"] for row in held["value"]] == [visits[2], visits[1]]
    assert bob_reads(f"{VISITS}/$count").text == "6"


@on_sqlite
def test_top_and_skip_hold_over_all_pages(bob_reads: Reader, visits: list[str]):
    """$top is what is wanted in all, not of a page."""

    def numbers(query: str) -> list[list[str]]:
        return [[row["number"] for row in page] for page in bob_reads.pages(f"{VISITS}?{query}", 2)]

    assert numbers("$skip=1&$top=3") == [visits[1:3], visits[3:4]]
    assert numbers("$top=2") == [visits[:2]]
    assert numbers("$skip=9") == [[]]
    assert numbers("$filter=visited_on ge 2026-03-02") == [visits[1:3], visits[3:5]]


@on_sqlite
def test_a_token_of_another_question_is_refused(bob_reads: Reader, visits: list[str]):
    """Neither another filter nor an altered token."""
    link = bob_reads.json(VISITS, Prefer="odata.maxpagesize=2")["@odata.nextLink"].partition("/odata/v4/")[2]
    token = link.partition("skiptoken=")[2]

    assert bob_reads(link).status_code == 200
    assert bob_reads(f"{link}&$filter=visitors gt 0").status_code == 400
    assert bob_reads(link.replace(token, token[:-6] + "AAAAAA")).status_code == 400


@on_sqlite
def test_what_comes_is_read_though_the_day_is_not_over(
    bob_reads: Reader, site: Site, alice: Viewer, visits: list[str], capfd: pytest.CaptureFixture[str]
):
    """As of a day to come is as of now, each time anew; a wrong question is no error of the server's in the log."""
    path = f"{VISITS}/$count?as_of=2099-12-31"
    before = bob_reads(path).text
    fill_in(site, alice, {}, instance_id="later")

    assert (before, bob_reads(path).text) == ("5", "6")
    assert bob_reads(f"{VISITS}?$filter=nothing eq 1").status_code == 400
    assert "unexpected exception" not in capfd.readouterr().err


def test_own_options_narrow_and_survive_paging(bob_reads: Reader, site: Site, visits: list[str]):
    """Period, as-of date and selection; the address of the next page carries them on."""
    today = f"{site.now():%Y-%m}"
    page = bob_reads.json(f"{VISITS}?period={today}&region=华东&lang=en", Prefer="odata.maxpagesize=2")

    assert len(page["value"]) == 2
    assert page["value"][0]["severity"] == "Minor"
    following = bob_reads.json(page["@odata.nextLink"].partition("/odata/v4/")[2])
    assert [row["severity"] for row in following["value"]] == ["Minor"] * 3
    assert bob_reads(f"{VISITS}/$count?period=2020").text == "0"
    assert bob_reads(f"{VISITS}/$count?period=this-month").text == "5"
    assert bob_reads(f"{VISITS}/$count?as_of=2020-01-01").text == "0"


@on_sqlite
def test_each_snapshot_is_noted_once(bob_reads: Reader, site: Site, visits: list[str]):
    """In the audit chain: who, what, how many; not each page, and no probe for columns."""
    bob_reads(f"{VISITS}?$top=0")
    bob_reads("$metadata")
    bob_reads.pages(f"{VISITS}?$filter=visited_on gt 2026-03-01", 2)
    with site.session(read_only=True) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.subject == f"dataset:{VISITS}")).all()

    assert [(entry.actor, json.loads(entry.details)) for entry in entries] == [("bob", {"format": "odata", "rows": 4})]


@on_sqlite
def test_a_filter_on_the_anchor_loses_no_row(site: Site, bob: Viewer, visits: list[str]):
    """Year, quarter and month of every dataset follow from the date that `load` narrows by."""
    with site.session(read_only=True) as session:
        for name in names(site):
            dataset = load(session, name, bob, site=site, language="en")
            places = {column.name: place for place, column in enumerate(dataset.columns)}
            anchor = definition_of(site, name).anchor
            if anchor is None or anchor.column is None:
                continue
            for day, row in zip(dataset.data[places[anchor.column]], dataset.rows(), strict=True):
                for column, expected in (
                    ("year", day.year), ("month", f"{day:%Y-%m}"), ("quarter", f"{day.year}Q{(day.month + 2) // 3}"),
                ):  # fmt: skip
                    assert column not in places or row[places[column]] == expected


def test_snapshots_are_bounded():
    """In cells and in time; the newest stays whatever its size."""

    def snapshot(rows: int) -> Snapshot:
        column = Column("n", Text("n", "n"), "integer")
        words = Text("", "")
        data = (list(range(rows)),)
        made = Dataset(
            name="x", title=words, columns=(column,), data=data, as_of=datetime(2026, 1, 1), definition=words
        )
        return Snapshot(Entities(made, __import__("zoneinfo").ZoneInfo("Asia/Shanghai")))

    held = Snapshots(cells=10)
    for name, rows in (("a", 2), ("b", 2), ("c", 2), ("d", 20)):
        held.put(name, snapshot(rows))
    short = Snapshots(seconds=0.2)
    short.put("a", snapshot(1))
    kept = [short.get("a") is not None]
    time.sleep(0.15)
    kept.append(short.get("a") is not None)
    time.sleep(0.15)

    assert (held.get("a"), held.get("c"), len(held)) == (None, None, 1)
    assert held.get("d") is not None
    assert kept == [True, True]
    assert short.get("a") is None, "however often it is asked for"


@pytest.fixture
def live(app: Flask) -> Iterator[str]:
    """The address of the feed on a real line."""
    with served(app) as port:
        yield f"http://127.0.0.1:{port}/odata/v4/"


@on_sqlite
def test_a_public_client_reads_the_feed(live: str, app: Flask, site: Site):
    """python-odata: reflects $metadata, filters Chinese text, orders, and follows 2,500 rows over three pages."""
    add_visits(site, 2500)
    with requests.Session() as session:
        session.auth = HTTPBasicAuth("bob", Reader(app, site, "bob").token)
        session.headers["Prefer"] = "odata.maxpagesize=1000"
        asked: list[str] = []
        session.hooks["response"].append(lambda response, **_: asked.append(response.url))
        service = ODataService(live, session=session, reflect_entities=True, quiet_progress=True)
        visit = service.entities[VISITS]
        asked.clear()
        everything = [row.number for row in service.query(visit)]
        pages = len(asked)
        chosen = service.query(visit).filter(visit.station == "成都站").filter(visit.note.contains("第99次"))
        found = [row.number for row in chosen]
        last = service.query(visit).order_by(visit.visitors.desc()).first()
        largest = service.query(visit).filter(visit.visitors >= 2400).select(visit.number).all()

    assert (len(everything), len(set(everything)), pages) == (2500, 2500, 3)
    assert found == ["X-00099"]
    assert last.number == "X-02499"
    assert len(largest) == 100


def test_every_column_type_has_one_of_odata():
    """A new kind of column must be thought of here."""
    assert set(EDM.values()) <= set(SHAPES)
