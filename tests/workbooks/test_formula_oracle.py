"""What LibreOffice makes of a formula is what the server makes of it."""

import random
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from openpyxl import load_workbook

from tests.workbooks.drawing import define, field, repeat
from workbooks.filled import Values
from workbooks.form import defined_name
from workbooks.formulas.calculation import compile_formula
from workbooks.formulas.excel_values import CellValue, ExcelError, cell_of
from workbooks.formulas.functions import FUNCTIONS
from workbooks.formulas.references import excel_text, understand
from workbooks.rules import compile_rules

SHEET = define(
    *(field(name, "decimal") for name in ("two", "half", "minus", "big", "cents", "zero", "missing")),
    *(field(name) for name in ("word", "spaced", "digits", "chinese", "nothing")),
    *(field(name, "date") for name in ("start", "end", "leap", "month_end")),
    field("moment", "datetime"),
    field("clock", "time"),
    repeat("parts", field("quantity", "integer"), field("price", "decimal"), field("kind"), rows=6),
)
ANSWERS: Values = {
    "two": Decimal(2),
    "half": Decimal("0.5"),
    "minus": Decimal("-7.25"),
    "big": Decimal(123456),
    "cents": Decimal("19.99"),
    "zero": Decimal(0),
    "missing": None,
    "word": "Brake valve",
    "spaced": "  two   words ",
    "digits": "12.5",
    "chinese": "制动阀漏风",
    "nothing": None,
    "start": date(2024, 1, 31),
    "end": date(2026, 11, 20),
    "leap": date(2024, 2, 29),
    "month_end": date(2023, 12, 31),
    "moment": datetime(2026, 5, 3, 14, 30, 15),
    "clock": time(8, 5),
    "parts": (
        {"quantity": 3, "price": Decimal("12.5"), "kind": "valve"},
        {"quantity": 1, "price": Decimal("99.9"), "kind": "Seal"},
        {"quantity": None, "price": Decimal("7"), "kind": "valve 2"},
        {"quantity": 8, "price": None, "kind": None},
    ),
}


def _cases() -> dict[str, list[str]]:
    """The formulas of formulas.txt by the function they are about."""
    found: dict[str, list[str]] = {}
    for line in Path(__file__).with_name("formulas.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            formulas = found[line.strip("[]")] = []
        elif line.startswith("="):
            formulas.append(line)
    return found


CASES = _cases()


# {n}, {t} and {l} stand for a number, a text and a logical value, {d} for a digit.
LEAVES = {
    "n": ["two", "half", "minus", "big", "zero", "missing", "3", "0.25", "17", "end", "start", "leap"],
    "t": ["word", "spaced", "chinese", "nothing", "digits", "missing", "two"],
    "l": ["TRUE", "FALSE", "two=2", "half>two", "ISBLANK(missing)", "ISTEXT(word)"],
}
BRANCHES = {
    "n": (
        "({n}+{n})", "({n}-{n})", "{n}*{n}", "({n})/4", "-{n}", "ABS({n})", "ROUND({n},{d})", "ROUND({n},-{d})",
        "INT({n}*4)", "MAX({n},{n})", "MIN({n},{n},0)", "LEN({t})", "IF({l},{n},{n})", "SUM({n},parts.quantity)",
        "IFERROR(({n})/({n}),{n})", "MOD(INT({n}),7)", 'COUNTIF(parts.quantity,">"&ROUND({n},0))',
        "SWITCH(SIGN({n}),-1,{n},0,5,{n})", 'IFERROR(FIND("a",{t}),{n})', "CHOOSE({d}+1,{n},{n})", "AVERAGE({n},{n})",
        "{n}%", "IFS({l},{n},{l},{n})",
    ),
    "t": (
        "{t}&{t}", "UPPER({t})", "LEFT({t},{d})", "TRIM({t})", "MID({t},{d},3)", "({t}&ROUND({n},1))",
        'SUBSTITUTE({t},"a",{t})', "RIGHT({t},{d})", "REPT({t},{d})", "IF({l},{t},{t})",
    ),
    "l": (
        "{n}={n}", "{n}<>{n}", "{n}<{n}", "{n}>{n}", "{n}<={n}", "{n}>={n}", "AND({l},{l})", "OR({l},{l})",
        "NOT({l})", "XOR({l},{l})", "EXACT({t},{t})", "({t})=({t})", "ISNUMBER({n})", "ISERROR(({n})/({n}))",
        'ISNUMBER(SEARCH("A",{t}))',
    ),
}  # fmt: skip


def _random_formulas(count: int) -> Iterator[str]:
    """Nested expressions over all kinds of operands; the same ones every time."""
    dice = random.Random(20261121)

    def expression(kind: str, depth: int) -> str:
        if kind == "d":
            return str(dice.randint(0, 4))
        pattern = dice.choice(BRANCHES[kind] if depth else LEAVES[kind])
        return re.sub(r"\{(\w)\}", lambda hole: expression(hole[1], depth - 1), pattern)

    for _ in range(count):
        yield "=" + expression(dice.choice("ntl"), dice.randint(1, 4))


RANDOM = tuple(dict.fromkeys(_random_formulas(600)))


@pytest.fixture(scope="session")
def libreoffice(require_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, object]:
    """What LibreOffice computes for every formula of this module, all in one workbook and one run."""
    soffice = require_program("soffice", "libreoffice")
    folder = tmp_path_factory.mktemp("oracle")
    formulas = [formula for cases in CASES.values() for formula in cases] + list(RANDOM)
    _write(folder / "in.xlsx", formulas)
    profile = folder / "profile" / "user"
    profile.mkdir(parents=True)
    # LibreOffice otherwise trusts the values that stand in the file.
    (profile / "registrymodifications.xcu").write_text(
        '<?xml version="1.0"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
        '<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse">'
        "<value>0</value></prop></item></oor:items>",
        encoding="utf-8",
    )
    command = [soffice, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless"]
    command += ["--convert-to", "xlsx", "--outdir", str(folder / "out"), str(folder / "in.xlsx")]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    # calamine would give an empty text for every error value.
    sheet = load_workbook(folder / "out" / "in.xlsx", data_only=True)["formulas"]
    return {formula: sheet.cell(row, 1).value for row, formula in enumerate(formulas, start=1)}


def _write(path: Path, formulas: list[str]) -> None:
    with xlsxwriter.Workbook(path) as book:
        book.set_calc_mode("auto")
        sheet, answers = book.add_worksheet("formulas"), book.add_worksheet("answers")
        for row, formula in enumerate(formulas):
            sheet.write_formula(row, 0, "=" + excel_text(understand(SHEET, formula), "en"))
        for row, single in enumerate(SHEET.fields):
            _put(answers, row, 0, ANSWERS[single.name])
            book.define_name(defined_name(single.name), f"=answers!$A${row + 1}")
        for column, name in enumerate(("quantity", "price", "kind"), start=2):
            for line, part in enumerate(ANSWERS["parts"]):  # type: ignore[arg-type]
                _put(answers, line, column, part[name])  # type: ignore[index]
            letter = "ABCDE"[column]
            book.define_name(defined_name(f"parts.{name}"), f"=answers!${letter}$1:${letter}$6")


def _put(sheet: "xlsxwriter.worksheet.Worksheet", row: int, column: int, value: object) -> None:
    cell = cell_of(value)  # type: ignore[arg-type]
    if isinstance(cell, str):
        sheet.write_string(row, column, cell)
    elif cell is not None:
        sheet.write_number(row, column, cell)


def computed(formula: str) -> CellValue:
    scope = compile_rules(SHEET).scope(ANSWERS, datetime(2026, 11, 21, 12))
    # The rules of SHEET read nothing, so the scope is filled here.
    scope.cells = {f.name: cell_of(ANSWERS[f.name]) for f in SHEET.fields}  # type: ignore[arg-type]
    lines = ANSWERS["parts"]
    scope.columns = {
        f"parts.{name}": [*(cell_of(line[name]) for line in lines), None, None]  # type: ignore[union-attr, index]
        for name in ("quantity", "price", "kind")
    }
    try:
        return compile_formula(understand(SHEET, formula))(scope)
    except ExcelError as error:
        return error


def assert_same(formula: str, ours: CellValue, theirs: object) -> None:
    """Both are the same value; a blank shows as 0 where a formula ends in it, or as nothing in text."""
    if isinstance(theirs, datetime | time):
        theirs = cell_of(theirs)  # the file says that the number is shown as a date
    if isinstance(ours, ExcelError):
        # LibreOffice writes its "invalid argument" as #VALUE! where Excel has #NUM!.
        assert theirs in ({"#NUM!", "#VALUE!"} if ours.code == "#NUM!" else {ours.code}), formula
    elif ours is None or ours == "":
        assert theirs in (None, "", 0), formula
    elif isinstance(ours, bool) or isinstance(theirs, bool) or isinstance(ours, str):
        assert ours == theirs, formula
    else:
        assert isinstance(theirs, int | float), formula
        assert theirs == pytest.approx(ours, rel=1e-12, abs=1e-12), formula


@pytest.mark.parametrize("name", CASES)
def test_function_gives_what_libreoffice_gives(name: str, libreoffice: Mapping[str, object]):
    """A rule holds on the server exactly when it holds in the sheet."""
    for formula in CASES[name]:
        assert_same(formula, computed(formula), libreoffice[formula])


def test_every_supported_function_is_compared():
    """No function is offered to form authors without the oracle's word."""
    assert set(CASES) - {"operators"} == set(FUNCTIONS)


def test_nested_formulas_give_what_libreoffice_gives(libreoffice: Mapping[str, object]):
    """Precedence, types and errors also agree where functions stand inside each other."""
    for formula in RANDOM:
        assert_same(formula, computed(formula), libreoffice[formula])
