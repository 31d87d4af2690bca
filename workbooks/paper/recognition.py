"""A paper sheet → what it asks for: labels found for empty cells, tables, headings, signatures."""

import re
from collections.abc import Iterator
from dataclasses import replace

from workbooks.form import FieldType, Text
from workbooks.ooxml.areas import Area
from workbooks.paper.asked import Asked, AskedForm, AskedSection, AskedTable
from workbooks.paper.kinds import Kind, kind_of
from workbooks.paper.labels import Label, ends_open, is_label, label_of, plain
from workbooks.paper.paper import Paper, PaperError, Slot
from workbooks.paper.tables import Column, Table, tables_of
from workbooks.paper.words import NOT_TEXT, Names, english, snake
from workbooks.sheet.blocks import own_name
from workbooks.sheet.layout import META
from workbooks.spellings.boxes import boxes_in

# Names that our own columns have in the tables of every form.
_RESERVED = frozenset({"record_id", "number", "revision", "created_at", "updated_at", "line", "station"})
_SIGNED = re.compile(r"签字|签名|签章|盖章|signature", re.IGNORECASE)
_APPROVED = re.compile(r"^(审核|批准|审批|核准|会签|制表|编制|复核|确认)人?$")
_FOOT_ROWS = 4  # at the foot of a sheet "审核" and "批准" wait for a hand, not for typing
_NUMBER = frozenset(
    {
        "编号", "单号", "表单编号", "单据编号", "流水号", "工单号", "服务单号", "投诉编号", "受理编号", "记录编号",
        "申请单号", "no", "no.", "number", "form no.",
    }
)  # fmt: skip
_HEADING_SHARE = 0.7  # of the sheet's width: so wide is a heading
_ROW_PX, _WIDE_SHARE = 24, 0.6
_NOTE = 25


class _Recognition:
    def __init__(self, paper: Paper) -> None:
        self.paper = paper
        self.tables = tuple(tables_of(paper))
        self.names, self.unsure = Names(_RESERVED), list[Text]()
        self.used: set[Area] = set()  # labels that have their answer
        self.own: dict[str, Area] = dict(_named_before(paper))
        self.signatures: list[str] = []
        self.signing: dict[int, int] = {}  # row → column from which on it is about a signature
        self.title = self._title()

    def form(self) -> AskedForm:
        sections, hints = self._sections()
        if not any(section.items for section in sections):
            raise PaperError(
                "没有找到可填写的空格（带标签、有边框的空单元格）",
                "no empty cell with a label beside or above it was found",
            )
        self._look_for_formulas()
        self._look_for_open_labels()
        return AskedForm(
            title=self.title.text if self.title else self.paper.part.title,
            sections=tuple(section for section in sections if section.items),
            own=self.own,
            hint=" ".join(hints)[:300],
            signatures=tuple(Text(zh, (english(zh) or zh).capitalize()) for zh in dict.fromkeys(self.signatures)),
            unsure=tuple(self.unsure),
        )

    # Headings

    def _title(self) -> Slot | None:
        """The widest text among the first rows that hold only one."""
        alone = []
        for row in range(1, min(self.paper.bottom, 6)):
            texts = [slot for slot in self.paper.row(row) if slot.text and not slot.empty]
            if len(texts) == 1 and len(texts[0].text) <= 40 and not ends_open(texts[0].text):
                alone.append(texts[0])
        named = [
            slot for slot in alone if re.search(r"[单表卡书]$|记录|报告|form|sheet|report", slot.text, re.IGNORECASE)
        ]
        return max(named or alone, key=lambda slot: slot.width, default=None)

    def _is_heading(self, slot: Slot) -> bool:
        """A text across the sheet with nothing to fill in under it in its own columns."""
        if not slot.text or slot.empty or boxes_in(slot.text) or slot.area.top != slot.area.bottom:
            return False
        if slot.width < self.paper.right * _HEADING_SHARE or len(slot.text) > 30:
            return False
        others = (other for other in self.paper.row(slot.area.top) if other is not slot)
        if any(other.text or other.formula or other.number for other in others):
            return False
        below = self.paper.slot((slot.area.bottom + 1, slot.area.left))
        asks = (
            below is not None
            and below.empty
            and (below.area.left, below.area.right) == (slot.area.left, slot.area.right)
        )
        return not asks and not ends_open(slot.text)

    def _sections(self) -> tuple[list[AskedSection], list[str]]:
        names = Names()
        sections: list[tuple[Text, list[Asked | AskedTable]]] = [(Text("填写内容", "Contents"), [])]
        hints: list[str] = []
        pending, behind = list(self.tables), False  # *behind* a table whose own heading began the section
        for slot in self.paper.slots():
            if self.title is not None and slot.area == self.title.area:
                continue
            while pending and slot.area.top >= pending[0].top:
                table = self._table(pending.pop(0), sections[-1][0])
                behind = table.label == sections[-1][0]
                sections[-1][1].append(table)
            if any(table.covers(slot) for table in self.tables) or self.paper.hidden(slot.area.top):
                continue
            if self._is_heading(slot):
                if self.title is None or slot.area.top > self.title.area.top:
                    label = label_of(slot.text).text
                    sections.append((Text(label, (english(label) or label).capitalize()), []))
                    behind = False
            elif len(slot.text) > _NOTE and boxes_in(slot.text) is None and not slot.formula:
                hints.append(slot.text)
            elif (asked := self._asked(slot)) is not None:
                if behind:
                    sections.append((Text("其他内容", "More"), []))
                    behind = False
                sections[-1][1].append(asked)
        return [
            AskedSection(name=names.give(_section_name(label), "section"), label=label, items=tuple(items))
            for label, items in sections
            if items
        ], hints

    # Single answers

    def _asked(self, slot: Slot) -> Asked | None:
        """The answer *slot* asks for; None when it is none."""
        boxes = boxes_in(slot.text) if slot.text else None
        if not slot.empty and boxes is None:
            self._note_signature(slot)
            return None
        if any(slot.area.meets(area) for area in self.own.values()):
            return None
        if slot.area.top in self.signing and slot.area.left > self.signing[slot.area.top]:
            return None
        caption = boxes.caption if boxes else ""
        found = (slot, label_of(caption)) if caption and is_label(caption) else self._label(slot)
        if found is None:
            if boxes or (slot.sides >= {"left", "right", "top", "bottom"} and self._stands_alone(slot)):
                where = slot.area.first
                self.unsure.append(
                    Text(f"{where}：空格旁没有标签，未列入", f"{where}: no label beside the empty cell, left out")
                )
            return None
        holder, label = found
        if holder is not slot:
            self.used.add(holder.area)
        if self._is_number(label) and boxes is None and "number" not in self.own:
            self.own["number"] = slot.area
            where = slot.area.first
            self.unsure.append(
                Text(
                    f"{where}“{label.text}”：留给系统写记录编号；如由填表人填写，请改为字段",
                    f"{where} “{label.text}”: kept for the record number; make it a field if people fill it in",
                )
            )
            return None
        return self._made(slot, label, kind_of(self.paper, slot, label))

    def _is_number(self, label: Label) -> bool:
        """Whether *label* asks for the form's own number: "编号", or "派工单号" on a 售后服务派工单."""
        words = plain(label.text)
        form = re.match(r"(.+[单表])(?:号|编号|号码)$", words)
        return words in _NUMBER or bool(form and self.title and plain(self.title.text).endswith(form[1]))

    def _stands_alone(self, slot: Slot) -> bool:
        left = self.paper.slot((slot.area.top, slot.area.left - 1))
        return left is None or bool(left.text and not left.empty)

    def _label(self, slot: Slot) -> tuple[Slot, Label] | None:
        """The label of an empty cell: to its left, else above it."""
        left = self.paper.slot((slot.area.top, slot.area.left - 1))
        above = self.paper.slot((slot.area.top - 1, slot.area.left))
        beside = left if left is not None and self._may_name(left) else None
        over = above if above is not None and self._may_name(above) and self._same_columns(above, slot) else None
        if over is not None and (
            beside is None or beside.area.top < slot.area.top or beside.area.bottom > slot.area.bottom
        ):
            return over, label_of(over.text)
        if beside is None:
            return None
        lined = bool(slot.sides) or self.paper.rule(slot.area) is not None or (self.paper.protected and not slot.locked)
        return (beside, label_of(beside.text)) if lined or ends_open(beside.text) else None

    def _may_name(self, slot: Slot) -> bool:
        if slot.empty or slot.formula or slot.area in self.used or boxes_in(slot.text) is not None:
            return False
        if any(table.covers(slot) for table in self.tables) or (self.title and slot.area == self.title.area):
            return False
        return is_label(slot.text) and not self._is_heading(slot)

    def _same_columns(self, one: Slot, other: Slot) -> bool:
        return (one.area.left, one.area.right) == (other.area.left, other.area.right)

    def _note_signature(self, slot: Slot) -> None:
        """A place for a signature takes the rest of its row: the name and the day are written by hand."""
        for piece in re.split(r"\s{2,}|\u3000+", slot.text):
            label = label_of(piece).text
            foot = slot.area.bottom > self.paper.bottom - _FOOT_ROWS and _APPROVED.match(label)
            if label and len(label) < 20 and (_SIGNED.search(label) or foot):
                self.signatures.append(re.sub(r"[(（].*$", "", label))
                for row in range(slot.area.top, slot.area.bottom + 1):
                    self.signing.setdefault(row, slot.area.left)
                self.used.add(slot.area)

    def _made(
        self, slot: Slot, label: Label, kind: Kind, *, names: Names | None = None, printed: bool = False
    ) -> Asked:
        words = english(label.text)
        name = (names or self.names).give(_free(snake(words)), "column" if names else "field")
        where = slot.area.first
        if kind.doubt is not None:
            self.unsure.append(
                Text(f"{where}“{label.text}”：{kind.doubt.zh}", f"{where} “{label.text}”: {kind.doubt.en}")
            )
        again = f" {name.rpartition('_')[2]}" if words and re.search(r"_\d+$", name) else ""
        if again:
            self.unsure.append(
                Text(
                    f"{where}：标签“{label.text}”不止一处，命名为 {name}",
                    f"{where}: “{label.text}” stands more than once, called {name}",
                )
            )
        share = sum(map(self.paper.sheet.column_px, range(slot.area.left, slot.area.right + 1)))
        height = sum(map(self.paper.sheet.row_px, range(slot.area.top, slot.area.bottom + 1)))
        free = kind.type is FieldType.TEXT
        return Asked(
            area=Area(slot.area.top, slot.area.left, slot.area.top, slot.area.left),
            name=name,
            label=Text(f"{label.text}{again}", (f"{words}{again}" if words else name.replace("_", " ")).capitalize()),
            type=kind.type,
            why=Text("表中已印好的文字", "printed on the form") if printed else kind.why,
            required=label.required,
            unit=label.unit,
            choices=kind.choices,
            minimum=kind.minimum,
            maximum=kind.maximum,
            decimals=kind.decimals if kind.type is FieldType.DECIMAL else None,
            max_length=kind.max_length if free else None,
            wide=names is None and share > _WIDE_SHARE * self._width_px,
            rows=max(1, min(12, round(height / _ROW_PX))) if free and names is None else 1,
            width=max(4, round(share / 8)),
        )

    @property
    def _width_px(self) -> int:
        return sum(map(self.paper.sheet.column_px, range(1, self.paper.right + 1))) or 1

    # Tables

    def _table(self, table: Table, section: Text) -> AskedTable:
        columns = Names(_RESERVED)
        asked = tuple(self._column(column, columns) for column in table.columns)
        label = self._table_label(table) or section
        words = english(label.zh) if label is not section else None
        taken = _free(snake(words)) or (
            "items" if section.zh == "填写内容" else f"{_section_name(section) or 'table'}_items"
        )
        if any(column.printed for column in table.columns):
            where = table.columns[0].area.first
            self.unsure.append(
                Text(
                    f"{where}：表中有印好的文字，每行按一条记录读取，印好的文字也一并保存",
                    f"{where}: the table has printed words; each line is one entry and they are stored with it",
                )
            )
        label = label if label is not section else Text("明细", "Items")
        return AskedTable(
            name=self.names.give(taken, "items"), label=label, columns=asked, lines=len(table.columns[0].lines)
        )

    def _column(self, column: Column, names: Names) -> Asked:
        label = label_of(column.heading.text)
        first = column.lines[0]
        kind = kind_of(self.paper, first, label)
        if column.printed or kind.type is FieldType.IMAGE:
            kind = Kind(type=FieldType.TEXT, why=kind.why)
        made = self._made(first, label, kind, names=names, printed=column.printed)
        return replace(made, area=column.area, required=label.required and not column.printed)

    def _table_label(self, table: Table) -> Text | None:
        """A heading right above the table or a tall label at its left."""
        left = self.paper.slot((table.top, table.left - 1))
        above = self.paper.slot((table.top - 1, table.left))
        for slot in (left, above):
            if slot is None or not slot.text or slot.empty or slot.area in self.used or not is_label(slot.text):
                continue
            if slot is above and not (
                self._is_heading(slot) or slot.width >= (table.right - table.left + 1) * _HEADING_SHARE
            ):
                continue
            if self.title is None or slot.area != self.title.area:
                text = label_of(slot.text).text
                self.used.add(slot.area)
                return Text(text, (english(text) or text).capitalize())
        return None

    # What could not be used

    def _look_for_formulas(self) -> None:
        """The workbook's own formulas stay; what they show is not stored."""
        cells = [slot.area.first for slot in self.paper.slots() if slot.formula]
        if cells:
            where = "、".join(cells[:6]) + ("…" if len(cells) > 6 else "")
            self.unsure.append(
                Text(
                    f"{where}：原有公式保留在表上，结果不入库；需要入库请加字段并写 calculation",
                    f"{where}: formulas stay on the sheet, their results are not stored; "
                    "add a field with a calculation if needed",
                )
            )

    def _look_for_open_labels(self) -> None:
        for slot in self.paper.slots():
            if slot.area in self.used or slot.empty or not slot.text or any(t.covers(slot) for t in self.tables):
                continue
            if slot.formula:
                continue
            if ends_open(slot.text) and boxes_in(slot.text) is None and slot.area.top not in self.signing:
                where = slot.area.first
                self.unsure.append(
                    Text(
                        f"{where}“{slot.text[:20]}”：标签与答案在同一单元格，请拆成两格后再试",
                        f"{where} “{slot.text[:20]}”: label and answer share a cell; give the answer a cell of its own",
                    )
                )


def _named_before(paper: Paper) -> Iterator[tuple[str, Area]]:
    """The cells for what the form says of itself, on a workbook that was a template before."""
    for name, *_ in META:
        found = paper.book.place(own_name(name))
        if found is not None and found[0].part == paper.part.part:
            yield name, found[1]


def recognise(paper: Paper) -> AskedForm:
    """
    What the sheet asks for.

    Raises:
        PaperError: Nothing on it asks for an answer.
    """
    return _Recognition(paper).form()


def _section_name(label: Text) -> str | None:
    return "contents" if label.zh == "填写内容" else _free(snake(english(label.zh)))


def _free(name: str | None) -> str | None:
    """*name*, unless our own columns have it or YAML takes it for something else."""
    return f"{name}_given" if name in _RESERVED or name in NOT_TEXT else name


def fields_of(form: AskedForm) -> Iterator[tuple[str, Asked]]:
    """(path, field) of everything asked, in the order of the sheet."""
    for item in form.items:
        if isinstance(item, Asked):
            yield item.name, item
        else:
            yield from ((f"{item.name}.{column.name}", column) for column in item.columns)
