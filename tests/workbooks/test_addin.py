"""The add-in with the ribbon buttons: built from our macros and the installed xlwings' own module."""

import re
import warnings
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from python_calamine import CalamineWorkbook

from tests.libreoffice import Office
from tests.validity import assert_valid
from workbooks import desk
from workbooks.addin import AddinError, build_addin, own_settings

PYTHON = r"C:\Users\王伟\venv\Scripts\python.exe"


@pytest.fixture(scope="module")
def module() -> str:
    """xlwings' module for custom add-ins, as it is installed."""
    return desk.run_python().module.read_text("utf-8")


@pytest.fixture(scope="module")
def addin(module: str) -> bytes:
    return build_addin(module, PYTHON)


def macros(content: bytes) -> dict[str, str]:
    """What olevba finds: the sources by module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its grammars use what pyparsing has renamed
        from oletools.olevba import VBA_Parser
    parser = VBA_Parser("Aftersheet.xlam", data=content)
    try:
        return {name.removesuffix(".bas"): code for _, _, name, code in parser.extract_macros()}
    finally:
        parser.close()


def test_the_same_xlwings_gives_the_same_bytes(module: str, addin: bytes):
    """Reproducible, and a workbook by Microsoft's own rules."""
    assert build_addin(module, PYTHON) == addin
    assert_valid(addin)


def test_xlwings_module_is_there_with_its_licence(module: str, addin: bytes):
    """All of it but the way to its settings; the notice the BSD licence asks for stands on top."""
    ours = macros(addin)["xlwings"].replace("\r\n", "\n")
    head = module.replace("\r\n", "\n").partition("#If VBA7")[0].partition("\n")[2]
    functions = re.compile(r"^(?:Public |Private )?(?:Function|Sub) (\w+)", re.MULTILINE)

    assert head.strip() in ours
    assert set(functions.findall(module)) - set(functions.findall(ours)) == {"GetConfig", "GetConfigFromSheet"}


def test_a_workbook_cannot_say_which_program_runs(addin: bytes):
    """Settings come from the add-in's own sheet; no folder of a workbook becomes a place for Python modules."""
    ours, theirs = macros(addin)["AftersheetAddin"], macros(addin)["xlwings"]
    own = re.search(r"Function GetConfig\(.*?End Function", ours, re.DOTALL)
    rows = CalamineWorkbook.from_filelike(BytesIO(addin)).get_sheet_by_name("aftersheet.conf").to_python()
    settings = {row[0]: row[1] for row in rows}

    assert own is not None
    assert "ThisWorkbook.Worksheets" in own[0]
    assert "ActiveWorkbook" not in own[0]
    assert not re.search(r"GetConfigFromSheet|ActiveWorkbook, PROJECT_NAME", theirs)
    assert settings["ADD_WORKBOOK_TO_PYTHONPATH"] == "false"
    assert (settings["INTERPRETER_WIN"], settings["INTERPRETER_MAC"]) == (PYTHON, PYTHON)


def test_every_button_has_its_macro(addin: bytes):
    """The ribbon calls what there is, and the macros name functions that there are."""
    from server.desk import buttons

    with ZipFile(BytesIO(addin)) as package:
        ribbon = ElementTree.fromstring(package.read("customUI/customUI14.xml"))
    called = [element.get("onAction") for element in ribbon.iter() if element.get("onAction")]
    source = macros(addin)["AftersheetAddin"]

    assert called == ["AftersheetDeskSubmit", "AftersheetDeskRefresh", "AftersheetDeskStatus"]
    for name in called:
        action = re.search(rf'Public Sub {name}\(ByVal control As Object\)\s+RunButton "(\w+)"', source)
        assert action is not None
        assert callable(getattr(buttons, action[1]))


def test_the_macros_are_plain_ascii(addin: bytes):
    """No code page can garble them; what people read stands on the sheet."""
    assert all(source.isascii() for source in macros(addin).values())


@pytest.mark.parametrize(
    "change",
    [
        lambda source: "Sub Nothing()\nEnd Sub\n",
        lambda source: source.replace("Function GetConfig(", "Function ReadConfig("),
        lambda source: source.replace("BSD 3-clause license", "licence"),
    ],
)
def test_another_xlwings_is_refused(module: str, change):
    """Rather than an add-in whose settings come from anywhere."""
    with pytest.raises(AddinError):
        own_settings(change(module))


RUN_PYTHON = """\
Attribute VB_Name = "xlwings"
' BSD 3-clause license, Copyright (C), Redistributions in binary form must reproduce: a double that notes the command.
Public Function RunPython(PythonCommand As String)
    ThisWorkbook.Worksheets("aftersheet.conf").Cells(20, 1).Value = PythonCommand
End Function

Public Function Pressed() As String
    AftersheetAddin.AftersheetDeskRefresh Nothing
    Pressed = CStr(ThisWorkbook.Worksheets("aftersheet.conf").Cells(20, 1).Value)
End Function

Public Function Known() As String
    Known = AftersheetAddin.GetConfig("INTERPRETER_WIN") & AftersheetAddin.GetConfig("NONE", "-")
End Function

#If App = "Microsoft Excel" Then
Function GetConfigFromSheet(wb As Workbook)
End Function
#End If

Function GetConfig(configKey As String)
End Function
"""


def test_our_macros_run(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Compiled and run by LibreOffice, with a double for xlwings' module: the button's command, the own settings."""
    monkeypatch.setattr("workbooks.addin.ADDIN_TYPE", "application/vnd.ms-excel.sheet.macroEnabled.main+xml")
    path = tmp_path / "addin.xlsm"
    path.write_bytes(build_addin(RUN_PYTHON, PYTHON))
    office("open_with_macros", path)

    assert office("call", "Aftersheet", "xlwings.Pressed") == "from server.desk.buttons import refresh; refresh()"
    assert office("call", "Aftersheet", "xlwings.Known") == f"{PYTHON}-"
