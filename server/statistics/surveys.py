"""Survey campaigns: satisfaction, coverage and return, counted by customers (002:L326-L334)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from server.statistics.measures import Coverage, Satisfaction, mean, satisfaction

ITEMS = ("quality", "price", "delivery", "packaging", "service")
_ORDER = {"may": 5, "q4": 10, "extra": 12}  # campaigns of one year in the order of the calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One survey sheet sent to a customer; without *total* it did not come back valid."""

    year: int
    campaign: str
    customer: str
    station: str
    sent_on: date
    returned_on: date | None
    total: float | None
    scores: Mapping[str, float | None]
    recommend: int | None
    created_at: datetime
    weakest: str | None = None
    number: str | None = None

    @property
    def key(self) -> tuple[int, int, str]:
        """The campaign, in the order of the calendar."""
        return self.year, _ORDER.get(self.campaign, 99), self.campaign

    @property
    def campaign_label(self) -> str:
        """2016-05 or 2016Q4."""
        return _campaign_label(self.year, self.campaign)


def sheets(rows: Iterable[Mapping[str, Any]], on: date) -> list[Sheet]:
    """The sheets in *rows* sent by *on*; one that came back later counts as not returned yet."""
    found: list[Sheet] = []
    for row in rows:
        if row["sent_on"] is None or row["sent_on"] > on or not row["customer"] or row["campaign_year"] is None:
            continue
        back = row["outcome"] == "returned" and row["returned_on"] is not None and row["returned_on"] <= on
        found.append(
            Sheet(
                year=row["campaign_year"],
                campaign=row["campaign"],
                customer=row["customer"],
                station=row["station"],
                sent_on=row["sent_on"],
                returned_on=row["returned_on"] if back else None,
                total=row["total_score"] if back else None,
                scores={item: row[f"score_{item}"] if back else None for item in ITEMS},
                recommend=row["recommend"] if back else None,
                created_at=row["created_at"],
                weakest=row["weakest"] if back else None,
                number=row.get("number"),
            )
        )
    return found


def latest_per_customer(found: Iterable[Sheet]) -> list[Sheet]:
    """One sheet per customer and campaign: the latest that came back, else the latest sent."""
    kept: dict[tuple[Any, ...], Sheet] = {}
    for sheet in sorted(found, key=lambda s: (s.total is not None, s.returned_on or s.sent_on, s.created_at)):
        kept[(*sheet.key, sheet.customer)] = sheet
    return sorted(kept.values(), key=lambda s: (s.key, s.customer))


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One campaign's figures; it began on the day its first sheet was sent."""

    year: int
    campaign: str
    began_on: date
    satisfaction: Satisfaction
    coverage: Coverage
    items: Mapping[str, float | None]
    recommend: tuple[int, ...]

    @property
    def label(self) -> str:
        """2016-05 or 2016Q4."""
        return _campaign_label(self.year, self.campaign)


def _campaign_label(year: int, campaign: str) -> str:
    return f"{year}-05" if campaign == "may" else f"{year}{campaign.upper()}"


def campaigns(found: Iterable[Sheet], frame: int, satisfied_from: float) -> list[Campaign]:
    """The campaigns in *found*, oldest first; *frame* is the number of customers in force."""
    by_campaign: dict[tuple[int, int, str], list[Sheet]] = {}
    for sheet in latest_per_customer(found):
        by_campaign.setdefault(sheet.key, []).append(sheet)
    result: list[Campaign] = []
    for (year, _, campaign), asked in sorted(by_campaign.items()):
        returned = [sheet for sheet in asked if sheet.total is not None]
        result.append(
            Campaign(
                year=year,
                campaign=campaign,
                began_on=min(sheet.sent_on for sheet in asked),
                satisfaction=satisfaction((s.total for s in returned if s.total is not None), satisfied_from),
                coverage=Coverage(frame=max(frame, len(asked)), sent=len(asked), returned=len(returned)),
                items={item: mean(s for sheet in returned if (s := sheet.scores[item]) is not None) for item in ITEMS},
                recommend=tuple(s.recommend for s in returned if s.recommend is not None),
            )
        )
    return result
