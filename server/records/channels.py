"""The ways in which submissions come, as people call them."""

from collections.abc import Mapping

from workbooks.form import Text

CHANNELS: Mapping[str, Text] = {
    "web": Text("网页", "Web page"),
    "api": Text("接口", "API"),
    "cli": Text("命令行", "Command line"),
    "mail": Text("邮件", "E-mail"),
    "folder": Text("文件夹", "Folder"),
    "desk": Text("Excel", "Excel"),
    "demo": Text("演示数据", "Demo data"),
}
