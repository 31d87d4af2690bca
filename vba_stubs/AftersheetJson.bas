Attribute VB_Name = "AftersheetJson"
' Reads JSON. An object becomes a Collection with the members' names as keys, an array a Collection in order.
' Pure: nothing but text goes in, so it can be tried in any program that runs Basic.
Option Explicit
Option Private Module

Private Const Deepest As Long = 40

Private source As String
Private place As Long
Private slash As Long ' the next backslash from place on; 0 for none
Private broken As Boolean

Public Function Parse(ByVal json As String) As Collection
    ' The object or array in json; Nothing when it is something else or damaged.
    Dim found As Variant
    Set Parse = Nothing
    source = json
    place = 1
    broken = False
    slash = InStr(1, source, "\")
    SkipBlanks
    If Letter() <> "{" And Letter() <> "[" Then Exit Function
    Set found = ReadCollection(1)
    SkipBlanks
    If place <= Len(source) Then broken = True
    If Not broken Then Set Parse = found
    source = ""
End Function

Public Function Text(ByVal holder As Collection, ByVal member As String) As String
    ' A member as text; empty when it is missing, null or no single value.
    Dim found As Variant
    Text = ""
    If holder Is Nothing Then Exit Function
    On Error Resume Next
    If IsObject(holder.Item(member)) Then Exit Function
    found = holder.Item(member)
    If Err.Number = 0 And Not IsNull(found) And Not IsEmpty(found) Then Text = CStr(found)
    On Error GoTo 0
End Function

Public Function Item(ByVal holder As Collection, ByVal member As String) As Variant
    ' A single value of any kind; Null when it is missing.
    Dim found As Variant
    found = Null
    If Not holder Is Nothing Then
        On Error Resume Next
        found = holder.Item(member)
        On Error GoTo 0
    End If
    Item = found
End Function

Public Function Inner(ByVal holder As Collection, ByVal member As String) As Collection
    ' A member that is an object or an array; Nothing when it is neither.
    Dim found As Collection
    Set found = Nothing
    If Not holder Is Nothing Then
        On Error Resume Next
        Set found = holder.Item(member)
        On Error GoTo 0
    End If
    Set Inner = found
End Function

Public Function Count(ByVal holder As Collection) As Long
    Count = 0
    If Not holder Is Nothing Then Count = holder.Count
End Function

Private Function ReadCollection(ByVal depth As Long) As Collection
    Dim made As Collection
    Dim member As String
    Dim ending As String
    Set made = New Collection
    ending = "]"
    If Letter() = "{" Then ending = "}"
    If depth > Deepest Then broken = True
    place = place + 1
    SkipBlanks
    If Letter() = ending Then
        place = place + 1
        Set ReadCollection = made
        Exit Function
    End If
    Do While Not broken
        SkipBlanks
        If ending = "}" Then
            If Letter() <> """" Then broken = True
            member = ReadText()
            SkipBlanks
            If Letter() <> ":" Then broken = True
            place = place + 1
            SkipBlanks
        End If
        If broken Then Exit Do
        If Letter() = "{" Or Letter() = "[" Then
            AddMember made, ending, member, ReadCollection(depth + 1)
        Else
            AddMember made, ending, member, ReadValue()
        End If
        SkipBlanks
        If Letter() = ending Then Exit Do
        If Letter() <> "," Then broken = True
        place = place + 1
    Loop
    place = place + 1
    Set ReadCollection = made
End Function

Private Sub AddMember(ByVal holder As Collection, ByVal ending As String, ByVal member As String, ByVal value As Variant)
    ' Keys that differ in case only are one to a Collection; ours never do, and the first stays.
    If ending = "]" Then
        holder.Add value
        Exit Sub
    End If
    On Error Resume Next
    holder.Add value, member
    On Error GoTo 0
End Sub

Private Function ReadValue() As Variant
    Dim start As Long
    If Letter() = """" Then
        ReadValue = ReadText()
    ElseIf Mid$(source, place, 4) = "true" Then
        ReadValue = True
        place = place + 4
    ElseIf Mid$(source, place, 5) = "false" Then
        ReadValue = False
        place = place + 5
    ElseIf Mid$(source, place, 4) = "null" Then
        ReadValue = Null
        place = place + 4
    Else
        start = place
        Do While place <= Len(source) And InStr("+-0123456789.eE", Mid$(source, place, 1)) > 0
            place = place + 1
        Loop
        If place = start Then broken = True
        ' Val reads a point whatever the regional settings say.
        ReadValue = Val(Mid$(source, start, place - start))
    End If
End Function

Private Function ReadText() As String
    Dim out As String
    Dim quote As Long
    If Letter() <> """" Then broken = True
    place = place + 1
    out = ""
    Do While Not broken
        quote = InStr(place, source, """")
        If quote = 0 Then
            broken = True
            Exit Do
        End If
        If slash > 0 And slash < place Then slash = InStr(place, source, "\")
        If slash = 0 Or slash > quote Then
            out = out & Mid$(source, place, quote - place)
            place = quote + 1
            Exit Do
        End If
        out = out & Mid$(source, place, slash - place)
        place = slash + 1
        out = out & ReadEscape()
    Loop
    ReadText = out
End Function

Private Function ReadEscape() As String
    Dim mark As String
    Dim digits As String
    mark = Letter()
    place = place + 1
    Select Case mark
        Case "n": ReadEscape = vbLf
        Case "r": ReadEscape = vbCr
        Case "t": ReadEscape = vbTab
        Case "b": ReadEscape = Chr$(8)
        Case "f": ReadEscape = Chr$(12)
        Case "u"
            digits = Mid$(source, place, 4)
            place = place + 4
            If Len(digits) < 4 Or AftersheetText.FromHex(digits) < 0 Then broken = True
            If Not broken Then ReadEscape = ChrW$(AftersheetText.FromHex(digits))
        Case """", "\", "/": ReadEscape = mark
        Case Else: broken = True
    End Select
End Function

Private Function Letter() As String
    Letter = Mid$(source, place, 1)
End Function

Private Sub SkipBlanks()
    Do While place <= Len(source)
        Select Case Asc(Mid$(source, place, 1))
            Case 32, 9, 10, 13: place = place + 1
            Case Else: Exit Do
        End Select
    Loop
End Sub
