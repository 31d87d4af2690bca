"""Who a workbook in a mail is from: proven by its seal, else by the authenticated sender, else for a person to say."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from server.access import seals
from server.access.seals import SealState
from server.access.visibility import Viewer
from server.intake.mail.message import Message
from server.intake.mail.results import from_is_genuine
from server.intake.mail.senders import AddressOwner, addresses_of, owner_of, station_sender
from server.mail_settings import MailboxSettings
from server.site import Site
from workbooks.filled import Identity
from workbooks.master import Master


class Trust(StrEnum):
    """Why a sender is believed; the strongest first."""

    SEAL = "seal"  # a form that we gave to that station
    SENDER = "sender"  # our boundary has authenticated the From address
    PERSON = "person"  # somebody here has confirmed it
    NONE = "none"


class HeldReason(StrEnum):
    """Why a workbook waits for a person."""

    UNAUTHENTICATED = "unauthenticated"  # only a bare From
    UNKNOWN_SENDER = "unknown-sender"  # authenticated, but nobody's address here
    SEVERAL_STATIONS = "several-stations"  # the address stands for more than one
    FORGED_SEAL = "forged-seal"
    REVOKED_SEAL = "revoked-seal"
    OTHER_STATION = "other-station"  # issued to one station, sent by another
    UNKNOWN_STATION = "unknown-station"  # issued to one that is no longer on record


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """
    The sender of one mail, before any workbook is looked at.

    *authenticated* is our boundary's word that the From *address* is genuine.
    """

    address: str
    name: str
    authenticated: bool
    owner: AddressOwner
    master: Master

    @property
    def known(self) -> bool:
        """Whether the sender is proven to be somebody on record here."""
        return self.authenticated and self.owner.known


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    Whom to store one workbook for; without *sender* it is held for *reason*.

    *claimed* is the station a held one says it is from, as a hint for the person who decides.
    """

    sender: Viewer | None
    trust: Trust
    reason: HeldReason | None = None
    claimed: str | None = None


def origin_of(site: Site, session: Session, message: Message, mailbox: MailboxSettings | None) -> Origin:
    """Who sent *message*, which came into *mailbox*; in a mail that came as a file no header is believed."""
    master = site.master(session)
    return Origin(
        address=message.from_address,
        name=message.from_name,
        authenticated=mailbox is not None
        and from_is_genuine(
            message.authentication_results,
            message.from_address,
            authserv_id=mailbox.authserv_id,
            without_name=mailbox.stamped_without_name,
        ),
        owner=owner_of(session, master, message.from_address),
        master=master,
    )


def judge(site: Site, session: Session, origin: Origin, identity: Identity) -> Verdict:
    """Whom the workbook that says *identity* of itself is from."""
    seal = seals.verify(session, site.seal_key, identity)
    if seal.state is SealState.VALID and seal.station is not None:
        return _by_seal(origin, seal.station)
    if seal.state is SealState.FORGED:
        return _held(origin, HeldReason.FORGED_SEAL, identity.station)
    if not origin.authenticated:
        revoked = seal.state is SealState.REVOKED
        reason = HeldReason.REVOKED_SEAL if revoked else HeldReason.UNAUTHENTICATED
        return _held(origin, reason, identity.station if revoked else None)
    if origin.owner.user is not None:
        return Verdict(sender=origin.owner.user, trust=Trust.SENDER)
    if len(origin.owner.stations) == 1:
        return Verdict(sender=_somebody_at(origin, next(iter(origin.owner.stations))), trust=Trust.SENDER)
    several = bool(origin.owner.stations)
    return _held(origin, HeldReason.SEVERAL_STATIONS if several else HeldReason.UNKNOWN_SENDER)


def answer_address(origin: Origin, verdicts: list[Verdict]) -> str | None:
    """
    Where what we know about these workbooks may be sent; None: nowhere.

    A From address that is neither authenticated nor on record for the proven station may
    be anybody's, so the station's own address gets the answer.
    """
    if origin.authenticated:
        return origin.address
    stations = {verdict.sender.station for verdict in verdicts if verdict.sender is not None}
    if len(stations) != 1 or (station := stations.pop()) is None:
        return None
    if station in origin.owner.stations:
        return origin.address
    return next(iter(addresses_of(origin.master, station)), None)


def _by_seal(origin: Origin, station: str) -> Verdict:
    row = origin.master.row("stations", station)
    if row is None:
        return _held(origin, HeldReason.UNKNOWN_STATION, station)
    user, stations = origin.owner.user, origin.owner.stations
    if origin.authenticated and user is not None and not user.station_bound:
        # Somebody of the house sends a station's form on, in their own name; what they may do is checked as ever.
        return Verdict(sender=user, trust=Trust.SEAL)
    if stations and station not in stations:
        # A copy from a neighbour. Even a bare From speaks against it: it costs a forger nothing to leave it out.
        return _held(origin, HeldReason.OTHER_STATION, station)
    if origin.authenticated and user is not None and user.station == station:
        return Verdict(sender=user, trust=Trust.SEAL)
    return Verdict(sender=_somebody_at(origin, station), trust=Trust.SEAL)


def _somebody_at(origin: Origin, station: str) -> Viewer:
    return station_sender(origin.master, station, origin.address, origin.name)


def _held(origin: Origin, reason: HeldReason, claimed: str | None = None) -> Verdict:
    if claimed is None and len(origin.owner.stations) == 1:
        claimed = next(iter(origin.owner.stations))
    return Verdict(sender=None, trust=Trust.NONE, reason=reason, claimed=claimed)
