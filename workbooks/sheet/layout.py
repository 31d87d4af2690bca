"""Where everything stands on a form's sheet: rows, columns and blocks of merged cells, before anything is drawn."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from workbooks.form import REASON, Field, FieldType, FormDefinition, Language, Repeat, Section, Text
from workbooks.sheet.blocks import Block, Layout, Part, own_name
from workbooks.sheet.measure import PADDING_PX, text_points, text_px
from workbooks.sheet.paging import Row, paged

# The sheet is planned in units of equal width; units that no edge ever separates become one column.
UNIT_PX = 29
PORTRAIT, LANDSCAPE = 24, 36  # units across A4 with margins of 7 mm
PAIR = 12  # units of one label with its value
LABEL = 5
BODY, SMALL, TITLE = 10.5, 9.0, 18.0  # font sizes in points
ROW_POINTS = 24.0
_PICTURE_LINES = 8
_MOST_POINTS = 400.0  # Excel's rows are not higher than 409 points
_KEPT_TOGETHER = 12  # entry lines that a page break does not tear apart
_CRAMPED = 1.15  # a repeat that needs so much more than the width of A4 turns the sheet

OWNERS = {
    "station": Text("服务站", "service station"),
    "engineer": Text("工程师", "engineer"),
    "quality": Text("质量部门", "quality department"),
}
REASON_LABEL = Text("合理性说明", "Reason")
_REASON_ASIDE = Text("\n（情况特殊时说明）", "\n(if unusual, say why)")
_LEGEND = Text(
    "为必填；黄格、白格由人填写，灰格自动生成。", "required; fill in yellow and white cells, grey ones fill themselves."
)
_LINE_NUMBER = Text("行", "#")
META = (
    # name, label, units of the label, units of the value
    ("number", Text("编号", "Number"), 2, 4),
    ("revision", Text("版次", "Revision"), 3, 3),
    ("state", Text("状态", "State"), 2, 3),
    ("received_at", Text("接收时间", "Received"), 3, 4),
)
_CHINESE_NUMERALS = "一二三四五六七八九十"
_ANSWERS = (Part.INPUT, Part.ENTRY, Part.REASON, Part.META)


def lay_out(
    definition: FormDefinition,
    language: Language,
    lines: Mapping[str, int] = MappingProxyType({}),
    texts: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Layout:
    """
    The sheet of *definition* in *language*.

    *lines* may ask for more entry lines per repeat than the definition prints. *texts*
    holds, by field path, what will stand in the cells, so that rows are high enough.
    """
    landscape = any(_needed_px(repeat, language) > PORTRAIT * UNIT_PX * _CRAMPED for repeat in definition.repeats)
    return _Planner(definition, language, LANDSCAPE if landscape else PORTRAIT, texts).plan(lines)


def section_title(definition: FormDefinition, section: Section, language: Language) -> str:
    """The section's label with its number, unless it brings one: "三、处理方案", "3. Solution", "3 处理"."""
    label = section.label[language]
    if label[:1].isdigit():
        return label
    position = definition.sections.index(section)
    if language == "en":
        return f"{position + 1}. {label}"
    numeral = _CHINESE_NUMERALS[position] if position < len(_CHINESE_NUMERALS) else str(position + 1)
    return f"{numeral}、{label}"


def unit_text(field: Field, language: Language) -> str:
    """The field's unit as it stands behind its label."""
    if field.unit is None:
        return ""
    return f"（{field.unit.zh}）" if language == "zh" else f" ({field.unit.en})"


def _needed_px(repeat: Repeat, language: Language) -> float:
    """The width below which a repeat's columns get cramped."""
    return UNIT_PX + sum(_least_px(field, language) for field in repeat.fields)


def _least_px(field: Field, language: Language) -> float:
    sample = {FieldType.DATE: 84.0, FieldType.DATETIME: 124.0, FieldType.TIME: 52.0}.get(field.type, 56.0)
    if field.choices:
        sample = min(max(text_px(choice.label[language], BODY) + PADDING_PX for choice in field.choices), 130)
    elif field.type in (FieldType.TEXT, FieldType.PERSON) or field.master:
        sample = min(max(field.width * 6, 70), 170)
    label = field.label[language] + unit_text(field, language)
    words = label.split() if language == "en" else []
    return max(sample, min(text_px(label, SMALL) / 2 + 16, 120), *(text_px(word, SMALL) + PADDING_PX for word in words))


@dataclass(slots=True)
class _Strip:
    """A block planned in units: columns *start* (inclusive) to *end* (exclusive)."""

    part: Part
    start: int
    end: int
    path: str = ""
    text: str = ""
    aside: str = ""
    required: bool = False


class _Planner:
    """Lays strips into rows, then turns units into columns."""

    def __init__(
        self, definition: FormDefinition, language: Language, units: int, texts: Mapping[str, Sequence[str]]
    ) -> None:
        self.definition, self.language, self.units, self.texts = definition, language, units, texts
        self.rows: list[tuple[Row, list[_Strip]]] = []

    def plan(self, lines: Mapping[str, int]) -> Layout:
        self._title()
        repeated = 2
        for section in self.definition.sections:
            self._section(section, lines)
        if self.definition.has_soft_rules:
            self._reason()
        self._signatures()
        return self._in_columns(repeated)

    def _row(self, points: float, *strips: _Strip, least: float = 18.0, sticky: bool = False) -> None:
        parts = {strip.part for strip in strips}
        row = Row(
            points,
            least,
            elastic=bool(parts & {Part.INPUT, Part.ENTRY, Part.REASON, Part.SIGNATURE}),
            begins=Part.SECTION in parts,
            sticky=sticky
            or bool(parts & {Part.SECTION, Part.NOTE, Part.REPEAT, Part.HEADER, Part.REASON, Part.SIGNER}),
        )
        self.rows.append((row, list(strips)))

    def _points(self, text: str, units: int, lines: int = 1, size: float = BODY) -> float:
        """The height of the text wrapped over so many units, and of at least *lines* lines of an answer."""
        return text_points(text, units * UNIT_PX, size, lines)

    def _title(self) -> None:
        self._row(38, _Strip(Part.TITLE, 0, self.units, text=self.definition.title[self.language]))
        strips: list[_Strip] = []
        at = 0
        spare = (self.units - PORTRAIT) // len(META)
        for name, label, label_units, value_units in META:
            middle = at + label_units
            strips.append(_Strip(Part.META_LABEL, at, middle, text=label[self.language]))
            at = middle + value_units + spare
            strips.append(_Strip(Part.META, middle, at, path=own_name(name)))
        self._row(19, *strips)
        hint = self.definition.hint[self.language] if self.definition.hint else ""
        legend = _LEGEND[self.language]
        points = self._points(f"{hint} * {legend}", self.units, size=SMALL) + 3
        self._row(points, _Strip(Part.HINT, 0, self.units, text=hint, aside=legend))

    def _section(self, section: Section, lines: Mapping[str, int]) -> None:
        owner = ""
        if section.owner:
            who = OWNERS[section.owner]
            owner = Text(f"　由{who.zh}填写", f"   filled in by the {who.en}")[self.language]
        title = section_title(self.definition, section, self.language)
        self._row(22, _Strip(Part.SECTION, 0, self.units, path=section.name, text=title, aside=owner))
        if section.hint:
            self._note(section.hint[self.language])
        waiting: list[Field] = []
        for item in section.items:
            if isinstance(item, Field) and not item.wide and item.type != FieldType.IMAGE:
                waiting.append(item)
                continue
            self._pairs(waiting)
            waiting = []
            if isinstance(item, Repeat):
                self._repeat(item, max(item.rows, lines.get(item.name, 0)), titled=len(section.items) > 1)
            else:
                self._labelled([item], self.units)
        self._pairs(waiting)

    def _note(self, text: str) -> None:
        self._row(self._points(text, self.units, size=SMALL) + 2, _Strip(Part.NOTE, 0, self.units, text=text))

    def _pairs(self, fields: Sequence[Field]) -> None:
        per_row = self.units // PAIR
        for start in range(0, len(fields), per_row):
            self._labelled(fields[start : start + per_row], PAIR)

    def _labelled(self, fields: Sequence[Field], units: int) -> None:
        """One row of labels with their answers, *units* wide each; the last answer takes what is left."""
        strips: list[_Strip] = []
        points, least = ROW_POINTS, 18.0
        for position, field in enumerate(fields):
            start = position * units
            label = self._label(Part.LABEL, field, field.name, start, start + LABEL)
            end = self.units if field is fields[-1] else start + units
            strips += [label, _Strip(Part.INPUT, start + LABEL, end, path=field.name)]
            lines = max(field.rows, _PICTURE_LINES) if field.type == FieldType.IMAGE else field.rows
            points = max(points, self._points(_whole(label), LABEL, lines))
            least = max(least, self._points(_whole(label), LABEL) - 2, self._content(field.name, 0, strips[-1]))
        self._row(max(points, least), *strips, least=least)

    def _content(self, path: str, line: int, strip: _Strip) -> float:
        """The height that the text to stand in an answer's cell needs; 0 without one."""
        texts = self.texts.get(path, ())
        if line >= len(texts) or not texts[line]:
            return 0
        return min(self._points(texts[line], strip.end - strip.start), _MOST_POINTS)

    def _label(self, part: Part, field: Field, path: str, start: int, end: int) -> _Strip:
        text, unit = field.label[self.language], unit_text(field, self.language)
        required = field.required is True and not field.computed
        return _Strip(part, start, end, path=path, text=text, aside=unit, required=required)

    def _repeat(self, repeat: Repeat, lines: int, *, titled: bool) -> None:
        hint = repeat.hint[self.language] if repeat.hint else ""
        if titled:
            label, aside = repeat.label[self.language], f"　{hint}" if hint else ""
            self._row(20, _Strip(Part.REPEAT, 0, self.units, path=repeat.name, text=label, aside=aside))
        elif hint:
            self._note(hint)
        spans = list(pairwise(self._edges(repeat)))
        paths = [f"{repeat.name}.{field.name}" for field in repeat.fields]
        headers = [
            self._label(Part.HEADER, field, path, start, end)
            for field, path, (start, end) in zip(repeat.fields, paths, spans, strict=True)
        ]
        points = max(22.0, *(self._points(_whole(header), header.end - header.start, 1, SMALL) for header in headers))
        self._row(points, _Strip(Part.HEADER, 0, 1, text=_LINE_NUMBER[self.language]), *headers)
        points = max(22.0, *(self._points("", 1, field.rows) for field in repeat.fields))
        for line in range(1, lines + 1):
            entries = [_Strip(Part.ENTRY, start, end, path=p) for p, (start, end) in zip(paths, spans, strict=True)]
            number = _Strip(Part.LINE, 0, 1, text=str(line))
            least = max(18.0, *(self._content(entry.path, line - 1, entry) for entry in entries))
            sticky = line < lines <= _KEPT_TOGETHER
            self._row(max(points, least), number, *entries, least=least, sticky=sticky)

    def _edges(self, repeat: Repeat) -> list[int]:
        """
        Units at which the repeat's columns begin and end, after one unit for the line number.

        Widths follow the definition's shares, but no column is cramped while another has
        room; an edge close to one of the label/answer grid moves onto it.
        """
        room = self.units - 1
        least = [_least_px(field, self.language) / UNIT_PX for field in repeat.fields]
        shares = [field.width / sum(field.width for field in repeat.fields) * room for field in repeat.fields]
        wanted = [max(share - small, 0.0) for share, small in zip(shares, least, strict=True)]
        free = room - sum(least)
        total = math.fsum(wanted)
        if free > 0 and total:
            widths = [small + free * more / total for small, more in zip(least, wanted, strict=True)]
        else:
            widths = [room * small / sum(least) for small in least]
        edges, at = [1], 1.0
        for position, width in enumerate(widths[:-1]):
            at += width
            choices = range(edges[-1] + 1, self.units - (len(widths) - 2 - position))
            edges.append(min(choices, key=lambda edge: abs(edge - at) - 0.5 * (edge % PAIR in (0, LABEL))))
        return [*edges, self.units]

    def _reason(self) -> None:
        label = _Strip(Part.LABEL, 0, LABEL, text=REASON_LABEL[self.language], aside=_REASON_ASIDE[self.language])
        points = self._points(_whole(label), LABEL, 3, SMALL) + 2
        self._row(points, label, _Strip(Part.REASON, LABEL, self.units, path=own_name(REASON)), least=points)

    def _signatures(self) -> None:
        count = len(self.definition.signatures)
        if not count:
            return
        edges = [round(position * self.units / count) for position in range(count + 1)]
        signers = [
            _Strip(Part.SIGNER, start, end, text=text[self.language], aside=self._to_sign(text))
            for text, (start, end) in zip(self.definition.signatures, pairwise(edges), strict=True)
        ]
        points = max(self._points(_whole(signer), signer.end - signer.start, 1, SMALL) for signer in signers)
        self._row(max(points, 20), *signers)
        date = Text("年　　月　　日", "Date:                    ")[self.language]
        self._row(52, *(_Strip(Part.SIGNATURE, start, end, text=date) for start, end in pairwise(edges)))

    def _to_sign(self, signer: Text) -> str:
        """What asks for the signature, unless the signer's name already does."""
        if "签字" in signer.zh:
            return ""
        return Text("（签字）", " (signature)")[self.language]

    def _in_columns(self, repeated: int) -> Layout:
        edges = sorted({0, self.units} | {edge for _, strips in self.rows for s in strips for edge in (s.start, s.end)})
        blocks = tuple(self._blocks({edge: position for position, edge in enumerate(edges, start=1)}))
        answers: dict[str, tuple[Block, ...]] = {}
        for block in blocks:
            if block.part in _ANSWERS:
                answers[block.path] = (*answers.get(block.path, ()), block)
        heights, starts = paged([row for row, _ in self.rows], self.units == LANDSCAPE, repeated)
        return Layout(
            blocks=blocks,
            widths=tuple((end - start) * UNIT_PX for start, end in pairwise(edges)),
            heights=heights,
            pages=starts,
            landscape=self.units == LANDSCAPE,
            repeated=repeated,
            _answers=MappingProxyType(answers),
        )

    def _blocks(self, column: Mapping[int, int]) -> Iterator[Block]:
        for row, (_, strips) in enumerate(self.rows, start=1):
            for s in strips:
                yield Block(
                    part=s.part,
                    row=row,
                    first=column[s.start],
                    last=column[s.end] - 1,
                    path=s.path,
                    text=s.text,
                    aside=s.aside,
                    required=s.required,
                )


def _whole(strip: _Strip) -> str:
    """All that the strip shows, for measuring."""
    return f"{strip.text}{strip.aside}{' *' * strip.required}"
