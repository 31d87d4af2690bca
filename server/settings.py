"""What an administrator may set: by environment (AFTERSHEET_PORT=8080) or in settings.toml in the data folder."""

import os
import secrets
import tomllib
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as UnreadableVariable

from server.mail_settings import MailSettings
from server.share_settings import Share

PREFIX = "AFTERSHEET_"
FILE = "settings.toml"
KEY_FILE = "secret.key"


class SettingsError(Exception):
    """The installation cannot start as it is set up; the text names the file or variable, the key and what to do."""


class Settings(BaseSettings):
    """
    One installation's settings.

    Make them with `load_settings`, which also reads settings.toml and words its errors
    for an administrator. *secret_key* signs sessions, seals and the audit chain; when
    it is not set, `Site.open` makes one and keeps it in the data folder.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    home: Path = Path("aftersheet-home")
    database_url: str = Field(default="", repr=False)  # empty: SQLite in the data folder
    secret_key: str = Field(default="", repr=False)
    zone: str = "Asia/Shanghai"
    language: Literal["zh", "en"] = "zh"
    host: str = "127.0.0.1"
    port: int = Field(default=8600, ge=1, le=65535)
    public_url: str = ""
    workers: int = Field(default=2, ge=1, le=64)  # child processes that read workbooks
    max_upload_mb: int = Field(default=20, ge=1, le=500)
    versions_kept: int = Field(default=10, ge=1, le=1000)  # of each workbook on disk that is written into
    macro_signer: tuple[str, ...] = ()  # the command that signs an .xlsm; {file} is its path
    mail: MailSettings = MailSettings()
    shares: tuple[Share, ...] = ()  # where registered workbooks may be kept
    refresh_workbooks: bool = True  # `serve` refreshes registered workbooks beside its pages
    recipient_domains: tuple[str, ...] = ()  # whom figures may be mailed to; empty: the domain of mail.smtp

    @field_validator("shares")
    @classmethod
    def _apart(cls, shares: tuple[Share, ...], known: ValidationInfo) -> tuple[Share, ...]:
        """Each by its own name; and nobody's share reaches into the data folder."""
        names = [share.name for share in shares]
        if len(set(names)) < len(names):
            raise ValueError("two shares have the same name")
        home = known.data.get("home", Path()).resolve()
        for share in shares:
            folder = share.path.resolve() if share.path is not None else None
            if folder is not None and (home.is_relative_to(folder) or folder.is_relative_to(home)):
                raise ValueError(f"share {share.name!r}: its folder must not hold the data folder, nor lie in it")
        return shares

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no such time zone: {zone!r}") from error
        return zone

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the database."""
        if not self.database_url:
            return f"sqlite:///{self.home.absolute() / 'aftersheet.db'}"
        # psycopg 3 is the driver we install; a plain postgresql:// would ask for psycopg2.
        for scheme in ("postgresql://", "postgres://"):
            if self.database_url.startswith(scheme):
                return "postgresql+psycopg://" + self.database_url.removeprefix(scheme)
        return self.database_url


def load_settings(**overrides: Any) -> Settings:
    """
    The settings from *overrides*, then the environment, then settings.toml in the data folder.

    Raises:
        SettingsError: A value is not usable, or settings.toml holds an unknown key.
    """
    home = Path(overrides.get("home") or os.environ.get(f"{PREFIX}HOME") or Settings.model_fields["home"].default)
    path = home / FILE
    from_file = _read_file(path) if path.is_file() else {}
    in_environment = {key for key in from_file if f"{PREFIX}{key}".upper() in {name.upper() for name in os.environ}}
    values = {key: value for key, value in from_file.items() if key not in in_environment} | overrides
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError("\n".join(_worded(e, from_file, path) for e in error.errors())) from error
    except UnreadableVariable as error:  # one that has to be JSON and is not
        field = next((name for name in Settings.model_fields if f'"{name}"' in str(error)), "")
        raise SettingsError(f"{PREFIX}{field.upper()}: {error.__cause__ or error}; write it as JSON") from error
    if unreadable := [f"{path}: {key}: {file} {why}" for key, file, why in settings.mail.unreadable(home)]:
        raise SettingsError("\n".join(unreadable))
    return settings


def with_secret_key(settings: Settings) -> Settings:
    """
    *settings* with a secret key: the one set, the one kept in the data folder, or a new one kept there (mode 0600).

    Raises:
        SettingsError: The kept key is empty or too short to be one.
    """
    if settings.secret_key:
        return settings
    path = settings.home / KEY_FILE
    try:
        # O_EXCL: of two processes that start together one makes the key and the other reads it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_text(encoding="ascii").strip()
    else:
        key = secrets.token_urlsafe(48)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
    if len(key) < 32:
        raise SettingsError(
            f"{path}: the secret key is damaged; restore it from a backup (sessions and seals hang on it)"
        )
    return settings.model_copy(update={"secret_key": key})


def _read_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    unknown = sorted(set(values) - set(Settings.model_fields))
    if unknown:
        raise SettingsError(f"{path}: unknown key {unknown[0]!r}; known are {', '.join(sorted(Settings.model_fields))}")
    return values


def _worded(error: Any, from_file: dict[str, Any], path: Path) -> str:
    key = ".".join(str(step) for step in error["loc"])
    place = f"{path}: {key}" if error["loc"] and error["loc"][0] in from_file else f"{PREFIX}{key.upper()}"
    # A whole table may have a password in it.
    shown = "secret" not in key and "password" not in key and not isinstance(error["input"], dict | list)
    return f"{place}: {error['msg']} (is {error['input']!r})" if shown else f"{place}: {error['msg']}"
