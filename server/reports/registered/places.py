"""Where a registered workbook lies: read there, and replaced only if nobody has changed it meanwhile."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from server.settings import Settings
from server.share_settings import Share
from workbooks.form import Text

LARGEST = 256 << 20  # bytes of a workbook on a share
SUFFIXES = (".xlsx", ".xlsm")


class PlaceTrouble(Exception):
    """
    A place cannot be read or written; *message* says why and what to do.

    *passing* when trying again later may help: somebody has the file open, the share is away.
    """

    def __init__(self, message: Text, *, passing: bool) -> None:
        super().__init__(message.en)
        self.message = message
        self.passing = passing


class Gone(PlaceTrouble):
    """There is no such file, or not yet."""


class ChangedMeanwhile(Exception):
    """Somebody has saved the workbook since it was looked at: what was made from it must not replace it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A workbook as it was read; *mark* is how the place tells this version from others."""

    content: bytes
    mark: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class Place(Protocol):
    """One file on a share."""

    def read(self) -> Found:
        """
        The workbook as it is now.

        Raises:
            Gone: There is none.
            PlaceTrouble: It cannot be read.
        """

    def create(self, content: bytes) -> None:
        """
        Put *content* where nothing is.

        Raises:
            ChangedMeanwhile: Something is there.
            PlaceTrouble: It cannot be written.
        """

    def replace(self, content: bytes, expected: Found) -> None:
        """
        Put *content* in the place of *expected*, whole or not at all.

        Raises:
            ChangedMeanwhile: What is there is not *expected* any more.
            PlaceTrouble: It cannot be written.
        """


def share_named(settings: Settings, name: str) -> Share:
    """
    The share of this name.

    Raises:
        PlaceTrouble: The settings have none.
    """
    share = next((share for share in settings.shares if share.name == name), None)
    if share is None:
        raise PlaceTrouble(
            Text(
                f"共享“{name}”已不在服务器设置中，请联系管理员。",
                f"The share {name!r} is no longer set; ask an administrator.",
            ),
            passing=False,
        )
    return share


def place_on(settings: Settings, name: str, path: str) -> Place:
    """
    The file *path* below the share called *name*.

    Raises:
        PlaceTrouble: There is no such share, or *path* leads out of it or is no workbook.
    """
    from server.reports.registered.folders import FolderPlace
    from server.reports.registered.webdav import WebdavPlace

    share, steps = share_named(settings, name), steps_of(path)
    if share.path is not None:
        return FolderPlace(share.path, steps)
    try:
        secret = share.secret(settings.home)
    except OSError as error:
        message = Text(f"共享“{name}”的密码文件无法读取。", f"The password file of share {name!r} cannot be read.")
        raise PlaceTrouble(message, passing=False) from error
    return WebdavPlace(share.url, steps, user=share.user, password=secret)


def steps_of(path: str) -> tuple[str, ...]:
    """
    The folders and the file of *path* below a share.

    Raises:
        PlaceTrouble: It leads anywhere else, or does not name an .xlsx or .xlsm.
    """
    steps = tuple(path.strip().replace("\\", "/").split("/"))
    odd = any(
        step in ("", ".", "..") or ":" in step or not step.isprintable() or step != step.strip() for step in steps
    )
    if odd or len(path) > 1000:
        message = Text(
            "请填写共享文件夹内的路径，如 月报/故障.xlsx；不能含 .. 或以 / 开头。",
            "Give a path inside the share, such as monthly/failures.xlsx, without .. and no / in front.",
        )
        raise PlaceTrouble(message, passing=False)
    if not steps[-1].lower().endswith(SUFFIXES) or steps[-1].startswith(("~$", ".~")):
        message = Text("只能登记 .xlsx 或 .xlsm 工作簿。", "Only .xlsx and .xlsm workbooks can be registered.")
        raise PlaceTrouble(message, passing=False)
    return steps


def in_use(who: str = "", mark: str = "") -> PlaceTrouble:
    """Somebody has the workbook open: who, and the file beside it that tells, as far as known."""
    zh, en = (f"{who}正打开着该工作簿", f"{who} has the workbook open") if who else ("该工作簿正被打开", "It is open")
    zh, en = f"{zh}，关闭后会自动刷新。", f"{en}; it is refreshed once it is closed."
    if mark:
        zh += f"若确实无人打开，请删除遗留的文件 {mark}。"
        en += f" If nobody has it open, delete the leftover file {mark}."
    return PlaceTrouble(Text(zh, en), passing=True)


def gone(path: str) -> Gone:
    return Gone(
        Text(
            f"共享中找不到“{path}”，可能已移动或改名。",
            f"The share has no {path!r}; it may have been moved or renamed.",
        ),
        passing=True,
    )


def no_folder(path: str) -> PlaceTrouble:
    folder = path.rpartition("/")[0] or "/"
    return PlaceTrouble(
        Text(
            f"共享中没有文件夹“{folder}”，请先建好；建好后会自动送达。",
            f"The share has no folder {folder!r}: make it, and the report is put there.",
        ),
        passing=True,
    )


def too_large(path: str) -> PlaceTrouble:
    return PlaceTrouble(
        Text(f"“{path}”超过 {LARGEST >> 20} MB，无法刷新。", f"{path!r} is larger than {LARGEST >> 20} MB."),
        passing=False,
    )
