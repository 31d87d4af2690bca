"""Why a workbook cannot be checked against the database, in words."""

from workbooks.form import Text


class CannotVerify(Exception):
    """The workbook cannot be checked; *message* says why and what to do."""

    def __init__(self, message: Text) -> None:
        super().__init__(message.en)
        self.message = message


def no_stamp() -> Text:
    return Text(
        "这个工作簿没有本系统的印记，无法核对。只能核对由本系统生成的报表；"
        "自己的工作簿可用 aftersheet verify --dataset 核对一个表。",
        "This workbook has no stamp of ours, so it cannot be checked. Reports built here have one; a table of a "
        "workbook of your own can be checked with aftersheet verify --dataset.",
    )


def not_yours() -> Text:
    return Text(
        "这份报表是按其他人的数据权限生成的，您无权核对。请由生成人或可见全部数据的人核对。",
        "This report was built in the scope of somebody else. Let them, or somebody who sees everything, check it.",
    )


def out_of_offer(name: str, period: str) -> Text:
    return Text(
        f"本系统已没有“{name} {period}”这种报表或数据集，无法重新计算。",
        f"There is no report or data set “{name} {period}” here any more, so it cannot be derived again.",
    )


def too_much() -> Text:
    return Text(
        "工作簿太大或太复杂，读取时超出了时间或内存限制。",
        "The workbook is too large or too complex: time or memory ran out while it was read.",
    )


def unreadable() -> Text:
    return Text(
        "文件的某一部分与格式不符，无法读取。请在 Excel 中打开、另存为 .xlsx 后再试。",
        "A part of the file is not as it should be. Open it in Excel, save it as .xlsx and try again.",
    )
