"""Hints of repeats (疑似重复): where part and mode came again so soon that somebody should look."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from server.statistics.cases import REPEAT_DAYS
from server.statistics.fracas_datasets import mode_key
from server.statistics.reliability.hints import Hint, hints
from server.statistics.sources import Sources
from server.statistics.tabular import Computed, Query, by_place, flag, rounded


def _hints(query: Query) -> Iterator[Hint]:
    """Of the failures that occurred in the period; those before may lie before it, or outside what is selected."""
    sources, start, end = query.sources, query.period.start, query.period.end
    after = sources.cases_between("occurred_at", start, end)
    everywhere = Sources(sources.view) if sources.selection else sources
    before = everywhere.cases_between("repaired_at", start and start - timedelta(days=REPEAT_DAYS), end)
    labels = query.labels("fracas")
    modes = {case.failure_mode for case in before if case.failure_mode}
    others = {code for code in modes if mode_key(labels.of("failure_mode", code)) == "other"}
    found = hints(before, after, without=others)
    yield from sorted(found, key=lambda hint: (hint.after.occurred_at, hint.after.number))


_HINTS: Computed[Hint] = Computed(
    facts=_hints,
    values={
        **by_place(lambda h: h.after.station),
        "before": lambda h, q: h.before.number,
        "number": lambda h, q: h.after.number,
        "occurred_at": lambda h, q: h.after.occurred_at,
        "vehicle_before": lambda h, q: q.label("fracas", "vehicle", h.before.vehicle),
        "vehicle": lambda h, q: q.label("fracas", "vehicle", h.after.vehicle),
        "car": lambda h, q: h.after.car,
        "part": lambda h, q: q.label("fracas", "part", h.after.part),
        "failure_mode": lambda h, q: q.label("fracas", "failure_mode", h.after.failure_mode),
        "days": lambda h, q: rounded(h.days),
        "hints": lambda h, q: 1,
        "same_train": lambda h, q: flag(h.same_train),
        "undecided": lambda h, q: flag(h.after.undecided),
    },
)

COMPUTED: dict[str, Computed[Any]] = {"repeat_hints": _HINTS}
