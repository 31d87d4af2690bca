"""What the cases of a span of days add up to, from the months where the span allows it."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from datetime import date
from typing import TypeVar

from server.statistics.case_months import (
    CaseGroup,
    Measures,
    ModeCounts,
    ModeGroup,
    case_group,
    mode_counts,
    mode_group,
    plus,
)
from server.statistics.periods import first_of_month, last_of_month
from server.statistics.sources import Sources

Key = TypeVar("Key", bound=Hashable)


def measured(sources: Sources, first: date | None, last: date) -> Measures:
    """The cases reported from *first* to *last*."""
    return measured_by(sources, first, last, lambda group: None).get(None, Measures())


def measured_by(
    sources: Sources, first: date | None, last: date, key: Callable[[CaseGroup], Key]
) -> dict[Key, Measures]:
    """The cases reported from *first* to *last* by a part of their group."""
    found: dict[Key, Measures] = {}
    for group, measures in _case_groups(sources, first, last):
        plus(found, key(group), measures)
    return found


def _case_groups(sources: Sources, first: date | None, last: date) -> Iterator[tuple[CaseGroup, Measures]]:
    if whole_months(sources, first, last):
        for group, measures in sources.months().cases.items():
            if (first is None or group.month >= first) and group.month <= last:
                yield group, measures
    else:
        for case in sources.cases_between("reported_at", first, last):
            yield case_group(case), Measures.of(case, sources.now)


def occurred(sources: Sources, first: date | None, last: date) -> Iterator[tuple[ModeGroup, ModeCounts]]:
    """The cases that occurred from *first* to *last*, by group; a group may come more than once."""
    if whole_months(sources, first, last):
        for group, counts in sources.months().modes.items():
            if (first is None or group.month >= first) and group.month <= last:
                yield group, counts
    else:
        for case in sources.cases_between("occurred_at", first, last):
            yield mode_group(case), mode_counts(case)


def counted_for_rate(sources: Sources, first: date | None, last: date) -> int:
    """The failures from *first* to *last* that count towards rates."""
    return sum(counts.counted for _, counts in occurred(sources, first, last))


def by_mode(sources: Sources, first: date | None, last: date) -> Counter[str | None]:
    """How many failures of each mode (its code) occurred from *first* to *last*."""
    found: Counter[str | None] = Counter()
    for group, counts in occurred(sources, first, last):
        found[group.failure_mode] += counts.failures
    return found


def first_month(sources: Sources) -> date | None:
    """The month of the first report; None without any."""
    return min((group.month for group in sources.months().cases), default=None)


def whole_months(sources: Sources, first: date | None, last: date) -> bool:
    """Whether a span is made of whole months, the running one as far as it has come."""
    begins = first is None or first == first_of_month(first)
    return begins and (last == last_of_month(last) or last >= sources.today)
