"""What a feed asks for: one dataset, a period, a selection, a language; the same words in OData, web query and link."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.site import Site
from server.statistics import record_datasets
from server.statistics.datasets import load
from server.statistics.periods import EARLIEST, LATEST, OutOfReach, instant_of
from server.statistics.report_period import Kind, NoPeriod, ReportPeriod
from server.statistics.selection import EVERYTHING, Selection
from workbooks.dataset import Dataset
from workbooks.form import Language, Text

DIMENSIONS = tuple(field.name for field in fields(Selection))
RUNNING: Mapping[str, Kind] = MappingProxyType({"this-month": "month", "this-quarter": "quarter", "this-year": "year"})
"""Periods that move on by themselves, for workbooks that are refreshed for years."""
_ANCHORS: Mapping[str, str] = MappingProxyType({"fracas_cases": "reported_at", "fracas_backlog": "as_of_date"})
_NOBODY = Viewer(user_id=None, username="-", display_name="-", roles=frozenset({"station"}))


class FeedError(ValueError):
    """A period, an as-of date or a dimension that cannot be; *message* says what can, in both languages."""

    def __init__(self, message: Text) -> None:
        super().__init__(message.en)
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """
    One dataset as somebody wants it again and again.

    *period* is 2026-05, 2026Q2, 2026, one of `RUNNING`, or empty for all of history.
    """

    dataset: str
    period: str = ""
    selection: Selection = EVERYTHING
    language: Language | None = None

    def period_on(self, day: date) -> ReportPeriod:
        """
        The period meant on *day*.

        Raises:
            FeedError: It is none.
        """
        try:
            if self.period in RUNNING:
                return ReportPeriod.around(RUNNING[self.period], day)
            return ReportPeriod.parse(self.period or "history")
        except NoPeriod as error:
            words = "period 应为 2026-05、2026Q2、2026、this-month、this-quarter、this-year 或 history。"
            raise FeedError(
                Text(words, "period is 2026-05, 2026Q2, 2026, this-month, this-quarter, this-year or history.")
            ) from error

    def options(self) -> dict[str, str]:
        """The feed as query options, without the dataset; what is not narrowed is left out."""
        found = {"period": self.period, "lang": self.language} | asdict(self.selection)
        return {name: value for name, value in found.items() if value}


def selection_from(options: Mapping[str, str]) -> Selection:
    """The selection named by *options*; other options are left alone."""
    return Selection(**{name: options[name] for name in DIMENSIONS if options.get(name)})


def as_of_from(text: str, zone: ZoneInfo) -> datetime:
    """
    The instant (UTC) that *text* names: the end of a day such as 2026-05-31, or an instant with its offset.

    Raises:
        FeedError: It is neither.
    """
    try:
        if len(text) == len("2026-05-31"):
            return instant_of(date.fromisoformat(text), zone)
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None and EARLIEST <= found.date() <= LATEST:
            return found.astimezone(UTC)
    except (ValueError, OutOfReach, OverflowError):
        pass
    raise FeedError(
        Text(
            f"as_of 应为 {EARLIEST} 与 {LATEST} 之间的日期，如 2026-05-31。",
            f"as_of is a day between {EARLIEST} and {LATEST}, such as 2026-05-31.",
        )
    )


def load_feed(
    session: Session,
    site: Site,
    viewer: Viewer,
    feed: Feed,
    *,
    as_of: datetime | None = None,
    first: date | None = None,
    last: date | None = None,
) -> Dataset:
    """
    The rows of *feed* that *viewer* may see, as of an instant (aware).

    Without one, a period that is over is read as of its end, so that it reads the same
    whenever it is asked for; everything else as of now. *first* and *last* narrow the period further.

    Raises:
        FeedError: The period is none.
        UnknownDataset: There is no such dataset.
    """
    period = feed.period_on((as_of.astimezone(site.zone) if as_of else site.now()).date())
    if as_of is None:
        as_of = default_instant(period, site)
    starts = [day for day in (period.start, first) if day is not None]
    ends = [day for day in (period.end, last) if day is not None]
    return load(
        session,
        feed.dataset,
        viewer,
        site=site,
        as_of=as_of,
        start=max(starts, default=None),
        end=min(ends, default=None),
        language=feed.language,
        selection=feed.selection,
    )


def default_instant(period: ReportPeriod, site: Site) -> datetime:
    """The end of *period*, or now where that is earlier."""
    now = datetime.now(UTC)
    return now if period.end is None else min(now, instant_of(period.end, site.zone))


def anchor_of(site: Site, name: str) -> str | None:
    """The column of dataset *name* with the date by which `load` narrows it; None where its rows do not show it."""
    return "received_on" if name in record_datasets.names(site.definitions) else _ANCHORS.get(name)


def schema(session: Session, site: Site, name: str) -> Dataset:
    """Dataset *name* without rows, as somebody sees it who may see nothing: its columns, title and definition."""
    return load(session, name, _NOBODY, site=site)
