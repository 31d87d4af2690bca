"""Which charts there are, on which board each stands, and what its marks lead to."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from server.statistics.boards import ageing, failures, overdue, people, reliability, travel, voice
from server.statistics.boards.chart import Finder, Maker
from workbooks.form import Text

BOARDS: Mapping[str, Text] = MappingProxyType(
    {
        "overview": Text("总览", "Overview"),
        "failures": Text("故障", "Failures"),
        "satisfaction": Text("满意度", "Satisfaction"),
        "trips": Text("出差", "Trips"),
        "overdue": Text("逾期", "Overdue"),
        "reliability": Text("可靠性", "Reliability"),
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """
    How a chart is made, where it stands, and who finds the records behind its marks.

    A *slow* one reads every case of its days: pages ask for it when they stand already.
    """

    make: Maker
    boards: tuple[str, ...]
    behind: Finder | None = None
    slow: bool = False


# The verdict stands before the figures it rests on: a phone shows the first columns only.
_BETWEEN = (
    "vehicle_type", "trains", "failures", "kilometres", "mdbf", "mdbf_lower", "mdbf_upper", "mdbsf", "mtbf",
    "mtbf_lower", "mtbf_upper", "estimated", "reason",
)  # fmt: skip
_GROWTH = (
    "scope", "verdict", "failures", "beta", "beta_lower", "beta_upper", "cumulative", "current", "lower", "upper",
    "c2", "critical",
)  # fmt: skip
_EFFECTS = (
    "change_no", "verdict", "failure_mode", "since", "failures_before", "rate_before", "failures_after",
    "rate_after", "ratio", "lower", "upper", "power", "note",
)  # fmt: skip
_TRENDS = ("tested", "verdict", "failures", "laplace", "laplace_p", "handbook", "handbook_p", "adjusted_p")

CHARTS: Mapping[str, Entry] = MappingProxyType(
    {
        "months": Entry(failures.by_months, ("overview", "failures"), failures.months_behind),
        "modes": Entry(failures.modes, ("overview", "failures"), failures.modes_behind),
        "ageing": Entry(ageing.ageing, ("overview", "failures"), ageing.ageing_behind),
        "flow": Entry(failures.flow, ("overview", "failures")),
        "rate": Entry(failures.rate, ("overview", "failures"), failures.rate_behind),
        "stations": Entry(failures.stations, ("overview", "failures"), failures.stations_behind),
        "matrix": Entry(failures.matrix, ("failures",), failures.matrix_behind),
        "campaigns": Entry(voice.campaigns, ("overview", "satisfaction"), voice.campaign_behind),
        "coverage": Entry(voice.coverage, ("overview", "satisfaction"), voice.campaign_behind),
        "items": Entry(voice.items, ("satisfaction",)),
        "promoters": Entry(voice.promoters, ("overview", "satisfaction"), voice.campaign_behind),
        "complaints": Entry(voice.complaint_classes, ("overview", "satisfaction"), voice.complaints_behind),
        "performance": Entry(voice.performance, ("satisfaction",), failures.stations_behind),
        "trips_by_period": Entry(travel.trips, ("overview", "trips"), travel.trips_behind),
        "plans": Entry(overdue.plans, ("overview", "overdue"), overdue.plans_behind),
        "kept": Entry(overdue.kept, ("overdue",), slow=True),
        "forms_due": Entry(overdue.forms, ("overdue",), slow=True),
        "technicians": Entry(people.technicians, ("overview", "satisfaction"), slow=True),
        "travellers": Entry(travel.travellers, ("trips",), travel.travellers_behind),
        "overdue": Entry(overdue.overdue, ("overview", "overdue")),
        "mean_between_failures": Entry(
            reliability.of_dataset("mean_between_failures", _BETWEEN), ("reliability",), slow=True
        ),
        "growth_points": Entry(reliability.of_fleet("growth_points"), ("reliability",), slow=True),
        "mcf": Entry(reliability.of_fleet("mcf"), ("reliability",), slow=True),
        "reliability_growth": Entry(reliability.of_dataset("reliability_growth", _GROWTH), ("reliability",), slow=True),
        "ca_effectiveness": Entry(
            reliability.of_dataset("ca_effectiveness", _EFFECTS, from_start=True), ("reliability",), slow=True
        ),
        "trend_tests": Entry(reliability.of_dataset("trend_tests", _TRENDS), ("reliability",), slow=True),
    }
)


def on_board(board: str) -> tuple[str, ...]:
    """The names of the charts of a board, in the order they stand there."""
    return tuple(name for name, entry in CHARTS.items() if board in entry.boards)
