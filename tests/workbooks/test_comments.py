"""Notes: ours are put on any sheet and taken back again; what others noted is never lost."""

import io

import openpyxl
import pytest

from tests.workbooks.drawn import TITLE, busy_workbook, drawn_form, with_notes, with_part
from workbooks.marking.comments import HEADING, SEPARATOR, Notes
from workbooks.ooxml.areas import Area
from workbooks.ooxml.book import Book
from workbooks.package import Package

THREADS = "http://schemas.microsoft.com/office/2017/10/relationships/threadedComment"


def edited(content: bytes, *puts: tuple[str, str], sheet: int = 0, take_back: bool = True) -> bytes:
    """The workbook after one round: our old notes taken back, then *puts* of (area, text)."""
    book = Book(Package(content))
    notes = Notes(book, book.sheets()[sheet])
    if take_back:
        notes.take_back()
    for reference, text in puts:
        area = Area.parse(reference)
        assert area is not None
        notes.put(area, [text], "zh", error=True)
    notes.save()
    return book.save()


def noted(content: bytes, title: str = TITLE) -> dict[str, str]:
    """Address → text of every note on a sheet."""
    package = Package(content)
    part = next(sheet.part for sheet in package.sheets() if sheet.title == title)
    parts = package.related(part, "comments").values()
    found = [comment for part in parts for comment in package.xml(part).iter("{*}comment")]
    return {comment.get("ref", ""): "".join(comment.itertext("{*}t")) for comment in found}


def vml(content: bytes) -> bytes:
    package = Package(content)
    return b"".join(package.read(name) for name in package.names() if name.endswith(".vml"))


def test_a_sheet_without_notes_gets_them_with_all_their_parts():
    content = edited(drawn_form(), ("B5", "没有填写"))

    read = openpyxl.load_workbook(io.BytesIO(content))[TITLE]["B5"].comment
    assert (read.author, read.text) == ("Aftersheet", f"{HEADING.zh}\n没有填写")
    package = Package(content)
    assert package.content_type("xl/comments1.xml").endswith("comments+xml")
    assert b"<x:Row>4</x:Row><x:Column>1</x:Column>" in vml(content)
    names = [child.tag.rpartition("}")[2] for child in package.xml("xl/worksheets/sheet1.xml")]
    assert names.index("pageMargins") < names.index("legacyDrawing")


def test_taking_back_leaves_no_trace():
    """Parts, relationships and content types are those of before."""
    before = drawn_form()
    after = edited(edited(before, ("B5", "没有填写"), ("B7:E7", "太短")))

    assert set(Package(after).names()) == set(Package(before).names())
    assert Package(after).xml("[Content_Types].xml").xpath("//*[contains(@PartName, 'comments')]") == []
    assert b"legacyDrawing" not in Package(after).read("xl/worksheets/sheet1.xml")


def test_ours_stands_before_what_somebody_else_had_noted():
    content = edited(with_notes(drawn_form(), {"B5": "请核对\n谢谢", "B6": "昨天"}), ("B5", "没有填写"))

    assert noted(content) == {"B5": f"{HEADING.zh}\n没有填写\n{SEPARATOR}\n请核对\n谢谢", "B6": "昨天"}
    assert vml(content).count(b'ObjectType="Note"') == 2


def test_taking_back_uncovers_the_other_note():
    before = with_notes(drawn_form(), {"B5": "请核对\n谢谢", "B6": "昨天"})
    after = edited(edited(before, ("B5", "没有填写"), ("B6", "错"), ("B7", "新")))

    assert noted(after) == noted(before)
    assert openpyxl.load_workbook(io.BytesIO(after))[TITLE]["B5"].comment.author == "李工"
    assert vml(after).count(b'ObjectType="Note"') == 2


def test_several_rounds_do_not_pile_up():
    content = with_notes(drawn_form(), {"B5": "请核对"})
    for text in ("一", "二", "三"):
        content = edited(content, ("B5", text))

    assert noted(content) == {"B5": f"{HEADING.zh}\n三\n{SEPARATOR}\n请核对"}
    assert vml(content).count(b'ObjectType="Note"') == 1


def test_english_notes_are_taken_back_as_well():
    """The second receipt may be in the other language."""
    book = Book(Package(drawn_form()))
    notes = Notes(book, book.sheets()[0])
    notes.put(Area(5, 2, 5, 2), ["empty"], "en", error=False)
    notes.save()

    assert noted(book.save()) == {"B5": f"{HEADING.en}\nempty"}
    assert noted(edited(book.save())) == {}


def test_a_note_whose_cell_has_moved_is_still_ours():
    """Rows were inserted above it; only the text tells."""
    moved = Package(edited(drawn_form(), ("B5", "没有填写")))
    moved.put("xl/comments1.xml", moved.read("xl/comments1.xml").replace(b'ref="B5"', b'ref="B9"'))
    part = "xl/drawings/vmlDrawing1.vml"
    moved.put(part, moved.read(part).replace(b"<x:Row>4<", b"<x:Row>8<"))

    assert noted(edited(moved.save())) == {}
    assert vml(edited(moved.save())) == b""


def test_buttons_and_pictures_in_the_same_drawing_stay(tmp_path):
    """Form controls live in the VML drawing too, header pictures in another one."""
    before = busy_workbook(tmp_path)
    content = edited(before, ("B1", "没有填写"), ("C1", "新"), ("A1", "新"))
    after = edited(content)

    assert noted(content, "登记")["B1"] == f"{HEADING.zh}\n没有填写\n{SEPARATOR}\n请核对"
    assert (vml(before).count(b"<v:shape "), vml(content).count(b"<v:shape ")) == (5, 7)
    assert vml(content).count(b'ObjectType="Button"') == 1
    assert noted(after, "登记") == noted(before, "登记")
    assert vml(after).count(b"<v:shape ") == 5


def test_shape_numbers_are_unique(tmp_path):
    content = edited(busy_workbook(tmp_path), ("C1", "新"), ("C2", "新"), ("C9", "新"))
    drawing = Package(content).read("xl/drawings/vmlDrawing1.vml")
    ids = [part.split(b'"')[0] for part in drawing.split(b' id="_x0000_s')[1:]]

    assert len(ids) == len(set(ids)) == 6


def test_a_cell_with_a_thread_is_left_alone(tmp_path):
    """Excel shows the thread in the note's place, and rewrites the note from it."""
    content = with_notes(drawn_form(), {"B5": "[Threaded comment]"})
    package = Package(content)
    comments = next(iter(package.related("xl/worksheets/sheet1.xml", "comments").values()))
    package.put(comments, package.read(comments).replace("李工".encode(), b"tc={0A-1}"))
    thread = b'<ThreadedComments xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"/>'
    name = "xl/threadedComments/threadedComment1.xml"
    content = with_part(package.save(), "xl/worksheets/sheet1.xml", THREADS, name, thread, "application/x+xml")
    after = edited(content, ("B5", "没有填写"), ("B6", "错"))

    assert noted(after) == {"B5": "[Threaded comment]", "B6": f"{HEADING.zh}\n错"}
    assert Package(after).read(name) == thread


def test_controls_without_notes_keep_their_drawing(tmp_path):
    """The sheet has a VML drawing but no notes yet: ours go into that drawing, and out of it again."""
    before = busy_workbook(tmp_path)
    package = Package(before)
    key = next(iter(package.related("xl/worksheets/sheet1.xml", "comments")))
    package.unrelate("xl/worksheets/sheet1.xml", key)
    part = "xl/drawings/vmlDrawing1.vml"
    content = edited(package.save(), ("B2", "没有填写"))

    assert noted(content, "登记") == {"B2": f"{HEADING.zh}\n没有填写"}
    assert Package(content).read(part).count(b'ObjectType="Button"') == 1
    assert Package(edited(content)).read(part).count(b'ObjectType="Button"') == 1


@pytest.mark.parametrize("text", ["a\x00b", "_x0041_", "<&>\"'", "好" * 40_000])
def test_any_text_can_be_noted(text: str):
    """Control characters and lookalikes of Excel's escapes come back as text."""
    content = edited(drawn_form(), ("B5", text))
    stored = Package(content).xml("xl/comments1.xml").findtext("{*}commentList/{*}comment/{*}text/{*}r[2]/{*}t")

    assert stored is not None
    assert len(stored) <= 32_767


def test_a_long_note_gets_a_larger_shape():
    """The shape is as high as its text, measured in the rows it covers."""
    anchors = [
        [int(n) for n in vml(edited(drawn_form(), ("B5", text))).split(b"Anchor>")[1].split(b"<")[0].split(b",")]
        for text in ("短", "这里写得很长，" * 30)
    ]

    assert [anchor[:4] for anchor in anchors] == [[2, 14, 4, 4], [2, 14, 4, 4]]
    assert anchors[0][6] < anchors[1][6] - 7
