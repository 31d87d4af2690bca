"""What the macros say, by key, in both languages; it goes into a sheet, because VBA sources are not Unicode."""

from collections.abc import Mapping

from workbooks.finding_codes import Severity
from workbooks.form import Text
from workbooks.marking.comments import HEADING, SEPARATOR
from workbooks.marking.findings_sheet import COLUMNS, SEVERITIES, TITLE

SHEET = "AS__texts"
TEXTS: Mapping[str, Text] = {
    "language": Text("zh", "en"),
    # asked
    "ask_server": Text(
        "请输入服务器地址（向管理员索取），例如 https://forms.example.com",
        "Address of the server (from your administrator), for example https://forms.example.com",
    ),
    "ask_token": Text(
        "请粘贴本机在 {1} 的访问令牌（网站“账户”页申请，只需输入一次，保存在本机，不写入工作簿）：",
        "Paste this machine's access token for {1} (from the account page of the site; asked once, kept on this "
        "machine, never in a workbook):",
    ),
    "ask_token_again": Text(
        "{1} 不接受原来的令牌（可能已过期或撤销）。请粘贴新的令牌：",
        "{1} no longer takes the token (expired or revoked). Paste a new one:",
    ),
    "ask_number": Text("请输入要下载的记录编号：", "Number of the record to download:"),
    "new_table": Text(
        "本工作簿还没有统计表。要新建一张工作表并填入数据集“{1}”吗？",
        "This workbook has no table of figures yet. Make a new sheet and fill it with the data set “{1}”?",
    ),
    # under way
    "sending": Text("正在提交 {1} ……", "Sending {1} …"),
    "refreshing": Text("正在刷新 {1} ……", "Refreshing {1} …"),
    # what became of it
    "accepted": Text("✔ 已接收，编号 {1}，第 {2} 版。", "✔ Accepted as {1}, revision {2}."),
    "warnings": Text("有 {1} 处提醒，请看标黄的单元格。", "{1} warning(s): see the yellow cells."),
    "rejected": Text(
        "✘ 未接收：{1} 处必须改正。出错的单元格已标红并附批注；改好后再按“提交”。",
        "✘ Not accepted: {1} error(s). The wrong cells are red and carry a note; correct them and press Submit again.",
    ),
    "check_fine": Text(
        "✔ 检查通过，可以提交。（本次只检查，没有提交）",
        "✔ Nothing is wrong; you can submit it. (Nothing was sent in.)",
    ),
    "check_errors": Text(
        "✘ {1} 处必须改正，已标红并附批注。（本次只检查，没有提交）",
        "✘ {1} error(s), marked red with a note. (Nothing was sent in.)",
    ),
    "fetched": Text("已下载 {1}：{2}", "Downloaded {1}: {2}"),
    "refreshed": Text("已刷新 {1} 张表。", "{1} table(s) refreshed."),
    "earlier_accepted": Text("先前未发出的“{1}”已接收，编号 {2}。", "“{1}”, unsent until now, was accepted as {2}."),
    "earlier_rejected": Text(
        "先前未发出的“{1}”未被接收，请打开它再按“提交”查看问题。",
        "“{1}”, unsent until now, was not accepted; open it and press Submit to see why.",
    ),
    "earlier_waits": Text(
        "先前未发出的“{1}”服务器暂时处理不了，仍在本机等待，下次再发。",
        "“{1}”, unsent until now, could not be dealt with; it still waits here and is tried again next time.",
    ),
    # on a report's cover, in its own words
    "as_of_begins": Text("截至 ", "As of "),
    "as_of": Text("截至 {1}，范围：全部", "As of {1}; period: all"),
    "origin": Text("数据集 {1}，{2} 行，截至 {3}，范围：全部。", "Data set {1}, {2} rows as of {3}, period: all."),
    # trouble
    "kept": Text(
        "表单已保存在本机（共 {1} 份待发），下次按“提交”时自动发出，不会重复。",
        "The form is kept on this machine ({1} waiting) and is sent the next time you press Submit, never twice.",
    ),
    "no_answer": Text(
        "连接不上服务器 {1}。请检查网络后再试。", "The server {1} cannot be reached. Check the network and try again."
    ),
    "not_trusted": Text(
        "服务器 {1} 的证书不可信，没有发送任何内容。请联系管理员，不要换网络硬发。",
        "The certificate of the server {1} is not trusted; nothing was sent. Tell your administrator.",
    ),
    "strange_answer": Text(
        "服务器 {1} 的回答无法识别（{2}）。请稍后再试，仍不行请联系管理员。",
        "The answer of the server {1} makes no sense ({2}). Try later, then tell your administrator.",
    ),
    "bad_server": Text("“{1}”不是服务器地址。", "“{1}” is no address of a server."),
    "failed": Text("没有完成：{1}", "This did not work: {1}"),
    "no_table": Text("本工作簿里没有可刷新的统计表。", "This workbook has no table of figures to refresh."),
    "sheet_locked": Text(
        "工作表“{1}”有密码保护，没有刷新。", "The sheet “{1}” is protected with a password; it was not refreshed."
    ),
    "table_strange": Text(
        "表“{1}”的列“{2}”不在数据集里，也没有公式，刷新会丢掉其中的内容；请移到表外或改成公式列。",
        "Column “{2}” of table “{1}” is neither in the data set nor calculated; refreshing would lose it. Move it out "
        "of the table or make it a formula.",
    ),
    "sheet_barred": Text(
        "工作表“{1}”有密码保护，没有在上面写入编号和标记；请记下以上内容。",
        "The sheet “{1}” is protected with a password: neither number nor marks were written on it; note the above.",
    ),
    "not_written": Text(
        "以上是服务器的答复，但没有全部写进工作簿（{1}）；请记下来。",
        "So the server answered, but not all of it could be written into the workbook ({1}); please note it down.",
    ),
    "pivots_old": Text(
        "表已刷新，但有数据透视表没有刷新，仍是旧数据：{1}",
        "The tables are refreshed, but a pivot table is not and still shows old figures: {1}",
    ),
    "table_failed": Text("表“{1}”没有刷新：{2}", "Table “{1}” was not refreshed: {2}"),
    # the list of findings and the notes, in the words of the marked copies
    "findings_title": TITLE,
    "note_heading": HEADING,
    "separator": Text(SEPARATOR, SEPARATOR),
    "severity_error": SEVERITIES[Severity.ERROR],
    "severity_warning": SEVERITIES[Severity.WARNING],
    **{f"column_{number}": label for number, (label, _) in enumerate(COLUMNS, start=1)},
}
