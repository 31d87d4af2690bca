"""Where workbooks may be kept besides the server: [[shares]] of settings.toml, folders and WebDAV addresses."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Share(BaseModel):
    """
    A folder the server reaches (*path*), or one on a WebDAV server (*url*).

    Registered workbooks name a share and a path below it, never an address or a secret.
    *users* may register workbooks there, with *managers* every manager too; one of the two
    must be said, so that no share is open to a whole company because a line was left out.
    Administrators may always.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=80)
    path: Path | None = None
    url: str = ""
    user: str = ""
    password: str = Field(default="", repr=False)
    password_file: Path | None = None
    users: tuple[str, ...] = ()
    managers: bool = False

    @field_validator("users")
    @classmethod
    def _as_they_sign_in(cls, users: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(user.strip().lower() for user in users if user.strip())

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.path) == bool(self.url):
            raise ValueError(f"share {self.name!r}: give either path or url")
        if not self.users and not self.managers:
            raise ValueError(
                f'share {self.name!r}: say who may register there, users = ["chen", …] or managers = true (all of them)'
            )
        if self.path is not None and not self.path.is_absolute():
            raise ValueError(f"share {self.name!r}: path must be absolute")
        if self.url:
            parts = urlsplit(self.url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
                raise ValueError(f"share {self.name!r}: url is https://host/folder/, with user and password beside it")
        if self.password and self.password_file:
            raise ValueError(f"share {self.name!r}: give either password or password_file, not both")
        return self

    def secret(self, home: Path) -> str:
        """
        The password, from the settings or its file; a relative file name counts from the data folder.

        Raises:
            OSError: The file cannot be read.
        """
        if self.password_file is None:
            return self.password
        return (home / self.password_file).read_text(encoding="utf-8").strip()
