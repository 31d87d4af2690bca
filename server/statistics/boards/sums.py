"""What the cases of a span of days add up to, from the sums kept of months where the span allows it."""

from collections import Counter
from datetime import date
from typing import Any

from server.statistics.case_months import (
    CaseGroup,
    Measures,
    ModeCounts,
    ModeGroup,
    Part,
    case_group,
    mode_counts,
    mode_group,
    plus,
)
from server.statistics.periods import first_of_month, last_of_month, month_begin, month_number
from server.statistics.sources import Sources

Key = tuple[Any, ...]


def measured(sources: Sources, first: date | None, last: date) -> Measures:
    """The cases reported from *first* to *last*."""
    return Measures(*map(sum, zip(Measures(), *measured_by(sources, first, last, "month").values(), strict=True)))


def measured_by(sources: Sources, first: date | None, last: date, *by: str) -> dict[Key, Measures]:
    """
    The cases reported from *first* to *last* by fields of their `CaseGroup`.

    What is not given is "", a month a number such as 201605.
    """
    if whole_months(sources, first, last):
        return {row[: len(by)]: Measures(*row[len(by) :]) for row in sources.sums("cases", by, first, last)}
    found: dict[Key, Measures] = {}
    for case in sources.cases_between("reported_at", first, last):
        plus(found, _key(case_group(case), by), Measures.of(case, sources.now))
    return found


def occurred(sources: Sources, first: date | None, last: date, *by: str) -> dict[Key, ModeCounts]:
    """The same of the cases that occurred from *first* to *last*, by fields of their `ModeGroup`."""
    if whole_months(sources, first, last):
        return {row[: len(by)]: ModeCounts(*row[len(by) :]) for row in sources.sums("modes", by, first, last)}
    found: dict[Key, ModeCounts] = {}
    for case in sources.cases_between("occurred_at", first, last):
        plus(found, _key(mode_group(case), by), mode_counts(case))
    return found


def _key(group: CaseGroup | ModeGroup, by: tuple[str, ...]) -> Key:
    return tuple([month_number(group.month) if name == "month" else getattr(group, name) or "" for name in by])


def counted_for_rate(sources: Sources, first: date | None, last: date) -> int:
    """The failures from *first* to *last* that count towards rates."""
    return sum(counts.counted for counts in occurred(sources, first, last, "month").values())


def by_mode(sources: Sources, first: date | None, last: date) -> Counter[str | None]:
    """How many failures of each mode (its code) occurred from *first* to *last*."""
    found = occurred(sources, first, last, "failure_mode")
    return Counter({mode or None: counts.failures for (mode,), counts in found.items()})


def first_month(sources: Sources, part: Part = "cases") -> date | None:
    """The month of the first report, or of the first failure in the *part* modes; None without any."""
    number = min((month for month, *_ in sources.sums(part, ("month",))), default=None)
    return None if number is None else month_begin(number)


def whole_months(sources: Sources, first: date | None, last: date) -> bool:
    """Whether a span is made of whole months, the running one as far as it has come."""
    begins = first is None or first == first_of_month(first)
    return begins and (last == last_of_month(last) or last >= sources.today)
