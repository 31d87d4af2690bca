"""Connections put into finished workbooks: parts as Excel makes them, and tables that a push still refreshes."""

import base64
import io
import json
import re
import struct
import subprocess
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from lxml import etree
from xlsxwriter import Workbook

from tests.validity import assert_valid
from workbooks.dataset import Column, Dataset
from workbooks.form import Text
from workbooks.ooxml.tables import tables
from workbooks.package import Package
from workbooks.push import push
from workbooks.reporting.connections import WebQuery, add_connections
from workbooks.reporting.power_query import Query, section

COLUMNS = (
    Column("number", Text("编号", "Number"), "text"),
    Column("at", Text('时间"1"', "At"), "datetime"),
    Column("share", Text("占比", "Share"), "percent"),
)
ROWS = [("V-1", datetime(2026, 3, 1, 8, 30), 0.5), ("V-2", None, None)]
ROOT = "https://a.example/odata/v4/start=2026-01-01,region=%E5%8D%8E%E4%B8%9C,lang=zh/"
QUERY = Query(table="T_visits", root=ROOT, entity_set="visits", columns=COLUMNS, language="zh")
WEB = WebQuery(address="https://a.example/webquery/visits/fl-1-x", dataset="visits", title="走访[明细]", language="zh")
PARSER = Path("node_modules/@microsoft/powerquery-parser")
PARSE = """
const parser = require(process.argv[1]);
const text = require("fs").readFileSync(0, "utf8");
parser.TaskUtils.tryLexParse(parser.DefaultSettings, text).then(task => {
  const fine = parser.TaskUtils.isParseStageOk(task);
  console.log(fine ? "fine" : String(task.error && task.error.message));
});
"""


def dataset(rows=ROWS):
    data = tuple(list(values) for values in zip(*rows, strict=True))
    no = Text("", "")
    return Dataset(name="visits", title=no, columns=COLUMNS, data=data, as_of=datetime(2026, 5, 1), definition=no)


@pytest.fixture
def workbook():
    """A sheet with a table of two rows, a calculated column beside it, and a name of somebody's own."""
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True})
    page = book.add_worksheet("数据")
    headings = [{"header": column.label.zh} for column in COLUMNS]
    headings.append({"header": "一半", "formula": "=0.5"})
    page.add_table(0, 0, 2, 3, {"name": "T_visits", "columns": headings})
    for number, row in enumerate(ROWS, start=1):
        page.write_string(number, 0, row[0])
        page.write_number(number, 2, row[2] or 0)
    book.define_name("mine", "=数据!$A$1")
    book.close()
    return out.getvalue()


def mashup(content):
    """(M document, permissions, items with their entries) of the workbook's Power Query part."""
    package = Package(content)
    (item,) = package.related(package.workbook, "customXml").values()
    text = package.read(item).decode("utf-16")
    raw = base64.b64decode(re.fullmatch(r".*>([A-Za-z0-9+/=]+)</DataMashup>", text, re.DOTALL)[1])
    assert struct.unpack_from("<i", raw)[0] == 0
    pieces, place = [], 4
    while place < len(raw):
        (length,) = struct.unpack_from("<i", raw, place)
        pieces.append(raw[place + 4 : place + 4 + length])
        place += 4 + length
    parts, permissions, metadata, binding = pieces
    assert binding == b""
    document = zipfile.ZipFile(io.BytesIO(parts)).read("Formulas/Section1.m").decode()
    (length,) = struct.unpack_from("<i", metadata, 4)
    items = {
        item.findtext("ItemLocation/ItemPath"): {e.get("Type"): e.get("Value") for e in item.iter("Entry")}
        for item in etree.fromstring(metadata[8 : 8 + length].removeprefix(b"\xef\xbb\xbf")).iter("Item")
    }
    return document, permissions, items


def test_power_query_makes_the_table_its_own(workbook):
    """Query table, hidden name, connection and mashup fit together; the calculated column stays; no credentials."""
    made = add_connections(workbook, [QUERY])
    package = Package(made)
    (table,) = tables(package)
    described = package.xml(table.part)
    (query_table,) = (package.xml(part) for part in package.related(table.part, "queryTable").values())
    (connections,) = (package.xml(part) for part in package.related(package.workbook, "connections").values())
    names = {n.get("name"): n.text for n in package.xml(package.workbook).iterfind("{*}definedNames/{*}definedName")}
    fields = [
        (f.get("name"), f.get("dataBound"), f.get("tableColumnId")) for f in query_table.iter("{*}queryTableField")
    ]
    document, permissions, items = mashup(made)

    assert described.get("tableType") == "queryTable"
    assert [c.get("queryTableFieldId") for c in described.iter("{*}tableColumn")] == ["1", "2", "3", "4"]
    assert fields == [("编号", None, "1"), ('时间"1"', None, "2"), ("占比", None, "3"), (None, "0", "4")]
    assert (query_table.get("connectionId"), query_table.get("refreshOnLoad")) == ("1", None)
    assert names["ExternalData_1"] == "'数据'!$A$1:$D$3"
    assert (connections[0].get("type"), connections[0].get("refreshOnLoad")) == ("5", None)
    assert 'Location="T_visits"' in connections[0][0].get("connection")
    assert ROOT in document
    assert b"FirewallEnabled>true" in permissions
    assert items["Section1/T_visits"]["FillTarget"] == "sT_visits"
    assert json.loads(items["Section1/T_visits"]["FillColumnNames"][1:]) == [c.label.zh for c in COLUMNS]
    assert add_connections(workbook, [QUERY]) == made
    assert_valid(made, baseline=workbook)


def test_the_formula_speaks_m():
    """It navigates, takes the table's columns, drops the offset of instants, sets types and gives the headings."""
    document = section([QUERY])

    assert '{[Name = "visits", Signature = "table"]}' in document
    assert '{"at", "时间""1"""}' in document
    assert '{"at", DateTimeZone.RemoveZone, type datetime}' in document
    assert '{"share", Percentage.Type}' in document


def test_microsofts_own_parser_takes_the_formulas(require_program):
    """Quotes, Chinese and several queries in one document; skipped where the parser is not installed."""
    node = require_program("node")
    found = [
        folder for folder in (PARSER, Path("/usr/lib/node_modules/@microsoft/powerquery-parser")) if folder.exists()
    ]
    if not found:
        pytest.skip("npm's @microsoft/powerquery-parser is not installed (npm install --no-save)")
    odd = Query(table='T "odd" #(x)', root=ROOT, entity_set="visits", columns=COLUMNS, language="en")

    def parsed(document):
        command = [node, "-e", PARSE, str(PARSER.resolve())]
        return subprocess.run(command, input=document, capture_output=True, text=True, check=True).stdout.strip()

    assert parsed(section([QUERY, odd])) == "fine"
    assert parsed(section([QUERY]).replace("in\n", "")) != "fine"


def test_a_push_still_refreshes_such_a_table(workbook):
    """Rows, table, hidden name and calculated column; the connection stays as it was."""
    made = add_connections(workbook, [QUERY, WEB])
    many = dataset([(f"V-{n}", datetime(2026, 3, 1, 8), 0.25) for n in range(9)])
    pushed = push(made, many, table="T_visits")
    package = Package(pushed.content)
    names = {n.get("name"): n.text for n in package.xml(package.workbook).iterfind("{*}definedNames/{*}definedName")}

    assert str(next(tables(package)).area) == "A1:D10"
    assert names["ExternalData_1"].endswith("$A$1:$D$10")
    assert names["mine"] == "数据!$A$1"
    assert package.xml(next(tables(package)).part).get("tableType") == "queryTable"
    assert mashup(pushed.content) == mashup(made)
    assert_valid(pushed.content, baseline=made)


def test_a_web_query_has_a_sheet_of_its_own(workbook):
    """At the end, with one cell that says what to do; its address in the connection, its range under a name."""
    made = add_connections(workbook, [WEB, WEB])
    package = Package(made)
    sheets = package.sheets()
    (connections,) = (package.xml(part) for part in package.related(package.workbook, "connections").values())
    names = [
        (n.get("name"), n.get("localSheetId"), n.text) for n in package.xml(package.workbook).iter("{*}definedName")
    ]

    assert [sheet.title for sheet in sheets] == ["数据", "实时 走访 明细", "实时 走访 明细 2"]
    assert [element[0].get("url") for element in connections] == [WEB.address] * 2
    assert len({element.get("name") for element in connections}) == 2
    assert ("live_visits", "1", "'实时 走访 明细'!$A$1:$A$1") in names
    assert "全部刷新" in package.read(sheets[1].part).decode()
    assert_valid(made, baseline=workbook)


@pytest.mark.parametrize(
    ("change", "error"),
    [({"table": "T_none"}, KeyError), ({"language": "en"}, ValueError), ({"columns": COLUMNS[:2]}, ValueError)],
)
def test_a_query_that_does_not_fit_is_refused(workbook, change, error):
    """No table of its name, other headings, a column that nobody would fill."""
    with pytest.raises(error):
        add_connections(workbook, [Query(**{"table": "T_visits", "root": ROOT, "entity_set": "visits",
                                            "columns": COLUMNS, "language": "zh"} | change)])  # fmt: skip
