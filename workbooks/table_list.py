"""What tables a workbook has, for people who choose what goes into them; run in a child process."""

from dataclasses import replace

from lxml import etree

from workbooks.form import Text
from workbooks.guard import inspect
from workbooks.ooxml.tables import PushError, Table, tables
from workbooks.package import Package, PackageError
from workbooks.refusal import DEFAULT_LIMITS, Refused

_DAMAGED = (PackageError, etree.XMLSyntaxError, ValueError, LookupError)  # what a damaged part makes of us


def list_tables(content: bytes) -> tuple[Table, ...]:
    """
    The Excel tables of the workbook *content*, in the order of its sheets.

    Raises:
        PushError: It is no sound .xlsx or .xlsm; the message says what it is and what to do.
    """
    try:
        return tuple(tables(Package(content)))
    except _DAMAGED as error:
        raise PushError(unreadable(content)) from error


def unreadable(content: bytes) -> Text:
    """Why *content* cannot be read, and what to do."""
    try:
        inspect(content, replace(DEFAULT_LIMITS, upload=len(content)))
    except Refused as refused:
        zh, en = refused.finding.what("zh"), refused.finding.what("en")
    else:
        zh, en = "文件已损坏或不完整，无法读取。", "The file is damaged or incomplete."
    return Text(f"{zh}请在 Excel 中另存为 .xlsx 后再试。", f"{en} Save it as .xlsx in Excel and try again.")
