"""VBA projects of our own making, read back by code that is not ours (oletools, olefile, the Open XML SDK)."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import olefile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.demo import demo_master
from tests.validity import assert_valid
from workbooks.check import check
from workbooks.form import Language, Text
from workbooks.library import library
from workbooks.macros import PROJECT, has_macros, sources, with_macros
from workbooks.package import RELATION_NS, Package
from workbooks.reader import read
from workbooks.receipt import Mark, mark
from workbooks.template import build_template
from workbooks.vba.compound import CompoundError, compound_file
from workbooks.vba.compression import CHUNK, compress
from workbooks.vba.project import SourceError, document_module, standard_module, vba_project
from workbooks.vba.texts import TEXTS

STUBS = Path(__file__).parents[2] / "vba_stubs"
MASTER = demo_master(until=date(2026, 11, 20))
KEYWORDS = frozenset({"close", "get", "input", "let", "line", "load", "lock", "name", "open", "print", "put", "unlock"})


@pytest.fixture(scope="module")
def olevba() -> Any:
    """oletools; importing it warns of what it itself depends on."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import oletools.olevba as module
    return module


def blank(form_id: str = "trip_loan", language: Language = "zh") -> bytes:
    return build_template(library()[form_id], language=language, master=MASTER, instance_id="macros")


def marked(content: bytes) -> bytes:
    """The copy a sender gets back: every finding of an empty form noted at its cell."""
    filled = read(content, library())
    definition = library()[filled.identity.form_id or ""]
    findings = check(definition, filled, master=MASTER).findings
    assert findings
    state, received_at = Text("退回改正", "Sent back"), datetime(2026, 11, 20, 12)
    return mark(content, Mark(number=None, revision=None, state=state, received_at=received_at, findings=findings,
                              form_title=definition.title, language="zh"))  # fmt: skip


def modules_in(content: bytes, olevba: Any) -> dict[str, str]:
    """Module name → source, as olevba extracts them."""
    parser = olevba.VBA_Parser("book.xlsm", data=content)
    try:
        return {name.rpartition(".")[0]: text for _, _, name, text in parser.extract_macros()}
    finally:
        parser.close()


# The formats

TEXT = st.text(st.sampled_from("abc AB\r\n=\"'("), max_size=9000).map(str.encode)
NOISE = st.binary(max_size=3600)


@settings(max_examples=60, deadline=None)
@given(data=st.one_of(TEXT, NOISE, st.tuples(NOISE, TEXT).map(lambda two: two[1] + two[0])))
def test_compression_is_undone_by_others(olevba: Any, data: bytes) -> None:
    """Repetitive and random contents, short and over several chunks, come back as they were."""
    assert olevba.decompress_stream(bytearray(compress(data))).rstrip(b"\0") == data.rstrip(b"\0")


def test_all_of_a_chunk_can_be_one_repetition(olevba: Any) -> None:
    """The longest copy at every position of a chunk, and chunks that end in one."""
    for size in (1, 2, 3, 4, 17, 18, 19, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK):
        data = b"x" * size
        assert bytes(olevba.decompress_stream(bytearray(compress(data)))) == data


def test_what_does_not_get_smaller_is_stored(olevba: Any) -> None:
    """A full chunk of noise is kept raw; the container says so."""
    noise = bytes((i * i * 31 + i // 7 * 131) % 251 for i in range(CHUNK))

    assert bytes(olevba.decompress_stream(bytearray(compress(noise)))) == noise


@pytest.mark.parametrize(
    "sizes", [(0, 1, 63, 64, 65), (4095, 4096, 4097), (0,), (200_000, 3, 70_000), tuple(range(40))]
)
def test_a_compound_file_is_read_strictly(sizes: tuple[int, ...]) -> None:
    """olefile finds every stream and nothing to complain about, below and above the mini stream's limit."""
    streams = {f"VBA/Module{n}" if n % 2 else f"S{n}": bytes([n % 256]) * size for n, size in enumerate(sizes)}
    with olefile.OleFileIO(compound_file(streams), raise_defects=olefile.DEFECT_POTENTIAL) as found:
        assert found.parsing_issues == []
        assert {"/".join(path) for path in found.listdir()} == set(streams)
        assert all(found.openstream(path).read() == content for path, content in streams.items())


def test_a_name_too_long_is_refused() -> None:
    """Excel would not open a file with such a stream."""
    with pytest.raises(CompoundError, match="31 characters"):
        compound_file({"x" * 32: b""})


def test_protection_is_written_as_excel_writes_it() -> None:
    """Undoing the obfuscation by its published steps gives: not protected, no password, visible."""
    content = vba_project([document_module("ThisWorkbook", workbook=True)])
    with olefile.OleFileIO(content) as found:
        project = found.openstream("PROJECT").read().decode("ascii")
    key = sum(re.search(r'ID="([^"]+)"', project)[1].encode()) & 0xFF  # type: ignore[index]

    plain = {name: _revealed(re.search(f'{name}="([0-9A-F]+)"', project)[1], key) for name in ("CMG", "DPB", "GC")}  # type: ignore[index]
    assert plain == {"CMG": bytes(4), "DPB": bytes(1), "GC": b"\xff"}


def test_protection_is_undone_as_excel_does_it() -> None:
    """The steps of the test above, on what Excel itself has written for an open project."""
    key = sum(b"{5CF9CDAB-B77B-4FE4-BD7E-D29900070E1B}") & 0xFF
    written = {"CMG": "8D8FA61394EA98EA98EA98EA98", "DPB": "8D8FA61394EF95EF95EF", "GC": "8D8FA61394EF95EF9510"}

    plain = {name: _revealed(text, key) for name, text in written.items()}
    assert plain == {"CMG": bytes(4), "DPB": bytes(1), "GC": b"\xff"}


def _revealed(text: str, key: int) -> bytes:
    """[MS-OVBA] 2.4.3.3, Data Decryption."""
    data = bytes.fromhex(text)
    seed, version = data[0], data[1] ^ data[0]
    assert version == 2
    assert data[2] ^ seed == key
    ignored, plain, one, two, out = (seed & 6) // 2, key, data[2], data[1], bytearray()
    for byte in data[3:]:
        plain = byte ^ ((two + plain) & 0xFF)
        one, two = byte, one
        out.append(plain)
    length = int.from_bytes(out[ignored : ignored + 4], "little")
    assert len(out) == ignored + 4 + length
    return bytes(out[ignored + 4 :])


# The sources


@pytest.mark.parametrize("path", sorted(STUBS.glob("*.bas")), ids=lambda path: path.stem)
def test_a_source_is_fit_for_every_windows(path: Path) -> None:
    """ASCII, CRLF, Option Explicit, called like its file, in lines that fit the editor, late bound."""
    raw = path.read_bytes()
    text = raw.decode("ascii")
    lines = text.split("\r\n")

    assert raw.count(b"\n") == raw.count(b"\r\n") == len(lines) - 1
    assert lines[0] == f'Attribute VB_Name = "{path.stem}"'
    assert lines[1].startswith("' ")
    assert "Option Explicit" in lines
    assert all(len(line) <= 130 and line == line.rstrip() and "\t" not in line for line in lines)
    assert set(re.findall(r"\bAs New (\w+)|= New (\w+)", text)) <= {("Collection", ""), ("", "Collection")}
    assert not re.search(r"\b(?:Range|Worksheet|Workbook|ListObject|FileSystemObject|Dictionary)\b(?= *(?:,|\)|$))",
                         "\n".join(line for line in lines if " As " in line and "Collection" not in line))  # fmt: skip


@pytest.mark.parametrize("path", sorted(STUBS.glob("*.bas")), ids=lambda path: path.stem)
def test_no_procedure_is_called_like_a_statement(path: Path) -> None:
    """`Sub Put` or `Function Lock` would not compile in Excel; a procedure called like a module neither."""
    procedures = re.findall(r"(?:Sub|Function) (\w+)\(", path.read_bytes().decode("ascii"))

    assert not {name.lower() for name in procedures} & (KEYWORDS | {name.lower() for name in sources()})
    assert len({name.lower() for name in procedures}) == len(procedures)


def test_one_public_macro_per_button() -> None:
    """Alt+F8 lists the four buttons and nothing else."""
    public = {
        name: re.findall(r"(?m)^Public Sub (\w+)\(\)", text)
        for name, text in sources().items()
        if "Option Private Module" not in text
    }

    assert public == {
        "AftersheetButtons": ["AftersheetSubmit", "AftersheetCheck", "AftersheetFetch", "AftersheetRefresh"]
    }


def test_every_text_the_macros_say_exists() -> None:
    """And none is carried along that nothing says."""
    used = {key for text in sources().values() for key in re.findall(r'"([a-z]+(?:_[a-z0-9]*)*)"', text)}
    families = {"column_", "severity_"}

    said = {key for text in sources().values() for key in re.findall(r'Words\("([a-z_]+)"[,)]', text)}
    assert said <= set(TEXTS)
    assert {key for key in TEXTS if key not in used and not key.startswith(tuple(families))} == set()


@pytest.mark.parametrize(
    ("source", "what"), [("Option Explicit\n", "first line"), ('Attribute VB_Name = "A"\n\' 提交\n', "ASCII")]
)
def test_what_cannot_be_a_module_is_refused(source: str, what: str) -> None:
    """Before a workbook is made of it."""
    with pytest.raises(SourceError, match=what):
        standard_module(source)


def test_two_modules_of_one_name_are_refused() -> None:
    """VBA does not tell cases apart."""
    with pytest.raises(SourceError, match="same name"):
        vba_project([standard_module('Attribute VB_Name = "One"\n'), standard_module('Attribute VB_Name = "ONE"\n')])


# Workbooks


@pytest.mark.parametrize(("form_id", "language"), [("fracas", "zh"), ("survey", "en")])
def test_a_form_with_macros_is_valid(form_id: str, language: Language) -> None:
    """SDK and lint have nothing to say about it."""
    assert_valid(with_macros(blank(form_id, language), language=language, server="https://forms.example.com"))


def test_others_extract_exactly_our_sources(olevba: Any) -> None:
    """Every module of vba_stubs, and an empty one for the workbook and each of its sheets."""
    found = modules_in(with_macros(blank(), language="zh"), olevba)
    ours = {name: text for name, text in found.items() if name.startswith("Aftersheet")}

    assert ours == dict(sources())
    assert set(found) - set(ours) == {"ThisWorkbook", "Sheet1", "Sheet2", "Sheet3"}
    assert all("Sub " not in text for name, text in found.items() if name not in ours)


def test_the_same_form_gives_the_same_bytes() -> None:
    """The build is reproducible."""
    arguments: Mapping[str, Any] = {"language": "zh", "server": "https://forms.example.com", "dataset": "trips"}

    assert with_macros(blank(), **arguments) == with_macros(blank(), **arguments)


def test_only_what_has_to_change_changes() -> None:
    """The form's own parts beside the sheets' and the workbook's are the same to the byte."""
    before, after = Package(blank()), Package(with_macros(blank(), language="zh"))
    same = [name for name in before.names() if before.read(name) == after.read(name)]

    assert {"xl/styles.xml", "xl/theme/theme1.xml", "docProps/core.xml", "_rels/.rels"} <= set(same)
    assert set(after.names()) - set(before.names()) == {
        PROJECT, "xl/worksheets/sheet3.xml", "xl/drawings/vmlDrawing1.vml", "xl/worksheets/_rels/sheet1.xml.rels",
    }  # fmt: skip


def test_the_buttons_stand_beside_the_form_and_are_not_printed() -> None:
    """Each runs its macro; each begins right of the print area and says that it is not printed."""
    package = Package(with_macros(blank(), language="zh"))
    drawing = package.read("xl/drawings/vmlDrawing1.vml").decode()
    area = re.search(rb"_xlnm.Print_Area[^>]*>[^<]*\$([A-Z]+)\$\d+<", package.read("xl/workbook.xml"))
    assert area is not None
    last = sum((ord(letter) - 64) * 26**place for place, letter in enumerate(reversed(area[1].decode())))
    starts = [int(found) for found in re.findall(r"<x:Anchor>(\d+),", drawing)]

    assert re.findall(r"<x:FmlaMacro>\[0\]!(\w+)<", drawing) == [
        "AftersheetSubmit", "AftersheetCheck", "AftersheetFetch", "AftersheetRefresh",
    ]  # fmt: skip
    assert all(start >= last for start in starts)
    assert drawing.count("<x:PrintObject>False</x:PrintObject>") == 4
    assert "提交" in drawing


def test_texts_are_out_of_sight_and_settings_in_hidden_names() -> None:
    """Nobody finds them by unhiding sheets; the token is nowhere."""
    package = Package(with_macros(blank(), language="en", server="https://forms.example.com", dataset="trips"))
    workbook = package.read("xl/workbook.xml").decode()

    assert re.search(r'<sheet [^>]*name="AS__texts"[^>]*state="veryHidden"', workbook)
    assert '<definedName name="AS__server" hidden="1">"https://forms.example.com"</definedName>' in workbook
    assert '<definedName name="AS__dataset" hidden="1">"trips"</definedName>' in workbook
    assert "AS__token" not in workbook


def test_buttons_as_excel_saves_them_are_left_out_as_well() -> None:
    """Excel writes each button three times: in the VML, as a control of the sheet and as a shape of the drawing."""
    made = as_excel_saves(with_macros(blank(), language="zh"))
    assert_valid(made)
    before, after = Package(made), Package(marked(made))
    sheet, drawings = after.read("xl/worksheets/sheet1.xml"), [n for n in after.names() if "/drawings/" in n]

    assert b"<controls>" in before.read("xl/worksheets/sheet1.xml")
    assert b"control" not in sheet
    assert not any("ctrlProp" in name for name in after.names())
    assert not any(b"FmlaMacro" in after.read(name) or b"AftersheetSubmit" in after.read(name) for name in drawings)
    assert_valid(marked(made))


def as_excel_saves(content: bytes) -> bytes:
    """*content* with the second and the third form of its first button."""
    package = Package(content)
    part, mc = "xl/worksheets/sheet1.xml", "http://schemas.openxmlformats.org/markup-compatibility/2006"
    package.put(
        "xl/ctrlProps/ctrlProp1.xml",
        b'<formControlPr xmlns="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main" objectType="Button" '
        b'lockText="1"/>',
    )
    package.set_content_type("xl/ctrlProps/ctrlProp1.xml", "application/vnd.ms-excel.controlproperties+xml")
    package.put("xl/drawings/drawing1.xml", _DRAWING.encode())
    package.set_content_type("xl/drawings/drawing1.xml", "application/vnd.openxmlformats-officedocument.drawing+xml")
    control = package.relate(part, f"{RELATION_NS}/ctrlProp", "xl/ctrlProps/ctrlProp1.xml")
    drawing = package.relate(part, f"{RELATION_NS}/drawing", "xl/drawings/drawing1.xml")
    place = "<xdr:col>24</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>0</xdr:row><xdr:rowOff>0</xdr:rowOff>"
    controls = (
        f'<mc:AlternateContent xmlns:mc="{mc}"><mc:Choice Requires="x14" '
        'xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"><controls>'
        '<mc:AlternateContent><mc:Choice Requires="x14"><control shapeId="1025" '
        f'xmlns:r="{RELATION_NS}" r:id="{control}" name="Button 1"><controlPr defaultSize="0" print="0" '
        'autoFill="0" autoPict="0" macro="[0]!AftersheetSubmit"><anchor '
        'xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing">'
        f"<from>{place}</from><to>{place}</to></anchor></controlPr></control></mc:Choice></mc:AlternateContent>"
        "</controls></mc:Choice></mc:AlternateContent>"
    )
    text = package.read(part).decode()
    legacy = re.search(r"<(?:\w+:)?legacyDrawing[^>]*/>", text)
    assert legacy is not None
    shown = f'<drawing xmlns:r="{RELATION_NS}" r:id="{drawing}"/>{legacy[0]}{controls}'
    package.put(part, text.replace(legacy[0], shown).encode())
    return package.save()


_DRAWING = (
    '<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><mc:AlternateContent '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice Requires="a14" '
    'xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main"><xdr:twoCellAnchor><xdr:from><xdr:col>24</xdr:col>'
    "<xdr:colOff>0</xdr:colOff><xdr:row>0</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:to><xdr:col>25</xdr:col>"
    "<xdr:colOff>0</xdr:colOff><xdr:row>1</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:to>"
    '<xdr:sp macro="[0]!AftersheetSubmit" textlink=""><xdr:nvSpPr><xdr:cNvPr id="1025" name="Button 1"><a:extLst>'
    '<a:ext uri="{63B3BB69-23CF-44E3-9099-C40C66FF867C}"><a14:compatExt spid="_x0000_s1025"/></a:ext></a:extLst>'
    '</xdr:cNvPr><xdr:cNvSpPr/></xdr:nvSpPr><xdr:spPr><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></xdr:spPr>'
    '</xdr:sp><xdr:clientData fPrintsWithSheet="0"/></xdr:twoCellAnchor></mc:Choice></mc:AlternateContent></xdr:wsDr>'
)


def test_notes_on_the_form_stay_beside_the_buttons() -> None:
    """A company's own sheet may have notes: both are in the drawing, under numbers of their own, and valid."""
    noted = marked(blank())
    made = Package(with_macros(noted, language="zh"))
    (name,) = (name for name in made.names() if name.endswith(".vml"))
    drawing = made.read(name).decode()
    numbers = re.findall(r'<v:shape [^>]*id="_x0000_s(\d+)"', drawing)

    assert (drawing.count('ObjectType="Button"'), drawing.count('ObjectType="Note"') > 0) == (4, True)
    assert len(set(numbers)) == len(numbers)
    assert_valid(with_macros(noted, language="zh"))


def test_macros_are_not_put_in_twice() -> None:
    """A second project would be a second answer to who runs."""
    with pytest.raises(ValueError, match="already"):
        with_macros(with_macros(blank(), language="zh"), language="zh")


def test_a_form_with_macros_reads_like_one_without() -> None:
    """The same answers and identity; the macros are flagged, not run and not held against it."""
    plain, macros = read(blank(), library()), read(with_macros(blank(), language="zh"), library())

    assert (macros.identity, macros.cells, macros.repeats) == (plain.identity, plain.cells, plain.repeats)
    assert macros.findings == ()
    assert (plain.flags, macros.flags) == (frozenset(), frozenset({"macro"}))


def test_the_marked_copy_has_neither_macros_nor_their_buttons() -> None:
    """What is sent on is a plain .xlsx: no project, no dead buttons; notes are still put in."""
    sent_back = marked(with_macros(blank("fracas"), language="zh"))
    package = Package(sent_back)
    drawings = b"".join(package.read(name) for name in package.names() if name.endswith(".vml"))

    assert not has_macros(package)
    assert b"FmlaMacro" not in drawings
    assert package.content_type("xl/workbook.xml").endswith("sheet.main+xml")
    assert drawings.count(b'ObjectType="Note"') > 0
    assert_valid(sent_back)
