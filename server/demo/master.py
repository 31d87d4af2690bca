"""The demo company's master data: stations, customers, trains, products, failure modes and people."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from server.demo.catalogue import (
    COMMON_MODES,
    GIVEN_NAMES,
    MODES,
    PRODUCTS,
    STATIONS,
    SURNAMES,
    TRAIN_TYPES,
    StationSeed,
)
from server.demo.period import first_day, months_later
from workbooks.form import Text
from workbooks.master import Master, MasterRow

WARRANTY_MONTHS = 24
# What stands as 岗位 beside the people of each role; who may approve how much is read from it.
_POSTS = {
    "station": ("技术员",),
    "engineer": ("责任工程师",),
    "quality": ("质量工程师",),
    "manager": ("售后部经理", "销售副总", "总经理"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """One train with what its history is drawn from: *rate* is forms per km before seasons and stories."""

    code: str
    station: str
    customer: str
    line: str
    type: str
    km_per_day: float
    rate: float
    accepted_on: date
    first_km: int  # on the odometer when accepted

    @property
    def warranty_until(self) -> date:
        return months_later(self.accepted_on, WARRANTY_MONTHS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    code: str
    name: Text
    station: str
    role: str
    post: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    code: str
    name: Text
    station: str
    region: Text
    kind: str  # metro, intercity or emu


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Everything the history is drawn from."""

    customers: tuple[Customer, ...]
    trains: tuple[Train, ...]
    people: tuple[Person, ...]

    def staff(self, role: str, station: str = "") -> list[Person]:
        return [p for p in self.people if p.role == role and (not station or p.station == station)]


@cache
def company(seed: int, until: date) -> Company:
    """The company of *seed*, whose history ends with *until*."""
    draw = random.Random(f"company {seed}")
    customers = tuple(c for station in STATIONS for c in _customers(station))
    return Company(customers=customers, trains=tuple(_trains(draw, until)), people=tuple(_people(draw)))


def demo_master(seed: int = 1, until: date | None = None) -> Master:
    """The company's master tables, as a site would load them."""
    found = company(seed, until or date.today())  # noqa: DTZ011  only warranty dates depend on it
    modes = [*((m.code, m.name, m.part) for m in MODES), *_common_modes()]
    return Master(
        {
            "stations": [
                MasterRow(
                    code=s.code,
                    label_zh=f"{s.city.zh}服务站",
                    label_en=f"{s.city.en} station",
                    attributes={
                        "region": s.region.zh,
                        "region_en": s.region.en,
                        "city": s.city.zh,
                        "email": f"{s.code.lower()}@station.example",
                    },
                )
                for s in STATIONS
            ],
            "customers": [
                MasterRow(
                    code=c.code,
                    label_zh=c.name.zh,
                    label_en=c.name.en,
                    parent=c.station,
                    attributes={"region": c.region.zh, "station": c.station},
                )
                for c in found.customers
            ],
            "products": [
                MasterRow(
                    code=p.code,
                    label_zh=p.name.zh,
                    label_en=p.name.en,
                    parent=p.parent,
                    level=p.level,
                    attributes={"parent": p.parent, "drawing_no": f"ZD-{p.code}-00" if p.level == 3 else ""},
                )
                for p in PRODUCTS
            ],
            "vehicles": [
                MasterRow(
                    code=t.code,
                    label_zh=t.code,
                    label_en=t.code,
                    parent=t.customer,
                    attributes={
                        "vehicle_type": t.type,
                        "customer": t.customer,
                        "station": t.station,
                        "line": t.line,
                        "accepted_on": t.accepted_on.isoformat(),
                        "warranty_until": t.warranty_until.isoformat(),
                    },
                )
                for t in found.trains
            ],
            "failure_modes": [
                MasterRow(code=code, label_zh=name.zh, label_en=name.en, parent=part, attributes={"product": part})
                for code, name, part in modes
            ],
            "people": [
                MasterRow(
                    code=p.code,
                    label_zh=p.name.zh,
                    label_en=p.name.en,
                    attributes={"station": p.station, "role": p.post},
                )
                for p in found.people
            ],
        }
    )


def _common_modes() -> list[tuple[str, Text, str]]:
    parts = [p.code for p in PRODUCTS if p.level == 3]
    return [(f"{part}-{mode.code}", mode.name, part) for part in parts for mode in COMMON_MODES]


def _customers(station: StationSeed) -> list[Customer]:
    kinds = (
        ("metro", Text(f"{station.city.zh}地铁运营公司", f"{station.city.en} Metro Operation")),
        ("intercity", Text(f"{station.city.zh}城际铁路公司", f"{station.city.en} Intercity Railway")),
        ("emu", Text(f"{station.city.zh}动车段", f"{station.city.en} EMU Depot")),
    )
    return [
        Customer(
            code=f"{station.code}-{kind[0].upper()}", name=name, station=station.code, region=station.region, kind=kind
        )
        for kind, name in kinds
    ]


def _trains(draw: random.Random, until: date) -> list[Train]:
    start = first_day(until)
    trains: list[Train] = []
    for index, station in enumerate(STATIONS, start=1):
        for number in range(1, station.trains + 1):
            type_, _, km, per_million = draw.choices(TRAIN_TYPES, [t[1] for t in TRAIN_TYPES])[0]
            kind = "metro" if "地铁" in type_ else "intercity" if "城际" in type_ else "emu"
            letter = {"metro": "M", "intercity": "I", "emu": "E"}[kind]
            accepted = start + timedelta(days=draw.randint(-730, 480))
            line = {"metro": f"{draw.randint(1, 12)}号线", "intercity": "城际线", "emu": "高速线"}[kind]
            trains.append(
                Train(
                    code=f"{index:02d}{number:02d}",
                    station=station.code,
                    customer=f"{station.code}-{letter}",
                    line=line,
                    type=type_,
                    km_per_day=km / 365 * draw.lognormvariate(0, 0.12),
                    rate=per_million / 1e6 * draw.gammavariate(8, 1 / 8),
                    accepted_on=accepted,
                    first_km=draw.randint(800, 6000),
                )
            )
    return trains


def _people(draw: random.Random) -> list[Person]:
    names = [(s, g) for s in SURNAMES for g in GIVEN_NAMES]
    draw.shuffle(names)
    wanted = [(s.code, "station", max(2, round(s.trains / 3.5) + 1)) for s in STATIONS]
    wanted += [("", "engineer", 6), ("", "quality", 4), ("", "manager", len(_POSTS["manager"]))]
    people: list[Person] = []
    for station, role, count in wanted:
        for number in range(count):
            (surname, pinyin), (given, given_pinyin) = names[len(people)]
            name = Text(surname + given, f"{given_pinyin} {pinyin}")
            people.append(
                Person(
                    code=f"P{len(people) + 1:03d}",
                    name=name,
                    station=station,
                    role=role,
                    post=_POSTS[role][number % len(_POSTS[role])],
                )
            )
    return people
