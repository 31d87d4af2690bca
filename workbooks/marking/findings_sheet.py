"""The sheet that lists what was found: its cells as XML, in the look of the forms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from workbooks.finding_codes import Severity
from workbooks.findings import Finding, has_errors
from workbooks.form import Language, Text
from workbooks.ooxml.book import quoted
from workbooks.ooxml.cells import text_content
from workbooks.ooxml.stylesheet import Stylesheet
from workbooks.sheet.measure import text_lines
from workbooks.sheet.styles import GREY, HEAD_FONT, HEADER_FILL, INK, LABEL_FILL, NAVY, TEXT_FONT

TITLE = Text("检查结果", "Findings")
COLUMNS = (
    # label, width in characters
    (Text("序号", "No."), 6.0),
    (Text("级别", "Severity"), 10.0),
    (Text("工作表", "Sheet"), 17.0),
    (Text("单元格", "Cell"), 9.0),
    (Text("项目", "Item"), 20.0),
    (Text("问题", "What is wrong"), 44.0),
    (Text("怎样改", "What to do"), 44.0),
)
SEVERITIES = {Severity.ERROR: Text("必须改正", "Error"), Severity.WARNING: Text("提醒", "Warning")}
META = (
    Text("表单", "Form"),
    Text("编号", "Number"),
    Text("版次", "Revision"),
    Text("状态", "State"),
    Text("接收时间", "Received"),
)
WHOLE_FILE = Text("整个文件", "Whole file")
_LINE_COLOUR = "FFD3D9E2"
_GREEN, _AMBER, _RED = ("FF1B6B3A", "FFE6F4EA"), ("FF8A5A00", "FFFFF4D6"), ("FFA61B1B", "FFFDE8E8")
_LINK = "FF0B57A4"
_LAST = "ABCDEFG"[len(COLUMNS) - 1]
_POINTS_PER_LINE, _PADDING = 15.0, 9.0
_CHARACTER_PX = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """
    What is to be said in the copy a sender gets back.

    *received_at* is the site's local time, without zone. *next_step* takes the place of
    the sentence that says what to do now.
    """

    number: str | None
    revision: int | None
    state: Text
    received_at: datetime
    findings: tuple[Finding, ...]
    form_title: Text
    language: Language
    next_step: Text | None = None

    @property
    def accepted(self) -> bool:
        return not has_errors(self.findings)


@dataclass(frozen=True, slots=True)
class _Looks:
    """Indices of the cell formats this sheet uses."""

    title: int
    banner: int
    step: int
    label: int
    value: int
    header: int
    text: int
    centred: int
    link: int
    error: int
    warning: int


def findings_sheet(
    marking: Mark, styles: Stylesheet, *, namespace: str, titles: Sequence[str] = (), selected: bool
) -> bytes:
    """
    The worksheet part for *marking*; the formats it needs are added to *styles*.

    *titles* are the sheets of the workbook: findings on one of them become links.
    """
    language = marking.language
    looks = _looks(styles, language, _tone(marking))
    rows = _Rows(looks)
    rows.add(34, ("A", looks.title, TITLE[language]))
    rows.add(30, ("A", looks.banner, _verdict(marking)), merged=True)
    step = _next_step(marking, linked=any(_title(finding, titles) for finding in marking.findings))
    rows.add(_height(step, 145), ("A", looks.step, step), merged=True)
    rows.add(8)
    for label, value in zip(META, _meta(marking), strict=True):
        if value:
            rows.add(21, ("A", looks.label, label[language]), ("C", looks.value, value), merged=True)
    if marking.findings:
        rows.add(10)
        labels = [(letter, looks.header, text[language]) for letter, (text, _) in zip("ABCDEFG", COLUMNS, strict=True)]
        rows.add(24, *labels)
        for number, finding in enumerate(_ordered(marking.findings), start=1):
            rows.finding(number, finding, language, titles)
    return _part(rows, namespace, selected=selected, tone=_tone(marking), language=language)


def _ordered(findings: Sequence[Finding]) -> list[Finding]:
    """Errors first; within them in the order they were found, which is that of the form."""
    return sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)


def _tone(marking: Mark) -> tuple[str, str]:
    if not marking.accepted:
        return _RED
    return _AMBER if marking.findings else _GREEN


def _verdict(marking: Mark) -> str:
    errors = sum(finding.severity is Severity.ERROR for finding in marking.findings)
    warnings = len(marking.findings) - errors
    number = marking.number or ""
    if marking.language == "zh":
        if errors:
            return f"✘ 未接收：{errors} 处必须改正" + (f"，另有 {warnings} 处提醒。" if warnings else "。")
        taken = f"✔ 已接收，编号 {number}" if number else "✔ 已接收"
        return taken + (f"；有 {warnings} 处提醒。" if warnings else "。")
    if errors:
        also = f" and {warnings} warning{'s' * (warnings > 1)}" if warnings else ""
        return f"✘ Not accepted: {errors} error{'s' * (errors > 1)} to correct{also}."
    taken = f"✔ Accepted as {number}" if number else "✔ Accepted"
    return taken + (f", with {warnings} warning{'s' * (warnings > 1)}." if warnings else ".")


def _title(finding: Finding, titles: Sequence[str]) -> str:
    """The sheet that *finding* can be followed to; empty when it has no cell in this workbook."""
    found = (title for title in titles if title.lower() == finding.sheet.lower())
    return next(found, "") if finding.cell else ""


def _next_step(marking: Mark, *, linked: bool) -> str:
    if marking.next_step is not None:
        return marking.next_step[marking.language]
    if not marking.accepted and not linked:
        return Text(
            "请按“怎样改”一列的说明处理后重新提交。", "Do what the column “What to do” says, and send the form again."
        )[marking.language]
    if not marking.accepted:
        return Text(
            "请点击“单元格”一列的链接逐项改正（出错的单元格已标红并附批注），保存后把本文件重新提交；改好的标记会自动消除。",
            "Follow the links in the column “Cell” and correct each item (wrong cells are red and carry a note), "
            "save, and send this file again; the marks of what is right then disappear.",
        )[marking.language]
    if marking.findings:
        return Text(
            "表单已入库，不必重新提交。请看一下以下提醒；如需更正，直接在本文件上修改后再提交。",
            "The form is stored; nothing needs to be sent again. Please look at the warnings below; to correct "
            "something, change it in this file and send it.",
        )[marking.language]
    return Text(
        "没有发现问题，谢谢！请保留本文件；如需更正，直接在本文件上修改后再提交，系统会存为新的版次。",
        "Nothing is wrong, thank you! Keep this file: to correct something later, change it here and send it again; "
        "it is stored as a new revision.",
    )[marking.language]


def _meta(marking: Mark) -> tuple[str, ...]:
    language = marking.language
    return (
        marking.form_title[language],
        marking.number or "",
        str(marking.revision) if marking.revision is not None else "",
        marking.state[language],
        marking.received_at.strftime("%Y-%m-%d %H:%M"),
    )


def _looks(styles: Stylesheet, language: Language, tone: tuple[str, str]) -> _Looks:
    family = '<family val="2"/>' + ('<charset val="134"/>' if language == "zh" else "")

    def font(size: float, colour: str = INK, *, bold: bool = False, head: bool = False, link: bool = False) -> int:
        name = (HEAD_FONT if head else TEXT_FONT)[language]
        return styles.add(
            "fonts",
            f'<font>{"<b/>" * bold}{"<u/>" * link}<sz val="{size}"/><color rgb="{colour}"/>'
            f'<name val="{name}"/>{family}</font>',
        )

    def fill(colour: str) -> int:
        return styles.add(
            "fills",
            f'<fill><patternFill patternType="solid"><fgColor rgb="{colour}"/></patternFill></fill>',
        )

    side = '<{0} style="thin"><color rgb="' + _LINE_COLOUR + '"/></{0}>'
    lines = styles.add(
        "borders", f"<border>{''.join(side.format(s) for s in ('left', 'right', 'top', 'bottom'))}<diagonal/></border>"
    )
    plain, deep, ink = font(10.5), fill(tone[1]), tone[0]

    def form(font: int, align: str = "left", *, fill: int = 0, border: int = lines, wrap: bool = True) -> int:
        alignment = f'horizontal="{align}" vertical="center" wrapText="{wrap:d}" indent="{align == "left":d}"'
        return styles.add_format(font=font, fill=fill, border=border, alignment=alignment)

    return _Looks(
        title=styles.add_format(font=font(20, NAVY, bold=True, head=True), alignment='vertical="center"'),
        banner=form(font(13, ink, bold=True, head=True), fill=deep, border=0, wrap=False),
        step=form(plain, fill=deep, border=0),
        label=form(font(10.5, GREY), fill=fill(LABEL_FILL), wrap=False),
        value=form(plain, wrap=False),
        header=form(font(10.5, NAVY, bold=True), "center", fill=fill(HEADER_FILL)),
        text=form(plain),
        centred=form(plain, "center"),
        link=form(font(10.5, _LINK, bold=True, link=True), "center"),
        error=form(font(10.5, _RED[0], bold=True), "center", fill=fill(_RED[1])),
        warning=form(font(10.5, _AMBER[0], bold=True), "center", fill=fill(_AMBER[1])),
    )


def _height(text: str, characters: float) -> float:
    width = characters * _CHARACTER_PX
    # Most texts are short: at the width of a Chinese character each they fit, and need no closer look.
    fits = "\n" not in text and len(text) * _CHARACTER_PX * 2 + _CHARACTER_PX <= width
    lines = 1 if fits else text_lines(text, width, 10.5)
    return lines * _POINTS_PER_LINE + _PADDING


class _Rows:
    """The rows written so far, with the merged areas and links among them."""

    def __init__(self, looks: _Looks) -> None:
        self.looks = looks
        self.xml: list[str] = []
        self.merges: list[str] = []
        self.links: list[str] = []

    def add(self, height: float, *cells: tuple[str, int, str | int], merged: bool = False) -> int:
        """Append a row, its number is returned; with *merged* each cell reaches to the next one or to the edge."""
        row = len(self.xml) + 1
        styles = {letter: style for letter, style, _ in cells}
        written = {letter: value for letter, _, value in cells}
        if merged:
            starts = [letter for letter, _, _ in cells]
            for start, following in zip(starts, [*starts[1:], chr(ord(_LAST) + 1)], strict=True):
                end = chr(ord(following) - 1)
                self.merges.append(f"{start}{row}:{end}{row}")
                styles |= {chr(code): styles[start] for code in range(ord(start), ord(end) + 1)}
        body = "".join(_cell(f"{letter}{row}", styles[letter], written.get(letter, "")) for letter in sorted(styles))
        self.xml.append(f'<row r="{row}" ht="{height}" customHeight="1">{body}</row>')
        return row

    def finding(self, number: int, finding: Finding, language: Language, titles: Sequence[str]) -> None:
        """Append the row of one finding; its cell is a link if the workbook has that sheet."""
        looks = self.looks
        title = _title(finding, titles)
        what, fix = finding.what(language), finding.fix(language)
        label = finding.label[language] if finding.label else ""
        # Two characters less than the columns are wide: cells of text are indented.
        texts = ((label, 18.0), (what, 42.0), (fix, 42.0), (finding.sheet, 16.0))
        height = max(24.0, *(_height(text, width) for text, width in texts))
        row = self.add(
            min(height, 400.0),
            ("A", looks.centred, number),
            (
                "B",
                looks.error if finding.severity is Severity.ERROR else looks.warning,
                SEVERITIES[finding.severity][language],
            ),
            ("C", looks.centred, finding.sheet or ("" if finding.cell else WHOLE_FILE[language])),
            ("D", looks.link if title else looks.centred, finding.cell),
            ("E", looks.text, label),
            ("F", looks.text, what),
            ("G", looks.text, fix),
        )
        if title:
            place = quoteattr(f"{quoted(title)}!{finding.cell}")
            self.links.append(f'<hyperlink ref="D{row}" location={place} display={quoteattr(finding.cell)}/>')


def _cell(address: str, style: int, value: str | int) -> str:
    if isinstance(value, int):
        return f'<c r="{address}" s="{style}"><v>{value}</v></c>'
    if not value:
        return f'<c r="{address}" s="{style}"/>'
    text = escape(text_content(value))
    return f'<c r="{address}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _part(rows: _Rows, namespace: str, *, selected: bool, tone: tuple[str, str], language: Language) -> bytes:
    view = 'tabSelected="1" workbookViewId="0"' if selected else 'workbookViewId="0"'
    widths = "".join(
        f'<col min="{index}" max="{index}" width="{width + 0.71:.2f}" customWidth="1"/>'
        for index, (_, width) in enumerate(COLUMNS, start=1)
    )
    merges = "".join(f'<mergeCell ref="{area}"/>' for area in rows.merges)
    links = f"<hyperlinks>{''.join(rows.links)}</hyperlinks>" if rows.links else ""
    page = "第 &amp;P 页，共 &amp;N 页" if language == "zh" else "Page &amp;P of &amp;N"
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<worksheet xmlns="{namespace}">'
        f'<sheetPr><tabColor rgb="{tone[0]}"/><pageSetUpPr fitToPage="1"/></sheetPr>'
        f'<dimension ref="A1:{_LAST}{len(rows.xml)}"/>'
        f'<sheetViews><sheetView showGridLines="0" {view}/></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/><cols>{widths}</cols>'
        f"<sheetData>{''.join(rows.xml)}</sheetData>"
        f'<mergeCells count="{len(rows.merges)}">{merges}</mergeCells>{links}'
        '<printOptions horizontalCentered="1"/>'
        '<pageMargins left="0.5" right="0.5" top="0.6" bottom="0.6" header="0.3" footer="0.3"/>'
        '<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/>'
        f"<headerFooter><oddFooter>&amp;C{page}</oddFooter></headerFooter>"
        "</worksheet>"
    ).encode()
