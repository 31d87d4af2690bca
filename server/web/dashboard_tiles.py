"""The tiles of the first screen in words: rounded as Excel does, and never a zero for no data."""

from dataclasses import dataclass

from server.statistics.figures import Tile
from server.statistics.measures import round_half_up
from server.web.language import current_language, t


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One tile in words."""

    tile: Tile
    value: str
    unit: str
    target: str
    change: str
    limits: str


def shown(tile: Tile) -> Shown:
    """*tile* as people read it."""
    unit = "%" if tile.share else tile.unit[current_language()]
    return Shown(
        tile=tile,
        value=figure(tile, tile.value),
        unit=unit if tile.value is not None else "",
        target=figure(tile, tile.target) + ("%" if tile.share else "") if tile.target is not None else "",
        change=_signed(tile) if tile.change is not None else "",
        limits=_limits(tile),
    )


def figure(tile: Tile, value: float | None) -> str:
    """*value* in the tile's unit; no data is a dash."""
    if value is None:
        return "—"
    scaled = value * 100 if tile.share else value
    decimals = tile.decimals
    if tile.target is not None and abs(scaled - tile.target * (100 if tile.share else 1)) < 0.05:
        decimals = max(decimals, 2)  # 84.96 must not be shown as the 85 that it does not reach
    return f"{round_half_up(scaled, decimals):,.{decimals}f}"


def _signed(tile: Tile) -> str:
    """The change with its sign; an arrow only where it is more than chance. One that vanishes in rounding is none."""
    assert tile.change is not None
    change = figure(tile, abs(tile.change))
    if float(change.replace(",", "")) == 0:
        return t("unchanged")
    unit = {"zh": " 个百分点", "en": " pp"}[current_language()] if tile.share else ""
    rising = tile.change > 0
    if tile.judged and tile.tone != "neutral":
        return ("▲ " if rising else "▼ ") + change + unit
    return ("+" if rising else "−") + change + unit


def _limits(tile: Tile) -> str:
    if tile.limits is None:
        return ""
    upper = figure(tile, tile.limits.upper) if tile.limits.upper is not None else "∞"
    return f"{figure(tile, tile.limits.lower)} ~ {upper}"
