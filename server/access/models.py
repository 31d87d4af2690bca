"""Tables of people, their tokens and their repeated requests."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base, UtcDateTime


class User(Base):
    """Somebody who may sign in; never deleted, only made inactive."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(Text, unique=True)  # lower case
    display_name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    roles: Mapped[list[str]] = mapped_column(JSON)
    station: Mapped[str | None] = mapped_column(Text)
    region: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text, default="zh")
    email: Mapped[str | None] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignIn(Base):
    """Somebody signed in on the pages in one browser; the row goes when they sign out or are signed out."""

    __tablename__ = "sign_ins"

    id_sha256: Mapped[str] = mapped_column(Text, primary_key=True)  # of the random id in the cookie
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Key(Base):
    """What tokens and feed links have in common; only the hash of a key's secret is kept."""

    __abstract__ = True

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    secret_sha256: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Token(Key):
    """A bearer token of the API."""

    __tablename__ = "tokens"

    scopes: Mapped[list[str]] = mapped_column(JSON)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    def ended(self, now: datetime) -> bool:
        return self.revoked_at is not None or self.expires_at <= now


class IdempotencyKey(Base):
    """A request a client may repeat, and what it was answered; kept for seven days."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    owner: Mapped[str] = mapped_column(Text, primary_key=True)  # "user:7" or "token:a1b2"
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    body_sha256: Mapped[str] = mapped_column(Text)
    status: Mapped[int | None]  # empty while the first request is still running
    response: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class IssuedTemplate(Base):
    """A blank workbook that was given to one station, sealed; revoked, it proves nothing any more."""

    __tablename__ = "issued_templates"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    form_id: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    station: Mapped[str] = mapped_column(Text, index=True)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    issued_by: Mapped[str] = mapped_column(Text)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_by: Mapped[str | None] = mapped_column(Text)


class FeedLink(Key):
    """
    An address that reads one dataset as one person.

    One made with a token (*token_id*) opens nothing once the token has ended.
    """

    __tablename__ = "feed_links"

    dataset: Mapped[str] = mapped_column(Text)
    options: Mapped[dict[str, str]] = mapped_column(JSON)  # period, selection, language, as in the feed's addresses
    token_id: Mapped[str | None] = mapped_column(ForeignKey("tokens.id"))
