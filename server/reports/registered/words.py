"""What registered workbooks, their schedules and runs are called, on pages and the command line."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from server.intake.mail.models import ReplyState
from server.reports.registered.models import Cause, RunState, WorkbookRun, WorkbookState
from server.reports.registered.period_rules import PeriodRule, days
from server.reports.registered.registration import Plan, Source
from server.reports.registered.schedule import Rhythm
from server.reports.registered.store import LetterView
from workbooks.form import Text
from workbooks.report import load_reports

Badge = tuple[Text, str]

STATES: Mapping[str, Badge] = {
    WorkbookState.DRAFT: (Text("待设置", "To be set up"), "warn"),
    WorkbookState.ACTIVE: (Text("运行中", "Running"), "ok"),
    WorkbookState.PAUSED: (Text("已暂停", "Paused"), ""),
}
RHYTHMS: dict[Rhythm, Text] = {
    Rhythm.WORKING_DAYS: Text("每个工作日", "Every working day"),
    Rhythm.MONTH_END: Text(
        "月末（次月首个工作日，数据截至月底）", "Month end (first working day after, as of the month's end)"
    ),
    Rhythm.SUBMISSIONS: Text("每批表单提交之后", "After each batch of submissions"),
    Rhythm.MANUAL: Text("只在点“立即刷新”时", "Only by “Refresh now”"),
}
CAUSES: Mapping[str, Text] = {
    Cause.SCHEDULE: Text("计划", "Schedule"),
    Cause.SUBMISSION: Text("有新提交", "Submissions"),
    Cause.PERSON: Text("手动", "By hand"),
}
_RUNS: Mapping[str, Badge] = {
    RunState.QUEUED: (Text("排队中", "Queued"), "info"),
    RunState.BUILT: (Text("交付中", "Being delivered"), "info"),
    RunState.DELIVERED: (Text("已完成", "Done"), "ok"),
    RunState.FAILED: (Text("失败", "Failed"), "bad"),
    RunState.SUPERSEDED: (Text("已取消", "Dropped"), ""),
}
_STEPS: Mapping[str, Text] = {
    "reading": Text("正在读取工作簿", "Reading the workbook"),
    "figures": Text("正在计算数据", "Computing the figures"),
    "pushing": Text("正在写入工作簿", "Writing the workbook"),
    "delivering": Text("正在交付", "Delivering"),
}
_SHORT: Mapping[Rhythm, Text] = RHYTHMS | {
    Rhythm.MONTH_END: Text("月末", "Month end"),
    Rhythm.MANUAL: Text("手动", "By hand"),
}


def schedule(plan: Plan) -> Text:
    """When a workbook is refreshed, in few words."""
    words = _SHORT[plan.rhythm]
    if plan.rhythm in (Rhythm.WORKING_DAYS, Rhythm.MONTH_END):
        return Text(f"{words.zh} {plan.at}", f"{words.en}, {plan.at}")
    return words


def source(found: Source) -> Text:
    """Where a workbook comes from, and where on a share a report goes."""
    if found.kind == "report":
        report = load_reports().get(found.report)
        title = report.title if report else Text(found.report, found.report)
        goes = (
            Text(f" → {found.share}：{found.path}", f" → {found.share}: {found.path}") if found.share else Text("", "")
        )
        return Text(f"报表：{title.zh}{goes.zh}", f"Report: {title.en}{goes.en}")
    if found.kind == "share":
        return Text(f"{found.share}：{found.path}", f"{found.share}: {found.path}")
    return Text(f"上传：{found.filename}", f"Uploaded: {found.filename}")


def run(found: WorkbookRun) -> Badge:
    """How far a run has come."""
    if running(found):
        return _STEPS.get(found.step, Text("正在刷新", "Under way")), "info"
    if found.state == RunState.QUEUED and found.reason_zh:
        return Text("等待重试", "To be tried again"), "warn"
    return _RUNS[found.state]


def running(found: WorkbookRun | None) -> bool:
    """Whether a worker is at it."""
    return found is not None and found.lease_until is not None and found.lease_until > datetime.now(UTC)


def moving(found: WorkbookRun | None) -> bool:
    """Whether the page will look different in a moment."""
    return running(found) or (found is not None and found.state == RunState.QUEUED and not found.reason_zh)


def reason(found: WorkbookRun) -> Text | None:
    """Why a run has not succeeded."""
    return Text(found.reason_zh, found.reason_en) if found.reason_zh else None


def note(found: WorkbookRun) -> Text | None:
    """What to know of a workbook that was delivered."""
    return Text(found.note_zh, found.note_en) if found.note_zh and found.state == RunState.DELIVERED else None


def lacking(found: Source, public_url: str) -> Text | None:
    """What a report does without, because the server does not know its own address."""
    if found.kind != "report" or public_url:
        return None
    return Text(
        "从报表里点不开记录：服务器没有设置自己的地址，请管理员设置 AFTERSHEET_PUBLIC_URL。",
        "The report does not lead to its records: the server does not know its own address; an administrator has to "
        "set AFTERSHEET_PUBLIC_URL.",
    )


def letter(found: LetterView) -> Text:
    """How far the mail to one address has come."""
    if found.unclear:
        return Text(
            f"给 {found.address} 的邮件也许已送达：交出后没有得到邮件服务器的答复，不会自动再发。"
            "没收到时请点“立即刷新”，或由管理员在“邮件 › 回信”中重发。",
            f"The mail to {found.address} may have arrived: it was handed over and the mail server never answered. It "
            "is not sent again by itself; if it is missing, refresh now, or let an administrator send it again.",
        )
    if found.state is ReplyState.SENT:
        return Text(f"已邮寄给 {found.address}", f"Mailed to {found.address}")
    if found.state is ReplyState.QUEUED:
        return Text(f"待邮寄给 {found.address}", f"To be mailed to {found.address}")
    return Text(f"没有邮寄给 {found.address}：{found.error}", f"Not mailed to {found.address}: {found.error}")


def period(rule: PeriodRule, day: date | None) -> Text:
    """A period by its rule, and the days that it means on *day*."""
    start, end = days(rule, day) if day else (None, None)
    if start is None or end is None:
        return rule.label
    return Text(f"{rule.label.zh}（{start} 至 {end}）", f"{rule.label.en} ({start} to {end})")
