"""What came of checking a workbook, for programs and for people."""

from typing import Any
from zoneinfo import ZoneInfo

from server.reports.verification import Verification
from server.statistics.report_period import NoPeriod, ReportPeriod
from workbooks.form import Language, Text
from workbooks.report import load_reports
from workbooks.reporting.comparison import Difference, written

VERDICTS = {
    "equal": Text("与数据库一致", "Equal to the database"),
    "different": Text("与数据库不一致", "Different from the database"),
    "unverified": Text("部分内容无法核对", "Some of it could not be checked"),
}
_BROKEN = Text("封签不符，没有核对", "The seal does not fit; not compared")
_KINDS = {
    "figure": Text("数值不同", "differs"),
    "missing": Text("工作簿中缺少", "missing in the workbook"),
    "added": Text("数据库中没有", "not in the database"),
    "gone": Text("表已不在工作簿中", "the table is gone"),
    "stamp": Text("印记被改", "stamp changed"),
    "original": Text("原文件缺失或被改", "original missing or altered"),
    "answers": Text("答案与校验值不符", "answers do not fit their hash"),
    "record": Text("缺少或多出这一行", "row missing or added"),
}


def outcome(found: Verification) -> Text:
    """The verdict in words; of a broken stamp nothing is said about the database."""
    return _BROKEN if found.broken is not None else VERDICTS[found.verdict]


def about(found: Verification, zone: ZoneInfo) -> Text | None:
    """Which report was checked, for which period and as of when; None where nothing in it says."""
    stamp = found.stamp
    if stamp is None:
        return None
    report = load_reports().get(stamp.report)
    title = report.title if report else Text(stamp.report, stamp.report)
    try:
        period = ReportPeriod.parse(stamp.period).label
    except NoPeriod:  # somebody has changed it
        period = Text(stamp.period, stamp.period)
    as_of = f"{stamp.as_of.astimezone(zone):%Y-%m-%d %H:%M}"
    return Text(f"{title.zh}，{period.zh}，截至 {as_of}", f"{title.en}, {period.en}, as of {as_of}")


def counted(found: Verification) -> Text:
    """How much was compared and how much of it differs."""
    if found.broken is not None:
        return Text(
            "一个数字也没有与数据库核对：印记不可信，不知道该按什么时间、期间和范围核对。",
            "No figure was compared with the database: a stamp that is not to be trusted does not say "
            "as of when, for what period and for whom they are.",
        )
    return Text(
        f"核对了 {found.figures} 个数字和背后的 {found.records} 条记录，{found.total} 处不同。",
        f"{found.figures} figures and {found.records} records behind them compared, {found.total} differ.",
    )


def behind(difference: Difference) -> bool:
    """Whether it is not the workbook but the database that was altered."""
    return difference.kind in ("answers", "record")


def place_of(part: str) -> Text:
    """The table of the database called *part*."""
    return Text(f"数据库表 {part}：收下以后被改", f"Database table {part}: altered after it was accepted")


def beside(difference: Difference, language: Language) -> tuple[str, str]:
    """The workbook's figure, or what was accepted, and what the database has; in words where it is more than one."""
    if difference.kind in ("figure", "original"):
        return written(difference.in_workbook), written(difference.in_database)
    if behind(difference) and (difference.accepted, difference.in_database) != (None, None):
        return written(difference.accepted), written(difference.in_database)
    found = difference.in_database
    return _KINDS[difference.kind][language], "" if found is None else written(found)


def as_mapping(found: Verification) -> dict[str, Any]:
    """The result for programs; all texts in both languages."""
    stamp = found.stamp
    return {
        "verdict": found.verdict,
        "report": stamp.report if stamp else None,
        "period": stamp.period if stamp else None,
        "as_of": stamp.as_of.isoformat() if stamp else None,
        "figures": found.figures,
        "records": found.records,
        "differences": [_difference(difference) for difference in found.differences],
        "total": found.total,
        "seal": _texts(found.broken) if found.broken else None,
        "unverified": [_texts(text) for text in found.unverified],
        "notes": [_texts(text) for text in found.notes],
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "kind": difference.kind, "part": difference.part, "sheet": difference.sheet, "cell": difference.cell,
        "row": difference.row, "column": difference.column, "in_workbook": difference.in_workbook,
        "in_database": difference.in_database, "accepted": difference.accepted, "record": difference.record or None,
    }  # fmt: skip


def _texts(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def grouped(found: Verification) -> dict[tuple[str, str], list[Difference]]:
    """The differences by sheet and by what they stand in."""
    groups: dict[tuple[str, str], list[Difference]] = {}
    for difference in found.differences:
        groups.setdefault((difference.sheet, difference.part), []).append(difference)
    return groups
