"""How people mistype a fault form: mostly it can be read all the same, now and then it must come back."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from server.demo.catalogue import MODES, STATIONS
from server.demo.sending import Answers

_FULL_WIDTH = {ord(c): chr(ord(c) + 0xFEE0) for c in "0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_EXCEL_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001  serials have no zone
_CITY = {station.code: station.city.zh for station in STATIONS}
_MODE = {mode.code: mode.name.zh for mode in MODES}
_MOMENTS = ("reported_at", "occurred_at", "responded_at", "arrived_at", "repaired_at")


@dataclass(frozen=True, slots=True)
class Spoiled:
    """*accepted* is what a check takes; *turned_down*, if there is one, was sent before it and came back."""

    accepted: Answers
    turned_down: Answers | None = None


class _Mistake(NamedTuple):
    """*make* changes the answers in place and says whether there was anything to spoil; *rate* is per form."""

    name: str
    rate: float
    make: Callable[[Answers, random.Random], bool]


def spoil(answers: Answers, draw: random.Random) -> Spoiled:
    """*answers* with the mistakes that *draw* decides on."""
    accepted = dict(answers)
    for mistake in READABLE:
        if draw.random() < mistake.rate:
            mistake.make(accepted, draw)
    for mistake in UNREADABLE:
        if draw.random() < mistake.rate:
            wrong = dict(accepted)
            if mistake.make(wrong, draw):
                return Spoiled(accepted, wrong)
    return Spoiled(accepted)


# Read silently: the meaning is beyond doubt.


def _date_as_text(answers: Answers, draw: random.Random) -> bool:
    for name in draw.sample(_MOMENTS, 3):
        if isinstance(moment := answers.get(name), datetime):
            answers[name] = draw.choice(_STYLES)(moment)
            return True
    return False


_STYLES: tuple[Callable[[datetime], str], ...] = (
    lambda m: f"{m.year}.{m.month}.{m.day} {m:%H:%M}",
    lambda m: f"{m.year}/{m.month}/{m.day} {m.hour}:{m:%M}",
    lambda m: f"{m.year}年{m.month}月{m.day}日 {m:%H:%M}",
    lambda m: f"{m.year}年{m.month}月{m.day}日{m.hour}时{m.minute}分",
    lambda m: f"{m:%Y-%m-%d %H:%M}".translate(_FULL_WIDTH).replace(":", "："),
)


def _serial_number(answers: Answers, draw: random.Random) -> bool:
    """A cell without date format: the bare serial, whole minutes kept."""
    moment = answers.get("occurred_at")
    if not isinstance(moment, datetime):
        return False
    answers["occurred_at"] = (moment - _EXCEL_ZERO) / timedelta(days=1)
    return True


def _full_width(answers: Answers, draw: random.Random) -> bool:
    name = draw.choice(("serial_no", "vehicle", "car"))
    text = answers.get(name)
    if isinstance(text, str):
        answers[name] = text.translate(_FULL_WIDTH)
    return isinstance(text, str)


def _stray_spaces(answers: Answers, draw: random.Random) -> bool:
    space = draw.choice(("\u3000", " ", "\u00a0"))
    answers["station"] = f"{_CITY[str(answers['station'])]}{space}服务站 "
    return True


def _unit_in_number(answers: Answers, draw: random.Random) -> bool:
    km = answers.get("mileage_km")
    if isinstance(km, int):
        answers["mileage_km"] = draw.choice(
            (f"{km}km", f"{km}公里", f"{km:,}", str(km).translate(_FULL_WIDTH), f" {km} KM")
        )
    return isinstance(km, int)


def _blank_in_words(answers: Answers, draw: random.Random) -> bool:
    empty = [
        name for name in ("fault_code", "software_version", "serial_no", "mileage_km") if answers.get(name) is None
    ]
    for name in empty:
        answers[name] = draw.choice(("无", "不详", "/", "—", "N/A"))
    return bool(empty)


def _other_yes(answers: Answers, draw: random.Random) -> bool:
    answers["is_repeat"] = (
        draw.choice(("√", "是的", "Y")) if answers["is_repeat"] == "yes" else draw.choice(("否", "不是", "×", "N"))
    )
    return True


def _labels(answers: Answers, draw: random.Random) -> bool:
    """Picked from the drop-down, so the label stands there."""
    if answers["failure_mode"] in _MODE:
        answers["failure_mode"] = _MODE[str(answers["failure_mode"])]
    answers["severity"] = {
        "critical": "重大（救援/清客/停运）",
        "major": "严重（晚点≥5分/下线）",
        "minor": "一般（不影响运营）",
    }[str(answers["severity"])]
    return True


def _odometer(answers: Answers, draw: random.Random) -> bool:
    """The reading of another train, or a digit lost: plausible in itself, wrong beside the others."""
    km = answers.get("mileage_km")
    if isinstance(km, int) and km > 20_000:
        answers["mileage_km"] = draw.choice((km // 10, km - 15_000, km * 10 if km < 800_000 else km // 10))
    return isinstance(km, int)


READABLE = (
    _Mistake("date as text", 0.17, _date_as_text),
    _Mistake("date as a bare serial number", 0.01, _serial_number),
    _Mistake("full-width characters", 0.08, _full_width),
    _Mistake("spaces in a name", 0.05, _stray_spaces),
    _Mistake("unit or separator in a number", 0.06, _unit_in_number),
    _Mistake("a blank in words", 0.12, _blank_in_words),
    _Mistake("yes and no in other words", 0.10, _other_yes),
    _Mistake("labels instead of codes", 0.60, _labels),
    _Mistake("odometer of another train", 0.02, _odometer),
)


# Sent back: somebody has to say what was meant.


def _odd_station(answers: Answers, draw: random.Random) -> bool:
    city = next((city for code, city in _CITY.items() if code == answers["station"]), None)
    if city is not None:
        answers["station"] = f"{city}{draw.choice(('售后', '站', '维保点'))}"
    return city is not None


def _homophone(answers: Answers, draw: random.Random) -> bool:
    twisted = {"阀": "伐", "闸": "扎", "制动": "致动", "通信": "通迅", "压力": "亚力", "管路": "官路", "速度": "素度"}
    mode = _MODE.get(str(answers["failure_mode"]), str(answers["failure_mode"]))
    right = next((word for word in twisted if word in mode), None)
    if right is not None:
        answers["failure_mode"] = mode.replace(right, twisted[right])
    return right is not None


def _times_swapped(answers: Answers, draw: random.Random) -> bool:
    arrived, repaired = answers["arrived_at"], answers["repaired_at"]
    if not isinstance(arrived, datetime) or not isinstance(repaired, datetime) or repaired <= arrived:
        return False
    answers["arrived_at"], answers["repaired_at"] = repaired, arrived
    return True


def _vague_mileage(answers: Answers, draw: random.Random) -> bool:
    answers["mileage_km"] = draw.choice(("约12万", "30多万公里", "见附件", "同上"))
    return True


def _forgotten(answers: Answers, draw: random.Random) -> bool:
    answers[draw.choice(("symptom", "severity", "operating_phase", "action_taken"))] = None
    return True


def _vague_date(answers: Answers, draw: random.Random) -> bool:
    moment = answers["occurred_at"]
    day = moment.date() if isinstance(moment, datetime) else date(2020, 1, 1)
    answers["occurred_at"] = draw.choice((f"{day.month}月{day.day}日夜班", "上周三晚上", "昨晚"))
    return True


def _formula_residue(answers: Answers, draw: random.Random) -> bool:
    answers["serial_no"] = draw.choice(("#N/A", "#REF!"))
    return True


UNREADABLE = (
    _Mistake("the station's other name", 0.012, _odd_station),
    _Mistake("a homophone in the failure mode", 0.012, _homophone),
    _Mistake("times in the wrong order", 0.008, _times_swapped),
    _Mistake("a vague odometer reading", 0.008, _vague_mileage),
    _Mistake("a required answer forgotten", 0.012, _forgotten),
    _Mistake("a vague date", 0.006, _vague_date),
    _Mistake("the rest of a formula", 0.004, _formula_residue),
)

MISTAKES: Mapping[str, float] = {mistake.name: mistake.rate for mistake in (*READABLE, *UNREADABLE)}
