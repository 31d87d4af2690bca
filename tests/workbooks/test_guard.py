"""What the guard lets pass, what it refuses, and what it says."""

import struct
import zipfile
from dataclasses import replace
from io import BytesIO

import pytest

from tests.archives import MAIN, SHEET, STRINGS, WORKBOOK, archive, book, member, parts, sheet, strings, workbook
from tests.hostile import ALL, READ, Hostile, good
from workbooks.finding_codes import FindingCode
from workbooks.guard import Inspection, Limits, Refused, inspect


def refusal(content: bytes, limits: Limits = Limits()) -> Refused:  # noqa: B008 - frozen
    with pytest.raises(Refused) as caught:
        inspect(content, limits)
    return caught.value


def slug(content: bytes, limits: Limits = Limits()) -> str:  # noqa: B008 - frozen
    return refusal(content, limits).finding.slug


def written(**options: bool) -> bytes:
    """The small workbook as Python's own zipfile writes it."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts().items():
            with target.open(name, "w", **options) as part:
                part.write(content.encode() if isinstance(content, str) else content)
    return out.getvalue()


class Unseekable(BytesIO):
    """A stream such as a web response: sizes can only be written behind the data."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise OSError("unseekable")

    def tell(self) -> int:
        raise OSError("unseekable")


def test_an_ordinary_workbook_passes():
    """What people send every day is not held up."""
    inspection = inspect(good())

    assert [(sheet.title, sheet.part) for sheet in inspection.sheets] == [("工单", SHEET)]
    assert inspection.flags == frozenset()
    assert b"W001" in inspection.parts[STRINGS]


@pytest.mark.parametrize(
    "kind",
    [kind for kind in ALL if kind.guarded or kind.outcome not in (READ, "odd", "damaged")],
    ids=lambda kind: kind.name,
)
def test_every_refusal_speaks_both_languages(kind: Hostile):
    """No hole of a text stays open, whatever the detail."""
    finding = refusal(kind.content()).finding

    assert finding.slug == (kind.guarded or kind.outcome)
    for language in ("zh", "en"):
        assert "{" not in finding.message(language)


def test_sizes_written_behind_the_data_are_fine():
    """Writers that stream do not know a size before they have written it."""
    stream = Unseekable()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts().items():
            target.writestr(name, content)

    assert inspect(stream.getvalue()).sheets


def test_sizes_reserved_for_large_files_are_fine():
    """Some writers reserve 64-bit sizes before they know that small ones do."""
    assert inspect(written(force_zip64=True)).sheets


def test_bytes_between_two_parts_are_refused():
    """What stands in a gap, one program sees and another does not."""
    content = good()
    first = content.index(b"PK\x03\x04", 4)
    moved = bytearray(content[:first] + b"hidden" + content[first:])
    end = len(moved) - 22
    start = struct.unpack_from("<I", moved, end + 16)[0] + 6
    struct.pack_into("<I", moved, end + 16, start)
    position = start
    for number in range(len(parts())):
        offset = struct.unpack_from("<I", moved, position + 42)[0]
        struct.pack_into("<I", moved, position + 42, offset + (6 if number else 0))
        position += 46 + sum(struct.unpack_from("<HHH", moved, position + 28))

    assert slug(bytes(moved)) == "unsafe"


def test_a_comment_behind_the_archive_is_refused():
    """It is the classic place to hide a second archive."""
    content = bytearray(good() + b"hello")
    struct.pack_into("<H", content, len(content) - 5 - 2, 5)

    assert slug(bytes(content)) == "unsafe"


def test_a_changed_byte_is_damage_with_a_support_code():
    """A transmission error is told from an attack, and the administrator can find the file."""
    content = bytearray(archive(member(name, text, method=0) for name, text in parts().items()))
    at = content.index(b"W001")
    content[at] ^= 1
    finding = refusal(bytes(content)).finding

    assert finding.code is FindingCode.DAMAGED
    assert len(finding.context["support"]) == 8


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"Rar!\x1a\x07\x01\0", "RAR"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        (b"\x05User" + b" " * 160, "~$"),
        (b"\x62\x14\x23\x65\0E-SafeNet\0LOCK" + bytes(99), "加密"),
        (b'<?xml version="1.0"?><feed/>', "XML"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "Word"),
    ],
)
def test_a_file_that_is_something_else_is_named(content: bytes, outcome: str):
    """The sender learns what the file is, not only what it is not."""
    finding = refusal(content).finding

    assert finding.code is FindingCode.NOT_A_WORKBOOK
    assert outcome in finding.what("zh")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\x09\x08\x10\x00\x00\x06\x05\x00", FindingCode.OLD_FILE_FORMAT),
        ("工单号\t金额\r\n".encode("utf-16"), FindingCode.TEXT_AS_WORKBOOK),
        (b'{"order": "W001"}', FindingCode.TEXT_AS_WORKBOOK),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n<html", FindingCode.HTML_AS_WORKBOOK),
        (b"\xef\xbb\xbf\n <TABLE><tr><td>1</td></tr></TABLE>", FindingCode.HTML_AS_WORKBOOK),
        (b"\x00\x01\x02\x03", FindingCode.NOT_A_WORKBOOK),
    ],
)
def test_a_file_is_told_by_its_content(content: bytes, code: FindingCode):
    """Extensions say nothing: Chinese web systems export pages and texts as .xls."""
    assert refusal(content).finding.code is code


@pytest.mark.parametrize(
    ("members", "code", "named"),
    [
        ({"word/document.xml": "<w/>"}, FindingCode.NOT_A_WORKBOOK, "Word"),
        ({"ppt/presentation.xml": "<p/>"}, FindingCode.NOT_A_WORKBOOK, "PowerPoint"),
        ({"xl/workbook.bin": "x"}, FindingCode.BINARY_WORKBOOK, ""),
        ({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}, FindingCode.OPEN_DOCUMENT, ""),
        ({"mimetype": "application/vnd.oasis.opendocument.text"}, FindingCode.NOT_A_WORKBOOK, "OpenDocument"),
        ({"三月.xlsx": "x"}, FindingCode.NOT_A_WORKBOOK, "解压"),
        ({"readme.txt": "x"}, FindingCode.NOT_A_WORKBOOK, "ZIP"),
    ],
)
def test_an_archive_that_is_something_else_is_named(members: dict[str, str], code: FindingCode, named: str):
    """A .docx, an .xlsb, an .ods or a folder of workbooks is not called damaged."""
    finding = refusal(archive(member(name, content) for name, content in members.items())).finding

    assert finding.code is code
    assert named in finding.what("zh")


@pytest.mark.parametrize(
    ("limits", "outcome"),
    [
        ({"upload": 1_000}, "too-large"),
        ({"part": 300}, "too-large"),
        ({"total": 2_000}, "too-large"),
        ({"entries": 6}, "too-large"),
        ({"ratio": 1, "ratio_from": 1_000}, "too-large"),
        ({"sheets": 0}, "too-large"),
        ({"names": 2}, "too-large"),
        ({"tag": 60}, "unsafe"),
    ],
)
def test_each_limit_holds(limits: dict[str, int], outcome: str):
    """A site may set them lower than they are."""
    assert slug(good(), replace(Limits(), **limits)) == outcome


@pytest.mark.parametrize("limit", [{"rows": 1_500}, {"columns": 700}, {"dense": 1_000_000}])
def test_limits_of_a_sheet_hold(limit: dict[str, int]):
    """They count the rectangle that holds all filled cells."""
    content = book({SHEET: sheet('<row r="1600"><c r="AAA1600" t="s"><v>1</v></c></row>')})

    assert inspect(content).sheets
    assert slug(content, replace(Limits(), **limit)) == "too-large"


def test_formatted_but_empty_cells_do_not_count():
    """People format whole columns; nothing is read from there."""
    assert inspect(book({SHEET: sheet('<row r="1048576"><c r="XFD1048576" s="1"/></row>')})).sheets


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        ('<row><c t="s"><v>1</v></c></row>', None),
        ('<row r="7"><c s="1" r="B7"><v>1</v></c></row>', None),
        ("<row r='7'><c r='B7'><v>1</v></c></row>", None),
        ('<row\nr="7"><c\nr="B7"><v>1</v></c></row>', None),
        ("<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>", "too-large"),
        ('<row r="9"><c s="1" r="XFE9"><v>1</v></c></row>', "unsafe"),
        ('<row r="9"><c r="$B$9x"><v>1</v></c></row>', "unsafe"),
        ('<row r="9"><c r="B9"><v>1</v></row>', None),
    ],
)
def test_unusual_spellings_are_measured_too(rows: str, outcome: str | None):
    """A cell cannot hide its place behind another order of attributes, other quotes or none at all."""
    content = book({SHEET: sheet(rows)})

    if outcome is None:
        assert inspect(content).sheets
    else:
        assert slug(content) == outcome


def test_prefixed_sheets_are_measured_too():
    """The Open XML SDK writes <x:row>; readers look past the prefix, so must we."""
    far = '<x:row r="1048576"><x:c r="XFD1048576"><x:v>1</x:v></x:c></x:row>'
    prefixed = f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>{{}}</x:sheetData></x:worksheet>'

    assert inspect(book({SHEET: prefixed.format('<x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row>')})).sheets
    assert slug(book({SHEET: prefixed.format(far)})) == "too-large"


def test_a_hidden_sheet_is_looked_over_before_it_is_parsed():
    """Its size costs nothing as long as nobody reads it."""
    tabs = '<sheet name="工单" sheetId="1" r:id="rId1"/><sheet name="表" sheetId="2" state="hidden" r:id="rId8"/>'
    far = sheet('<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>')
    content = book(
        {WORKBOOK: workbook(tabs), "xl/worksheets/sheet2.xml": far}, ("rId8", "worksheet", "worksheets/sheet2.xml")
    )
    inspection: Inspection = inspect(content)

    assert b"A2" in inspection.sheet("工单")
    with pytest.raises(Refused):
        inspection.sheet("表")
    with pytest.raises(KeyError):
        inspection.sheet("另一张")


def test_cdata_is_refused_where_readers_disagree():
    """Excel shows it, the reading library skips it."""
    assert slug(book({SHEET: sheet('<row r="2"><c r="A2" t="str"><v><![CDATA[W002]]></v></c></row>')})) == "unsafe"


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("macros in an .xlsx", {"macro"}),
        ("macros in an .xlsm", {"macro"}),
        ("a link to a workbook on a share", {"external", "extrel"}),
        ("a query that runs on opening", {"connections"}),
        ("a picture on the web", {"extrel"}),
        ("an archive in an archive", {"ole"}),
        ("texts that look like commands", set()),
    ],
)
def test_active_content_that_is_let_in_is_flagged(name: str, flags: set[str]):
    """It is data to us; the submission remembers what came with it."""
    content = next(kind.content() for kind in ALL if kind.name == name)

    assert inspect(content).flags == flags


@pytest.mark.parametrize(
    "part", ["xl/activeX/activeX1.xml", "xl/webextensions/webextension1.xml", "xl/MacroSheets/intl.xml"]
)
def test_active_content_no_form_needs_is_refused(part: str):
    """The finding names it, so that the sender knows what to remove."""
    finding = refusal(book({part: "<x/>"})).finding

    assert finding.code is FindingCode.ACTIVE_CONTENT


@pytest.mark.parametrize(
    ("formula", "refused"),
    [
        ("cmd|'/c calc'!A0", True),
        ("IF(A1=&quot;|&quot;,MSEXCEL|'\\..\\x'!A1,0)", True),
        ("A1&amp;&quot;|&quot;&amp;B1", False),
        ('A1&amp;"|"&amp;B1', False),
        ("HYPERLINK(&quot;http://127.0.0.1&quot;)", False),
    ],
)
def test_a_formula_that_starts_a_program_is_told_from_a_bar_in_a_text(formula: str, refused: bool):
    """People join texts with a bar; outside quotes only DDE has one."""
    cell = f'<row r="2"><c r="A2" t="str"><f>{formula}</f><v>1</v></c></row>'
    content = book({SHEET: sheet(cell)})

    if refused:
        assert slug(content) == "active-content"
    else:
        assert inspect(content).sheets


def test_a_name_that_starts_a_program_is_refused():
    """Formulas stand behind names as well as in cells."""
    names = "<definedName name=\"x\">cmd|'/c calc'!A0</definedName>"

    assert slug(book({WORKBOOK: workbook(names=names)})) == "active-content"


def test_a_hyperlink_is_no_active_content():
    """It waits for a click; forms are full of e-mail addresses."""
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink" '
        'Target="mailto:a@example.com" TargetMode="External"/></Relationships>'
    )

    assert inspect(book({"xl/worksheets/_rels/sheet1.xml.rels": relation})).flags == frozenset()


def test_long_texts_are_fine_and_endless_ones_are_not():
    """A cell holds 32,767 characters; nothing legitimate comes near 8 MiB."""
    assert inspect(book({STRINGS: strings("工单号", "W001" * 8_000)})).sheets
    assert slug(book({STRINGS: strings("工单号", "W" * (9 << 20))})) == "unsafe"
