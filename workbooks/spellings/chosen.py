"""What people type, tick or abbreviate where one or several options are to be chosen."""

from dataclasses import dataclass
from typing import Final

from workbooks.filled import RawValue, Value
from workbooks.finding_codes import FindingCode
from workbooks.form import Field, Text
from workbooks.spellings.boxes import boxes_in
from workbooks.spellings.choices import Option, Options
from workbooks.spellings.problems import Normaliser, Problem, as_text, corrected, problem
from workbooks.spellings.spelling import clean, is_blank

_SEPARATORS: Final = str.maketrans(dict.fromkeys("、，,;；|\n/", "\0"))
_NO_SUGGESTION: Final = Text("", "")


def choice_reader(field: Field, options: Options) -> Normaliser:
    """Reads the one option that *field* takes."""
    cascading = field.master is not None and field.master.under is not None

    def read(raw: RawValue, parent: str | None) -> Value | Problem:
        text = raw if raw.__class__ is str else as_text(raw)
        assert isinstance(text, str)
        found = options.find(text)
        if cascading:
            return _under_parent(found, options, raw, text, parent)
        if len(found) == 1:
            return found[0].code
        if not found and field.required is not True and is_blank(text):
            return None
        if not found and (ticked := _ticked(options, text)) is not None:
            if not ticked.options:
                return None
            if len(ticked.options) == 1:
                return ticked.answer(raw, ticked.options[0].code, options)
            found = list(ticked.options)
        return _unlisted(found, options, raw, text, options.options)

    return read


@dataclass(frozen=True, slots=True)
class _Ticked:
    """The options ticked in a cell of boxes; *more* says that somebody has written something behind one."""

    options: tuple[Option, ...]
    more: bool

    def answer(self, raw: RawValue, value: Value, options: Options) -> Value | Problem:
        taken = "、".join(options.shown(option, "zh") for option in self.options)
        return corrected(raw, value, taken) if self.more else value


def _ticked(options: Options, text: str) -> _Ticked | None:
    """What is ticked in a cell whose boxes are those of *options*; None when they are not, or it is not clear."""
    read = boxes_in(text)
    if read is None:
        return None
    ticked: list[Option] = []
    more = False
    for box in read.boxes:
        label = box.label
        if not (found := options.find(label)):
            label, colon, written = label.replace("：", ":").partition(":")
            found = options.find(label.strip()) if colon else []
            more = more or (box.ticked and bool(written))
        if len(found) != 1:
            return None
        if box.ticked and found[0] not in ticked:
            ticked.append(found[0])
    return _Ticked(tuple(ticked), more)


def _under_parent(
    found: list[Option], options: Options, raw: RawValue, text: str, parent: str | None
) -> Value | Problem:
    """The one of *found* that belongs to *parent*, a code."""
    legal = [option for option in found if option.parent == parent] if parent is not None else found
    if len(legal) == 1:
        return legal[0].code
    if found and not legal:
        return problem(FindingCode.NOT_UNDER_PARENT, raw, parent=parent or "")
    if not found and is_blank(text):
        return None
    return _unlisted(legal, options, raw, text, [o for o in options.options if parent is None or o.parent == parent])


def _unlisted(
    found: list[Option], options: Options, raw: RawValue, text: str, legal: "tuple[Option, ...] | list[Option]"
) -> Problem:
    """What to say about an answer that is not on the list, or is there more than once."""
    bare = [option for option in options.without_zeros(text) if option in legal]
    if not found and len(bare) == 1:
        return corrected(raw, bare[0].code, bare[0].code)
    likely = found or bare or [option for option in options.nearest(text) if option in legal]
    return problem(FindingCode.NOT_A_CHOICE, raw, suggestion=_suggestion(likely, options))


def _suggestion(likely: list[Option], options: Options) -> Text:
    if not likely:
        return _NO_SUGGESTION
    zh = "或".join(f"“{options.shown(option, 'zh')}”" for option in likely[:3])
    en = " or ".join(f"“{options.shown(option, 'en')}”" for option in likely[:3])
    return Text(f"（是不是{zh}？）", f" (did you mean {en}?)")


def choices_reader(field: Field, options: Options) -> Normaliser:
    """Reads the options that *field* takes, their codes in the order of the list."""
    order = {option.code: position for position, option in enumerate(options.options)}
    read_one = choice_reader(field, options)

    def read(raw: RawValue, parent: str | None) -> Value | Problem:
        text = raw if raw.__class__ is str else as_text(raw)
        assert isinstance(text, str)
        if (ticked := _ticked(options, text)) is not None and len(options.find(text)) != 1:
            codes = {option.code for option in ticked.options}
            return ticked.answer(raw, tuple(sorted(codes, key=order.__getitem__)) or None, options)
        parts = (
            [text]
            if len(options.find(text)) == 1
            else [p for p in map(clean, text.translate(_SEPARATORS).split("\0")) if p]
        )
        codes = set()
        warning: Problem | None = None
        for part in parts:
            answer = read_one(part, parent)
            if isinstance(answer, Problem):
                if answer.code is not FindingCode.CORRECTED_VALUE:
                    return answer
                warning, answer = answer, answer.value
            if isinstance(answer, str):
                codes.add(answer)
        value = tuple(sorted(codes, key=order.__getitem__)) or None
        return Problem(warning.code, warning.context, value) if warning is not None else value

    return read
