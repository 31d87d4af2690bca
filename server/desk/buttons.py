"""What the buttons in Excel run, through xlwings' RunPython: each ends with a box that says what happened."""

import sys
from collections.abc import Callable

from server.desk import actions, settings
from server.desk.actions import Told
from workbooks import desk
from workbooks.desk import DeskError


def submit() -> None:
    """The button 提交 Submit."""
    _press(lambda mine: actions.submit(mine))


def refresh() -> None:
    """The button 刷新 Refresh."""
    _press(lambda mine: actions.refresh(mine, language=mine.language))


def status() -> None:
    """The button 状态 Status."""
    _press(lambda mine: actions.status(mine))


def _press(action: Callable[[settings.DeskSettings], Told]) -> None:
    try:
        book = desk.active_book()
    except DeskError as error:
        sys.exit(error.message.en)  # shown by the macro, which knows no Chinese
    try:
        told = action(settings.load())
        text, good = told.text, told.good
    except DeskError as error:
        text, good = f"{error.message.zh}\n\n{error.message.en}", False
    desk.tell(book, text, good=good)
