"""
What building a report workbook costs: the FRACAS board over made-up cases.

    python benchmarks/reports.py [--rounds 3] [--profile]

The rows are in memory already; what reading them costs is measured by statistics.py. The
best round counts, since whatever else the machine does only adds to it. Ends with status 1
when a figure that Aftersheet promises is missed.
"""

import argparse
import cProfile
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table

from workbooks.dataset import Column, ColumnType, Dataset
from workbooks.form import Text
from workbooks.pivots import build_report
from workbooks.report import load_reports
from workbooks.reporting.report_definition import ReportDefinition

# Cases, lines of the backlog, seconds promised.
SIZES = ((8_300, 2_400, 0.6), (25_000, 7_500, 1.2))
TABLES = ("T_fracas_cases", "T_fracas_backlog", "T_fracas_pareto")
STATIONS = [(f"区域{n % 6}", f"第{n}服务站") for n in range(24)]
START = datetime(2024, 12, 1)  # noqa: DTZ001 (site-local)


def charted() -> ReportDefinition:
    """The FRACAS board with the sheets over these tables; those on reliability have a few rows."""
    report = load_reports()["fracas_board"]
    sheets = [s for s in report.sheets if (s.pivot and s.pivot.table in TABLES) or (s.table and s.table.name in TABLES)]
    return replace(report, sheets=tuple(sheets))


REPORT = charted()


def cases(count: int, seed: int) -> Dataset:
    """37 columns as the dataset fracas_cases has them."""
    draw = random.Random(seed)
    times = [START + timedelta(minutes=draw.randrange(700 * 1440)) for _ in range(count)]
    places = [draw.choice(STATIONS) for _ in range(count)]
    parts = [draw.randrange(90) for _ in range(count)]

    def flags(share: float, blank: float) -> list[int | None]:
        return [None if draw.random() < blank else int(draw.random() < share) for _ in range(count)]

    def hours(mean: float) -> list[float]:
        return [round(draw.expovariate(1 / mean), 2) for _ in range(count)]

    def names(word: str, kinds: int) -> list[str]:
        return [f"{word}{draw.randrange(kinds)}" for _ in range(count)]

    return made(
        "fracas_cases",
        {
            "number": ("text", [f"FR-2026-{n:06d}" for n in range(count)]),
            "reported_at": ("datetime", times),
            "occurred_at": ("datetime", [at - timedelta(minutes=draw.randrange(90)) for at in times]),
            "year": ("integer", [at.year for at in times]),
            "quarter": ("text", [f"{at.year}Q{(at.month + 2) // 3}" for at in times]),
            "month": ("text", [f"{at:%Y-%m}" for at in times]),
            "week": ("text", [f"{at:%G-W%V}" for at in times]),
            "occurred_month": ("text", [f"{at:%Y-%m}" for at in times]),
            "region": ("text", [region for region, _ in places]),
            "station": ("text", [station for _, station in places]),
            **{f"text_{n}": ("text", names(f"名称{n}-", 40)) for n in range(4)},
            "vehicle_type": ("text", names("B型车", 4)),
            "system": ("text", [f"系统{part % 7}" for part in parts]),
            "part": ("text", [f"部件{part}" for part in parts]),
            "serial_no": ("text", [f"SN{draw.randrange(10**8):08d}" for _ in range(count)]),
            "failure_mode": ("text", names("模式", 60)),
            "severity": ("text", names("等级", 4)),
            "warranty": ("text", names("保", 2)),
            **{f"text_{n}": ("text", names(f"名称{n}-", 8)) for n in range(4, 9)},
            "failures": ("integer", [1] * count),
            "closed": ("integer", flags(0.8, 0)),
            "overdue": ("integer", flags(0.2, 0.5)),
            "repeat": ("integer", flags(0.1, 0.1)),
            "fixed_first_time": ("integer", flags(0.8, 0.2)),
            "response_hours": ("decimal", hours(2)),
            "arrival_hours": ("decimal", hours(5)),
            "repair_hours": ("decimal", hours(4)),
            "close_days": ("integer", [draw.choice((None, draw.randrange(200))) for _ in range(count)]),
            "open_days": ("integer", [draw.choice((None, draw.randrange(200))) for _ in range(count)]),
            "visits": ("integer", [draw.randrange(1, 4) for _ in range(count)]),
        },
    )


def backlog(count: int, seed: int) -> Dataset:
    draw = random.Random(seed)
    stages, ages = ("处理", "原因分析", "纠正措施", "效果验证", "待关闭"), ("0~7天", "8~30天", "31~90天", "180天以上")
    months = [f"{START + timedelta(days=30 * draw.randrange(24)):%Y-%m}" for _ in range(count)]
    return made(
        "fracas_backlog",
        {
            "month": ("text", sorted(months)),
            "number": ("text", [f"FR-2026-{draw.randrange(count):06d}" for _ in range(count)]),
            "region": ("text", [draw.choice(STATIONS)[0] for _ in range(count)]),
            "stage": ("text", [draw.choice(stages) for _ in range(count)]),
            "age_bucket": ("text", [draw.choice(ages) for _ in range(count)]),
            "responsibility": ("text", [f"部门{draw.randrange(6)}" for _ in range(count)]),
            "open": ("integer", [1] * count),
        },
    )


def pareto(modes: int) -> Dataset:
    share = 1 / modes
    return made(
        "fracas_pareto",
        {
            "failure_mode": ("text", [f"模式{n}" for n in range(modes)]),
            "failures": ("integer", [modes - n for n in range(modes)]),
            "share": ("percent", [share] * modes),
            "cumulative": ("percent", [share * (n + 1) for n in range(modes)]),
        },
    )


def made(name: str, columns: dict[str, tuple[ColumnType, Sequence[Any]]]) -> Dataset:
    words = Text(f"数据 {name}", f"Data {name}")
    return Dataset(
        name=name, title=words, definition=words, as_of=START + timedelta(days=710),
        columns=tuple(Column(key, Text(key, key), kind) for key, (kind, _) in columns.items()),
        data=tuple(values for _, values in columns.values()),
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="where the time goes, instead of how long it takes")
    asked = parser.parse_args()
    table = Table("cases × columns", "pivot tables", "MB", "seconds", "of one core", "promised", header_style="bold")
    missed = False
    for count, lines, promised in SIZES:
        datasets = {
            "T_fracas_cases": cases(count, 1),
            "T_fracas_backlog": backlog(lines, 2),
            "T_fracas_pareto": pareto(60),
        }
        if asked.profile:
            cProfile.runctx("build_report(REPORT, datasets, 'zh')", globals(), locals(), sort="cumtime")
            continue
        seconds, busy = [], []
        for _ in range(asked.rounds):
            began, before = time.perf_counter(), time.process_time()
            content = build_report(REPORT, datasets, "zh")
            seconds.append(time.perf_counter() - began)
            busy.append(time.process_time() - before)
        missed = missed or min(seconds) > promised
        size = f"{count:,} × {len(datasets['T_fracas_cases'].columns)}"
        table.add_row(
            size,
            str(len(REPORT.pivots)),
            f"{len(content) / 1e6:.1f}",
            f"{min(seconds):.2f}",
            f"{min(busy):.2f}",
            f"{promised}",
        )
    if not asked.profile:
        Console().print(table)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
