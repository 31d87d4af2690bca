"""Compound (OLE) files: the old .xls, broken ones, and encrypted workbooks; and plain noise."""

import random
import struct
from functools import cache
from io import BytesIO

from tests.archives import book
from tests.hostile.kinds import OLE_MAGIC, READ, Hostile

_NONE, _END = 0xFFFFFFFF, 0xFFFFFFFE


def compound_files() -> list[Hostile]:
    old, locked = "old-file-format", "encrypted"
    return [
        Hostile("an .xls in a circle", "too-large", lambda: _ole(chain=(3, 2), size=0x7FFFFFFF), old),
        Hostile("an .xls in a small circle", "damaged", lambda: _ole(chain=(3, 2), size=5_000), old),
        Hostile("an .xls longer than its sectors", "damaged", lambda: _ole(chain=(3, _END), size=9_000), old),
        Hostile("an .xls beyond its end", "damaged", lambda: _ole(chain=(77, _END), size=5_000), old),
        Hostile("an .xls of four billion tables", "damaged", lambda: _ole(tables=0xFFFFFFF0), old),
        Hostile("an .xls of four billion more tables", "damaged", lambda: _ole(more_tables=0xFFFFFFF0), old),
        Hostile("an .xls of noise", "damaged", lambda: OLE_MAGIC + random.Random(7).randbytes(4_000)),
        Hostile("a workbook with a password", "encrypted", lambda: _encrypted("secret")),
        Hostile("a workbook with Excel's default password", READ, lambda: _encrypted("VelvetSweatshop"), locked),
        Hostile("a password that costs a million rounds", "costly-password", _costly_password, locked),
        Hostile("a password with entities", "damaged", _password_with_entities, locked),
        Hostile("noise", "not-a-workbook", lambda: random.Random(8).randbytes(4_000)),
    ]


def _ole(*, chain: tuple[int, int] = (_END, _END), size: int = 1_024, tables: int = 1, more_tables: int = 0) -> bytes:
    """A compound file of one stream "Workbook" in sectors 2 and 3, whose *chain* may run in a circle."""
    header = struct.pack("<8s16s5H6x", OLE_MAGIC, b"", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, tables, 1, 0, 4_096, _END, 0, _END, more_tables)
    header += struct.pack("<109I", 0, *[_NONE] * 108)
    table = struct.pack("<128I", 0xFFFFFFFD, _END, *chain, *[_NONE] * 124)
    directory = b"".join(
        name.encode("utf-16-le").ljust(64, b"\0")
        + struct.pack("<HBB3I36xIQ", 2 * len(name) + 2, kind, 1, _NONE, _NONE, child, start, length)
        for name, kind, child, start, length in (("Root Entry", 5, 1, _END, 0), ("Workbook", 2, _NONE, 2, size))
    )
    return header + table + directory.ljust(512, b"\0") + bytes(1_024)


@cache
def _encrypted(password: str) -> bytes:
    """The good workbook behind *password*, as Excel encrypts; the library loses packages below 4 KB."""
    from msoffcrypto.format.ooxml import OOXMLFile

    out = BytesIO()
    padded = book({"xl/media/image1.png": random.Random(9).randbytes(6_000)})
    OOXMLFile(BytesIO(padded)).encrypt(password, out)
    return out.getvalue()


def _costly_password() -> bytes:
    return _encrypted("secret").replace(b'spinCount="100000"', b'spinCount="999999"')


def _password_with_entities() -> bytes:
    return _encrypted("secret").replace(b"<encryption ", b"<!--x--><enc", 1)
