Attribute VB_Name = "AftersheetFindings"
' The sheet that lists what was found, with links that jump to the cells. The server's marked copies have the
' same sheet under the same hidden name AS__findings, so there is never a second one.
Option Explicit
Option Private Module

Private Const OwnName As String = "AS__findings"
Private Const ColumnCount As Long = 7
Private Const FirstRow As Long = 5

Public Function WhatIsWrong(ByVal finding As Collection) As String
    WhatIsWrong = AftersheetJson.Text(AftersheetJson.Inner(finding, "what"), Language())
End Function

Public Function WhatToDo(ByVal finding As Collection) As String
    WhatToDo = AftersheetJson.Text(AftersheetJson.Inner(finding, "fix"), Language())
End Function

Public Function Errors(ByVal findings As Collection) As Long
    Dim at As Long
    Dim found As Long
    For at = 1 To AftersheetJson.Count(findings)
        If AftersheetJson.Text(findings.Item(at), "severity") = "error" Then found = found + 1
    Next at
    Errors = found
End Function

Public Sub ListAll(ByVal findings As Collection, ByVal verdict As String)
    ' List findings; without any, say so on the sheet if there is one from before.
    Dim sheet As Object
    Dim shown As Object
    Dim at As Long
    Set shown = ThisWorkbook.ActiveSheet
    Set sheet = OwnSheet()
    If sheet Is Nothing And AftersheetJson.Count(findings) = 0 Then Exit Sub
    If sheet Is Nothing Then Set sheet = NewSheet()
    If sheet Is Nothing Then Exit Sub ' the workbook's structure is protected; the notes say the same
    Clear sheet
    sheet.Cells(1, 1).Value = Words("findings_title")
    sheet.Cells(1, 1).Font.Size = 18
    sheet.Cells(1, 1).Font.Bold = True
    sheet.Cells(2, 1).Value = Replace(verdict, vbLf, " ")
    sheet.Cells(2, 1).Font.Bold = True
    If AftersheetJson.Count(findings) > 0 Then
        For at = 1 To ColumnCount
            sheet.Cells(FirstRow - 1, at).Value = Words("column_" & at)
        Next at
        Adorn sheet, findings.Count
    End If
    For at = 1 To AftersheetJson.Count(findings)
        ShowOne sheet, findings.Item(at), at
    Next at
    FitRows sheet, FirstRow - 1 + AftersheetJson.Count(findings)
    If Errors(findings) > 0 Then
        sheet.Activate
    Else
        shown.Activate
    End If
End Sub

Private Sub ShowOne(ByVal sheet As Object, ByVal finding As Collection, ByVal number As Long)
    Dim row As Long
    Dim area As Object
    row = FirstRow - 1 + number
    sheet.Cells(row, 1).Value = number
    sheet.Cells(row, 2).Value = Words("severity_" & AftersheetJson.Text(finding, "severity"))
    sheet.Cells(row, 3).Value = AftersheetJson.Text(finding, "sheet")
    sheet.Cells(row, 4).Value = AftersheetJson.Text(finding, "cell")
    sheet.Cells(row, 5).Value = AftersheetJson.Text(AftersheetJson.Inner(finding, "label"), Language())
    sheet.Cells(row, 6).Value = WhatIsWrong(finding)
    sheet.Cells(row, 7).Value = WhatToDo(finding)
    Set area = AftersheetMarks.Target(finding)
    If area Is Nothing Then Exit Sub
    On Error Resume Next ' a link less is no reason to list nothing
    sheet.Hyperlinks.Add sheet.Cells(row, 4), "", "'" & Replace(area.Worksheet.Name, "'", "''") & "'!" _
        & area.Cells(1, 1).Address(False, False), "", AftersheetJson.Text(finding, "cell")
    On Error GoTo 0
End Sub

Private Function OwnSheet() As Object
    ' A sheet that holds the form itself is never it, whatever the name says.
    Dim cell As Object
    Dim form As Object
    Set OwnSheet = Nothing
    Set cell = AftersheetForm.Place(OwnName)
    If cell Is Nothing Then Exit Function
    Set form = AftersheetForm.Place("AS__number")
    If Not form Is Nothing Then
        If form.Worksheet.Name = cell.Worksheet.Name Then Exit Function
    End If
    Set OwnSheet = cell.Worksheet
End Function

Private Function NewSheet() As Object
    Dim made As Object
    Dim at As Long
    Set made = Nothing
    On Error Resume Next
    Set made = ThisWorkbook.Worksheets.Add(, ThisWorkbook.Worksheets(ThisWorkbook.Worksheets.Count))
    If Not made Is Nothing Then
        made.Name = Words("findings_title")
        For at = 2 To 9
            If made.Name = Words("findings_title") Then Exit For
            made.Name = Words("findings_title") & " (" & at & ")"
            If InStr(made.Name, "(" & at & ")") > 0 Then Exit For
        Next at
        AftersheetForm.Say OwnName, "='" & made.Name & "'!$A$1"
        made.PageSetup.Orientation = 2 ' xlLandscape
        made.PageSetup.Zoom = False
        made.PageSetup.FitToPagesWide = 1
        made.PageSetup.FitToPagesTall = False
    End If
    On Error GoTo 0
    Set NewSheet = made
End Function

Private Sub Clear(ByVal sheet As Object)
    On Error Resume Next
    sheet.Unprotect ""
    sheet.Hyperlinks.Delete
    sheet.Cells.UnMerge
    sheet.Cells.Clear
    sheet.UsedRange.EntireRow.AutoFit
    On Error GoTo 0
End Sub

Private Sub FitRows(ByVal sheet As Object, ByVal last As Long)
    ' Rows with a height from before do not grow with their text.
    On Error Resume Next
    sheet.Range(sheet.Cells(1, 1), sheet.Cells(last, ColumnCount)).EntireRow.AutoFit
    On Error GoTo 0
End Sub

Private Sub Adorn(ByVal sheet As Object, ByVal rows As Long)
    ' Text everywhere, so that no answer of somebody's becomes a formula; widths as on the server's sheet.
    Dim widths As Variant
    Dim at As Long
    Dim area As Object
    widths = Array(6, 10, 17, 9, 20, 44, 44)
    Set area = sheet.Range(sheet.Cells(FirstRow - 1, 1), sheet.Cells(FirstRow - 1 + rows, ColumnCount))
    area.NumberFormat = "@"
    area.WrapText = True
    area.VerticalAlignment = -4108 ' xlCenter
    area.Borders.LineStyle = 1 ' xlContinuous
    area.Borders.Color = RGB(211, 217, 226)
    For at = 1 To ColumnCount
        sheet.Columns(at).ColumnWidth = widths(at - 1)
    Next at
    Set area = sheet.Range(sheet.Cells(FirstRow - 1, 1), sheet.Cells(FirstRow - 1, ColumnCount))
    area.Font.Bold = True
    area.Interior.Color = RGB(232, 238, 247)
End Sub
