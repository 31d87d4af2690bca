"""The defined names of a workbook that are ours: constants, places, and those whose cells are gone."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lxml import etree

from workbooks.form import IDENTITY_PREFIX, PREFIX
from workbooks.package import SheetPart
from workbooks.parsing.grids import Place
from workbooks.parsing.lexical import column_number

_PLACE = re.compile(
    r"(?:'((?:[^']|'')+)'|([^'!\[\]]+))!\$?([A-Z]{1,3})\$?([1-9]\d{0,6})(?::\$?([A-Z]{1,3})\$?([1-9]\d{0,6}))?(?:,|$)"
)


class Named(NamedTuple):
    """A defined name and what it stands for, such as 'My form'!$C$7 or "fracas"; *local* to one sheet or not."""

    name: str
    text: str
    local: bool


class Names(NamedTuple):
    """
    Our names of a workbook.

    *copies* are the sheets for which they stand a second time, which is what Excel makes
    of them when somebody copies the sheet.
    """

    constants: dict[str, str]
    places: dict[str, Place]
    lost: set[str]
    copies: set[str]


def spelled_in(workbook: etree._Element) -> Iterator[Named]:
    """Our names in the workbook part."""
    for element in workbook.iterfind("{*}definedNames/{*}definedName"):
        name = element.get("name", "")
        if name.startswith(PREFIX):
            yield Named(name, (element.text or "").strip().lstrip("="), element.get("localSheetId") is not None)


def sort_out(named: Iterable[Named], sheets: Iterable[SheetPart]) -> Names:
    """
    Our names by what they stand for.

    A name of the whole workbook goes before one of a single sheet: Excel makes the latter
    when somebody copies the sheet, and the copy is not the form.
    """
    constants: dict[str, str] = {}
    places: dict[str, Place] = {}
    lost: set[str] = set()
    copies: set[str] = set()
    titles = {sheet.title.casefold(): sheet.title for sheet in sheets}
    ours = [one for one in named if one.name.startswith(PREFIX)]
    for name, text, local in sorted(ours, key=lambda one: one.local):
        found = _PLACE.match(text)
        title = titles.get((found[1].replace("''", "'") if found[1] else found[2]).casefold()) if found else None
        if name in places or name in constants:
            if local and title is not None:
                copies.add(title)
        elif found and title is not None:
            left, top = column_number(found[3].encode()) - 1, int(found[4]) - 1
            right = column_number(found[5].encode()) - 1 if found[5] else left
            places[name] = Place(title, top, left, int(found[6]) - 1 if found[6] else top, right)
        elif name.startswith(IDENTITY_PREFIX) and "!" not in text and "#" not in text:
            constants[name.removeprefix(IDENTITY_PREFIX)] = _constant(text)
        else:
            lost.add(name)
    return Names(constants, places, lost - places.keys(), copies - {place.sheet for place in places.values()})


def _constant(text: str) -> str:
    """The value of a name such as ="fracas" or =1."""
    return text[1:-1].replace('""', '"') if len(text) >= 2 and text[0] == text[-1] == '"' else text
