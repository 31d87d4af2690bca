"""Workbooks that must not be changed are refused with the reason and what to do."""

from io import BytesIO

import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from tests.workbooks.test_push import cases, edited, refused, workbook
from workbooks.package import Package
from workbooks.push import push

BOOK, SHEET = "xl/workbook.xml", "xl/worksheets/sheet1.xml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def protected(password):
    return workbook(extra=lambda book, sheet, summary: sheet.protect(password))


def signed():
    package = Package(workbook())
    package.put("_xmlsignatures/origin.sigs", b"")
    package.relate("", f"{PACKAGE}/digital-signature/origin", "_xmlsignatures/origin.sigs")
    return package.save()


def final():
    return workbook(extra=lambda book, sheet, summary: book.set_custom_property("_MarkAsFinal", True))


def shared():
    package = Package(workbook())
    package.put("xl/revisions/revisionHeaders.xml", b"<headers/>")
    package.relate(BOOK, f"{OFFICE}/revisionHeaders", "xl/revisions/revisionHeaders.xml")
    return package.save()


def only_to_read_without_a_password():
    return edited(
        workbook(), BOOK, ("<workbookPr", '<fileSharing userName="x" reservationPassword="CC1A"/><workbookPr')
    )


def encrypted():
    out = BytesIO()
    OOXMLFile(BytesIO(workbook())).encrypt("secret", out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "zh", "en"),
    [
        (protected("secret"), "撤消工作表保护", "Unprotect Sheet"),
        (signed(), "签名", "signed"),
        (final(), "最终版本", "final"),
        (shared(), "共享", "shared"),
        (only_to_read_without_a_password(), "修改密码", "password to modify"),
        (encrypted(), "打开密码", "encrypted"),
    ],
)
def test_what_must_not_be_changed_is_refused(content, zh, en):
    """Each with its own words."""
    message = refused(content, cases(2))

    assert zh in message.zh
    assert en in message.en


def test_protection_without_a_password_is_kept_and_no_obstacle():
    """It keeps people from mistyping; whoever may unprotect may refresh. So is a locked structure: no sheet changes."""
    soft = protected("")
    structure = '<workbookProtection workbookPassword="CC1A" lockStructure="1"/>'
    locked = edited(workbook(), BOOK, ("<bookViews>", f"{structure}<bookViews>"))

    assert b"<sheetProtection" in Package(push(soft, cases(2)).content).read(SHEET)
    assert BOOK not in push(edited(locked, BOOK, (' fullCalcOnLoad="1"', "")), cases(2)).changed_parts
