"""What an attachment is, told by its bytes; its name only tells what the sender meant it to be."""

from enum import StrEnum

from server.intake.folder import SUFFIXES
from server.intake.mail import archives
from workbooks.finding_codes import FindingCode
from workbooks.parsing import sniff

_TNEF = b"\x78\x9f\x3e\x22"
_APPLE_DOUBLE = b"\x00\x05\x16"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PICTURES = (
    b"\x89PNG\r\n",
    b"\xff\xd8\xff",  # JPEG
    b"GIF8",
    b"II*\x00",  # TIFF, and the same on a Macintosh
    b"MM\x00*",
    b"\x01\x00\x00\x00",  # EMF
    b"\xd7\xcd\xc6\x9a",  # WMF
    b"\x00\x00\x01\x00",  # icon
)
_OUTLOOK_MESSAGE = "__properties_version1.0".encode("utf-16-le")
# Signatures, invitations and cards, which mail programs attach by themselves.
_BY_MACHINES = (".p7s", ".asc", ".sig", ".ics", ".vcf")
_OTHER_OFFICE = (".doc", ".docx", ".docm", ".ppt", ".pptx", ".wps", ".dps")
# What the guard has a finding for that helps the sender, whatever the file is called.
_WORKBOOK_CODES = frozenset({FindingCode.OLD_FILE_FORMAT, FindingCode.XML_AS_WORKBOOK, FindingCode.OPEN_DOCUMENT})
_LOCK_FILE = 165  # bytes, the first of which counts the letters of a user's name


class Kind(StrEnum):
    """What becomes of an attachment; from PICTURE on the values are reasons, as told to the sender."""

    WORKBOOK = "workbook"
    ZIP = "zip"
    WINMAIL = "winmail"
    MESSAGE = "message"
    QUIET = "quiet"  # nobody meant to send it
    PICTURE = "picture"
    RAR = "archive-rar"
    SEVEN_ZIP = "archive-7z"
    DAMAGED_ZIP = "archive-damaged"
    OUTLOOK = "outlook-message"
    OTHER = "not-a-workbook"


def kind_of(name: str, content: bytes) -> Kind:
    """
    What *content* is, which was sent as *name*.

    Anything called .xlsx or the like counts as a workbook: if it is something else, the
    finding about it says what. A workbook counts as one whatever it is called.
    """
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    meant = suffix in SUFFIXES
    if name.startswith(("~$", "._")) or content.startswith(_APPLE_DOUBLE) or suffix in _BY_MACHINES:
        return Kind.QUIET
    if not content:
        return Kind.WORKBOOK if meant else Kind.QUIET
    if len(content) == _LOCK_FILE and 0 < content[0] < 55 and suffix in ("", *SUFFIXES):
        return Kind.QUIET
    if content.startswith(_ZIP):
        found = _of_zip(content)
    elif content.startswith(_TNEF):
        found = Kind.WINMAIL
    else:
        found = _of_other(content, suffix)
    return Kind.WORKBOOK if meant and found in _NEVER_MEANT else found


_NEVER_MEANT = frozenset(Kind) - {Kind.WORKBOOK, Kind.QUIET, Kind.WINMAIL, Kind.MESSAGE}


def _of_zip(content: bytes) -> Kind:
    try:
        names = archives.member_names(content)
    except archives.ArchiveError:
        return Kind.DAMAGED_ZIP
    if archives.is_workbook(names, content):
        return Kind.WORKBOOK
    return Kind.OTHER if archives.is_other_document(names) else Kind.ZIP


def _of_other(content: bytes, suffix: str) -> Kind:
    if content.startswith(b"Rar!\x1a\x07"):
        return Kind.RAR
    if content.startswith(b"7z\xbc\xaf\x27\x1c"):
        return Kind.SEVEN_ZIP
    if content.startswith(_PICTURES) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP"):
        return Kind.PICTURE
    if suffix == ".eml":
        return Kind.MESSAGE
    code = sniff.recognise(content).finding.code
    if code in _WORKBOOK_CODES or (code is FindingCode.ENCRYPTED and suffix not in _OTHER_OFFICE):
        return Kind.WORKBOOK
    if suffix == ".msg" and _OUTLOOK_MESSAGE in content:
        return Kind.OUTLOOK
    return Kind.PICTURE if content[:2] == b"BM" and suffix == ".bmp" else Kind.OTHER
