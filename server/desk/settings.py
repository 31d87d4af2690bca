"""Where the server is and who sends: from the environment, else from desk.toml in the person's own folder."""

import json
import os
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from workbooks.desk import DeskError
from workbooks.form import Language, Text

SERVER, TOKEN, FOLDER = "AFTERSHEET_SERVER", "AFTERSHEET_TOKEN", "AFTERSHEET_DESK"
FILE = "desk.toml"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSettings:
    """One person's settings; *folder* also keeps the copies that wait to be sent."""

    folder: Path
    server: str = ""
    token: str = field(default="", repr=False)
    language: Language = "zh"

    @property
    def file(self) -> Path:
        return self.folder / FILE

    def needed(self) -> "DeskSettings":
        """
        These settings.

        Raises:
            DeskError: Nobody has signed in here yet.
        """
        if self.server and self.token:
            return self
        raise DeskError(
            Text(
                f"还没有登记服务器和令牌。请运行 aftersheet desk sign-in，或设置 {SERVER} 和 {TOKEN}。",
                f"Server and token are not set. Run `aftersheet desk sign-in`, or set {SERVER} and {TOKEN}.",
            )
        )


def load() -> DeskSettings:
    """
    The settings of the person who runs this; empty where nothing is set.

    Raises:
        DeskError: The file cannot be read, or an address is not one.
    """
    folder = Path(os.environ.get(FOLDER) or Path.home() / ".aftersheet")
    values = _read(folder / FILE)
    server = os.environ.get(SERVER) or values.get("server", "")
    # The token belongs to the file's server: it is not sent to another one.
    fitting = "" if os.environ.get(SERVER) and address(server) != values.get("server") else values.get("token", "")
    return DeskSettings(
        folder=folder,
        server=address(server) if server else "",
        token=os.environ.get(TOKEN) or fitting,
        language="en" if values.get("language") == "en" else "zh",
    )


def save(settings: DeskSettings) -> None:
    """Write the settings so that only their owner can read them."""
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = [f"{name} = {json.dumps(getattr(settings, name))}" for name in ("server", "token", "language")]
    write_private(settings.file, "\n".join(["# aftersheet desk; the token is a secret", *lines, ""]).encode())


def forget(settings: DeskSettings) -> bool:
    """Remove the token from this computer; False when there was none."""
    there = settings.file.exists()
    settings.file.unlink(missing_ok=True)
    return there


def address(text: str) -> str:
    """
    A server's address as it is kept: without a slash or page at the end.

    Raises:
        DeskError: It is no address of a web server.
    """
    text = text.strip()
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise DeskError(
            Text(
                f"“{text}”不是服务器地址；应像 https://service.example.com。",
                f"“{text}” is no server address; it looks like https://service.example.com.",
            )
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def is_open_to_listeners(server: str) -> bool:
    """Whether a token sent to *server* can be read on the way: not encrypted, and not on this computer."""
    return urlsplit(server).scheme == "http" and not is_this_computer(server)


def is_this_computer(server: str) -> bool:
    """Whether *server* runs on the computer that asks."""
    return urlsplit(server).hostname in ("localhost", "127.0.0.1", "::1")


def write_private(path: Path, content: bytes) -> None:
    """Write *content* to *path* whole or not at all, readable by its owner only, and on the disk when this returns."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, str]:
    try:
        if os.name == "posix" and path.stat().st_mode & _OTHERS:
            path.chmod(0o600)  # copied from elsewhere: others could read the token
        found = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DeskError(
            Text(
                f"{path} 读不出来（{error}）。请重新运行 aftersheet desk sign-in。",
                f"{path} cannot be read ({error}). Run `aftersheet desk sign-in` again.",
            )
        ) from error
    return {name: value for name, value in found.items() if isinstance(value, str)}
