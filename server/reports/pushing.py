"""Datasets pushed into a workbook where it lies: checked, refreshed, replaced, noted."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from server.access.visibility import Viewer
from server.reports import versions
from server.reports.stamping import STAMP_PART, stamp_file
from server.site import Site
from workbooks.dataset import RowSource
from workbooks.form import Language
from workbooks.push import Change, push_file
from workbooks.reporting.report_stamp import StampedTable


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    Rows for one table of a workbook; without *table* the one whose headings fit.

    *filled* says what the rows are, for the stamp of a report (see `stamping`).
    """

    rows: RowSource
    table: str | None = None
    filled: StampedTable | None = None


def push_in_place(
    site: Site,
    path: Path,
    deliveries: Sequence[Delivery],
    *,
    by: Viewer,
    language: Language = "zh",
    progress: Callable[[int], None] | None = None,
) -> list[Change]:
    """
    Push into the workbook at *path* and keep what it held before (see `versions`); one change per delivery.

    All of them or none: the file is replaced once, at the end. *progress* is told the rows
    written so far of the delivery under way.

    Raises:
        PushError: It cannot be pushed, or the file not be replaced; nothing was changed.
    """
    versions.refuse_unwritable(path)
    with _pushed(site, path, deliveries, language, progress) as (new, changes, before):
        after = versions.fingerprint(new)
        if after != before:
            reason = f"push:{','.join(delivery.rows.name for delivery in deliveries)}"
            versions.replace(site, path, new, by=by, reason=reason, expected=before)
    _note(site, by, path, deliveries, changes, before=before, after=after)
    return changes


def push_copy(
    site: Site, path: Path, deliveries: Sequence[Delivery], *, by: Viewer, language: Language = "zh"
) -> tuple[bytes, list[Change]]:
    """
    The workbook at *path* as `push_in_place` would leave it; the file itself stays as it is.

    Raises:
        PushError: It cannot be pushed.
    """
    with _pushed(site, path, deliveries, language, None) as (new, changes, before):
        content, after = new.read_bytes(), versions.fingerprint(new)
    _note(site, by, path, deliveries, changes, before=before, after=after)
    return content, changes


@contextmanager
def _pushed(
    site: Site,
    path: Path,
    deliveries: Sequence[Delivery],
    language: Language,
    progress: Callable[[int], None] | None,
) -> Iterator[tuple[Path, list[Change], str]]:
    """The file with everything pushed, what was done, and the fingerprint of what *path* held before."""
    folder = site.settings.home / versions.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    changes: list[Change] = []
    with tempfile.TemporaryDirectory(dir=folder, prefix="push-") as work:
        current = Path(work) / "old.xlsx"
        shutil.copyfile(path, current)  # what is pushed into must not change under us
        before = versions.fingerprint(current)
        for number, delivery in enumerate(deliveries):
            new = Path(work) / f"{number}.xlsx"
            changes.append(
                push_file(current, delivery.rows, new, table=delivery.table, language=language, progress=progress)
            )
            current.unlink()
            current = new
        told = {c.table: d.filled for c, d in zip(changes, deliveries, strict=True) if d.filled is not None}
        if told and stamp_file(site, current, told, new := Path(work) / "stamped.xlsx"):
            current.unlink()
            current = new
            changes[-1] = replace(changes[-1], changed_parts=tuple(sorted({*changes[-1].changed_parts, STAMP_PART})))
        yield current, changes, before


def _note(
    site: Site, by: Viewer, path: Path, deliveries: Sequence[Delivery], changes: Sequence[Change],
    *, before: str, after: str,
) -> None:  # fmt: skip
    with site.session() as session:
        site.note(
            session, by, "pushed", f"workbook:{path.name}",
            path=str(path.absolute()), datasets=[delivery.rows.name for delivery in deliveries],
            tables=[change.table for change in changes], rows=[change.rows for change in changes],
            before=before, after=after,
        )  # fmt: skip
