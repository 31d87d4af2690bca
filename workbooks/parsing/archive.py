"""A ZIP archive read strictly: whatever two programs could read in two ways is refused."""

import re
import struct
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

from isal import isal_zlib

from workbooks.refusal import Limits, Refused, damaged, too_large, unsafe

_END = struct.Struct("<4sHHHHIIH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_SIZES_FOLLOW = 0x0008
_UTF8 = 0x0800
_UNKNOWN = 0xFFFFFFFF
_DESCRIPTORS = (12, 16, 20, 24)  # crc and two sizes of 4 or 8 bytes, with or without a signature
# Absolute, climbing, drive, backslash, control characters, and letters hidden behind %-escapes.
_BAD_NAME = re.compile(
    r"^/|//|\\|^[A-Za-z]:|(?:^|/)\.{1,2}(?:/|$)|[\x00-\x1f\x7f]|%(?:2[def]|5[cf]|3\d|[46][1-9a-f]|[57][\da])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One member: *start* is where its packed bytes begin in the file."""

    name: str
    method: int
    packed: int
    size: int
    crc: int
    start: int


class Archive:
    """
    The members of a ZIP archive, by exact name.

    Opening it has proved that the directory ends the file and names every byte before it
    exactly once; `read` proves each member's size and checksum.
    """

    def __init__(self, content: bytes, limits: Limits) -> None:
        """
        Raises:
            Refused: The archive is cut off, too large, or can be read in two ways.
        """
        self._content = content
        self.entries = {entry.name: entry for entry in _members(content, limits)}

    def read(self, name: str) -> bytes:
        """
        The inflated bytes of member *name*, never more than its header says.

        Raises:
            KeyError: There is no such member.
            Refused: Its size or checksum is not what the header says.
        """
        entry = self.entries[name]
        raw = self._content[entry.start : entry.start + entry.packed]
        if entry.method == _DEFLATED:
            stream = isal_zlib.decompressobj(-15)
            try:
                data: bytes = stream.decompress(raw, entry.size + 1)
            except isal_zlib.error as error:  # type: ignore[misc]  # the stub declares an instance
                raise damaged(self._content) from error
            if len(data) > entry.size or stream.unused_data:
                raise unsafe(f"“{name}”的实际大小与声明不符", f"“{name}” is not of the size it claims")
            if not stream.eof:
                raise damaged(self._content)
        else:
            data = raw
        if len(data) != entry.size or crc32(data) != entry.crc:
            raise damaged(self._content)
        return data


def _members(content: bytes, limits: Limits) -> list[Entry]:
    count, size, start = _end_record(content)
    if count > limits.entries:
        raise too_large(
            f"有 {count} 个内部部件，上限 {limits.entries}", f"{count} parts inside, at most {limits.entries}"
        )
    entries: list[Entry] = []
    ends: list[tuple[int, int, int]] = []  # where each record begins, where it ends, whether sizes follow it
    position, total = start, 0
    for _ in range(count):
        if start + size - position < _CENTRAL.size:
            raise damaged(content)
        signature, _, _, flags, method, _, _, crc, packed, plain, n, extra, comment, _, _, _, offset = (
            _CENTRAL.unpack_from(content, position)
        )
        if signature != b"PK\x01\x02":
            raise damaged(content)
        raw_name = content[position + _CENTRAL.size : position + _CENTRAL.size + n]
        position += _CENTRAL.size + n + extra + comment
        name = _name(raw_name, flags)
        if flags & _ENCRYPTED or method not in (_STORED, _DEFLATED) or _UNKNOWN in (packed, plain, offset):
            raise unsafe(f"“{name}”的压缩方式不受支持", f"“{name}” is packed in an unsupported way")
        total += plain
        if plain > limits.part or total > limits.total:
            raise too_large(f"“{name}”展开后超过上限", f"“{name}” is too large when unpacked")
        data = _data_start(content, offset, raw_name, method, (crc, packed, plain), name)
        entries.append(Entry(name, method, packed, plain, crc, data))
        ends.append((offset, data + packed, flags & _SIZES_FOLLOW))
    if position != start + size:
        raise unsafe("压缩目录里有多余的内容", "its directory holds more than its entries")
    if total > limits.ratio_from and total > limits.ratio * len(content):
        raise too_large("展开后的大小异常", "it unpacks to an abnormal size")
    if len({entry.name.lower() for entry in entries}) != len(entries):
        raise unsafe("有重名的内部部件", "two parts inside have the same name")
    _check_no_gaps(ends, start)
    return entries


def _end_record(content: bytes) -> tuple[int, int, int]:
    """Entry count, size and start of the central directory, from the record that ends the file."""
    at = content.rfind(b"PK\x05\x06", max(0, len(content) - 65_557))
    if at < 0 or len(content) - at < _END.size:
        raise damaged(content)
    _, disk, first_disk, here, count, size, start, comment = _END.unpack_from(content, at)
    if comment or at + _END.size != len(content):
        raise unsafe("文件末尾附有多余的数据", "data has been added at its end")
    if disk or first_disk or here != count or start + size != at or count == 0xFFFF:
        raise unsafe("压缩目录与文件不符", "its directory does not fit the file")
    return count, size, start


def _name(raw: bytes, flags: int) -> str:
    try:
        name = raw.decode("utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError as error:
        raise _illegal_name() from error
    if len(name) > 255 or _BAD_NAME.search(name):
        raise _illegal_name()
    return name


def _illegal_name() -> Refused:
    return unsafe("内部部件名不合法", "the name of a part inside is not legal")


def _data_start(
    content: bytes, offset: int, raw_name: bytes, method: int, claims: tuple[int, int, int], name: str
) -> int:
    """Where the packed bytes begin, once the local header is found to say what the directory says."""
    if len(content) - offset < _LOCAL.size:
        raise damaged(content)
    signature, _, flags, local_method, _, _, crc, packed, plain, n, extra = _LOCAL.unpack_from(content, offset)
    if signature != b"PK\x03\x04":
        raise damaged(content)
    start = int(offset + _LOCAL.size + n + extra)
    local_claims = (crc, packed, plain)
    if _UNKNOWN in (packed, plain):
        local_claims = (crc, *_wide_sizes(content[start - extra : start], packed, plain))
    sizes_follow = flags & _SIZES_FOLLOW and local_claims == (0, 0, 0)
    if (
        content[offset + _LOCAL.size : offset + _LOCAL.size + n] != raw_name
        or local_method != method
        or flags & _ENCRYPTED
        or not (local_claims == claims or sizes_follow)
    ):
        raise unsafe(f"“{name}”的两处声明不一致", f"“{name}” is described in two different ways")
    return start


def _wide_sizes(extra: bytes, packed: int, plain: int) -> tuple[int, int]:
    """The packed and plain size from a ZIP64 field, which writers that stream reserve in advance."""
    while len(extra) >= 4:
        tag, length = struct.unpack_from("<HH", extra)
        if tag == 1 and length >= 16 and len(extra) >= 20:
            plain, packed = struct.unpack_from("<QQ", extra, 4)
            return packed, plain
        extra = extra[4 + length :]
    return packed, plain


def _check_no_gaps(records: list[tuple[int, int, int]], directory: int) -> None:
    """Every byte before the directory belongs to one record; only a size descriptor may stand between two."""
    records.sort()
    if records and records[0][0] != 0:
        raise unsafe("文件开头附有多余的数据", "data stands before its first part")
    for (_, end, sizes_follow), (begin, _, _) in pairwise([*records, (directory, directory, 0)]):
        if begin - end not in ((0, *_DESCRIPTORS) if sizes_follow else (0,)):
            raise unsafe("内部部件互相重叠或留有空隙", "parts inside overlap or leave a gap")
