"""Any workbook → a proposed form: its form.yaml, and the same workbook with names on the cells that ask for answers."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from workbooks.form import FieldType, Text, defined_name
from workbooks.guard import inspect
from workbooks.marking.active_content import Entangled, remove_active_content
from workbooks.ooxml.book import Book
from workbooks.ooxml.stylesheet import StyleError
from workbooks.package import Package, PackageError, SheetPart
from workbooks.paper.asked import AskedForm
from workbooks.paper.definition_text import definition_text
from workbooks.paper.naming import name_cells
from workbooks.paper.paper import Paper, PaperError
from workbooks.paper.recognition import fields_of, recognise
from workbooks.paper.words import NOT_TEXT, english, snake
from workbooks.refusal import DEFAULT_LIMITS, Limits, damaged

__all__ = ["FoundCell", "PaperError", "Proposal", "propose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCell:
    """One answer found: its cell or column of lines, its label, the name and type proposed, and why."""

    cell: str
    label: Text
    name: str
    type: FieldType
    why: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """
    A proposed form.

    *definition* is the text of its form.yaml, *template* the workbook that goes beside it.
    *unsure* is what a person should look at before the form is installed.
    """

    form_id: str
    title: Text
    definition: str
    template: bytes
    found: tuple[FoundCell, ...]
    unsure: tuple[Text, ...]


def propose(
    content: bytes,
    *,
    filename: str,
    form_id: str | None = None,
    sheet: str | None = None,
    taken: Collection[str] = (),
    numbers: Collection[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Proposal:
    """
    What form the workbook in *content* could be; call it in a sandbox, the file is from outside.

    *sheet* names the tab to look at; without it the first one with anything to fill in.
    *taken* are form ids, *numbers* number patterns that other forms have.

    Raises:
        Refused: The guard did not let the file pass, or it is damaged.
        PaperError: Nothing in it can become a form; the text says why.
    """
    inspect(content, limits)
    try:
        book = Book(Package(content))
        remove_active_content(book)
        paper, asked = _first_form(book, sheet)
        name_cells(paper, asked)
        title = Text(asked.title, (english(asked.title) or snake(form_id) or "form").replace("_", " ").capitalize())
        chosen = form_id or _form_id(asked.title, filename, taken)
        text = definition_text(
            asked, form_id=chosen, title_en=title.en, number=_number(chosen, numbers), made_from=filename
        )
        template = book.save()
    except (PackageError, Entangled, StyleError) as error:
        raise damaged(content) from error
    found = tuple(
        FoundCell(cell=str(field.area), label=field.label, name=defined_name(path), type=field.type, why=field.why)
        for path, field in fields_of(asked)
    )
    return Proposal(form_id=chosen, title=title, definition=text, template=template, found=found, unsure=asked.unsure)


def _first_form(book: Book, wanted: str | None) -> tuple[Paper, AskedForm]:
    """The first visible sheet that asks for anything, or the one called *wanted*."""
    sheets = [part for part in book.sheets() if part.state == "visible"]
    if wanted is not None:
        part = book.sheet_part(wanted)
        if part is None:
            names = "、".join(part.title for part in sheets)
            raise PaperError(
                f"没有名为“{wanted}”的工作表；有：{names}", f"there is no sheet {wanted!r}; there are: {names}"
            )
        sheets = [part]
    refused: PaperError | None = None
    for part in sheets:
        try:
            return _form_on(book, part)
        except PaperError as error:
            refused = refused or error
    raise refused or PaperError("没有可见的工作表", "there is no visible sheet")


def _form_on(book: Book, part: SheetPart) -> tuple[Paper, AskedForm]:
    paper = Paper(book, part)
    return paper, recognise(paper)


def _form_id(title: str, filename: str, taken: Collection[str]) -> str:
    """A free id from the words of the title, else of the file's name."""
    stem = re.sub(r"\.[A-Za-z0-9]+$", "", filename)
    wanted = snake(english(title)) or snake(english(stem)) or "form"
    wanted = f"{wanted}_form" if wanted in NOT_TEXT else wanted
    number, found = 1, wanted
    while found in taken:
        number += 1
        found = f"{wanted}_{number}"
    return found


def _number(form_id: str, taken: Collection[str]) -> str:
    """A pattern of record numbers that no other form has, such as "RSF-{year}-{serial:06d}"."""
    parts = form_id.split("_")
    letters = ("".join(part[0] for part in parts) if len(parts) > 1 else form_id[:3]).upper()[:4]
    number, prefix = 1, letters
    while any(pattern.startswith(f"{prefix}-") for pattern in taken):
        number += 1
        prefix = f"{letters}{number}"
    return f"{prefix}-{{year}}-{{serial:06d}}"
