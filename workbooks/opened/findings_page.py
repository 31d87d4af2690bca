"""The findings sheet in an open workbook: the same list as in a marked workbook, written cell by cell."""

from collections.abc import Sequence

from workbooks.finding_codes import Severity
from workbooks.form import IDENTITY_PREFIX, PREFIX, Language
from workbooks.marking.findings_sheet import COLUMNS, META, SEVERITIES, TITLE, WHOLE_FILE
from workbooks.opened.answer import Answer, Remark
from workbooks.opened.excel import Book, Range, Sheet, literal
from workbooks.opened.identity import cell_of, names_of
from workbooks.opened.native import native
from workbooks.sheet.styles import GREY, HEAD_FONT, HEADER_FILL, INK, LABEL_FILL, NAVY, TEXT_FONT

FINDINGS_NAME = "findings"
_TONES = {"good": ("#1B6B3A", "#E6F4EA"), "warning": ("#8A5A00", "#FFF4D6"), "error": ("#A61B1B", "#FDE8E8")}
_LINK = "#0B57A4"
_LAST = len(COLUMNS)


def own_sheet(book: Book) -> Sheet | None:
    """
    The findings sheet of an earlier answer, whatever it is called now.

    A sheet that holds answers is never it, whatever the name says.
    """
    names = names_of(book)
    cell = cell_of(book, names, FINDINGS_NAME)
    if cell is None:
        return None
    answers = {name.refers_to.partition("!")[0] for name in book.names if name.name.startswith(PREFIX)
               and name.name != IDENTITY_PREFIX + FINDINGS_NAME and "!" in str(name.refers_to)}  # fmt: skip
    own = names[IDENTITY_PREFIX + FINDINGS_NAME].partition("!")[0]
    return None if own in answers else cell.sheet


def write_findings(book: Book, answer: Answer, language: Language) -> Sheet | None:
    """
    Put the list into the workbook: over the earlier one, else as the last sheet.

    None where the workbook's structure is protected, so that no sheet can be added.
    """
    sheet = own_sheet(book)
    if sheet is None:
        if native(book.app).is_structure_protected(book):
            return None
        sheet = book.sheets.add(_free_title(book, TITLE[language]), after=book.sheets[-1])
        where = f"='{sheet.name.replace(chr(39), chr(39) * 2)}'!$A$1"
        native(book.app).hide_name(book.names.add(IDENTITY_PREFIX + FINDINGS_NAME, where))
    else:
        sheet.clear()
    _write(sheet, answer, language, titles=[each.name for each in book.sheets])
    return sheet


def verdict(answer: Answer, language: Language) -> str:
    """What became of the workbook, in one line."""
    errors, warnings = answer.errors, len(answer.remarks) - answer.errors
    number = answer.number or ""
    if language == "zh":
        if not answer.accepted:
            return f"✘ 未接收：{errors} 处必须改正" + (f"，另有 {warnings} 处提醒。" if warnings else "。")
        return f"✔ {answer.outcome.zh}" + (f"，编号 {number}" if number else "") + "。" * (not warnings) + (
            f"；有 {warnings} 处提醒。" if warnings else ""
        )  # fmt: skip
    if not answer.accepted:
        also = f" and {warnings} warning{'s' * (warnings > 1)}" if warnings else ""
        return f"✘ Not accepted: {errors} error{'s' * (errors > 1)} to correct{also}."
    taken = f"✔ {answer.outcome.en}" + (f": {number}" if number else "")
    return taken + (f", with {warnings} warning{'s' * (warnings > 1)}." if warnings else ".")


def _free_title(book: Book, wanted: str) -> str:
    taken = {sheet.name.casefold() for sheet in book.sheets}
    candidates = [wanted, *(f"{wanted} {number}" for number in range(2, len(taken) + 3))]
    return next(title for title in candidates if title.casefold() not in taken)


def _write(sheet: Sheet, answer: Answer, language: Language, titles: Sequence[str]) -> None:
    ink, tint = _TONES["error" if not answer.accepted else "warning" if answer.remarks else "good"]
    for column, (_, width) in enumerate(COLUMNS, start=1):
        sheet.range((1, column)).column_width = width
    font = sheet.range((1, 1), (12 + len(answer.remarks), _LAST)).font
    font.name, font.size, font.color = TEXT_FONT[language], 10.5, f"#{INK[2:]}"
    title = _line(sheet, 1, TITLE[language], 34)
    title.font.size, title.font.bold, title.font.color = 20, True, f"#{NAVY[2:]}"
    title.font.name = HEAD_FONT[language]
    banner = _line(sheet, 2, verdict(answer, language), 30)
    banner.color, banner.font.bold, banner.font.size, banner.font.color = tint, True, 13, ink
    step = _line(sheet, 3, answer.next_step[language] if answer.next_step else "", 32)
    step.color = tint
    row = 5
    for label, value in zip(META, _meta(answer, language), strict=True):
        if value:
            left, right = sheet.range((row, 1), (row, 2)), sheet.range((row, 3), (row, _LAST))
            for area, text in ((left, label[language]), (right, value)):
                area.merge()
                area(1, 1).value = literal(text)
            left.color, left.font.color = f"#{LABEL_FILL[2:]}", f"#{GREY[2:]}"
            row += 1
    if answer.remarks:
        _list(sheet, row + 1, answer.remarks, language, titles)


def _line(sheet: Sheet, row: int, text: str, height: float) -> Range:
    area = sheet.range((row, 1), (row, _LAST))
    area.merge()
    area.row_height = height
    area.vertical_alignment, area.wrap_text = "center", True
    area(1, 1).value = literal(text)
    return area


def _meta(answer: Answer, language: Language) -> tuple[str, ...]:
    return (
        answer.form_title[language] if answer.form_title else "",
        answer.number or "",
        str(answer.revision) if answer.revision is not None else "",
        answer.outcome[language],
        answer.received_at.strftime("%Y-%m-%d %H:%M"),
    )


def _list(sheet: Sheet, top: int, remarks: Sequence[Remark], language: Language, titles: Sequence[str]) -> None:
    head = sheet.range((top, 1), (top, _LAST))
    head.value = [literal(label[language]) for label, _ in COLUMNS]
    head.color, head.font.bold, head.font.color = f"#{HEADER_FILL[2:]}", True, f"#{NAVY[2:]}"
    ordered = sorted(remarks, key=lambda remark: not remark.error)
    rows = [_row(number, remark, language) for number, remark in enumerate(ordered, start=1)]
    body = sheet.range((top + 1, 1), (top + len(rows), _LAST))
    body.value = rows
    body.wrap_text, body.vertical_alignment = True, "center"
    for area in (head, sheet.range((top + 1, 1), (top + len(rows), 4))):
        area.horizontal_alignment = "center"
    sheet.range((top, 1), (top + len(rows), _LAST)).borders.set("all", line_style="continuous", color="#D3D9E2")
    for row, remark in enumerate(ordered, start=top + 1):
        ink, tint = _TONES["error" if remark.error else "warning"]
        severity = sheet.range((row, 2))
        severity.color, severity.font.color, severity.font.bold = tint, ink, True
        title = next((each for each in titles if each.casefold() == remark.sheet.casefold()), None)
        if title and remark.cell:
            quoted = title.replace("'", "''")
            sheet.range((row, 4)).add_hyperlink(f"#'{quoted}'!{remark.cell}", remark.cell, remark.cell)
            sheet.range((row, 4)).font.color = _LINK
    body.rows.autofit()


def _row(number: int, remark: Remark, language: Language) -> list[str | int]:
    severity = SEVERITIES[Severity.ERROR if remark.error else Severity.WARNING]
    place = remark.sheet or ("" if remark.cell else WHOLE_FILE[language])
    label = remark.label[language] if remark.label else ""
    texts = (severity[language], place, remark.cell, label, remark.what[language], remark.fix[language])
    return [number, *(literal(text) for text in texts)]
