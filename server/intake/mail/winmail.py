"""The attachments of winmail.dat, in which Outlook packs a message written as "rich text"."""

import struct
from collections.abc import Iterable, Iterator
from typing import Any

from tnefparse import TNEF
from tnefparse.properties import MAPI_ATTACH_LONG_FILENAME

from server.intake.mail import charsets
from server.intake.mail.names import clean_name

_HEADER = 6  # signature and key
_OBJECT = struct.Struct("<BHHI")  # level, attribute, type, length; data and a checksum of two bytes follow
_CODE_PAGE, _PROPERTIES, _ATTACHMENT_BEGINS = 0x9007, 0x9005, 0x9002
_ATTACHMENT_LEVEL = 2
# Beyond these a file is hostile: the library copies the rest of its input for each object, and believes any count.
_OBJECTS = 2_000
_OBJECTS_OF_ONE = 50
_PROPERTY_COUNT = 2_000


class WinmailError(Exception):
    """It cannot be read; the sender can write in HTML or plain text instead."""


def attachments(content: bytes) -> list[tuple[str, bytes]]:
    """
    (cleaned name, bytes) of each attachment, those of forwarded messages included.

    Raises:
        WinmailError: Its structure is damaged or absurd.
    """
    found: list[tuple[str, bytes]] = []
    for one in _each_attachment(content):
        try:
            found += _contents(TNEF(one, do_checksum=False).attachments)
        except Exception as error:
            # Reading beyond the end, the library raises whatever comes of it.
            raise WinmailError(f"{type(error).__name__}: {error}") from error
    return found


def _contents(found: Iterable[Any]) -> Iterator[tuple[str, bytes]]:
    for attachment in found:
        if hasattr(attachment, "embed"):
            yield from _contents(attachment.embed.attachments)
        else:
            yield _name(attachment), bytes(attachment.data or b"")


def _name(attachment: Any) -> str:
    """
    The long name, or the title.

    The library's own `name` decodes a title as UTF-8 whatever code page the file states,
    so its bytes are taken before that.
    """
    long = next((each.data for each in attachment.mapi_attrs if each.name == MAPI_ATTACH_LONG_FILENAME), None)
    for name in (long, attachment._name):
        text = charsets.decode(name.rstrip(b"\0")) if isinstance(name, bytes) else str(name or "").rstrip("\0")
        if text and "\ufffd" not in text:
            return clean_name(text)
    return ""


def _each_attachment(content: bytes) -> Iterator[bytes]:
    """
    Each attachment as a file of its own, without what is said of the message itself.

    The library fails as a whole over a subject in a code page it does not know.
    """
    start = content[:_HEADER]
    objects: list[bytes] = []
    for level, attribute, whole in _objects(content):
        if attribute == _CODE_PAGE:
            start += whole
        if level != _ATTACHMENT_LEVEL:
            continue
        if attribute == _ATTACHMENT_BEGINS and objects:
            yield start + b"".join(objects)
            objects = []
        if attribute == _PROPERTIES and int.from_bytes(whole[9:13], "little") > _PROPERTY_COUNT:
            raise WinmailError("too many properties")
        objects.append(whole)
        if len(objects) > _OBJECTS_OF_ONE:
            raise WinmailError(f"more than {_OBJECTS_OF_ONE} objects in an attachment")
    if objects:
        yield start + b"".join(objects)


def _objects(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    position = _HEADER
    for _ in range(_OBJECTS):
        if len(content) - position < _OBJECT.size + 2:
            return
        level, attribute, _, length = _OBJECT.unpack_from(content, position)
        stop = position + _OBJECT.size + length + 2
        if stop > len(content):
            raise WinmailError("cut off")
        yield level, attribute, content[position:stop]
        position = stop
    raise WinmailError(f"more than {_OBJECTS} objects")
