"""Numbers are read however people write them, with the units they put behind."""

from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal

import pytest

from tests.workbooks.drawing import text
from tests.workbooks.typing_in import typed
from workbooks.filled import RawValue
from workbooks.finding_codes import FindingCode


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1250", 1250), ("１２５０", 1250), ("1,250", 1250), ("1，250", 1250), ("￥1,200元", 1200), ("12.5万", 125000),
        ("3.5万", 35000), ("2千", 2000),
        ("(500)", -500), ("（500）", -500), ("-5", -5), ("－5", -5), ("+5", 5), ("三十五", 35), ("一百零二", 102),
        ("两万", 20000), ("十", 10), ("二〇", 20),
        ("5个", 5), ("3台", 3), ("1e3", 1000), ("1 250", 1250), (7.0, 7), (7, 7), (7.000000000000001, 7), ("7.0", 7),
        (0, 0), ("零", 0),
    ],
)  # fmt: skip
def test_whole_numbers_are_read_in_all_usual_spellings(raw: RawValue, expected: int):
    """Full-width digits, thousands, 万, brackets for losses and Chinese numerals all mean a number."""
    assert typed("integer", raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "约2小时", "半天", "3-5", "2~3", ">10", "10以上", "1,25", "1,2345", "1.2.3", "a", "12abc", "三百五", "1/2",
        "--5", "(5", "五六", True, date(2026, 5, 3), "1e99", "9" * 50, "见附件", "同上", "”", "1 个多", "十几个", 1e40,
    ],
)  # fmt: skip
def test_what_is_not_exactly_one_number_is_refused(raw: RawValue):
    """Nobody can add up 约2小时."""
    assert typed("integer", raw) is FindingCode.NOT_A_NUMBER


def test_fractions_do_not_fit_a_whole_number():
    """A count of 3.5 is a mistake, not a 3 or a 4."""
    assert typed("integer", 3.5) is FindingCode.NOT_AN_INTEGER
    assert typed("integer", "3.5") is FindingCode.NOT_AN_INTEGER


HOURS, KM, PERCENT = text("小时", "h"), text("公里", "km"), text("%", "%")


@pytest.mark.parametrize(
    ("unit", "raw", "expected"),
    [
        (KM, "125000km", 125000), (KM, "125000 公里", 125000), (KM, "12.5万公里", 125000), (KM, "125千米", 125),
        (KM, "3千公里", 3000), (KM, "500m", (Decimal("0.5"), "?")),
        (HOURS, "3h", 3), (HOURS, "3小时", 3), (HOURS, "三小时", 3), (HOURS, "90分钟", (Decimal("1.5"), "?")),
        (HOURS, "2天", (48, "?")),
        (HOURS, timedelta(hours=1, minutes=30), (Decimal("1.5"), "?")), (HOURS, time(1, 30), (Decimal("1.5"), "?")),
        (HOURS, "3km", FindingCode.NOT_A_NUMBER), (KM, timedelta(hours=1), FindingCode.NOT_A_NUMBER),
        (PERCENT, "12%", 12),
        (None, "12%", Decimal("0.12")), (None, "3h", (3, "?")), (None, "300元", 300), (None, "12.50", Decimal("12.5")),
        (None, 0.1 + 0.2, Decimal("0.3")),
        (None, 1e-7, Decimal("0.0000001")), (None, ".5", Decimal("0.5")),
    ],
)  # fmt: skip
def test_units_behind_numbers_are_understood(unit: Mapping[str, str] | None, raw: RawValue, expected: object):
    """The field's own unit goes away silently; another one of its kind is converted with a warning."""
    assert typed("decimal", raw, **({"unit": unit} if unit else {})) == expected


def test_more_decimals_than_asked_for_are_rounded_with_a_warning():
    """12.345 yuan is taken as 12.35 and says so; the noise of binary fractions is silent."""
    assert typed("decimal", 12.345, decimals=2) == (Decimal("12.35"), "?")
    assert typed("decimal", "12.345", decimals=2) == (Decimal("12.35"), "?")
    assert typed("decimal", 12.3400000000001, decimals=2) == Decimal("12.34")
    assert typed("decimal", 12.5, decimals=2) == Decimal("12.5")


@pytest.mark.parametrize(("raw", "fits"), [(-1, False), (0, True), (100, True), (100.5, False), ("101", False)])
def test_numbers_stay_within_their_limits(raw: RawValue, fits: bool):
    """Both limits belong to the range."""
    answer = typed("decimal", raw, minimum=0, maximum=100)

    assert (answer is not FindingCode.OUT_OF_RANGE) is fits
