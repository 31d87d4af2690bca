"""Open cases by the stage they wait in and their age."""

from collections.abc import Callable, Sequence
from datetime import datetime

from server.statistics.boards.chart import Behind, Cells, Chart, cell, table_of
from server.statistics.boards.listing import case_list
from server.statistics.boards.sums import first_month
from server.statistics.boards.window import Window
from server.statistics.cases import STAGE_LABELS, Case, Stage, bucket_of
from server.statistics.figures import AGE_LABELS, StageFigures
from server.statistics.fracas_datasets import OPEN_STAGES
from server.statistics.sources import Sources
from workbooks.form import Language, Text


def by_stage(cases: Sequence[Case], now: datetime) -> tuple[StageFigures, ...]:
    """Open cases by stage and age; every stage has its row, also an empty one."""
    counts: dict[Stage, list[int]] = {stage: [0] * len(AGE_LABELS) for stage in OPEN_STAGES}
    oldest: dict[str, int] = {}
    for case in cases:
        if case.open:
            age = case.age_days(now)
            counts[case.stage][bucket_of(age)] += 1
            oldest[case.stage] = max(age, oldest.get(case.stage, 0))
    return tuple(
        StageFigures(stage=stage, label=STAGE_LABELS[stage], counts=tuple(counts[stage]), oldest=oldest.get(stage))
        for stage in OPEN_STAGES
    )


def ageing(sources: Sources, window: Window, language: Language) -> Chart:
    """#6: what is open at the as-of time."""
    found = sources.open_cases()
    rows = by_stage(found, sources.now) if found or first_month(sources) else ()  # without any case none is open
    cells: Cells = [cell("stage", "阶段", "Stage", "text", lambda r: r.label[language])]
    for index, label in enumerate(AGE_LABELS):
        cells.append(cell(f"age_{index}", label.zh, label.en, "integer", _aged(index)))
    cells += [
        cell("total", "合计", "Total", "integer", lambda r: r.total),
        cell("oldest", "最长天数", "Oldest, days", "integer", lambda r: r.oldest),
    ]
    title = Text("未关闭故障：阶段 × 龄期", "Open cases by stage and age")
    data = table_of(sources, "ageing", title, cells, rows)
    return Chart(data=data, n=sum(row.total for row in rows), marks=tuple(row.stage for row in rows))


def _aged(index: int) -> Callable[[StageFigures], int]:
    return lambda row: row.counts[index]


def ageing_behind(sources: Sources, window: Window, mark: str, language: Language) -> Behind:
    """*mark* is a stage, or a stage and the index of an age with | between them."""
    stage, _, age = mark.partition("|")
    chosen = [
        case
        for case in sources.open_cases()
        if case.stage == stage and age in ("", str(bucket_of(case.age_days(sources.now))))
    ]
    return case_list(sources, chosen, language)
