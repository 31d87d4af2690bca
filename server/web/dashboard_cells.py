"""Cells of a board's tables as people read them."""

from datetime import date, datetime
from typing import Any

from server.statistics.measures import round_half_up
from server.web.language import day
from workbooks.dataset import ColumnType


def shown(kind: ColumnType, value: Any, decimals: int | None = None) -> str:
    """*value* rounded as Excel does, to as many *decimals* as its column declares; no data is a dash."""
    match value:
        case None:
            return "—"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case date():
            return day(value)
        case int() | float() if kind == "percent":
            places = 1 if decimals is None else decimals
            return f"{round_half_up(value * 100, places):.{places}f}%"
        case int() | float() if kind in ("integer", "decimal") and decimals is not None:
            return f"{round_half_up(value, decimals):,.{decimals}f}"
        case float():
            return f"{round_half_up(value, 2):,.2f}".rstrip("0").rstrip(".")
        case int() if kind == "integer":
            return f"{value:,}"
        case _:
            return str(value)
