"""What a server answers to a workbook, in the words a person reads in the workbook."""

from dataclasses import dataclass
from datetime import datetime

from workbooks.form import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One finding: *cell* on *sheet* is empty where it is about the whole file."""

    what: Text
    fix: Text
    error: bool
    sheet: str = ""
    cell: str = ""
    label: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What became of one sending.

    *outcome* says it in a few words, *state* as short as the form's cell for it.
    *received_at* is local time without zone. *number* and *revision* are None when nothing
    was stored, or when the server names none.
    """

    accepted: bool
    outcome: Text
    state: Text
    received_at: datetime
    number: str | None = None
    revision: int | None = None
    form_title: Text | None = None
    next_step: Text | None = None
    remarks: tuple[Remark, ...] = ()

    @property
    def errors(self) -> int:
        return sum(remark.error for remark in self.remarks)
