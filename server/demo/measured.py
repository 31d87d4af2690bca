"""What the demo fleet ran and carries: monthly readings with their gaps and slips, parts per train, retrofits."""

import random
from collections.abc import Iterator
from datetime import date, timedelta

from server.demo.catalogue import TRAIN_TYPES
from server.demo.failures import FIX_MONTH, IDLE_FIX_MONTH, traffic
from server.demo.master import Train, company
from server.demo.period import first_day, month_number
from workbooks.master import Master, MasterRow

BOARD_CHANGE, JOINT_CHANGE = "ECN-031", "ECN-047"
_MISSING, _WRONG = 0.12, 0.008  # a return is missing; a digit is
_CAMPAIGN_DAYS = 15  # a change reaches the fleet within so many days
# Per six cars; trains of eight have a third more.
_QUANTITIES = {
    "BCU": 6, "GWV": 6, "SMV": 6, "SOL": 6, "CMP": 2, "DRY": 2, "CAL": 36, "PAR": 12, "DSC": 48, "PAD": 96, "SPD": 24,
    "DMP": 24, "PRS": 36, "PSW": 12, "LEV": 12, "RES": 6, "PIP": 6, "CBL": 6,
}  # fmt: skip


def demo_measured(seed: int, until: date) -> Master:
    """The tables of measured data for the history that ends with *until*."""
    fleet, draw = company(seed, until).trains, random.Random(f"measured {seed}")
    return Master(
        {
            "exposures": [row for train in fleet for row in _readings(train, draw, until)],
            "fitted_parts": list(_fitted_parts()),
            "retrofits": [
                *_retrofits(BOARD_CHANGE, FIX_MONTH, fleet, until),
                *_retrofits(JOINT_CHANGE, IDLE_FIX_MONTH, fleet, until),
            ],
        }
    )


def _readings(train: Train, draw: random.Random, until: date) -> Iterator[MasterRow]:
    """One at every month's end, from the first day of the history or the train's acceptance on."""
    day = max(first_day(until), train.accepted_on + timedelta(days=1))
    km = train.first_km + train.km_per_day * max(0, (day - train.accepted_on).days)
    per_day = {"地铁": 17.0, "城际": 13.0}.get(train.type[:2], 12.0) * draw.uniform(0.95, 1.05)
    hours = per_day * max(0, (day - train.accepted_on).days)
    while day <= until:
        run = traffic(day, train)
        km += train.km_per_day * run
        hours = min(hours + per_day * run, hours + 24)
        if (day + timedelta(days=1)).day == 1 and draw.random() >= _MISSING:
            shown = km / 10 if draw.random() < _WRONG else km
            yield _row(train.code, day.isoformat(), str(round(shown)), str(round(hours)))
        day += timedelta(days=1)


def _row(vehicle: str, day: str, km: str, hours: str) -> MasterRow:
    return MasterRow(
        code=f"{vehicle}|{day}",
        label_zh=f"{vehicle}|{day}",
        label_en="",
        attributes={"vehicle": vehicle, "as_of": day, "odometer_km": km, "operating_hours": hours},
    )


def _fitted_parts() -> Iterator[MasterRow]:
    for type_, *_ in TRAIN_TYPES:
        for part, quantity in _QUANTITIES.items():
            number = quantity if "6" in type_ else quantity * 4 // 3
            attributes = {"vehicle_type": type_, "part": part, "quantity": str(number), "valid_from": ""}
            yield MasterRow(code=f"{type_}|{part}|", label_zh=f"{type_}|{part}|", label_en="", attributes=attributes)


def _retrofits(change: str, month: float, fleet: tuple[Train, ...], until: date) -> Iterator[MasterRow]:
    """Every train around the month of the change; those accepted later came with it."""
    middle = first_day(until)
    while month_number(middle, until) < month:
        middle += timedelta(days=1)
    for number, train in enumerate(fleet):
        done = max(train.accepted_on, middle + timedelta(days=number * 7 % _CAMPAIGN_DAYS - _CAMPAIGN_DAYS // 2))
        if done <= until:
            attributes = {"change_no": change, "vehicle": train.code, "done_on": done.isoformat()}
            code = f"{change}|{train.code}"
            yield MasterRow(code=code, label_zh=code, label_en="", attributes=attributes)
