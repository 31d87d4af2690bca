"""What acts by itself or leads elsewhere is not sent on, and the workbook is valid without it."""

import io
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from tests.validity import assert_valid, lint
from tests.workbooks.drawn import TITLE, drawn_form, with_part, with_text
from tests.workbooks.test_receipt import STATION, cells, marking
from workbooks.marking.active_content import PLAIN_TYPE
from workbooks.ooxml.book import quoted
from workbooks.package import RELATION_NS, SHEET_NS, Package
from workbooks.receipt import ReceiptError, mark

SHEET_1, WORKBOOK = "xl/worksheets/sheet1.xml", "xl/workbook.xml"
MACRO_BOOK = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
MICROSOFT = "http://schemas.microsoft.com/office/2006/relationships"
LINK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.externalLink+xml"
LINK = (
    f'<externalLink xmlns="{SHEET_NS}"><externalBook xmlns:r="{RELATION_NS}" r:id="rId1"><sheetNames>'
    '<sheetName val="价目"/></sheetNames></externalBook></externalLink>'
).encode()


def related(package: Package) -> set[str]:
    """The last words of all relationship types in the package."""
    parts = {"", *package.names()}
    return {r.get("Type", "").rpartition("/")[2] for part in parts for r in package.relations(part)}


def marked(before: bytes) -> Package:
    return Package(mark(before, marking(STATION)))


def with_link(content: bytes) -> bytes:
    """The form with a link to another workbook: in formulas, a name, a validation, a conditional format, a table."""
    content = with_part(content, WORKBOOK, "externalLink", "xl/externalLinks/externalLink1.xml", LINK, LINK_TYPE)
    package = Package(content)
    package.put(
        "xl/externalLinks/_rels/externalLink1.xml.rels",
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLinkPath" '
        b'Target="file:///\\\\server\\share\\prices.xlsx" TargetMode="External"/></Relationships>',
    )
    key = next(iter(package.related(WORKBOOK, "externalLink")))
    content = with_text(
        package.save(), WORKBOOK,
        ("</sheets>", f'</sheets><externalReferences><externalReference xmlns:r="{RELATION_NS}" r:id="{key}"/>'
         "</externalReferences>"),
        ("<definedNames>", "<definedNames><definedName name=\"price\">'[1]价目'!$A$1</definedName>"),
    )  # fmt: skip
    return with_text(
        content, SHEET_1,
        ("</sheetData>", '<row r="20"><c r="A20"><f>[1]价目!A1*2</f><v>14</v></c>'
         "<c r=\"B20\" t=\"str\"><f>\"[1]价目!A1 \"&amp;'[1]价 目'!B1</f><v>x</v></c>"
         '<c r="C20"><f>price+1</f><v>8</v></c>'
         '<c r="D20" t="str"><f>"[1]价目!A1"</f><v>[1]价目!A1</v></c></row>'
         '<row r="21"><c r="A21"><f t="shared" ref="A21:A22" si="5">[1]价目!A2</f><v>1</v></c></row>'
         '<row r="22"><c r="A22"><f t="shared" si="5"/><v>2</v></c></row></sheetData>'),
        ("_lists!$A$1:$A$2", "price"),
        ("ISBLANK(B5)", "B5=[1]价目!$A$1"),
    )  # fmt: skip


def test_macros_are_left_out(tmp_path: Path):
    """The part, its relationship, and every content type that speaks of macros."""
    (tmp_path / "vbaProject.bin").write_bytes(b"\xd0\xcf\x11\xe0 not really")
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    book.add_worksheet(TITLE).write("A1", "x")
    book.add_vba_project(str(tmp_path / "vbaProject.bin"))
    book.close()
    package = marked(out.getvalue())

    assert "xl/vbaProject.bin" not in package
    assert "vbaProject" not in related(package)
    assert package.content_type(WORKBOOK) == PLAIN_TYPE
    assert b"macro" not in package.read("[Content_Types].xml").lower()
    assert b"vba" not in package.read("[Content_Types].xml").lower()
    assert lint(package.save()) == []


@pytest.mark.parametrize(
    "kind",
    [MACRO_BOOK, MACRO_BOOK.replace("sheet", "template"), PLAIN_TYPE.replace("sheet.main", "template.main")],
)
def test_whatever_comes_in_a_plain_workbook_goes_out(kind: str):
    """Excel refuses an .xlsx whose content type is another one's."""
    package = Package(drawn_form())
    package.set_content_type(WORKBOOK, kind)

    assert marked(package.save()).content_type(WORKBOOK) == PLAIN_TYPE


def test_cells_linked_to_another_workbook_keep_their_values():
    """Also through a name; a formula that only mentions such text stays one."""
    package = marked(with_link(drawn_form()))
    sheet = package.xml(SHEET_1)
    found = {
        cell.get("r"): (cell.findtext("{*}f"), cell.findtext("{*}v"))
        for cell in sheet.iter("{*}c")
        if cell.get("r", "")[1:] in ("20", "21", "22")
    }

    assert found == {
        "A20": (None, "14"), "B20": (None, "x"), "C20": (None, "8"), "D20": ('"[1]价目!A1"', "[1]价目!A1"),
        "A21": (None, "1"), "A22": (None, "2"),
    }  # fmt: skip
    assert "externalLink" not in related(package)
    assert not [name for name in package.names() if "externalLink" in name]
    assert package.xml(WORKBOOK).find("{*}externalReferences") is None
    assert "price" not in openpyxl.load_workbook(io.BytesIO(package.save())).defined_names


def test_rules_that_lead_to_another_workbook_go():
    """A validation and a conditional format, with the containers they leave empty."""
    sheet = marked(with_link(drawn_form())).xml(SHEET_1)

    assert sheet.find("{*}dataValidations") is None
    assert [rule.findtext("{*}formula") for rule in sheet.iter("{*}cfRule")] == []


def test_a_file_without_its_links_is_valid():
    assert_valid(marked(with_link(drawn_form())).save(), baseline=drawn_form())


def test_a_chart_over_another_workbook_keeps_its_numbers():
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet(TITLE)
    sheet.write_column("A1", [3, 4, 5])
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": f"={quoted(TITLE)}!$A$1:$A$3", "name": f"={quoted(TITLE)}!$C$1"})
    sheet.insert_chart("C1", chart)
    book.close()
    name = "xl/charts/chart1.xml"
    package = Package(
        with_part(out.getvalue(), WORKBOOK, "externalLink", "xl/externalLinks/externalLink1.xml", LINK, LINK_TYPE)
    )
    content = with_text(package.save(), WORKBOOK, ("</sheets>", "</sheets><externalReferences/>"))
    content = with_text(
        content, name, (f"{quoted(TITLE)}!$A$1:$A$3", "[1]价目!$A$1:$A$3"), (f"{quoted(TITLE)}!$C$1", "[1]价目!$B$1")
    )
    chart_after = marked(content).xml(name)

    assert [e.text for e in chart_after.iterfind(".//{*}val/{*}numLit/{*}pt/{*}v")] == ["3", "4", "5"]
    assert list(chart_after.iter("{*}f")) == []
    assert lint(marked(content).save()) == []


def test_connections_go_and_query_tables_become_plain_tables():
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    book.add_worksheet(TITLE).add_table("A1:B3", {"columns": [{"header": "月"}, {"header": "数"}]})
    book.close()
    connections = f'<connections xmlns="{SHEET_NS}"><connection id="1" name="c" type="5" refreshedVersion="6"><dbPr connection="Provider=SQLOLEDB;Password=secret" command="x"/></connection></connections>'  # noqa: E501
    query = f'<queryTable xmlns="{SHEET_NS}" name="q" connectionId="1"/>'
    plain = "application/vnd.openxmlformats-officedocument.spreadsheetml."
    content = with_part(
        out.getvalue(), WORKBOOK, "connections", "xl/connections.xml", connections.encode(), plain + "connections+xml"
    )
    content = with_part(
        content,
        "xl/tables/table1.xml",
        "queryTable",
        "xl/queryTables/queryTable1.xml",
        query.encode(),
        plain + "queryTable+xml",
    )
    content = with_text(
        content,
        "xl/tables/table1.xml",
        (' ref="A1:B3"', ' ref="A1:B3" tableType="queryTable"'),
        ('<tableColumn id="1"', '<tableColumn id="1" queryTableFieldId="1"'),
    )
    package = marked(content)

    assert not {"connections", "queryTable"} & related(package)
    assert b"secret" not in b"".join(package.read(name) for name in package.names())
    assert b"query" not in package.read("xl/tables/table1.xml")
    assert_valid(package.save(), baseline=out.getvalue())


MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
OBJECTS = (
    f'<mc:AlternateContent xmlns:mc="{MC}" xmlns:r="{RELATION_NS}"><mc:Choice Requires="x14">'
    '<oleObject progId="Package" shapeId="1025" r:id="{0}"><objectPr defaultSize="0" r:id="{1}"/></oleObject>'
    '</mc:Choice><mc:Fallback><oleObject progId="Package" shapeId="1025" r:id="{0}"/></mc:Fallback>'
    "</mc:AlternateContent>"
)
CONTROL = (
    f'<mc:AlternateContent xmlns:mc="{MC}" xmlns:r="{RELATION_NS}"><mc:Choice Requires="x14"><controls>'
    '<control shapeId="{0}" r:id="{1}" name="c"/><control shapeId="1027" r:id="{2}" name="form"/>'
    "</controls></mc:Choice></mc:AlternateContent>"
)
VML = (
    b'<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:x="urn:schemas-microsoft-com:office:excel">'
    + b"".join(
        b'<v:shape id="_x0000_s%d"><x:ClientData ObjectType="Pict"/></v:shape>' % number
        for number in (1025, 1026, 1027)
    )
    + b"</xml>"
)


def with_objects(content: bytes) -> bytes:
    """The form with an embedded object, an ActiveX control and an ordinary form control."""
    content = with_part(content, SHEET_1, "oleObject", "xl/embeddings/oleObject1.bin", b"\xd0\xcf", "application/x-ole")
    content = with_part(content, SHEET_1, "image", "xl/media/image1.emf", b"emf", "image/x-emf")
    content = with_part(content, SHEET_1, "control", "xl/activeX/activeX1.xml", b"<ax/>", "application/x-activeX+xml")
    content = with_part(
        content,
        "xl/activeX/activeX1.xml",
        f"{MICROSOFT}/activeXControlBinary",
        "xl/activeX/activeX1.bin",
        b"ax",
        "application/x-bin",
    )
    content = with_part(content, SHEET_1, "ctrlProp", "xl/ctrlProps/ctrlProp1.xml", b"<p/>", "application/x-ctrl+xml")
    content = with_part(content, SHEET_1, "vmlDrawing", "xl/drawings/vmlDrawing1.vml", VML, "application/x-vml")
    package = Package(content)
    key = {
        kind: next(iter(package.related(SHEET_1, kind)))
        for kind in ("oleObject", "image", "control", "ctrlProp", "vmlDrawing")
    }
    drawing = f'<legacyDrawing xmlns:r="{RELATION_NS}" r:id="{key["vmlDrawing"]}"/>'
    objects = f"<oleObjects>{OBJECTS.format(key['oleObject'], key['image'])}</oleObjects>"
    controls = CONTROL.format(1026, key["control"], key["ctrlProp"])
    return with_text(content, SHEET_1, ("</worksheet>", f"{drawing}{objects}{controls}</worksheet>"))


def test_embedded_objects_and_activex_go_and_form_controls_stay():
    package = marked(with_objects(drawn_form()))
    sheet = package.xml(SHEET_1)

    assert not [name for name in package.names() if "embeddings" in name or "activeX" in name or "media" in name]
    assert not {"oleObject", "control", "image"} & related(package)
    assert list(sheet.iter("{*}oleObjects", "{*}oleObject")) == []
    assert [control.get("shapeId") for control in sheet.iter("{*}control")] == ["1027"]
    assert "xl/ctrlProps/ctrlProp1.xml" in package
    vml = package.read("xl/drawings/vmlDrawing1.vml")
    assert [b"_x0000_s%d" % number in vml for number in (1025, 1026, 1027)] == [False, False, True]
    assert lint(package.save()) == lint(drawn_form())


def test_ribbons_panes_and_signatures_go():
    """A signature would no longer hold."""
    content = drawn_form()
    for kind, name in (
        (f"{MICROSOFT}/ui/extensibility", "customUI/customUI.xml"),
        ("http://schemas.microsoft.com/office/2011/relationships/webextensiontaskpanes", "xl/webextensions/panes.xml"),
        (
            "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/origin",
            "_xmlsignatures/origin.sigs",
        ),
    ):
        content = with_part(content, "", kind, name, b"<x/>", "application/x-x+xml")

    assert set(marked(content).names()) == set(marked(drawn_form()).names())


@pytest.mark.parametrize("kind", ["xlMacrosheet", "powerPivotData", "dialogsheet"])
def test_what_does_not_stand_without_its_active_content_is_not_marked(kind: str):
    """The caller sends a findings workbook of our own instead."""
    content = with_part(
        drawn_form(), WORKBOOK, f"{MICROSOFT}/{kind}", "xl/other/one.xml", b"<x/>", "application/x-x+xml"
    )

    with pytest.raises(ReceiptError):
        mark(content, marking(STATION))


def test_pivot_tables_over_outside_data_are_not_marked():
    source = '<cacheSource type="external" connectionId="1"/>'
    cache = f'<pivotCacheDefinition xmlns="{SHEET_NS}">{source}</pivotCacheDefinition>'
    content = with_part(
        drawn_form(), WORKBOOK, "pivotCacheDefinition", "xl/pivotCache/one.xml", cache.encode(), "application/x-x+xml"
    )

    with pytest.raises(ReceiptError):
        mark(content, marking(STATION))


def test_answers_are_still_there():
    assert cells(marked(with_link(with_objects(drawn_form()))).save(), TITLE)[4] == ["服务站", "上海站"]
