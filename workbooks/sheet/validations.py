"""Excel's own data validation: drop-downs, types, bounds and rules, with messages that help."""

from collections.abc import Iterator
from decimal import Decimal

from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from workbooks.form import Field, FieldType
from workbooks.sheet.prompts import ERROR_TITLE, prompt, rule_error, shortened, type_error
from workbooks.sheet.sheet_rules import Placed, SheetRules

MAX_FORMULA = 255  # characters Excel takes in a validation
_EARLIEST, _LATEST = "36526", "73050"  # 2000-01-01 and 2099-12-31: a typing error in the year is noticed
_WIDEST = Decimal(10) ** 15 - 1


def add_validations(sheet: Worksheet, rules: SheetRules) -> None:
    """Give every input of *rules*' form its validation; one per field, since a cell may have only one."""
    by_field: dict[str, list[Placed]] = {}
    for placed in rules.constraints():
        by_field.setdefault(placed.at, []).append(placed)
    for path, field in rules.definition.paths():
        if field.computed:
            continue
        validation = _validation(rules, path, field, by_field.get(path, []))
        title, text = prompt(rules.definition, path, rules.language, listed=rules.dropdowns.offer(path) is not None)
        if validation is None and not text:
            continue
        validation = validation or DataValidation()
        validation.allow_blank = True
        validation.showErrorMessage = validation.type is not None
        if text:
            validation.showInputMessage = True
            validation.promptTitle, validation.prompt = title, text
        validation.add(rules.area(path))
        sheet.add_data_validation(validation)


def _validation(rules: SheetRules, path: str, field: Field, placed: list[Placed]) -> DataValidation | None:
    """What Excel enforces for the field, or None when it may hold anything."""
    offer = rules.dropdowns.offer(path)
    if offer is not None and field.type != FieldType.SELECT_MULTIPLE:
        source = offer.source(rules.reference(rules.repeat_of(path), addresses=False))
        return _titled(DataValidation(type="list", formula1=source), type_error(field, rules.language), rules)
    typed = _typed(field)
    hard = [p for p in placed if not p.constraint.soft]
    soft = [p for p in placed if p.constraint.soft]
    for chosen, style in ((hard, "stop"), (hard[:1], "stop"), (soft if not hard else [], "warning")):
        formula = _custom(rules, path, field, chosen)
        if chosen and formula:
            validation = DataValidation(type="custom", formula1=formula, errorStyle=style)  # type: ignore[arg-type]
            return _titled(validation, _explained(rules, field, chosen), rules)
    return _titled(typed, type_error(field, rules.language), rules) if typed else None


def _titled(validation: DataValidation, error: str, rules: SheetRules) -> DataValidation:
    validation.errorTitle, validation.error = ERROR_TITLE[rules.language], shortened(error, 225)
    return validation


def _explained(rules: SheetRules, field: Field, chosen: list[Placed]) -> str:
    texts = [rule_error(placed.constraint, rules.language) for placed in chosen]
    if next(_conditions(field, "x"), None):
        texts.append(type_error(field, rules.language))
    return ("" if rules.language == "zh" else " ").join(texts)


def _typed(field: Field) -> DataValidation | None:
    """The validation by type and bounds alone."""
    match field.type:
        case FieldType.INTEGER | FieldType.DECIMAL:
            whole = field.type == FieldType.INTEGER or field.decimals == 0
            low, high = _bounds(field)
            return DataValidation(type="whole" if whole else "decimal", operator="between", formula1=low, formula2=high)
        case FieldType.DATE | FieldType.DATETIME:
            return DataValidation(type="date", operator="between", formula1=_EARLIEST, formula2=_LATEST)
        case FieldType.TIME:
            return DataValidation(type="time", operator="between", formula1="0", formula2="0.999988425925926")
        case FieldType.TEXT if field.max_length:
            return DataValidation(type="textLength", operator="lessThanOrEqual", formula1=str(field.max_length))
    return None


def _custom(rules: SheetRules, path: str, field: Field, chosen: list[Placed]) -> str | None:
    """Type and rules in one formula; None when Excel would not take it."""
    for addresses in (False, True):
        cell = rules.reference(rules.repeat_of(path), addresses=addresses)(path)
        parts = [*_conditions(field, cell)]
        parts += [rules.holds(placed, own=False, addresses=addresses) for placed in chosen]
        formula = parts[0] if len(parts) == 1 else f"AND({','.join(parts)})"
        if len(formula) <= MAX_FORMULA:
            return formula
    return None


def _conditions(field: Field, cell: str) -> Iterator[str]:
    """The field's type and bounds as conditions on *cell*."""
    match field.type:
        case FieldType.INTEGER | FieldType.DECIMAL:
            yield f"ISNUMBER({cell})"
            if field.type == FieldType.INTEGER or field.decimals == 0:
                yield f"{cell}=INT({cell})"
            if field.minimum is not None:
                yield f"{cell}>={field.minimum:f}"
            if field.maximum is not None:
                yield f"{cell}<={field.maximum:f}"
        case FieldType.DATE | FieldType.DATETIME:
            yield f"ISNUMBER({cell})"
            yield f"{cell}>={_EARLIEST}"
        case FieldType.TIME:
            yield f"ISNUMBER({cell})"
            yield f"{cell}<1"
        case FieldType.TEXT if field.max_length:
            yield f"LEN({cell})<={field.max_length}"


def _bounds(field: Field) -> tuple[str, str]:
    low = field.minimum if field.minimum is not None else -_WIDEST
    high = field.maximum if field.maximum is not None else _WIDEST
    return f"{low:f}", f"{high:f}"
