"""Damages of whole sheets: renamed, moved, hidden, copied."""

import copy
from collections.abc import Iterable
from itertools import product
from random import Random

from lxml import etree

from tests.fuzz.editing import Editor, Spot, tag
from tests.fuzz.subject import Answer, Damage, Subject, kind
from workbooks.form import FieldType

_LOST = frozenset({"lost-names", "lost-field", "unknown-form", "misplaced-answer", "other-form"})
_COVER = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    '<c r="A1" t="inlineStr"><is><t>{}</t></is></c></row></sheetData></worksheet>'
)


def _every(subject: Subject) -> frozenset[str]:
    return frozenset(path for path, _ in subject.definition.paths())


@kind
def sheet_renamed(subject: Subject, book: Editor, rng: Random) -> Damage:
    title = rng.choice(["Sheet1", "表 1", "Bob's sheet", "2026-11", "a" * 31, "张伟!", "A1", "R1C1", "数据 (2)"])
    book.rename_sheet(book.form, title)
    return Damage(kind="sheet_renamed", told=title)


@kind
def sheet_renamed_names_left(subject: Subject, book: Editor, rng: Random) -> Damage:
    book.rename_sheet(book.form, "Sheet1", names_follow=False)
    return Damage(kind="sheet_renamed_names_left", slugs=_LOST, paths=_every(subject))


@kind
def sheets_in_another_order(subject: Subject, book: Editor, rng: Random) -> Damage:
    book.move_sheet(len(book.sheets()) - 1, 0)
    if rng.random() < 0.5:
        book.sheets()[0].set("state", rng.choice(["visible", "hidden", "veryHidden"]))
    return Damage(kind="sheets_in_another_order")


@kind
def sheets_added(subject: Subject, book: Editor, rng: Random) -> Damage:
    for number in range(rng.choice([1, 2, 5])):
        text = rng.choice(["封面", subject.definition.title.zh, "请填写下一页", ""])
        book.add_sheet(f"封面{number}", _COVER.format(text).encode(), at=rng.choice([0, None]))
    return Damage(kind="sheets_added")


@kind
def lists_removed(subject: Subject, book: Editor, rng: Random) -> Damage:
    """The hidden sheet with the lists behind the drop-downs."""
    element = next(e for e in book.sheets() if e.get("name") == "_lists")
    index = book.sheets().index(element)
    element.getparent().remove(element)  # type: ignore[union-attr]
    for name in book.names():
        local = name.get("localSheetId")
        if local is not None and int(local) >= index:
            name.getparent().remove(name) if int(local) == index else name.set("localSheetId", str(int(local) - 1))  # type: ignore[union-attr]
        elif "_lists" in (name.text or ""):
            name.text = "#REF!"
    return Damage(kind="lists_removed")


@kind
def form_hidden(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Hidden behind a cover sheet; the names still say where it is."""
    book.add_sheet("封面", _COVER.format("封面").encode(), at=0)
    next(e for e in book.sheets() if e.get("name") == book.form).set("state", rng.choice(["hidden", "veryHidden"]))
    return Damage(kind="form_hidden")


def _copy(book: Editor, *, names: bool) -> None:
    """A second sheet with all cells of the form's; with *names*, it has names of its own as Excel makes them."""
    book.add_sheet(f"{book.form[:27]} (2)", etree.tostring(book.sheet()))
    if not names:
        return
    index = str(len(book.sheets()) - 1)
    for name in list(book.places()):
        if book.places()[name][0] == book.form:
            original = book.name(name)
            new = copy.deepcopy(original)
            new.set("localSheetId", index)
            new.text = (original.text or "").replace(f"{book.form}!", f"'{book.form[:27]} (2)'!").replace("''", "'")
            original.addnext(new)


def _text_answer(subject: Subject, rng: Random) -> Answer | None:
    found = [a for a in subject.answers if a.line is None and a.field.type is FieldType.TEXT and a.field.master is None]
    return rng.choice(found) if found else None


@kind
def sheet_copied(subject: Subject, book: Editor, rng: Random) -> Damage:
    """The same twice: there is nothing to choose."""
    _copy(book, names=rng.random() < 0.6)
    return Damage(kind="sheet_copied", slugs=_LOST)


@kind
def copy_filled_in_instead(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    """The form's own sheet is an old state; what the sender means stands on the copy."""
    answer = _text_answer(subject, rng)
    if answer is None:
        return None
    with_names = rng.random() < 0.6
    _copy(book, names=with_names)
    book.put(answer.spot, "以前的内容")
    if rng.random() < 0.3:
        book.move_sheet(len(book.sheets()) - 1, 0)
    return Damage(
        kind="copy_filled_in_instead", slugs=_LOST, told=f"{answer.path}, names: {with_names}", must_refuse=True
    )


@kind
def copy_filled_in_and_original_emptied(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    optional = [a for a in subject.answers if a.line is None and a.field.required is False]
    if not optional:
        return None
    _copy(book, names=rng.random() < 0.6)
    answer = rng.choice(optional)
    book.put(answer.spot, None)
    return Damage(kind="copy_filled_in_and_original_emptied", slugs=_LOST, paths=_every(subject), told=answer.path)


@kind
def protection_and_rules_removed(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Pasted over: no protection, no validation, no conditional formats, no comments."""
    sheet = book.sheet()
    for name in ("sheetProtection", "dataValidations", "conditionalFormatting"):
        for element in sheet.findall(tag(name)):
            sheet.remove(element)
    return Damage(kind="protection_and_rules_removed")


@kind
def rows_hidden(subject: Subject, book: Editor, rng: Random) -> Damage:
    """A filter or a fold: what is there counts."""
    for row in book.rows():
        if rng.random() < 0.4:
            row.set("hidden", "1")
    return Damage(kind="rows_hidden")


@kind
def cells_of_labels_emptied(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Somebody has cleared texts of the form around the answers; names still say where they are."""
    named = {Spot(r, c) for _, first, last in book.places().values() for r, c in _within(first, last)}
    texts = [at for at, cell in book.cells() if cell.get("t") == "s" and at not in named]
    for at in rng.sample(texts, max(1, len(texts) // 4)):
        book.take(at)
    return Damage(kind="cells_of_labels_emptied", slugs=_LOST)


def _within(first: Spot, last: Spot) -> Iterable[tuple[int, int]]:
    return product(range(first.row, last.row + 1), range(first.column, last.column + 1))
