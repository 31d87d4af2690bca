"""Damages of rows, columns, merged cells, repeats and whole sheets."""

import copy
from random import Random

from lxml import etree

from tests.fuzz.editing import Editor, Spot, letters, spot, tag
from tests.fuzz.subject import Damage, Subject, kind
from workbooks.form import FieldType, defined_name

_LOST = frozenset({"lost-names", "lost-field", "unknown-form", "misplaced-answer", "other-form", "merged-input"})


def _every(subject: Subject) -> frozenset[str]:
    return frozenset(path for path, _ in subject.definition.paths())


def _shift(book: Editor, at: int, by: int, *, rows: bool, names: bool) -> None:
    """
    Insert (*by* > 0) or delete rows or columns before *at*, as Excel does, or leaving the *names* where they were.

    What stands in deleted ones is gone; names that pointed there lose their cells.
    """

    def moved(place: int) -> int | None:
        if place < at:
            return place
        return place + by if place + by >= at or by > 0 else None

    def of(s: Spot) -> Spot | None:
        row, column = (moved(s.row), s.column) if rows else (s.row, moved(s.column))
        return Spot(row, column) if row and column else None

    data = book.rows()
    for row in list(data):
        if rows:
            new = moved(int(row.get("r", "0")))
            if new is None:
                data.remove(row)
                continue
            row.set("r", str(new))
        for cell in list(row):
            place = of(spot(cell.get("r", "")))
            if place is None:
                row.remove(cell)
            else:
                cell.set("r", place.address)
    for merge in book.merges():
        first, last = (spot(part) for part in merge.get("ref", "").split(":"))
        one, two = of(first) or (Spot(at, first.column) if rows else Spot(first.row, at)), of(last)
        if two is None or one > two or (rows and of(first) is None and first.row == last.row) or one == two:
            merge.getparent().remove(merge)  # type: ignore[union-attr]
        else:
            merge.set("ref", f"{one.address}:{two.address}")
    if names:
        for name, (title, first, last) in book.places().items():
            one, two = of(first), of(last)
            if one is None and two is None:
                book.name(name).text = f"'{title}'!#REF!"
            elif one is None or two is None:
                edge = Spot(at, first.column) if rows else Spot(first.row, at)
                book.point(name, one or edge, two or (Spot(at - 1, last.column) if rows else Spot(last.row, at - 1)))
            else:
                book.point(name, one, two)
    _forget_other_references(book)


def _forget_other_references(book: Editor) -> None:
    """What else refers to the sheet's cells is left out: it plays no part in reading."""
    sheet = book.sheet()
    for name in ("dataValidations", "conditionalFormatting", "rowBreaks"):
        for element in sheet.findall(tag(name)):
            sheet.remove(element)


def lost_rows(subject: Subject, rows: range) -> tuple[dict[str, tuple[object, ...]], frozenset[str]]:
    """What is missing when *rows* are deleted with the names following: lines of repeats, and single fields."""
    becomes: dict[str, tuple[object, ...]] = {}
    for repeat, lines in subject.filled.repeats.items():
        values = subject.report.values[repeat]
        left = tuple(
            value
            for value, line in zip(values, lines, strict=False)  # type: ignore[arg-type]
            if spot(next(iter(line.values())).address).row not in rows
        )
        if len(left) < len(values):  # type: ignore[arg-type]
            becomes[repeat] = (left,)
    paths = frozenset(a.path for a in subject.answers if a.spot.row in rows)
    return becomes, paths


@kind
def row_deleted(subject: Subject, book: Editor, rng: Random) -> Damage:
    at, count = rng.choice(subject.answers).spot.row, rng.choice([1, 1, 2])
    becomes, _ = lost_rows(subject, range(at, at + count))
    _shift(book, at, -count, rows=True, names=True)
    return Damage(kind="row_deleted", paths=_every(subject), slugs=_LOST, becomes=becomes, told=f"{at} x {count}")


@kind
def row_deleted_names_left(subject: Subject, book: Editor, rng: Random) -> Damage:
    """By a program that knows nothing of names: every answer below moves under the name of another."""
    at = rng.choice(subject.answers).spot.row
    _shift(book, at, -1, rows=True, names=False)
    return Damage(kind="row_deleted_names_left", paths=_every(subject), slugs=_LOST, told=str(at))


@kind
def row_inserted(subject: Subject, book: Editor, rng: Random) -> Damage:
    at, count = rng.choice(subject.answers).spot.row, rng.choice([1, 2, 9])
    _shift(book, at, count, rows=True, names=True)
    return Damage(kind="row_inserted", paths=_every(subject), told=f"{at} x {count}")


@kind
def row_inserted_names_left(subject: Subject, book: Editor, rng: Random) -> Damage:
    at, count = rng.choice(subject.answers).spot.row, rng.choice([1, 2])
    _shift(book, at, count, rows=True, names=False)
    return Damage(kind="row_inserted_names_left", paths=_every(subject), slugs=_LOST, told=f"{at} x {count}")


@kind
def column_deleted(subject: Subject, book: Editor, rng: Random) -> Damage:
    at = rng.choice(subject.answers).spot.column
    _shift(book, at, -1, rows=False, names=True)
    return Damage(kind="column_deleted", paths=_every(subject), slugs=_LOST, told=letters(at))


@kind
def column_deleted_names_left(subject: Subject, book: Editor, rng: Random) -> Damage:
    at = rng.choice(subject.answers).spot.column
    _shift(book, at, -1, rows=False, names=False)
    return Damage(kind="column_deleted_names_left", paths=_every(subject), slugs=_LOST, told=letters(at))


@kind
def column_inserted(subject: Subject, book: Editor, rng: Random) -> Damage:
    at = rng.choice(subject.answers).spot.column + rng.choice([0, 0, 1])
    _shift(book, at, 1, rows=False, names=True)
    return Damage(kind="column_inserted", paths=_every(subject), told=letters(at))


@kind
def column_inserted_names_left(subject: Subject, book: Editor, rng: Random) -> Damage:
    at = rng.choice(subject.answers).spot.column
    _shift(book, at, 1, rows=False, names=False)
    return Damage(kind="column_inserted_names_left", paths=_every(subject), slugs=_LOST, told=letters(at))


@kind
def answers_swapped(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    """Two answers written into each other's cells: that is what the sheet says, to everybody who reads it."""
    single = [
        a for a in subject.answers if a.line is None and a.field.type is FieldType.TEXT and a.field.master is None
    ]
    if len(single) < 2:
        return None
    one, other = rng.sample(single, 2)
    first, second = book.take(one.spot), book.take(other.spot)
    book.give(one.spot, second)
    book.give(other.spot, first)
    becomes = {one.path: (other.value,), other.path: (one.value,)}
    return Damage(kind="answers_swapped", paths=_every(subject), becomes=becomes, told=f"{one.path} {other.path}")


@kind
def answer_beside_its_cell(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    """Merged cells taken apart, and the answer copied one cell to the right of where it belongs."""
    merged = {first: last for first, last in book.unmerge()}
    found = [a for a in subject.answers if a.spot in merged and a.field.type is not FieldType.IMAGE]
    if not found:
        return None
    answer = rng.choice(found)
    target = Spot(answer.spot.row, rng.randint(answer.spot.column + 1, merged[answer.spot].column))
    if not book.is_unlocked(target):
        return None  # on a company's own sheet nothing tells an answer from what is printed there
    book.give(target, book.take(answer.spot))
    return Damage(
        kind="answer_beside_its_cell", paths=_every(subject), slugs=_LOST | {"answer-beside"}, told=answer.spot.address
    )


@kind
def cells_unmerged(subject: Subject, book: Editor, rng: Random) -> Damage:
    book.unmerge()
    return Damage(kind="cells_unmerged")


@kind
def cells_merged(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    """Label and answer merged into one: Excel keeps the label and drops the answer."""
    answer = rng.choice([a for a in subject.answers if a.line is None and a.spot.column > 1])
    label = Spot(answer.spot.row, answer.spot.column - 1)
    book.take(answer.spot)
    merges = book.sheet().find(tag("mergeCells"))
    if merges is None:
        return None
    etree.SubElement(merges, tag("mergeCell"), ref=f"{label.address}:{answer.spot.address}")
    becomes: dict[str, tuple[object, ...]] = {answer.path: (None,)}
    return Damage(kind="cells_merged", paths=_every(subject), becomes=becomes, told=answer.spot.address)


def _columns(subject: Subject, book: Editor, repeat: str) -> dict[str, tuple[Spot, Spot]]:
    places = book.places()
    return {
        f.name: places[defined_name(f"{repeat}.{f.name}")][1:]
        for r in subject.definition.repeats
        if r.name == repeat
        for f in r.fields
        if defined_name(f"{repeat}.{f.name}") in places
    }


def _last_line(subject: Subject, book: Editor, rng: Random) -> tuple[str, dict[str, tuple[Spot, Spot]], int] | None:
    """A filled list, where its columns lie, and the row of its last line; None if no empty line follows that."""
    repeats = [r for r in (r.name for r in subject.definition.repeats) if subject.report.values[r]]
    if not repeats:
        return None
    repeat = rng.choice(repeats)
    columns = _columns(subject, book, repeat)
    last = max(spot(cell.address).row for line in subject.filled.repeats[repeat] for cell in line.values())
    if last >= min(bottom.row for _, bottom in columns.values()):
        return None
    return repeat, columns, last


@kind
def blank_line_in_a_list(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    """The last filled line one further down, an empty one in between."""
    found = _last_line(subject, book, rng)
    if found is None:
        return None
    repeat, columns, last = found
    for name, (first, _) in columns.items():
        if not subject.definition.field(f"{repeat}.{name}").computed:
            book.give(Spot(last + 1, first.column), book.take(Spot(last, first.column)))
    return Damage(kind="blank_line_in_a_list", told=repeat)


@kind
def line_twice(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    found = _last_line(subject, book, rng)
    if found is None:
        return None
    repeat, columns, last = found
    for first, _ in columns.values():
        taken = book.take(Spot(last, first.column))
        book.give(Spot(last + 1, first.column), copy.deepcopy(taken))
        book.give(Spot(last, first.column), taken)
    rows = subject.report.values[repeat]
    return Damage(kind="line_twice", paths=_every(subject) | {repeat}, becomes={repeat: ((*rows, rows[-1]),)})  # type: ignore[misc, index]


@kind
def line_below_a_list(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    """A row inserted below the last printed line, as the names do not notice, and filled in."""
    repeats = [r for r in (r.name for r in subject.definition.repeats) if subject.report.values[r]]
    if not repeats:
        return None
    repeat = rng.choice(repeats)
    columns = _columns(subject, book, repeat)
    bottom = max(last.row for _, last in columns.values())
    _shift(book, bottom + 1, 1, rows=True, names=True)
    line = max(spot(cell.address).row for line in subject.filled.repeats[repeat] for cell in line.values())
    for first, _ in columns.values():
        taken = book.take(Spot(line, first.column))
        book.give(Spot(bottom + 1, first.column), copy.deepcopy(taken))
        book.cell(Spot(bottom + 1, first.column)).set("s", book.cell(Spot(bottom, first.column)).get("s", "0"))
        book.give(Spot(line, first.column), taken)
    rows = subject.report.values[repeat]
    return Damage(
        kind="line_below_a_list", paths=_every(subject) | {repeat}, slugs=frozenset({"line-not-read"}),
        becomes={repeat: ((*rows, rows[-1]),)}, told=repeat,
    )  # type: ignore[misc, index]  # fmt: skip


@kind
def columns_of_a_list_swapped(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    """Headers and answers of two columns change places, the names stay: everything reads well, nothing is right."""
    repeats = [r for r in (r.name for r in subject.definition.repeats) if subject.report.values[r]]
    if not repeats:
        return None
    repeat = rng.choice(repeats)
    columns = _columns(subject, book, repeat)
    typed = [n for n in columns if not subject.definition.field(f"{repeat}.{n}").computed]
    one, other = rng.sample(typed, 2)
    (top, bottom), (top2, _) = columns[one], columns[other]
    for row in range(top.row - 1, bottom.row + 1):
        first, second = book.take(Spot(row, top.column)), book.take(Spot(row, top2.column))
        book.give(Spot(row, top.column), second)
        book.give(Spot(row, top2.column), first)
    rows = subject.report.values[repeat]
    if all(row[one] == row[other] for row in rows):  # type: ignore[union-attr, index, call-overload]
        return None
    paths = frozenset({f"{repeat}.{one}", f"{repeat}.{other}"})
    return Damage(kind="columns_of_a_list_swapped", paths=paths, slugs=_LOST, told=f"{one} {other}")


@kind
def column_of_a_list_moved_up(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    """One cell of a column deleted, the cells below moved up: the lines no longer belong together."""
    if not subject.repeats:
        return None
    repeat = rng.choice(subject.repeats)
    columns = _columns(subject, book, repeat)
    name = rng.choice([n for n in columns if not subject.definition.field(f"{repeat}.{n}").computed])
    top, bottom = columns[name]
    rows = [dict(row) for row in subject.report.values[repeat]]  # type: ignore[union-attr]
    taken = [book.take(Spot(row, top.column)) for row in range(top.row, bottom.row + 1)]
    for row, content in zip(range(top.row, bottom.row), taken[1:], strict=True):
        book.give(Spot(row, top.column), content)
    for row, below in zip(rows, [*rows[1:], {name: None}], strict=True):
        row[name] = below[name]
    return Damage(
        kind="column_of_a_list_moved_up", paths=_every(subject) | {repeat}, becomes={repeat: (tuple(rows),)}, told=name
    )


@kind
def labels_edited(subject: Subject, book: Editor, rng: Random) -> Damage:
    """People put their own words to a label: that is no reason to turn a form down."""
    labels = {f.label[subject.language] for _, f in subject.definition.paths()}
    shared = ["".join(si.itertext()) for si in book.tree("xl/sharedStrings.xml")]
    texts = [(at, shared[int(c.findtext(tag("v"), "0"))]) for at, c in book.cells() if c.get("t") == "s"]
    at, text = rng.choice([(at, text) for at, text in texts if text.partition("（")[0].strip(" *") in labels])
    text = rng.choice(["{}：", "{}（必填）", "请填{}", "*{}*", "{} / remark"]).format(text)
    book.put(at, text)
    return Damage(kind="labels_edited", told=f"{at.address} {text}")
