"""The catalogue of findings: every text can be shown in both languages, and none says what nobody can do."""

import re
from collections.abc import Mapping
from typing import Final

import pytest

from workbooks.finding_codes import FindingCode, Severity
from workbooks.findings import Finding, has_errors
from workbooks.form import Text

# What each kind of finding is told; the check, the reader and the intake must give at least this.
CONTEXTS: Final[Mapping[FindingCode, Mapping[str, str | Text]]] = {
    FindingCode.DAMAGED: {"detail": Text("（缺少工作表）", " (a sheet is missing)"), "support": "7f3a"},
    FindingCode.UNSAFE: {"detail": Text("压缩比过高", "compressed too much")},
    FindingCode.TOO_LARGE: {"detail": Text("25 MB，最多 20 MB", "25 MB, at most 20 MB")},
    FindingCode.ACTIVE_CONTENT: {"detail": Text("宏", "macros")},
    FindingCode.WRONG_FORM: {"expected": Text("满意度调查表", "Survey"), "actual": Text("出差总结单", "Trip summary")},
    FindingCode.OLD_VERSION: {"sent": "1", "current": "2"},
    FindingCode.RETIRED_VERSION: {"sent": "1", "current": "3"},
    FindingCode.MIGRATED_VERSION: {
        "sent": "1",
        "current": "3",
        "detail": Text("：“电话”现为“联系电话”", ": “Tel” is now “Phone”"),
    },
    FindingCode.MISPLACED_ANSWER: {"found": "A8"},
    FindingCode.ANSWER_BESIDE: {"beside": "D7"},
    FindingCode.NEWER_VERSION: {"sent": "4", "current": "3"},
    FindingCode.NOT_ON_OLD_TEMPLATE: {"sent": "1", "current": "3"},
    FindingCode.DROPPED_ANSWER: {"value": "021-5550"},
    FindingCode.SPLIT_ANSWER: {
        "value": "张伟/138",
        "parts": Text("姓名“张伟”", "Name “张伟”"),
        "separator": "/",
    },
    FindingCode.UNKNOWN_VERSION: {"sent": "9", "current": "3"},
    FindingCode.MERGED_INPUT: {"into": "C6:F7"},
    FindingCode.SHARED_CELL: {"other": Text("故障现象", "Symptom")},
    FindingCode.LINE_ADDED: {"row": "23"},
    FindingCode.LINE_NOT_READ: {"row": "23"},
    FindingCode.STRAY_VALUE: {"value": "另见附件"},
    FindingCode.OTHER_FORM: {"other": "第二次", "read": "第一次", "title": Text("出差计划", "Trip plan")},
    FindingCode.PICTURE_FORMAT: {"kind": "EMF"},
    FindingCode.TOO_FEW_ROWS: {"minimum": "2", "count": "1"},
    FindingCode.NOT_A_NUMBER: {"value": "约2小时"},
    FindingCode.NOT_AN_INTEGER: {"value": "3.5"},
    FindingCode.OUT_OF_RANGE: {"value": "101", "range": Text("在 0 到 100 之间", "between 0 and 100")},
    FindingCode.NOT_A_DATE: {"value": "5月3日"},
    FindingCode.AMBIGUOUS_DATE: {"value": "03/04/2026"},
    FindingCode.NOT_A_TIME: {"value": "上午"},
    FindingCode.NOT_A_DATETIME: {"value": "昨天"},
    FindingCode.NOT_A_CHOICE: {
        "value": "上海",
        "suggestion": Text("（是不是“上海站”？）", " (did you mean “Shanghai”?)"),
    },
    FindingCode.NOT_UNDER_PARENT: {"value": "中继阀", "parent": Text("空调系统", "Air conditioning")},
    FindingCode.TOO_LONG: {"length": "300", "maximum": "200"},
    FindingCode.CELL_ERROR: {"value": "#REF!"},
    FindingCode.RULE_BROKEN: {"message": Text("返回不能早于出发。", "The return is before the departure.")},
    FindingCode.NEEDS_REASON: {"message": Text("费用超过 1000 元。", "It costs more than 1000 yuan.")},
    FindingCode.TAKEN_WITH_REASON: {
        "message": Text("费用超过 1000 元。", "It costs more than 1000 yuan."),
        "reason": "客户要求加急",
    },
    FindingCode.PAST_DEADLINE: {"due": "2026-11-20", "days": "1"},
    FindingCode.CORRECTED_VALUE: {"value": "305", "taken": "0305"},
    FindingCode.STALE_CALCULATION: {"value": "99", "taken": "5"},
    FindingCode.SECTION_NOT_YOURS: {"owner": Text("工程师", "the engineer")},
    FindingCode.STALE_REVISION: {
        "base": "1",
        "current": "3",
        "who": "张伟",
        "when": "2026-11-21 09:30",
        "changed": Text("严重度", "Severity"),
        "number": "FR-2026-000123",
    },
    FindingCode.UNKNOWN_RECORD: {"number": "FR-2026-000123"},
    FindingCode.CLOSED_RECORD: {"number": "FR-2026-000123"},
    FindingCode.NOT_YOUR_RECORD: {"value": "广州站"},
    FindingCode.POSSIBLE_DUPLICATE: {"number": "FR-2026-000123"},
    FindingCode.NEW_FROM_USED: {"number": "FR-2026-000123"},
}


def made(code: FindingCode) -> Finding:
    context = CONTEXTS.get(code, {})
    return Finding(
        code=code, sheet="故障报告", cell="C7", field="it", label=Text("严重度", "Severity"), context=context
    )


@pytest.mark.parametrize("code", FindingCode, ids=lambda code: code.slug)
def test_every_finding_reads_in_both_languages(code: FindingCode):
    """No hole stays open, no language is mixed into the other, every sentence ends."""
    finding = made(code)

    for told in (finding.what("zh"), finding.fix("zh"), finding.what("en"), finding.fix("en")):
        assert told
        assert not re.search(r"[{}]", told)
    assert re.search(r"[\u4e00-\u9fff]", finding.what("zh") + finding.fix("zh"))
    assert finding.code in (FindingCode.TAKEN_WITH_REASON,) or finding.message("en").endswith((".", "?", "!"))


@pytest.mark.parametrize("code", FindingCode, ids=lambda code: code.slug)
def test_chinese_texts_have_chinese_punctuation(code: FindingCode):
    """A comma between Chinese words is a Chinese comma."""
    for told in (code.value.what.zh, code.value.fix.zh):
        assert not re.search(r"[\u4e00-\u9fff”}][,;:!?(]|[,;:(][\u4e00-\u9fff“{]", told), told


def test_slugs_are_public_and_never_used_twice():
    """Receipts and mail replies show them."""
    slugs = [code.slug for code in FindingCode]

    assert len(set(slugs)) == len(slugs)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", slug) for slug in slugs)
    assert [code.name.lower().replace("_", "-") for code in FindingCode] == slugs


def test_the_place_is_that_of_excel():
    """Whoever filled the form in can find the cell without our help."""
    finding = made(FindingCode.MISSING_VALUE)

    assert finding.place == "故障报告!C7"
    assert "C7" in finding.fix("zh")
    assert Finding(code=FindingCode.EMPTY_FILE).place == ""


def test_without_a_cell_the_texts_still_read():
    """A web form has no addresses."""
    finding = Finding(code=FindingCode.MISSING_VALUE, field="it", label=Text("严重度", "Severity"))

    assert (finding.fix("zh"), finding.fix("en")) == ("请填写该项。", "Fill in this answer.")


def test_senders_text_is_put_in_as_it_stands():
    """Braces that somebody typed are no holes, and are not looked at twice."""
    finding = Finding(
        code=FindingCode.NOT_A_NUMBER, label=Text("数量", "Quantity"), context={"value": "{label} {0} {x!r} {cell}"}
    )

    assert "{label} {0} {x!r} {cell}" in finding.what("zh")


def test_a_finding_as_json_has_both_languages():
    """API clients choose the language themselves."""
    told = made(FindingCode.NOT_A_CHOICE).as_dict()

    assert (told["slug"], told["severity"], told["cell"], told["field"]) == ("not-a-choice", "error", "C7", "it")
    assert told["what"]["zh"] == "“严重度”填的“上海”不在可选项中（是不是“上海站”？）。"
    assert told["what"]["en"].startswith("“Severity” holds “上海”")
    assert told["label"] == {"zh": "严重度", "en": "Severity"}


def test_only_errors_keep_a_form_from_being_accepted():
    """Warnings are told and stored."""
    assert has_errors([made(FindingCode.NOT_A_NUMBER), made(FindingCode.OLD_VERSION)])
    assert not has_errors([made(FindingCode.OLD_VERSION), made(FindingCode.PAST_DEADLINE)])
    assert {code.slug for code in FindingCode if code.severity is Severity.WARNING} == {
        "opened-with-password", "old-format-taken", "line-added", "line-not-read", "stray-value", "stray-picture",
        "old-version", "lost-names", "taken-with-reason", "past-deadline", "corrected-value", "stale-calculation",
        "possible-duplicate", "new-from-used", "migrated-version", "dropped-answer", "split-answer",
    }  # fmt: skip
