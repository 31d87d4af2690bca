"""What people do to a sheet that hides answers from a reader: cells merged, lines added, words beside the inputs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import FormDefinition, Language, Repeat, Text, defined_name
from workbooks.parsing.grids import Grids, Place, Position, address
from workbooks.parsing.opening import Opened
from workbooks.spellings.spelling import clean, is_blank

_HEAD = 4  # characters by which words printed on the form are known
_PRINTED = (
    "编号", "版次", "状态", "接收时间", "合理性说明", "年　　月", "行", "为必填；",
    "Number", "Revision", "State", "Received", "Reason", "Date:", "#", "required",
)  # fmt: skip
_BELOW = 200  # rows behind the last answer in which words are looked for
_SHOWN = 40  # characters of such words in a finding
_MOST = 20  # findings of one kind
_MOST_LINES = 2_000  # of one name: whoever names a whole column does not fill it


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """*places* of the form's names, with lines that were added; *findings* about what was met on the way."""

    places: Mapping[str, Place]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """
    Where a form's names lead: the same for all that are made from one template.

    *sheet* is where most inputs are. Per row of it, *named* are the columns that some name
    covers or that hold line numbers, *asked* those of inputs. *printed* are the beginnings
    of everything the form prints; *shared* tells of inputs that are one cell.
    """

    definition: FormDefinition
    inputs: Mapping[str, Place]
    sheet: str
    named: Mapping[int, frozenset[int]]
    asked: Mapping[int, tuple[int, ...]]
    printed: frozenset[str]
    shared: tuple[Finding, ...]


_plans: dict[tuple[int, tuple[str, ...], tuple[Place, ...]], _Plan] = {}
_PLANS = 200  # remembered; each is some kilobytes


def look_over(opened: Opened, places: Mapping[str, Place], definition: FormDefinition) -> Damage:
    """
    The sheet of the form compared with what its names stand for.

    Lines written below a list are taken into it where they look like its own, and told
    where they do not. Inputs that are merged into others, and words in cells that nobody
    asks for, are told.

    Raises:
        Refused: A sheet cannot be read.
    """
    plan = _plan(definition, places)
    if not plan.inputs:
        return Damage(places=places)
    findings = list(plan.shared)
    if strays := _strays(opened.grids, plan):
        free = opened.unlocked(plan.sheet, strays)
        for repeat in definition.repeats:
            places = _lengthened(repeat, places, strays, free, findings)
        plan = _plan(definition, places)
        rest = sorted(cell for cell in free if cell[1] not in plan.named.get(cell[0], ()))
        findings += (
            _beside(opened.grids, plan, cell) or _stray(opened.grids, plan.sheet, cell) for cell in rest[:_MOST]
        )
    findings += islice(_merged(opened.grids, plan, places), _MOST)
    return Damage(places=places, findings=tuple(findings))


def _plan(definition: FormDefinition, places: Mapping[str, Place]) -> _Plan:
    key = (id(definition), tuple(places), tuple(places.values()))
    plan = _plans.get(key)
    if plan is None or plan.definition is not definition:
        if len(_plans) >= _PLANS:
            _plans.clear()
        plan = _plans[key] = _made_plan(definition, places)
    return plan


def _made_plan(definition: FormDefinition, places: Mapping[str, Place]) -> _Plan:
    found = {path: places.get(defined_name(path)) for path, field in definition.paths() if not field.computed}
    inputs = {path: place for path, place in found.items() if place is not None}
    sheets = [place.sheet for place in inputs.values()]
    sheet = max(set(sheets), key=sheets.count, default="")
    named = _by_row(place for place in places.values() if place.sheet == sheet)
    for repeat in definition.repeats:
        # Line numbers stand before the list.
        columns = _columns(repeat, places).values()
        for row in {row for place in columns for row in _rows(place)}:
            named.setdefault(row, set()).update(range(min(place.left for place in columns)))
    asked: dict[int, tuple[int, ...]] = {}
    for path, place in inputs.items():
        for row in _lines(path, place) if place.sheet == sheet else ():
            asked[row] = (*asked.get(row, ()), place.left)
    return _Plan(
        definition=definition,
        inputs=inputs,
        sheet=sheet,
        named={row: frozenset(columns) for row, columns in named.items()},
        asked=asked,
        printed=frozenset(text[:_HEAD] for text in _texts(definition)),
        shared=tuple(_shared(definition, inputs)),
    )


def _shared(definition: FormDefinition, inputs: Mapping[str, Place]) -> Iterator[Finding]:
    """Inputs whose names have come to lie on one cell."""
    first: dict[tuple[str, int, int], str] = {}
    for path, place in inputs.items():
        other = first.setdefault((place.sheet, place.top, place.left), path)
        for one, two in ((other, path), (path, other)) if other != path else ():
            yield Finding(
                code=FindingCode.SHARED_CELL,
                sheet=place.sheet,
                cell=address(place.top, place.left),
                field=one,
                label=definition.field(one).label,
                context={"other": definition.field(two).label},
            )


def _by_row(places: Iterable[Place]) -> dict[int, set[int]]:
    """The columns that *places* cover in each row."""
    found: dict[int, set[int]] = {}
    for place in places:
        for row in _rows(place):
            found.setdefault(row, set()).update(range(place.left, min(place.right, place.left + _MOST_LINES) + 1))
    return found


def _rows(place: Place) -> range:
    return range(place.top, min(place.bottom, place.top + _MOST_LINES) + 1)


def _lines(path: str, place: Place) -> range:
    """The rows that hold an answer: a list's lines, else the first."""
    return _rows(place) if "." in path else range(place.top, place.top + 1)


def _strays(grids: Grids, plan: _Plan) -> dict[Position, object]:
    """Filled cells that no name stands for and that say nothing a form prints."""
    found: dict[Position, object] = {}
    nothing: frozenset[int] = frozenset()
    printed = plan.printed
    for row, values in enumerate(grids.rows(plan.sheet)[: max(plan.named) + _BELOW]):
        named = plan.named.get(row, nothing)
        for column, value in enumerate(values):
            if value != "" and column not in named and not (value.__class__ is str and value[:_HEAD] in printed):
                found[row, column] = value
    return {cell: value for cell, value in found.items() if not is_blank(str(value))}


def _columns(repeat: Repeat, places: Mapping[str, Place]) -> dict[str, Place]:
    """The columns of *repeat* by field name."""
    named = {field.name: places.get(defined_name(f"{repeat.name}.{field.name}")) for field in repeat.fields}
    return {name: place for name, place in named.items() if place is not None}


def _lengthened(
    repeat: Repeat,
    places: Mapping[str, Place],
    strays: Mapping[Position, object],
    free: set[Position],
    findings: list[Finding],
) -> Mapping[str, Place]:
    """*places* with the lines added below *repeat*; lines that may or may not be meant for it are told."""
    columns = _columns(repeat, places)
    if not columns:
        return places
    inputs = [columns[field.name] for field in repeat.fields if field.name in columns and not field.computed]
    bottom = last = max(place.bottom for place in columns.values())
    while cells := [(last + 1, place.left) for place in inputs if (last + 1, place.left) in strays]:
        last += 1
        if not any(cell in free for cell in cells) and not 2 * len(cells) > len(inputs):
            last -= 1
            break
        if not any(cell in free for cell in cells):
            findings.append(_line(FindingCode.LINE_NOT_READ, repeat, inputs[0], last))
            return places
        findings.append(_line(FindingCode.LINE_ADDED, repeat, inputs[0], last))
    if last == bottom:
        return places
    longer = {
        defined_name(f"{repeat.name}.{name}"): place._replace(bottom=last)
        for name, place in columns.items()
        if place.bottom == bottom
    }
    return {**places, **longer}


def _line(code: FindingCode, repeat: Repeat, first: Place, row: int) -> Finding:
    return Finding(
        code=code,
        sheet=first.sheet,
        cell=address(row, first.left),
        field=repeat.name,
        label=repeat.label,
        context={"row": str(row + 1)},
    )


def _beside(grids: Grids, plan: _Plan, cell: Position) -> Finding | None:
    """The finding for a stray *cell* next to an empty input, with which it was merged once; None for another."""
    row, column = cell
    left = max((at for at in plan.asked.get(row, ()) if at < column), default=None)
    right = min((at for at in plan.asked.get(row, ()) if at > column), default=None)
    values = grids.rows(plan.sheet)[row]
    for at in (left, right):
        if at is None or not is_blank(str(grids.value(plan.sheet, row, at) or "")):
            continue
        between = values[min(at, column) + 1 : max(at, column)]
        path = next((p for p, i in plan.inputs.items() if i.left == at and row in _lines(p, i)), None)
        if path is not None and plan.inputs[path].sheet == plan.sheet and all(value == "" for value in between):
            return Finding(
                code=FindingCode.ANSWER_BESIDE,
                sheet=plan.sheet,
                cell=address(row, at),
                field=path,
                label=plan.definition.field(path).label,
                context={"beside": address(*cell)},
            )
    return None


def _stray(grids: Grids, sheet: str, cell: Position) -> Finding:
    shown = clean(str(grids.value(sheet, *cell)))
    shown = shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"
    return Finding(code=FindingCode.STRAY_VALUE, sheet=sheet, cell=address(*cell), context={"value": shown})


def _merged(grids: Grids, plan: _Plan, places: Mapping[str, Place]) -> Iterator[Finding]:
    """Inputs that are part of a larger merged cell: only its first cell can hold anything."""
    asked, last = plan.asked, max(plan.asked)
    for (top, left), (bottom, right) in grids.merged(plan.sheet):
        for row in (top,) if top == bottom else range(top, min(bottom, last) + 1):
            for column in asked.get(row, ()):
                if left <= column <= right and (column > left or row > top):
                    area = f"{address(top, left)}:{address(bottom, right)}"
                    yield from _covered((row, column), area, grids, plan, places)


def _covered(cell: Position, area: str, grids: Grids, plan: _Plan, places: Mapping[str, Place]) -> Iterator[Finding]:
    """The finding for the input at *cell*, which is merged into *area*; an unused line of a list needs none."""
    row, column = cell
    for path, place in plan.inputs.items():
        here = (place.sheet, place.left) == (plan.sheet, column) and row in _lines(path, place)
        if here and ("." not in path or _line_begun(grids, places, plan.definition, path, row)):
            yield Finding(
                code=FindingCode.MERGED_INPUT,
                sheet=plan.sheet,
                cell=address(row, column),
                field=path,
                label=plan.definition.field(path).label,
                context={"into": area},
            )


def _line_begun(grids: Grids, places: Mapping[str, Place], definition: FormDefinition, path: str, row: int) -> bool:
    """Whether anything stands in the line *row* of the list that *path* is a column of."""
    head = path.partition(".")[0]
    repeat = next(repeat for repeat in definition.repeats if repeat.name == head)
    computed = {field.name for field in repeat.fields if field.computed}
    return any(
        not is_blank(str(value))
        for name, place in _columns(repeat, places).items()
        if name not in computed and (value := grids.value(place.sheet, row, place.left)) is not None
    )


def _texts(definition: FormDefinition) -> Iterator[str]:
    languages: tuple[Language, ...] = ("zh", "en")
    yield from _PRINTED
    for language in languages:
        for text in (definition.title, definition.hint, *definition.signatures):
            yield from _variants(text, language)
        for number, section in enumerate(definition.sections):
            label = section.label[language]
            numeral = "一二三四五六七八九十"[number] if number < 10 else str(number + 1)
            yield from (label, f"{numeral}、{label}", f"{number + 1}. {label}")
            yield from _variants(section.hint, language)
        for repeat in definition.repeats:
            for text in (repeat.label, repeat.hint):
                yield from _variants(text, language)
        for _, field in definition.paths():
            unit = field.unit[language] if field.unit else ""
            for label in (field.label[language], f"* {field.label[language]}"):
                yield from (f"{label}{behind}" for behind in ("", " *", "*", f"（{unit}", f" ({unit}", ":", "："))


def _variants(text: Text | None, language: Language) -> Iterator[str]:
    if text is not None:
        yield from (text[language], f"{text[language]}　", f"{text[language]} *", f"{text[language]}（签字）")
