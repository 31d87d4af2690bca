"""The receipt: the sender's own file with number, state and findings in it, and nothing else touched."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from tests.libreoffice import Office, running
from tests.validity import assert_valid, lint
from tests.workbooks.drawn import (
    NAMES,
    TITLE,
    busy_workbook,
    drawn_form,
    looks,
    prefixed,
    strict,
    with_notes,
    with_part,
    with_text,
)
from tests.workbooks.test_comments import noted
from workbooks import reader
from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import Text
from workbooks.library import library
from workbooks.marking.comments import HEADING
from workbooks.marking.marks import ERROR_FILL, WARNING_FILL
from workbooks.ooxml.book import Book
from workbooks.package import CONTENT_TYPES, Package, PackageError
from workbooks.receipt import Mark, ReceiptError, findings_workbook, mark

STATION = Finding(
    code=FindingCode.NOT_A_CHOICE, sheet=TITLE, cell="B5", field="station", label=Text("服务站", "Station"),
    context={"value": "上海站", "suggestion": Text("，是不是“上海服务站”？", "; did you mean “Shanghai”?")},
)  # fmt: skip
DATE = Finding(
    code=FindingCode.NOT_A_DATE,
    sheet=TITLE,
    cell="B6",
    label=Text("报告日期", "Reported on"),
    context={"value": "昨天"},
)
RULE = Finding(
    code=FindingCode.RULE_BROKEN, sheet=TITLE, cell="B6", label=Text("报告日期", "Reported on"),
    context={"message": Text("=不能晚于今天", "=May not be in the future")},
)  # fmt: skip
SYMPTOM = Finding(
    code=FindingCode.CORRECTED_VALUE, sheet=TITLE, cell="B7", label=Text("现象", "Symptom"),
    context={"value": "空调", "taken": "空调不制冷"},
)  # fmt: skip
QUANTITY = Finding(
    code=FindingCode.NOT_AN_INTEGER, sheet=TITLE, cell="B12", label=Text("数量", "Quantity"), context={"value": "12.5"}
)
VERSION = Finding(code=FindingCode.OLD_VERSION, context={"sent": "1", "current": "2"})
ALL = (STATION, SYMPTOM, DATE, RULE, QUANTITY, VERSION)

SHEET_1, STYLES, WORKBOOK = "xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml"


def marking(*findings: Finding, **more: Any) -> Mark:
    plain = {
        "number": "FK-2026-000123",
        "revision": 2,
        "state": Text("已接收", "Accepted"),
        "received_at": datetime(2026, 11, 21, 14, 30),
        "findings": findings,
        "form_title": Text("客户意见反馈记录表", "Customer feedback"),
        "language": "zh",
    }
    return Mark(**(plain | more))


def cells(content: bytes, title: str) -> list[list[Any]]:
    """The rows of a sheet, as another program reads them, without empty cells."""
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(title).to_python()
    return [[value for value in row if value != ""] for row in rows]


def titles(content: bytes) -> list[str]:
    return [sheet.title for sheet in Package(content).sheets()]


def changed(before: bytes, after: bytes) -> tuple[set[str], set[str], set[str]]:
    """(parts gone, parts added, parts whose bytes differ)."""
    one, other = Package(before), Package(after)
    old, new = set(one.names()), set(other.names())
    return old - new, new - old, {name for name in old & new if one.read(name) != other.read(name)}


def fills(content: bytes, title: str = TITLE) -> dict[str, str]:
    """The cells in one of our colours; openpyxl would leave out those inside merged areas."""
    package = Package(content)
    styles = package.xml(STYLES)
    part = next(sheet.part for sheet in package.sheets() if sheet.title == title)
    found = {}
    for cell in package.xml(part).iter("{*}c"):
        form = styles.find("{*}cellXfs")[int(cell.get("s", "0"))]
        colour = styles.find("{*}fills")[int(form.get("fillId", "0"))].find("{*}patternFill/{*}fgColor")
        if colour is not None and colour.get("rgb") in (ERROR_FILL, WARNING_FILL):
            found[cell.get("r", "")] = colour.get("rgb", "")
    return found


# The title block


def test_number_revision_state_and_time_stand_in_their_cells():
    after = mark(drawn_form(), marking())
    sheet = openpyxl.load_workbook(io.BytesIO(after))[TITLE]

    assert [sheet[address].value for address in ("B2", "D2", "B3", "D3")] == [
        "FK-2026-000123", 2, "已接收", datetime(2026, 11, 21, 14, 30),
    ]  # fmt: skip
    assert looks(after, TITLE) == looks(drawn_form(), TITLE)


def test_the_time_is_text_where_the_cell_shows_no_dates():
    before = with_text(drawn_form(), STYLES, ("yyyy-mm-dd hh:mm", "@"))

    assert cells(mark(before, marking()), TITLE)[2] == ["已接收", "2026-11-21 14:30"]


def test_the_state_is_in_the_language_of_the_receipt():
    assert cells(mark(drawn_form(), marking(language="en")), TITLE)[2][0] == "Accepted"


def test_what_is_not_known_stays_as_it_is():
    """A rejected revision keeps the number the file came with."""
    before = mark(drawn_form(), marking())
    after = mark(before, marking(STATION, number=None, revision=None, state=Text("未接收", "Rejected")))

    assert cells(after, TITLE)[1:3] == [["编号", "FK-2026-000123", "版次", 2.0], ["未接收", cells(before, TITLE)[2][1]]]


# Highlights and notes


def test_a_wrong_cell_is_filled_and_keeps_the_rest_of_its_look():
    before, after = looks(drawn_form(), TITLE), looks(mark(drawn_form(), marking(DATE, SYMPTOM)), TITLE)
    differing = {address for address in before if before[address] != after[address]}

    assert differing == {"B6", "B7"}
    assert (after["B6"][3], after["B7"][3]) == (ERROR_FILL, WARNING_FILL)
    assert all(
        before[address][:2] + before[address][4:] == after[address][:2] + after[address][4:] for address in before
    )


def test_the_mark_covers_conditional_formats_of_the_form():
    """B5 has one that would fill it otherwise; ours comes first, all keep their own priority."""
    after = mark(drawn_form(), marking(STATION, QUANTITY))
    rules = Package(after).xml(SHEET_1).findall("{*}conditionalFormatting")

    found = [(rule.get("sqref"), rule[0].get("priority"), rule[0].findtext("{*}formula")) for rule in rules]
    assert found == [("B5", "1", 'LEN("Aftersheet")>0'), ("B5:B6", "3", "ISBLANK(B5)")]


def test_a_note_says_what_is_wrong_and_what_to_do():
    """Two findings on one cell share a note."""
    found = noted(mark(drawn_form(), marking(*ALL)))

    assert set(found) == {"B5", "B6", "B7", "B12"}
    assert found["B5"] == f"{HEADING.zh}\n{STATION.what('zh')}\n→ {STATION.fix('zh')}"
    assert found["B6"].count("→") == 2
    assert found["B6"].index(DATE.what("zh")) < found["B6"].index(RULE.what("zh"))


def test_a_finding_inside_a_merged_cell_marks_the_whole_of_it():
    after = mark(drawn_form(), marking(replace(SYMPTOM, cell="D7")))

    assert fills(after) == dict.fromkeys(("B7", "C7", "D7", "E7"), WARNING_FILL)
    assert set(noted(after)) == {"B7"}


def test_cells_the_sheet_does_not_have_are_made():
    after = mark(drawn_form(), marking(replace(STATION, cell="H40")))

    assert fills(after) == {"H40": ERROR_FILL}
    assert lint(after) == lint(drawn_form())


# The findings sheet


def test_every_finding_has_a_row_with_a_link_to_its_cell():
    after = mark(drawn_form(), marking(*ALL))
    rows = cells(after, "检查结果")
    package = Package(after)
    links = package.xml(package.sheets()[-1].part).findall("{*}hyperlinks/{*}hyperlink")

    assert rows[0] == ["检查结果"]
    assert [row for row in rows if len(row) == 2 and row[0] in ("表单", "编号", "版次", "状态", "接收时间")] == [
        ["表单", "客户意见反馈记录表"], ["编号", "FK-2026-000123"], ["版次", "2"], ["状态", "已接收"],
        ["接收时间", "2026-11-21 14:30"],
    ]  # fmt: skip
    table = rows[-len(ALL) :]
    assert [row[1] for row in table] == ["必须改正"] * 4 + ["提醒"] * 2
    assert table[0] == [1.0, "必须改正", TITLE, "B5", "服务站", STATION.what("zh"), STATION.fix("zh")]
    assert table[-1] == [6.0, "提醒", "整个文件", VERSION.what("zh"), VERSION.fix("zh")]
    assert {link.get("location") for link in links} == {f"'客户''s 反馈'!{cell}" for cell in ("B5", "B6", "B7", "B12")}


def test_the_workbook_opens_on_the_findings_alone():
    """With two sheets selected, typing would go into both."""
    after = openpyxl.load_workbook(io.BytesIO(mark(drawn_form(), marking(STATION))))

    assert after.sheetnames == [TITLE, "_lists", "检查结果"]
    assert after.active is not None
    assert after.active.title == "检查结果"
    assert [sheet.sheet_view.tabSelected or False for sheet in after] == [False, False, True]


def test_without_findings_the_sheet_says_so_and_the_workbook_opens_where_it_did():
    after = mark(drawn_form(), marking())
    book = openpyxl.load_workbook(io.BytesIO(after))

    assert book.active is not None
    assert book.active.title == TITLE
    assert not book["检查结果"].sheet_view.tabSelected
    rows = cells(after, "检查结果")
    assert rows[1] == ["✔ 已接收，编号 FK-2026-000123。"]
    assert len(rows) == 9
    assert fills(after) == {}


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        ((), "✔ Accepted as FK-2026-000123."),
        ((SYMPTOM,), "✔ Accepted as FK-2026-000123, with 1 warning."),
        ((STATION,), "✘ Not accepted: 1 error to correct."),
        ((STATION, DATE, SYMPTOM), "✘ Not accepted: 2 errors to correct and 1 warning."),
    ],
)
def test_the_verdict_counts_errors_and_warnings(findings: tuple[Finding, ...], verdict: str):
    after = mark(drawn_form(), marking(*findings, language="en"))

    assert cells(after, "Findings")[1] == [verdict]


def test_the_next_step_may_be_given():
    after = mark(drawn_form(), marking(next_step=Text("请等质量部门", "Wait for quality")))

    assert cells(after, "检查结果")[2] == ["请等质量部门"]


def test_text_that_looks_like_a_formula_stays_text():
    """A person who edits such a cell must not bring the sender's formula to life."""
    after = mark(drawn_form(), marking(RULE))
    book = openpyxl.load_workbook(io.BytesIO(after))
    cell = next(c for row in book["检查结果"].iter_rows() for c in row if c.value == "=不能晚于今天")

    assert (cell.data_type, cell.quotePrefix) == ("s", True)


def test_a_sheet_of_the_sender_with_the_same_title_stays():
    book = openpyxl.load_workbook(io.BytesIO(drawn_form()))
    book.create_sheet("检查结果")["A1"] = "自己的"
    out = io.BytesIO()
    book.save(out)
    after = mark(out.getvalue(), marking(STATION))

    assert titles(after) == [TITLE, "_lists", "检查结果", "检查结果 (2)"]
    assert cells(after, "检查结果") == [["自己的"]]


def test_the_next_step_speaks_of_links_only_where_there_are_some():
    """A file that could not be opened has nothing to click on."""
    damaged = marking(Finding(code=FindingCode.DAMAGED))

    assert "链接" in cells(mark(drawn_form(), marking(STATION)), "检查结果")[2][0]
    assert "链接" not in cells(mark(drawn_form(), damaged), "检查结果")[2][0]
    assert "链接" not in cells(findings_workbook(marking(STATION)), "检查结果")[2][0]


# What stays as it was


def test_only_expected_parts_change():
    gone, added, differing = changed(drawn_form(), mark(drawn_form(), marking(*ALL)))

    assert gone == set()
    assert added == {
        "xl/worksheets/sheet3.xml", "xl/comments1.xml", "xl/drawings/vmlDrawing1.vml",
        "xl/worksheets/_rels/sheet1.xml.rels",
    }  # fmt: skip
    assert differing == {CONTENT_TYPES, "xl/_rels/workbook.xml.rels", WORKBOOK, STYLES, SHEET_1}


def test_an_accepted_form_keeps_all_but_its_title_block():
    gone, added, differing = changed(drawn_form(), mark(drawn_form(), marking()))

    assert (gone, added) == (set(), {"xl/worksheets/sheet3.xml"})
    assert differing == {CONTENT_TYPES, "xl/_rels/workbook.xml.rels", WORKBOOK, STYLES, SHEET_1}


def test_charts_pictures_tables_and_controls_stay_to_the_byte(tmp_path: Path):
    before = busy_workbook(tmp_path)
    wrong = replace(STATION, sheet="登记", cell="B1")
    gone, added, differing = changed(before, mark(before, marking(wrong)))

    assert (gone, added) == (set(), {"xl/worksheets/sheet3.xml"})
    assert differing == {
        CONTENT_TYPES, "xl/_rels/workbook.xml.rels", WORKBOOK, STYLES, SHEET_1,
        "xl/comments1.xml", "xl/drawings/vmlDrawing1.vml",
    }  # fmt: skip


# Round after round


def test_a_corrected_file_loses_its_marks():
    before = with_notes(drawn_form(), {"B5": "请核对"})
    after = mark(mark(before, marking(*ALL)), marking())

    assert looks(after, TITLE) == looks(before, TITLE)
    assert noted(after) == {"B5": "请核对"}
    assert b"Aftersheet" not in Package(after).read(SHEET_1)
    assert not [name for name in openpyxl.load_workbook(io.BytesIO(after)).defined_names if "__mark" in name]
    assert cells(after, "检查结果")[1] == ["✔ 已接收，编号 FK-2026-000123。"]


def test_marking_twice_replaces_the_first_marks():
    once = mark(drawn_form(), marking(STATION, DATE))
    twice = mark(once, marking(QUANTITY, language="en"))

    assert titles(twice) == [TITLE, "_lists", "Findings"]
    assert fills(twice) == {"B12": ERROR_FILL}
    assert set(noted(twice)) == {"B12"}


def test_the_same_marking_twice_changes_nothing():
    """Not even the number of cell formats grows."""
    once = mark(drawn_form(), marking(*ALL))
    twice = mark(once, marking(*ALL))
    thrice = mark(twice, marking(*ALL))

    assert changed(twice, thrice) == (set(), set(), set())


def test_a_mark_moves_with_its_cell():
    """Rows were inserted above: Excel moves the hidden name along with the cell."""
    once = mark(drawn_form(), marking(QUANTITY))
    moved = with_text(once, SHEET_1, ('<row r="12"', '<row r="15"'), *((f'r="{c}12"', f'r="{c}15"') for c in "ABCDE"))
    moved = with_text(moved, WORKBOOK, ("$B$12</definedName>", "$B$15</definedName>"), ("!$B$12<", "!$B$15<"))
    after = mark(moved, marking())

    assert fills(moved) == {"B15": ERROR_FILL}
    assert fills(after) == {}
    assert looks(after, TITLE)["B15"] == looks(drawn_form(), TITLE)["B12"]


def test_a_copied_mark_is_taken_back_too():
    """Somebody filled down from a marked cell: the copy has our colour and no name."""
    once = mark(drawn_form(), marking(DATE))
    style = Package(once).xml(SHEET_1).xpath("//*[@r='B6']")[0].get("s")
    copied = with_text(once, SHEET_1, ('r="B10" s="', f'r="B10" s="{style}" was="'))
    copied = with_text(copied, SHEET_1, (' was="' + style_of(drawn_form(), "B10") + '"', ""))
    after = mark(copied, marking())

    assert set(fills(copied)) == {"B6", "B10"}
    assert fills(after) == {}


def style_of(content: bytes, address: str) -> str:
    return Package(content).xml(SHEET_1).xpath(f"//*[@r='{address}']")[0].get("s")


def test_a_colour_the_sender_gave_the_cell_stays():
    once = mark(drawn_form(), marking(DATE))
    green = with_text(once, STYLES, (f'rgb="{ERROR_FILL}"', 'rgb="FF00FF00"'))
    after = mark(green, marking())

    assert looks(after, TITLE)["B6"][3] == "FF00FF00"


def test_a_deleted_findings_sheet_comes_back():
    once = mark(drawn_form(), marking(STATION))
    package = Package(once)
    tree = package.xml(WORKBOOK)
    tree.find("{*}sheets").remove(tree.find("{*}sheets")[2])
    tree.find("{*}bookViews")[0].set("activeTab", "0")
    for name in tree.find("{*}definedNames"):
        if name.get("name") == "AS__findings":
            name.text = "#REF!"
    package.replace(WORKBOOK, tree)
    after = mark(package.save(), marking(DATE))

    assert titles(after) == [TITLE, "_lists", "检查结果"]
    assert set(fills(after)) == {"B6"}


def test_a_renamed_findings_sheet_is_still_ours():
    once = mark(drawn_form(), marking(STATION))
    renamed = with_text(once, WORKBOOK, ('name="检查结果"', 'name="旧结果"'), ("'检查结果'!$A$1", "'旧结果'!$A$1"))

    assert titles(mark(renamed, marking(DATE))) == [TITLE, "_lists", "检查结果"]


def test_a_sheet_with_answers_is_never_taken_for_the_findings():
    """The hidden name can move onto the form by cut and paste, or be forged."""
    once = mark(drawn_form(), marking(STATION))
    quoted = TITLE.replace("'", "''")
    forged = with_text(once, WORKBOOK, ("'检查结果'!$A$1", f"'{quoted}'!$A$1"))
    after = mark(forged, marking(DATE))

    assert titles(after) == [TITLE, "_lists", "检查结果", "检查结果 (2)"]
    assert cells(after, TITLE)[4] == ["服务站", "上海站"]


FILES = sorted((Path(__file__).parents[1] / "data" / "good").glob("*.xlsx"))[::3]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_filled_forms_are_marked_everywhere_and_cleaned_again(path: Path):
    """Every answer of a form saved by LibreOffice is found wrong; corrected, the file looks as before."""
    before = path.read_bytes()
    book = Book(Package(before))
    answers = [place for name in book.names("AS_") if not name.startswith("AS__") and (place := book.place(name))]
    wrong = [
        Finding(code=FindingCode.MISSING_VALUE, sheet=s.title, cell=a.first, label=Text("项", "item"))
        for s, a in answers
    ]
    marked = mark(before, marking(*wrong))
    after = mark(marked, marking())

    title = titles(before)[0]
    assert len(noted(marked, title)) == len({(s.title, a.first) for s, a in answers})
    assert lint(marked) == lint(after) == lint(before)
    assert (fills(after, title), noted(after, title)) == ({}, {})
    assert {a: look[:7] for a, look in looks(after, title).items()} == {
        a: look[:7] for a, look in looks(before, title).items()
    }
    assert reader.read(marked, library()).cells == reader.read(before, library()).cells


# Odd but sound files


def test_a_workbook_that_lost_its_names_still_gets_the_findings():
    book = openpyxl.load_workbook(io.BytesIO(drawn_form()))
    for name in NAMES:
        del book.defined_names[name]
    out = io.BytesIO()
    book.save(out)
    after = mark(out.getvalue(), marking(STATION, replace(DATE, sheet="不存在"), replace(RULE, cell="??")))

    assert set(fills(after)) == {"B5"}
    assert len([row for row in cells(after, "检查结果") if row and row[0] in (1.0, 2.0, 3.0)]) == 3
    assert lint(after) == []


def test_a_name_that_lost_its_cell_is_skipped():
    broken = with_text(drawn_form(), WORKBOOK, ("!$B$2<", "!#REF!<"))

    assert cells(mark(broken, marking()), TITLE)[2][0] == "已接收"


def test_strict_and_prefixed_files_are_marked_in_their_own_namespaces():
    for before in (strict(drawn_form()), prefixed(drawn_form())):
        after = mark(mark(before, marking(*ALL)), marking(STATION))

        assert cells(after, TITLE)[1] == ["编号", "FK-2026-000123", "版次", 2.0]
        assert cells(after, "检查结果")[-1][3] == "B5"
        assert list(noted(after)) == ["B5"]
        namespaces = {
            uri
            for name in Package(after).names()
            if name.endswith("sheet1.xml")
            for uri in Package(after).xml(name).nsmap.values()
        }
        assert len({uri for uri in namespaces if uri.endswith(("/main", "spreadsheetml/main"))}) == 1


def test_a_file_without_styles_gets_some():
    package = Package(drawn_form())
    key = next(iter(package.related(WORKBOOK, "styles")))
    package.unrelate(WORKBOOK, key)
    sheet = package.xml(SHEET_1)
    for element in sheet.iter():
        element.attrib.pop("s", "")
        element.attrib.pop("style", "")
    for rule in sheet.findall("{*}conditionalFormatting"):
        sheet.remove(rule)
    package.replace(SHEET_1, sheet)
    package.put("xl/worksheets/sheet2.xml", package.read("xl/worksheets/sheet2.xml").replace(b' s="0"', b""))

    assert set(fills(mark(package.save(), marking(STATION)))) == {"B5"}


def test_an_overwritten_formula_leaves_the_calculation_chain():
    """The empty chain would not be valid, so the part goes."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    chain = f'<calcChain xmlns="{main}"><c r="B2" i="1"/><c r="E12"/></calcChain>'.encode()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.calcChain+xml"
    before = with_part(drawn_form(), WORKBOOK, "calcChain", "xl/calcChain.xml", chain, kind)
    package = Package(before)
    tree = package.xml(SHEET_1)
    cell = tree.xpath("//*[@r='B2']")[0]
    cell.set("t", "str")
    cell.append(cell.makeelement(tree.tag.replace("worksheet", "f")))
    cell[0].text = '"FK"'
    package.replace(SHEET_1, tree)
    after = mark(package.save(), marking())

    assert Package(after).read("xl/calcChain.xml").count(b"<c ") == 1
    assert b'r="E12" i="1"' in Package(after).read("xl/calcChain.xml")
    alone = with_text(package.save(), "xl/calcChain.xml", ('<c r="E12"/>', ""))
    assert "xl/calcChain.xml" not in Package(mark(alone, marking()))


@pytest.mark.parametrize(
    "content",
    [b"", b"not a zip", Package.empty().save(), drawn_form()[:3000]],
    ids=["empty", "text", "no workbook", "cut off"],
)
def test_what_is_no_workbook_cannot_be_marked(content: bytes):
    with pytest.raises(ReceiptError):
        mark(content, marking(STATION))


@cache
def busy_form() -> bytes:
    """A form that has been through a round, so that everything a receipt looks at is in it."""
    return mark(with_notes(drawn_form(), {"B5": "请核对"}), marking(*ALL))


ODD = [b"", b"-1", b"99999999999", b"abc", "中".encode(), b"A1:XFD1048576", b"0", b"1.5", b"#REF!", b"'x'!A1"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_odd_in_a_workbook_it_is_marked_or_refused(data: st.DataObject):
    """Attributes, elements and whole parts may say or be anything; nothing else than ReceiptError comes out."""
    package = Package(busy_form())
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(package.names())))
        content = package.read(name)
        pattern = data.draw(
            st.sampled_from([rb'(?<==")[^"]*(?=")', rb"<[^/!?<>]*/>", rb"(?<=>)[^<]+(?=<)", rb"(?s).+"])
        )
        found = list(re.finditer(pattern, content))
        if found:
            at = data.draw(st.sampled_from(found))
            package.put(name, content[: at.start()] + data.draw(st.sampled_from(ODD)) + content[at.end() :])
    try:
        after = mark(package.save(), marking(*ALL))
    except ReceiptError:
        return

    assert any(sheet.title.startswith("检查结果") for sheet in Package(after).sheets())


def test_a_damaged_sheet_cannot_be_marked():
    package = Package(drawn_form())
    package.put(SHEET_1, b"<worksheet")

    with pytest.raises(ReceiptError):
        mark(package.save(), marking(STATION))


def test_a_file_that_cannot_be_marked_gets_a_workbook_of_its_own():
    content = findings_workbook(marking(Finding(code=FindingCode.DAMAGED), STATION, number=None, revision=None))

    assert titles(content) == ["检查结果"]
    assert cells(content, "检查结果")[1] == ["✘ 未接收：2 处必须改正。"]
    assert cells(content, "检查结果")[-2][:3] == [1.0, "必须改正", "整个文件"]
    assert_valid(content, findings_workbook(marking(language="en")))


# Other programs


@pytest.fixture(scope="module")
def office(require_program: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("receipts")
    with running(require_program("soffice", "libreoffice"), folder) as office:
        yield office


def test_libreoffice_keeps_what_is_needed_to_take_marks_back(office: Office, tmp_path: Path):
    """Its file has other style numbers, other part names, and no part it does not know."""
    source, target = tmp_path / "in.xlsx", tmp_path / "out.xlsx"
    source.write_bytes(mark(with_notes(drawn_form(), {"B5": "请核对"}), marking(*ALL)))
    office.convert(source, target)
    saved = target.read_bytes()
    after = mark(saved, marking())

    assert set(fills(saved)) == {"B5", "B6", "B7", "C7", "D7", "E7", "B12"}
    assert noted(saved)["B6"].startswith(HEADING.zh)
    assert titles(saved) == titles(after) == [TITLE, "_lists", "检查结果"]
    assert fills(after) == {}
    assert noted(after) == {"B5": "请核对"}
    assert looks(after, TITLE)["B6"][3] == "FFFFF8DC"
    assert b"Aftersheet" not in Package(after).read(SHEET_1)
    assert_valid(after, baseline=saved)


def test_libreoffice_shows_findings_and_notes(office: Office, tmp_path: Path):
    source, target = tmp_path / "in.xlsx", tmp_path / "out.ods"
    source.write_bytes(mark(drawn_form(), marking(*ALL)))
    office.convert(source, target)
    shown = Package(target.read_bytes()).read("content.xml").decode()

    assert shown.count("<office:annotation ") == 4
    assert STATION.fix("zh") in shown
    assert 'xlink:href="#' in shown


def test_marked_files_are_valid():
    """The SDK and the lint find nothing that was not there before."""
    once = mark(with_notes(drawn_form(), {"B5": "x"}), marking(*ALL))
    english = mark(drawn_form(), marking(*ALL, language="en"))
    assert_valid(once, mark(once, marking(language="en")), english, baseline=drawn_form())


def test_marked_busy_files_are_valid(tmp_path: Path):
    before = busy_workbook(tmp_path)
    wrong = [replace(STATION, sheet="登记", cell=cell) for cell in ("B1", "C4", "F9", "Z99")]
    once = mark(before, marking(*wrong, replace(DATE, sheet="数据", cell="A1")))

    assert_valid(once, mark(once, marking()), baseline=before)


def test_a_package_error_is_not_hidden_from_whoever_opens_packages():
    """ReceiptError keeps its cause."""
    with pytest.raises(ReceiptError) as raised:
        mark(b"PK", marking())

    assert isinstance(raised.value.__cause__, PackageError)
