"""Conditional colours: what is still asked for, what breaks a rule, what does not apply."""

from collections.abc import Mapping

from openpyxl.formatting.rule import Rule
from openpyxl.styles import Font, PatternFill
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.worksheet.worksheet import Worksheet

from workbooks.form import REASON, Field, FormDefinition, Section
from workbooks.sheet.blocks import own_name
from workbooks.sheet.sheet_rules import SheetRules
from workbooks.sheet.styles import BROKEN_FILL, GREY, IRRELEVANT_FILL, MISSING_FILL, RED, REQUIRED_FILL


def begun_name(definition: FormDefinition, section: Section) -> str:
    """
    The defined name of the hidden cell that counts the answers which make *section* count as begun.

    Sections without an owner and those of the first owner are asked for as soon as
    anything in any of them is filled in; a later owner's when something in itself is.
    """
    return "begun_form" if section in _asked_first(definition) else f"begun_{section.name}"


def begun_inputs(rules: SheetRules) -> Mapping[str, list[str]]:
    """The answers that each name of `begun_name` counts."""
    inputs: dict[str, list[str]] = {}
    for section in rules.definition.sections:
        inputs.setdefault(begun_name(rules.definition, section), []).extend(_answers(section, rules))
    return inputs


def _asked_first(definition: FormDefinition) -> list[Section]:
    owners = [section.owner for section in definition.sections if section.owner]
    return [section for section in definition.sections if section.owner is None or section.owner == owners[0]]


def add_highlights(sheet: Worksheet, rules: SheetRules) -> None:
    """Add the conditional formats of all fields; the first that applies to a cell wins."""
    priority = _Priority(sheet)
    for path, field in rules.definition.paths():
        if field.relevant:
            relevant = rules.text(field.relevant, rules.repeat_of(path))
            # Only once the form is begun: one printed blank stays clean.
            unasked = f"AND({_begun(rules, path)},NOT({relevant}))"
            priority.add(rules.area(path), unasked, _style(IRRELEVANT_FILL, GREY), last=True)
    for placed in rules.constraints():
        broken = f"NOT({rules.holds(placed, own=True)})"
        if not rules.waits_for(placed):  # it has something to say of a blank form, too
            broken = f"AND({_begun(rules, placed.at)},{broken})"
        priority.add(rules.area(placed.at), broken, _style(BROKEN_FILL, RED))
    for path, field in rules.definition.paths():
        if not field.computed and field.required:
            _required(priority, rules, path, field)
    _reason(priority, rules)


def _reason(priority: "_Priority", rules: SheetRules) -> None:
    """The cell for the sender's reason is asked for while a rule that needs one is broken."""
    soft = [placed for placed in rules.constraints() if placed.constraint.soft and placed.repeat is None]
    if soft:
        broken = ",".join(f"NOT({rules.holds(placed, own=True)})" for placed in soft)
        name = own_name(REASON)
        priority.add(rules.area(name), f'AND({rules.layout.cell(name)}="",OR({broken}))', _style(MISSING_FILL, ""))


def _required(priority: "_Priority", rules: SheetRules, path: str, field: Field) -> None:
    """Empty and asked for: marked once the form (or the line) is begun; softer before, where that depends on others."""
    if path not in rules.answers([path]):
        return
    repeat = rules.repeat_of(path)
    conditions = [f'{rules.cell(path)}=""']
    if isinstance(field.required, str):
        conditions.append(rules.text(field.required, repeat))
    if repeat is None:
        begun = _begun(rules, path)
    else:
        cells = rules.answers(f"{repeat.name}.{other.name}" for other in repeat.fields)
        begun = f"COUNTA({','.join(map(rules.cell, cells))})>0"
    priority.add(rules.area(path), f"AND({','.join([*conditions, begun])})", _style(MISSING_FILL, ""))
    if isinstance(field.required, str):
        priority.add(rules.area(path), f"AND({','.join(conditions)})", _style(REQUIRED_FILL, ""))


def _begun(rules: SheetRules, path: str) -> str:
    return f"{begun_name(rules.definition, rules.definition.section_of(path))}>0"


def _answers(section: Section, rules: SheetRules) -> list[str]:
    paths = [field.name for field in section.fields]
    paths += [f"{repeat.name}.{field.name}" for repeat in section.repeats for field in repeat.fields]
    return rules.answers(paths)


def _style(fill: str, ink: str) -> DifferentialStyle:
    # A conditional fill takes its colour from the background.
    return DifferentialStyle(font=Font(color=ink) if ink else None, fill=PatternFill(bgColor=fill))


class _Priority:
    """Adds rules in the order in which they are to win."""

    def __init__(self, sheet: Worksheet) -> None:
        self._sheet, self._count = sheet, 0

    def add(self, area: str, formula: str, style: DifferentialStyle, *, last: bool = False) -> None:
        self._count += 1
        rule = Rule(type="expression", dxf=style, priority=self._count, stopIfTrue=last or None, formula=[formula])
        self._sheet.conditional_formatting.add(area, rule)
