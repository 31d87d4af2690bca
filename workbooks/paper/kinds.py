"""Of what type an answer is: by its validation, its boxes, its number format, or the words of its label."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from lxml import etree

from workbooks.form import FieldType, Text
from workbooks.ooxml.areas import Area
from workbooks.paper.labels import WHOLE_UNITS, Label
from workbooks.paper.paper import Paper, Slot
from workbooks.paper.words import Names, english, snake
from workbooks.spellings.boxes import boxes_in
from workbooks.spellings.spelling import fold

_MOST_CHOICES = 200
_SHOWN = 20
_BUILT_IN = {
    **dict.fromkeys((14, 15, 16, 17, *range(27, 32), 36, *range(50, 55), 57, 58), "yyyy-mm-dd"),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 46, 47, 55, 56), "hh:mm"),
    **{1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 22: "yyyy-mm-dd hh:mm", 37: "#,##0", 39: "#,##0.00"},
}  # fmt: skip
_ASIDE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h|m|s)[^\]]*\]', re.IGNORECASE)
_WORDS: tuple[tuple[str, FieldType, int | None], ...] = (
    (r"日期$|^日期|年月日|(时间|有效期)至$", FieldType.DATE, None),
    (r"照片|图片|影像", FieldType.IMAGE, None),
    (
        r"(到达|到场|离开|报修|接单|受理|完成|开始|结束|发生|投诉|处理|出发|返回|来电|响应)时间$",
        FieldType.DATETIME,
        None,
    ),
    (r"(金额|费用|单价|总价|小计|费|价格|价)$", FieldType.DECIMAL, 2),
    (r"(工时|时长|里程|公里数|温度|湿度|电压|电流|压力|重量|读数)$", FieldType.DECIMAL, None),
    (r"^[^/／]*(数量|次数|人数|件数|台数|套数)$", FieldType.INTEGER, None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A type with what belongs to it, why, and (or None) what a person should look at."""

    type: FieldType
    why: Text
    choices: tuple[tuple[str, Text], ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    decimals: int | None = None
    max_length: int | None = None
    doubt: Text | None = None


def kind_of(paper: Paper, slot: Slot, label: Label) -> Kind:
    """What *slot* may hold; *label* is the one it was found by."""
    boxes = boxes_in(slot.text) if slot.text else None
    if boxes is not None:
        several = label.several
        choices = named_choices([box.label for box in boxes.boxes])
        shown = " ".join(slot.text.split())
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
        why = Text(f"方框“{shown}”", f"check boxes {shown!r}")
        return Kind(type=FieldType.SELECT_MULTIPLE if several else FieldType.SELECT_ONE, why=why, choices=choices)
    rule = paper.rule(slot.area)
    found = _by_rule(paper, rule) if rule is not None else None
    return found or _by_format(slot) or _by_words(label, slot)


def named_choices(labels: list[str]) -> tuple[tuple[str, Text], ...]:
    """(name, label) of each; what has no English keeps its Chinese in both languages."""
    names, seen, found = Names(), set[str](), []
    english_seen = set[str]()
    for label in labels[:_MOST_CHOICES]:
        if fold(label) in seen:
            continue
        seen.add(fold(label))
        words = english(label)
        shown = words.capitalize() if words and fold(words) not in english_seen else label
        english_seen.add(fold(shown))
        name = snake(words)
        found.append((names.give(None if name in (None, "none", "null", "na") else name, "choice"), Text(label, shown)))
    return tuple(found)


def shows(slot: Slot) -> FieldType | None:
    """The type that the number format of *slot* suits; None where it suits any."""
    found = _by_format(slot)
    return found.type if found is not None else None


def _by_rule(paper: Paper, rule: etree._Element) -> Kind | None:
    kind, operator = rule.get("type", ""), rule.get("operator", "between")
    first, second = _formula(rule, "formula1"), _formula(rule, "formula2")
    why = Text("原有的数据验证", "its data validation")
    match kind:
        case "list":
            choices = _listed(paper, first)
            if choices:
                return Kind(type=FieldType.SELECT_ONE, why=why, choices=named_choices(choices))
            doubt = Text("下拉列表来自公式，无法列出选项", "its list comes from a formula, the choices are not known")
            return Kind(type=FieldType.TEXT, why=why, doubt=doubt)
        case "whole" | "decimal":
            low, high = _bounds(operator, first, second)
            return Kind(
                type=FieldType.INTEGER if kind == "whole" else FieldType.DECIMAL, why=why, minimum=low, maximum=high
            )
        case "date":
            return Kind(type=FieldType.DATE, why=why)
        case "time":
            return Kind(type=FieldType.TIME, why=why)
        case "textLength":
            _, high = _bounds(operator, first, second)
            return Kind(type=FieldType.TEXT, why=why, max_length=int(high) if high and 0 < high < 30000 else None)
    return None


def _formula(rule: etree._Element, name: str) -> str:
    """The text of a formula; lists on other sheets have it one element deeper."""
    element = rule.find(f"{{*}}{name}")
    return "" if element is None else "".join(map(str, element.itertext())).strip()


def _bounds(operator: str, first: str, second: str) -> tuple[Decimal | None, Decimal | None]:
    low, high = _number(first), _number(second)
    match operator:
        case "between":
            return low, high
        case "greaterThanOrEqual":
            return low, None
        case "lessThanOrEqual":
            return None, low
        case "greaterThan" if low is not None and low == 0:
            return Decimal(0), None
    return None, None


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**12 else None


def _listed(paper: Paper, formula: str) -> list[str]:
    """The entries of a list: written out, or in a column of cells."""
    formula = formula.strip().removeprefix("=")
    if formula.startswith('"') and formula.endswith('"'):
        return [text.strip() for text in formula[1:-1].replace('""', '"').split(",") if text.strip()]
    named = paper.book.names().get(formula)
    reference = named or formula
    found = paper.book.located(reference.lstrip("=")) if "!" in reference else None
    part, area = found if found else (paper.part, Area.parse(reference))
    if area is None or area.size > _MOST_CHOICES or "#REF" in reference:
        return []
    other = paper if part.part == paper.part.part else None
    sheet = paper.book.sheet(part.part)
    return [text for place in area.places() if (text := (other or paper).strings.of(sheet, place).strip())]


def _by_format(slot: Slot) -> Kind | None:
    code = slot.format
    if code.startswith("#") and code[1:].isdigit():
        code = _BUILT_IN.get(int(code[1:]), "")
    pattern = _ASIDE.sub("", code)
    shown = re.sub(r"\[[^\]]*\]|\\", "", code)[:20]
    why = Text(f"单元格格式 {shown}", f"its number format {shown}")
    day, clock = re.search(r"[yd年日]", pattern, re.IGNORECASE), re.search(r"[hs]", pattern, re.IGNORECASE)
    if day:
        return Kind(type=FieldType.DATETIME if clock else FieldType.DATE, why=why)
    if clock:
        return Kind(type=FieldType.TIME, why=why)
    if slot.placeholder:
        return Kind(
            type=FieldType.DATETIME if "时" in slot.text else FieldType.DATE,
            why=Text(f"“{''.join(slot.text.split())}”", f"the words {''.join(slot.text.split())!r}"),
        )
    if re.fullmatch(r"[#,0]*0(\.0+)?", pattern.partition(";")[0]):
        decimals = len(pattern.partition(";")[0].partition(".")[2])
        return Kind(type=FieldType.DECIMAL if decimals else FieldType.INTEGER, why=why, decimals=decimals or None)
    return None


def _by_words(label: Label, slot: Slot) -> Kind:
    if label.unit is not None:
        whole = label.unit.zh in WHOLE_UNITS
        why = Text(f"单位“{label.unit.zh}”", f"its unit, {label.unit.en}")
        return Kind(type=FieldType.INTEGER if whole else FieldType.DECIMAL, why=why)
    for pattern, kind, decimals in _WORDS:
        if re.search(pattern, label.text):
            doubt = None
            if kind is FieldType.DATETIME:
                doubt = Text(
                    f"“{label.text}”按日期加时间处理；只填日期请改为 date",
                    f"“{label.text}” is taken as date and time; make it date if a day is enough",
                )
            return Kind(type=kind, why=Text("标签的用词", "the words of its label"), decimals=decimals, doubt=doubt)
    return Kind(type=FieldType.TEXT, why=Text("标签旁的空格", "an empty cell beside its label"))
