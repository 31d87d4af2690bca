"""A small workbook as parts, and a ZIP writer that does whatever it is told, truth or not."""

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
WORKBOOK = "xl/workbook.xml"
WORKBOOK_RELATIONS = "xl/_rels/workbook.xml.rels"
STYLES = "xl/styles.xml"
TYPES = "[Content_Types].xml"
_SPACES = f'xmlns="{MAIN}" xmlns:r="{OFFICE}"'

# The workbook of these parts is a form "probe" with one field, "order", whose answer is W001.
ROWS = '<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2"><c r="A2" t="s"><v>1</v></c></row>'
NAMES = (
    '<definedName name="AS__form_id" hidden="1">"probe"</definedName>'
    '<definedName name="AS__version" hidden="1">"1"</definedName>'
    "<definedName name=\"AS_order\">'工单'!$A$2</definedName>"
)


def sheet(rows: str = ROWS, *, before: str = "", after: str = "") -> str:
    return f"{XML}<worksheet {_SPACES}>{before}<sheetData>{rows}</sheetData>{after}</worksheet>"


def strings(*texts: str, head: str = "") -> str:
    items = "".join(f'<si><t xml:space="preserve">{text}</t></si>' for text in texts)
    return f"{XML}{head}<sst {_SPACES}>{items}</sst>"


def workbook(sheets: str = '<sheet name="工单" sheetId="1" r:id="rId1"/>', names: str = NAMES, after: str = "") -> str:
    defined = f"<definedNames>{names}</definedNames>"
    return f"{XML}<workbook {_SPACES}><sheets>{sheets}</sheets>{after}{defined}</workbook>"


def relationships(*entries: tuple[str, ...]) -> str:
    """Each entry: id, the type's last word or whole URI, target, and "External" for one outside the package."""
    lines = ""
    for key, kind, target, *mode in entries:
        kind = kind if ":" in kind else f"{OFFICE}/{kind}"
        lines += f'<Relationship Id="{key}" Type="{kind}" Target="{target}"'
        lines += f' TargetMode="{mode[0]}"/>' if mode else "/>"
    return f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{lines}</Relationships>'


WORKBOOK_TARGETS = (
    ("rId1", "worksheet", "worksheets/sheet1.xml"),
    ("rId2", "sharedStrings", "sharedStrings.xml"),
    ("rId3", "styles", "styles.xml"),
)


def styles(formats: str = '<xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/>', numbers: str = "") -> str:
    return (
        f"{XML}<styleSheet {_SPACES}>{numbers}<fonts><font><sz val='11'/><name val='等线'/></font></fonts>"
        "<fills><fill><patternFill patternType='none'/></fill><fill><patternFill patternType='gray125'/></fill></fills>"
        f"<borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs><cellXfs>{formats}</cellXfs></styleSheet>"
    )


def content_types(*overrides: tuple[str, str], main: str = f"{SPREADSHEET}.sheet.main+xml") -> str:
    known = (
        (WORKBOOK, main),
        (SHEET, f"{SPREADSHEET}.worksheet+xml"),
        (STRINGS, f"{SPREADSHEET}.sharedStrings+xml"),
        (STYLES, f"{SPREADSHEET}.styles+xml"),
    )
    lines = "".join(f'<Override PartName="/{part}" ContentType="{kind}"/>' for part, kind in (*known, *overrides))
    return (
        f'{XML}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{lines}</Types>'
    )


def parts(changed: Mapping[str, str | bytes] | None = None, *targets: tuple[str, ...]) -> dict[str, str | bytes]:
    """The parts of the small workbook, some *changed* or added; more *targets* for its relationships."""
    return {
        TYPES: content_types(),
        "_rels/.rels": relationships(("rId1", "officeDocument", WORKBOOK)),
        WORKBOOK: workbook(),
        WORKBOOK_RELATIONS: relationships(*WORKBOOK_TARGETS, *targets),
        STYLES: styles(),
        STRINGS: strings("工单号", "W001"),
        SHEET: sheet(),
    } | dict(changed or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry as both of its headers describe it; *local_name* and *at* make them disagree."""

    name: str
    packed: bytes
    size: int
    crc: int
    method: int = 8
    flags: int = 0
    local_name: str | None = None
    at: str | None = None  # name of another member, whose local record this one points to


def member(name: str, content: str | bytes, method: int = 8) -> Member:
    """A truthful entry."""
    data = content.encode() if isinstance(content, str) else content
    return Member(
        name=name, packed=deflated(data) if method == 8 else data, size=len(data), crc=zlib.crc32(data), method=method
    )


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def repeated(name: str, head: str, unit: str, count: int, tail: str) -> Member:
    """
    An entry that inflates to *head*, *count* times *unit*, and *tail*, made without inflating it.

    A block flushed completely can be appended to itself: its bytes refer to nothing before them.
    """
    per_block = max(1, min(count, (1 << 20) // len(unit.encode())))
    blocks = count // per_block
    first, block, last = head.encode(), unit.encode() * per_block, tail.encode()

    def flushed(data: bytes, how: int) -> bytes:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(data) + packer.flush(how)

    packed = (
        flushed(first, zlib.Z_FULL_FLUSH) + flushed(block, zlib.Z_FULL_FLUSH) * blocks + flushed(last, zlib.Z_FINISH)
    )
    size = len(first) + len(block) * blocks + len(last)
    # For what is larger, nobody gets as far as comparing it.
    crc = zlib.crc32(first + block * blocks + last) if size <= 64 << 20 else 0
    return Member(name=name, packed=packed, size=size, crc=crc)


def archive(members: Iterable[Member]) -> bytes:
    """The members one after the other, then the directory."""
    out, directory, places = bytearray(), bytearray(), dict[str, int]()
    count = 0
    for one in members:
        count += 1
        name, local_name = one.name.encode(), (one.local_name or one.name).encode()
        flags = one.flags | (0 if one.name.isascii() else 0x800)
        described = (one.crc, len(one.packed), one.size)
        if one.at is None:
            places[one.name] = len(out)
            out += struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, flags, one.method, 0, 33, *described, len(local_name), 0)
            out += local_name + one.packed
        directory += struct.pack(
            "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, flags, one.method, 0, 33, *described, len(name), 0, 0, 0, 0, 0,
            places[one.at or one.name],
        ) + name  # fmt: skip
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(out), 0)
    return bytes(out + directory + end)


def book(changed: Mapping[str, str | bytes | Member] | None = None, *targets: tuple[str, ...]) -> bytes:
    """The small workbook, with parts changed or added."""
    raw = {name: content for name, content in (changed or {}).items() if not isinstance(content, Member)}
    made = {name: member(name, content) for name, content in parts(raw, *targets).items()}
    made |= {name: one for name, one in (changed or {}).items() if isinstance(one, Member)}
    return archive(made.values())


def altered(name: str, **how: object) -> bytes:
    """The small workbook with one entry described otherwise than it is."""
    members = [member(part, content) for part, content in parts().items()]
    return archive(replace(one, **how) if one.name == name else one for one in members)  # type: ignore[arg-type]
