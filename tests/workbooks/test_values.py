"""Checked values survive every change of clothes: shown, as JSON, as a hash."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workbooks.drawing import choices, define, field, repeat
from tests.workbooks.typing_in import MASTER
from workbooks.filled import RawValue, Value
from workbooks.finding_codes import FindingCode
from workbooks.form import FormDefinition
from workbooks.spellings.spelling import clean
from workbooks.values import Problem, answers, content_hash, from_json, normalise, show, to_json

DAY = date(2022, 3, 5)
INSTANTS = st.datetimes(datetime(1901, 1, 1), datetime(2199, 12, 31)).map(lambda d: d.replace(microsecond=0))
DECIMALS = st.decimals(-(10**12), 10**12, places=4).map(lambda d: Decimal(f"{d:f}").quantize(Decimal("0.0001")))
TEXTS = st.text(max_size=40).map(clean).filter(lambda t: t and not t.startswith("#"))
FORM = define(
    field("remark"), field("count", "integer"), field("amount", "decimal"), field("on", "date"), field("at", "time"),
    field("moment", "datetime"), field("kind", "select_one", choices=choices("a", "b")),
    field("kinds", "select_multiple", choices=choices("a", "b", "c")),
    field("station", "select_one", master={"table": "stations"}),
    field("person", "person", master={"table": "people"}), field("photo", "image"),
    repeat(
        "lines", field("remark"), field("amount", "decimal"), field("kinds", "select_multiple", choices=choices(*"abc"))
    ),
)  # fmt: skip
KINDS = st.sets(st.sampled_from("abc"), min_size=1).map(lambda found: tuple(sorted(found)))
BY_NAME: Mapping[str, st.SearchStrategy[Value]] = {
    "remark": TEXTS,
    "count": st.integers(-(10**14), 10**14),
    "amount": DECIMALS,
    "on": st.dates(date(1901, 1, 1), date(2199, 12, 31)),
    "at": st.times().map(lambda t: t.replace(microsecond=0)),
    "moment": INSTANTS,
    "kind": st.sampled_from("ab"),
    "kinds": KINDS,
    "station": st.sampled_from(["0305", "0401", "0500"]),
    "person": st.sampled_from(["U001", "U002", "U003"]),
}
VALUES = st.fixed_dictionaries(
    {name: st.none() | strategy for name, strategy in BY_NAME.items()}
    | {
        "photo": st.none() | st.just(("0" * 64,)),
        "lines": st.lists(
            st.fixed_dictionaries({n: st.none() | BY_NAME[n] for n in ("remark", "amount", "kinds")}), max_size=3
        ).map(tuple),
    }
)


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_shown_is_read_back(name: str, language: Any):
    """A record downloaded as a workbook and sent back unchanged is unchanged."""

    @given(value=BY_NAME[name])
    @settings(max_examples=60)
    def round_trip(value: Value) -> None:
        shown = show(FORM.field(name), value, language, MASTER)
        assert normalise(FORM.field(name), shown, master=MASTER) == value

    round_trip()


@given(values=VALUES)
def test_json_keeps_every_value(values: Mapping[str, Any]):
    """What is stored as JSON comes back as the same values of the same types."""
    back = from_json(FORM, to_json(values))

    assert back == values
    assert {name: type(v) for name, v in back.items()} == {name: type(v) for name, v in values.items()}


@given(values=VALUES)
@settings(max_examples=50)
def test_the_hash_is_that_of_the_answers(values: Mapping[str, Any]):
    """Order of fields, empty fields and trailing zeros do not matter; the form and any answer do."""
    hashed = content_hash("visit", values)
    reordered = {name: value for name, value in reversed(values.items()) if value is not None}

    assert content_hash("visit", reordered) == hashed
    assert content_hash("visit", {**values, "count": 10**15}) != hashed
    assert content_hash("trip", values) != hashed


def test_the_hash_does_not_see_trailing_zeros():
    """12.50 and 12.5 are one answer."""
    assert content_hash("f", {"a": Decimal("12.50")}) == content_hash("f", {"a": Decimal("12.5")})


def test_answers_leave_out_what_is_computed():
    """A calculation over TODAY() changes daily, the answers do not."""
    form = define(
        field("a", "integer"), field("b", "integer", calculation="=a+1"),
        repeat("lines", field("x", "integer"), field("y", "integer", calculation="=x+1")),
    )  # fmt: skip

    assert answers(form, {"a": 1, "b": 2, "lines": ({"x": 1, "y": 2},)}) == {"a": 1, "lines": ({"x": 1},)}


def test_json_of_an_older_form_keeps_what_is_not_known_any_more():
    """A record outlives the fields it was made with."""
    form: FormDefinition = define(field("a", "integer"), field("new", "date"))

    assert from_json(form, {"a": 1, "gone": "x"}) == {"a": 1, "new": None, "gone": "x"}


SPELLINGS = st.from_regex(r"[0-9０-９〇一二十年月日时分点上午下:：./\- ()%万元kmh,]{0,25}", fullmatch=True)
ANYTHING = st.one_of(
    SPELLINGS, st.text(max_size=60), st.floats(), st.integers(), st.booleans(), st.none(),
    st.dates(), st.datetimes(), st.times(), st.timedeltas(),
)  # fmt: skip


@given(raw=ANYTHING, name=st.sampled_from([*BY_NAME, "photo"]))
@settings(max_examples=1500)
def test_nothing_typed_raises(raw: RawValue, name: str):
    """Whatever stands in a cell, the answer is a value of the field's type or a finding."""
    answer = normalise(FORM.field(name), raw, master=MASTER)

    assert answer is None or isinstance(answer, Problem | str | int | Decimal | date | time | tuple)
    if isinstance(answer, Problem):
        assert isinstance(answer.code, FindingCode)


@given(raw=st.text())
def test_cleaning_twice_is_cleaning_once(raw: str):
    """A text that was sent back unchanged is unchanged."""
    assert clean(clean(raw)) == clean(raw)


def test_values_are_shown_as_people_read_them():
    """Labels for choices and codes, no exponents, no midnight seconds."""
    shown = {
        name: show(FORM.field(name), value, "zh", MASTER)
        for name, value in {
            "count": 7, "amount": Decimal("0.0000001"), "on": DAY, "at": time(8, 5),
            "moment": datetime(2026, 5, 3, 14, 30), "kind": "a",
            "kinds": ("a", "c"), "station": "0305", "person": "U001", "photo": ("0" * 64,) * 2, "remark": None,
        }.items()
    }  # fmt: skip

    assert shown == {
        "count": "7", "amount": "0.0000001", "on": "2022-03-05", "at": "08:05", "moment": "2026-05-03 14:30",
        "kind": "a级",
        "kinds": "a级、c级", "station": "上海站", "person": "张伟 (U001)", "photo": "2 张图片", "remark": "",
    }  # fmt: skip


def test_a_code_that_is_gone_is_shown_as_it_is():
    """Old records stay readable when a choice is retired."""
    assert show(FORM.field("kind"), "retired", "zh") == "retired"
    assert show(FORM.field("station"), "9999", "en", MASTER) == "9999"
