"""A reply as plain text: Chinese first, a short part in English below."""

from collections.abc import Iterator, Mapping
from typing import Any

from server.intake.mail.reply_contents import CHANGES, FINDINGS, IN_ENGLISH, Card, Contents
from workbooks.form import Language

_RULE = "-" * 24  # fits a phone
_FOOT: Mapping[Language, str] = {
    "zh": "本邮件由系统自动发出。回复本邮件并附上改好的工作簿，即可更新同一条记录。",
    "en": "This is an automatic reply. Reply to it with the corrected workbook to update the same record.",
}
_FOOT_OF_NOTICES: Mapping[Language, str] = {"zh": "本邮件由系统自动发出。", "en": "This is an automatic reply."}


def text_of(contents: Contents) -> str:
    """The whole reply as text."""
    return "\n".join((*_chinese(contents), "", _RULE, "In English", "", *_english(contents))) + "\n"


def place_of(finding: Mapping[str, Any]) -> str:
    """Sheet and cell as people look for them; empty for the whole file."""
    if not finding["cell"]:
        return ""
    return f"“{finding['sheet']}” {finding['cell']}" if finding["sheet"] else str(finding["cell"])


def foot_of(contents: Contents, language: Language) -> str:
    """The last line: that nobody sits behind it, and how to go on."""
    return (_FOOT if contents.cards else _FOOT_OF_NOTICES)[language]


def _chinese(contents: Contents) -> Iterator[str]:
    yield contents.title.zh
    yield "=" * 24
    for sentence in contents.sentences:
        yield sentence.zh
    for n, card in enumerate(contents.cards, 1):
        yield ""
        yield from _card(card, n if len(contents.cards) > 1 else 0)
    if contents.held:
        yield ""
        yield "待核实发件人后处理的文件："
        yield from (f"  · {name}" for name in contents.held)
    if contents.skipped:
        yield ""
        yield "没有处理的附件："
        yield from (f"  · {name}：{why.zh}" for name, why in contents.skipped)
    if contents.steps:
        yield ""
        yield "请这样做："
        yield from (f"  {n}. {step.zh}" for n, step in enumerate(contents.steps, 1))
    yield ""
    yield foot_of(contents, "zh")


def _card(card: Card, n: int) -> Iterator[str]:
    form = f"（{card.form.zh}）" if card.form else ""
    yield f"{f'{n}. ' if n else ''}{card.filename}{form}"
    yield f"结果：{card.title.zh}"
    if card.number:
        yield f"编号：{card.number}（第 {card.revision} 版）"
    yield f"收到：{card.received_at:%Y-%m-%d %H:%M}"
    if card.answers:
        yield "登记内容："
        yield from (f"  {label}：{answer}" for label, answer in card.answers)
    if card.changes:
        yield "本次改动："
        yield from (
            f"  {change.label}：{change.before or '（空）'} → {change.after or '（空）'}"
            for change in card.changes[:CHANGES]
        )
        if len(card.changes) > CHANGES:
            yield f"  其余 {len(card.changes) - CHANGES} 处见记录。"
    if card.findings:
        yield ""
        yield f"需要改正（{card.errors} 处）：" if card.errors else f"提示（{len(card.findings)} 条）："
        for k, finding in enumerate(card.findings[:FINDINGS], 1):
            yield from _finding(finding, k)
        if len(card.findings) > FINDINGS:
            yield f"  其余 {len(card.findings) - FINDINGS} 条见附件的“检查结果”表。"
        yield ""
    for deadline in card.deadlines:
        yield f"期限：{deadline.label.zh}，{deadline.words.zh}"
    yield f"下一步：{card.next_step.zh}"
    if card.attachment:
        yield f"附件：{card.attachment}"
    if card.link:
        yield f"网页：{card.link}"


def _finding(finding: Mapping[str, Any], n: int) -> Iterator[str]:
    label = finding["label"]["zh"] if finding["label"] else ""
    where = " ".join(filter(None, (place_of(finding), label))) or "整个文件"
    mark = "" if finding["severity"] == "error" else "（提示）"
    yield f"  [{n}] {where}{mark}"
    yield f"      {finding['what']['zh']}"
    yield f"      {finding['fix']['zh']}"


def _english(contents: Contents) -> Iterator[str]:
    yield contents.title.en + "."
    for sentence in contents.sentences:
        yield sentence.en
    for card in contents.cards:
        number = f", {card.number} (revision {card.revision})" if card.number else ""
        yield f"{card.filename}: {card.title.en}{number}."
        for finding in card.findings[:IN_ENGLISH]:
            place = f"{finding['cell']}: " if finding["cell"] else ""
            yield f"  - {place}{finding['what']['en']} {finding['fix']['en']}"
        if len(card.findings) > IN_ENGLISH:
            yield f"  - {len(card.findings) - IN_ENGLISH} more in the attached workbook."
        for deadline in card.deadlines:
            yield f"  {deadline.label.en}: {deadline.words.en}."
        yield f"  {card.next_step.en}"
    for name in contents.held:
        yield f"{name}: to be verified by a person."
    for name, why in contents.skipped:
        yield f"{name}: {why.en}."
    yield from (f"{n}. {step.en}" for n, step in enumerate(contents.steps, 1))
    yield foot_of(contents, "en")
