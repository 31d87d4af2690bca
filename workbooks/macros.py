"""vba_stubs/ → vbaProject.bin → .xlsm: our macros and their buttons in a workbook of ours."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from xml.sax.saxutils import escape

from workbooks.form import IDENTITY_PREFIX, Language
from workbooks.ooxml.book import Book
from workbooks.ooxml.cells import text_content
from workbooks.ooxml.elements import WORKBOOK, WORKSHEET, child
from workbooks.package import Package
from workbooks.vba.buttons import ON_FORMS, ON_REPORTS, Button, put_buttons
from workbooks.vba.project import Module, document_module, standard_module, vba_project
from workbooks.vba.texts import SHEET, TEXTS

__all__ = ["ON_FORMS", "ON_REPORTS", "Button", "has_macros", "sources", "with_macros"]

PROJECT = "xl/vbaProject.bin"
PROJECT_TYPE = "application/vnd.ms-office.vbaProject"
PROJECT_RELATION = "http://schemas.microsoft.com/office/2006/relationships/vbaProject"
BOOK_TYPE = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
WORKBOOK_NAME = "ThisWorkbook"


@cache
def sources() -> Mapping[str, str]:
    """The modules that come with Aftersheet: name → source as in vba_stubs."""
    found = sorted(files("vba_stubs").iterdir(), key=lambda file: file.name)
    texts = [file.read_bytes().decode("ascii") for file in found if file.name.endswith(".bas")]
    return MappingProxyType({standard_module(text).name: text for text in texts})


def with_macros(
    content: bytes,
    *,
    language: Language,
    buttons: Sequence[Button] = ON_FORMS,
    server: str = "",
    dataset: str = "",
    tables: Mapping[str, str] = MappingProxyType({}),
    modules: Mapping[str, str] | None = None,
) -> bytes:
    """
    *content*, a workbook that we built, as .xlsm: the same arguments give the same bytes.

    *server* is the address the macros talk to; without it they ask the person once.
    *tables* says which dataset each table is refreshed from; a workbook without tables
    may name in *dataset* the one that a new table is offered for. *modules* takes the
    place of the sources in vba_stubs.

    Raises:
        ValueError: There are macros in *content* already.
        SourceError: One of *modules* cannot be a module.
    """
    book = Book(Package(content))
    if has_macros(book.package):
        raise ValueError("the workbook has macros already")
    first = next(sheet for sheet in book.sheets() if sheet.state == "visible")
    _add_texts(book, language)
    put_buttons(book, first, buttons, language)
    said = {"server": server, "dataset": dataset} | {f"dataset_{table}": name for table, name in tables.items()}
    for name, text in said.items():
        if text:
            quoted = text.replace('"', '""')
            book.define(f"{IDENTITY_PREFIX}{name}", f'"{quoted}"')
    documents = [document_module(name, workbook=name == WORKBOOK_NAME) for name in _name_objects(book)]
    standard = [standard_module(text) for text in (sources() if modules is None else modules).values()]
    _add_project(book, [*documents, *standard])
    return book.save()


def has_macros(package: Package) -> bool:
    """Whether the workbook holds a VBA project, whatever its file is called."""
    return bool(package.related(package.workbook, "vbaProject"))


def _name_objects(book: Book) -> list[str]:
    """Give the workbook and its sheets the code names by which their modules belong to them; these names."""
    child(book.tree, "workbookPr", WORKBOOK).set("codeName", WORKBOOK_NAME)
    names = [WORKBOOK_NAME]
    for number, part in enumerate(book.sheets(), start=1):
        sheet = book.sheet(part.part)
        child(sheet.tree, "sheetPr", WORKSHEET).set("codeName", f"Sheet{number}")
        sheet.changed = True
        names.append(f"Sheet{number}")
    return names


def _add_project(book: Book, modules: Sequence[Module]) -> None:
    package = book.package
    package.put(PROJECT, vba_project(modules))
    package.set_content_type(PROJECT, PROJECT_TYPE)
    package.relate(book.part, PROJECT_RELATION, PROJECT)
    package.set_content_type(book.part, BOOK_TYPE)


def _add_texts(book: Book, language: Language) -> None:
    """The sheet nobody sees: column A the key, column B the text."""
    rows = "".join(
        f'<row r="{row}">{_cell(f"A{row}", key)}{_cell(f"B{row}", text[language])}</row>'
        for row, (key, text) in enumerate(TEXTS.items(), start=1)
    )
    content = f'<worksheet xmlns="{book.namespace}"><sheetData>{rows}</sheetData></worksheet>'
    part = book.add_sheet(SHEET, content.encode())
    child(book.tree, "sheets", WORKBOOK)[part.index].set("state", "veryHidden")


def _cell(address: str, text: str) -> str:
    return f'<c r="{address}" t="inlineStr"><is><t xml:space="preserve">{escape(text_content(text))}</t></is></c>'
