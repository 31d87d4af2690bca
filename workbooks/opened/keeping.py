"""What an open Excel had before we began and has again afterwards, however it ended."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from workbooks.opened.excel import App, Book, Sheet, excel_errors
from workbooks.opened.native import native

# While we work: nothing is drawn, calculated or run by the workbook's own macros.
_QUIET = {"screen_updating": False, "enable_events": False, "calculation": "manual"}


@contextmanager
def quiet(app: App) -> Iterator[None]:
    """
    Excel silent for a while: screen updating, events and calculation are put back, each by itself.

    A setting that cannot be made (another program's dialog, a Mac) is left as it is.
    """
    with ExitStack() as stack:
        for name, value in _QUIET.items():
            before = getattr(app, name)
            if before != value:
                stack.callback(setattr, app, name, before)
                setattr(app, name, value)
        yield


@contextmanager
def selection_kept(book: Book) -> Iterator[None]:
    """
    The active sheet and the selected cells of *book* are afterwards what they were, if they are still there.

    What is selected in another workbook that lies in front is not touched.
    """
    title, selected = book.sheets.active.name, book.app.selection
    here = selected is not None and selected.sheet.book.name == book.name and selected.sheet.name == title
    address = selected.address if here else None
    try:
        yield
    finally:
        titles = [each.name for each in book.sheets]
        if title in titles:
            if book.sheets.active.name != title:
                book.sheets[title].activate()
            now = book.app.selection
            if address is not None and (now is None or now.address != address):
                book.sheets[title].range(address).select()


@contextmanager
def unprotected(sheet: Sheet) -> Iterator[bool]:
    """*sheet* without its protection, which is put back afterwards; False where a password holds it."""
    program = native(sheet.book.app)
    protection = program.protection(sheet)
    if protection is None:
        yield True
        return
    try:
        program.unprotect(sheet)
    except excel_errors():
        yield False
        return
    if program.protection(sheet) is not None:
        yield False
        return
    try:
        yield True
    finally:
        program.protect(sheet, protection)
