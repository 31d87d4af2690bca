Attribute VB_Name = "AftersheetMac"
' The same request on a Mac, where there is no WinHttp: curl, which checks certificates against the keychain.
' Everything goes through a file only this user reads, so the token stands on no command line.
Option Explicit
Option Private Module

#If Mac Then
Private Declare PtrSafe Function popen Lib "/usr/lib/libc.dylib" (ByVal command As String, ByVal mode As String) As LongPtr
Private Declare PtrSafe Function pclose Lib "/usr/lib/libc.dylib" (ByVal file As LongPtr) As Long
Private Declare PtrSafe Function fgetc Lib "/usr/lib/libc.dylib" (ByVal file As LongPtr) As Long
#End If

Public Function Send(ByVal method As String, ByVal address As String, ByVal token As String, ByVal key As String, _
    ByVal bodyPath As String, ByVal mediaType As String, ByVal savePath As String, ByRef answer As String) As Long
#If Mac Then
    Dim settings As String
    Dim outcome As String
    Dim status As String
    Dim code As Long
    settings = AftersheetFiles.Folder("Temporary") & "request.txt"
    outcome = AftersheetFiles.Folder("Temporary") & "answer.txt"
    AftersheetFiles.Delete outcome
    code = 0
    status = Ran("umask 077; : > " & Quoted(settings), code)
    AftersheetFiles.WriteLines settings, Options(method, address, token, key, bodyPath, mediaType, outcome)
    status = Ran("/usr/bin/curl --config " & Quoted(settings) & " 2>/dev/null", code)
    AftersheetFiles.Delete settings
    Send = Val(status)
    If code <> 0 Then Send = 0
    ' curl's exit codes for certificates: 51, 60, 77, 83, 90, 91
    If code = 51 Or code = 60 Or code = 77 Or code = 83 Or code = 90 Or code = 91 Then Send = -1
    If Send = 200 And Len(savePath) > 0 Then
        AftersheetFiles.Move outcome, savePath
    ElseIf Send > 0 Then
        answer = AftersheetText.FromUtf8(Content(outcome))
        AftersheetFiles.Delete outcome
    End If
#Else
    Send = 0
#End If
End Function

#If Mac Then
Private Function Options(ByVal method As String, ByVal address As String, ByVal token As String, ByVal key As String, _
    ByVal bodyPath As String, ByVal mediaType As String, ByVal outcome As String) As String
    Dim out As String
    out = "silent" & vbLf & Setting("url", address) & Setting("request", method)
    out = out & Setting("proto", "=https,http") & Setting("connect-timeout", "10") & Setting("max-time", "180")
    out = out & Setting("header", "Authorization: Bearer " & token) & Setting("user-agent", "Aftersheet-VBA")
    If Len(key) > 0 Then out = out & Setting("header", "Idempotency-Key: " & key)
    If Len(bodyPath) > 0 Then
        out = out & Setting("header", "Content-Type: " & mediaType) & Setting("header", "Expect:")
        out = out & Setting("data-binary", "@" & bodyPath)
    End If
    Options = out & Setting("output", outcome) & Setting("write-out", "%{http_code}")
End Function

Private Function Setting(ByVal title As String, ByVal value As String) As String
    Setting = title & " = """ & Replace(Replace(value, "\", "\\"), """", "\""") & """" & vbLf
End Function

Private Function Ran(ByVal command As String, ByRef code As Long) As String
    Dim file As LongPtr
    Dim letter As Long
    Dim out As String
    file = popen(command, "r")
    If file = 0 Then
        code = -1
        Exit Function
    End If
    letter = fgetc(file)
    Do While letter >= 0 And letter < 256
        out = out & Chr$(letter)
        letter = fgetc(file)
    Loop
    code = (pclose(file) \ 256) And 255
    Ran = out
End Function

Private Function Quoted(ByVal path As String) As String
    Quoted = "'" & Replace(path, "'", "'\''") & "'"
End Function

Private Function Content(ByVal path As String) As Variant
    Dim bytes() As Byte
    Dim number As Integer
    number = FreeFile
    Open path For Binary Access Read As #number
    If LOF(number) > 0 Then
        ReDim bytes(0 To LOF(number) - 1)
        Get #number, , bytes
        Content = bytes
    End If
    Close #number
End Function
#End If
