Attribute VB_Name = "AftersheetWeb"
' One request and its answer. WinHttp on Windows: TLS as Windows has it, certificates always checked,
' redirections not followed, so the token goes to the address it was given for and nowhere else.
Option Explicit
Option Private Module

Public Const NoAnswer As Long = 0
Public Const NotTrusted As Long = -1 ' the server's certificate

Private Const MediaType As String = "application/vnd.ms-excel.sheet.macroEnabled.12"
Private Const EnableRedirects As Long = 6 ' WinHttpRequestOption_EnableRedirects

Public Function Send(ByVal method As String, ByVal address As String, ByVal token As String, ByVal key As String, _
    ByVal bodyPath As String, ByVal savePath As String, ByRef answer As String) As Long
    ' The status, or one of the two above. The body goes into answer, or (200, with a savePath) into that file.
    Dim request As Object
    Dim content As Variant
    answer = ""
    Set request = NewRequest()
    If request Is Nothing Then
        Send = AftersheetMac.Send(method, address, token, key, bodyPath, MediaType, savePath, answer)
        Exit Function
    End If
    If Len(bodyPath) > 0 Then content = AftersheetFiles.Bytes(bodyPath)
    On Error GoTo Unanswered
    request.Open method, address, False
    request.SetTimeouts 10000, 10000, 60000, 120000
    request.Option(EnableRedirects) = False
    request.SetRequestHeader "Authorization", "Bearer " & token
    request.SetRequestHeader "Accept", "*/*"
    request.SetRequestHeader "User-Agent", "Aftersheet-VBA"
    If Len(key) > 0 Then request.SetRequestHeader "Idempotency-Key", key
    If Len(bodyPath) > 0 Then
        request.SetRequestHeader "Content-Type", MediaType
        request.Send (content) ' by value: an array of bytes, not a reference to a Variant
    Else
        request.Send
    End If
    Send = request.Status
    On Error GoTo 0
    If Send = 200 And Len(savePath) > 0 Then
        AftersheetFiles.WriteBytes savePath, request.ResponseBody
    Else
        answer = AftersheetText.FromUtf8(request.ResponseBody)
    End If
    Exit Function
Unanswered:
    Send = NoAnswer
    If IsCertificate(Err.Number And 65535) Then Send = NotTrusted
End Function

Private Function NewRequest() As Object
    Set NewRequest = Nothing
    On Error Resume Next
    Set NewRequest = CreateObject("WinHttp.WinHttpRequest.5.1")
    On Error GoTo 0
End Function

Private Function IsCertificate(ByVal code As Long) As Boolean
    ' ERROR_WINHTTP_SECURE_...
    Select Case code
        Case 12037, 12038, 12044, 12045, 12057, 12157, 12169, 12170, 12175, 12179
            IsCertificate = True
    End Select
End Function
