"""What a file is that is no .xlsx, told by its content; extensions say nothing."""

import re
from collections.abc import Iterable

from workbooks.finding_codes import FindingCode
from workbooks.refusal import Refused, damaged, refuse

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# BIFF2 to BIFF4 workbooks are bare streams that begin with their BOF record.
_OLD_BIFF = re.compile(rb"\x09[\x00\x02\x04\x08][\x04\x06\x08\x10]\x00")
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|meta|table|div|script|style)\b|^mime-version:", re.IGNORECASE)

_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "PDF 文件", "a PDF file"),
    (b"\x89PNG\r\n", "PNG 图片", "a PNG picture"),
    (b"\xff\xd8\xff", "JPEG 图片", "a JPEG picture"),
    (b"GIF8", "GIF 图片", "a GIF picture"),
    (b"BM", "BMP 图片", "a BMP picture"),
    (b"II*\x00", "TIFF 图片", "a TIFF picture"),
    (b"MM\x00*", "TIFF 图片", "a TIFF picture"),
    (b"Rar!\x1a\x07", "RAR 压缩包", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "7z 压缩包", "a 7z archive"),
    (b"\x1f\x8b", "gzip 压缩包", "a gzip archive"),
    (b"{\\rtf", "RTF 文档", "an RTF document"),
    (b"MZ", "Windows 程序", "a Windows program"),
    (b"\x7fELF", "Linux 程序", "a Linux program"),
    (b"%TSD-Header-###%", "经公司加密软件加密的文件(需先解密外发)", "a file locked by a document security agent"),
)
# Names of streams in an OLE file, which it holds as UTF-16.
_STREAMS: tuple[tuple[str, str, str], ...] = (
    ("WordDocument", "Word 文档", "a Word document"),
    ("PowerPoint Document", "PowerPoint 演示文稿", "a PowerPoint presentation"),
    ("__properties_version1.0", "Outlook 邮件", "an Outlook message"),
    ("VisioDocument", "Visio 图", "a Visio drawing"),
)
_TEXT_CONTROLS = bytes(set(range(32)) - {9, 10, 12, 13, 27})


def recognise(content: bytes) -> Refused:
    """The refusal for *content*, which does not begin like a ZIP archive and is not empty."""
    if content.startswith(_OLE):
        return _ole(content)
    if _OLD_BIFF.match(content):
        return refuse(FindingCode.OLD_FILE_FORMAT)
    head = content[:4096]
    if b"E-SafeNet" in head:
        return not_a_workbook("经公司加密软件加密的文件(需先解密外发)", "a file locked by a document security agent")
    for magic, zh, en in _MAGIC:
        if content.startswith(magic) and not (magic == b"BM" and not _is_bitmap(content)):
            return not_a_workbook(zh, en)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return not_a_workbook("WebP 图片", "a WebP picture")
    if len(content) == 165 and content[0] < 55:
        return not_a_workbook(
            "打开工作簿时产生的临时文件(~$ 开头)", "the lock file (~$…) that Excel keeps beside an open workbook"
        )
    text = _text(content[: 1 << 16])
    return refuse(FindingCode.NOT_A_WORKBOOK) if text is None else _of_text(text)


def not_a_workbook(zh: str, en: str) -> Refused:
    """A refusal that names what the file is instead."""
    return refuse(FindingCode.NOT_A_WORKBOOK, f"，而是{zh}", f" but {en}")


def _ole(content: bytes) -> Refused:
    """
    An OLE file by the names of its streams.

    The names are searched for as bytes: a directory that a hostile file has tied into a
    loop is never followed.
    """

    def holds(stream: str) -> bool:
        return stream.encode("utf-16-le") in content

    if holds("EncryptedPackage") or holds("EncryptionInfo"):
        return refuse(FindingCode.ENCRYPTED)
    if holds("Workbook\0") or holds("Book\0"):
        return refuse(FindingCode.OLD_FILE_FORMAT)
    return of_streams(stream for stream, *_ in _STREAMS if holds(stream)) or damaged(content)


def of_streams(streams: Iterable[str]) -> Refused | None:
    """The refusal for an OLE file with these streams; None when they say nothing."""
    found = set(streams)
    return next((not_a_workbook(zh, en) for stream, zh, en in _STREAMS if stream in found), None)


def _is_bitmap(content: bytes) -> bool:
    return len(content) > 26 and int.from_bytes(content[2:6], "little") == len(content)


def _text(head: bytes) -> str | None:
    """The beginning of a text file in one of the usual encodings; None if it is no text."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head.decode("utf-16", "replace")
    if head.translate(None, _TEXT_CONTROLS) != head:
        return None
    # A cut at the end of *head* may split one character: the last three bytes are not asked.
    for encoding in ("utf-8-sig", "gb18030"):
        for cut in range(4):
            try:
                return head[: len(head) - cut].decode(encoding)
            except UnicodeDecodeError:
                continue
    return None


def _of_text(text: str) -> Refused:
    head = text.lstrip().encode()
    if b"urn:schemas-microsoft-com:office:spreadsheet" in head and not head[:6].lower().startswith(b"<html"):
        return refuse(FindingCode.XML_AS_WORKBOOK)
    if b"opendocument.spreadsheet" in head[:2048]:
        return refuse(FindingCode.OPEN_DOCUMENT)
    if _HTML.search(head[:4096]):
        return refuse(FindingCode.HTML_AS_WORKBOOK)
    if head.startswith(b"<?xml"):
        return not_a_workbook("XML 文件", "an XML file")
    return refuse(FindingCode.TEXT_AS_WORKBOOK)
