"""The attachments of winmail.dat, in which Outlook packs a message written as "rich text"."""

import struct
from collections.abc import Iterator

from tnefparse import TNEF
from tnefparse.properties import MAPI_ATTACH_LONG_FILENAME

from server.intake.mail import charsets
from server.intake.mail.names import clean_name

_HEADER = 6  # signature and key
_OBJECT = struct.Struct("<BII")  # level, attribute, length; data and a checksum of two bytes follow
_CODE_PAGE = 0x9007
_PROPERTIES = 0x9005
_ATTACHMENT_LEVEL = 2
_OBJECTS = 2_000
_PROPERTY_COUNT = 2_000


class WinmailError(Exception):
    """It cannot be read; the sender can write in HTML or plain text instead."""


def attachments(content: bytes) -> list[tuple[str, bytes]]:
    """
    (cleaned name, bytes) of each attachment.

    Raises:
        WinmailError: Its structure is damaged or absurd.
    """
    try:
        found = TNEF(_attachments_only(content), do_checksum=False).attachments
        return [(_name(attachment), bytes(attachment.data or b"")) for attachment in found]
    except WinmailError:
        raise
    except Exception as error:
        raise WinmailError(f"{type(error).__name__}: {error}") from error


def _name(attachment: object) -> str:
    """
    The long name, or the title.

    The library's own `name` decodes a title as UTF-8 whatever code page the file states,
    so its bytes are taken before that.
    """
    attributes = getattr(attachment, "mapi_attrs", [])
    long = next((each.data for each in attributes if each.name == MAPI_ATTACH_LONG_FILENAME), None)
    for name in (long, getattr(attachment, "_name", b"")):
        text = charsets.decode(name.rstrip(b"\0")) if isinstance(name, bytes) else str(name or "").rstrip("\0")
        if text and "\ufffd" not in text:
            return clean_name(text)
    return ""


def _attachments_only(content: bytes) -> bytes:
    """
    The file without what is said of the message itself.

    The library fails as a whole over a subject in an unknown code page, and believes any
    number of properties a file claims.
    """
    kept = [content[:_HEADER]]
    for level, attribute, whole in _objects(content):
        if level == _ATTACHMENT_LEVEL or attribute & 0xFFFF == _CODE_PAGE:
            if attribute & 0xFFFF == _PROPERTIES and int.from_bytes(whole[9:13], "little") > _PROPERTY_COUNT:
                raise WinmailError("too many properties")
            kept.append(whole)
    return b"".join(kept)


def _objects(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    position = _HEADER
    for _ in range(_OBJECTS):
        if len(content) - position < _OBJECT.size + 2:
            return
        level, attribute, length = _OBJECT.unpack_from(content, position)
        stop = position + _OBJECT.size + length + 2
        if stop > len(content):
            raise WinmailError("cut off")
        yield level, attribute, content[position:stop]
        position = stop
    raise WinmailError(f"more than {_OBJECTS} objects")
