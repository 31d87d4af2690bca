"""What a reply without receipts says: what we got, what is to be done, in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.intake.mail.kinds import Kind
from server.intake.mail.outgoing import ReplyKind
from workbooks.form import Text


@dataclass(frozen=True, slots=True)
class Notice:
    """A heading, sentences below it, and what to do, step by step."""

    title: Text
    sentences: tuple[Text, ...]
    steps: tuple[Text, ...] = ()
    tone: str = "warn"


_REPLY_HERE = Text(
    "直接回复本邮件，把工作簿作为附件发送即可；收到后会很快答复。",
    "Reply to this mail with the workbook attached; you will get an answer soon.",
)
_NOT_YOURS = Text("如果您没有发过邮件，请忽略本通知。", "If you have not sent any mail, please ignore this notice.")

NOTICES: Mapping[ReplyKind, Notice] = {
    ReplyKind.HELD: Notice(
        Text("收到，待核实", "Received, to be verified"),
        (
            Text(
                "我们收到了一封以此地址为发件人的邮件，工作人员核实后登记，届时您会收到回执。现在不必重发；几天后仍没有回执，请联系管理员。",
                "We have received a mail with this address as its sender. Once somebody has verified it, you get "
                "the receipt. There is no need to send it again; after some days without one, ask the administrator.",
            ),
            _NOT_YOURS,
        ),
        tone="info",
    ),
    ReplyKind.TAKEN: Notice(
        Text("收到，已处理", "Received and processed"),
        (
            Text(
                "我们收到了一封以此地址为发件人的邮件，其中的表单已经处理。这个地址没有登记，所以这里不写明内容；"
                "结果请登录网页查看，或请管理员把这个地址登记到您的服务站。现在不必重发。",
                "We have received a mail with this address as its sender, and its form has been processed. The address "
                "is not on record, so nothing of it is told here: sign in to see the result, or have the address "
                "entered for your station. There is no need to send it again.",
            ),
            _NOT_YOURS,
        ),
        tone="info",
    ),
    ReplyKind.NO_WORKBOOK: Notice(
        Text("邮件里没有表单", "There is no form in your mail"),
        (
            Text(
                "邮件已收到，但没有找到 Excel 工作簿，因此没有登记任何内容。",
                "Your mail has arrived, but no Excel workbook was found in it, so nothing was recorded.",
            ),
        ),
        (
            Text(
                "填好表单，保存为 .xlsx（在 Excel 或 WPS 中选择“另存为”）。",
                "Fill in the form and save it as .xlsx (Save As in Excel or WPS).",
            ),
            Text(
                "用“添加附件”把文件附在邮件里，不要粘贴到正文，也不要截图。",
                "Attach the file to the mail; do not paste it into the text or send a screenshot.",
            ),
            _REPLY_HERE,
        ),
    ),
    ReplyKind.LARGE_LINK: Notice(
        Text("请用普通附件发送", "Please send it as an ordinary attachment"),
        (
            Text(
                "邮件里只有“超大附件”的下载链接。为了安全，系统不会打开邮件里的链接，因此没有登记任何内容。",
                "Your mail holds only a link to a large-attachment centre. For safety we never open links in mails, "
                "so nothing was recorded.",
            ),
        ),
        (
            Text(
                "在邮件里选“添加附件”（普通附件），不要选“超大附件”或“网盘文件”。",
                "Choose the ordinary attachment, not the large attachment or a file from a cloud drive.",
            ),
            Text(
                "文件太大时，先压缩图片（Excel：图片格式 → 压缩图片），删掉多余的工作表后再保存。",
                "If the file is too large, compress its pictures (Picture Format, Compress Pictures) and remove "
                "sheets that are not part of the form.",
            ),
            _REPLY_HERE,
        ),
    ),
    ReplyKind.REFUSED_FILE: Notice(
        Text("附件不能处理", "The attachment cannot be used"),
        (
            Text(
                "邮件已收到，但附件不是可以直接处理的工作簿，因此没有登记任何内容。",
                "Your mail has arrived, but what is attached is no workbook that can be used, so nothing was recorded.",
            ),
        ),
        (
            Text(
                "把表单保存为 .xlsx，直接作为附件发送（不必压缩）。",
                "Save the form as .xlsx and attach it as it is; there is no need to pack it.",
            ),
            _REPLY_HERE,
        ),
    ),
    ReplyKind.OVER_LIMIT: Notice(
        Text("邮件超出限制，未处理", "The mail exceeds a limit and was not processed"),
        (),
        (
            Text(
                "分成几封邮件发送，每封附一至几份工作簿；图片较多时先压缩图片。",
                "Send several mails with a few workbooks each; compress pictures first if there are many.",
            ),
            Text(
                "不要把多封邮件层层转发为附件，请直接附上工作簿。",
                "Attach the workbooks themselves instead of forwarding mails inside mails.",
            ),
            _REPLY_HERE,
        ),
    ),
}

_OVER: Mapping[str, Text] = {
    "too-large": Text("邮件太大：最多 {limit} MB（含附件）。", "The mail is too large: at most {limit} MB in all."),
    "not-fetched": Text(
        "邮件服务器没能把这封邮件完整地交给系统。", "The mail server did not hand the mail over in one piece."
    ),
    "too-many-parts": Text("邮件里的附件和部分太多。", "The mail has too many parts."),
    "too-deep": Text("邮件里套了太多层转发的邮件。", "The mail holds mails inside mails, too many levels deep."),
    "header-too-long": Text("邮件的收件人等信息太长。", "The mail's headers are too long."),
}
_OVER_OTHERWISE = Text("系统无法读取这封邮件。", "The mail cannot be read.")

SKIPPED: Mapping[str, Text] = {
    Kind.PICTURE: Text("图片；请粘贴到表单的图片栏里", "a picture; paste it into the form's picture field"),
    Kind.RAR: Text(
        "RAR 压缩包；请解压后直接附上工作簿，或改用 zip",
        "a RAR archive; unpack it and attach the workbook, or use zip",
    ),
    Kind.SEVEN_ZIP: Text(
        "7z 压缩包；请解压后直接附上工作簿，或改用 zip", "a 7z archive; unpack it and attach the workbook, or use zip"
    ),
    Kind.DAMAGED_ZIP: Text("压缩包已损坏；请直接附上工作簿", "a damaged archive; attach the workbook itself"),
    Kind.OUTLOOK: Text(
        "Outlook 邮件文件（.msg）；请取出工作簿后直接附上", "an Outlook message file; attach the workbook itself"
    ),
    Kind.OTHER: Text("不是 Excel 工作簿", "not an Excel workbook"),
    "archive-encrypted": Text("压缩包有密码；请去掉密码或直接附上工作簿", "an archive with a password; remove it"),
    "archive-too-large": Text("压缩包里的文件太大；请分开发送", "too large inside the archive; send it by itself"),
    "archive-unsupported": Text("压缩方式不支持；请直接附上工作簿", "packed in an unusual way; attach it by itself"),
    "archive-nested": Text("压缩包里又有压缩包；请直接附上工作簿", "an archive inside an archive; attach the workbook"),
    "winmail-unreadable": Text(
        "Outlook 专用格式（winmail.dat）无法打开；请以纯文本或 HTML 格式重发",
        "winmail.dat cannot be opened; send the mail again as plain text or HTML",
    ),
    "too-many-workbooks": Text("一封邮件里的工作簿太多；请另发一封", "too many workbooks in one mail; send another"),
    "bounced-message": Text("退回的邮件", "a returned mail"),
}
_SKIPPED_OTHERWISE = Text("没有打开", "not opened")


def over_limit(reason: str, limit_mb: int) -> Text:
    """Which limit a mail exceeds."""
    words = _OVER.get(reason, _OVER_OTHERWISE)
    return Text(*(text.replace("{limit}", str(limit_mb)) for text in (words.zh, words.en)))


def skipped(reason: str) -> Text:
    """Why an attachment was left out, and what to do about it."""
    return SKIPPED.get(reason, _SKIPPED_OTHERWISE)
