"""Pareto charts that weigh: failure modes by minutes of delay, hours of downtime and cost of trips."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from server.statistics.failure_costs import failure_costs
from server.statistics.fracas_datasets import mode_key
from server.statistics.measures import ParetoRow, pareto
from server.statistics.tabular import Computed, Query, rounded
from workbooks.form import Text

_DELAY = Text("晚点分钟", "minutes of delay")
_DOWN = Text("停机小时", "hours of downtime")
_COST = Text("出差费用（元）", "cost of trips (CNY)")


class _Weighed(NamedTuple):
    """One failure mode by one weight; *n* failures carry it."""

    by: Text
    rank: int
    label: Text
    row: ParetoRow
    n: int


def _weighed(query: Query) -> Iterator[_Weighed]:
    labels, costs = query.labels("fracas"), failure_costs(query.sources)
    sums: dict[Text, Counter[str]] = {_DELAY: Counter(), _DOWN: Counter(), _COST: Counter()}
    counts: dict[Text, Counter[str]] = defaultdict(Counter)
    shown: dict[str, Text] = {}
    for case in query.sources.cases_between("occurred_at", query.period.start, query.period.end):
        label = labels.of("failure_mode", case.failure_mode)
        key = mode_key(label)
        shown[key] = label
        down = None if case.repaired_at is None else (case.repaired_at - case.occurred_at) / timedelta(hours=1)
        for by, amount in ((_DELAY, case.delay_minutes), (_DOWN, down), (_COST, costs.get(case.number))):
            if amount is not None and amount > 0:
                sums[by][key] += amount  # type: ignore[assignment]
                counts[by][key] += 1
    for by, amounts in sums.items():
        for rank, row in enumerate(pareto(amounts), start=1):
            yield _Weighed(by, rank, shown[row.name], row, counts[by][row.name])


_WEIGHED: Computed[_Weighed] = Computed(
    facts=_weighed,
    values={
        "weight": lambda w, q: w.by[q.language],
        "rank": lambda w, q: w.rank,
        "failure_mode": lambda w, q: w.label[q.language],
        "amount": lambda w, q: rounded(w.row.count),
        "failures": lambda w, q: w.n,
        "share": lambda w, q: w.row.share,
        "cumulative": lambda w, q: w.row.cumulative,
        "vital": lambda w, q: int(w.row.vital),
    },
)

COMPUTED: dict[str, Computed[Any]] = {"pareto_weighed": _WEIGHED}
