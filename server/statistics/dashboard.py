"""A board of figures: eight tiles and charts, for a period, as of an instant, and for one person's eyes."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from typing import Any

from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.site import Site
from server.statistics.boards.catalogue import CHARTS, on_board
from server.statistics.boards.chart import Behind, Chart
from server.statistics.boards.window import Window
from server.statistics.case_months import Part
from server.statistics.cases import Case
from server.statistics.figures import Tile
from server.statistics.report_period import ReportPeriod
from server.statistics.selection import EVERYTHING, Selection
from server.statistics.snapshot import View
from server.statistics.sources import Sources
from server.statistics.tiles import all_tiles
from workbooks.form import Language


class UnknownChart(LookupError):
    """There is no chart of that name, or nothing can be listed behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One board as of one instant (naive, in the site's zone)."""

    as_of: datetime
    window: Window
    tiles: tuple[Tile, ...]
    charts: Mapping[str, Chart]


class _Kept(Sources):
    """Sources that read sums and open cases once, because many charts of a board ask."""

    @cached_property
    def _sums(self) -> dict[Hashable, list[tuple[Any, ...]]]:
        return {}

    @cached_property
    def _open(self) -> list[Case]:
        return super().open_cases()

    def sums(
        self, part: Part, by: Sequence[str], first: date | None = None, last: date | None = None
    ) -> list[tuple[Any, ...]]:
        asked = part, tuple(by), first, last
        if asked not in self._sums:
            self._sums[asked] = super().sums(part, by, first, last)
        return self._sums[asked]

    def open_cases(self, at: datetime | None = None) -> list[Case]:
        return super().open_cases(at) if at is not None else self._open


class Figures:
    """
    The figures *viewer* may see of one *period*, narrowed by *selection*; facts are read once.

    Without a period they are of the last twelve months. A period that is over is seen as
    of its end, so that it reads the same whenever it is asked for; *as_of* (aware) looks
    back further.
    """

    def __init__(
        self,
        session: Session,
        viewer: Viewer,
        *,
        site: Site,
        period: ReportPeriod | None = None,
        selection: Selection = EVERYTHING,
        as_of: datetime | None = None,
        language: Language | None = None,
    ) -> None:
        instant = as_of or site.now()
        if period is not None and period.end is not None:
            instant = min(instant, datetime.combine(period.end, time.max, site.zone))
        self.sources = _Kept(View.at(session, site, viewer, instant), selection)
        self.window = Window.of(period, self.sources.today)
        self.language: Language = language or viewer.language

    def board(self, name: str) -> Dashboard:
        """The tiles and the charts of a board; the slow ones are left to be asked for by `chart`."""
        return Dashboard(
            as_of=self.sources.now,
            window=self.window,
            tiles=all_tiles(self.sources, self.window) if name == "overview" else (),
            charts={chart: self.chart(chart) for chart in on_board(name) if not CHARTS[chart].slow},
        )

    def chart(self, name: str) -> Chart:
        """
        One chart.

        Raises:
            UnknownChart: There is none of that name.
        """
        if name not in CHARTS:
            raise UnknownChart(name)
        return CHARTS[name].make(self.sources, self.window, self.language)

    def behind(self, name: str, mark: str) -> Behind:
        """
        The records behind one mark of a chart; a mark that is none has no records.

        Raises:
            UnknownChart: There is no such chart, or nothing can be listed behind it.
        """
        entry = CHARTS.get(name)
        if entry is None or entry.behind is None:
            raise UnknownChart(name)
        return entry.behind(self.sources, self.window, mark, self.language)


def dashboard(
    session: Session,
    viewer: Viewer,
    *,
    site: Site,
    as_of: datetime | None = None,
    period: ReportPeriod | None = None,
    selection: Selection = EVERYTHING,
) -> Dashboard:
    """The first screen for *viewer*, as of an instant (aware; now when absent)."""
    figures = Figures(session, viewer, site=site, period=period, selection=selection, as_of=as_of)
    return figures.board("overview")
