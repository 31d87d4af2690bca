"""Texts, blanks and choices as people type them become one value or one finding."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from tests.workbooks.drawing import choices, text
from tests.workbooks.typing_in import MASTER, YES_NO, made, typed
from workbooks.filled import RawValue
from workbooks.finding_codes import FindingCode
from workbooks.form import Text
from workbooks.master import EMPTY
from workbooks.values import Problem, normalise


@pytest.mark.parametrize(
    "word",
    ["无", "/", "—", "－", "N/A", "n/a", "不详", "-", "--", "", "   ", "\u3000", "\u00a0", "_x000D_", "\u200b", "暂无"],
)
@pytest.mark.parametrize("kind", ["integer", "decimal", "date", "time", "datetime"])
def test_words_for_nothing_leave_numbers_and_dates_empty(kind: str, word: str):
    """People spell blanks out; a number field with 无 in it is empty, not wrong."""
    assert typed(kind, word) is None


def test_words_for_nothing_stay_in_text():
    """In a text 无 is an answer: there was none."""
    assert typed("text", "无") == "无"


def test_words_for_nothing_leave_optional_choices_empty():
    """Only a list that must be answered insists on one of its choices."""
    assert typed("select_one", "无", choices=choices("a")) is None
    assert typed("select_one", "无", choices=choices("a"), required=True) is FindingCode.NOT_A_CHOICE
    assert typed("select_one", "无", choices=YES_NO) == "no"


@pytest.mark.parametrize("kind", ["text", "integer", "date", "select_one", "datetime"])
@pytest.mark.parametrize("raw", ["#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#n/a"])
def test_formula_errors_are_named(kind: str, raw: str):
    """The person learns that a formula failed, not that text is no number."""
    assert typed(kind, raw, **({"choices": YES_NO} if kind == "select_one" else {})) is FindingCode.CELL_ERROR


@pytest.mark.parametrize("raw", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_refused(raw: float):
    """NaN and infinity reach neither the database nor a sum."""
    assert typed("decimal", raw) is FindingCode.CELL_ERROR
    assert typed("text", raw) is FindingCode.CELL_ERROR


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  漏风 ", "漏风"), ("a\x00b\x07c", "abc"), ("a_x0000_b", "ab"),
        ("line one_x000D_\nline two", "line one\n\nline two"), ("a\r\nb\rc", "a\nb\nc"),
        ("\ufeffabc\ufffe\uffff", "abc"), ("a\ud800b", "ab"), ("ＢＣＵ－１２３", "BCU－123"),
        ("上海\u3000站", "上海 站"), ("（更换）", "（更换）"),
        ("e\u0301", "é"), (305.0, "305"), (305, "305"), (12.5, "12.5"), (True, "TRUE"),
        (date(2026, 5, 3), "2026-05-03"), ("a\tb", "a\tb"),
        (datetime(2026, 5, 3, 14, 30), "2026-05-03 14:30"), (time(8, 5), "08:05"),
        (timedelta(hours=26, minutes=30), "26:30"), (0.1 + 0.2, "0.3"),
        ("=1+1", "=1+1"), ("_x0041_", "_x0041_"), (1e15, ("1000000000000000", "?")),
        (110101199003071234.0, ("110101199003071000", "?")),
    ],
)  # fmt: skip
def test_texts_are_cleaned(raw: RawValue, expected: object):
    """Control characters and half characters go, widths of letters and digits become plain, the words stay."""
    assert typed("text", raw) == expected


def test_long_texts_are_counted():
    """The limit counts characters after cleaning."""
    assert typed("text", " " + "字" * 10, max_length=10) == "字" * 10
    assert typed("text", "字" * 11, max_length=10) is FindingCode.TOO_LONG


@pytest.mark.parametrize(
    "raw", ["是", "有", "√", "✓", "对", "Y", "yes", "YES", "TRUE", True, 1, 1.0, "1", "ｙ", " 是 ", "Yes"]
)
def test_all_spellings_of_yes_mean_yes(raw: RawValue):
    """People tick, write 有, or leave Excel's TRUE."""
    assert typed("select_one", raw, choices=YES_NO) == "yes"


@pytest.mark.parametrize("raw", ["否", "无", "没有", "×", "N", "no", "FALSE", False, 0, 0.0, "不"])
def test_all_spellings_of_no_mean_no(raw: RawValue):
    """The same for the other answer."""
    assert typed("select_one", raw, choices=YES_NO) == "no"


@pytest.mark.parametrize("raw", ["minor", "MINOR", "minor级", " Minor ", "ｍｉｎｏｒ级", "minor 级", "“minor级”"])
def test_choices_are_found_by_name_and_label_in_both_languages(raw: str):
    """A workbook in one language may be filled in the other."""
    assert typed("select_one", raw, choices=choices("minor", "critical")) == "minor"


def test_a_number_for_a_coded_choice_loses_its_point():
    """Excel hands over 1.0 where people typed 1."""
    coded = [{"name": "1", "label": text("轻微", "Minor")}, {"name": "2", "label": text("严重", "Major")}]

    assert typed("select_one", 1.0, choices=coded) == "1"


def suggestion(raw: str, **more: Any) -> str:
    answer = normalise(made("select_one", **more), raw, master=MASTER)
    assert isinstance(answer, Problem)
    offered = answer.context["suggestion"]
    assert isinstance(offered, Text)
    return offered.zh


FAULTS = [
    {"name": n, "label": text(zh, n)}
    for n, zh in [("leak", "阀漏风"), ("brake", "制动缓解不良"), ("shoe", "闸片磨耗"), ("sensor", "压力传感器故障")]
]


@pytest.mark.parametrize(
    ("raw", "offered"),
    [
        ("伐漏风", "阀漏风"), ("扎片磨耗", "闸片磨耗"), ("製動緩解不良", "制动缓解不良"), ("闸片磨", "闸片磨耗"),
        ("压传故障", "压力传感器故障"), ("leek", "阀漏风"),
    ],
)  # fmt: skip
def test_the_nearest_choice_is_offered_never_taken(raw: str, offered: str):
    """Look-alikes, traditional characters, short forms and slips lead to a question."""
    assert offered in suggestion(raw, choices=FAULTS)


def test_nothing_is_offered_for_something_else():
    """A wild guess would be worse than none."""
    assert suggestion("xyz", choices=FAULTS) == ""


def test_stations_are_found_by_code_and_label_and_offered_by_part():
    """上海 alone could be two stations."""
    stations = {"master": {"table": "stations"}}

    assert typed("select_one", "上海站", **stations) == "0305"
    assert typed("select_one", "shanghai", **stations) == "0305"
    assert typed("select_one", "0305", **stations) == "0305"
    assert typed("select_one", "上海站（0305）", **stations) == "0305"
    assert suggestion("广州", **stations) == "（是不是“广州站”？）"
    assert "上海站" in suggestion("上海", **stations)


def test_lost_leading_zeros_are_put_back_with_a_warning():
    """Excel turns 0305 into 305; only one station can be meant."""
    stations = {"master": {"table": "stations"}}

    assert typed("select_one", 305.0, **stations) == ("0305", "?")
    assert typed("select_one", "305", **stations) == ("0305", "?")
    assert typed("select_one", 306.0, **stations) is FindingCode.NOT_A_CHOICE


def test_the_level_above_decides_between_equal_labels():
    """Both systems have a pressure sensor; the chosen system says which one it is."""
    part = {"master": {"table": "products", "level": 2, "under": "system"}}

    assert typed("select_one", "压力传感器", parent="A", **part) == "A2"
    assert typed("select_one", "压力传感器", parent="B", **part) == "B2"
    assert typed("select_one", "中继阀", parent="B", **part) is FindingCode.NOT_UNDER_PARENT
    assert typed("select_one", "中继阀", **part) == "A1"
    assert typed("select_one", "压力传感器", **part) is FindingCode.NOT_A_CHOICE


def test_people_of_the_same_name_are_told_apart_by_code():
    """There are two Zhang Wei; the finding offers both with their codes."""
    people = {"master": {"table": "people"}}
    answer = normalise(made("person", **people), "张伟", master=MASTER)

    assert isinstance(answer, Problem)
    assert answer.context["suggestion"] == Text(
        "（是不是“张伟 (U001)”或“张伟 (U002)”？）", " (did you mean “Zhang Wei (U001)” or “Zhang Wei (U002)”?)"
    )
    assert typed("person", "张伟 (U002)", **people) == "U002"
    assert typed("person", "u003", **people) == "U003"


def test_without_master_data_what_was_typed_is_kept():
    """A check on a laptop without the lists does not call every station wrong."""
    station = made("select_one", master={"table": "stations"})

    assert normalise(station, " 武汉站 ", master=EMPTY, complete_lists=False) == "武汉站"
    assert isinstance(normalise(station, "武汉站", master=EMPTY), Problem)


@pytest.mark.parametrize("raw", ["air级、oil级", "oil,air", "OIL；AIR", "oil\nair", "air级，oil级，air级", "air/oil"])
def test_several_choices_are_split_and_put_in_order(raw: str):
    """The same answers are the same value, however they are separated."""
    assert typed("select_multiple", raw, choices=choices("air", "oil", "water")) == ("air", "oil")


def test_one_wrong_part_is_named():
    """The finding repeats the part that is wrong, not the whole cell."""
    answer = normalise(made("select_multiple", choices=choices("air", "oil")), "air、petrol")

    assert isinstance(answer, Problem)
    assert (answer.code, answer.context["value"]) == (FindingCode.NOT_A_CHOICE, "petrol")


def test_a_label_with_a_separator_is_one_choice():
    """A label may hold a comma of its own."""
    listed = [
        {"name": "both", "label": text("漏风、异响", "leak, noise")},
        {"name": "leak", "label": text("漏风", "leak")},
    ]

    assert typed("select_multiple", "漏风、异响", choices=listed) == ("both",)


BOXES = choices("repair", "upkeep", "other")


@pytest.mark.parametrize(
    ("text", "one", "several"),
    [
        ("□repair □upkeep □other", None, None),
        ("☑repair □upkeep □other：____", "repair", ("repair",)),
        ("√repair □upkeep □other", "repair", ("repair",)),
        ("□repair√ □upkeep □other", "repair", ("repair",)),
        ("□√repair □upkeep □other", "repair", ("repair",)),
        ("□repair □upkeep ■other", "other", ("other",)),
        ("☑repair ☑upkeep □other", FindingCode.NOT_A_CHOICE, ("repair", "upkeep")),
        ("□repair√□upkeep □other", FindingCode.NOT_A_CHOICE, FindingCode.NOT_A_CHOICE),
        ("☑repair □cleaning", FindingCode.NOT_A_CHOICE, FindingCode.NOT_A_CHOICE),
    ],
)
def test_ticked_boxes_are_choices(text: str, one: object, several: object):
    """However the tick is set; where it may belong to either of two, or the boxes are others, it is asked for."""
    assert typed("select_one", text, choices=BOXES) == one
    assert typed("select_multiple", text, choices=BOXES) == several


def test_words_behind_a_box_are_told_of():
    """The choice is taken, and the sender learns that what was written behind it is not."""
    assert typed("select_one", "□repair □upkeep ☑other：cleaning", choices=BOXES) == ("other", "?")


@pytest.mark.parametrize("text", ["    年   月   日", "年月日", "__年__月__日", " 月  日", "年 月 日 时 分"])
def test_an_unfilled_date_on_paper_is_empty(text: str):
    """What forms print to be written around is no wrong date."""
    assert typed("date", text) is None
    assert typed("text", "年月日") == "年月日"
