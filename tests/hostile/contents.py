"""Workbooks that would start something, if somebody let them."""

from tests.archives import (
    MAIN,
    OFFICE,
    SHEET,
    SPREADSHEET,
    STRINGS,
    TYPES,
    XML,
    book,
    content_types,
    relationships,
    sheet,
    strings,
)
from tests.hostile.kinds import ANSWER, OLE_MAGIC, READ, Hostile, changed, rows

_LINK = "xl/externalLinks/externalLink1.xml"
_MICROSOFT = "http://schemas.microsoft.com/office/2006/relationships"


def contents() -> list[Hostile]:
    to_link = ("rId9", "externalLink", "externalLinks/externalLink1.xml")
    share = ("rId1", "externalLinkPath", "file:///\\\\203.0.113.7\\share\\b.xlsx", "External")
    elsewhere = {
        _LINK: f'{XML}<externalLink xmlns="{MAIN}"><externalBook r:id="rId1" xmlns:r="{OFFICE}"/></externalLink>',
        "xl/externalLinks/_rels/externalLink1.xml.rels": relationships(share),
    }
    starting = f'{XML}<externalLink xmlns="{MAIN}"><ddeLink ddeService="cmd" ddeTopic="/c calc"/></externalLink>'
    to_macro = ("rId9", f"{_MICROSOFT}/vbaProject", "vbaProject.bin")
    macro = {"xl/vbaProject.bin": OLE_MAGIC + bytes(504)}
    as_xlsm = {TYPES: content_types(main="application/vnd.ms-excel.sheet.macroEnabled.main+xml")}
    xlm = {"xl/macrosheets/sheet1.xml": sheet('<row r="1"><c r="A1"><f>EXEC("calc")</f></c></row>')}
    query = {
        "xl/connections.xml": f'{XML}<connections xmlns="{MAIN}"><connection id="1" refreshOnLoad="1"/></connections>',
        TYPES: content_types(("xl/connections.xml", f"{SPREADSHEET}.connections+xml")),
    }
    picture = relationships(("rId1", "image", "http://127.0.0.1:9/seen.png", "External"))
    command = '<row r="3"><c r="B3"><f>cmd|\'/c calc\'!A0</f><v>0</v></c></row>'
    return [
        Hostile("texts that look like commands", READ, _texts),
        Hostile("a formula that starts a program", "active-content", rows(ANSWER + command)),
        Hostile("a link to a workbook on a share", READ, lambda: book(elsewhere, to_link)),
        Hostile("a link that starts a program", "active-content", lambda: book({_LINK: starting}, to_link)),
        Hostile("macros in an .xlsx", READ, lambda: book(macro, to_macro)),
        Hostile("macros in an .xlsm", READ, lambda: book(macro | as_xlsm, to_macro)),
        Hostile(
            "an Excel 4.0 macro sheet",
            "active-content",
            lambda: book(xlm, ("rId9", f"{_MICROSOFT}/xlMacrosheet", "macrosheets/sheet1.xml")),
        ),
        Hostile("a query that runs on opening", READ, lambda: book(query, ("rId9", "connections", "connections.xml"))),
        Hostile("a picture on the web", READ, changed("xl/drawings/_rels/drawing1.xml.rels", picture)),
    ]


def _texts() -> bytes:
    commands = ("=cmd|'/c calc'!A0", '=HYPERLINK("http://127.0.0.1:9","x")', "+5+5", "-5+6", "@SUM(5)", "＝5+5")
    cells = "".join(f'<row r="{i}"><c r="B{i}" t="s"><v>{i - 1}</v></c></row>' for i in range(3, 3 + len(commands)))
    texts = strings("工单号", "W001", *(command.replace('"', "&quot;") for command in commands))
    return book({STRINGS: texts, SHEET: sheet(ANSWER + cells)})
