"""What a feed asks for: one dataset, a period, a selection, a language; the same words in OData, web query and link."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.reports.choices import DIMENSIONS, NoSuchChoice, chosen
from server.site import Site
from server.statistics.datasets import load
from server.statistics.periods import EARLIEST, LATEST, OutOfReach, instant_of
from server.statistics.report_period import Kind, NoPeriod, ReportPeriod
from server.statistics.selection import EVERYTHING, Selection
from workbooks.dataset import Dataset
from workbooks.form import Language, Text

RUNNING: Mapping[str, Kind] = MappingProxyType({"this-month": "month", "this-quarter": "quarter", "this-year": "year"})
"""Periods that move on by themselves, for workbooks that are refreshed for years."""
_OWN_MARKS = re.compile(r"[%,=/]")


class FeedError(ValueError):
    """An option of a feed that cannot be: *option* names it, *message* says what can be, in both languages."""

    def __init__(self, option: str, message: Text) -> None:
        super().__init__(message.en)
        self.option = option
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """
    One dataset as somebody wants it again and again.

    *period* is 2026-05, 2026Q2, 2026, one of `RUNNING`, or empty for all of history; *start* and
    *end* (both included) narrow it further. *as_of* is an instant (aware), or None: see `instant`.
    """

    dataset: str
    period: str = ""
    start: date | None = None
    end: date | None = None
    as_of: datetime | None = None
    selection: Selection = EVERYTHING
    language: Language = "zh"

    def days(self, today: date) -> tuple[date | None, date | None]:
        """The first and the last day of the facts, as seen *today*; open where None."""
        period = _period(self.period, today)
        starts = [day for day in (period.start, self.start) if day is not None]
        ends = [day for day in (period.end, self.end) if day is not None]
        return max(starts, default=None), min(ends, default=None)

    def instant(self, zone: ZoneInfo) -> datetime:
        """
        The instant it is read as of: the one asked for, else now; of the time to come nothing is known.

        A period that is over is read as of its end: so it reads the same whenever it is asked for.
        """
        now = datetime.now(UTC)
        if self.as_of is not None:
            return min(self.as_of, now)
        _, last = self.days(now.astimezone(zone).date())
        return now if last is None or not EARLIEST <= last <= LATEST else min(now, instant_of(last, zone))

    def options(self) -> dict[str, str]:
        """The feed as query options, without the dataset; what is open is left out."""
        found: dict[str, str | None] = {
            "period": self.period,
            "start": self.start.isoformat() if self.start else None,
            "end": self.end.isoformat() if self.end else None,
            "as_of": self.as_of.isoformat().replace("+00:00", "Z") if self.as_of else None,
            **asdict(self.selection),
            "lang": self.language,
        }
        return {name: value for name, value in found.items() if value}


def feed_from(
    session: Session, site: Site, dataset: str, options: Mapping[str, str], language: Language, *, lenient: bool = False
) -> Feed:
    """
    The feed of *dataset* that query *options* ask for; those it does not know are left alone.

    *lenient* takes codes of the selection as they are: what was chosen once must not fail
    because master data has moved on.

    Raises:
        FeedError: An option cannot be.
    """
    asked = {name: value.strip() for name, value in options.items() if value.strip()}
    period = "" if asked.get("period") == "history" else asked.get("period", "")
    _period(period, site.now().date())
    named = {name: asked[name] for name in DIMENSIONS if name in asked}
    try:
        selection = Selection(**named) if lenient else chosen(site.master(session, retired=True), named)
    except NoSuchChoice as error:
        raise FeedError(error.dimension, error.message) from error
    spoken = asked.get("lang", language)
    return Feed(
        dataset=dataset,
        period=period,
        start=_day("start", asked),
        end=_day("end", asked),
        as_of=_instant(asked["as_of"], site.zone) if "as_of" in asked else None,
        selection=selection,
        language="zh" if spoken.startswith("zh") else "en",
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
    The rows of *feed* that *viewer* may see, as of *as_of* (aware; by default the feed's own instant).

    *first* and *last* narrow its days further.

    Raises:
        UnknownDataset: There is no such dataset.
    """
    as_of = as_of or feed.instant(site.zone)
    start, end = feed.days(as_of.astimezone(site.zone).date())
    return load(
        session,
        feed.dataset,
        viewer,
        site=site,
        as_of=as_of,
        start=max((day for day in (start, first) if day is not None), default=None),
        end=min((day for day in (end, last) if day is not None), default=None),
        language=feed.language,
        selection=feed.selection,
    )


def service_address(server: str, options: Mapping[str, str]) -> str:
    """
    The address of the OData service under *server* that has *options* built in: period=2026-05,lang=zh/.

    In the path they hold for whatever a client asks below; query options it might drop on its way.
    """
    own = ",".join(f"{name}={quote(_OWN_MARKS.sub(_escaped, value), safe='')}" for name, value in options.items())
    return f"{server.rstrip('/')}/odata/v4/{own}{'/' if own else ''}"


def options_in(own: str) -> dict[str, str]:
    """The options built into an address, as `service_address` writes them and the server has unescaped them once."""
    pairs = (piece.partition("=") for piece in own.split(",") if piece)
    return {name: unquote(value) for name, _, value in pairs}


def _escaped(mark: re.Match[str]) -> str:
    return f"%{ord(mark[0]):02X}"


def _period(text: str, today: date) -> ReportPeriod:
    try:
        return ReportPeriod.around(RUNNING[text], today) if text in RUNNING else ReportPeriod.parse(text or "history")
    except NoPeriod as error:
        words = "2026-05、2026Q2、2026、this-month、this-quarter、this-year"
        raise FeedError(
            "period",
            Text(f"period 应为 {words} 或 history。", f"period is {words.replace('、', ', ')} or history."),
        ) from error


def _day(name: str, asked: Mapping[str, str]) -> date | None:
    try:
        return date.fromisoformat(asked[name]) if name in asked else None
    except ValueError as error:
        words = Text(f"{name} 应为日期，如 2026-11-21。", f"{name} is a date such as 2026-11-21.")
        raise FeedError(name, words) from error


def _instant(text: str, zone: ZoneInfo) -> datetime:
    """The end of a day such as 2026-05-31, or an instant with its offset, in UTC."""
    try:
        if len(text) == len("2026-05-31"):
            return instant_of(date.fromisoformat(text), zone)
        found = datetime.fromisoformat(text.replace(" ", "+"))  # a + that was not escaped has arrived as a space
        if found.tzinfo is not None and EARLIEST <= found.date() <= LATEST:
            return found.astimezone(UTC)
    except (ValueError, OutOfReach, OverflowError):
        pass
    raise FeedError(
        "as_of",
        Text(
            f"as_of 应为 {EARLIEST} 与 {LATEST} 之间的日期，如 2026-05-31。",
            f"as_of is a day between {EARLIEST} and {LATEST}, such as 2026-05-31.",
        ),
    )
