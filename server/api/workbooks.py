"""Registered workbooks: what there is, a new one, a run now, and what was made."""

from pathlib import PurePath
from typing import Any

from flask import Response, request, url_for
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server.api.access import caller, needs
from server.api.blueprint import api, site
from server.api.problems import Problem
from server.api.responses import XLSX, file_response, instant, json_response
from server.reports.choices import DIMENSIONS, NoSuchChoice, chosen
from server.reports.registered import store
from server.reports.registered.models import WorkbookRun
from server.reports.registered.period_rules import PeriodRule
from server.reports.registered.places import PlaceTrouble
from server.reports.registered.refreshing import CannotRefresh, check_tables, contents
from server.reports.registered.registration import (
    Binding,
    Plan,
    RegistrationError,
    Source,
    checked_source,
    selection_as_dict,
)
from server.reports.registered.schedule import Rhythm
from server.reports.registered.store import NoSuchWorkbook, WorkbookView
from server.statistics.selection import Selection
from workbooks.form import Language, Text
from workbooks.master import Master

_ONE = "/workbooks/<workbook_id>"
_XLSM = "application/vnd.ms-excel.sheet.macroEnabled.12"


class _Narrowed(BaseModel):
    """A period and a selection, each dimension a code or a label."""

    model_config = ConfigDict(extra="forbid")

    region: str = ""
    station: str = ""
    customer: str = ""
    vehicle_type: str = ""
    system: str = ""

    def selection(self, master: Master) -> Selection:
        return chosen(master, {name: getattr(self, name) for name in DIMENSIONS})


class _TableBody(_Narrowed):
    table: str
    dataset: str
    period: PeriodRule = PeriodRule.HISTORY


class _Body(_Narrowed):
    """What a program asks for; the workbook itself comes beside it, or lies on a share, or is a report."""

    title: str
    share: str = ""
    path: str = ""
    report: str = ""
    language: Language = "zh"
    tables: tuple[_TableBody, ...] = Field(default=(), max_length=200)
    period: PeriodRule = PeriodRule.LAST_MONTH
    schedule: Rhythm = Rhythm.WORKING_DAYS
    at: str = "08:00"
    in_place: bool = False
    recipients: tuple[str, ...] = ()
    keep: int = 10

    def plan(self, master: Master) -> Plan:
        bindings = (
            Binding(table=t.table, dataset=t.dataset, period=t.period, selection=t.selection(master))
            for t in self.tables
        )
        return Plan(
            title=self.title, language=self.language, bindings=tuple(bindings), period=self.period,
            selection=self.selection(master), rhythm=self.schedule, at=self.at, in_place=self.in_place,
            recipients=self.recipients, keep=self.keep,
        )  # fmt: skip


@api.get("/workbooks")
@needs("read")
def list_workbooks() -> Response:
    with site().session(read_only=True) as session:
        found = store.workbooks(site(), session, caller())
    return json_response({"workbooks": [_as_dict(view) for view in found]})


@api.post("/workbooks")
@needs("submit")
def post_workbook() -> Response:
    """Register a workbook: JSON, or a form with the workbook as `file` and the JSON as `plan`."""
    file = request.files.get("file")
    try:
        body = _Body.model_validate_json(request.form.get("plan", "{}") if file else request.get_data() or b"{}")
    except ValidationError as error:
        raise _bad(_first(error)) from error
    source = Source(filename="", share=body.share, path=body.path, report=body.report)
    if source.kind == "upload" and file is None:
        raise Problem("empty-body")
    try:
        with site().session(read_only=True) as session:
            plan = body.plan(site().master(session))
        if source.kind == "share":
            source = checked_source(site(), caller(), source)
            check_tables(site(), contents(site(), source), plan)
        elif file is not None and source.kind == "upload":
            content = file.read()
            check_tables(site(), content, plan)
            name = PurePath(file.filename or "workbook.xlsx").name[-200:]
            source = Source(filename=name, content_sha256=site().originals.keep(content))
        workbook_id = store.register(site(), source, plan, by=caller())
    except (RegistrationError, NoSuchChoice, CannotRefresh, PlaceTrouble) as error:
        raise _bad(error.message) from error
    answer = _found(workbook_id)
    answer.status_code = 201
    answer.headers["Location"] = url_for("api.get_workbook", workbook_id=workbook_id)
    return answer


@api.get(_ONE)
@needs("read")
def get_workbook(workbook_id: str) -> Response:
    """One registration with its latest runs."""
    return _found(_number(workbook_id))


@api.post(f"{_ONE}/runs")
@needs("submit")
def post_workbook_run(workbook_id: str) -> Response:
    """Refresh it as soon as a worker is free; one that waits already is the answer to a second request."""
    number = _number(workbook_id)
    try:
        run_id = store.ask_for_run(site(), number, by=caller())
        with site().session(read_only=True) as session:
            run = store.run(session, caller(), number, run_id)
    except NoSuchWorkbook:
        raise Problem("not-found") from None
    except RegistrationError as error:
        raise _bad(error.message) from error
    return json_response(_run_as_dict(run), 202)


@api.get(f"{_ONE}/workbook")
@needs("read")
def get_workbook_latest(workbook_id: str) -> Response:
    """The newest version."""
    return _version(_number(workbook_id), None)


@api.get(f"{_ONE}/runs/<run_id>/workbook")
@needs("read")
def get_workbook_version(workbook_id: str, run_id: str) -> Response:
    """What one run made, as long as it is kept."""
    return _version(_number(workbook_id), _number(run_id))


def _number(text: str) -> int:
    """
    Raises:
        Problem: not-found, when *text* is no number that a row can have.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Problem("not-found")
    return int(text)


def _version(workbook_id: int, run_id: int | None) -> Response:
    try:
        name, content = store.result(site(), caller(), workbook_id, run_id)
    except NoSuchWorkbook:
        raise Problem("not-found") from None
    suffix = PurePath(name).suffix.lower()
    return file_response(content, name, f"workbook-{workbook_id}{suffix}", _XLSM if suffix == ".xlsm" else XLSX)


def _found(workbook_id: int) -> Response:
    try:
        with site().session(read_only=True) as session:
            view = store.workbook(site(), session, caller(), workbook_id)
            runs = store.runs(session, caller(), workbook_id, limit=20)
    except NoSuchWorkbook:
        raise Problem("not-found") from None
    return json_response(_as_dict(view) | {"runs": [_run_as_dict(run) for run in runs]})


def _as_dict(view: WorkbookView) -> dict[str, Any]:
    plan, source = view.plan, view.source
    links = {"self": url_for("api.get_workbook", workbook_id=view.id)}
    if view.latest is not None:
        links["workbook"] = url_for("api.get_workbook_latest", workbook_id=view.id)
    return {
        "id": view.id,
        "title": plan.title,
        "owner": view.owner,
        "state": view.state,
        "paused": {"zh": view.paused.zh, "en": view.paused.en} if view.paused else None,
        "source": {
            "kind": source.kind, "filename": source.filename, "share": source.share, "path": source.path,
            "report": source.report,
        },
        "tables": [binding.as_dict() for binding in plan.bindings],
        "period": plan.period if source.kind == "report" else None,
        "selection": selection_as_dict(plan.selection),
        "schedule": plan.rhythm,
        "at": plan.at,
        "in_place": plan.in_place,
        "recipients": list(plan.recipients),
        "keep": plan.keep,
        "next_at": instant(view.next_at) if view.next_at else None,
        "last": _run_as_dict(view.last) if view.last else None,
        "links": links,
    }  # fmt: skip


def _run_as_dict(run: WorkbookRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "due_at": instant(run.occurrence),
        "cause": run.cause,
        "missed": run.missed,
        "state": run.state,
        "step": run.step,
        "attempts": run.attempts,
        "as_of": instant(run.as_of) if run.as_of else None,
        "rows": run.rows,
        "sha256": run.result_sha256,
        "finished_at": instant(run.finished_at) if run.finished_at else None,
        "reason": {"zh": run.reason_zh, "en": run.reason_en} if run.reason_zh else None,
        "delivered_to": run.delivered_to if run.in_place_at else None,
        "note": {"zh": run.note_zh, "en": run.note_en} if run.note_zh else None,
        "kept": run.result_kept and run.state == "delivered",
    }


def _bad(words: Text) -> Problem:
    return Problem("bad-request", detail=words)


def _first(error: ValidationError) -> Text:
    found = error.errors()[0]
    place = ".".join(str(step) for step in found["loc"])
    return Text(f"{place}：不可用（{found['msg']}）。", f"{place}: {found['msg']}.")
