"""LibreOffice calculates every report of a company with records of all forms, and comes to the figures we wrote."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from server.demo import load_demo
from server.reports import build_named_report
from server.reports.verification import verify
from server.site import Site
from server.statistics.report_period import ReportPeriod
from tests.libreoffice import Office, running_here
from tests.server.test_statistics import OPERATOR
from tests.validity import assert_valid
from workbooks.report import load_reports

on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def libreoffice(require_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with running_here(require_program, tmp_path_factory.mktemp("office")) as started:
        yield started


@on_sqlite
def test_libreoffice_calculates_the_figures_of_every_report(site: Site, libreoffice: Office, tmp_path: Path) -> None:
    """Formulas calculated, pivot tables refreshed, everything written anew: each figure is still the one derived."""
    load_demo(site, start=date(2026, 10, 21), until=date(2026, 11, 20))
    period, contents = ReportPeriod.parse("2026-11"), []
    for name in load_reports():
        made = build_named_report(site, name, OPERATOR, language="zh", period=period, address="https://known.example")
        contents.append(made)
        (tmp_path / f"{name}.xlsx").write_bytes(contents[-1])
        libreoffice("open", tmp_path / f"{name}.xlsx")
        errors = [cell for cell in libreoffice("formulas") if "Err:" in str(cell[3]) or str(cell[3]).startswith("#")]
        libreoffice("save", tmp_path / f"{name}-saved.xlsx")

        found = verify(site, (tmp_path / f"{name}-saved.xlsx").read_bytes(), OPERATOR)
        assert (found.verdict, found.differences, found.unverified, errors) == ("equal", (), (), []), name
        assert found.figures > 100
    assert_valid(*contents)
