"""The catalogue of findings: slug, severity and texts of everything that can be wrong, in Chinese and English."""

from enum import Enum, StrEnum
from typing import NamedTuple

from workbooks.form import Text


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Template(NamedTuple):
    """The texts of one kind of finding: *what* is wrong and what to do (*fix*), with holes for the context."""

    slug: str
    severity: Severity
    what: Text
    fix: Text


def _error(slug: str, what_zh: str, what_en: str, fix_zh: str, fix_en: str) -> Template:
    return Template(slug, Severity.ERROR, Text(what_zh, what_en), Text(fix_zh, fix_en))


def _warning(slug: str, what_zh: str, what_en: str, fix_zh: str, fix_en: str) -> Template:
    return Template(slug, Severity.WARNING, Text(what_zh, what_en), Text(fix_zh, fix_en))


class FindingCode(Enum):
    """Slugs are public (receipts, API, mail replies show them): never reuse one."""

    # the file
    EMPTY_FILE = _error(
        "empty-file", "文件是空的（0 字节）。", "The file is empty (0 bytes).",
        "请在 Excel 或 WPS 中重新保存后再提交。", "Save it again in Excel or WPS, then send it.",
    )  # fmt: skip
    NOT_A_WORKBOOK = _error(
        "not-a-workbook", "这不是 Excel 工作簿{detail}。", "This is not an Excel workbook{detail}.",
        "请下载空白模板，填写后保存为 .xlsx 再提交。",
        "Download the blank template, fill it in and save it as .xlsx.",
    )  # fmt: skip
    ENCRYPTED = _error(
        "encrypted", "文件有打开密码，服务器无法读取。",
        "The file has an opening password; the server cannot read it.",
        "请在网页的回执上输入密码；或用“文件 → 信息 → 保护工作簿 → 用密码进行加密”清除密码，保存后再提交。",
        "Enter it on the receipt's web page, or clear it (File, Info, Protect Workbook, Encrypt with Password) "
        "and send the file again.",
    )  # fmt: skip
    WRONG_PASSWORD = _error(
        "wrong-password", "文件有打开密码，给出的密码不对。",
        "The file has an opening password; the one given is wrong.",
        "请核对密码（区分大小写）后再试，或清除密码后再提交。",
        "Check the password (capitals matter) and try again, or clear it and send the file.",
    )  # fmt: skip
    COSTLY_PASSWORD = _error(
        "costly-password", "文件的加密强度超出常规，服务器不尝试打开。",
        "The file is encrypted far more heavily than usual; the server does not try to open it.",
        "请在 Excel 中清除密码，保存后再提交。", "Clear the password in Excel, save and send again.",
    )  # fmt: skip
    OPENED_WITH_PASSWORD = _warning(
        "opened-with-password", "文件有打开密码，已用给出的密码读取；密码没有保存。",
        "The file has an opening password; it was read with the one given, which was not kept.",
        "下次请发送不设密码的文件，错误才能标在原文件上。",
        "Send it without a password next time: then mistakes can be marked in the file itself.",
    )  # fmt: skip
    OLD_FORMAT_TAKEN = _warning(
        "old-format-taken", "这是旧格式的工作簿（.xls），已照常读取。",
        "This is a workbook in the old format (.xls); it was read all the same.",
        "下次请另存为“Excel 工作簿 (*.xlsx)”。", "Save as Excel Workbook (*.xlsx) next time.",
    )  # fmt: skip
    OLD_FILE_FORMAT = _error(
        "old-file-format", "这是旧格式的工作簿（.xls）。", "This is a workbook in the old format (.xls).",
        "请用“另存为”选择“Excel 工作簿 (*.xlsx)”后再提交。",
        "Use Save As, Excel Workbook (*.xlsx), and send that file.",
    )  # fmt: skip
    BINARY_WORKBOOK = _error(
        "binary-workbook", "这是二进制工作簿（.xlsb）。", "This is a binary workbook (.xlsb).",
        "请用“另存为”选择“Excel 工作簿 (*.xlsx)”后再提交。",
        "Use Save As, Excel Workbook (*.xlsx), and send that file.",
    )  # fmt: skip
    HTML_AS_WORKBOOK = _error(
        "html-as-workbook", "这其实是网页（HTML），只是扩展名像 Excel。",
        "This is a web page (HTML) with an Excel extension.",
        "请用 Excel 打开，另存为 .xlsx；若是填报，请改用空白模板。",
        "Open it in Excel and save it as .xlsx; to report, use the blank template instead.",
    )  # fmt: skip
    TEXT_AS_WORKBOOK = _error(
        "text-as-workbook", "这其实是文本文件（CSV 等），不是工作簿。",
        "This is a text file (CSV or similar), not a workbook.", "请下载空白模板，把内容填进去再提交。",
        "Download the blank template and fill the contents in.",
    )  # fmt: skip
    XML_AS_WORKBOOK = _error(
        "xml-as-workbook", "这是“XML 表格 2003”格式。", "This is an XML Spreadsheet 2003 file.",
        "请用“另存为”选择“Excel 工作簿 (*.xlsx)”后再提交。",
        "Use Save As, Excel Workbook (*.xlsx), and send that file.",
    )  # fmt: skip
    OPEN_DOCUMENT = _error(
        "open-document", "这是 OpenDocument 表格（.ods）。", "This is an OpenDocument spreadsheet (.ods).",
        "请用“另存为”选择 .xlsx 格式后再提交。", "Save it as .xlsx and send that file.",
    )  # fmt: skip
    DAMAGED = _error(
        "damaged", "文件已损坏或不完整，无法读取{detail}。",
        "The file is damaged or incomplete and cannot be read{detail}.",
        "请在 Excel 或 WPS 中打开原件，另存一份再提交；若仍不行，请把文件和编号 {support} 发给管理员。",
        "Save a new copy in Excel or WPS and send that; if it fails again, tell the administrator {support}.",
    )  # fmt: skip
    UNSAFE = _error(
        "unsafe", "文件结构异常，出于安全没有打开：{detail}。",
        "The file's structure is unusual and it was not opened, to be safe: {detail}.",
        "请把内容复制到新下载的空白模板中，保存后再提交。",
        "Copy the contents into a newly downloaded blank template and send that.",
    )  # fmt: skip
    TOO_LARGE = _error(
        "too-large", "文件太大：{detail}。", "The file is too large: {detail}.",
        "请删除多余的工作表、图片和空白行列，保存后再提交。",
        "Remove extra sheets, pictures and empty rows or columns, save and send again.",
    )  # fmt: skip
    ACTIVE_CONTENT = _error(
        "active-content", "文件里有不允许的活动内容：{detail}。",
        "The file holds active content that is not allowed: {detail}.",
        "请把内容复制到新下载的空白模板中，保存后再提交。",
        "Copy the contents into a newly downloaded blank template and send that.",
    )  # fmt: skip
    # the form
    UNKNOWN_FORM = _error(
        "unknown-form", "无法识别这是哪张表单。", "It is not clear which form this is.",
        "请使用从本系统下载的模板；不要把单元格粘贴到新工作簿。",
        "Use a template from this system; do not paste the cells into a new workbook.",
    )  # fmt: skip
    WRONG_FORM = _error(
        "wrong-form", "这里要交“{expected}”，收到的是“{actual}”。",
        "“{expected}” belongs here, but this is “{actual}”.", "请到“{actual}”页面提交，或改填“{expected}”。",
        "Send it on the page of “{actual}”, or fill in “{expected}”.",
    )  # fmt: skip
    OLD_VERSION = _warning(
        "old-version", "模板版本 {sent} 已旧，现行版本是 {current}。",
        "Template version {sent} is older than the current version {current}.", "这次已接收；下次请下载新模板。",
        "It was taken this time; download the new template for the next one.",
    )  # fmt: skip
    RETIRED_VERSION = _error(
        "retired-version", "模板版本 {sent} 已停用，现行版本是 {current}。",
        "Template version {sent} is no longer taken; the current version is {current}.",
        "请下载新模板，把内容填入后再提交。", "Download the new template, fill it in and send it.",
    )  # fmt: skip
    MIGRATED_VERSION = _warning(
        "migrated-version", "这是第 {sent} 版模板，现行是第 {current} 版；已按现行版本读入{detail}。",
        "This is template version {sent}; the current one is {current}. It was read as the current one{detail}.",
        "请核对；下次请在“模板”页下载新模板。",
        "Please check it; next time take the new template from the templates page.",
    )  # fmt: skip
    NEWER_VERSION = _error(
        "newer-version", "这是第 {sent} 版模板，比系统现用的第 {current} 版还新。",
        "This is template version {sent}, which is newer than version {current} in use here.",
        "请确认交到了正确的系统；若模板刚更新，请等管理员升级系统后再交。",
        "Make sure you send it to the right system; if the template is new, wait until the system has been updated.",
    )  # fmt: skip
    UNKNOWN_VERSION = _error(
        "unknown-version", "模板版本“{sent}”无法识别，现行版本是 {current}。",
        "Template version “{sent}” is not known; the current version is {current}.",
        "请下载新模板，把内容填入后再提交。", "Download the new template, fill it in and send it.",
    )  # fmt: skip
    LOST_NAMES = _warning(
        "lost-names", "这份表单的内部标记丢失（多半是粘贴到了新工作簿），已按标题文字识别。",
        "This form has lost its hidden names (probably it was pasted elsewhere); it was recognised by its labels.",
        "请核对识别结果；下次请直接在模板里填写。",
        "Please compare what was read; next time fill in the template itself.",
    )  # fmt: skip
    LOST_FIELD = _error(
        "lost-field", "工作簿里找不到“{label}”的填写位置。", "The workbook has no cell for “{label}” any more.",
        "该行或单元格可能被删除；请下载新模板重新填写。",
        "Its row or cell was probably deleted; download a new template and fill that in.",
    )  # fmt: skip
    MISPLACED_ANSWER = _error(
        "misplaced-answer", "“{label}”的标题在 {found}，填写位置却在 {cell}：单元格被移动过。",
        "The label “{label}” stands at {found}, but its answer is looked for in {cell}: cells have been moved.",
        "请下载新模板，把内容填入后再提交。", "Download a new template, fill it in and send that.",
    )  # fmt: skip
    ANSWER_BESIDE = _error(
        "answer-beside", "“{label}”的填写格 {cell} 是空的，旁边的 {beside} 里却有内容。",
        "The cell of “{label}”, {cell}, is empty, but something stands beside it in {beside}.",
        "请把内容移到单元格 {cell}；如不需要，请清空 {beside}。",
        "Move it to {cell}, or clear {beside} if it is not needed.",
    )  # fmt: skip
    NOT_ON_OLD_TEMPLATE = _error(
        "not-on-old-template", "第 {sent} 版模板上没有“{label}”，现行第 {current} 版必须填写。",
        "Template version {sent} does not ask “{label}”; version {current} requires it.",
        "请下载新模板，把内容填入后再提交。", "Download the new template, fill it in and send it.",
    )  # fmt: skip
    DROPPED_ANSWER = _warning(
        "dropped-answer", "现行版本不再有“{label}”，填写的“{value}”没有存入记录。",
        "The current version has no “{label}” any more; “{value}” was not put into the record.",
        "原文件已保存；仍需要的内容请写到其他栏目后再提交。",
        "Your file is kept; write what is still needed into another answer and send it again.",
    )  # fmt: skip
    SPLIT_ANSWER = _warning(
        "split-answer", "“{label}”填的“{value}”已拆成：{parts}。",
        "“{label}” held “{value}”; it was split into {parts}.", "如不对，请用“{separator}”隔开后重新提交。",
        "If that is wrong, separate the parts by “{separator}” and send it again.",
    )  # fmt: skip
    MERGED_INPUT = _error(
        "merged-input", "“{label}”的单元格 {cell} 被并入 {into}，读不到单独的内容。",
        "The cell {cell} of “{label}” is merged into {into}; it has no contents of its own.",
        "请取消合并，在 {cell} 填写“{label}”。", "Unmerge the cells and fill “{label}” in at {cell}.",
    )  # fmt: skip
    SHARED_CELL = _error(
        "shared-cell", "“{label}”和“{other}”占用了同一个单元格 {cell}（多半是剪切粘贴所致）。",
        "“{label}” and “{other}” share the cell {cell} (probably one was cut and pasted onto the other).",
        "请下载新模板重新填写；移动内容请用复制，不要剪切。",
        "Fill in a newly downloaded template; copy contents instead of cutting them.",
    )  # fmt: skip
    LINE_ADDED = _warning(
        "line-added", "“{label}”下方第 {row} 行在列表之外，已作为明细读取。",
        "Row {row} stands below the list “{label}”; it was read as a line of it.",
        "如不对，请改正后重新提交；加行请在列表中间插入。",
        "If that is wrong, correct it and send the form again; insert lines in the middle of the list.",
    )  # fmt: skip
    LINE_NOT_READ = _warning(
        "line-not-read", "“{label}”下方第 {row} 行在列表之外，没有读取。",
        "Row {row} stands below the list “{label}” and was not read.",
        "如是明细，请在列表中间插入行，把内容移进去后重新提交。",
        "If it belongs to the list, insert a line in the middle of it, move the contents there and send again.",
    )  # fmt: skip
    STRAY_VALUE = _warning(
        "stray-value", "单元格 {cell} 的“{value}”不在任何填写位置，没有读取。",
        "“{value}” in {cell} stands where nothing is asked for; it was not read.",
        "如是要填写的内容，请移到对应的填写位置后重新提交。",
        "If it is an answer, move it to the cell that asks for it and send the form again.",
    )  # fmt: skip
    OTHER_FORM = _error(
        "other-form", "工作表“{other}”也是一张填了内容的表单（{title}），一个文件只能交一张。",
        "The sheet “{other}” is a filled form too ({title}); a file may hold only one.",
        "请每个文件只留一张表单，分别提交；这次检查的是“{read}”。",
        "Keep one form per file and send them separately; “{read}” was checked this time.",
    )  # fmt: skip
    STRAY_PICTURE = _warning(
        "stray-picture", "{cell} 处的图片不在任何图片栏上，没有作为附件保存。",
        "The picture at {cell} lies on no field for pictures; it was not stored as an attachment.",
        "如是附件，请移到“{label}”的单元格上后重新提交；原件已保存。",
        "If it is meant as one, move it onto “{label}” and send the form again; your file is kept.",
    )  # fmt: skip
    PICTURE_FORMAT = _error(
        "picture-format", "“{label}”上的图片是 {kind} 格式，无法保存和显示。",
        "The picture on “{label}” is in the format {kind}, which cannot be stored and shown.",
        "请截图后粘贴，或另存为 PNG、JPEG 再插入。", "Paste a screenshot of it, or insert it as PNG or JPEG.",
    )  # fmt: skip
    # an answer
    MISSING_VALUE = _error(
        "missing-value", "“{label}”没有填写。", "“{label}” is empty.", "请填写单元格 {cell}。", "Fill in {cell}.",
    )  # fmt: skip
    TOO_FEW_ROWS = _error(
        "too-few-rows", "“{label}”至少要填 {minimum} 行，现有 {count} 行。",
        "“{label}” needs at least {minimum} line(s); it has {count}.", "请从单元格 {cell} 起填写。",
        "Fill it in from {cell} on.",
    )  # fmt: skip
    NOT_A_NUMBER = _error(
        "not-a-number", "“{label}”填的是“{value}”，不是数字。", "“{label}” holds “{value}”, which is not a number.",
        "请只填数字，不要写单位或文字。", "Enter digits only, without units or words.",
    )  # fmt: skip
    NOT_AN_INTEGER = _error(
        "not-an-integer", "“{label}”填的是“{value}”，应为整数。",
        "“{label}” holds “{value}”; a whole number is needed.", "请填整数。", "Enter a whole number.",
    )  # fmt: skip
    OUT_OF_RANGE = _error(
        "out-of-range", "“{label}”填的是 {value}，应{range}。", "“{label}” is {value}; it must be {range}.",
        "请核对后改正。", "Check it and correct it.",
    )  # fmt: skip
    NOT_A_DATE = _error(
        "not-a-date", "“{label}”填的是“{value}”，不是日期。", "“{label}” holds “{value}”, which is not a date.",
        "请按 2026-11-21 的样子填写。", "Write it like 2026-11-21.",
    )  # fmt: skip
    AMBIGUOUS_DATE = _error(
        "ambiguous-date", "“{label}”填的“{value}”可以有两种读法。",
        "“{label}” holds “{value}”, which can be read in two ways.", "请写出完整年月日，如 2026-04-03。",
        "Write the full date, such as 2026-04-03.",
    )  # fmt: skip
    NOT_A_TIME = _error(
        "not-a-time", "“{label}”填的是“{value}”，不是时间。", "“{label}” holds “{value}”, which is not a time.",
        "请按 14:30 的样子填写。", "Write it like 14:30.",
    )  # fmt: skip
    NOT_A_DATETIME = _error(
        "not-a-datetime", "“{label}”填的是“{value}”，不是日期和时间。",
        "“{label}” holds “{value}”, which is not a date with a time.", "请按 2026-11-21 14:30 的样子填写。",
        "Write it like 2026-11-21 14:30.",
    )  # fmt: skip
    NOT_A_CHOICE = _error(
        "not-a-choice", "“{label}”填的“{value}”不在可选项中{suggestion}。",
        "“{label}” holds “{value}”, which is not one of the choices{suggestion}.", "请从下拉列表中选择。",
        "Pick one from the drop-down list.",
    )  # fmt: skip
    NOT_UNDER_PARENT = _error(
        "not-under-parent", "“{label}”填的“{value}”不属于所选的“{parent}”。",
        "“{label}” holds “{value}”, which does not belong to the chosen “{parent}”.",
        "请改选“{label}”，或改正上一级的选择。", "Pick another “{label}”, or correct the level above.",
    )  # fmt: skip
    TOO_LONG = _error(
        "too-long", "“{label}”有 {length} 个字，最多 {maximum} 个。",
        "“{label}” has {length} characters; at most {maximum} fit.", "请缩短。", "Shorten it.",
    )  # fmt: skip
    CELL_ERROR = _error(
        "cell-error", "“{label}”里是公式错误 {value}。", "“{label}” holds the formula error {value}.",
        "请直接填写内容，不要引用别的文件。", "Type the answer itself instead of a formula.",
    )  # fmt: skip
    NOT_RELEVANT = _error(
        "not-relevant", "按其他填写内容，“{label}”不应填写。", "“{label}” does not apply, given the other answers.",
        "请清空单元格 {cell}，或改正相关内容。", "Clear {cell}, or correct the answers it depends on.",
    )  # fmt: skip
    NOT_AN_IMAGE = _error(
        "not-an-image", "“{label}”里不是图片。", "“{label}” does not hold a picture.",
        "请把 PNG 或 JPEG 图片粘贴到该单元格上。", "Paste a PNG or JPEG picture onto that cell.",
    )  # fmt: skip
    # several answers together
    RULE_BROKEN = _error(
        "rule-broken", "{message}", "{message}", "请核对单元格 {cell} 及相关内容后改正。",
        "Check {cell} and the answers it depends on, and correct them.",
    )  # fmt: skip
    NEEDS_REASON = _error(
        "needs-reason", "{message}", "{message}", "请改正；如情况属实，请在“合理性说明”中写明原因。",
        "Correct it; if it is true, state why in “Reason”.",
    )  # fmt: skip
    TAKEN_WITH_REASON = _warning(
        "taken-with-reason", "{message}", "{message}", "已按合理性说明接收：{reason}",
        "Taken, with the stated reason: {reason}",
    )  # fmt: skip
    PAST_DEADLINE = _warning(
        "past-deadline", "“{label}”最迟应于 {due} 提交，已逾期 {days} 天。",
        "“{label}” was due by {due}; it is {days} day(s) late.", "不影响接收，记为逾期。",
        "It is taken all the same and counts as late.",
    )  # fmt: skip
    CORRECTED_VALUE = _warning(
        "corrected-value", "“{label}”填的“{value}”已按“{taken}”接收。",
        "“{label}” held “{value}”; it was taken as “{taken}”.", "如不对，请改正后重新提交。",
        "If that is wrong, correct it and send the form again.",
    )  # fmt: skip
    STALE_CALCULATION = _warning(
        "stale-calculation", "“{label}”单元格里是 {value}，重新计算为 {taken}。",
        "The cell of “{label}” shows {value}; recalculated it is {taken}.", "以重新计算的结果为准，不必改动。",
        "The recalculated value counts; nothing needs to be changed.",
    )  # fmt: skip
    # the record behind the form
    SECTION_NOT_YOURS = _error(
        "section-not-yours", "“{label}”部分由{owner}填写，您的身份不能改动。",
        "The part “{label}” is filled in by {owner}; you may not change it.", "请恢复原样，只填自己负责的部分。",
        "Put it back as it was and fill in your own part only.",
    )  # fmt: skip
    STALE_REVISION = _error(
        "stale-revision", "您改的是第 {base} 版，{who}已于 {when} 提交第 {current} 版（改动：{changed}）。",
        "You changed revision {base}, but {who} submitted revision {current} at {when} (changed: {changed}).",
        "请下载记录 {number} 的最新工作簿，在上面修改后再提交。",
        "Download the latest workbook of {number} and make your changes there.",
    )  # fmt: skip
    UNKNOWN_RECORD = _error(
        "unknown-record", "表单上的编号 {number} 在系统中不存在，或您无权查看。",
        "The number {number} on this form is not known here, or not open to you.",
        "请不要手工填写编号；新单请用空白模板。",
        "Do not type a number by hand; use a blank template for a new form.",
    )  # fmt: skip
    CLOSED_RECORD = _error(
        "closed-record", "记录 {number} 已关闭，不能再改。", "Record {number} is closed and cannot be changed.",
        "如需更正，请联系负责人重新打开。", "Ask the person in charge to reopen it.",
    )  # fmt: skip
    NOT_YOUR_RECORD = _error(
        "not-your-record", "您只能提交本站的表单；这张填的是“{value}”。",
        "You may only send forms of your own station; this one says “{value}”.",
        "请改正“{label}”，或由该站人员提交。", "Correct “{label}”, or let that station send it.",
    )  # fmt: skip
    POSSIBLE_DUPLICATE = _warning(
        "possible-duplicate", "内容与已有记录 {number} 的关键信息相同，可能重复。",
        "The key answers are those of record {number}; this may be a duplicate.",
        "请核对；若是更正，请在 {number} 的回执工作簿上修改后提交。",
        "Please check; to correct it, edit the receipt workbook of {number} instead.",
    )  # fmt: skip
    NEW_FROM_USED = _warning(
        "new-from-used", "这个文件曾用于 {number}，这次关键信息不同，已存为新记录。",
        "This file was used for {number} before; its key answers differ now, so a new record was made.",
        "若是更正 {number}，请用它的回执工作簿修改后提交。",
        "To correct {number}, edit and send its receipt workbook.",
    )  # fmt: skip

    @property
    def slug(self) -> str:
        return self.value.slug

    @property
    def severity(self) -> Severity:
        return self.value.severity
