"""The workbooks of tests/data are what their list says: each is read and checked as a server would."""

import json
from datetime import date, datetime
from pathlib import Path

import pytest

from server.demo import demo_master
from workbooks.check import check
from workbooks.findings import has_errors
from workbooks.guard import Refused
from workbooks.library import library
from workbooks.reader import read

DATA = Path(__file__).with_name("data")
EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 11, 20, 12, 0)
MASTER = demo_master(until=date(2026, 10, 31))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_file_is_found_to_be_what_the_list_says(name: str) -> None:
    """Outcome and slugs of every finding are those of expected.json."""
    try:
        filled = read((DATA / name).read_bytes(), library())
        findings = filled.findings
        if filled.identity.form_id in library():
            definition = library()[filled.identity.form_id]
            findings = check(definition, filled, master=MASTER, now=NOW).findings
    except Refused as refused:
        findings = (refused.finding,)
    outcome = "rejected" if has_errors(findings) else "recorded"

    assert {"outcome": outcome, "findings": sorted({finding.slug for finding in findings})} == EXPECTED[name]


def test_every_file_is_on_the_list() -> None:
    """The list and the folders agree, all six forms are among the good ones, and no file is large."""
    files = {
        path.relative_to(DATA).as_posix(): path.stat().st_size
        for folder in ("good", "bad")
        for path in (DATA / folder).iterdir()
    }

    assert set(files) == set(EXPECTED)
    assert max(files.values()) < 60_000
    assert all(any(name.startswith(f"good/{form_id}") for name in files) for form_id in library())
