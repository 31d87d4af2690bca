Attribute VB_Name = "AftersheetWords"
' Every text people see, from the very hidden sheet AS__texts: column A the key, column B the text.
' So the sources hold no Chinese, which another code page would garble.
Option Explicit
Option Private Module

Private Const SheetName As String = "AS__texts"

Private known As Collection

Public Function Words(ByVal key As String, Optional ByVal first As Variant, Optional ByVal second As Variant, _
    Optional ByVal third As Variant) As String
    ' The text of a key, with {1}, {2} and {3} filled in; the key itself when it has none.
    Dim found As String
    If known Is Nothing Then ReadSheet
    found = key
    On Error Resume Next
    found = known.Item(key)
    On Error GoTo 0
    If Not IsMissing(first) Then found = Replace(found, "{1}", CStr(first))
    If Not IsMissing(second) Then found = Replace(found, "{2}", CStr(second))
    If Not IsMissing(third) Then found = Replace(found, "{3}", CStr(third))
    Words = found
End Function

Public Function Language() As String
    ' zh or en: which of the server's two texts to show.
    Language = Words("language")
End Function

Private Sub ReadSheet()
    Dim sheet As Object
    Dim row As Long
    Set known = New Collection
    On Error Resume Next
    Set sheet = ThisWorkbook.Worksheets(SheetName)
    On Error GoTo 0
    If sheet Is Nothing Then Exit Sub
    row = 1
    Do While Len(CStr(sheet.Cells(row, 1).Value)) > 0
        known.Add CStr(sheet.Cells(row, 2).Value), CStr(sheet.Cells(row, 1).Value)
        row = row + 1
    Loop
End Sub
