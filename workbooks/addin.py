"""The add-in whose ribbon buttons run Python: our macros, xlwings' RunPython and a sheet of settings, as .xlam."""

import re
from collections.abc import Mapping
from importlib.resources import files
from xml.sax.saxutils import escape

from workbooks.form import Language, Text
from workbooks.ooxml.book import WORKSHEET_TYPE
from workbooks.ooxml.cells import text_content
from workbooks.package import RELATION_NS, SHEET_NS, Package
from workbooks.vba.project import document_module, standard_module, vba_project

SHEET = "aftersheet.conf"
ADDIN_TYPE = "application/vnd.ms-excel.addin.macroEnabled.main+xml"
RIBBON = "customUI/customUI14.xml"

_MACROS = "AftersheetAddin.bas"
_PROJECT_TYPE = "application/vnd.ms-office.vbaProject"
_PROJECT_RELATION = "http://schemas.microsoft.com/office/2006/relationships/vbaProject"
_RIBBON_NS = "http://schemas.microsoft.com/office/2009/07/customui"
_RIBBON_RELATION = "http://schemas.microsoft.com/office/2007/relationships/ui/extensibility"
# Where xlwings' module looks for its settings: ours takes their place, see the comment there.
_SETTINGS = re.compile(
    r'#If App = "Microsoft Excel" Then\n(?P<sheet>Function GetConfigFromSheet\(.*?^End Function\n)#End If\n+'
    r"(?P<any>Function GetConfig\(.*?^End Function\n)",
    re.DOTALL | re.MULTILINE,
)
_SETTINGS_ELSEWHERE = "' (GetConfig stands in the module AftersheetAddin. Changed by Aftersheet.)\n"
_LICENCE = ("BSD 3-clause license", "Copyright (C)", "Redistributions in binary form must reproduce")

_BUTTONS = (
    # action, Office's picture, label, what it does
    (
        "Submit", "FileSendAsAttachment", Text("提交", "Submit"),
        Text("把当前工作簿发给服务器，编号或错误写回来。", "Send this workbook; number or mistakes come into it."),
    ),
    (
        "Refresh", "DataRefreshAll", Text("刷新统计", "Refresh"),
        Text("刷新当前工作簿里的数据表和透视表。", "Put the newest rows into this workbook's tables and pivots."),
    ),
    (
        "Status", "FileProperties", Text("状态", "Status"),
        Text("当前工作簿的编号、版次和待发送的副本。", "Number and revision of this workbook; what waits to be sent."),
    ),
)  # fmt: skip
_TEXTS = {
    "NO_WORKBOOK": Text("没有打开的工作簿。", "No workbook is open."),
    "STRANGE_NAME": Text(
        "文件名或文件夹名里有特殊符号（$ ` \\ | 引号），请改名后再试。",
        "There are special characters ($ ` \\ | quotes) in the name of the file or its folder. Rename it first.",
    ),
}


class AddinError(ValueError):
    """xlwings' module is not the one this add-in was written for."""


def build_addin(run_python: str, interpreter: str, language: Language = "zh") -> bytes:
    """
    The add-in as .xlam bytes: the same arguments give the same bytes.

    *run_python* is the source of xlwings' module for custom add-ins, which keeps its licence;
    *interpreter* the path of the Python that has Aftersheet and xlwings.

    Raises:
        AddinError: *run_python* is another module, or one whose settings cannot be replaced.
    """
    macros = (files("vba_stubs") / "addin" / _MACROS).read_bytes().decode("ascii")
    settings = {
        "INTERPRETER_WIN": interpreter,
        "INTERPRETER_MAC": interpreter,
        "ADD_WORKBOOK_TO_PYTHONPATH": "false",  # the folder of a workbook is nobody's place for programs
        "SHOW_ERROR_POPUPS": "True",
    } | {key: text[language] for key, text in _TEXTS.items()}
    modules = [
        document_module("ThisWorkbook", workbook=True),
        document_module("Sheet1"),
        standard_module(macros),
        standard_module(own_settings(run_python)),
    ]
    return _package(settings, vba_project(modules), language)


def own_settings(run_python: str) -> str:
    """
    xlwings' module without its own way to settings: what asks the active workbook goes, everything else stays.

    Raises:
        AddinError: The module is not as expected.
    """
    source = "\n".join(run_python.splitlines()) + "\n"
    if any(words not in source for words in _LICENCE) or "Public Function RunPython(" not in source:
        raise AddinError("this is not xlwings' module for custom add-ins")
    changed, count = _SETTINGS.subn(lambda _: _SETTINGS_ELSEWHERE, source)
    if count != 1 or re.search(r"GetConfigFromSheet|As Dictionary\b", changed):
        raise AddinError("xlwings' settings are not where they were in version 0.37")
    return changed.replace('PROJECT_NAME As String = "myaddin"', 'PROJECT_NAME As String = "aftersheet"')


def _package(settings: Mapping[str, str], project: bytes, language: Language) -> bytes:
    package = Package.empty()
    workbook, sheet, macros = "xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/vbaProject.bin"
    package.put(sheet, _settings_sheet(settings))
    package.put(macros, project)
    package.put(RIBBON, _ribbon(language).encode())
    package.relate("", f"{RELATION_NS}/officeDocument", workbook)
    package.relate("", _RIBBON_RELATION, RIBBON)
    key = package.relate(workbook, f"{RELATION_NS}/worksheet", sheet)
    package.relate(workbook, _PROJECT_RELATION, macros)
    package.put(
        workbook,
        f'<workbook xmlns="{SHEET_NS}" xmlns:r="{RELATION_NS}"><workbookPr codeName="ThisWorkbook"/>'
        f'<sheets><sheet name="{SHEET}" sheetId="1" r:id="{key}"/></sheets></workbook>'.encode(),
    )
    package.set_content_type(workbook, ADDIN_TYPE)
    package.set_content_type(sheet, WORKSHEET_TYPE)
    package.set_content_type(macros, _PROJECT_TYPE)
    package.set_content_type(RIBBON, "application/xml")
    return package.save()


def _settings_sheet(settings: Mapping[str, str]) -> bytes:
    rows = "".join(
        f'<row r="{row}">{_cell(f"A{row}", key)}{_cell(f"B{row}", value)}</row>'
        for row, (key, value) in enumerate(settings.items(), start=1)
    )
    return (
        f'<worksheet xmlns="{SHEET_NS}"><sheetPr codeName="Sheet1"/><sheetData>{rows}</sheetData></worksheet>'.encode()
    )


def _cell(address: str, text: str) -> str:
    return f'<c r="{address}" t="inlineStr"><is><t xml:space="preserve">{escape(text_content(text))}</t></is></c>'


def _ribbon(language: Language) -> str:
    buttons = "".join(
        f'<button id="Aftersheet{action}" label="{label[language]}" imageMso="{picture}" size="large" '
        f'onAction="AftersheetDesk{action}" screentip="{label[language]}" supertip="{tip[language]}"/>'
        for action, picture, label, tip in _BUTTONS
    )
    group = Text("服务器", "Server")[language]
    return (
        f'<customUI xmlns="{_RIBBON_NS}"><ribbon><tabs><tab id="AftersheetTab" label="Aftersheet">'
        f'<group id="AftersheetServer" label="{group}">{buttons}</group></tab></tabs></ribbon></customUI>'
    )
