"""Odometer readings of the cases that have settled, kept by train: as many as there were, but quickly read."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, insert, select, tuple_
from sqlalchemy.orm import Session

from server.access.visibility import visible
from server.statistics.cases import Case
from server.statistics.meters import Readings
from server.statistics.rollup_tables import READINGS
from server.statistics.snapshot import View
from server.statistics.standings import Standing

_READING = np.dtype([("settled", "<i4"), ("day", "<i4"), ("km", "<i8")])
_AT_ONCE = 1000  # rows of one statement
_Key = tuple[str, int, str]  # train, year and station
_Triple = tuple[int, int, int]
Settled = Iterable[tuple[Standing, Case | None]]


def change(session: Session, gone: Settled, come: Settled) -> None:
    """Keep the readings of cases that have *come* to rest, and no longer those of cases *gone*."""
    taken, added = _by_key(gone), _by_key(come)
    keys = sorted({*taken, *added})
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        own = tuple_(READINGS.c.vehicle, READINGS.c.year, READINGS.c.station).in_(some)
        known = {tuple(row[:3]): _unpacked(row[3]) for row in session.execute(select(READINGS).where(own))}
        session.execute(delete(READINGS).where(own))
        rows = []
        for key in some:
            readings = [*known.get(key, ()), *added.get(key, ())]
            for reading in taken.get(key, ()):
                readings.remove(reading)
            if readings:
                packed = np.array(sorted(readings), _READING).tobytes()
                rows.append(dict(zip(READINGS.columns.keys(), (*key, packed), strict=True)))
        if rows:
            session.execute(insert(READINGS), rows)


def read(view: View, before: int, live: Iterable[Case]) -> dict[str, Readings]:
    """By train what cases tell that settled before the month numbered *before*, and those that are *live*."""
    packed: dict[str, list[bytes]] = defaultdict(list)
    query = visible(select(READINGS.c.vehicle, READINGS.c.readings), READINGS, view.viewer)
    for vehicle, some in view.session.execute(query):
        packed[vehicle].append(some)
    settled = {vehicle: _settled(b"".join(some), before) for vehicle, some in packed.items()}
    return joined({vehicle: some for vehicle, some in settled.items() if len(some.days)}, readings_of(live))


def readings_of(cases: Iterable[Case]) -> dict[str, Readings]:
    """By train what *cases* tell."""
    days: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for case in cases:
        if case.vehicle and case.mileage_km is not None:
            days[case.vehicle].append((case.occurred_at.toordinal(), float(case.mileage_km)))
    return {vehicle: Readings.of_ordinals(some) for vehicle, some in days.items()}


def joined(*found: Mapping[str, Readings]) -> dict[str, Readings]:
    """The readings of all sources by train."""
    together: dict[str, Readings] = {}
    for some in found:
        for vehicle, readings in some.items():
            known = together.get(vehicle)
            together[vehicle] = readings if known is None else known.and_(readings)
    return together


def _by_key(settled: Settled) -> Mapping[_Key, list[_Triple]]:
    found: dict[_Key, list[_Triple]] = defaultdict(list)
    for standing, case in settled:
        if case is not None and case.vehicle and case.mileage_km is not None:
            key = case.vehicle, case.occurred_at.year, case.station
            found[key].append((standing.settled, case.occurred_at.toordinal(), case.mileage_km))
    return found


def _unpacked(packed: bytes) -> list[Any]:
    return list(np.frombuffer(packed, _READING).tolist())


def _settled(packed: bytes, before: int) -> Readings:
    read: NDArray[Any] = np.frombuffer(packed, _READING)
    read = read[read["settled"] < before]
    return Readings(read["day"].astype(np.int64), read["km"].astype(np.float64))
