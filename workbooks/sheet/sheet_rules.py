"""The rules of a form as formulas over the cells of its own sheet."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from workbooks.form import Constraint, Field, FieldType, FormDefinition, Language, Repeat, defined_name
from workbooks.formulas.formula import Binary, Call, Name, Node, String, children
from workbooks.formulas.references import Formula, excel_text, understand
from workbooks.rules import compile_rules
from workbooks.sheet.blocks import Layout
from workbooks.sheet.dropdowns import Dropdowns

Reference = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Placed:
    """A constraint with the field whose cell it marks, and the repeat in whose lines it is evaluated."""

    constraint: Constraint
    at: str
    repeat: Repeat | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRules:
    """What validations, highlights and calculated cells need to know about one form on its sheet."""

    definition: FormDefinition
    language: Language
    layout: Layout
    dropdowns: Dropdowns

    def repeat_of(self, path: str) -> Repeat | None:
        head, dot, _ = path.partition(".")
        return next(repeat for repeat in self.definition.repeats if repeat.name == head) if dot else None

    def reference(self, repeat: Repeat | None = None, line: int = 0, *, addresses: bool = False) -> Reference:
        """
        How formulas refer to fields: by defined name; inside *repeat* to the cell of the same *line* (0-based).

        With *addresses* also other cells by address, which is shorter.
        """

        def refer(path: str) -> str:
            if repeat is not None and path.startswith(f"{repeat.name}."):
                block = self.layout.inputs(path)[line]
                return f"${block.address.rstrip('0123456789')}{block.row}"
            return self.layout.cell(path) if addresses else defined_name(path)

        return refer

    def cell(self, path: str) -> str:
        """The cell of *path* as its own validation refers to it: absolute, or that of the first line of its repeat."""
        repeat = self.repeat_of(path)
        return self.reference(repeat)(path) if repeat else self.layout.cell(path)

    def area(self, path: str) -> str:
        """All cells of *path*, as a validation or a conditional format covers them."""
        blocks = self.layout.inputs(path)
        first, last = blocks[0].reference.partition(":")[0], blocks[-1].reference.rpartition(":")[2]
        return f"{first}:{last}" if first != last else first

    def text(self, formula: str, repeat: Repeat | None = None, *, line: int = 0, result: Field | None = None) -> str:
        """*formula* as Excel evaluates it on this sheet, without "="; *result* is the field a calculation fills."""
        understood = understand(self.definition, formula, repeat=repeat, result=result)
        return self._excel(understood, self.reference(repeat, line))

    def _excel(self, formula: Formula, refer: Reference) -> str:
        text = excel_text(formula, self.language, refer)
        for reference in formula.references.values():
            if reference.field is not None and reference.field.lookup is not None:
                # A look-up that finds nothing shows "", which ISBLANK does not take for empty.
                cell = refer(reference.path)
                empty = f'({cell}="")'.replace("\\", "\\\\")  # no escapes of re.sub
                text = re.sub(rf"\bISBLANK\(\s*{re.escape(cell)}\s*\)", empty, text)
        return text

    def constraints(self) -> Iterator[Placed]:
        """Every constraint of the form with the cell it marks."""
        for rule in compile_rules(self.definition).rules:
            repeat = next((repeat for repeat in self.definition.repeats if repeat.name == rule.repeat), None)
            at = rule.at
            if any(at == other.name for other in self.definition.repeats):  # the table as a whole: its first column
                at = next(path for path, _ in self.definition.paths() if path.startswith(f"{at}."))
            yield Placed(rule.constraint, at, repeat)

    def holds(self, placed: Placed, *, own: bool, addresses: bool = False) -> str:
        """
        The formula that is TRUE while *placed* has nothing to object to.

        It is silent while an answer it needs is missing; with *own* the marked cell
        itself counts as one of those.
        """
        understood = understand(self.definition, placed.constraint.check, repeat=placed.repeat)
        refer = self.reference(placed.repeat, addresses=addresses)
        blanks = [f'{refer(path)}=""' for path in self.waits_for(placed) if own or path != placed.at]
        check = self._excel(understood, refer)
        return f"OR({','.join([*blanks, check])})" if blanks else check

    def waits_for(self, placed: Placed) -> list[str]:
        """The fields without whose answers *placed* has nothing to say."""
        understood = understand(self.definition, placed.constraint.check, repeat=placed.repeat)
        found = (understood.references[name] for name in dict.fromkeys(_needed(understood.node)))
        return [reference.path for reference in found if reference.kind in ("cell", "line")]

    def answers(self, paths: Iterable[str]) -> list[str]:
        """Those of *paths* that people fill in cells: neither computed nor pictures."""
        return [path for path in paths if is_answer(self.definition.field(path))]


def _needed(node: Node) -> Iterator[str]:
    """
    The names whose answers a constraint waits for: all but those it merely asks about being empty or decides by.

    A branch that is not taken counts too: the sheet then says less than the check, never more.
    """
    match node:
        case Name(name=name):
            yield name
        case Binary(operator="=" | "<>", left=left, right=right) if "" in _texts(left, right):
            return
        case Call(function="ISBLANK" | "COUNTA" | "COUNTBLANK"):
            return
        case Call(function="IF" | "SWITCH" | "CHOOSE", arguments=(_, *branches)):
            for branch in branches:
                yield from _needed(branch)
        case Call(function="IFS", arguments=pairs):
            for branch in pairs[1::2]:
                yield from _needed(branch)
        case _:
            for child in children(node):
                yield from _needed(child)


def _texts(*nodes: Node) -> list[str]:
    return [node.value for node in nodes if isinstance(node, String)]


def is_answer(field: Field) -> bool:
    """Whether people type this field into a cell."""
    return not field.computed and field.type != FieldType.IMAGE
