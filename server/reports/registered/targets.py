"""Where on a share a report is put: as a new file, or in the place of what was put there before, nobody's file lost."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.reports import SEAL
from server.reports.registered.models import RegisteredWorkbook, WorkbookRun
from server.reports.registered.places import ChangedMeanwhile, Found, Gone, PlaceTrouble, place_on, steps_of
from server.reports.registered.results import digest_of
from server.site import Site
from workbooks.form import Text
from workbooks.package import PackageError
from workbooks.reporting.report_stamp import read_stamp
from workbooks.sandbox import ChildError, Stopped

PERIOD = "{period}"
"""Stands in a file's name for the period of the report: each period a file of its own."""
_SECONDS, _MEMORY_MB = 60.0, 1024
_LONGEST_STEM = 60  # characters kept of a name that gets more; file systems count up to 255 bytes


def checked_target(path: str) -> str:
    """
    *path* in one spelling.

    Raises:
        PlaceTrouble: It leads out of the share, is no .xlsx, or has the period in the name of a folder.
    """
    steps = steps_of(path)
    if not steps[-1].lower().endswith(".xlsx"):
        raise PlaceTrouble(
            Text("报表是 .xlsx 文件，请以 .xlsx 结尾。", "A report is an .xlsx file: let its name end so."),
            passing=False,
        )
    if any(PERIOD in step for step in steps[:-1]):
        message = Text(f"{PERIOD} 只能用在文件名里。", f"{PERIOD} stands in the file's name only.")
        raise PlaceTrouble(message, passing=False)
    return "/".join(steps)


def target_for(path: str, period: str) -> str:
    """*path* for a report about *period*, such as 2026-10."""
    return path.replace(PERIOD, period)


def taken(session: Session, share: str, path: str, *, but: int | None) -> bool:
    """Whether another registration keeps its workbook at *path*, or puts its report there."""
    query = select(RegisteredWorkbook.id).where(
        RegisteredWorkbook.share == share,
        func.lower(RegisteredWorkbook.path) == path.lower(),
        RegisteredWorkbook.removed_at.is_(None),
    )
    return any(found != but for found in session.scalars(query))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where *report* of a registration of *owner_id* goes."""

    share: str
    path: str
    report: str
    owner_id: int


def look(site: Site, target: Target) -> None:
    """
    See in time whether a report can be put there.

    Raises:
        PlaceTrouble: Somebody else's file is there, or the share cannot be read.
    """
    try:
        there = place_on(site.settings, target.share, target.path).read()
    except Gone:
        return
    if not (_put_there(site, target) or _is_our_report(site, target, there)):
        raise _foreign(target.path)


def put(site: Site, target: Target, content: bytes, *, day: date) -> None:
    """
    Put the report *content* there.

    A file that is neither from here nor a copy of this report is left alone. One that somebody has
    changed since it was put there is first copied beside it, with *day* in its name.

    Raises:
        ChangedMeanwhile: Somebody has saved or laid something there in this moment.
        PlaceTrouble: It cannot be put there.
    """
    place = place_on(site.settings, target.share, target.path)
    try:
        there = place.read()
    except Gone:
        place.create(content)
        return
    if there.sha256 == digest_of(content):
        return
    before = _put_there(site, target)
    if not (before or _is_our_report(site, target, there)):
        raise _foreign(target.path)
    if there.sha256 not in before:
        _keep_beside(site, target, there, day)
    place.replace(content, there)


def _keep_beside(site: Site, target: Target, there: Found, day: date) -> None:
    folder, slash, name = target.path.rpartition("/")
    stem = name.rpartition(".")[0][:_LONGEST_STEM].strip()
    place = place_on(site.settings, target.share, f"{folder}{slash}{stem}（保留 {day} {there.sha256[:6]}）.xlsx")
    try:
        place.create(there.content)
    except ChangedMeanwhile:  # of an attempt before
        if place.read().content != there.content:
            raise


def _put_there(site: Site, target: Target) -> set[str | None]:
    """What the runs of the owner's registrations have put there, by sha256."""
    query = (
        select(WorkbookRun.result_sha256)
        .join(RegisteredWorkbook, RegisteredWorkbook.id == WorkbookRun.workbook_id)
        .where(
            RegisteredWorkbook.owner_id == target.owner_id,
            RegisteredWorkbook.share == target.share,
            WorkbookRun.delivered_to == target.path,
            WorkbookRun.in_place_at.is_not(None),
        )
    )
    with site.session(read_only=True) as session:
        return set(session.scalars(query))


def _is_our_report(site: Site, target: Target, there: Found) -> bool:
    """Whether it carries our seal as a copy of the same report, saved since by whatever program."""
    try:
        stamp = site.sandbox.run(read_stamp, there.content, seconds=_SECONDS, memory_mb=_MEMORY_MB)
    except (PackageError, Stopped, ChildError):
        return False
    return stamp is not None and stamp.report == target.report and stamp.genuine(site.derived_key(SEAL))


def _foreign(path: str) -> PlaceTrouble:
    return PlaceTrouble(
        Text(
            f"“{path}”处已有别的文件，不会覆盖。请换一个文件名，或先把它移走。",
            f"Another file lies at {path!r} and is not replaced. Choose another name, or move it away.",
        ),
        passing=False,
    )
