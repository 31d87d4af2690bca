"""The hidden sheet of drop-down lists: what each field offers, and what follows from a chosen row."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as default
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from openpyxl.utils import get_column_letter

from workbooks.form import Field, FieldType, FormDefinition, Language
from workbooks.master import Master, MasterRow

SHEET = "_lists"
ListValue = str | int | float | date | datetime | None
Reference = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class ListColumn:
    """One column of the hidden sheet: a header for whoever unhides it, and its values from row 2 on."""

    header: str
    values: tuple[ListValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """
    What one field offers.

    *labels* is the range of all labels. In a cascade, *parents* is the range beside it
    with the label of each row's parent (sorted, so that children stand together) and
    *under* the path of the parent field. *shown* maps stored code or choice name to the
    label the cell shows; *columns* maps a looked-up column to its range.
    """

    labels: str
    first: str
    parents: str = ""
    under: str = ""
    shown: Mapping[str, str] = default(default_factory=dict)
    columns: Mapping[str, str] = default(default_factory=dict)

    def source(self, reference: Reference) -> str:
        """The formula of the drop-down's list; *reference* gives the cell of a field."""
        if not self.under:
            return self.labels
        parent = reference(self.under)
        # OFFSET, because Excel, WPS and LibreOffice all take it as a list; children are sorted by parent.
        return f"OFFSET({self.first},MATCH({parent},{self.parents},0)-1,0,COUNTIF({self.parents},{parent}),1)"

    def looked_up(self, column: str, chosen: str, parent: str, *, text: bool) -> str:
        """The formula for *column* of the row whose label stands in cell *chosen* (and parent's in *parent*)."""
        row = f"MATCH({chosen},{self.labels},0)"
        if self.under:
            # Labels repeat under different parents; both must agree. INDEX(…,0) spares the array entry.
            row = f"MATCH(1,INDEX(({self.labels}={chosen})*({self.parents}={parent}),0),0)"
        value = f"INDEX({self.columns[column]},{row})"
        found = f'{value}&""' if text else f'IF({value}="","",{value})'
        return f'IF({chosen}="","",IFERROR({found},""))'


class Dropdowns:
    """All lists of one form in one language: the hidden sheet's columns and, per field path, its `Offer`."""

    def __init__(self, definition: FormDefinition, language: Language, master: Master) -> None:
        self.columns: list[ListColumn] = []
        self.offers: dict[str, Offer] = {}
        self._definition, self._language, self._master = definition, language, master
        self._made: dict[object, Offer] = {}
        for path, field in definition.paths():
            if field.choices:
                self.offers[path] = self._fixed(field)
            elif field.master is not None and self._rows(field):
                self.offers[path] = self._from_master(path, field)

    def offer(self, path: str) -> Offer | None:
        """What field *path* offers; None when it is no choice or its master table is empty."""
        return self.offers.get(path)

    def label(self, path: str, code: str) -> str:
        """What the cell of *path* shows for a stored *code*; the code itself when it is offered no more."""
        offer = self.offers.get(path)
        return offer.shown.get(code, code) if offer else code

    def local(self, column: str, text: str) -> str:
        """A *text* looked up in *column* as this language has it."""
        return self._master.local(column, text, self._language)

    def _fixed(self, field: Field) -> Offer:
        if (made := self._made.get(field.choices)) is None:
            shown = {choice.name: choice.label[self._language] for choice in field.choices}
            labels = self._add(field.name, shown.values())
            made = self._made[field.choices] = Offer(labels=labels, first=_first(labels), shown=shown)
        return made

    def _from_master(self, path: str, field: Field) -> Offer:
        assert field.master is not None
        under = sibling(self._definition, path, field.master.under) if field.master.under else ""
        wanted = tuple(self._looked_up(path))
        key = (field.master.table, field.master.level, under and self._list_key(under), wanted)
        if (made := self._made.get(key)) is None:
            made = self._made[key] = self._master_list(field, under, wanted)
        if under != made.under:  # the same list, asked for beside another cell
            made = Offer(
                labels=made.labels,
                first=made.first,
                parents=made.parents,
                under=under,
                shown=made.shown,
                columns=made.columns,
            )
        return made

    def _master_list(self, field: Field, under: str, wanted: Sequence[tuple[str, FieldType]]) -> Offer:
        assert field.master is not None
        rows = self._rows(field)
        parents: dict[str, str] = {}
        if under:
            parents = self._shown_labels(self._definition.field(under))
            order = {code: position for position, code in enumerate(parents)}
            rows = sorted((row for row in rows if row.parent in parents), key=lambda row: order[row.parent])
        shown = self._shown_labels(field)
        where = field.master.table + (f" {field.master.level}" if field.master.level else "")
        beside = self._add(f"{where} <", (parents[row.parent] for row in rows)) if under else ""
        labels = self._add(where, (shown[row.code] for row in rows))
        columns = {
            column: self._add(
                f"{where}.{column}", (_typed(self.local(column, _column(row, column)), kind) for row in rows)
            )
            for column, kind in wanted
        }
        return Offer(labels=labels, first=_first(labels), parents=beside, under=under, shown=shown, columns=columns)

    def _rows(self, field: Field) -> list[MasterRow]:
        assert field.master is not None
        return list(self._master.options(field.master))

    def _list_key(self, path: str) -> object:
        field = self._definition.field(path)
        return (field.master.table, field.master.level) if field.master else field.choices

    def _shown_labels(self, field: Field) -> dict[str, str]:
        """
        Label by code; rows that one list would show alike get their code behind the label.

        A list that other lists hang on must tell all its rows apart, any other list only
        those under one parent.
        """
        if field.master is None:
            return {choice.name: choice.label[self._language] for choice in field.choices}
        rows = self._rows(field)
        is_parent = any(f.master and f.master.under == field.name for _, f in self._definition.paths())
        together = not field.master.under or is_parent
        seen = Counter((row.label(self._language), "" if together else row.parent) for row in rows)
        return {
            row.code: f"{label} ({row.code})" if seen[label, "" if together else row.parent] > 1 else label
            for row in rows
            for label in (row.label(self._language),)
        }

    def _looked_up(self, path: str) -> Iterable[tuple[str, FieldType]]:
        """(column, type) of the look-ups that follow field *path*."""
        seen = set()
        for other, field in self._definition.paths():
            if (
                field.lookup
                and sibling(self._definition, other, field.lookup.by) == path
                and field.lookup.column not in seen
            ):
                seen.add(field.lookup.column)
                yield field.lookup.column, field.type

    def _add(self, header: str, values: Iterable[ListValue]) -> str:
        """Append a column; its absolute range on the hidden sheet."""
        kept = tuple(values)
        self.columns.append(ListColumn(header, kept))
        letter = get_column_letter(len(self.columns))
        return f"{SHEET}!${letter}$2:${letter}${max(len(kept), 1) + 1}"


def sibling(definition: FormDefinition, path: str, name: str) -> str:
    """The path of the field that *path* calls *name*: in the same repeat if there is one, else outside."""
    repeat = path.rpartition(".")[0]
    inside = f"{repeat}.{name}"
    return inside if repeat and any(inside == other for other, _ in definition.paths()) else name


def _first(labels: str) -> str:
    return labels.partition(":")[0]


def _column(row: MasterRow, column: str) -> str:
    """The text in *column* of *row*, found as `results.looked_up` finds it."""
    label_zh, label_en = row.label("zh"), row.label("en")
    own = {"code": row.code, "label": label_zh, "label_zh": label_zh, "label_en": label_en, "parent": row.parent}
    own["level"] = "" if row.level is None else str(row.level)
    return row.attributes.get(column) or own.get(column, "")


def _typed(text: str, kind: FieldType) -> ListValue:
    """A master attribute as the cell of a looked-up field of type *kind* holds it; else as text."""
    if not text:
        return None
    try:
        match kind:
            case FieldType.INTEGER:
                return int(text)
            case FieldType.DECIMAL:
                return float(Decimal(text))
            case FieldType.DATE:
                return date.fromisoformat(text)
            case FieldType.DATETIME:
                return datetime.fromisoformat(text)
    except (ValueError, InvalidOperation):
        return text
    return text
