"""Chinese for what is said of a form.yaml: its authors are people of the service department, not programmers."""

import re

from workbooks.form import Text

_CHINESE: tuple[tuple[str, str], ...] = (
    (r"String should match pattern '\^\[a-z\].*", "只能用小写字母、数字和下划线，以字母开头"),
    (r"Input should be (?P<choices>'.+)", "只能是 {choices}"),
    (r"Input should be a valid (?:boolean|bool).*", "只能写 true 或 false"),
    (r"Input should be a valid integer.*", "应为整数"),
    (r"Input should be a valid string.*", "应为文字"),
    (r"Unexpected keyword argument|Extra inputs are not permitted", "没有这个键，请核对拼写和位置"),
    (r"Field required|Missing required .*", "缺少这一项"),
    (r"no field is called (?P<name>'.*')", "没有名为 {name} 的字段；字段改了名，这里也要改"),
    (r"two (?:items|fields) are called (?P<name>'.*')", "有两个字段都叫 {name}"),
    (r"two choices are called (?P<name>'.*')", "有两个选项都叫 {name}"),
    (r"a (?P<type>\w+) needs choices or master", "类型 {type} 需要写 choices 或 master"),
    (r"(?P<part>'[^']*') is not part of a formula, at character (?P<place>\d+) of (?P<formula>.*)",
     "既不是 true、false，也不是公式：{formula} 的第 {place} 个字符 {part} 无法理解"),
    (r"not saved as UTF-8.*", "文件不是 UTF-8 编码；在记事本里“另存为”，编码选 UTF-8"),
    (r"tabs cannot indent.*", "缩进用了 Tab 键；请改用空格，与上一行对齐"),
    (r"not in the form of YAML: (?P<what>.*)",
     "写法不对，多半在这一行或上一行：冒号要用半角“:”并在后面加一个空格，同级的行要对齐（{what}）"),
)  # fmt: skip


def mistake(message: str) -> Text:
    """*message* of a definition's reader, "key: what is wrong", zh and en; what has no Chinese stays."""
    before, colon, what = "", "", message
    while True:
        for pattern, chinese in _CHINESE:
            if found := re.fullmatch(pattern, what):
                return Text(f"{before}{colon}{chinese.format(**found.groupdict())}", message)
        head, colon_here, rest = what.partition(": ")
        if not colon_here:
            return Text(message, message)
        before, colon, what = f"{before}{colon}{head}", "：", rest
