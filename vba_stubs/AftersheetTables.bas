Attribute VB_Name = "AftersheetTables"
' Statistics into the tables of this workbook. AS__dataset_<table> names the dataset of a table; a workbook
' without tables says in AS__dataset which dataset it can be given.
Option Explicit
Option Private Module

Private Const Prefix As String = "AS__dataset_"
Private Const Manual As Long = -4135 ' xlCalculationManual
Private Const ShiftDown As Long = -4121 ' xlShiftDown
Private Const ShiftUp As Long = -4162 ' xlShiftUp

Public Function Tables() As Collection
    ' The names of the tables to refresh, as far as they are still there.
    Dim found As Collection
    Dim titles As Collection
    Dim at As Long
    Set found = New Collection
    Set titles = AftersheetForm.NamesWith(Prefix)
    For at = 1 To titles.Count
        If Not Table(Mid$(titles.Item(at), Len(Prefix) + 1)) Is Nothing Then
            found.Add Mid$(titles.Item(at), Len(Prefix) + 1)
        End If
    Next at
    Set Tables = found
End Function

Public Function DatasetOf(ByVal title As String) As String
    DatasetOf = AftersheetForm.Said(Prefix & title)
End Function

Public Function Table(ByVal title As String) As Object
    ' The ListObject called so, on whatever sheet; Nothing when there is none.
    Dim sheet As Object
    Dim found As Object
    Set Table = Nothing
    For Each sheet In ThisWorkbook.Worksheets
        Set found = Nothing
        On Error Resume Next
        Set found = sheet.ListObjects(title)
        On Error GoTo 0
        If Not found Is Nothing Then
            Set Table = found
            Exit Function
        End If
    Next sheet
End Function

Public Function NewTable(ByVal dataset As Collection) As Object
    ' A sheet with a table that has the dataset's columns.
    Dim sheet As Object
    Dim fields As Collection
    Dim made As Object
    Dim title As String
    Dim at As Long
    Set fields = AftersheetJson.Inner(dataset, "columns")
    Set sheet = ThisWorkbook.Worksheets.Add(, ThisWorkbook.Worksheets(ThisWorkbook.Worksheets.Count))
    On Error Resume Next ' the sheet keeps its own name if this one is taken
    sheet.Name = Left$(AftersheetText.FileName(Label(dataset, "title")), 31)
    On Error GoTo 0
    For at = 1 To fields.Count
        sheet.Cells(1, at).Value = Label(fields.Item(at), "label")
        sheet.Columns(at).ColumnWidth = 16
    Next at
    title = "T_" & AftersheetJson.Text(dataset, "name")
    Set made = sheet.ListObjects.Add(1, sheet.Range(sheet.Cells(1, 1), sheet.Cells(2, fields.Count)), , 1)
    made.Name = title
    AftersheetForm.Say Prefix & made.Name, "=""" & AftersheetJson.Text(dataset, "name") & """"
    Set NewTable = made
End Function

Public Function Fill(ByVal list As Object, ByVal dataset As Collection) As String
    ' Write the rows; empty, or why the table was left as it is.
    Dim places As Variant
    Dim rows As Collection
    Dim before As Variant
    Dim calculation As Long
    Dim totals As Boolean
    Dim problem As String
    Dim at As Long
    Set rows = AftersheetJson.Inner(dataset, "rows")
    places = Matched(list, AftersheetJson.Inner(dataset, "columns"), problem)
    Fill = problem
    If Len(problem) > 0 Then Exit Function
    before = AftersheetForm.OpenSheet(list.Parent)
    If IsNull(before) Then
        Fill = Words("sheet_locked", list.Parent.Name)
        Exit Function
    End If
    totals = list.ShowTotals
    calculation = Application.Calculation
    Application.Calculation = Manual
    On Error GoTo Failed
    list.ShowTotals = False
    SetRows list, rows.Count
    For at = 1 To list.ListColumns.Count
        If places(at) > 0 Then
            FillColumn list.ListColumns(at), rows, AftersheetJson.Inner(dataset, "columns").Item(places(at))
        End If
    Next at
Finally:
    On Error Resume Next
    list.ShowTotals = totals
    Application.Calculation = calculation
    AftersheetForm.CloseSheet list.Parent, before
    On Error GoTo 0
    Exit Function
Failed:
    Fill = Words("table_failed", list.Name, Err.Description)
    Resume Finally
End Function

Public Sub NoteOrigin(ByVal title As String, ByVal dataset As Collection)
    ' The cover of a report says from when its figures are: above, and beside the table's name.
    Dim cover As Object
    Dim at As String
    Dim row As Long
    Dim said As String
    at = Format$(Now, "yyyy-mm-dd hh:mm")
    Set cover = ThisWorkbook.Worksheets(1)
    On Error Resume Next ' a cover that somebody has made their own
    For row = 1 To 100
        said = ""
        said = CStr(cover.Cells(row, 2).Value)
        If Left$(said, Len(Words("as_of_begins"))) = Words("as_of_begins") Then
            cover.Cells(row, 2).Value = Words("as_of", at)
        ElseIf said = title Then
            cover.Cells(row, 3).Value = Words("origin", AftersheetJson.Text(dataset, "name"), _
                AftersheetJson.Count(AftersheetJson.Inner(dataset, "rows")), at)
        End If
    Next row
    On Error GoTo 0
End Sub

Public Function RefreshPivots() As String
    ' Empty, or what Excel said: old figures in a pivot table would pass for new ones.
    Dim at As Long
    Dim count As Long
    Dim reason As String
    On Error Resume Next
    count = ThisWorkbook.PivotCaches.Count
    For at = 1 To count
        Err.Clear
        ThisWorkbook.PivotCaches(at).Refresh
        If Err.Number <> 0 Then reason = Err.Description
    Next at
    On Error GoTo 0
    If Len(reason) > 0 Then RefreshPivots = Words("pivots_old", reason)
End Function

Public Function CellValue(ByVal value As Variant, ByVal kind As String) As Variant
    ' A value of the answer as a cell takes it: dates as dates, no value as an empty cell.
    If IsNull(value) Or IsEmpty(value) Then
        CellValue = Empty
    ElseIf kind = "date" Or kind = "datetime" Then
        CellValue = AftersheetText.Moment(CStr(value))
    Else
        CellValue = value
    End If
End Function

Public Function Plain(ByVal header As String) As String
    ' A header without blanks and case, for comparing.
    Plain = LCase$(Replace(Replace(Replace(Replace(header, " ", ""), vbLf, ""), vbCr, ""), ChrW$(12288), ""))
End Function

Private Function Matched(ByVal list As Object, ByVal fields As Collection, ByRef problem As String) As Variant
    ' Per column of the table the number of its field; 0 for calculated ones. Others would lose what they hold.
    Dim places() As Long
    Dim at As Long
    Dim known As Long
    ReDim places(1 To list.ListColumns.Count)
    For at = 1 To list.ListColumns.Count
        places(at) = FieldOf(list.ListColumns(at).Name, fields)
        If IsCalculated(list.ListColumns(at)) Then places(at) = 0
        If places(at) > 0 Then known = known + 1
        If places(at) = 0 And Not IsCalculated(list.ListColumns(at)) Then
            problem = Words("table_strange", list.Name, list.ListColumns(at).Name)
        End If
    Next at
    If known = 0 Then problem = Words("table_strange", list.Name, list.ListColumns(1).Name)
    Matched = places
End Function

Private Function FieldOf(ByVal header As String, ByVal fields As Collection) As Long
    Dim at As Long
    Dim labels As Collection
    For at = fields.Count To 1 Step -1
        Set labels = AftersheetJson.Inner(fields.Item(at), "label")
        If Plain(header) = Plain(AftersheetJson.Text(fields.Item(at), "name")) _
            Or Plain(header) = Plain(AftersheetJson.Text(labels, "zh")) _
            Or Plain(header) = Plain(AftersheetJson.Text(labels, "en")) Then FieldOf = at
    Next at
End Function

Private Function IsCalculated(ByVal column As Object) As Boolean
    If column.DataBodyRange Is Nothing Then Exit Function
    IsCalculated = column.DataBodyRange.Cells(1, 1).HasFormula
End Function

Private Sub SetRows(ByVal list As Object, ByVal wanted As Long)
    ' As many rows as the dataset has, at least one; what stands below is moved, not overwritten.
    Dim had As Long
    Dim below As Object
    If wanted < 1 Then wanted = 1
    On Error Resume Next
    If list.AutoFilter.FilterMode Then list.AutoFilter.ShowAllData
    On Error GoTo 0
    ' A table that somebody has emptied has no row at all, and none to write into.
    If list.ListRows.Count = 0 Then list.ListRows.Add
    had = list.ListRows.Count
    If wanted > had Then
        Set below = list.HeaderRowRange.Offset(had + 1).Resize(wanted - had)
        If Application.WorksheetFunction.CountA(below) > 0 Then below.Insert ShiftDown
        list.Resize list.HeaderRowRange.Resize(wanted + 1)
    ElseIf wanted < had Then
        list.HeaderRowRange.Offset(wanted + 1).Resize(had - wanted).Delete ShiftUp
    End If
End Sub

Private Sub FillColumn(ByVal column As Object, ByVal rows As Collection, ByVal field As Collection)
    Dim values() As Variant
    Dim member As String
    Dim kind As String
    Dim at As Long
    member = AftersheetJson.Text(field, "name")
    kind = AftersheetJson.Text(field, "type")
    If rows.Count = 0 Then
        column.DataBodyRange.ClearContents
        Exit Sub
    End If
    ReDim values(1 To rows.Count, 1 To 1)
    For at = 1 To rows.Count
        values(at, 1) = CellValue(AftersheetJson.Item(rows.Item(at), member), kind)
    Next at
    ' Texts stay texts: 007, 2026-11 and =1+1 are no numbers, dates and formulas here.
    If kind = "text" Then column.DataBodyRange.NumberFormat = "@"
    If kind = "date" And column.DataBodyRange.Cells(1, 1).NumberFormat = "General" Then
        column.DataBodyRange.NumberFormat = "yyyy-mm-dd"
    ElseIf kind = "datetime" And column.DataBodyRange.Cells(1, 1).NumberFormat = "General" Then
        column.DataBodyRange.NumberFormat = "yyyy-mm-dd hh:mm"
    End If
    column.DataBodyRange.Value = values
End Sub

Private Function Label(ByVal holder As Collection, ByVal member As String) As String
    Label = AftersheetJson.Text(AftersheetJson.Inner(holder, member), Language())
End Function
