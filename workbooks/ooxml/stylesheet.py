"""The cell formats of a workbook (styles.xml): new ones made from old ones, none of the old ones touched."""

import re
from collections.abc import Iterator
from copy import deepcopy

from lxml import etree

from workbooks.ooxml.elements import STYLESHEET, child, local, true, whole

LAST_FORMAT = 64_000  # cell formats Excel opens in one workbook
_BUILT_IN_DATES = (
    frozenset(range(14, 23)) | frozenset(range(27, 37)) | frozenset(range(45, 48)) | frozenset(range(50, 59))
)
_NOT_DATE_LETTERS = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
# ST_PatternType
_PATTERN = (
    "none|solid|mediumGray|darkGray|lightGray|gray125|gray0625|darkHorizontal|darkVertical|darkDown|darkUp|darkGrid|"
    "darkTrellis|lightHorizontal|lightVertical|lightDown|lightUp|lightGrid|lightTrellis"
)
_TOKEN = re.compile(
    rf"pattern=(?P<pattern>{_PATTERN})"
    r"|(?P<colour>fgColor|bgColor)\."
    r"(?P<word>rgb=[0-9A-Fa-f]{8}|(?:theme|indexed)=[0-9]{1,3}|tint=-?[0-9.]{1,24}(?:[eE]-?[0-9]{1,3})?|auto=[01])"
)
_MINIMAL = """<styleSheet xmlns="{ns}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>
<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"""


class StyleError(Exception):
    """The workbook has as many cell formats as Excel can open; none can be added."""


def minimal(namespace: str) -> etree._Element:
    """The least a workbook needs for its styles part."""
    return etree.fromstring(_MINIMAL.format(ns=namespace).replace("\n", ""))


class Stylesheet:
    """The tree of the styles part. Additions that exist already give the old index; *changed* says if any was new."""

    def __init__(self, tree: etree._Element) -> None:
        self.tree = tree
        self.namespace = etree.QName(tree).namespace or ""
        self.changed = False
        self._known: dict[str, dict[bytes, int]] = {}
        self._filled: dict[tuple[int, str], int] = {}
        for container in minimal(self.namespace):
            # Some writers leave out what they do not use; our own formats need the first of each.
            if not len(self._container(local(container))):
                self._container(local(container)).extend(container)
        self._formats = self._container("cellXfs")

    def add(self, container: str, xml: str) -> int:
        """The index of the element *xml* (without namespace) in *container*: fonts, fills, borders or cellXfs."""
        element = etree.fromstring(re.sub(r"^<(\w+)", rf'<\1 xmlns="{self.namespace}"', xml))
        return self._add(container, element)

    def add_format(self, *, font: int = 0, fill: int = 0, border: int = 0, number: int = 0, alignment: str = "") -> int:
        """
        A cell format of these parts; *alignment* is the element's attributes.

        Text in such cells stays text when somebody edits it (quotePrefix), even if it
        begins with "=".
        """
        return self.add(
            "cellXfs",
            f'<xf numFmtId="{number}" fontId="{font}" fillId="{fill}" borderId="{border}" xfId="0" quotePrefix="1" '
            f'applyNumberFormat="1" applyFont="1" applyFill="1" applyBorder="1" applyAlignment="1">'
            f"<alignment {alignment}/></xf>",
        )

    def with_fill(self, style: int, fill: str) -> int:
        """A format like *style*, but filled as `fill_of` describes it."""
        key = (style, fill)
        if key not in self._filled:
            element = deepcopy(self._format(style))
            element.set("fillId", str(self._add("fills", self._fill_element(fill))))
            element.set("applyFill", "1")
            self._filled[key] = self._add("cellXfs", element)
        return self._filled[key]

    def with_protection(self, style: int, *, locked: bool) -> int:
        """A format like *style* whose cells are locked, or not, on a protected sheet."""
        element = deepcopy(self._format(style))
        protection = element.find("{*}protection")
        if protection is None:
            protection = etree.Element(f"{{{self.namespace}}}protection")
            alignment = element.find("{*}alignment")
            element.insert(0 if alignment is None else 1, protection)
        if true(protection.get("locked", "1")) is locked:
            return style
        protection.set("locked", str(int(locked)))
        element.set("applyProtection", "1")
        return self._add("cellXfs", element)

    def with_number(self, style: int, code: str) -> int:
        """A format like *style* that shows numbers by the format *code*."""
        numbers = self._container("numFmts")
        known = {form.get("formatCode"): whole(form.get("numFmtId")) for form in numbers}
        if code not in known:
            known[code] = max(163, *known.values(), 163) + 1
            etree.SubElement(numbers, f"{{{self.namespace}}}numFmt", numFmtId=str(known[code]), formatCode=code)
            numbers.set("count", str(len(numbers)))
            self.changed = True
        element = deepcopy(self._format(style))
        element.set("numFmtId", str(known[code]))
        element.set("applyNumberFormat", "1")
        return self._add("cellXfs", element)

    def number_code(self, style: int) -> str:
        """The number format of *style* as it is written, such as "0.00"; built-in ones by their number, "#14"."""
        number = whole(self._format(style).get("numFmtId"))
        for form in self.tree.iterfind("{*}numFmts/{*}numFmt"):
            if whole(form.get("numFmtId"), -1) == number:
                return form.get("formatCode", "")
        return f"#{number}"

    def fill_of(self, style: int) -> str | None:
        """
        The fill of format *style* in a few words, such as "pattern=solid fgColor.rgb=FFFFF2CC".

        None for a gradient, which has no such words.
        """
        fills = self._container("fills")
        index = whole(self._format(style).get("fillId"))
        pattern = fills[index].find("{*}patternFill") if index < len(fills) else None
        if pattern is None:
            return None if index < len(fills) and len(fills[index]) else "pattern=none"
        words = [f"pattern={pattern.get('patternType', 'none')}"]
        for colour in pattern:
            words += [f"{local(colour)}.{name!s}={value!s}" for name, value in colour.attrib.items()]
        return " ".join(words)

    def filled(self, fills: frozenset[str]) -> frozenset[int]:
        """The formats whose fill is solid in one of the colours *fills* (ARGB)."""
        wanted = set()
        for index, fill in enumerate(self._container("fills")):
            pattern = fill.find("{*}patternFill")
            if pattern is not None and pattern.get("patternType") == "solid":
                colour = pattern.find("{*}fgColor")
                if colour is not None and colour.get("rgb", "").upper() in fills:
                    wanted.add(str(index))
        return frozenset(index for index, form in enumerate(self._formats) if form.get("fillId") in wanted)

    def shows_dates(self, style: int) -> bool:
        """Whether a number in this format is shown as a date or time."""
        number = whole(self._format(style).get("numFmtId"))
        if number in _BUILT_IN_DATES:
            return True
        form = next(self._numbers(number), None)
        return form is not None and bool(
            re.search("[ymdhs]", _NOT_DATE_LETTERS.sub("", form.get("formatCode", "")).lower())
        )

    def is_general(self, style: int) -> bool:
        """Whether a cell in this format shows what is typed as it sees fit; LibreOffice writes that out."""
        number = whole(self._format(style).get("numFmtId"))
        codes = (form.get("formatCode", "") for form in self._numbers(number))
        return number == 0 or any(code.casefold() == "general" for code in codes)

    def _numbers(self, number: int) -> Iterator[etree._Element]:
        """The number formats written under *number*; those that programs bring along are not."""
        for form in self.tree.iterfind("{*}numFmts/{*}numFmt"):
            if whole(form.get("numFmtId"), -1) == number:
                yield form

    def _format(self, style: int) -> etree._Element:
        return self._formats[style if style < len(self._formats) else 0]

    def _container(self, name: str) -> etree._Element:
        return child(self.tree, name, STYLESHEET)

    def _fill_element(self, words: str) -> etree._Element:
        """The <fill> that *words* describe; they may have been through other hands, so anything odd is left out."""
        fill = etree.Element(f"{{{self.namespace}}}fill")
        pattern = etree.SubElement(fill, f"{{{self.namespace}}}patternFill", patternType="none")
        colours: dict[str, etree._Element] = {}
        for found in filter(None, map(_TOKEN.fullmatch, words.split())):
            if found["pattern"]:
                pattern.set("patternType", found["pattern"])
            elif found["colour"]:
                colour = colours.setdefault(found["colour"], etree.Element(f"{{{self.namespace}}}{found['colour']}"))
                colour.set(*found["word"].split("="))
        pattern.extend(colours[name] for name in ("fgColor", "bgColor") if name in colours)
        return fill

    def _add(self, name: str, element: etree._Element) -> int:
        container = self._container(name)
        if name not in self._known:
            self._known[name] = {}
            for index, old in enumerate(container):
                self._known[name].setdefault(etree.tostring(old, with_tail=False), index)
        # Compared as text, which says the same namespaces for all that stand in one tree: so it is put there first.
        container.append(element)
        index = len(container) - 1
        known = self._known[name].setdefault(etree.tostring(element, with_tail=False), index)
        if known != index:
            container.remove(element)
            return known
        if name == "cellXfs" and index >= LAST_FORMAT:
            raise StyleError(f"{index} cell formats")
        container.set("count", str(len(container)))
        self.changed = True
        return index
