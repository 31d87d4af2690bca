"""Where the add-in goes on this computer: Excel's own start folder, out of which it opens its files by itself."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from server.desk.settings import write_private
from workbooks import desk
from workbooks.addin import AddinError, build_addin
from workbooks.desk import DeskError
from workbooks.form import Language, Text

NAME = "Aftersheet.xlam"
_MAC_START = "Library/Group Containers/UBF8T346G9.Office/User Content.localized/Startup.localized/Excel"
_MAC_SCRIPTS = "Library/Application Scripts/com.microsoft.Excel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The files of the add-in: itself, and on a Mac the script through which Excel may start a program."""

    addin: Path
    script: Path | None = None


def places(platform: str = sys.platform) -> Places:
    """
    Where Excel opens add-ins from by itself.

    Raises:
        DeskError: There is no Excel for this system; with a file name the add-in can be built all the same.
    """
    if platform.startswith("win"):
        start = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
        return Places(addin=start / "Microsoft" / "Excel" / "XLSTART" / NAME)
    if platform == "darwin":
        scripts = Path.home() / _MAC_SCRIPTS / desk.run_python().script.name
        return Places(addin=Path.home() / _MAC_START / NAME, script=scripts)
    raise DeskError(
        Text(
            f"这个系统上没有 Excel 的启动文件夹。可以用 --out 把加载项写到文件：aftersheet desk addin --out {NAME}",
            f"Excel has no start folder on this system. Write the add-in to a file: aftersheet desk addin --out {NAME}",
        )
    )


def write_addin(where: Places, language: Language, interpreter: str = sys.executable) -> None:
    """
    Build the add-in and put it where it belongs, over an older one.

    Raises:
        DeskError: xlwings is missing or another version; or the file is open in Excel.
    """
    source = desk.run_python()
    try:
        content = build_addin(source.module.read_text("utf-8"), interpreter, language)
    except AddinError as error:
        raise DeskError(
            Text(
                f'这个版本的 xlwings 不能用于加载项（{error}）。请运行：pip install "aftersheet[desk]"',
                f'This version of xlwings does not fit the add-in ({error}). Run: pip install "aftersheet[desk]"',
            )
        ) from error
    try:
        where.addin.parent.mkdir(parents=True, exist_ok=True)
        write_private(where.addin, content)
        if where.script is not None:
            where.script.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.script, where.script)
    except OSError as error:
        raise DeskError(
            Text(
                f"{where.addin} 写不进去（{error.strerror}）。请先退出 Excel 再试。",
                f"{where.addin} cannot be written ({error.strerror}). Quit Excel and try again.",
            )
        ) from error


def remove_addin(where: Places) -> bool:
    """
    Take the add-in away; False when there was none.

    Raises:
        DeskError: The file is open in Excel.
    """
    there = where.addin.exists()
    try:
        where.addin.unlink(missing_ok=True)
    except OSError as error:
        raise DeskError(
            Text(
                f"{where.addin} 删不掉（{error.strerror}）。请先退出 Excel 再试。",
                f"{where.addin} cannot be removed ({error.strerror}). Quit Excel and try again.",
            )
        ) from error
    return there
