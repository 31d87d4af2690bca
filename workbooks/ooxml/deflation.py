"""Contents of parts as they are compressed and inflated: in a thread beside the caller, piece by piece."""

import io
import struct
import tempfile
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import zip_longest
from typing import BinaryIO, Self, cast

from isal import igzip, igzip_lib, igzip_threaded, isal_zlib

BROKEN = cast("tuple[type[Exception], ...]", (isal_zlib.error, igzip_lib.IsalError, EOFError, OSError))
"""What isal raises for damaged contents."""

_BLOCK = 2 << 20  # the threads hand over such pieces: enough to seldom wait for each other, little to keep
_IN_MEMORY = 48 << 20  # compressed bytes; what is more goes to a temporary file
# igzip makes and reads gzip files; a part of a ZIP archive is the same between these two.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_TRAILER = 8


class Deflated:
    """The contents of a part, compressed already: *length* bytes that stand in *file* from *start* on."""

    def __init__(self, file: BinaryIO, start: int, length: int, crc: int, size: int) -> None:
        self._file, self._start = file, start
        self.length, self.crc, self.size = length, crc, size
        weakref.finalize(self, file.close)

    @classmethod
    def of(cls, content: bytes) -> Self:
        # Level 1 of isal: a tenth of zlib's time for a file about as large.
        packed = isal_zlib.compress(content, 1, wbits=-15)
        return cls(io.BytesIO(packed), 0, len(packed), isal_zlib.crc32(content), len(content))

    def packed(self) -> Iterator[bytes]:
        """The compressed bytes, in pieces."""
        for at in range(0, self.length, _BLOCK):
            self._file.seek(self._start + at)
            yield self._file.read(min(_BLOCK, self.length - at))

    def pieces(self) -> Iterator[bytes]:
        """The contents, in pieces."""
        return inflated(self.packed(), self.crc, self.size)


class Deflation:
    """
    A part that is compressed while it is still being written, by a thread beside the writer.

    The whole part never stands in memory, and its compressed bytes only while they are few.
    `close` ends the thread when the part is given up.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (handed on by `finish`)
        self._stream = igzip_threaded.open(self._file, "wb", compresslevel=1, threads=1, block_size=_BLOCK)  # type: ignore[no-untyped-call]
        self._size = 0

    def write(self, piece: bytes) -> None:
        self._size += len(piece)
        self._stream.write(piece)

    def finish(self) -> Deflated:
        """Everything written; nothing more can be."""
        self._stream.close()
        file = cast(BinaryIO, self._file)
        end = file.seek(0, io.SEEK_END)
        file.seek(end - _TRAILER)
        crc = struct.unpack("<I", file.read(4))[0]
        return Deflated(file, len(_HEADER), end - len(_HEADER) - _TRAILER, crc, self._size)

    def close(self) -> None:
        """End the thread and forget what was written, unless it is finished."""
        if not self._stream.closed:
            self._stream.close()
            self._file.close()


def inflated(packed: Iterator[bytes], crc: int, size: int) -> Iterator[bytes]:
    """
    What *packed*, a deflated stream, holds: pieces inflated in a thread while the caller works on the one before.

    Raises one of `BROKEN` when it is damaged or is not as announced; no more than *size*
    bytes and one piece are given before.
    """
    given = 0
    source = _Gzip(packed, struct.pack("<II", crc, size & 0xFFFFFFFF))
    # Not igzip_threaded: its reader takes a thread that ended just now for the end of the file.
    stream = igzip.IGzipFile(fileobj=source, mode="rb")  # type: ignore[no-untyped-call]
    with closing(stream), ThreadPoolExecutor(1) as thread:
        coming = thread.submit(stream.read, _BLOCK)
        while piece := coming.result():
            given += len(piece)
            if given > size:
                raise EOFError("more than the directory says")
            coming = thread.submit(stream.read, _BLOCK)
            yield piece
    if given != size:
        raise EOFError("not as much as the directory says")


def alike(one: Iterator[bytes], other: Iterator[bytes]) -> bool:
    """Whether two contents given in pieces of the same size are the same."""
    return all(left == right for left, right in zip_longest(one, other))


class _Gzip(io.RawIOBase):
    """A gzip file around a deflated stream."""

    def __init__(self, packed: Iterator[bytes], trailer: bytes) -> None:
        self._packed, self._trailer = packed, trailer
        self._piece = memoryview(_HEADER)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._piece:
            self._piece = memoryview(next(self._packed, b""))
            if not self._piece:
                self._piece, self._trailer = memoryview(self._trailer), b""
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count
