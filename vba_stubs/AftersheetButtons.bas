Attribute VB_Name = "AftersheetButtons"
' Aftersheet: what the buttons on the form do. One public macro per button:
'   AftersheetSubmit   send this form and write number, state and findings into it
'   AftersheetCheck    let the server check it; nothing is sent in, nothing is stored
'   AftersheetFetch    download the record with this number as a workbook and open it
'   AftersheetRefresh  put today's figures into the tables of this workbook
' Settings: hidden name AS__server; the token is asked for once and kept on this machine (AftersheetDesk).
Option Explicit

Private Const Api As String = "/api/v1"
Private Const Repeats As Long = 6 ' how often a request "still at work" is asked for again

Public Sub AftersheetSubmit()
    Press "submit"
End Sub

Public Sub AftersheetCheck()
    Press "check"
End Sub

Public Sub AftersheetFetch()
    Press "fetch"
End Sub

Public Sub AftersheetRefresh()
    Press "refresh"
End Sub

Private Sub Press(ByVal action As String)
    ' Every button: settings first, then the work with Excel kept still, then one message.
    Dim server As String
    Dim token As String
    Dim number As String
    Dim message As String
    Dim fine As Boolean
    On Error GoTo Failed
    server = KnownServer()
    If Len(server) = 0 Then Exit Sub
    token = KnownToken(server)
    If Len(token) = 0 Then Exit Sub
    If action = "fetch" Then
        number = AftersheetForm.RecordNumber()
        If Len(number) = 0 Then number = AftersheetDesk.Ask(Words("ask_number"))
        If Len(number) = 0 Then Exit Sub
    ElseIf action = "refresh" Then
        If Not MayRefresh() Then Exit Sub
    End If
    AftersheetForm.Hold
    Select Case action
        Case "submit": message = Submitted(server, token, fine)
        Case "check": message = Checked(server, token, fine)
        Case "fetch": message = Fetched(server, token, number, fine)
        Case "refresh": message = Refreshed(server, token, fine)
    End Select
Finally:
    On Error GoTo 0
    AftersheetForm.Release
    If fine Then
        AftersheetDesk.Tell message
    Else
        AftersheetDesk.Warn message
    End If
    Exit Sub
Failed:
    fine = False
    message = Words("failed", Err.Description)
    Resume Finally
End Sub

' Submit

Private Function Submitted(ByVal server As String, ByVal token As String, ByRef fine As Boolean) As String
    Dim mine As String
    Dim key As String
    Dim waiting As Collection
    Dim answer As Collection
    Dim status As Long
    Dim earlier As String
    Dim at As Long
    mine = AftersheetQueue.Add(server)
    Set waiting = AftersheetQueue.Waiting(server)
    For at = 1 To waiting.Count
        key = waiting.Item(at)
        Application.StatusBar = Words("sending", AftersheetQueue.BookName(key))
        status = Sent(server, token, key, answer)
        If key <> mine And IsAilingOver(status, answer) Then
            earlier = earlier & vbLf & Words("earlier_waits", AftersheetQueue.BookName(key))
        ElseIf Not IsAnswered(status, answer) Then
            Set waiting = AftersheetQueue.Waiting(server)
            Submitted = Trouble(server, status, answer) & vbLf & Words("kept", CStr(waiting.Count)) & earlier
            Exit Function
        ElseIf key = mine Then
            AftersheetQueue.Remove key
            Submitted = Taken(status, answer, fine) & earlier
        Else
            earlier = earlier & vbLf & TakenEarlier(key, status, answer)
        End If
    Next at
End Function

Private Function Sent(ByVal server As String, ByRef token As String, ByVal key As String, ByRef answer As Collection) As Long
    Dim address As String
    Dim tries As Long
    address = server & Api & "/submissions?lang=" & Language() & "&filename=" _
        & AftersheetText.UrlEncode(AftersheetQueue.BookName(key))
    For tries = 1 To Repeats
        Sent = Asked("POST", address, server, token, key, AftersheetQueue.CopyPath(key), "", answer)
        If Sent <> 409 Then Exit Function
        AftersheetDesk.Pause 2
    Next tries
End Function

Private Function Taken(ByVal status As Long, ByVal answer As Collection, ByRef fine As Boolean) As String
    ' The answer to this very workbook: into its cells, its marks and the list of findings.
    Dim findings As Collection
    Dim number As String
    Dim verdict As String
    If AftersheetJson.Inner(answer, "findings") Is Nothing Then
        Taken = Told(answer)
        Exit Function
    End If
    Set findings = AftersheetJson.Inner(answer, "findings")
    number = AftersheetJson.Text(answer, "record_number")
    fine = (status = 200 Or status = 201)
    If fine Then
        Taken = Words("accepted", number, AftersheetJson.Text(answer, "revision"))
        If AftersheetJson.Count(findings) > 0 Then Taken = Taken & vbLf & Words("warnings", CStr(findings.Count))
    Else
        Taken = Words("rejected", CStr(AftersheetFindings.Errors(findings)))
    End If
    verdict = Taken
    On Error GoTo Unwritten ' the server has decided: what it said is told, whatever the workbook lets us write
    AftersheetForm.WriteAnswer answer
    AftersheetMarks.TakeBack
    AftersheetMarks.MarkAll findings
    AftersheetFindings.ListAll findings, verdict
    If fine Then AftersheetForm.SaveBook
    Taken = verdict & Unmarked(fine)
    Exit Function
Unwritten:
    fine = False
    Taken = verdict & vbLf & Words("not_written", Err.Description)
End Function

Private Function Unmarked(ByRef fine As Boolean) As String
    ' A sheet under somebody's password keeps number and marks out: nobody should look for them there.
    If Len(AftersheetForm.Barred()) = 0 Then Exit Function
    fine = False
    Unmarked = vbLf & Words("sheet_barred", AftersheetForm.Barred())
End Function

Private Function TakenEarlier(ByVal key As String, ByVal status As Long, ByVal answer As Collection) As String
    If status = 200 Or status = 201 Then
        TakenEarlier = Words("earlier_accepted", AftersheetQueue.BookName(key), AftersheetJson.Text(answer, "record_number"))
        AftersheetQueue.Remove key
    Else
        TakenEarlier = Words("earlier_rejected", AftersheetQueue.BookName(key))
        AftersheetQueue.PutAside key
    End If
End Function

' Check

Private Function Checked(ByVal server As String, ByVal token As String, ByRef fine As Boolean) As String
    Dim path As String
    Dim address As String
    Dim answer As Collection
    Dim findings As Collection
    Dim status As Long
    path = AftersheetFiles.Folder("Temporary") & AftersheetText.NewKey(Now) & ".xlsm"
    ThisWorkbook.SaveCopyAs path
    address = server & Api & "/checks?lang=" & Language() & "&filename=" & AftersheetText.UrlEncode(ThisWorkbook.Name)
    status = Asked("POST", address, server, token, "", path, "", answer)
    AftersheetFiles.Delete path
    If status <> 200 Or AftersheetJson.Inner(answer, "findings") Is Nothing Then
        Checked = Trouble(server, status, answer)
        Exit Function
    End If
    Set findings = AftersheetJson.Inner(answer, "findings")
    fine = (AftersheetFindings.Errors(findings) = 0)
    If fine Then
        Checked = Words("check_fine")
        If findings.Count > 0 Then Checked = Checked & vbLf & Words("warnings", CStr(findings.Count))
    Else
        Checked = Words("check_errors", CStr(AftersheetFindings.Errors(findings)))
    End If
    AftersheetMarks.TakeBack
    AftersheetMarks.MarkAll findings
    AftersheetFindings.ListAll findings, Checked
    Checked = Checked & Unmarked(fine)
End Function

' Fetch

Private Function Fetched(ByVal server As String, ByVal token As String, ByVal number As String, _
    ByRef fine As Boolean) As String
    Dim path As String
    Dim answer As Collection
    Dim status As Long
    path = FreePath(number)
    status = Asked("GET", server & Api & "/records/" & AftersheetText.UrlEncode(number) & "/workbook?macros=1&lang=" _
        & Language(), server, token, "", "", path, answer)
    If status <> 200 Or Not AftersheetFiles.Exists(path) Then
        Fetched = Trouble(server, status, answer)
        Exit Function
    End If
    Workbooks.Open path
    fine = True
    Fetched = Words("fetched", number, path)
End Function

Private Function FreePath(ByVal number As String) As String
    ' Beside this workbook; where that is no folder (not saved yet, in the cloud), in Excel's own one.
    Dim stem As String
    Dim path As String
    Dim count As Long
    stem = ThisWorkbook.path
    If Len(stem) = 0 Or InStr(stem, "://") > 0 Then stem = Application.DefaultFilePath
    stem = stem & Application.PathSeparator & AftersheetText.FileName(number)
    path = stem & ".xlsm"
    count = 2
    Do While AftersheetFiles.Exists(path)
        path = stem & " (" & count & ").xlsm"
        count = count + 1
    Loop
    FreePath = path
End Function

' Refresh

Private Function MayRefresh() As Boolean
    MayRefresh = (AftersheetTables.Tables().Count > 0)
    If MayRefresh Then Exit Function
    If Len(AftersheetForm.Said("AS__dataset")) = 0 Then
        AftersheetDesk.Warn Words("no_table")
    Else
        MayRefresh = AftersheetDesk.Agrees(Words("new_table", AftersheetForm.Said("AS__dataset")))
    End If
End Function

Private Function Refreshed(ByVal server As String, ByVal token As String, ByRef fine As Boolean) As String
    Dim tables As Collection
    Dim dataset As Collection
    Dim status As Long
    Dim problem As String
    Dim reason As String
    Dim at As Long
    Set tables = AftersheetTables.Tables()
    If tables.Count = 0 Then
        status = Figures(server, token, AftersheetForm.Said("AS__dataset"), dataset)
        If status <> 200 Then
            Refreshed = Trouble(server, status, dataset)
            Exit Function
        End If
        problem = AftersheetTables.Fill(AftersheetTables.NewTable(dataset), dataset)
        fine = (Len(problem) = 0)
        Refreshed = Summary(1, problem)
        Exit Function
    End If
    For at = 1 To tables.Count
        Application.StatusBar = Words("refreshing", tables.Item(at))
        status = Figures(server, token, AftersheetTables.DatasetOf(tables.Item(at)), dataset)
        If status <> 200 Then
            Refreshed = Trouble(server, status, dataset)
            Exit Function
        End If
        reason = AftersheetTables.Fill(AftersheetTables.Table(tables.Item(at)), dataset)
        If Len(reason) = 0 Then
            AftersheetTables.NoteOrigin tables.Item(at), dataset
        Else
            problem = problem & reason & vbLf
        End If
    Next at
    problem = problem & AftersheetTables.RefreshPivots()
    fine = (Len(problem) = 0)
    Refreshed = Summary(tables.Count, problem)
End Function

Private Function Figures(ByVal server As String, ByRef token As String, ByVal dataset As String, _
    ByRef answer As Collection) As Long
    Figures = Asked("GET", server & Api & "/datasets/" & AftersheetText.UrlEncode(dataset) & "?format=json&lang=" _
        & Language(), server, token, "", "", "", answer)
End Function

Private Function Summary(ByVal tables As Long, ByVal problem As String) As String
    Summary = problem
    If Len(problem) = 0 Then Summary = Words("refreshed", CStr(tables))
End Function

' All of them

Private Function KnownServer() As String
    Dim typed As String
    typed = AftersheetForm.Said("AS__server")
    If Len(typed) = 0 Then typed = AftersheetDesk.Remembered("Server", "address")
    If Len(typed) = 0 Then typed = AftersheetDesk.Ask(Words("ask_server"))
    If Len(typed) = 0 Then Exit Function
    KnownServer = AftersheetText.ServerAddress(typed)
    If Len(KnownServer) = 0 Then
        AftersheetDesk.Warn Words("bad_server", typed)
    ElseIf Len(AftersheetForm.Said("AS__server")) = 0 Then
        AftersheetDesk.Remember "Server", "address", KnownServer
    End If
End Function

Private Function KnownToken(ByVal server As String) As String
    ' One token per server: a workbook that names another server never gets this one's.
    KnownToken = AftersheetDesk.Remembered("Tokens", server)
    If Len(KnownToken) = 0 Then KnownToken = NewToken(server, "ask_token")
End Function

Private Function NewToken(ByVal server As String, ByVal question As String) As String
    NewToken = AftersheetDesk.Ask(Words(question, server))
    If Len(NewToken) > 0 Then AftersheetDesk.Remember "Tokens", server, NewToken
End Function

Private Function Asked(ByVal method As String, ByVal address As String, ByVal server As String, ByRef token As String, _
    ByVal key As String, ByVal bodyPath As String, ByVal savePath As String, ByRef answer As Collection) As Long
    ' One request; a token that is no longer good is asked for once and the request repeated.
    Dim body As String
    Asked = AftersheetWeb.Send(method, address, token, key, bodyPath, savePath, body)
    If Asked = 401 Then
        token = NewToken(server, "ask_token_again")
        If Len(token) > 0 Then Asked = AftersheetWeb.Send(method, address, token, key, bodyPath, savePath, body)
    End If
    Set answer = AftersheetJson.Parse(body)
End Function

Private Function IsAnswered(ByVal status As Long, ByVal answer As Collection) As Boolean
    ' Whether the server has decided about the workbook; else the copy waits. A page of something else is no answer.
    If answer Is Nothing Then Exit Function
    If Len(AftersheetJson.Text(answer, "submission_id") & AftersheetJson.Text(answer, "slug")) = 0 Then Exit Function
    Select Case status
        Case 200, 201, 400, 404, 413, 415, 422
            IsAnswered = True
    End Select
End Function

Private Function IsAilingOver(ByVal status As Long, ByVal answer As Collection) As Boolean
    ' Whether our server (no proxy) fails on this one copy; it waits, but does not hold up those behind it.
    If status = 409 Or status >= 500 Then IsAilingOver = (Len(AftersheetJson.Text(answer, "slug")) > 0)
End Function

Private Function Trouble(ByVal server As String, ByVal status As Long, ByVal answer As Collection) As String
    ' What to say when there is no answer to work with.
    If status = 0 Then
        Trouble = Words("no_answer", server)
    ElseIf status = -1 Then
        Trouble = Words("not_trusted", server)
    ElseIf Len(AftersheetJson.Text(answer, "slug")) > 0 Then
        Trouble = Told(answer)
    Else
        Trouble = Words("strange_answer", server, CStr(status))
    End If
End Function

Private Function Told(ByVal answer As Collection) As String
    Told = AftersheetJson.Text(AftersheetJson.Inner(answer, "messages"), Language())
End Function
