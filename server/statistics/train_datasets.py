"""The file of each train (列车故障信息档案): its failures and the parts that were changed, in the order of time."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from server.statistics.periods import month_of, quarter_of
from server.statistics.sources import Sources
from server.statistics.tabular import Computed, Query, Value, by_place
from workbooks.form import Text

_FAILURE, _CHANGE = Text("故障", "Failure"), Text("更换", "Part changed")


class _Event(NamedTuple):
    """A failure of a train, or a *line* of parts that were changed for it."""

    at: datetime
    row: Mapping[str, Any]
    line: Mapping[str, Any] | None = None

    @property
    def station(self) -> str | None:
        station: str | None = self.row["station"]
        return station


class _Fact(NamedTuple):
    """What a selection asks of a failure."""

    station: str | None
    customer: str | None
    vehicle_type: str | None
    system: str | None


def _events(query: Query) -> list[_Event]:
    found = [event for event in _all(query.sources) if query.period.holds(event.at.date())]
    return sorted(found, key=lambda e: (e.row["vehicle"] or "", e.row["occurred_at"], e.row["number"], e.at))


def _all(sources: Sources) -> Iterator[_Event]:
    """Failures by the time they occurred, changes by the time of the repair; what is dated later has not happened."""
    for row in sources.view.rows("fracas", "replaced_parts"):
        fact = _Fact(row["station"], row["customer"], row["vehicle_type"], row["system"])
        if not row["occurred_at"] or not row["reported_at"] or not sources.selected(fact):
            continue
        if row["reported_at"] <= sources.now:
            yield _Event(row["occurred_at"], row)
            if row["repaired_at"] is not None and row["repaired_at"] <= sources.now:
                yield from (_Event(row["repaired_at"], row, line) for line in row["replaced_parts"])


def _answer(name: str) -> Value:
    return lambda event, query: query.label("fracas", name, event.row[name])


def _of_line(name: str) -> Value:
    return lambda event, query: None if event.line is None else event.line[name]


def _disposition(event: _Event, query: Query) -> str | None:
    if event.line is None or event.line["disposition"] is None:
        return None
    labels = {choice.name: choice.label for choice in _choices(query)}
    code = str(event.line["disposition"])
    return labels[code][query.language] if code in labels else code


def _choices(query: Query) -> Any:
    form = query.sources.view.site.definitions["fracas"]
    repeat = next(repeat for repeat in form.repeats if repeat.name == "replaced_parts")
    return next(field.choices for field in repeat.fields if field.name == "disposition")


_HISTORY: Computed[_Event] = Computed(
    facts=_events,
    values={
        **by_place(),
        **{name: _answer(name) for name in ("customer", "vehicle", "part", "failure_mode", "severity", "warranty")},
        **{name: _of_line(name) for name in ("position", "part_name", "removed_serial", "fitted_serial", "quantity")},
        "number": lambda e, q: e.row["number"],
        "at": lambda e, q: e.at,
        "year": lambda e, q: e.at.year,
        "quarter": lambda e, q: quarter_of(e.at),
        "month": lambda e, q: month_of(e.at),
        "line": lambda e, q: e.row["line"],
        "vehicle_type": lambda e, q: e.row["vehicle_type"],
        "car": lambda e, q: e.row["car"],
        "event": lambda e, q: (_FAILURE if e.line is None else _CHANGE)[q.language],
        "mileage_km": lambda e, q: e.row["mileage_km"] if e.line is None else None,
        "symptom": lambda e, q: e.row["symptom"] if e.line is None else None,
        "action_taken": lambda e, q: e.row["action_taken"] if e.line is None and _repaired(e, q) else None,
        "disposition": _disposition,
        "failures": lambda e, q: int(e.line is None),
        "changed": lambda e, q: 0 if e.line is None else e.line["quantity"],
    },
)


def _repaired(event: _Event, query: Query) -> bool:
    return event.row["repaired_at"] is not None and event.row["repaired_at"] <= query.sources.now


COMPUTED: dict[str, Computed[Any]] = {"train_history": _HISTORY}
