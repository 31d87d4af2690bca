"""A form that brings its own workbook: where its answers stand in it, and which cells hold check boxes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from workbooks.form import Field, FieldType, FormDefinition, Text, defined_name
from workbooks.ooxml.areas import Area
from workbooks.ooxml.book import Book
from workbooks.ooxml.cells import Sheet
from workbooks.ooxml.strings import Strings
from workbooks.package import Package, SheetPart
from workbooks.sheet.blocks import Block, Layout, Part
from workbooks.spellings.boxes import boxes_in, ticked_text
from workbooks.spellings.spelling import fold


class LookError(Exception):
    """The workbook does not fit its form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """
    The workbook of one form: its sheet, the plan of its answer cells, and the cells of check boxes.

    *boxed* is the text of such a cell, such as "□保内 □保外", by field path.
    """

    book: Book
    part: SheetPart
    layout: Layout
    boxed: Mapping[str, str]

    @property
    def sheet(self) -> Sheet:
        return self.book.sheet(self.part.part)


def open_look(definition: FormDefinition) -> Look:
    """
    The own workbook of *definition*.

    Raises:
        LookError: A field has no cell in it, or not all stand on one sheet.
        PackageError: It is no workbook.
    """
    assert definition.own_look is not None
    book = Book(Package(definition.own_look))
    places: dict[str, Area] = {}
    parts: dict[str, SheetPart] = {}
    for path, _ in definition.paths():
        found = book.place(defined_name(path))
        if found is None:
            raise LookError(f"no cell is called {defined_name(path)}")
        parts[found[0].part], places[path] = found[0], found[1]
    if len(parts) != 1:
        raise LookError("the answers stand on more than one sheet")
    part = next(iter(parts.values()))
    sheet = book.sheet(part.part)
    answers = {path: tuple(_blocks(path, area, sheet)) for path, area in places.items()}
    texts = Strings(book)
    boxed = {
        path: text
        for path, field in definition.paths()
        if offers(text := texts.of(sheet, (places[path].top, places[path].left)), field)
    }
    layout = Layout(
        blocks=tuple(block for blocks in answers.values() for block in blocks),
        widths=(),
        heights=(),
        pages=(),
        landscape=False,
        repeated=0,
        _answers=answers,
    )
    return Look(book=book, part=part, layout=layout, boxed=boxed)


def with_boxes(definition: FormDefinition, look: Look) -> FormDefinition:
    """*definition* with the choices of a cell of check boxes shown as the cell shows them, one ticked."""

    def boxed(path: str, field: Field) -> Field:
        text = look.boxed.get(path)
        if text is None or field.type is not FieldType.SELECT_ONE:
            return field
        shown = {choice.name: ticked(text, field, frozenset((choice.name,))) for choice in field.choices}
        labels = {name: Text(label, label) for name, label in shown.items()}
        return replace(field, choices=tuple(replace(choice, label=labels[choice.name]) for choice in field.choices))

    sections = tuple(
        replace(
            section,
            items=tuple(
                boxed(item.name, item)
                if isinstance(item, Field)
                else replace(item, fields=tuple(boxed(f"{item.name}.{field.name}", field) for field in item.fields))
                for item in section.items
            ),
        )
        for section in definition.sections
    )
    return replace(definition, sections=sections) if look.boxed else definition


def ticked(text: str, field: Field, chosen: frozenset[str]) -> str:
    """The cell *text* of check boxes with those of the choices *chosen* (names) ticked."""
    read = boxes_in(text)
    labels = {box.label for box in read.boxes if _choice(field, box.label) in chosen} if read else set()
    return ticked_text(text, frozenset(labels))


def offers(text: str, field: Field) -> bool:
    """Whether *text* has a box for every choice of *field*, and none for anything else."""
    read = boxes_in(text) if text and field.choices else None
    if read is None:
        return False
    return [_choice(field, box.label) for box in read.boxes] == [choice.name for choice in field.choices]


def _choice(field: Field, label: str) -> str | None:
    """The name of the choice that *label* stands for."""
    wanted = fold(label)
    return next((c.name for c in field.choices if wanted in (fold(c.label.zh), fold(c.label.en))), None)


def _blocks(path: str, area: Area, sheet: Sheet) -> Iterator[Block]:
    """The cells of field *path* from top to bottom, merged ones as wide as they are."""
    part = Part.ENTRY if "." in path else Part.INPUT
    for row in range(area.top, area.bottom + 1 if "." in path else area.top + 1):
        merged = sheet.merged((row, area.left))
        if merged.top == row:
            yield Block(part=part, row=row, first=area.left, last=max(merged.right, area.left), path=path)
