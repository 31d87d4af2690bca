"""Repairable systems under observation: when each failed between the start and the end of its own window."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Ended = Literal["time", "failure"]


@dataclass(frozen=True, slots=True)
class System:
    """
    One system's *events* (kilometres or hours of its own life) in the window from *start* to *end*.

    One without events counts, too: leaving it out would bias every rate upwards.
    """

    events: tuple[float, ...]
    end: float
    start: float = 0.0

    @classmethod
    def until_last(cls, events: Sequence[float]) -> "System":
        """Observed until its last failure."""
        return cls(tuple(sorted(events)), max(events))


@dataclass(frozen=True, slots=True)
class Rows:
    """Systems in the form surpyval takes: times, system, censored (1 the end of observation), begin of the window."""

    x: list[float]
    i: list[int]
    c: list[int]
    tl: list[float]


def rows(systems: Iterable[System], ended: Ended = "time") -> Rows:
    """*systems* as rows; the end of a window is a row of its own unless the last failure ended it."""
    found = Rows([], [], [], [])
    for number, system in enumerate(systems):
        marks = [(at, 0) for at in sorted(system.events)]
        if ended == "time":
            marks.append((system.end, 1))
        for at, censored in marks:
            found.x.append(at)
            found.i.append(number)
            found.c.append(censored)
            found.tl.append(system.start)
    return found


def events(systems: Iterable[System]) -> int:
    return sum(len(system.events) for system in systems)
