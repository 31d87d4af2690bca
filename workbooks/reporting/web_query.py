"""A dataset as the page a web query reads, and the .iqy file that makes WPS and old Excel read it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from html import escape
from typing import Any

from workbooks.dataset import Column, ColumnType, Dataset
from workbooks.form import Language
from workbooks.pushing.columns import serial
from workbooks.reporting.report_style import number_format

TABLE_ID = "aftersheet"
_AS_OF: Mapping[Language, str] = {"zh": "截至", "en": "as of"}
_SAME_CELL = '<br style="mso-data-placement:same-cell">'


def web_query_page(dataset: Dataset, language: Language) -> bytes:
    """
    One HTML page with one table (id `TABLE_ID`), headings in *language*; the as-of time stands in its title.

    Nothing else is on it: what a web query brings in begins with the headings and ends
    with the last row. Text stays text (mso-number-format), dates are as all Excels read them.
    """
    kinds = [column.type for column in dataset.columns]
    looks = [_look(column) for column in dataset.columns]
    by_look = dict(zip(looks, dataset.columns, strict=True))
    styles = "".join(f'td.{look}{{mso-number-format:"{_css(_format(c))}";}}' for look, c in by_look.items())
    headings = "".join(f"<th>{_text(column.label[language])}</th>" for column in dataset.columns)
    write = [_WRITERS.get(kind, _number) for kind in kinds]
    lines = [
        "<tr>" + "".join(
            f'<td class="{look}"></td>' if value is None else f'<td class="{look}"{written(value)}</td>'
            for look, written, value in zip(looks, write, row, strict=True)
        ) + "</tr>"
        for row in dataset.rows()
    ]  # fmt: skip
    title = f"{dataset.title[language]} · {_AS_OF[language]} {dataset.as_of:%Y-%m-%d %H:%M}"
    page = (
        f'<!DOCTYPE html>\n<html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Type" content="text/html; charset=utf-8"><title>{_text(title)}</title>'
        f'<style>{styles}</style></head><body><table id="{TABLE_ID}">\n<tr>{headings}</tr>\n'
    )
    return (page + "\n".join(lines) + "\n</table></body></html>\n").encode()


def iqy(address: str) -> bytes:
    """
    The web-query file that brings the table of *address* (ASCII, escaped) into Excel or WPS.

    With the page's own formats (Formatting=All): only so does text that looks like a number stay text.
    """
    lines = (
        "WEB",
        "1",
        address,
        "",
        f"Selection={TABLE_ID}",
        "Formatting=All",
        "PreFormattedTextToColumns=True",
        "ConsecutiveDelimitersAsOne=True",
        "SingleBlockTextImport=False",
        "DisableDateRecognition=False",
        "DisableRedirections=False",
        "",
    )
    return "\r\n".join(lines).encode("ascii")


def _look(column: Column) -> str:
    """The class of a column's cells: its type, with the decimals it asks for."""
    return column.type if column.decimals is None else f"{column.type}{column.decimals}"


def _format(column: Column) -> str:
    return "@" if column.type == "text" else number_format(column)


def _css(number_format: str) -> str:
    """A number format inside a CSS string."""
    return number_format.replace("\\", "\\\\").replace('"', '\\"').replace("@", "\\@")


def _text(value: object) -> str:
    """Text in HTML; line breaks stay in the cell."""
    return (
        escape(str(value), quote=False).replace("\r\n", "\n").replace("\n", '<br style="mso-data-placement:same-cell">')
    )


# What follows <td class="…": sdval and sdnum are what LibreOffice reads in place of mso-number-format (value;
# language and format): only they make its dates dates and leave its codes text.
def _text_cell(value: object) -> str:
    return f' sdnum="1033;0;@">{_text(value)}'


def _number(value: Any) -> str:
    return f">{value}"


def _day(value: date) -> str:
    return f"{_serial(value, 'YYYY-MM-DD')}>{value:%Y-%m-%d}"


def _moment(value: datetime) -> str:
    shown = f"{value:%Y-%m-%d %H:%M:%S}" if value.second else f"{value:%Y-%m-%d %H:%M}"
    return f"{_serial(value, 'YYYY-MM-DD HH:MM')}>{shown}"


def _serial(value: date, number_format: str) -> str:
    number = serial(value)
    return f' sdval="{number}" sdnum="1033;0;{number_format}"' if not isinstance(number, str) else ""


_WRITERS: Mapping[ColumnType, Callable[[Any], str]] = {
    "text": _text_cell,
    "date": _day,
    "datetime": _moment,
    "boolean": lambda value: ">TRUE" if value else ">FALSE",
}
