"""A form's folder before it is used: everything that is wrong with its definition and its own workbook, at once."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbooks.finding_codes import Severity
from workbooks.form import IDENTITY_PREFIX, PREFIX, REASON, Field, FieldType, FormDefinition, Repeat, Text, defined_name
from workbooks.guard import inspect
from workbooks.library import LOOK, DefinitionError, load
from workbooks.mistakes import mistake
from workbooks.ooxml.areas import Area
from workbooks.ooxml.book import Book
from workbooks.package import Package, PackageError, SheetPart
from workbooks.paper.kinds import shows
from workbooks.paper.paper import Paper, PaperError, Slot
from workbooks.reader import read
from workbooks.refusal import DEFAULT_LIMITS, Limits, Refused
from workbooks.sandbox import Sandbox, Stopped
from workbooks.sheet.blocks import own_name
from workbooks.sheet.own_look import offers
from workbooks.spellings.boxes import boxes_in
from workbooks.template import build_template

FORM = "form.yaml"
_RESERVED_IDS = frozenset({"by_form"})  # records_by_form is a dataset of all forms
_DATED = frozenset({FieldType.DATE, FieldType.DATETIME, FieldType.TIME})
_NUMBERS = frozenset({FieldType.INTEGER, FieldType.DECIMAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class FormProblem:
    """One thing wrong with a form: *where* (file and line, or sheet and cell), what it is and what to do."""

    where: str
    what: Text
    error: bool = True


def check_folder(
    folder: Path, others: Mapping[str, FormDefinition], sandbox: Sandbox, *, replaceable: Collection[str] = ()
) -> tuple[FormDefinition | None, list[FormProblem]]:
    """
    The form in *folder* (None when its definition cannot be used), and everything that is wrong with it.

    *others* are the forms it will stand beside, of which it may be a new version of those
    in *replaceable*. Its workbook is parsed in *sandbox*.
    """
    source = folder / FORM
    if not source.is_file():
        what = Text(f"文件夹里没有 {FORM}", f"there is no {FORM} in the folder")
        return None, [FormProblem(where=str(folder), what=what)]
    try:
        definition = load(source)
    except DefinitionError as error:
        return None, [_in_definition(line) for line in str(error).splitlines()]
    others = {i: o for i, o in others.items() if i != definition.form_id or i not in replaceable}
    problems = list(_definition_problems(definition, others, str(source)))
    if definition.own_look is None:
        what = Text(f"没有 {LOOK}：表单用系统的版式", f"no {LOOK}: the form is drawn in our layout")
        problems.append(FormProblem(where=str(folder), what=what, error=False))
    else:
        try:
            problems += sandbox.run(look_problems, definition, seconds=20.0)
        except Refused as refused:
            what = Text(refused.finding.message("zh"), refused.finding.message("en"))
            problems.append(FormProblem(where=LOOK, what=what))
        except Stopped:
            what = Text("读取时间过长或占用内存过多", "reading it took too long or too much memory")
            problems.append(FormProblem(where=LOOK, what=what))
    return definition, problems


def look_problems(definition: FormDefinition, limits: Limits = DEFAULT_LIMITS) -> tuple[FormProblem, ...]:
    """
    What is wrong with the workbook *definition* brings; call it in a sandbox.

    Raises:
        Refused: The guard does not let the file pass.
    """
    assert definition.own_look is not None
    inspect(definition.own_look, limits)
    try:
        book = Book(Package(definition.own_look))
        found = tuple(_look_problems(definition, book))
    except PackageError as error:
        return (FormProblem(where=LOOK, what=Text(f"文件损坏：{error}", f"damaged: {error}")),)
    return found if any(problem.error for problem in found) else (*found, *_findings_of_the_blank(definition))


def _in_definition(line: str) -> FormProblem:
    """One line of a DefinitionError, "file:line: key: message"."""
    where, colon, what = line.partition(": ")
    return FormProblem(where=where if colon else "", what=mistake(what or line))


def _definition_problems(
    definition: FormDefinition, others: Mapping[str, FormDefinition], source: str
) -> Iterator[FormProblem]:
    if definition.form_id in others or definition.form_id in _RESERVED_IDS:
        text = f"form_id: {definition.form_id}"
        yield FormProblem(
            where=source, what=Text(f"{text} 已被占用，请换一个", f"{text} is taken by another form; choose another")
        )
    try:
        number = definition.number.format(year=2026, serial=1)
        serial = number != definition.number.format(year=2026, serial=2)
    except (KeyError, ValueError, IndexError) as error:
        text = f"number: {definition.number!r}: {error}"
        yield FormProblem(where=source, what=Text(f"{text}：编号格式无法使用", f"{text}: this pattern cannot be used"))
        return
    if not serial:
        yield FormProblem(where=source, what=Text("number 中缺少 {serial}", "number has no {serial} in it"))
    for other in others.values():
        if other.number.format(year=2026, serial=1) == number:
            text = f"number: {definition.number!r}"
            yield FormProblem(
                where=source,
                what=Text(f"{text} 与表单 {other.form_id} 的编号相同", f"{text} is also that of form {other.form_id}"),
            )


def _look_problems(definition: FormDefinition, book: Book) -> Iterator[FormProblem]:
    fields = {defined_name(path): (path, field) for path, field in definition.paths()}
    places: dict[str, tuple[SheetPart, Area]] = {}
    for name, (_, field) in fields.items():
        found = book.place(name)
        if found is not None:
            places[name] = found
        elif name in book.names(PREFIX):
            yield _problem(
                name,
                field.label,
                "名称已失去单元格（#REF!），请重新指向",
                "its name has lost its cell (#REF!); point it again",
            )
        elif not field.computed or "." not in fields[name][0]:
            yield _problem(
                name,
                field.label,
                "表上没有这个名称：选中单元格，在名称框中输入它",
                "no cell has this name: select the cell and type it into the name box",
            )
    yield from _stray_names(book, fields.keys())
    yield from _doubled(definition, book, places)
    parts = {part.part: part for part, _ in places.values()}
    if len(parts) > 1:
        titles = "、".join(part.title for part in parts.values())
        yield _problem(
            LOOK,
            None,
            f"答案分布在几张工作表上（{titles}），应在同一张",
            f"the answers stand on several sheets ({titles}); put them on one",
        )
        return
    if not places:
        return
    try:
        paper = Paper(book, next(iter(parts.values())))
    except PaperError as error:
        yield _problem(LOOK, None, error.zh, error.en)
        return
    for name, (_, area) in places.items():
        path, field = fields[name]
        yield from _cell_problems(paper, name, field, area, inside="." in path)
    for repeat in definition.repeats:
        yield from _line_problems(repeat, places)
    if definition.has_soft_rules and book.place(own_name(REASON)) is None:
        yield _problem(
            own_name(REASON),
            None,
            "有可说明理由的规则，但表上没有填写理由的单元格",
            "rules may be broken with a reason, but no cell takes the reason",
        )


def _findings_of_the_blank(definition: FormDefinition) -> Iterator[FormProblem]:
    """What a sender would be told about a blank nobody has touched, as if its cells had been moved."""
    blank = build_template(definition, instance_id="check")
    for finding in read(blank, {definition.form_id: definition}).findings:
        zh = f"{finding.what('zh')}空白表本身就会这样报告：请把 form.yaml 中这个字段的 label 换成表上没有的说法"
        en = f"{finding.what('en')} The blank itself would be told so: give the field a label that is not on the sheet"
        where = f"{finding.sheet}!{finding.cell}" if finding.cell else LOOK
        yield _problem(where, None, zh, en, error=finding.severity is Severity.ERROR)


def _stray_names(book: Book, known: Collection[str]) -> Iterator[FormProblem]:
    for name in book.names(PREFIX):
        if not name.startswith(IDENTITY_PREFIX) and name not in known:
            yield _problem(
                name,
                None,
                "表单没有这个字段：名称写错了？",
                "the form has no such field: is the name misspelt?",
                error=False,
            )
    seen: dict[str, str] = {}
    for element in book.tree.iterfind("{*}definedNames/{*}definedName"):
        name = element.get("name", "")
        if name.startswith(PREFIX) and element.get("localSheetId") is not None:
            yield _problem(
                name,
                None,
                "名称只属于一张工作表，请改为工作簿范围",
                "the name belongs to one sheet only; make it one of the workbook",
                error=name not in seen,
            )
        seen[name] = name


def _doubled(
    definition: FormDefinition, book: Book, places: Mapping[str, tuple[SheetPart, Area]]
) -> Iterator[FormProblem]:
    taken: list[tuple[str, str, Area]] = []
    for name, (part, area) in places.items():
        whole = book.sheet(part.part).merged((area.top, area.left)) if area.size == 1 else area
        for other, other_part, other_area in taken:
            if other_part == part.part and whole.meets(other_area):
                yield _problem(
                    f"{part.title}!{area}",
                    None,
                    f"{name} 与 {other} 指向同一单元格",
                    f"{name} and {other} stand for the same cell",
                )
        taken.append((name, part.part, whole))


def _cell_problems(paper: Paper, name: str, field: Field, area: Area, *, inside: bool) -> Iterator[FormProblem]:
    slot = paper.slot((area.top, area.left))
    where = f"{paper.part.title}!{area.first}"
    whole = paper.sheet.merged((area.top, area.left))
    if not inside and area.size > 1 and area != whole:
        yield _problem(
            where,
            field.label,
            f"{name} 指向 {area.size} 个单元格，只用第一个",
            f"{name} stands for {area.size} cells, only the first is used",
            error=False,
        )
    if inside and area.left != area.right and whole.right < area.right:
        yield _problem(where, field.label, f"{name} 不止一列", f"{name} is more than one column wide")
    if slot is None:
        return
    if (slot.area.top, slot.area.left) != (area.top, area.left):
        yield _problem(
            where,
            field.label,
            f"{name} 指向合并单元格 {slot.area} 的内部，应指向 {slot.area.first}",
            f"{name} points into the merged cells {slot.area}; point it to {slot.area.first}",
        )
        return
    yield from _content_problems(where, field, slot, inside)
    shown = shows(slot)
    if shown is not None and not field.computed and _clash(field.type, shown):
        yield _problem(
            where,
            field.label,
            f"单元格格式像 {shown}，字段类型是 {field.type}",
            f"its number format suits {shown}, the field is {field.type}",
            error=False,
        )


def _content_problems(where: str, field: Field, slot: Slot, inside: bool) -> Iterator[FormProblem]:
    boxes = boxes_in(slot.text) if slot.text and field.choices else None
    if slot.formula and not field.computed:
        zh, en = "单元格里是公式，人填的字段不能有公式", "the cell holds a formula; people fill this field in"
        yield _problem(where, field.label, zh, en)
    elif boxes is not None:
        if not offers(slot.text, field):
            drawn = "、".join(box.label for box in boxes.boxes)
            choices = "、".join(choice.label.zh for choice in field.choices)
            zh, en = f"方框（{drawn}）与选项（{choices}）不一致", f"its boxes ({drawn}) are not the choices ({choices})"
            yield _problem(where, field.label, zh, en)
    elif (slot.text and not slot.empty) or slot.number:
        text = slot.text[:20]
        zh, en = f"单元格里已有“{text}”，会被当作答案", f"the cell holds {text!r} already, it will be read as an answer"
        yield _problem(where, field.label, zh, en, error=not inside)


def _clash(kind: FieldType, shown: FieldType) -> bool:
    if kind in _DATED:
        return shown in _NUMBERS
    return shown in _DATED and kind in _NUMBERS


def _line_problems(repeat: Repeat, places: Mapping[str, tuple[SheetPart, Area]]) -> Iterator[FormProblem]:
    areas = {
        field.name: places[name][1]
        for field in repeat.fields
        if (name := defined_name(f"{repeat.name}.{field.name}")) in places
    }
    rows = {(area.top, area.bottom) for area in areas.values()}
    if len(rows) > 1:
        told = "、".join(f"{name} {area}" for name, area in areas.items())
        yield _problem(repeat.name, repeat.label, f"各列的行不一致：{told}", f"its columns have different rows: {told}")
    elif rows:
        top, bottom = rows.pop()
        if bottom - top + 1 != repeat.rows:
            lines = bottom - top + 1
            yield _problem(
                repeat.name,
                repeat.label,
                f"表上有 {lines} 行，rows 写的是 {repeat.rows}",
                f"the sheet has {lines} lines, rows says {repeat.rows}",
                error=False,
            )


def _problem(where: str, label: Text | None, zh: str, en: str, *, error: bool = True) -> FormProblem:
    if label is not None:
        zh, en = f"“{label.zh}”：{zh}", f"“{label.en}”: {en}"
    return FormProblem(where=where, what=Text(zh, en), error=error)
