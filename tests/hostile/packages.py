"""Archives that inflate, lie, overlap or are none."""

from tests.archives import (
    MAIN,
    SHEET,
    STRINGS,
    WORKBOOK_RELATIONS,
    WORKBOOK_TARGETS,
    XML,
    Member,
    altered,
    archive,
    book,
    member,
    parts,
    relationships,
    repeated,
    sheet,
)
from tests.hostile.kinds import HEAD, READ, TAIL, Hostile, changed, good, inflating


def bombs() -> list[Hostile]:
    items = f'{XML}<sst xmlns="{MAIN}">'
    text, cells = f"<si><t>{'Z' * 991}</t></si>", f"<row>{'<c><v>7</v></c>' * 100}</row>"
    picture = "xl/media/image1.png"
    return [
        Hostile("a sheet of 1 GiB of blanks", "too-large", inflating(SHEET, HEAD, " " * 64, 1 << 24, TAIL)),
        Hostile("400 MB of shared strings", "too-large", inflating(STRINGS, items, text, 400_000, "</sst>")),
        Hostile("20 million cells", "too-large", inflating(SHEET, HEAD, cells, 200_000, TAIL)),
        Hostile(
            "one text of 200 MB",
            "too-large",
            inflating(STRINGS, f"{items}<si><t>", "Z" * 1024, 200 << 10, "</t></si></sst>"),
        ),
        Hostile("65,000 members", "too-large", _many_members),
        Hostile("a picture of 1 GiB", "too-large", inflating(picture, "", "\0" * 1024, 1 << 20, "")),
    ]


def _many_members() -> bytes:
    extra = (Member(name=f"xl/media/{i}.bin", packed=b"", size=0, crc=0, method=0) for i in range(65_000))
    return archive([*(member(name, content) for name, content in parts().items()), *extra])


def archives() -> list[Hostile]:
    page = '<html><head><meta charset="gbk"></head><table><td>工单号</td></table></html>'
    of_2003 = '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet/></Workbook>'
    embedded = {"xl/embeddings/oleObject1.bin": archive([repeated("zeros", "", "\0" * 1024, 50 << 10, "")])}
    return [
        Hostile("both headers understate a size", "unsafe", _understated),
        Hostile("two members of one name", "unsafe", lambda: _twice(SHEET)),
        Hostile("two members of one name but for case", "unsafe", lambda: _twice("XL/Worksheets/Sheet1.XML")),
        Hostile("many directory entries for one record", "unsafe", _overlapping),
        Hostile("the local header names another part", "unsafe", lambda: altered(SHEET, local_name="xl/other.xml")),
        Hostile("a web page in front of the archive", "not-a-workbook", lambda: b"<html><body>" * 40 + good()),
        Hostile("junk behind the archive", "unsafe", lambda: good() + b"trash" * 999),
        Hostile("an upload cut off", "damaged", lambda: good()[: len(good()) * 3 // 5]),
        Hostile("nothing", "empty-file", bytes),
        Hostile("a web page named .xls", "html-as-workbook", lambda: page.encode("gbk")),
        Hostile("a GBK text named .xls", "text-as-workbook", lambda: "工单号,金额\r\nW001,99.5\r\n".encode("gbk")),
        Hostile("an XML spreadsheet of 2003", "xml-as-workbook", lambda: f'<?xml version="1.0"?>{of_2003}'.encode()),
        Hostile("names that climb out", "unsafe", changed("../../../outside.txt", "x")),
        Hostile("an absolute name", "unsafe", changed("/etc/outside", "x")),
        Hostile("names with backslashes", "unsafe", _backslashes),
        Hostile("a sheet outside the package", "unsafe", lambda: _sheet_at("../../../../etc/passwd")),
        Hostile("a sheet on the web", "unsafe", lambda: _sheet_at("http://127.0.0.1:9/sheet.xml", "External")),
        Hostile("bzip2", "unsafe", lambda: altered(SHEET, method=12)),
        Hostile("lzma", "unsafe", lambda: altered(SHEET, method=14)),
        Hostile("stored without packing", READ, _stored),
        Hostile("flagged as encrypted", "unsafe", lambda: altered(SHEET, flags=1)),
        Hostile("an archive in an archive", READ, lambda: book(embedded)),
    ]


def _understated() -> bytes:
    one = repeated(SHEET, HEAD, " " * 64, 1 << 22, TAIL)
    return book({SHEET: Member(name=SHEET, packed=one.packed, size=777, crc=one.crc)})


def _twice(name: str) -> bytes:
    other = member(name, sheet('<row r="2"><c r="A2" t="inlineStr"><is><t>another W001</t></is></c></row>'))
    return archive([*(member(part, content) for part, content in parts().items()), other])


def _overlapping() -> bytes:
    members = {name: member(name, content) for name, content in parts().items()}
    one = members[SHEET]
    shared = (
        Member(name=f"xl/media/{i}.bin", packed=one.packed, size=one.size, crc=one.crc, at=SHEET) for i in range(1_500)
    )
    return archive([*members.values(), *shared])


def _backslashes() -> bytes:
    return archive(member(name.replace("/", "\\"), content) for name, content in parts().items())


def _stored() -> bytes:
    return archive(member(name, content, method=0) for name, content in parts().items())


def _sheet_at(target: str, *mode: str) -> bytes:
    return book({WORKBOOK_RELATIONS: relationships(("rId1", "worksheet", target, *mode), *WORKBOOK_TARGETS[1:])})
