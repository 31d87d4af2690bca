"""How the rows of a form fill its printed pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# A4 less the margins of the template and a little for printers that round up, in points, by landscape.
PAGE_POINTS = {False: 752.0, True: 506.0}
_WELL_FILLED = 0.7
_TIGHTEST, _WIDEST = 0.8, 1.3  # how far rows may shrink to save a page, or grow to fill the last one


@dataclass(frozen=True, slots=True)
class Row:
    """
    One planned row of *points* height.

    *elastic* rows take part in filling the page, but not below *least*. A *begins* row
    starts a section; a *sticky* one (a heading) must not be the last of its page.
    """

    points: float
    least: float = 0.0
    elastic: bool = False
    begins: bool = False
    sticky: bool = False

    def at(self, factor: float) -> float:
        """The row's height when elastic rows are scaled by *factor*."""
        return max(self.points * factor, self.least) if self.elastic else self.points


def paged(rows: Sequence[Row], landscape: bool, repeated: int) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """
    Heights for *rows* so that pages end with sections and are well filled, and the rows (from 0) that begin a page.

    The first *repeated* rows are printed again on every page.
    """
    page = PAGE_POINTS[landscape]
    head = _height(rows[:repeated], 1)
    starts = (0, *_breaks(rows, page, head))
    heights: list[float] = []
    for start, end in pairwise((*starts, len(rows))):
        heights += _filled(rows[start:end], page - (head if start else 0), last=end == len(rows))
    return tuple(heights), starts


def _breaks(rows: Sequence[Row], page: float, head: float) -> list[int]:
    """Where pages after the first begin: with a section if that leaves the page before well filled."""
    breaks: list[int] = []
    start, room = 0, page
    while _height(rows[start:], _TIGHTEST) > room:
        end = start
        while end < len(rows) and _height(rows[start : end + 1], 1) <= room:
            end += 1
        well = [i for i in range(start + 1, end + 1) if _height(rows[start:i], 1) > _WELL_FILLED * room]
        sections = [i for i in well if rows[i].begins]
        places = sections or [i for i in well if not rows[i - 1].sticky]
        start, room = max(places, default=max(end, start + 1)), page - head
        breaks.append(start)
    return breaks


def _filled(rows: Sequence[Row], room: float, *, last: bool) -> list[float]:
    """Heights in whole pixels that fill *room*; the last page is not stretched out of proportion."""
    elastic = sum(row.points for row in rows if row.elastic)
    fixed = _height(rows, 1) - elastic
    factor = max((room - fixed) / elastic, _TIGHTEST) if elastic else 1.0
    factor = min(factor, _WIDEST) if last else factor
    heights = [int(row.at(factor) * 4 / 3) * 0.75 for row in rows]
    if not last and elastic:
        # What rounding has left goes to one row, or the next page's heading would slip up into the gap.
        place = max(i for i, row in enumerate(rows) if row.elastic)
        heights[place] += max(int((room - sum(heights)) * 4 / 3), 0) * 0.75
    return heights


def _height(rows: Sequence[Row], factor: float) -> float:
    return sum(row.at(factor) for row in rows)
