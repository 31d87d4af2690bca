"""How report workbooks look: fonts, colours, number formats and widths."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format

from workbooks.dataset import Column, ColumnType
from workbooks.form import Language

# Both are on every Windows with Excel or WPS in that language.
FONT: Mapping[Language, str] = {"zh": "微软雅黑", "en": "Calibri"}
NAVY, BLUE, PALE, LINE, GREY, RED = "#1F3864", "#2F5D8C", "#DDEBF7", "#9BC2E6", "#6B7280", "#C8442F"
INK = "#1F2937"  # of letters
HEAT = {"min_color": "#FFFFFF", "mid_color": "#FCE4B8", "max_color": "#E98A3E"}
SERIES = (
    "#2F5D8C", "#5B9BD5", "#A5C8E4", "#F2A541", "#D9744A", "#7F9F7F", "#8E7CC3", "#7F8C8D", "#B5854B", "#C27BA0",
    "#4BA3A5", "#C9B458",
)  # fmt: skip
FORMATS: Mapping[ColumnType, str] = {
    "text": "General",
    "integer": "0",
    "decimal": "#,##0.0",
    "percent": "0.0%",
    "date": "yyyy-mm-dd",
    "datetime": "yyyy-mm-dd hh:mm",
    "boolean": "General",
}
_BASE: Mapping[str, Any] = {"font_size": 10, "font_color": INK, "valign": "vcenter"}
_LOOKS: Mapping[str, Mapping[str, Any]] = {
    "body": {},
    "words": {"indent": 1},  # keeps off the figures on its left
    "title": {"font_size": 20, "bold": True, "font_color": NAVY},
    "sheet_title": {"font_size": 15, "bold": True, "font_color": NAVY},
    "heading": {"font_size": 12, "bold": True, "font_color": NAVY, "bottom": 2, "bottom_color": NAVY},
    "note": {"font_color": GREY},
    "summary": {"font_color": GREY, "text_wrap": True, "valign": "top"},
    "cell": {
        "text_wrap": True,
        "align": "left",
        "valign": "top",
        "indent": 1,
        "bottom": 1,
        "bottom_color": LINE,
    },
    "mono": {"font_name": "Consolas", "font_size": 9},
    "wrapped": {"text_wrap": True, "valign": "top"},
    "link": {"font_color": "#0563C1", "underline": 1},
    "entry": {"font_color": "#0563C1", "underline": 1, "valign": "top"},
    "name": {"bold": True, "valign": "top"},
    "fact_name": {"font_color": GREY, "bottom": 1, "bottom_color": LINE},
    "fact": {"bold": True, "bottom": 1, "bottom_color": LINE},
    # tables and pivot tables
    "column": {"bold": True, "font_color": "#FFFFFF", "bg_color": BLUE, "text_wrap": True, "align": "center"},
    "caption": {"bold": True, "bg_color": PALE},
    "header": {"bold": True, "bg_color": PALE, "bottom": 1, "bottom_color": LINE, "text_wrap": True, "align": "center"},
    "label": {},
    "outer": {"bold": True},
    "total": {"bold": True, "bg_color": PALE, "top": 1, "top_color": LINE},
    # indicators of the cover
    "indicator": {"bottom": 1, "bottom_color": LINE, "font_size": 11},
    "figure": {"bottom": 1, "bottom_color": LINE, "font_size": 12, "bold": True, "align": "right"},
    "input": {"bold": True, "bg_color": "#FFF8DC", "border": 1, "border_color": LINE, "align": "center"},
}


class Looks:
    """The cell formats of one workbook by what they are for; equal ones are made once."""

    def __init__(self, book: Workbook, language: Language) -> None:
        self._book, self._font = book, FONT[language]
        self._made: dict[tuple[str, str, str], Format] = {}

    def __call__(self, name: str, number: str = "General", align: str = "") -> Format:
        key = (name, number, align)
        if key not in self._made:
            more = {"align": align} if align else {}
            self._made[key] = self._book.add_format(
                {"font_name": self._font, "num_format": number, **_BASE, **_LOOKS[name], **more}
            )
        return self._made[key]

    def grey(self) -> Format:
        """What a conditional format makes of figures over too few cases."""
        return self._book.add_format({"font_color": "#9CA3AF", "italic": True})

    def font(self, size: int, *, bold: bool = False, colour: str = INK) -> dict[str, Any]:
        """The same font for charts."""
        return {"name": self._font, "size": size, "bold": bold, "color": colour}


def number_format(column: Column) -> str:
    """How Excel shows the values of *column*: by its type, with the decimals it asks for."""
    if column.decimals is None or column.type not in ("integer", "decimal", "percent"):
        return FORMATS[column.type]
    places = "." + "0" * column.decimals if column.decimals else ""
    return f"0{places}%" if column.type == "percent" else f"#,##0{places}"


def text_width(text: str) -> int:
    """Columns a text takes, wide characters counted twice."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def letters(language: Language, halves: int) -> int:
    """How many letters go where so many halves of Chinese characters do: Latin ones are narrower."""
    return halves if language == "zh" else halves * 6 // 5


def column_width(texts: Iterable[str], least: float = 8, most: float = 40) -> float:
    """A column width in which these texts can be read."""
    return min(most, max([least, *(text_width(text) * 1.05 + 2 for text in texts)]))
