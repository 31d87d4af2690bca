"""Commands for registered workbooks: list, add, run, fetch; `run-due` for cron where `serve` does not refresh them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy.orm import Session

from server.access.people import find_user
from server.access.visibility import Viewer
from server.cli.installation import open_site
from server.cli.terminal import (
    Refusal,
    console,
    json_option,
    language_option,
    out_option,
    plain,
    print_json,
    table_with,
    write_file,
)
from server.intake.mail.replies import compose
from server.intake.mail.sending import send_due
from server.reports.choices import DIMENSIONS, NoSuchChoice, chosen
from server.reports.registered import store, words
from server.reports.registered.models import RunState, WorkbookRun, WorkbookState
from server.reports.registered.period_rules import PeriodRule
from server.reports.registered.places import PlaceTrouble
from server.reports.registered.refreshing import CannotRefresh, check_tables, contents
from server.reports.registered.registration import Binding, Plan, RegistrationError, Source
from server.reports.registered.schedule import Rhythm
from server.reports.registered.store import NoSuchWorkbook, WorkbookView
from server.reports.registered.working import run_due, run_now
from server.site import Site
from server.statistics.selection import Selection
from workbooks.form import Language, Text
from workbooks.report import load_reports

_OPERATOR = Viewer.operator()
_periods = click.Choice([str(rule) for rule in PeriodRule])
_rhythms = click.Choice([str(rhythm) for rhythm in Rhythm])
_HEADINGS = (
    Text("编号", "id"),
    Text("名称", "title"),
    Text("登记人", "owner"),
    Text("来源", "source"),
    Text("何时刷新", "schedule"),
    Text("下次", "next"),
    Text("上次", "last run"),
)
_ONE_SOURCE = Text(
    "请写明其中一个：--upload 文件；--share 共享 加 --path 路径；--report 报表（也可再加 --share 和 --path）。",
    "Name one of --upload, --share with --path, and --report (which may have both, too).",
)
_REGISTERED = Text("{id}：已登记", "{id}: registered")
_DRAFT = Text(
    "{id}：已登记，还是草稿：请在它的页面上选择各表的数据集",
    "{id}: registered, a draft until its tables are bound on its page",
)
_NOT_THERE = Text(
    "没有这个登记的工作簿或版本；用 aftersheet workbooks list 和 workbooks versions 查看有哪些。",
    "There is no such workbook or version; `aftersheet workbooks list` and `workbooks versions` show which there are.",
)


@click.group()
def workbooks() -> None:
    """Registered workbooks: refreshed by schedule, for their owner, with what the owner may see."""


@workbooks.command("list")
@json_option
@language_option
def list_(as_json: bool, language: Language) -> None:
    """List them with their schedule, the next run and how the last one went."""
    with open_site() as site, site.session(read_only=True) as session:
        found = store.workbooks(site, session, _OPERATOR)
        zone = site.zone
    if as_json:
        print_json([_as_dict(view) for view in found])
        return
    table = table_with(_HEADINGS, language)
    for view in found:
        next_at = f"{view.next_at.astimezone(zone):%Y-%m-%d %H:%M}" if view.next_at else "—"
        source, last = words.source(view.source)[language], _told(view.last, language) if view.last else "—"
        table.add_row(
            str(view.id), plain(view.plan.title), view.owner, plain(source), _planned(view)[language], next_at,
            plain(last),
        )  # fmt: skip
    console.print(table)


@workbooks.command()
@click.option("--owner", required=True, help="User whose figures these are.")
@click.option("--upload", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A workbook, kept here.")
@click.option("--share", default="", help="Name of a share of the settings; with --path.")
@click.option(
    "--path",
    default="",
    help="Path of the workbook in the share, or where a report is put: monthly/board-{period}.xlsx.",
)
@click.option("--report", default="", help="A report that is built anew each time.")
@click.option("--title", default="", help="What it is called; the file's name when absent.")
@click.option("--bind", multiple=True, metavar="TABLE=DATASET[:PERIOD]", help="What a table gets; may be repeated.")
@click.option(
    "--period",
    type=_periods,
    default="last-month",
    show_default=True,
    help="Of a report.",
)
@click.option("--filter", "filters", multiple=True, metavar="region|station|…=VALUE", help="Narrows all figures.")
@click.option("--when", "rhythm", type=_rhythms, default="working-days", show_default=True)
@click.option("--at", default="08:00", show_default=True, help="Time of day in the site's zone.")
@click.option("--in-place", is_flag=True, help="Replace the workbook on the share.")
@click.option("--mail-to", multiple=True, help="Address it is mailed to; may be repeated.")
@click.option("--keep", type=int, default=10, show_default=True, help="Versions kept.")
@language_option
def add(
    owner: str, upload: Path | None, share: str, path: str, report: str, title: str, bind: tuple[str, ...],
    period: str, filters: tuple[str, ...], rhythm: str, at: str, in_place: bool, mail_to: tuple[str, ...], keep: int,
    language: Language,
) -> None:  # fmt: skip
    """
    Register a workbook for a user: an --upload, a --path on a --share, or a --report.

    A report with --share and --path is put there, each period in a file of its own where the
    path says {period}.
    """
    if sum(map(bool, (upload, share and not report, report))) != 1 or bool(share) != bool(path):
        raise Refusal(_ONE_SOURCE, language, option="--upload, --share, --report")
    with open_site() as site, _in_words(language):
        with site.session(read_only=True) as session:
            viewer = find_user(session, owner)
            selection = _selection(site, session, filters, language)
        if viewer is None:
            raise Refusal(_nobody(owner), language, option="--owner")
        source = Source(filename=upload.name if upload else "", share=share, path=path, report=report)
        plan = Plan(
            title=title or _title(upload, path, report, language),
            language=language,
            bindings=tuple(replace(_binding(text, language), selection=selection) for text in bind),
            period=PeriodRule(period),
            selection=selection,
            rhythm=Rhythm(rhythm),
            at=at,
            in_place=in_place,
            recipients=mail_to,
            keep=keep,
        )
        note = words.lacking(source, site.settings.public_url)
        if source.kind != "report":
            content = upload.read_bytes() if upload else contents(site, source)
            note = check_tables(site, content, plan)
            source = replace(source, content_sha256=site.originals.keep(content) if upload else None)
        workbook_id = store.register(site, source, plan, by=viewer)
        draft = source.kind != "report" and not bind
    click.echo((_DRAFT if draft else _REGISTERED)[language].format(id=workbook_id))
    if note is not None:
        click.echo(note[language])


@workbooks.command()
@click.argument("workbook", type=int)
@json_option
@language_option
def show(workbook: int, as_json: bool, language: Language) -> None:
    """Show WORKBOOK (its id) with its latest runs."""
    with open_site() as site, _in_words(language), site.session(read_only=True) as session:
        view = store.workbook(site, session, _OPERATOR, workbook)
        runs = store.runs(session, _OPERATOR, workbook, limit=20)
        letters, zone = store.letters(session, runs), site.zone
    if as_json:
        print_json(_as_dict(view) | {"runs": [_run_as_dict(run) for run in runs]})
        return
    source, planned = words.source(view.source), _planned(view)
    head = Text(
        f"{view.plan.title}（{source.zh}），{view.owner}：{planned.zh}",
        f"{view.plan.title} ({source.en}), {view.owner}: {planned.en}",
    )
    click.echo(head[language])
    for binding in view.plan.bindings:
        click.echo(f"  {binding.table} = {binding.dataset}, {binding.period.label[language]}")
    for run in runs:
        click.echo(f"  {run.occurrence.astimezone(zone):%Y-%m-%d %H:%M}  {_told_whole(run, language)}")
        for letter in letters[run.id]:
            click.echo(f"    {words.letter(letter)[language]}")


@workbooks.command()
@click.argument("workbook", type=int)
@language_option
def run(workbook: int, language: Language) -> None:
    """Refresh and deliver WORKBOOK now; the exit status is 1 when that failed."""
    with open_site() as site, _in_words(language):
        run_id = store.ask_for_run(site, workbook, by=_OPERATOR)
        run_now(site)
        with site.session(read_only=True) as session:
            found = store.run(session, _OPERATOR, workbook, run_id)
        _send(site)
    click.echo(_told_whole(found, language))
    sys.exit(0 if found.state == RunState.DELIVERED else 1)


@workbooks.command("run-due")
@language_option
def run_due_(language: Language) -> None:
    """Refresh everything that is due, once; for cron, with refresh_workbooks = false in the settings."""
    with open_site() as site:
        summary = run_due(site)
        _send(site)
    done = Text(
        f"完成 {summary.delivered} 份，稍后重试 {summary.later} 份，失败 {summary.failed} 份",
        f"{summary.delivered} delivered, {summary.later} to be tried again, {summary.failed} failed",
    )
    click.echo(done[language])
    sys.exit(1 if summary.failed else 0)


@workbooks.command()
@click.argument("workbook", type=int)
@language_option
def disable(workbook: int, language: Language) -> None:
    """Pause the schedule of WORKBOOK."""
    with open_site() as site, _in_words(language):
        store.pause(site, workbook, by=_OPERATOR)
    click.echo(f"{workbook}: {Text('已暂停', 'paused')[language]}")


@workbooks.command()
@click.argument("workbook", type=int)
@language_option
def enable(workbook: int, language: Language) -> None:
    """Let the schedule of WORKBOOK go on from now."""
    with open_site() as site, _in_words(language):
        store.resume(site, workbook, by=_OPERATOR)
    click.echo(f"{workbook}: {Text('已恢复', 'active')[language]}")


@workbooks.command()
@click.argument("workbook", type=int)
@language_option
def remove(workbook: int, language: Language) -> None:
    """Take WORKBOOK off the list, with its kept versions; a file on a share stays as it is."""
    with open_site() as site, _in_words(language):
        store.remove(site, workbook, by=_OPERATOR)
    done = Text("已移除，共享里的文件保持原样", "removed; a file on a share stays as it is")
    click.echo(f"{workbook}: {done[language]}")


@workbooks.command()
@click.argument("workbook", type=int)
@json_option
@language_option
def versions(workbook: int, as_json: bool, language: Language) -> None:
    """List the versions kept of WORKBOOK; `workbooks fetch` writes one to a file."""
    with open_site() as site, _in_words(language), site.session(read_only=True) as session:
        kept = [run for run in store.runs(session, _OPERATOR, workbook, limit=500) if run.result_kept]
        zone = site.zone
    if as_json:
        print_json([_run_as_dict(run) for run in kept])
        return
    for run in kept:
        as_of = f"{run.as_of.astimezone(zone):%Y-%m-%d %H:%M}" if run.as_of else "—"
        rows = "—" if run.rows is None else str(run.rows)
        line = Text(f"截至 {as_of}  {rows} 行", f"as of {as_of}  {rows} rows")[language]
        click.echo(f"{run.id}  {line}  {run.result_name}")


@workbooks.command()
@click.argument("workbook", type=int)
@click.option("--run", "run_id", type=int, help="A number of `workbooks versions`; the newest when absent.")
@out_option
@language_option
def fetch(workbook: int, run_id: int | None, out: Path, language: Language) -> None:
    """Write a kept version of WORKBOOK to a file."""
    with open_site() as site, _in_words(language):
        _, content = store.result(site, _OPERATOR, workbook, run_id)
    write_file(out, content, language)
    click.echo(out)


@contextmanager
def _in_words(language: Language) -> Iterator[None]:
    try:
        yield
    except (RegistrationError, CannotRefresh, PlaceTrouble) as error:
        raise Refusal(error.message, language) from error
    except NoSuchWorkbook as error:
        raise Refusal(_NOT_THERE, language) from error


def _send(site: Site) -> None:
    """Let the letters leave where no server does."""
    if site.settings.mail.smtp is not None:
        send_due(site, compose)


def _binding(text: str, language: Language) -> Binding:
    table, equals, rest = text.partition("=")
    dataset, _, period = rest.partition(":")
    if not equals or period not in ("", *PeriodRule):
        rules = "|".join(PeriodRule)
        why = Text(f"“{text}”应写成 表=数据集[:{rules}]。", f"{text!r}: write TABLE=DATASET[:{rules}].")
        raise Refusal(why, language, option="--bind")
    return Binding(table=table, dataset=dataset, period=PeriodRule(period or PeriodRule.HISTORY))


def _title(upload: Path | None, path: str, report: str, language: Language) -> str:
    if report in load_reports():
        return load_reports()[report].title[language]
    return Path(upload.name if upload else path.replace("\\", "/") or report).stem


def _selection(site: Site, session: Session, filters: tuple[str, ...], language: Language) -> Selection:
    asked = {name: value for name, _, value in (text.partition("=") for text in filters)}
    if unknown := set(asked) - set(DIMENSIONS):
        there, name = ", ".join(DIMENSIONS), unknown.pop()
        why = Text(f"不能按“{name}”筛选，可用：{there}。", f"There is no filter {name!r}; there are: {there}.")
        raise Refusal(why, language, option="--filter")
    try:
        return chosen(site.master(session), asked)
    except NoSuchChoice as error:
        raise Refusal(error.message, language, option="--filter") from error


def _nobody(owner: str) -> Text:
    return Text(
        f"没有可登录的用户“{owner}”；用 aftersheet user list 查看有哪些。",
        f"There is no user {owner!r} who may sign in; `aftersheet user list` shows who may.",
    )


def _planned(view: WorkbookView) -> Text:
    """When it is refreshed, or why it is not."""
    if view.state == WorkbookState.ACTIVE:
        return words.schedule(view.plan)
    return words.STATES[view.state][0]


def _place(view: WorkbookView) -> str:
    """Where it comes from and goes, for programs."""
    source = view.source
    lies = f"{source.share}: {source.path}" if source.share else source.filename
    return " → ".join(filter(None, (f"report {source.report}", lies))) if source.kind == "report" else lies


def _told(run: WorkbookRun, language: Language) -> str:
    """How a run went, in a line."""
    said = [words.run(run)[0]]
    if run.rows is not None and run.state == RunState.DELIVERED:
        said.append(Text(f"{run.rows} 行", f"{run.rows} rows"))
    if run.missed:
        said.append(Text(f"错过 {run.missed} 次更早的", f"{run.missed} earlier ones missed"))
    line = Text("，", ", ")[language].join(text[language] for text in said)
    why = words.reason(run)
    return line + (f"{Text('：', ': ')[language]}{why[language]}" if why else "")


def _told_whole(run: WorkbookRun, language: Language) -> str:
    """The same with what to know of what was made."""
    note = words.note(run)
    return "\n    ".join([_told(run, language), *([note[language]] if note else [])])


def _as_dict(view: WorkbookView) -> dict[str, object]:
    return {
        "id": view.id,
        "title": view.plan.title,
        "owner": view.owner,
        "source": _place(view),
        "state": view.state,
        "schedule": view.plan.rhythm,
        "at": view.plan.at,
        "next_at": _instant(view.next_at),
        "last": _run_as_dict(view.last) if view.last else None,
    }


def _run_as_dict(run: WorkbookRun) -> dict[str, object]:
    return {
        "run": run.id,
        "due_at": _instant(run.occurrence),
        "cause": run.cause,
        "missed": run.missed,
        "state": run.state,
        "as_of": _instant(run.as_of),
        "rows": run.rows,
        "sha256": run.result_sha256,
        "delivered_to": run.delivered_to if run.in_place_at else None,
        "reason": {"zh": run.reason_zh, "en": run.reason_en} if run.reason_zh else None,
        "note": {"zh": run.note_zh, "en": run.note_en} if run.note_zh else None,
    }


def _instant(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
