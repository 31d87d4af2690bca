"""Dates and times are read however people write them, and asked again where they could mean two things."""

from datetime import date, datetime, time, timedelta

import pytest

from tests.workbooks.typing_in import typed
from workbooks.filled import RawValue
from workbooks.finding_codes import FindingCode

DAY = date(2022, 3, 5)


@pytest.mark.parametrize(
    "raw",
    [
        DAY, datetime(2022, 3, 5), datetime(2022, 3, 5, 14, 30), 44625, 44625.0, 44625.6, 20220305, 20220305.0,
        "2022-03-05", "2022-3-5", "2022/3/5", "2022.3.5", "2022年3月5日", "2022年03月05号", "２０２２／３／５",
        "２０２２年３月５日",
        "二〇二二年三月五日", "二○二二年三月五日", "二零二二年三月五号", "20220305", " 2022 年 3 月 5 日 ",
        "2022-3-5 14:30", "2022年3月5日 下午2:30",
        "2022年3月5日星期六", "2022-03-05 (周六)", "2022年3月5日 礼拜六 14时30分", "5 Mar 2022", "March 5, 2022",
        "Sat, 5 March 2022",
        "2022-03-05T14:30:00", "2022—3—5", "2022年3月5", "22年3月5日", "2022. 3. 5",
    ],
)  # fmt: skip
def test_dates_are_read_in_all_usual_spellings(raw: RawValue):
    """A station does not lose its form over the way it writes a date."""
    assert typed("date", raw) == DAY


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("31/12/2025", date(2025, 12, 31)),
        ("12/31/2025", date(2025, 12, 31)),
        ("04/04/2026", date(2026, 4, 4)),
        ("16-5-3", date(2016, 5, 3)),
        ("99.12.31", date(1999, 12, 31)),
        ("二〇二五年十二月二十一日", date(2025, 12, 21)),
        ("二〇二五年十月十日", date(2025, 10, 10)),
    ],
)
def test_dates_that_can_be_read_in_one_way_only_are_taken(raw: str, expected: date):
    """31/12 is no month of 31, so nothing is guessed."""
    assert typed("date", raw) == expected


@pytest.mark.parametrize("raw", ["03/04/2026", "3.4.2026", "04-03-22", "16-5-13"])
def test_dates_that_can_be_read_in_two_ways_are_asked_again(raw: str):
    """03/04 could be April or March; guessing files a trip in the wrong month."""
    assert typed("date", raw) is FindingCode.AMBIGUOUS_DATE


@pytest.mark.parametrize(
    "raw",
    [
        "5月3日", "3-5", "2022.13.5", "2022-02-30", "2022年", "2022年3月", "二〇一六年五月", "昨天", "明天上午",
        "2022", 2022, 12, 0.5, -3, 99999999,
        True, "20221305", "2022-3-5 25:00", "2022-3-5 abc", "0022-03-05", "1/1", timedelta(hours=3), time(8),
        date(1899, 12, 31),
        "约2022-3-5", "2022-3-5/2022-3-6", "Sat", "202-3-5", "5 Foo 2022",
    ],
)  # fmt: skip
def test_what_names_no_full_date_is_not_a_date(raw: RawValue):
    """A day without a year belongs to no month of the statistics."""
    assert typed("date", raw) is FindingCode.NOT_A_DATE


@pytest.mark.parametrize("raw", ["2022年3月5日 星期一", "Mon 2022-03-05", "44625"])
def test_a_doubtful_date_is_taken_with_a_warning(raw: str):
    """A wrong weekday, or a serial number left as text, says that somebody should look again."""
    assert typed("date", raw) == (DAY, "?")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (datetime(2026, 5, 3, 14, 30), datetime(2026, 5, 3, 14, 30)),
        ("2026-5-3 14:30", datetime(2026, 5, 3, 14, 30)),
        ("2026年5月3日14时30分", datetime(2026, 5, 3, 14, 30)),
        ("2026年5月3日 下午2点半", datetime(2026, 5, 3, 14, 30)),
        ("2026/5/3 2:30 PM", datetime(2026, 5, 3, 14, 30)),
        ("2026.5.3 上午 9:05:07", datetime(2026, 5, 3, 9, 5, 7)),
        ("二〇二六年五月三日下午两点三十分", datetime(2026, 5, 3, 14, 30)),
        ("202605031430", datetime(2026, 5, 3, 14, 30)),
        ("2026-05-03 24:00", datetime(2026, 5, 4)),
        (46145.604166666664, datetime(2026, 5, 3, 14, 30)),
        (datetime(2026, 5, 3, 14, 29, 59, 999990), datetime(2026, 5, 3, 14, 30)),
        ("2026-05-03", (datetime(2026, 5, 3), "?")),
        ("2026-05-03 上午12:30", FindingCode.NOT_A_DATETIME),
        ("14:30", FindingCode.NOT_A_DATETIME),
        ("不详", None),
    ],
)
def test_instants_need_a_day_and_a_time(raw: RawValue, expected: object):
    """A day without a time is taken as midnight, which is a guess and says so."""
    assert typed("datetime", raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (time(14, 30), time(14, 30)), ("14:30", time(14, 30)), ("14：30", time(14, 30)), ("14点30分", time(14, 30)),
        ("下午2:30", time(14, 30)),
        ("2:30pm", time(14, 30)), ("14时", time(14)), ("8点整", time(8)), ("晚上8点半", time(20, 30)),
        ("中午12点", time(12)), ("凌晨1:05", time(1, 5)),
        ("十四时三十分", time(14, 30)), ("12:30 am", time(0, 30)), ("14:30:05", time(14, 30, 5)), (0.5, time(12)),
        (timedelta(hours=8), time(8)),
        (datetime(1899, 12, 31, 8, 0), time(8)), ("24:00", (time(), "?")), (1.0, (time(), "?")),
        (datetime(2026, 5, 3, 8), (time(8), "?")),
        ("25:00", FindingCode.NOT_A_TIME), ("14", FindingCode.NOT_A_TIME), ("上午", FindingCode.NOT_A_TIME),
        ("8:61", FindingCode.NOT_A_TIME),
        ("上午14:00", FindingCode.NOT_A_TIME), ("晚上12点", FindingCode.NOT_A_TIME), (8, FindingCode.NOT_A_TIME),
        (True, FindingCode.NOT_A_TIME),
        ("14:30-15:00", FindingCode.NOT_A_TIME), ("/", None),
    ],
)  # fmt: skip
def test_times_of_day_are_read_as_people_say_them(raw: RawValue, expected: object):
    """Hours that people use in two senses (上午12点, 晚上12点) are asked again."""
    assert typed("time", raw) == expected
