"""Messages as the programs of Chinese offices write them, byte for byte; no library composes them."""

import base64
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from zlib import crc32

from tests.archives import STRINGS, archive, book, member, strings

OCTETS = b"application/octet-stream"
XLSX = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)
HEADERS = (
    b"Return-Path: <station1@test.local>",
    b"From: =?gb18030?B?" + base64.b64encode("上海站".encode("gb18030")) + b"?= <Station1@Test.local>",
    b"To: forms@test.local",
    b"Subject: =?GB2312?B?" + base64.b64encode("11月索赔".encode("gbk")) + b"?=",
    b"Date: Sat, 21 Nov 2026 10:00:00 +0800 (CST)",
    b"Message-ID: <20261121100000@test.local>",
    b"X-Mailer: Foxmail 7.2.25.254[cn]",
    b"MIME-Version: 1.0",
)
TEXT = (b'Content-Type: text/plain; charset="GB2312"\r\nContent-Transfer-Encoding: base64\r\n\r\n') + base64.b64encode(
    "请查收附件。".encode("gbk")
)

NAME = "售后索赔单（朱镕基）2026年.xlsx"  # 镕 is in GBK but not in GB 2312
LONG = "华东大区上海第一汽车特约售后服务站2026年十一月份三包索赔申请明细汇总表（第二次修改最终版）.xlsx"


def workbook(order: str = "W001") -> bytes:
    """A small workbook; another *order*, other bytes."""
    return book({STRINGS: strings("工单号", order)})


BOOK = workbook()


def word(text: str, label: str, codec: str) -> bytes:
    """An encoded word; *label* need not be true."""
    return b"=?" + label.encode() + b"?B?" + base64.b64encode(text.encode(codec)) + b"?="


def escaped(text: str, codec: str) -> bytes:
    return quote(text.encode(codec), safe="").encode()


def part(content_type: bytes, content: bytes, *headers: bytes) -> bytes:
    """A part in base64."""
    lines = [b"Content-Type: " + content_type, b"Content-Transfer-Encoding: base64", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + base64.encodebytes(content).replace(b"\n", b"\r\n")


def attached(name: str, content: bytes = BOOK, *headers: bytes, kind: bytes = OCTETS) -> bytes:
    """A part as most programs attach a file today."""
    disposition = b"Content-Disposition: attachment; filename*=UTF-8''" + escaped(name, "utf-8")
    return part(kind, content, disposition, *headers)


def multipart(pieces: Iterable[bytes], kind: bytes = b"mixed", boundary: bytes = b"") -> bytes:
    """Headers and body of a multipart; no two have the same delimiter unless asked to."""
    pieces = list(pieces)
    boundary = boundary or b"----=_%08x_Next" % crc32(b"".join(pieces))
    head = b"Content-Type: multipart/" + kind + b'; boundary="' + boundary + b'"\r\n\r\n'
    lines = b"".join(b"--" + boundary + b"\r\n" + piece + b"\r\n" for piece in pieces)
    return head + lines + b"--" + boundary + b"--\r\n"


def letter(*pieces: bytes, headers: Sequence[bytes] = HEADERS, more: Sequence[bytes] = ()) -> bytes:
    """A message of a short text and *pieces*."""
    return b"\r\n".join([*headers, *more]) + b"\r\n" + multipart([TEXT, *pieces])


@dataclass(frozen=True, kw_only=True)
class Named:
    """A way in which mail programs name attachments; *want* is empty when the name was never sent."""

    what: str
    want: str
    content_type: bytes
    disposition: bytes | None

    def part(self) -> bytes:
        return part(self.content_type, BOOK, *([self.disposition] if self.disposition else []))


def _twice(what: str, want: str, name: bytes) -> Named:
    """Named alike in both headers, in quotes."""
    return Named(
        what=what,
        want=want,
        content_type=OCTETS + b';\r\n\tname="' + name + b'"',
        disposition=b'Content-Disposition: attachment;\r\n\tfilename="' + name + b'"',
    )


def _split(text: str, codec: str, size: int) -> list[bytes]:
    raw = text.encode(codec)
    return [raw[start : start + size] for start in range(0, len(raw), size)]


def _pieces(text: str, codec: str, size: int) -> bytes:
    """RFC 2231 in pieces, cut wherever *size* falls."""
    raw = escaped(text, codec)
    cut = [raw[start : start + size] for start in range(0, len(raw), size)]
    first = codec.encode() + b"''"
    return b"".join(
        b";\r\n filename*%d*=%s" % (number, (b"" if number else first) + piece) for number, piece in enumerate(cut)
    )


_UTF8_WORD = word(NAME, "UTF-8", "utf-8")
_GBK_WORD = word(NAME, "gb2312", "gbk")
_EXTENDED = b"UTF-8''" + escaped(NAME, "utf-8")

NAMED = (
    _twice("Foxmail: labelled gb2312, bytes of GBK", NAME, _GBK_WORD),
    Named(
        what="QQ mail: charset parameter before the name",
        want=NAME,
        content_type=OCTETS + b';\r\n\tcharset="gb18030";\r\n\tname="' + word(NAME, "gb18030", "gb18030") + b'"',
        disposition=b'Content-Disposition: attachment; filename="' + word(NAME, "gb18030", "gb18030") + b'"',
    ),
    _twice(
        "Outlook: several words on folded lines",
        LONG,
        b"\r\n ".join(word(LONG[start : start + 14], "gb2312", "gbk") for start in range(0, len(LONG), 14)),
    ),
    _twice(
        "a character split over two words",
        LONG,
        b"\r\n ".join(b"=?GBK?B?" + base64.b64encode(piece) + b"?=" for piece in _split(LONG, "gbk", 31)),
    ),
    Named(
        what="RFC 2231 in GBK",
        want=NAME,
        content_type=XLSX,
        disposition=b"Content-Disposition: attachment;\r\n filename*=GBK''" + escaped(NAME, "gbk"),
    ),
    *(
        Named(
            what=f"RFC 2231 in pieces of {size}",
            want=LONG,
            content_type=XLSX,
            disposition=b"Content-Disposition: attachment" + _pieces(LONG, "gb18030", size),
        )
        for size in (1, 2, 7, 45)  # cut inside %XX and inside characters
    ),
    _twice("raw GBK", NAME, NAME.encode("gbk")),
    _twice("raw UTF-8", NAME, NAME.encode()),
    Named(
        what="in Content-Type only",
        want=NAME,
        content_type=OCTETS + b'; name="' + word(NAME, "GBK", "gbk") + b'"',
        disposition=None,
    ),
    _twice("labelled utf-8, bytes of GBK", NAME, word(NAME, "utf-8", "gbk")),
    _twice("labelled gb2312, bytes of UTF-8", NAME, word(NAME, "gb2312", "utf-8")),
    _twice("labelled iso-8859-1, bytes of GBK", NAME, word(NAME, "iso-8859-1", "gbk")),
    _twice("labelled x-gbk", NAME, word(NAME, "x-gbk", "gbk")),
    _twice("labelled unknown-8bit", NAME, word(NAME, "unknown-8bit", "gbk")),
    _twice("labelled with a language", NAME, word(NAME, "utf-8*zh-CN", "utf-8")),
    _twice("traditional characters in Big5", "發動機維修單.xlsx", word("發動機維修單.xlsx", "big5", "big5")),
    Named(
        what="a word without quotes",
        want=NAME,
        content_type=OCTETS + b"; name=" + _GBK_WORD,
        disposition=b"Content-Disposition: attachment; filename=" + _GBK_WORD,
    ),
    Named(
        what="Gmail and Apple: an ASCII stand-in beside RFC 2231",
        want=NAME,
        content_type=XLSX + b'; name="' + _UTF8_WORD + b'"',
        disposition=b"Content-Disposition: attachment; filename=\"__.xlsx\"; filename*=UTF-8''"
        + escaped(NAME, "utf-8"),
    ),
    Named(
        what="question marks in one header, the name in the other",
        want=NAME,
        content_type=XLSX + b'; name="' + _UTF8_WORD + b'"',
        disposition=b'Content-Disposition: attachment; filename="?????.xlsx"',
    ),
    Named(
        what="an encoded word cut into RFC 2231 pieces",
        want=NAME,
        content_type=OCTETS,
        disposition=b'Content-Disposition: attachment; filename*0="%s";\r\n filename*1="%s"'
        % (_UTF8_WORD[:40], _UTF8_WORD[40:]),
    ),
    Named(
        what="RFC 2231 without its star",
        want=NAME,
        content_type=OCTETS,
        disposition=b'Content-Disposition: attachment; filename="' + _EXTENDED + b'"',
    ),
    Named(
        what="RFC 2231 in quotes",
        want=NAME,
        content_type=OCTETS,
        disposition=b'Content-Disposition: attachment; filename*="' + _EXTENDED + b'"',
    ),
    _twice("escaped like a link", NAME, escaped(NAME, "utf-8")),
    _twice("a path", NAME, word("C:\\Users\\张三\\桌面\\..\\..\\" + NAME, "gb2312", "gbk")),
    _twice("a raw path", NAME, ("C:\\Users\\张三\\桌面\\" + NAME).encode("gbk")),
    _twice("quotes inside quotes", "上海_最终_.xlsx", '上海"最终".xlsx'.encode()),
    _twice(
        "quoted-printable GBK", NAME, b"=?GB2312?Q?" + b"".join(b"=%02X" % byte for byte in NAME.encode("gbk")) + b"?="
    ),
    _twice("no padding", NAME, _GBK_WORD.replace(b"==?=", b"?=").replace(b"=?=", b"?=")),
    _twice("a word that never ends", NAME, _GBK_WORD.removesuffix(b"?=")),
    _twice("a bidirectional override", "索赔xcod.xlsx", word("索赔\u202excod.xlsx", "utf-8", "utf-8")),
    _twice("a line break hidden in a word", "索赔 X-Evil_ 1.xlsx", word("索赔\r\nX-Evil: 1.xlsx", "utf-8", "utf-8")),
    _twice("a reserved name", "_CON.xlsx", b"CON.xlsx"),
    _twice("a semicolon in quotes", "索赔;终.xlsx", "索赔;终.xlsx".encode()),
    Named(what="no name", want="", content_type=XLSX, disposition=b"Content-Disposition: attachment"),
)


def zipped(*files: tuple[bytes, bytes]) -> bytes:
    """A ZIP archive whose names are these bytes, without the mark for UTF-8: WinRAR and 360 write GBK so."""
    stand_ins = [f"@{number}".ljust(len(name), "@") for number, (name, _) in enumerate(files)]
    raw = archive(member(stand_in, content) for stand_in, (_, content) in zip(stand_ins, files, strict=True))
    for stand_in, (name, _) in zip(stand_ins, files, strict=True):
        raw = raw.replace(stand_in.encode(), name)
    return raw


def winmail(
    *files: tuple[bytes, bytes], long_names: Sequence[str] = (), code_page: int = 936, subject: bytes = b""
) -> bytes:
    """A winmail.dat with (title, content) of each file, its titles as raw bytes like Outlook writes them."""
    out = [struct.pack("<IH", 0x223E9F78, 1), _tnef(1, 0x00069007, struct.pack("<II", code_page, 0))]
    if subject:
        out.append(_tnef(1, 0x00018004, subject + b"\0"))
    for number, (title, content) in enumerate(files):
        out += [_tnef(2, 0x00069002, bytes(14)), _tnef(2, 0x00018010, title + b"\0"), _tnef(2, 0x0006800F, content)]
        if number < len(long_names):
            name = long_names[number].encode("utf-16-le") + b"\0\0"
            padding = bytes(-len(name) % 4)
            out.append(_tnef(2, 0x00069005, struct.pack("<IHHII", 1, 0x1F, 0x3707, 1, len(name)) + name + padding))
    return b"".join(out)


def _tnef(level: int, attribute: int, content: bytes) -> bytes:
    return struct.pack("<BII", level, attribute, len(content)) + content + struct.pack("<H", sum(content) & 0xFFFF)
