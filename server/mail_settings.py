"""What an administrator sets for mail: [mail], [[mail.mailboxes]] and [mail.smtp] of settings.toml."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Security = Literal["tls", "starttls", "none"]
Login = Literal["password", "xoauth2-microsoft", "xoauth2-google"]
_EXCHANGE_ONLINE = "outlook.office365.com"


class _Account(BaseModel):
    """
    How to sign in to a mail server.

    A secret stands in the settings or, better, alone in a file that only the service can
    read; a relative file name counts from the data folder. `secret` has it either way.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1)
    security: Security = "tls"
    user: str = ""
    auth: Login = "password"
    password: str = Field(default="", repr=False)
    password_file: Path | None = None
    tenant: str = ""  # Microsoft 365
    client_id: str = ""
    client_secret: str = Field(default="", repr=False)
    client_secret_file: Path | None = None
    service_account_file: Path | None = None  # Google

    def secret(self, home: Path) -> str:
        """
        The password, the client secret or the text of the service account's file.

        Raises:
            OSError: Its file cannot be read.
        """
        if self.auth == "xoauth2-google":
            return _text(home, self.service_account_file)
        if self.auth == "xoauth2-microsoft":
            return self.client_secret or _text(home, self.client_secret_file)
        return self.password or _text(home, self.password_file)

    @property
    def secret_file(self) -> Path | None:
        """The file that `secret` reads; None where the settings hold the secret themselves."""
        if self.auth == "xoauth2-google":
            return self.service_account_file
        if self.auth == "xoauth2-microsoft":
            return None if self.client_secret else self.client_secret_file
        return None if self.password else self.password_file

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.password and self.password_file:
            raise ValueError("give either password or password_file, not both")
        if self.client_secret and self.client_secret_file:
            raise ValueError("give either client_secret or client_secret_file, not both")
        if self.auth == "xoauth2-microsoft":
            if not (self.user and self.tenant and self.client_id and (self.client_secret or self.client_secret_file)):
                raise ValueError('auth = "xoauth2-microsoft" needs user, tenant, client_id and client_secret_file')
        elif self.auth == "xoauth2-google" and not (self.user and self.service_account_file):
            raise ValueError('auth = "xoauth2-google" needs user and service_account_file')
        return self


class MailboxSettings(_Account):
    """
    One mailbox that is watched, read over IMAP.

    *authserv_id* is the name under which the mailbox's own server stamps
    Authentication-Results; without it no such header is believed. Exchange Online stamps
    without a name, so there its topmost header counts (*exchange_online*).
    """

    name: str = Field(default="", max_length=80)  # how people call it; default: the user
    port: int = Field(default=993, ge=1, le=65535)
    folder: str = Field(default="INBOX", min_length=1)
    done_folder: str = Field(default="已处理", min_length=1)
    problem_folder: str = Field(default="问题邮件", min_length=1)
    window_days: int = Field(
        default=14, ge=1, le=3650
    )  # how far back mails are looked for, from the last successful poll
    poll_seconds: int = Field(default=30, ge=5, le=3600)
    idle: bool = True  # let the server say that something came; it is polled all the same
    authserv_id: str = ""
    exchange_online: bool = False

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.user:
            raise ValueError("a mailbox needs a user")
        if self.auth == "password" and not (self.password or self.password_file):
            raise ValueError("a mailbox needs a password or password_file")
        if len({self.folder, self.done_folder, self.problem_folder}) < 3:
            raise ValueError("folder, done_folder and problem_folder must be three different folders")
        return self

    @property
    def account(self) -> str:
        """The name by which the mailbox goes in the database; keep it when the user changes."""
        return self.name or self.user

    @property
    def stamped_without_name(self) -> bool:
        return self.exchange_online or self.host.lower() == _EXCHANGE_ONLINE


class SmtpSettings(_Account):
    """The server replies leave by. Without *user* nobody signs in there: a relay of the house."""

    port: int = Field(default=465, ge=1, le=65535)
    from_address: str = Field(pattern=r"^[^@\s<>\"]+@[^@\s<>\"]+$")
    from_name: str = "Aftersheet"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.auth == "password" and bool(self.user) != bool(self.password or self.password_file):
            raise ValueError("user and password (or password_file) go together")
        return self


class MailSettings(BaseModel):
    """
    Mail as a channel; without mailboxes nothing is fetched, without smtp nothing is sent.

    *domain* is what our Message-IDs end in (default: that of smtp.from_address). The
    caps hold per address that is answered.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mailboxes: tuple[MailboxSettings, ...] = ()
    smtp: SmtpSettings | None = None
    domain: str = Field(default="", pattern=r"^[A-Za-z0-9.-]*$")
    max_message_mb: int = Field(default=30, ge=1, le=200)
    replies_per_10_minutes: int = Field(default=5, ge=1)
    replies_per_day: int = Field(default=30, ge=1)

    @model_validator(mode="after")
    def _different_names(self) -> Self:
        name, count = next(iter(Counter(box.account for box in self.mailboxes).most_common(1)), ("", 0))
        if count > 1:
            raise ValueError(f"two mailboxes are called {name!r}; give each its own name")
        return self

    def mailbox(self, account: str) -> MailboxSettings | None:
        """The mailbox of this name; None for mail that came as a file, or from a mailbox no longer set."""
        return next((box for box in self.mailboxes if box.account == account), None)

    @property
    def message_domain(self) -> str:
        if self.domain:
            return self.domain.lower()
        return self.smtp.from_address.rpartition("@")[2].lower() if self.smtp else "aftersheet.invalid"

    @property
    def own_addresses(self) -> frozenset[str]:
        """The addresses, in lower case, that are ourselves: mail from them is never answered."""
        names = [box.user for box in self.mailboxes] + ([self.smtp.from_address] if self.smtp else [])
        return frozenset(name.lower() for name in names if "@" in name)

    def unreadable(self, home: Path) -> Iterator[tuple[str, Path, str]]:
        """Secrets that are to be read from a file and cannot: (key, file, why)."""
        accounts: list[tuple[str, _Account]] = [(f"mail.mailboxes.{i}", box) for i, box in enumerate(self.mailboxes)]
        accounts += [("mail.smtp", self.smtp)] if self.smtp else []
        for key, account in accounts:
            if account.secret_file is not None:
                try:
                    if not account.secret(home):
                        yield key, home / account.secret_file, "is empty"
                except (OSError, UnicodeDecodeError) as error:
                    yield key, home / account.secret_file, getattr(error, "strerror", None) or str(error)


def _text(home: Path, file: Path | None) -> str:
    return (home / file).read_text(encoding="utf-8").strip() if file else ""
