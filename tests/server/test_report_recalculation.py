"""LibreOffice calculates every report of a company with records of all forms, and comes to the figures we wrote."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
    period = ReportPeriod.parse("2026-11")
    contents = {
        name: build_named_report(site, name, OPERATOR, language="zh", period=period, address="https://known.example")
        for name in load_reports()
    }
    with ThreadPoolExecutor(1) as pool:  # the validator works while LibreOffice does
        valid = pool.submit(assert_valid, *contents.values())
        for name, content in contents.items():
            errors, saved = _calculated(libreoffice, tmp_path / f"{name}.xlsx", content)
            found = verify(site, saved, OPERATOR)
            assert (found.verdict, found.differences, found.unverified, errors) == ("equal", (), (), []), name
            assert found.figures > 100
        valid.result()


def _calculated(libreoffice: Office, path: Path, content: bytes) -> tuple[list[list[str]], bytes]:
    """The cells LibreOffice calls errors, and the workbook as it saves it."""
    path.write_bytes(content)
    libreoffice("open", path)
    errors = [cell for cell in libreoffice("formulas") if "Err:" in str(cell[3]) or str(cell[3]).startswith("#")]
    saved = path.with_name("saved.xlsx")
    libreoffice("save", saved)
    return errors, saved.read_bytes()
