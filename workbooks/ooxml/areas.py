"""Rectangles of cells, read from references and written as them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from workbooks.ooxml.letters import column_letters, column_number

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384

_ADDRESS = r"\$?([A-Za-z]{1,3})\$?([1-9][0-9]{0,6})"
_AREA = re.compile(rf"\s*{_ADDRESS}(?::{_ADDRESS})?\s*")


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of cells, rows and columns counted from 1, both ends included."""

    top: int
    left: int
    bottom: int
    right: int

    @classmethod
    def parse(cls, reference: str) -> Self | None:
        """The area "C7" or "$C$7:$F$7" stands for; None if it is neither or lies outside the grid."""
        found = _AREA.fullmatch(reference)
        if found is None:
            return None
        top, left = int(found[2]), column_number(found[1])
        bottom, right = (int(found[4]), column_number(found[3])) if found[3] else (top, left)
        if max(left, right) > LAST_COLUMN or max(top, bottom) > LAST_ROW:
            return None
        return cls(min(top, bottom), min(left, right), max(top, bottom), max(left, right))

    @classmethod
    def at(cls, reference: str) -> Self:
        """
        As `parse`, where a reference has to be one.

        Raises:
            ValueError: It is none.
        """
        found = cls.parse(reference)
        if found is None:
            raise ValueError(reference)
        return found

    def __contains__(self, place: tuple[int, int]) -> bool:
        return self.top <= place[0] <= self.bottom and self.left <= place[1] <= self.right

    def meets(self, other: "Area") -> bool:
        """Whether the two have a cell in common."""
        return (
            self.top <= other.bottom
            and other.top <= self.bottom
            and self.left <= other.right
            and other.left <= self.right
        )

    @property
    def size(self) -> int:
        return (self.bottom - self.top + 1) * (self.right - self.left + 1)

    @property
    def first(self) -> str:
        """The address of the top left cell."""
        return f"{column_letters(self.left)}{self.top}"

    @property
    def absolute(self) -> str:
        """As defined names want it: $C$7 or $C$7:$F$7."""
        start = f"${column_letters(self.left)}${self.top}"
        end = f"${column_letters(self.right)}${self.bottom}"
        return start if start == end else f"{start}:{end}"

    def __str__(self) -> str:
        return self.absolute.replace("$", "")

    def places(self) -> Iterator[tuple[int, int]]:
        """(row, column) of every cell."""
        for row in range(self.top, self.bottom + 1):
            for column in range(self.left, self.right + 1):
                yield row, column
