"""A form that has lost its hidden names, recognised and read by the labels people see."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from workbooks.filled import Cell, FilledForm, Identity
from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import Field, FormDefinition, Language, Repeat
from workbooks.former import versions
from workbooks.package import SheetPart
from workbooks.parsing.grids import Grids, address

_ENOUGH = 0.6  # of a form's labels must be on the sheet
_AHEAD = 0.2  # by so much it must be ahead of every other form
_ROWS, _COLUMNS, LONGEST = 2_000, 200, 200  # a form's labels stand within these
_REASON = frozenset(("合理性说明", "reason"))
_TITLE_BLOCK = ("编号", "版次", "状态", "接收时间", "number", "revision", "state", "received")
_MARKS = re.compile(r"^[*★●※\s]+|[*★●※::\s]+$")
_IN_PARENTHESES = re.compile(r"\([^()]*\)$")

Position = tuple[int, int]


class _Match(NamedTuple):
    """How well a definition's labels in one language fit a sheet."""

    score: float
    definition: FormDefinition
    language: Language
    sheet: str


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet to look labels up on: where each text stands, and how far merged cells reach."""

    title: str
    rows: Sequence[Sequence[Any]]
    positions: Mapping[str, Sequence[Position]]
    right_end: Mapping[Position, int]


def read_by_labels(
    sheets: Iterable[SheetPart], grids: Grids, definitions: Mapping[str, FormDefinition], identity: Identity
) -> FilledForm:
    """
    The form whose labels are on a visible sheet, with the finding LOST_NAMES.

    Where no form, or more than one, comes into question, there are no cells and the finding
    is UNKNOWN_FORM.

    Raises:
        Refused: A sheet cannot be read.
    """
    best = _recognise(sheets, grids, definitions)
    if best is None:
        return FilledForm(identity=identity, findings=(Finding(code=FindingCode.UNKNOWN_FORM),))
    definition = best.definition
    identity = replace(
        identity, form_id=definition.form_id, version=identity.version or definition.version, language=best.language
    )
    sheet = _sheet(best, grids)
    headers, repeats = _repeats(definition, best.language, sheet, grids)
    taken = {position for header in headers.values() for position in header.values()}
    cells = _cells(definition, best.language, sheet, grids, taken)
    found = {*cells, *(f"{repeat}.{name}" for repeat, header in headers.items() for name in header)}
    lost = (
        Finding(code=FindingCode.LOST_FIELD, field=path, label=field.label)
        for path, field in definition.paths()
        if path not in found and not field.computed
    )
    reason = next((p for text in _REASON for p in sheet.positions.get(text, ())), None)
    return FilledForm(
        identity=identity,
        cells=cells,
        repeats=repeats,
        starts={repeat: _start(sheet, header) for repeat, header in headers.items()},
        reason=_value_cell(sheet, grids, reason, frozenset()) if reason else None,
        findings=(Finding(code=FindingCode.LOST_NAMES), *lost),
    )


def fold(text: str) -> str:
    """A label without what does not matter in it: width, case, spaces, required marks, a closing colon."""
    text = _MARKS.sub("", unicodedata.normalize("NFKC", text))
    return "".join(text.split()).casefold()


def readings(text: str) -> tuple[str, ...]:
    """*text* folded as a label, and without a unit in parentheses at its end; none for an empty one."""
    folded = fold(text)
    bare = _MARKS.sub("", _IN_PARENTHESES.sub("", folded)) if folded.endswith(")") else ""
    return tuple(reading for reading in (folded, bare) if reading)


def texts_seen(sheets: Iterable[SheetPart], grids: Grids) -> set[str]:
    """What people read on the visible sheets, folded like labels."""
    visible = (sheet.title for sheet in sheets if sheet.state == "visible")
    return {text for title in visible for text in texts_of(grids.rows(title))}


def _recognise(sheets: Iterable[SheetPart], grids: Grids, definitions: Mapping[str, FormDefinition]) -> _Match | None:
    matches: list[_Match] = []
    # On a company's own sheet an answer may stand anywhere about its label: it is known by its names only.
    drawn = [definition for definition in definitions.values() if definition.own_look is None]
    for part in sheets:
        if part.state != "visible" or not drawn:
            continue
        texts = texts_of(grids.rows(part.title))
        for definition in (form for newest in drawn for form in versions(newest)):
            for language in ("zh", "en"):
                labels = {fold(field.label[language]) for _, field in definition.paths()}
                score = len(labels & texts.keys()) / max(1, len(labels))
                matches.append(_Match(score, definition, language, part.title))
    # Of two versions that fit as well, the newer one: it comes first, and sorting keeps the order.
    matches.sort(key=lambda match: match.score, reverse=True)
    if not matches or matches[0].score < _ENOUGH:
        return None
    best = matches[0]
    rival = next((m.score for m in matches if m.definition.form_id != best.definition.form_id), 0.0)
    return best if best.score - rival >= _AHEAD else None


def texts_of(rows: Sequence[Sequence[Any]]) -> dict[str, list[Position]]:
    """Where each folded text stands, in reading order; also without a unit in parentheses at its end."""
    found: dict[str, list[Position]] = {}
    for row, values in enumerate(rows[:_ROWS]):
        for column, value in enumerate(values[:_COLUMNS]):
            if isinstance(value, str) and 0 < len(value) <= LONGEST:
                for text in readings(value):
                    found.setdefault(text, []).append((row, column))
    return found


def _sheet(match: _Match, grids: Grids) -> _Sheet:
    rows = grids.rows(match.sheet)
    right_end = {top_left: right for top_left, (_, right) in grids.merged(match.sheet)}
    return _Sheet(match.sheet, rows, texts_of(rows), right_end)


def _cells(
    definition: FormDefinition, language: Language, sheet: _Sheet, grids: Grids, taken: set[Position]
) -> dict[str, Cell]:
    """The value cells of the fields outside repeats, each beside its label."""
    # The same words may head a section and label a field, or label two fields: they stand on
    # the sheet in the order of the definition.
    wanted: dict[str, list[Field | None]] = {label: [None] for label in _TITLE_BLOCK}
    for section in definition.sections:
        wanted.setdefault(fold(section.label[language]), []).append(None)
        for item in section.items:
            wanted.setdefault(fold(item.label[language]), []).append(item if isinstance(item, Field) else None)
    labels = frozenset(wanted)
    cells: dict[str, Cell] = {}
    for label, items in wanted.items():
        fields = [item for item in items if item is not None]
        positions = [position for position in sheet.positions.get(label, ()) if position not in taken]
        owners: Sequence[Field | None] = items if len(positions) >= len(items) else fields
        if len(positions) < len(owners):
            continue
        for field, position in zip(owners, positions, strict=False):
            if field is not None:
                cells[field.name] = _value_cell(sheet, grids, position, labels)
    return {field.name: cells[field.name] for field in definition.fields if field.name in cells}


def _value_cell(sheet: _Sheet, grids: Grids, label: Position, labels: frozenset[str]) -> Cell:
    """
    The cell to the right of *label*, or below one that takes the whole width of the sheet.

    Where merged cells were lost on the way, it is the first filled one.
    """
    row, column = label
    first = sheet.right_end.get(label, column) + 1
    if label in sheet.right_end and first > max(sheet.right_end.values()) and row + 1 < len(sheet.rows):
        below = sheet.rows[row + 1][column : column + 1]
        if not any(isinstance(value, str) and fold(value) in labels for value in below):
            return Cell(sheet.title, address(row + 1, column), grids.value(sheet.title, row + 1, column))
    column = first
    if not sheet.right_end:
        values = sheet.rows[row]
        for at in range(first, len(values)):
            if isinstance(values[at], str) and not labels.isdisjoint(readings(values[at])):
                break
            if values[at] != "":
                column = at
                break
    return Cell(sheet.title, address(row, column), grids.value(sheet.title, row, column))


def _repeats(
    definition: FormDefinition, language: Language, sheet: _Sheet, grids: Grids
) -> tuple[dict[str, dict[str, Position]], dict[str, tuple[Mapping[str, Cell], ...]]]:
    """Per repeat where the headers of its columns stand, and its filled lines."""
    taken: set[Position] = set()
    headers: dict[str, dict[str, Position]] = {}
    lines: dict[str, tuple[Mapping[str, Cell], ...]] = {}
    outside = {fold(field.label[language]) for field in definition.fields}
    outside |= {fold(section.label[language]) for section in definition.sections}
    for repeat in definition.repeats:
        header = _header(repeat, language, sheet, taken)
        if header:
            taken |= set(header.values())
            headers[repeat.name] = header
            lines[repeat.name] = tuple(_lines(repeat, header, outside, sheet, grids))
    return headers, lines


def _start(sheet: _Sheet, header: Mapping[str, Position]) -> Cell:
    """The first cell under a repeat's headers."""
    row, column = min(header.values(), key=lambda position: position[1])
    return Cell(sheet.title, address(row + 1, column), None)


def _header(repeat: Repeat, language: Language, sheet: _Sheet, taken: set[Position]) -> dict[str, Position]:
    """The row that holds most of the repeat's column labels: where each of them stands."""
    by_row: dict[int, dict[str, Position]] = {}
    for field in repeat.fields:
        for position in sheet.positions.get(fold(field.label[language]), ()):
            if position not in taken:
                by_row.setdefault(position[0], {}).setdefault(field.name, position)
    best = max(by_row.values(), key=len, default={})
    return best if len(best) >= _ENOUGH * len(repeat.fields) else {}


def _lines(
    repeat: Repeat, header: Mapping[str, Position], outside: set[str], sheet: _Sheet, grids: Grids
) -> Iterator[Mapping[str, Cell]]:
    """The filled rows under the header, up to the next label or the end of the printed lines."""
    computed = {field.name for field in repeat.fields if field.computed}
    first = next(iter(header.values()))[0] + 1
    for row in range(first, len(sheet.rows)):
        texts = (fold(value) for value in sheet.rows[row] if isinstance(value, str))
        if any(text in outside for text in texts):
            return
        line = {
            name: Cell(sheet.title, address(row, column), grids.value(sheet.title, row, column))
            for name, (_, column) in header.items()
        }
        if any(str(cell.value or "").strip() for name, cell in line.items() if name not in computed):
            yield line
        elif row - first >= repeat.rows:
            return
