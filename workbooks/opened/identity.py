"""What an open workbook says of itself: its hidden texts and the cells for number, revision, state and time."""

from collections.abc import Mapping
from dataclasses import dataclass

from workbooks.form import IDENTITY_PREFIX, Language
from workbooks.opened.excel import Book, Range

_CELLS = ("number", "revision", "state", "received_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenForm:
    """
    A workbook open in Excel, as it describes itself; nothing of it is proved.

    *form_id* is empty for a workbook that is no form of ours.
    """

    filename: str
    form_id: str = ""
    version: str = ""
    language: Language = "zh"
    instance_id: str = ""
    station: str = ""
    number: str = ""
    revision: int | None = None
    state: str = ""


def names_of(book: Book) -> Mapping[str, str]:
    """The workbook's own AS__ names and what they refer to, such as '="fracas"' or "=反馈!$C$3"."""
    found: dict[str, str] = {}
    for name in book.names:
        text = str(name.name)
        if text.startswith(IDENTITY_PREFIX):
            found[text] = str(name.refers_to or "")
    return found


def constant(names: Mapping[str, str], name: str) -> str:
    """The text a hidden name holds; empty when there is no such name."""
    text = names.get(IDENTITY_PREFIX + name, "").removeprefix("=")
    return text[1:-1].replace('""', '"') if len(text) > 1 and text[0] == text[-1] == '"' else ""


def cell_of(book: Book, names: Mapping[str, str], name: str) -> Range | None:
    """The first cell a name stands for; None where the name or the cell is gone."""
    refers_to = names.get(IDENTITY_PREFIX + name, "")
    if "!" not in refers_to or "#REF!" in refers_to:
        return None
    return book.names[IDENTITY_PREFIX + name].refers_to_range(1, 1)


def open_form(book: Book) -> OpenForm:
    """What *book* says of itself."""
    names = names_of(book)
    shown = {}
    for name in _CELLS:
        cell = cell_of(book, names, name)
        shown[name] = None if cell is None else cell.value
    revision = shown["revision"]
    return OpenForm(
        filename=str(book.name),
        form_id=constant(names, "form_id"),
        version=constant(names, "version"),
        language="en" if constant(names, "language") == "en" else "zh",
        instance_id=constant(names, "instance_id"),
        station=constant(names, "station"),
        number=str(shown["number"] or "").strip(),
        revision=int(revision) if isinstance(revision, int | float) else None,
        state=str(shown["state"] or "").strip(),
    )
