"""Draws the failures of the demo fleet, day by day, with the stories a dashboard must reveal."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from math import exp, log

from server.demo.catalogue import (
    COMMON_MODES,
    LATE_STATION,
    MODES,
    REPEAT_STATIONS,
    SEASONS,
    SLOW_STATION,
    STATIONS,
    ModeSeed,
)
from server.demo.master import Company, Person, Train
from server.demo.period import first_day, month_number

# Stories (a)-(f): what a good dashboard must show.
FIX_MONTH, FIX_EFFECT = 20.5, 0.3  # (a) a BCU board and software fix that works
IDLE_FIX_MONTH = 24.0  # (b) a second fix, for leaking joints, that changes nothing
BAD_BATCH_MONTH, BAD_BATCH_FACTOR = 10.0, 5.0  # (c) pressure sensors of one batch
REPEAT_SHARE = 0.09  # (e) repeat failures within 30 days
GROWTH = 1.8  # (f) one train that deteriorates: Weibull exponent of its failures
_PARTS_WITH_MODES = {mode.part for mode in MODES}
_SLOW_FACTOR = 1.8  # (d)
_SCALE = 0.9  # about 1 050 forms in all, with the early failures and the stories on top
_DEPOTS = {s.code for s in STATIONS if s.depot}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure as it really was; what people typed about it comes later. Times are local and naive."""

    train: Train
    mode: ModeSeed
    part: str
    car: str
    serial: str
    severity: str
    occurred_at: datetime
    reported_at: datetime
    responded_at: datetime | None
    arrived_at: datetime
    repaired_at: datetime
    received_at: datetime  # when the station's form came in
    mileage_km: int
    reporter: Person
    repeat: bool
    bad_batch: bool

    @property
    def station(self) -> str:
        return self.train.station

    @property
    def instance(self) -> str:
        """What tells the failure's form from all others."""
        return f"{self.train.code}-{self.occurred_at:%Y%m%d%H%M}"


def draw_failures(company: Company, seed: int, until: date, *, start: date | None = None) -> list[Failure]:
    """All failures from *start* (the first day of the history) to *until*, in the order they occurred."""
    draw = random.Random(f"failures {seed}")
    odd = _OddTrains.pick(company, draw)
    found: list[Failure] = []
    for train in company.trains:
        found += _of_train(train, company, odd, draw, until)
    found.sort(key=lambda failure: (failure.occurred_at, failure.train.code))
    first = datetime.combine(start or first_day(until), time())
    return [failure for failure in found if failure.occurred_at >= first]


@dataclass(frozen=True, slots=True)
class _OddTrains:
    bad_batch: frozenset[str]
    growing: str

    @classmethod
    def pick(cls, company: Company, draw: random.Random) -> "_OddTrains":
        metro = [t for t in company.trains if t.station in ("SH", "NJ") and "地铁" in t.type]
        early = [
            t
            for t in company.trains
            if t.station == "QD" and t.accepted_on < min(x.accepted_on for x in company.trains) + timedelta(400)
        ]
        return cls(
            frozenset(t.code for t in draw.sample(metro, min(6, len(metro)))),
            draw.choice(early or list(company.trains)).code,
        )


def _of_train(train: Train, company: Company, odd: _OddTrains, draw: random.Random, until: date) -> Iterator[Failure]:
    staff = company.staff("station", train.station)
    day = max(first_day(until), train.accepted_on + timedelta(days=1))
    km = train.first_km + train.km_per_day * max(0, (day - train.accepted_on).days)
    serious_wait = 0
    while day <= until:
        today = train.km_per_day * traffic(day, train)
        km += today
        weights = _weights(train, odd, day, until)
        expected = today * train.rate * sum(weights) / 100 * _age_factor(train, odd, day, until)
        if serious_wait == 0 and draw.random() < 1 - exp(-expected):
            mode = draw.choices(_ALL_MODES, weights)[0]
            failure = _failure(train, mode, day, km, staff, odd, draw)
            yield failure
            yield from _repeats(failure, company, draw, until)
            serious_wait = 2  # a train under repair does not run
        serious_wait = max(0, serious_wait - 1)
        day += timedelta(days=1)


_ALL_MODES = (*MODES, *COMMON_MODES)


def _weights(train: Train, odd: _OddTrains, day: date, until: date) -> tuple[float, ...]:
    month = month_number(day, until)
    batch = train.code in odd.bad_batch and month >= BAD_BATCH_MONTH
    return _mode_weights(day.month, month >= FIX_MONTH, batch)


@cache
def _mode_weights(month: int, boards_fixed: bool, bad_batch: bool) -> tuple[float, ...]:
    weights: list[float] = []
    for mode in _ALL_MODES:
        weight = mode.share * SEASONS[mode.season][month - 1]
        if mode.code.startswith("BCU-") and boards_fixed:
            weight *= FIX_EFFECT
        if mode.code == "PRS-DRIFT" and bad_batch:
            weight *= BAD_BATCH_FACTOR
        weights.append(weight)
    return tuple(weights)


def _age_factor(train: Train, odd: _OddTrains, day: date, until: date) -> float:
    """Infant mortality fades with 120 days; one train fails more and more often."""
    age = (day - train.accepted_on).days
    factor = _SCALE * (1 + 1.6 * exp(-age / 120))
    if train.code == odd.growing:
        factor *= 2.5 * GROWTH * (max(age, 1) / 1000) ** (GROWTH - 1)
    return factor


def traffic(day: date, train: Train) -> float:
    """More trains run around the Spring Festival, but in the metro."""
    spring = (1, 15) <= (day.month, day.day) <= (2, 25)
    return 1.15 if spring and "地铁" not in train.type else 1.0


def _failure(
    train: Train,
    mode: ModeSeed,
    day: date,
    km: float,
    staff: list[Person],
    odd: _OddTrains,
    draw: random.Random,
    *,
    of: Failure | None = None,
) -> Failure:
    severity, phase_hour = _severity(mode, draw)
    occurred = datetime.combine(day, time(hour=phase_hour, minute=draw.randrange(60)))
    reported = occurred + timedelta(minutes=max(2, round(draw.lognormvariate(log(20), 0.8))))
    slow = _SLOW_FACTOR if train.station == SLOW_STATION else 1.0
    response = draw.lognormvariate(log(0.7), 0.9) * slow
    way = draw.lognormvariate(log(2.0 if train.station in _DEPOTS else 7.0), 0.7) * slow
    arrived = reported + timedelta(hours=max(response, 0.1) + way)
    part = mode.part or draw.choice(sorted(_PARTS_WITH_MODES))
    bad_batch = mode.code == "PRS-DRIFT" and train.code in odd.bad_batch
    work = draw.lognormvariate(log(1.4), 0.85) * (1.6 if mode.part == "CMP" else 1.0)
    repaired = arrived + timedelta(hours=min(work, 40.0))
    return Failure(
        train=train,
        mode=mode,
        part=part,
        car=of.car if of else f"{draw.randint(1, 6 if '6' in train.type else 8)}车",
        serial=f"{part}-{_batch(train, bad_batch, day, draw)}-{draw.randint(1, 400):04d}",
        severity=severity,
        occurred_at=occurred,
        reported_at=_minute(reported),
        responded_at=None if draw.random() < 0.05 else _minute(reported + timedelta(hours=response)),
        arrived_at=_minute(arrived),
        repaired_at=_minute(repaired),
        received_at=_minute(_sent(occurred, repaired, train.station, draw)),
        mileage_km=round(km),
        reporter=draw.choice(staff),
        repeat=of is not None,
        bad_batch=bad_batch,
    )


def _repeats(first: Failure, company: Company, draw: random.Random, until: date) -> Iterator[Failure]:
    """Now and then the same thing fails again within 30 days of the repair."""
    # Two of twelve stations carry half of all repeats.
    share = REPEAT_SHARE * (2.8 if first.station in REPEAT_STATIONS else 0.62)
    if first.repeat or not first.mode.part or draw.random() >= share:
        return
    days = draw.uniform(1.5, 29)
    when = first.repaired_at + timedelta(days=days)
    if when.date() > until:
        return
    staff = company.staff("station", first.station)
    km = first.mileage_km + days * first.train.km_per_day
    odd = _OddTrains(frozenset({first.train.code} if first.bad_batch else ()), "")
    again = _failure(first.train, first.mode, when.date(), km, staff, odd, draw, of=first)
    if again.occurred_at > first.repaired_at:
        yield again


def _severity(mode: ModeSeed, draw: random.Random) -> tuple[str, int]:
    """Severity and hour: most failures are found in the depot at night."""
    roll = draw.random()
    serious = 2.0 if mode.code in ("SMV-NOREL", "PAR-NOREL", "BCU-COM") else 0.8
    if roll < 0.01 * serious:
        return "critical", draw.randint(6, 22)
    if roll < 0.07 * serious:
        return "major", draw.randint(6, 22)
    if roll < 0.19:
        return "major", draw.randint(6, 22)
    return "minor", draw.choice((0, 1, 2, 3, 22, 23, 9, 10, 14, 15))


def _sent(occurred: datetime, repaired: datetime, station: str, draw: random.Random) -> datetime:
    """When the form is sent: 70 % the same day, 2 % after more than a week; one station is always late."""
    roll = draw.random() * (0.35 if station == LATE_STATION else 1.0)
    if station == LATE_STATION:
        lag = draw.uniform(3, 12)
    elif roll < 0.70:
        lag = draw.uniform(0.05, 0.4)
    elif roll < 0.90:
        lag = draw.uniform(0.6, 1.5)
    elif roll < 0.98:
        lag = draw.uniform(2, 7)
    else:
        lag = draw.uniform(8, 20)
    if (occurred.month, occurred.day) >= (10, 1) and (occurred.month, occurred.day) <= (10, 7) and draw.random() < 0.4:
        lag += 7 - occurred.day + 1  # the holiday week's forms come in the week after
    return max(repaired + timedelta(minutes=draw.randint(10, 90)), occurred + timedelta(days=lag))


def _batch(train: Train, bad: bool, day: date, draw: random.Random) -> str:
    """Year and month of manufacture; the bad sensors all come from one batch."""
    if bad:
        return f"{day.year - 1}-06"
    return f"{train.accepted_on - timedelta(days=draw.randint(60, 200)):%Y-%m}"


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)
