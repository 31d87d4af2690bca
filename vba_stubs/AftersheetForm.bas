Attribute VB_Name = "AftersheetForm"
' The workbook itself: what its names say, its own cells, its protection, and Excel's state around a macro.
Option Explicit
Option Private Module

Private held As Boolean
Private updating As Boolean
Private events As Boolean
Private pointer As Long
Private opened As Collection ' sheets whose protection is off, by name
Private options As Collection ' and what it allowed
Private locked As String ' a sheet that somebody's password keeps closed

Public Sub Hold()
    ' Keep still while a macro works; Release puts everything back.
    held = True
    locked = ""
    On Error Resume Next ' not every program that runs these macros has all of them
    updating = Application.ScreenUpdating
    events = Application.EnableEvents
    pointer = Application.Cursor
    Application.ScreenUpdating = False
    Application.EnableEvents = False
    Application.Cursor = 2 ' xlWait
    Application.EnableCancelKey = 2 ' xlErrorHandler: Esc ends the macro through Release, not in its midst
    On Error GoTo 0
End Sub

Public Sub Release()
    CloseAll
    If Not held Then Exit Sub
    held = False
    On Error Resume Next
    Application.StatusBar = False
    Application.Cursor = pointer
    Application.EnableEvents = events
    Application.ScreenUpdating = updating
    Application.EnableCancelKey = 1 ' xlInterrupt
    On Error GoTo 0
End Sub

Public Function Barred() As String
    ' The name of a sheet under a password on which this macro could not write; empty for none.
    Barred = locked
End Function

Public Function Place(ByVal title As String) As Object
    ' The cells a defined name stands for; Nothing when it is gone.
    Dim found As Object
    Set found = Nothing
    On Error Resume Next
    Set found = ThisWorkbook.Names(title).RefersToRange
    On Error GoTo 0
    Set Place = found
End Function

Public Function Said(ByVal title As String) As String
    ' The text a hidden name holds; empty when there is none.
    Dim refers As String
    On Error Resume Next
    refers = ThisWorkbook.Names(title).RefersTo
    On Error GoTo 0
    Said = Unquoted(refers)
End Function

Public Function Unquoted(ByVal refers As String) As String
    ' ="a ""b""" -> a "b"; empty for anything else.
    Unquoted = ""
    If Left$(refers, 1) = "=" Then refers = Mid$(refers, 2)
    If Len(refers) < 2 Or Left$(refers, 1) <> """" Or Right$(refers, 1) <> """" Then Exit Function
    Unquoted = Replace(Mid$(refers, 2, Len(refers) - 2), """""", """")
End Function

Public Sub Say(ByVal title As String, ByVal refersTo As String)
    ' Let a hidden name stand for a formula such as ="x" or ='My form'!$A$1.
    Forget title
    ThisWorkbook.Names.Add title, refersTo, False
End Sub

Public Sub Forget(ByVal title As String)
    On Error Resume Next
    ThisWorkbook.Names(title).Delete
    On Error GoTo 0
End Sub

Public Function NamesWith(ByVal prefix As String) As Collection
    ' The workbook's own names that begin with prefix.
    Dim found As Collection
    Dim at As Long
    Set found = New Collection
    For at = 1 To ThisWorkbook.Names.Count
        If LCase$(Left$(ThisWorkbook.Names(at).Name, Len(prefix))) = LCase$(prefix) Then
            found.Add ThisWorkbook.Names(at).Name
        End If
    Next at
    Set NamesWith = found
End Function

Public Function RecordNumber() As String
    Dim cell As Object
    Set cell = Place("AS__number")
    RecordNumber = ""
    If Not cell Is Nothing Then RecordNumber = Trim$(CStr(cell.Cells(1, 1).Value))
End Function

Public Sub WriteAnswer(ByVal answer As Collection)
    ' Number, revision, state and time of an answer, each into the form's own cell; what it lacks stays.
    Dim at As String
    WriteOwn "AS__number", AftersheetJson.Text(answer, "record_number")
    If Len(AftersheetJson.Text(answer, "revision")) > 0 Then
        WriteOwn "AS__revision", CLng(AftersheetJson.Item(answer, "revision"))
    End If
    WriteOwn "AS__state", AftersheetJson.Text(AftersheetJson.Inner(answer, "state_text"), Language())
    at = AftersheetJson.Text(answer, "received_at_local")
    If Len(at) > 0 Then WriteOwn "AS__received_at", AftersheetText.Moment(at)
End Sub

Public Sub SaveBook()
    ' Keep the answer in the file, where there is one already.
    If Len(ThisWorkbook.path) = 0 Then Exit Sub
    On Error Resume Next
    If Not ThisWorkbook.ReadOnly Then ThisWorkbook.Save
    On Error GoTo 0
End Sub

Public Function OpenSheet(ByVal sheet As Object) As Variant
    ' Take the protection off: Empty when there was none, else what CloseSheet needs to put it back.
    ' A sheet with a password of somebody's stays as it is (Null).
    Dim allowed(0 To 13) As Boolean
    OpenSheet = Empty
    If Not sheet.ProtectContents Then Exit Function
    On Error Resume Next
    allowed(0) = sheet.ProtectDrawingObjects
    allowed(1) = sheet.ProtectScenarios
    allowed(2) = sheet.Protection.AllowFormattingCells
    allowed(3) = sheet.Protection.AllowFormattingColumns
    allowed(4) = sheet.Protection.AllowFormattingRows
    allowed(5) = sheet.Protection.AllowInsertingColumns
    allowed(6) = sheet.Protection.AllowInsertingRows
    allowed(7) = sheet.Protection.AllowInsertingHyperlinks
    allowed(8) = sheet.Protection.AllowDeletingColumns
    allowed(9) = sheet.Protection.AllowDeletingRows
    allowed(10) = sheet.Protection.AllowSorting
    allowed(11) = sheet.Protection.AllowFiltering
    allowed(12) = sheet.Protection.AllowUsingPivotTables
    sheet.Unprotect ""
    On Error GoTo 0
    If sheet.ProtectContents Then
        OpenSheet = Null
        locked = sheet.Name
    Else
        OpenSheet = allowed
        Keep sheet, allowed
    End If
End Function

Public Sub CloseSheet(ByVal sheet As Object, ByVal before As Variant)
    If Not IsArray(before) Then Exit Sub
    On Error Resume Next
    sheet.Protect "", before(0), True, before(1), False, before(2), before(3), before(4), before(5), before(6), _
        before(7), before(8), before(9), before(10), before(11), before(12)
    If Not sheet.ProtectContents Then sheet.Protect
    opened.Remove sheet.Name
    options.Remove sheet.Name
    On Error GoTo 0
End Sub

Private Sub Keep(ByVal sheet As Object, ByVal allowed As Variant)
    If opened Is Nothing Then
        Set opened = New Collection
        Set options = New Collection
    End If
    On Error Resume Next
    opened.Add sheet, sheet.Name
    options.Add allowed, sheet.Name
    On Error GoTo 0
End Sub

Private Sub CloseAll()
    ' Whatever went wrong in between: no sheet stays open.
    Dim at As Long
    If opened Is Nothing Then Exit Sub
    For at = opened.Count To 1 Step -1
        CloseSheet opened.Item(at), options.Item(at)
    Next at
    Set opened = Nothing
End Sub

Private Sub WriteOwn(ByVal title As String, ByVal value As Variant)
    Dim cell As Object
    Dim before As Variant
    If Len(CStr(value)) = 0 Then Exit Sub
    Set cell = Place(title)
    If cell Is Nothing Then Exit Sub
    before = OpenSheet(cell.Worksheet)
    If Not IsNull(before) Then
        ' A number such as 2026-11 is no date.
        If VarType(value) = vbString Then cell.Cells(1, 1).NumberFormat = "@"
        If VarType(value) = vbDate And cell.Cells(1, 1).NumberFormat = "@" Then value = Format$(value, "yyyy-mm-dd hh:mm")
        cell.Cells(1, 1).Value = value
    End If
    CloseSheet cell.Worksheet, before
End Sub
