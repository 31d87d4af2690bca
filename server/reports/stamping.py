"""The stamp of a report follows what is pushed into its tables; a broken one gets no new seal."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date
from pathlib import Path

from server.access.visibility import Viewer
from server.reports import SEAL
from server.reports.choices import DIMENSIONS
from server.site import Site
from server.statistics.selection import EVERYTHING, Selection
from workbooks.dataset import Dataset
from workbooks.form import Language
from workbooks.ooxml.directory import FileContent
from workbooks.package import Package
from workbooks.reporting.report_stamp import PART, PushedRows, ReportStamp, StampedTable, read_stamp, restamp, restamped

STAMP_PART = PART
_SECONDS, _MEMORY_MB = 60.0, 1024


def filled(
    site: Site,
    rows: Dataset,
    viewer: Viewer,
    *,
    language: Language,
    start: date | None = None,
    end: date | None = None,
    selection: Selection = EVERYTHING,
) -> StampedTable:
    """What a table holds once *rows* are in it."""
    pushed = PushedRows(
        as_of=rows.as_of.replace(tzinfo=site.zone).astimezone(UTC), language=language,
        selection={name: code for name in DIMENSIONS if (code := getattr(selection, name)) is not None},
        username=viewer.username, roles=tuple(sorted(viewer.roles)), station=viewer.station, region=viewer.region,
    )  # fmt: skip
    return StampedTable(dataset=rows.name, start=start, end=end, rows=len(rows), pushed=pushed)


def with_stamp(site: Site, content: bytes, tables: Mapping[str, StampedTable]) -> bytes:
    """
    The workbook *content*, whose *tables* were just filled, with a stamp that says so; as it is without one of ours.

    Read and written in a child process.
    """
    stamp = site.sandbox.run(read_stamp, content, seconds=_SECONDS, memory_mb=_MEMORY_MB)
    new = _following(site, stamp, tables)
    if new is None:
        return content
    made: bytes = site.sandbox.run(restamped, content, new, seconds=_SECONDS, memory_mb=_MEMORY_MB)
    return made


def stamp_file(site: Site, path: Path, tables: Mapping[str, StampedTable], out: Path) -> bool:
    """`with_stamp` from the file *path* into the new file *out*; False, and no file, where there is nothing to do."""
    with closing(FileContent(path)) as content:
        package = Package(content)
        new = _following(site, ReportStamp.of(package), tables)
        if new is None:
            return False
        restamp(package, new)
        with out.open("xb") as file:
            package.write(file)
    return True


def _following(site: Site, stamp: ReportStamp | None, tables: Mapping[str, StampedTable]) -> ReportStamp | None:
    key = site.derived_key(SEAL)
    if stamp is None or not stamp.genuine(key):
        return None
    known = {name: table for name, table in tables.items() if name in stamp.tables}
    return replace(stamp, tables={**stamp.tables, **known}).sealed(key) if known else None
