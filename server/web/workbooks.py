"""A person's own workbooks that the server refreshes: registered, planned, run, fetched."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import wraps
from pathlib import PurePath
from typing import ParamSpec

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server.reports.choices import DIMENSIONS, label, options
from server.reports.record_links import unaddressed
from server.reports.registered import store, words
from server.reports.registered.models import WorkbookState
from server.reports.registered.period_rules import OF_REPORTS, PeriodRule
from server.reports.registered.places import PlaceTrouble
from server.reports.registered.refreshing import CannotRefresh, contents, fitting, tables_in
from server.reports.registered.registration import (
    Binding,
    Plan,
    RegistrationError,
    Source,
    allowed_domains,
    may_register,
    open_shares,
    selection_as_dict,
)
from server.reports.registered.schedule import Rhythm, Schedule, figures_as_of
from server.reports.registered.store import NoSuchWorkbook, WorkbookView
from server.statistics.datasets import definition_of
from server.web.context import site
from server.web.files import OCTETS, XLSX, attachment
from server.web.language import current_language, local, t
from server.web.viewer import login_required, signed_in
from server.web.workbook_form import plan_in
from workbooks.form import Text
from workbooks.ooxml.tables import Table
from workbooks.report import load_reports

P = ParamSpec("P")
pages = Blueprint("workbooks", __name__)
_ONE = "/workbooks/<int(max=2147483647):workbook_id>"
_RUN = f"{_ONE}/runs/<int(max=2147483647):run_id>"


@dataclass(frozen=True, slots=True)
class TableChoice:
    """A table of the workbook, what is bound to it, and the datasets that fit, closest first."""

    name: str
    sheet: str
    headings: str
    binding: Binding | None
    fitting: tuple[tuple[str, Text], ...]
    note: Text | None = None


def registrants_only(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """For people who may register workbooks; for all others, and for what is not theirs, there is no such page."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if not may_register(signed_in()):
            abort(404)
        try:
            return view(*args, **kwargs)
        except NoSuchWorkbook:
            abort(404)

    return login_required(checked)


@pages.context_processor
def _called() -> dict[str, object]:
    return {"words": words, "choices": label}


@pages.get("/workbooks")
@registrants_only
def show() -> str:
    with site().session(read_only=True) as session:
        found = store.workbooks(site(), session, signed_in())
    return render_template("workbooks.html", workbooks=found, moving=any(words.moving(w.last) for w in found))


@pages.get("/workbooks/new")
@registrants_only
def new() -> str:
    return _new_page()


@pages.post("/workbooks/new")
@registrants_only
def register() -> ResponseReturnValue:
    """Keep the workbook named; which table gets what is asked on the next page."""
    form, file = request.form, request.files.get("workbook")
    report = form.get("report", "")
    try:
        if form.get("source") == "report":
            source = Source(filename="", report=report)
        elif form.get("source") == "share":
            source = Source(filename="", share=form.get("share", ""), path=form.get("path", ""))
        elif file is not None and file.filename:
            content = file.read()
            tables_in(site(), content)
            source = Source(filename=PurePath(file.filename).name[-200:], content_sha256=site().originals.keep(content))
        else:
            return _new_page(t("Choose a workbook first.")), 422
        title = form.get("title", "").strip() or _title(source)
        plan = Plan(title=title[:120], language=current_language(), period=_period(source), in_place=bool(source.share))
        workbook_id = store.register(site(), source, plan, by=signed_in())
    except (RegistrationError, CannotRefresh) as error:
        return _new_page(local(error.message)), 422
    return redirect(url_for("workbooks.edit", workbook_id=workbook_id))


@pages.get(_ONE)
@registrants_only
def one(workbook_id: int) -> str:
    with site().session(read_only=True) as session:
        view = store.workbook(site(), session, signed_in(), workbook_id)
        runs = store.runs(session, signed_in(), workbook_id)
        letters = store.letters(session, runs)
        master = site().master(session, retired=True)
        narrowed = {place: label(master, binding.selection) for place, binding in enumerate(view.plan.bindings)}
        whole = label(master, view.plan.selection)
    return render_template(
        "workbook.html",
        view=view,
        runs=runs,
        letters=letters,
        public_url=site().settings.public_url,
        narrowed=narrowed,
        whole=whole,
        titles={binding.dataset: _dataset_title(binding.dataset) for binding in view.plan.bindings},
        moving=words.moving(view.last),
        day=_as_of_day(view),
    )


@pages.get(f"{_ONE}/edit")
@registrants_only
def edit(workbook_id: int) -> str:
    with site().session(read_only=True) as session:
        view = store.workbook(site(), session, signed_in(), workbook_id)
    return _edit_page(view, view.plan)


@pages.post(f"{_ONE}/edit")
@registrants_only
def change(workbook_id: int) -> ResponseReturnValue:
    """Take over the plan, and the new file of an upload where one is given."""
    file = request.files.get("workbook")
    with site().session(read_only=True) as session:
        view = store.workbook(site(), session, signed_in(), workbook_id)
        master = site().master(session)
    source, plan = None, view.plan
    try:
        if file is not None and file.filename and view.source.kind == "upload":
            content = file.read()
            tables_in(site(), content)
            source = Source(filename=PurePath(file.filename).name[-200:], content_sha256=site().originals.keep(content))
        plan = plan_in(request.form, master)
        if view.source.kind == "report":
            asked = _of_report(view.source.report)
            source = asked if (asked.share, asked.path) != (view.source.share, view.source.path) else None
        store.change(site(), workbook_id, plan, by=signed_in(), source=source)
    except (RegistrationError, CannotRefresh) as error:
        return _edit_page(view, plan, local(error.message)), 422
    flash(t("Saved."), "ok")
    return redirect(url_for("workbooks.one", workbook_id=workbook_id))


@pages.post(f"{_ONE}/run")
@registrants_only
def run(workbook_id: int) -> ResponseReturnValue:
    """Let it be refreshed as soon as a worker is free."""
    try:
        store.ask_for_run(site(), workbook_id, by=signed_in())
    except RegistrationError as error:
        flash(local(error.message), "warn")
        return redirect(url_for("workbooks.edit", workbook_id=workbook_id))
    return redirect(url_for("workbooks.one", workbook_id=workbook_id))


@pages.post(f"{_ONE}/pause")
@registrants_only
def pause(workbook_id: int) -> ResponseReturnValue:
    store.pause(site(), workbook_id, by=signed_in())
    return redirect(url_for("workbooks.one", workbook_id=workbook_id))


@pages.post(f"{_ONE}/resume")
@registrants_only
def resume(workbook_id: int) -> ResponseReturnValue:
    store.resume(site(), workbook_id, by=signed_in())
    return redirect(url_for("workbooks.one", workbook_id=workbook_id))


@pages.post(f"{_ONE}/remove")
@registrants_only
def remove(workbook_id: int) -> ResponseReturnValue:
    store.remove(site(), workbook_id, by=signed_in())
    flash(t("Removed; a file on a share stays as it is."), "ok")
    return redirect(url_for("workbooks.show"))


@pages.get(f"{_ONE}/latest")
@registrants_only
def latest(workbook_id: int) -> Response:
    """The newest version, as a download."""
    return _download(workbook_id, None)


@pages.get(f"{_RUN}/workbook")
@registrants_only
def version(workbook_id: int, run_id: int) -> Response:
    """What one run made, as a download."""
    return _download(workbook_id, run_id)


def _download(workbook_id: int, run_id: int | None) -> Response:
    name, content = store.result(site(), signed_in(), workbook_id, run_id)
    media = XLSX if name.lower().endswith(".xlsx") else OCTETS
    return attachment(content, name, media, f"workbook-{workbook_id}{PurePath(name).suffix}")


def _of_report(report: str) -> Source:
    """A report, with the place on a share that the form names for it; no share, no place."""
    share = request.form.get("share", "")
    return Source(filename="", report=report, share=share, path=request.form.get("path", "").strip() if share else "")


def _new_page(wrong: str = "") -> str:
    return render_template(
        "workbook_new.html",
        wrong=wrong,
        asked=request.form,
        reports=load_reports(),
        shares=open_shares(site().settings, signed_in()),
        limit=site().settings.max_upload_mb,
    )


def _edit_page(view: WorkbookView, plan: Plan, wrong: str = "") -> str:
    tables: list[TableChoice] = []
    if view.source.kind != "report":
        try:
            tables = _tables(view, plan)
        except (PlaceTrouble, CannotRefresh) as error:
            wrong = wrong or local(error.message)
    with site().session(read_only=True) as session:
        master = site().master(session)
    report = load_reports().get(view.source.report)
    kinds = getattr(report, "periods", ("month", "quarter", "history"))
    return render_template(
        "workbook_edit.html",
        view=view,
        plan=plan,
        wrong=wrong,
        lacking=words.lacking(view.source, site().settings.public_url),
        tables=tables,
        periods=[rule for rule in OF_REPORTS if str(rule).rpartition("-")[2] in kinds] if report else list(PeriodRule),
        offered={name: options(master, name) for name in DIMENSIONS},
        dimensions=DIMENSIONS,
        selected=selection_as_dict,
        rhythms=list(words.RHYTHMS),
        asked=request.form,
        shares=_shares(view),
        domains=allowed_domains(site().settings),
        mail=site().settings.mail.smtp is not None,
        timed=(Rhythm.WORKING_DAYS, Rhythm.MONTH_END),
    )


def _shares(view: WorkbookView) -> list[str]:
    """Where a report can be put: what is open to whoever looks, and where it goes now."""
    names = [share.name for share in open_shares(site().settings, signed_in())]
    return [*names, *({view.source.share} - {"", *names})]


def _tables(view: WorkbookView, plan: Plan) -> list[TableChoice]:
    """The tables of the workbook as it is now; a draft begins with what fits each best."""
    bound = {binding.table.casefold(): binding for binding in plan.bindings}
    draft = view.state == WorkbookState.DRAFT and not plan.bindings
    found = [
        _choice(table, bound.get(table.name.casefold()), plan, draft=draft)
        for table in tables_in(site(), contents(site(), view.source))
    ]
    there = {choice.name.casefold() for choice in found}
    gone = [
        TableChoice(binding.table, "", "", binding, ((binding.dataset, _dataset_title(binding.dataset)),))
        for name, binding in bound.items()
        if name not in there
    ]
    return [*found, *gone]


def _choice(table: Table, binding: Binding | None, plan: Plan, *, draft: bool) -> TableChoice:
    names = fitting(site(), table, plan.language)
    if draft and names:
        binding = Binding(table=table.name, dataset=names[0])
    if binding is not None and binding.dataset not in names:
        names = [binding.dataset, *names]
    headings = "、".join(column.name for column in table.columns)
    titles = tuple((name, _dataset_title(name)) for name in names)
    note = unaddressed(site(), (column.name for column in table.columns)) if titles else None
    return TableChoice(table.name, table.sheet.title, headings, binding, titles, note)


def _dataset_title(name: str) -> Text:
    try:
        return definition_of(site(), name).title
    except LookupError:
        return Text(name, name)


def _title(source: Source) -> str:
    if source.kind == "report" and source.report in load_reports():
        return local(load_reports()[source.report].title)
    return PurePath(source.path.replace("\\", "/") or source.filename).stem


def _period(source: Source) -> PeriodRule:
    """The first period the report is made for; of a workbook with tables it does not matter."""
    report = load_reports().get(source.report)
    kinds = getattr(report, "periods", ("month",)) if report else ("month",)
    return next(
        (rule for rule in OF_REPORTS if "last" in rule and rule.rpartition("-")[2] in kinds), PeriodRule.HISTORY
    )


def _as_of_day(view: WorkbookView) -> date:
    """The day as of which the next run shows its figures, so that people see what its periods mean."""
    moment = view.next_at or datetime.now(UTC)
    schedule = Schedule(view.plan.rhythm, time.fromisoformat(view.plan.at), site().zone)
    return figures_as_of(schedule, moment, moment).astimezone(site().zone).date()
