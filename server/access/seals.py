"""Seals of issued templates: they prove that a workbook is a form we gave to one station, and which."""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.access.models import IssuedTemplate
from server.access.visibility import Viewer, visible
from workbooks.filled import Identity

_SHAPE = re.compile(r"([0-9a-f]{16})\.([A-Za-z0-9_-]{43})")


class SealState(StrEnum):
    """What a workbook's seal is worth; only VALID proves a station."""

    VALID = "valid"
    ABSENT = "absent"
    FORGED = "forged"  # does not fit what the workbook says of itself
    REVOKED = "revoked"
    UNKNOWN = "unknown"  # ours, but no such template is on record


@dataclass(frozen=True, slots=True)
class Seal:
    """What `verify` found; *station* only for a valid seal."""

    state: SealState
    station: str | None = None
    issue_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedView:
    """An issued template as the people who manage them see it."""

    id: str
    form_id: str
    version: int
    station: str
    issued_at: datetime
    issued_by: str
    revoked_at: datetime | None


class NoSuchTemplate(LookupError):
    """No template was issued under this id, or it is not open to this viewer."""


def issue(session: Session, key: bytes, *, form_id: str, version: int, station: str, by: Viewer) -> tuple[str, str]:
    """
    Put a template for *station* on record: its issue id, and the seal to write into it.

    *key* is the installation's (`Site.seal_key`). A copy of the file carries the seal
    along: it tells where the form came from, not who filled it in.
    """
    issue_id = secrets.token_hex(8)
    template = IssuedTemplate(
        id=issue_id,
        form_id=form_id,
        version=version,
        station=station,
        issued_at=datetime.now(UTC),
        issued_by=by.username,
    )
    session.add(template)
    session.flush()
    return issue_id, f"{issue_id}.{_mac(key, form_id, version, station, issue_id)}"


def standing(session: Session, key: bytes, *, form_id: str, version: int, station: str, by: Viewer) -> str | None:
    """The seal of the newest template that *by* was issued for *station* and that still holds; None without one."""
    query = (
        select(IssuedTemplate.id)
        .where(
            IssuedTemplate.form_id == form_id,
            IssuedTemplate.version == version,
            IssuedTemplate.station == station,
            IssuedTemplate.issued_by == by.username,
            IssuedTemplate.revoked_at.is_(None),
        )
        .order_by(IssuedTemplate.issued_at.desc())
    )
    issue_id = session.scalar(query.limit(1))
    return f"{issue_id}.{_mac(key, form_id, version, station, issue_id)}" if issue_id else None


def verify(session: Session, key: bytes, identity: Identity) -> Seal:
    """What the seal in *identity* proves."""
    if identity.seal is None:
        return Seal(SealState.ABSENT)
    shape = _SHAPE.fullmatch(identity.seal)
    if shape is None or not identity.form_id or identity.version is None or not identity.station:
        return Seal(SealState.FORGED)
    issue_id, mac = shape.groups()
    expected = _mac(key, identity.form_id, identity.version, identity.station, issue_id)
    if not hmac.compare_digest(mac, expected):
        return Seal(SealState.FORGED)
    template = session.get(IssuedTemplate, issue_id)
    if template is None:
        return Seal(SealState.UNKNOWN, issue_id=issue_id)
    if template.revoked_at is not None:
        return Seal(SealState.REVOKED, issue_id=issue_id)
    return Seal(SealState.VALID, identity.station, issue_id)


def revoke(session: Session, issue_id: str, by: Viewer) -> None:
    """
    Let a template prove nothing from now on; what came with it stays.

    Raises:
        NoSuchTemplate: There is none with this id for *by*.
    """
    query = select(IssuedTemplate).where(IssuedTemplate.id == issue_id)
    template = session.scalar(visible(query, IssuedTemplate, by).with_for_update())
    if template is None:
        raise NoSuchTemplate(issue_id)
    if template.revoked_at is None:
        template.revoked_at, template.revoked_by = datetime.now(UTC), by.username


def issued(session: Session, viewer: Viewer) -> list[IssuedView]:
    """The templates issued so far, newest first."""
    query = visible(select(IssuedTemplate), IssuedTemplate, viewer).order_by(IssuedTemplate.issued_at.desc())
    return [
        IssuedView(
            id=template.id,
            form_id=template.form_id,
            version=template.version,
            station=template.station,
            issued_at=template.issued_at,
            issued_by=template.issued_by,
            revoked_at=template.revoked_at,
        )
        for template in session.scalars(query)
    ]


def _mac(key: bytes, form_id: str, version: int, station: str, issue_id: str) -> str:
    # Lengths in front: no two sets of fields run together into the same text.
    fields = ("seal-1", form_id, str(version), station, issue_id)
    text = "".join(f"{len(field)}:{field}" for field in fields)
    return urlsafe_b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).rstrip(b"=").decode()
