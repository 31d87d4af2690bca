"""Lists of records and one record: search, filters, files, history."""

import csv
from io import BytesIO, StringIO

import pytest
from flask import Flask
from openpyxl import load_workbook

from server.access.visibility import Viewer
from server.site import Site
from tests.server.browsing import signed_in, visible_text
from tests.server.visits import fill_in

NOTES = ("第一次", '=HYPERLINK("http://evil.example","x")', "第三次")


@pytest.fixture
def visits(site: Site, alice: Viewer) -> list[str]:
    """The numbers of three visits on three days."""
    return [
        str(
            fill_in(
                site,
                alice,
                {"visited_on": f"2026-03-0{day}", "note": note, "severity": "严重" if day == 2 else "轻微"},
                instance_id=f"i{day}",
            ).record_number
        )
        for day, note in enumerate(NOTES, start=1)
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [0, 1, 2]),
        ("?q=第三", [2]),
        ("?f.severity=critical", [1]),
        ("?from=2026-03-02", [1, 2]),
        ("?from=2026-03-02&to=2026-03-02", [1]),
        ("?state=closed", []),
        ("?station=NJ", []),
        ("?sort=nothing", [0, 1, 2]),
    ],
)
def test_the_list_is_narrowed(app: Flask, visits: list[str], query: str, expected: list[int]):
    """By search, choice, date, state and station; an order that is not there is no order."""
    page = signed_in(app, "ada").get(f"/forms/visit/records{query}")

    assert page.status_code == 200
    assert [number for number in visits if number in page.text] == [visits[index] for index in expected]


def test_the_list_is_ordered_by_a_click(app: Flask, visits: list[str]):
    """Upwards and downwards."""
    ada = signed_in(app, "ada")
    up, down = (
        ada.get("/forms/visit/records?sort=visited_on").text,
        ada.get("/forms/visit/records?sort=-visited_on").text,
    )

    assert up.index(visits[0]) < up.index(visits[2])
    assert down.index(visits[0]) > down.index(visits[2])


def test_the_list_has_pages(app: Flask, visits: list[str], monkeypatch: pytest.MonkeyPatch):
    """With links that keep the filters."""
    monkeypatch.setattr("server.web.records.PER_PAGE", 2)
    page = signed_in(app, "ada").get("/forms/visit/records?from=2026-03-01&sort=visited_on&page=2")

    assert [number in page.text for number in visits] == [False, False, True]
    assert "from=2026-03-01" in page.text.split('rel="prev"')[1].split(">")[0]


def test_a_wrong_date_in_the_address_is_no_failure(app: Flask):
    """400, not 500."""
    assert signed_in(app, "ada").get("/forms/visit/records?from=gestern").status_code == 400


def test_the_workbook_is_a_table_in_which_text_stays_text(app: Flask, visits: list[str]):
    """A sheet per repeat; a text that begins with = is no formula."""
    answer = signed_in(app, "ada").get("/forms/visit/records.xlsx?sort=visited_on")
    book = load_workbook(BytesIO(answer.data))

    records, parts = book.worksheets
    heads = [cell.value for cell in records[1]]
    notes = [row[heads.index("备注")] for row in records.iter_rows(min_row=2)]
    assert [len(sheet.tables) for sheet in book.worksheets] == [1, 1]
    assert [cell.value for cell in notes] == list(NOTES)
    assert [cell.data_type for cell in notes] == ["s"] * 3
    assert parts.max_row == 1 + 3 * 2
    assert records.cell(2, heads.index("走访日期") + 1).is_date


def test_the_csv_file_opens_rightly_and_harmlessly_in_excel(app: Flask, visits: list[str]):
    """With a byte order mark, and nothing that would run."""
    answer = signed_in(app, "ada").get("/forms/visit/records.csv?sort=visited_on")
    rows = list(csv.DictReader(StringIO(answer.data.decode("utf-8-sig"))))

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert [row["编号"] for row in rows] == visits
    assert rows[1]["备注"] == "'" + NOTES[1]


def test_the_record_shows_who_changed_what(app: Flask, site: Site, alice: Viewer, bob: Viewer):
    """Before and after, in words, with the way it came."""
    number = fill_in(site, alice).record_number
    fill_in(site, bob, {"verdict": "合格"}, number=number, revision=1, reason="现场确认")
    text = visible_text(signed_in(app, "alice").get(f"/records/{number}").text)

    assert "第 2 版" in text
    assert "Bob" in text
    assert "1 处修改" in text
    assert "结论 空 合格" in text
    assert "现场确认" in text
    assert "密封条" in text


def test_the_overview_leads_to_the_form_that_is_used_most(app: Flask, visits: list[str]):
    """Not to an empty list."""
    assert signed_in(app, "ada").get("/records").location == "/forms/visit/records"
