"""Templates in a real spreadsheet program: opened, filled in, recalculated, saved, printed."""

import re
import subprocess
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook

from server.demo import demo_master
from tests.libreoffice import Office, OfficeError
from tests.sendings import GOOD, Sending, entries
from tests.validity import lint
from workbooks.check import CheckReport, check
from workbooks.filled import Cell, FilledForm, Identity
from workbooks.form import FieldType, FormDefinition, Language, defined_name
from workbooks.library import library
from workbooks.reader import read
from workbooks.template import build_template

NOW = datetime(2026, 11, 20, 12, 0)
MASTER = demo_master(until=NOW.date())
ONE_OF_EACH = {sending.form_id: sending for sending in reversed(GOOD) if sending.language == "zh" and not sending.loose}
FORMS = sorted(ONE_OF_EACH)


def typed_directly(definition: FormDefinition, sending: Sending) -> CheckReport:
    """The check of the same answers without any workbook between."""
    cells: dict[str, Cell] = {}
    repeats: dict[str, list[dict[str, Cell]]] = {}
    for path, line, text in entries(sending.typed):
        repeat, _, name = path.rpartition(".")
        if repeat:
            lines = repeats.setdefault(repeat, [])
            lines.extend({} for _ in range(line + 1 - len(lines)))
            lines[line][name] = Cell("", "", text)
        else:
            cells[path] = Cell("", "", text)
    filled = FilledForm(
        identity=Identity(form_id=definition.form_id, version=definition.version),
        cells=cells,
        repeats={name: tuple(lines) for name, lines in repeats.items()},
        reason=Cell("", "", sending.reason) if sending.reason else None,
    )
    return check(definition, filled, master=MASTER, now=NOW)


def blank(definition: FormDefinition, folder: Path, language: Language = "zh") -> Path:
    path = folder / f"{definition.form_id}.xlsx"
    path.write_bytes(build_template(definition, language=language, master=MASTER, instance_id="lo", now=NOW))
    return path


@pytest.mark.parametrize("form_id", FORMS)
def test_a_form_filled_in_libreoffice_is_accepted(office: Office, tmp_path: Path, form_id: str) -> None:
    """Typed into the blank and saved by LibreOffice, the answers arrive as they were typed, and are accepted."""
    definition, sending = library()[form_id], ONE_OF_EACH[form_id]
    office.fill(
        blank(definition, tmp_path), ((defined_name(path), line, text) for path, line, text in entries(sending.typed))
    )
    office("save", tmp_path / "filled.xlsx")
    saved = (tmp_path / "filled.xlsx").read_bytes()
    filled = read(saved, library())
    report = check(definition, filled, master=MASTER, now=NOW)

    assert [finding.slug for finding in report.findings] == list(sending.codes)
    assert report.values == typed_directly(definition, sending).values
    assert (filled.identity.form_id, filled.identity.instance_id) == (form_id, "lo")
    assert lint(saved) == []


@pytest.mark.parametrize("form_id", FORMS)
def test_names_and_validations_survive_libreoffice(office: Office, tmp_path: Path, form_id: str) -> None:
    """After LibreOffice has saved a blank, every field still has its name and every choice its list."""
    definition = library()[form_id]
    office("open", blank(definition, tmp_path))
    office("save", tmp_path / "saved.xlsx")
    office("open", tmp_path / "saved.xlsx")
    names = [defined_name(path) for path, _ in definition.paths()]
    choices = [
        defined_name(path)
        for path, field in definition.paths()
        if not field.computed and (field.choices or field.master) and field.type != FieldType.SELECT_MULTIPLE
    ]

    assert set(names) <= set(office("names"))
    assert {kind for kind, _, _ in office("validations", choices).values()} == {"LIST"}
    assert load_workbook(tmp_path / "saved.xlsx").worksheets[0].protection.sheet


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("form_id", FORMS)
def test_results_in_the_file_are_libreoffice_s_own(
    office: Office, tmp_path: Path, form_id: str, language: Language
) -> None:
    """Recalculating a blank and a record changes no result that the template came with."""
    definition = library()[form_id]
    values = typed_directly(definition, ONE_OF_EACH[form_id]).values
    for name, content in (
        ("blank", build_template(definition, language=language, master=MASTER, now=NOW)),
        ("record", build_template(definition, language=language, master=MASTER, values=values, now=NOW)),
    ):
        path = tmp_path / f"{name}.xlsx"
        path.write_bytes(content)
        office("open", path)
        found = {(sheet, address): result for sheet, address, _, result in office("formulas")}
        cached = _cached(path)

        assert cached.keys() == found.keys()
        for place, result in found.items():
            if isinstance(result, float):
                assert cached[place] == pytest.approx(result, abs=1e-9), (name, place)
            else:
                assert cached[place] == result, (name, place)


@pytest.mark.parametrize("form_id", FORMS)
def test_a_form_prints_on_the_pages_it_was_planned_for(
    office: Office, require_program: Callable[..., str], tmp_path: Path, form_id: str
) -> None:
    """Printed, a blank is one page wide: A4 upright and no more pages than planned."""
    pdfinfo = require_program("pdfinfo")
    path = blank(library()[form_id], tmp_path)
    office.convert(path, tmp_path / "printed.pdf")
    facts = subprocess.run([pdfinfo, tmp_path / "printed.pdf"], capture_output=True, text=True, check=True).stdout
    sheet = load_workbook(path).worksheets[0]

    assert int(re.findall(r"Pages:\s+(\d+)", facts)[0]) <= int(sheet.page_setup.fitToHeight or 0)
    assert re.findall(r"Page size:\s+595\.\d+ x 841\.\d+|Page size:\s+595 x 842", facts)


def test_locked_cells_are_left_alone(office: Office, tmp_path: Path) -> None:
    """Nobody can type into a calculated cell of a template."""
    office("open", blank(library()["trip_plan"], tmp_path))

    with pytest.raises(OfficeError, match="locked"):
        office("type", [["AS_days", 0, "5"]])


def test_calculated_cells_follow_what_is_typed(office: Office, tmp_path: Path) -> None:
    """Typing dates and people fills the number of days and persons in, without any macro."""
    office.fill(
        blank(library()["trip_plan"], tmp_path),
        [
            ("AS_departs_on", 0, "2026-10-01"),
            ("AS_returns_on", 0, "2026-10-03"),
            ("AS_companions__person", 0, "黄文斌"),
            ("AS_station", 0, "深圳服务站"),
        ],
    )

    assert office("values", ["AS_days", "AS_persons", "AS_region"]) == {
        "AS_days": [3.0],
        "AS_persons": [2.0],
        "AS_region": ["华南"],
    }


def _cached(path: Path) -> dict[tuple[str, str], object]:
    """The results in the file by (sheet, address) of each formula."""
    formulas, results = load_workbook(path), load_workbook(path, data_only=True)
    found: dict[tuple[str, str], object] = {}
    for sheet in formulas.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    found[sheet.title, cell.coordinate] = _plain(results[sheet.title][cell.coordinate].value)
    return found


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return (value - datetime(1899, 12, 30)).total_seconds() / 86400
    if value is None:
        return ""
    return float(value) if isinstance(value, int | float | Decimal) else value
