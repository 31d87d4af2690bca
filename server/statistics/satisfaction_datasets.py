"""Datasets of the survey: sheets as customers returned them, and campaigns."""

from typing import Any

from server.statistics.measures import at_least, net_promoter_score, wilson
from server.statistics.surveys import ITEMS, Campaign, Sheet, latest_per_customer
from server.statistics.tabular import Computed, Query, Value, by_period, by_place, flag, rounded


def _sheets(query: Query) -> list[Sheet]:
    return [sheet for sheet in latest_per_customer(query.sources.sheets) if query.period.holds(sheet.sent_on)]


def _satisfied(sheet: Sheet, query: Query) -> bool | None:
    limit = query.sources.limit("survey", "satisfied_from")
    return None if sheet.total is None else at_least(sheet.total, limit)


def _between(low: int, high: int) -> Value:
    return lambda sheet, query: None if sheet.recommend is None else int(low <= sheet.recommend <= high)


def _score(item: str) -> Value:
    return lambda sheet, query: sheet.scores[item]


_SHEETS: Computed[Sheet] = Computed(
    facts=_sheets,
    values={
        **by_period(lambda s: s.sent_on),
        **by_place(),
        **{f"score_{item}": _score(item) for item in ITEMS},
        "number": lambda s, q: s.number,
        "campaign": lambda s, q: s.campaign_label,
        "customer": lambda s, q: q.master("customers", s.customer),
        "sent_on": lambda s, q: s.sent_on,
        "sent": lambda s, q: 1,
        "returned": lambda s, q: int(s.total is not None),
        "total_score": lambda s, q: rounded(s.total),
        "satisfied": lambda s, q: flag(_satisfied(s, q)),
        "recommend": lambda s, q: s.recommend,
        "promoter": _between(9, 10),
        "passive": _between(7, 8),
        "detractor": _between(0, 6),
        "nps_points": lambda s, q: None if s.recommend is None else 100 * ((s.recommend >= 9) - (s.recommend <= 6)),
        "weakest": lambda s, q: q.label("survey", "weakest", s.weakest),
    },
)


def _limit(campaign: Campaign, upper: bool) -> float | None:
    found = wilson(campaign.satisfaction.satisfied, campaign.satisfaction.n)
    return None if found is None else found.upper if upper else found.lower


def _nps(campaign: Campaign) -> float | None:
    found = net_promoter_score(campaign.recommend)
    return None if found is None else rounded(found[0])


_CAMPAIGNS: Computed[Campaign] = Computed(
    facts=lambda q: [campaign for campaign in q.sources.campaigns if q.period.holds(campaign.began_on)],
    values={
        **by_period(lambda c: c.began_on),
        "campaign": lambda c, q: c.label,
        "frame": lambda c, q: c.coverage.frame,
        "sent": lambda c, q: c.coverage.sent,
        "returned": lambda c, q: c.coverage.returned,
        "coverage": lambda c, q: c.coverage.coverage,
        "return": lambda c, q: c.coverage.returned_share,
        "product": lambda c, q: c.coverage.product,
        "index": lambda c, q: rounded(c.satisfaction.index),
        "satisfied_share": lambda c, q: c.satisfaction.satisfied_share,
        "lower": lambda c, q: _limit(c, False),
        "upper": lambda c, q: _limit(c, True),
        "nps": lambda c, q: _nps(c),
    },
)

COMPUTED: dict[str, Computed[Any]] = {"satisfaction": _SHEETS, "satisfaction_campaigns": _CAMPAIGNS}
