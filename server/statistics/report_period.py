"""The time a report is about: a month, a quarter, a year, or all of history."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self

from server.statistics.periods import EARLIEST, LATEST, month_of, months_later, quarter_of
from workbooks.form import Text

Kind = Literal["month", "quarter", "year", "history"]
KINDS: tuple[Kind, ...] = ("month", "quarter", "history")  # 002 §15: 月 / 季度 / 历史
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_QUARTER = re.compile(r"(\d{4})Q([1-4])")
_YEAR = re.compile(r"(\d{4})")


class NoPeriod(ValueError):
    """What was asked for is no period; *message* says what is."""

    def __init__(self, message: Text) -> None:
        super().__init__(message.en)
        self.message = message


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """
    From *start* to *end*, both included; history has no start and ends with the as-of day.

    *name* is how people and addresses write it: 2026-05, 2026Q2, 2026, history.
    """

    kind: Kind
    name: str
    start: date | None
    end: date | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        The period called *text*.

        Raises:
            NoPeriod: It is none of 2026-05, 2026Q2, 2026 and history.
        """
        if text == "history":
            return cls("history", text, None, None)
        if (found := _MONTH.fullmatch(text)) and 1 <= int(found[2]) <= 12:
            kind, first, months = "month", (int(found[1]), int(found[2])), 1
        elif found := _QUARTER.fullmatch(text):
            kind, first, months = "quarter", (int(found[1]), int(found[2]) * 3 - 2), 3
        elif found := _YEAR.fullmatch(text):
            kind, first, months = "year", (int(found[1]), 1), 12
        else:
            raise NoPeriod(
                Text(
                    f"“{text}”不是期间，应如 2026-05、2026Q2、2026 或 history。",
                    f"{text!r} is no period: one is 2026-05, 2026Q2, 2026 or history.",
                )
            )
        if not EARLIEST.year <= first[0] <= LATEST.year:
            between = EARLIEST.year, LATEST.year
            raise NoPeriod(
                Text(
                    f"“{text}”：年份应在 {between[0]} 与 {between[1]} 之间。",
                    f"{text!r}: years lie between {between[0]} and {between[1]}.",
                )
            )
        start = date(*first, 1)
        last = months_later(start, months - 1)
        return cls(kind, text, start, last.replace(day=monthrange(last.year, last.month)[1]))  # type: ignore[arg-type]

    @classmethod
    def around(cls, kind: Kind, day: date) -> Self:
        """The period of this *kind* in which *day* lies."""
        names = {"month": month_of(day), "quarter": quarter_of(day), "year": f"{day.year}", "history": "history"}
        return cls.parse(names[kind])

    def before(self, count: int = 1) -> Self:
        """The period of the same kind, *count* earlier; history is its own."""
        if self.start is None:
            return self
        months = {"month": 1, "quarter": 3, "year": 12, "history": 0}[self.kind]
        return self.around(self.kind, months_later(self.start, -months * count))

    @property
    def label(self) -> Text:
        if self.start is None:
            return Text("历史（全部）", "History")
        year, month = self.start.year, self.start.month
        if self.kind == "month":
            return Text(f"{year}年{month}月", f"{self.start:%B %Y}")
        if self.kind == "quarter":
            return Text(f"{year}年第{(month + 2) // 3}季度", f"Q{(month + 2) // 3} {year}")
        return Text(f"{year}年", str(year))
