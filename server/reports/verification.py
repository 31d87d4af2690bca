"""A report's figures derived again from the database as of its stamp, and every one that differs."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from server.access.people import find_user
from server.access.visibility import Viewer
from server.records.originals import OriginalDamaged
from server.reports import SEAL, Occasion, PeriodNotOffered, UnknownReport, build_from, datasets_of, occasion
from server.reports.altered_records import compare_records
from server.reports.lineage import NUMBER
from server.reports.pushed_uploads import turn
from server.reports.record_links import with_record_links
from server.reports.refused_checks import CannotVerify, no_stamp, not_yours, out_of_offer, too_much, unreadable
from server.site import Site
from server.statistics.datasets import UnknownDataset, load
from server.statistics.report_period import NoPeriod, ReportPeriod
from server.statistics.selection import EVERYTHING, Selection
from server.statistics.settlement import derive_afresh
from workbooks.dataset import Dataset
from workbooks.export import tables_workbook
from workbooks.form import Language, Text
from workbooks.ooxml.tables import PushError
from workbooks.reporting.appendix import DEFINITIONS, LINEAGE_NUMBER, LINEAGE_TABLE
from workbooks.reporting.comparison import Compared, Difference, compare_table
from workbooks.reporting.cover_comparison import compare_cover, compare_sheet
from workbooks.reporting.pivot_comparison import compare_pivot
from workbooks.reporting.report_cover import COVER
from workbooks.reporting.report_sheets import chosen_columns
from workbooks.reporting.report_stamp import PushedRows, ReportStamp
from workbooks.reporting.shown_figures import ShownTable, ShownWorkbook, read_shown
from workbooks.sandbox import ChildError, Stopped

SHOWN = 200  # differences that are listed; the rest is counted
_SECONDS, _MEMORY_MB = 300.0, 1536

Verdict = Literal["equal", "different", "unverified"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """
    What came of checking a workbook.

    So many *figures* were compared with the database, and so many *records* behind them
    with what was accepted. *differences* are the first of *total*; *unverified* is what could not be compared,
    *notes* what was left out because it is the owner's own.
    """

    stamp: ReportStamp | None
    figures: int
    records: int
    differences: tuple[Difference, ...]
    total: int
    unverified: tuple[Text, ...]
    notes: tuple[Text, ...]
    broken: Text | None = field(default=None)

    @property
    def verdict(self) -> Verdict:
        if self.total or self.broken is not None:
            return "different"
        return "unverified" if self.unverified else "equal"


def verify(site: Site, content: bytes, viewer: Viewer, *, originals: bool = False) -> Verification:
    """
    Compare every figure of the report *content* with what the database says as of its stamp, in the stamped scope.

    Nothing is taken from the sums kept of settled cases: a history is added up from all its
    cases again. With *originals* the kept bytes of every submission in its lineage are
    hashed again.

    Raises:
        CannotVerify: It has no stamp, cannot be read, or *viewer* may not see what it shows.
    """
    found = _shown(site, content)
    stamp = found.stamp
    if stamp is None:
        raise CannotVerify(no_stamp())
    key = site.derived_key(SEAL)
    if not stamp.genuine(key):
        return _broken(stamp, stamp.altered(key))
    with site.session(read_only=True) as session:
        _refuse_strangers(session, stamp, viewer)
        derive_afresh(session)
        compared = [*_compared(session, site, found, stamp)]
        if originals:
            compared.append(_originals(site, found))
    return _summed(stamp, compared)


def verify_table(
    site: Site,
    content: bytes,
    viewer: Viewer,
    dataset: str,
    *,
    table: str | None = None,
    as_of: datetime | None = None,
    start: date | None = None,
    end: date | None = None,
    selection: Selection = EVERYTHING,
    language: Language = "zh",
) -> Verification:
    """
    Compare one table of any workbook, by default the only one, with *dataset* as of *as_of* (aware; now when absent).

    Raises:
        CannotVerify: There is no such table, or the workbook cannot be read.
        UnknownDataset: There is no such dataset.
    """
    found = _shown(site, content)
    tables = [t for t in found.tables if table is None or t.name.casefold() == table.casefold()]
    if len(tables) != 1:
        names = [t.name for t in found.tables]
        raise CannotVerify(
            Text(f"请指明是哪个表，工作簿里有：{'、'.join(names) or '—'}。",
                 f"Say which table; the workbook has: {', '.join(names) or '—'}.")
        )  # fmt: skip
    with site.session(read_only=True) as session:
        derive_afresh(session)
        rows = load(
            session, dataset, viewer,
            site=site, as_of=as_of, start=start, end=end, selection=selection, language=language,
        )  # fmt: skip
        behind = [(rows, as_of or datetime.now(UTC))]
        records = compare_records(session, site, behind, viewer, language=language)
    linked = with_record_links(site, rows) if site.settings.public_url else rows  # else each push has its own address
    expected = _of_dataset(site, linked, language)
    known = set(expected.headers)
    spellings = {text: c.label[language] for c in rows.columns for text in (c.name, c.label.zh, c.label.en)}
    spellings |= {header: header for header in known}
    absent = [header for header in expected.headers if header not in {spellings.get(h, h) for h in tables[0].headers}]
    narrowed = _without(expected, absent)  # an owner's table need not show every column of a data set
    compared = compare_table(tables[0], narrowed, number=_number(rows, language), spellings=spellings)
    return _summed(None, [compared, records])


def _compared(session: Session, site: Site, found: ShownWorkbook, stamp: ReportStamp) -> Iterator[Compared]:
    """Each table, pivot table and sheet of the report in turn."""
    about, viewer = _about(site, stamp), _viewer(session, stamp)
    selection = Selection(**dict(stamp.selection))
    first = datasets_of(session, site, about, viewer, stamp.language, selection)
    content = build_from(
        session, site, about, first, viewer,
        language=stamp.language, selection=selection, built_at=stamp.built_at, made_by=stamp.version,
    )  # fmt: skip
    then = replace(read_shown(content), stamp=None)
    pushed = _pushed(session, site, stamp, first)
    now = then
    if pushed:
        later = build_from(
            session, site, about, first | pushed, viewer,
            language=stamp.language, selection=selection, built_at=stamp.built_at, made_by=stamp.version,
        )  # fmt: skip
        now = read_shown(later)
    here = {table.name: table for table in found.tables}
    expected = {table.name: table for table in then.tables}
    expected |= {table.name: table for table in now.tables if table.name in pushed}
    for name, table in expected.items():
        number = LINEAGE_NUMBER[stamp.language] if name == LINEAGE_TABLE else _number(first.get(name), stamp.language)
        yield compare_table(here[name], table, number=number) if name in here else _gone(name)
    yield from _pivots(found, about, [first, first | pushed] if pushed else [first], stamp.language)
    seal = "seal" if any(table.pushed for table in stamp.tables.values()) else ""  # a push gives the stamp a new one
    covers = [compare_cover(found.sheets, shown.sheets, COVER[stamp.language], stamp.language, without=seal)
              for shown in ([then, now] if pushed else [then])]  # fmt: skip
    yield min(covers, key=lambda compared: len(compared.differences))
    yield compare_sheet(found.sheets, then.sheets, DEFINITIONS[stamp.language])
    behind = [(rows, stamp.as_of) for rows in first.values()]
    behind += [(rows, push.as_of) for name, rows in pushed.items() if (push := stamp.tables[name].pushed)]
    yield compare_records(session, site, behind, viewer, language=stamp.language)


def _about(site: Site, stamp: ReportStamp) -> Occasion:
    try:
        period = ReportPeriod.parse(stamp.period)
        return occasion(site, stamp.report, period=period, as_of=stamp.as_of)
    except (UnknownReport, NoPeriod, PeriodNotOffered) as error:
        raise CannotVerify(out_of_offer(stamp.report, stamp.period)) from error


def _viewer(session: Session, stamp: ReportStamp | PushedRows) -> Viewer:
    """Whoever it was made for, with the scope of then."""
    if stamp.username == Viewer.operator().username and set(stamp.roles) == {"admin"}:
        return Viewer.operator()
    known = find_user(session, stamp.username)
    return Viewer(
        user_id=known.user_id if known else None, username=stamp.username,
        display_name=known.display_name if known else stamp.username,
        roles=frozenset(stamp.roles), station=stamp.station, region=stamp.region,
    )  # fmt: skip


def _refuse_strangers(session: Session, stamp: ReportStamp, viewer: Viewer) -> None:
    """
    Raises:
        CannotVerify: The report shows more than *viewer* may see.
    """
    if viewer.sees_all:
        return
    scopes: list[ReportStamp | PushedRows] = [stamp, *(table.pushed for table in stamp.tables.values() if table.pushed)]
    for scope in scopes:
        made_for = _viewer(session, scope)
        reach = [(v.sees_all, v.station_bound, v.station if v.station_bound else v.region) for v in (viewer, made_for)]
        if made_for.username != viewer.username or reach[0] != reach[1]:
            raise CannotVerify(not_yours())


def _pushed(session: Session, site: Site, stamp: ReportStamp, first: Mapping[str, Dataset]) -> dict[str, Dataset]:
    """The rows of the tables that were pushed into later, by their names."""
    found = {}
    for name, table in stamp.tables.items():
        if table.pushed is None or name not in first:
            continue
        try:
            found[name] = load(
                session, table.dataset, _viewer(session, table.pushed), site=site, as_of=table.pushed.as_of,
                start=table.start, end=table.end, language=table.pushed.language,
                selection=Selection(**dict(table.pushed.selection)),
            )  # fmt: skip
        except UnknownDataset as error:
            raise CannotVerify(out_of_offer(table.dataset, "")) from error
    return found


def _pivots(
    found: ShownWorkbook, about: Occasion, states: list[dict[str, Dataset]], language: Language
) -> Iterator[Compared]:
    """Each pivot table as of the stamp or, once Excel has refreshed it, as of the push."""
    here = {pivot.name: pivot for pivot in found.pivots}
    tables = {table.name: table for table in about.report.tables}
    for pivot in about.report.pivots:
        if pivot.name not in here:
            yield Compared(figures=0, unverified=(_missing_pivot(pivot.name),))
            continue
        results = []
        for datasets in states:
            columns, data = chosen_columns(tables[pivot.table], datasets[pivot.table])
            results.append(compare_pivot(here[pivot.name], columns, data, language))
        yield min(results, key=lambda compared: len(compared.differences))
    own = sorted(here.keys() - {pivot.name for pivot in about.report.pivots})
    if own:
        zh, en = "、".join(own), ", ".join(own)
        words = Text(f"自己加的透视表没有核对：{zh}。", f"The owner's own pivot tables are not checked: {en}.")
        yield Compared(figures=0, notes=(words,))


def _number(rows: Dataset | None, language: Language) -> str:
    """What heads the column that names each row's record; empty when there is none."""
    columns = rows.columns if rows else ()
    return next((c.label[language] for c in columns if c.name == NUMBER and c.type == "text"), "")


def _missing_pivot(name: str) -> Text:
    return Text(
        f"透视表“{name}”已不在工作簿中，无法核对。", f"Pivot table {name} is not in the workbook: not verified."
    )


def _gone(name: str) -> Compared:
    return Compared(figures=0, differences=(Difference(kind="gone", part=name),))


def _originals(site: Site, found: ShownWorkbook) -> Compared:
    """The original files of the lineage sheet, hashed again."""
    table = next((t for t in found.tables if t.name == LINEAGE_TABLE), None)
    place = next((p for p, h in enumerate(table.headers) if "sha256" in h), None) if table else None
    if table is None or place is None:
        words = Text("溯源表没有逐条列出原文件，未重新计算。", "The lineage lists no originals; none hashed.")
        return Compared(figures=0, unverified=(words,))
    digests = {str(row[place]): str(row[0] or "") for row in table.rows if row[place]}
    differences = []
    for digest, record in digests.items():
        actual = _hashed(site, digest)
        if actual != digest:
            differences.append(
                Difference(kind="original", part=LINEAGE_TABLE, sheet=table.sheet, row=record, record=record,
                           column=table.headers[place], in_workbook=digest, in_database=actual)
            )  # fmt: skip
    return Compared(figures=len(digests), differences=tuple(differences))


def _hashed(site: Site, digest: str) -> str | None:
    """The sha256 of the kept bytes; None when they are gone or damaged beyond reading."""
    try:
        return hashlib.sha256(site.originals.read(digest)).hexdigest()
    except (KeyError, OriginalDamaged, ValueError):
        return None


def _shown(site: Site, content: bytes) -> ShownWorkbook:
    try:
        with turn():
            found: ShownWorkbook = site.sandbox.run(read_shown, content, seconds=_SECONDS, memory_mb=_MEMORY_MB)
    except PushError as error:
        raise CannotVerify(error.message) from error
    except Stopped as stopped:
        raise CannotVerify(too_much()) from stopped
    except ChildError as error:
        raise CannotVerify(unreadable()) from error
    return found


def _broken(stamp: ReportStamp, altered: list[str] | None) -> Verification:
    if altered is None:
        why = Text(
            "封签不符：不是本系统生成的（或密钥已更换），或整个印记都被改写。",
            "The seal does not fit: another installation has made it (or the key was changed), "
            "or the whole stamp was rewritten.",
        )
    else:
        zh, en = "、".join(altered), ", ".join(altered)
        why = Text(f"封签不符：印记中这些项被改过：{zh}。", f"The seal is broken; changed in the stamp: {en}.")
    differences = tuple(
        Difference(kind="stamp", part="docProps/custom.xml", column=f"aftersheet.{name}") for name in altered or ()
    )
    return Verification(
        stamp=stamp, figures=0, records=0, differences=differences, total=len(differences), unverified=(), notes=(),
        broken=why,
    )  # fmt: skip


def _summed(stamp: ReportStamp | None, compared: list[Compared]) -> Verification:
    differences = [difference for part in compared for difference in part.differences]
    return Verification(
        stamp=stamp, figures=sum(part.figures for part in compared), records=sum(part.records for part in compared),
        differences=tuple(differences[:SHOWN]),
        total=len(differences), unverified=tuple(text for part in compared for text in part.unverified),
        notes=tuple(text for part in compared for text in part.notes),
    )  # fmt: skip


def _of_dataset(site: Site, rows: Dataset, language: Language) -> ShownTable:
    """*rows* as a table of ours would show them."""
    (table,) = read_shown(tables_workbook([rows], language)).tables
    return table


def _without(table: ShownTable, absent: list[str]) -> ShownTable:
    kept = [place for place, header in enumerate(table.headers) if header not in absent]

    def chosen(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(values[place] for place in kept)

    return replace(
        table, headers=chosen(table.headers), own=chosen(table.own), rows=tuple(chosen(row) for row in table.rows)
    )
