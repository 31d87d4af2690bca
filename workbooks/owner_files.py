"""Who has a workbook open: the small files that Excel, WPS and LibreOffice lay beside it while they do."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Excel's: a length and the name in the machine's own code page, from byte 55 on the same in UTF-16.
_UNICODE_AT = 55
_LONGEST = 54
_LARGEST = 64 << 10


@dataclass(frozen=True, slots=True)
class Owner:
    """Who has a workbook open, as far as *file* beside it tells; *person* is empty when it does not."""

    person: str
    file: Path


def owner(workbook: Path) -> Owner | None:
    """
    Who has *workbook* open now, or None as far as its folder tells.

    A program that crashed leaves its file behind, so whoever is told should hear its name.
    """
    for name, read in marks(workbook.name):
        file = workbook.with_name(name)
        try:
            with file.open("rb") as opened:
                content = opened.read(_LARGEST)
        except FileNotFoundError:
            continue
        except OSError:  # Windows lets nobody read it while Excel holds it
            return Owner("", file)
        return Owner(read(content), file)
    return None


def marks(name: str) -> tuple[tuple[str, Callable[[bytes], str]], ...]:
    """The files that may lie beside the open workbook *name*, each with what reads the person's name out of it."""
    return (
        (f"~${name}", _excel),
        (f".~lock.{name}#", _libreoffice),
        (f".~{name}", _excel),  # WPS
    )


def _excel(content: bytes) -> str:
    length = int.from_bytes(content[_UNICODE_AT : _UNICODE_AT + 2], "little")
    if 0 < length <= _LONGEST:
        start = _UNICODE_AT + 2
        return _plain(content[start : start + 2 * length].decode("utf-16-le", "replace"))
    if content and 0 < content[0] <= _LONGEST:
        return _plain(content[1 : 1 + content[0]].decode("gb18030", "replace"))
    return ""


def _libreoffice(content: bytes) -> str:
    """The first of its fields that says something: the person's name, the account, the machine."""
    fields = content.decode("utf-8", "replace").replace("\\,", "，").split(",")
    return next((name for field in fields[:3] if (name := _plain(field))), "")


def _plain(name: str) -> str:
    return "".join(char for char in name if char.isprintable()).strip()
