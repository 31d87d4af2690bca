"""Availability: inherent with its interval, operational, and that of a fleet with overlapping downtimes merged."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from scipy.special import fdtri

from server.statistics.measures import Limits, ratio

Span = tuple[datetime, datetime]


def inherent(mtbf: float | None, mttr: float | None) -> float | None:
    """MTBF ÷ (MTBF + MTTR): what design and repair allow, without any waiting."""
    if mtbf is None or mttr is None:
        return None
    return ratio(mtbf, mtbf + mttr)


def inherent_limits(mtbf: float | None, mttr: float | None, failures: int, confidence: float = 0.9) -> Limits | None:
    """Limits of the inherent availability by the F distribution with 2r and 2r degrees of freedom (Keesee 1965)."""
    if mtbf is None or mttr is None or not failures or mtbf <= 0:
        return None
    tail, df = (1 - confidence) / 2, 2 * failures
    share = mttr / mtbf
    return Limits(1 / (1 + share * float(fdtri(df, df, 1 - tail))), 1 / (1 + share * float(fdtri(df, df, tail))))


def merged(spans: Iterable[Span]) -> list[Span]:
    """*spans* with those that overlap or touch made one: a train that is down twice is down once."""
    found: list[Span] = []
    for start, end in sorted(span for span in spans if span[1] > span[0]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def down_hours(spans: Iterable[Span], first: datetime, last: datetime) -> float:
    """Hours of *spans*, overlaps once, that lie between *first* and *last*."""
    clipped = ((max(start, first), min(end, last)) for start, end in spans)
    return sum((end - start) / timedelta(hours=1) for start, end in merged(clipped))


def operational(down: float, observed: float) -> float | None:
    """Up ÷ (up + down), both in hours of observation; None when nothing was observed."""
    share = ratio(down, observed)
    return None if share is None else 1 - share
