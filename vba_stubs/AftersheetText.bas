Attribute VB_Name = "AftersheetText"
' Text as the network wants it: UTF-8, URLs, instants, keys. Pure, like AftersheetJson.
Option Explicit
Option Private Module

Public Function FromUtf8(ByVal content As Variant) As String
    ' The text in an array of bytes; what is no UTF-8 becomes U+FFFD.
    Dim out As String
    Dim at As Long
    Dim last As Long
    Dim size As Long
    Dim code As Long
    Dim more As Long
    Dim shape As Long
    FromUtf8 = ""
    last = -1
    On Error Resume Next
    last = UBound(content)
    On Error GoTo 0
    If last < 0 Then Exit Function
    out = Space$(last + 1)
    at = 0
    If last >= 2 Then
        If content(0) = 239 And content(1) = 187 And content(2) = 191 Then at = 3
    End If
    Do While at <= last
        shape = content(at)
        at = at + 1
        more = 0
        code = shape
        If shape >= 240 And shape < 248 Then
            more = 3
            code = shape And 7
        ElseIf shape >= 224 Then
            more = 2
            code = shape And 15
        ElseIf shape >= 192 Then
            more = 1
            code = shape And 31
        ElseIf shape >= 128 Then
            code = 65533
        End If
        Do While more > 0
            If at > last Then
                code = 65533
                Exit Do
            End If
            If (content(at) And 192) <> 128 Then
                code = 65533
                Exit Do
            End If
            code = code * 64 + (content(at) And 63)
            at = at + 1
            more = more - 1
        Loop
        If code > 1114111 Then code = 65533
        If code >= 65536 Then
            code = code - 65536
            size = size + 1
            Mid$(out, size, 1) = ChrW$(55296 + code \ 1024)
            code = 56320 + (code And 1023)
        End If
        size = size + 1
        Mid$(out, size, 1) = ChrW$(code)
    Loop
    FromUtf8 = Left$(out, size)
End Function

Public Function UrlEncode(ByVal plain As String) As String
    ' Percent-encoded UTF-8; letters, digits and - . _ ~ stay.
    Dim out As String
    Dim at As Long
    Dim code As Long
    Dim low As Long
    at = 1
    Do While at <= Len(plain)
        code = AscW(Mid$(plain, at, 1)) And 65535
        If code >= 55296 And code < 56320 And at < Len(plain) Then
            low = AscW(Mid$(plain, at + 1, 1)) And 65535
            code = 65536 + (code - 55296) * 1024 + (low - 56320)
            at = at + 1
        End If
        out = out & EncodedCode(code)
        at = at + 1
    Loop
    UrlEncode = out
End Function

Public Function UrlDecode(ByVal encoded As String) As String
    ' What UrlEncode made, as it was.
    Dim bytes() As Byte
    Dim size As Long
    Dim at As Long
    UrlDecode = ""
    If Len(encoded) = 0 Then Exit Function
    ReDim bytes(0 To Len(encoded) - 1)
    at = 1
    Do While at <= Len(encoded)
        If Mid$(encoded, at, 1) = "%" Then
            bytes(size) = CByte(FromHex(Mid$(encoded, at + 1, 2)))
            at = at + 3
        Else
            bytes(size) = CByte(Asc(Mid$(encoded, at, 1)))
            at = at + 1
        End If
        size = size + 1
    Loop
    ReDim Preserve bytes(0 To size - 1)
    UrlDecode = FromUtf8(bytes)
End Function

Public Function Moment(ByVal iso As String) As Date
    ' 2026-11-21, 2026-11-21T08:30:05 (fractions and zone are left out); 0 for anything else.
    Dim found As Date
    found = 0
    If iso Like "####-##-##*" Then
        On Error Resume Next
        found = DateSerial(Val(Left$(iso, 4)), Val(Mid$(iso, 6, 2)), Val(Mid$(iso, 9, 2)))
        If Mid$(iso, 11) Like "[T ]##:##*" Then
            found = found + TimeSerial(Val(Mid$(iso, 12, 2)), Val(Mid$(iso, 15, 2)), Val(Mid$(iso, 18, 2)))
        End If
        On Error GoTo 0
    End If
    Moment = found
End Function

Public Function NewKey(ByVal at As Date) As String
    ' A name for one sending: nobody else makes the same, and later ones sort after earlier ones.
    Dim out As String
    Dim count As Long
    Randomize
    out = Year(at) & Two(Month(at)) & Two(Day(at)) & "T" & Two(Hour(at)) & Two(Minute(at)) & Two(Second(at)) & "-"
    For count = 1 To 20
        out = out & LCase$(Hex$(Int(Rnd * 16)))
    Next count
    NewKey = out
End Function

Public Function ServerAddress(ByVal typed As String) As String
    ' https://host[:port][/path] without a slash at the end; empty when it cannot be an address.
    Dim address As String
    Dim host As String
    ServerAddress = ""
    address = Trim$(typed)
    If InStr(address, "://") = 0 Then address = "https://" & address
    Do While Right$(address, 1) = "/"
        address = Left$(address, Len(address) - 1)
    Loop
    If LCase$(Left$(address, 8)) <> "https://" And LCase$(Left$(address, 7)) <> "http://" Then Exit Function
    host = Mid$(address, InStr(address, "://") + 3)
    If Len(host) = 0 Or host Like "*[ ""<>@?#\|^{}`]*" Then Exit Function
    ServerAddress = LCase$(Left$(address, InStr(address, "://") + 2)) & host
End Function

Public Function FileName(ByVal wanted As String) As String
    ' What of a text may stand in the name of a file.
    Dim at As Long
    Dim mark As String
    Dim out As String
    For at = 1 To Len(wanted)
        mark = Mid$(wanted, at, 1)
        If InStr("\/:*?""<>|", mark) > 0 Or (AscW(mark) And 65535) < 32 Then mark = "_"
        out = out & mark
    Next at
    FileName = out
End Function

Public Function FromHex(ByVal digits As String) As Long
    ' The number in hexadecimal digits; -1 when there is anything else.
    Dim found As Long
    Dim at As Long
    Dim digit As Long
    For at = 1 To Len(digits)
        digit = InStr("0123456789ABCDEF", UCase$(Mid$(digits, at, 1))) - 1
        If digit < 0 Then
            FromHex = -1
            Exit Function
        End If
        found = found * 16 + digit
    Next at
    FromHex = found
End Function

Private Function Two(ByVal number As Long) As String
    Two = Right$("0" & number, 2)
End Function

Private Function EncodedCode(ByVal code As Long) As String
    If code < 128 Then
        If Chr$(code) Like "[A-Za-z0-9._~-]" Then
            EncodedCode = Chr$(code)
        Else
            EncodedCode = Percent(code)
        End If
    ElseIf code < 2048 Then
        EncodedCode = Percent(192 + code \ 64) & Percent(128 + (code And 63))
    ElseIf code < 65536 Then
        EncodedCode = Percent(224 + code \ 4096) & Percent(128 + (code \ 64 And 63)) & Percent(128 + (code And 63))
    Else
        EncodedCode = Percent(240 + code \ 262144) & Percent(128 + (code \ 4096 And 63)) _
            & Percent(128 + (code \ 64 And 63)) & Percent(128 + (code And 63))
    End If
End Function

Private Function Percent(ByVal code As Long) As String
    Percent = "%" & Right$("0" & Hex$(code), 2)
End Function
