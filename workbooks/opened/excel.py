"""The objects of an open Excel as this room sees them, and what goes wrong with them."""

import sys
from typing import Any, TypeAlias

from workbooks.form import Text

# xlwings' objects. They are not imported here, so that everything but workbooks.desk works without xlwings.
App: TypeAlias = Any
Book: TypeAlias = Any
Sheet: TypeAlias = Any
Range: TypeAlias = Any
Table: TypeAlias = Any


_WINDOWS = "xlwings._xlwindows"
_ATTEMPTS = 2000  # a few seconds


class DeskError(Exception):
    """Something stands between the open workbook and what was asked; *message* says what, and what to do."""

    def __init__(self, message: Text) -> None:
        super().__init__(message.en)
        self.message = message


def excel_errors() -> tuple[type[Exception], ...]:
    """
    By what Excel and xlwings say no: COM's error on Windows, that of Apple events on a Mac, and xlwings' own.

    Asked for when an error is being caught: the modules are there as soon as a workbook is.
    """
    places = (
        ("pywintypes", "com_error"),
        ("appscript.reference", "CommandError"),
        ("xlwings", "XlwingsError"),
        (_WINDOWS, "ExcelBusyError"),
    )
    found = (getattr(sys.modules.get(module), name, None) for module, name in places)
    return tuple(error for error in found if error is not None)


def limit_patience() -> None:
    """
    Let xlwings give up on an Excel that takes no calls, because a cell is being edited or a dialog is open.

    As it comes it asks again without end, and without a pause.
    """
    module = sys.modules.get(_WINDOWS)
    if module is not None and hasattr(module, "N_COM_ATTEMPTS"):
        setattr(module, "N_COM_ATTEMPTS", _ATTEMPTS)  # noqa: B010  not a module type checkers know


def literal(text: str) -> str:
    """
    *text* so that Excel takes it as text and nothing else.

    What is written into a cell is read like typing: "007" would become 7, "3-5" a date and "=…" a
    formula. The apostrophe in front prevents that; Excel keeps it as the cell's PrefixCharacter, not in its value.
    """
    return f"'{text}" if text else ""
