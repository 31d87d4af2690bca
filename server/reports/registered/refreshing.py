"""One workbook made anew: the figures its owner may see, pushed into it in a child process, or a report built."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from server.access.visibility import Viewer
from server.reports import PeriodNotOffered, UnknownReport, build_named_report
from server.reports.record_links import LINK, NO_PUBLIC_URL, link_columns, unaddressed, with_record_links
from server.reports.registered.period_rules import days, report_period
from server.reports.registered.places import Found, Place, place_on
from server.reports.registered.registration import Plan, Source
from server.reports.registered.targets import target_for
from server.reports.stamping import filled, with_stamp
from server.site import Site
from server.statistics.datasets import UnknownDataset, definition_of, load, names
from server.statistics.periods import instant_of
from workbooks.dataset import Dataset
from workbooks.form import Language, Text
from workbooks.ooxml.tables import PushError, Table
from workbooks.push import Pushed, push
from workbooks.pushing.matching import matched
from workbooks.report import load_reports
from workbooks.sandbox import Stopped
from workbooks.table_list import list_tables

SECONDS = 300.0  # for one table
_SECONDS_LISTING = 60.0
MEMORY_MB = 1536


class CannotRefresh(Exception):
    """The workbook cannot be made as planned, today or later; *message* says why and what to do."""

    def __init__(self, message: Text) -> None:
        super().__init__(message.en)
        self.message = message


@dataclass(frozen=True, slots=True)
class Refreshed:
    """
    A workbook made anew as of *as_of*, from *base* unless it is a report; *rows* over all its tables.

    *target* is the path on its share where a report goes; empty where it goes to none.
    *note* says what its owner should know of it.
    """

    content: bytes
    filename: str
    rows: int | None
    base: Found | None
    as_of: datetime
    target: str = ""
    note: Text | None = None


def refresh(
    site: Site,
    source: Source,
    plan: Plan,
    viewer: Viewer,
    *,
    as_of: datetime,
    place: Place | None,
    step: Callable[[str], None] = lambda _: None,
) -> Refreshed:
    """
    What *source* becomes with the figures that *viewer* may see as of *as_of*; *step* is told what is being done.

    Raises:
        CannotRefresh: The workbook does not take them, or no longer exists.
        PlaceTrouble: Its place cannot be read.
    """
    day = as_of.astimezone(site.zone).date()
    if source.kind == "report":
        step("figures")
        return _report(site, source, plan, viewer, as_of)
    step("reading")
    base = place.read() if place is not None else Found(_uploaded(site, source))
    content, rows, told, notes = base.content, 0, {}, []
    for binding in plan.bindings:
        start, end = days(binding.period, day)
        step("figures")
        try:
            with site.session(read_only=True) as session:
                dataset = load(
                    session, binding.dataset, viewer, site=site, as_of=as_of, start=start, end=end,
                    language=plan.language, selection=binding.selection,
                )  # fmt: skip
        except UnknownDataset as error:
            raise CannotRefresh(_no_dataset(binding.dataset)) from error
        step("pushing")
        made = _pushed(site, content, with_record_links(site, dataset), binding.table, plan)
        content, rows = made.content, rows + len(dataset)
        notes += [_about(binding.table, note) for note in (*made.notes, _unaddressed(site, made)) if note]
        told[binding.table] = filled(
            site, dataset, viewer, language=plan.language, start=start, end=end, selection=binding.selection
        )
    if told:
        content = with_stamp(site, content, told)
    note = Text(" ".join(note.zh for note in notes), " ".join(note.en for note in notes)) if notes else None
    return Refreshed(content, source.filename, rows, base, as_of, note=note)


def tables_in(site: Site, content: bytes) -> tuple[Table, ...]:
    """
    The tables of a workbook from outside, read in a child process.

    Raises:
        CannotRefresh: It is no workbook with tables that can be read.
    """
    try:
        found: tuple[Table, ...] = site.sandbox.run(list_tables, content, seconds=_SECONDS_LISTING, memory_mb=MEMORY_MB)
    except PushError as error:
        raise CannotRefresh(error.message) from error
    except Stopped as stopped:
        raise CannotRefresh(_too_much()) from stopped
    return found


def check_tables(site: Site, content: bytes, plan: Plan) -> Text | None:
    """
    See whether *content* is a workbook with the tables that *plan* binds, in time for a person to mend it.

    What to know though it is one: None, or that the record links of a table will be empty.

    Raises:
        CannotRefresh: It is not.
    """
    tables = tables_in(site, content)
    there = {table.name.casefold(): table.name for table in tables}
    if missing := [binding.table for binding in plan.bindings if binding.table.casefold() not in there]:
        names_ = "、".join(there.values()) or "—"
        raise CannotRefresh(
            Text(
                f"工作簿里没有名为“{missing[0]}”的表，有：{names_}。",
                f"The workbook has no table {missing[0]!r}; it has: {names_}.",
            )
        )

    bound = {binding.table.casefold() for binding in plan.bindings}
    headings = (column.name for table in tables if table.name.casefold() in bound for column in table.columns)
    return unaddressed(site, headings)


def contents(site: Site, source: Source) -> bytes:
    """
    The workbook as it is now, an upload or a file on a share.

    Raises:
        CannotRefresh: The upload is gone.
        PlaceTrouble: The share cannot be read.
    """
    if source.kind == "share":
        return place_on(site.settings, source.share, source.path).read().content
    return _uploaded(site, source)


def fitting(site: Site, table: Table, language: Language) -> list[str]:
    """The datasets whose columns cover those of *table*, the closest first."""
    scored = []
    for place, name in enumerate(names(site)):
        shape = shape_of(site, name)
        try:
            taken = sum(column is not None for column in matched(table, shape, language))
        except PushError:
            continue
        scored.append((len(shape.columns) - taken, place, name))
    return [name for *_, name in sorted(scored)]


def shape_of(site: Site, name: str) -> Dataset:
    """The dataset *name* with the links to its records, without its rows."""
    definition = definition_of(site, name)
    columns = link_columns(definition.columns)
    return Dataset(
        name=name,
        title=definition.title,
        columns=columns,
        data=tuple(() for _ in columns),
        as_of=datetime(1, 1, 1),  # noqa: DTZ001  (of no rows)
        definition=definition.definition,
    )


def _uploaded(site: Site, source: Source) -> bytes:
    try:
        return site.originals.read(source.content_sha256 or "")
    except KeyError as error:
        message = Text("上传的工作簿已找不到，请重新上传。", "The uploaded workbook is gone; upload it again.")
        raise CannotRefresh(message) from error


def _unaddressed(site: Site, made: Pushed) -> Text | None:
    return NO_PUBLIC_URL if LINK.name in made.columns and not site.settings.public_url else None


def _about(table: str, note: Text) -> Text:
    return Text(f"{table}：{note.zh}", f"{table}: {note.en}")


def _pushed(site: Site, content: bytes, dataset: Dataset, table: str, plan: Plan) -> Pushed:
    try:
        pushed: Pushed = site.sandbox.run(
            push, content, dataset, table=table, language=plan.language, seconds=SECONDS, memory_mb=MEMORY_MB
        )
    except PushError as error:
        raise CannotRefresh(error.message) from error
    except Stopped as stopped:
        raise CannotRefresh(_too_much()) from stopped
    return pushed


def _report(site: Site, source: Source, plan: Plan, viewer: Viewer, as_of: datetime) -> Refreshed:
    """As of the end of its period where that is over: it reads the same as when a person builds it."""
    period = report_period(plan.period, as_of.astimezone(site.zone).date())
    if period.end is not None:
        as_of = min(as_of, instant_of(period.end, site.zone))
    try:
        content = build_named_report(
            site, source.report, viewer,
            language=plan.language, as_of=as_of, period=period, selection=plan.selection,
        )  # fmt: skip
    except UnknownReport as error:
        message = Text(f"报表“{source.report}”已不存在。", f"The report {source.report!r} is no longer there.")
        raise CannotRefresh(message) from error
    except (PeriodNotOffered, PushError) as error:
        raise CannotRefresh(error.message) from error
    title = load_reports()[source.report].title[plan.language]
    name = period.name if period.start else period.label[plan.language]
    return Refreshed(content, f"{title} {name}.xlsx", None, None, as_of, target_for(source.path, period.name))


def _no_dataset(name: str) -> Text:
    return Text(f"数据集“{name}”已不存在，请重新选择。", f"The dataset {name!r} is no longer there; choose another.")


def _too_much() -> Text:
    return Text(
        "工作簿太大或太复杂，处理时超出了时间或内存限制。请缩短数据期间，或拆分工作簿。",
        "The workbook is too large or too complex: time or memory ran out. Narrow the periods, or split it.",
    )
