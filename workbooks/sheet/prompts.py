"""What a template says beside a cell: what belongs in it, and what to do when something else was typed."""

from decimal import Decimal

from workbooks.form import Constraint, Field, FieldType, FormDefinition, Language, Text
from workbooks.sheet.dropdowns import sibling

MAX_TITLE, MAX_TEXT = 32, 255  # Excel's limits
_EXAMPLES = {
    FieldType.DATE: Text("日期，如 2026-11-21。", "A date such as 2026-11-21."),
    FieldType.TIME: Text("时间，如 14:30。", "A time such as 14:30."),
    FieldType.DATETIME: Text("日期和时间，如 2026-11-21 14:30。", "Date and time such as 2026-11-21 14:30."),
}
_PICTURE = Text("在此粘贴图片（PNG 或 JPEG）。", "Paste picture here (PNG or JPEG).")
_PICK = Text("请从下拉列表中选择。", "Pick from the list.")
ERROR_TITLE = Text("请核对", "Please check")
SOFT_HINT = Text(
    "如属实，请选“是”保留，并在“合理性说明”中写明原因。", "If it is true, choose Yes and state why in “Reason”."
)


def prompt(definition: FormDefinition, path: str, language: Language, *, listed: bool) -> tuple[str, str]:
    """
    Title and text of the input message of field *path*; the text is empty when there is nothing to add.

    *listed* says whether the cell has a drop-down: without master data there is none to pick from.
    """
    field = definition.field(path)
    title = f"{field.label[language]}{f' [{field.unit[language]}]' if field.unit else ''}"
    sentences = [field.hint[language]] if field.hint else []
    if listed or field.master is None:
        sentences.append(_allowed(definition, path, field, language))
    text = ("" if language == "zh" else " ").join(_sentence(s, language) for s in sentences if s)
    return shortened(title, MAX_TITLE), shortened(text, MAX_TEXT)


def type_error(field: Field, language: Language) -> str:
    """What to do when the answer is not of the field's type or outside its bounds."""
    match field.type:
        case FieldType.SELECT_ONE | FieldType.PERSON:
            return Text("请从下拉列表中选择一项。", "Pick one entry of the list.")[language]
        case FieldType.DATE | FieldType.TIME | FieldType.DATETIME:
            return Text("请填写", "Enter ")[language] + _lowered(_EXAMPLES[field.type][language], language)
        case FieldType.INTEGER | FieldType.DECIMAL:
            return Text("请填写", "Enter ")[language] + _lowered(_number(field, language), language)
    return Text(f"最多 {field.max_length} 个字，请缩短。", f"At most {field.max_length} characters; shorten it.")[
        language
    ]


def rule_error(constraint: Constraint, language: Language) -> str:
    """The author's message, with what to do about a soft rule."""
    text = constraint.message[language]
    if constraint.soft:
        text = f"{_sentence(text, language)}{'' if language == 'zh' else ' '}{SOFT_HINT[language]}"
    return shortened(text, MAX_TEXT)


def shortened(text: str, limit: int) -> str:
    """*text* cut to *limit* UTF-16 units, with an ellipsis."""
    if len(text.encode("utf-16-le")) <= 2 * limit:
        return text
    while len(text.encode("utf-16-le")) > 2 * (limit - 1):
        text = text[:-1]
    return f"{text}…"


def _allowed(definition: FormDefinition, path: str, field: Field, language: Language) -> str:
    match field.type:
        case FieldType.SELECT_ONE | FieldType.PERSON:
            return _choice(definition, path, field, language)
        case FieldType.SELECT_MULTIPLE:
            return _several(field, language)
        case FieldType.INTEGER | FieldType.DECIMAL:
            return _number(field, language)
        case FieldType.IMAGE:
            return _PICTURE[language]
        case FieldType.TEXT:
            if field.max_length and (field.max_length > 60 or field.hint is None):
                return Text(f"最多 {field.max_length} 个字。", f"At most {field.max_length} characters.")[language]
            return ""
    return _EXAMPLES[field.type][language]


def _choice(definition: FormDefinition, path: str, field: Field, language: Language) -> str:
    if not field.choices and field.master is None:
        return ""
    if field.master and field.master.under:
        parent = definition.field(sibling(definition, path, field.master.under)).label
        return Text(
            f"先填“{parent.zh}”，再从下拉列表中选择。", f"Fill in “{parent.en}” first, then pick from the list."
        )[language]
    return _PICK[language]


def _several(field: Field, language: Language) -> str:
    labels = [choice.label[language] for choice in field.choices]
    if language == "zh":
        return f"可填多项，用“、”或“；”隔开：{'、'.join(labels)}。"
    return f"One or more, separated by “;”: {'; '.join(labels)}."


def _number(field: Field, language: Language) -> str:
    whole = field.type == FieldType.INTEGER or field.decimals == 0
    kind = Text("整数" if whole else "数字", "A whole number" if whole else "A number")[language]
    low, high = _plain(field.minimum), _plain(field.maximum)
    if low and high:
        bounds = Text(f"，{low} 至 {high}", f" from {low} to {high}")[language]
    elif low:
        bounds = Text(f"，不小于 {low}", f", {low} or more")[language]
    elif high:
        bounds = Text(f"，不大于 {high}", f", {high} or less")[language]
    else:
        bounds = ""
    return f"{kind}{bounds}{'。' if language == 'zh' else '.'}"


def _plain(number: Decimal | None) -> str:
    return "" if number is None else f"{number:f}"


def _sentence(text: str, language: Language) -> str:
    if text.endswith(tuple("。.！!？?；;…）)")):
        return text
    return text + ("。" if language == "zh" else ".")


def _lowered(text: str, language: Language) -> str:
    return text if language == "zh" else text[0].lower() + text[1:]
