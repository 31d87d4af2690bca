"""The macros of the .xlsm workbooks as text: ASCII, CRLF, one file per module."""
