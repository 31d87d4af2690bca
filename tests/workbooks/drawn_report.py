"""A report drawn small, for the tests of pivot tables, kinds of reports and what stands in them."""

from datetime import datetime
from itertools import product
from pathlib import Path

from workbooks.dataset import Column, Dataset
from workbooks.form import Text
from workbooks.report import load

REPORT = load(Path(__file__).with_name("drawn_board.yaml"))
STATIONS = {"广州站": "华南", "深圳站": "华南", "郑州站": "华中"}
CASES = {
    "number": ("故障编号", "text"), "reported_at": ("报修时间", "datetime"), "year": ("年", "integer"),
    "month": ("月", "text"), "region": ("区域", "text"), "station": ("站点", "text"), "vehicle_type": ("车型", "text"),
    "system": ("系统", "text"), "part": ("部件", "text"), "failure_mode": ("故障模式", "text"),
    "severity": ("严重度", "text"), "warranty": ("保内外", "text"), "failures": ("故障数", "integer"),
    "closed": ("是否关闭", "integer"), "overdue": ("是否超时", "integer"), "repeat": ("是否重复", "integer"),
    "fixed_first_time": ("一次修复", "integer"), "response_hours": ("响应h", "decimal"),
    "repair_hours": ("维修h", "decimal"), "close_days": ("关闭d", "integer"),
}  # fmt: skip
BACKLOG = {
    "month": ("月", "text"), "region": ("区域", "text"), "stage": ("阶段", "text"), "age_bucket": ("龄期", "text"),
    "responsibility": ("责任部门", "text"), "open": ("未关闭数", "integer"),
}  # fmt: skip
PARETO = {
    "failure_mode": ("故障模式", "text"), "failures": ("故障数", "integer"), "share": ("占比", "percent"),
    "cumulative": ("累计占比", "percent"),
}  # fmt: skip


def dataset(name, columns, rows):
    words = Text(f"数据 {name}", f"Data {name}")
    return Dataset(
        name=name, title=words, definition=words, as_of=datetime(2026, 3, 5, 18, 0),
        columns=tuple(Column(key, Text(zh, key), kind) for key, (zh, kind) in columns.items()),
        data=tuple([row[key] for row in rows] for key in columns),
    )  # fmt: skip


def case(number, month, station, **answers):
    return {
        "number": f"FR-{number:03d}", "reported_at": datetime(int(month[:4]), int(month[5:]), 1 + number % 28, 8),
        "year": int(month[:4]), "month": month, "region": STATIONS.get(station, "西北"), "station": station,
        "vehicle_type": "CRH2A", "system": "制动系统" if number % 3 else "供风系统", "part": f"部件{number % 2}",
        "failure_mode": "漏风" if number % 2 else "卡滞", "severity": "一般", "warranty": "保内", "failures": 1,
        "closed": number % 2, "overdue": None, "repeat": 0, "fixed_first_time": 1 if number % 4 else None,
        "response_hours": 1.5 + number / 10, "repair_hours": None, "close_days": number,
    } | answers  # fmt: skip


def drawn_cases():
    """Two years; 深圳站 has none in 2025, 郑州站 none in February."""
    plan = {"2025-12": "广州站 郑州站", "2026-01": "广州站 广州站 郑州站 深圳站", "2026-02": "深圳站 广州站"}
    placed = [(month, station) for month, stations in plan.items() for station in stations.split()]
    return [case(number, month, station) for number, (month, station) in enumerate(placed, start=1)]


def datasets(cases):
    backlog = [
        {"month": m, "region": "华南", "stage": s, "age_bucket": a, "responsibility": "质量部", "open": 1}
        for m, (s, a) in product(
            ["2026-01", "2026-02"], [("待关闭", "180天以上"), ("处理", "0~7天"), ("处理", "8~30天")]
        )
    ]
    pareto = [
        {"failure_mode": "漏风", "failures": 4, "share": 0.5, "cumulative": 0.5},
        {"failure_mode": "卡滞", "failures": 3, "share": 0.375, "cumulative": 0.875},
        {"failure_mode": "其他", "failures": 1, "share": 0.125, "cumulative": 1.0},
    ]
    found = (("fracas_cases", CASES, cases), ("fracas_backlog", BACKLOG, backlog), ("fracas_pareto", PARETO, pareto))
    return {f"T_{name}": dataset(name, columns, rows) for name, columns, rows in found}
