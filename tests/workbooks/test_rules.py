"""Rules: the sheet and the server understand them alike, blanks and choices included."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.workbooks.drawing import choices, define, field, repeat, rule
from workbooks.filled import Values
from workbooks.formulas.formula import FormulaError
from workbooks.formulas.functions import FUNCTIONS
from workbooks.master import EMPTY, Master, MasterRow
from workbooks.rules import SUPPORTED, compile_rules, to_excel

NOW = datetime(2026, 11, 21, 9, 30)
SEVERITY = field("severity", "select_one", choices=choices("minor", "critical"))
PARTS = repeat(
    "parts",
    field("quantity", "integer"),
    field("price", "decimal"),
    field("cost", "decimal", decimals=2, calculation="=quantity*price"),
    field("kind", "select_one", choices=choices("old", "new")),
    rows=3,
)
VISIT = define(
    field("departed_on", "date"),
    field("returned_on", "date"),
    SEVERITY,
    field("remark"),
    field("days", "integer", calculation='=IF(ISBLANK(returned_on),"",returned_on-departed_on+1)'),
    field("total", "decimal", calculation="=SUM(parts.cost)"),
    field(
        "verdict",
        "select_one",
        choices=choices("short", "long"),
        calculation='=IF(days="","",IF(days>3,"long","short"))',
    ),
    field("tags", "select_multiple", choices=choices("air", "oil")),
    field("photo", "image"),
    PARTS,
    thresholds=[{"name": "longest", "value": 30, "source": "002:L97 (T06)"}],
)  # fmt: skip


def visit(**more: Any) -> Values:
    return {f.name: None for f in VISIT.fields} | {"parts": ()} | more


def broken(check: str, values: Values, **more: Any) -> bool:
    """Whether the rule *check* over VISIT is broken by *values*."""
    definition = define(
        *_items(), thresholds=[{"name": "longest", "value": 30, "source": "T06"}], constraints=[rule(check)], **more
    )
    compiled = compile_rules(definition)
    worked_out = compiled.calculate(values, master=EMPTY, now=NOW)
    return compiled.rules[0].broken(compiled.scope(worked_out, NOW))


def _items() -> list[Mapping[str, Any]]:
    return [
        field("departed_on", "date"), field("returned_on", "date"), SEVERITY, field("remark"),
        field("days", "integer", calculation='=IF(ISBLANK(returned_on),"",returned_on-departed_on+1)'), PARTS,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "answers", "expected"),
    [
        ("=returned_on>=departed_on", {"departed_on": date(2026, 5, 3), "returned_on": date(2026, 5, 2)}, True),
        ("=returned_on>=departed_on", {"departed_on": date(2026, 5, 3), "returned_on": date(2026, 5, 3)}, False),
        ("=returned_on>=departed_on", {"departed_on": date(2026, 5, 3)}, False),
        ("=returned_on<=TODAY()", {"returned_on": date(2026, 11, 21)}, False),
        ("=returned_on<=TODAY()", {"returned_on": date(2026, 11, 22)}, True),
        ('=severity="critical"', {"severity": "minor"}, True),
        ('=severity="critical"', {"severity": "critical"}, False),
        ('=severity="critical"', {}, False),
        ('=NOT(AND(severity="critical",ISBLANK(remark)))', {"severity": "critical"}, True),
        ('=NOT(AND(severity="critical",remark=""))', {"severity": "critical"}, True),
        ('=NOT(AND(severity="critical",remark=""))', {"severity": "critical", "remark": "x"}, False),
        ('=IF(severity="critical",remark<>"",TRUE)', {}, False),
        ('=IF(severity="critical",LEN(remark)>3,TRUE)', {"severity": "critical"}, False),
        ('=IF(severity="critical",LEN(remark)>3,TRUE)', {"severity": "critical", "remark": "ok"}, True),
        ("=COUNTA(departed_on,returned_on)<>1", {"departed_on": date(2026, 5, 3)}, True),
        ("=days<=longest", {"departed_on": date(2026, 1, 1), "returned_on": date(2026, 3, 1)}, True),
        ("=days<=longest", {"departed_on": date(2026, 1, 1)}, False),
        ("=1/0>departed_on", {"departed_on": date(2026, 1, 1)}, True),
        ("=SUM(parts.quantity)<=2", {"parts": ({"quantity": 2, "price": None, "kind": None},) * 2}, True),
        ('=COUNTIF(parts.kind,"new")=1', {"parts": ({"quantity": None, "price": None, "kind": "new"},)}, False),
    ],
)  # fmt: skip
def test_a_rule_is_broken_only_by_answers_that_are_there(check: str, answers: Mapping[str, Any], expected: bool):
    """A rule keeps silent while a cell it needs is empty; tests for blanks are answered, not waited for."""
    values = dict.fromkeys(("departed_on", "returned_on", "severity", "remark", "days")) | {"parts": ()} | dict(answers)

    assert broken(check, values) is expected


def test_calculations_follow_each_other_in_any_order():
    """A total over lines and a verdict over a calculated number are worked out from the inside out."""
    lines = (
        {"quantity": 2, "price": Decimal("1.115"), "kind": None},
        {"quantity": 1, "price": Decimal(7), "kind": None},
    )
    values = visit(departed_on=date(2026, 5, 1), returned_on=date(2026, 5, 5), parts=lines)

    result = compile_rules(VISIT).calculate(values, master=EMPTY, now=NOW)

    assert [row["cost"] for row in result["parts"]] == [Decimal("2.23"), Decimal(7)]  # type: ignore[union-attr]
    assert (result["total"], result["days"], result["verdict"]) == (Decimal("9.23"), 5, "long")


def test_what_a_cell_held_is_no_input_to_its_calculation():
    """A computed answer is never taken from outside."""
    result = compile_rules(VISIT).calculate(visit(total=Decimal(999)), master=EMPTY, now=NOW)

    assert result["total"] == 0


def test_an_error_in_a_calculation_is_no_value():
    """#DIV/0! is shown by the sheet and stored as nothing."""
    definition = define(
        field("a", "decimal"),
        field("b", "decimal", calculation="=1/a"),
        field("c", "text", calculation='=IFERROR(b,"none")'),
    )

    result = compile_rules(definition).calculate({"a": None}, master=EMPTY, now=NOW)

    assert (result["b"], result["c"]) == (None, "none")


def test_a_lookup_follows_the_chosen_row():
    """The station's region comes from master data, as the field's own type."""
    rows = [
        MasterRow(
            code="SH", label_zh="上海站", label_en="Shanghai", attributes={"region": "华东", "opened": "2015-03-01"}
        )
    ]
    definition = define(
        field("station", "select_one", master={"table": "stations"}),
        field("region", lookup={"by": "station", "column": "region"}),
        field("opened", "date", lookup={"by": "station", "column": "opened"}),
        field("name", lookup={"by": "station", "column": "label"}),
        field("old", "text", calculation='=IF(ISBLANK(opened),"unknown",IF(opened<DATE(2020,1,1),"old","new"))'),
    )
    compiled = compile_rules(definition)

    known = compiled.calculate({"station": "SH"}, master=Master({"stations": rows}), now=NOW)
    unknown = compiled.calculate({"station": None}, master=Master({"stations": rows}), now=NOW)

    assert [known[name] for name in ("region", "opened", "name", "old")] == ["华东", date(2015, 3, 1), "上海站", "old"]
    assert [unknown[name] for name in ("region", "opened", "name", "old")] == [None, None, None, "unknown"]


@pytest.mark.parametrize(
    ("formula", "zh"),
    [
        ("=AND(days>1, returned_on<=TODAY())", "AND(AS_days>1, AS_returned_on<=TODAY())"),
        ('=severity="critical"', 'AS_severity="critical级"'),
        ('=IF("minor"<>severity,1,2)', 'IF("minor级"<>AS_severity,1,2)'),
        ("=days<=longest", "AS_days<=30"),
        ("=SUM(parts.cost)", "SUM(AS_parts__cost)"),
        ('=COUNTIF(parts.kind,"new")>0', 'COUNTIF(AS_parts__kind,"new级")>0'),
        ('=COUNTIF(parts.kind,"<>new")>0', 'COUNTIF(AS_parts__kind,"<>new级")>0'),
        ('=SWITCH(severity,"minor",1,"critical",2)', '_xlfn.SWITCH(AS_severity,"minor级",1,"critical级",2)'),
        ("=XOR(TRUE,DAYS(returned_on,departed_on)>1)", "_xlfn.XOR(TRUE,_xlfn.DAYS(AS_returned_on,AS_departed_on)>1)"),
        ("=ISBLANK(remark)", "ISBLANK(AS_remark)"),
        ("=ISBLANK( days )", '(AS_days="")'),
        ('=remark="critical"', 'AS_remark="critical"'),
    ],
)  # fmt: skip
def test_excel_gets_labels_thresholds_and_prefixes(formula: str, zh: str):
    """The sheet shows labels, so it compares labels; the server compares names."""
    assert to_excel(VISIT, formula, "zh") == zh


def test_a_calculation_into_a_choice_gives_its_label():
    """People see the label of the calculated choice, in the workbook's language."""
    formula = VISIT.field("verdict").calculation or ""

    assert to_excel(VISIT, formula, "en") == 'IF(AS_days="","",IF(AS_days>3,"LONG","SHORT"))'


def test_a_lines_formula_refers_to_its_own_line():
    """The template decides what a sibling's cell is called; both spellings of its name mean it."""
    formula = VISIT.field("parts.cost").calculation or ""

    assert to_excel(VISIT, formula, "zh", reference=lambda path: f"<{path}>") == "<parts.quantity>*<parts.price>"
    in_line = to_excel(
        VISIT, "=parts.quantity+1", "zh", reference=lambda path: f"<{path}>", repeat=next(iter(VISIT.repeats))
    )
    assert in_line == "<parts.quantity>+1"


@pytest.mark.parametrize(
    ("formula", "problem"),
    [
        ("=retuned_on>1", "retuned_on"),
        ("=VLOOKUP(remark,1,2)", "VLOOKUP"),
        ("=IF(remark)", "does not take 1"),
        ("=IFS(remark,1,2)", "pairs"),
        ('=severity="critcal"', "no choice"),
        ("=LEN(severity)>3", "label"),
        ('=severity&""="x"', "label"),
        ("=severity=remark", "quotation marks"),
        ('=tags="air"', "several"),
        ("=ISBLANK(photo)", "picture"),
        ("=parts.quantity>1", "column"),
        ('=parts.kind="new"', "COUNTIF"),
        ("=SUM(parts.kind)", "holds choices"),
        ("=COUNTIF(remark,1)", "column such as"),
        ('=remark<"m"', "language of Excel"),
        ('=TEXT(days,"[Red]0")', "simple format"),
        ('=DATEDIF(departed_on,returned_on,"MD")', "simple format"),
        ('=station="SH"', "master data"),
        ('=SWITCH(severity,remark,1,2)', "quotation marks"),
    ],
)  # fmt: skip
def test_what_sheet_and_server_would_read_differently_is_refused(formula: str, problem: str):
    """A definition that cannot be checked twice does not start."""
    items = [*_items(), field("tags", "select_multiple", choices=choices("air")), field("photo", "image"),
             field("station", "select_one", master={"table": "stations"})]  # fmt: skip

    with pytest.raises(FormulaError, match=problem) as caught:
        compile_rules(define(*items, constraints=[rule(formula, "the_rule")]))

    assert caught.value.where == "the_rule"


def test_calculations_in_a_circle_are_refused():
    """Excel would show a warning and 0; the author is told the circle."""
    definition = define(field("a", "integer", calculation="=b+1"), field("b", "integer", calculation="=a+1"))

    with pytest.raises(FormulaError, match="circle") as caught:
        compile_rules(definition)

    assert caught.value.where in ("a", "b")


def test_a_lookup_needs_a_field_that_chooses_from_master_data():
    """There is no row to look into otherwise."""
    with pytest.raises(FormulaError, match="master data"):
        compile_rules(define(field("a"), field("b", lookup={"by": "a", "column": "region"})))


def test_a_rule_is_marked_at_its_own_field():
    """A field's own rule marks that field, a form's rule the field it names, else the first it reads."""
    definition = define(
        field("a", "integer", constraints=[rule("=b>a", "own")]),
        field("b", "integer"),
        repeat("lines", field("x", "integer"), constraints=[rule("=x>b", "line", at="x")]),
        constraints=[rule("=a>b", "first"), rule("=a>b", "named", at="b")],
    )

    assert {r.constraint.name: r.at for r in compile_rules(definition).rules} == {
        "first": "a", "named": "b", "own": "a", "line": "lines.x",
    }  # fmt: skip


def test_a_rule_marked_at_an_unknown_field_is_refused():
    """The mark would have no cell."""
    with pytest.raises(FormulaError, match="no field"):
        compile_rules(define(field("a", "integer"), constraints=[rule("=a>1", at="z")]))


def test_rules_are_compiled_once_per_definition():
    """A thousand forms cost one compilation."""
    definition = define(field("a", "integer"))

    assert compile_rules(definition) is compile_rules(definition)


def test_supported_functions_are_described():
    """The docs list every function with what it gives."""
    assert set(SUPPORTED) == set(FUNCTIONS)
    assert all(SUPPORTED.values())


@pytest.mark.parametrize(
    ("pattern", "content", "place"),
    [("a*b*c", "xxaXbXc", 3), ("b?", "abc", 2), ("~*", "a*b", 2), ("*", "abc", 1), ("a~?", "xa?", 2), ("~", "a~", 2)],
)
def test_wildcards_are_those_of_excel(pattern: str, content: str, place: int):
    """A star may stand for nothing, a tilde makes the next one literal."""
    definition = define(field("a"), field("b"), field("at", "integer", calculation="=SEARCH(a,b)"))

    assert compile_rules(definition).calculate({"a": pattern, "b": content}, master=EMPTY, now=NOW)["at"] == place


def test_a_text_of_stars_does_not_hold_the_server_up():
    """What somebody typed may be searched for; it is searched for in linear time from each place."""
    definition = define(
        field("a"),
        field("b"),
        field("at", "integer", calculation="=COUNTIF(parts.kind,a)"),
        repeat("parts", field("kind")),
    )
    values = {"a": "*a" * 12 + "b", "b": None, "parts": ({"kind": "a" * 5000},) * 3}

    assert compile_rules(definition).calculate(values, master=EMPTY, now=NOW)["at"] == 0
