Attribute VB_Name = "AftersheetMarks"
' Marks on wrong cells: a colour and a note. They are kept the way the server keeps its own (hidden names
' AS__fill_<k> and AS__mark_<k>_<n>, a note that begins with the heading), so each takes back the other's.
Option Explicit
Option Private Module

Private Const ErrorColour As Long = 13552127 ' RGB(255, 201, 206)
Private Const WarningColour As Long = 11135487 ' RGB(255, 233, 169)
Private Const Rule As String = "LEN(""Aftersheet"")>0" ' our conditional format is known by its formula
Private Const Expression As Long = 2 ' xlExpression
Private Const Solid As Long = 1 ' xlSolid
Private Const NoPattern As Long = -4142 ' xlNone
Private Const Automatic As Long = -4105 ' xlPatternAutomatic
Private Const White As Long = 16777215

Public Sub TakeBack()
    ' Give every cell marked earlier its own fill and note again, wherever it has gone.
    Dim sheet As Object
    Dim before As Variant
    For Each sheet In ThisWorkbook.Worksheets
        If MayHoldMarks(sheet) Then
            before = AftersheetForm.OpenSheet(sheet)
            If Not IsNull(before) Then
                TakeBackFills sheet
                TakeBackRules sheet
                TakeBackNotes sheet
            End If
            AftersheetForm.CloseSheet sheet, before
        End If
    Next sheet
    ForgetAll "AS__mark_"
    ForgetAll "AS__fill_"
End Sub

Public Sub MarkAll(ByVal findings As Collection)
    ' Mark the cells of an answer's findings; those of one cell share a note.
    Dim cells As Collection
    Dim together As Collection
    Dim finding As Collection
    Dim at As Long
    Set cells = New Collection
    For at = 1 To AftersheetJson.Count(findings)
        Set finding = findings.Item(at)
        Set together = AftersheetJson.Inner(cells, CellKey(finding))
        If together Is Nothing Then
            Set together = New Collection
            cells.Add together, CellKey(finding)
        End If
        together.Add finding
    Next at
    For at = 1 To cells.Count
        PutCell cells.Item(at), at
    Next at
End Sub

Public Function Target(ByVal finding As Collection) As Object
    ' The cell a finding names, with what it is merged with; Nothing when the workbook has no such cell.
    Dim found As Object
    Set found = Nothing
    If Len(AftersheetJson.Text(finding, "cell")) > 0 Then
        On Error Resume Next
        Set found = ThisWorkbook.Worksheets(AftersheetJson.Text(finding, "sheet")).Range( _
            AftersheetJson.Text(finding, "cell")).Cells(1, 1).MergeArea
        On Error GoTo 0
    End If
    Set Target = found
End Function

Public Function Described(ByVal pattern As Long, ByVal colour As Long) As String
    ' A fill in the server's words.
    If pattern = NoPattern And colour = White Then
        Described = "pattern=none"
    Else
        Described = "pattern=solid fgColor.rgb=FF" & Two(colour And 255) & Two(colour \ 256 And 255) _
            & Two(colour \ 65536 And 255)
    End If
End Function

Public Function ColourOf(ByVal description As String) As Long
    ' The colour in such words; -1 for no fill, -2 for one that is described otherwise.
    Dim at As Long
    Dim digits As String
    ColourOf = -2
    If InStr(description, "pattern=none") > 0 Then ColourOf = -1
    at = InStr(description, "fgColor.rgb=")
    If at = 0 Or InStr(description, "pattern=solid") = 0 Then Exit Function
    digits = Mid$(description, at + 14, 6)
    If Len(digits) < 6 Or AftersheetText.FromHex(digits) < 0 Then Exit Function
    ColourOf = AftersheetText.FromHex(Mid$(digits, 5, 2) & Mid$(digits, 3, 2) & Mid$(digits, 1, 2))
End Function

Private Function CellKey(ByVal finding As Collection) As String
    CellKey = AftersheetJson.Text(finding, "sheet") & "!" & AftersheetJson.Text(finding, "cell")
End Function

Private Sub PutCell(ByVal findings As Collection, ByVal number As Long)
    Dim area As Object
    Dim before As Variant
    Dim colour As Long
    Dim at As Long
    Set area = Target(findings.Item(1))
    If area Is Nothing Then Exit Sub
    colour = WarningColour
    For at = 1 To findings.Count
        If AftersheetJson.Text(findings.Item(at), "severity") = "error" Then colour = ErrorColour
    Next at
    before = AftersheetForm.OpenSheet(area.Worksheet)
    If Not IsNull(before) Then
        PutFill area, colour, number
        PutNote area.Cells(1, 1), NoteText(findings)
    End If
    AftersheetForm.CloseSheet area.Worksheet, before
End Sub

Private Sub PutFill(ByVal area As Object, ByVal colour As Long, ByVal number As Long)
    Dim first As Object
    Dim made As Object
    Dim place As String
    Set first = area.Cells(1, 1)
    Select Case first.Interior.Pattern
        Case NoPattern, Solid, Automatic
        Case Else: Exit Sub ' hatched or a gradient stays as it is: no few words describe it
    End Select
    place = "='" & Replace(area.Worksheet.Name, "'", "''") & "'!" & area.Address
    AftersheetForm.Say "AS__fill_" & number, "=""" & Described(first.Interior.Pattern, first.Interior.Color) & """"
    AftersheetForm.Say "AS__mark_" & number & "_1", place
    area.Interior.Pattern = Solid
    area.Interior.Color = colour
    Set made = Nothing
    On Error Resume Next
    If area.FormatConditions.Count > 0 Then
        ' The form's own conditional colour would cover the mark.
        Set made = area.FormatConditions.Add(Expression, , "=" & Rule)
        If Not made Is Nothing Then
            made.Interior.Color = colour
            made.SetFirstPriority
        End If
    End If
    On Error GoTo 0
End Sub

Private Sub PutNote(ByVal cell As Object, ByVal text As String)
    ' Before what somebody else has noted there; a threaded comment is left alone.
    Dim old As String
    Dim thread As Object
    Set thread = Nothing
    On Error Resume Next
    Set thread = cell.CommentThreaded
    If Not thread Is Nothing Then Exit Sub
    If Not cell.Comment Is Nothing Then
        old = cell.Comment.Text
        cell.Comment.Delete
    End If
    If Len(old) > 0 Then text = text & vbLf & Words("separator") & vbLf & old
    cell.AddComment text
    cell.Comment.Visible = False
    FitNote cell.Comment.Shape
    On Error GoTo 0
End Sub

Private Sub FitNote(ByVal box As Object)
    ' As wide as the server's notes, as high as the text then needs.
    Dim size As Double
    box.TextFrame.AutoSize = True
    If box.Width > 225 Then
        size = box.Width * box.Height
        box.TextFrame.AutoSize = False
        box.Width = 225
        box.Height = size / 225 * 1.2 + 12
    End If
End Sub

Private Function NoteText(ByVal findings As Collection) As String
    Dim out As String
    Dim at As Long
    out = Words("note_heading")
    For at = 1 To findings.Count
        out = out & vbLf
        If findings.Count > 1 Then out = out & at & ". "
        out = out & AftersheetFindings.WhatIsWrong(findings.Item(at)) & vbLf
        out = out & ChrW$(8594) & " " & AftersheetFindings.WhatToDo(findings.Item(at))
    Next at
    NoteText = out
End Function

Private Function MayHoldMarks(ByVal sheet As Object) As Boolean
    MayHoldMarks = (sheet.Visible = -1) ' xlSheetVisible
End Function

Private Sub TakeBackFills(ByVal sheet As Object)
    Dim marks As Collection
    Dim area As Object
    Dim title As String
    Dim number As String
    Dim at As Long
    Set marks = AftersheetForm.NamesWith("AS__mark_")
    For at = 1 To marks.Count
        title = marks.Item(at)
        Set area = AftersheetForm.Place(title)
        If Not area Is Nothing Then
            If area.Worksheet.Name = sheet.Name Then
                number = Split(Mid$(title, Len("AS__mark_") + 1), "_")(0)
                Refill area, AftersheetForm.Said("AS__fill_" & number)
            End If
        End If
    Next at
End Sub

Private Sub Refill(ByVal area As Object, ByVal description As String)
    ' A cell that somebody has filled differently since keeps that.
    Dim cell As Object
    Dim colour As Long
    colour = ColourOf(description)
    For Each cell In area.Cells
        If cell.Interior.Color = ErrorColour Or cell.Interior.Color = WarningColour Then
            If colour >= 0 Then
                cell.Interior.Color = colour
            Else
                cell.Interior.Pattern = NoPattern
            End If
        End If
    Next cell
End Sub

Private Sub TakeBackRules(ByVal sheet As Object)
    Dim at As Long
    Dim count As Long
    Dim formula As String
    On Error Resume Next
    count = sheet.Cells.FormatConditions.Count
    For at = count To 1 Step -1
        formula = ""
        formula = sheet.Cells.FormatConditions(at).Formula1
        If InStr(Replace(formula, " ", ""), Rule) > 0 Then sheet.Cells.FormatConditions(at).Delete
    Next at
    On Error GoTo 0
End Sub

Private Sub TakeBackNotes(ByVal sheet As Object)
    Dim at As Long
    Dim cell As Object
    Dim text As String
    Dim cut As Long
    For at = sheet.Comments.Count To 1 Step -1
        text = sheet.Comments(at).Text
        If Left$(text, Len(Words("note_heading"))) = Words("note_heading") Then
            Set cell = sheet.Comments(at).Parent
            sheet.Comments(at).Delete
            cut = InStr(text, Words("separator"))
            If cut > 0 Then
                text = Mid$(text, cut + Len(Words("separator")))
                If Left$(text, 1) = vbLf Then text = Mid$(text, 2)
                If Len(text) > 0 Then cell.AddComment text
            End If
        End If
    Next at
End Sub

Private Sub ForgetAll(ByVal prefix As String)
    Dim titles As Collection
    Dim at As Long
    Set titles = AftersheetForm.NamesWith(prefix)
    For at = 1 To titles.Count
        AftersheetForm.Forget titles.Item(at)
    Next at
End Sub

Private Function Two(ByVal code As Long) As String
    Two = Right$("0" & Hex$(code), 2)
End Function
