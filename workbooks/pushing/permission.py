"""Workbooks whose owner, or whose program, does not let others change them: refused before anything is read on."""

from lxml import etree

from workbooks.form import Text
from workbooks.ooxml.elements import true
from workbooks.ooxml.tables import PushError, Table
from workbooks.package import Package

_PASSWORDS = ("password", "hashValue")
_SIGNATURE = "origin"  # of digital signatures: the relationship of the whole package


def refuse_forbidden(package: Package) -> None:
    """
    Raises:
        PushError: The workbook is signed, marked as final, shared with tracked changes, or
            may be changed only with a password.
    """
    if any(package.related("", _SIGNATURE)) or any(name.startswith("_xmlsignatures/") for name in package.names()):
        raise PushError(
            Text(
                "这个工作簿有数字签名，改动后签名就失效了。请在 Excel 中（文件 > 信息）删除签名，刷新后再重新签。",
                "This workbook is digitally signed; any change breaks the signature. Remove it in Excel (File > Info), "
                "refresh, and sign again.",
            )
        )
    if _marked_as_final(package):
        raise PushError(
            Text(
                "这个工作簿已标记为最终版本，不应再改动。请在 Excel 中（文件 > 信息 > 保护工作簿）取消标记后再刷新。",
                "This workbook is marked as final and should not change. "
                "Take the mark off in Excel (File > Info > Protect Workbook), then refresh.",
            )
        )
    if package.related(package.workbook, "revisionHeaders"):
        raise PushError(
            Text(
                "这是带修订记录的共享工作簿，可能有几个人正在编辑。"
                "请在 Excel 中（审阅 > 共享工作簿）取消共享后再刷新。",
                "This is a shared workbook with tracked changes; several people may be at it. "
                "Stop sharing it in Excel (Review > Share Workbook), then refresh.",
            )
        )
    sharing = package.xml(package.workbook).find("{*}fileSharing")
    if sharing is not None and _locked(sharing, "reservationPassword"):
        raise PushError(
            Text(
                "这个工作簿设有修改密码。请在 Excel 中另存时（工具 > 常规选项）去掉修改密码后再刷新。",
                "This workbook asks for a password to modify it. Take it off when saving (Tools > General Options), "
                "then refresh.",
            )
        )


def refuse_protected(skeleton: etree._Element, table: Table) -> None:
    """
    Raises:
        PushError: The table's sheet is protected by a password.
    """
    protection = skeleton.find("{*}sheetProtection")
    if protection is not None and true(protection.get("sheet")) and _locked(protection):
        title = table.sheet.title
        raise PushError(
            Text(
                f"工作表“{title}”用密码保护着，表“{table.name}”的行不能改。"
                "请在 Excel 中（审阅 > 撤消工作表保护）取消后再刷新。",
                f"Sheet “{title}” is protected by a password, so the rows of table “{table.name}” may not change. "
                "Unprotect it in Excel (Review > Unprotect Sheet), then refresh.",
            )
        )


def _locked(element: etree._Element, *more: str) -> bool:
    return any(element.get(name) for name in (*_PASSWORDS, *more))


def _marked_as_final(package: Package) -> bool:
    for part in package.related("", "custom-properties").values():
        for field in package.xml(part).iterfind("{*}property[@name='_MarkAsFinal']"):
            return "".join(map(str, field.itertext())).strip().lower() in ("true", "1")
    return False
