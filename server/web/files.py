"""Downloads: always attachments, with names people recognise."""

from io import BytesIO

from flask import Response, send_file

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(content: bytes, name: str) -> Response:
    """*content* as a download called *name*.xlsx."""
    return attachment(content, f"{name}.xlsx", XLSX)


def attachment(content: bytes, filename: str, media_type: str) -> Response:
    """*content* as a download; slashes and control characters never reach the file name."""
    safe = "".join("_" if char in '\\/:*?"<>|' or ord(char) < 32 else char for char in filename).strip(". ")
    return send_file(BytesIO(content), media_type, as_attachment=True, download_name=safe or "file")
