"""The words in which pages tell of mail: states, reasons, trust, kinds of replies."""

from collections.abc import Mapping

from server.intake.mail.models import Mail, MailState, ReplyState
from server.intake.mail.outgoing import ReplyKind
from server.intake.mail.trust import HeldReason, Trust
from workbooks.form import Text

# state → words, colour of the badge
STATES: Mapping[str, tuple[Text, str]] = {
    MailState.NEW: (Text("处理中", "Being processed"), "info"),
    MailState.DONE: (Text("已处理", "Done"), "ok"),
    MailState.REVIEW: (Text("待核实", "To be verified"), "warn"),
    MailState.QUARANTINED: (Text("已隔离", "In quarantine"), "bad"),
    MailState.IGNORED: (Text("未登记", "Nothing stored"), ""),
}
REPLY_STATES: Mapping[str, tuple[Text, str]] = {
    ReplyState.QUEUED: (Text("待发送", "Queued"), "info"),
    ReplyState.SENT: (Text("已发出", "Sent"), "ok"),
    ReplyState.DEAD: (Text("发送失败", "Failed"), "bad"),
    ReplyState.HELD: (Text("超过频次，暂停", "Held, too many"), "warn"),
}
TRUST: Mapping[str, tuple[Text, str]] = {
    Trust.SEAL: (Text("封印模板", "Sealed template"), "ok"),
    Trust.SENDER: (Text("发件地址已验证", "Sender authenticated"), "ok"),
    Trust.PERSON: (Text("人工核实", "Verified by a person"), "ok"),
    Trust.NONE: (Text("未证实", "Not proven"), "warn"),
}
WHY_TRUSTED: Mapping[str, Text] = {
    Trust.SEAL: Text(
        "工作簿带有发给该服务站的有效封印。", "The workbook carries a valid seal of a template issued to the station."
    ),
    Trust.SENDER: Text(
        "邮箱的服务器确认发件地址属实（DMARC），且该地址登记在案。",
        "The mailbox's own server confirmed the sender's address (DMARC), and the address is on record.",
    ),
    Trust.PERSON: Text("由本系统的人员确认来自该服务站。", "Somebody here confirmed which station it is from."),
    Trust.NONE: Text(
        "没有封印，发件地址也未经服务器验证：任何人都可能写下这个地址。",
        "No seal, and no server has confirmed the address: anybody can write one.",
    ),
}
REASONS: Mapping[str, Text] = {
    HeldReason.UNAUTHENTICATED: Text("发件地址未经验证", "sender not authenticated"),
    HeldReason.UNKNOWN_SENDER: Text("发件地址没有登记", "sender's address is not on record"),
    HeldReason.SEVERAL_STATIONS: Text("该地址登记在多个服务站", "the address is on record for several stations"),
    HeldReason.FORGED_SEAL: Text("封印与内容不符", "the seal does not fit the workbook"),
    HeldReason.REVOKED_SEAL: Text("封印已作废", "the seal was revoked"),
    HeldReason.OTHER_STATION: Text("模板发给了另一个服务站", "the template was issued to another station"),
    HeldReason.UNKNOWN_STATION: Text("模板所属的服务站已不存在", "the template's station is no longer on record"),
    "no-workbook": Text("没有工作簿", "no workbook"),
    "automatic": Text("自动邮件", "an automatic mail"),
    "own": Text("本系统自己发出的邮件", "our own mail"),
    "refused": Text("核实时拒绝", "refused by a person"),
    "discarded": Text("隔离后弃置", "discarded from quarantine"),
    "attempts": Text("三次处理都失败", "processing failed three times"),
    "too-large": Text("邮件太大", "too large"),
    "not-fetched": Text("邮件服务器没有交出这封邮件", "the mail server does not hand it out"),
    "too-many-parts": Text("邮件的部分太多", "too many parts"),
    "too-deep": Text("嵌套太深", "nested too deeply"),
    "header-too-long": Text("信头太长", "headers too long"),
    "unreadable": Text("无法读取", "cannot be read"),
}
ORIGINS: Mapping[str, Text] = {
    "attachment": Text("附件", "attachment"),
    "forwarded": Text("转发的邮件内", "in a forwarded mail"),
    "winmail": Text("winmail.dat 内", "in winmail.dat"),
    "zip": Text("压缩包内", "in an archive"),
}
KINDS: Mapping[str, Text] = {
    ReplyKind.RECEIPT: Text("回执", "Receipt"),
    ReplyKind.FINDINGS: Text("退回改正", "To be corrected"),
    ReplyKind.HELD: Text("收到，待核实", "Received, to be verified"),
    ReplyKind.TAKEN: Text("收到，已处理", "Received and processed"),
    ReplyKind.NO_WORKBOOK: Text("没有表单", "No form"),
    ReplyKind.LARGE_LINK: Text("超大附件链接", "Large-attachment link"),
    ReplyKind.REFUSED_FILE: Text("附件不能处理", "Attachment refused"),
    ReplyKind.OVER_LIMIT: Text("邮件超出限制", "Over a limit"),
    ReplyKind.WORKBOOK: Text("报表工作簿", "Registered workbook"),
    ReplyKind.WORKBOOK_TROUBLE: Text("工作簿未能刷新", "Workbook not refreshed"),
}


def reason(slug: str) -> Text | None:
    """The words for a reason; its slug where it has none, None where there is no reason."""
    return REASONS.get(slug, Text(slug, slug)) if slug else None


def sender(mail: Mail) -> str:
    """Name and address of a mail's sender, as far as it says."""
    if mail.from_name and mail.from_address and mail.from_name != mail.from_address:
        return f"{mail.from_name} <{mail.from_address}>"
    return mail.from_address or mail.from_name
