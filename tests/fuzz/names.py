"""Damages of the hidden names and of what the workbook says of itself."""

from random import Random

from tests.fuzz.editing import WORKBOOK, Editor, Spot
from tests.fuzz.subject import Damage, Subject, kind
from workbooks.form import defined_name
from workbooks.library import library

_LOST = frozenset({"lost-names", "lost-field", "unknown-form", "misplaced-answer"})


def _field_names(subject: Subject, book: Editor) -> list[str]:
    """The names of typed fields that are there."""
    places = book.places()
    return [n for p, f in subject.definition.paths() if not f.computed and (n := defined_name(p)) in places]


def _paths(names: list[str]) -> frozenset[str]:
    return frozenset(name.removeprefix("AS_").replace("__", ".") for name in names)


@kind
def some_names_removed(subject: Subject, book: Editor, rng: Random) -> Damage:
    names = rng.sample(_field_names(subject, book), rng.choice([1, 1, 2, 5]))
    for name in names:
        book.drop_name(name)
    return Damage(kind="some_names_removed", paths=_paths(names), slugs=_LOST, told=", ".join(names))


@kind
def all_field_names_removed(subject: Subject, book: Editor, rng: Random) -> Damage:
    """What the workbook says of itself is left."""
    for name in book.places():
        if not name.startswith("AS__"):
            book.drop_name(name)
    return Damage(kind="all_field_names_removed", slugs=_LOST, paths=_every(subject))


@kind
def all_names_removed(subject: Subject, book: Editor, rng: Random) -> Damage:
    for element in book.names():
        name = element.get("name", "")
        if name.startswith("AS_"):
            book.drop_name(name)
    return Damage(kind="all_names_removed", slugs=_LOST, paths=_every(subject))


@kind
def identity_removed(subject: Subject, book: Editor, rng: Random) -> Damage:
    for element in book.names():
        if (name := element.get("name", "")).startswith("AS__") and name not in book.places():
            book.drop_name(name)
    return Damage(kind="identity_removed", slugs=_LOST, paths=_every(subject))


@kind
def names_without_cells(subject: Subject, book: Editor, rng: Random) -> Damage:
    """#REF!, as Excel leaves them when cells are deleted."""
    names = rng.sample(_field_names(subject, book), rng.choice([1, 2, 6]))
    for name in names:
        book.name(name).text = rng.choice(["#REF!", f"'{book.form}'!#REF!"])
    return Damage(kind="names_without_cells", paths=_paths(names), slugs=_LOST, told=", ".join(names))


@kind
def two_names_swapped(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    names = [n for n in _field_names(subject, book) if "__" not in n]
    one, other = rng.sample(names, 2)
    first, second = book.name(one), book.name(other)
    first.text, second.text = second.text, first.text
    values = subject.report.values
    if values[one[3:]] == values[other[3:]]:
        return None
    return Damage(kind="two_names_swapped", paths=_paths([one, other]), slugs=_LOST, told=f"{one} {other}")


@kind
def a_name_moved_away(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Somebody gave the name to another cell: one line down, one to the right, on the other sheet."""
    name = rng.choice(_field_names(subject, book))
    _, first, last = book.places()[name]
    down, right = rng.choice([(1, 0), (-1, 0), (0, 1), (0, -1), (3, 0), (0, 4), (60, 0)])
    moved = [Spot(max(s.row + down, 1), max(s.column + right, 1)) for s in (first, last)]
    title = book.form if rng.random() < 0.85 else "_lists"
    book.point(name, *moved, title=title)
    return Damage(
        kind="a_name_moved_away", paths=_paths([name]), slugs=_LOST, told=f"{name} by {down}, {right} on {title}"
    )


@kind
def all_names_moved(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Another program moved cells and left the names, or the other way about."""
    down, right = rng.choice([(1, 0), (-1, 0), (2, 0), (0, 1), (0, -1)])
    for name, (_, first, last) in book.places().items():
        moved = [Spot(max(s.row + down, 1), max(s.column + right, 1)) for s in (first, last)]
        book.point(name, *moved)
    return Damage(kind="all_names_moved", paths=_every(subject), slugs=_LOST, told=f"{down}, {right}")


@kind
def a_name_twice(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Of the whole workbook and, by a copied sheet, of one sheet; or in other letters."""
    name = rng.choice(_field_names(subject, book))
    element = book.name(name)
    copy = element.makeelement(element.tag, dict(element.attrib))
    copy.text = f"'{book.form}'!$A$1"
    copy.set("localSheetId", "0")
    position = rng.choice([0, 1])
    element.getparent().insert(element.getparent().index(element) + position, copy)  # type: ignore[union-attr]
    return Damage(kind="a_name_twice", paths=_paths([name]), told=name)


@kind
def names_of_the_sheet(subject: Subject, book: Editor, rng: Random) -> Damage:
    """The sheet was moved into another file: its names came along as names of the sheet."""
    index = next(i for i, e in enumerate(book.sheets()) if e.get("name") == book.form)
    for name in book.places():
        book.name(name).set("localSheetId", str(index))
    return Damage(kind="names_of_the_sheet", slugs=_LOST, paths=_every(subject))


@kind
def names_in_other_letters(subject: Subject, book: Editor, rng: Random) -> Damage:
    for name in book.places():
        book.name(name).set("name", rng.choice([name.lower(), name.upper(), name]))
    return Damage(kind="names_in_other_letters", slugs=_LOST, paths=_every(subject))


@kind
def references_in_other_spellings(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Relative, with an equals sign, with a space: as other programs write them."""
    for name in book.places():
        element = book.name(name)
        how = rng.choice(["=", " ", "relative", ""])
        element.text = (element.text or "").replace("$", "") if how == "relative" else how + (element.text or "")
    return Damage(kind="references_in_other_spellings", slugs=_LOST, paths=_every(subject))


@kind
def another_form_id(subject: Subject, book: Editor, rng: Random) -> Damage:
    others = [form_id for form_id in library() if form_id != subject.definition.form_id]
    book.name("AS__form_id").text = f'"{rng.choice([*others, "holiday", "", "FRACAS"])}"'
    return Damage(
        kind="another_form_id", slugs=_LOST | {"wrong-form", "retired-version", "newer-version"}, paths=_every(subject)
    )


@kind
def another_version(subject: Subject, book: Editor, rng: Random) -> Damage:
    version = rng.choice(["0", "-1", "99", "1.5", "一", "", "1 "])
    book.name("AS__version").text = f'"{version}"'
    slugs = frozenset({"newer-version", "retired-version", "unknown-version"})
    return Damage(kind="another_version", slugs=slugs, told=version)


@kind
def another_instance(subject: Subject, book: Editor, rng: Random) -> Damage:
    """Which blank it was changes which record it is, not what it says."""
    name = book.name("AS__instance_id")
    name.text = rng.choice(['""', '"x"', '"' + "9" * 300 + '"', '"\u202eabc"'])
    return Damage(kind="another_instance")


@kind
def a_name_with_the_case_of_its_sheet_changed(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    text = book.text(WORKBOOK)
    book.put_text(WORKBOOK, text.replace(f"{book.form}!", f"{book.form.swapcase()}!"))
    return Damage(kind="a_name_with_the_case_of_its_sheet_changed", slugs=_LOST)


def _every(subject: Subject) -> frozenset[str]:
    return frozenset(path for path, _ in subject.definition.paths())
