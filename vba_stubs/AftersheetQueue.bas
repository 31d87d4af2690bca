Attribute VB_Name = "AftersheetQueue"
' Copies on their way. Each waits in the user's profile, with the key it was first tried with, until the server
' has answered it: <key>.xlsm holds the bytes, <key>.txt (written last) the server and the workbook's name.
Option Explicit
Option Private Module

Public Function Add(ByVal server As String) As String
    ' Save a copy of this workbook into the queue; its key. The open file keeps its name and stays as it is.
    Dim key As String
    Dim moment As Date
    Dim cards As Collection
    Dim tries As Long
    Set cards = AftersheetFiles.Listed(AftersheetFiles.Folder("Queue"), ".txt")
    moment = Now
    key = AftersheetText.NewKey(moment)
    For tries = 1 To 60
        ' Pressed twice within a second: the order of the keys is that of the presses.
        If cards.Count = 0 Then Exit For
        If Left$(key, 15) > Left$(cards.Item(cards.Count), 15) Then Exit For
        moment = moment + TimeSerial(0, 0, 1)
        key = AftersheetText.NewKey(moment)
    Next tries
    ThisWorkbook.SaveCopyAs CopyPath(key)
    AftersheetFiles.WriteLines CardPath(key), AftersheetText.UrlEncode(server) & vbLf _
        & AftersheetText.UrlEncode(ThisWorkbook.Name) & vbLf
    Add = key
End Function

Public Function Waiting(ByVal server As String) As Collection
    ' The keys of what waits for this server, oldest first.
    Dim found As Collection
    Dim cards As Collection
    Dim at As Long
    Dim key As String
    Set found = New Collection
    Set cards = AftersheetFiles.Listed(AftersheetFiles.Folder("Queue"), ".txt")
    For at = 1 To cards.Count
        key = Left$(cards.Item(at), Len(cards.Item(at)) - 4)
        If CardLine(key, 0) = server And AftersheetFiles.Exists(CopyPath(key)) Then found.Add key
    Next at
    Set Waiting = found
End Function

Public Function BookName(ByVal key As String) As String
    BookName = CardLine(key, 1)
End Function

Public Function CopyPath(ByVal key As String) As String
    CopyPath = AftersheetFiles.Folder("Queue") & key & ".xlsm"
End Function

Public Sub Remove(ByVal key As String)
    AftersheetFiles.Delete CardPath(key)
    AftersheetFiles.Delete CopyPath(key)
End Sub

Public Sub PutAside(ByVal key As String)
    ' The server has refused a copy of another workbook: it waits no longer, but it is not thrown away either.
    AftersheetFiles.Move CopyPath(key), AftersheetFiles.Folder("Turned down") & key & ".xlsm"
    AftersheetFiles.Delete CardPath(key)
End Sub

Private Function CardPath(ByVal key As String) As String
    CardPath = AftersheetFiles.Folder("Queue") & key & ".txt"
End Function

Private Function CardLine(ByVal key As String, ByVal number As Long) As String
    Dim lines As Variant
    lines = AftersheetFiles.ReadLines(CardPath(key))
    CardLine = ""
    If UBound(lines) >= number Then CardLine = AftersheetText.UrlDecode(lines(number))
End Function
