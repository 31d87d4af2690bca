"""ZIP attachments, opened one level deep and only as far as workbooks can reach."""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from server.intake.mail import charsets
from server.intake.mail.names import clean_name
from workbooks.refusal import DEFAULT_LIMITS

MEMBERS = 2_000
INFLATED = 64 << 20
"""Bytes all archives of one message may unpack to."""

_DIRECTORY = 20_000  # entries in the whole file, those of workbooks packed without compression among them
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_UTF8 = 0x0800
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the other two are inflated by the library without a bound
_BOOKS = frozenset({"xl/workbook.xml", "xl/workbook.bin"})
_OTHER_DOCUMENTS = ("word/", "ppt/", "visio/", "meta-inf/manifest.mf", "androidmanifest.xml", "mimetype")
_NOT_MEANT = ("__macosx/", "thumbs.db", ".ds_store", "desktop.ini")
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, UnicodeError, NotImplementedError, RuntimeError, EOFError, ValueError, OSError,
    LookupError, OverflowError,
)  # fmt: skip


class ArchiveError(Exception):
    """The archive cannot be read."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive; *content* is None when it was left in there, and *reason* says why."""

    name: str
    content: bytes | None
    reason: str = ""


@dataclass(slots=True)
class Room:
    """How many bytes the archives of a message may still unpack to."""

    left: int = INFLATED


def member_names(content: bytes) -> list[str]:
    """
    The paths in the directory of a ZIP archive, in lower case.

    Raises:
        ArchiveError: There is no directory, or an absurd one.
    """
    with _opened(content) as archive:
        return [info.filename.replace("\\", "/").lower() for info in archive.infolist()]


def is_workbook(names: Sequence[str], content: bytes) -> bool:
    """Whether the archive is itself a workbook, be it one that is accepted or not."""
    return not _BOOKS.isdisjoint(names) or b"opendocument.spreadsheet" in content[:200]


def is_other_document(names: Sequence[str]) -> bool:
    return any(name.startswith(_OTHER_DOCUMENTS) for name in names)


def members(content: bytes, room: Room) -> Iterator[Member]:
    """
    The files in a ZIP archive, in its order, each read within limits that hold for the whole message.

    Raises:
        ArchiveError: It cannot be read, or lists too many files.
    """
    with _opened(content) as archive:
        files = [info for info in archive.infolist() if not info.is_dir()]
        if len(files) > MEMBERS:
            raise ArchiveError(f"{len(files)} files, at most {MEMBERS}")
        for info in files:
            path = _path(info)
            name = clean_name(path)
            if path.lower().startswith(_NOT_MEANT) or name.lower() in _NOT_MEANT:
                continue
            if info.flag_bits & _ENCRYPTED:
                yield Member(name, None, "archive-encrypted")
            elif info.file_size > min(room.left, DEFAULT_LIMITS.upload):
                yield Member(name, None, "archive-too-large")
            elif info.compress_type not in _METHODS:
                yield Member(name, None, "archive-unsupported")
            else:
                room.left -= info.file_size
                yield Member(name, archive.read(info))


@contextmanager
def _opened(content: bytes) -> Iterator[zipfile.ZipFile]:
    """
    The archive, whose library raises all kinds of exceptions over one that is damaged.

    Names without the UTF-8 mark are read as bytes, losslessly: `_path` knows better than
    the archive what they are.
    """
    if content.count(b"PK\x01\x02") > _DIRECTORY:
        raise ArchiveError(f"a directory of more than {_DIRECTORY} entries")
    try:
        with zipfile.ZipFile(BytesIO(content), metadata_encoding="latin-1") as archive:
            yield archive
    except _UNREADABLE as error:
        raise ArchiveError(f"{type(error).__name__}: {error}") from error


def _path(info: zipfile.ZipInfo) -> str:
    """WinRAR and 360 write GBK, others UTF-8, both without the mark that would say so."""
    if info.flag_bits & _UTF8:
        return info.filename
    return charsets.decode(info.orig_filename.partition("\0")[0].encode("latin-1"))
