Attribute VB_Name = "AftersheetFiles"
' Files and folders. On Windows through Scripting.FileSystemObject and ADODB.Stream, which take every name;
' where there are none (Mac), with Basic's own statements.
Option Explicit
Option Private Module

Public Function Folder(ByVal title As String) As String
    ' A folder of ours in the user's profile, made when it is not there; ends with a separator.
    Dim root As String
    Dim separator As String
    separator = Application.PathSeparator
    root = Environ$("LOCALAPPDATA")
    ' Environ only knows the letters of Windows' own code page, a person's name may have others.
    If InStr(root, "?") > 0 Then root = CreateObject("WScript.Shell").ExpandEnvironmentStrings("%LOCALAPPDATA%")
    ' On a Mac this is inside the container in which Excel may write.
    If Len(root) = 0 Then root = Environ$("HOME")
    root = root & separator & "Aftersheet"
    Make root
    Make root & separator & title
    Folder = root & separator & title & separator
End Function

Public Function Exists(ByVal path As String) As Boolean
    Dim shelf As Object
    Set shelf = FileSystem()
    If Not shelf Is Nothing Then
        Exists = shelf.FileExists(path)
    Else
        Exists = (Len(Dir$(path)) > 0)
    End If
End Function

Public Sub Delete(ByVal path As String)
    Dim shelf As Object
    Set shelf = FileSystem()
    On Error Resume Next
    If Not shelf Is Nothing Then
        shelf.DeleteFile path, True
    Else
        Kill path
    End If
    On Error GoTo 0
End Sub

Public Sub Move(ByVal path As String, ByVal target As String)
    Dim shelf As Object
    Set shelf = FileSystem()
    If Not shelf Is Nothing Then
        shelf.MoveFile path, target
    Else
        Name path As target
    End If
End Sub

Public Function Listed(ByVal inside As String, ByVal suffix As String) As Collection
    ' The names in a folder that end with suffix, sorted.
    Dim found As Collection
    Dim shelf As Object
    Dim file As Object
    Dim title As String
    Set found = New Collection
    Set shelf = FileSystem()
    If Not shelf Is Nothing Then
        For Each file In shelf.GetFolder(inside).Files
            If LCase$(Right$(file.Name, Len(suffix))) = suffix Then AddSorted found, file.Name
        Next file
    Else
        title = Dir$(inside & "*" & suffix)
        Do While Len(title) > 0
            AddSorted found, title
            title = Dir$()
        Loop
    End If
    Set Listed = found
End Function

Public Sub WriteLines(ByVal path As String, ByVal lines As String)
    ' ASCII only: what else there is comes percent-encoded.
    Dim shelf As Object
    Dim file As Object
    Dim number As Integer
    Set shelf = FileSystem()
    If Not shelf Is Nothing Then
        Set file = shelf.CreateTextFile(path, True, False)
        file.Write lines
        file.Close
    Else
        number = FreeFile
        Open path For Output As #number
        Print #number, lines;
        Close #number
    End If
End Sub

Public Function ReadLines(ByVal path As String) As Variant
    ' The lines of such a file, from 0.
    Dim shelf As Object
    Dim number As Integer
    Dim row As String
    Dim whole As String
    Set shelf = FileSystem()
    If Not shelf Is Nothing Then
        On Error Resume Next ' an empty file (the disk was full) has nothing to read, which is an error
        whole = shelf.OpenTextFile(path, 1, False, 0).ReadAll
        On Error GoTo 0
    Else
        number = FreeFile
        Open path For Input As #number
        Do While Not EOF(number)
            Line Input #number, row
            whole = whole & row & vbLf
        Loop
        Close #number
    End If
    ReadLines = Split(Replace(whole, vbCr, ""), vbLf)
End Function

Public Function Bytes(ByVal path As String) As Variant
    ' The content of a file, for WinHttp; only where there is ADODB.
    Dim stream As Object
    Set stream = CreateObject("ADODB.Stream")
    stream.Type = 1
    stream.Open
    stream.LoadFromFile path
    Bytes = stream.Read
    stream.Close
End Function

Public Sub WriteBytes(ByVal path As String, ByVal content As Variant)
    Dim stream As Object
    Set stream = CreateObject("ADODB.Stream")
    stream.Type = 1
    stream.Open
    stream.Write content
    stream.SaveToFile path, 2
    stream.Close
End Sub

Private Sub Make(ByVal path As String)
    Dim shelf As Object
    Set shelf = FileSystem()
    If Not shelf Is Nothing Then
        If Not shelf.FolderExists(path) Then shelf.CreateFolder path
    ElseIf Len(Dir$(path, vbDirectory)) = 0 Then
        MkDir path
    End If
End Sub

Private Sub AddSorted(ByVal titles As Collection, ByVal title As String)
    Dim at As Long
    For at = 1 To titles.Count
        If StrComp(title, titles.Item(at), vbBinaryCompare) < 0 Then
            titles.Add title, , at
            Exit Sub
        End If
    Next at
    titles.Add title
End Sub

Private Function FileSystem() As Object
    Set FileSystem = Nothing
    On Error Resume Next
    Set FileSystem = CreateObject("Scripting.FileSystemObject")
    On Error GoTo 0
End Function
