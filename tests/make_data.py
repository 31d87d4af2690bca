"""
Makes tests/data: workbooks filled in and saved by LibreOffice, and files that are no filled forms.

    python -m tests.make_data

Needs LibreOffice with UNO (soffice, python3-uno). Each run makes the same contents, but not the
same bytes: LibreOffice writes the time of saving into them.
"""

import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import NAMESPACE_URL, uuid5

from msoffcrypto.format.ooxml import OOXMLFile

from server.demo import demo_master
from tests.libreoffice import Office, running
from tests.sendings import BAD, GOOD, Sending, entries
from workbooks.form import FormDefinition, defined_name
from workbooks.library import library
from workbooks.template import build_template

DATA = Path(__file__).with_name("data")
MASTER = demo_master(until=date(2026, 10, 31))
PASSWORD = "zhidong2026"

_NOTICE = """# Where these files are from

Every workbook here was made by `python -m tests.make_data` (tests/make_data.py): our own template, built with the
demo company's master data, opened by LibreOffice 7.4, filled in through its API with the answers of tests/sendings.py,
and saved by LibreOffice. No file comes from a customer or from the network; people, trains and failures do not exist.

- `good/` is accepted, some with warnings; `bad/` is turned down.
- `expected.json` says for each file what the check finds on 2026-11-20: the outcome and the slugs of the findings.

Files that are no filled forms:

| file | made from |
|---|---|
{rows}
"""


def main() -> None:
    soffice = shutil.which("soffice")
    if soffice is None:
        raise SystemExit("soffice is not installed")
    for folder in (DATA / "good", DATA / "bad"):
        folder.mkdir(parents=True, exist_ok=True)
    expected: dict[str, dict[str, object]] = {}
    with TemporaryDirectory() as folder, running(soffice, Path(folder)) as office:
        for sending in (*GOOD, *BAD):
            target = DATA / ("good" if sending.accepted else "bad") / f"{sending.name}.xlsx"
            fill(office, sending, Path(folder))
            office("save", target)
            expected[f"{target.parent.name}/{target.name}"] = _expected(sending.accepted, sending.codes)
        rows = []
        for name, codes, origin in _odd_ones(office, Path(folder)):
            expected[name] = _expected(name.startswith("good/"), codes)
            rows.append(f"| {name} | {origin} |")
    for left_over in {*DATA.glob("good/*"), *DATA.glob("bad/*")} - {DATA / name for name in expected}:
        left_over.unlink()
    (DATA / "expected.json").write_text(json.dumps(expected, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    (DATA / "NOTICE.md").write_text(_NOTICE.format(rows="\n".join(rows)), encoding="utf-8")


def fill(office: Office, sending: Sending, folder: Path, definition: FormDefinition | None = None) -> None:
    """Leave *office* with the sending's workbook open and filled in."""
    definition = definition or library()[sending.form_id]
    blank = folder / f"{sending.name}.xlsx"
    instance = str(uuid5(NAMESPACE_URL, sending.name))
    blank.write_bytes(build_template(definition, language=sending.language, master=MASTER, instance_id=instance))
    typed = [(defined_name(path), line, text) for path, line, text in entries(sending.typed)]
    if sending.reason:
        typed.append(("AS__reason", 0, sending.reason))
    office.fill(blank, typed, loose=sending.loose)


def _odd_ones(office: Office, folder: Path) -> Iterable[tuple[str, tuple[str, ...], str]]:
    """(file, slugs expected, where it is from) of the files that are no ordinary filled form."""
    good = {sending.name: sending for sending in GOOD}
    survey = good["survey_wuhan_returned"]
    fill(office, survey, folder, replace(library()["survey"], version=9))
    office("save", DATA / "bad" / "survey_newer_version.xlsx")
    yield "bad/survey_newer_version.xlsx", ("newer-version",), "a survey whose template says version 9"

    fill(office, good["trip_loan_chengdu"], folder)
    office("copy_to_new")
    office("save", DATA / "good" / "trip_loan_pasted_into_new_workbook.xlsx")
    origin = "a loan slip's cells pasted into a new workbook: the hidden names are gone"
    yield "good/trip_loan_pasted_into_new_workbook.xlsx", ("lost-names",), origin

    fill(office, good["feedback_nanjing_complaint"], folder)
    office("unprotect")
    office("delete_row_of", "AS_description")
    office("save", DATA / "bad" / "feedback_row_deleted.xlsx")
    yield "bad/feedback_row_deleted.xlsx", ("lost-field",), "a feedback form with a row deleted"

    fill(office, good["trip_plan_shenzhen"], folder)
    office("save", DATA / "good" / "trip_plan_old_format.xls")
    yield "good/trip_plan_old_format.xls", ("old-format-taken",), "a trip plan saved as Excel 97 (.xls)"
    office("save", folder / "plain.xlsx")
    with (folder / "plain.xlsx").open("rb") as plain, (DATA / "bad" / "trip_plan_encrypted.xlsx").open("wb") as locked:
        OOXMLFile(plain).encrypt(PASSWORD, locked)
    yield (
        "bad/trip_plan_encrypted.xlsx",
        ("encrypted",),
        f"a trip plan, encrypted by msoffcrypto-tool with the password {PASSWORD}",
    )

    office("new")
    office("put", 0, [[0, 0, "备件"], [1, 0, "单价"], [0, 1, "闸片"], [1, 1, "120"], [0, 2, "电磁阀"], [1, 2, "860"]])
    office("save", DATA / "bad" / "price_list_not_a_form.xlsx")
    yield "bad/price_list_not_a_form.xlsx", ("unknown-form",), "a price list typed into an empty workbook"
    office("save_html", DATA / "bad" / "price_list_web_page.xls")
    yield "bad/price_list_web_page.xls", ("html-as-workbook",), "the price list saved as HTML and named .xls"

    (DATA / "bad" / "empty.xlsx").write_bytes(b"")
    yield "bad/empty.xlsx", ("empty-file",), "a file of 0 bytes"


def _expected(accepted: bool, codes: Iterable[str]) -> dict[str, object]:
    return {"outcome": "recorded" if accepted else "rejected", "findings": sorted(codes)}


if __name__ == "__main__":
    main()
