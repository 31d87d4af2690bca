"""Which days a $filter leaves: read off its constants, so that rows that cannot count are never loaded."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from odata_query import ast

from server.api.odata.errors import ODataError
from server.api.odata.filters import literal
from server.statistics.report_period import NoPeriod, ReportPeriod

Days = tuple[date, date]
_EVERYTHING: Days = (date.min, date.max)
_MIRRORED: dict[type[ast._Comparator], type[ast._Comparator]] = {
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
}
_PERIOD = {"month": re.compile(r"\d{4}-\d{2}"), "quarter": re.compile(r"\d{4}Q[1-4]")}


def anchored_days(tree: ast._Node, anchor: str, zone: ZoneInfo) -> tuple[date | None, date | None]:
    """
    The first and last day that the date of rows fulfilling *tree* can have; None where it does not say.

    Looks only at what is joined by `and` and compares column *anchor*, its date() or year(), or the
    dataset's columns year, quarter and month (which follow from it) with a constant. So it leaves
    out no row that counts, and may leave in others.
    """
    first, last = _EVERYTHING
    for condition in _conjuncts(tree):
        low, high = _bounds(condition, anchor, zone)
        first, last = max(first, low), min(last, high)
    return (None if first == date.min else first), (None if last == date.max else last)


def _conjuncts(tree: ast._Node) -> list[ast._Node]:
    found, ahead = list[ast._Node](), [tree]
    while ahead:
        each = ahead.pop()
        if isinstance(each, ast.BoolOp) and isinstance(each.op, ast.And):
            ahead += [each.left, each.right]
        else:
            found.append(each)
    return found


def _bounds(tree: ast._Node, anchor: str, zone: ZoneInfo) -> Days:
    if not isinstance(tree, ast.Compare):
        return _EVERYTHING
    operator, side, other = type(tree.comparator), tree.left, tree.right
    if isinstance(side, ast._Literal):
        operator, side, other = _MIRRORED.get(operator, ast.NotEq), other, side
    if operator not in _MIRRORED:
        return _EVERYTHING
    try:
        asked = _asked(side, other, anchor, zone)
    except (ODataError, NoPeriod, ValueError, OverflowError):  # told where the condition is compiled
        return _EVERYTHING
    if asked is None:
        return _EVERYTHING
    low = date.min if operator in (ast.Lt, ast.LtE) else asked[0]
    return low, (date.max if operator in (ast.Gt, ast.GtE) else asked[1])


def _asked(side: ast._Node, other: ast._Node, anchor: str, zone: ZoneInfo) -> Days | None:
    """The first and last day of the constant *other* that something of the anchor is compared with; None for others."""
    column = ast.Identifier(anchor)
    if side in (column, ast.Call(ast.Identifier("date"), [column])) and isinstance(other, ast.Date | ast.DateTime):
        value = literal(other, zone).at(0)
        day = value.date() if isinstance(value, datetime) else value
        return day, day
    years = (ast.Identifier("year"), ast.Call(ast.Identifier("year"), [column]))
    if side in years and isinstance(other, ast.Integer):
        return date(other.py_val, 1, 1), date(other.py_val, 12, 31)
    if isinstance(side, ast.Identifier) and isinstance(other, ast.String) and side.name in _PERIOD:
        if not _PERIOD[side.name].fullmatch(other.val):
            return None
        period = ReportPeriod.parse(other.val)
        return (period.start, period.end) if period.start and period.end else None
    return None
