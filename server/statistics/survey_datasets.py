"""Datasets of survey campaigns by place, their items, and what drives the customers' verdict."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from server.statistics.customers import customers
from server.statistics.drivers import Driver, Drivers, drivers
from server.statistics.measures import (
    Coverage,
    Limits,
    Satisfaction,
    mean,
    net_promoter_score,
    satisfaction,
    wilson,
)
from server.statistics.surveys import ITEMS, Sheet, latest_per_customer
from server.statistics.tabular import Computed, Query, by_period, rounded
from workbooks.form import Text

_LEVELS = {
    "all": Text("全部", "All"),
    "region": Text("区域", "Region"),
    "station": Text("站点", "Station"),
}


class _Group(NamedTuple):
    """One campaign at one place."""

    level: str
    place: str
    sheets: list[Sheet]
    satisfaction: Satisfaction
    coverage: Coverage

    @property
    def limits(self) -> Limits | None:
        return wilson(self.satisfaction.satisfied, self.satisfaction.n)

    @property
    def recommend(self) -> list[int]:
        return [sheet.recommend for sheet in self.sheets if sheet.recommend is not None]


def _campaigns(query: Query) -> list[list[Sheet]]:
    """The sheets of each campaign that began in the period, one per customer, oldest campaign first."""
    found: dict[Any, list[Sheet]] = {}
    for sheet in latest_per_customer(query.sources.sheets):
        found.setdefault(sheet.key, []).append(sheet)
    return [sheets for _, sheets in sorted(found.items()) if query.period.holds(_began(sheets))]


def _began(sheets: list[Sheet]) -> Any:
    return min(sheet.sent_on for sheet in sheets)


def _groups(query: Query) -> Iterator[_Group]:
    """Each campaign over all, by region and by station, as far as there are several; a sheet says where."""
    at = customers(query.sources)
    levels = list(_LEVELS)[{None: 0, "region": 1, "station": 2}[query.narrowed_to] :]
    for sheets in _campaigns(query):
        for level in levels:
            asked: dict[str, list[Sheet]] = {}
            for sheet in sheets:
                asked.setdefault(_place(level, sheet.station, query), []).append(sheet)
            frame = Counter(_place(level, station, query) for station in at.values())
            for place, members in sorted(asked.items()):
                yield _group(level, place, members, frame[place], query)


def _place(level: str, station: str | None, query: Query) -> str:
    if level == "all":
        return ""
    return query.sources.regions.get(station or "", "") if level == "region" else station or ""


def _group(level: str, place: str, sheets: list[Sheet], frame: int, query: Query) -> _Group:
    totals = [sheet.total for sheet in sheets if sheet.total is not None]
    return _Group(
        level,
        place,
        sheets,
        satisfaction(totals, query.sources.limit("survey", "satisfied_from")),
        Coverage(frame=max(frame, len(sheets)), sent=len(sheets), returned=len(totals)),
    )


def _nps(group: _Group, part: str) -> float | None:
    found = net_promoter_score(group.recommend)
    if found is None:
        return None
    value = {"score": found[0], "lower": found[1].lower, "upper": found[1].upper}[part]
    # With few answers the interval reaches beyond what a score can be.
    return None if value is None else rounded(max(-100.0, min(100.0, value)))


def _station(group: _Group, query: Query) -> str | None:
    return query.master("stations", group.place) if group.level == "station" else None


def _region(group: _Group, query: Query) -> str | None:
    if group.level == "all":
        return None
    return query.region(group.sheets[0].station)


_GROUPS: Computed[_Group] = Computed(
    facts=_groups,
    values={
        **by_period(lambda g: _began(g.sheets)),
        "campaign": lambda g, q: g.sheets[0].campaign_label,
        "level": lambda g, q: _LEVELS[g.level][q.language],
        "region": _region,
        "station": _station,
        "frame": lambda g, q: g.coverage.frame,
        "sent": lambda g, q: g.coverage.sent,
        "returned": lambda g, q: g.coverage.returned,
        "coverage": lambda g, q: g.coverage.coverage,
        "return": lambda g, q: g.coverage.returned_share,
        "product": lambda g, q: g.coverage.product,
        "index": lambda g, q: rounded(g.satisfaction.index),
        "satisfied": lambda g, q: g.satisfaction.satisfied,
        "satisfied_share": lambda g, q: g.satisfaction.satisfied_share,
        "lower": lambda g, q: None if g.limits is None else g.limits.lower,
        "upper": lambda g, q: None if g.limits is None else g.limits.upper,
        "nps_n": lambda g, q: len(g.recommend),
        "nps": lambda g, q: _nps(g, "score"),
        "nps_lower": lambda g, q: _nps(g, "lower"),
        "nps_upper": lambda g, q: _nps(g, "upper"),
        "few": lambda g, q: int(g.satisfaction.n < 5),
    },
)


class _Item(NamedTuple):
    """One item of one campaign; *rank* 1 is the one to improve first."""

    sheets: list[Sheet]
    item: str
    scores: list[float]
    weakest: int
    rank: int | None


def _items(query: Query) -> Iterator[_Item]:
    for sheets in _campaigns(query):
        scores = {item: [s for sheet in sheets if (s := sheet.scores[item]) is not None] for item in ITEMS}
        means = {item: mean(known) for item, known in scores.items()}
        ordered = sorted((value, item) for item, value in means.items() if value is not None)
        ranks = {item: [value for value, _ in ordered].index(value) + 1 for value, item in ordered}
        named = Counter(sheet.weakest for sheet in sheets)
        for item in ITEMS:
            yield _Item(sheets, item, scores[item], named[item], ranks.get(item))


_ITEMS: Computed[_Item] = Computed(
    facts=_items,
    values={
        **by_period(lambda i: _began(i.sheets)),
        "campaign": lambda i, q: i.sheets[0].campaign_label,
        "item": lambda i, q: q.named("survey", "weakest", i.item),
        "n": lambda i, q: len(i.scores),
        "mean": lambda i, q: rounded(mean(i.scores)),
        "rank": lambda i, q: i.rank,
        "weakest": lambda i, q: i.weakest,
        "total": lambda i, q: rounded(sum(i.scores)) if i.scores else None,
    },
)


class _Effect(NamedTuple):
    """One factor of the regression, or why there is none."""

    item: str
    found: Drivers
    driver: Driver | None


def _effects(query: Query) -> list[_Effect]:
    """One row per item, over the sheets of the period that came back with all scores and the verdict."""
    sheets = [sheet for sheets in _campaigns(query) for sheet in sheets]
    answered = [sheet for sheet in sheets if sheet.recommend is not None and all(_scores(sheet))]
    if not sheets:
        return []
    verdicts = [float(sheet.recommend) for sheet in answered if sheet.recommend is not None]
    found = drivers(verdicts, {item: [sheet.scores[item] or 0.0 for sheet in answered] for item in ITEMS})
    by_factor = {driver.factor: driver for driver in found.drivers}
    return [_Effect(item, found, by_factor.get(item)) for item in ITEMS]


def _scores(sheet: Sheet) -> list[bool]:
    return [sheet.scores[item] is not None for item in ITEMS]


_DRIVERS: Computed[_Effect] = Computed(
    facts=_effects,
    values={
        "item": lambda e, q: q.named("survey", "weakest", e.item),
        "n": lambda e, q: e.found.n,
        "coefficient": lambda e, q: None if e.driver is None else rounded(e.driver.coefficient, 4),
        "lower": lambda e, q: None if e.driver is None else rounded(e.driver.limits.lower, 4),
        "upper": lambda e, q: None if e.driver is None else rounded(e.driver.limits.upper, 4),
        "p_value": lambda e, q: None if e.driver is None else rounded(e.driver.p_value, 4),
        "inflation": lambda e, q: None if e.driver is None else rounded(e.driver.inflation),
        "r_squared": lambda e, q: rounded(e.found.r_squared, 3),
        "alpha": lambda e, q: rounded(e.found.alpha, 3),
        "reason": lambda e, q: None if e.found.reason is None else e.found.reason[q.language],
    },
)

COMPUTED: dict[str, Computed[Any]] = {
    "satisfaction_groups": _GROUPS,
    "satisfaction_items": _ITEMS,
    "satisfaction_drivers": _DRIVERS,
}
