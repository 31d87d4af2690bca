Attribute VB_Name = "AftersheetAddin"
' The add-in's ribbon buttons: each runs a Python function on the active workbook, through xlwings' RunPython.
' Settings and texts stand on this add-in's own sheet. Errors are shown by Python, in a box of its own.
Option Explicit

Private Const Settings As String = "aftersheet.conf"
Private Const Functions As String = "server.desk.buttons"

Public Sub AftersheetDeskSubmit(ByVal control As Object)
    RunButton "submit"
End Sub

Public Sub AftersheetDeskRefresh(ByVal control As Object)
    RunButton "refresh"
End Sub

Public Sub AftersheetDeskStatus(ByVal control As Object)
    RunButton "status"
End Sub

Public Function GetConfig(configKey As String, Optional default As String = "", Optional source As String = "") As Variant
    ' Takes the place of the function in xlwings' module. That one asks the active workbook and its folder first,
    ' so that a workbook from a stranger could say which program the button starts.
    Dim sheet As Worksheet
    Dim row As Long
    GetConfig = default
    Set sheet = ThisWorkbook.Worksheets(Settings)
    row = 1
    Do While Len(CStr(sheet.Cells(row, 1).Value)) > 0
        If CStr(sheet.Cells(row, 1).Value) = configKey Then GetConfig = CStr(sheet.Cells(row, 2).Value)
        row = row + 1
    Loop
End Function

Private Sub RunButton(ByVal action As String)
    If ActiveWorkbook Is Nothing Then
        MsgBox GetConfig("NO_WORKBOOK"), vbExclamation, "Aftersheet"
    ElseIf Not CanBePassedOn(ActiveWorkbook.FullName) Then
        MsgBox GetConfig("STRANGE_NAME"), vbExclamation, "Aftersheet"
    Else
        RunPython "from " & Functions & " import " & action & "; " & action & "()"
    End If
End Sub

Private Function CanBePassedOn(ByVal fullName As String) As Boolean
    ' The name becomes part of a command line; a shell on a Mac would run what stands between these letters.
    Dim at As Long
    CanBePassedOn = True
    For at = 1 To Len(fullName)
        Select Case Mid$(fullName, at, 1)
        Case """", "`", "|", vbCr, vbLf
            CanBePassedOn = False
        #If Mac Then
        Case "$", "\"
            CanBePassedOn = False
        #End If
        End Select
    Next at
End Function
