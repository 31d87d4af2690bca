Attribute VB_Name = "AftersheetDesk"
' The person at this machine: what is told and asked, and what the machine remembers between workbooks.
' The token stays here (registry of the user, on a Mac the preferences), one per server; no workbook holds it.
Option Explicit
Option Private Module

Private Const Program As String = "Aftersheet"

Public Sub Tell(ByVal message As String)
    Box message, vbInformation
End Sub

Public Sub Warn(ByVal message As String)
    Box message, vbExclamation
End Sub

Public Function Agrees(ByVal question As String) As Boolean
    Agrees = (Box(question, vbQuestion + vbYesNo) = vbYes)
End Function

Public Function Ask(ByVal question As String) As String
    ' What is typed; empty when the person cancels. Excel's own box shows every language.
    Dim typed As Variant
    typed = Application.InputBox(question, Program, , , , , , 2)
    Ask = ""
    If VarType(typed) = vbString Then Ask = Trim$(typed)
End Function

Public Function Remembered(ByVal section As String, ByVal key As String) As String
    Remembered = GetSetting(Program, section, key, "")
End Function

Public Sub Remember(ByVal section As String, ByVal key As String, ByVal value As String)
    SaveSetting Program, section, key, value
End Sub

Public Sub Pause(ByVal seconds As Long)
    Application.Wait Now + TimeSerial(0, 0, seconds)
End Sub

Private Function Box(ByVal message As String, ByVal style As Long) As Long
    ' MsgBox only knows the letters of Windows' own code page; where it lacks some, Windows Script Host's does not.
    Dim host As Object
    Set host = Nothing
    On Error Resume Next
    If StrConv(StrConv(message, vbFromUnicode), vbUnicode) <> message Then Set host = CreateObject("WScript.Shell")
    On Error GoTo 0
    If host Is Nothing Then
        Box = MsgBox(message, style, Program)
    Else
        Box = host.Popup(message, 0, Program, style + 4096) ' on top: the box does not belong to Excel's window
    End If
End Function
