"""Damages of single answers: spelled as people spell them, or holding what no answer is."""

import unicodedata
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from tests.fuzz.editing import Editor, ErrorValue, Formula, serial, tag
from tests.fuzz.subject import Answer, Damage, Subject, kind, with_line
from workbooks.form import FieldType
from workbooks.values import plain

_NUMBERS = (FieldType.INTEGER, FieldType.DECIMAL)
_TEXTS = (FieldType.TEXT,)
_CHOICES = (FieldType.SELECT_ONE, FieldType.SELECT_MULTIPLE, FieldType.PERSON)
_WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
_CHINESE = "〇一二三四五六七八九"
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def _one(subject: Subject, rng: Random, *types: FieldType) -> Answer | None:
    found = subject.of_type(*types)
    return rng.choice(found) if found else None


def _at(name: str, answer: Answer, told: object, *values: object, subject: Subject | None = None) -> Damage:
    becomes = with_line(subject, answer, *values) if subject is not None else {}
    return Damage(kind=name, paths=frozenset({answer.path}), becomes=becomes, told=f"{answer.spot.address}: {told!r}")


def _in_chinese(day: date) -> str:
    def number(n: int) -> str:
        tens, ones = divmod(n, 10)
        return ("" if not tens else "十" if tens == 1 else _CHINESE[tens] + "十") + (_CHINESE[ones] if ones else "")

    year = "".join(_CHINESE[int(digit)] for digit in str(day.year))
    return f"{year}年{number(day.month)}月{number(day.day)}日"


@kind
def date_as_text(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = _one(subject, rng, FieldType.DATE)
    if answer is None:
        return None
    day: date = answer.value  # type: ignore[assignment]
    y, m, d = day.year, day.month, day.day
    text = rng.choice([
        f"{y}年{m}月{d}日", f"{y}.{m}.{d}", f"{y}/{m:02}/{d:02}", f"{y}-{m}-{d}".translate(_WIDE), _in_chinese(day),
        f"{y}{m:02}{d:02}", f" {y}-{m:02}-{d:02} ", f"{y}-{m:02}-{d:02} 00:00:00", f"{y}年{m}月{d}号", f"{y}、{m}、{d}",
        f"{_MONTHS[m - 1]} {d}, {y}", f"{d} {_MONTHS[m - 1]} {y}", f"{d}-{_MONTHS[m - 1]}-{y % 100}", f"{m}/{d}/{y}",
        f"{d}/{m}/{y}", f"{m}月{d}日", f"{y % 100}-{m}-{d}", f"{y}-{m}", f"{y}年{m}月{d}日（星期二）", f"'{y}-{m}-{d}",
        f"{y}-{m}-{d}\n", f"\u200b{y}-{m}-{d}", f"{y} - {m} - {d}", f"{d}.{m}.{y}", f"{y}-{m:02}-{d:02}T00:00:00Z",
    ])  # fmt: skip
    book.put(answer.spot, text)
    return _at("date_as_text", answer, text)


@kind
def date_as_number(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = _one(subject, rng, FieldType.DATE, FieldType.DATETIME)
    if answer is None:
        return None
    number = serial(answer.value)  # type: ignore[arg-type]
    content = rng.choice([number, str(number), float(f"{answer.value:%Y%m%d}")])  # type: ignore[str-format]
    book.put(answer.spot, content, style="0")
    day = datetime.combine(answer.value, datetime.min.time()) if isinstance(answer.value, datetime) else answer.value  # type: ignore[arg-type]
    # Of an instant written as a bare day only the day is left.
    return _at("date_as_number", answer, content, day, subject=subject)


@kind
def instant_as_text(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = _one(subject, rng, FieldType.DATETIME)
    if answer is None:
        return None
    at: datetime = answer.value  # type: ignore[assignment]
    text = rng.choice([
        f"{at:%Y年%m月%d日 %H:%M}", f"{at:%Y/%m/%d %H:%M:%S}", f"{at:%Y-%m-%d %H:%M}".translate(_WIDE),
        f"{at:%Y年%m月%d日%H时%M分}", f"{at:%Y-%m-%dT%H:%M:%S}", f"{at:%Y.%m.%d %H：%M}", f"{at:%Y-%m-%d  %I:%M %p}",
        f"{at:%Y-%m-%d %H点%M分}", f"{at:%Y%m%d%H%M}", f"{at:%m/%d/%Y %H:%M}", f"{at:%Y-%m-%d} {at:%H%M}",
    ])  # fmt: skip
    book.put(answer.spot, text)
    return _at("instant_as_text", answer, text)


@kind
def dates_of_1904(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    """Saved by a Mac of old: another day 0, and every number moved with it, or none."""
    days = subject.of_type(FieldType.DATE, FieldType.DATETIME)
    if not days:
        return None
    properties = book.tree("xl/workbook.xml").find("{*}workbookPr")
    assert properties is not None
    properties.set("date1904", "1")
    moved = rng.random() < 0.5
    becomes: dict[str, tuple[object, ...]] = {}
    for answer in days:
        if moved:
            book.put(answer.spot, serial(answer.value) - 1462)  # type: ignore[arg-type]
    if not moved:  # what Excel shows then is four years later, in every cell with a date
        shift = timedelta(days=1462)
        for field in subject.definition.fields:
            if isinstance(value := subject.report.values[field.name], date) and not field.computed:
                becomes[field.name] = (value + shift,)
        for repeat in subject.definition.repeats:
            rows = subject.report.values[repeat.name]
            shown = [{n: v + shift if isinstance(v, date) else v for n, v in row.items()} for row in rows]  # type: ignore[union-attr]
            becomes[repeat.name] = (tuple(shown),)
    paths = frozenset(answer.path for answer in days)
    return Damage(kind="dates_of_1904", paths=paths, slugs=frozenset({"rule-broken", "needs-reason"}), becomes=becomes)


@kind
def number_as_text(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = _one(subject, rng, *_NUMBERS)
    if answer is None:
        return None
    number = plain(answer.value)  # type: ignore[arg-type]
    value = Decimal(number)
    unit = answer.field.unit[subject.language] if answer.field.unit else ""
    text = rng.choice([
        number.translate(_WIDE), f"{value:,}", f"{value:,}".replace(",", "，"), f" {number} ", f"{number}{unit}",
        f"{number} {unit}", f"\u00a0{number}\u00a0", f"{number}\n", f"{number}.", f"+{number}", f"{number}。",
        f"约{number}", f"{number}个", f"{number}左右", f"{value:E}", f"{value:,}".replace(",", "'"),
        f"{value:,}".replace(",", " "), f"{number}-{number}", f"={number}", f"{number}\u200b", f"￥{number}",
        f"{value:,.2f}".replace(",", "x").replace(".", ",").replace("x", "."), f">{number}", f"{number}+",
    ])  # fmt: skip
    book.put(answer.spot, text)
    return _at("number_as_text", answer, text)


@kind
def number_in_another_unit(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = _one(subject, rng, *_NUMBERS)
    if answer is None:
        return None
    unit = rng.choice(["kg", "吨", "km", "万", "MPa", "小时", "天", "%", "元", "英里", "K", "m/s"])
    text = f"{plain(answer.value)}{unit}"  # type: ignore[arg-type]
    book.put(answer.spot, text)
    number = Decimal(plain(answer.value))  # type: ignore[arg-type]
    scaled = [number * 10**4, number / 100, *(number * n for n in (60, 24, 1000, 3600)), number / 60, number / 1000]
    # 3万 is 30000 and 12% is 0.12 to everybody; a unit that is converted is told as corrected-value at the cell.
    return _at("number_in_another_unit", answer, text, *scaled, *map(round, scaled), subject=subject)


@kind
def text_with_odd_spaces(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = _one(subject, rng, *_TEXTS, *_CHOICES)
    cell = subject.filled.cells.get(answer.path) if answer else None
    if answer is None or cell is None or not isinstance(cell.value, str):
        return None
    text = rng.choice(
        ["{} ", "\n{}", "{}\r\n", "\u00a0{}\u3000", "\u200b{}\ufeff", "\t{}", "_x000D_{}", "{}\u2028", "\x85{}"]
    )
    book.put(answer.spot, text.format(cell.value))
    return _at("text_with_odd_spaces", answer, text)


@kind
def text_full_width(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = _one(subject, rng, *_CHOICES)
    cell = subject.filled.cells.get(answer.path) if answer else None
    if answer is None or cell is None or not isinstance(cell.value, str):
        return None
    text = rng.choice([cell.value.translate(_WIDE), unicodedata.normalize("NFD", cell.value), cell.value.upper()])
    book.put(answer.spot, text)
    return _at("text_full_width", answer, text)


@kind
def choice_in_another_spelling(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    found = [a for a in subject.of_type(FieldType.SELECT_ONE) if a.field.choices]
    if not found:
        return None
    answer = rng.choice(found)
    choice = next(c for c in answer.field.choices if c.name == answer.value)
    other = choice.label["en" if subject.language == "zh" else "zh"]
    label = choice.label[subject.language]
    text = rng.choice(
        [other, choice.name, f"“{label}”", f" {label}", other.upper(), f"{label}。", f"{label}({choice.name})"]
    )
    book.put(answer.spot, text)
    return _at("choice_in_another_spelling", answer, text)


@kind
def choice_with_a_typing_mistake(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = _one(subject, rng, FieldType.SELECT_ONE)
    cell = subject.filled.cells.get(answer.path) if answer else None
    if answer is None or cell is None or not isinstance(cell.value, str) or len(cell.value) < 2:
        return None
    text, at = cell.value, rng.randrange(len(cell.value))
    swapped = text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]
    text = rng.choice([text[:at] + text[at + 1 :], text[:at] + text[at] + text[at:], swapped, text + "的", "是" + text])
    if text == cell.value:
        return None
    book.put(answer.spot, text)
    # One typing mistake can be another legal answer ("无影响" for "影响"): that is what the sheet then says.
    names = [c.name for c in answer.field.choices if text in (c.label.zh, c.label.en)]
    return _at("choice_with_a_typing_mistake", answer, text, *names, subject=subject)


@kind
def cell_emptied(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = rng.choice([a for a in subject.answers if a.line is None])
    text = rng.choice([None, "", " ", "\u3000", "\u00a0", "-", "/", "—", "_x0000_", "\u200b", "无", "N/A"])
    book.put(answer.spot, text)
    values = (None, text) if text and answer.field.type is FieldType.TEXT else (None,)
    return Damage(
        kind="cell_emptied", paths=_all_paths(subject), becomes=with_line(subject, answer, *values), told=repr(text)
    )


@kind
def error_in_a_cell(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = rng.choice(subject.answers)
    text = rng.choice(["#N/A", "#REF!", "#DIV/0!", "#NAME?", "#VALUE!", "#NUM!", "#NULL!"])
    book.put(answer.spot, ErrorValue(text, formula=rng.random() < 0.5))
    return _at("error_in_a_cell", answer, text)


@kind
def error_typed_as_text(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = rng.choice(subject.answers)
    book.put(answer.spot, rng.choice(["#N/A", "#REF!", "#DIV/0!", "#VALUE!"]))
    return _at("error_typed_as_text", answer, "error as text")


@kind
def formula_never_calculated(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    """A program that wrote a formula without calculating it: the cell looks empty to most readers."""
    answer = rng.choice(subject.answers)
    book.put(answer.spot, Formula(rng.choice(["A1", "1+1", 'CONCATENATE("a","b")', "SUM(A1:A9)"])))
    return _at("formula_never_calculated", answer, "no result")


@kind
def formula_with_the_right_result(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = rng.choice(subject.answers)
    line = answer.line
    repeat, _, name = answer.path.rpartition(".")
    cell = subject.filled.repeats[repeat][line][name] if line is not None else subject.filled.cells[answer.path]
    if isinstance(cell.value, str):
        book.put(answer.spot, Formula('""&"x"', cell.value))
    elif isinstance(cell.value, int | float | date | datetime) and not isinstance(cell.value, bool):
        book.put(answer.spot, Formula("1+1", serial(cell.value)))
    else:
        return None
    return _at("formula_with_the_right_result", answer, cell.value)


@kind
def logical_value(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = rng.choice(subject.answers)
    logical = rng.random() < 0.5
    book.put(answer.spot, logical)
    values: tuple[object, ...] = ()
    if answer.field.type is FieldType.TEXT:
        values = (str(logical).upper(),)
    elif {c.name for c in answer.field.choices} >= {"yes", "no"}:
        values = ("yes" if logical else "no",)
    return Damage(
        kind="logical_value", paths=_all_paths(subject), becomes=with_line(subject, answer, *values), told=answer.path
    )


@kind
def number_in_a_text(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    """Digits typed into a cell that is no text cell any more: what the cell shows is what it says."""
    found = [a for a in subject.of_type(FieldType.TEXT) if a.field.master is None]
    if not found:
        return None
    answer = rng.choice(found)
    number = rng.choice([41729.0, 12.0, 0.5, 1e6, 123456789012.0])
    book.put(answer.spot, number, style="0")
    text = f"{Decimal(repr(number)).normalize():f}"
    return _at("number_in_a_text", answer, number, text, subject=subject)


@kind
def number_shown_with_zeros(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    """A part number whose zeros are only in the cell's number format (0000000)."""
    found = [a for a in subject.of_type(FieldType.TEXT) if a.field.master is None and (a.field.max_length or 99) > 7]
    if not found:
        return None
    answer = rng.choice(found)
    style = book_style(book, "0000000")
    book.put(answer.spot, 41729.0, style=style)
    return _at("number_shown_with_zeros", answer, "0041729", "0041729", subject=subject)


@kind
def huge_text(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = rng.choice(subject.answers)
    text = rng.choice("字a9") * rng.choice([500, 40_000, 200_000])
    book.put(answer.spot, text)
    slugs = frozenset({"too-large", "unsafe", "damaged"})
    becomes = with_line(subject, answer, text)
    return Damage(kind="huge_text", paths=_all_paths(subject), slugs=slugs, becomes=becomes, told=answer.path)


@kind
def control_characters(subject: Subject, book: Editor, rng: Random) -> Damage | None:
    answer = _one(subject, rng, *_TEXTS)
    cell = subject.filled.cells.get(answer.path) if answer else None
    if answer is None or cell is None or not isinstance(cell.value, str):
        return None
    at = rng.randrange(len(cell.value) + 1)
    odd = rng.choice(["_x0000_", "_x0007_", "_x001F_", "\u200e", "\u202e", "\ufeff", "_x0000__x0000_"])
    book.put(answer.spot, cell.value[:at] + odd + cell.value[at:])
    return _at("control_characters", answer, odd)


def _all_paths(subject: Subject) -> frozenset[str]:
    """What depends on an answer may be told as well: what is required with it, the rules over it."""
    return frozenset(path for path, _ in subject.definition.paths()) | {r.name for r in subject.definition.repeats}


def book_style(book: Editor, number_format: str) -> str:
    """A cell format more in the styles, with a number format of its own; its index."""
    styles = book.tree("xl/styles.xml")
    formats, xfs = styles.find("{*}numFmts"), styles.find("{*}cellXfs")
    assert formats is not None
    assert xfs is not None
    new = formats.makeelement(tag("numFmt"), numFmtId="399", formatCode=number_format)
    formats.append(new)
    xf = xfs.makeelement(tag("xf"), numFmtId="399", fontId="0", fillId="0", borderId="0", xfId="0",
                         applyNumberFormat="1")  # fmt: skip
    xfs.append(xf)
    return str(len(xfs) - 1)
