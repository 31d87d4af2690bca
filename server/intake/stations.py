"""The stations somebody may speak for."""

from server.access.visibility import Viewer
from server.site import Site


class UnknownStation(LookupError):
    """There is no station with this code, or it is outside the person's reach."""


def require_station(site: Site, station: str, by: Viewer) -> None:
    """
    Raises:
        UnknownStation: *by* cannot speak for *station*: there is no such one in their reach.
    """
    with site.session(read_only=True) as session:
        row = site.master(session).row("stations", station)
    if row is None:
        raise UnknownStation(station)
    mine = station == by.station if by.station_bound else by.admin or by.region in (None, row.attributes["region"])
    if not mine:
        raise UnknownStation(station)
