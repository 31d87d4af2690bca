"""Whose an e-mail address is: a user's, or a station's by master data."""

import re
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.access.models import User
from server.access.people import viewer_of_id
from server.access.visibility import Viewer
from server.intake.mail.plain import plain
from workbooks.master import Master

_SEPARATORS = re.compile(r"[\s,;，；、]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressOwner:
    """
    Who is on record under an address.

    *user* is there when exactly one active user has it; *stations* are all codes it
    stands for. Being on record proves nothing about who wrote a mail.
    """

    user: Viewer | None
    stations: frozenset[str]

    @property
    def known(self) -> bool:
        return self.user is not None or bool(self.stations)


def owner_of(session: Session, master: Master, address: str) -> AddressOwner:
    """Who is on record under *address*, whatever its case."""
    address = address.strip().lower()
    if not address:
        return AddressOwner(user=None, stations=frozenset())
    query = select(User.id).where(func.lower(func.trim(User.email)) == address, User.active.is_(True))
    users = [user for user_id in session.scalars(query) if (user := viewer_of_id(session, user_id)) is not None]
    stations = {row.code for row in master.rows("stations") if address in _addresses(row.attributes.get("email"))}
    stations |= {
        row.attributes["station"]
        for row in master.rows("people")
        if row.attributes.get("station") and address in _addresses(row.attributes.get("email"))
    }
    stations |= {user.station for user in users if user.station_bound and user.station}
    return AddressOwner(user=users[0] if len(users) == 1 else None, stations=frozenset(stations))


def addresses_of(master: Master, station: str) -> list[str]:
    """The addresses on record for a station, the first one first."""
    row = master.row("stations", station)
    return _addresses(row.attributes.get("email")) if row else []


def station_sender(master: Master, station: str, address: str, name: str) -> Viewer:
    """Somebody at *station* of whom only name and address are known."""
    row = master.row("stations", station)
    place = row.label("zh") if row else station
    who = plain(name, 80) or address
    return Viewer(
        user_id=None,
        username=plain(f"mail:{address}", 200),
        display_name=who if who.startswith(place) else f"{place} {who}".strip(),
        roles=frozenset({"station"}),
        station=station,
    )


def _addresses(text: object) -> list[str]:
    return [part.lower() for part in _SEPARATORS.split(str(text or "")) if "@" in part]
