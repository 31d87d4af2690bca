"""The compression of VBA sources, [MS-OVBA] 2.4.1: chunks of 4096 bytes with references to earlier ones."""

CHUNK = 4096
_SIGNATURE = 0b011 << 12
_COMPRESSED = 1 << 15
_SHORTEST = 3  # a copy token of two bytes pays from here on


def compress(data: bytes) -> bytes:
    """
    *data* as a CompressedContainer.

    A last chunk that does not get smaller is stored as it is and filled up with zeros, as
    the format asks; no text is such a chunk.
    """
    return b"\x01" + b"".join(_chunk(data[start : start + CHUNK]) for start in range(0, len(data), CHUNK))


def _chunk(data: bytes) -> bytes:
    body = _tokens(data)
    if len(body) >= CHUNK:
        return (_SIGNATURE | (CHUNK - 1)).to_bytes(2, "little") + data.ljust(CHUNK, b"\0")
    return (_COMPRESSED | _SIGNATURE | (len(body) - 1)).to_bytes(2, "little") + body


def _tokens(data: bytes) -> bytes:
    out = bytearray()
    seen: dict[bytes, list[int]] = {}
    at, size = 0, len(data)
    while at < size:
        flags, group = 0, bytearray()
        for bit in range(8):
            if at >= size:
                break
            offset, length = _longest(data, at, seen)
            if length >= _SHORTEST:
                flags |= 1 << bit
                length_bits = 16 - _offset_bits(at)
                group += ((offset - 1) << length_bits | (length - _SHORTEST)).to_bytes(2, "little")
            else:
                length = 1
                group.append(data[at])
            for place in range(at, at + length):
                seen.setdefault(data[place : place + _SHORTEST], []).append(place)
            at += length
        out.append(flags)
        out += group
    return bytes(out)


def _longest(data: bytes, at: int, seen: dict[bytes, list[int]]) -> tuple[int, int]:
    """(distance back, length) of the longest earlier match of what follows *at*; (0, 0) for none."""
    key = data[at : at + _SHORTEST]
    if len(key) < _SHORTEST:
        return 0, 0
    most = min(len(data) - at, (0xFFFF >> _offset_bits(at)) + _SHORTEST)
    best, found = 0, 0
    for start in reversed(seen.get(key, ())):
        length = _SHORTEST
        while length < most and data[start + length] == data[at + length]:
            length += 1
        if length > found:
            best, found = at - start, length
            if length == most:
                break
    return best, found


def _offset_bits(at: int) -> int:
    """How many bits of a copy token hold the distance, *at* so many bytes into the chunk."""
    return max(4, (at - 1).bit_length()) if at > 1 else 4
