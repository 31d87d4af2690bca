"""What takes the place of the network and of the person where LibreOffice runs the macros."""

# The server's answer comes from answer.txt in HOME (status, then the body percent-encoded); requests are noted.
WEB = """Attribute VB_Name = "AftersheetWeb"
Option Explicit
Option Private Module

Public Function Send(ByVal method As String, ByVal address As String, ByVal token As String, ByVal key As String, _
    ByVal bodyPath As String, ByVal savePath As String, ByRef answer As String) As Long
    Dim lines As Variant
    Dim number As Integer
    number = FreeFile
    Open Environ$("HOME") & "/requests.txt" For Append As #number
    Print #number, method & " " & address & " " & token & " " & key & " " & bodyPath
    Close #number
    lines = AftersheetFiles.ReadLines(Environ$("HOME") & "/answer.txt")
    answer = AftersheetText.UrlDecode(lines(1))
    Send = Val(lines(0))
End Function
"""
# What is told is noted in said.txt; questions are answered with yes and with nothing.
DESK = """Attribute VB_Name = "AftersheetDesk"
Option Explicit
Option Private Module

Public Sub Tell(ByVal message As String)
    Note "tell", message
End Sub

Public Sub Warn(ByVal message As String)
    Note "warn", message
End Sub

Public Function Agrees(ByVal question As String) As Boolean
    Agrees = True
End Function

Public Function Ask(ByVal question As String) As String
    Ask = ""
End Function

Public Function Remembered(ByVal section As String, ByVal key As String) As String
    Remembered = section & "-of-" & key
End Function

Public Sub Remember(ByVal section As String, ByVal key As String, ByVal value As String)
End Sub

Public Sub Pause(ByVal seconds As Long)
End Sub

Private Sub Note(ByVal kind As String, ByVal message As String)
    Dim number As Integer
    number = FreeFile
    Open Environ$("HOME") & "/said.txt" For Append As #number
    Print #number, kind & " " & AftersheetText.UrlEncode(message)
    Close #number
End Sub
"""
# LibreOffice passes over #If and would take the Mac's declarations for code.
MAC = """Attribute VB_Name = "AftersheetMac"
Option Explicit
Option Private Module

Public Function Send(ByVal method As String, ByVal address As String, ByVal token As String, ByVal key As String, _
    ByVal bodyPath As String, ByVal mediaType As String, ByVal savePath As String, ByRef answer As String) As Long
    Send = 0
End Function
"""


def mac_settings(source: str) -> str:
    """Of the Mac's module what makes curl's settings: it is Basic that runs anywhere."""
    lines = source.split("\r\n")
    words = ("Function Options(", "Function Ran(")
    start, end = (next(number for number, line in enumerate(lines) if word in line) for word in words)
    return "\n".join([lines[0], "Option Explicit", *lines[start:end]]).replace("Private Function", "Public Function")


def probe(expressions: list[str]) -> str:
    """A module with a function P0, P1 ... per expression, which returns its value, or the error in words."""
    functions = (
        f"Public Function P{number}() As Variant\n    On Error GoTo Failed\n    P{number} = {expression}\n"
        f'    Exit Function\nFailed:\n    P{number} = "error " & Err.Description\nEnd Function\n'
        for number, expression in enumerate(expressions)
    )
    return 'Attribute VB_Name = "Probe"\nOption Explicit\n\n' + "\n".join(functions)
