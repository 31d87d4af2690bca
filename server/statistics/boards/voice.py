"""Charts of what customers say: satisfaction by campaign, its items, recommendation, complaints."""

from collections import Counter
from collections.abc import Callable, Mapping

from server.statistics.boards.chart import Behind, Cells, Chart, cell, table_of
from server.statistics.boards.failures import mean_hours
from server.statistics.boards.listing import MOST_LISTED
from server.statistics.boards.sums import measured_by
from server.statistics.boards.window import Window
from server.statistics.deadlines import State, state_by_hours
from server.statistics.feedback_datasets import all_feedback
from server.statistics.feedbacks import Feedback
from server.statistics.measures import mean, net_promoter_score, ratio, wilson
from server.statistics.periods import month_of, names_of, quarter_of
from server.statistics.sources import Sources
from server.statistics.surveys import Campaign, Sheet, latest_per_customer
from server.statistics.tabular import rounded
from workbooks.form import Language, Text

COVERAGE_TARGET = 0.75  # 002:L326 (T09)
ITEM_LABELS: Mapping[str, Text] = {
    "quality": Text("产品质量", "Quality"),
    "price": Text("价格", "Price"),
    "delivery": Text("交货期", "Delivery"),
    "packaging": Text("包装", "Packaging"),
    "service": Text("售后服务", "Service"),
}
CLASSES: Mapping[str, Text] = {
    "quality": Text("质量异常", "Quality"),
    "human": Text("非质量异常", "Not quality"),
    "other": Text("其它", "Other"),
    "": Text("待分类", "To be classed"),
}


def _campaigns(sources: Sources, window: Window) -> list[Campaign]:
    """All campaigns up to the window's end: one campaign says little without those before."""
    return [campaign for campaign in sources.campaigns if campaign.began_on <= window.last]


def campaigns(sources: Sources, window: Window, language: Language) -> Chart:
    """#15: satisfaction by campaign with its line, coverage and return."""
    line = sources.limit("survey", "satisfied_from")
    rows = _campaigns(sources, window)

    def limit(c: Campaign, upper: bool) -> float | None:
        found = wilson(c.satisfaction.satisfied, c.satisfaction.n)
        return None if found is None else found.upper if upper else found.lower

    cells: Cells = [
        cell("campaign", "批次", "Campaign", "text", lambda c: c.label),
        cell(
            "index", "顾客满意度", "Satisfaction index", "decimal", lambda c: rounded(c.satisfaction.index), decimals=2
        ),
        cell("line", "满意线", "Satisfied from", "decimal", lambda c: line),
        cell("n", "收回客户", "Returned", "integer", lambda c: c.satisfaction.n),
        cell("satisfied_share", "满意率", "Satisfied", "percent", lambda c: c.satisfaction.satisfied_share),
        cell("lower", "满意率下限", "Lower limit", "percent", lambda c: limit(c, False)),
        cell("upper", "满意率上限", "Upper limit", "percent", lambda c: limit(c, True)),
    ]
    title = Text("顾客满意度", "Customer satisfaction")
    data = table_of(sources, "campaigns", title, cells, rows)
    return Chart(data=data, n=sum(c.satisfaction.n for c in rows), marks=tuple(c.label for c in rows))


def coverage(sources: Sources, window: Window, language: Language) -> Chart:
    """Coverage × return against the 75 %."""
    rows = _campaigns(sources, window)
    cells: Cells = [
        cell("campaign", "批次", "Campaign", "text", lambda c: c.label),
        cell("coverage", "发放覆盖率", "Coverage", "percent", lambda c: c.coverage.coverage),
        cell("return", "回收率", "Return", "percent", lambda c: c.coverage.returned_share),
        cell("product", "覆盖率×回收率", "Coverage × return", "percent", lambda c: c.coverage.product),
        cell("target", "目标", "Target", "percent", lambda c: COVERAGE_TARGET),
        cell("frame", "在册客户", "Customers", "integer", lambda c: c.coverage.frame),
        cell("sent", "发放客户", "Asked", "integer", lambda c: c.coverage.sent),
        cell("returned", "收回客户", "Returned", "integer", lambda c: c.coverage.returned),
    ]
    title = Text("覆盖率 × 回收率", "Coverage × return")
    data = table_of(sources, "coverage", title, cells, rows)
    return Chart(data=data, n=sum(c.coverage.sent for c in rows), marks=tuple(c.label for c in rows))


def items(sources: Sources, window: Window, language: Language) -> Chart:
    """Item means of the latest campaign that was answered, the lowest first: what to improve."""
    answered = [campaign for campaign in _campaigns(sources, window) if campaign.satisfaction.n]
    last = answered[-1] if answered else None
    line = sources.limit("survey", "satisfied_from")
    rows = sorted((score, item) for item, score in last.items.items() if score is not None) if last else []
    cells: Cells = [
        cell("item", "调查项目", "Item", "text", lambda r: ITEM_LABELS[r[1]][language]),
        cell("score", "平均分", "Mean score", "decimal", lambda r: rounded(r[0]), 2),
        cell("line", "满意线", "Satisfied from", "decimal", lambda r: line),
    ]
    title = Text("各项满意平均分", "Mean scores by item")
    note = Text(last.label, last.label) if last else None
    data = table_of(sources, "items", title, cells, rows)
    return Chart(data=data, n=last.satisfaction.n if last else 0, note=note)


def promoters(sources: Sources, window: Window, language: Language) -> Chart:
    """#16: promoters, passives and detractors by campaign, with the score and its interval."""
    rows = [campaign for campaign in _campaigns(sources, window) if campaign.recommend]

    def share(c: Campaign, low: int, high: int) -> float | None:
        return ratio(sum(low <= score <= high for score in c.recommend), len(c.recommend))

    def score(c: Campaign, which: int) -> float | None:
        found = net_promoter_score(c.recommend)
        return None if found is None else rounded((found[0], found[1].lower, found[1].upper)[which], 1)

    cells: Cells = [
        cell("campaign", "批次", "Campaign", "text", lambda c: c.label),
        cell("promoters", "推荐者（9~10）", "Promoters (9-10)", "percent", lambda c: share(c, 9, 10)),
        cell("passives", "被动者（7~8）", "Passives (7-8)", "percent", lambda c: share(c, 7, 8)),
        cell("detractors", "贬损者（0~6）", "Detractors (0-6)", "percent", lambda c: share(c, 0, 6)),
        cell("score", "NPS", "NPS", "decimal", lambda c: score(c, 0), 1),
        cell("lower", "NPS 下限", "NPS lower limit", "decimal", lambda c: score(c, 1), 1),
        cell("upper", "NPS 上限", "NPS upper limit", "decimal", lambda c: score(c, 2), 1),
        cell("n", "n", "n", "integer", lambda c: len(c.recommend)),
    ]
    title = Text("净推荐值 NPS", "Net promoter score")
    data = table_of(sources, "promoters", title, cells, rows)
    return Chart(data=data, n=sum(len(c.recommend) for c in rows), marks=tuple(c.label for c in rows))


def campaign_behind(sources: Sources, window: Window, mark: str, language: Language) -> Behind:
    """The sheets of one campaign, the lowest totals first."""
    labels = sources.labels("survey")
    found = [
        sheet
        for sheet in latest_per_customer(sources.sheets)
        if mark == (f"{sheet.year}-05" if sheet.campaign == "may" else f"{sheet.year}{sheet.campaign.upper()}")
    ]
    found.sort(key=lambda sheet: (sheet.total is None, sheet.total or 0, sheet.customer))
    cells: Cells = [
        cell("customer", "客户", "Customer", "text", lambda s: labels.of("customer", s.customer)[language]),
        cell("station", "站点", "Station", "text", lambda s: labels.of("station", s.station)[language]),
        cell("sent_on", "发放日期", "Sent on", "date", lambda s: s.sent_on),
        cell("returned_on", "收回日期", "Returned on", "date", lambda s: s.returned_on),
        cell("total", "总分", "Total", "decimal", lambda s: rounded(s.total), 1),
        *(cell(item, shown.zh, shown.en, "decimal", _scored(item)) for item, shown in ITEM_LABELS.items()),
        cell("recommend", "推荐意愿", "Recommend", "integer", lambda s: s.recommend),
    ]
    title = Text("满意度调查明细", "Satisfaction survey sheets")
    data = table_of(sources, "behind", title, cells, found[:MOST_LISTED])
    return Behind(data=data, total=len(found))


def complaints(sources: Sources) -> list[Feedback]:
    """The complaints received by the as-of time, as they stood, oldest first."""
    return [feedback for feedback in all_feedback(sources) if feedback.complaint]


def reply_state(complaint: Feedback, sources: Sources) -> State:
    """How its answer stands against the 48 hours."""
    waited = ((complaint.replied_at or sources.now) - complaint.received_at).total_seconds() / 3600
    hours = waited if complaint.replied_at else None
    return state_by_hours(hours, waited, sources.limit("feedback", "reply_hours"))


def complaint_classes(sources: Sources, window: Window, language: Language) -> Chart:
    """#14: complaints by month and class, with the share answered in time and what was paid."""
    shown = [c for c in complaints(sources) if c.received_at.date() <= window.last]
    # A month without a complaint is a month with none, not one to leave out.
    days = [complaint.received_at.date() for complaint in shown]
    known = names_of(min(days), window.last, by_quarter=window.by_quarter) if days else []
    by_period: dict[str, list[Feedback]] = {name: [] for name in known}
    for complaint in shown:
        name = quarter_of(complaint.received_at) if window.by_quarter else month_of(complaint.received_at)
        by_period[name].append(complaint)
    rows = list(by_period.items())
    rows = rows if window.all_history else rows[-12:]
    cells: Cells = [
        cell("period", *(("季度", "Quarter") if window.by_quarter else ("月", "Month")), "text", lambda r: r[0]),
        *(
            cell(f"class_{code or 'none'}", label.zh, label.en, "integer", _classed(code))
            for code, label in CLASSES.items()
        ),
        cell("major", "其中重大", "Major", "integer", lambda r: sum(c.grade == "major" for c in r[1])),
        cell("on_time", "48h 答复率", "Answered in 48 h", "percent", lambda r: _on_time(r[1], sources)[0]),
        cell("due", "答复 n", "Answers due", "integer", lambda r: _on_time(r[1], sources)[1]),
        cell("compensation", "赔偿额", "Compensation", "decimal", lambda r: _paid(r[1]), 2),
    ]  # fmt: skip
    title = Text("客户投诉", "Complaints")
    data = table_of(sources, "complaints", title, cells, rows)
    return Chart(data=data, n=sum(len(found) for _, found in rows), marks=tuple(name for name, _ in rows))


def _classed(code: str) -> Callable[[tuple[str, list[Feedback]]], int]:
    return lambda row: sum((complaint.complaint_class or "") == code for complaint in row[1])


def _scored(item: str) -> Callable[[Sheet], float | None]:
    return lambda sheet: sheet.scores[item]


def _on_time(found: list[Feedback], sources: Sources) -> tuple[float | None, int]:
    counted = Counter(reply_state(complaint, sources) for complaint in found)
    due = len(found) - counted[State.NOT_DUE] - counted[State.ERROR]
    return ratio(counted[State.ON_TIME], due), due


def _paid(found: list[Feedback]) -> float | None:
    paid = [complaint.compensation for complaint in found if complaint.compensation is not None]
    return rounded(sum(paid)) if paid else None


def complaints_behind(sources: Sources, window: Window, mark: str, language: Language) -> Behind:
    labels = sources.labels("feedback")
    wanted, _, class_ = mark.partition("|")
    found = [
        c
        for c in complaints(sources)
        if wanted in (month_of(c.received_at), quarter_of(c.received_at))
        and (not class_ or class_ == f"class_{c.complaint_class or 'none'}")
    ]
    cells: Cells = [
        cell("number", "反馈编号", "Number", "text", lambda c: c.number),
        cell("received_at", "接收时间", "Received at", "datetime", lambda c: c.received_at),
        cell("station", "站点", "Station", "text", lambda c: labels.of("station", c.station)[language]),
        cell("customer", "客户", "Customer", "text", lambda c: labels.of("customer", c.customer)[language]),
        cell("class", "类别", "Class", "text", lambda c: CLASSES[c.complaint_class or ""][language]),
        cell("grade", "轻重", "Grade", "text", lambda c: labels.of("grade", c.grade)[language]),
        cell("reply", "答复用时h", "Hours to the answer", "decimal", lambda c: rounded(c.reply_hours, 1), 1),
    ]
    title = Text("客户投诉", "Complaints")
    shown = found[::-1][:MOST_LISTED]
    return Behind(data=table_of(sources, "behind", title, cells, shown), total=len(found))


def performance(sources: Sources, window: Window, language: Language) -> Chart:
    """#21: stations by how fast they come and how content their customers are."""
    labels = sources.labels("survey")
    sums = {code: found for (code,), found in measured_by(sources, window.first, window.last, "station").items()}
    scores: dict[str, list[float]] = {}
    for sheet in latest_per_customer(sources.sheets):
        if sheet.total is not None and (window.first is None or sheet.year >= window.first.year):
            scores.setdefault(sheet.station, []).append(sheet.total)
    rows = sorted(code for code in scores if code in sums and sums[code].arrived)
    hours = {code: mean_hours(sums[code].arrival, sums[code].arrived) for code in rows}
    cells: Cells = [
        cell("station", "站点", "Station", "text", lambda s: labels.of("station", s)[language]),
        cell("hours", "平均到场h", "Mean arrival h", "decimal", lambda s: hours[s], 2),
        cell("score", "顾客满意度", "Satisfaction index", "decimal", lambda s: rounded(mean(scores[s])), 2),
        cell("failures", "故障数", "Failures", "integer", lambda s: sums[s].failures),
        cell("n", "问卷 n", "Sheets n", "integer", lambda s: len(scores[s])),
    ]
    title = Text("站点绩效矩阵：效率 × 体验", "Stations: speed and satisfaction")
    data = table_of(sources, "performance", title, cells, rows, period=window.days)
    return Chart(data=data, n=len(rows), marks=tuple(rows))
