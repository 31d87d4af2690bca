"""Who somebody is, and the one function that decides which rows they may see."""

from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Select, column, false, or_, select, table, true

from workbooks.form import Language

ROLES = ("station", "engineer", "quality", "manager", "admin")
_WIDE = frozenset({"engineer", "quality", "manager", "admin"})  # not bound to one station

# Named here and not imported: the master tables stand one layer above.
_STATIONS = table("stations", column("code"), column("region"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """
    The person on whose behalf something is done.

    A viewer with only the role station is bound to *station*; the others see everything,
    or with *region* (a region's Chinese name) only the stations of that region.
    """

    user_id: int | None
    username: str
    display_name: str
    roles: frozenset[str]
    station: str | None = None
    region: str | None = None
    language: Language = "zh"

    @classmethod
    def operator(cls) -> Self:
        """The person at the command line of the server, who may do everything."""
        return cls(user_id=None, username="operator", display_name="管理员(命令行)", roles=frozenset({"admin"}))

    @property
    def station_bound(self) -> bool:
        """Whether only one station's records are open to this person."""
        return not self.roles & _WIDE

    @property
    def sees_all(self) -> bool:
        """Whether no record is hidden from this person."""
        return not self.station_bound and (self.admin or not self.region)

    @property
    def admin(self) -> bool:
        return "admin" in self.roles

    @property
    def may_reopen(self) -> bool:
        """Whether a closed record takes a revision from this person."""
        return bool(self.roles & {"quality", "admin"})


def visible(query: Select[Any], target: Any, viewer: Viewer) -> Select[Any]:
    """
    *query* narrowed to the rows of *target* that *viewer* may see.

    *target* is a table or model with a column `station`; where it has `sender_id` too,
    what somebody sent themselves stays visible to them. Every query that leads to a
    person goes through here.
    """
    columns = getattr(target, "c", target)
    condition = _in_scope(columns.station, viewer)
    if viewer.user_id is not None and hasattr(columns, "sender_id"):
        condition = or_(condition, columns.sender_id == viewer.user_id)
    return query.where(condition)


def _in_scope(station: Any, viewer: Viewer) -> Any:
    if viewer.station_bound:
        return station == viewer.station if viewer.station else false()
    if viewer.region and not viewer.admin:
        return station.in_(select(_STATIONS.c.code).where(_STATIONS.c.region == viewer.region))
    return true()
