"""What single failures have cost: the trips that were made for them."""

from collections import defaultdict
from collections.abc import Mapping

from server.statistics.sources import Sources


def failure_costs(sources: Sources) -> Mapping[str, float]:
    """
    Actual trip cost, in yuan, by the number of the failure.

    A trip belongs to the failure that its plan names, else in equal shares to those that
    the tasks of its summary name; whose trip it was makes no difference.
    """
    found: dict[str, float] = defaultdict(float)
    for trip in Sources(sources.view).trips if sources.selection else sources.trips:
        if not trip.cost:
            continue
        tasks = dict.fromkeys(line["failure_no"] for line in trip.done if line["failure_no"])
        named = [trip.failure_no] if trip.failure_no else list(tasks)
        for number in named:
            found[number] += trip.cost / len(named)
    return found
