"""Compound (OLE) files: the old .xls, broken ones, and encrypted workbooks; and plain noise."""

import random
import struct
from functools import cache
from io import BytesIO

from tests.hostile.kinds import OLE_MAGIC, Hostile, good

_NONE, _END = 0xFFFFFFFF, 0xFFFFFFFE


def compound_files() -> list[Hostile]:
    return [
        Hostile("an .xls in a circle", "old-file-format", lambda: _ole(chain=(3, 2), size=0x7FFFFFFF)),
        Hostile("an .xls of four billion tables", "old-file-format", lambda: _ole(tables=0xFFFFFFF0)),
        Hostile("an .xls of four billion more tables", "old-file-format", lambda: _ole(more_tables=0xFFFFFFF0)),
        Hostile("an .xls of noise", "damaged", lambda: OLE_MAGIC + random.Random(7).randbytes(4_000)),
        Hostile("a workbook with a password", "encrypted", lambda: _encrypted("secret")),
        Hostile("a workbook with Excel's default password", "encrypted", lambda: _encrypted("VelvetSweatshop")),
        Hostile("a password that costs a million rounds", "encrypted", _costly_password),
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
    """The good workbook behind *password*, as Excel encrypts."""
    from msoffcrypto.format.ooxml import OOXMLFile

    out = BytesIO()
    OOXMLFile(BytesIO(good())).encrypt(password, out)
    return out.getvalue()


def _costly_password() -> bytes:
    return _encrypted("secret").replace(b'spinCount="100000"', b'spinCount="999999"')
