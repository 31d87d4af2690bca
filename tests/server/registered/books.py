"""Managers' workbooks for the tests: a table of visits, and a sheet of their own that nothing may touch."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import xlsxwriter
from openpyxl import load_workbook

from server.access.visibility import Viewer
from server.reports.registered.models import RunState, WorkbookRun
from server.reports.registered.registration import Binding, Plan, Source
from server.reports.registered.store import register, runs
from server.reports.registered.working import RoundSummary, run_due
from server.site import Site
from tests.server.visits import fill_in

HEADINGS = ("编号", "客户", "走访日期")
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai, a working day
EIGHT = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)  # 08:00 in Shanghai on Tuesday


def book(note: str = "我的批注", headings: tuple[str, ...] = HEADINGS) -> bytes:
    """A workbook with the table T_visits, one old row in it, and *note* on another sheet."""
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as made:
        sheet, own = made.add_worksheet("数据"), made.add_worksheet("我的")
        columns = [{"header": heading} for heading in headings]
        sheet.add_table(0, 0, 1, len(headings) - 1, {"name": "T_visits", "columns": columns})
        sheet.write_string(1, 0, "旧行")
        own.write_string(0, 0, note)
    return out.getvalue()


def numbers(content: bytes) -> list[Any]:
    """The first column of the table, below its heading."""
    return [row[0] for row in load_workbook(BytesIO(content))["数据"].iter_rows(min_row=2, values_only=True)]


def note(content: bytes) -> Any:
    """What stands on the manager's own sheet."""
    return load_workbook(BytesIO(content))["我的"]["A1"].value


def plan(**changes: Any) -> Plan:
    """Visits into their table, on working days at eight, with *changes*."""
    bindings = (Binding(table="T_visits", dataset="records_visit"),)
    return Plan(**({"title": "访问月报", "bindings": bindings, "keep": 3} | changes))


def uploaded(site: Site, owner: Viewer, content: bytes | None = None, *, now: datetime = MONDAY, **changes: Any) -> int:
    """A registered upload; its id."""
    source = Source(filename="访问.xlsx", content_sha256=site.originals.keep(content or book()))
    return register(site, source, plan(**changes), by=owner, now=now)


def visit(site: Site, sender: Viewer, number: int = 1) -> str:
    """One more visit on record; its number."""
    receipt = fill_in(site, sender, {"hours": str(number)}, instance_id=f"instance-{number}")
    assert receipt.record_number is not None
    return receipt.record_number


def at(site: Site, moment: datetime) -> RoundSummary:
    """One round of a worker at *moment*; its clock moves a millisecond with every look."""
    ticks = iter(moment + timedelta(milliseconds=n) for n in range(1_000_000))
    return run_due(site, clock=lambda: next(ticks))


def history(site: Site, workbook_id: int) -> list[WorkbookRun]:
    """The runs of a registration, oldest first."""
    with site.session(read_only=True) as session:
        return runs(session, Viewer.operator(), workbook_id)[::-1]


def states(site: Site, workbook_id: int) -> list[str]:
    return [RunState(run.state).value for run in history(site, workbook_id)]
