"""Names of downloads, for people and for programs that know only ASCII."""

from urllib.parse import unquote

import pytest
from flask import Flask

from server.access.visibility import Viewer
from server.downloads import disposition
from server.site import Site
from tests.server.browsing import program, signed_in
from tests.server.visits import fill_in, send, workbook


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        ("a b.xlsx", 'attachment; filename="a b.xlsx"'),
        ("表.xlsx", "attachment; filename=\"plain.xlsx\"; filename*=UTF-8''%E8%A1%A8.xlsx"),
        ('../x"\r\n;y.xlsx', 'attachment; filename="_x___;y.xlsx"'),
        ("...", 'attachment; filename="plain.xlsx"'),
    ],
)
def test_a_download_has_a_harmless_name(filename: str, header: str):
    """Nothing in it can end the header or lead out of a folder; without ASCII letters the plain name stands in."""
    assert disposition(filename, "plain.xlsx") == header


def test_a_plain_name_is_ascii_whatever_it_was_made_of():
    """The ending of a sender's file is part of it."""
    assert disposition("表.表\r\n", "id.表\r\n").startswith('attachment; filename="id.__";')


def test_chinese_downloads_are_named_for_everybody(app: Flask, site: Site, alice: Viewer):
    """Browsers save the form's Chinese name; a program that cannot gets the form, the record, the submission."""
    number = fill_in(site, alice).record_number
    receipt = send(site, alice, workbook(), filename="走访.xlsx")
    browser, client = signed_in(app, "alice"), program(app, site, "alice")
    answers = {
        "/templates/visit-zh.xlsx": ("visit-zh.xlsx", "走访记录.xlsx"),
        f"/submissions/{receipt.submission_id}/original": (f"{receipt.submission_id}.xlsx", "走访.xlsx"),
        f"/submissions/{receipt.submission_id}/workbook": (f"{receipt.record_number}-receipt.xlsx", "走访 回执.xlsx"),
        f"/records/{number}/workbook": (f"{number}.xlsx", f"{number} 走访记录.xlsx"),
    }
    found = {path: _names(browser.get(path).headers["Content-Disposition"]) for path in answers}

    assert found == answers
    assert (
        _names(client.get("/templates/visit?lang=zh").headers["Content-Disposition"])
        == answers["/templates/visit-zh.xlsx"]
    )


def _names(header: str) -> tuple[str, str]:
    plain, _, full = header.removeprefix('attachment; filename="').partition("\"; filename*=UTF-8''")
    return plain, unquote(full)
